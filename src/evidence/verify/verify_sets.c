/* The documents of an experiment, set by set: each is made again from the seed, the levels and the secrets that its set names. */
#include "mix.h"
#include "verify_internal.h"

/* Levels and secrets as the set says them. */
static int read_choice(struct hm_factor_choice *choice, const json_t *set, struct hm_fail *fail)
{
	const json_t *levels = json_object_get(set, "levels"), *row;
	json_int_t secrets = json_integer_value(json_object_get(set, "block"));
	size_t i;

	if (secrets < 1 || secrets > UINT32_MAX)
		return hm_fail_set(fail, HM_E_BAD, "planted.json: a set has no block");
	for (i = 0; i < hm_factor_count; i++)
		choice[i] = (struct hm_factor_choice){ hm_factors[i].base, (unsigned)secrets };
	json_array_foreach (levels, i, row) {
		const char *name = json_string_value(json_object_get(row, "factor"));
		json_int_t level = json_integer_value(json_object_get(row, "level"));

		if (!name || !hm_factor_claim(name))
			return hm_fail_set(fail, HM_E_UNKNOWN, "planted.json: a factor that this program does not have");
		if (level < 0 || level > 1)
			return hm_fail_set(fail, HM_E_BAD, "planted.json: a level is neither 0 nor 1");
		for (size_t at = 0; at < hm_factor_count; at++)
			if (hm_factor_covers(name, at))
				choice[at].level = (unsigned)level;
	}
	return 0;
}

static bool says(const json_t *row, const char *member, bool there, size_t value)
{
	const json_t *is = json_object_get(row, member);

	return there ? json_integer_value(is) == (json_int_t)value : json_is_null(is);
}

/* Where the part stands in a text that is deflated. */
static bool says_span(const json_t *row, const char *name, const struct hm_factor_part *part)
{
	size_t offset = 0, length = 0, of = 0;
	bool text = strcmp(name, "content") == 0 && hm_factor_span(part->document, part->from, part->to, &offset, &length, &of);

	return says(row, "offset", text, offset) && says(row, "length", text, length) && says(row, "of", text, of);
}

/* What has level 1 of a factor in a world between two levels. NULL: the set is none. */
static int read_mix(const char **name, struct hm_factor_part **parts, size_t *count, const json_t *set, struct hm_fail *fail)
{
	const json_t *mix = json_object_get(set, "mix"), *list = json_object_get(mix, "parts"), *row;
	size_t i;

	if (!mix)
		return 0;
	*name = json_string_value(json_object_get(mix, "factor"));
	*parts = hm_alloc(json_array_size(list) + 1, sizeof(**parts));
	if (!*name || !hm_factor_claim(*name))
		return hm_fail_set(fail, HM_E_UNKNOWN, "planted.json: a factor that this program does not have");
	json_array_foreach (list, i, row) {
		static const char *const members[] = { "document", "from", "to", "draw" };
		json_int_t v[HM_COUNT(members)];

		for (size_t m = 0; m < HM_COUNT(members); m++) {
			v[m] = json_integer_value(json_object_get(row, members[m]));
			if (v[m] < 0 || v[m] > UINT32_MAX)
				return hm_fail_set(fail, HM_E_BAD, "planted.json: a mixed set has no such part");
		}
		(*parts)[*count] = (struct hm_factor_part){ (uint32_t)v[0], (uint32_t)v[1], (uint32_t)v[2], (uint32_t)v[3] };
		if (!says_span(row, *name, &(*parts)[(*count)++]))
			return hm_fail_set(fail, HM_E_BAD, "planted.json: a part of a mixed set is not where it says");
	}
	return 0;
}

/* What can be changed alone: of each factor that has something, its documents and their places. */
static int check_things(const json_t *planted, struct hm_fail *fail)
{
	const json_t *row, *document;
	size_t i, k;

	json_array_foreach (json_object_get(planted, "things"), i, row) {
		const char *factor = json_string_value(json_object_get(row, "factor"));
		const json_t *documents = json_object_get(row, "documents");

		if (!factor || json_array_size(documents) != hm_factor_things(factor))
			return hm_fail_set(fail, HM_E_BAD, "planted.json: there are other documents than it says");
		json_array_foreach (documents, k, document) {
			const char *name = json_string_value(json_object_get(document, "document"));

			if (!name || strcmp(name, hm_factor_thing(factor, (uint32_t)k)) != 0 ||
			    json_integer_value(json_object_get(document, "places")) != hm_factor_places(factor, (uint32_t)k))
				return hm_fail_set(fail, HM_E_BAD, "planted.json: a document has other places than it says");
		}
	}
	return 0;
}

static int check_set(const json_t *set, unsigned version, const uint8_t *seed, struct hm_fail *fail)
{
	HM_FREE struct hm_factor_choice *choice = hm_alloc(hm_factor_count, sizeof(*choice));
	const char *phase = json_string_value(json_object_get(set, "phase"));
	const json_t *files = json_object_get(set, "files");
	HM_FREE struct hm_factor_part *parts = NULL;
	const char *name = NULL;
	size_t count = 0;
	int r = read_choice(choice, set, fail);

	if (r == 0)
		r = read_mix(&name, &parts, &count, set, fail);
	if (r == 0 && (!phase || !json_is_array(files)))
		r = hm_fail_set(fail, HM_E_BAD, "planted.json: a set has no phase or no files");
	return r < 0 ? r : hm_factor_check(files, version, seed, phase, choice, name, parts, count, fail);
}

void hm_verify_sets(struct check *c, const uint8_t *seed)
{
	const json_t *sets = json_object_get(c->planted, "sets"), *set;
	const char *schema = json_string_value(json_object_get(c->planted, "schema"));
	unsigned version = schema && strcmp(schema, "hallmark/planted/v2") == 0 ? 2 : HM_FACTOR_DOCUMENTS;
	struct hm_fail fail = { 0 };
	size_t i, files = 0;
	/* Places are those of the documents that this program makes. */
	int worst = version == HM_FACTOR_DOCUMENTS ? check_things(c->planted, &fail) : 0;

	json_array_foreach (sets, i, set) {
		struct hm_fail now = { 0 };
		int r = check_set(set, version, seed, &now);

		/* What is false outweighs what cannot be told. */
		if (r < 0 && (worst == 0 || (worst == HM_E_UNKNOWN && r != HM_E_UNKNOWN))) {
			worst = r;
			fail = now;
		}
		files += json_array_size(json_object_get(set, "files"));
	}
	if (worst < 0)
		hm_verify_say(c->v, "planted", hm_verify_outcome(worst), "%s", fail.text);
	else
		hm_verify_say(c->v, "planted", HM_CHECK_HOLDS, "%zu files in %zu sets, made again from the seed", files, json_array_size(sets));
}
