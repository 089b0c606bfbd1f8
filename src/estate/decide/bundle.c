/* Bundles beside what was found. A bundle speaks for the build that it was made of and for nothing else: another product, another version, a file that it does not
 * have, or nothing that tells which build is there, and it does not count. Neither does one in which something is false, one of which evidence is withheld, and one
 * that nobody signed whose key was given. */
#include "decide_internal.h"

#define SHORT 12 /* hex digits of a bundle's id in a sentence */

/* `collect.*` stands for all of that family that were judged, of which there must be one. What is not upheld is told. */
static bool upheld(const json_t *claims, const char *wanted, struct hm_bytes *lacks)
{
	size_t len = strlen(wanted), found = 0;
	bool family = len > 2 && strcmp(wanted + len - 2, ".*") == 0, all = true;
	const char *id;
	json_t *verdict;

	json_object_foreach ((json_t *)claims, id, verdict) {
		if (family ? strncmp(id, wanted, len - 1) != 0 || strcmp(json_string_value(verdict), "not tested") == 0 : strcmp(id, wanted) != 0)
			continue;
		found++;
		if (strcmp(json_string_value(verdict), "upheld") == 0)
			continue;
		all = false;
		hm_bytes_printf(lacks, "; %s is %s", id, json_string_value(verdict));
	}
	if (!found)
		hm_bytes_printf(lacks, "; %s was not tested", wanted);
	return all && found;
}

/* Whether it shows what is asked for, whatever it is of; what it lacks is appended. */
static bool shows(const json_t *bundle, const json_t *wanted, struct hm_bytes *lacks)
{
	long long keys = json_integer_value(json_object_get(bundle, "keys")), least = json_integer_value(json_object_get(wanted, "keys"));
	size_t before = lacks->len, i;
	const json_t *claim;

	if (json_is_true(json_object_get(bundle, "false")))
		hm_bytes_text(lacks, "; something in it is false");
	if (json_is_true(json_object_get(bundle, "withheld")))
		hm_bytes_text(lacks, "; its findings cannot be derived here");
	json_array_foreach (json_object_get(wanted, "upheld"), i, claim)
		(void)upheld(json_object_get(bundle, "claims"), json_string_value(claim), lacks);
	/* What nobody known signed anybody can have made. */
	least = least < 1 ? 1 : least;
	if (keys < least)
		hm_bytes_printf(lacks, "; signed by %lld of the keys that were given, and %lld %s asked for", keys, least, least == 1 ? "is" : "are");
	if (json_is_true(json_object_get(wanted, "logged")) && !json_is_true(json_object_get(bundle, "logged")))
		hm_bytes_text(lacks, "; no log was shown to have it");
	return lacks->len == before;
}

/* Evidence whose value is a package's name, and its detail the version. */
static bool names_package(const json_t *piece)
{
	return strcmp(decide_text(piece, "kind"), "package") == 0 || strcmp(decide_text(piece, "kind"), "component") == 0;
}

/* Evidence in a program or library, which is the build's; definitions and settings change by themselves. */
static bool is_code(const json_t *piece)
{
	static const char *const kinds[] = { "signer", "soname", "string", "symbol", "version" };

	for (size_t i = 0; i < HM_COUNT(kinds); i++)
		if (strcmp(decide_text(piece, "kind"), kinds[i]) == 0)
			return true;
	return false;
}

struct build {
	bool package, digest; /* its own package in the same version; a file of its own */
	const char *version;
};

/* False where a piece contradicts the bundle; `how` says which. */
static bool agrees(const json_t *product, const json_t *piece, struct build *b, struct hm_bytes *how)
{
	const char *name = decide_text(piece, "value"), *hex = decide_text(piece, "sha256"), *version = decide_text(piece, "detail"), *there;
	const json_t *file = *hex ? json_object_get(json_object_get(product, "files"), hex) : NULL;

	if (names_package(piece)) {
		version = *version ? version : b->version;
		there = json_string_value(json_object_get(json_object_get(product, "packages"), name));
		if (!there)
			hm_bytes_printf(how, "of a product without the package %s", name);
		else if (strcmp(there, version) != 0)
			hm_bytes_printf(how, "of %s %s, and there is %s", name, there, version);
		if (!there || strcmp(there, version) != 0)
			return false;
		/* Evidence is told in part: found.json names a version where all of it has one. */
		b->package = b->package || (strcmp(name, decide_text(product, "package")) == 0 && strcmp(version, b->version) == 0);
	}
	if (*hex && !file && is_code(piece)) {
		hm_bytes_printf(how, "without the file that is at %s", decide_text(piece, "path"));
		return false;
	}
	b->digest = b->digest || json_is_true(file);
	return true;
}

bool decide_bundle_fits(const struct decide_case *c, const json_t *item, const json_t *bundle, struct hm_bytes *how)
{
	const json_t *product = json_object_get(bundle, "product"), *piece;
	struct build b = { .version = decide_text(item, "version") };
	size_t i;

	if (strcmp(c->question->kind, "bundle") == 0)
		return true;
	if (json_is_true(json_object_get(bundle, "false")) || json_is_true(json_object_get(bundle, "withheld"))) {
		hm_bytes_text(how, json_is_true(json_object_get(bundle, "false")) ? "one in which something is false" : "one whose findings cannot be derived here");
		return false;
	}
	if (!product || !*decide_text(product, "supplier") || strcmp(decide_text(product, "supplier"), decide_text(item, "supplier")) != 0) {
		hm_bytes_text(how, "of another supplier's product");
		return false;
	}
	if (strcmp(decide_text(item, "relation"), "branded") != 0) {
		hm_bytes_text(how, "of the supplier's own product, and not of what his code is built into");
		return false;
	}
	json_array_foreach (json_object_get(item, "evidence"), i, piece)
		if (!agrees(product, piece, &b, how))
			return false;
	if (b.package)
		hm_bytes_printf(how, "by its package %s %s%s", decide_text(product, "package"), b.version, b.digest ? " and by digest" : "");
	else
		hm_bytes_text(how, b.digest ? "by the digest of a file of its own" : "of a build of which nothing tells that it is the one that is there");
	return b.package || b.digest;
}

