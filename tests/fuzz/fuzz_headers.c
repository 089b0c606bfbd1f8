/* Whatever the packet file says, its features account for every byte on the wire that was captured, and for none twice. */
#include "feature.h"

#include <netinet/in.h>

enum { ETHERNET = 14 };

static bool is_whole(const struct hm_flow *flow)
{
	for (uint64_t i = 0; i < flow->packets; i++)
		if (flow->packet[i].frame.len < ETHERNET + (size_t)flow->packet[i].wire)
			return false;
	return !flow->missing;
}

static void check(const struct hm_flows *flows, const struct hm_features *features)
{
	uint64_t *bytes = hm_alloc(flows->count + 1, sizeof(*bytes));

	for (size_t i = 0; i < features->count; i++) {
		const struct hm_feature *f = &features->list[i];

		if (!f->wire && !f->placed)
			continue;
		if (f->flow >= flows->count || (f->wire && f->placed))
			abort();
		bytes[f->flow] += f->wire + (f->placed ? f->bytes.len : 0);
	}
	for (size_t i = 0; i < flows->count; i++) {
		const struct hm_flow *flow = &flows->list[i];

		/* A stream has bytes twice where they were sent again and differ. */
		if (flow->proto == IPPROTO_TCP && bytes[i] > flow->wire && bytes[i] - flow->sent.len <= flow->wire)
			continue;
		if (is_whole(flow) ? bytes[i] != flow->wire : bytes[i] > flow->wire)
			abort();
	}
	free(bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t address[4] = { 198, 18, 0, 2 };
	struct hm_features features;
	struct hm_flows flows;
	struct hm_fail fail;

	if (hm_flows_read(&flows, (struct hm_slice){ data, size }, address, &fail) < 0)
		return 0;
	hm_features_read(&features, &flows, NULL, NULL, true);
	check(&flows, &features);
	hm_features_release(&features);
	hm_flows_release(&flows);
	return 0;
}
