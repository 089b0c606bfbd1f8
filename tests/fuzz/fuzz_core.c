/* The input as core.json of a bundle that is otherwise whole: it is never taken for everything in order, and nothing breaks. */
#include <zlib.h>

#include "bundle.h"
#include "bundle_internal.h"
#include "verify.h"

struct memory {
	struct hm_sink sink;
	struct hm_bytes out;
};

static int put_memory(struct hm_sink *sink, struct hm_slice s, struct hm_fail *fail)
{
	(void)fail;
	hm_bytes_slice(&((struct memory *)sink)->out, s);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const others[] = { "assessment.json", "claims.json",	 "findings.json", "manifest.json",
					      "plan.json",	 "planted.json", "product.json" };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	struct memory m = { .sink = { .put = put_memory } };
	struct hm_verify v;

	if (hm_parts_borrow(parts, "core.json", (struct hm_slice){ data, size }, NULL) < 0)
		abort();
	for (size_t i = 0; i < HM_COUNT(others); i++)
		if (hm_parts_borrow(parts, others[i], HM_SLICE("{}"), NULL) < 0)
			abort();
	if (hm_zip_emit(parts, &m.sink, NULL) < 0)
		abort();
	if (hm_verify_bundle(&v, hm_slice_of(&m.out), NULL, 0, NULL, 0, NULL) < 0 || hm_verify_exit(&v) == 0)
		abort();
	hm_verify_release(&v);
	hm_bytes_release(&m.out);
	return 0;
}
