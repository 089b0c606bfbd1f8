/* Features of runs as rows of differences between the two runs of each block. */
#include <stdlib.h>

#include "compare_internal.h"

/* A row: a number, one of the texts that a feature had, or what the held block foretold of it. */
struct row {
	size_t key;
	int64_t value;	  /* 0: the number itself, or no text of its own */
	int64_t *foretold; /* differences; NULL: they follow from the values */
};

struct matrix {
	const struct hm_compare *c;
	const struct hm_compare_phase *phase;
	struct row *rows;
	size_t count;
	int64_t *d;
	uint8_t *differs, *kind;
};

static void release(struct matrix *m)
{
	for (size_t i = 0; i < m->count; i++)
		free(m->rows[i].foretold);
	free(m->rows);
	free(m->d);
	free(m->differs);
	free(m->kind);
}

static int by_order(const void *a, const void *b, void *cookie)
{
	const struct hm_compare *c = cookie;
	const struct hm_compare_key *x = c->keys[*(const size_t *)a], *y = c->keys[*(const size_t *)b];
	int r = strcmp(x->endpoint, y->endpoint);

	return r ? r : strcmp(x->name, y->name);
}

/* What the run had: false when it lacks the feature, and then the value is 0. */
static bool value_at(const struct hm_compare_key *key, size_t run, int64_t *value)
{
	size_t low = 0, high = key->seen_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (key->seen[middle].run < run)
			low = middle + 1;
		else
			high = middle;
	}
	*value = 0;
	if (low == key->seen_count || key->seen[low].run != run)
		return false;
	*value = key->seen[low].value;
	return true;
}

bool hm_compare_has(const struct hm_compare *c, size_t key, size_t run)
{
	int64_t value;

	return value_at(c->keys[key], run, &value);
}

bool hm_compare_differs(const struct hm_compare *c, size_t key, size_t run, size_t other)
{
	int64_t value[2];
	bool there[2] = { value_at(c->keys[key], run, &value[0]), value_at(c->keys[key], other, &value[1]) };

	return there[0] != there[1] || value[0] != value[1];
}

/* Rows beyond what a test takes are left out. That can hide an influence and no byte: those that differ are not accounted for either way. */
static void add_row(struct matrix *m, size_t key, int64_t value)
{
	if (m->count == HM_EXPERIMENT_FEATURES_MAX)
		return;
	m->rows = hm_realloc(m->rows, m->count + 1, sizeof(*m->rows));
	m->rows[m->count++] = (struct row){ key, value, NULL };
}

/* How many runs of the phase have this text. */
static size_t times(const struct matrix *m, const struct hm_compare_key *key, int64_t text)
{
	size_t n = 0;

	for (size_t b = 0; b < m->phase->count; b++)
		for (unsigned level = 0; level < 2; level++) {
			int64_t value;

			n += value_at(key, m->phase->list[b].run[level], &value) && value == text;
		}
	return n;
}

static int by_digest(const void *a, const void *b, void *cookie)
{
	const struct hm_compare_key *key = cookie;

	return memcmp(&key->values[*(const int64_t *)a - 1], &key->values[*(const int64_t *)b - 1], sizeof(key->values[0]));
}

/* A text is one row for each value that two runs have, in the order of the values' SHA-256. */
static void add_texts(struct matrix *m, size_t at)
{
	const struct hm_compare_key *key = m->c->keys[at];
	HM_FREE int64_t *values = hm_alloc(key->value_count + 1, sizeof(*values));
	size_t count = 0;

	for (size_t i = 0; i < key->value_count; i++)
		if (times(m, key, (int64_t)i + 1) > 1)
			values[count++] = (int64_t)i + 1;
	if (count)
		qsort_r(values, count, sizeof(*values), by_digest, (void *)(uintptr_t)key);
	for (size_t i = 0; i < count; i++)
		add_row(m, at, values[i]);
	if (!count)
		add_row(m, at, 0);
}

