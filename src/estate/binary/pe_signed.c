/* Authenticode: entries {length, revision, type 2, PKCS#7}, 8-aligned; the PKCS#7 signs an SpcIndirectDataContent, which holds the
 * digest of the file without its checksum, the certificate directory and the certificates. It is checked that the file has
 * that digest and that the signer's key signed it; and, against roots that the caller trusts, who issued the certificate. It is
 * not asked whether the certificate is out of date or revoked: a program outlives both. Roots of a Linux system issue some of
 * the certificates for code, not all: what is not shown is no sign of a forgery. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pkcs7.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include "pe_internal.h"

#define TABLE_MAX (4u << 20)
#define ENTRIES_MAX 8
#define CERTIFICATES_MAX 64
#define TYPE_PKCS7 2

static void end_pkcs7(PKCS7 **p)
{
	PKCS7_free(*p);
}

static void end_digest(EVP_MD_CTX **c)
{
	EVP_MD_CTX_free(*c);
}

static void end_sig(X509_SIG **s)
{
	X509_SIG_free(*s);
}

static void end_bio(BIO **b)
{
	BIO_free(*b);
}

static void end_stack(STACK_OF(X509) **s)
{
	sk_X509_free(*s);
}

/* The digest of the file as Authenticode takes it. */
static bool file_digest(const struct hm_pe *pe, const EVP_MD *md, uint8_t out[EVP_MAX_MD_SIZE], unsigned *len)
{
	HM_CLEANUP(end_digest) EVP_MD_CTX *c = EVP_MD_CTX_new();
	uint64_t directory = pe->directories_at + 8 * HM_PE_CERTIFICATES, end = pe->directory[HM_PE_CERTIFICATES].at;
	uint64_t behind = end + pe->directory[HM_PE_CERTIFICATES].len;
	const uint8_t *d = pe->bytes.data;

	if (!c || end < directory + 8 || behind > pe->bytes.len || !EVP_DigestInit_ex(c, md, NULL))
		return false;
	return EVP_DigestUpdate(c, d, pe->checksum_at) && EVP_DigestUpdate(c, d + pe->checksum_at + 4, directory - pe->checksum_at - 4) &&
	       EVP_DigestUpdate(c, d + directory + 8, end - directory - 8) && EVP_DigestUpdate(c, d + behind, pe->bytes.len - behind) &&
	       EVP_DigestFinal_ex(c, out, len);
}

/* What is inside the outer SEQUENCE of the signed content. */
static struct hm_slice signed_content(const PKCS7 *p7)
{
	const PKCS7 *inner = p7->d.sign->contents;
	struct hm_slice none = { NULL, 0 };
	const unsigned char *at;
	long len;
	int tag, class;

	if (!inner || !inner->d.other || inner->d.other->type != V_ASN1_SEQUENCE)
		return none;
	at = inner->d.other->value.sequence->data;
	if (ASN1_get_object(&at, &len, &tag, &class, inner->d.other->value.sequence->length) & 0x80 || len < 0)
		return none;
	return (struct hm_slice){ at, (size_t)len };
}

/* The second member of the content is the file's digest (a DigestInfo). */
static bool digest_holds(const struct hm_pe *pe, struct hm_slice content)
{
	HM_CLEANUP(end_sig) X509_SIG *info = NULL;
	const unsigned char *at = content.data;
	const X509_ALGOR *algorithm;
	const ASN1_OCTET_STRING *stated;
	const ASN1_OBJECT *oid;
	const EVP_MD *md;
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned sum_len;
	long len;
	int tag, class;

	if (!content.len || ASN1_get_object(&at, &len, &tag, &class, (long)content.len) & 0x80)
		return false;
	at += len;
	if (at >= content.data + content.len || !(info = d2i_X509_SIG(NULL, &at, (long)(content.data + content.len - at))))
		return false;
	X509_SIG_get0(info, &algorithm, &stated);
	X509_ALGOR_get0(&oid, NULL, NULL, algorithm);
	md = EVP_get_digestbyobj(oid);
	return md && file_digest(pe, md, sum, &sum_len) && (int)sum_len == ASN1_STRING_length(stated) &&
	       memcmp(sum, ASN1_STRING_get0_data(stated), sum_len) == 0;
}

/* OpenSSL 3.0's PKCS7_verify loses a buffer where it does not know a digest, so such are not given to it. */
static bool known_digests(const PKCS7 *p7)
{
	static const int known[] = { NID_md5, NID_sha1, NID_sha224, NID_sha256, NID_sha384, NID_sha512 };

	for (int i = 0; i < sk_X509_ALGOR_num(p7->d.sign->md_algs); i++) {
		const ASN1_OBJECT *oid = NULL;
		bool found = false;

		X509_ALGOR_get0(&oid, NULL, NULL, sk_X509_ALGOR_value(p7->d.sign->md_algs, i));
		for (size_t k = 0; k < HM_COUNT(known); k++)
			found = found || OBJ_obj2nid(oid) == known[k];
		if (!found)
			return false;
	}
	return true;
}

