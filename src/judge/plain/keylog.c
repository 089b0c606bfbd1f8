/* Lines of a TLS key log: "LABEL RANDOM SECRET", in hexadecimal digits. */
#include "plain_internal.h"

#include "text.h"

static const struct {
	const char *name;
	enum hm_tls_label label;
} labels[] = {
	{ "CLIENT_RANDOM", HM_TLS_MASTER },
	{ "CLIENT_EARLY_TRAFFIC_SECRET", HM_TLS_EARLY },
	{ "CLIENT_HANDSHAKE_TRAFFIC_SECRET", HM_TLS_SHAKING },
	{ "CLIENT_TRAFFIC_SECRET_0", HM_TLS_TRAFFIC },
	{ "SERVER_HANDSHAKE_TRAFFIC_SECRET", HM_TLS_SERVER_SHAKING },
	{ "SERVER_TRAFFIC_SECRET_0", HM_TLS_SERVER_TRAFFIC },
};

/* The text up to the next `end`, which is passed; all of it when there is none. */
static struct hm_slice take_until(struct hm_slice *rest, char end)
{
	const uint8_t *at = rest->len ? memchr(rest->data, end, rest->len) : NULL;
	struct hm_slice taken = { rest->data, at ? (size_t)(at - rest->data) : rest->len };
	size_t used = taken.len + (at != NULL);

	if (used)
		rest->data += used;
	rest->len -= used;
	return taken;
}

static bool read_line(struct hm_tls_secret *out, struct hm_slice line)
{
	struct hm_slice label = take_until(&line, ' '), random = take_until(&line, ' ');

	for (size_t i = 0; i < HM_COUNT(labels); i++) {
		if (!hm_slice_eq(label, hm_slice_text(labels[i].name)))
			continue;
		*out = (struct hm_tls_secret){ .label = labels[i].label, .len = (uint8_t)(line.len / 2) };
		return line.len && line.len <= (size_t)2 * HM_TLS_SECRET_MAX && hm_text_unhex(out->random, HM_TLS_RANDOM, random) == 0 &&
		       hm_text_unhex(out->bytes, out->len, line) == 0;
	}
	return false;
}

static int by_all(const void *a, const void *b)
{
	const struct hm_tls_secret *x = a, *y = b;
	int r = memcmp(x->random, y->random, sizeof(x->random));

	if (r == 0)
		r = (x->label > y->label) - (x->label < y->label);
	return r ? r : hm_slice_cmp((struct hm_slice){ x->bytes, x->len }, (struct hm_slice){ y->bytes, y->len });
}

void hm_tls_keys_read(struct hm_tls_keys *out, struct hm_slice keylog)
{
	size_t room = 0, kept = 0;

	*out = (struct hm_tls_keys){ 0 };
	while (keylog.len) {
		struct hm_tls_secret secret;

		if (!read_line(&secret, take_until(&keylog, '\n')))
			continue;
		if (out->count == room) {
			room = room ? 2 * room : 16;
			out->list = hm_realloc(out->list, room, sizeof(*out->list));
		}
		out->list[out->count++] = secret;
	}
	if (out->count)
		qsort(out->list, out->count, sizeof(*out->list), by_all);
	for (size_t i = 0; i < out->count; i++)
		if (!kept || by_all(&out->list[kept - 1], &out->list[i]) != 0)
			out->list[kept++] = out->list[i];
	out->count = kept;
}

void hm_tls_keys_release(struct hm_tls_keys *keys)
{
	free(keys->list);
	*keys = (struct hm_tls_keys){ 0 };
}

const struct hm_tls_secret *hm_tls_keys_find(const struct hm_tls_keys *keys, const uint8_t random[HM_TLS_RANDOM], enum hm_tls_label label,
					     size_t *count)
{
	struct hm_tls_secret key = { .label = label };
	size_t low = 0, high = keys->count;

	memcpy(key.random, random, HM_TLS_RANDOM);
	/* The empty secret comes before all of its label. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (by_all(&keys->list[middle], &key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	*count = 0;
	while (low + *count < keys->count && keys->list[low + *count].label == label &&
	       memcmp(keys->list[low + *count].random, random, HM_TLS_RANDOM) == 0)
		++*count;
	return keys->list + low;
}
