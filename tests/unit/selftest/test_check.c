/* The self-test's checker over records made by hand: green when all is there, and red, for the right way, when anything is not. */
#include "check.h"
#include "scene.h"

static struct scene scene;

static int begin(void **state)
{
	*state = &scene;
	scene_begin(&scene, false, WITNESSES);
	return 0;
}

static int begin_closed(void **state)
{
	*state = &scene;
	scene_begin(&scene, true, WITNESSES);
	return 0;
}

static int end(void **state)
{
	scene_end(*state);
	return 0;
}

static void all_seen(void **state)
{
	struct scene *s = *state;
	size_t at = 0;

	scene_check(s);
	assert_green(s);
	for (size_t way = 0; way < hm_way_count; way++) {
		const struct hm_way *w = &hm_ways[way];

		if (w->act && !hm_way_is_tried(way, s->test->closed))
			continue;
		assert_string_equal(s->rows[at].way, w->name);
		assert_int_equal(s->rows[at].kind, w->kind);
		assert_int_equal(s->rows[at].result, w->kind == HM_SELFTEST_REFUSE ? HM_SELFTEST_DENIED : HM_SELFTEST_SEEN);
		assert_string_equal(s->rows[at].why, "");
		if (w->kind == HM_SELFTEST_READ)
			assert_int_equal(s->rows[at].witnesses, HM_BY_SYSCALL | (w->by & 1u << HM_PAGES_DIRECT ? HM_BY_DIRECT : HM_BY_PAGES));
		else if (w->kind == HM_SELFTEST_SEND && !s->test->closed)
			assert_int_equal(s->rows[at].witnesses, w->witnesses);
		at++;
	}
	assert_int_equal(at, s->row_count);
	assert_true((row_of(s, "outside") != NULL) == s->test->closed);
}

/* A program of the recorder that makes no event: each event left out, one at a time. */
static void any_event_missing(void **state)
{
	struct scene *s = *state;

	for (s->drop = 0; s->drop < s->count; s->drop++) {
		scene_check(s);
		assert_missed(s, hm_ways[s->way[s->drop]].name);
	}
}

static void any_packet_missing(void **state)
{
	struct scene *s = *state;

	assert_true(s->frames > 10);
	for (s->drop_frame = 0; s->drop_frame < s->frames; s->drop_frame++) {
		scene_check(s);
		assert_missed(s, hm_ways[s->frame[s->drop_frame]].name);
	}
}

/* What is lost on the way leaves a hole, whatever it was: here an event that no row asks for. */
static void any_hole(void **state)
{
	struct scene *s = *state;
	struct hm_event last = s->event[--s->count];

	s->drop = s->count;
	s->hole = true;
	add(s, s->record_way, HM_EV_CRED);
	add(s, s->record_way, HM_EV_CRED);
	s->event[s->count++] = last;
	scene_check(s);
	assert_missed(s, "record");
	assert_non_null(strstr(row_of(s, "record")->why, "number"));
}

static struct hm_event *event_of(struct scene *s, const char *way, enum hm_kind kind)
{
	size_t number = way_named(way);

	for (size_t i = 0; i < s->count; i++)
		if (s->way[i] == number && s->event[i].kind == kind)
			return &s->event[i];
	fail_msg("%s has no such event", way);
	return NULL;
}

