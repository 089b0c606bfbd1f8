#pragma once
/* A record and a packet file of a self-test in which every way was seen, made by hand from the table of ways: each event stands
 * there because a row needs it, and knows which. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "fs.h"
#include "pcapng.h"
#include "record.h"
#include "selftest_internal.h"

#define WITNESSES "read:direct,page-cache,syscall send:cgroup_skb,packet,socket,syscall"
#define FIRST 1000u /* tgid of the first process; way N has FIRST + 1 + N */
#define TARGET "/srv/documents"

struct scene {
	char folder[64];
	struct hm_selftest *test;
	const char *witnesses;
	struct hm_event event[512];
	size_t way[512]; /* the row that needs the event */
	size_t count;
	size_t frame[128]; /* ways whose packet is in the file */
	size_t frames;
	struct hm_bytes said;
	size_t record_way;
	/* what to do to them when they are written */
	size_t drop, drop_frame; /* SIZE_MAX: nothing */
	size_t wrong_nonce;	 /* way whose packet has another payload */
	size_t bare;		 /* way to which the kernel sent by itself */
	size_t again;		 /* way whose packet is in the file once more, and owned by nobody */
	bool hole;		 /* what is dropped leaves its number behind */
	bool cut;		 /* no end of the file */
	struct hm_selftest_row rows[HM_SELFTEST_ROWS];
	size_t row_count;
	int result;
};

static inline size_t way_named(const char *name)
{
	for (size_t way = 0; way < hm_way_count; way++)
		if (strcmp(hm_ways[way].name, name) == 0)
			return way;
	fail_msg("no way is called %s", name);
	return 0;
}

static inline struct hm_event *add(struct scene *s, size_t way, enum hm_kind kind)
{
	assert_true(s->count < HM_COUNT(s->event));
	s->way[s->count] = way;
	s->event[s->count] = (struct hm_event){ .kind = (uint16_t)kind, .time = s->count, .tgid = FIRST + 1 + (uint32_t)way,
						.tid = FIRST + 1 + (uint32_t)way };
	return &s->event[s->count++];
}

static inline struct hm_event *add_own(struct scene *s, size_t way, enum hm_kind kind)
{
	struct hm_event *e = add(s, way, kind);

	e->cpu = HM_CPU_USER;
	e->tgid = e->tid = 0;
	return e;
}

/* dev, ino and gen of a file stand side by side in every kind. */
static inline void set_file(struct hm_event *e, size_t dev_field, const struct scene *s, size_t way)
{
	e->field[dev_field].u = 8 << 20;
	e->field[dev_field + 1].u = s->test->nonce[way].ino ? s->test->nonce[way].ino : 999983;
	e->field[dev_field + 2].u = 77;
}

static inline struct hm_slice path_of(const struct scene *s, size_t way)
{
	static char path[64][256];

	snprintf(path[way], sizeof(path[way]), "%s/%s", hm_ways[way].planted ? HM_PLANTED_FOLDER : s->test->target, hm_ways[way].name);
	return hm_slice_text(path[way]);
}

static inline void add_open(struct scene *s, size_t way)
{
	struct hm_event *e = add(s, way, HM_EV_OPEN);

	e->field[HM_OPEN_NR].u = hm_ways[way].opened_by ? hm_ways[way].opened_by : SYS_openat;
	set_file(e, HM_OPEN_DEV, s, way);
	e->field[HM_OPEN_PATH].b = path_of(s, way);
}

static inline void add_bytes_read(struct scene *s, size_t way, uint64_t offset, uint64_t bytes)
{
	struct hm_event *e = add(s, way, HM_EV_READ);

	e->field[HM_READ_NR].u = hm_ways[way].nr;
	set_file(e, HM_READ_DEV, s, way);
	e->field[HM_READ_OFFSET].u = offset;
	e->field[HM_READ_BYTES].u = bytes;
}

static inline unsigned page_kind(const struct scene *s, size_t way)
{
	unsigned by = hm_ways[way].by;

	if (strstr(s->witnesses, "page-cache-add") && !(by & 1u << HM_PAGES_DIRECT))
		return HM_PAGES_ADD;
	for (unsigned i = 0; i < 8; i++)
		if (by & 1u << i)
			return i;
	return 0;
}

