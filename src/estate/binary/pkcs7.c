#include "pkcs7.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <time.h>

#define CERTIFICATES_MAX 64
#define TOKEN_MAX (1 << 20)
#define OID_NESTED "1.3.6.1.4.1.311.2.4.1"
#define OID_STAMP "1.3.6.1.4.1.311.3.3.1"

static void end_pkcs7(PKCS7 **p)
{
	PKCS7_free(*p);
}

static void end_bio(BIO **b)
{
	BIO_free(*b);
}

static void end_stack(STACK_OF(X509) **s)
{
	sk_X509_free(*s);
}

bool hm_der_next(struct hm_slice *from, int *tag, struct hm_slice *inside)
{
	const unsigned char *at = from->data;
	long len;
	int class;

	/* 0x80: an error; of an indefinite length, 1: DER has none. */
	if (from->len == 0 || from->len > INT32_MAX || ASN1_get_object(&at, &len, tag, &class, (long)from->len) & 0x81 || len < 0)
		return false;
	*inside = (struct hm_slice){ at, (size_t)len };
	from->len -= (size_t)(at + len - from->data);
	from->data = at + len;
	return true;
}

bool hm_pkcs7_digest(struct hm_slice content, const EVP_MD **md, struct hm_slice *digest)
{
	struct hm_slice type, info, algorithm, oid;
	const unsigned char *at;
	ASN1_OBJECT *object;
	int tag;

	if (!hm_der_next(&content, &tag, &type) || !hm_der_next(&content, &tag, &info) || tag != V_ASN1_SEQUENCE || !hm_der_next(&info, &tag, &algorithm) ||
	    !hm_der_next(&info, &tag, digest) || tag != V_ASN1_OCTET_STRING)
		return false;
	at = algorithm.data;
	if (!hm_der_next(&algorithm, &tag, &oid) || tag != V_ASN1_OBJECT)
		return false;
	object = d2i_ASN1_OBJECT(NULL, &at, (long)(oid.data + oid.len - at));
	*md = object ? EVP_get_digestbyobj(object) : NULL;
	ASN1_OBJECT_free(object);
	return *md && (size_t)EVP_MD_get_size(*md) == digest->len;
}

static struct hm_slice signed_content(const PKCS7 *p7)
{
	const PKCS7 *inner = p7->d.sign->contents;
	struct hm_slice whole, inside = { NULL, 0 };
	int tag;

