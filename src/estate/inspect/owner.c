/* Whose is the file? Only what shows a row is asked about, at the end of the walk: the lists of files that dpkg and apk keep are read once more, and no map
 * of all files is ever held. Whose own package it is, is for others to say. */
#include "inspect_internal.h"

#include <stdlib.h>
#include <string.h>

#define LIST_MAX ((size_t)64 << 20)

static int by_path(const void *va, const void *vb)
{
	const struct inspect_held *a = va, *b = vb;

	return strcmp(a->o.path ? a->o.path : "", b->o.path ? b->o.path : "");
}

static void own_path(struct inspect *s, const char *path, const char *package)
{
	size_t low = 0, high = s->held_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(s->held[middle].o.path ? s->held[middle].o.path : "", path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < s->held_count && s->held[low].o.path && strcmp(s->held[low].o.path, path) == 0; low++)
		if (!s->held[low].owner)
			s->held[low].owner = hm_strdup(package);
}

/* Lists say /lib where the folder is /usr/lib, or the reverse. */
static void own(struct inspect *s, struct hm_slice path, const char *package)
{
	HM_FREE char *plain = hm_sprintf("/%.*s", (int)(path.len < 8192 ? path.len : 8192), (const char *)path.data);
	HM_FREE char *merged = hm_sprintf("/usr%s", plain);

	own_path(s, plain, package);
	if (strncmp(plain, "/lib", 4) == 0 || strncmp(plain, "/bin/", 5) == 0 || strncmp(plain, "/sbin/", 6) == 0)
		own_path(s, merged, package);
}

static bool next_line(struct hm_slice *text, struct hm_slice *line)
{
	const uint8_t *end = text->len ? memchr(text->data, '\n', text->len) : NULL;
	size_t len = end ? (size_t)(end - text->data) : text->len;

	if (text->len == 0)
		return false;
	*line = (struct hm_slice){ text->data, len };
	text->data += len + (end != NULL);
	text->len -= len + (end != NULL);
	return true;
}

static void read_dpkg(struct inspect *s, const char *file, struct hm_slice text)
{
	const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
	HM_FREE char *package = hm_strdup(name);
	struct hm_slice line;

	package[strcspn(package, ":")] = 0;
	if (strlen(package) > 5 && strcmp(package + strlen(package) - 5, ".list") == 0)
		package[strlen(package) - 5] = 0;
	while (next_line(&text, &line))
		if (line.len > 1 && line.data[0] == '/')
			own(s, (struct hm_slice){ line.data + 1, line.len - 1 }, package);
}

static void read_apk(struct inspect *s, struct hm_slice text)
{
	HM_FREE char *package = hm_strdup(""), *folder = hm_strdup("");
	struct hm_slice line;

	while (next_line(&text, &line)) {
		struct hm_slice rest = { line.data + 2, line.len - 2 };

		if (line.len < 2 || line.data[1] != ':')
			continue;
		if (line.data[0] == 'P') {
			free(package);
			package = hm_slice_dup(rest);
		} else if (line.data[0] == 'F') {
			free(folder);
			folder = hm_slice_dup(rest);
		} else if (line.data[0] == 'R') {
			HM_CLEANUP(hm_bytes_release) struct hm_bytes path = { 0 };

			hm_bytes_printf(&path, "%s/", folder);
			hm_bytes_slice(&path, rest);
			own(s, hm_slice_of(&path), package);
		}
	}
}

static bool is_list(const char *path)
{
	static const char info[] = "/var/lib/dpkg/info/";
	size_t len = strlen(path);

	return strncmp(path, info, sizeof(info) - 1) == 0 && len > 5 && strcmp(path + len - 5, ".list") == 0;
}

static int each(void *cookie, struct hm_target *target, const struct hm_entry *e, struct hm_fail *fail)
{
	struct inspect *s = cookie;
	const struct hm_inspect_counts nothing = { 0 };
	int r = ++s->number % 1024 == 0 ? s->sink->count(s->sink->cookie, &nothing, fail) : 0;
	bool list = e->type == HM_ENTRY_FILE && !e->outer && is_list(e->path);
	bool apk = e->type == HM_ENTRY_FILE && !e->outer && strcmp(e->path, "/lib/apk/db/installed") == 0;
	struct hm_slice bytes;
	struct hm_fail why = { 0 };

	if (r != 0 || (!list && !apk) || hm_target_bytes(target, LIST_MAX, &bytes, &why) != 0)
		return r;
	if (list)
		read_dpkg(s, e->path, bytes);
	else
		read_apk(s, bytes);
	return 0;
}

static int on_name(void *cookie, const char *name)
{
	struct inspect *s = cookie;
	HM_FREE char *path = hm_sprintf("/var/lib/dpkg/info/%s", name);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };
	struct hm_fail why = { 0 };

	if (is_list(path) && hm_target_other(s->target, path, LIST_MAX, &bytes, &why) == 0)
		read_dpkg(s, path, hm_slice_of(&bytes));
	return 0;
}

int inspect_settle(struct inspect *s, struct hm_fail *fail)
{
	int r = 0;

	if (s->held_count == 0)
		return 0;
	qsort(s->held, s->held_count, sizeof(*s->held), by_path);
	if (hm_target_names(s->target, "var/lib/dpkg/info", on_name, s) == 0) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes apk = { 0 };
		struct hm_fail why = { 0 };

		if (hm_target_other(s->target, "lib/apk/db/installed", LIST_MAX, &apk, &why) == 0)
			read_apk(s, hm_slice_of(&apk));
	} else {
		r = hm_target_walk(s->target, each, s, fail);
	}
	for (size_t i = 0; r == 0 && i < s->held_count; i++) {
		struct inspect_held *h = &s->held[i];

		h->o.outer = h->owner;
		r = s->sink->observe(s->sink->cookie, &h->o, fail);
		h->o.outer = NULL;
	}
	return r;
}

void inspect_release_held(struct inspect *s)
{
	for (size_t i = 0; i < s->held_count; i++) {
		struct hm_observation *o = &s->held[i].o;

		free((char *)(uintptr_t)o->value);
		free((char *)(uintptr_t)o->detail);
		free((char *)(uintptr_t)o->path);
		free((char *)(uintptr_t)o->source);
		free((char *)(uintptr_t)o->sha256);
		free(s->held[i].owner);
	}
	free(s->held);
}
