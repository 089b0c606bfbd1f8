/* Events as a record holds them, one behind the other, without the record around them: what its witnesses say of each other comes
 * out, or a refusal, and the same again when it is done again. */
#include <string.h>

#include "cbor.h"
#include "reconcile.h"

static const struct hm_target_file files[] = {
	{ { (const uint8_t *)"a", 1 }, 10000 },
	{ { (const uint8_t *)"b", 1 }, 100 },
};
static const struct hm_target target = { "/t", files, HM_COUNT(files) };

static int take(struct hm_reconcile *r, struct hm_slice data, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(data);

	for (uint64_t position = 0; hm_cursor_left(&c); position++) {
		struct hm_slice item = { c.at, 0 };
		struct hm_event event;
		int e;

		hm_cbor_skip(&c);
		if (c.bad)
			return 0;
		item.len = (size_t)(c.at - item.data);
		if (hm_event_decode(&event, item, NULL) < 0)
			continue;
		e = hm_reconcile_event(r, &event, position, fail);
		if (e < 0)
			return e;
	}
	return 0;
}

static struct hm_reconciled *reconcile(struct hm_slice data, struct hm_fail *fail)
{
	struct hm_reconcile *r = hm_reconcile_new(&target);
	int e = take(r, data, fail);
	struct hm_reconciled *out = e < 0 ? NULL : hm_reconcile_end(r, NULL);

	if (e < 0 && (e != HM_E_BAD || !fail->text[0]))
		abort();
	hm_reconcile_free(r);
	return out;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_fail fail = { 0 };
	struct hm_reconciled *out = reconcile((struct hm_slice){ data, size }, &fail);
	struct hm_reconciled *again = reconcile((struct hm_slice){ data, size }, &fail);

	if (!out != !again)
		abort();
	if (out && (memcmp(&out->reads, &again->reads, sizeof(out->reads)) || memcmp(&out->state, &again->state, sizeof(out->state)) ||
		    memcmp(&out->left, &again->left, sizeof(out->left)) || out->lost_events != again->lost_events ||
		    out->reach_count != again->reach_count || out->packets.owned > out->packets.captured))
		abort();
	hm_reconciled_free(out);
	hm_reconciled_free(again);
	return 0;
}
