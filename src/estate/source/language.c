/* Packages of languages in text form: Python's METADATA, Maven's pom.properties and the manifest of a jar. */
#include "digest.h"
#include "source_internal.h"
#include "text.h"

enum { NAME, VERSION, AUTHOR, MAIL, MAINTAINER, LICENCE, FIELDS };

int hm_source_pypi(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_source_field fields[FIELDS] = { [NAME] = { "Name" }, [VERSION] = { "Version" }, [AUTHOR] = { "Author" },
						  [MAIL] = { "Author-email" }, [MAINTAINER] = { "Maintainer" }, [LICENCE] = { "License" } };
	struct hm_cursor c = hm_cursor_of(bytes);
	struct hm_source_package package = { 0 };
	size_t odd = 0;

	if (!hm_source_stanza(&c, fields, FIELDS, &odd)) {
		hm_source_leave(out, "no header");
		return 0;
	}
	package.name = fields[NAME].value;
	package.version = fields[VERSION].value;
	for (size_t i = AUTHOR; i <= MAINTAINER && !package.vendor.len; i++)
		package.vendor = fields[i].value;
	package.licence = fields[LICENCE].value;
	return hm_source_package(out, &package);
}

/* RECORD: "path,sha256=URLSAFE_BASE64,size" (PEP 376, PEP 427); paths are relative to the folder that holds the .dist-info. */
static int record_line(struct hm_slice line, hm_source_digest_fn each, void *cookie)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 }, sum = { 0 };
	struct hm_source_digest digest = { .kind = HM_SHA256, .len = 32 };
	const uint8_t *mark = line.len ? memmem(line.data, line.len, ",sha256=", 8) : NULL, *end;
	HM_FREE char *name = NULL;

	if (!mark || line.data[0] == '"' || line.data[0] == '/')
		return 0;
	end = memchr(mark + 8, ',', (size_t)(line.data + line.len - mark - 8));
	hm_bytes_append(&text, mark + 8, (size_t)((end ? end : line.data + line.len) - mark - 8));
	for (size_t i = 0; i < text.len; i++)
		text.data[i] = text.data[i] == '-' ? '+' : text.data[i] == '_' ? '/' : text.data[i];
	hm_bytes_text(&text, "=");
	if (hm_text_unbase64(&sum, hm_slice_of(&text)) != 0 || sum.len != 32)
		return 0;
	memcpy(digest.bytes, sum.data, 32);
	name = hm_slice_dup((struct hm_slice){ line.data, (size_t)(mark - line.data) });
	if (strstr(name, ".."))
		return 0; /* scripts beside the packages: they lead out of the folder */
	digest.path = hm_slice_text(name);
	return each(cookie, &digest);
}

int hm_source_pypi_digests(const struct hm_source_file *file, const char *package HM_UNUSED, const struct hm_source_others *other,
			   hm_source_digest_fn each, void *cookie, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes record = { 0 };
	HM_FREE char *path = hm_slice_dup(file->path), *list = NULL;
	char *start = path, *slash;
	struct hm_cursor c;
	struct hm_slice line;
	int r;

	while (*start == '/')
		start++;
	slash = strrchr(start, '/');
	if (!slash)
		return 0;
	slash[1] = 0;
	list = hm_sprintf("%sRECORD", start);
	r = other->read(other->target, list, 64u << 20, &record, fail);
	if (r != 0)
		return r > 0 ? 0 : r;
	c = hm_cursor_of(hm_slice_of(&record));
	while (r == 0 && hm_source_line(&c, &line))
		r = record_line(line, each, cookie);
	return r;
}

/* META-INF/maven/GROUP/ARTIFACT/pom.properties */
int hm_source_maven(struct hm_source_out *out, struct hm_slice bytes)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes name = { 0 };
	struct hm_slice group = { NULL, 0 }, artifact = { NULL, 0 }, version = { NULL, 0 }, line;
	const struct {
		const char *key;
		struct hm_slice *value;
	} wanted[] = { { "groupId", &group }, { "artifactId", &artifact }, { "version", &version } };
	struct hm_source_package package = { 0 };
	struct hm_cursor c = hm_cursor_of(bytes);

	while (hm_source_line(&c, &line)) {
		const uint8_t *equals = line.len ? memchr(line.data, '=', line.len) : NULL;
		size_t length = equals ? (size_t)(equals - line.data) : 0;

		for (size_t i = 0; i < HM_COUNT(wanted); i++)
			if (equals && hm_slice_eq(hm_source_trim((struct hm_slice){ line.data, length }), hm_slice_text(wanted[i].key)))
				*wanted[i].value = hm_source_trim((struct hm_slice){ equals + 1, line.len - length - 1 });
	}
	if (!artifact.len) {
		hm_source_leave(out, "no artifactId");
		return 0;
	}
	hm_bytes_slice(&name, group);
	hm_bytes_u8(&name, ':');
	hm_bytes_slice(&name, artifact);
	package.name = hm_slice_of(&name);
	package.version = version;
	package.vendor = group;
	return hm_source_package(out, &package);
}

enum { TITLE, BUNDLE, IMPLEMENTATION_VERSION, BUNDLE_VERSION, IMPLEMENTATION_VENDOR, BUNDLE_VENDOR, MANIFEST_FIELDS };

/* META-INF/MANIFEST.MF; a value that goes on in the next line ends here, at 72 bytes. */
int hm_source_manifest(struct hm_source_out *out, struct hm_slice bytes)
{
	struct hm_source_field f[MANIFEST_FIELDS] = {
		[TITLE] = { "Implementation-Title" },		 [BUNDLE] = { "Bundle-SymbolicName" },
		[IMPLEMENTATION_VERSION] = { "Implementation-Version" }, [BUNDLE_VERSION] = { "Bundle-Version" },
		[IMPLEMENTATION_VENDOR] = { "Implementation-Vendor" },	 [BUNDLE_VENDOR] = { "Bundle-Vendor" },
	};
	struct hm_cursor c = hm_cursor_of(bytes);
	struct hm_source_package package = { 0 };
	size_t odd = 0;

	if (!hm_source_stanza(&c, f, MANIFEST_FIELDS, &odd))
		return 0;
	package.name = f[f[TITLE].value.len ? TITLE : BUNDLE].value;
	package.version = f[f[IMPLEMENTATION_VERSION].value.len ? IMPLEMENTATION_VERSION : BUNDLE_VERSION].value;
	package.vendor = f[f[IMPLEMENTATION_VENDOR].value.len ? IMPLEMENTATION_VENDOR : BUNDLE_VENDOR].value;
	return package.name.len ? hm_source_package(out, &package) : 0;
}
