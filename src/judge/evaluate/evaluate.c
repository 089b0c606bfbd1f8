/* The parts of the core are read, each run is shown to every claim, and what they say is put down in the one order that
 * doc/format/findings.md fixes. */
#include "evaluate.h"

#include "evaluate_internal.h"

struct evaluation {
	struct hm_core *core;
	struct hm_judgement **judgements;
	size_t count;
	struct hm_ledger *ledger;
	struct hm_trial *trial;
	struct hm_kept_trial *kept;
	struct hm_artifacts *artifacts;
	json_t *losses, *reconciled;
	bool withheld; /* something of a run is */
	const struct hm_evaluate_watch *watch; /* may be NULL */
};

static void release(struct evaluation *e)
{
	HM_JSON json_t *dropped = json_array();

	for (size_t i = 0; i < e->count; i++)
		hm_judge_end(e->judgements[i], dropped, dropped);
	free(e->judgements);
	hm_ledger_free(e->ledger);
	hm_trial_free(e->trial);
	hm_kept_free(e->kept);
	hm_artifacts_free(e->artifacts);
	json_decref(e->losses);
	json_decref(e->reconciled);
	hm_core_close(e->core);
}

static void cleanup_run(struct hm_run **run)
{
	hm_run_close(*run);
}

static json_t *number(uint64_t v)
{
	const uint64_t max = (1ull << 53) - 1;

	return json_integer((json_int_t)(v > max ? max : v));
}

static void begin(struct evaluation *e)
{
	const json_t *list = json_object_get(e->core->claims, "claims"), *row;
	size_t i;

	e->judgements = hm_alloc(json_array_size(list), sizeof(struct hm_judgement *));
	json_array_foreach (list, i, row)
		e->judgements[e->count++] = hm_judge_begin(e->core, json_string_value(json_object_get(row, "id")));
	e->ledger = hm_ledger_new(e->core);
	e->trial = hm_trial_new(e->core);
	e->kept = hm_kept_new(e->core);
	e->artifacts = hm_artifacts_new(e->core);
	e->losses = json_array();
	e->reconciled = json_array();
}

/* What the run sent, read once for all who compare it. */
static int take_features(struct evaluation *e, const struct hm_run *run, struct hm_fail *fail)
{
	struct hm_features features;
	int r = 0;

	if (!e->trial)
		return 0;
	hm_features_read(&features, &run->flows, &run->plains, run->told.list ? &run->told : NULL, e->core->semantics > 4);
	hm_trial_run(e->trial, run, &features);
	if (e->watch)
		r = e->watch->features(e->watch->cookie, run->number, &features, fail);
	hm_features_release(&features);
	return r;
}

static int take_run(struct evaluation *e, size_t index, struct hm_fail *fail)
{
	HM_CLEANUP(cleanup_run) struct hm_run *run = NULL;
	int r = hm_run_open(&run, e->core, index, fail);
	json_t *loss;

	if (r < 0)
		return r;
	e->withheld |= run->withheld;
	for (size_t i = 0; i < e->count; i++)
		hm_judge_run(e->judgements[i], run);
	hm_ledger_run(e->ledger, run);
	hm_kept_run(e->kept, run);
	hm_artifacts_run(e->artifacts, run);
	loss = json_object();
	json_object_set_new(loss, "run", json_integer(run->number));
	json_object_set_new(loss, "events", number(run->lost_events));
	json_object_set_new(loss, "packets", number(run->lost_packets));
	json_array_append_new(e->losses, loss);
	if (run->reconciled)
		json_array_append_new(e->reconciled, hm_reconciled_json(run));
	return take_features(e, run, fail);
}

static json_t *product_of(const struct evaluation *e)
{
	const json_t *product = e->core->product;
	json_t *out = json_object();

	json_object_set(out, "name", json_object_get(product, "name"));
	json_object_set(out, "purl", json_object_get(product, "purl"));
	json_object_set(out, "supplier", json_object_get(product, "supplier"));
	json_object_set(out, "argv", json_object_get(e->core->plan, "argv"));
	json_object_set(out, "definitions", json_object_get(product, "definitions"));
	json_object_set_new(out, "artifacts", hm_artifacts_json(e->artifacts));
	return out;
}

