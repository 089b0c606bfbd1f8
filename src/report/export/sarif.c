/* Findings as results: one for each claim, whatever became of it. */
#include "export_internal.h"

static const struct {
	const char *verdict, *kind, *level;
} verdicts[] = {
	{ "upheld", "pass", "none" },
	{ "refuted", "fail", "error" },
	{ "not verifiable", "open", "none" },
	{ "not tested", "notApplicable", "none" },
};

static const char *text_of(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

/* A place in the bundle: `kind` and number name it, `part` is the member that holds it. */
static json_t *location(unsigned run, const char *kind, json_int_t number, const char *part)
{
	return json_pack("{s:{s:{s:o}},s:[{s:o,s:s}]}", "physicalLocation", "artifactLocation", "uri", json_sprintf("runs/%04u/%s", run, part),
			 "logicalLocations", "fullyQualifiedName", json_sprintf("runs/%04u/%s/%lld", run, kind, (long long)number), "kind", kind);
}

static json_t *locations_of(const json_t *evidence)
{
	static const struct {
		const char *kind, *part;
	} kinds[] = { { "event", "record.cbor.zst" }, { "flow", "packets.pcapng" }, { "entry", "tree.cbor.zst" } };
	json_t *out = json_array();
	const json_t *row;
	size_t i;

	json_array_foreach (evidence, i, row)
		for (size_t k = 0; k < HM_COUNT(kinds); k++) {
			const json_t *number = json_object_get(row, kinds[k].kind);

			if (json_is_integer(number))
				json_array_append_new(out, location((unsigned)json_integer_value(json_object_get(row, "run")), kinds[k].kind,
								    json_integer_value(number), kinds[k].part));
		}
	return out;
}

static json_t *rules_of(const json_t *claims)
{
	json_t *out = json_array();
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(claims, "claims"), i, row)
		json_array_append_new(out, json_pack("{s:s,s:{s:s}}", "id", text_of(row, "id"), "shortDescription", "text", text_of(row, "statement")));
	return out;
}

static const char *statement_of(const json_t *rules, const char *id)
{
	const json_t *row;
	size_t i;

	json_array_foreach (rules, i, row)
		if (strcmp(text_of(row, "id"), id) == 0)
			return text_of(json_object_get(row, "shortDescription"), "text");
	return "";
}

static json_t *result(const char *bundle, const json_t *row, const char *verdict, const json_t *rules)
{
	static const char *const copied[] = { "reason", "values", "bound", "evidence" };
	json_t *properties = json_pack("{s:s,s:s}", "bundle", bundle, "verdict", verdict), *out;
	size_t which = 0;

	while (which + 1 < HM_COUNT(verdicts) && strcmp(verdicts[which].verdict, verdict) != 0)
		which++;
	for (size_t i = 0; i < HM_COUNT(copied); i++)
		if (json_object_get(row, copied[i]))
			json_object_set(properties, copied[i], json_object_get(row, copied[i]));
	out = json_pack("{s:s,s:s,s:s,s:{s:o},s:o}", "ruleId", text_of(row, "id"), "kind", verdicts[which].kind, "level", verdicts[which].level,
			"message", "text",
			json_sprintf("%s Verdict: %s (%s).", statement_of(rules, text_of(row, "id")), verdict, text_of(row, "reason")), "properties", properties);
	if (json_array_size(json_object_get(row, "evidence")))
		json_object_set_new(out, "locations", locations_of(json_object_get(row, "evidence")));
	return out;
}

static json_t *results_of(const char *bundle, const json_t *findings, const json_t *rules)
{
	json_t *out = json_array();
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(findings, "claims"), i, row)
		json_array_append_new(out, result(bundle, row, text_of(row, "verdict"), rules));
	json_array_foreach (json_object_get(findings, "not_tested"), i, row)
		json_array_append_new(out, result(bundle, row, "not tested", rules));
	return out;
}

int hm_export_sarif(const struct hm_export_sink *sink, const struct hm_parts *parts, struct hm_fail *fail)
{
	HM_JSON json_t *claims = NULL, *findings = NULL, *document = NULL;
	json_t *rules;
	char bundle[72];
	int r = hm_export_bundle(bundle, parts, fail);

	if (r == 0)
		r = hm_export_document(&claims, parts, "claims.json", fail);
	if (r == 0)
		r = hm_export_document(&findings, parts, "findings.json", fail);
	if (r < 0)
		return r;
	rules = rules_of(claims);
	document = json_pack("{s:s,s:s,s:[{s:{s:{s:s,s:o}},s:{s:s},s:{s:s},s:o}]}", "$schema",
			     "https://json.schemastore.org/sarif-2.1.0.json", "version", "2.1.0", "runs", "tool", "driver", "name", "Hallmark", "rules", rules, "automationDetails", "id", bundle, "properties", "bundle", bundle, "results",
			     results_of(bundle, findings, rules));
	return hm_export_put(sink, document, fail);
}
