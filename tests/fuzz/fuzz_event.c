/* An item that is decoded is encoded byte for byte; a raw event that is accepted survives encoding and decoding. */
#include "event.h"

static void decode(struct hm_slice item)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	struct hm_event event;
	struct hm_fail fail;

	if (hm_event_decode(&event, item, &fail) < 0)
		return;
	hm_event_encode(&again, &event);
	if (!hm_slice_eq(item, hm_slice_of(&again)))
		abort();
}

static void from_raw(struct hm_slice raw)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes item = { 0 };
	const struct hm_kind_info *info;
	struct hm_event event, back;
	struct hm_fail fail;

	if (hm_event_from_raw(&event, raw, 0, &fail) < 0)
		return;
	info = hm_kind_info(event.kind);
	hm_event_encode(&item, &event);
	/* An INT field is any 64 bits here, and so is a UINT: all of them have a CBOR form. */
	if (hm_event_decode(&back, hm_slice_of(&item), &fail) < 0)
		abort();
	if (event.kind != back.kind || event.time != back.time || event.cpu != back.cpu || event.seq != back.seq ||
	    event.tgid != back.tgid || event.tid != back.tid || event.tseq != back.tseq)
		abort();
	for (size_t i = 0; i < info->count; i++)
		if (info->fields[i].type == HM_BYTES ? !hm_slice_eq(event.field[i].b, back.field[i].b)
						     : event.field[i].u != back.field[i].u)
			abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_slice input = { data, size };

	decode(input);
	from_raw(input);
	return 0;
}
