#include "pem.h"

#include "text.h"

#define LINE 64

void hm_pem_write(struct hm_bytes *pem, const char *label, struct hm_slice der)
{
	hm_bytes_printf(pem, "-----BEGIN %s-----\n", label);
	for (size_t i = 0; i < der.len; i += LINE / 4 * 3) {
		size_t n = der.len - i < LINE / 4 * 3 ? der.len - i : LINE / 4 * 3;

		hm_text_base64(pem, (struct hm_slice){ der.data + i, n });
		hm_bytes_u8(pem, '\n');
	}
	hm_bytes_printf(pem, "-----END %s-----\n", label);
}

void hm_pem_wipe(struct hm_bytes *b)
{
	if (b->data)
		explicit_bzero(b->data, b->cap);
	hm_bytes_release(b);
}

/* Base64 decodes group by group, so the lines can be taken one by one; what is out of place shows when the block is
 * written again. */
static int read_body(struct hm_bytes *der, struct hm_slice body)
{
	while (body.len) {
		const uint8_t *end = memchr(body.data, '\n', body.len);
		size_t n = end ? (size_t)(end - body.data) : 0;

		if (!end || hm_text_unbase64(der, (struct hm_slice){ body.data, n }) < 0)
			return HM_E_BAD;
		body.data += n + 1;
		body.len -= n + 1;
	}
	return 0;
}

int hm_pem_read(struct hm_bytes *der, struct hm_slice pem, const char *label)
{
	HM_CLEANUP(hm_pem_wipe) struct hm_bytes again = { 0 };
	HM_FREE char *begin = hm_sprintf("-----BEGIN %s-----\n", label);
	HM_FREE char *end = hm_sprintf("-----END %s-----\n", label);
	size_t first = strlen(begin), last = strlen(end), start = der->len;
	size_t whole = pem.len;

	if (pem.len && pem.data[pem.len - 1] != '\n')
		whole++; /* the line feed that may be missing */
	if (pem.len > 2 * HM_PEM_MAX || whole < first + last || memcmp(pem.data, begin, first) != 0)
		return HM_E_BAD;
	hm_bytes_reserve(der, HM_PEM_MAX * 2);
	hm_bytes_reserve(&again, HM_PEM_MAX * 4);
	if (read_body(der, (struct hm_slice){ pem.data + first, whole - first - last }) < 0)
		return HM_E_BAD;
	hm_pem_write(&again, label, (struct hm_slice){ der->data + start, der->len - start });
	if (again.len != whole || memcmp(again.data, pem.data, pem.len) != 0)
		return HM_E_BAD;
	return 0;
}
