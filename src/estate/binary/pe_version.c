/* The version resource: type 16 in the resource tree, whose first leaf is a VS_VERSIONINFO: nodes {length, length of the value,
 * is it text, key in UTF-16, padding to 4, value, padding, children}; StringFileInfo > language > name = value. */
#include "pe_internal.h"
#include "text.h"

#define DEPTH_MAX 3
#define TYPE_VERSION 16u
#define STRINGS_MAX 64

/* The first leaf below type 16. `tree` is the resource section from its directory on. */
static bool leaf(struct hm_slice tree, uint64_t *rva, uint64_t *len)
{
	uint64_t at = 0;

	for (unsigned depth = 0; depth < DEPTH_MAX; depth++) {
		struct hm_cursor c;
		uint64_t entries, found = 0;

		if (at >= tree.len)
			return false;
		c = hm_cursor_of((struct hm_slice){ tree.data + at, tree.len - (size_t)at });
		hm_cursor_bytes(&c, 12);
		entries = hm_cursor_le(&c, 2);
		entries += hm_cursor_le(&c, 2);
		for (uint64_t i = 0; i < entries && !found && !c.bad; i++) {
			uint64_t id = hm_cursor_le(&c, 4), to = hm_cursor_le(&c, 4);

			if (!c.bad && (depth > 0 || id == TYPE_VERSION))
				found = to;
		}
		if (found == 0)
			return false;
		at = found & 0x7fffffff;
		if (!(found & 0x80000000u))
			break;
	}
	if (at >= tree.len)
		return false;
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ tree.data + at, tree.len - (size_t)at });

	*rva = hm_cursor_le(&c, 4);
	*len = hm_cursor_le(&c, 4);
	return !c.bad;
}

static char *text(struct hm_slice s)
{
	return hm_text_of_utf16(s, 1020);
}

struct node {
	struct hm_slice value, children;
	char *key;
};

static void end_node(struct node *n)
{
	free(n->key);
}

/* Takes the next node off `s`. */
static bool next(struct hm_slice *s, struct node *n)
{
	struct hm_cursor c = hm_cursor_of(*s);
	uint64_t len = hm_cursor_le(&c, 2), value = hm_cursor_le(&c, 2), is_text = hm_cursor_le(&c, 2), at = 6, padded;

	if (c.bad || len < 8 || len > s->len)
		return false;
	while (at + 2 <= len && (s->data[at] || s->data[at + 1]))
		at += 2;
	n->key = text((struct hm_slice){ s->data + 6, (size_t)(at - 6) });
	at = (at + 2 + 3) & ~3ull;
	value *= is_text ? 2 : 1;
	if (at > len)
		at = len;
	if (value > len - at)
		value = len - at;
	n->value = (struct hm_slice){ s->data + at, (size_t)value };
	at = (at + value + 3) & ~3ull;
	if (at > len)
		at = len;
	n->children = (struct hm_slice){ s->data + at, (size_t)(len - at) };
	padded = (len + 3) & ~3ull;
	if (padded > s->len)
		padded = s->len;
	*s = (struct hm_slice){ s->data + padded, s->len - (size_t)padded };
	return true;
}

static int strings(struct hm_binary_out *out, struct hm_slice s, unsigned *count)
{
	static const char *const wanted[] = { "CompanyName", "ProductName", "LegalCopyright", "FileDescription", "OriginalFilename", "LegalTrademarks", "InternalName" };

	while (*count < STRINGS_MAX) {
		HM_CLEANUP(end_node) struct node n = { 0 };
		HM_FREE char *value = NULL;
		int r = 0;

		if (!next(&s, &n))
			break;
		++*count;
		value = text(n.value);
		for (size_t i = 0; i < HM_COUNT(wanted) && r == 0 && *value; i++)
			if (strcmp(n.key, wanted[i]) == 0)
				r = hm_binary_fact(out, HM_FACT_VERSION, "pe", value, n.key);
		if (r != 0)
			return r;
	}
	return 0;
}

int hm_pe_resources(struct hm_binary_out *out, const struct hm_pe *pe)
{
	struct hm_slice tree = hm_pe_at(pe, pe->directory[HM_PE_RESOURCES].at), s;
	HM_CLEANUP(end_node) struct node root = { 0 };
	uint64_t rva, len;
	unsigned count = 0;

	if (pe->directory[HM_PE_RESOURCES].at == 0 || !leaf(tree, &rva, &len))
		return 0;
	s = hm_pe_at(pe, rva);
	if (s.len > len)
		s.len = (size_t)len;
	if (!next(&s, &root) || strcmp(root.key, "VS_VERSION_INFO") != 0)
		return 0;
	s = root.children;
	while (count < STRINGS_MAX) {
		HM_CLEANUP(end_node) struct node info = { 0 };
		struct hm_slice languages;

		if (!next(&s, &info))
			break;
		count++;
		languages = strcmp(info.key, "StringFileInfo") == 0 ? info.children : (struct hm_slice){ NULL, 0 };
		while (count < STRINGS_MAX) {
			HM_CLEANUP(end_node) struct node language = { 0 };
			int r;

			if (!next(&languages, &language))
				break;
			r = strings(out, language.children, &count);
			if (r != 0)
				return r;
		}
	}
	return 0;
}
