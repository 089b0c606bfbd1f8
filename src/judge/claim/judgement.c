/* How what claim functions say becomes a row of findings.json. A judgement collects grounds; the gravest verdict wins, and
 * among its grounds the one that stands first in the table of reasons. */
#include "claim_internal.h"

#include "factor.h"
#include "experiment.h"

enum { EVIDENCE_MAX = 64 };

struct hm_ground {
	size_t reason; /* in the table */
	json_t *values, *evidence;
};

/* Every reason code, in the order of precedence within its verdict (doc/format/findings.md). */
static const struct hm_reason reasons[] = {
	{ "content.token", HM_REFUTED },
	{ "content.digest", HM_REFUTED },
	{ "content.given", HM_REFUTED },
	{ "influence.confirmed", HM_REFUTED },
	{ "residue.token", HM_REFUTED },
	{ "residue.digest", HM_REFUTED },
	{ "residue.sent", HM_REFUTED },
	{ "residue.depends", HM_REFUTED },
	{ "bytes.readable", HM_REFUTED },
	{ "certificate.accepted", HM_REFUTED },
	{ "collection.undeclared", HM_REFUTED },
	{ "endpoint.undeclared", HM_REFUTED },
	{ "write.undeclared", HM_REFUTED },
	{ "privilege.undeclared", HM_REFUTED },
	{ "reach.outside", HM_REFUTED },
	{ "port.listening", HM_REFUTED },
	{ "code.foreign", HM_REFUTED },
	{ "code.altered", HM_REFUTED },
	{ "target.changed", HM_REFUTED },
	{ "files.changed", HM_REFUTED },
	{ "samples.missed", HM_REFUTED },

	{ "record.gap", HM_OPEN },
	{ "state.unexplained", HM_OPEN },
	{ "task.left", HM_OPEN },
	{ "observer.touched", HM_OPEN },
	{ "way.missing", HM_OPEN },
	{ "run.missing", HM_OPEN },
	{ "run.interrupted", HM_OPEN },
	{ "run.empty", HM_OPEN },
	{ "witness.disagree", HM_OPEN },
	{ "read.unexplained", HM_OPEN },
	{ "read.unnamed", HM_OPEN },
	{ "call.aside", HM_OPEN },
	{ "bytes.unexplained", HM_OPEN },
	{ "bytes.unaccounted", HM_OPEN },
	{ "content.inseparable", HM_OPEN },
	{ "residue.differs", HM_OPEN },
	{ "residue.unread", HM_OPEN },
	{ "residue.untried", HM_OPEN },
	{ "bytes.opaque", HM_OPEN },
	{ "tls.closed", HM_OPEN },
	{ "tls.refused", HM_OPEN },
	{ "certificate.taken", HM_OPEN },
	{ "certificate.untried", HM_OPEN },
	{ "code.unowned", HM_OPEN },
	{ "code.unlisted", HM_OPEN },
	{ "code.generated", HM_OPEN },
	{ "path.cut", HM_OPEN },

	{ "nothing.left", HM_UPHELD },
	{ "nothing.depends", HM_UPHELD },
	{ "residue.equal", HM_UPHELD },
	{ "bytes.sealed", HM_UPHELD },
	{ "certificate.refused", HM_UPHELD },
	{ "collection.declared", HM_UPHELD },
	{ "endpoints.declared", HM_UPHELD },
	{ "writes.declared", HM_UPHELD },
	{ "privileges.declared", HM_UPHELD },
	{ "reach.inside", HM_UPHELD },
	{ "ports.none", HM_UPHELD },
	{ "code.installed", HM_UPHELD },
	{ "files.own", HM_UPHELD },
	{ "samples.found", HM_UPHELD },
};

static const char *const verdict_words[] = { [HM_UPHELD] = "upheld", [HM_OPEN] = "not verifiable", [HM_REFUTED] = "refuted" };

struct hm_ground *hm_ground(struct hm_judgement *j, const char *code)
{
	size_t reason = 0;

