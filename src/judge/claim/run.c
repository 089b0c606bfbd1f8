/* One run: its record, its packets, what it left on disk. */
#include "claim_internal.h"

#include <arpa/inet.h>

#include "record.h"

static void cleanup_record(struct hm_record **r)
{
	hm_record_close(*r);
}

static bool part_of_run(const struct hm_core *core, const struct hm_run *run, const char *name, struct hm_slice *content)
{
	HM_FREE char *part = hm_sprintf("runs/%04u/%s", run->number, name);

	return hm_parts_get(core->parts, part, content);
}

static int open_record(struct hm_record **ret, struct hm_slice file, enum hm_record_kind kind, struct hm_run *run, unsigned touched,
		       struct hm_fail *fail)
{
	const struct hm_record_head *head;
	int r = hm_record_open(ret, file, fail);

	if (r < 0)
		return r;
	head = hm_record_head(*ret);
	if (head->blocks && head->kind != kind)
		return hm_fail_set(fail, HM_E_BAD, "a record of another kind");
	if (head->cut || head->withheld)
		run->lost |= touched;
	run->withheld |= head->withheld > 0;
	return 0;
}

/* Of events that cores of such semantics have. */
static unsigned version_of(unsigned semantics)
{
	return semantics < 2 ? 1 : semantics < 4 ? 2 : 3;
}

static int check_start(const struct hm_core *core, const struct hm_run *run, const struct hm_event *e, struct hm_fail *fail)
{
	struct hm_slice plan = { core->plan_digest.b, sizeof(core->plan_digest.b) };

	if (e->kind != HM_EV_START)
		return hm_fail_set(fail, HM_E_BAD, "event 0 is no start");
	if (e->field[HM_START_VERSION].u == 0 || e->field[HM_START_VERSION].u > HM_EVENT_VERSION)
		return hm_fail_set(fail, HM_E_UNKNOWN, "events of version %llu", (unsigned long long)e->field[HM_START_VERSION].u);
	/* What stands in a record of each version is judged by semantics of its own; the third have the second's events. */
	if (e->field[HM_START_VERSION].u != version_of(core->semantics))
		return hm_fail_set(fail, HM_E_BAD, "events of version %llu, and plan.json says semantics %u",
				   (unsigned long long)e->field[HM_START_VERSION].u, core->semantics);
	if (!hm_slice_eq(e->field[HM_START_PLAN].b, plan))
		return hm_fail_set(fail, HM_E_BAD, "it was not recorded for this plan");
	if (e->field[HM_START_RUN].u != run->number)
		return hm_fail_set(fail, HM_E_BAD, "it was recorded as another run");
	return 0;
}

/* The sums at the end of a record, and whether they agree with what stands before. */
static void take_end(struct hm_run *run, const struct hm_event *e, uint64_t kernel)
{
	uint64_t lost = e->field[HM_END_LOST].u, produced = e->field[HM_END_PRODUCED].u;
	uint64_t lost_packets = e->field[HM_END_PACKETS_LOST].u;

	if (produced > kernel && produced - kernel > lost)
		lost = produced - kernel;
	if (lost > run->lost_events)
		run->lost_events = lost;
	if (lost_packets > run->lost_packets)
		run->lost_packets = lost_packets;
	run->interrupted = e->field[HM_END_OUTCOME].u == HM_OUTCOME_INTERRUPTED;
	run->witnessed_bytes = e->field[HM_END_EGRESS_BYTES].u;
	run->witnessed_packets = e->field[HM_END_EGRESS_PACKETS].u;
}

struct reading {
	const struct hm_core *core;
	struct hm_run *run;
	struct hm_sequence *sequence;
	struct hm_reconcile *reconcile; /* NULL in semantics 1 */
	struct hm_given_reader *given;
	bool ended;
};

static void cleanup_reading(struct reading *r)
{
	hm_sequence_free(&r->sequence);
}

static int take_event(struct reading *r, const struct hm_event *e, uint64_t position, struct hm_fail *fail)
{
	int error = 0;

	if (position == 0)
		error = check_start(r->core, r->run, e, fail);
	else if (e->kind == HM_EV_START)
		error = hm_fail_set(fail, HM_E_BAD, "it starts twice");
	if (error == 0 && r->ended)
		error = hm_fail_set(fail, HM_E_BAD, "something stands behind its end");
	if (error == 0 && ((version_of(r->core->semantics) == 1 && e->kind >= HM_EVENT_KINDS_V1) ||
			   (version_of(r->core->semantics) == 2 && e->kind >= HM_EVENT_KINDS_V2)))
		error = hm_fail_set(fail, HM_E_BAD, "a kind that version %u does not have", version_of(r->core->semantics));
	if (error == 0)
		error = hm_sequence_event(r->sequence, e, fail);
	if (error == 0 && r->reconcile)
		error = hm_reconcile_event(r->reconcile, e, position, fail);
	if (error == 0)
		hm_given_event(r->given, e, position);
	if (error == 0)
		error = hm_facts_event(r->run, e, position, fail);
	if (error == 0 && e->kind == HM_EV_END) {
		take_end(r->run, e, hm_sequence_kernel(r->sequence));
		r->ended = true;
	}
	return error;
}

