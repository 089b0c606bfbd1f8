/* Authenticode: entries {length, revision, type 2, PKCS#7}, 8-aligned; the PKCS#7 signs an SpcIndirectDataContent, which holds the
 * digest of the file without its checksum, the certificate directory and the certificates. A second signature is a further entry, or an attribute of the first. */
#include <openssl/evp.h>

#include "pe_internal.h"
#include "pkcs7.h"

#define TABLE_MAX (4u << 20)
#define ENTRIES_MAX 8
#define TYPE_PKCS7 2

static void end_digest(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

/* The digest of the file as Authenticode takes it. */
bool hm_pe_digest(const struct hm_pe *pe, const EVP_MD *md, uint8_t out[EVP_MAX_MD_SIZE], unsigned *len)
{
	HM_CLEANUP(end_digest) EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint64_t directory = pe->directories_at + 8 * HM_PE_CERTIFICATES, at = pe->directory[HM_PE_CERTIFICATES].at;
	uint64_t end = at ? at : pe->bytes.len, behind = at ? at + pe->directory[HM_PE_CERTIFICATES].len : end;
	const uint8_t *d = pe->bytes.data;

	if (!c || end < directory + 8 || behind > pe->bytes.len || !EVP_DigestInit_ex(c, md, NULL))
		return false;
	return EVP_DigestUpdate(c, d, pe->checksum_at) && EVP_DigestUpdate(c, d + pe->checksum_at + 4, directory - pe->checksum_at - 4) &&
	       EVP_DigestUpdate(c, d + directory + 8, end - directory - 8) && EVP_DigestUpdate(c, d + behind, pe->bytes.len - behind) &&
	       EVP_DigestFinal_ex(c, out, len);
}

static bool same(const struct hm_pe *pe, struct hm_slice content)
{
	uint8_t sum[EVP_MAX_MD_SIZE];
	const EVP_MD *md;
	struct hm_slice digest;
	unsigned len;

	return hm_pkcs7_digest(content, &md, &digest) && hm_pe_digest(pe, md, sum, &len) && hm_slice_eq(digest, (struct hm_slice){ sum, len });
}

static int one(struct hm_binary_out *out, const struct hm_pe *pe, struct hm_slice der, unsigned depth)
{
	struct hm_slice nested[HM_PKCS7_NESTED];
	struct hm_pkcs7 s;
	size_t n;
	int r;

	if (!hm_pkcs7_open(&s, der))
		return 0;
	r = hm_pkcs7_tell(out, &s, NULL, same(pe, s.content), depth ? "second signature; " : "");
	n = depth ? 0 : hm_pkcs7_nested(&s, nested);
	for (size_t i = 0; r == 0 && i < n; i++)
		r = one(out, pe, nested[i], depth + 1);
	hm_pkcs7_close(&s);
	return r;
}

int hm_pe_signed(struct hm_binary_out *out, const struct hm_pe *pe, struct hm_slice table)
{
	struct hm_cursor c = hm_cursor_of(table);
	int r = 0;

	for (unsigned n = 0; r == 0 && n < ENTRIES_MAX && hm_cursor_left(&c) > 8 && table.len <= TABLE_MAX; n++) {
		uint64_t len = hm_cursor_le(&c, 4), type;
		struct hm_slice body;

		hm_cursor_bytes(&c, 2);
		type = hm_cursor_le(&c, 2);
		if (len < 8)
			break;
		body = hm_cursor_bytes(&c, (size_t)len - 8);
		if (c.bad)
			break;
		if (type == TYPE_PKCS7)
			r = one(out, pe, body, 0);
		len = (8 - len % 8) % 8;
		if (hm_cursor_left(&c) >= len)
			hm_cursor_bytes(&c, (size_t)len);
	}
	return r;
}
