/* cargo auditable: section .dep-v0, zlib over {"packages":[{"name", "version", "source", ...}]}. */
#include <jansson.h>
#include <zlib.h>

#include "binary_internal.h"

#define TEXT_MAX (8u << 20)

static bool inflate_all(struct hm_bytes *out, struct hm_slice in)
{
	z_stream z = { .next_in = (Bytef *)(uintptr_t)in.data, .avail_in = (unsigned)in.len };
	int rc = inflateInit(&z);

	while (rc == Z_OK && out->len < TEXT_MAX) {
		z.next_out = hm_bytes_reserve(out, 65536);
		z.avail_out = 65536;
		rc = inflate(&z, Z_NO_FLUSH);
		out->len += 65536 - z.avail_out;
		if (rc == Z_OK && z.avail_in == 0 && z.avail_out == 65536)
			break;
	}
	inflateEnd(&z);
	return rc == Z_STREAM_END;
}

int hm_binary_rust(struct hm_binary_out *out, struct hm_slice section)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	json_t *root, *entry;
	size_t i;
	int r = 0;

	if (!section.len || !inflate_all(&text, section))
		return 0;
	root = json_loadb((const char *)text.data, text.len, 0, NULL);
	json_array_foreach(json_object_get(root, "packages"), i, entry) {
		const char *name = json_string_value(json_object_get(entry, "name"));
		const char *version = json_string_value(json_object_get(entry, "version"));

		if (name && *name && (r = hm_binary_module(out, "cargo", "cargo", name, version ? version : "")) != 0)
			break;
	}
	json_decref(root);
	return r;
}
