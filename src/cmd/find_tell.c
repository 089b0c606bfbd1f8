#include "find_tell.h"

#include "text.h"

/* Foreign bytes, shown so that they cannot end a line or move a cursor. */
static void put(struct hm_bytes *out, const json_t *object, const char *name)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };
	struct hm_fail fail;

	if (hm_json_get_bytes(object, name, &bytes, &fail) != 0)
		return;
	for (size_t i = 0; i < bytes.len; i++) {
		uint8_t c = bytes.data[i];

		if (c < ' ' || c == 127 || c == '\\')
			hm_bytes_printf(out, "\\x%02x", c);
		else
			hm_bytes_u8(out, c);
	}
}

static const char *text(const json_t *object, const char *name)
{
	const char *s = json_string_value(json_object_get(object, name));

	return s ? s : "";
}

static size_t traces(struct hm_bytes *out, const json_t *items)
{
	const json_t *item, *piece;
	size_t i, j, n = 0;

	json_array_foreach (items, i, item) {
		json_array_foreach (json_object_get(item, "evidence"), j, piece) {
			hm_bytes_printf(out, "left: %-9s %-13s %s  ", text(piece, "state"), text(piece, "kind"), text(item, "supplier"));
			put(out, piece, "value");
			if (json_object_get(piece, "path") || json_object_get(piece, "path_b64")) {
				hm_bytes_text(out, "  ");
				put(out, piece, "path");
			}
			hm_bytes_printf(out, "  [%s]\n", text(piece, "row"));
			n++;
		}
	}
	return n;
}

int hm_find_gone(struct hm_bytes *out, const json_t *document)
{
	size_t n = traces(out, json_object_get(document, "items")) + traces(out, json_object_get(document, "candidates"));
	const json_t *target;
	bool unread = false;
	size_t i;

	json_array_foreach (json_object_get(document, "targets"), i, target)
		unread = unread || json_integer_value(json_object_get(target, "not_read_count")) > 0;
	if (n == 0)
		hm_bytes_printf(out, "nothing is left%s\n", unread ? " in what could be read" : "");
	return unread ? 2 : n > 0;
}
