/* What the experiment shows: which features depend on which factor, and to what class every byte that left belongs. */
#include "evaluate_internal.h"

#include "compare.h"
#include "factor.h"

enum { NEVER = 0, AA = 0, SCREEN = 1, CONFIRM = 2 /* and the factor's number: groups of blocks */, LOCATE = 63, GROUPS_MAX = 63 };

struct hm_trial {
	const struct hm_core *core;
	struct hm_compare *compare;
	struct hm_admission *admission;
	uint64_t *influenced; /* by key: bit i stands for factor i; grown as keys appear */
	size_t influenced_count;
	struct hm_compare_result *found; /* by factor */
	uint32_t *pairs;		 /* by factor: what a bound counts */
	struct hm_compare_result sent;	 /* of runs that began with what others had kept: depends on that */
	size_t *number_of;		 /* by run: its number among those that are compared; SIZE_MAX: it has no twin */
	size_t runs, taken;		 /* that were seen, that are compared */
	bool *suspected;		 /* by factor: screening had a suspect, of what left or of what was left on disk */
	struct hm_locate *locate;	 /* NULL: nothing was to be located */
	const struct hm_kept_trial *kept; /* whose residue is located; NULL: none is */
	bool suspects; /* screening had some */
};

struct hm_trial *hm_trial_new(const struct hm_core *core)
{
	struct hm_trial *t;

	if (!core->experiment)
		return NULL;
	t = hm_alloc(1, sizeof(*t));
	t->core = core;
	t->compare = hm_compare_new();
	if (core->semantics < 4)
		hm_compare_narrow(t->compare);
	t->admission = hm_admission_new(core);
	t->found = hm_alloc(core->factor_count + 1, sizeof(*t->found));
	t->pairs = hm_alloc(core->factor_count + 1, sizeof(*t->pairs));
	t->suspected = hm_alloc(core->factor_count + 1, sizeof(*t->suspected));
	t->number_of = hm_alloc(core->runs + 1, sizeof(*t->number_of));
	return t;
}

void hm_trial_free(struct hm_trial *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->core->factor_count; i++)
		hm_compare_result_release(&t->found[i]);
	hm_compare_result_release(&t->sent);
	hm_compare_free(t->compare);
	hm_admission_free(t->admission);
	free(t->found);
	free(t->pairs);
	free(t->suspected);
	hm_locate_free(t->locate);
	free(t->number_of);
	free(t->influenced);
	free(t);
}

static void mark(struct hm_trial *t, size_t key, uint64_t factors)
{
	if (key >= t->influenced_count) {
		t->influenced = hm_realloc(t->influenced, key + 1, sizeof(*t->influenced));
		memset(t->influenced + t->influenced_count, NEVER, (key + 1 - t->influenced_count) * sizeof(*t->influenced));
		t->influenced_count = key + 1;
	}
	t->influenced[key] |= factors;
}

static uint64_t bit_of(const struct hm_core *core, const char *factor)
{
	for (size_t i = 0; i < core->factor_count; i++)
		if (strcmp(core->factors[i], factor) == 0)
			return 1ull << i;
	return 0;
}

static void mark_content(void *cookie, const struct hm_feature *feature)
{
	struct hm_trial *t = cookie;

	mark(t, hm_compare_key(t->compare, feature->endpoint, feature->name), bit_of(t->core, "content"));
}

/* The block of the run, when both of its runs were done. */
static const struct hm_block *block_of(const struct hm_core *core, size_t run)
{
	for (size_t i = 0; i < core->block_count; i++) {
		const struct hm_block *b = &core->blocks[i];

		if (b->run[0] == run || b->run[1] == run)
			return b->run[0] == SIZE_MAX || b->run[1] == SIZE_MAX ? NULL : b;
	}
	return NULL;
}

