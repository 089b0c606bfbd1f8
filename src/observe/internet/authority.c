/* The chamber's certificate authority: a P-256 key, a root certificate and the certificates under it, all of them functions
 * of a secret of 32 bytes, a name and a day. So twin chambers get the same bytes in their trust stores and in every
 * handshake's certificate; OpenSSL's own signatures would differ each time, therefore RFC 6979 (section 3.2) is here. Side
 * channels are no matter: whoever could measure this process could read it. */
#include <time.h>

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/param_build.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "digest.h"
#include "internet_internal.h"

enum { DAY = 86400, ROOT_DAYS = 3650, LEAF_DAYS = 90, SERIAL_LEN = 16, COMMON_NAME_MAX = 64 };

static const char root_name[] = "Chamber Root CA";

struct authority_key {
	EVP_PKEY *pair;
	uint8_t scalar[32];
};

struct authority {
	struct authority_key root, leaf;
	X509 *certificate;
	int64_t day; /* since 1970 */
};

/* libcrypto fails here only when memory is short, which ends the process as everywhere. */
static void must(bool good)
{
	if (!good)
		abort();
}

/* 1 <= v < order */
static bool in_range(const BIGNUM *v, const BIGNUM *order)
{
	return !BN_is_zero(v) && BN_cmp(v, order) < 0;
}

static void make_pair(struct authority_key *key, const EC_GROUP *group, const BIGNUM *scalar, BN_CTX *ctx)
{
	EC_POINT *point = EC_POINT_new(group);
	OSSL_PARAM_BLD *build = OSSL_PARAM_BLD_new();
	EVP_PKEY_CTX *make = EVP_PKEY_CTX_new_from_name(NULL, "EC", NULL);
	OSSL_PARAM *params;
	uint8_t public[65];

	must(point && build && make && EC_POINT_mul(group, point, scalar, NULL, NULL, ctx));
	must(EC_POINT_point2oct(group, point, POINT_CONVERSION_UNCOMPRESSED, public, sizeof(public), ctx) == sizeof(public));
	must(OSSL_PARAM_BLD_push_utf8_string(build, OSSL_PKEY_PARAM_GROUP_NAME, "prime256v1", 0) &&
	     OSSL_PARAM_BLD_push_octet_string(build, OSSL_PKEY_PARAM_PUB_KEY, public, sizeof(public)) &&
	     OSSL_PARAM_BLD_push_BN(build, OSSL_PKEY_PARAM_PRIV_KEY, scalar));
	params = OSSL_PARAM_BLD_to_param(build);
	must(params && EVP_PKEY_fromdata_init(make) > 0 && EVP_PKEY_fromdata(make, &key->pair, EVP_PKEY_KEYPAIR, params) > 0);
	OSSL_PARAM_free(params);
	OSSL_PARAM_BLD_free(build);
	EVP_PKEY_CTX_free(make);
	EC_POINT_free(point);
}

static void derive_key(struct authority_key *key, const uint8_t *secret, const char *what)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	BN_CTX *ctx = BN_CTX_new();
	BIGNUM *scalar = BN_new();

	must(group && ctx && scalar);
	for (unsigned i = 0;; i++) {
		HM_FREE char *label = hm_sprintf("internet/%s/%u", what, i);
		struct hm_sha256 d;

		hm_derive(&d, secret, label);
		must(BN_bin2bn(d.b, sizeof(d.b), scalar) != NULL);
		if (in_range(scalar, EC_GROUP_get0_order(group))) {
			memcpy(key->scalar, d.b, sizeof(key->scalar));
			break;
		}
	}
	make_pair(key, group, scalar, ctx);
	BN_clear_free(scalar);
	BN_CTX_free(ctx);
	EC_GROUP_free(group);
}

