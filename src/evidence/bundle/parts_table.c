/* What a bundle of format 1 may consist of. A name that is not in the table is refused, so that every byte of a bundle is
 * one that somebody checks; a part over its limit is refused, so that whoever parses it has bounded work. */
#include "bundle_internal.h"

#define MIB ((size_t)1 << 20)

/* '#' stands for a run's or document's number: four digits or more, from 1; '%' for 16 lower-case hex digits. */
static const struct hm_part_rule rules[] = {
	{ "core.json", HM_PART_SEALS, false, 16 * MIB },
	{ "manifest.json", HM_PART_SEALS, false, 16 * MIB },
	{ "plan.json", HM_PART_INPUT, true, 1 * MIB },
	{ "assessment.json", HM_PART_INPUT, true, 4 * MIB },
	{ "declaration.json", HM_PART_INPUT, false, 1 * MIB },
	{ "claims.json", HM_PART_INPUT, true, 1 * MIB },
	{ "product.json", HM_PART_INPUT, true, 32 * MIB },
	{ "planted.json", HM_PART_INPUT, true, 4 * MIB },
	{ "planted/#", HM_PART_INPUT, false, 0 },
	{ "scenario.json", HM_PART_INPUT, false, 32 * MIB },
	{ "replication.json", HM_PART_STATED, false, 32 * MIB },
	{ "manifest.original.json", HM_PART_STATED, false, 16 * MIB },
	{ "redaction.json", HM_PART_STATED, false, 32 * MIB },
	{ "findings.json", HM_PART_FINDINGS, true, 32 * MIB },
	{ "runs/#/features.cbor.zst", HM_PART_DERIVED, false, 0 },
	{ "runs/#/packets.pcapng", HM_PART_PACKETS, false, 0 },
	{ "runs/#/packets.salts", HM_PART_SALTS, false, 0 },
	{ "runs/#/record.cbor.zst", HM_PART_EVENTS, false, 0 },
	{ "runs/#/tree.cbor.zst", HM_PART_TREE, false, 0 },
	{ "attestations.intoto.jsonl", HM_PART_OUTSIDE, false, 64 * MIB },
	{ "attestation-%.sigstore.json", HM_PART_OUTSIDE, false, 64 * MIB },
	{ "attestation-%.tlog-proof", HM_PART_OUTSIDE, false, 128 << 10 },
	{ "plan.tlog-proof", HM_PART_OUTSIDE, false, 128 << 10 },
	{ "report.html", HM_PART_OUTSIDE, false, 256 * MIB },
};

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Length of the number that `s` begins with, 0 when it is not one of the form that we write. */
static size_t number_at(const char *s)
{
	size_t n = 0;

	while (is_digit(s[n]))
		n++;
	if (n < 4 || n > 9 || (n > 4 && s[0] == '0') || strncmp(s, "0000", n) == 0)
		return 0;
	return n;
}

static size_t hex_at(const char *s)
{
	size_t n = 0;

	while (is_digit(s[n]) || (s[n] >= 'a' && s[n] <= 'f'))
		n++;
	return n == 16 ? n : 0;
}

static bool matches(const char *pattern, const char *name)
{
	for (; *pattern; pattern++) {
		size_t n = *pattern == '#' ? number_at(name) : *pattern == '%' ? hex_at(name) : *pattern == *name;

		if (!n)
			return false;
		name += n;
	}
	return !*name;
}

const struct hm_part_rule *hm_part_rule(const char *name)
{
	for (size_t i = 0; i < HM_COUNT(rules); i++)
		if (matches(rules[i].pattern, name))
			return &rules[i];
	return NULL;
}

bool hm_part_name_is_plain(const char *name)
{
	size_t len = strlen(name);

	if (len == 0 || len > 255 || name[0] == '/' || name[len - 1] == '/' || strstr(name, "..") || strstr(name, "//"))
		return false;
	if (strncmp(name, "./", 2) == 0 || strstr(name, "/./") || strcmp(name, ".") == 0 ||
	    (len > 1 && strcmp(name + len - 2, "/.") == 0))
		return false;
	return strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789._/-") == len;
}

/* The other parts that must stand beside a run's part. */
static int check_run(const struct hm_parts *parts, const char *name, enum hm_part_role role, struct hm_fail *fail)
{
	int folder = (int)(strrchr(name, '/') - name);
	HM_FREE char *record = hm_sprintf("%.*s/record.cbor.zst", folder, name);
	HM_FREE char *packets = hm_sprintf("%.*s/packets.pcapng", folder, name);
	HM_FREE char *pair = hm_sprintf("%.*s/packets.%s", folder, name, role == HM_PART_PACKETS ? "salts" : "pcapng");
	struct hm_slice s;

	if (role == HM_PART_DERIVED && !hm_parts_get(parts, packets, &s))
		return hm_fail_set(fail, HM_E_BAD, "parts: %s is there and %s is not", name, packets);
	if (!hm_parts_get(parts, record, &s))
		return hm_fail_set(fail, HM_E_BAD, "parts: %s is there and %s is not", name, record);
	if ((role == HM_PART_PACKETS || role == HM_PART_SALTS) && !hm_parts_get(parts, pair, &s))
		return hm_fail_set(fail, HM_E_BAD, "parts: %s is there and %s is not", name, pair);
	return 0;
}

static int check_one(const struct hm_parts *parts, size_t index, struct hm_fail *fail)
{
	struct hm_slice content;
	const char *name = hm_parts_at(parts, index, &content);
	const struct hm_part_rule *rule = hm_part_rule(name);

	if (!rule)
		return hm_fail_set(fail, HM_E_BAD, "parts: %s has no place in a bundle of format 1", name);
	if (rule->max && content.len > rule->max)
		return hm_fail_set(fail, HM_E_BAD, "parts: %s has %zu bytes, more than the %zu that a reader takes", name,
				   content.len, rule->max);
	switch (rule->role) {
	case HM_PART_EVENTS:
	case HM_PART_TREE:
	case HM_PART_PACKETS:
	case HM_PART_SALTS:
	case HM_PART_DERIVED:
		return check_run(parts, name, rule->role, fail);
	default:
		return 0;
	}
}

int hm_bundle_check_parts(const struct hm_parts *parts, bool sealed, struct hm_fail *fail)
{
	struct hm_slice content;

	if (hm_parts_get(parts, "redaction.json", &content) != hm_parts_get(parts, "manifest.original.json", &content))
		return hm_fail_set(fail, HM_E_BAD, "parts: of redaction.json and manifest.original.json one is there and the other is not");
	for (size_t i = 0; i < hm_parts_count(parts); i++)
		if (check_one(parts, i, fail) < 0)
			return HM_E_BAD;
	for (size_t i = 0; i < HM_COUNT(rules); i++) {
		bool required = rules[i].required || (sealed && rules[i].role == HM_PART_SEALS);

		if (required && !hm_parts_get(parts, rules[i].pattern, &content))
			return hm_fail_set(fail, HM_E_BAD, "parts: %s is missing", rules[i].pattern);
	}
	return 0;
}
