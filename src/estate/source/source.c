/* The table of sources. */
#include "sbom.h"
#include "source_internal.h"

#define MIB (1u << 20)

static int read_sbom(struct hm_source_out *out, struct hm_slice bytes)
{
	HM_FREE char *path = hm_slice_dup(out->file->path);
	struct hm_sbom_file file = { bytes, path, out->file->outer };
	struct hm_fail fail = { 0 };
	int r = hm_sbom_read(&file, out->observe, out->cookie, &fail);

	if ((r == HM_E_BAD || r == HM_E_UNKNOWN) && fail.code == r) {
		hm_source_leave(out, "%s", fail.text);
		return 0;
	}
	return r;
}

static int nothing(struct hm_source_out *out HM_UNUSED, struct hm_slice bytes HM_UNUSED)
{
	return 0;
}

static bool is_cyclonedx(struct hm_slice head)
{
	enum hm_sbom_format format = hm_sbom_sniff(head);

	return format == HM_SBOM_CYCLONEDX || format == HM_SBOM_CYCLONEDX_XML;
}

/* "ADB." and how it is packed. */
static bool is_adb(struct hm_slice head)
{
	return head.len > 4 && memcmp(head.data, "ADB", 3) == 0 && (head.data[3] == '.' || head.data[3] == 'd' || head.data[3] == 'c');
}

static bool is_object(struct hm_slice head)
{
	return head.len > 0 && *head.data == '{';
}

static bool is_control(struct hm_slice head)
{
	return head.len > 9 && memcmp(head.data, "Package: ", 9) == 0;
}

static bool is_hive(struct hm_slice head)
{
	return head.len > 4 && memcmp(head.data, "regf", 4) == 0;
}

