#include "export_internal.h"
#include "text.h"

int hm_export_bundle(char out[72], const struct hm_parts *parts, struct hm_fail *fail)
{
	struct hm_sha256 id;
	struct hm_slice core;

	if (!hm_parts_get(parts, "core.json", &core))
		return hm_fail_set(fail, HM_E_BAD, "core.json is missing");
	hm_sha256_slice(&id, core);
	memcpy(out, "sha256:", 7);
	hm_text_hex_into(out + 7, (struct hm_slice){ id.b, sizeof(id.b) });
	return 0;
}

int hm_export_document(json_t **ret, const struct hm_parts *parts, const char *name, struct hm_fail *fail)
{
	struct hm_slice text;

	if (!hm_parts_get(parts, name, &text))
		return hm_fail_set(fail, HM_E_BAD, "%s is missing", name);
	return hm_json_parse_canonical(ret, text, name, fail);
}

int hm_export_put(const struct hm_export_sink *sink, const json_t *document, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

	hm_json_write(&text, document);
	hm_bytes_u8(&text, '\n');
	return sink->put(sink->cookie, hm_slice_of(&text), fail);
}