static json_int_t blocks(const struct hm_core *core, const char *kind)
{
	const json_t *runs = json_object_get(core->assessment, "runs"), *row;
	json_int_t count = 0;
	size_t i;

	json_array_foreach (runs, i, row)
		count += strcmp(json_string_value(json_object_get(row, "kind")), kind) == 0;
	return count / 2;
}

/* Locate blocks too, which no claim lacks. */
static json_int_t not_set_up(const struct hm_core *core)
{
	json_int_t count = 0;

	for (size_t i = 0; i < core->block_count; i++)
		count += core->blocks[i].fate == HM_FATE_NOT_SET_UP;
	return count;
}

/* How the product was given other authorities than those that it trusts by itself: which ways, and the plan under which it had refused. */
static json_t *authorities_of(const json_t *used)
{
	static const char *const ways[] = { "arguments", "environment", "files" };
	json_t *by = json_array();

	for (size_t i = 0; i < HM_COUNT(ways); i++)
		if (json_array_size(json_object_get(used, ways[i])))
			json_array_append_new(by, json_string(ways[i]));
	return json_pack("{s:O,s:o}", "after", json_object_get(used, "after"), "by", by);
}

static json_t *experiment_of(const struct hm_core *core)
{
	static const char *const lists[] = { "repeated", "resumed" };
	json_t *out = json_object();

	json_object_set_new(out, "screen", json_integer(blocks(core, "screen")));
	json_object_set_new(out, "confirm", json_integer(blocks(core, "confirm")));
	json_object_set_new(out, "runs", json_integer((json_int_t)core->runs));
	json_object_set(out, "factors", json_object_get(core->plan, "factors"));
	json_object_set(out, "internet", json_object_get(core->plan, "internet"));
	json_object_set(out, "witnesses", json_object_get(core->assessment, "witnesses"));
	if (core->semantics > 1)
		json_object_set_new(out, "self_test", json_string(core->self_test));
	if (json_object_get(core->plan, "authorities"))
		json_object_set_new(out, "authorities", authorities_of(json_object_get(core->plan, "authorities")));
	if (!core->experiment)
		return out;
	if (core->semantics > 3)
		json_object_set_new(out, "aa", json_integer(blocks(core, "aa")));
	if (hm_core_locates(core))
		json_object_set_new(out, "locate", json_integer(blocks(core, "locate")));
	json_object_set_new(out, "send", json_integer(blocks(core, "send")));
	json_object_set_new(out, "skipped", json_integer((json_int_t)core->skipped));
	json_object_set_new(out, "not_set_up", json_integer(not_set_up(core)));
	for (size_t i = 0; i < HM_COUNT(lists); i++)
		json_object_set_new(out, lists[i], json_integer((json_int_t)json_array_size(json_object_get(core->assessment, lists[i]))));
	return out;
}

static json_t *digest_text(const struct hm_sha256 *digest)
{
	char text[7 + 2 * HM_SHA256_LEN + 1] = "sha256:";

	hm_text_hex_into(text + 7, (struct hm_slice){ digest->b, sizeof(digest->b) });
	return json_string(text);
}

static json_t *scope_of(const struct hm_core *core)
{
	json_t *list = json_pack("[s,s,s]", "timing", "dormant behaviour", "server side");

	if (core->semantics > 4)
		json_array_append_new(list, json_string("ipv6"));
	return json_pack("{s:o}", "not_asserted", list);
}