/* One field of one event that is not what the way made it: the way is missed. */
static void any_field_wrong(void **state)
{
	static const struct {
		const char *way;
		enum hm_kind kind;
		size_t field;
		uint64_t value;
	} rows[] = {
		{ "read", HM_EV_READ, HM_READ_NR, SYS_write },
		{ "read", HM_EV_READ, HM_READ_OFFSET, READ_AT + 1 },
		{ "read", HM_EV_READ, HM_READ_BYTES, READ_BYTES - 1 },
		{ "read", HM_EV_READ, HM_READ_BYTES, UINT64_MAX },
		{ "pread", HM_EV_READ, HM_READ_INO, 1 },
		{ "pread", HM_EV_READ, HM_READ_DEV, 1 },
		{ "pread", HM_EV_READ, HM_READ_GEN, 1 },
		{ "pread", HM_EV_OPEN, HM_OPEN_INO, 1 },
		{ "pread", HM_EV_PAGES, HM_PAGES_INO, 1 },
		{ "pread", HM_EV_PAGES, HM_PAGES_OFFSET, 0 },
		{ "pread", HM_EV_PAGES, HM_PAGES_BY, HM_PAGES_ADD },
		{ "pread", HM_EV_PAGES, HM_PAGES_BY, HM_PAGES_MAP },
		{ "pread", HM_EV_PAGES, HM_PAGES_BY, 1u << 31 },
		{ "mmap", HM_EV_PAGES, HM_PAGES_BY, HM_PAGES_GET },
		{ "mmap", HM_EV_MAP, HM_MAP_LENGTH, 100 },
		{ "direct", HM_EV_PAGES, HM_PAGES_BY, HM_PAGES_GET },
		{ "scm_rights", HM_EV_OPEN, HM_OPEN_NR, SYS_openat },
		{ "int80", HM_EV_READ, HM_READ_NR, SYS_read },
		{ "tcp", HM_EV_SEND, HM_SEND_BYTES, SENT_BYTES - 1 },
		{ "tcp", HM_EV_SEND, HM_SEND_INO, 1 },
		{ "tcp.splice", HM_EV_SEND, HM_SEND_NR, SYS_sendto },
		{ "udp", HM_EV_SEND, HM_SEND_PROTO, IPPROTO_TCP },
		{ "udp", HM_EV_SENT, HM_SENT_BYTES, SENT_BYTES - 1 },
		{ "udp", HM_EV_PACKET, HM_PACKET_OWNER, 0 },
		{ "udp", HM_EV_PACKET, HM_PACKET_OWNER, FIRST },
		{ "udp", HM_EV_PACKET, HM_PACKET_PACKETS, 2 },
		{ "netlink", HM_EV_SEND, HM_SEND_FAMILY, AF_UNIX },
		{ "aio", HM_EV_DENY, HM_DENY_NR, SYS_io_submit },
		{ "vsock", HM_EV_DENY, HM_DENY_ARG0, AF_INET },
		{ "path", HM_EV_OPEN, HM_OPEN_CUT, 1 },
		{ "look", HM_EV_HELD, HM_HELD_INO, 1 },
		{ "look", HM_EV_MAPPED, HM_MAPPED_LOOK, 0 },
		{ "look", HM_EV_LOOK, HM_LOOK_TASKS, 1 },
		{ "flood", HM_EV_READ, HM_READ_INO, 1 },
		{ "record", HM_EV_END, HM_END_LOST, 1 },
		{ "record", HM_EV_END, HM_END_PACKETS_LOST, 1 },
		{ "record", HM_EV_END, HM_END_PRODUCED, 1 },
	};
	struct scene *s = *state;

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		struct hm_event *e = event_of(s, rows[i].way, rows[i].kind), kept = *e;

		e->field[rows[i].field].u = rows[i].value;
		scene_check(s);
		assert_missed(s, rows[i].way);
		*e = kept;
	}
}

static void another_nonce(void **state)
{
	struct scene *s = *state;

	s->wrong_nonce = way_named("udp");
	scene_check(s);
	assert_missed(s, "udp");
}

/* Only what carries nothing may leave without the cgroup's word. */
static void packets_of_nobody(void **state)
{
	struct scene *s = *state;

	s->bare = way_named("tcp");
	scene_check(s);
	assert_green(s);
	s->again = way_named("udp");
	scene_check(s);
	assert_missed(s, "udp");
}

static void a_daemon_that_is_early(void **state)
{
	struct scene *s = *state;

	event_of(s, "daemon", HM_EV_SEND)->time = 1;
	scene_check(s);
	assert_missed(s, "daemon");
}

static void gaps_and_cuts(void **state)
{
	struct scene *s = *state;
	struct hm_event last = s->event[--s->count];

	add_own(s, s->record_way, HM_EV_GAP);
	s->event[s->count++] = last;
	scene_check(s);
	assert_missed(s, "record");
	s->event[s->count - 2].kind = HM_EV_LISTEN;
	s->cut = true;
	scene_check(s);
	assert_missed(s, "record");
}