static unsigned group_of(const struct hm_block *b)
{
	unsigned group = b->phase == HM_PHASE_AA ? AA : b->phase == HM_PHASE_SCREEN ? SCREEN : CONFIRM + (unsigned)b->factor;

	if (b->phase == HM_PHASE_LOCATE)
		return LOCATE;
	return group < GROUPS_MAX ? group : GROUPS_MAX - 1;
}

void hm_trial_run(struct hm_trial *t, const struct hm_run *run, const struct hm_features *features)
{
	const struct hm_block *block;
	size_t at;

	at = t->runs++;
	block = block_of(t->core, at);
	/* Where the network is closed nothing leaves: what a product says to nobody, and how often, is noise. */
	if (block && (block->phase == HM_PHASE_STORE || block->phase == HM_PHASE_CERTIFICATE))
		block = NULL;
	t->number_of[at] = block ? t->taken++ : SIZE_MAX;
	if (!block)
		return;
	hm_compare_run(t->compare, features, &run->flows, run->reconciled ? run->reconciled->choices : NULL);
	hm_admission_run(t->admission, t->compare, run, features);
	hm_held_features(run, features, mark_content, t);
	/* Runs come in their order, and the two of a block follow each other. */
	if (at == (block->run[0] > block->run[1] ? block->run[0] : block->run[1])) {
		hm_compare_pair(t->compare, group_of(block));
		hm_admission_pair(t->admission);
	}
}

/* The blocks of a phase (and factor) of which both runs were done, by level. */
static struct hm_compare_phase blocks_of(const struct hm_trial *t, enum hm_phase phase, int factor, struct hm_compare_block *list,
					 uint32_t *numbers)
{
	const struct hm_core *core = t->core;
	struct hm_compare_phase out = { list, 0 };

	for (size_t i = 0; i < core->block_count; i++) {
		const struct hm_block *b = &core->blocks[i];

		if (b->phase != phase || b->factor != factor || b->fate != HM_FATE_DONE)
			continue;
		if (numbers)
			numbers[out.count] = b->number;
		list[out.count++] = (struct hm_compare_block){ { t->number_of[b->run[b->level[0] == 1]],
								 t->number_of[b->run[b->level[0] != 1]] } };
	}
	return out;
}

/* All blocks are skipped where screening had no suspect; else those behind the first few, when no suspect differed in these, times apart. */
static int check_skipped(const struct hm_trial *t, const struct hm_compare_result *suspects, int factor, struct hm_fail *fail)
{
	size_t before = hm_phase_before_skip(t->core, factor);

	if (before == SIZE_MAX)
		return 0;
	if (before != (suspects->count ? HM_EXPERIMENT_PROBE : 0))
		return hm_fail_set(fail, HM_E_BAD, "blocks of %s were skipped behind %zu, which no rule allows", t->core->factors[factor], before);
	for (size_t i = 0; i < suspects->count; i++) {
		struct hm_compare_account account;

		hm_compare_account(t->compare, suspects->list[i].key, &account);
		if (CONFIRM + factor < GROUPS_MAX && (account.differs >> (CONFIRM + factor) & 1))
			return hm_fail_set(fail, HM_E_BAD, "blocks of %s were skipped that had something to confirm", t->core->factors[factor]);
	}
	return 0;
}

