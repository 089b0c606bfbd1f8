/* A package's files against the digests that its database keeps. */
#include "digest.h"
#include "source_internal.h"

#define FILE_BYTES_MAX (512u << 20)
#define FILES_MAX 200000u

struct held {
	const struct hm_source_others *other;
	struct hm_slice root;
	unsigned long equal, differ, gone, unread, listed;
};

static int sum_of(const struct hm_source_others *others, const char *path, int kind, uint8_t sum[64], struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };
	int r;

	if (others->sum)
		return others->sum(others->target, path, kind, sum, fail);
	r = others->read(others->target, path, FILE_BYTES_MAX, &bytes, fail);
	if (r != 0)
		return r > 0 ? 0 : r;
	return (int)hm_digest_of(sum, (enum hm_digest_kind)kind, hm_slice_of(&bytes));
}

static int hold(void *cookie, const struct hm_source_digest *digest)
{
	struct held *held = cookie;
	struct hm_fail fail = { 0 };
	uint8_t sum[64];
	HM_CLEANUP(hm_bytes_release) struct hm_bytes path = { 0 };
	struct hm_slice name = digest->path;
	int r;

	if (++held->listed > FILES_MAX) {
		held->unread++;
		return 0;
	}
	while (name.len && *name.data == '/')
		name = (struct hm_slice){ name.data + 1, name.len - 1 };
	hm_bytes_slice(&path, held->root);
	hm_bytes_slice(&path, name);
	hm_bytes_u8(&path, 0);
	r = sum_of(held->other, (const char *)path.data, digest->kind, sum, &fail);
	if (r == HM_E_INTERRUPTED)
		return r;
	if (r == 0)
		held->gone++;
	else if (r < 0 || (size_t)r != digest->len)
		held->unread++;
	else if (memcmp(sum, digest->bytes, digest->len) == 0)
		held->equal++;
	else
		held->differ++;
	return 0;
}

int hm_source_verify(const struct hm_source *source, const struct hm_source_file *file, const char *package,
		     const struct hm_source_others *others, hm_observe_fn observe, void *cookie, struct hm_fail *fail)
{
	struct held held = { .other = others, .root = hm_source_root(source, file->path) };
	HM_FREE char *detail = NULL;
	int r;

	if (!source->digests)
		return 0;
	r = source->digests(file, package, others, hold, &held, fail);
	if (r < 0 && r != HM_E_BAD)
		return r;
	if (held.listed == 0)
		return r;
	detail = hm_sprintf("%lu of %lu files have the digest that the database keeps; %lu differ, %lu are gone, %lu not read",
			    held.equal, held.listed, held.differ, held.gone, held.unread);
	return hm_source_files(source, file, package, held.equal == held.listed, detail, observe, cookie, fail);
}
