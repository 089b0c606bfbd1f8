/* SPDX 2 as lines "Tag: value". A package begins with PackageName and ends with the next one; it is put into the form that the
 * JSON documents have, and read as these are. Values between <text> and </text> go over several lines and are of no interest. */
#include "cursor.h"
#include "sbom_internal.h"

#define REFERENCES_MAX 64

static const struct {
	const char *tag, *member;
} members[] = {
	{ "PackageName", "name" },	       { "PackageVersion", "versionInfo" },	      { "PackageSupplier", "supplier" },
	{ "PackageOriginator", "originator" }, { "PackageLicenseDeclared", "licenseDeclared" },
};

struct tags {
	struct hm_sbom_out *out;
	json_t *package;
	char *document;
	bool in_text;
};

static struct hm_slice trimmed(struct hm_slice s)
{
	while (s.len && (*s.data == ' ' || *s.data == '\t')) {
		s.data++;
		s.len--;
	}
	while (s.len && (s.data[s.len - 1] == ' ' || s.data[s.len - 1] == '\r'))
		s.len--;
	return s;
}

static json_t *string(struct hm_slice s)
{
	return s.len <= 4096 && !(s.len && memchr(s.data, 0, s.len)) ? json_stringn((const char *)s.data, s.len) : NULL;
}

/* The next word of `s`, which moves behind it. */
static struct hm_slice word(struct hm_slice *s)
{
	size_t n = 0;
	struct hm_slice w;

	*s = trimmed(*s);
	while (n < s->len && s->data[n] != ' ')
		n++;
	w = (struct hm_slice){ s->data, n };
	*s = trimmed((struct hm_slice){ s->data + n, s->len - n });
	return w;
}

static json_t *list_of(json_t *package, const char *name)
{
	json_t *list = json_object_get(package, name);

	if (!list) {
		list = json_array();
		json_object_set_new(package, name, list);
	}
	return list;
}

static void pair(json_t *list, const char *first, struct hm_slice a, const char *second, struct hm_slice b)
{
	json_t *entry = json_object(), *x = string(a), *y = string(b);

	json_object_set_new(entry, first, x ? x : json_null());
	json_object_set_new(entry, second, y ? y : json_null());
	if (json_array_size(list) < REFERENCES_MAX)
		json_array_append_new(list, entry);
	else
		json_decref(entry);
}

static int end_package(struct tags *t)
{
	int r = t->package ? hm_sbom_spdx2(t->out, "packages", t->package) : 0;

	json_decref(t->package);
	t->package = NULL;
	return r;
}

static int take(struct tags *t, struct hm_slice tag, struct hm_slice value)
{
	int r = 0;

	if (hm_slice_eq(tag, HM_SLICE("DocumentName")) && !t->document && value.len && value.len <= 1024)
		t->out->described = t->document = hm_slice_dup(value);
	if (hm_slice_eq(tag, HM_SLICE("PackageName"))) {
		r = end_package(t);
		t->package = json_object();
	}
	if (!t->package || r != 0)
		return r;
	for (size_t i = 0; i < HM_COUNT(members); i++)
		if (hm_slice_eq(tag, hm_slice_text(members[i].tag)))
			json_object_set_new(t->package, members[i].member, string(value));
	if (hm_slice_eq(tag, HM_SLICE("ExternalRef"))) {
		struct hm_slice type;

		word(&value);
		type = word(&value);
		pair(list_of(t->package, "externalRefs"), "referenceType", type, "referenceLocator", value);
	} else if (hm_slice_eq(tag, HM_SLICE("PackageChecksum"))) {
		struct hm_slice algorithm = word(&value);

		algorithm.len -= algorithm.len && algorithm.data[algorithm.len - 1] == ':';
		pair(list_of(t->package, "checksums"), "algorithm", algorithm, "checksumValue", value);
	}
	return 0;
}

static int one_line(struct tags *t, struct hm_slice line)
{
	const uint8_t *colon = line.len ? memchr(line.data, ':', line.len) : NULL;
	struct hm_slice value;

	if (t->in_text || !colon) {
		t->in_text = t->in_text && !(line.len && memmem(line.data, line.len, "</text>", 7));
		return 0;
	}
	value = trimmed((struct hm_slice){ colon + 1, (size_t)(line.data + line.len - colon - 1) });
	if (value.len >= 6 && memcmp(value.data, "<text>", 6) == 0) {
		t->in_text = !memmem(value.data, value.len, "</text>", 7);
		return 0;
	}
	return take(t, (struct hm_slice){ line.data, (size_t)(colon - line.data) }, value);
}

int hm_sbom_tagvalue(struct hm_sbom_out *out, struct hm_slice text)
{
	struct tags t = { .out = out };
	struct hm_cursor c = hm_cursor_of(text);
	int r = 0;

	while (r == 0 && hm_cursor_left(&c)) {
		size_t left = hm_cursor_left(&c);
		const uint8_t *newline = memchr(c.at, '\n', left);

		r = one_line(&t, hm_cursor_bytes(&c, newline ? (size_t)(newline - c.at) : left));
		if (newline)
			hm_cursor_u8(&c);
	}
	if (r == 0)
		r = end_package(&t);
	json_decref(t.package);
	out->described = NULL;
	free(t.document);
	return r;
}
