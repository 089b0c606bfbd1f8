#include <expat.h>

#include "plist_internal.h"

/* plist is 1 deep, its dictionary 2, keys and values 3, what is in an array 4. */
struct reading {
	XML_Parser parser;
	hm_plist_fn each;
	void *cookie;
	unsigned depth;
	bool dictionary, array, taken; /* the outermost; what is read in it; the key has its value */
	char *key;
	struct hm_bytes text;
	int result;
};

static void release(struct reading *r)
{
	XML_ParserFree(r->parser);
	free(r->key);
	hm_bytes_release(&r->text);
}

static void on_start(void *cookie, const XML_Char *name, const XML_Char **attributes HM_UNUSED)
{
	struct reading *r = cookie;

	r->depth++;
	r->text.len = 0;
	if (r->depth == 2)
		r->dictionary = strcmp(name, "dict") == 0;
	if (r->depth == 3)
		r->array = strcmp(name, "array") == 0;
}

static void on_text(void *cookie, const XML_Char *text, int len)
{
	struct reading *r = cookie;

	if (len > 0 && r->depth >= 3 && r->depth <= 4 && r->text.len + (size_t)len <= PLIST_TEXT)
		hm_bytes_append(&r->text, text, (size_t)len);
}

static void tell(struct reading *r, const char *value)
{
	if (!r->key || r->taken || !*value)
		return;
	r->taken = true;
	r->result = r->each(r->cookie, r->key, value);
	if (r->result != 0)
		XML_StopParser(r->parser, XML_FALSE);
}

static void on_end(void *cookie, const XML_Char *name)
{
	struct reading *r = cookie;
	bool key = strcmp(name, "key") == 0, text = strcmp(name, "string") == 0, truth = strcmp(name, "true") == 0 || strcmp(name, "false") == 0;
	HM_FREE char *value = (key || text) && r->dictionary && (r->depth == 3 || (r->depth == 4 && r->array)) ? hm_slice_dup(hm_slice_of(&r->text)) : NULL;

	if (key && value && r->depth == 3) {
		free(r->key);
		r->key = hm_take_ptr(&value);
		r->taken = false;
	} else if (text && value) {
		tell(r, value);
	} else if (truth && r->dictionary && r->depth == 3) {
		tell(r, name);
	}
	/* A dictionary or an array without texts is a value, too. */
	if (r->depth == 3 && !key)
		r->taken = true;
	r->text.len = 0;
	r->depth--;
}

/* Property lists declare none. */
static void on_entity(void *cookie, const XML_Char *name HM_UNUSED, int parameter HM_UNUSED, const XML_Char *value HM_UNUSED, int len HM_UNUSED, const XML_Char *base HM_UNUSED,
		      const XML_Char *system HM_UNUSED, const XML_Char *public HM_UNUSED, const XML_Char *notation HM_UNUSED)
{
	struct reading *r = cookie;

	XML_StopParser(r->parser, XML_FALSE);
}

int plist_xml(struct hm_slice bytes, hm_plist_fn each, void *cookie, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct reading r = { .parser = XML_ParserCreate(NULL), .each = each, .cookie = cookie };

	if (!r.parser || bytes.len > INT32_MAX)
		return hm_fail_set(fail, HM_E_BAD, "no property list that can be read");
	XML_SetUserData(r.parser, &r);
	XML_SetElementHandler(r.parser, on_start, on_end);
	XML_SetCharacterDataHandler(r.parser, on_text);
	XML_SetEntityDeclHandler(r.parser, on_entity);
	if (XML_Parse(r.parser, (const char *)bytes.data, (int)bytes.len, 1) == XML_STATUS_OK || r.result != 0)
		return r.result;
	return hm_fail_set(fail, HM_E_BAD, "no property list, or a damaged one: %s", XML_ErrorString(XML_GetErrorCode(r.parser)));
}
