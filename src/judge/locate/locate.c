/* Targets, and what blocks showed of them. */
#include "locate_internal.h"

struct hm_locate *hm_locate_new(const uint8_t *seed)
{
	struct hm_locate *l = hm_alloc(1, sizeof(*l));

	memcpy(l->seed, seed, sizeof(l->seed));
	l->blocks = hm_alloc(HM_LOCATE_BLOCKS, sizeof(*l->blocks));
	return l;
}

void hm_locate_free(struct hm_locate *l)
{
	if (!l)
		return;
	free(l->spaces);
	free(l->targets);
	free(l->blocks);
	free(l);
}

struct ordered {
	struct hm_sha256 key;
	uint32_t document;
};

static int by_key(const void *a, const void *b)
{
	return memcmp(&((const struct ordered *)a)->key, &((const struct ordered *)b)->key, sizeof(struct hm_sha256));
}

/* SIZE_MAX where it was not told. */
static size_t space_of(const struct hm_locate *l, const char *factor)
{
	for (size_t i = 0; i < l->space_count; i++)
		if (strcmp(l->spaces[i].factor, factor) == 0)
			return i;
	return SIZE_MAX;
}

bool hm_locate_can(const struct hm_locate *l, const char *factor)
{
	return space_of(l, factor) != SIZE_MAX;
}

bool hm_locate_factor(struct hm_locate *l, const char *factor, const uint32_t *places, size_t count)
{
	struct space s = { .factor = factor };
	struct ordered list[THINGS_MAX];

	if (count > THINGS_MAX || hm_locate_can(l, factor))
		return false;
	for (uint32_t i = 0; i < count; i++) {
		HM_FREE char *label = hm_sprintf("locate/%s/%u", factor, i);

		s.places[i] = places[i];
		if (!places[i])
			continue;
		hm_derive(&list[s.count].key, l->seed, label);
		list[s.count++].document = i;
	}
	if (!s.count)
		return false;
	qsort(list, s.count, sizeof(list[0]), by_key);
	for (size_t i = 0; i < s.count; i++)
		s.order[i] = list[i].document;
	l->spaces = hm_realloc(l->spaces, l->space_count + 1, sizeof(*l->spaces));
	l->spaces[l->space_count++] = s;
	return true;
}

/* Z: the smallest of 1 to 4 with 20 (n - c)^Z <= n^Z. */
static unsigned times_of(uint64_t steady, uint64_t of)
{
	uint64_t missed = 1, all = 1;

	for (unsigned z = 1; z <= 4; z++) {
		missed *= of - steady;
		all *= of;
		if (steady && 20 * missed <= all)
			return z;
	}
	return 0;
}

static struct target *add_target(struct hm_locate *l, const char *factor, unsigned steady, unsigned of)
{
	size_t space = space_of(l, factor);

	if (space == SIZE_MAX || l->target_count == HM_LOCATE_TARGETS)
		return NULL;
	l->targets = hm_realloc(l->targets, l->target_count + 1, sizeof(*l->targets));
	l->targets[l->target_count] = (struct target){ .space = space, .times = times_of(steady, of) };
	return &l->targets[l->target_count++];
}

void hm_locate_target(struct hm_locate *l, const char *factor, unsigned steady, unsigned of)
{
	add_target(l, factor, steady, of);
}

/* A run at level 0 that has what most runs at level 0 have. */
static size_t reference_of(const struct hm_compare *c, size_t key, const struct hm_compare_phase *confirm)
{
	size_t best = 0, most = 0;

	for (size_t i = 0; i < confirm->count; i++) {
		size_t count = 0;

		for (size_t k = 0; k < confirm->count; k++)
			count += !hm_compare_differs(c, key, confirm->list[i].run[0], confirm->list[k].run[0]);
		if (count > most) {
			most = count;
			best = confirm->list[i].run[0];
		}
	}
	return best;
}

/* Level 0 less level 1, where a run is 1 that has what the reference has. */
static int difference(const struct hm_compare *c, size_t key, size_t reference, const struct hm_compare_block *block)
{
	return !hm_compare_differs(c, key, block->run[0], reference) - !hm_compare_differs(c, key, block->run[1], reference);
}

void hm_locate_add(struct hm_locate *l, const char *factor, enum hm_locate_kind kind, const struct hm_compare *c, const struct hm_compare_result *found,
		   const struct hm_compare_phase *confirm)
{
	for (size_t i = 0; i < found->count && confirm->count; i++) {
		size_t key = found->list[i].key, reference = reference_of(c, key, confirm);
		struct hm_compare_account account;
		struct target *target;
		unsigned steady = 0;

		hm_compare_account(c, key, &account);
		if (account.timing)
			continue;
		for (size_t b = 0; b < confirm->count; b++)
			steady += difference(c, key, reference, &confirm->list[b]) == 1;
		target = add_target(l, factor, steady, (unsigned)confirm->count);
		if (!target)
			return;
		target->kind = kind;
		target->key = key;
		target->reference = reference;
	}
}

void hm_locate_answer(struct hm_locate *l, const struct hm_locate_seen seen[HM_LOCATE_KINDS])
{
	int d[HM_LOCATE_TARGETS];

	for (size_t i = 0; i < l->target_count; i++) {
		const struct hm_locate_seen *of = &seen[l->targets[i].kind];

		d[i] = difference(of->compare, l->targets[i].key, l->targets[i].reference, &of->block);
	}
	hm_locate_tell(l, d);
}
