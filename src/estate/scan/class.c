/* What a file is worth: by how it begins; texts by their names. */
#include <strings.h>

#include "bases.h"
#include "binary.h"
#include "scan.h"

static bool licence_name(struct hm_slice path)
{
	static const char *const words[] = { "license", "licence", "eula", "copying", "agreement", "legal", "ksn_" };
	const uint8_t *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
	struct hm_slice name = slash ? (struct hm_slice){ slash + 1, (size_t)(path.data + path.len - slash - 1) } : path;

	for (size_t i = 0; i < HM_COUNT(words); i++) {
		size_t len = strlen(words[i]);

		for (size_t at = 0; at + len <= name.len; at++)
			if (strncasecmp((const char *)name.data + at, words[i], len) == 0)
				return true;
	}
	return false;
}

static bool ends(struct hm_slice s, const char *word)
{
	size_t len = strlen(word);

	return s.len >= len && strncasecmp((const char *)s.data + s.len - len, word, len) == 0;
}

/* Below etc, opt, conf and config: where a program is told whom to ask for updates. What a system keeps in usr/share is data. */
static bool settings_name(struct hm_slice path)
{
	static const char *const endings[] = { ".conf", ".cfg", ".ini", ".xml", ".json", ".yaml", ".yml", ".toml", ".properties", ".list" };
	static const char *const folders[] = { "etc", "opt", "conf", "config" };
	bool ending = false;

	for (size_t i = 0; i < HM_COUNT(endings) && !ending; i++)
		ending = ends(path, endings[i]);
	while (ending && path.len) {
		const uint8_t *slash = memrchr(path.data, '/', path.len);

		path.len = slash ? (size_t)(slash - path.data) : 0;
		slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
		for (size_t i = 0; i < HM_COUNT(folders); i++) {
			size_t from = slash ? (size_t)(slash + 1 - path.data) : 0;

			if (hm_slice_eq((struct hm_slice){ path.data + from, path.len - from }, hm_slice_text(folders[i])))
				return true;
		}
	}
	return false;
}

static bool text(struct hm_slice head)
{
	return head.len > 0 && !memchr(head.data, 0, head.len);
}

enum hm_scan_class hm_scan_class(struct hm_slice path, struct hm_slice head)
{
	if (hm_binary_kind(head) != HM_BINARY_NONE)
		return HM_SCAN_EXECUTABLE;
	if (head.len >= 2 && memcmp(head.data, "#!", 2) == 0)
		return HM_SCAN_SCRIPT;
	if (hm_bases_sniff(head, path))
		return HM_SCAN_BASE;
	if (!text(head))
		return HM_SCAN_DATA;
	return licence_name(path) ? HM_SCAN_LICENCE_TEXT : settings_name(path) ? HM_SCAN_SETTINGS : HM_SCAN_DATA;
}
