/* Who may issue the certificates of signers. Roots of a Linux system issue some of the certificates for code, not all: what is not shown
 * is no sign of a forgery. Revocation is not asked for: that would be asking somebody. */
#include <openssl/err.h>
#include <openssl/ts.h>
#include <openssl/x509v3.h>
#include <time.h>

#include "pkcs7.h"

#define DEPTH 8

struct hm_binary_trust {
	X509_STORE *roots, *stamps; /* NULL: none are given. In `stamps` certificates have no end: a stamp outlives the key that made it */
	char **attester;
	size_t attesters;
};

struct hm_binary_trust *hm_binary_trust_new(void)
{
	return hm_alloc(1, sizeof(struct hm_binary_trust));
}

void hm_binary_trust_free(struct hm_binary_trust *trust)
{
	if (!trust)
		return;
	X509_STORE_free(trust->roots);
	X509_STORE_free(trust->stamps);
	for (size_t i = 0; i < trust->attesters; i++)
		free(trust->attester[i]);
	free(trust->attester);
	free(trust);
}

static int load(X509_STORE **store, const char *path)
{
	if (!*store)
		*store = X509_STORE_new();
	return *store ? X509_STORE_load_file(*store, path) : 0;
}

int hm_binary_trust_roots(struct hm_binary_trust *trust, const char *path, struct hm_fail *fail)
{
	bool good = load(&trust->roots, path) == 1 && load(&trust->stamps, path) == 1 && X509_STORE_set_flags(trust->stamps, X509_V_FLAG_NO_CHECK_TIME);

	ERR_clear_error();
	return good ? 0 : hm_fail_set(fail, HM_E_SYSTEM, "cannot read trusted roots from %s", path);
}

void hm_binary_trust_attester(struct hm_binary_trust *trust, const char *name)
{
	trust->attester = hm_realloc(trust->attester, trust->attesters + 1, sizeof(*trust->attester));
	trust->attester[trust->attesters++] = hm_strdup(name);
}

bool hm_trust_attests(const struct hm_binary_trust *trust, const char *name)
{
	for (size_t i = 0; trust && i < trust->attesters; i++)
		if (strcasecmp(trust->attester[i], name) == 0)
			return true;
	return false;
}

bool hm_trust_has_roots(const struct hm_binary_trust *trust)
{
	return trust && trust->roots;
}

static void end_context(X509_STORE_CTX **c)
{
	X509_STORE_CTX_free(*c);
}

bool hm_trust_issued(const struct hm_binary_trust *trust, X509 *certificate, STACK_OF(X509) *others, time_t when)
{
	HM_CLEANUP(end_context) X509_STORE_CTX *c = X509_STORE_CTX_new();

	if (!hm_trust_has_roots(trust) || !c || X509_STORE_CTX_init(c, trust->roots, certificate, others) != 1)
		return false;
	if (when == HM_TRUST_ANY_TIME)
		X509_STORE_CTX_set_flags(c, X509_V_FLAG_NO_CHECK_TIME);
	else
		X509_STORE_CTX_set_time(c, 0, when);
	X509_STORE_CTX_set_purpose(c, X509_PURPOSE_ANY);
	X509_STORE_CTX_set_depth(c, DEPTH);
	return X509_verify_cert(c) == 1 && (X509_get_extended_key_usage(certificate) & XKU_CODE_SIGN);
}

static void end_ts(TS_VERIFY_CTX **c)
{
	TS_VERIFY_CTX_free(*c); /* with the store and the bytes that it was given */
}

static time_t seconds_of(const ASN1_TIME *t)
{
	struct tm tm;

	return t && ASN1_TIME_to_tm(t, &tm) == 1 ? timegm(&tm) : 0;
}

/* RFC 3161: the token signs the digest of the signature, under a certificate that is for nothing else. */
time_t hm_trust_stamp(const struct hm_binary_trust *trust, PKCS7 *token, const ASN1_OCTET_STRING *signature)
{
	HM_CLEANUP(end_ts) TS_VERIFY_CTX *c = TS_VERIFY_CTX_new();
	BIO *bytes = BIO_new_mem_buf(ASN1_STRING_get0_data(signature), ASN1_STRING_length(signature));
	TS_TST_INFO *info = NULL;
	time_t when = 0;

	if (!c || !bytes || !hm_trust_has_roots(trust) || X509_STORE_up_ref(trust->stamps) != 1) {
		BIO_free(bytes);
		return 0;
	}
	TS_VERIFY_CTX_set_flags(c, TS_VFY_SIGNATURE | TS_VFY_VERSION | TS_VFY_DATA);
	TS_VERIFY_CTX_set_store(c, trust->stamps);
	TS_VERIFY_CTX_set_data(c, bytes);
	if (TS_RESP_verify_token(c, token) == 1 && (info = PKCS7_to_TS_TST_INFO(token)))
		when = seconds_of(TS_TST_INFO_get_time(info));
	TS_TST_INFO_free(info);
	return when;
}