static inline void add_read(struct scene *s, size_t way)
{
	const struct hm_way *w = &hm_ways[way];
	struct hm_event *e;

	add_open(s, way);
	if (w->memory) {
		e = add(s, way, HM_EV_OPEN);
		e->field[HM_OPEN_DEV].u = 5;
		e->field[HM_OPEN_INO].u = 6;
		e->field[HM_OPEN_PATH].b = HM_SLICE("/proc/47/mem");
		add_bytes_read(s, way, 0x7f0000001000, w->bytes);
		s->event[s->count - 1].field[HM_READ_DEV].u = 5;
		s->event[s->count - 1].field[HM_READ_INO].u = 6;
	} else if (w->nr == SYS_mmap) {
		e = add(s, way, HM_EV_MAP);
		e->field[HM_MAP_NR].u = w->nr;
		set_file(e, HM_MAP_DEV, s, way);
		e->field[HM_MAP_OFFSET].u = w->at;
		e->field[HM_MAP_LENGTH].u = w->bytes;
	} else {
		add_bytes_read(s, way, w->at, w->bytes);
	}
	if (!strstr(s->witnesses, "page-cache"))
		return;
	e = add(s, way, HM_EV_PAGES);
	e->field[HM_PAGES_BY].u = page_kind(s, way);
	set_file(e, HM_PAGES_DEV, s, way);
	e->field[HM_PAGES_OFFSET].u = PAGE_AT;
	e->field[HM_PAGES_LENGTH].u = PAGE_BYTES;
	e->field[HM_PAGES_TIMES].u = 1;
}

static inline struct hm_slice address_of(const struct scene *s, size_t way, bool closed)
{
	static uint8_t address[64][HM_NAME_BYTES];

	if (hm_ways[way].act == hm_send_unix) {
		address[way][0] = 0;
		memcpy(address[way] + 1, s->test->nonce[way].bytes, HM_NAME_BYTES - 1);
		return (struct hm_slice){ address[way], HM_NAME_BYTES };
	}
	hm_way_address(address[way], way, closed);
	return (struct hm_slice){ address[way], 4 };
}

static inline void add_send(struct scene *s, size_t way)
{
	const struct hm_way *w = &hm_ways[way];
	struct hm_event *e;

	for (unsigned i = 0; i < (w->times ? w->times : 1); i++) {
		e = add(s, way, HM_EV_SEND);
		e->field[HM_SEND_NR].u = w->nr;
		e->field[HM_SEND_INO].u = 5000 + way;
		e->field[HM_SEND_FAMILY].u = w->act == hm_send_unix ? AF_UNIX : w->act == hm_send_netlink ? AF_NETLINK : AF_INET;
		e->field[HM_SEND_PROTO].u = w->proto;
		e->field[HM_SEND_ADDR].b = address_of(s, way, s->test->closed);
		e->field[HM_SEND_BYTES].u = w->bytes;
		if (strstr(s->witnesses, "socket")) {
			e = add(s, way, HM_EV_SENT);
			e->field[HM_SENT_INO].u = 5000 + way;
			e->field[HM_SENT_BYTES].u = w->bytes;
			e->field[HM_SENT_TIMES].u = 1;
		}
		if (!w->proto || s->test->closed)
			continue;
		e = add(s, way, HM_EV_PACKET);
		e->cpu = HM_CPU_PACKETS;
		e->tgid = e->tid = 0;
		e->field[HM_PACKET_OWNER].u = FIRST + 1 + way;
		e->field[HM_PACKET_ADDR].b = address_of(s, way, false);
		e->field[HM_PACKET_PACKETS].u = 1;
		s->frame[s->frames++] = way;
	}
}

static inline void add_refusal(struct scene *s, size_t way)
{
	const struct hm_way *w = &hm_ways[way];
	struct hm_event *e;

	if (w->act == hm_refused_outside) {
		e = add(s, way, HM_EV_CONNECT);
		e->field[HM_CONNECT_ADDR].b = address_of(s, way, false);
		e->field[HM_CONNECT_RESULT].u = (uint64_t)-ENETUNREACH;
		return;
	}
	e = add(s, way, HM_EV_DENY);
	e->field[HM_DENY_NR].u = w->nr;
	e->field[HM_DENY_ARG0].u = w->arg0;
	e->field[HM_DENY_RESULT].u = (uint64_t)-EPERM;
}

static inline void add_look(struct scene *s, unsigned number)
{
	size_t way = way_named("look");
	struct hm_event *e;

	if (number) {
		e = add_own(s, way, HM_EV_HELD);
		e->field[HM_HELD_LOOK].u = number;
		set_file(e, HM_HELD_DEV, s, way);
		e = add_own(s, way, HM_EV_MAPPED);
		e->field[HM_MAPPED_LOOK].u = number;
		set_file(e, HM_MAPPED_DEV, s, way);
	}
	e = add_own(s, way, HM_EV_LOOK);
	e->field[HM_LOOK_LOOK].u = number;
	e->field[HM_LOOK_FILES].u = e->field[HM_LOOK_MAPPINGS].u = number;
}