/* HMAC under `key` of `v`, a byte unless `mark` is negative, and `rest`. */
static void mix(struct hm_sha256 *out, const struct hm_sha256 *key, const struct hm_sha256 *v, int mark, struct hm_slice rest)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes message = { 0 };

	hm_bytes_append(&message, v->b, sizeof(v->b));
	if (mark >= 0)
		hm_bytes_u8(&message, (uint8_t)mark);
	hm_bytes_slice(&message, rest);
	hm_hmac_sha256(out, (struct hm_slice){ key->b, sizeof(key->b) }, hm_slice_of(&message));
}

/* RFC 6979 section 3.2 with SHA-256 and P-256. `input`: int2octets(x) || bits2octets(h1). */
static void nonce(BIGNUM *k, struct hm_slice input, const BIGNUM *order)
{
	const struct hm_slice nothing = { NULL, 0 };
	struct hm_sha256 key, v;

	memset(key.b, 0, sizeof(key.b));
	memset(v.b, 1, sizeof(v.b));
	for (int mark = 0; mark < 2; mark++) {
		mix(&key, &key, &v, mark, input);
		mix(&v, &key, &v, -1, nothing);
	}
	for (;;) {
		mix(&v, &key, &v, -1, nothing);
		must(BN_bin2bn(v.b, sizeof(v.b), k) != NULL);
		if (in_range(k, order))
			return;
		mix(&key, &key, &v, 0, nothing);
		mix(&v, &key, &v, -1, nothing);
	}
}

/* ECDSA (FIPS 186-5 section 6.4.1): r = (kG).x, s = (z + r x) / k, both modulo the order. */
static ECDSA_SIG *sign_digest(const struct authority_key *key, const struct hm_sha256 *digest)
{
	EC_GROUP *group = EC_GROUP_new_by_curve_name(NID_X9_62_prime256v1);
	const BIGNUM *order = EC_GROUP_get0_order(group);
	EC_POINT *point = EC_POINT_new(group);
	ECDSA_SIG *signature = ECDSA_SIG_new();
	BIGNUM *r = BN_new(), *s = BN_new(), *z = BN_new(), *k = BN_new(), *x = BN_new();
	BN_CTX *ctx = BN_CTX_new();
	uint8_t input[64];

	must(point && signature && r && s && z && k && x && ctx);
	must(BN_bin2bn(digest->b, sizeof(digest->b), z) && BN_bin2bn(key->scalar, sizeof(key->scalar), x) &&
	     BN_nnmod(z, z, order, ctx));
	memcpy(input, key->scalar, 32);
	must(BN_bn2binpad(z, input + 32, 32) == 32);
	nonce(k, (struct hm_slice){ input, sizeof(input) }, order);
	must(EC_POINT_mul(group, point, k, NULL, NULL, ctx) && EC_POINT_get_affine_coordinates(group, point, r, NULL, ctx) &&
	     BN_nnmod(r, r, order, ctx) && BN_mod_mul(s, r, x, order, ctx) && BN_mod_add(s, s, z, order, ctx) &&
	     BN_mod_inverse(k, k, order, ctx) && BN_mod_mul(s, s, k, order, ctx) && !BN_is_zero(r) && !BN_is_zero(s));
	must(ECDSA_SIG_set0(signature, r, s));
	BN_clear_free(k);
	BN_clear_free(x);
	BN_free(z);
	BN_CTX_free(ctx);
	EC_POINT_free(point);
	EC_GROUP_free(group);
	return signature;
}

/* A DER element's head (X.690 section 8.1) for less than 64 KiB. */
static void put_head(struct hm_bytes *out, uint8_t tag, size_t len)
{
	hm_bytes_u8(out, tag);
	if (len >= 256)
		hm_bytes_u8(out, 0x82);
	else if (len >= 128)
		hm_bytes_u8(out, 0x81);
	if (len >= 256)
		hm_bytes_u8(out, (uint8_t)(len >> 8));
	hm_bytes_u8(out, (uint8_t)len);
}