static bool differs_in(const struct matrix *m, const struct hm_compare_key *key, size_t block, int64_t value[2])
{
	bool there[2];

	for (unsigned level = 0; level < 2; level++)
		there[level] = value_at(key, m->phase->list[block].run[level], &value[level]);
	return there[0] != there[1] || value[0] != value[1];
}

/* Whether both runs of the block have the feature. */
static bool both_at(const struct matrix *m, const struct hm_compare_key *key, size_t block)
{
	int64_t value;

	return value_at(key, m->phase->list[block].run[0], &value) && value_at(key, m->phase->list[block].run[1], &value);
}

static bool ever_differs(const struct matrix *m, const struct hm_compare_key *key)
{
	int64_t value[2];

	for (size_t b = 0; b < m->phase->count; b++)
		if (differs_in(m, key, b, value))
			return true;
	return false;
}

static void fill(struct matrix *m)
{
	m->d = hm_alloc(m->count * m->phase->count + 1, sizeof(*m->d));
	m->differs = hm_alloc(m->count * m->phase->count + 1, 1);
	m->kind = hm_alloc(m->count + 1, 1);
	for (size_t i = 0; i < m->count; i++) {
		const struct hm_compare_key *key = m->c->keys[m->rows[i].key];

		m->kind[i] = m->rows[i].foretold ? HM_EXPERIMENT_DIRECTED : key->timing ? HM_EXPERIMENT_TIMING : HM_EXPERIMENT_SIZED;
		for (size_t b = 0; b < m->phase->count; b++) {
			int64_t value[2], text = m->rows[i].value;
			size_t at = i * m->phase->count + b;

			m->differs[at] = differs_in(m, key, b, value);
			if (m->rows[i].foretold)
				m->d[at] = m->rows[i].foretold[b];
			else if (key->timing)
				m->d[at] = both_at(m, key, b) ? value[1] - value[0] : 0;
			else if (!key->text)
				m->d[at] = value[1] - value[0];
			else if (text)
				m->d[at] = (value[1] == text) - (value[0] == text);
		}
	}
}

/* The same rows over other blocks. */
static void fill_as(struct matrix *m, const struct matrix *other)
{
	m->rows = hm_alloc(other->count + 1, sizeof(*m->rows));
	for (size_t i = 0; i < other->count; i++)
		m->rows[i] = other->rows[i];
	m->count = other->count;
	fill(m);
}

static struct hm_experiment_matrix view(const struct matrix *m)
{
	return (struct hm_experiment_matrix){ m->count, m->phase->count, m->d, m->differs, m->kind };
}

static struct hm_compare_found found_of(const struct matrix *m, size_t row, const struct hm_experiment_p *p, uint64_t tolerance)
{
	const struct hm_compare_key *key = m->c->keys[m->rows[row].key];

	return (struct hm_compare_found){ .endpoint = key->endpoint, .name = key->name, .tls = key->tls, .key = m->rows[row].key,
					  .p = *p, .tolerance = tolerance };
}

/* Adds it, or takes its p where the same feature is there with a greater one. */
static void put(struct hm_compare_result *result, struct hm_compare_found found)
{
	for (size_t i = 0; i < result->count; i++) {
		if (result->list[i].key != found.key)
			continue;
		if (found.p.b < result->list[i].p.b)
			result->list[i].p = found.p;
		return;
	}
	result->list = hm_realloc(result->list, result->count + 1, sizeof(*result->list));
	result->list[result->count++] = found;
}

static int by_feature(const void *a, const void *b)
{
	const struct hm_compare_found *x = a, *y = b;
	int r = strcmp(x->endpoint, y->endpoint);

	return r ? r : strcmp(x->name, y->name);
}

static void sort(struct hm_compare_result *result)
{
	if (result->count)
		qsort(result->list, result->count, sizeof(*result->list), by_feature);
}

static struct hm_experiment_value value_of(const struct hm_compare_key *key, size_t run)
{
	struct hm_experiment_value value = { 0 };