static int read_events(struct reading *r, struct hm_record *record, struct hm_fail *fail)
{
	const struct hm_record_head *head = hm_record_head(record);
	struct hm_slice item;
	uint64_t missing;
	int e;

	while ((e = hm_record_next(record, &item, fail)) == 1) {
		uint64_t position = hm_record_position(record);
		struct hm_event event;

		e = hm_event_decode(&event, item, fail);
		if (e == 0)
			e = take_event(r, &event, position, fail);
		/* What contradicts itself only because something is withheld before it: the record is read up to here. */
		if (e == HM_E_BAD && head->withheld && position > 0) {
			e = 0;
			break;
		}
		if (e < 0)
			return hm_fail_in(fail, "event %llu", (unsigned long long)position);
	}
	if (e < 0)
		return e;
	if (!r->ended && !head->cut && !head->withheld)
		return hm_fail_set(fail, HM_E_BAD, "it is whole and has no end");
	missing = hm_sequence_missing(r->sequence);
	if (missing > r->run->lost_events)
		r->run->lost_events = missing;
	return 0;
}

static int read_record(struct hm_run *run, const struct hm_core *core, struct hm_reconcile *reconcile, struct hm_given_reader *given,
		       struct hm_fail *fail)
{
	HM_CLEANUP(cleanup_reading) struct reading r = { core, run, hm_sequence_new(), reconcile, given, false };
	HM_CLEANUP(cleanup_record) struct hm_record *record = NULL;
	struct hm_slice file;
	int e = 0;

	if (!part_of_run(core, run, "record.cbor.zst", &file)) {
		run->lost = ~0u;
	} else {
		e = open_record(&record, file, HM_RECORD_EVENTS, run, ~0u, fail);
		if (e == 0)
			e = read_events(&r, record, fail);
	}
	return e < 0 ? hm_fail_in(fail, "the record of run %u", run->number) : 0;
}

static void sum_up_losses(struct hm_run *run)
{
	const struct hm_reconciled *more = run->reconciled;

	if (more && more->lost_events > run->lost_events)
		run->lost_events = more->lost_events;
	if (more && more->lost_packets > run->lost_packets)
		run->lost_packets = more->lost_packets;
	if (run->lost & HM_TOUCH_EVENTS && run->lost_events == 0)
		run->lost_events = 1; /* at least: its end, or what a gap without a count stands for */
	if (run->lost_events)
		run->lost |= HM_TOUCH_EVENTS;
	if (run->lost_packets)
		run->lost |= HM_TOUCH_PACKETS;
}

static int read_packets(struct hm_run *run, const struct hm_core *core, struct hm_given_reader *given, struct hm_fail *fail)
{
	struct hm_slice file;
	int r;

	if (!part_of_run(core, run, "packets.pcapng", &file)) {
		run->lost |= HM_TOUCH_PACKETS;
		return 0;
	}
	r = hm_flows_read(&run->flows, file, run->address, fail);
	if (r < 0)
		return hm_fail_in(fail, "the packets of run %u", run->number);
	run->withheld |= run->flows.withheld > 0;
	if (run->flows.withheld > run->lost_packets)
		run->lost_packets = run->flows.withheld;
	for (size_t i = 0; i < run->flows.count; i++)
		if (run->flows.list[i].missing)
			run->lost |= HM_TOUCH_PACKETS;
	/* Before semantics 3 ciphertext was all that there was to see. */
	if (core->semantics >= 3) {
		r = hm_plains_read(&run->plains, &run->flows, core->semantics > 3, fail);
		if (r < 0)
			return hm_fail_in(fail, "the packets of run %u", run->number);
	}
	hm_given_end(given, &run->flows, &run->given);
	if (core->semantics > 4 && core->experiment)
		hm_told_make(&run->told, &run->flows, &run->plains, &run->given);
	hm_content_search(run, core);
	return 0;
}

