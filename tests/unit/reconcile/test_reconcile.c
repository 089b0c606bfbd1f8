#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "reconcile.h"

#define PAGE 4096ull

static const struct hm_target_file files[] = {
	{ { (const uint8_t *)"a", 1 }, 0 },
	{ { (const uint8_t *)"large", 5 }, 10 * PAGE + 1 },
	{ { (const uint8_t *)"sub/small", 9 }, 100 },
};
static const struct hm_target target = { "/target", files, HM_COUNT(files) };

struct scene {
	struct hm_reconcile *r;
	uint64_t position, seq;
	struct hm_reconciled *out;
};

static int say(struct scene *s, struct hm_event e)
{
	struct hm_fail fail = { 0 };

	e.cpu = 1;
	e.seq = s->seq++;
	return hm_reconcile_event(s->r, &e, s->position++, &fail);
}

#define U(v) { .u = (uint64_t)(v) }
#define B(text) { .b = HM_SLICE(text) }

static void must(struct scene *s, struct hm_event e)
{
	assert_int_equal(say(s, e), 0);
}

#define EVENT(kind_, ...) (struct hm_event){ .kind = HM_EV_##kind_, .field = { __VA_ARGS__ } }
#define START(witnesses) EVENT(START, U(2), B(""), U(1), B("6"), U(2), B(witnesses))
#define EXEC(ino, path) EVENT(EXEC, U(1), U(ino), U(0), U(HM_LAYER_LOWER), B(path))
#define OPEN(ino, path) EVENT(OPEN, U(257), U(3), U(0), U(0100644), U(1), U(ino), U(0), U(HM_LAYER_PLAIN), B(path), U(0))
#define READ(ino, offset, bytes) EVENT(READ, U(0), U(3), U(1), U(ino), U(0), U(HM_LAYER_PLAIN), U(offset), U(bytes))
#define MAP(ino, offset, length, path) EVENT(MAP, U(9), U(1), U(ino), U(0), U(HM_LAYER_PLAIN), U(offset), U(length), U(1), U(1), B(path))
#define PAGES(by, ino, offset, length) EVENT(PAGES, U(by), U(1), U(ino), U(0), U(offset), U(length), U(1))

static void begin(struct scene *s, bool executed)
{
	*s = (struct scene){ .r = hm_reconcile_new(&target) };
	must(s, START("read:page-cache,syscall send:packet"));
	if (executed)
		must(s, EXEC(99, "/usr/bin/x"));
}

static const struct hm_reconciled *ended(struct scene *s)
{
	s->out = hm_reconcile_end(s->r, NULL);
	return s->out;
}

static void release(struct scene *s)
{
	hm_reconcile_free(s->r);
	hm_reconciled_free(s->out);
}

static void pages_are_compared_one_by_one(void **state HM_UNUSED)
{
	HM_CLEANUP(release) struct scene s;
	const struct hm_reconciled *w;

	begin(&s, true);
	must(&s, OPEN(1, "/target/large"));
	/* Pages 0 to 2 by calls; 2 to 4 given; 6 mapped, 6 and 7 given; 10 is the last and has one byte. */
	must(&s, READ(1, 10, 2 * PAGE));
	must(&s, PAGES(HM_PAGES_GET, 1, 2 * PAGE, 3 * PAGE));
	must(&s, MAP(1, 6 * PAGE, 1, "/target/large"));
	must(&s, PAGES(HM_PAGES_MAP, 1, 6 * PAGE, 2 * PAGE));
	must(&s, PAGES(HM_PAGES_DIRECT, 1, 10 * PAGE, 100 * PAGE));
	w = ended(&s);
	assert_int_equal(w->reads.calls_only, 2 * PAGE);
	assert_int_equal(w->reads.pages_only, 3 * PAGE + 1);
	assert_int_equal(w->reads.bytes, 2 * PAGE);
	assert_int_equal(w->read.count, 1);
	assert_int_equal(w->read.event[0], 3);
	assert_int_equal(w->reads.documents, 1);
	assert_int_equal(w->unnamed.count + w->mapped.count, 0);
}

