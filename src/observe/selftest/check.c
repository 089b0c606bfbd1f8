/* The checker's judgement, way by way. Green is only what every witness that can be had has seen: what is not understood is
 * `missed`. */
#include "check.h"

#include <errno.h>

static void say_witnesses(char *out, size_t size, const char *what, unsigned witnesses)
{
	size_t at = (size_t)snprintf(out, size, "%s", what);

	for (unsigned bit = 0; bit < HM_SELFTEST_BITS; bit++)
		if (witnesses & 1u << bit && at < size)
			at += (size_t)snprintf(out + at, size - at, " %s", hm_selftest_witness_name(bit));
}

static void miss(struct hm_selftest_row *row, const char *why)
{
	row->result = HM_SELFTEST_MISSED;
	snprintf(row->why, sizeof(row->why), "%s", why);
}

/* The subject could not do it. Returns false when it did. */
static bool not_done(struct hm_selftest_row *row, const struct hm_way *way, const struct hm_seen *seen)
{
	const char *what = seen->error > 0 ? strerror(seen->error) : "it was killed";

	if (!seen->said) {
		miss(row, "the subject did not come to it");
		return true;
	}
	if (seen->error == 0)
		return false;
	for (size_t i = 0; i < HM_COUNT(way->lacks); i++) {
		if (way->lacks[i] != seen->error)
			continue;
		row->result = HM_SELFTEST_UNAVAILABLE;
		snprintf(row->why, sizeof(row->why), "%s", way->lack);
		return true;
	}
	row->result = HM_SELFTEST_MISSED;
	snprintf(row->why, sizeof(row->why), "the subject could not do it: %s", what);
	return true;
}

/* Seen by all that must and can; what this kernel does not have is told. */
static void judge_witnesses(struct hm_selftest_row *row, unsigned must, unsigned possible)
{
	unsigned missing = must & possible & ~row->witnesses, absent = must & ~possible & ~row->witnesses;

	row->result = missing ? HM_SELFTEST_MISSED : HM_SELFTEST_SEEN;
	if (missing)
		say_witnesses(row->why, sizeof(row->why), "not seen by", missing);
	else if (absent)
		say_witnesses(row->why, sizeof(row->why), "not to be had here:", absent);
}

#define ASKED (1u << HM_PAGES_GET | 1u << HM_PAGES_MAP | 1u << HM_PAGES_FAULT)
#define ADDED (1u << HM_PAGES_ADD)
#define DIRECT (1u << HM_PAGES_DIRECT)

/* The second witness of a way of reading on this kernel: what it must see, as enum hm_pages_by in bits, and its name. */
static unsigned second_witness(const struct hm_gathered *g, const struct hm_way *way, unsigned *by)
{
	*by = way->by & g->by & (ASKED | DIRECT);
	if (way->by & DIRECT)
		return HM_BY_DIRECT;
	if (!*by)
		*by = way->by & g->by & ADDED;
	return *by & ADDED ? HM_BY_ADDED : HM_BY_PAGES;
}

static void judge_read(struct hm_selftest_row *row, const struct hm_gathered *g, const struct hm_way *way, const struct hm_seen *seen)
{
	unsigned by, second = second_witness(g, way, &by);
	/* Done, and what is asked of the page cache is seen wherever the page lies; only what comes into it is not. */
	bool done = seen->said && seen->error == HM_READ_STAYED && second == HM_BY_PAGES;

	if (!done && not_done(row, way, seen))
		return;
	if (!seen->opened) {
		miss(row, way->opened_by ? "no event tells how the descriptor came" : "no event tells that its file was opened");
		return;
	}
	row->witnesses = (seen->calls ? HM_BY_SYSCALL : 0) | (seen->by & by ? second : 0);
	judge_witnesses(row, HM_BY_SYSCALL | second, HM_BY_SYSCALL | (by ? second : 0));
}

static void judge_send(struct hm_selftest_row *row, const struct hm_gathered *g, const struct hm_way *way, const struct hm_seen *seen)
{
	uint64_t times = way->times ? way->times : 1;
	unsigned must = way->witnesses;

	if (not_done(row, way, seen))
		return;
	if (g->test->closed)
		must &= ~(unsigned)(HM_BY_CGROUP_SKB | HM_BY_PACKET);
	if (seen->calls >= times)
		row->witnesses |= HM_BY_SYSCALL;
	if (seen->taken >= times * way->bytes)
		row->witnesses |= HM_BY_SOCKET;
	if (seen->left >= times)
		row->witnesses |= HM_BY_CGROUP_SKB;
	if (seen->nonces >= times)
		row->witnesses |= HM_BY_PACKET;
	judge_witnesses(row, must, must & ~(unsigned)(g->socket ? 0 : HM_BY_SOCKET));
	if (row->result != HM_SELFTEST_SEEN)
		return;
	if (way->late && (!g->ended || seen->time < g->ended)) {
		miss(row, "it was sent before the first process had ended");
	} else if (seen->foreign) {
		miss(row, "a packet has another owner than the process that sent it, or none");
	} else if ((must & HM_BY_PACKET) && (seen->left > seen->frames || seen->left < seen->frames - seen->bare)) {
		row->result = HM_SELFTEST_MISSED;
		snprintf(row->why, sizeof(row->why), "%llu packets left the cgroup, and %llu are in the packet file",
			 (unsigned long long)seen->left, (unsigned long long)seen->frames);
	}
}

