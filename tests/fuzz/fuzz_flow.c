/* Whatever the packet file says, the sums agree and no offset points outside. */
#include "flow.h"

static void check(const struct hm_flows *flows)
{
	uint64_t wire = 0;

	for (size_t i = 0; i < flows->count; i++) {
		const struct hm_flow *flow = &flows->list[i];

		wire += flow->wire;
		if (!flow->endpoint || !flow->packets)
			abort();
		for (size_t k = 0; k < flow->messages; k++)
			if (flow->message[k] > flow->sent.len || (k && flow->message[k] < flow->message[k - 1]))
				abort();
		for (size_t k = 0, sent = 0, heard = 0; k < flow->connections; k++) {
			const struct hm_connection *c = &flow->connection[k];

			if (c->sent != sent || c->heard != heard || c->heard_len > HM_HEARD_MAX)
				abort();
			sent += c->sent_len;
			heard += c->heard_len;
			if (sent > flow->sent.len || heard > flow->heard.len)
				abort();
		}
	}
	if (wire != flows->wire)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const uint8_t address[4] = { 198, 18, 0, 2 };
	struct hm_flows flows;
	struct hm_fail fail;

	if (hm_flows_read(&flows, (struct hm_slice){ data, size }, address, &fail) < 0)
		return 0;
	check(&flows);
	hm_flows_release(&flows);
	return 0;
}
