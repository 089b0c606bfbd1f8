/* Which of the two it is, and JKS: a count, entries, and a digest over all of it. */
#include "keystore_internal.h"

#include "digest.h"

enum { SHA1 = 20, HEAD = 12, TRUSTED = 2, SEQUENCE = 0x30 };

static const uint8_t magic[8] = { 0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2 };

int hm_keystore_add(struct hm_bytes *out, struct hm_slice store, struct hm_slice der, struct hm_fail *fail)
{
	if (store.len >= sizeof(magic) && memcmp(store.data, magic, sizeof(magic)) == 0)
		return keystore_jks(out, store, der, fail);
	if (store.len && store.data[0] == SEQUENCE)
		return keystore_pkcs12(out, store, der, fail);
	return hm_fail_set(fail, HM_E_UNKNOWN, "it is neither JKS nor PKCS#12");
}

static void put_be(struct hm_bytes *out, uint64_t v, size_t size)
{
	while (size-- > 0)
		hm_bytes_u8(out, (uint8_t)(v >> 8 * size));
}

static void put_utf(struct hm_bytes *out, const char *text)
{
	put_be(out, strlen(text), 2);
	hm_bytes_text(out, text);
}

/* SHA-1 of the password in UTF-16, these words, and all that stands before. */
static bool jks_digest(uint8_t digest[64], struct hm_slice content)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes all = { 0 };

	for (const char *p = KEYSTORE_PASSWORD; *p; p++)
		put_be(&all, (uint8_t)*p, 2);
	hm_bytes_text(&all, "Mighty Aphrodite");
	hm_bytes_slice(&all, content);
	return hm_digest_of(digest, HM_SHA1, hm_slice_of(&all)) == SHA1;
}

/* An entry more: its count stands in the head, so what lies between need not be read. */
int keystore_jks(struct hm_bytes *out, struct hm_slice store, struct hm_slice der, struct hm_fail *fail)
{
	struct hm_slice content = { store.data, store.len - SHA1 };
	uint8_t digest[64];

	if (store.len < HEAD + SHA1 || !jks_digest(digest, content) || memcmp(digest, store.data + content.len, SHA1) != 0)
		return hm_fail_set(fail, HM_E_BAD, "it is damaged, or its password is not the usual one");
	hm_bytes_slice(out, content);
	for (size_t i = HEAD; i-- > sizeof(magic) && ++out->data[i] == 0;)
		;
	put_be(out, TRUSTED, 4);
	put_utf(out, HM_KEYSTORE_ALIAS);
	put_be(out, 0, 8); /* when it was added: the same in twins */
	put_utf(out, "X.509");
	put_be(out, der.len, 4);
	hm_bytes_slice(out, der);
	if (!jks_digest(digest, hm_slice_of(out)))
		return hm_fail_set(fail, HM_E_SYSTEM, "libcrypto has no SHA-1");
	hm_bytes_append(out, digest, SHA1);
	return 0;
}