	while (strcmp(reasons[reason].code, code) != 0)
		if (++reason == HM_COUNT(reasons))
			abort(); /* a claim function with a reason that the table lacks */
	for (size_t i = 0; i < j->ground_count; i++)
		if (j->grounds[i].reason == reason)
			return &j->grounds[i];
	j->grounds[j->ground_count] = (struct hm_ground){ reason, json_object(), json_array() };
	return &j->grounds[j->ground_count++];
}

static json_int_t bounded(uint64_t v)
{
	const uint64_t max = (1ull << 53) - 1;

	return (json_int_t)(v > max ? max : v);
}

void hm_ground_add(struct hm_ground *g, const char *value, uint64_t by)
{
	uint64_t sum = (uint64_t)json_integer_value(json_object_get(g->values, value));

	if (__builtin_add_overflow(sum, by, &sum))
		sum = UINT64_MAX;
	json_object_set_new(g->values, value, json_integer(bounded(sum)));
}

void hm_ground_most(struct hm_ground *g, const char *value, uint64_t v)
{
	if (bounded(v) >= json_integer_value(json_object_get(g->values, value)))
		json_object_set_new(g->values, value, json_integer(bounded(v)));
}

void hm_ground_or(struct hm_ground *g, const char *value, uint64_t bits)
{
	uint64_t sum = (uint64_t)json_integer_value(json_object_get(g->values, value));

	json_object_set_new(g->values, value, json_integer(bounded(sum | bits)));
}

static json_t *cite(struct hm_ground *g, const struct hm_run *run, const char *what, uint64_t number)
{
	json_t *row;

	if (json_array_size(g->evidence) >= EVIDENCE_MAX)
		return NULL;
	row = json_object();
	json_object_set_new(row, "run", json_integer(run->number));
	json_object_set_new(row, what, json_integer(bounded(number)));
	json_array_append_new(g->evidence, row);
	return row;
}

void hm_ground_event(struct hm_ground *g, const struct hm_run *run, uint64_t event)
{
	cite(g, run, "event", event);
}

void hm_ground_entry(struct hm_ground *g, const struct hm_run *run, uint64_t entry)
{
	cite(g, run, "entry", entry);
}

const char *hm_flow_layer(const struct hm_flow *flow)
{
	const char *slash = strrchr(flow->endpoint, '/');

	return slash ? slash + 1 : flow->endpoint;
}

static void cite_bytes(struct hm_ground *g, const struct hm_run *run, size_t flow, const char *layer, size_t offset, size_t length)
{
	json_t *row = cite(g, run, "flow", flow);

	if (!row)
		return;
	json_object_set_new(row, "layer", json_string(layer));
	json_object_set_new(row, "offset", json_integer(bounded(offset)));
	json_object_set_new(row, "length", json_integer(bounded(length)));
}

void hm_ground_flow(struct hm_ground *g, const struct hm_run *run, size_t flow, size_t offset, size_t length)
{
	cite_bytes(g, run, flow, hm_flow_layer(&run->flows.list[flow]), offset, length);
}

void hm_ground_plain(struct hm_ground *g, const struct hm_run *run, size_t flow, size_t offset, size_t length)
{
	cite_bytes(g, run, flow, "tls", offset, length);
}

bool hm_ground_is(const struct hm_judgement *j, const char *code)
{
	for (size_t i = 0; i < j->ground_count; i++)
		if (strcmp(reasons[j->grounds[i].reason].code, code) == 0)
			return true;
	return false;
}

void hm_ground_leak(struct hm_ground *g, const struct hm_run *run, const struct hm_leak *leak)
{
	cite_bytes(g, run, leak->flow, leak->tls ? "tls" : hm_flow_layer(&run->flows.list[leak->flow]), leak->offset, leak->length);
}

static bool has_samples(const struct hm_core *core)
{
	for (size_t i = 0; i < core->set_count; i++)
		if (core->sets[i].sample_count)
			return true;
	return false;
}

/* Every factor that can be set and belongs to the claim was planned: fewer would say less than the claim does. */
static bool is_tried(const struct hm_core *core, const struct hm_claim *claim)
{
	const char *id = claim->id;
	size_t tried = 0;

	if (claim->factor)
		return hm_core_tests(core, claim->factor);
	for (size_t i = 0; i < hm_factor_count; i++) {
		if (strcmp(hm_factors[i].claim, id) != 0 || hm_factors[i].cannot || core->semantics < hm_factors[i].since)
			continue;
		if (!hm_core_varies(core, i))
			return false;
		tried++;
	}
	return tried > 0;
}

