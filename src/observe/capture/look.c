/* Reads the iterators of bpf/look.bpf.c: all tasks first, then the descriptors and mappings of each process that was among
 * them. It happens while these go on running: what a look tells holds for the time that each event carries, and a process
 * that ends in between has no descriptors left to tell.
 *
 * The kernel shows an object once for each task that has it. Of a process's tasks it leaves out those that share the leader's
 * descriptors, but not where the leader has ended, nor where they share memory alone. So each event comes with what stands for
 * its table and its place there: places of one table rise, and what does not lie behind the last one was told already. */
#include "loaded.h"

#include <errno.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "look.skel.h"

#define CHUNK 65536
#define EVENT_MAX 16384 /* more than an event of a look can have */

struct table {
	uint64_t which, last;
};

struct hm_look {
	struct look_bpf *skel;
};

/* One look. */
struct turn {
	const struct hm_capture_spec *spec;
	uint64_t number;
	uint64_t count[HM_EV_COUNT];
	uint32_t *processes; /* as this pid namespace numbers them, once each */
	size_t processes_count;
	struct table *tables; /* of the process that is looked at */
	size_t tables_count;
};

/* Whether this place was not told yet. */
static bool is_new(struct turn *turn, uint64_t which, uint64_t place)
{
	struct table *table = NULL;
	bool new;

	for (size_t i = 0; i < turn->tables_count && !table; i++)
		if (turn->tables[i].which == which)
			table = &turn->tables[i];
	if (!table) {
		turn->tables = hm_realloc(turn->tables, turn->tables_count + 1, sizeof(*turn->tables));
		table = &turn->tables[turn->tables_count++];
		*table = (struct table){ which, place };
		return true;
	}
	new = place > table->last;
	if (new)
		table->last = place;
	return new;
}

/* Tasks come in the order of their numbers, those of one process not necessarily one behind the other. */
static void note_process(struct turn *turn, uint32_t number)
{
	for (size_t i = turn->processes_count; i > 0; i--)
		if (turn->processes[i - 1] == number)
			return;
	if (!(turn->processes_count & (turn->processes_count - 1)))
		turn->processes = hm_realloc(turn->processes, turn->processes_count ? turn->processes_count * 2 : 1,
					     sizeof(*turn->processes));
	turn->processes[turn->processes_count++] = number;
}

static int take_row(struct turn *turn, struct hm_slice raw, struct hm_fail *fail)
{
	struct hm_event event;
	int r = hm_event_from_raw(&event, raw, turn->spec->base, fail);

	if (r < 0)
		return r;
	if (event.kind == HM_EV_ALIVE && event.tid)
		note_process(turn, event.tid);
	else if (!is_new(turn, event.seq, event.tseq))
		return 0;
	event.tid = 0;
	event.seq = event.tseq = 0;
	event.field[HM_ALIVE_LOOK].u = turn->number; /* the first field of the other two as well */
	turn->count[event.kind]++;
	return turn->spec->sink(turn->spec->cookie, &event, fail);
}

_Static_assert(HM_ALIVE_LOOK == 0 && HM_HELD_LOOK == 0 && HM_MAPPED_LOOK == 0, "LOOK is their first field");

/* Hands over the rows that are there whole, and keeps the rest. */
static int take_rows(struct turn *turn, struct hm_bytes *bytes, struct hm_fail *fail)
{
	size_t at = 0;
	uint32_t len;
	int r = 0;

	while (r == 0 && bytes->len - at >= sizeof(len)) {
		memcpy(&len, bytes->data + at, sizeof(len));
		if (len > EVENT_MAX)
			return hm_fail_set(fail, HM_E_BAD, "looking at what lives: an event of %u bytes", len);
		if (bytes->len - at - sizeof(len) < len)
			break;
		r = take_row(turn, (struct hm_slice){ bytes->data + at + sizeof(len), len }, fail);
		at += sizeof(len) + len;
	}
	memmove(bytes->data, bytes->data + at, bytes->len - at);
	bytes->len -= at;
	return r;
}

static int read_iterator(struct turn *turn, int iterator, const char *of, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };
	int r = 0;

	for (;;) {
		ssize_t n = read(iterator, hm_bytes_reserve(&bytes, CHUNK), CHUNK);

		if (n < 0 && (errno == EINTR || errno == EAGAIN))
			continue;
		if (n < 0)
			return hm_fail_errno(fail, "looking at %s", of);
		if (n == 0)
			break;
		bytes.len += (size_t)n;
		r = take_rows(turn, &bytes, fail);
		if (r)
			return r;
	}
	return bytes.len ? hm_fail_set(fail, HM_E_BAD, "looking at %s: the last one is cut short", of) : 0;
}

