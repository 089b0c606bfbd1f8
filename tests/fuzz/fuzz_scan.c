/* Contents of any kind: each text is told at most once, and only the texts that were asked for. */
#include "scan.h"

static const struct hm_scan_pattern patterns[] = {
	{ HM_SCAN_STRING, "needle" }, { HM_SCAN_DOMAIN, "update.example" }, { HM_SCAN_DOMAIN, ".example.org" }, { HM_SCAN_LICENCE, "laws of Example" },
	{ HM_SCAN_SYMBOL, "ExampleInit" },
};

static int observe(void *cookie, const struct hm_observation *o, struct hm_fail *fail HM_UNUSED)
{
	unsigned *seen = cookie;

	for (size_t i = 0; i < HM_COUNT(patterns); i++)
		if (strcmp(o->source, "scan") == 0 && o->kind != HM_OBSERVED_SYMBOL && strcmp(o->value, patterns[i].text) == 0 && ++seen[i] > 1)
			abort();
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct hm_scan *scan;
	static struct hm_scan_room *room;
	struct hm_scan_file file = { { data, size }, "EULA.txt", NULL, HM_SCAN_DATA };
	unsigned seen[HM_COUNT(patterns)] = { 0 };
	struct hm_fail fail = { 0 };
	int r;

	if (!scan && (hm_scan_open(&scan, patterns, HM_COUNT(patterns), &fail) != 0 || hm_scan_room(&room, scan, &fail) != 0))
		abort();
	r = hm_scan_read(scan, room, &file, observe, seen, &fail);
	if (r != 0 && r != HM_E_BAD)
		abort();
	return 0;
}
