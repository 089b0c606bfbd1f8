/* A manifest of before and a packet file, which may withhold something; a byte 255 stands between. What is listed follows from the parts, and a
 * list where nothing is withheld is refused. Patterns are looked for without harm. */
#include "redaction.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint8_t *border = size ? memchr(data, 255, size) : NULL;
	size_t first = border ? (size_t)(border - data) : size, second = border ? size - first - 1 : 0;
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes list = { 0 }, again = { 0 };
	struct hm_slice packets = { border ? border + 1 : data, second };
	HM_FREE char *pattern = hm_slice_dup((struct hm_slice){ data, first < 16 ? first : 16 });
	struct hm_fail fail;
	unsigned kinds;

	if (hm_parts_borrow(parts, HM_ORIGINAL_MANIFEST, (struct hm_slice){ data, first }, &fail) < 0 ||
	    hm_parts_borrow(parts, "runs/0001/packets.pcapng", packets, &fail) < 0)
		abort();
	if (hm_redact_fits(pattern, packets) && !packets.len)
		abort();
	if (hm_redaction_kinds(&kinds, parts, &fail) < 0)
		return 0;
	if (hm_redaction_check(parts, &fail) == 0 && kinds)
		abort();
	if (hm_redaction_json(&list, parts, &fail) < 0)
		return 0;
	if (hm_redaction_json(&again, parts, &fail) < 0 || !hm_slice_eq(hm_slice_of(&list), hm_slice_of(&again)))
		abort();
	if (hm_parts_take(parts, HM_REDACTION, &list, &fail) < 0)
		abort();
	if (hm_redaction_check(parts, &fail) == 0 && !kinds)
		abort();
	return 0;
}