static bool is_ole(struct hm_slice head)
{
	return head.len > 8 && memcmp(head.data, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", 8) == 0;
}

static bool is_plist(struct hm_slice head)
{
	while (head.len && strchr(" \t\r\n\xef\xbb\xbf", *head.data) && *head.data) {
		head.data++;
		head.len--;
	}
	return (head.len > 7 && memcmp(head.data, "bplist0", 7) == 0) || (head.len > 5 && (memcmp(head.data, "<?xml", 5) == 0 || memcmp(head.data, "<!DOC", 5) == 0 || memcmp(head.data, "<plis", 5) == 0));
}

static bool is_rpm(struct hm_slice head)
{
	return head.len > 4 && memcmp(head.data, "\xed\xab\xee\xdb", 4) == 0;
}

static bool is_spdx(struct hm_slice head)
{
	enum hm_sbom_format format = hm_sbom_sniff(head);

	return format == HM_SBOM_SPDX2 || format == HM_SBOM_SPDX3 || format == HM_SBOM_SPDX_TAGS;
}

/* "**" in front of a path stands for any folders; '*' is any bytes but a slash. */
static const struct hm_source sources[] = {
	{ "dpkg-sums", { "**var/lib/dpkg/status.d/*.md5sums" }, NULL, 256u * MIB, NULL, nothing, NULL, true, NULL }, /* of the package beside it, which asks for it */
	{ "dpkg", { "**var/lib/dpkg/status", "**var/lib/dpkg/status.d/*" }, NULL, 256u * MIB, NULL, hm_source_dpkg, hm_source_dpkg_digests, true, NULL },
	{ "opkg", { "**usr/lib/opkg/status", "**var/lib/opkg/status", "**lib/opkg/status" }, NULL, 64u * MIB, NULL, hm_source_dpkg, NULL, true, NULL },
	{ "rpm",
	  { "**var/lib/rpm/rpmdb.sqlite", "**usr/lib/sysimage/rpm/rpmdb.sqlite", "**var/lib/rpm/Packages.db", "**usr/lib/sysimage/rpm/Packages.db",
	    "**var/lib/rpm/Packages", "**usr/lib/sysimage/rpm/Packages", "**usr/share/rpm/rpmdb.sqlite", "**.rpmdb/rpmdb.sqlite" },
	  NULL, 1024u * MIB, NULL, hm_source_rpm, hm_source_rpm_digests, true, hm_source_rpm_list },
	{ "rpm-wal", { "**rpmdb.sqlite-wal" }, NULL, 1024u * MIB, NULL, hm_source_rpm_wal, NULL, false, NULL },
	{ "apk", { "**usr/lib/apk/db/installed", "**lib/apk/db/installed" }, NULL, 256u * MIB, NULL, hm_source_apk, hm_source_apk_digests, true, NULL },
	{ "apk-adb", { "**lib/apk/db/installed.adb", "***.adb" }, is_adb, 256u * MIB, NULL, hm_source_adb, NULL, false, NULL },
	{ "pacman", { "**var/lib/pacman/local/*/desc" }, NULL, MIB, NULL, hm_source_pacman, hm_source_pacman_digests, true, NULL },
	{ "flatpak", { "**flatpak/app/*/*/*/*/metadata", "**flatpak/runtime/*/*/*/*/metadata" }, NULL, MIB, NULL, hm_source_flatpak, NULL, false, NULL },
	{ "snap", { "**snap/*/*/meta/snap.yaml", "meta/snap.yaml" }, NULL, MIB, NULL, hm_source_snap, NULL, false, NULL },
	{ "snapd", { "**var/lib/snapd/state.json" }, NULL, 16u * MIB, NULL, hm_source_snapd, NULL, true, NULL },
	{ "windows", { "**SOFTWARE", "**software", "**Software" }, is_hive, 512u * MIB, NULL, hm_source_windows_software, NULL, false, NULL },
	{ "windows", { "**SYSTEM", "**system", "**System" }, is_hive, 512u * MIB, NULL, hm_source_windows_system, NULL, false, NULL },
	{ "windows", { "**NTUSER.DAT", "**ntuser.dat", "**Ntuser.dat" }, is_hive, 256u * MIB, NULL, hm_source_windows_user, NULL, false, NULL },
	{ "msi", { "***.msi", "***.msp", "***.MSI" }, is_ole, 2048u * (uint64_t)MIB, NULL, hm_source_msi, NULL, false, NULL },
	{ "pkgutil", { "**var/db/receipts/*.plist" }, is_plist, MIB, NULL, hm_source_macos_receipt, NULL, false, NULL },
	{ "launchd", { "**Library/LaunchDaemons/*.plist", "**Library/LaunchAgents/*.plist" }, is_plist, MIB, NULL, hm_source_macos_launchd, NULL, false, NULL },
	{ "bundle", { "**Info.plist" }, is_plist, 4u * MIB, NULL, hm_source_macos_bundle, NULL, false, NULL },
	{ "deb", { "**control" }, is_control, MIB, NULL, hm_source_control, NULL, false, NULL },
	{ "rpm-file", { "***.rpm" }, is_rpm, 256u * MIB, NULL, hm_source_rpm_file, NULL, false, NULL },
	{ "pkginfo", { "**.PKGINFO" }, NULL, MIB, NULL, hm_source_pkginfo, NULL, false, NULL },
	{ "npm", { "**node_modules/*/package.json", "**node_modules/@*/*/package.json", "package/package.json" }, NULL, 4u * MIB, "npm", hm_source_npm, NULL, false, NULL },
	{ "npm-lock", { "**package-lock.json", "**.package-lock.json", "**npm-shrinkwrap.json" }, NULL, 16u * MIB, "npm", hm_source_npm_lock, NULL, false, NULL },
	{ "yarn", { "**yarn.lock" }, NULL, 64u * MIB, "npm", hm_source_yarn, NULL, false, NULL },
	{ "pnpm", { "**pnpm-lock.yaml", "**node_modules/.pnpm/lock.yaml" }, NULL, 64u * MIB, "npm", hm_source_pnpm, NULL, false, NULL },
	{ "composer", { "**vendor/composer/installed.json" }, NULL, 16u * MIB, "composer", hm_source_composer, NULL, false, NULL },
	{ "nuget", { "***.deps.json" }, NULL, 16u * MIB, "nuget", hm_source_nuget, NULL, false, NULL },
	{ "conda", { "**conda-meta/*.json" }, is_object, 4u * MIB, "conda", hm_source_conda, NULL, false, NULL },
	{ "pypi", { "***.dist-info/METADATA", "***.egg-info/PKG-INFO", "***.egg-info" }, NULL, 4u * MIB, "pypi", hm_source_pypi, hm_source_pypi_digests, false, NULL },
	{ "maven", { "**META-INF/maven/*/*/pom.properties" }, NULL, MIB, "maven", hm_source_maven, NULL, false, NULL },
	{ "jar", { "**META-INF/MANIFEST.MF" }, NULL, 4u * MIB, NULL, hm_source_manifest, NULL, false, NULL },
	{ "cyclonedx", { "***.json", "***.xml" }, is_cyclonedx, 1024u * MIB, NULL, read_sbom, NULL, false, NULL },
	{ "spdx", { "***.json", "***.spdx", "***.tag", "***.spdx.txt" }, is_spdx, 1024u * MIB, NULL, read_sbom, NULL, false, NULL },
};

/* The pattern's stars take what they have to, from the end on: no path makes this slow. */
static bool fits(const char *p, const uint8_t *s, const uint8_t *end)
{
	const char *star = NULL;
	const uint8_t *mark = NULL;

	while (s < end) {
		if (*p == '*') {
			star = ++p;
			mark = s;
		} else if (*p && (uint8_t)*p == *s) {
			p++;
			s++;
		} else if (star && *mark != '/') {
			p = star;
			s = ++mark;
		} else {
			return false;
		}
	}
	while (*p == '*')
		p++;
	return !*p;
}

static size_t slashes(const char *p)
{
	size_t n = 0;

	for (; *p; p++)
		n += *p == '/';
	return n;
}

/* A pattern with "**" is held against as many components at the path's end as it has itself; NULL, or where these begin. */
static const uint8_t *path_fits(const char *pattern, struct hm_slice path)
{
	const uint8_t *start = path.data, *end = path.data + path.len;
	size_t n;

	while (start < end && *start == '/')
		start++;
	if (strncmp(pattern, "**", 2) != 0)
		return fits(pattern, start, end) ? start : NULL;
	pattern += 2;
	n = slashes(pattern) + 1;
	for (const uint8_t *at = end; at > start; at--)
		if (at[-1] == '/' && --n == 0)
			return fits(pattern, at, end) ? at : NULL;
	return n == 1 && fits(pattern, start, end) ? start : NULL;
}

/* What stands behind the last star has to stand at the path's end: this is all that most paths are asked. */
static bool ends_so(const char *pattern, struct hm_slice path)
{
	const char *star = strrchr(pattern, '*');
	const char *tail = star ? star + 1 : pattern;
	size_t len = strlen(tail);

	return len <= path.len && memcmp(path.data + path.len - len, tail, len) == 0;
}

static const uint8_t *named(const struct hm_source *source, struct hm_slice path)
{
	const uint8_t *at = NULL;

	for (size_t i = 0; !at && i < HM_COUNT(source->paths) && source->paths[i]; i++)
		at = ends_so(source->paths[i], path) ? path_fits(source->paths[i], path) : NULL;
	return at;
}

struct hm_slice hm_source_root(const struct hm_source *source, struct hm_slice path)
{
	const uint8_t *at = named(source, path), *start = path.data;

	while (at && start < at && *start == '/')
		start++;
	return (struct hm_slice){ start, at ? (size_t)(at - start) : 0 };
}

char *hm_source_elsewhere(const struct hm_source *source, struct hm_slice path)
{
	struct hm_slice root = hm_source_root(source, path);
	HM_FREE char *text = source->system && root.len > 1 ? hm_slice_dup((struct hm_slice){ root.data, root.len - 1 }) : NULL;

	return text ? hm_sprintf("/%s", text) : NULL;
}

bool hm_source_lists(const struct hm_source *source, struct hm_slice path)
{
	return source->list && hm_source_root(source, path).len == 0;
}

void hm_source_list(const struct hm_source *source, const struct hm_source_file *file, hm_source_list_fn each, void *cookie)
{
	if (source && source->list)
		source->list(file->bytes, each, cookie);
}

const struct hm_source *hm_source_for(struct hm_slice path, struct hm_slice head)
{
	for (size_t i = 0; path.len && i < HM_COUNT(sources); i++)
		if (named(&sources[i], path) && (!sources[i].head || sources[i].head(head)))
			return &sources[i];
	return NULL;
}

bool hm_source_needs_head(struct hm_slice path)
{
	for (size_t i = 0; path.len && i < HM_COUNT(sources); i++)
		if (named(&sources[i], path))
			return sources[i].head != NULL;
	return false;
}

const char *hm_source_name(const struct hm_source *source)
{
	return source->name;
}

uint64_t hm_source_max(const struct hm_source *source)
{
	return source->max;
}

int hm_source_read(const struct hm_source *source, const struct hm_source_file *file, hm_observe_fn observe, void *cookie, struct hm_fail *fail)
{
	struct hm_source_out out = { .source = source, .file = file, .observe = observe, .cookie = cookie, .fail = fail };
	int r = source->read(&out, file->bytes);

	return r == 0 && out.bad ? HM_E_BAD : r;
}
