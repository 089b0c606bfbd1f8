/* How sources observe. */
#include <stdarg.h>
#include <stdio.h>

#include "source_internal.h"

#define NAME_MAX_BYTES 1024u

void hm_source_leave(struct hm_source_out *out, const char *format, ...)
{
	char text[256];
	va_list arguments;

	if (out->bad)
		return;
	out->bad = true;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	hm_fail_set(out->fail, HM_E_BAD, "%s", text);
}

static bool sound(struct hm_slice s)
{
	return s.len > 0 && s.len <= NAME_MAX_BYTES && !memchr(s.data, 0, s.len);
}

/* A value that is too long, or no text, is not told. */
static char *copy(struct hm_slice s)
{
	return sound(s) ? hm_slice_dup(s) : hm_strdup("");
}

/* The rest of the observation is of the file. */
static int tell(const struct hm_source_out *out, struct hm_observation o)
{
	HM_FREE char *path = hm_slice_dup(out->file->path);

	o.path = path;
	o.outer = out->file->outer;
	o.source = out->source->name;
	return out->observe(out->cookie, &o, out->fail);
}

#define PURL_PLAIN "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/"

/* pkg:npm/%40scope/name@version, pkg:pypi/name@version, pkg:maven/group/artifact@version (package-url, "purl-types"), or NULL for a
 * name that would need more than that to be written. */
static char *purl(const char *type, const char *name, const char *version)
{
	bool scope = *name == '@', maven = strcmp(type, "maven") == 0, pypi = strcmp(type, "pypi") == 0;
	size_t plain = strspn(name + scope, maven ? PURL_PLAIN ":" : PURL_PLAIN);
	struct hm_bytes out = { 0 };

	if (name[scope + plain] || plain == 0 || (scope && strcmp(type, "npm") != 0))
		return NULL;
	hm_bytes_printf(&out, "pkg:%s/%s", type, scope ? "%40" : "");
	for (const char *s = name + scope; *s; s++) {
		char c = *s == ':' ? '/' : *s;

		if (pypi)
			c = c == '_' ? '-' : c >= 'A' && c <= 'Z' ? (char)(c + 32) : c;
		hm_bytes_u8(&out, (uint8_t)c);
	}
	if (*version && version[strspn(version, PURL_PLAIN "+")] == 0)
		hm_bytes_printf(&out, "@%s", version);
	hm_bytes_u8(&out, 0);
	return (char *)out.data;
}

int hm_source_package(struct hm_source_out *out, const struct hm_source_package *p)
{
	HM_FREE char *name = NULL, *version = copy(p->version), *vendor = copy(p->vendor), *licence = copy(p->licence), *url = NULL;
	enum hm_observed_state state = p->residue ? HM_STATE_RESIDUE : p->present ? HM_STATE_PRESENT : HM_STATE_INSTALLED;
	int r;

	if (!sound(p->name)) {
		hm_source_leave(out, "a package without a name, or with one of %zu bytes", p->name.len);
		return 0;
	}
	name = hm_slice_dup(p->name);
	r = tell(out, (struct hm_observation){ .kind = HM_OBSERVED_PACKAGE, .value = name, .detail = version, .state = state });
	url = out->source->purl ? purl(out->source->purl, name, version) : NULL;
	if (r == 0 && url)
		r = tell(out, (struct hm_observation){ .kind = HM_OBSERVED_PURL, .value = url, .detail = name, .state = state });
	if (r == 0 && *vendor)
		r = tell(out, (struct hm_observation){ .kind = HM_OBSERVED_ORGANISATION, .value = vendor, .detail = name, .state = state });
	if (r == 0 && *licence)
		r = tell(out, (struct hm_observation){ .kind = HM_OBSERVED_LICENCE, .value = licence, .detail = name, .state = state });
	return r;
}

int hm_source_files(const struct hm_source *source, const struct hm_source_file *file, const char *package, bool verified, const char *detail,
		    hm_observe_fn observe, void *cookie, struct hm_fail *fail)
{
	struct hm_source_out out = { .source = source, .file = file, .observe = observe, .cookie = cookie, .fail = fail };

	return tell(&out, (struct hm_observation){ .kind = HM_OBSERVED_PACKAGE_FILES, .value = package, .detail = detail, .verified = verified,
						   .state = HM_STATE_INSTALLED });
}

int hm_source_tell(struct hm_source_out *out, struct hm_observation o)
{
	return sound(hm_slice_text(o.value)) ? tell(out, o) : 0;
}