static int conclude_factor(struct hm_trial *t, const struct hm_kept_trial *kept, size_t factor, struct hm_fail *fail)
{
	const struct hm_core *core = t->core;
	HM_CLEANUP(hm_compare_result_release) struct hm_compare_result suspects = { 0 };
	HM_FREE struct hm_compare_block *list = hm_alloc(3 * core->block_count + 1, sizeof(*list));
	HM_FREE uint32_t *numbers = hm_alloc(core->block_count + 1, sizeof(*numbers));
	const struct hm_experiment_draws draws = { &core->plan_digest, core->seed, (uint32_t)factor };
	struct hm_compare_phase aa = blocks_of(t, HM_PHASE_AA, -1, list, NULL);
	struct hm_compare_phase screen = blocks_of(t, HM_PHASE_SCREEN, -1, list + core->block_count, numbers);
	struct hm_compare_phase confirm = blocks_of(t, HM_PHASE_CONFIRM, (int)factor, list + 2 * core->block_count, NULL);
	uint32_t held;
	int r;

	/* Screening was not done. */
	if (!core->held)
		return 0;
	r = hm_compare_screen(t->compare, &aa, &screen, &suspects, fail);
	if (r < 0)
		return r;
	t->suspects |= suspects.count > 0;
	t->suspected[factor] = suspects.count > 0 || hm_kept_held(kept, factor);
	held = numbers[suspects.held];
	/* Where nothing that left is suspect, what was left on disk decides whose secrets are held. */
	if (!suspects.count && hm_kept_held(kept, factor))
		held = hm_kept_held(kept, factor);
	for (suspects.held = 0; suspects.held < screen.count && numbers[suspects.held] != held;)
		suspects.held++;
	if (held != core->held[factor] || suspects.held == screen.count)
		return hm_fail_set(fail, HM_E_BAD, "the secrets of block %u were held for %s, and screening says %u", core->held[factor],
				   core->factors[factor], held);
	/* Whoever stops when he has seen enough would confirm too much. */
	if (hm_phase_unfinished(core, HM_PHASE_CONFIRM, (int)factor))
		return 0;
	r = check_skipped(t, &suspects, (int)factor, fail);
	if (r < 0)
		return r;
	t->pairs[factor] = hm_phase_drawn(core, (int)factor, confirm.count, screen.count, t->suspected[factor]);
	if (!confirm.count)
		return 0;
	r = hm_compare_confirm(t->compare, &suspects, &aa, &screen, &confirm, &draws, &t->found[factor], fail);
	for (size_t i = 0; i < t->found[factor].count && r == 0; i++)
		mark(t, t->found[factor].list[i].key, 1ull << factor);
	return r;
}

static int conclude_sent(struct hm_trial *t, struct hm_fail *fail)
{
	const struct hm_core *core = t->core;
	HM_FREE struct hm_compare_block *list = hm_alloc(2 * core->block_count + 1, sizeof(*list));
	/* The test behind that of what was left on disk. */
	const struct hm_experiment_draws draws = { &core->plan_digest, core->seed, (uint32_t)core->factor_count + 1 };
	struct hm_compare_phase aa = blocks_of(t, HM_PHASE_AA, -1, list, NULL), send = { NULL, 0 };
	int r = 0;

	for (size_t f = 0; f < core->factor_count && !send.count; f++) {
		send = blocks_of(t, HM_PHASE_SEND, (int)f, list + core->block_count, NULL);
		if (!send.count || hm_phase_unfinished(core, HM_PHASE_SEND, (int)f))
			continue;
		r = hm_compare_alone(t->compare, &aa, &send, &draws, &t->sent, fail);
		for (size_t i = 0; i < t->sent.count && r == 0; i++)
			mark(t, t->sent.list[i].key, 1ull << f);
	}
	return r;
}

static struct hm_located locating(const struct hm_trial *t)
{
	return t ? (struct hm_located){ t->core, t->compare, t->found, t->number_of, t->suspected, t->kept } : (struct hm_located){ 0 };
}

int hm_trial_conclude(struct hm_trial *t, const struct hm_kept_trial *kept, struct hm_fail *fail)
{
	struct hm_located located;
	int r = 0;

	if (t && t->core->semantics > 4)
		t->kept = kept;
	located = locating(t);
	for (size_t i = 0; t && i < t->core->factor_count && r == 0; i++)
		r = conclude_factor(t, kept, i, fail);
	if (t && r == 0)
		r = conclude_sent(t, fail);
	if (t && r == 0)
		r = hm_located_replay(&t->locate, &located, fail);
	/* What is wrong with what it was asked is wrong with the core. */
	if (r == HM_E_USAGE && fail)
		fail->code = HM_E_BAD;
	return r < 0 ? hm_fail_in(fail, "the experiment") : 0;
}

