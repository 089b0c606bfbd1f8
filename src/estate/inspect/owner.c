/* Whose is the file? Only what shows a row is asked about, at the end of the walk: the lists of files that package databases keep are read once more, and no map
 * of all files is ever held. Whose own package it is, is for others to say. */
#include "again.h"

#include <stdlib.h>
#include <string.h>

#define LIST_MAX ((size_t)1 << 30) /* of rpm, all is one */

/* Who asks: the system whose lists are read. */
struct asked {
	struct inspect *s;
	const char *root; /* as held; NULL: the target's own */
	const char *package;
};

static const char *some(const char *text)
{
	return text ? text : "";
}

/* By system, then by path. */
static int compare(const struct inspect_held *h, const char *root, const char *path)
{
	int r = strcmp(some(h->root), some(root));

	return r ? r : strcmp(some(h->o.path), path);
}

static int by_path(const void *va, const void *vb)
{
	const struct inspect_held *b = vb;

	return compare(va, b->root, some(b->o.path));
}

static void own_path(const struct asked *a, const char *path)
{
	struct inspect *s = a->s;
	size_t low = 0, high = s->held_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&s->held[middle], a->root, path) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < s->held_count && compare(&s->held[low], a->root, path) == 0; low++)
		if (!s->held[low].owner)
			s->held[low].owner = hm_strdup(a->package);
}

/* Lists say /lib where the folder is /usr/lib, or the reverse. */
static void own(const struct asked *a, struct hm_slice path)
{
	HM_FREE char *plain = hm_sprintf("/%.*s", (int)(path.len < 8192 ? path.len : 8192), (const char *)path.data);
	HM_FREE char *merged = hm_sprintf("/usr%s", plain);

	own_path(a, plain);
	if (strncmp(plain, "/lib", 4) == 0 || strncmp(plain, "/bin/", 5) == 0 || strncmp(plain, "/sbin/", 6) == 0)
		own_path(a, merged);
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

static void read_dpkg(struct asked *a, const char *file, struct hm_slice text)
{
	const char *slash = strrchr(file, '/'), *name = slash ? slash + 1 : file;
	HM_FREE char *package = hm_strdup(name);
	struct hm_slice line;

	package[strcspn(package, ":")] = 0;
	if (strlen(package) > 5 && strcmp(package + strlen(package) - 5, ".list") == 0)
		package[strlen(package) - 5] = 0;
	a->package = package;
	while (next_line(&text, &line))
		if (line.len > 1 && line.data[0] == '/')
			own(a, (struct hm_slice){ line.data + 1, line.len - 1 });
}

static void read_apk(struct asked *a, struct hm_slice text)
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
			a->package = package;
			own(a, hm_slice_of(&path));
		}
	}
}

/* /var/lib/pacman/local/NAME-VERSION-RELEASE/files: paths below %FILES%, up to an empty line. */
static bool is_pacman(const char *path)
{
	static const char local[] = "/var/lib/pacman/local/";
	const char *slash = strrchr(path, '/');

	return strncmp(path, local, sizeof(local) - 1) == 0 && strcmp(slash, "/files") == 0;
}

static void read_pacman(struct asked *a, const char *file, struct hm_slice text)
{
	const char *name = file + strlen("/var/lib/pacman/local/");
	HM_FREE char *package = hm_slice_dup((struct hm_slice){ (const uint8_t *)name, strcspn(name, "/") });
	struct hm_slice line;
	bool inside = false;

	for (int i = 0; i < 2 && strrchr(package, '-'); i++)
		*strrchr(package, '-') = 0;
	a->package = package;
	while (next_line(&text, &line)) {
		if (line.len == 0 || line.data[0] == '%')
			inside = hm_slice_eq(line, HM_SLICE("%FILES%"));
		else if (inside && line.data[line.len - 1] != '/')
			own(a, line);
	}
}

static bool is_list(const char *path)
{
	static const char info[] = "/var/lib/dpkg/info/";
	size_t len = strlen(path);

	return strncmp(path, info, sizeof(info) - 1) == 0 && len > 5 && strcmp(path + len - 5, ".list") == 0;
}

/* A package of another database and a file of it. */
static void on_file(void *cookie, struct hm_slice package, struct hm_slice path)
{
	struct asked *a = cookie;
	HM_FREE char *name = hm_slice_dup(package);

	a->package = name;
	own(a, path);
}