static int read_tree(struct hm_run *run, const struct hm_core *core, struct hm_fail *fail)
{
	HM_CLEANUP(cleanup_record) struct hm_record *record = NULL;
	struct hm_slice file;
	int r;

	if (!part_of_run(core, run, "tree.cbor.zst", &file)) {
		run->lost |= HM_TOUCH_TREE;
		return 0;
	}
	r = open_record(&record, file, HM_RECORD_TREE, run, HM_TOUCH_TREE, fail);
	if (r == 0)
		r = hm_tree_read(&run->tree, record, fail);
	if (r == 0 && hm_core_tests(core, "content"))
		hm_residue_search(run, core);
	return r < 0 ? hm_fail_in(fail, "the tree of run %u", run->number) : 0;
}

/* A run of a send block begins with what the run in the same place of the block before it left. */
static int read_began(struct hm_run *run, const struct hm_core *core, struct hm_fail *fail)
{
	HM_CLEANUP(cleanup_record) struct hm_record *record = NULL;
	HM_FREE char *part = NULL;
	struct hm_slice file;
	int r;

	if (!core->block_count || core->blocks[(run->number - 1) / 2].phase != HM_PHASE_SEND)
		return 0;
	part = hm_sprintf("runs/%04u/tree.cbor.zst", run->number - 2);
	if (!hm_parts_get(core->parts, part, &file)) {
		run->lost |= HM_TOUCH_TREE;
		return 0;
	}
	r = open_record(&record, file, HM_RECORD_TREE, run, HM_TOUCH_TREE, fail);
	if (r == 0)
		r = hm_tree_read(&run->began, record, fail);
	return r < 0 ? hm_fail_in(fail, "the tree of run %u", run->number - 2) : 0;
}

static void cleanup_reconcile(struct hm_reconcile **reconcile)
{
	hm_reconcile_free(*reconcile);
}

static void cleanup_given(struct hm_given_reader **given)
{
	hm_given_free(*given);
}

static void cleanup_run(struct hm_run **run)
{
	hm_run_close(*run);
}

int hm_run_open(struct hm_run **ret, const struct hm_core *core, size_t index, struct hm_fail *fail)
{
	HM_CLEANUP(cleanup_run) struct hm_run *run = hm_alloc(1, sizeof(*run));
	HM_CLEANUP(cleanup_reconcile) struct hm_reconcile *reconcile = NULL;
	HM_CLEANUP(cleanup_given) struct hm_given_reader *given = hm_given_new();
	const json_t *row = json_array_get(json_object_get(core->assessment, "runs"), index);
	int r;

	run->number = (unsigned)hm_number_of(row, "run");
	run->semantics = core->semantics;
	run->wrong = hm_wrong_of(json_array_get(json_object_get(core->plan, "runs"), run->number - 1));
	memcpy(run->address, core->address, sizeof(run->address));
	/* It follows from the seed, as the core was checked for. */
	if (hm_text_of(row, "address") && inet_pton(AF_INET, hm_text_of(row, "address"), run->address) != 1)
		return hm_fail_set(fail, HM_E_BAD, "the address of run %u is none", run->number);
	run->distrusted = (uint64_t)hm_number_of(json_object_get(row, "tls"), "refused");
	run->set = &core->sets[core->set_of[index]];
	if (core->semantics > 1)
		reconcile = hm_reconcile_new(&run->set->documents);
	r = read_record(run, core, reconcile, given, fail);
	if (r == 0)
		r = read_packets(run, core, given, fail);
	if (r == 0)
		r = read_tree(run, core, fail);
	if (r == 0)
		r = read_began(run, core, fail);
	if (r < 0)
		return r;
	if (reconcile)
		run->reconciled = hm_reconcile_end(reconcile, &run->flows);
	sum_up_losses(run);
	*ret = hm_take_ptr(&run);
	return 0;
}

void hm_run_close(struct hm_run *run)
{
	if (!run)
		return;
	hm_plains_release(&run->plains);
	hm_flows_release(&run->flows);
	for (size_t i = 0; i < run->leak_count; i++)
		free(run->leaks[i].feature);
	free(run->leaks);
	for (size_t i = 0; i < run->given_leak_count; i++)
		free(run->given_leaks[i].feature);
	free(run->given_leaks);
	hm_told_release(&run->told);
	hm_givens_release(&run->given);
	hm_facts_release(run);
	hm_reconciled_free(run->reconciled);
	for (size_t i = 0; i < run->kept_count; i++)
		free(run->kept[i].feature);
	free(run->kept);
	hm_tree_release(&run->tree);
	hm_tree_release(&run->began);
	free(run);
}