static inline void add_state(struct scene *s, size_t way)
{
	if (hm_ways[way].act == hm_state_deep) {
		add(s, way, HM_EV_OPEN)->field[HM_OPEN_PATH].b = hm_slice_text(s->test->deep);
		return;
	}
	if (hm_ways[way].act)
		add_open(s, way);
	for (unsigned i = 0; hm_ways[way].act == hm_state_flood && i < s->test->flood; i++)
		add_bytes_read(s, way, i, 1);
}

/* The events of one way, as far as it is no late one's. */
static inline void add_way(struct scene *s, size_t way)
{
	switch (hm_ways[way].kind) {
	case HM_SELFTEST_READ:
		add_read(s, way);
		break;
	case HM_SELFTEST_SEND:
		add_send(s, way);
		break;
	case HM_SELFTEST_REFUSE:
		add_refusal(s, way);
		break;
	default:
		add_state(s, way);
	}
}

static inline void say(struct scene *s, size_t way, int error)
{
	hm_bytes_printf(&s->said, "%s %d\n", hm_ways[way].name, error);
}

static inline void say_all(struct scene *s)
{
	for (size_t way = 0; way < hm_way_count; way++)
		if (hm_way_is_tried(way, s->test->closed))
			say(s, way, hm_ways[way].kind != HM_SELFTEST_REFUSE ? 0 : hm_ways[way].nr == SYS_connect ? ENETUNREACH : EPERM);
}

static inline void add_all(struct scene *s)
{
	size_t daemon_way = way_named("daemon");
	struct hm_event *e;

	s->record_way = way_named("record");
	e = add_own(s, s->record_way, HM_EV_START);
	e->field[HM_START_WITNESSES].b = hm_slice_text(s->witnesses);
	add_look(s, 0);
	e = add(s, daemon_way, HM_EV_EXEC);
	e->tgid = e->tid = FIRST;
	for (size_t way = 0; way < hm_way_count; way++)
		if (way != daemon_way && hm_way_is_tried(way, s->test->closed))
			add_way(s, way);
	e = add(s, daemon_way, HM_EV_EXIT);
	e->tgid = e->tid = FIRST;
	e->field[HM_EXIT_LAST].u = 1;
	add_way(s, daemon_way);
	add_look(s, 1);
	add_own(s, s->record_way, HM_EV_END);
}

static inline void scene_begin(struct scene *s, bool closed, const char *witnesses)
{
	struct hm_fail fail = { 0 };

	*s = (struct scene){ .witnesses = witnesses, .drop = SIZE_MAX, .drop_frame = SIZE_MAX, .wrong_nonce = SIZE_MAX, .bare = SIZE_MAX,
			       .again = SIZE_MAX };
	snprintf(s->folder, sizeof(s->folder), "%s/hallmark-selftest-XXXXXX", access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(s->folder));
	if (hm_selftest_plant(&s->test, s->folder, TARGET, closed, &fail) < 0)
		fail_msg("%s", fail.text);
	s->test->flood = 3;
	say_all(s);
	add_all(s);
}

static inline void scene_end(struct scene *s)
{
	hm_selftest_free(s->test);
	hm_bytes_release(&s->said);
	assert_int_equal(hm_fs_remove_tree(s->folder, NULL), 0);
}

static inline uint64_t next_of(uint64_t *next, uint32_t key)
{
	return next[key % 4096]++;
}

static inline void write_event(struct hm_record_writer *w, const struct hm_event *e)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes item = { 0 };

	hm_event_encode(&item, e);
	assert_int_equal(hm_record_append(w, hm_slice_of(&item), e->time, NULL), 0);
}

