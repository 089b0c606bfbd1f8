/* The trust stores of the chamber's root, by pid 1: the authority of the chamber's internet is added to those that are there.
 *
 * Debian's bundle (OpenSSL, GnuTLS, curl, wget, Python, Perl, Go) and OpenSSL's folder of hashes; NSS databases and Java's stores come with it
 * already (src/cmd/stores.c). Left as they are: what programs have compiled in (libnssckbi.so) or carry elsewhere; a product that trusts only
 * these refuses the chamber's certificates, and that is seen. */
#include "chamber_internal.h"

#include <sys/stat.h>

#include "fs.h"

#define CERTIFICATES "/etc/ssl/certs"
#define BUNDLE CERTIFICATES "/ca-certificates.crt"

enum { STORE_MAX = 16 << 20, COLLISIONS = 10 };

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

int hm_chamber_trust(const struct hm_chamber_authority *a, struct hm_fail *fail)
{
	int r = add_to_bundle(a, fail);

	if (r == 0)
		r = add_to_folder(a, fail);
	for (size_t i = 0; r == 0 && i < a->store_count; i++)
		r = hm_chamber_plant(a->stores[i].path, a->stores[i].content, a->stores[i].mode, fail);
	return r;
}
