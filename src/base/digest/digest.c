#include "digest.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "fs.h"

/* Fetching an algorithm takes longer than hashing a short message with it, so each is fetched once and kept. */
static EVP_MD *fetched[HM_DIGEST_KINDS];

static void fetch_all(void)
{
	static const char *const names[HM_DIGEST_KINDS] = {
		[HM_MD5] = "MD5",	[HM_SHA1] = "SHA1",	[HM_SHA224] = "SHA2-224",
		[HM_SHA256] = "SHA2-256", [HM_SHA384] = "SHA2-384", [HM_SHA512] = "SHA2-512",
	};

	for (size_t i = 0; i < HM_DIGEST_KINDS; i++)
		fetched[i] = EVP_MD_fetch(NULL, names[i], NULL);
	if (!fetched[HM_SHA256])
		abort();
}

static const EVP_MD *digest_named(enum hm_digest_kind kind)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, fetch_all);
	return fetched[kind];
}

static void free_ctx(EVP_MD_CTX **ctx)
{
	EVP_MD_CTX_free(*ctx);
}

/* libcrypto fails here only when memory is short, which ends the process as everywhere. */
static EVP_MD_CTX *begin(const EVP_MD *md)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();

	if (!ctx || EVP_DigestInit_ex2(ctx, md, NULL) != 1)
		abort();
	return ctx;
}

/* Long ones piece by piece, so that of a file that is mapped little is in memory at once. */
static void add(EVP_MD_CTX *ctx, struct hm_slice s)
{
	const size_t most = (size_t)1 << 20;

	while (s.len) {
		struct hm_slice piece = { s.data, s.len < most ? s.len : most };

		if (EVP_DigestUpdate(ctx, piece.data, piece.len) != 1)
			abort();
		if (piece.len == most)
			hm_fs_passed(piece);
		s = (struct hm_slice){ s.data + piece.len, s.len - piece.len };
	}
}

static void end(EVP_MD_CTX *ctx, uint8_t *out)
{
	if (EVP_DigestFinal_ex(ctx, out, NULL) != 1)
		abort();
}

void hm_sha256_of(struct hm_sha256 *out, const struct hm_slice *slices, size_t count)
{
	HM_CLEANUP(free_ctx) EVP_MD_CTX *ctx = begin(digest_named(HM_SHA256));

	for (size_t i = 0; i < count; i++)
		add(ctx, slices[i]);
	end(ctx, out->b);
}

int hm_sha256_file(struct hm_sha256 *out, uint64_t *size, const char *path, struct hm_fail *fail)
{
	HM_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
	HM_CLEANUP(free_ctx) EVP_MD_CTX *ctx = NULL;
	HM_FREE uint8_t *buffer = NULL;
	const size_t chunk = 256 << 10;
	uint64_t total = 0;
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return hm_fail_errno(fail, "hashing %s", path);
	if (!S_ISREG(st.st_mode))
		return hm_fail_set(fail, HM_E_SYSTEM, "hashing %s: not a regular file", path);
	ctx = begin(digest_named(HM_SHA256));
	buffer = hm_alloc(chunk, 1);
	for (;;) {
		ssize_t n = read(fd, buffer, chunk);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hm_fail_errno(fail, "hashing %s", path);
		if (n == 0)
			break;
		add(ctx, (struct hm_slice){ buffer, (size_t)n });
		total += (uint64_t)n;
	}
	end(ctx, out->b);
	if (size)
		*size = total;
	return 0;
}

void hm_hmac_sha256(struct hm_sha256 *out, struct hm_slice key, struct hm_slice message)
{
	static const uint8_t none[1];

	if (key.len > INT32_MAX || !HMAC(EVP_sha256(), key.len ? key.data : none, (int)key.len,
					 message.len ? message.data : none, message.len, out->b, NULL))
		abort();
}

void hm_derive(struct hm_sha256 *out, const uint8_t *seed, const char *label)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes message = { 0 };

	hm_bytes_append(&message, "hallmark/derive/v1", sizeof("hallmark/derive/v1"));
	hm_bytes_text(&message, label);
	hm_hmac_sha256(out, (struct hm_slice){ seed, HM_SHA256_LEN }, hm_slice_of(&message));
}

void hm_seed_commit(struct hm_sha256 *out, const uint8_t *seed)
{
	static const char domain[] = "hallmark/seed/v1"; /* with its NUL */
	struct hm_slice parts[] = { { (const uint8_t *)domain, sizeof(domain) }, { seed, HM_SHA256_LEN } };

	hm_sha256_of(out, parts, HM_COUNT(parts));
}

size_t hm_digest_of(uint8_t out[64], enum hm_digest_kind kind, struct hm_slice s)
{
	const EVP_MD *md = digest_named(kind);
	HM_CLEANUP(free_ctx) EVP_MD_CTX *ctx = NULL;

	if (!md)
		return 0;
	ctx = begin(md);
	add(ctx, s);
	end(ctx, out);
	return (size_t)EVP_MD_get_size(md);
}
