/* dpkg: var/lib/dpkg/status, and status.d/NAME where an image has no dpkg. Packages that were removed and left configuration
 * behind ("config-files", the `rc` of dpkg -l) are residue. info/NAME.md5sums holds a digest of each file but conffiles. */
#include "digest.h"
#include "source_internal.h"
#include "text.h"

enum { PACKAGE, STATUS, VERSION, MAINTAINER, ARCHITECTURE, FIELDS };

static const struct hm_source_field wanted[FIELDS] = {
	[PACKAGE] = { "Package" }, [STATUS] = { "Status" }, [VERSION] = { "Version" }, [MAINTAINER] = { "Maintainer" },
	[ARCHITECTURE] = { "Architecture" },
};

/* The third word of "want flag state"; a stanza of status.d has none and is installed. */
static struct hm_slice state_of(struct hm_slice status)
{
	const uint8_t *space = status.len ? memrchr(status.data, ' ', status.len) : NULL;

	if (!space)
		return status.len ? status : HM_SLICE("installed");
	return (struct hm_slice){ space + 1, (size_t)(status.data + status.len - space - 1) };
}

int hm_source_dpkg(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_source_field fields[FIELDS];
	struct hm_cursor c = hm_cursor_of(bytes);
	size_t odd = 0;

	memcpy(fields, wanted, sizeof(fields));
	while (hm_source_stanza(&c, fields, FIELDS, &odd)) {
		struct hm_slice state = state_of(fields[STATUS].value);
		struct hm_source_package package = { .name = fields[PACKAGE].value, .version = fields[VERSION].value,
						     .vendor = fields[MAINTAINER].value };
		int r;

		if (hm_slice_eq(state, HM_SLICE("not-installed")))
			continue;
		package.residue = hm_slice_eq(state, HM_SLICE("config-files"));
		package.present = !package.residue && !hm_slice_eq(state, HM_SLICE("installed"));
		r = hm_source_package(out, &package);
		if (r != 0)
			return r;
	}
	if (odd)
		hm_source_leave(out, "%zu lines are not fields", odd);
	return 0;
}

/* A package that is not unpacked: the control file in its control.tar. */
int hm_source_control(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_source_field fields[FIELDS];
	struct hm_cursor c = hm_cursor_of(bytes);
	size_t odd = 0;

	memcpy(fields, wanted, sizeof(fields));
	if (!hm_source_stanza(&c, fields, FIELDS, &odd))
		return 0;
	return hm_source_package(out, &(struct hm_source_package){ .name = fields[PACKAGE].value, .version = fields[VERSION].value,
								   .vendor = fields[MAINTAINER].value, .present = true });
}

/* A package's name and architecture become part of a path: they can hold neither a slash nor a leading dot. */
static bool sound(struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] <= ' ' || s.data[i] > '~' || s.data[i] == '/')
			return false;
	return s.len > 0 && s.len <= 200 && s.data[0] != '.';
}

/* `path` as another package's diversion has it: three lines each, where from, where to, who (":" for the administrator). The package that diverts keeps the place itself. */
static struct hm_slice diverted(struct hm_slice diversions, struct hm_slice path, struct hm_slice package)
{
	struct hm_cursor c = hm_cursor_of(diversions);
	struct hm_slice from, to, who;

	while (hm_source_line(&c, &from) && hm_source_line(&c, &to) && hm_source_line(&c, &who))
		if (from.len == path.len + 1 && to.len > 1 && *to.data == '/' && memcmp(from.data + 1, path.data, path.len) == 0 && !hm_slice_eq(who, package))
			return (struct hm_slice){ to.data + 1, to.len - 1 };
	return path;
}

static int each_line(struct hm_slice text, struct hm_slice diversions, struct hm_slice package, hm_source_digest_fn each, void *cookie)
{
	struct hm_cursor c = hm_cursor_of(text);
	struct hm_slice line;

	while (hm_source_line(&c, &line)) {
		struct hm_source_digest digest = { .kind = HM_MD5, .len = 16 };
		int r;

		if (line.len < 35 || hm_text_unhex(digest.bytes, 16, (struct hm_slice){ line.data, 32 }) != 0)
			continue;
		digest.path = diverted(diversions, hm_source_trim((struct hm_slice){ line.data + 32, line.len - 32 }), package);
		r = each(cookie, &digest);
		if (r != 0)
			return r;
	}
	return 0;
}

/* The folder of the database: "var/lib/dpkg" of "var/lib/dpkg/status". */
static char *beside(const struct hm_source_file *file, const char *format, struct hm_slice name, struct hm_slice arch, const char *ending)
{
	struct hm_slice path = file->path;
	const uint8_t *slash = path.len ? memrchr(path.data, '/', path.len) : NULL;
	HM_FREE char *folder = hm_slice_dup((struct hm_slice){ path.data, slash ? (size_t)(slash - path.data + 1) : 0 });
	HM_FREE char *base = hm_slice_dup(name), *a = hm_slice_dup(arch);
	HM_FREE char *tail = arch.len ? hm_sprintf("%s:%s", base, a) : hm_sprintf("%s", base);
	const char *start = folder;

	while (*start == '/')
		start++;
	return hm_sprintf("%s%s%s%s", start, format, tail, ending);
}

static int sums_of(const struct hm_source_file *file, struct hm_slice name, struct hm_slice arch, const struct hm_source_others *other,
		   struct hm_bytes *sums, struct hm_fail *fail)
{
	HM_FREE char *plain = beside(file, "info/", name, (struct hm_slice){ NULL, 0 }, ".md5sums");
	HM_FREE char *multi = beside(file, "info/", name, arch, ".md5sums");
	HM_FREE char *distroless = beside(file, "", name, (struct hm_slice){ NULL, 0 }, ".md5sums");
	const char *names[] = { multi, plain, distroless };

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		int r = other->read(other->target, names[i], 64u << 20, sums, fail);

		if (r <= 0)
			return r;
	}
	return 1;
}

static int diversions_of(const struct hm_source_file *file, const struct hm_source_others *other, struct hm_bytes *diversions, struct hm_fail *fail)
{
	HM_FREE char *path = beside(file, "diversions", HM_SLICE(""), HM_SLICE(""), "");

	return other->read(other->target, path, 256u << 10, diversions, fail);
}

int hm_source_dpkg_digests(const struct hm_source_file *file, const char *package, const struct hm_source_others *other,
			   hm_source_digest_fn each, void *cookie, struct hm_fail *fail)
{
	struct hm_source_field fields[FIELDS];
	struct hm_cursor c = hm_cursor_of(file->bytes);
	size_t odd = 0;

	memcpy(fields, wanted, sizeof(fields));
	while (hm_source_stanza(&c, fields, FIELDS, &odd)) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes sums = { 0 }, diversions = { 0 };
		int r;

		if (!hm_slice_eq(fields[PACKAGE].value, hm_slice_text(package)) || !sound(fields[PACKAGE].value) ||
		    !sound(fields[ARCHITECTURE].value))
			continue;
		r = sums_of(file, fields[PACKAGE].value, fields[ARCHITECTURE].value, other, &sums, fail);
		if (r < 0)
			return r;
		if (r == 0 && (r = diversions_of(file, other, &diversions, fail)) >= 0)
			return each_line(hm_slice_of(&sums), hm_slice_of(&diversions), fields[PACKAGE].value, each, cookie);
		if (r < 0)
			return r;
	}
	return 0;
}