/* Numbers the events as the recorder would, and tells their sum in END. */
static inline void write_record(struct scene *s, const char *path)
{
	static uint64_t cpus[4096], tasks[4096];
	struct hm_record_writer *w;
	uint64_t produced = 0;

	memset(cpus, 0, sizeof(cpus));
	memset(tasks, 0, sizeof(tasks));
	assert_int_equal(hm_record_create(&w, path, HM_RECORD_EVENTS, NULL), 0);
	for (size_t i = 0; i < s->count; i++) {
		struct hm_event e = s->event[i], out = { .kind = HM_EV_OUTPUT, .cpu = HM_CPU_USER };
		bool kernel = e.cpu != HM_CPU_USER, drop = i == s->drop;

		if (i == s->count - 1 && s->said.len) {
			out.seq = next_of(cpus, HM_CPU_USER);
			out.field[HM_OUTPUT_STREAM].u = 1;
			out.field[HM_OUTPUT_DATA].b = hm_slice_of(&s->said);
			write_event(w, &out);
		}
		if (drop && !s->hole)
			continue;
		e.seq = next_of(cpus, e.cpu);
		e.tseq = kernel && e.cpu != HM_CPU_PACKETS ? next_of(tasks, e.tid) : 0;
		produced += kernel;
		if (e.kind == HM_EV_END)
			e.field[HM_END_PRODUCED].u += produced;
		if (!drop)
			write_event(w, &e);
	}
	if (s->cut)
		assert_int_equal(hm_record_sync(w, NULL), 0);
	if (s->cut)
		hm_record_abandon(w);
	else
		assert_int_equal(hm_record_finish(w, NULL, NULL), 0);
}

/* What the kernel answers for a connection that is over: an acknowledgement, of no socket. */
static inline void write_bare(struct hm_bytes *out, size_t way)
{
	uint8_t frame[14 + 20 + 20] = { [12] = 8, [14] = 0x45, [17] = 40, [22] = 64, [23] = 6, [46] = 0x50, [47] = 0x10 };

	hm_way_address(frame + 30, way, false);
	hm_pcapng_packet(out, 1, (struct hm_slice){ frame, sizeof(frame) }, sizeof(frame));
}

static inline void write_frame(struct hm_bytes *out, const struct scene *s, size_t way)
{
	uint8_t frame[14 + 20 + SENT_BYTES] = { [12] = 8, [14] = 0x45, [17] = 20 + SENT_BYTES, [22] = 64, [23] = 253 };

	hm_way_address(frame + 30, way, false);
	memcpy(frame + 34, s->test->nonce[way].bytes, SENT_BYTES);
	frame[sizeof(frame) - 1] ^= way == s->wrong_nonce;
	hm_pcapng_packet(out, 1, (struct hm_slice){ frame, sizeof(frame) }, sizeof(frame));
}

/* Writes both files and lets them be checked; s->result and s->rows tell. */
static inline void scene_check(struct scene *s)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes packets = { 0 };
	HM_CLEANUP(hm_fs_unmap) struct hm_map record = { 0 };
	HM_FREE char *path = hm_sprintf("%s/of-the-run", s->folder);
	struct hm_fail fail = { 0 };

	write_record(s, path);
	hm_pcapng_start(&packets, 0);
	for (size_t i = 0; i < s->frames; i++)
		if (i != s->drop_frame)
			write_frame(&packets, s, s->frame[i]);
	if (s->bare != SIZE_MAX)
		write_bare(&packets, s->bare);
	if (s->again != SIZE_MAX)
		write_frame(&packets, s, s->again);
	assert_int_equal(hm_fs_map(&record, path, NULL), 0);
	s->result = hm_selftest_check(s->test, record.bytes, hm_slice_of(&packets), s->rows, &s->row_count, &fail);
	assert_int_equal(unlink(path), 0);
	if (s->result < 0)
		fail_msg("%s", fail.text);
}

static inline const struct hm_selftest_row *row_of(const struct scene *s, const char *way)
{
	for (size_t i = 0; i < s->row_count; i++)
		if (strcmp(s->rows[i].way, way) == 0)
			return &s->rows[i];
	return NULL;
}

/* Red because of this way, and of no other. */
static inline void assert_missed(const struct scene *s, const char *way)
{
	assert_int_equal(s->result, 0);
	for (size_t i = 0; i < s->row_count; i++) {
		bool missed = s->rows[i].result == HM_SELFTEST_MISSED;

		if (missed != (strcmp(s->rows[i].way, way) == 0))
			fail_msg("%s is %s (%s), where %s alone has to be missed", s->rows[i].way,
				 hm_selftest_result_name(s->rows[i].result), s->rows[i].why, way);
		if (missed)
			assert_true(s->rows[i].why[0]);
	}
}

static inline void assert_green(const struct scene *s)
{
	for (size_t i = 0; i < s->row_count; i++)
		if (s->rows[i].result == HM_SELFTEST_MISSED)
			fail_msg("%s is missed: %s", s->rows[i].way, s->rows[i].why);
	assert_int_equal(s->result, 1);
}