/* `certificate` with its signature replaced by the one that is always the same. Takes it. */
static X509 *sign(X509 *certificate, const struct authority_key *key)
{
	static const uint8_t algorithm[] = { 0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes body = { 0 }, whole = { 0 };
	uint8_t *tbs = NULL, *der = NULL;
	const uint8_t *at;
	struct hm_sha256 digest;
	ECDSA_SIG *signature;
	int tbs_len, der_len;
	X509 *made;

	must(X509_sign(certificate, key->pair, EVP_sha256()) > 0);
	tbs_len = i2d_re_X509_tbs(certificate, &tbs);
	must(tbs_len > 0);
	hm_sha256_slice(&digest, (struct hm_slice){ tbs, (size_t)tbs_len });
	signature = sign_digest(key, &digest);
	der_len = i2d_ECDSA_SIG(signature, &der);
	must(der_len > 0);
	hm_bytes_append(&body, tbs, (size_t)tbs_len);
	hm_bytes_append(&body, algorithm, sizeof(algorithm));
	put_head(&body, 0x03, (size_t)der_len + 1);
	hm_bytes_u8(&body, 0);
	hm_bytes_append(&body, der, (size_t)der_len);
	put_head(&whole, 0x30, body.len);
	hm_bytes_slice(&whole, hm_slice_of(&body));
	at = whole.data;
	made = d2i_X509(NULL, &at, (long)whole.len);
	must(made && at == whole.data + whole.len);
	ECDSA_SIG_free(signature);
	OPENSSL_free(tbs);
	OPENSSL_free(der);
	X509_free(certificate);
	return made;
}

static void put_extension(X509 *certificate, X509 *issuer, int nid, const char *value)
{
	X509_EXTENSION *extension;
	X509V3_CTX ctx;

	X509V3_set_ctx(&ctx, issuer, certificate, NULL, NULL, 0);
	extension = X509V3_EXT_conf_nid(NULL, &ctx, nid, value);
	must(extension && X509_add_ext(certificate, extension, -1));
	X509_EXTENSION_free(extension);
}

static void put_name(X509_NAME *name, const char *text)
{
	must(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)text, -1, -1, 0));
}

/* What a root and a leaf have in common. It is valid from the day before `day` on. */
static X509 *begin(const struct authority_key *key, const char *serial_of, int64_t day, int days)
{
	X509 *certificate = X509_new();
	struct hm_sha256 digest;
	BIGNUM *serial;

	must(certificate && X509_set_version(certificate, X509_VERSION_3) && X509_set_pubkey(certificate, key->pair));
	hm_sha256_slice(&digest, hm_slice_text(serial_of));
	digest.b[0] = (uint8_t)((digest.b[0] & 0x3f) | 0x40); /* positive, and always of the same length */
	serial = BN_bin2bn(digest.b, SERIAL_LEN, NULL);
	must(serial && BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(certificate)));
	BN_free(serial);
	must(ASN1_TIME_set(X509_getm_notBefore(certificate), (time_t)((day - 1) * DAY)) &&
	     ASN1_TIME_set(X509_getm_notAfter(certificate), (time_t)((day + days) * DAY)));
	return certificate;
}

static X509 *make_root(const struct authority_key *key, int64_t day)
{
	X509 *root = begin(key, root_name, day, ROOT_DAYS);

	put_name(X509_get_subject_name(root), root_name);
	must(X509_set_issuer_name(root, X509_get_subject_name(root)));
	put_extension(root, root, NID_basic_constraints, "critical,CA:TRUE");
	put_extension(root, root, NID_key_usage, "critical,keyCertSign,cRLSign");
	put_extension(root, root, NID_subject_key_identifier, "hash");
	return sign(root, key);
}