static void reword(struct scene *s, size_t changed, int error, bool silent)
{
	s->said.len = 0;
	for (size_t way = 0; way < hm_way_count; way++) {
		if (!hm_way_is_tried(way, s->test->closed) || (way == changed && silent))
			continue;
		if (way == changed)
			say(s, way, error);
		else
			say(s, way, hm_ways[way].kind == HM_SELFTEST_REFUSE ? EPERM : 0);
	}
}

/* Its word counts against it, and never for it. */
static void the_subjects_word(void **state)
{
	struct scene *s = *state;

	for (size_t way = 0; way < hm_way_count; way++) {
		const struct hm_way *w = &hm_ways[way];

		if (!hm_way_is_tried(way, false))
			continue;
		reword(s, way, 0, true);
		scene_check(s);
		assert_missed(s, w->name);
		reword(s, way, w->kind == HM_SELFTEST_REFUSE ? 0 : EIO, false);
		scene_check(s);
		assert_missed(s, w->name);
		reword(s, way, -9, false);
		scene_check(s);
		assert_missed(s, w->name);
	}
	s->said.len = 0;
	scene_check(s);
	assert_int_equal(s->result, 0);
}

static void unavailable_where_the_table_says(void **state)
{
	struct scene *s = *state;

	for (size_t way = 0; way < hm_way_count; way++) {
		for (size_t i = 0; i < HM_COUNT(hm_ways[way].lacks) && hm_ways[way].lacks[i]; i++) {
			if (hm_ways[way].lacks[i] == HM_READ_STAYED)
				continue; /* the next test */
			reword(s, way, hm_ways[way].lacks[i], false);
			scene_check(s);
			assert_green(s);
			assert_int_equal(row_of(s, hm_ways[way].name)->result, HM_SELFTEST_UNAVAILABLE);
			assert_string_equal(row_of(s, hm_ways[way].name)->why, hm_ways[way].lack);
		}
	}
}

/* A file that lies in the page cache: what is asked of that is seen, what comes into it cannot be. */
static void a_file_that_stays(void **state)
{
	static const struct {
		const char *witnesses;
		enum hm_selftest_result result;
	} kernels[] = {
		{ "read:page-cache,syscall send:cgroup_skb,packet,syscall", HM_SELFTEST_SEEN },
		{ "read:page-cache-add,syscall send:cgroup_skb,packet,syscall", HM_SELFTEST_UNAVAILABLE },
		{ "read:syscall send:cgroup_skb,packet,syscall", HM_SELFTEST_SEEN }, /* as all reads there, by the call alone */
	};
	struct scene *s = &scene;
	size_t way = 0;

	(void)state;
	while (hm_ways[way].act != hm_read_copy)
		way++;
	for (size_t i = 0; i < HM_COUNT(kernels); i++) {
		scene_begin(s, false, kernels[i].witnesses);
		reword(s, way, HM_READ_STAYED, false);
		scene_check(s);
		assert_green(s);
		assert_int_equal(row_of(s, "copy_file_range")->result, kernels[i].result);
		scene_end(s);
	}
}

static void kernels_with_fewer_witnesses(void **state)
{
	struct scene *s = &scene;

	(void)state;
	scene_begin(s, false, "read:syscall send:cgroup_skb,packet,syscall");
	scene_check(s);
	assert_green(s);
	assert_int_equal(row_of(s, "pread")->witnesses, HM_BY_SYSCALL);
	assert_non_null(strstr(row_of(s, "pread")->why, "page-cache"));
	assert_non_null(strstr(row_of(s, "unix")->why, "socket"));
	scene_end(s);

	scene_begin(s, false, "read:page-cache-add,syscall send:cgroup_skb,packet,syscall");
	scene_check(s);
	assert_green(s);
	assert_int_equal(row_of(s, "mmap")->witnesses, HM_BY_SYSCALL | HM_BY_ADDED);
	s->drop = (size_t)(event_of(s, "mmap", HM_EV_PAGES) - s->event);
	scene_check(s);
	assert_missed(s, "mmap");
	scene_end(s);
}