/* Some file of the system: is it one that lists? */
static bool lists(const char *path)
{
	const struct hm_source *source = hm_source_for(hm_slice_text(path), (struct hm_slice){ NULL, 0 });

	return is_list(path) || is_pacman(path) || strcmp(path, "/lib/apk/db/installed") == 0 || strcmp(path, "/usr/lib/apk/db/installed") == 0 || (source && hm_source_lists(source, hm_slice_text(path)));
}

static void read_list(struct asked *a, const char *path, struct hm_slice bytes)
{
	const struct hm_source_file file = { .path = hm_slice_text(path), .bytes = bytes };

	if (is_list(path))
		read_dpkg(a, path, bytes);
	else if (is_pacman(path))
		read_pacman(a, path, bytes);
	else if (strstr(path, "lib/apk/db/installed"))
		read_apk(a, bytes);
	else
		hm_source_list(hm_source_for(file.path, (struct hm_slice){ NULL, 0 }), &file, on_file, a);
}

static int each(void *cookie, struct hm_target *target, const struct hm_entry *e, struct hm_fail *fail HM_UNUSED)
{
	struct inspect *s = cookie;
	struct asked a = { s, e->root, NULL };
	struct hm_slice bytes;
	struct hm_fail why = { 0 };

	if (e->type == HM_ENTRY_FILE && (!e->outer || e->root) && lists(e->path) && hm_target_bytes(target, LIST_MAX, &bytes, &why) == 0)
		read_list(&a, e->path, bytes);
	return 0;
}

static void ask_file(struct asked *a, const char *path)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };
	struct hm_fail why = { 0 };

	if (hm_target_other_in(a->s->target, a->root, path, LIST_MAX, &bytes, &why) == 0)
		read_list(a, path, hm_slice_of(&bytes));
}

static int on_name(void *cookie, const char *name)
{
	HM_FREE char *path = hm_sprintf("/var/lib/dpkg/info/%s", name);

	if (is_list(path))
		ask_file(cookie, path);
	return 0;
}

static int on_pacman(void *cookie, const char *name)
{
	HM_FREE char *path = hm_sprintf("/var/lib/pacman/local/%s/files", name);

	if (*name != '.')
		ask_file(cookie, path);
	return 0;
}

/* All lists of one system in a folder. */
static void ask_system(struct inspect *s, const char *root)
{
	static const char *const databases[] = {
		"/lib/apk/db/installed",      "/usr/lib/apk/db/installed",	   "/var/lib/rpm/rpmdb.sqlite", "/usr/lib/sysimage/rpm/rpmdb.sqlite", "/usr/share/rpm/rpmdb.sqlite",
		"/var/lib/rpm/Packages.db", "/usr/lib/sysimage/rpm/Packages.db", "/var/lib/rpm/Packages",	"/usr/lib/sysimage/rpm/Packages",
	};
	struct asked a = { s, root, NULL };

	(void)!hm_target_names(s->target, root, "var/lib/dpkg/info", on_name, &a);
	(void)!hm_target_names(s->target, root, "var/lib/pacman/local", on_pacman, &a);
	for (size_t i = 0; i < HM_COUNT(databases); i++)
		ask_file(&a, databases[i]);
}

static int tell_held(struct inspect *s, struct inspect_held *h, struct hm_fail *fail)
{
	/* A package has what its maker signed, too. */
	size_t root = 0, len = h->o.outer && !hm_observation_signer(h->o.outer, &root) ? strlen(h->o.outer) : root;
	HM_FREE char *in_root = h->owner && len ? hm_sprintf("%.*s!%s", (int)len, h->o.outer, h->owner) : NULL;
	struct hm_observation o = h->o;

	if (h->owner)
		o.outer = in_root ? in_root : h->owner;
	return s->sink->observe(s->sink->cookie, &o, fail);
}

int inspect_settle(struct inspect *s, struct hm_fail *fail)
{
	bool names = hm_target_has_names(s->target), walk = s->held_count && !names;
	int r;

	if (s->held_count)
		qsort(s->held, s->held_count, sizeof(*s->held), by_path);
	for (size_t i = 0; i < s->held_count; i++) {
		if (names && !s->held[i].streamed && (i == 0 || strcmp(some(s->held[i].root), some(s->held[i - 1].root)) != 0))
			ask_system(s, s->held[i].root);
		walk = walk || s->held[i].streamed;
	}
	r = walk || s->again ? inspect_again_ask(s, walk ? each : NULL, fail) : 0;
	for (size_t i = 0; r == 0 && i < s->held_count; i++)
		r = tell_held(s, &s->held[i], fail);
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
		free((char *)(uintptr_t)o->outer);
		free(s->held[i].owner);
		free(s->held[i].root);
	}
	free(s->held);
}
