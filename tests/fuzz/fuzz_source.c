/* The first byte tells which file of a target the rest is. Whatever it holds: what is observed is a name, and what is left out is told. */
#include "source.h"

static const char *const paths[] = {
	"var/lib/dpkg/status", "lib/apk/db/installed", "var/lib/pacman/local/a-1/desc", "var/lib/rpm/rpmdb.sqlite", "var/lib/rpm/Packages.db",
	"var/lib/rpm/Packages", "flatpak/app/a/b/c/d/metadata", "snap/a/1/meta/snap.yaml", "node_modules/a/package.json", "package-lock.json",
	"a-1.dist-info/METADATA", "META-INF/maven/a/b/pom.properties", "META-INF/MANIFEST.MF", "bom.json",
	"var/lib/snapd/state.json", "control", "a.rpm", ".PKGINFO", "vendor/composer/installed.json", "a.deps.json", "conda-meta/a.json",
	"Windows/System32/config/SOFTWARE", "Windows/System32/config/SYSTEM", "Users/a/NTUSER.DAT",
	"private/var/db/receipts/a.plist", "Library/LaunchDaemons/a.plist", "Applications/A.app/Contents/Info.plist",
	"yarn.lock", "pnpm-lock.yaml", "a.msi",
};

static int observe(void *cookie HM_UNUSED, const struct hm_observation *o, struct hm_fail *fail HM_UNUSED)
{
	if (!o->value || !*o->value || strlen(o->value) > 1024 || !o->source || !*o->source || !*hm_observation_kind_name(o->kind) ||
	    !*hm_observed_state_name(o->state))
		abort();
	return 0;
}

/* The other file of the target is the same one. */
static int other(void *target, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail HM_UNUSED)
{
	const struct hm_slice *bytes = target;

	if (*path == '/' || bytes->len > max)
		abort();
	hm_bytes_slice(out, *bytes);
	return 0;
}

static int there(void *system HM_UNUSED, const struct hm_observation *o, const char *path)
{
	if (*path != '/' || !*o->value)
		abort();
	return (int)strlen(path) % 3 - 1;
}

static void listed(void *cookie HM_UNUSED, struct hm_slice package, struct hm_slice path)
{
	if ((package.len && !package.data) || !path.data)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_source_file file = { .there = there };
	const struct hm_source_others others = { other, NULL, &file.bytes };
	const struct hm_source *source;
	struct hm_fail fail = { 0 };
	int r;

	if (size == 0)
		return 0;
	file.path = hm_slice_text(paths[data[0] % HM_COUNT(paths)]);
	file.bytes = (struct hm_slice){ data + 1, size - 1 };
	source = hm_source_for(file.path, file.bytes);
	if (!source)
		return 0;
	r = hm_source_read(source, &file, observe, NULL, &fail);
	if (r != 0 && (r != HM_E_BAD || !fail.text[0]))
		abort();
	r = hm_source_verify(source, &file, "kesl", &others, observe, NULL, &fail);
	if (r != 0 && r != HM_E_BAD)
		abort();
	hm_source_list(source, &file, listed, NULL);
	free(hm_source_elsewhere(source, file.path));
	return 0;
}
