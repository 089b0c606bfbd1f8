/* YAML that is taken is JSON that can be written and read again; so is the declaration made of it. */
#include "product_internal.h"

static void round_trip(const json_t *value)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_JSON json_t *again = NULL;
	struct hm_fail fail;

	hm_json_write(&text, value);
	if (hm_json_parse_canonical(&again, hm_slice_of(&text), "output", &fail) < 0 || !json_equal(value, again))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_yaml_release) struct hm_yaml y = { 0 };
	HM_JSON json_t *declaration = NULL;
	struct hm_fail fail = { 0 };
	int r = hm_yaml_parse(&y, (struct hm_slice){ data, size }, "input", &fail);

	if (r < 0)
		return r == HM_E_BAD && fail.text[0] && !y.root ? 0 : (abort(), 0);
	round_trip(y.root);
	r = product_declare(&declaration, &y, y.root, NULL, &fail);
	if (r == 0)
		round_trip(declaration);
	else if (r != HM_E_BAD || !fail.text[0])
		abort();
	return 0;
}