/* ---- what is said of it ---- */

static uint64_t factors_of(const struct hm_trial *t, size_t key)
{
	return key < t->influenced_count ? t->influenced[key] : 0;
}

/* Of a claim whose factors are `factors`. A field that differs in blocks in which only other factors did, and that was shown to depend on one
 * of these, says nothing about it. */
static uint64_t open_groups(const struct hm_trial *t, size_t key, uint64_t factors)
{
	uint64_t known = factors_of(t, key);

	if (known & factors)
		return 0;
	return 1ull << AA | (known ? 0 : 1ull << SCREEN) | factors << CONFIRM;
}

struct row {
	struct hm_compare_bytes of;
	uint64_t constant, explained, loose, influenced;
	uint64_t given; /* of all: that stand for what TLS libraries took */
	uint64_t rest; /* of `loose`: what no feature stands for */
	bool beyond; /* classes are more than there is */
};

struct ledger {
	struct row *rows; /* sorted by endpoint */
	size_t count;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->of.endpoint, ((const struct row *)b)->of.endpoint);
}

static void add_key(const struct hm_trial *t, struct ledger *ledger, size_t key)
{
	struct hm_compare_account account;
	struct row *row, wanted;

	hm_compare_account(t->compare, key, &account);
	wanted.of.endpoint = account.endpoint;
	row = account.bytes ? bsearch(&wanted, ledger->rows, ledger->count, sizeof(*row), by_name) : NULL;
	if (!row)
		return;
	row->constant += account.constant;
	row->given += account.given ? account.bytes : 0;
	if (factors_of(t, key)) {
		row->influenced += account.bytes - account.constant;
		return;
	}
	row->loose += account.loose;
	row->explained += account.bytes - account.constant - account.loose;
}

/* A stream has a byte twice where it was sent again and differs: by hand, and so that nothing of it is sure. */
static void cut_row(struct row *row, uint64_t excess)
{
	uint64_t *classes[] = { &row->explained, &row->constant, &row->loose, &row->influenced };

	row->beyond = true;
	for (size_t i = 0; i < HM_COUNT(classes); i++) {
		uint64_t part = *classes[i] < excess ? *classes[i] : excess;

		*classes[i] -= part;
		excess -= part;
	}
}

/* Classes of all bytes on the wire. What the features do not stand for was not captured, or was beyond what is compared. */
static struct ledger account_for(const struct hm_trial *t)
{
	struct hm_compare_bytes *list = NULL;
	struct ledger ledger = { .count = hm_compare_endpoints(t->compare, &list) };

	ledger.rows = hm_alloc(ledger.count + 1, sizeof(*ledger.rows));
	for (size_t i = 0; i < ledger.count; i++)
		ledger.rows[i].of = list[i];
	free(list);
	for (size_t key = 0; key < hm_compare_keys(t->compare); key++)
		add_key(t, &ledger, key);
	for (size_t i = 0; i < ledger.count; i++) {
		struct row *row = &ledger.rows[i];
		uint64_t classed = row->constant + row->explained + row->loose + row->influenced;

		if (classed < row->of.wire)
			row->loose += row->rest = row->of.wire - classed;
		else if (classed > row->of.wire)
			cut_row(row, classed - row->of.wire);
	}
	return ledger;
}

