/* pacman: var/lib/pacman/local/NAME-VERSION/desc, "%KEY%" and its values below, a line each, up to an empty one. */
#include "source_internal.h"

int hm_source_pacman(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_source_package package = { 0 };
	const struct {
		const char *key;
		struct hm_slice *value;
	} wanted[] = { { "%NAME%", &package.name }, { "%VERSION%", &package.version }, { "%PACKAGER%", &package.vendor },
		       { "%LICENSE%", &package.licence } };
	struct hm_cursor c = hm_cursor_of(bytes);
	struct hm_slice line, *slot = NULL;

	while (hm_source_line(&c, &line)) {
		if (slot && line.len && !slot->data)
			*slot = line;
		slot = NULL;
		for (size_t i = 0; i < HM_COUNT(wanted); i++)
			if (hm_slice_eq(line, hm_slice_text(wanted[i].key)))
				slot = wanted[i].value;
	}
	return hm_source_package(out, &package);
}
