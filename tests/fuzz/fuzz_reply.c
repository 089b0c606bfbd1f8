/* A statement that is read as a reply to a bundle has a kind; what Hallmark states of its predicate is read again as the same. */
#include "attest.h"
#include "digest.h"
#include "reply.h"
#include "text.h"

static const char findings[] = "{\"claims\":[{\"id\":\"a.b\",\"verdict\":\"refuted\"}],\"not_tested\":[{\"id\":\"c.d\",\"reason\":\"needs kernel\"}]}";

static json_t *read_as(const struct hm_parts *parts, struct hm_slice statement)
{
	HM_CLEANUP(hm_foreign_release) struct hm_foreign envelope = { .type = hm_strdup(HM_PAYLOAD_TYPE) };
	struct hm_fail fail;
	json_t *row = NULL;

	hm_bytes_slice(&envelope.payload, statement);
	return hm_reply_read(&row, &envelope, parts, &fail) < 0 ? NULL : row;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	HM_JSON json_t *row = NULL, *same = NULL, *statement = NULL;
	struct hm_fail fail;

	if (hm_parts_borrow(parts, "core.json", hm_slice_text("core"), &fail) < 0 || hm_parts_borrow(parts, "findings.json", hm_slice_text(findings), &fail) < 0 ||
	    hm_parts_borrow(parts, "declaration.json", hm_slice_text("{\"author\":\"supplier\",\"schema\":\"hallmark/declaration/v1\"}"), &fail) < 0)
		abort();
	row = read_as(parts, (struct hm_slice){ data, size });
	if (!row)
		return 0;
	if (hm_json_parse(&statement, (struct hm_slice){ data, size }, "statement", &fail) < 0)
		abort();
	if (strcmp(json_string_value(json_object_get(row, "kind")), "reply") == 0) {
		if (hm_reply_statement(&again, json_object_get(statement, "predicate"), parts, &fail) < 0)
			abort();
	} else if (hm_reply_declaration(&again, json_object_get(statement, "predicate"), &fail) < 0) {
		abort();
	}
	same = read_as(parts, hm_slice_of(&again));
	if (!same || !json_equal(row, same))
		abort();
	return 0;
}