static json_t *findings_of(struct evaluation *e)
{
	json_t *out = json_object(), *judged = json_array(), *untested = json_array(), *influence = hm_ledger_influence(e->ledger), *located;

	hm_trial_influence(e->trial, influence);
	for (size_t i = 0; i < e->count; i++) {
		if (strcmp(hm_judge_id(e->judgements[i]), "declared.collection") == 0)
			hm_trial_judge_collection(e->trial, e->judgements[i], influence);
		hm_trial_judge(e->trial, e->judgements[i], hm_judge_id(e->judgements[i]));
		hm_kept_judge(e->kept, hm_trial_sent(e->trial), hm_trial_suspects(e->trial), e->judgements[i], hm_judge_id(e->judgements[i]));
		hm_judge_end(e->judgements[i], judged, untested);
	}
	e->count = 0;
	hm_kept_influence(e->kept, influence);
	json_object_set_new(out, "schema", json_string("hallmark/findings/v1"));
	json_object_set_new(out, "semantics", json_integer(e->core->semantics));
	json_object_set_new(out, "claim_set", digest_text(&e->core->claims_digest));
	json_object_set_new(out, "plan", digest_text(&e->core->plan_digest));
	json_object_set_new(out, "product", product_of(e));
	json_object_set_new(out, "experiment", experiment_of(e->core));
	json_object_set(out, "losses", e->losses);
	if (e->core->semantics > 1)
		json_object_set(out, "reconciled", e->reconciled);
	json_object_set_new(out, "claims", judged);
	json_object_set_new(out, "not_tested", untested);
	json_object_set_new(out, "influence", influence);
	located = hm_trial_located(e->trial, influence);
	if (located)
		json_object_set_new(out, "located", located);
	json_object_set_new(out, "ledger", e->trial ? hm_trial_ledger(e->trial) : hm_ledger_json(e->ledger));
	json_object_set_new(out, "scope", scope_of(e->core));
	return out;
}

/* What is withheld may be what the comparison of runs rested on: then there is none, and claims that do not rest on it are judged all the same. */
static void forget_comparison(struct evaluation *e)
{
	hm_trial_free(e->trial);
	hm_kept_free(e->kept);
	e->trial = NULL;
	e->kept = NULL;
}

int hm_evaluate(struct hm_bytes *findings, const struct hm_parts *parts, struct hm_fail *fail)
{
	return hm_evaluate_watched(findings, parts, NULL, fail);
}

int hm_evaluate_watched(struct hm_bytes *findings, const struct hm_parts *parts, const struct hm_evaluate_watch *watch, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct evaluation e = { .watch = watch };
	HM_JSON json_t *out = NULL;
	int r = hm_core_open(&e.core, parts, fail);

	if (r < 0)
		return r;
	begin(&e);
	for (size_t i = 0; i < e.core->runs; i++) {
		r = take_run(&e, i, fail);
		if (r < 0)
			return r;
	}
	r = hm_kept_conclude(e.kept, fail);
	if (r == 0)
		r = hm_trial_conclude(e.trial, e.kept, fail);
	if (r == HM_E_BAD && e.withheld) {
		forget_comparison(&e);
		r = 0;
	}
	if (r < 0)
		return r;
	out = findings_of(&e);
	hm_json_write(findings, out);
	return 0;
}

int hm_findings_exit(struct hm_slice findings)
{
	HM_JSON json_t *parsed = NULL;
	const char *self_test;
	const json_t *row;
	int code = 0;
	size_t i;

	if (hm_json_parse_canonical(&parsed, findings, "findings", NULL) < 0)
		return 1;
	json_array_foreach (json_object_get(parsed, "claims"), i, row) {
		const char *verdict = json_string_value(json_object_get(row, "verdict"));

		if (!verdict || strcmp(verdict, "refuted") == 0)
			return 1;
		if (strcmp(verdict, "upheld") != 0)
			code = 2;
	}
	/* Where the recorder was not seen to see, nothing was judged: that is no success. */
	self_test = json_string_value(json_object_get(json_object_get(parsed, "experiment"), "self_test"));
	return self_test && strcmp(self_test, "passed") != 0 && code == 0 ? 2 : code;
}