static void judge_refusal(struct hm_selftest_row *row, const struct hm_way *way, const struct hm_seen *seen)
{
	bool closed = way->act == hm_refused_outside;

	if (!seen->said) {
		miss(row, "the subject did not come to it");
	} else if (seen->error == 0) {
		miss(row, "the chamber let it through");
	} else if (!(closed ? seen->error == ENETUNREACH
			    : seen->error == EPERM || seen->error == EACCES || seen->error == ENOSYS)) {
		row->result = HM_SELFTEST_MISSED;
		snprintf(row->why, sizeof(row->why), "not refused, but failed: %s", strerror(seen->error));
	} else if (!seen->calls) {
		miss(row, "it was refused, and no event says so");
	} else if (seen->frames) {
		miss(row, "the packet file has a packet to there");
	} else {
		row->result = HM_SELFTEST_DENIED;
		row->witnesses = HM_BY_SYSCALL;
	}
}

static void judge_record(struct hm_selftest_row *row, const struct hm_gathered *g)
{
	row->result = HM_SELFTEST_SEEN;
	row->witnesses = HM_BY_SYSCALL;
	if (g->cut || !g->started || !g->finished)
		miss(row, "the record is not whole, from its start to its end");
	else if (g->lost || g->packets_lost || g->gaps)
		snprintf(row->why, sizeof(row->why), "%llu events and %llu packets lost, %llu gaps", (unsigned long long)g->lost,
			 (unsigned long long)g->packets_lost, (unsigned long long)g->gaps);
	else if (g->holes)
		snprintf(row->why, sizeof(row->why), "%llu events do not have the number that comes next", (unsigned long long)g->holes);
	else if (g->produced != g->kernel_events)
		snprintf(row->why, sizeof(row->why), "%llu events were made, and %llu are there", (unsigned long long)g->produced,
			 (unsigned long long)g->kernel_events);
	if (row->why[0])
		row->result = HM_SELFTEST_MISSED;
}

static void judge_flood(struct hm_selftest_row *row, unsigned calls, const struct hm_way *way, const struct hm_seen *seen)
{
	if (not_done(row, way, seen))
		return;
	row->result = HM_SELFTEST_SEEN;
	row->witnesses = HM_BY_SYSCALL;
	if (seen->calls == calls)
		return;
	row->result = HM_SELFTEST_MISSED;
	snprintf(row->why, sizeof(row->why), "%u reads at full speed, and %llu are there", calls, (unsigned long long)seen->calls);
}

static void judge_path(struct hm_selftest_row *row, const struct hm_gathered *g, const struct hm_way *way, const struct hm_seen *seen)
{
	if (not_done(row, way, seen))
		return;
	row->result = HM_SELFTEST_SEEN;
	row->witnesses = HM_BY_SYSCALL;
	if (!g->deep || g->deep_cut)
		miss(row, "no event has the whole path");
}

static void judge_look(struct hm_selftest_row *row, const struct hm_gathered *g, const struct hm_way *way, const struct hm_seen *seen)
{
	if (not_done(row, way, seen))
		return;
	row->result = HM_SELFTEST_SEEN;
	row->witnesses = HM_BY_LOOK;
	if (g->looks < 2)
		miss(row, "the record has not two looks, one at its start and one at its end");
	else if (g->miscounted)
		miss(row, "a look does not have as many rows as it says");
	else if (!seen->opened)
		miss(row, "no event tells that its file was opened");
	else if (!seen->held || !seen->mapped)
		miss(row, seen->held ? "the last look has not the mapping" : "the last look has not the open file");
}

static void judge_way(struct hm_selftest_row *row, const struct hm_gathered *g, size_t at)
{
	const struct hm_way *way = &hm_ways[at];
	const struct hm_seen *seen = &g->seen[at];

	*row = (struct hm_selftest_row){ .way = way->name, .kind = way->kind, .result = HM_SELFTEST_MISSED };
	if (way->kind == HM_SELFTEST_READ)
		judge_read(row, g, way, seen);
	else if (way->kind == HM_SELFTEST_SEND)
		judge_send(row, g, way, seen);
	else if (way->kind == HM_SELFTEST_REFUSE)
		judge_refusal(row, way, seen);
	else if (way->act == hm_state_flood)
		judge_flood(row, g->test->flood, way, seen);
	else if (way->act == hm_state_deep)
		judge_path(row, g, way, seen);
	else if (way->act == hm_state_held)
		judge_look(row, g, way, seen);
	else
		judge_record(row, g);
}

int hm_selftest_check(const struct hm_selftest *t, struct hm_slice record, struct hm_slice packets,
		      struct hm_selftest_row rows[HM_SELFTEST_ROWS], size_t *count, struct hm_fail *fail)
{
	HM_CLEANUP(hm_gathered_release) struct hm_gathered gathered = { .test = t };
	int r = hm_gather(&gathered, record, packets, fail);
	bool green = true;

	if (r < 0)
		return hm_fail_in(fail, "checking the self-test");
	*count = 0;
	for (size_t way = 0; way < hm_way_count; way++) {
		if (hm_ways[way].act && !hm_way_is_tried(way, t->closed))
			continue;
		judge_way(&rows[*count], &gathered, way);
		green = green && rows[*count].result != HM_SELFTEST_MISSED;
		(*count)++;
	}
	return green;
}
