/* A run, in the order that makes it sound: surroundings first (chamber, internet), then the recorder, and only then the
 * product; at the end the product dies first, then the recorder is drained, and what is left on disk is read last. So
 * nothing of the product is ever unobserved, and every file of the run is complete when the next stage reads it. */
#include "run.h"

#include <time.h>

#include "cbor.h"
#include "fs.h"
#include "group.h"
#include "program.h"
#include "recording.h"

/* What the first process leaves behind may end by itself for this long before it is killed. */
#define LINGER_MS 2000
#define NS_PER_MS 1000000ull
#define OUTPUT_MAX (4u << 20)
#define NS_PER_S 1000000000ull

struct run {
	const struct hm_run_spec *spec;
	struct hm_chamber *chamber;
	struct hm_internet *internet;
	struct hm_recording recording;
	struct hm_capture_loaded *own;
	uint64_t output;
	int out[2];
	struct hm_run_result *result;
};

static void release(struct run *run)
{
	hm_recording_release(&run->recording);
	hm_internet_close(run->internet);
	hm_capture_unload(run->own);
	hm_chamber_close(run->chamber);
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static int say_end(struct run *run, struct hm_fail *fail)
{
	struct hm_run_result *result = run->result;
	struct hm_event end = { 0 };

	end.field[HM_END_OUTCOME].u = (uint64_t)result->chamber.outcome;
	end.field[HM_END_STATUS].u = (uint64_t)result->chamber.status;
	end.field[HM_END_PACKETS].u = result->internet.packets;
	end.field[HM_END_PACKETS_LOST].u = result->internet.lost;
	return hm_recording_end(&run->recording, &end, &result->capture, &result->record, fail);
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
		if (fits && hm_recording_say(&run->recording, &event, fail) < 0)
			return fail->code;
	}
	return 0;
}

static int step(struct run *run, struct hm_fail *fail)
{
	int r = hm_recording_step(&run->recording, fail);

	for (int stream = 1; r >= 0 && stream <= 2; stream++)
		r = take_output(run, stream, fail);
	return r < 0 ? r : 0;
}

static bool anything_lives(const struct run *run)
{
	uint64_t id;

	return hm_group_populated(hm_chamber_cgroup(run->chamber, &id));
}

/* Follows the product until it and what it left running have ended, its time is up, or we are told to stop. */
static int follow(struct run *run, int *outcome, struct hm_fail *fail)
{
	HM_FREE char *what = run->spec->number ? hm_sprintf("run %llu", (unsigned long long)run->spec->number) : hm_strdup("self-test");
	uint64_t begun = now_ns(), limit = run->spec->time_limit_s * NS_PER_S, ended = 0;
	uint64_t linger = (run->spec->linger_ms ? run->spec->linger_ms : LINGER_MS) * NS_PER_MS;
	int r = 0;

	*outcome = HM_OUTCOME_EXITED;
	while (*outcome == HM_OUTCOME_EXITED && (r = step(run, fail)) == 0) {
		uint64_t now = now_ns();

		if (!ended && hm_chamber_ended(run->chamber, &run->result->chamber))
			ended = now;
		if (ended && (!anything_lives(run) || now - ended > linger))
			break;
		if (hm_program_stopped())
			*outcome = HM_OUTCOME_INTERRUPTED;
		else if (!ended && limit && now - begun > limit)
			*outcome = HM_OUTCOME_TIMEOUT;
		if (!run->spec->echo && !run->spec->silent)
			hm_recording_progress(&run->recording, what, false);
	}
	hm_recording_progress(&run->recording, what, true);
	return r < 0 ? r : hm_recording_look(&run->recording, HM_LOOK_END, fail);
}

struct tree {
	struct hm_record_writer *writer;
	struct hm_bytes item;
};

