#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <sys/stat.h>

#include "digest.h"
#include "text.h"

static void same_hex(const uint8_t *got, size_t len, const char *want)
{
	char hex[129];

	assert_string_equal(hm_text_hex_into(hex, (struct hm_slice){ got, len }), want);
}

/* FIPS 180-4 and RFC 1321 examples: the digests of "abc". */
static void digests_of_abc(void **state HM_UNUSED)
{
	static const struct {
		enum hm_digest_kind kind;
		const char *hex;
	} rows[] = {
		{ HM_MD5, "900150983cd24fb0d6963f7d28e17f72" },
		{ HM_SHA1, "a9993e364706816aba3e25717850c26c9cd0d89d" },
		{ HM_SHA224, "23097d223405d8228642a477bda255b32aadbce4bda0b3f7e36c9da7" },
		{ HM_SHA256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad" },
		{ HM_SHA384, "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
			     "8086072ba1e7cc2358baeca134c825a7" },
		{ HM_SHA512, "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
			     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f" },
	};
	struct hm_sha256 pieces;
	struct hm_slice abc[] = { HM_SLICE("a"), HM_SLICE(""), { NULL, 0 }, HM_SLICE("bc") };

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		uint8_t out[64];
		size_t len = hm_digest_of(out, rows[i].kind, HM_SLICE("abc"));

		same_hex(out, len, rows[i].hex);
	}
	hm_sha256_of(&pieces, abc, HM_COUNT(abc));
	same_hex(pieces.b, HM_SHA256_LEN, rows[3].hex);
}

/* RFC 4231 test cases 1, 2 and 6 (a key longer than a block), and an empty key. */
static void hmac_of_rfc4231(void **state HM_UNUSED)
{
	uint8_t key[131];
	struct hm_sha256 out;

	memset(key, 0x0b, 20);
	hm_hmac_sha256(&out, (struct hm_slice){ key, 20 }, HM_SLICE("Hi There"));
	same_hex(out.b, sizeof(out.b), "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
	hm_hmac_sha256(&out, HM_SLICE("Jefe"), HM_SLICE("what do ya want for nothing?"));
	same_hex(out.b, sizeof(out.b), "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	hm_hmac_sha256(&out, (struct hm_slice){ key, sizeof(key) },
		       HM_SLICE("Test Using Larger Than Block-Size Key - Hash Key First"));
	same_hex(out.b, sizeof(out.b), "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
	hm_hmac_sha256(&out, (struct hm_slice){ NULL, 0 }, (struct hm_slice){ NULL, 0 });
	same_hex(out.b, sizeof(out.b), "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

/* Values of Python's hashlib and hmac over the same bytes. */
static void seed_commitment_and_derivation(void **state HM_UNUSED)
{
	uint8_t seed[HM_SHA256_LEN];
	struct hm_sha256 out;

	for (size_t i = 0; i < sizeof(seed); i++)
		seed[i] = (uint8_t)i;
	hm_seed_commit(&out, seed);
	same_hex(out.b, sizeof(out.b), "e8dc26df6a5383762c958c7514502a3afd2f94a2bec18ed82b95b3d63b40771c");
	hm_derive(&out, seed, "assign/aa/0");
	same_hex(out.b, sizeof(out.b), "263a27597da61c7c91580028e4d791b46246c7177aeea58b2885dc25896379b8");
}

static void files(void **state HM_UNUSED)
{
	char path[] = "/tmp/hm-digest-XXXXXX";
	HM_CLOSE int fd = mkstemp(path);
	struct hm_sha256 out = { { 7 } };
	struct hm_fail fail;
	uint64_t size = 9;

	assert_true(fd >= 0);
	assert_int_equal(write(fd, "abc", 3), 3);
	assert_int_equal(hm_sha256_file(&out, &size, path, &fail), 0);
	assert_int_equal(size, 3);
	same_hex(out.b, sizeof(out.b), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
	assert_int_equal(unlink(path), 0);

	out.b[0] = 7;
	assert_int_equal(hm_sha256_file(&out, &size, path, &fail), HM_E_SYSTEM);
	assert_int_equal(hm_sha256_file(&out, &size, "/tmp", &fail), HM_E_SYSTEM);
	assert_int_equal(hm_sha256_file(&out, &size, "/dev/zero", &fail), HM_E_SYSTEM);
	assert_int_equal(mkfifo(path, 0600), 0); /* nobody writes to it: it must not wait */
	assert_int_equal(hm_sha256_file(&out, &size, path, &fail), HM_E_SYSTEM);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(out.b[0], 7);
	assert_int_equal(size, 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(digests_of_abc),
		cmocka_unit_test(hmac_of_rfc4231),
		cmocka_unit_test(seed_commitment_and_derivation),
		cmocka_unit_test(files),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