static const char *why_untested(const struct hm_core *core, const struct hm_claim *claim)
{
	const json_t *switches;

	if (!claim)
		return "unknown claim";
	/* Not green, no verdict: a recorder that was not seen to see proves nothing by what it did not see. */
	if (core->semantics > 1 && strcmp(core->self_test, "passed") != 0)
		return strcmp(core->self_test, "failed") == 0 ? "self-test failed" : "no self-test";
	if (strcmp(claim->id, "control.switches") == 0) {
		switches = core->declaration ? json_object_get(core->declaration, "switches") : NULL;
		return json_array_size(switches) ? claim->untested : "no switch declared";
	}
	if (claim->paired && (core->semantics < claim->since || !core->experiment))
		return claim->untested;
	if (claim->since ? core->semantics < claim->since : claim->untested && !is_tried(core, claim))
		return claim->untested;
	if (claim->idle && !core->wrong_planned)
		return claim->untested;
	/* Where nothing can leave, it says nothing that nothing left. */
	if ((claim->touches & HM_TOUCH_PACKETS) &&
	    strcmp(json_string_value(json_object_get(core->plan, "internet")), "closed") == 0)
		return "internet closed";
	if (claim->needs && (!core->declaration || !json_object_get(core->declaration, claim->needs)))
		return "no declaration";
	if (claim->run == hm_claim_samples && !has_samples(core))
		return "no samples";
	return core->runs ? NULL : "no run";
}

struct hm_judgement *hm_judge_begin(const struct hm_core *core, const char *id)
{
	struct hm_judgement *j = hm_alloc(1, sizeof(*j));
	size_t planned = json_array_size(json_object_get(core->plan, "runs")) - core->wrong_planned, done = core->runs - core->wrong_done;

	j->core = core;
	j->speaks = json_object();
	j->id = hm_strdup(id);
	j->claim = hm_claim_find(id);
	j->upheld = j->claim ? j->claim->upheld : NULL;
	j->untested = why_untested(core, j->claim);
	j->grounds = hm_alloc(HM_COUNT(reasons), sizeof(*j->grounds));
	/* A run that was planned and is not here might have shown anything; a few that never began could not. */
	planned -= 2 * core->skipped;
	if (core->tolerable)
		planned -= 2 * core->not_set_up;
	planned -= 2 * (core->not_needed + core->unasked);
	if (j->claim && j->claim->idle) {
		planned += core->wrong_planned - core->without_tls;
		done += core->wrong_done;
	}
	if (!j->untested && planned > done)
		hm_ground_add(hm_ground(j, "run.missing"), "runs", planned - done);
	return j;
}

static void judge_marks(struct hm_judgement *j, const struct hm_run *run, const char *reason, const char *what, const struct hm_marks *marks)
{
	struct hm_ground *g;

	if (!marks->count)
		return;
	g = hm_ground(j, reason);
	hm_ground_add(g, "runs", 1);
	hm_ground_add(g, what, marks->count);
	for (size_t i = 0; i < marks->kept; i++)
		hm_ground_event(g, run, marks->event[i]);
}

/* Calls that make doubtful what the claim looks at: how many, and the first of each kind in the order of events. */
static void judge_calls(struct hm_judgement *j, const struct hm_run *run, const char *reason, unsigned touches)
{
	const struct hm_reconciled *w = run->reconciled;
	struct hm_marks marks = { 0 };

	for (size_t i = 0; i < w->reach_count; i++) {
		const struct hm_reach *reach = &w->reaches[i];
		size_t at = marks.kept;

		if (!reach->done || !(reach->touches & touches) || marks.kept == HM_MARKS)
			continue;
		marks.count += reach->done;
		for (; at > 0 && marks.event[at - 1] > reach->first; at--)
			marks.event[at] = marks.event[at - 1];
		marks.event[at] = reach->first;
		marks.kept++;
	}
	judge_marks(j, run, reason, "calls", &marks);
}