static int keep_entry(void *cookie, const struct hm_chamber_entry *entry, struct hm_fail *fail)
{
	struct tree *tree = cookie;

	tree->item.len = 0;
	hm_cbor_array(&tree->item, entry->more.len ? 9 : 8);
	hm_cbor_bytes(&tree->item, entry->path);
	hm_cbor_uint(&tree->item, (uint8_t)entry->type);
	hm_cbor_uint(&tree->item, entry->mode);
	hm_cbor_uint(&tree->item, entry->uid);
	hm_cbor_uint(&tree->item, entry->gid);
	hm_cbor_uint(&tree->item, entry->size);
	hm_cbor_bytes(&tree->item, (struct hm_slice){ entry->sha256, entry->hashed ? sizeof(entry->sha256) : 0 });
	hm_cbor_bytes(&tree->item, entry->link);
	if (entry->more.len)
		hm_cbor_bytes(&tree->item, entry->more);
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
					.network = run->spec->network,
					.secret = run->spec->secret, .noise = run->spec->noise, .clock = run->spec->clock,
					.wrong = run->spec->wrong,
					.mac = run->spec->mac, .address = run->spec->address, .packets = run->spec->packets };
	struct hm_recording_spec recording = { .record = run->spec->record, .plan = run->spec->plan, .number = run->spec->number,
					       .packets = true, .without = run->spec->without };
	struct hm_capture_loaded **loaded = run->spec->loaded ? run->spec->loaded : &run->own;
	int r = hm_chamber_open(&run->chamber, &run->spec->chamber, fail);

	if (r < 0)
		return r;
	hm_chamber_absent(run->chamber, &run->result->absent);
	r = hm_capture_load(loaded, &(struct hm_capture_spec){ .without = run->spec->without }, fail);
	if (r < 0)
		return r;
	recording.loaded = *loaded;
	net.wire = hm_capture_wire(*loaded);
	net.chamber = hm_chamber_pid(run->chamber);
	recording.cgroup = net.product = hm_chamber_cgroup(run->chamber, &recording.cgroup_id);
	r = hm_internet_open(&run->internet, &net, fail);
	if (r < 0)
		return r;
	recording.wire_room = hm_internet_room(run->internet);
	return hm_recording_open(&run->recording, &recording, fail);
}

/* The product is dead: the recorder is drained and let go. What is left to do, others need not wait for. */
static int stop_recorder(struct run *run, struct hm_fail *fail)
{
	int r = hm_capture_stop(run->recording.capture, &run->result->capture, fail);

	if (r < 0)
		return r;
	hm_recording_detach(&run->recording);
	return run->spec->dead ? run->spec->dead(run->spec->cookie, fail) : 0;
}

/* Drains every source, notes what is missing, closes the files. */
static int wind_up(struct run *run, struct hm_fail *fail)
{
	struct hm_run_result *result = run->result;
	int r = 0;

	for (int stream = 1; r == 0 && stream <= 2; stream++)
		r = take_output(run, stream, fail);
	hm_chamber_controlled(run->chamber, &result->controlled);
	if (r == 0)
		r = stop_recorder(run, fail);
	if (r == 0)
		r = hm_internet_stop(run->internet, &result->internet, fail);
	if (r == 0)
		r = write_tree(run, fail);
	if (r == 0 && result->internet.lost)
		r = hm_recording_gap(&run->recording, HM_GAP_PACKETS, result->internet.lost, fail);
	if (r == 0 && result->output_cut)
		r = hm_recording_gap(&run->recording, HM_GAP_OUTPUT, result->output_cut, fail);
	if (r == 0)
		r = say_end(run, fail);
	return r;
}

/* `left`: where the chamber is put when all went well, its product dead; NULL: it is closed. */
static int one_run(struct hm_run_result *result, const struct hm_run_spec *spec, struct hm_chamber **left, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct run run = { .spec = spec, .result = result, .out = { -1, -1 } };
	int outcome, r;

	*result = (struct hm_run_result){ 0 };
	r = set_up(&run, fail);
	if (r == 0 && spec->ready)
		r = spec->ready(spec->cookie, fail);
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
	if (r == 0 && left)
		*left = hm_take_ptr(&run.chamber);
	return r;
}

int hm_run(struct hm_run_result *result, const struct hm_run_spec *spec, struct hm_fail *fail)
{
	return one_run(result, spec, NULL, fail);
}

int hm_run_twice(struct hm_run_result results[2], const struct hm_run_spec *first, const struct hm_run_spec *second, struct hm_fail *fail)
{
	struct hm_run_spec before = *first, after = *second;
	int r;

	before.dead = NULL;
	after.dead = first->dead;
	after.cookie = first->cookie;

	results[1] = (struct hm_run_result){ 0 };
	r = one_run(&results[0], &before, &after.chamber.after, fail);
	return r < 0 ? r : one_run(&results[1], &after, NULL, fail);
}
