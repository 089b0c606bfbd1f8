/* The scalar lives in libgcrypt's secure memory (locked, wiped when freed) as long as the signer does; on the way from or
 * to a file it passes through buffers that are wiped. */
#include "signer.h"

#include <gcrypt.h>
#include <sys/random.h>

#include "pem.h"
#include "signature.h"
#include "signer_internal.h"

struct hm_signer {
	gcry_sexp_t key; /* (private-key (ecc (curve ...) (q ...) (d ...))) */
	uint8_t point[HM_POINT_LEN];
};

static void release_sexp(gcry_sexp_t *s)
{
	gcry_sexp_release(*s);
}
#define HM_SEXP HM_CLEANUP(release_sexp)

static int gcry_fail(struct hm_fail *fail, const char *what, gcry_error_t e)
{
	return hm_fail_set(fail, HM_E_SYSTEM, "%s: libgcrypt: %s", what, gcry_strerror(e));
}

/* libgcrypt wants to be set up once. Its warning about memory that cannot be locked goes to standard error, where a
 * library has nothing to say. */
static int start_library(struct hm_fail *fail)
{
	if (gcry_control(GCRYCTL_INITIALIZATION_FINISHED_P))
		return 0;
	/* The kernel's generator, not a pool of libgcrypt's own: it only blinds, keys are drawn by getrandom. Chosen before the
	 * first call. */
	gcry_control(GCRYCTL_SET_PREFERRED_RNG_TYPE, GCRY_RNG_TYPE_SYSTEM);
	if (!gcry_check_version("1.9.0"))
		return hm_fail_set(fail, HM_E_SYSTEM, "signing: libgcrypt is older than 1.9.0 (install libgcrypt20)");
	gcry_control(GCRYCTL_DISABLE_SECMEM_WARN);
	gcry_control(GCRYCTL_DISABLE_PRIV_DROP);
	gcry_control(GCRYCTL_INIT_SECMEM, 32768, 0);
	gcry_control(GCRYCTL_INITIALIZATION_FINISHED, 0);
	return 0;
}

void hm_signer_free(struct hm_signer *s)
{
	if (!s)
		return;
	gcry_sexp_release(s->key);
	free(s);
}

void hm_signer_cleanup(struct hm_signer **s)
{
	hm_signer_free(*s);
}

/* A signer from both halves, after a check that they belong together. `scalar` lies in secure memory, which makes
 * libgcrypt keep its copy there too. */
static int make_signer(struct hm_signer **ret, const uint8_t *scalar, const uint8_t *point, struct hm_fail *fail)
{
	HM_CLEANUP(hm_signer_cleanup) struct hm_signer *s = hm_alloc(1, sizeof(*s));
	gcry_error_t e = gcry_sexp_build(&s->key, NULL, "(private-key (ecc (curve \"NIST P-256\") (q %b) (d %b)))",
					 HM_POINT_LEN, point, HM_SCALAR_LEN, scalar);

	if (e)
		return gcry_fail(fail, "private key", e);
	if (gcry_pk_testkey(s->key) != 0)
		return hm_fail_set(fail, HM_E_BAD, "private key: its public half belongs to another key");
	memcpy(s->point, point, HM_POINT_LEN);
	*ret = hm_take_ptr(&s);
	return 0;
}

/* Reads one named parameter as an unsigned integer into exactly `len` bytes. */
static bool copy_integer(uint8_t *out, size_t len, gcry_sexp_t key, const char *name)
{
	HM_SEXP gcry_sexp_t token = gcry_sexp_find_token(key, name, 0);
	gcry_mpi_t n = token ? gcry_sexp_nth_mpi(token, 1, GCRYMPI_FMT_USG) : NULL;
	size_t have = n ? (gcry_mpi_get_nbits(n) + 7) / 8 : 0;
	bool good = n && have <= len;

	if (good) {
		memset(out, 0, len - have);
		good = have == 0 || gcry_mpi_print(GCRYMPI_FMT_USG, out + len - have, have, NULL, n) == 0;
	}
	gcry_mpi_release(n);
	return good;
}

/* A scalar from the kernel, by rejection (FIPS 186-5, A.2.2). */
static bool draw(uint8_t *scalar)
{
	do {
		if (getrandom(scalar, HM_SCALAR_LEN, 0) != HM_SCALAR_LEN)
			return false;
	} while (!hm_scalar_in_range(scalar));
	return true;
}

