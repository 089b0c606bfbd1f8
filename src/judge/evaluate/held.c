/* Fields in which a token or a digest of a document was found. */
#include "evaluate_internal.h"

static int by_place(const void *a, const void *b)
{
	const struct hm_feature *x = *(const struct hm_feature *const *)a, *y = *(const struct hm_feature *const *)b;

	if (x->flow != y->flow)
		return x->flow < y->flow ? -1 : 1;
	if (x->tls != y->tls)
		return x->tls ? 1 : -1;
	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* The field ends before the leak begins. */
static bool is_before(const struct hm_feature *field, const struct hm_leak *leak)
{
	if (field->flow != leak->flow || field->tls != leak->tls)
		return field->flow < leak->flow || (field->flow == leak->flow && leak->tls);
	return field->offset + field->bytes.len <= leak->offset;
}

static bool is_in(const struct hm_feature *field, const struct hm_leak *leak)
{
	return field->flow == leak->flow && field->tls == leak->tls && field->offset < leak->offset + leak->length;
}

/* Leaks and fields stand in the order of places. */
static void held_in_sent(const struct hm_run *run, const struct hm_features *features, void (*take)(void *cookie, const struct hm_feature *feature),
			 void *cookie)
{
	HM_FREE const struct hm_feature **placed = hm_alloc(features->count + 1, sizeof(*placed));
	size_t count = 0;

	for (size_t i = 0; i < features->count; i++)
		if (features->list[i].placed && !features->list[i].given)
			placed[count++] = &features->list[i];
	qsort(placed, count, sizeof(*placed), by_place);
	for (size_t i = 0, first = 0; i < run->leak_count; i++) {
		const struct hm_leak *leak = &run->leaks[i];

		while (first < count && is_before(placed[first], leak))
			first++;
		for (size_t k = first; k < count && is_in(placed[k], leak); k++)
			take(cookie, placed[k]);
	}
}

/* What was given has a place where its flow has one connection that something was given to, so its leaks have the same. */
static bool holds_given(const struct hm_feature *f, const struct hm_run *run)
{
	for (size_t k = 0; k < run->given_leak_count; k++) {
		const struct hm_given_leak *leak = &run->given_leaks[k];

		if (leak->flow == f->flow && leak->offset < f->offset + f->bytes.len && f->offset < leak->offset + leak->length)
			return true;
	}
	return false;
}

void hm_held_features(const struct hm_run *run, const struct hm_features *features, void (*take)(void *cookie, const struct hm_feature *feature),
		      void *cookie)
{
	if (run->leak_count)
		held_in_sent(run, features, take, cookie);
	for (size_t i = 0; i < features->count && run->given_leak_count; i++)
		if (features->list[i].given && features->list[i].placed && holds_given(&features->list[i], run))
			take(cookie, &features->list[i]);
}
