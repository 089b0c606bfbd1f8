/* product.json as an SBOM. */
#include "export_internal.h"

static const char *text_of(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

/* A UUID of version 8 (RFC 9562) from the bundle's id: the same bundle has the same. */
static json_t *serial_of(const char *bundle)
{
	const char *hex = bundle + strlen("sha256:");

	return json_sprintf("urn:uuid:%.8s-%.4s-8%.3s-a%.3s-%.12s", hex, hex + 8, hex + 13, hex + 17, hex + 20);
}

static json_t *property(const char *name, const char *value)
{
	return json_pack("[{s:s,s:s}]", "name", name, "value", value);
}

static json_t *file_component(const json_t *file)
{
	const char *origin = text_of(file, "origin");
	json_t *out = json_pack("{s:s,s:[{s:s,s:s}]}", "type", "file", "hashes", "alg", "SHA-256", "content", text_of(file, "sha256"));

	/* A name is text: one that is none stands in base64, and says so. */
	if (json_object_get(file, "path_b64"))
		json_object_set_new(out, "name", json_sprintf("base64:%s", text_of(file, "path_b64")));
	else
		json_object_set_new(out, "name", json_string(text_of(file, "path")));
	if (*origin && strcmp(origin, "package") != 0)
		json_object_set_new(out, "properties", property("hallmark:origin", origin));
	return out;
}

static json_t *files_of(const json_t *list)
{
	json_t *out = json_array();
	const json_t *row;
	size_t i;

	json_array_foreach (list, i, row)
		json_array_append_new(out, file_component(row));
	return out;
}

/* As the purl specification has it: what is none of these is percent-encoded. */
static void put_escaped(struct hm_bytes *out, const char *text)
{
	for (; *text; text++) {
		char c = *text;

		if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || strchr(".-_~:", c))
			hm_bytes_u8(out, (uint8_t)c);
		else
			hm_bytes_printf(out, "%%%02X", (uint8_t)c);
	}
}

static json_t *package_component(const json_t *package)
{
	const char *name = text_of(package, "name"), *version = text_of(package, "version"), *arch = text_of(package, "arch");
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	json_t *purl, *out;

	hm_bytes_text(&text, "pkg:deb/debian/");
	put_escaped(&text, name);
	hm_bytes_u8(&text, '@');
	put_escaped(&text, version);
	hm_bytes_text(&text, "?arch=");
	put_escaped(&text, arch);
	purl = json_stringn((const char *)text.data, text.len);
	out = json_pack("{s:s,s:s,s:s,s:o,s:O,s:o}", "type", "library", "name", name, "version", version, "purl", purl, "bom-ref", purl, "components",
			files_of(json_object_get(package, "files")));
	return out;
}

static json_t *definition_component(const json_t *definition)
{
	json_t *out = json_pack("{s:s,s:s,s:[{s:s,s:s}]}", "type", "data", "name", text_of(definition, "name"), "hashes", "alg", "SHA-256", "content",
				text_of(definition, "sha256"));

	if (json_is_string(json_object_get(definition, "version")))
		json_object_set(out, "version", json_object_get(definition, "version"));
	return out;
}

static json_t *components_of(const json_t *product)
{
	json_t *out = json_array(), *unowned = files_of(json_object_get(product, "unowned"));
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(product, "packages"), i, row)
		json_array_append_new(out, package_component(row));
	json_array_extend(out, unowned);
	json_decref(unowned);
	json_array_foreach (json_object_get(product, "definitions"), i, row)
		json_array_append_new(out, definition_component(row));
	return out;
}

static json_t *product_component(const json_t *product)
{
	const json_t *purl = json_object_get(product, "purl"), *supplier = json_object_get(product, "supplier");
	json_t *out = json_pack("{s:s,s:s,s:s}", "type", "application", "name", text_of(product, "name"), "bom-ref", "product");

	if (json_is_string(purl))
		json_object_set_new(out, "purl", json_string(json_string_value(purl)));
	if (json_is_object(supplier))
		json_object_set_new(out, "supplier", json_pack("{s:s}", "name", text_of(supplier, "name")));
	return out;
}

int hm_export_cyclonedx(const struct hm_export_sink *sink, const struct hm_parts *parts, struct hm_fail *fail)
{
	HM_JSON json_t *product = NULL, *document = NULL;
	char bundle[72];
	int r = hm_export_bundle(bundle, parts, fail);

	if (r == 0)
		r = hm_export_document(&product, parts, "product.json", fail);
	if (r < 0)
		return r;
	document = json_pack("{s:s,s:s,s:o,s:i,s:{s:o,s:o},s:o}", "bomFormat", "CycloneDX", "specVersion", "1.6", "serialNumber", serial_of(bundle),
			     "version", 1, "metadata", "component", product_component(product), "properties", property("hallmark:bundle", bundle),
			     "components", components_of(product));
	return hm_export_put(sink, document, fail);
}
