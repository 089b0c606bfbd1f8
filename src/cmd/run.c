/* A run, in the order that makes it sound: surroundings first (chamber, internet), then the recorder, and only then the
 * product; at the end the product dies first, then the recorder is drained, and what is left on disk is read last. So
 * nothing of the product is ever unobserved, and every file of the run is complete when the next stage reads it. */
#include "run.h"

#include <fcntl.h>
#include <sys/utsname.h>
#include <time.h>

#include "cbor.h"
#include "fs.h"
#include "program.h"

/* The recorder is polled this often: a wake-up per event would cost half as much again as the scan itself. */
#define POLL_MS 4
/* What the first process leaves behind may end by itself for this long before it is killed. */
#define LINGER_NS 2000000000ull
#define OUTPUT_MAX (4u << 20)
#define NS_PER_S 1000000000ull

struct run {
	const struct hm_run_spec *spec;
	struct hm_chamber *chamber;
	struct hm_internet *internet;
	struct hm_capture *capture;
	struct hm_record_writer *record;
	struct hm_bytes item;
	uint64_t base, user_seq, synced, output;
	int out[2];
	struct hm_run_result *result;
};

static void release(struct run *run)
{
	hm_capture_close(run->capture);
	hm_internet_close(run->internet);
	hm_chamber_close(run->chamber);
	hm_record_abandon(run->record);
	hm_bytes_release(&run->item);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static int keep(void *cookie, const struct hm_event *event, struct hm_fail *fail)
{
	struct run *run = cookie;

	run->item.len = 0;
	hm_event_encode(&run->item, event);
	return hm_record_append(run->record, hm_slice_of(&run->item), event->time, fail);
}

/* From the recorder. What it says itself (gaps) has no number yet: it counts among our own events. */
static int take_event(void *cookie, const struct hm_event *event, struct hm_fail *fail)
{
	struct run *run = cookie;
	struct hm_event own;

	if (event->cpu != HM_CPU_USER)
		return keep(run, event, fail);
	own = *event;
	own.seq = run->user_seq++;
	return keep(run, &own, fail);
}

/* An event of our own: CPU number and sequence mark it as such. */
static int say(struct run *run, struct hm_event *event, struct hm_fail *fail)
{
	event->cpu = HM_CPU_USER;
	event->seq = run->user_seq++;
	event->time = now_ns() - run->base;
	return keep(run, event, fail);
}

static int say_start(struct run *run, struct hm_fail *fail)
{
	struct hm_event event = { .kind = HM_EV_START };
	struct utsname name;

	uname(&name);
	event.field[HM_START_VERSION].u = HM_EVENT_VERSION;
	event.field[HM_START_PLAN].b = run->spec->plan;
	event.field[HM_START_RUN].u = run->spec->number;
	event.field[HM_START_KERNEL].b = hm_slice_text(name.release);
	event.field[HM_START_CPUS].u = (uint64_t)sysconf(_SC_NPROCESSORS_CONF);
	event.field[HM_START_WITNESSES].b = hm_slice_text(hm_capture_witnesses());
	return say(run, &event, fail);
}

static int say_gap(struct run *run, enum hm_gap_source source, uint64_t count, struct hm_fail *fail)
{
	struct hm_event event = { .kind = HM_EV_GAP };

	event.field[HM_GAP_SOURCE].u = source;
	event.field[HM_GAP_FROM_CPU].u = HM_CPU_USER;
	event.field[HM_GAP_COUNT].u = count;
	return say(run, &event, fail);
}

static int say_end(struct run *run, struct hm_fail *fail)
{
	const struct hm_run_result *result = run->result;
	struct hm_event event = { .kind = HM_EV_END };

	event.field[HM_END_OUTCOME].u = (uint64_t)result->chamber.outcome;
	event.field[HM_END_STATUS].u = (uint64_t)result->chamber.status;
	event.field[HM_END_PRODUCED].u = result->capture.produced;
	event.field[HM_END_LOST].u = result->capture.lost;
	event.field[HM_END_PACKETS].u = result->internet.packets;
	event.field[HM_END_PACKETS_LOST].u = result->internet.lost;
	event.field[HM_END_EGRESS_PACKETS].u = result->capture.egress_packets;
	event.field[HM_END_EGRESS_BYTES].u = result->capture.egress_bytes;
	return say(run, &event, fail);
}

/* Takes what the product printed; 1 while its end is open. */
static int take_output(struct run *run, int stream, struct hm_fail *fail)
{
	uint8_t chunk[4096];
	ssize_t n;

	while ((n = read(run->out[stream - 1], chunk, sizeof(chunk))) > 0) {
		struct hm_event event = { .kind = HM_EV_OUTPUT };
		size_t fits = run->output < OUTPUT_MAX ? OUTPUT_MAX - run->output : 0;

		if (run->spec->echo && hm_fs_write_all(stream, (struct hm_slice){ chunk, (size_t)n }, fail) < 0)
			return fail->code;
		if ((size_t)n < fits)
			fits = (size_t)n;
		run->output += fits;
		run->result->output_cut += (size_t)n - fits;
		event.field[HM_OUTPUT_STREAM].u = (uint64_t)stream;
		event.field[HM_OUTPUT_DATA].b = (struct hm_slice){ chunk, fits };
		if (fits && say(run, &event, fail) < 0)
			return fail->code;
	}
	return 0;
}

static int step(struct run *run, int timeout_ms, struct hm_fail *fail)
{
	uint64_t now = now_ns();
	int r = hm_capture_poll(run->capture, timeout_ms, fail);

	for (int stream = 1; r >= 0 && stream <= 2; stream++)
		r = take_output(run, stream, fail);
	if (r >= 0 && now - run->synced > NS_PER_S) {
		run->synced = now;
		r = hm_record_sync(run->record, fail);
	}
	return r < 0 ? r : 0;
}

static bool cgroup_empty(const struct run *run)
{
	char text[256];
	uint64_t id;
	HM_CLOSE int fd = openat(hm_chamber_cgroup(run->chamber, &id), "cgroup.events", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n < 0)
		return true;
	text[n] = 0;
	return strstr(text, "populated 0") != NULL;
}

static void progress(const struct run *run, uint64_t begun, uint64_t *shown)
{
	uint64_t now = now_ns();

	if (run->spec->echo || !isatty(STDERR_FILENO) || now - begun < NS_PER_S || now - *shown < NS_PER_S / 4)
		return;
	*shown = now;
	fprintf(stderr, "\rhallmark: run %llu: %llu s ", (unsigned long long)run->spec->number,
		(unsigned long long)((now - begun) / NS_PER_S));
}

/* Follows the product until it and what it left running have ended, its time is up, or we are told to stop. */
static int follow(struct run *run, int *outcome, struct hm_fail *fail)
{
	uint64_t begun = now_ns(), limit = run->spec->time_limit_s * NS_PER_S, ended = 0, shown = 0;

	*outcome = HM_OUTCOME_EXITED;
	for (;;) {
		uint64_t now;
		int r = step(run, POLL_MS, fail);

		if (r < 0)
			return r;
		now = now_ns();
		if (!ended && hm_chamber_ended(run->chamber, &run->result->chamber))
			ended = now;
		if (ended && (cgroup_empty(run) || now - ended > LINGER_NS))
			break;
		if (hm_program_stopped())
			*outcome = HM_OUTCOME_INTERRUPTED;
		else if (!ended && limit && now - begun > limit)
			*outcome = HM_OUTCOME_TIMEOUT;
		if (*outcome != HM_OUTCOME_EXITED)
			break;
		progress(run, begun, &shown);
	}
	if (shown)
		fprintf(stderr, "\r\033[K");
	return 0;
}

struct tree {
	struct hm_record_writer *writer;
	struct hm_bytes item;
};

static int keep_entry(void *cookie, const struct hm_chamber_entry *entry, struct hm_fail *fail)
{
	struct tree *tree = cookie;

	tree->item.len = 0;
	hm_cbor_array(&tree->item, 8);
	hm_cbor_bytes(&tree->item, entry->path);
	hm_cbor_uint(&tree->item, (uint8_t)entry->type);
	hm_cbor_uint(&tree->item, entry->mode);
	hm_cbor_uint(&tree->item, entry->uid);
	hm_cbor_uint(&tree->item, entry->gid);
	hm_cbor_uint(&tree->item, entry->size);
	hm_cbor_bytes(&tree->item, (struct hm_slice){ entry->sha256, entry->hashed ? sizeof(entry->sha256) : 0 });
	hm_cbor_bytes(&tree->item, entry->link);
	return hm_record_append(tree->writer, hm_slice_of(&tree->item), 0, fail);
}

static int write_tree(struct run *run, struct hm_fail *fail)
{
	struct tree tree = { 0 };
	int r;

	if (!run->spec->tree)
		return 0;
	r = hm_record_create(&tree.writer, run->spec->tree, HM_RECORD_TREE, fail);
	if (r < 0)
		return r;
	r = hm_chamber_tree(run->chamber, keep_entry, &tree, fail);
	hm_bytes_release(&tree.item);
	if (r < 0) {
		hm_record_abandon(tree.writer);
		return r;
	}
	return hm_record_finish(tree.writer, NULL, fail);
}

static int set_up(struct run *run, struct hm_fail *fail)
{
	struct hm_internet_spec net = { .mode = run->spec->mode, .scenario = run->spec->scenario, .mirror = run->spec->mirror,
					.packets = run->spec->packets };
	struct hm_capture_spec capture = { .sink = take_event, .cookie = run };
	int r = hm_chamber_open(&run->chamber, &run->spec->chamber, fail);

	if (r < 0)
		return r;
	hm_chamber_absent(run->chamber, &run->result->absent);
	net.chamber = hm_chamber_pid(run->chamber);
	r = hm_internet_open(&run->internet, &net, fail);
	if (r == 0)
		r = hm_record_create(&run->record, run->spec->record, HM_RECORD_EVENTS, fail);
	if (r < 0)
		return r;
	run->base = now_ns();
	run->synced = run->base;
	capture.base = run->base;
	capture.cgroup = hm_chamber_cgroup(run->chamber, &capture.cgroup_id);
	r = hm_capture_open(&run->capture, &capture, fail);
	return r < 0 ? r : say_start(run, fail);
}

/* The product is dead: drain every source, note what is missing, close the files. */
static int wind_up(struct run *run, struct hm_fail *fail)
{
	struct hm_run_result *result = run->result;
	int r = 0;

	for (int stream = 1; r == 0 && stream <= 2; stream++)
		r = take_output(run, stream, fail);
	if (r == 0)
		r = hm_capture_stop(run->capture, &result->capture, fail);
	if (r == 0)
		r = hm_internet_stop(run->internet, &result->internet, fail);
	if (r == 0)
		r = write_tree(run, fail);
	if (r == 0 && result->internet.lost)
		r = say_gap(run, HM_GAP_PACKETS, result->internet.lost, fail);
	if (r == 0 && result->output_cut)
		r = say_gap(run, HM_GAP_OUTPUT, result->output_cut, fail);
	if (r == 0)
		r = say_end(run, fail);
	if (r == 0)
		r = hm_record_finish(run->record, &result->record, fail);
	else
		hm_record_abandon(run->record);
	run->record = NULL;
	return r;
}

int hm_run(struct hm_run_result *result, const struct hm_run_spec *spec, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct run run = { .spec = spec, .result = result, .out = { -1, -1 } };
	int outcome, r;

	*result = (struct hm_run_result){ 0 };
	r = set_up(&run, fail);
	if (r == 0)
		r = hm_chamber_go(run.chamber, &run.out[0], &run.out[1], fail);
	if (r == 0)
		r = follow(&run, &outcome, fail);
	if (r == 0)
		r = hm_chamber_kill(run.chamber, outcome, &result->chamber, fail);
	if (r == 0)
		r = wind_up(&run, fail);
	if (r == 0 && outcome == HM_OUTCOME_INTERRUPTED)
		r = hm_fail_set(fail, HM_E_INTERRUPTED, "interrupted in run %llu: the product was killed",
				(unsigned long long)spec->number);
	return r;
}
