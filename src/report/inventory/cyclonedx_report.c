/* CycloneDX 1.6: an item a component, with the evidence of its identity. Numbers of confidence are decimal fractions there, which Hallmark's JSON does not have: they are
 * written as text into the document that is otherwise written as JSON. */
#include "inventory_internal.h"

/* The methods of CycloneDX 1.6 (evidence.identity.methods.technique) by channel. */
static const char *technique_of(const char *channel)
{
	static const struct {
		const char *channel, *technique;
	} map[] = {
		{ "package", "manifest-analysis" }, { "declared", "manifest-analysis" }, { "identity", "manifest-analysis" }, { "path", "filename" },	 { "file", "filename" },
		{ "set", "filename" },		    { "module", "filename" },		 { "service", "filename" },	      { "bytes", "hash-comparison" }, { "symbol", "binary-analysis" },
		{ "resource", "binary-analysis" },  { "signature", "attestation" },	 { "definitions", "binary-analysis" }, { "string", "binary-analysis" }, { "process", "instrumentation" },
		{ "network", "dynamic-analysis" },
	};

	for (size_t i = 0; i < HM_COUNT(map); i++)
		if (strcmp(map[i].channel, channel) == 0)
			return map[i].technique;
	return "other";
}

static long long points(const json_t *evidence)
{
	const char *strength = inventory_text(evidence, "strength");

	if (strcmp(inventory_text(evidence, "channel"), "set") == 0)
		return 80;
	return strcmp(strength, "strong") == 0 ? 100 : strcmp(strength, "weak") == 0 ? 50 : strcmp(strength, "low") == 0 ? 20 : 0;
}

static void put_string(struct hm_bytes *out, const char *text)
{
	HM_JSON json_t *value = json_string(text);

	hm_json_write(out, value);
}

/* Foreign bytes as text that can be read: \xHH for what is none. */
static void put_foreign(struct hm_bytes *out, const json_t *object, const char *name)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes raw = inventory_bytes(object, name), shown = { 0 };

	hm_escape(&shown, hm_slice_of(&raw), false);
	hm_bytes_u8(&shown, 0);
	put_string(out, (const char *)shown.data);
}

static void put_fraction(struct hm_bytes *out, long long hundredths)
{
	if (hundredths >= 100)
		hm_bytes_text(out, "1");
	else
		hm_bytes_printf(out, "0.%02lld", hundredths);
}

static void put_methods(struct hm_bytes *out, const json_t *item)
{
	const json_t *evidence;
	size_t i;

	json_array_foreach (json_object_get(item, "evidence"), i, evidence) {
		hm_bytes_text(out, i ? ",{\"technique\":" : "{\"technique\":");
		put_string(out, technique_of(inventory_text(evidence, "channel")));
		hm_bytes_text(out, ",\"confidence\":");
		put_fraction(out, points(evidence));
		hm_bytes_text(out, ",\"value\":");
		put_foreign(out, evidence, "value");
		hm_bytes_u8(out, '}');
	}
}

static void put_occurrences(struct hm_bytes *out, const json_t *item)
{
	const json_t *evidence;
	size_t i, told = 0;

	json_array_foreach (json_object_get(item, "evidence"), i, evidence) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes path = inventory_bytes(evidence, "path");

		if (!path.len)
			continue;
		hm_bytes_text(out, told++ ? ",{\"location\":" : "{\"location\":");
		put_foreign(out, evidence, "path");
		hm_bytes_u8(out, '}');
	}
}

static void put_property(struct hm_bytes *out, const char *name, const char *value, bool first)
{
	hm_bytes_text(out, first ? "{\"name\":" : ",{\"name\":");
	put_string(out, name);
	hm_bytes_text(out, ",\"value\":");
	put_string(out, value);
	hm_bytes_u8(out, '}');
}

static void put_component(struct hm_bytes *out, const json_t *found, const json_t *item, size_t index)
{
	static const char *const told[] = { "relation", "state", "by" };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes version = inventory_bytes(item, "version"), countries = { 0 };
	const char *supplier = inventory_supplier(found, inventory_text(item, "supplier")), *product = inventory_text(item, "product");

	hm_bytes_printf(out, "%s{\"type\":\"application\",\"bom-ref\":\"item-%zu\",\"name\":", index ? "," : "", index + 1);
	put_string(out, *product ? product : supplier);
	hm_bytes_text(out, ",\"supplier\":{\"name\":");
	put_string(out, supplier);
	hm_bytes_u8(out, '}');
	if (version.len) {
		hm_bytes_text(out, ",\"version\":");
		put_foreign(out, item, "version");
	}
	hm_bytes_text(out, ",\"evidence\":{\"identity\":[{\"field\":\"name\",\"confidence\":");
	put_fraction(out, json_integer_value(json_object_get(item, "score")));
	hm_bytes_text(out, ",\"methods\":[");
	put_methods(out, item);
	hm_bytes_text(out, "]}],\"occurrences\":[");
	put_occurrences(out, item);
	hm_bytes_text(out, "]},\"properties\":[");
	inventory_countries(&countries, found, inventory_text(item, "supplier"));
	hm_bytes_u8(&countries, 0);
	put_property(out, "hallmark:controlled-from", (const char *)countries.data, true);
	for (size_t i = 0; i < HM_COUNT(told); i++) {
		HM_FREE char *name = hm_sprintf("hallmark:%s", told[i]);

		if (*inventory_text(item, told[i]))
			put_property(out, name, inventory_text(item, told[i]), false);
	}
	hm_bytes_text(out, ",{\"name\":\"hallmark:target\",\"value\":");
	put_foreign(out, item, "target");
	hm_bytes_text(out, "},{\"name\":\"hallmark:in\",\"value\":");
	put_foreign(out, item, "outer");
	hm_bytes_text(out, "}]}");
}

void inventory_cyclonedx(struct hm_bytes *out, const json_t *found)
{
	const json_t *item;
	size_t i;

	hm_bytes_text(out, "{\"bomFormat\":\"CycloneDX\",\"specVersion\":\"1.6\",\"version\":1,\"metadata\":{\"properties\":[");
	put_property(out, "hallmark:made", inventory_text(found, "made"), true);
	put_property(out, "hallmark:tables", inventory_text(json_object_get(found, "tables"), "sha256"), false);
	hm_bytes_text(out, "]},\"components\":[");
	json_array_foreach (json_object_get(found, "items"), i, item)
		put_component(out, found, item, i);
	hm_bytes_text(out, "]}\n");
}
