/* Flatpak's deployed folders and snaps: both say in a small text file inside what they are. */
#include "source_internal.h"

/* .../flatpak/app/ID/ARCH/BRANCH/COMMIT/metadata, an ini file with "name=" in its first section. */
int hm_source_flatpak(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_source_package package = { .version = hm_source_component(out->file->path, 2) };
	struct hm_cursor c = hm_cursor_of(bytes);
	struct hm_slice line;

	while (!package.name.len && hm_source_line(&c, &line))
		if (line.len > 5 && memcmp(line.data, "name=", 5) == 0)
			package.name = (struct hm_slice){ line.data + 5, line.len - 5 };
	if (!package.name.len) {
		hm_source_leave(out, "no name");
		return 0;
	}
	return hm_source_package(out, &package);
}

/* A scalar may be quoted; nothing that a name or version holds needs an escape. */
static struct hm_slice unquoted(struct hm_slice s)
{
	s = hm_source_trim(s);
	if (s.len >= 2 && (s.data[0] == '"' || s.data[0] == '\'') && s.data[s.len - 1] == s.data[0])
		return (struct hm_slice){ s.data + 1, s.len - 2 };
	return s;
}

/* meta/snap.yaml: top-level scalars of block YAML stand at the beginning of their lines. */
int hm_source_snap(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_source_package package = { 0 };
	const struct {
		const char *key;
		struct hm_slice *value;
	} wanted[] = { { "name:", &package.name }, { "version:", &package.version }, { "license:", &package.licence } };
	struct hm_cursor c = hm_cursor_of(bytes);
	struct hm_slice line;

	while (hm_source_line(&c, &line))
		for (size_t i = 0; i < HM_COUNT(wanted); i++) {
			size_t length = strlen(wanted[i].key);

			if (line.len > length && memcmp(line.data, wanted[i].key, length) == 0 && !wanted[i].value->data)
				*wanted[i].value = unquoted((struct hm_slice){ line.data + length, line.len - length });
		}
	if (!package.name.len) {
		hm_source_leave(out, "no name");
		return 0;
	}
	return hm_source_package(out, &package);
}
