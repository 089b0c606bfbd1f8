/* The internet's randomness. What OpenSSL draws for a connection is a function of a secret and of what the product said, so
 * that twins that say the same hear the same, however their connections lie in time. One process, one thread: whose stream
 * is drawn from is a matter of who is being served. The method is the process's, libcrypto has none for one connection; in
 * OpenSSL 3 it is deprecated, and what replaces it (a provider of one's own) would say the same in ten times the lines. */
#define OPENSSL_API_COMPAT 10101

#include <openssl/rand.h>
#include <sys/random.h>

#include "tls_internal.h"

static struct draws *current; /* NULL: what is drawn need not be the same again */

void hm_internet_draws_begin(struct draws *d, const uint8_t *secret, const uint8_t address[4], uint16_t port, struct hm_slice said)
{
	const uint8_t to[2] = { (uint8_t)(port >> 8), (uint8_t)port };
	const struct hm_slice of[] = { { address, 4 }, { to, sizeof(to) }, said };
	struct hm_sha256 key, call;

	hm_derive(&key, secret, "internet/draws");
	hm_sha256_of(&call, of, HM_COUNT(of));
	*d = (struct draws){ .used = sizeof(d->block.b) };
	hm_hmac_sha256(&d->key, (struct hm_slice){ key.b, sizeof(key.b) }, (struct hm_slice){ call.b, sizeof(call.b) });
}

void hm_internet_draws_from(struct draws *d)
{
	current = d;
}

static void next_block(struct draws *d)
{
	uint8_t count[8];

	for (size_t i = 0; i < sizeof(count); i++)
		count[i] = (uint8_t)(d->blocks >> (56 - 8 * i));
	hm_hmac_sha256(&d->block, (struct hm_slice){ d->key.b, sizeof(d->key.b) }, (struct hm_slice){ count, sizeof(count) });
	d->blocks++;
	d->used = 0;
}

static int draw(unsigned char *out, int len)
{
	if (!current)
		return getrandom(out, (size_t)len, 0) == len;
	for (int i = 0; i < len; i++) {
		if (current->used == sizeof(current->block.b))
			next_block(current);
		out[i] = current->block.b[current->used++];
	}
	return 1;
}

static int ready(void)
{
	return 1;
}

int hm_internet_draws_open(struct hm_fail *fail)
{
	static const RAND_METHOD method = { .bytes = draw, .pseudorand = draw, .status = ready };

	if (!RAND_set_rand_method(&method))
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot set the randomness of the chamber's internet: OpenSSL refuses");
	return 0;
}
