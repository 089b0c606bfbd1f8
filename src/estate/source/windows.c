/* Hives of a Windows system: what the uninstaller's keys list (packages), services and drivers with their programs, and the keys that rows may name.
 *
 * The registry keeps no digests: what it lists is a claim of who installed it, and never more than weak. A service whose program is gone, and a package whose folder is
 * gone, are what stayed behind. */
#include "hive.h"
#include "source_internal.h"

#define KEYS_MAX 400000u
#define DEPTH_MAX 4u

struct windows {
	struct hm_source_out *out;
	struct hm_hive hive;
	size_t budget;
	bool damaged;
	const char *begins; /* of the names of keys: "HKLM\\Software" */
};

static struct hm_slice slice(const char *text)
{
	return text ? hm_slice_text(text) : (struct hm_slice){ NULL, 0 };
}

/* Names that stand for the folder of Windows, and the drive that it is on. Others (%ProgramFiles%, another drive) are not followed. */
static const struct {
	const char *begins, *path;
} places[] = {
	{ "\\SystemRoot\\", "/Windows/" }, { "%SystemRoot%\\", "/Windows/" }, { "%windir%\\", "/Windows/" }, { "system32\\", "/Windows/system32/" },
	{ "\\??\\C:\\", "/" },		   { "C:\\", "/" },
};

/* A path of Windows as the system's own, or NULL. A command line's program is what is quoted, or all up to ".exe" or ".sys". */
static char *path_of(const char *text)
{
	static const char *const ends[] = { ".exe", ".sys", ".dll" };
	const char *quote = *text == '"' ? strchr(text + 1, '"') : NULL;
	HM_FREE char *plain = quote ? hm_slice_dup((struct hm_slice){ (const uint8_t *)text + 1, (size_t)(quote - text - 1) }) : hm_strdup(text);

	for (size_t i = 0; i < HM_COUNT(ends) && !quote; i++) {
		char *end = strcasestr(plain, ends[i]);

		if (end && (end[4] == ' ' || end[4] == 0))
			end[4] = 0;
	}
	for (size_t i = 0; i < HM_COUNT(places); i++) {
		size_t len = strlen(places[i].begins);
		char *path;

		if (strncasecmp(plain, places[i].begins, len) != 0)
			continue;
		path = hm_sprintf("%s%s", places[i].path, plain + len);
		for (char *p = path; *p; p++)
			*p = *p == '\\' ? '/' : *p;
		return path;
	}
	return NULL;
}

static bool is_gone(const struct windows *w, const struct hm_observation *o, const char *where)
{
	const struct hm_source_file *file = w->out->file;
	HM_FREE char *path = where && *where ? path_of(where) : NULL;

	return path && file->there && file->there(file->system, o, path) == 0;
}

/* Below Uninstall. What has no name to show is a part of something else (updates, components). */
static int installed(void *cookie, const struct hm_hive_key *key, const char *name HM_UNUSED)
{
	struct windows *w = cookie;
	HM_FREE char *title = hm_hive_text(key, "DisplayName"), *version = hm_hive_text(key, "DisplayVersion"), *publisher = hm_hive_text(key, "Publisher");
	HM_FREE char *where = hm_hive_text(key, "InstallLocation");
	struct hm_source_package package = { .name = slice(title), .version = slice(version), .vendor = slice(publisher) };
	const struct hm_observation names[] = { { .kind = HM_OBSERVED_PACKAGE, .value = title }, { .kind = HM_OBSERVED_ORGANISATION, .value = publisher } };

	if (!title || !*title || package.name.len > 1024)
		return 0;
	for (size_t i = 0; i < HM_COUNT(names); i++)
		package.residue = package.residue || (names[i].value && is_gone(w, &names[i], where));
	return hm_source_package(w->out, &package);
}

static int each_at(struct windows *w, const char *path, hm_hive_fn each)
{
	struct hm_hive_key root = hm_hive_root(&w->hive), key;

	return hm_hive_find(&root, path, &key) ? hm_hive_each(&key, &w->budget, &w->damaged, each, w) : 0;
}

struct level {
	struct windows *w;
	const char *path;
	unsigned depth;
};

