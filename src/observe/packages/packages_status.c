/* /var/lib/dpkg/status: deb822 stanzas (deb-substvars(5) calls them paragraphs). Names become parts of paths, so they
 * are held to Debian policy 5.6.1 and 5.6.7 and can hold neither a slash nor a leading dot. */
#include "cursor.h"
#include "packages_internal.h"

#include <strings.h>

struct stanza {
	struct hm_slice package, status, version, arch, multi;
};

static const struct {
	const char *name;
	size_t offset;
} wanted[] = {
	{ "Package", offsetof(struct stanza, package) }, { "Status", offsetof(struct stanza, status) },
	{ "Version", offsetof(struct stanza, version) }, { "Architecture", offsetof(struct stanza, arch) },
	{ "Multi-Arch", offsetof(struct stanza, multi) },
};

bool hm_line_next(struct hm_cursor *c, struct hm_slice *line)
{
	size_t left = hm_cursor_left(c);
	const uint8_t *newline;

	if (left == 0)
		return false;
	newline = memchr(c->at, '\n', left);
	*line = hm_cursor_bytes(c, newline ? (size_t)(newline - c->at) : left);
	if (newline)
		hm_cursor_u8(c);
	return true;
}

static struct hm_slice trimmed(struct hm_slice s)
{
	while (s.len && (*s.data == ' ' || *s.data == '\t')) {
		s.data++;
		s.len--;
	}
	while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\t' || s.data[s.len - 1] == '\r'))
		s.len--;
	return s;
}

/* Lower-case letters, digits and, behind the first, `more`. */
static bool name_is_sound(struct hm_slice s, const char *more)
{
	if (s.len == 0 || s.len > 200)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		uint8_t b = s.data[i];
		bool plain = (b >= 'a' && b <= 'z') || (b >= '0' && b <= '9');

		if (!plain && (i == 0 || b == 0 || !strchr(more, b)))
			return false;
	}
	return true;
}

static bool version_is_sound(struct hm_slice s)
{
	if (s.len == 0 || s.len > 500)
		return false;
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i] <= ' ' || s.data[i] > '~')
			return false;
	return true;
}

/* "want flag state": the third word. */
static bool has_files(struct hm_slice status)
{
	const uint8_t *space = memrchr(status.data, ' ', status.len);
	struct hm_slice state = { space ? space + 1 : status.data, 0 };

	state.len = (size_t)(status.data + status.len - state.data);
	return !hm_slice_eq(state, HM_SLICE("not-installed")) && !hm_slice_eq(state, HM_SLICE("config-files"));
}

static int take_field(struct stanza *s, struct hm_slice line, size_t number, struct hm_fail *fail)
{
	const uint8_t *colon = memchr(line.data, ':', line.len);
	size_t length;

	if (!colon || colon == line.data || memchr(line.data, 0, line.len))
		return hm_fail_set(fail, HM_E_BAD, "dpkg status line %zu: not a field", number);
	length = (size_t)(colon - line.data);
	for (size_t i = 0; i < HM_COUNT(wanted); i++) {
		struct hm_slice *slot = (struct hm_slice *)((char *)s + wanted[i].offset);

		if (strlen(wanted[i].name) != length || strncasecmp(wanted[i].name, (const char *)line.data, length))
			continue;
		if (slot->data)
			return hm_fail_set(fail, HM_E_BAD, "dpkg status line %zu: %s is there twice", number, wanted[i].name);
		*slot = trimmed((struct hm_slice){ colon + 1, line.len - length - 1 });
	}
	return 0;
}

static int end_stanza(const struct stanza *s, hm_status_visit visit, void *cookie, size_t number, struct hm_fail *fail)
{
	HM_FREE char *name = NULL, *version = NULL, *arch = NULL;
	struct hm_package package;

	if (!name_is_sound(s->package, "+-."))
		return hm_fail_set(fail, HM_E_BAD, "dpkg status, stanza before line %zu: no package name, or not one", number);
	if (!s->status.data)
		return hm_fail_set(fail, HM_E_BAD, "dpkg status, stanza before line %zu: no Status", number);
	if (!has_files(s->status))
		return 0;
	if (!version_is_sound(s->version) || !name_is_sound(s->arch, "-"))
		return hm_fail_set(fail, HM_E_BAD, "dpkg status, stanza before line %zu: no version or architecture, or not one",
				   number);
	package.name = name = hm_slice_dup(s->package);
	package.version = version = hm_slice_dup(s->version);
	package.arch = arch = hm_slice_dup(s->arch);
	return visit(cookie, &package, hm_slice_eq(s->multi, HM_SLICE("same")), fail);
}

int hm_status_parse(struct hm_slice text, hm_status_visit visit, void *cookie, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(text);
	struct stanza stanza = { 0 };
	struct hm_slice line;
	bool within = false;
	size_t number = 0;
	int r = 0;

	while (r == 0 && hm_line_next(&c, &line)) {
		number++;
		if (trimmed(line).len == 0) {
			if (within)
				r = end_stanza(&stanza, visit, cookie, number, fail);
			stanza = (struct stanza){ 0 };
			within = false;
		} else if (line.data[0] == ' ' || line.data[0] == '\t') {
			if (!within)
				r = hm_fail_set(fail, HM_E_BAD, "dpkg status line %zu: continues nothing", number);
		} else {
			within = true;
			r = take_field(&stanza, line, number, fail);
		}
	}
	return r == 0 && within ? end_stanza(&stanza, visit, cookie, number + 1, fail) : r;
}
