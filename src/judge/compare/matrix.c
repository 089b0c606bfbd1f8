/* Features of runs as rows of differences between the two runs of each block. */
#include <stdlib.h>

#include "compare_internal.h"

/* A row: a number, or one of the texts that a feature had. */
struct row {
	size_t key;
	int64_t value; /* 0: the number itself, or a text that never came twice */
};

struct matrix {
	const struct hm_compare *c;
	const struct hm_compare_phase *phase;
	struct row *rows;
	size_t count;
	int64_t *d;
	uint8_t *differs;
};

static void release(struct matrix *m)
{
	free(m->rows);
	free(m->d);
	free(m->differs);
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

static void add_row(struct matrix *m, size_t key, int64_t value)
{
	m->rows = hm_realloc(m->rows, m->count + 1, sizeof(*m->rows));
	m->rows[m->count++] = (struct row){ key, value };
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

static bool ever_differs(const struct matrix *m, const struct hm_compare_key *key)
{
	int64_t value[2];

	for (size_t b = 0; b < m->phase->count; b++)
		if (differs_in(m, key, b, value))
			return true;
	return false;
}

static int fill(struct matrix *m, struct hm_fail *fail)
{
	if (m->count > HM_EXPERIMENT_FEATURES_MAX)
		return hm_fail_set(fail, HM_E_BAD, "more features that differ than this program compares (%d)", HM_EXPERIMENT_FEATURES_MAX);
	m->d = hm_alloc(m->count * m->phase->count + 1, sizeof(*m->d));
	m->differs = hm_alloc(m->count * m->phase->count + 1, 1);
	for (size_t i = 0; i < m->count; i++) {
		const struct hm_compare_key *key = m->c->keys[m->rows[i].key];

		for (size_t b = 0; b < m->phase->count; b++) {
			int64_t value[2], text = m->rows[i].value;
			size_t at = i * m->phase->count + b;

			m->differs[at] = differs_in(m, key, b, value);
			if (!key->text)
				m->d[at] = value[1] - value[0];
			else if (text)
				m->d[at] = (value[1] == text) - (value[0] == text);
		}
	}
	return 0;
}

/* The same rows over other blocks. */
static int fill_as(struct matrix *m, const struct matrix *other, struct hm_fail *fail)
{
	m->rows = hm_alloc(other->count + 1, sizeof(*m->rows));
	memcpy(m->rows, other->rows, other->count * sizeof(*m->rows));
	m->count = other->count;
	return fill(m, fail);
}

static struct hm_experiment_matrix view(const struct matrix *m)
{
	return (struct hm_experiment_matrix){ m->count, m->phase->count, m->d, m->differs };
}

static struct hm_compare_found found_of(const struct matrix *m, size_t row, const struct hm_experiment_p *p)
{
	const struct hm_compare_key *key = m->c->keys[m->rows[row].key];

	return (struct hm_compare_found){ key->endpoint, key->name, m->rows[row].key, *p };
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

int hm_compare_screen(const struct hm_compare *c, const struct hm_compare_phase *aa, const struct hm_compare_phase *screen,
		      const struct hm_experiment_draws *draws, struct hm_compare_result *out, struct hm_fail *fail)
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
	for (size_t i = 0; i < c->count; i++) {
		if (!ever_differs(&m, c->keys[order[i]]))
			continue;
		if (c->keys[order[i]]->text)
			add_texts(&m, order[i]);
		else
			add_row(&m, order[i], 0);
	}
	r = fill(&m, fail);
	if (r == 0)
		r = fill_as(&same, &m, fail);
	if (r < 0)
		return r;
	screened = view(&m);
	repeated = view(&same);
	r = hm_experiment_screen(&suspects, &repeated, &screened, draws, fail);
	if (r < 0)
		return r;
	*out = (struct hm_compare_result){ .held = suspects.held };
	for (size_t i = 0; i < suspects.count; i++)
		put(out, found_of(&m, suspects.feature[i], &suspects.p[i]));
	sort(out);
	return 0;
}

int hm_compare_confirm(const struct hm_compare *c, const struct hm_compare_result *suspects, const struct hm_compare_phase *confirm,
		       const struct hm_experiment_draws *draws, struct hm_compare_result *out, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct matrix m = { .c = c, .phase = confirm };
	HM_FREE struct hm_experiment_p *p = NULL;
	struct hm_experiment_matrix confirmed;
	int r;

	*out = (struct hm_compare_result){ .held = suspects->held };
	for (size_t i = 0; i < suspects->count; i++) {
		if (c->keys[suspects->list[i].key]->text)
			add_texts(&m, suspects->list[i].key);
		else
			add_row(&m, suspects->list[i].key, 0);
	}
	if (!m.count)
		return 0;
	r = fill(&m, fail);
	if (r < 0)
		return r;
	p = hm_alloc(m.count, sizeof(*p));
	confirmed = view(&m);
	r = hm_experiment_test(p, &confirmed, draws, fail);
	for (size_t i = 0; i < m.count && r == 0; i++)
		if (hm_experiment_confirmed(&p[i]))
			put(out, found_of(&m, i, &p[i]));
	sort(out);
	return r;
}

void hm_compare_result_release(struct hm_compare_result *result)
{
	free(result->list);
	*result = (struct hm_compare_result){ 0 };
}