/* All that `program` finds: of the process `number`, or of every task when that is 0. */
static int run(struct turn *turn, struct bpf_program *program, uint32_t number, const char *of, struct hm_fail *fail)
{
	union bpf_iter_link_info info = { .task = { .pid = number } };
	LIBBPF_OPTS(bpf_link_create_opts, options, .iter_info = &info, .iter_info_len = sizeof(info));
	HM_CLOSE int link = bpf_link_create(bpf_program__fd(program), 0, BPF_TRACE_ITER, number ? &options : NULL);
	HM_CLOSE int iterator = -1;

	if (link < 0)
		return hm_fail_errno(fail, "looking at %s", of);
	iterator = bpf_iter_create(link);
	if (iterator < 0)
		return hm_fail_errno(fail, "looking at %s", of);
	turn->tables_count = 0;
	return read_iterator(turn, iterator, of, fail);
}

static int tell_end(const struct turn *turn, enum hm_look_when when, struct hm_fail *fail)
{
	struct hm_event event = { .kind = HM_EV_LOOK, .cpu = HM_CPU_USER,
				  .time = hm_capture_now() - turn->spec->base };

	event.field[HM_LOOK_LOOK].u = turn->number;
	event.field[HM_LOOK_WHEN].u = when;
	event.field[HM_LOOK_TASKS].u = turn->count[HM_EV_ALIVE];
	event.field[HM_LOOK_FILES].u = turn->count[HM_EV_HELD];
	event.field[HM_LOOK_MAPPINGS].u = turn->count[HM_EV_MAPPED];
	return turn->spec->sink(turn->spec->cookie, &event, fail);
}

static void release(struct turn *turn)
{
	free(turn->processes);
	free(turn->tables);
}

int hm_look_take(const struct hm_look *look, const struct hm_capture_spec *spec, uint64_t number, enum hm_look_when when,
		 struct hm_fail *fail)
{
	HM_CLEANUP(release) struct turn turn = { .spec = spec, .number = number };
	int r = run(&turn, look->skel->progs.look_tasks, 0, "tasks", fail);

	for (size_t i = 0; r == 0 && i < turn.processes_count; i++) {
		r = run(&turn, look->skel->progs.look_files, turn.processes[i], "descriptors", fail);
		if (r == 0)
			r = run(&turn, look->skel->progs.look_mappings, turn.processes[i], "mappings", fail);
	}
	return r == 0 ? tell_end(&turn, when, fail) : r;
}

/* Of the recorder's maps only what is used here is made. */
static void leave_out_maps(struct look_bpf *skel)
{
	struct bpf_map *map;

	bpf_object__for_each_map(map, skel->obj)
		if (!bpf_map__is_internal(map) && map != skel->maps.scratches && map != skel->maps.tasks)
			bpf_map__set_autocreate(map, false);
}

int hm_look_open(struct hm_look **ret, int tasks, bool can_cast, struct hm_fail *fail)
{
	struct look_bpf *skel;
	int r;

	hm_libbpf_quiet();
	skel = look_bpf__open();
	if (!skel)
		return hm_fail_set(fail, HM_E_SYSTEM, "opening the iterators: %s", hm_libbpf_said(errno));
	leave_out_maps(skel);
	skel->rodata->can_cast = can_cast;
	r = bpf_map__reuse_fd(skel->maps.tasks, tasks);
	if (r == 0)
		r = look_bpf__load(skel);
	if (r < 0) {
		hm_fail_set(fail, HM_E_SYSTEM, "loading the iterators: %s", hm_libbpf_said(-r));
		look_bpf__destroy(skel);
		return hm_fail_advise(fail, "see hallmark doctor");
	}
	*ret = hm_alloc(1, sizeof(**ret));
	(*ret)->skel = skel;
	return 0;
}

void hm_look_at(struct hm_look *look, uint64_t cgroup_id)
{
	look->skel->bss->order.scope_id = cgroup_id;
}

int hm_look_forget(struct hm_look *look, struct hm_fail *fail)
{
	hm_look_at(look, 0);
	return hm_capture_zero(look->skel->maps.scratches, fail);
}

void hm_look_close(struct hm_look *look)
{
	if (!look)
		return;
	look_bpf__destroy(look->skel);
	free(look);
}