/* A 32-bit program's keys are told as those of any other. Classes are very many, and nobody's own. */
static int tell_key(void *cookie, const struct hm_hive_key *key, const char *name)
{
	const struct level *l = cookie;
	bool view = l->depth == 1 && strcasecmp(name, "WOW6432Node") == 0;
	HM_FREE char *path = hm_sprintf("%s%s%s", l->path, view ? "" : "\\", view ? "" : name);
	struct level below = { l->w, path, view ? 1 : l->depth + 1 };
	int r;

	if (l->depth == 1 && strcasecmp(name, "Classes") == 0)
		return 0;
	r = view ? 0 : hm_source_tell(l->w->out, (struct hm_observation){ .kind = HM_OBSERVED_REGISTRY, .value = path, .state = HM_STATE_RESIDUE });
	if (r == 0 && below.depth <= DEPTH_MAX)
		r = hm_hive_each(key, &l->w->budget, &l->w->damaged, tell_key, &below);
	return r;
}

static int keys_below(struct windows *w, const char *path)
{
	struct hm_hive_key root = hm_hive_root(&w->hive), key;
	struct level l = { w, w->begins, 1 };

	return hm_hive_find(&root, path, &key) ? hm_hive_each(&key, &w->budget, &w->damaged, tell_key, &l) : 0;
}

/* Type: 1 a driver, 2 of a file system; others are programs. Start: 4 never. */
static int service(void *cookie, const struct hm_hive_key *key, const char *name)
{
	struct windows *w = cookie;
	HM_FREE char *image = hm_hive_text(key, "ImagePath"), *path = hm_sprintf("HKLM\\System\\CurrentControlSet\\Services\\%s", name), *detail = NULL;
	uint32_t type = 0, start = 4;
	struct hm_observation o = { .value = name, .state = HM_STATE_INSTALLED };
	int r = hm_source_tell(w->out, (struct hm_observation){ .kind = HM_OBSERVED_REGISTRY, .value = path, .state = HM_STATE_RESIDUE });

	if (r != 0 || !hm_hive_number(key, "Type", &type))
		return r;
	(void)!hm_hive_number(key, "Start", &start);
	o.kind = type == 1 || type == 2 ? HM_OBSERVED_KERNEL_MODULE : HM_OBSERVED_SERVICE;
	if (start >= 4)
		o.state = HM_STATE_PRESENT;
	if (is_gone(w, &o, image))
		o.state = HM_STATE_RESIDUE;
	detail = hm_sprintf("%s; %s%s", image ? image : "no program", start == 0 ? "starts with the system's loader" : start == 1 ? "starts with the system" : start == 2 ? "starts by itself" :
			    start == 3 ? "starts when it is asked for" : "never starts", o.state == HM_STATE_RESIDUE ? "; its program is gone" : "");
	o.detail = detail;
	return hm_source_tell(w->out, o);
}

static int services(struct windows *w)
{
	struct hm_hive_key root = hm_hive_root(&w->hive), select;
	uint32_t current = 1;
	HM_FREE char *path = NULL;

	if (hm_hive_find(&root, "Select", &select))
		(void)!hm_hive_number(&select, "Current", &current);
	path = hm_sprintf("ControlSet%03u\\Services", current);
	return each_at(w, path, service);
}

static bool begin(struct windows *w, struct hm_source_out *out, struct hm_slice bytes, const char *begins)
{
	*w = (struct windows){ .out = out, .budget = KEYS_MAX, .begins = begins };
	if (!hm_hive_open(&w->hive, bytes)) {
		hm_source_leave(out, "no hive of the registry");
		return false;
	}
	if (w->hive.dirty)
		hm_source_leave(out, "the hive was not closed: what its logs hold is not read");
	return true;
}

static int end(const struct windows *w, int r)
{
	if (w->damaged)
		hm_source_leave(w->out, w->budget ? "a part of the hive is damaged" : "more keys than are looked at");
	return r;
}

int hm_source_windows_software(struct hm_source_out *out, struct hm_slice bytes)
{
	struct windows w;
	int r;

	if (!begin(&w, out, bytes, "HKLM\\Software"))
		return 0;
	r = each_at(&w, "Microsoft\\Windows\\CurrentVersion\\Uninstall", installed);
	if (r == 0)
		r = each_at(&w, "WOW6432Node\\Microsoft\\Windows\\CurrentVersion\\Uninstall", installed);
	if (r == 0)
		r = keys_below(&w, "");
	return end(&w, r);
}

int hm_source_windows_system(struct hm_source_out *out, struct hm_slice bytes)
{
	struct windows w;

	return begin(&w, out, bytes, "HKLM\\System") ? end(&w, services(&w)) : 0;
}

int hm_source_windows_user(struct hm_source_out *out, struct hm_slice bytes)
{
	struct windows w;
	int r;

	if (!begin(&w, out, bytes, "HKCU\\Software"))
		return 0;
	r = each_at(&w, "Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall", installed);
	return end(&w, r == 0 ? keys_below(&w, "Software") : r);
}
