/* Each record says at its beginning for which plan and run it was made; each planned run has a record or was dropped under
 * a rule. So no run can be taken away, and none of another assessment put in. */
#include "verify_internal.h"

#include "evaluate.h"
#include "event.h"
#include "record.h"

#define RUNS_MAX 100000

enum run_flag { PLANNED = 1, DROPPED = 2, RECORDED = 4 };

struct totals {
	uint8_t *flags; /* by run number */
	uint64_t records, events;
	unsigned cut, startless; /* startless: the block with event 0 is withheld */
};

static void release(struct totals *t)
{
	free(t->flags);
}

static void close_record(struct hm_record **r)
{
	hm_record_close(*r);
}

/* Sets `flag` for every row's run; false when a row has none, one out of range, or one that was there. */
static bool mark_runs(struct totals *t, const json_t *rows, enum run_flag flag)
{
	json_t *row;
	size_t i;

	json_array_foreach(rows, i, row) {
		const json_t *run = json_object_get(row, "run");
		json_int_t n = json_integer_value(run);

		if (!json_is_integer(run) || n < 1 || n >= RUNS_MAX || t->flags[n] & flag)
			return false;
		t->flags[n] |= flag;
	}
	return json_is_array(rows);
}

/* The first event against plan and run: 1 where it is withheld. */
static int check_start(const struct check *c, struct hm_record *record, unsigned long run, struct hm_fail *fail)
{
	struct hm_sha256 plan;
	struct hm_slice item, text = { 0 };
	struct hm_event event;
	json_int_t semantics;
	int r = hm_record_next(record, &item, fail);

	if (r >= 0 && hm_record_head(record)->withheld && (r == 0 || hm_record_position(record) != 0))
		return 1;
	if (r == 0)
		return hm_fail_set(fail, HM_E_BAD, "it is empty");
	if (r > 0)
		r = hm_event_decode(&event, item, fail);
	if (r < 0)
		return r;
	if (event.kind != HM_EV_START)
		return hm_fail_set(fail, HM_E_BAD, "it does not begin with a start");
	if (event.field[HM_START_VERSION].u == 0 || event.field[HM_START_VERSION].u > HM_EVENT_VERSION)
		return hm_fail_set(fail, HM_E_UNKNOWN, "its events are of version %llu, which this program does not know",
				   (unsigned long long)event.field[HM_START_VERSION].u);
	/* Each version of events is judged by semantics of its own (doc/format/findings.md). */
	semantics = json_integer_value(json_object_get(c->plan, "semantics"));
	if (semantics <= HM_SEMANTICS && HM_SEMANTICS_EVENTS(semantics) != (json_int_t)event.field[HM_START_VERSION].u)
		return hm_fail_set(fail, HM_E_BAD, "its events are of version %llu, and plan.json says other semantics",
				   (unsigned long long)event.field[HM_START_VERSION].u);
	hm_parts_get(c->parts, "plan.json", &text);
	hm_sha256_slice(&plan, text);
	if (!hm_slice_eq(event.field[HM_START_PLAN].b, (struct hm_slice){ plan.b, sizeof(plan.b) }))
		return hm_fail_set(fail, HM_E_BAD, "it was made for another plan");
	if (event.field[HM_START_RUN].u != run)
		return hm_fail_set(fail, HM_E_BAD, "it is the record of run %llu",
				   (unsigned long long)event.field[HM_START_RUN].u);
	return 0;
}

static int check_record(const struct check *c, struct totals *t, struct hm_slice content, unsigned long run,
			struct hm_fail *fail)
{
	HM_CLEANUP(close_record) struct hm_record *record = NULL;
	int r = hm_record_open(&record, content, fail);

	if (r == 0)
		r = check_start(c, record, run, fail);
	if (r < 0)
		return r;
	if (run >= RUNS_MAX || !(t->flags[run] & PLANNED))
		return hm_fail_set(fail, HM_E_BAD, "its run was not planned");
	t->startless += r == 1;
	t->flags[run] |= RECORDED;
	t->records++;
	t->events += hm_record_head(record)->items;
	t->cut += hm_record_head(record)->cut;
	return 0;
}

/* 0, or the first failure with the part's name before it. */
static int check_all(const struct check *c, struct totals *t, struct hm_fail *fail)
{
	for (size_t i = 0; i < hm_parts_count(c->parts); i++) {
		struct hm_slice content;
		const char *name = hm_parts_at(c->parts, i, &content), *slash = strrchr(name, '/');
		int r;

		if (!slash || strcmp(slash, "/record.cbor.zst") != 0)
			continue;
		r = check_record(c, t, content, strtoul(name + strlen("runs/"), NULL, 10), fail);
		if (r < 0)
			return hm_fail_in(fail, "%s", name);
	}
	for (unsigned run = 1; run < RUNS_MAX; run++)
		if ((t->flags[run] & PLANNED) && !(t->flags[run] & (DROPPED | RECORDED)))
			return hm_fail_set(fail, HM_E_BAD, "run %u was planned, has no record and was not dropped", run);
	return 0;
}

void hm_verify_records(struct check *c)
{
	HM_CLEANUP(release) struct totals t = { .flags = hm_alloc(RUNS_MAX, 1) };
	struct hm_fail fail = { 0 };
	int r;

	if (!c->plan || !c->assessment) {
		hm_verify_say(c->v, "records", HM_CHECK_UNCHECKED, "there is no plan or no assessment to hold them against");
		return;
	}
	if (!mark_runs(&t, json_object_get(c->plan, "runs"), PLANNED) ||
	    !mark_runs(&t, json_object_get(c->assessment, "dropped"), DROPPED)) {
		hm_verify_say(c->v, "records", HM_CHECK_FALSE, "plan.json or assessment.json: its runs are malformed");
		return;
	}
	r = check_all(c, &t, &fail);
	if (r < 0)
		hm_verify_say(c->v, "records", hm_verify_outcome(r), "%s", fail.text);
	else if (t.startless)
		hm_verify_say(c->v, "records", HM_CHECK_UNCHECKED, "of %u records the beginning is withheld: that they are of this plan is the word of whoever signed",
			      t.startless);
	else
		hm_verify_say(c->v, "records", HM_CHECK_HOLDS, "%llu records of this plan, %llu events, %u cut short",
			      (unsigned long long)t.records, (unsigned long long)t.events, t.cut);
}