/* What could carry it: bytes, and features that are no bytes (numbers, order, sizes). */
static void sum_up(const struct hm_trial *t, uint64_t factors, struct hm_trial_outcome *o)
{
	struct ledger ledger = account_for(t);
	uint64_t elsewhere = 0; /* bytes that differ in blocks of other factors alone */

	for (size_t i = 0; i < ledger.count; i++) {
		const struct row *row = &ledger.rows[i];

		o->of += row->of.wire;
		o->unaccounted += row->loose;
		o->given += row->given;
		o->beyond |= row->beyond;
		o->bits += row->rest ? 8 * ((row->rest - 1) / (t->taken ? t->taken : 1) + 1) : 0;
	}
	free(ledger.rows);
	for (size_t key = 0; key < hm_compare_keys(t->compare); key++) {
		struct hm_compare_account account;
		uint64_t open = open_groups(t, key, factors);

		hm_compare_account(t->compare, key, &account);
		if (factors_of(t, key) & factors)
			o->bytes += account.bytes - account.constant;
		else if (factors_of(t, key))
			o->unaccounted += hm_compare_loose(t->compare, key, open);
		else
			elsewhere += account.loose - hm_compare_loose(t->compare, key, open);
		o->loose += (account.differs & open) != 0;
		*(account.timing ? &o->timing : &o->bits) += hm_compare_bits(t->compare, key, open);
	}
	o->unaccounted -= elsewhere < o->unaccounted ? elsewhere : o->unaccounted;
}

static bool is_found(const struct hm_compare_result *result, size_t key)
{
	for (size_t i = 0; i < result->count; i++)
		if (result->list[i].key == key)
			return true;
	return false;
}

/* The size of a file cannot be another while its content is the same. Of what depends on content nobody can tell whether it depends on sizes, too. */
static bool is_inseparable(const struct hm_trial *t, const char *factor, size_t key)
{
	if (t->core->semantics < 4 || (strcmp(factor, "metadata") != 0 && strcmp(factor, "metadata.size") != 0))
		return false;
	for (size_t i = 0; i < t->core->factor_count; i++)
		if (strcmp(t->core->factors[i], "content") == 0 && is_found(&t->found[i], key))
			return true;
	return is_found(&t->sent, key);
}

void hm_trial_judge(const struct hm_trial *t, struct hm_judgement *j, const char *claim)
{
	struct hm_trial_outcome o = { .pairs = UINT32_MAX };
	uint64_t factors = 0;

	if (!t)
		return;
	for (size_t i = 0; i < t->core->factor_count; i++) {
		const char *judged = hm_factor_claim(t->core->factors[i]);

		if (!judged || strcmp(judged, claim) != 0)
			continue;
		factors |= 1ull << i;
		for (size_t k = 0; k < t->found[i].count; k++)
			*(is_inseparable(t, t->core->factors[i], t->found[i].list[k].key) ? &o.inseparable : &o.features) += 1;
		if (strcmp(t->core->factors[i], "content") == 0)
			o.stored = t->sent.count;
		if (t->pairs[i] < o.pairs)
			o.pairs = t->pairs[i];
	}
	if (!factors)
		return;
	o.features += o.stored;
	sum_up(t, factors, &o);
	o.beyond |= hm_compare_beyond(t->compare);
	hm_judge_outcome(j, &o);
}

void hm_trial_judge_collection(const struct hm_trial *t, struct hm_judgement *j, const json_t *influence)
{
	struct hm_collection_outcome c = { .features = json_array_size(influence) };
	struct hm_trial_outcome *o = &c.all;
	const json_t *row;
	size_t i;

	if (!t)
		return;
	json_array_foreach (influence, i, row)
		c.undeclared += !json_is_true(json_object_get(row, "declared"));
	o->pairs = UINT32_MAX;
	for (i = 0; i < t->core->factor_count; i++)
		if (t->pairs[i] < o->pairs)
			o->pairs = t->pairs[i];
	c.factors = t->core->factor_count;
	sum_up(t, c.factors < 64 ? (1ull << c.factors) - 1 : UINT64_MAX, o);
	o->beyond |= hm_compare_beyond(t->compare);
	hm_judge_collection(j, &c);
}

static json_int_t number(uint64_t v)
{
	const uint64_t max = (1ull << 53) - 1;

	return (json_int_t)(v > max ? max : v);
}

