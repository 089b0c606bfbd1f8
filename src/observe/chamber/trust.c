/* The trust stores of the chamber's root, by pid 1: the authority of the chamber's internet is added to those that are there.
 *
 * Debian's bundle (OpenSSL, GnuTLS, curl, wget, Python, Perl, Go), OpenSSL's folder of hashes, and Java's cacerts where it is a
 * JKS file with the password that everybody uses; NSS databases come with it already (src/cmd/stores.c). Left as they are: what programs have
 * compiled in (libnssckbi.so) or carry themselves, and Java stores of other types; a product that trusts only these refuses the
 * chamber's certificates, and that is seen. */
#include "chamber_internal.h"

#include <sys/stat.h>

#include "digest.h"
#include "fs.h"

#define CERTIFICATES "/etc/ssl/certs"
#define BUNDLE CERTIFICATES "/ca-certificates.crt"
#define JAVA CERTIFICATES "/java/cacerts"

enum { STORE_MAX = 16 << 20, SHA1 = 20, JKS_HEAD = 12, JKS_TRUSTED = 2, COLLISIONS = 10 };

/* The store's bytes; false where there is none, or it is no file of a store's size. */
static bool read_store(struct hm_bytes *out, const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISREG(st.st_mode) && hm_fs_read(out, path, STORE_MAX, NULL) == 0;
}

static int add_to_bundle(const struct hm_chamber_authority *a, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes store = { 0 };

	if (!read_store(&store, BUNDLE))
		return 0;
	if (store.len && store.data[store.len - 1] != '\n')
		hm_bytes_u8(&store, '\n');
	hm_bytes_slice(&store, a->pem);
	return hm_chamber_plant(BUNDLE, hm_slice_of(&store), 0644, fail);
}

/* HASH.N: N counts the certificates whose subjects have the same hash. */
static int add_to_folder(const struct hm_chamber_authority *a, struct hm_fail *fail)
{
	struct stat st;

	if (stat(CERTIFICATES, &st) < 0)
		return 0;
	for (int i = 0; i < COLLISIONS; i++) {
		HM_FREE char *path = hm_sprintf(CERTIFICATES "/%s.%d", a->hash, i);

		if (lstat(path, &st) < 0)
			return hm_chamber_plant(path, a->pem, 0644, fail);
	}
	return 0;
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

/* A JKS file ends with SHA-1 of the password in UTF-16, these words, and all that stands before. */
static bool jks_digest(uint8_t digest[64], struct hm_slice content)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes all = { 0 };

	for (const char *p = "changeit"; *p; p++)
		put_be(&all, (uint8_t)*p, 2);
	hm_bytes_text(&all, "Mighty Aphrodite");
	hm_bytes_slice(&all, content);
	return hm_digest_of(digest, HM_SHA1, hm_slice_of(&all)) == SHA1;
}

/* Appends an entry to the list: its count stands in the head, so what lies between need not be read. */
static int add_to_java(const struct hm_chamber_authority *a, struct hm_fail *fail)
{
	static const uint8_t magic[8] = { 0xfe, 0xed, 0xfe, 0xed, 0, 0, 0, 2 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes store = { 0 };
	uint8_t digest[64];

	if (!read_store(&store, JAVA) || store.len < JKS_HEAD + SHA1 || memcmp(store.data, magic, sizeof(magic)) != 0)
		return 0;
	store.len -= SHA1;
	if (!jks_digest(digest, hm_slice_of(&store)) || memcmp(digest, store.data + store.len, SHA1) != 0)
		return 0;
	for (size_t i = JKS_HEAD; i-- > sizeof(magic) && ++store.data[i] == 0;)
		;
	put_be(&store, JKS_TRUSTED, 4);
	put_utf(&store, "debian:chamber_root_ca.pem");
	put_be(&store, 0, 8); /* when it was added: the same in twins */
	put_utf(&store, "X.509");
	put_be(&store, a->der.len, 4);
	hm_bytes_slice(&store, a->der);
	if (!jks_digest(digest, hm_slice_of(&store)))
		return 0;
	hm_bytes_append(&store, digest, SHA1);
	return hm_chamber_plant(JAVA, hm_slice_of(&store), 0644, fail);
}

int hm_chamber_trust(const struct hm_chamber_authority *a, struct hm_fail *fail)
{
	int r = add_to_bundle(a, fail);

	if (r == 0)
		r = add_to_folder(a, fail);
	if (r == 0)
		r = add_to_java(a, fail);
	for (size_t i = 0; r == 0 && i < a->store_count; i++)
		r = hm_chamber_plant(a->stores[i].path, a->stores[i].content, a->stores[i].mode, fail);
	return r;
}