static void files_that_are_none(void **state)
{
	struct scene *s = *state;
	struct hm_slice nothing = { NULL, 0 }, junk = HM_SLICE("this is no file of ours, and is long enough to be read as one");

	assert_int_equal(hm_selftest_check(s->test, junk, nothing, s->rows, &s->row_count, NULL), HM_E_BAD);
	/* Cut before its first block: there is no way that was seen. */
	assert_int_equal(hm_selftest_check(s->test, nothing, nothing, s->rows, &s->row_count, NULL), 0);
}

static void numbers_of_events(void **state)
{
	static const struct {
		uint32_t tid, cpu;
		uint64_t seq, tseq;
		enum hm_kind kind;
		bool broken;
	} rows[] = {
		{ 7, 0, 0, 0, HM_EV_CRED, false },
		{ 7, 1, 0, 1, HM_EV_CRED, false },
		{ 8, 1, 1, 1, HM_EV_CRED, true }, /* its first is 0 */
		{ 7, 0, 1, 2, HM_EV_EXIT, false },
		{ 7, 0, 2, 3, HM_EV_PAGES, false }, /* told behind its end */
		{ 7, 0, 3, 5, HM_EV_CRED, true },
		{ 7, 0, 5, 6, HM_EV_EXIT, true }, /* a hole on the CPU */
		{ 7, 0, 6, 7, HM_EV_PAGES, false },
		{ 7, 0, 7, 0, HM_EV_CRED, false }, /* another task of that number */
		{ 7, 0, 8, 0, HM_EV_CRED, true },
		{ 7, 0, 9, HM_TSEQ_UNKNOWN, HM_EV_CRED, false },
		{ 7, 0, 10, 1, HM_EV_CRED, false },
		{ 0, HM_CPU_USER, 0, 0, HM_EV_LOOK, false },
		{ 0, HM_CPU_USER, 2, 0, HM_EV_LOOK, true },
		{ 0, HM_CPU_PACKETS, 0, 0, HM_EV_PACKET, false },
		{ 0, HM_CPU_PACKETS, 1, 0, HM_EV_PACKET, false },
		{ 0, HM_CPU_USER + 1, 0, 0, HM_EV_PACKET, true },
	};
	struct hm_sequences *s = hm_sequences_new();

	(void)state;
	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		struct hm_event e = { .kind = (uint16_t)rows[i].kind, .cpu = rows[i].cpu, .seq = rows[i].seq, .tid = rows[i].tid,
				      .tseq = rows[i].tseq };

		if (hm_sequences_broken(s, &e) != rows[i].broken)
			fail_msg("event %zu", i);
	}
	hm_sequences_free(s);
}

static void the_deep_path(void **state)
{
	struct scene *s = *state;
	size_t names = 0;

	assert_int_equal(strlen(s->test->deep), 4096);
	for (const char *p = s->test->deep; *p; p++)
		names += *p == '/';
	assert_int_equal(names, 300);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(all_seen, begin, end),
		cmocka_unit_test_setup_teardown(any_event_missing, begin, end),
		cmocka_unit_test_setup_teardown(any_packet_missing, begin, end),
		cmocka_unit_test_setup_teardown(any_hole, begin, end),
		cmocka_unit_test_setup_teardown(any_field_wrong, begin, end),
		cmocka_unit_test_setup_teardown(another_nonce, begin, end),
		cmocka_unit_test_setup_teardown(packets_of_nobody, begin, end),
		cmocka_unit_test_setup_teardown(a_daemon_that_is_early, begin, end),
		cmocka_unit_test_setup_teardown(gaps_and_cuts, begin, end),
		cmocka_unit_test_setup_teardown(the_subjects_word, begin, end),
		cmocka_unit_test_setup_teardown(unavailable_where_the_table_says, begin, end),
		cmocka_unit_test(a_file_that_stays),
		cmocka_unit_test(kernels_with_fewer_witnesses),
		cmocka_unit_test_setup_teardown(files_that_are_none, begin, end),
		cmocka_unit_test(numbers_of_events),
		cmocka_unit_test_setup_teardown(the_deep_path, begin, end),
		{ "all_seen_closed", all_seen, begin_closed, end, NULL },
		{ "any_event_missing_closed", any_event_missing, begin_closed, end, NULL },
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
