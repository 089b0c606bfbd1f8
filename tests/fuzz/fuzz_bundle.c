/* Whatever the container's reader accepts has plain names, members that lie inside the file, and is what the writer makes;
 * what core.json would say of it can be asked without harm. */
#include "bundle_internal.h"

/* Against the input. */
struct same {
	struct hm_sink sink;
	struct hm_slice left;
};

static int put_same(struct hm_sink *sink, struct hm_slice s, struct hm_fail *fail)
{
	struct same *same = (struct same *)sink;

	(void)fail;
	if (s.len > same->left.len || (s.len && memcmp(s.data, same->left.data, s.len) != 0))
		abort();
	same->left.data += s.len;
	same->left.len -= s.len;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_slice input = { data, size };
	struct same same = { .sink = { .put = put_same }, .left = input };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes core = { 0 }, manifest = { 0 };
	struct hm_fail fail;

	if (hm_bundle_read(&parts, input, &fail) < 0)
		return 0;
	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		struct hm_slice content;

		if (!hm_part_name_is_plain(hm_parts_at(parts, i, &content)))
			abort();
		if (content.len && (content.data < data || content.data + content.len > data + size))
			abort();
	}
	if (hm_zip_emit(parts, &same.sink, &fail) < 0 || same.left.len)
		abort();
	if (hm_bundle_core(&core, parts, &fail) == 0 && hm_bundle_manifest(&manifest, parts, &fail) == 0 && !manifest.len)
		abort();
	return 0;
}
