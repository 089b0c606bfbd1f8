#include "notary.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <sys/random.h>

#include "notary_internal.h"
#include "text.h"

#define SIGNATURE 64
#define HEAD "PRIVATE+KEY+"

struct hm_notary {
	EVP_PKEY *key;
	struct hm_vkey public;
};

void hm_notary_free(struct hm_notary *n)
{
	if (!n)
		return;
	EVP_PKEY_free(n->key); /* libcrypto clears the scalar */
	free(n);
}

void hm_notary_cleanup(struct hm_notary **n)
{
	hm_notary_free(*n);
}

const struct hm_vkey *hm_notary_key(const struct hm_notary *n)
{
	return &n->public;
}

static int make(struct hm_notary **ret, struct hm_slice name, uint8_t type, const uint8_t seed[HM_SEED], struct hm_fail *fail)
{
	HM_CLEANUP(hm_notary_cleanup) struct hm_notary *n = hm_alloc(1, sizeof(*n));
	uint8_t public[32];
	size_t len = sizeof(public);
	int r;

	n->key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, HM_SEED);
	if (!n->key || EVP_PKEY_get_raw_public_key(n->key, public, &len) != 1 || len != sizeof(public)) {
		ERR_clear_error();
		return hm_fail_set(fail, HM_E_SYSTEM, "private key: libcrypto refuses Ed25519");
	}
	r = hm_vkey_make(&n->public, name, type, public, fail);
	if (r == 0)
		*ret = hm_take_ptr(&n);
	return r;
}

int hm_notary_make(struct hm_notary **ret, struct hm_bytes *text, const char *name, uint8_t type, struct hm_fail *fail)
{
	uint8_t typed[1 + HM_SEED] = { type };
	HM_CLEANUP(hm_notary_cleanup) struct hm_notary *n = NULL;
	int r;

	if (getrandom(typed + 1, HM_SEED, 0) != HM_SEED)
		return hm_fail_errno(fail, "making a key: no random numbers");
	r = make(&n, hm_slice_text(name), type, typed + 1, fail);
	if (r == 0) {
		hm_bytes_printf(text, HEAD "%s+", name);
		hm_text_hex(text, (struct hm_slice){ n->public.id, 4 });
		hm_bytes_u8(text, '+');
		hm_text_base64(text, (struct hm_slice){ typed, sizeof(typed) });
		hm_bytes_u8(text, '\n');
		*ret = hm_take_ptr(&n);
	}
	OPENSSL_cleanse(typed, sizeof(typed));
	return r;
}

static struct hm_slice until_plus(struct hm_slice *s)
{
	const uint8_t *plus = s->len ? memchr(s->data, '+', s->len) : NULL;
	struct hm_slice part = { s->data, plus ? (size_t)(plus - s->data) : 0 };

	s->len -= plus ? part.len + 1 : 0;
	s->data += plus ? part.len + 1 : 0;
	return part;
}

int hm_notary_parse(struct hm_notary **ret, struct hm_slice text, uint8_t type, struct hm_fail *fail)
{
	static const char wrong[] = "private key: not one line PRIVATE+KEY+NAME+ID+BASE64 (`hallmark keygen --log` or `--witness` makes it)";
	HM_CLEANUP(hm_notary_cleanup) struct hm_notary *n = NULL;
	struct hm_bytes typed = { 0 };
	struct hm_slice name, id;
	char hex[9];
	int r = HM_E_BAD;

	if (text.len && text.data[text.len - 1] == '\n')
		text.len--;
	if (text.len < strlen(HEAD) || memcmp(text.data, HEAD, strlen(HEAD)) != 0)
		return hm_fail_set(fail, HM_E_BAD, "%s", wrong);
	text.data += strlen(HEAD);
	text.len -= strlen(HEAD);
	name = until_plus(&text);
	id = until_plus(&text);
	hm_bytes_reserve(&typed, 4 * (1 + HM_SEED)); /* so that no copy is left behind by growing */
	if (text.len == 44 && hm_text_unbase64(&typed, text) == 0 && typed.len == 1 + HM_SEED)
		r = make(&n, name, typed.data[0], typed.data + 1, fail);
	if (r == 0 && !hm_slice_eq(id, hm_slice_text(hm_text_hex_into(hex, (struct hm_slice){ n->public.id, 4 }))))
		r = HM_E_BAD;
	OPENSSL_cleanse(typed.data, typed.cap);
	hm_bytes_release(&typed);
	if (r < 0)
		return hm_fail_set(fail, r, "%s", wrong);
	if (n->public.type != type)
		return hm_fail_set(fail, HM_E_BAD, "private key: it is a %s's key, and a %s's is wanted",
				   n->public.type == HM_KEY_LOG ? "log" : "witness", type == HM_KEY_LOG ? "log" : "witness");
	*ret = hm_take_ptr(&n);
	return 0;
}

static void free_digest(EVP_MD_CTX **context)
{
	EVP_MD_CTX_free(*context);
}

int hm_notary_sign(const struct hm_notary *n, struct hm_slice text, uint64_t time, struct hm_bytes *line, struct hm_fail *fail)
{
	HM_CLEANUP(free_digest) EVP_MD_CTX *context = EVP_MD_CTX_new();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes message = { 0 }, blob = { 0 };
	uint8_t signature[SIGNATURE];
	size_t len = sizeof(signature);

	hm_bytes_append(&blob, n->public.id, 4);
	if (n->public.type == HM_KEY_WITNESS) {
		hm_note_cosigned(&message, time, text);
		for (int shift = 56; shift >= 0; shift -= 8)
			hm_bytes_u8(&blob, (uint8_t)(time >> shift));
	} else {
		hm_bytes_slice(&message, text);
	}
	if (!context || EVP_DigestSignInit(context, NULL, NULL, NULL, n->key) != 1 ||
	    EVP_DigestSign(context, signature, &len, message.data, message.len) != 1 || len != SIGNATURE) {
		ERR_clear_error();
		return hm_fail_set(fail, HM_E_SYSTEM, "signing: libcrypto refuses");
	}
	hm_bytes_append(&blob, signature, SIGNATURE);
	hm_bytes_printf(line, "\xe2\x80\x94 %s ", n->public.name);
	hm_text_base64(line, hm_slice_of(&blob));
	hm_bytes_u8(line, '\n');
	return 0;
}
