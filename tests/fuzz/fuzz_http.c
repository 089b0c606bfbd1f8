/* A head that is whole is whole whatever follows it, and no shorter prefix of it is; its parts lie in it. */
#include "http.h"

static void within(struct hm_slice part, const uint8_t *data, size_t len)
{
	if (part.len && (part.data < data || part.data + part.len > data + len))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_http_request r, again;

	if (hm_http_read_request(&r, (struct hm_slice){ data, size }) != 1)
		return 0;
	if (r.head_len > size || data[r.head_len - 1] != '\n' || r.headers > HM_COUNT(r.header))
		abort();
	within(r.method, data, r.head_len);
	within(r.target, data, r.head_len);
	within(r.version, data, r.head_len);
	for (size_t i = 0; i < r.headers; i++) {
		within(r.header[i].name, data, r.head_len);
		within(r.header[i].value, data, r.head_len);
		if (memchr(r.header[i].value.data, '\n', r.header[i].value.len))
			abort();
	}
	if (hm_http_read_request(&again, (struct hm_slice){ data, r.head_len }) != 1 || again.headers != r.headers)
		abort();
	if (hm_http_read_request(&again, (struct hm_slice){ data, r.head_len - 1 }) != 0)
		abort();
	return 0;
}
