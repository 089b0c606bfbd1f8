/* Which features that depend on documents are what the declaration admits to: without its values a field says the same in both runs of every
 * block, and so does a size without their lengths. */
#include "evaluate_internal.h"

#include <ctype.h>
#include <netinet/in.h>
#include <search.h>

#include "admitted.h"

struct slot { /* of a key */
	size_t run[2]; /* from 1, by the run's number, odd or even */
	struct hm_sha256 rest[2];
	bool seen, broken; /* values were in it; it is more than these */
};

/* Bytes of values in the fields of a message, a flow or an endpoint. */
struct sum {
	char *name; /* endpoint, line feed, "0.0." or "0." or "" */
	uint64_t bytes;
};

struct hm_admission {
	struct hm_admitted *admitted;
	const struct hm_core *core;
	struct slot *slots;
	size_t count, runs;
};

struct hm_admission *hm_admission_new(const struct hm_core *core)
{
	struct hm_admitted *admitted = core->semantics > 3 ? hm_admitted_new(core) : NULL;
	struct hm_admission *a;

	if (!admitted)
		return NULL;
	a = hm_alloc(1, sizeof(*a));
	a->admitted = admitted;
	a->core = core;
	return a;
}

void hm_admission_free(struct hm_admission *a)
{
	if (!a)
		return;
	hm_admitted_free(a->admitted);
	free(a->slots);
	free(a);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct sum *)a)->name, ((const struct sum *)b)->name);
}

static void free_sum(void *node)
{
	struct sum *sum = node;

	free(sum->name);
	free(sum);
}

static struct sum *sum_of(void **sums, const char *endpoint, const char *name, size_t length)
{
	struct sum *fresh = hm_alloc(1, sizeof(*fresh)), **found;

	fresh->name = hm_sprintf("%s\n%.*s", endpoint, (int)length, name);
	found = tsearch(fresh, sums, by_name);
	if (!found)
		abort();
	if (*found != fresh)
		free_sum(fresh);
	return *found;
}

/* Length of the parts, each with its dot, that begin the name and are numbers or, behind the first, the word `given`: `depth` of them at most. */
static size_t numbers_of(const char *name, unsigned depth)
{
	static const char given[] = "given.";
	size_t at = 0;

	for (unsigned i = 0; i < depth; i++) {
		size_t digits = strspn(name + at, "0123456789");

		if (i == 1 && strncmp(name + at, given, strlen(given)) == 0) {
			at += strlen(given);
			depth++;
			continue;
		}
		if (!digits || name[at + digits] != '.')
			break;
		at += digits + 1;
	}
	return at;
}

static void add_sums(void **sums, const struct hm_feature *f, uint64_t bytes)
{
	size_t last = SIZE_MAX;

	/* Of what has no place nobody knows how many bytes of the flow it is. */
	for (unsigned depth = 0; depth <= 2; depth++) {
		size_t length = numbers_of(f->name, depth);

		if (length != last && (f->placed || depth == 2))
			sum_of(sums, f->endpoint, f->name, length)->bytes += bytes;
		last = length;
	}
	if (f->given)
		sum_of(sums, f->endpoint, f->name, numbers_of(f->name, 1) + strlen("given."))->bytes += bytes;
}

static struct slot *slot_of(struct hm_admission *a, size_t key)
{
	if (key >= a->count) {
		a->slots = hm_realloc(a->slots, key + 1, sizeof(*a->slots));
		memset(a->slots + a->count, 0, (key + 1 - a->count) * sizeof(*a->slots));
		a->count = key + 1;
	}
	return &a->slots[key];
}

/* What is left of a value that is no field: a size is what its message, flow or endpoint had without the declared. */
static bool rest_of(const struct hm_feature *f, void **sums, struct hm_sha256 *rest)
{
	int64_t left = f->number;
	uint64_t taken = 0;
	size_t numbers = numbers_of(f->name, 2);

	if (f->text) {
		hm_sha256_slice(rest, f->bytes);
		return false;
	}
	if (strcmp(f->name + numbers, "size") == 0)
		taken = sum_of(sums, f->endpoint, f->name, numbers)->bytes;
	left -= (int64_t)taken;
	hm_sha256_slice(rest, (struct hm_slice){ (const uint8_t *)&left, sizeof(left) });
	return taken > 0;
}

/* The datagram that the field is of; nothing of a stream. */
static struct hm_slice message_of(const struct hm_run *run, const struct hm_feature *f)
{
	const struct hm_flow *flow = f->flow < run->flows.count ? &run->flows.list[f->flow] : NULL;
	size_t from = 0, to;

	if (!flow || flow->proto != IPPROTO_UDP || f->tls)
		return (struct hm_slice){ 0 };
	to = flow->sent.len;
	for (size_t i = 0; i < flow->messages; i++) {
		if (flow->message[i] <= f->offset)
			from = flow->message[i];
		else if (flow->message[i] < to)
			to = flow->message[i];
	}
	return (struct hm_slice){ flow->sent.data + from, to - from };
}

/* What is left of a field: nothing of one that follows from the rest of its message. */
static uint64_t rest_of_field(struct hm_admission *a, size_t set, const struct hm_run *run, const struct hm_feature *f, struct hm_sha256 *rest)
{
	struct hm_slice message = message_of(run, f);

	if (!message.len || !hm_admitted_follows(a->admitted, f->endpoint, message, f->bytes))
		return hm_admitted_rest(a->admitted, set, f->endpoint, f->bytes, rest);
	hm_sha256_slice(rest, (struct hm_slice){ 0 });
	return f->bytes.len;
}

void hm_admission_run(struct hm_admission *a, const struct hm_compare *compare, const struct hm_run *run, const struct hm_features *features)
{
	size_t place, set;
	void *sums = NULL;

	if (!a)
		return;
	place = a->runs++ & 1;
	set = (size_t)(run->set - a->core->sets);
	/* Fields first: sizes are told without what stood in these. */
	for (int fields = 1; fields >= 0; fields--)
		for (size_t i = 0; i < features->count; i++) {
			const struct hm_feature *f = &features->list[i];
			bool field = f->placed || (f->given && f->text);
			size_t key = field == fields && hm_admitted_goes(a->admitted, f->endpoint) ? hm_compare_key(compare, f->endpoint, f->name) : SIZE_MAX;
			struct slot *slot = key == SIZE_MAX ? NULL : slot_of(a, key);
			uint64_t taken;

			if (!slot)
				continue;
			slot->run[place] = a->runs;
			if (field) {
				taken = rest_of_field(a, set, run, f, &slot->rest[place]);
				slot->seen |= taken > 0;
				add_sums(&sums, f, taken);
			} else {
				slot->seen |= rest_of(f, &sums, &slot->rest[place]);
			}
		}
	tdestroy(sums, free_sum);
}

void hm_admission_pair(struct hm_admission *a)
{
	for (size_t i = 0; a && i < a->count; i++) {
		struct slot *slot = &a->slots[i];
		bool there[2] = { slot->run[(a->runs - 1) & 1] == a->runs, slot->run[a->runs & 1] == a->runs - 1 };

		if (there[0] != there[1] || (there[0] && memcmp(&slot->rest[0], &slot->rest[1], sizeof(slot->rest[0])) != 0))
			slot->broken = true;
	}
}

bool hm_admission_holds(const struct hm_admission *a, size_t key)
{
	return a && key < a->count && a->slots[key].seen && !a->slots[key].broken;
}