static bool signature_holds(PKCS7 *p7, struct hm_slice content)
{
	HM_CLEANUP(end_bio) BIO *bio = content.len ? BIO_new_mem_buf(content.data, (int)content.len) : NULL;

	return bio && known_digests(p7) && PKCS7_verify(p7, NULL, NULL, bio, NULL, PKCS7_NOVERIFY | PKCS7_BINARY) == 1;
}

struct hm_binary_trust {
	X509_STORE *store;
};

void hm_binary_trust_free(struct hm_binary_trust *trust)
{
	if (trust)
		X509_STORE_free(trust->store);
	free(trust);
}

int hm_binary_trust_load(struct hm_binary_trust **ret, const char *path, struct hm_fail *fail)
{
	struct hm_binary_trust *trust = hm_alloc(1, sizeof(*trust));

	trust->store = X509_STORE_new();
	if (!trust->store || X509_STORE_load_file(trust->store, path) != 1) {
		hm_binary_trust_free(trust);
		ERR_clear_error();
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot read trusted roots from %s", path);
	}
	*ret = trust;
	return 0;
}

static void end_context(X509_STORE_CTX **c)
{
	X509_STORE_CTX_free(*c);
}

static bool issuer_holds(const struct hm_binary_trust *trust, X509 *certificate, STACK_OF(X509) *others)
{
	HM_CLEANUP(end_context) X509_STORE_CTX *c = X509_STORE_CTX_new();

	if (!c || X509_STORE_CTX_init(c, trust->store, certificate, others) != 1)
		return false;
	X509_STORE_CTX_set_flags(c, X509_V_FLAG_NO_CHECK_TIME);
	X509_STORE_CTX_set_purpose(c, X509_PURPOSE_ANY);
	X509_STORE_CTX_set_depth(c, 8);
	return X509_verify_cert(c) == 1 && (X509_get_extended_key_usage(certificate) & XKU_CODE_SIGN);
}

int hm_binary_names(struct hm_binary_out *out, const X509_NAME *name, const char *checked, bool verified)
{
	static const struct {
		int nid;
		const char *name;
	} parts[] = { { NID_organizationName, "organisation" }, { NID_commonName, "common name" } };

	for (size_t i = 0; i < HM_COUNT(parts); i++) {
		HM_FREE char *value = NULL, *detail = hm_sprintf("%s; %s", parts[i].name, checked);
		int at = X509_NAME_get_index_by_NID((X509_NAME *)(uintptr_t)name, parts[i].nid, -1), len, r;
		unsigned char *utf8 = NULL;

		if (at < 0)
			continue;
		len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
		if (len > 0)
			value = hm_binary_copy((struct hm_slice){ utf8, (size_t)len });
		OPENSSL_free(utf8);
		r = value && *value ? hm_binary_signer(out, value, detail, verified) : 0;
		if (r != 0)
			return r;
	}
	return 0;
}

static int one(struct hm_binary_out *out, const struct hm_pe *pe, struct hm_slice der)
{
	const unsigned char *at = der.data;
	HM_CLEANUP(end_pkcs7) PKCS7 *p7 = d2i_PKCS7(NULL, &at, (long)der.len);
	HM_CLEANUP(end_stack) STACK_OF(X509) *signers = NULL;
	struct hm_slice content;
	bool holds;

	if (!p7 || !PKCS7_type_is_signed(p7) || !p7->d.sign || sk_X509_num(p7->d.sign->cert) > CERTIFICATES_MAX)
		return 0;
	signers = PKCS7_get0_signers(p7, NULL, 0);
	content = signed_content(p7);
	holds = digest_holds(pe, content) && signature_holds(p7, content);
	for (int i = 0; i < sk_X509_num(signers); i++) {
		const struct hm_binary_trust *trust = out->file->trust;
		X509 *certificate = sk_X509_value(signers, i);
		bool issued = holds && trust && issuer_holds(trust, certificate, p7->d.sign->cert);
		int r = hm_binary_names(out, X509_get_subject_name(certificate),
					!holds ? "signature does not hold" :
					issued ? "signature holds, issuer trusted" :
					trust  ? "signature holds, issuer not trusted" :
						 "signature holds, issuer not checked",
					issued);

		if (r != 0)
			return r;
	}
	return 0;
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
			r = one(out, pe, body);
		len = (8 - len % 8) % 8;
		if (hm_cursor_left(&c) >= len)
			hm_cursor_bytes(&c, (size_t)len);
	}
	ERR_clear_error();
	return r;
}