/* What the witnesses of the run said of each other (semantics 2). */
static void judge_witnesses(struct hm_judgement *j, const struct hm_run *run)
{
	const struct hm_reconciled *w = run->reconciled;
	unsigned touches = j->claim->touches;

	judge_marks(j, run, "state.unexplained", "things", &w->state_marks);
	judge_marks(j, run, "task.left", "tasks", &w->left);
	judge_calls(j, run, "observer.touched", HM_REACH_RECORD);
	judge_calls(j, run, "call.aside", (touches & HM_TOUCH_READS ? HM_REACH_READS : 0) |
					  (touches & HM_TOUCH_PATHS ? HM_REACH_PATHS : 0) |
					  (touches & HM_TOUCH_PORTS ? HM_REACH_PORTS : 0));
	if (touches & HM_TOUCH_READS) {
		judge_marks(j, run, "read.unexplained", "documents", &w->read);
		judge_marks(j, run, "read.unnamed", "files", &w->unnamed);
	}
	if (touches & HM_TOUCH_CODE)
		judge_marks(j, run, "read.unnamed", "files", &w->mapped);
}

/* Bytes that the kernel counted as sent and no packet shows. More packets than it counted are no loss. */
static uint64_t unseen_bytes(const struct hm_run *run)
{
	uint64_t bytes = run->witnessed_bytes > run->flows.wire ? run->witnessed_bytes - run->flows.wire : 0;

	/* Flow by flow, so that what one lacks is not made up by another. */
	if (run->reconciled && run->reconciled->packets.bytes_missing > bytes)
		bytes = run->reconciled->packets.bytes_missing;
	return bytes;
}

/* What speaks against every claim that looks at such evidence. */
static void judge_losses(struct hm_judgement *j, const struct hm_run *run)
{
	struct hm_ground *g;

	if (run->lost & j->claim->touches) {
		g = hm_ground(j, "record.gap");
		hm_ground_add(g, "runs", 1);
		hm_ground_add(g, "events", run->lost_events);
		hm_ground_add(g, "packets", run->lost_packets);
	}
	if (run->interrupted)
		hm_ground_add(hm_ground(j, "run.interrupted"), "runs", 1);
	if (!run->executed)
		hm_ground_add(hm_ground(j, "run.empty"), "runs", 1);
	if (run->reconciled)
		judge_witnesses(j, run);
	if (j->claim->touches & HM_TOUCH_PACKETS)
		judge_marks(j, run, "way.missing", "calls", &run->nowhere);
	if ((j->claim->touches & HM_TOUCH_PACKETS) && unseen_bytes(run)) {
		g = hm_ground(j, "witness.disagree");
		hm_ground_add(g, "runs", 1);
		hm_ground_add(g, "bytes", unseen_bytes(run));
	}
}

const char *hm_judge_id(const struct hm_judgement *j)
{
	return j->id;
}

/* What could carry it, whatever was confirmed. */
static void judge_unaccounted(struct hm_judgement *j, const struct hm_trial_outcome *o)
{
	struct hm_ground *g;

	if (!o->unaccounted && !o->loose && !o->beyond)
		return;
	g = hm_ground(j, "bytes.unaccounted");
	hm_ground_add(g, "bytes", o->unaccounted);
	hm_ground_add(g, "features", o->loose);
	hm_ground_add(g, "of", o->of);
	if (j->core->semantics > 3) {
		hm_ground_add(g, "bits", o->bits);
		hm_ground_add(g, "timing_bits", o->timing);
	}
	if (o->beyond)
		hm_ground_or(g, "unsearched", 1);
}