/* The point that belongs to a scalar. */
static bool multiply(uint8_t *point, const uint8_t *scalar)
{
	gcry_mpi_t d = NULL, q = NULL;
	gcry_ctx_t curve = NULL;
	unsigned bits = 0;
	const void *encoded;
	bool good;

	good = gcry_mpi_scan(&d, GCRYMPI_FMT_USG, scalar, HM_SCALAR_LEN, NULL) == 0 &&
	       gcry_mpi_ec_new(&curve, NULL, "NIST P-256") == 0 && gcry_mpi_ec_set_mpi("d", d, curve) == 0;
	if (good)
		q = gcry_mpi_ec_get_mpi("q", curve, 1);
	encoded = q ? gcry_mpi_get_opaque(q, &bits) : NULL;
	good = encoded && bits == 8 * HM_POINT_LEN;
	if (good)
		memcpy(point, encoded, HM_POINT_LEN);
	gcry_mpi_release(q);
	gcry_mpi_release(d);
	gcry_ctx_release(curve);
	return good;
}

int hm_signer_make(struct hm_signer **ret, struct hm_fail *fail)
{
	uint8_t *scalar, point[HM_POINT_LEN];
	int r = start_library(fail);

	if (r < 0)
		return r;
	scalar = gcry_calloc_secure(1, HM_SCALAR_LEN);
	if (!scalar)
		return hm_fail_set(fail, HM_E_SYSTEM, "making a key: no locked memory left");
	if (draw(scalar) && multiply(point, scalar))
		r = make_signer(ret, scalar, point, fail);
	else
		r = hm_fail_set(fail, HM_E_SYSTEM, "making a key: no random numbers, or libgcrypt refuses the curve");
	gcry_free(scalar);
	return r;
}

int hm_signer_parse(struct hm_signer **ret, struct hm_slice pem, struct hm_fail *fail)
{
	HM_CLEANUP(hm_pem_wipe) struct hm_bytes der = { 0 };
	struct hm_slice scalar, point;
	uint8_t *locked;
	int r = start_library(fail);

	if (r < 0)
		return r;
	hm_bytes_reserve(&der, 4 * HM_PEM_MAX);
	if (hm_pem_read(&der, pem, "PRIVATE KEY") < 0)
		return hm_fail_set(fail, HM_E_BAD, "private key: not exactly one PEM block \"PRIVATE KEY\" "
						   "(PKCS #8 without a passphrase, as `hallmark keygen` writes it)");
	if (!hm_pkcs8_split(hm_slice_of(&der), &scalar, &point))
		return hm_fail_set(fail, HM_E_BAD, "private key: not a P-256 key with its public half in PKCS #8");
	locked = gcry_calloc_secure(1, HM_SCALAR_LEN);
	if (!locked)
		return hm_fail_set(fail, HM_E_SYSTEM, "private key: no locked memory left");
	memcpy(locked, scalar.data, HM_SCALAR_LEN);
	r = make_signer(ret, locked, point.data, fail);
	gcry_free(locked);
	return r;
}

int hm_signer_private(const struct hm_signer *s, struct hm_bytes *pem, struct hm_fail *fail)
{
	HM_CLEANUP(hm_pem_wipe) struct hm_bytes der = { 0 };
	uint8_t *scalar = gcry_calloc_secure(1, HM_SCALAR_LEN);
	bool good = scalar && copy_integer(scalar, HM_SCALAR_LEN, s->key, "d");

	if (good) {
		hm_bytes_reserve(&der, HM_PEM_MAX);
		hm_pkcs8_join(&der, scalar, s->point);
		hm_pem_write(pem, "PRIVATE KEY", hm_slice_of(&der));
	}
	gcry_free(scalar);
	return good ? 0 : hm_fail_set(fail, HM_E_SYSTEM, "private key: libgcrypt does not give it back");
}

int hm_signer_public(const struct hm_signer *s, struct hm_bytes *pem, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes der = { 0 }, text = { 0 };
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *key = NULL;
	int r;

	hm_spki_join(&der, s->point);
	hm_pem_write(&text, "PUBLIC KEY", hm_slice_of(&der));
	/* What the public half would not take must not go out. */
	r = hm_pubkey_parse(&key, hm_slice_of(&text), fail);
	if (r == 0)
		hm_bytes_slice(pem, hm_slice_of(&text));
	return r;
}

int hm_signer_sign(const struct hm_signer *s, struct hm_slice message, struct hm_bytes *der, struct hm_fail *fail)
{
	HM_SEXP gcry_sexp_t data = NULL, signature = NULL;
	uint8_t digest[32], raw[2 * HM_SCALAR_LEN];
	gcry_error_t e;

	gcry_md_hash_buffer(GCRY_MD_SHA256, digest, message.data, message.len);
	e = gcry_sexp_build(&data, NULL, "(data (flags rfc6979) (hash sha256 %b))", (int)sizeof(digest), digest);
	if (!e)
		e = gcry_pk_sign(&signature, data, s->key);
	if (e)
		return gcry_fail(fail, "signing", e);
	if (!copy_integer(raw, HM_SCALAR_LEN, signature, "r") ||
	    !copy_integer(raw + HM_SCALAR_LEN, HM_SCALAR_LEN, signature, "s"))
		return hm_fail_set(fail, HM_E_SYSTEM, "signing: libgcrypt's signature cannot be read");
	hm_signature_der(der, raw);
	return 0;
}
