/* SPDX 2.2 and 2.3 (packages with "Organization: NAME") and SPDX 3.0 (a graph of elements that name their agents by id).
 * suppliedBy is who distributed, originatedBy who made. */
#include "sbom_internal.h"

#include <stdlib.h>

/* What may stand in brackets at the end is an address, or nothing; anything else is of the name. */
static char *without_address(const char *text)
{
	size_t len = strlen(text);
	const char *open = len && text[len - 1] == ')' ? strrchr(text, '(') : NULL;

	if (!open || open == text || (open[1] != ')' && !strchr(open, '@')))
		return hm_strdup(text);
	while (open > text && open[-1] == ' ')
		open--;
	return hm_slice_dup((struct hm_slice){ (const uint8_t *)text, (size_t)(open - text) });
}

/* "Organization: NAME (ADDRESS)": the name. malloc'ed. */
static char *name_of(const char *text)
{
	static const char *const kinds[] = { "Organization: ", "Person: ", "Tool: " };

	if (strcmp(text, "NOASSERTION") == 0)
		return hm_strdup("");
	for (size_t i = 0; i < HM_COUNT(kinds); i++)
		if (strncmp(text, kinds[i], strlen(kinds[i])) == 0)
			return without_address(text + strlen(kinds[i]));
	return hm_strdup(text);
}

static int reference(struct hm_sbom_out *out, const struct hm_sbom_component *c, const char *type, const char *value)
{
	if (strcmp(type, "purl") == 0 || strcmp(type, "packageUrl") == 0 || strcmp(type, "packageURL") == 0)
		return hm_sbom_identifier(out, c, HM_SBOM_PURL, value);
	if (strncmp(type, "cpe2", 4) == 0)
		return hm_sbom_identifier(out, c, HM_SBOM_CPE, value);
	return 0;
}

static void checksum(struct hm_sbom_component *c, const json_t *list, const char *algorithm, const char *wanted, const char *value)
{
	size_t i;
	json_t *entry;

	json_array_foreach(list, i, entry)
		if (strcmp(hm_sbom_text(entry, algorithm), wanted) == 0)
			hm_sbom_take_sha256(c, hm_sbom_text(entry, value));
}

int hm_sbom_spdx2(struct hm_sbom_out *out, const char *key, const json_t *value)
{
	HM_FREE char *supplier = name_of(hm_sbom_text(value, "supplier")), *maker = name_of(hm_sbom_text(value, "originator"));
	struct hm_sbom_component c = { .name = hm_sbom_text(value, "name"), .version = hm_sbom_text(value, "versionInfo"), .supplier = supplier, .maker = maker,
				       .outer = out->described };
	const char *licence = hm_sbom_text(value, "licenseDeclared");
	json_t *entry;
	size_t i;
	int r;

	if (strcmp(key, "packages") != 0 || !*c.name)
		return 0;
	checksum(&c, json_object_get(value, "checksums"), "algorithm", "SHA256", "checksumValue");
	r = hm_sbom_component(out, &c);
	json_array_foreach(json_object_get(value, "externalRefs"), i, entry) {
		if (r != 0)
			return r;
		r = reference(out, &c, hm_sbom_text(entry, "referenceType"), hm_sbom_text(entry, "referenceLocator"));
	}
	if (r == 0 && strncmp(licence, "LicenseRef-", 11) == 0)
		r = hm_sbom_identifier(out, &c, HM_SBOM_LICENCE, licence);
	return r;
}

static const char *type_of(const json_t *value)
{
	const char *type = hm_sbom_text(value, "type");

	return *type ? type : hm_sbom_text(value, "@type");
}

static const char *id_of(const json_t *value)
{
	const char *id = hm_sbom_text(value, "spdxId");

	return *id ? id : hm_sbom_text(value, "@id");
}

#define AGENTS_MAX 100000

void hm_sbom_spdx3_agent(json_t *agents, const json_t *value)
{
	static const char *const kinds[] = { "Organization", "Person", "Agent", "SoftwareAgent" };
	const char *type = type_of(value), *id = id_of(value);

	for (size_t i = 0; i < HM_COUNT(kinds); i++)
		if (strcmp(type, kinds[i]) == 0 && *id && json_object_size(agents) < AGENTS_MAX)
			json_object_set_new(agents, id, json_string(hm_sbom_text(value, "name")));
}

/* The element that a bill of materials is about. */
const char *hm_sbom_spdx3_root(const json_t *value)
{
	const json_t *root = strcmp(type_of(value), "software_Sbom") == 0 ? json_object_get(value, "rootElement") : NULL;
	const char *id = json_string_value(json_is_array(root) ? json_array_get(root, 0) : root);

	return id ? id : "";
}

const char *hm_sbom_spdx3_named(const json_t *value, const char *id)
{
	return strcmp(id_of(value), id) == 0 ? hm_sbom_text(value, "name") : "";
}

/* An agent by its id, or written out in place; of several, the first. */
static const char *agent(const json_t *agents, const json_t *value)
{
	const json_t *named;

	if (json_is_array(value))
		value = json_array_get(value, 0);
	if (json_is_object(value))
		return hm_sbom_text(value, "name");
	named = json_is_string(value) ? json_object_get(agents, json_string_value(value)) : NULL;
	return json_is_string(named) ? json_string_value(named) : "";
}

int hm_sbom_spdx3(struct hm_sbom_out *out, const json_t *agents, const char *root, const json_t *value)
{
	const json_t *identifiers = json_object_get(value, "externalIdentifier");
	struct hm_sbom_component c = { .name = hm_sbom_text(value, "name"), .version = hm_sbom_text(value, "software_packageVersion"),
				       .supplier = agent(agents, json_object_get(value, "suppliedBy")),
				       .maker = agent(agents, json_object_get(value, "originatedBy")),
				       .outer = strcmp(id_of(value), root) == 0 ? NULL : out->described };
	const char *type = type_of(value);
	json_t *entry;
	size_t i;
	int r;

	if ((strcmp(type, "software_Package") != 0 && strcmp(type, "software_File") != 0) || !*c.name)
		return 0;
	checksum(&c, json_object_get(value, "verifiedUsing"), "algorithm", "sha256", "hashValue");
	r = hm_sbom_component(out, &c);
	if (r == 0)
		r = hm_sbom_identifier(out, &c, HM_SBOM_PURL, hm_sbom_text(value, "software_packageUrl"));
	if (!identifiers)
		identifiers = json_object_get(value, "externalIdentifiers"); /* as some wrote it for 3.0.0 */
	json_array_foreach(identifiers, i, entry) {
		if (r != 0)
			return r;
		r = reference(out, &c, hm_sbom_text(entry, "externalIdentifierType"), hm_sbom_text(entry, "identifier"));
	}
	return r;
}
