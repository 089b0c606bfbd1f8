/* CycloneDX, JSON (the schemas of 1.2 to 1.7). `supplier` is who supplied, `manufacturer` who made (1.6), `publisher` and `author`
 * what older documents have in its place. Components hold components. */
#include "sbom_internal.h"

#define NESTED_MAX 32

static const char *organisation(const json_t *object, const char *name)
{
	const json_t *value = json_object_get(object, name);

	return json_is_object(value) ? hm_sbom_text(value, "name") : hm_sbom_text(object, name);
}

static const char *first_of(const char *a, const char *b)
{
	return *a ? a : b;
}

static const char *maker(const json_t *component)
{
	const char *author = hm_sbom_text(json_array_get(json_object_get(component, "authors"), 0), "name");
	const char *publisher = first_of(hm_sbom_text(component, "publisher"), first_of(author, hm_sbom_text(component, "author")));

	return first_of(organisation(component, "manufacturer"), publisher);
}

static void sha256(struct hm_sbom_component *c, const json_t *hashes)
{
	size_t i;
	json_t *hash;

	json_array_foreach(hashes, i, hash)
		if (strcmp(hm_sbom_text(hash, "alg"), "SHA-256") == 0)
			hm_sbom_take_sha256(c, hm_sbom_text(hash, "content"));
}

/* Licences with a name and no SPDX id are a maker's own. */
static int licences(struct hm_sbom_out *out, const struct hm_sbom_component *c, const json_t *list)
{
	size_t i;
	json_t *entry;

	json_array_foreach(list, i, entry) {
		const json_t *licence = json_object_get(entry, "license");
		const char *name = hm_sbom_text(licence, "name");
		int r = *name && !*hm_sbom_text(licence, "id") ? hm_sbom_identifier(out, c, HM_SBOM_LICENCE, name) : 0;

		if (r != 0)
			return r;
	}
	return 0;
}

static int one(struct hm_sbom_out *out, const json_t *component, const char *outer, unsigned depth)
{
	const char *group = hm_sbom_text(component, "group"), *base = hm_sbom_text(component, "name");
	HM_FREE char *name = *group ? hm_sprintf("%s/%s", group, base) : hm_strdup(base);
	struct hm_sbom_component c = { .name = name, .version = hm_sbom_text(component, "version"), .maker = maker(component),
				       .supplier = organisation(component, "supplier"), .outer = outer };
	const json_t *nested = json_object_get(component, "components");
	json_t *child;
	size_t i;
	int r;

	if (!json_is_object(component) || !*base)
		return 0;
	sha256(&c, json_object_get(component, "hashes"));
	if ((r = hm_sbom_component(out, &c)) != 0 ||
	    (r = hm_sbom_identifier(out, &c, HM_SBOM_PURL, hm_sbom_text(component, "purl"))) != 0 ||
	    (r = hm_sbom_identifier(out, &c, HM_SBOM_CPE, hm_sbom_text(component, "cpe"))) != 0 ||
	    (r = licences(out, &c, json_object_get(component, "licenses"))) != 0)
		return r;
	if (depth == NESTED_MAX)
		return json_array_size(nested) ? HM_E_BAD : 0;
	json_array_foreach(nested, i, child) {
		r = one(out, child, name, depth + 1);
		if (r != 0)
			return r;
	}
	return 0;
}

/* A service is somebody's: what it is provided by is an organisation too. */
static int service(struct hm_sbom_out *out, const json_t *value)
{
	struct hm_sbom_component c = { .name = hm_sbom_text(value, "name"), .version = hm_sbom_text(value, "version"), .maker = "",
				       .supplier = organisation(value, "provider"), .outer = out->described };

	return *c.name ? hm_sbom_component(out, &c) : 0;
}

int hm_sbom_cyclonedx(struct hm_sbom_out *out, const char *key, const json_t *value)
{
	if (strcmp(key, "metadata") == 0)
		return one(out, json_object_get(value, "component"), NULL, 0);
	if (strcmp(key, "components") == 0)
		return one(out, value, out->described, 0);
	return strcmp(key, "services") == 0 ? service(out, value) : 0;
}
