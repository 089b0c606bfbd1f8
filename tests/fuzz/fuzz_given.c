/* Events as a record holds them, one behind the other: connections come out whose plaintext is, byte for byte, what events told, and the same
 * again when it is done again. */
#include "given.h"

#include <netinet/in.h>

#include "bytes.h"
#include "cbor.h"

static struct hm_flow flow = { .endpoint = (char *)(uintptr_t)"far:443/tcp", .proto = IPPROTO_TCP, .local_port = 40000, .version = 4, .remote = { 198, 19, 1, 1 },
			       .port = 443 };

static void read_all(struct hm_slice data, struct hm_givens *out, uint64_t *told)
{
	const struct hm_flows flows = { .list = &flow, .count = 1 };
	struct hm_given_reader *r = hm_given_new();
	struct hm_cursor c = hm_cursor_of(data);

	for (uint64_t position = 0; hm_cursor_left(&c); position++) {
		struct hm_slice item = { c.at, 0 };
		struct hm_event event;

		hm_cbor_skip(&c);
		if (c.bad)
			break;
		item.len = (size_t)(c.at - item.data);
		if (hm_event_decode(&event, item, NULL) < 0)
			continue;
		if (event.kind == HM_EV_GIVEN)
			*told += event.field[HM_GIVEN_DATA].b.len;
		hm_given_event(r, &event, position);
	}
	hm_given_end(r, &flows, out);
	hm_given_free(r);
}

static uint64_t check(const struct hm_givens *g)
{
	uint64_t kept = 0;

	for (size_t i = 0; i < g->count; i++) {
		const struct hm_given *of = &g->list[i];
		size_t at = 0;

		if (of->flow != SIZE_MAX && of->flow != 0)
			abort();
		for (size_t k = 0; k < of->parts; k++) {
			if (of->part[k].offset != at || !of->part[k].length)
				abort();
			at += of->part[k].length;
		}
		if (at != of->text.len)
			abort();
		kept += of->text.len + of->rest.len;
	}
	return kept;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_givens one, two;
	uint64_t told = 0, again = 0;

	read_all((struct hm_slice){ data, size }, &one, &told);
	read_all((struct hm_slice){ data, size }, &two, &again);
	/* A part that was taken in part stands in both. */
	if (check(&one) != check(&two) || check(&one) < told || check(&one) > 2 * told || one.count != two.count)
		abort();
	hm_givens_release(&one);
	hm_givens_release(&two);
	return 0;
}
