/* The documents of an experiment, set by set: each is made again from the seed, the levels and the secrets that its set names. */
#include "factor.h"
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

static int check_set(const json_t *set, const uint8_t *seed, struct hm_fail *fail)
{
	HM_FREE struct hm_factor_choice *choice = hm_alloc(hm_factor_count, sizeof(*choice));
	const char *phase = json_string_value(json_object_get(set, "phase"));
	const json_t *files = json_object_get(set, "files");
	int r = read_choice(choice, set, fail);

	if (r == 0 && (!phase || !json_is_array(files)))
		r = hm_fail_set(fail, HM_E_BAD, "planted.json: a set has no phase or no files");
	return r < 0 ? r : hm_factor_check(files, seed, phase, choice, fail);
}

void hm_verify_sets(struct check *c, const uint8_t *seed)
{
	const json_t *sets = json_object_get(c->planted, "sets"), *set;
	struct hm_fail fail = { 0 };
	size_t i, files = 0;
	int worst = 0;

	json_array_foreach (sets, i, set) {
		struct hm_fail now = { 0 };
		int r = check_set(set, seed, &now);

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