bool decide_bundle_holds(const struct decide_case *c, const json_t *item, const json_t *wanted)
{
	const json_t *bundle;
	size_t i;

	json_array_foreach (c->question->bundles, i, bundle) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes why = { 0 };

		if (decide_bundle_fits(c, item, bundle, &why) && shows(bundle, wanted, &why))
			return true;
	}
	return false;
}

/* Why one that was given is not what is asked for. */
static void tell_lack(const struct decide_case *c, const json_t *item, const json_t *bundle, const json_t *wanted, struct hm_bytes *out)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes other = { 0 }, lacks = { 0 };

	if (!decide_bundle_fits(c, item, bundle, &other)) {
		hm_bytes_printf(out, "; %.*s is %.*s", SHORT, decide_text(bundle, "name"), (int)other.len, (const char *)other.data);
		return;
	}
	hm_bytes_printf(out, "; of %.*s", SHORT, decide_text(bundle, "name"));
	if (!shows(bundle, wanted, &lacks))
		hm_bytes_append(out, lacks.data + 1, lacks.len - 1); /* without the first "; " but its blank */
}

void decide_bundle_change(const struct decide_case *c, const json_t *item, const json_t *wanted, enum answer to, json_t *changes)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes claims = { 0 }, given = { 0 };
	long long keys = json_integer_value(json_object_get(wanted, "keys"));
	const json_t *claim, *bundle;
	size_t i;

	json_array_foreach (json_object_get(wanted, "upheld"), i, claim)
		hm_bytes_printf(&claims, "%s%s", i ? ", " : "", json_string_value(claim));
	json_array_foreach (c->question->bundles, i, bundle)
		tell_lack(c, item, bundle, wanted, &given);
	decide_change(changes, "bundle", to, "a bundle of this build with %.*s upheld, signed by %lld key%s or more%s%.*s", (int)claims.len, (const char *)claims.data,
		      keys < 1 ? 1 : keys, keys <= 1 ? "" : "s", json_is_true(json_object_get(wanted, "logged")) ? ", and logged" : "", (int)given.len,
		      given.len ? (const char *)given.data : "");
}

void decide_bundle_facts(const struct decide_case *c, const json_t *item, json_t *facts)
{
	const json_t *bundle;
	size_t i;

	if (strcmp(c->question->kind, "bundle") == 0)
		return;
	json_array_foreach (c->question->bundles, i, bundle) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes how = { 0 };
		bool fits = decide_bundle_fits(c, item, bundle, &how);
		HM_FREE char *value = hm_sprintf("%s, %.*s", decide_text(bundle, "name"), (int)how.len, (const char *)how.data);

		if (fits)
			decide_fact(facts, "bundle", value, NULL, NULL);
	}
}

/* Of how many items it is; the reason why it is not of one of its supplier's. */
static size_t count_items(const struct decide_case *c, const json_t *bundle, struct hm_bytes *reason)
{
	static const char *const lists[] = { "items", "candidates" };
	const json_t *item, *product = json_object_get(bundle, "product");
	size_t n = 0, i;

	for (size_t l = 0; l < HM_COUNT(lists); l++)
		json_array_foreach (json_object_get(c->found, lists[l]), i, item) {
			HM_CLEANUP(hm_bytes_release) struct hm_bytes why = { 0 };

			if (strcmp(decide_text(item, "relation"), "controlled") == 0)
				continue;
			if (decide_bundle_fits(c, item, bundle, &why))
				n++;
			else if (!reason->len && (!product || strcmp(decide_text(product, "supplier"), decide_text(item, "supplier")) == 0))
				hm_bytes_append(reason, why.data, why.len);
		}
	return n;
}

static void tell_one(const struct decide_case *c, const json_t *bundle, json_t *facts)
{
	bool alone = strcmp(c->question->kind, "bundle") == 0;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes reason = { 0 };
	size_t n = count_items(c, bundle, &reason);
	const char *name = decide_text(bundle, "name");
	HM_FREE char *value = alone ? hm_strdup(name) :
			      n	    ? hm_sprintf("%s, of %zu item%s", name, n, n == 1 ? "" : "s") :
				      hm_sprintf("%s, of none of the items%s%.*s", name, reason.len ? ": it is " : "", (int)reason.len, reason.len ? (const char *)reason.data : "");
	const char *id;
	json_t *verdict;
	char number[24];

	decide_fact(facts, "bundle", value, NULL, NULL);
	json_object_foreach (json_object_get(bundle, "claims"), id, verdict) {
		HM_FREE char *claim = hm_sprintf("%s %s", id, json_string_value(verdict));

		if (strcmp(json_string_value(verdict), "not tested") != 0)
			decide_fact(facts, "claim", claim, NULL, NULL);
	}
	snprintf(number, sizeof(number), "%lld", (long long)json_integer_value(json_object_get(bundle, "keys")));
	decide_fact(facts, "keys", number, NULL, NULL);
}

void decide_bundle_summary(const struct decide_case *c, json_t *facts)
{
	const json_t *bundle;
	size_t i;

	json_array_foreach (c->question->bundles, i, bundle)
		tell_one(c, bundle, facts);
}