static json_t *names_of(const struct hm_trial *t, uint64_t factors)
{
	json_t *names = json_array();

	for (size_t i = 0; i < t->core->factor_count; i++)
		if (factors >> i & 1)
			json_array_append_new(names, json_string(t->core->factors[i]));
	return names;
}

/* Bytes of the endpoint that these factors influence, and that are declared or not. */
static uint64_t bytes_by(const struct hm_trial *t, const char *endpoint, uint64_t factors, bool declared)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < t->influenced_count; i++) {
		struct hm_compare_account account;

		if (t->influenced[i] != factors || hm_admission_holds(t->admission, i) != declared)
			continue;
		hm_compare_account(t->compare, i, &account);
		if (strcmp(account.endpoint, endpoint) == 0)
			bytes += account.bytes - account.constant;
	}
	return bytes;
}

/* Sets of factors in the order of their number, each once, first what is not declared. */
static void list_influenced(const struct hm_trial *t, const char *endpoint, json_t *list)
{
	for (uint64_t last = 0;;) {
		uint64_t next = UINT64_MAX;

		for (size_t i = 0; i < t->influenced_count; i++)
			if (t->influenced[i] > last && t->influenced[i] < next)
				next = t->influenced[i];
		if (next == UINT64_MAX)
			return;
		last = next;
		for (int declared = 0; declared < 2; declared++) {
			uint64_t bytes = bytes_by(t, endpoint, next, declared);

			if (bytes)
				json_array_append_new(list, json_pack("{s:o,s:b,s:I}", "factors", names_of(t, next), "declared", declared, "bytes",
								      number(bytes)));
		}
	}
}

json_t *hm_trial_ledger(const struct hm_trial *t)
{
	struct ledger ledger = account_for(t);
	json_t *out = json_array();

	for (size_t i = 0; i < ledger.count; i++) {
		const struct row *row = &ledger.rows[i];
		json_t *influenced = json_array(), *told;

		list_influenced(t, row->of.endpoint, influenced);
		told = json_pack("{s:s,s:I,s:I,s:I,s:o,s:I}", "endpoint", row->of.endpoint, "wire", number(row->of.wire), "constant", number(row->constant),
				 "explained", number(row->explained), "influenced", influenced, "unaccounted", number(row->loose));
		if (row->given)
			json_object_set_new(told, "given", json_integer(number(row->given)));
		json_array_append_new(out, told);
	}
	free(ledger.rows);
	return out;
}

static void list_dependent(const struct hm_trial *t, json_t *out, const char *factor, const struct hm_compare_result *result, const char *phase)
{
	for (size_t i = 0; i < result->count; i++) {
		const struct hm_compare_found *found = &result->list[i];
		const char *slash = strrchr(found->endpoint, '/');
		json_t *p = json_pack("{s:i,s:i,s:i,s:s}", "b", (int)found->p.b, "m", (int)found->p.m, "family", (int)found->p.family, "phase", phase);

		json_array_append_new(out, json_pack("{s:s,s:s,s:s,s:s,s:s,s:b,s:o}", "factor", factor, "endpoint", found->endpoint, "layer",
						     found->tls ? "tls" : slash ? slash + 1 : found->endpoint, "feature", found->name, "grade", "dependent",
						     "declared", hm_admission_holds(t->admission, found->key), "p", p));
	}
}

void hm_trial_influence(const struct hm_trial *t, json_t *out)
{
	for (size_t f = 0; t && f < t->core->factor_count; f++)
		list_dependent(t, out, t->core->factors[f], &t->found[f], "confirm");
	if (t)
		list_dependent(t, out, "content", &t->sent, "send");
}

json_t *hm_trial_located(const struct hm_trial *t, const json_t *influence)
{
	const struct hm_located located = locating(t);

	return t && t->locate ? hm_located_json(t->locate, &located, influence) : NULL;
}

bool hm_trial_suspects(const struct hm_trial *t)
{
	return t && t->suspects;
}

size_t hm_trial_sent(const struct hm_trial *t)
{
	return t ? t->sent.count : 0;
}
