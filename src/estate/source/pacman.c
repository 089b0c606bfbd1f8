/* Arch and Alpine. pacman: var/lib/pacman/local/NAME-VERSION/desc, "%KEY%" and its values below, a line each, up to an empty one. */
#include "source_internal.h"

/* .PKGINFO, in packages of both that are not unpacked: "key = value". */
int hm_source_pkginfo(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_source_package package = { .present = true };
	const struct {
		const char *key;
		struct hm_slice *value;
	} wanted[] = { { "pkgname", &package.name }, { "pkgver", &package.version }, { "packager", &package.vendor },
		       { "maintainer", &package.vendor }, { "license", &package.licence } };
	struct hm_cursor c = hm_cursor_of(bytes);
	struct hm_slice line;

	while (hm_source_line(&c, &line)) {
		const uint8_t *equals = line.len ? memchr(line.data, '=', line.len) : NULL;
		size_t length = equals ? (size_t)(equals - line.data) : 0;

		for (size_t i = 0; equals && i < HM_COUNT(wanted); i++)
			if (!wanted[i].value->data &&
			    hm_slice_eq(hm_source_trim((struct hm_slice){ line.data, length }), hm_slice_text(wanted[i].key)))
				*wanted[i].value = hm_source_trim((struct hm_slice){ equals + 1, line.len - length - 1 });
	}
	return hm_source_package(out, &package);
}

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