	if (!inner || !inner->d.other || inner->d.other->type != V_ASN1_SEQUENCE)
		return inside;
	whole = (struct hm_slice){ inner->d.other->value.sequence->data, (size_t)inner->d.other->value.sequence->length };
	return hm_der_next(&whole, &tag, &inside) ? inside : (struct hm_slice){ NULL, 0 };
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

static bool sound(const PKCS7 *p7)
{
	return p7 && PKCS7_type_is_signed((PKCS7 *)(uintptr_t)p7) && p7->d.sign && sk_X509_num(p7->d.sign->cert) <= CERTIFICATES_MAX;
}

static bool key_signed(PKCS7 *p7, struct hm_slice content)
{
	HM_CLEANUP(end_bio) BIO *bio = content.len ? BIO_new_mem_buf(content.data, (int)content.len) : NULL;

	return bio && known_digests(p7) && PKCS7_verify(p7, NULL, NULL, bio, NULL, PKCS7_NOVERIFY | PKCS7_BINARY) == 1;
}

bool hm_pkcs7_open(struct hm_pkcs7 *s, struct hm_slice der)
{
	const unsigned char *at = der.data;

	memset(s, 0, sizeof(*s));
	s->p7 = der.len <= INT32_MAX ? d2i_PKCS7(NULL, &at, (long)der.len) : NULL;
	if (!sound(s->p7)) {
		hm_pkcs7_close(s);
		return false;
	}
	s->content = signed_content(s->p7);
	s->holds = key_signed(s->p7, s->content);
	return true;
}

void hm_pkcs7_close(struct hm_pkcs7 *s)
{
	PKCS7_free(s->p7);
	s->p7 = NULL;
	ERR_clear_error();
}

/* The values of one unsigned attribute of the first signer that are SEQUENCEs. */
static size_t attribute(const PKCS7 *p7, const char *oid, struct hm_slice value[HM_PKCS7_NESTED])
{
	const PKCS7_SIGNER_INFO *signer = sk_PKCS7_SIGNER_INFO_value(p7->d.sign->signer_info, 0);
	const STACK_OF(X509_ATTRIBUTE) *all = signer ? signer->unauth_attr : NULL;
	size_t n = 0;

	for (int i = 0; i < sk_X509_ATTRIBUTE_num(all); i++) {
		X509_ATTRIBUTE *a = sk_X509_ATTRIBUTE_value(all, i);
		char name[64];

		if (OBJ_obj2txt(name, sizeof(name), X509_ATTRIBUTE_get0_object(a), 1) <= 0 || strcmp(name, oid) != 0)
			continue;
		for (int k = 0; k < X509_ATTRIBUTE_count(a) && n < HM_PKCS7_NESTED; k++) {
			const ASN1_TYPE *t = X509_ATTRIBUTE_get0_type(a, k);

			if (t && t->type == V_ASN1_SEQUENCE)
				value[n++] = (struct hm_slice){ t->value.sequence->data, (size_t)t->value.sequence->length };
		}
	}
	return n;
}

size_t hm_pkcs7_nested(const struct hm_pkcs7 *s, struct hm_slice nested[HM_PKCS7_NESTED])
{
	return attribute(s->p7, OID_NESTED, nested);
}

/* When the signature was seen by an authority that is trusted, or 0. */
static time_t stamped(const struct hm_binary_trust *trust, const PKCS7 *p7)
{
	const PKCS7_SIGNER_INFO *signer = sk_PKCS7_SIGNER_INFO_value(p7->d.sign->signer_info, 0);
	struct hm_slice token[HM_PKCS7_NESTED];
	size_t n = signer ? attribute(p7, OID_STAMP, token) : 0;

	for (size_t i = 0; i < n; i++) {
		const unsigned char *at = token[i].data;
		HM_CLEANUP(end_pkcs7) PKCS7 *t = token[i].len <= TOKEN_MAX ? d2i_PKCS7(NULL, &at, (long)token[i].len) : NULL;
		time_t when = sound(t) && known_digests(t) ? hm_trust_stamp(trust, t, signer->enc_digest) : 0;

		if (when > 0)
			return when;
	}
	return 0;
}

/* MD5 can be made to fit another file. */
static bool weak_digest(const PKCS7 *p7)
{
	for (int i = 0; i < sk_X509_ALGOR_num(p7->d.sign->md_algs); i++) {
		const ASN1_OBJECT *oid = NULL;

		X509_ALGOR_get0(&oid, NULL, NULL, sk_X509_ALGOR_value(p7->d.sign->md_algs, i));
		if (OBJ_obj2nid(oid) == NID_md5)
			return true;
	}
	return false;
}

/* What is known of a signature that holds, in words; `*verified` where all is well. */
static const char *issuer(const struct hm_binary_trust *trust, X509 *certificate, const PKCS7 *p7, bool *verified)
{
	STACK_OF(X509) *others = p7->d.sign->cert;
	time_t stamp;

	*verified = false;
	if (!hm_trust_has_roots(trust))
		return "signature holds, issuer not checked";
	if (!hm_trust_issued(trust, certificate, others, HM_TRUST_ANY_TIME))
		return "signature holds, issuer not trusted";
	if (weak_digest(p7))
		return "signature holds by MD5 alone, which anybody can make fit";
	stamp = stamped(trust, p7);
	*verified = hm_trust_issued(trust, certificate, others, stamp ? stamp : time(NULL));
	if (stamp)
		return *verified ? "signature holds, issuer trusted when it was stamped" : "signature holds, but its certificate was out of date when it was stamped";
	return *verified ? "signature holds, issuer trusted" : "signature holds, but its certificate is out of date and no trusted stamp tells when it signed";
}

static char *name_of(X509 *certificate, int nid)
{
	const X509_NAME *name = X509_get_subject_name(certificate);
	int at = X509_NAME_get_index_by_NID(name, nid, -1), len;
	unsigned char *utf8 = NULL;
	char *text = NULL;

	if (at < 0)
		return NULL;
	len = ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
	if (len > 0)
		text = hm_binary_copy((struct hm_slice){ utf8, (size_t)len });
	OPENSSL_free(utf8);
	return text;
}

/* Who signs what others make says nothing of who made it; only his common name is told, not his organisation's. */
static int attested(struct hm_binary_out *out, const char *name, const char *checked, bool verified)
{
	HM_FREE char *detail = hm_sprintf("signs what others make; %s", checked);

	return hm_binary_signer(out, name, detail, verified);
}

static int one(struct hm_binary_out *out, X509 *certificate, const char *checked, bool verified, bool holds)
{
	HM_FREE char *common = name_of(certificate, NID_commonName), *organisation = name_of(certificate, NID_organizationName);
	const char *maker = organisation ? organisation : common;

	if (common && hm_trust_attests(out->file->trust, common))
		return attested(out, common, checked, verified);
	if (holds && maker && !out->maker)
		out->maker = hm_strdup(maker);
	return hm_binary_names(out, X509_get_subject_name(certificate), checked, verified);
}

int hm_pkcs7_tell(struct hm_binary_out *out, const struct hm_pkcs7 *s, const char *path, bool same, const char *how)
{
	HM_CLEANUP(end_stack) STACK_OF(X509) *signers = PKCS7_get0_signers(s->p7, NULL, 0);
	struct hm_binary_file file = *out->file;
	struct hm_binary_out at = *out;
	int r = 0;

	file.path = path ? path : file.path;
	at.file = &file;
	for (int i = 0; r == 0 && i < sk_X509_num(signers); i++) {
		X509 *certificate = sk_X509_value(signers, i);
		bool verified = false, holds = same && s->holds;
		const char *checked = !same ? "signature does not hold: the file is not what was signed" :
				      !holds ? "signature does not hold" : issuer(file.trust, certificate, s->p7, &verified);
		HM_FREE char *whole = hm_sprintf("%s%s", how, checked);

		r = one(&at, certificate, whole, verified, holds);
	}
	out->maker = at.maker;
	return r;
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
