/* Whatever both ends say and the key log holds, spans follow each other without a hole, no plaintext points outside, and every byte of the
 * stream belongs to one feature. The input: lengths of the key log and of the answer, two bytes each; then these, then what was sent. */
#include <netinet/in.h>

#include "feature.h"

#include "cursor.h"

static void check(const struct hm_plain *plain, size_t len)
{
	size_t at = 0, texts = 0;

	for (size_t i = 0; i < plain->spans; i++) {
		const struct hm_plain_span *span = &plain->span[i];

		if (span->offset != at || !span->length || (span->kind == HM_PLAIN_CLOSED) != (span->why != HM_PLAIN_OPENED))
			abort();
		at += span->length;
		if (span->kind != HM_PLAIN_DATA && span->kind != HM_PLAIN_SHAKE && span->kind != HM_PLAIN_NOTICE)
			continue;
		if (span->text > plain->text.len || span->length > plain->text.len - span->text ||
		    (span->kind == HM_PLAIN_DATA) != (span->text < plain->data))
			abort();
		texts += span->length;
	}
	if (at != len || texts != plain->text.len)
		abort();
}

static void check_features(const struct hm_flows *flows, const struct hm_plains *plains, const struct hm_told *told)
{
	struct hm_features features;
	uint64_t sum = 0;

	hm_features_read(&features, flows, plains, told, true);
	for (size_t i = 0; i < features.count; i++) {
		const struct hm_feature *f = &features.list[i];

		sum += f->wire + (f->placed ? f->bytes.len : 0);
		if (i && strcmp(f[-1].endpoint, f->endpoint) == 0 && strcmp(f[-1].name, f->name) >= 0)
			abort();
	}
	if (sum != flows->list->sent.len)
		abort();
	hm_features_release(&features);
}

/* Texts of the lengths that could account for what stays closed: all records behind the first, or all but the last. */
static void fit(const struct hm_flows *flows, const struct hm_plains *plains)
{
	static const size_t around[] = { 17, 9, 16, 24 };
	const struct hm_plain *opened = plains->list;

	if (!opened->tls || opened->text.len || !opened->spans || opened->span[opened->spans - 1].kind != HM_PLAIN_CLOSED)
		return;
	for (size_t i = 0; i < 2 * HM_COUNT(around); i++) {
		struct hm_told_flow of = { .there = true };
		const struct hm_told told = { &of, 1 };
		size_t length = 0, last = 0, closed = 0;

		for (size_t k = 0; k < opened->spans; k++) {
			if (opened->span[k].kind != HM_PLAIN_CLOSED || closed++ == 0)
				continue;
			last = opened->span[k].length > around[i / 2] ? opened->span[k].length - around[i / 2] : 0;
			length += last;
		}
		length -= i & 1 ? last : 0;
		memset(hm_bytes_reserve(&of.text, length + 1), 'x', length);
		of.text.len = length;
		of.fit.tls = hm_plain_fit(&of.fit, flows->list, opened, hm_slice_of(&of.text), i & 2);
		if (of.fit.tls)
			check(&of.fit, flows->list->sent.len);
		else if (of.fit.span || of.fit.text.len)
			abort();
		check_features(flows, plains, &told);
		hm_plain_fit_release(&of.fit);
		hm_bytes_release(&of.text);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ data, size });
	size_t log = (size_t)hm_cursor_be(&c, 2), heard = (size_t)hm_cursor_be(&c, 2);
	struct hm_connection connection = { 0 };
	struct hm_flow flow = { .connection = &connection, .connections = 1, .proto = IPPROTO_TCP };
	char endpoint[] = "there:443/tcp";
	struct hm_flows flows = { .list = &flow, .count = 1 };
	struct hm_plains plains;

	hm_bytes_slice(&flows.keylog, hm_cursor_bytes(&c, log));
	hm_bytes_slice(&flow.heard, hm_cursor_bytes(&c, heard));
	if (!c.bad)
		hm_bytes_slice(&flow.sent, hm_cursor_bytes(&c, hm_cursor_left(&c)));
	flow.endpoint = endpoint;
	connection.sent_len = flow.sent.len;
	connection.heard_len = flow.heard.len;
	if (hm_plains_read(&plains, &flows, true, NULL) < 0)
		abort();
	check(plains.list, flow.sent.len);
	check_features(&flows, &plains, NULL);
	fit(&flows, &plains);
	hm_plains_release(&plains);
	if (hm_plain_both(&plains, hm_slice_of(&flow.sent), hm_slice_of(&flow.heard), hm_slice_of(&flows.keylog), NULL) < 0)
		abort();
	check(&plains.list[0], flow.sent.len);
	check(&plains.list[1], flow.heard.len);
	hm_plains_release(&plains);
	hm_bytes_release(&flows.keylog);
	hm_bytes_release(&flow.heard);
	hm_bytes_release(&flow.sent);
	return 0;
}
