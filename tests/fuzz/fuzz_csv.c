/* What was read and is written again is read as the same. */
#include "csv.h"

static int read_all(char *text, size_t len, struct hm_bytes *out)
{
	const char *field[HM_CSV_FIELDS];
	struct hm_csv csv;
	struct hm_fail fail;
	int n;

	hm_csv_begin(&csv, text, len, "input");
	while ((n = hm_csv_next(&csv, field, &fail)) > 0) {
		for (int i = 0; i < n; i++)
			hm_csv_put(out, hm_slice_text(field[i]), i == 0);
		hm_bytes_u8(out, '\n');
	}
	return n;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes once = { 0 }, twice = { 0 };
	HM_FREE char *copy = hm_slice_dup((struct hm_slice){ data, size }), *again = NULL;
	bool formula = false;

	if (read_all(copy, size, &once) < 0)
		return 0;
	for (size_t i = 0; i + 1 < once.len; i++)
		formula = formula || (once.data[i] == '"' && once.data[i + 1] == '\'');
	again = hm_slice_dup(hm_slice_of(&once));
	/* An apostrophe before a formula is no formula: it is not doubled. A field can be too long with it. */
	if (read_all(again, once.len, &twice) < 0 ? !formula : !hm_slice_eq(hm_slice_of(&once), hm_slice_of(&twice)))
		abort();
	return 0;
}