static void numbers_at_their_limits(void **state HM_UNUSED)
{
	static const uint64_t values[] = { 0, 1, PAGE - 1, PAGE, 11 * PAGE, UINT64_MAX - PAGE, UINT64_MAX - 1, UINT64_MAX };
	HM_CLEANUP(release) struct scene s;

	begin(&s, true);
	must(&s, OPEN(1, "/target/large"));
	must(&s, OPEN(2, "/target/a"));
	must(&s, OPEN(3, "/target/"));
	must(&s, OPEN(4, "/target"));
	for (size_t i = 0; i < HM_COUNT(values); i++)
		for (size_t k = 0; k < HM_COUNT(values); k++)
			for (unsigned ino = 1; ino < 6; ino++) {
				must(&s, READ(ino, values[i], values[k]));
				must(&s, MAP(ino, values[i], values[k], "/target/x"));
				must(&s, PAGES(values[i] % 6, ino, values[i], values[k]));
				must(&s, PAGES(HM_PAGES_GET, ino, values[i], values[k]));
			}
	assert_int_equal(ended(&s)->reads.pages_only, 0);
}

static void pages_wait_for_their_name(void **state HM_UNUSED)
{
	HM_CLEANUP(release) struct scene s;
	const struct hm_reconciled *w;

	begin(&s, true);
	must(&s, PAGES(HM_PAGES_GET, 1, 0, PAGE));
	must(&s, PAGES(HM_PAGES_GET, 1, 2 * PAGE, PAGE));
	must(&s, OPEN(1, "/target/large"));
	must(&s, READ(1, 0, PAGE));
	w = ended(&s);
	/* Which pages lay between the first and the last is not kept so early: they count as given. */
	assert_int_equal(w->reads.pages_only, 2 * PAGE);
	assert_int_equal(w->reads.calls_only, 0);
	assert_int_equal(w->reads.unnamed, 0);
}

static void calls_before_the_first_exec_explain(void **state HM_UNUSED)
{
	HM_CLEANUP(release) struct scene s;
	const struct hm_reconciled *w;

	begin(&s, false);
	must(&s, OPEN(3, "/target/sub/small"));
	must(&s, READ(3, 0, 100));
	must(&s, EXEC(99, "/usr/bin/x"));
	must(&s, PAGES(HM_PAGES_GET, 3, 0, PAGE));
	w = ended(&s);
	assert_int_equal(w->reads.pages_only, 0);
	assert_int_equal(w->reads.bytes, 0);
}

/* Evidence comes in the order of events, whatever the inodes are, and no more than there is room for. */
static void marks_in_the_order_of_events(void **state HM_UNUSED)
{
	HM_CLEANUP(release) struct scene s;
	const struct hm_reconciled *w;

	begin(&s, true);
	for (uint64_t i = 0; i < 200; i++)
		must(&s, EVENT(WRITE, U(1), U(3), U(1), U(1000 + i), U(0), U(HM_LAYER_LOWER), U(0), U(1)));
	for (uint64_t i = 0; i < 200; i++)
		must(&s, READ(1000 + i * 77 % 200, 0, 1));
	w = ended(&s);
	assert_int_equal(w->unnamed.count, 200);
	assert_int_equal(w->unnamed.kept, HM_MARKS);
	for (size_t i = 0; i < HM_MARKS; i++)
		assert_int_equal(w->unnamed.event[i], 202 + i);
}

static struct hm_event by(uint32_t tgid, uint32_t tid, uint64_t tseq, struct hm_event e)
{
	e.tgid = tgid;
	e.tid = tid;
	e.tseq = tseq;
	return e;
}

#define ANY EVENT(CRED, U(0))
#define EXIT EVENT(EXIT, U(0), U(0))
#define FORK(tgid, tid) EVENT(FORK, U(tgid), U(tid), U(0))

static void many_tasks(void **state HM_UNUSED)
{
	HM_CLEANUP(release) struct scene s;
	const struct hm_reconciled *w;
	uint64_t own = 0;

	begin(&s, true);
	for (unsigned i = 0; i < 100000; i++) {
		uint32_t tid = 2 + i % 5000;

		must(&s, by(1, 1, own++, FORK(tid, tid)));
		must(&s, by(tid, tid, 0, ANY));
		must(&s, by(tid, tid, 1, EXIT));
	}
	w = ended(&s);
	assert_int_equal(w->lost_events, 0);
	assert_int_equal(w->tasks, 100001);
}