void hm_internet_authority_new(struct authority **ret, const uint8_t *secret, int64_t now)
{
	struct authority *a = hm_alloc(1, sizeof(*a));

	a->day = now / DAY;
	derive_key(&a->root, secret, "root");
	derive_key(&a->leaf, secret, "server");
	a->certificate = make_root(&a->root, a->day);
	*ret = a;
}

void hm_internet_authority_free(struct authority *a)
{
	if (!a)
		return;
	EVP_PKEY_free(a->root.pair);
	EVP_PKEY_free(a->leaf.pair);
	X509_free(a->certificate);
	free(a);
}

EVP_PKEY *hm_internet_authority_leaf(const struct authority *a)
{
	return a->leaf.pair;
}

static void put_alternative(X509 *leaf, const char *name, const uint8_t address[4])
{
	GENERAL_NAMES *names = sk_GENERAL_NAME_new_null();
	GENERAL_NAME *alternative = GENERAL_NAME_new();
	ASN1_STRING *value = name ? ASN1_IA5STRING_new() : ASN1_OCTET_STRING_new();

	must(names && alternative && value);
	must(name ? ASN1_STRING_set(value, name, -1) : ASN1_STRING_set(value, address, 4));
	GENERAL_NAME_set0_value(alternative, name ? GEN_DNS : GEN_IPADD, value);
	must(sk_GENERAL_NAME_push(names, alternative) && X509_add1_ext_i2d(leaf, NID_subject_alt_name, names, 0, 0));
	GENERAL_NAMES_free(names);
}

X509 *hm_internet_authority_mint(const struct authority *a, const char *asked, const uint8_t address[4], enum hm_internet_wrong wrong)
{
	const char *name = wrong == HM_INTERNET_MISNAMED ? "wrong.invalid" : asked;
	int64_t day = wrong == HM_INTERNET_EXPIRED ? a->day - LEAF_DAYS - 1 : a->day;
	HM_FREE char *literal = hm_sprintf("%u.%u.%u.%u", address[0], address[1], address[2], address[3]);
	const char *subject = name ? name : literal;
	X509 *leaf = begin(&a->leaf, subject, day, LEAF_DAYS);

	if (strlen(subject) <= COMMON_NAME_MAX)
		put_name(X509_get_subject_name(leaf), subject);
	must(X509_set_issuer_name(leaf, X509_get_subject_name(a->certificate)));
	put_alternative(leaf, name, address);
	put_extension(leaf, a->certificate, NID_basic_constraints, "critical,CA:FALSE");
	put_extension(leaf, a->certificate, NID_key_usage, "critical,digitalSignature");
	put_extension(leaf, a->certificate, NID_ext_key_usage, "serverAuth");
	put_extension(leaf, a->certificate, NID_subject_key_identifier, "hash");
	put_extension(leaf, a->certificate, NID_authority_key_identifier, "keyid:always");
	return sign(leaf, &a->root);
}

void hm_internet_authority(struct hm_internet_authority *out, const uint8_t secret[HM_INTERNET_SECRET], int64_t now)
{
	struct authority *a;
	BIO *text = BIO_new(BIO_s_mem());
	uint8_t *der = NULL;
	long pem_len;
	char *pem;
	int len;

	*out = (struct hm_internet_authority){ 0 };
	hm_internet_authority_new(&a, secret, now);
	must(text && PEM_write_bio_X509(text, a->certificate));
	pem_len = BIO_get_mem_data(text, &pem);
	hm_bytes_append(&out->pem, pem, (size_t)pem_len);
	len = i2d_X509(a->certificate, &der);
	must(len > 0);
	hm_bytes_append(&out->der, der, (size_t)len);
	snprintf(out->hash, sizeof(out->hash), "%08lx", X509_subject_name_hash(a->certificate) & 0xffffffff);
	OPENSSL_free(der);
	BIO_free(text);
	hm_internet_authority_free(a);
}

void hm_internet_authority_release(struct hm_internet_authority *a)
{
	hm_bytes_release(&a->pem);
	hm_bytes_release(&a->der);
}