	value.there = value_at(key, run, &value.value);
	return value;
}

/* The feature in all runs of A/A and screening blocks. */
static void early_values(struct hm_experiment_value *out, const struct hm_compare_key *key, const struct hm_compare_phase *aa,
			 const struct hm_compare_phase *screen)
{
	for (size_t i = 0; i < 2 * aa->count; i++)
		*out++ = value_of(key, aa->list[i / 2].run[i % 2]);
	for (size_t i = 0; i < 2 * screen->count; i++)
		*out++ = value_of(key, screen->list[i / 2].run[i % 2]);
}

static void mark_own(struct matrix *m, const struct hm_compare_phase *aa)
{
	size_t blocks = aa->count + m->phase->count;
	HM_FREE struct hm_experiment_value *early = hm_alloc(2 * blocks + 1, sizeof(*early));

	for (size_t i = 0; i < m->count; i++) {
		early_values(early, m->c->keys[m->rows[i].key], aa, m->phase);
		for (size_t b = 0; b < m->phase->count; b++)
			m->differs[i * m->phase->count + b] = (uint8_t)hm_experiment_differ(early, blocks, aa->count + b);
	}
}

int hm_compare_screen(const struct hm_compare *c, const struct hm_compare_phase *aa, const struct hm_compare_phase *screen,
		      struct hm_compare_result *out, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct matrix m = { .c = c, .phase = screen }, same = { .c = c, .phase = aa };
	HM_FREE size_t *order = hm_alloc(c->count, sizeof(*order));
	struct hm_experiment_suspects suspects;
	struct hm_experiment_matrix screened, repeated;
	int r;

	for (size_t i = 0; i < c->count; i++)
		order[i] = i;
	if (c->count)
		qsort_r(order, c->count, sizeof(*order), by_order, (void *)(uintptr_t)c);
	/* What never differs can be no suspect, and most features never do. */
	for (size_t i = 0; i < c->count; i++)
		if (ever_differs(&m, c->keys[order[i]]))
			add_row(&m, order[i], 0);
	fill(&m);
	fill_as(&same, &m);
	mark_own(&m, aa);
	screened = view(&m);
	screened.narrow = c->narrow;
	repeated = view(&same);
	r = hm_experiment_screen(&suspects, &repeated, &screened, fail);
	if (r < 0)
		return r;
	*out = (struct hm_compare_result){ .held = suspects.held };
	for (size_t i = 0; i < suspects.count; i++)
		put(out, found_of(&m, suspects.feature[i], &(struct hm_experiment_p){ 0 }, suspects.tolerance[i]));
	sort(out);
	return 0;
}

static bool is_suspect(const struct hm_compare_result *suspects, size_t key)
{
	for (size_t i = 0; i < suspects->count; i++)
		if (suspects->list[i].key == key)
			return true;
	return false;
}

/* Of every feature that differs in the held block: what that block foretells. */
static void add_foretold(struct matrix *m, const struct hm_compare_result *suspects, const struct hm_compare_phase *aa,
			 const struct hm_compare_phase *screen)
{
	size_t blocks = aa->count + screen->count, held = aa->count + suspects->held;
	HM_FREE struct hm_experiment_value *early = hm_alloc(2 * blocks, sizeof(*early));
	HM_FREE struct hm_experiment_value *confirm = hm_alloc(2 * m->phase->count + 1, sizeof(*confirm));
	HM_FREE int64_t *d = hm_alloc(m->phase->count + 1, sizeof(*d));

	for (size_t at = 0; at < m->c->count; at++) {
		const struct hm_compare_key *key = m->c->keys[at];
		struct hm_experiment_told told = { .confirm = confirm, .blocks = m->phase->count };

		if (key->timing || !hm_compare_differs(m->c, at, screen->list[suspects->held].run[0], screen->list[suspects->held].run[1]))
			continue;
		early_values(early, key, aa, screen);
		told.held[0] = early[2 * held];
		told.held[1] = early[2 * held + 1];
		told.own = hm_experiment_differ(early, blocks, held) == HM_EXPERIMENT_OWN;
		told.suspect = is_suspect(suspects, at);
		for (size_t i = 0; (told.own || told.suspect) && i < 2 * told.blocks; i++)
			confirm[i] = value_of(key, m->phase->list[i / 2].run[i % 2]);
		if (!hm_experiment_direct(d, &told))
			continue;
		if (m->count == HM_EXPERIMENT_FEATURES_MAX)
			break;
		add_row(m, at, 0);
		m->rows[m->count - 1].foretold = d;
		d = hm_alloc(m->phase->count + 1, sizeof(*d));
	}
}