static void threads(void **state HM_UNUSED)
{
	HM_CLEANUP(release) struct scene s;

	begin(&s, true);
	must(&s, by(10, 10, 0, FORK(10, 11)));
	must(&s, by(10, 10, 1, FORK(10, 12)));
	must(&s, by(10, 11, 0, ANY));
	must(&s, by(10, 12, 0, ANY));
	must(&s, by(10, 12, 1, ANY));
	must(&s, by(10, 11, 1, EXIT));
	must(&s, by(10, 10, 2, EXIT));
	/* 12 is all that is left, and executes: what it reads for that bears the new number already. */
	must(&s, by(10, 10, 2, PAGES(HM_PAGES_GET, 99, 0, PAGE)));
	must(&s, by(10, 10, 3, PAGES(HM_PAGES_MAP, 99, 0, PAGE)));
	must(&s, by(10, 10, 0, PAGES(HM_PAGES_GET, 98, 0, PAGE)));
	must(&s, by(10, 10, 1, EXEC(99, "/usr/bin/x")));
	must(&s, by(10, 10, 2, FORK(10, 13)));
	must(&s, by(10, 13, 0, ANY));
	must(&s, by(10, 10, 3, EXIT));
	/* The same, and the exec is the first that it tells. */
	must(&s, by(10, 10, 0, EXEC(99, "/usr/bin/x")));
	must(&s, by(10, 10, 1, EXIT));
	/* Another process by that number. */
	must(&s, by(10, 10, 0, ANY));
	assert_int_equal(ended(&s)->lost_events, 0);
}

/* A process that was there before: its threads speak before its first does. */
static void threads_before_their_first(void **state HM_UNUSED)
{
	HM_CLEANUP(release) struct scene s;

	begin(&s, true);
	must(&s, by(10, 11, 0, ANY));
	must(&s, by(10, 10, 0, ANY));
	must(&s, by(10, 11, 1, ANY));
	must(&s, by(10, 10, 1, ANY));
	assert_int_equal(ended(&s)->lost_events, 0);
}

static void numbers_that_are_missing(void **state HM_UNUSED)
{
	HM_CLEANUP(release) struct scene s;

	begin(&s, true);
	must(&s, by(10, 10, 5, ANY));		 /* 5 */
	must(&s, by(10, 10, HM_TSEQ_UNKNOWN, ANY)); /* it is there, and has none */
	must(&s, by(10, 10, 6, ANY));
	must(&s, by(10, 10, HM_TSEQ_UNKNOWN, ANY));
	must(&s, by(10, 10, 0, ANY));		 /* nor is anything missing where it begins anew then */
	must(&s, by(10, 10, 2, ANY));		 /* 1 */
	must(&s, by(10, 10, 0, ANY));		 /* 1: the end of the first */
	must(&s, by(20, 20, 0, FORK(20, 21)));
	must(&s, by(20, 21, 0, ANY));
	must(&s, by(20, 20, 1, EXIT));
	must(&s, by(20, 20, 7, EXEC(99, "/usr/bin/x"))); /* 1 end of 21, 7 of whoever executes */
	must(&s, by(20, 20, 8, FORK(20, 22)));
	must(&s, by(20, 20, 9, FORK(20, 23)));
	must(&s, by(20, 20, 10, EXIT));
	must(&s, by(20, 20, 0, EXEC(99, "/usr/bin/x"))); /* 1 end: one of 22 and 23 is it now */
	assert_int_equal(ended(&s)->lost_events, 16);
}

static void what_no_recorder_writes(void **state HM_UNUSED)
{
	HM_CLEANUP(release) struct scene s;

	begin(&s, true);
	must(&s, by(10, 10, 0, ANY));
	must(&s, by(10, 10, 1, ANY));
	assert_int_equal(say(&s, by(10, 10, 1, ANY)), HM_E_BAD);
	assert_int_equal(say(&s, by(0, 10, 2, ANY)), HM_E_BAD);
	assert_int_equal(say(&s, by(10, 1u << 22, 0, ANY)), HM_E_BAD);
	assert_int_equal(say(&s, by(1u << 22, 10, 0, ANY)), HM_E_BAD);
	assert_int_equal(say(&s, by(10, 10, 2, FORK(UINT64_MAX, 7))), HM_E_BAD);
	assert_int_equal(say(&s, by(10, 10, 3, FORK(7, 0))), HM_E_BAD);
	assert_int_equal(say(&s, EVENT(LOOK, U(1), U(2), U(0), U(0), U(0))), HM_E_BAD);
	assert_int_equal(say(&s, EVENT(ALIVE, U(1), U(7), U(7))), HM_E_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(pages_are_compared_one_by_one), cmocka_unit_test(numbers_at_their_limits),
		cmocka_unit_test(pages_wait_for_their_name),	 cmocka_unit_test(calls_before_the_first_exec_explain),
		cmocka_unit_test(marks_in_the_order_of_events),	 cmocka_unit_test(many_tasks),
		cmocka_unit_test(threads),			 cmocka_unit_test(threads_before_their_first),
		cmocka_unit_test(numbers_that_are_missing),	 cmocka_unit_test(what_no_recorder_writes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