void hm_judge_outcome(struct hm_judgement *j, const struct hm_trial_outcome *o)
{
	struct hm_ground *g;

	/* One factor that something depends on refutes the claim, whatever those that were not varied would have shown. */
	if (j->untested && o->features && j->untested == j->claim->untested)
		j->untested = NULL;
	if (j->untested)
		return;
	j->pairs = o->pairs;
	if (o->of)
		j->upheld = "nothing.depends";
	else if (strcmp(j->upheld, "nothing.left") == 0)
		hm_ground_add(hm_ground(j, "nothing.left"), "bytes", 0);
	if (o->features) {
		g = hm_ground(j, "influence.confirmed");
		hm_ground_add(g, "features", o->features);
		hm_ground_add(g, "bytes", o->bytes);
		hm_ground_add(g, "of", o->of);
		if (o->stored)
			hm_ground_add(g, "stored", o->stored);
	}
	if (o->inseparable) {
		g = hm_ground(j, "content.inseparable");
		hm_ground_add(g, "features", o->inseparable);
	}
	if (o->given && strcmp(j->upheld, "nothing.depends") == 0)
		hm_ground_add(hm_ground(j, "nothing.depends"), "given", o->given);
	judge_unaccounted(j, o);
}

void hm_judge_collection(struct hm_judgement *j, const struct hm_collection_outcome *o)
{
	struct hm_ground *g;

	if (j->untested)
		return;
	j->pairs = o->all.pairs;
	if (o->undeclared) {
		g = hm_ground(j, "collection.undeclared");
		hm_ground_add(g, "features", o->undeclared);
		hm_ground_add(g, "of", o->features);
	}
	judge_unaccounted(j, &o->all);
	g = hm_ground(j, "collection.declared");
	hm_ground_add(g, "features", o->features);
	hm_ground_add(g, "factors", o->factors);
}

void hm_judge_run(struct hm_judgement *j, const struct hm_run *run)
{
	if (j->untested || (run->wrong && !j->claim->wrong))
		return;
	j->runs++;
	judge_losses(j, run);
	if (j->claim->run)
		j->claim->run(j, j->core, run);
}

static json_t *bound_of(uint64_t runs)
{
	unsigned n = runs > HM_EXPERIMENT_PAIRS_MAX ? HM_EXPERIMENT_PAIRS_MAX : (unsigned)runs;

	return json_pack("{s:i,s:[i,i],s:i}", "pairs", (int)n, "confidence", 19, 20, "rate_bp", (int)hm_experiment_rate(n));
}

static const struct hm_ground *gravest(const struct hm_judgement *j)
{
	const struct hm_ground *best = NULL;

	for (size_t i = 0; i < j->ground_count; i++) {
		const struct hm_ground *g = &j->grounds[i];

		if (!best || reasons[g->reason].verdict > reasons[best->reason].verdict ||
		    (reasons[g->reason].verdict == reasons[best->reason].verdict && g->reason < best->reason))
			best = g;
	}
	return best;
}

static json_t *row_of(struct hm_judgement *j)
{
	struct hm_ground *upheld = hm_ground(j, j->upheld);
	const struct hm_ground *g = gravest(j);
	enum hm_verdict verdict = reasons[g->reason].verdict;
	json_t *row = json_object();

	hm_ground_add(upheld, "runs", j->runs);
	json_object_set_new(row, "id", json_string(j->id));
	json_object_set_new(row, "question", j->claim->question ? json_integer(j->claim->question) : json_null());
	json_object_set_new(row, "verdict", json_string(verdict_words[verdict]));
	json_object_set_new(row, "reason", json_string(reasons[g->reason].code));
	json_object_set(row, "values", g->values);
	json_object_set(row, "evidence", g->evidence);
	if (verdict == HM_UPHELD)
		json_object_set_new(row, "bound", bound_of(j->pairs ? j->pairs : j->runs));
	return row;
}

void hm_judge_end(struct hm_judgement *j, json_t *judged, json_t *not_tested)
{
	if (!j->untested && j->claim->idle && !j->met)
		j->untested = j->claim->idle;
	if (j->untested)
		json_array_append_new(not_tested, json_pack("{s:s,s:s}", "id", j->id, "reason", j->untested));
	else
		json_array_append_new(judged, row_of(j));
	for (size_t i = 0; i < j->ground_count; i++) {
		json_decref(j->grounds[i].values);
		json_decref(j->grounds[i].evidence);
	}
	json_decref(j->speaks);
	free(j->grounds);
	free(j->id);
	free(j);
}
