/* Lock files that are no JSON: yarn.lock (1, and Berry's, which is YAML) and pnpm-lock.yaml. They tell what a project wants, not what is there: present. Only the lines that
 * name a package are read; both formats are written by programs, one entry a line. */
#include "source_internal.h"

static bool blank(uint8_t c)
{
	return c == ' ' || c == '\t';
}

static struct hm_slice unquoted(struct hm_slice s)
{
	s = hm_source_trim(s);
	if (s.len >= 2 && (*s.data == '"' || *s.data == '\'') && s.data[s.len - 1] == *s.data)
		return (struct hm_slice){ s.data + 1, s.len - 2 };
	return s;
}

/* "name@range" or "@scope/name@range": the name; empty where there is no range. */
static struct hm_slice name_of(struct hm_slice key, struct hm_slice *range)
{
	const uint8_t *at = key.len > 1 ? memchr(key.data + 1, '@', key.len - 1) : NULL;

	if (!at)
		return (struct hm_slice){ NULL, 0 };
	*range = (struct hm_slice){ at + 1, (size_t)(key.data + key.len - at - 1) };
	return (struct hm_slice){ key.data, (size_t)(at - key.data) };
}

/* An entry is a line at the margin, `"name@range", name@range:`, and below it `version "1"` or `version: 1`. */
int hm_source_yarn(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_cursor c = hm_cursor_of(bytes);
	struct hm_slice name = { NULL, 0 }, line, range = { NULL, 0 };
	int r = 0;

	while (r == 0 && hm_source_line(&c, &line)) {
		if (line.len == 0 || *line.data == '#')
			continue;
		if (!blank(*line.data)) {
			const uint8_t *comma = memchr(line.data, ',', line.len);
			struct hm_slice first = { line.data, comma ? (size_t)(comma - line.data) : line.len };

			if (!comma && first.data[first.len - 1] == ':')
				first.len--;
			first = unquoted(first);
			if (first.len && (*first.data == '"' || *first.data == '\''))
				first = (struct hm_slice){ first.data + 1, first.len - 1 };
			name = name_of(first, &range);
			/* A project's own folders, and what goes by another name. */
			if (range.len > 10 && memcmp(range.data, "workspace:", 10) == 0)
				name.len = 0;
			else if (range.len > 4 && memcmp(range.data, "npm:", 4) == 0 && memchr(range.data + 5, '@', range.len - 5))
				name = name_of((struct hm_slice){ range.data + 4, range.len - 4 }, &range);
			continue;
		}
		line = hm_source_trim(line);
		if (name.len && line.len > 8 && memcmp(line.data, "version", 7) == 0 && (line.data[7] == ' ' || line.data[7] == ':')) {
			struct hm_source_package package = { .name = name, .version = unquoted((struct hm_slice){ line.data + 8, line.len - 8 }), .present = true };

			r = hm_source_package(out, &package);
			name.len = 0;
		}
	}
	return r;
}

/* Below `packages:`, two blanks in: "/@scope/name@1.0(peer)", "@scope/name@1.0", or before version 6 "/@scope/name/1.0". */
static int pnpm_entry(struct hm_source_out *out, struct hm_slice key)
{
	struct hm_source_package package = { .present = true };
	const uint8_t *paren;

	key = unquoted(key);
	if (key.len && *key.data == '/')
		key = (struct hm_slice){ key.data + 1, key.len - 1 };
	paren = key.len ? memchr(key.data, '(', key.len) : NULL;
	if (paren)
		key.len = (size_t)(paren - key.data);
	package.name = name_of(key, &package.version);
	if (!package.name.len && key.len) {
		const uint8_t *slash = memrchr(key.data, '/', key.len);

		if (!slash)
			return 0;
		package.name = (struct hm_slice){ key.data, (size_t)(slash - key.data) };
		package.version = (struct hm_slice){ slash + 1, (size_t)(key.data + key.len - slash - 1) };
	}
	return package.name.len ? hm_source_package(out, &package) : 0;
}

int hm_source_pnpm(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_cursor c = hm_cursor_of(bytes);
	struct hm_slice line;
	bool inside = false;
	int r = 0;

	while (r == 0 && hm_source_line(&c, &line)) {
		if (line.len == 0)
			continue;
		if (!blank(*line.data))
			inside = hm_slice_eq(line, HM_SLICE("packages:"));
		else if (inside && line.len > 3 && line.data[1] == ' ' && !blank(line.data[2]) && line.data[2] != '#' && line.data[line.len - 1] == ':')
			r = pnpm_entry(out, (struct hm_slice){ line.data + 2, line.len - 3 });
	}
	return r;
}
