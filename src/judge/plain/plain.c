/* Flow by flow: the connections one behind the other, then what stands behind the stream. */
#include "plain_internal.h"

static const char *const kinds[] = {
	[HM_PLAIN_CLEAR] = "clear", [HM_PLAIN_HEADER] = "header", [HM_PLAIN_HELLO] = "hello", [HM_PLAIN_SPEC] = "spec",
	[HM_PLAIN_ALERT] = "alert", [HM_PLAIN_DATA] = "data",	  [HM_PLAIN_SHAKE] = "shake", [HM_PLAIN_NOTICE] = "notice",
	[HM_PLAIN_NONCE] = "nonce", [HM_PLAIN_INNER] = "inner",	  [HM_PLAIN_TAG] = "tag",     [HM_PLAIN_CLOSED] = "closed",
	[HM_PLAIN_KNOWN] = "known",
};
static const char *const whys[] = {
	[HM_PLAIN_OPENED] = "opened", [HM_PLAIN_NO_ANSWER] = "no answer", [HM_PLAIN_NO_KEY] = "no key", [HM_PLAIN_SUITE] = "suite",
	[HM_PLAIN_FALSE] = "false",   [HM_PLAIN_CUT] = "cut",		  [HM_PLAIN_FORM] = "form",
};

const char *hm_plain_kind_name(enum hm_plain_kind kind)
{
	return kinds[kind];
}

const char *hm_plain_why_name(enum hm_plain_why why)
{
	return whys[why];
}

void hm_plain_add(struct hm_plain *out, enum hm_plain_kind kind, enum hm_plain_why why, size_t offset, size_t length, size_t text)
{
	struct hm_plain_span *last = out->spans ? &out->span[out->spans - 1] : NULL;

	if (!length)
		return;
	if (kind == HM_PLAIN_CLOSED)
		out->closed[why] += length;
	if (last && last->kind == kind && last->why == why && (kind == HM_PLAIN_HEADER || kind == HM_PLAIN_CLEAR)) {
		last->length += length;
		return;
	}
	/* Room doubles at powers of two. */
	if ((out->spans & (out->spans - 1)) == 0)
		out->span = hm_realloc(out->span, out->spans ? 2 * out->spans : 1, sizeof(*out->span));
	out->span[out->spans++] = (struct hm_plain_span){ kind, why, offset, length, text };
}

static int open_flow(struct hm_plain *out, const struct hm_flow *flow, const struct hm_tls_keys *keys, bool late, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes other = { 0 };
	size_t end = 0;
	int r = 0;

	out->connection = hm_alloc(flow->connections + 1, sizeof(*out->connection));
	for (size_t i = 0; i < flow->connections && r == 0; i++) {
		out->connection[i].begin = out->text.len;
		r = hm_tls_walk(out, &other, flow, i, keys, late, fail);
		end = flow->connection[i].sent + flow->connection[i].sent_len;
	}
	hm_plain_add(out, HM_PLAIN_CLEAR, HM_PLAIN_OPENED, end, flow->sent.len - end, 0);
	out->data = out->connection[flow->connections].begin = out->text.len;
	hm_bytes_slice(&out->text, hm_slice_of(&other));
	for (size_t i = 0; i < out->spans; i++)
		if (out->span[i].kind == HM_PLAIN_SHAKE || out->span[i].kind == HM_PLAIN_NOTICE)
			out->span[i].text += out->data;
	return r;
}

int hm_plains_read(struct hm_plains *out, const struct hm_flows *flows, bool late, struct hm_fail *fail)
{
	HM_CLEANUP(hm_plains_release) struct hm_plains plains = { hm_alloc(flows->count, sizeof(*plains.list)), flows->count };
	HM_CLEANUP(hm_tls_keys_release) struct hm_tls_keys keys;
	int r = 0;

	hm_tls_keys_read(&keys, hm_slice_of(&flows->keylog));
	for (size_t i = 0; i < flows->count && r == 0; i++)
		r = open_flow(&plains.list[i], &flows->list[i], &keys, late, fail);
	if (r < 0)
		return r;
	*out = plains;
	plains = (struct hm_plains){ 0 };
	return 0;
}

static void release(struct hm_plain *plain)
{
	hm_bytes_release(&plain->text);
	free(plain->span);
	free(plain->connection);
}

void hm_plain_fit_release(struct hm_plain *fit)
{
	release(fit);
	*fit = (struct hm_plain){ 0 };
}

/* Behind its application data, what handshakes and alerts said. */
static void join(struct hm_plain *plain, const struct hm_bytes *other)
{
	plain->data = plain->connection[1].begin = plain->text.len;
	hm_bytes_slice(&plain->text, hm_slice_of(other));
	for (size_t i = 0; i < plain->spans; i++)
		if (plain->span[i].kind == HM_PLAIN_SHAKE || plain->span[i].kind == HM_PLAIN_NOTICE)
			plain->span[i].text += plain->data;
}

int hm_plain_both(struct hm_plains *out, struct hm_slice sent, struct hm_slice heard, struct hm_slice keylog, struct hm_fail *fail)
{
	HM_CLEANUP(hm_plains_release) struct hm_plains plains = { hm_alloc(2, sizeof(*plains.list)), 2 };
	HM_CLEANUP(hm_tls_keys_release) struct hm_tls_keys keys;
	const struct hm_slice stream[] = { sent, heard };
	struct hm_tls_hello hellos[2];
	size_t from[2] = { 0 };
	bool tls = hm_tls_client_hello(&hellos[0], sent);
	int r = 0;

	hm_tls_keys_read(&keys, keylog);
	if (!tls)
		from[0] = hm_tls_prelude(sent, heard, &from[1]);
	tls = (tls || from[0]) && hm_tls_client_hello(&hellos[0], (struct hm_slice){ sent.data + from[0], sent.len - from[0] }) &&
	      hm_tls_server_hello(&hellos[1], (struct hm_slice){ heard.data + from[1], heard.len - from[1] });
	for (size_t side = 0; side < 2 && r == 0; side++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes other = { 0 };
		struct hm_plain *plain = &plains.list[side];

		plain->connection = hm_alloc(2, sizeof(*plain->connection));
		if (tls)
			r = hm_tls_walk_side(plain, &other, stream[side], from[side], side == 1, hellos, &keys, fail);
		else
			hm_plain_add(plain, HM_PLAIN_CLEAR, HM_PLAIN_OPENED, 0, stream[side].len, 0);
		join(plain, &other);
	}
	if (r < 0)
		return r;
	*out = plains;
	plains = (struct hm_plains){ 0 };
	return 0;
}

void hm_plains_release(struct hm_plains *plains)
{
	for (size_t i = 0; i < plains->count; i++)
		release(&plains->list[i]);
	free(plains->list);
	*plains = (struct hm_plains){ 0 };
}
