#include "verify_internal.h"

#include "planted.h"
#include "text.h"

/* Digests of the claim sets that this program's authors published, oldest first; data/claims/claims.json is the last. */
static const char *const known_claim_sets[] = {
	"sha256:c0aa38fe50946c32b219913d273c0c8d745cff1c0a206dabac3aeea5167c54dd",
};

static json_t *parse(struct check *c, const char *row, const char *name)
{
	struct hm_fail fail = { 0 };
	struct hm_slice text = { 0 };
	json_t *document = NULL;

	hm_parts_get(c->parts, name, &text);
	if (hm_json_parse_canonical(&document, text, name, &fail) < 0)
		hm_verify_say(c->v, row, HM_CHECK_FALSE, "%s", fail.text);
	return document;
}

void hm_verify_documents(struct check *c)
{
	c->plan = parse(c, "plan", "plan.json");
	c->assessment = parse(c, "seed", "assessment.json");
	c->planted = parse(c, "planted", "planted.json");
}

/* Whether a member of the plan is the digest of that part: null for one that is not there. */
static bool names_part(const struct check *c, const char *member, const char *part)
{
	const json_t *value = json_object_get(c->plan, member);
	char digest[72];

	hm_verify_digest(digest, c->parts, part);
	if (!digest[0])
		return json_is_null(value);
	return json_is_string(value) && strcmp(json_string_value(value), digest) == 0;
}

void hm_verify_plan(struct check *c)
{
	static const struct {
		const char *member, *part;
	} rows[] = {
		{ "claim_set", "claims.json" },
		{ "declaration", "declaration.json" },
		{ "scenario", "scenario.json" },
	};

	if (!c->plan)
		return;
	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		if (names_part(c, rows[i].member, rows[i].part))
			continue;
		hm_verify_say(c->v, "plan", HM_CHECK_FALSE, "plan.json was made for another %s, or for none", rows[i].part);
		return;
	}
	hm_verify_say(c->v, "plan", HM_CHECK_HOLDS, "made for this claim set, declaration and scenario");
}

static bool read_seed(const struct check *c, uint8_t seed[32])
{
	const json_t *text = json_object_get(c->assessment, "seed");

	return json_is_string(text) && hm_text_unhex(seed, 32, hm_slice_text(json_string_value(text))) == 0;
}

void hm_verify_seed(struct check *c)
{
	const char *committed = json_string_value(json_object_get(c->plan, "commitment"));
	struct hm_sha256 commitment;
	uint8_t seed[32];
	char hex[65];

	if (!c->assessment)
		return; /* said already */
	if (!committed || !read_seed(c, seed)) {
		hm_verify_say(c->v, "seed", HM_CHECK_FALSE, "plan.json has no commitment, or assessment.json no seed of 32 bytes");
		return;
	}
	hm_seed_commit(&commitment, seed);
	hm_text_hex_into(hex, (struct hm_slice){ commitment.b, sizeof(commitment.b) });
	if (strcmp(hex, committed) == 0)
		hm_verify_say(c->v, "seed", HM_CHECK_HOLDS, "it is the one that plan.json committed to");
	else
		hm_verify_say(c->v, "seed", HM_CHECK_FALSE, "assessment.json reveals another seed than plan.json committed to");
}

/* Tokens of one file, counted on from `n`; false at the first that the seed does not give. */
static bool check_tokens(const json_t *tokens, const uint8_t *seed, unsigned *n)
{
	json_t *token;
	size_t i;

	json_array_foreach(tokens, i, token) {
		char expected[21];

		hm_planted_token(expected, seed, "aa", 0, (*n)++);
		if (!json_is_string(token) || strcmp(json_string_value(token), expected) != 0)
			return false;
	}
	return json_is_array(tokens);
}

/* What is wrong with the file at `index`, or NULL. */
static const char *check_file(const struct check *c, const json_t *file, size_t index, const uint8_t *seed, unsigned *n)
{
	HM_FREE char *part = hm_sprintf("planted/%04zu", index + 1);
	const char *sha256 = json_string_value(json_object_get(file, "sha256"));
	const char *named = json_string_value(json_object_get(file, "part"));
	const json_t *size = json_object_get(file, "size");
	struct hm_slice content;
	char digest[72];

	if (!named || strcmp(named, part) != 0)
		return "does not stand in the order of its number";
	if (!hm_parts_get(c->parts, part, &content))
		return "is missing";
	hm_verify_digest(digest, c->parts, part);
	if (!sha256 || strcmp(sha256, digest + 7) != 0)
		return "has another SHA-256";
	if (!json_is_integer(size) || (uint64_t)json_integer_value(size) != content.len)
		return "has another size";
	return check_tokens(json_object_get(file, "tokens"), seed, n) ? NULL : "has tokens that the seed does not give";
}

static size_t planted_parts(const struct hm_parts *parts)
{
	size_t count = 0;

	for (size_t i = 0; i < hm_parts_count(parts); i++)
		count += strncmp(hm_parts_at(parts, i, NULL), "planted/", 8) == 0;
	return count;
}

void hm_verify_planted(struct check *c)
{
	const json_t *files = json_object_get(c->planted, "files");
	const char *wrong = NULL;
	uint8_t seed[32];
	unsigned n = 0;
	size_t i;

	if (!c->planted)
		return; /* said already */
	if (json_is_array(json_object_get(c->planted, "sets")) && read_seed(c, seed)) {
		hm_verify_sets(c, seed);
		return;
	}
	if (!json_is_array(files) || !read_seed(c, seed)) {
		hm_verify_say(c->v, "planted", HM_CHECK_FALSE, "planted.json has no files, or there is no seed");
		return;
	}
	for (i = 0; i < json_array_size(files) && !wrong; i++)
		wrong = check_file(c, json_array_get(files, i), i, seed, &n);
	if (wrong)
		hm_verify_say(c->v, "planted", HM_CHECK_FALSE, "planted/%04zu %s", i, wrong);
	else if (planted_parts(c->parts) != i)
		hm_verify_say(c->v, "planted", HM_CHECK_FALSE, "there are planted parts that planted.json does not list");
	else
		hm_verify_say(c->v, "planted", HM_CHECK_HOLDS, "%zu files, %u tokens derived again from the seed", i, n);
}

bool hm_verify_claim_set_known(const char *digest)
{
	for (size_t i = 0; i < HM_COUNT(known_claim_sets); i++)
		if (strcmp(known_claim_sets[i], digest) == 0)
			return true;
	return false;
}

void hm_verify_claim_set(struct check *c)
{
	char digest[72];

	hm_verify_digest(digest, c->parts, "claims.json");
	if (hm_verify_claim_set_known(digest))
		hm_verify_say(c->v, "claim set", HM_CHECK_HOLDS, "one that Hallmark published");
	else
		hm_verify_say(c->v, "claim set", HM_CHECK_UNCHECKED, "own claim set: read it first (claims.json, %s)", digest);
}
