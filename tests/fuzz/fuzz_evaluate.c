/* The first byte chooses a part of a whole core, the rest takes its place: what comes out is findings or a refusal, and the
 * same again when it is done again. */
#include <stdio.h>

#include "../claims/scene.h"
#include "evaluate.h"
#include "event.h"
#include "json.h"

static const char *const replaced[] = {
	"plan.json", "assessment.json", "declaration.json", "claims.json", "product.json", "planted.json",
	"runs/0001/packets.pcapng", "runs/0001/tree.cbor.zst", "runs/0001/record.cbor.zst",
};

static const struct hm_parts *scene(void)
{
	static struct hm_parts *parts;
	static char words[][3][24] = {
		{ "declare", "writes", "/tmp/**" }, { "declare", "endpoints", "vendor.example:80/tcp" }, { "run" },
		{ "ask", "vendor.example" },	    { "tree", "f", "/etc/hosts" },
	};
	static const size_t counts[] = { 3, 3, 1, 2, 3 };
	struct line list[HM_COUNT(words)] = { 0 };

	if (parts)
		return parts;
	for (size_t i = 0; i < HM_COUNT(words); i++) {
		for (size_t k = 0; k < counts[i]; k++)
			list[i].word[k] = words[i][k];
		list[i].words = counts[i];
	}
	parts = scene_make(&(struct lines){ list, HM_COUNT(words) }, HM_TEST_DATA, HM_EVENT_VERSION);
	return parts;
}

static int evaluate(struct hm_bytes *findings, const char *name, struct hm_slice content, struct hm_fail *fail)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();

	for (size_t i = 0; i < hm_parts_count(scene()); i++) {
		struct hm_slice own;
		const char *part = hm_parts_at(scene(), i, &own);

		if (hm_parts_borrow(parts, part, strcmp(part, name) == 0 ? content : own, fail) < 0)
			abort();
	}
	return hm_evaluate(findings, parts, fail);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes findings = { 0 }, again = { 0 };
	HM_JSON json_t *parsed = NULL;
	struct hm_fail fail = { 0 };
	const char *name;
	int r;

	if (size == 0)
		return 0;
	name = replaced[data[0] % HM_COUNT(replaced)];
	r = evaluate(&findings, name, (struct hm_slice){ data + 1, size - 1 }, &fail);
	if (r < 0) {
		if (findings.len || !fail.text[0] || (r != HM_E_BAD && r != HM_E_UNKNOWN))
			abort();
		return 0;
	}
	if (evaluate(&again, name, (struct hm_slice){ data + 1, size - 1 }, &fail) < 0 ||
	    !hm_slice_eq(hm_slice_of(&findings), hm_slice_of(&again)) ||
	    hm_json_parse_canonical(&parsed, hm_slice_of(&findings), "findings", &fail) < 0 || hm_findings_exit(hm_slice_of(&findings)) > 2)
		abort();
	return 0;
}