/* A timing that was off by no more than its tolerance is none that anything shows. */
static bool is_off(const struct matrix *m, size_t row, const struct hm_compare_result *suspects)
{
	for (size_t i = 0; suspects && i < suspects->count; i++)
		if (suspects->list[i].key == m->rows[row].key)
			return hm_experiment_off(m->d + row * m->phase->count, m->phase->count, suspects->list[i].tolerance);
	return false;
}

/* Those of the rows that a test of all of them confirms. `suspects` may be NULL where there is no timing. */
static int test_rows(struct matrix *m, const struct hm_compare_result *suspects, const struct hm_experiment_draws *draws, struct hm_compare_result *out, struct hm_fail *fail)
{
	HM_FREE struct hm_experiment_p *p = NULL;
	struct hm_experiment_matrix confirmed;
	int r;

	if (!m->count)
		return 0;
	fill(m);
	p = hm_alloc(m->count, sizeof(*p));
	confirmed = view(m);
	r = hm_experiment_test(p, &confirmed, draws, fail);
	for (size_t i = 0; i < m->count && r == 0; i++)
		if (hm_experiment_confirmed(&p[i]) && (m->kind[i] != HM_EXPERIMENT_TIMING || is_off(m, i, suspects)))
			put(out, found_of(m, i, &p[i], 0));
	sort(out);
	return r;
}

static void add_sized(struct matrix *m, size_t key)
{
	if (m->c->keys[key]->text)
		add_texts(m, key);
	else
		add_row(m, key, 0);
}

int hm_compare_confirm(const struct hm_compare *c, const struct hm_compare_result *suspects, const struct hm_compare_phase *aa,
		       const struct hm_compare_phase *screen, const struct hm_compare_phase *confirm,
		       const struct hm_experiment_draws *draws, struct hm_compare_result *out, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct matrix m = { .c = c, .phase = confirm };

	*out = (struct hm_compare_result){ .held = suspects->held };
	for (size_t i = 0; i < suspects->count; i++)
		add_sized(&m, suspects->list[i].key);
	add_foretold(&m, suspects, aa, screen);
	return test_rows(&m, suspects, draws, out, fail);
}

int hm_compare_alone(const struct hm_compare *c, const struct hm_compare_phase *aa, const struct hm_compare_phase *phase,
		     const struct hm_experiment_draws *draws, struct hm_compare_result *out, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct matrix m = { .c = c, .phase = phase }, same = { .c = c, .phase = aa };
	HM_FREE size_t *order = hm_alloc(c->count + 1, sizeof(*order));

	*out = (struct hm_compare_result){ 0 };
	for (size_t i = 0; i < c->count; i++)
		order[i] = i;
	qsort_r(order, c->count, sizeof(*order), by_order, (void *)(uintptr_t)c);
	for (size_t i = 0; i < c->count; i++) {
		const struct hm_compare_key *key = c->keys[order[i]];

		if (!key->timing && ever_differs(&m, key) && !ever_differs(&same, key))
			add_sized(&m, order[i]);
	}
	return test_rows(&m, NULL, draws, out, fail);
}

void hm_compare_result_release(struct hm_compare_result *result)
{
	free(result->list);
	*result = (struct hm_compare_result){ 0 };
}
