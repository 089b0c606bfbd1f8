/* PKCS#12: one more safe, in the clear, with a certificate in a bag that Java takes for one of an authority: it has Oracle's attribute "trusted key
 * usage" with the value "any". The other safes, encrypted or not, are not opened. */
#include "keystore_internal.h"

#include <openssl/err.h>
#include <openssl/pkcs12.h>
#include <openssl/x509.h>

#define TRUSTED_KEY_USAGE "2.16.840.1.113894.746875.1.1"
#define ANY_USAGE "2.5.29.37.0"

enum { ITERATIONS_MAX = 1000000, SALT_MAX = 64 };

static int bad(struct hm_fail *fail, const char *what)
{
	ERR_clear_error();
	return hm_fail_set(fail, HM_E_BAD, "%s", what);
}

/* libcrypto 3.0 adds no attribute of any kind, but hands out those that are there. */
static bool add_usage(PKCS12_SAFEBAG *bag)
{
	STACK_OF(X509_ATTRIBUTE) *attributes = (STACK_OF(X509_ATTRIBUTE) *)(uintptr_t)PKCS12_SAFEBAG_get0_attrs(bag);
	ASN1_OBJECT *usage = OBJ_txt2obj(TRUSTED_KEY_USAGE, 1), *any = OBJ_txt2obj(ANY_USAGE, 1);
	X509_ATTRIBUTE *trusted = usage && any ? X509_ATTRIBUTE_create_by_OBJ(NULL, usage, V_ASN1_OBJECT, any, -1) : NULL;
	bool good = attributes && trusted && sk_X509_ATTRIBUTE_push(attributes, trusted) > 0;

	if (!good)
		X509_ATTRIBUTE_free(trusted);
	ASN1_OBJECT_free(usage);
	ASN1_OBJECT_free(any);
	return good;
}

static PKCS12_SAFEBAG *bag_of(struct hm_slice der)
{
	const uint8_t *at = der.data;
	X509 *certificate = d2i_X509(NULL, &at, (long)der.len);
	PKCS12_SAFEBAG *bag = certificate ? PKCS12_SAFEBAG_create_cert(certificate) : NULL;

	X509_free(certificate);
	if (bag && PKCS12_add_friendlyname_asc(bag, HM_KEYSTORE_ALIAS, -1) && add_usage(bag))
		return bag;
	PKCS12_SAFEBAG_free(bag);
	return NULL;
}

static bool add_safe(PKCS12 *store, struct hm_slice der)
{
	STACK_OF(PKCS7) *safes = PKCS12_unpack_authsafes(store);
	STACK_OF(PKCS12_SAFEBAG) *bags = sk_PKCS12_SAFEBAG_new_null();
	PKCS12_SAFEBAG *bag = bag_of(der);
	PKCS7 *safe = NULL;
	bool good = safes && bags && bag && sk_PKCS12_SAFEBAG_push(bags, bag) > 0;

	bag = good ? NULL : bag;
	safe = good ? PKCS12_pack_p7data(bags) : NULL;
	good = safe && sk_PKCS7_push(safes, safe) > 0;
	if (!good)
		PKCS7_free(safe);
	good = good && PKCS12_pack_authsafes(store, safes);
	PKCS12_SAFEBAG_free(bag);
	sk_PKCS12_SAFEBAG_pop_free(bags, PKCS12_SAFEBAG_free);
	sk_PKCS7_pop_free(safes, PKCS7_free);
	return good;
}

/* How the store is authenticated. */
struct mac {
	const char *password; /* one that fits */
	uint8_t salt[SALT_MAX];
	int salt_len, iterations;
	const EVP_MD *md;
};

/* False where it is by none of the usual passwords, or by something that would take for ever. */
static bool read_mac(struct mac *mac, PKCS12 *store)
{
	static const char *const passwords[] = { KEYSTORE_PASSWORD, "" };
	const ASN1_OCTET_STRING *salt;
	const ASN1_INTEGER *iterations;
	const X509_ALGOR *algorithm;
	const ASN1_OBJECT *digest;

	PKCS12_get0_mac(NULL, &algorithm, &salt, &iterations, store);
	X509_ALGOR_get0(&digest, NULL, NULL, algorithm);
	mac->md = EVP_get_digestbyobj(digest);
	mac->iterations = iterations ? (int)ASN1_INTEGER_get(iterations) : 1;
	mac->salt_len = ASN1_STRING_length(salt);
	if (!mac->md || mac->iterations < 1 || mac->iterations > ITERATIONS_MAX || mac->salt_len < 1 || mac->salt_len > SALT_MAX)
		return false;
	memcpy(mac->salt, ASN1_STRING_get0_data(salt), (size_t)mac->salt_len);
	for (size_t i = 0; i < HM_COUNT(passwords); i++)
		if (PKCS12_verify_mac(store, passwords[i], -1)) {
			mac->password = passwords[i];
			return true;
		}
	return false;
}

static int add(struct hm_bytes *out, PKCS12 *store, struct hm_slice der, struct hm_fail *fail)
{
	struct mac mac = { .password = NULL };
	uint8_t *written = NULL;
	int len;

	if (PKCS12_mac_present(store) && !read_mac(&mac, store))
		return bad(fail, "it is damaged, or its password is not a usual one");
	if (!add_safe(store, der))
		return bad(fail, "its safes cannot be read");
	if (mac.password && !PKCS12_set_mac(store, mac.password, -1, mac.salt, mac.salt_len, mac.iterations, mac.md))
		return bad(fail, "it cannot be authenticated again");
	len = i2d_PKCS12(store, &written);
	if (len <= 0)
		return bad(fail, "it cannot be written again");
	hm_bytes_append(out, written, (size_t)len);
	OPENSSL_free(written);
	return 0;
}

int keystore_pkcs12(struct hm_bytes *out, struct hm_slice store, struct hm_slice der, struct hm_fail *fail)
{
	const uint8_t *at = store.data;
	PKCS12 *read = d2i_PKCS12(NULL, &at, (long)store.len);
	int r = read && at == store.data + store.len ? add(out, read, der, fail) : bad(fail, "it is no whole PKCS#12 file");

	PKCS12_free(read);
	ERR_clear_error();
	return r;
}
