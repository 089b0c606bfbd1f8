#include "certificates.h"

static const struct {
	enum hm_internet_wrong wrong;
	const char *name;
} sorts[] = { { HM_INTERNET_STRANGER, "authority" }, { HM_INTERNET_MISNAMED, "name" }, { HM_INTERNET_EXPIRED, "expired" } };

unsigned hm_certificates_count(enum hm_internet_mode mode)
{
	return mode == HM_INTERNET_SIMULATED || mode == HM_INTERNET_REPLAY ? HM_COUNT(sorts) : 0;
}

enum hm_internet_wrong hm_certificates_wrong(unsigned i)
{
	return sorts[i % HM_COUNT(sorts)].wrong;
}

json_t *hm_certificates_plan(unsigned run, unsigned i)
{
	return json_pack("{s:i,s:s,s:s}", "run", (int)run, "kind", "certificate", "certificate", sorts[i % HM_COUNT(sorts)].name);
}

bool hm_certificates_met(const struct hm_run_note *notes, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (notes[i].run && (notes[i].tls.accepted || notes[i].tls.refused || notes[i].tls.failed))
			return true;
	return false;
}

unsigned hm_certificates_limit(const struct hm_run_note *notes, size_t count, unsigned time_limit_s)
{
	uint64_t longest = 0, limit;

	for (size_t i = 0; i < count; i++)
		if (notes[i].run && notes[i].end_ns > notes[i].start_ns && notes[i].end_ns - notes[i].start_ns > longest)
			longest = notes[i].end_ns - notes[i].start_ns;
	limit = (2 * longest + 999999999) / 1000000000 + 10;
	return limit < time_limit_s ? (unsigned)limit : time_limit_s;
}
