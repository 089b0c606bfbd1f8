#include "fs.h"
#include "product_internal.h"

#define CLAIMS_MAX (1u << 20)

static int check_claim(const json_t *claim, const char *before, struct hm_fail *fail)
{
	static const struct hm_json_member shape[] = {
		{ "id", JSON_STRING }, { "question|", JSON_INTEGER }, { "statement", JSON_STRING },
	};
	const json_t *question = json_object_get(claim, "question");
	int r = hm_json_shape(claim, shape, HM_COUNT(shape), "claims.json: claim", fail);

	if (r < 0)
		return r;
	if (json_is_integer(question) && (json_integer_value(question) < 1 || json_integer_value(question) > 4))
		return hm_fail_set(fail, HM_E_BAD, "claims.json: claim %s: question is not 1 to 4", text_at(claim, "id"));
	if (strcmp(text_at(claim, "id"), before) <= 0)
		return hm_fail_set(fail, HM_E_BAD, "claims.json: claim %s does not come after %s", text_at(claim, "id"), before);
	return 0;
}

int hm_product_claims(struct hm_bytes *out, const char *data_dir, struct hm_fail *fail)
{
	static const struct hm_json_member shape[] = { { "schema", JSON_STRING }, { "claims", JSON_ARRAY } };
	HM_FREE char *path = hm_sprintf("%s/claims/claims.json", data_dir);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_JSON json_t *top = NULL;
	const char *before = "";
	const json_t *claim;
	size_t i;
	int r = hm_fs_read(&text, path, CLAIMS_MAX, fail);

	if (r == 0)
		r = hm_json_parse_canonical(&top, hm_slice_of(&text), path, fail);
	if (r == 0)
		r = hm_json_shape(top, shape, HM_COUNT(shape), "claims.json", fail);
	if (r == 0 && strcmp(text_at(top, "schema"), "hallmark/claims/v1"))
		r = hm_fail_set(fail, HM_E_UNKNOWN, "%s: unknown schema %s", path, text_at(top, "schema"));
	if (r < 0)
		return r;
	json_array_foreach (json_object_get(top, "claims"), i, claim) {
		r = check_claim(claim, before, fail);
		if (r < 0)
			return r;
		before = text_at(claim, "id");
	}
	hm_bytes_slice(out, hm_slice_of(&text));
	return 0;
}
