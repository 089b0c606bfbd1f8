/* CycloneDX as XML. Each component of the document (and each service, and what it is about) is put into the form that the JSON documents have, and read as these are.
 * A document type is refused: no CycloneDX document has one, and entities are only there to be expanded. */
#include <expat.h>
#include <stdlib.h>

#include "sbom_internal.h"

#define SPACE "http://cyclonedx.org/schema/bom/"
#define FRAMES (2 * HM_SBOM_DEPTH)
#define TEXT_MAX 4096u

struct frame {
	json_t *value; /* an object or array, or NULL: a text so far */
	char *name;
	char *alg;
	struct hm_bytes text;
};

struct xml {
	struct hm_sbom_out *out;
	XML_Parser parser;
	unsigned depth;	  /* 1: inside <bom> */
	unsigned skipped; /* elements of others, or too deep: open ones */
	bool wanted;	  /* the member of the document that we are in is read */
	struct frame frame[FRAMES];
	unsigned top;
	size_t values, left;
	bool spoilt, known, doctype;
	char *described;
	int result;
};

/* Their children are a list. */
static bool is_list(const char *name)
{
	static const char *const lists[] = { "components", "hashes", "licenses", "authors", "services" };

	for (size_t i = 0; i < HM_COUNT(lists); i++)
		if (strcmp(name, lists[i]) == 0)
			return true;
	return false;
}

static void open_frame(struct xml *x, const char *name, const char **attributes)
{
	struct frame *f = &x->frame[x->top++];

	*f = (struct frame){ .name = hm_strdup(name), .value = is_list(name) ? json_array() : NULL };
	for (size_t i = 0; attributes[i] && attributes[i + 1]; i += 2)
		if (strcmp(attributes[i], "alg") == 0 && strlen(attributes[i + 1]) < 64)
			f->alg = hm_strdup(attributes[i + 1]);
	if (++x->values > HM_SBOM_VALUES)
		x->spoilt = true;
}

static void release_frame(struct frame *f)
{
	json_decref(f->value);
	free(f->name);
	free(f->alg);
	hm_bytes_release(&f->text);
	*f = (struct frame){ 0 };
}

static void note_space(struct xml *x, const char *space)
{
	static const char *const versions[] = { "1.2", "1.3", "1.4", "1.5", "1.6", "1.7" };

	for (size_t i = 0; i < HM_COUNT(versions); i++)
		x->known = x->known || strcmp(space, versions[i]) == 0;
}

static void XMLCALL on_start(void *cookie, const char *name, const char **attributes)
{
	struct xml *x = cookie;
	const char *space = strrchr(name, ' '), *local = space ? space + 1 : name;

	if (x->skipped || strncmp(name, SPACE, sizeof(SPACE) - 1) != 0 || !space || x->top == FRAMES) {
		x->spoilt = x->spoilt || (!x->skipped && x->top == FRAMES);
		x->skipped++;
		return;
	}
	if (x->depth == 0) {
		HM_FREE char *version = hm_slice_dup((struct hm_slice){ (const uint8_t *)name + sizeof(SPACE) - 1, (size_t)(space - name) - (sizeof(SPACE) - 1) });

		note_space(x, version);
	}
	if (x->depth == 1)
		x->wanted = strcmp(local, "metadata") == 0 || strcmp(local, "components") == 0 || strcmp(local, "services") == 0;
	x->depth++;
	/* The document's own lists are not built: each of their elements is handed over. */
	if (x->wanted && x->depth > (strcmp(local, "metadata") == 0 && x->depth == 2 ? 1u : 2u))
		open_frame(x, local, attributes);
}

static void XMLCALL on_text(void *cookie, const char *text, int len)
{
	struct xml *x = cookie;
	struct frame *f = x->top && !x->skipped ? &x->frame[x->top - 1] : NULL;

	if (f && !f->value && f->text.len + (size_t)len <= TEXT_MAX)
		hm_bytes_append(&f->text, text, (size_t)len);
}

static json_t *text_of(struct frame *f)
{
	struct hm_slice s = hm_slice_of(&f->text);

	while (s.len && *s.data <= ' ')
		s = (struct hm_slice){ s.data + 1, s.len - 1 };
	while (s.len && s.data[s.len - 1] <= ' ')
		s.len--;
	return s.len && !memchr(s.data, 0, s.len) ? json_stringn((const char *)s.data, s.len) : json_string("");
}

/* What the frame is as JSON has it; taken out of it. */
static json_t *value_of(struct frame *f)
{
	json_t *value = f->value ? f->value : text_of(f), *whole;

	f->value = NULL;
	if (f->alg) {
		whole = json_object();
		json_object_set_new(whole, "alg", json_string(f->alg));
		json_object_set_new(whole, "content", value);
		return whole;
	}
	return value;
}

static void put(struct xml *x, struct frame *into, const char *name, json_t *value)
{
	json_t *whole = value;

	if (x->spoilt) {
		json_decref(value);
		return;
	}
	if (!into->value)
		into->value = json_object();
	if (json_is_object(into->value)) {
		if (json_object_get(into->value, name))
			json_decref(value);
		else
			json_object_set_new(into->value, name, value);
		return;
	}
	if (strcmp(name, "license") == 0) {
		whole = json_object();
		json_object_set_new(whole, "license", value);
	}
	json_array_append_new(into->value, whole);
}

static void describe(struct xml *x, const json_t *metadata)
{
	const char *name = hm_sbom_text(json_object_get(metadata, "component"), "name");

	if (*name && !x->described && strlen(name) <= 1024)
		x->out->described = x->described = hm_strdup(name);
}

/* An element of one of the document's own lists, or the whole of what it is about. */
static void hand_over(struct xml *x, const char *name, json_t *value)
{
	const char *key = strcmp(name, "component") == 0 ? "components" : strcmp(name, "service") == 0 ? "services" : name;

	if (x->spoilt)
		x->left++;
	else if (strcmp(key, "metadata") == 0)
		describe(x, value);
	if (!x->spoilt)
		x->result = hm_sbom_cyclonedx(x->out, key, value);
	json_decref(value);
	x->values = 0;
	x->spoilt = false;
	if (x->result != 0)
		XML_StopParser(x->parser, XML_FALSE);
}

static void XMLCALL on_end(void *cookie, const char *name HM_UNUSED)
{
	struct xml *x = cookie;
	struct frame *f;

	if (x->result != 0)
		return;
	if (x->skipped) {
		x->skipped--;
		return;
	}
	x->depth--;
	if (x->top == 0)
		return;
	f = &x->frame[--x->top];
	if (x->top)
		put(x, &x->frame[x->top - 1], f->name, value_of(f));
	else
		hand_over(x, f->name, value_of(f));
	release_frame(f);
}

static void XMLCALL on_doctype(void *cookie, const char *name HM_UNUSED, const char *system HM_UNUSED, const char *public HM_UNUSED, int subset HM_UNUSED)
{
	struct xml *x = cookie;

	x->doctype = true;
	XML_StopParser(x->parser, XML_FALSE);
}

static enum XML_Status parse(XML_Parser parser, struct hm_slice text)
{
	enum XML_Status status = XML_STATUS_OK;

	while (status == XML_STATUS_OK && text.len) {
		size_t step = text.len < 1u << 20 ? text.len : 1u << 20;

		status = XML_Parse(parser, (const char *)text.data, (int)step, step == text.len);
		text = (struct hm_slice){ text.data + step, text.len - step };
	}
	return status;
}

static void release(struct xml **x)
{
	while ((*x)->top)
		release_frame(&(*x)->frame[--(*x)->top]);
	if ((*x)->parser)
		XML_ParserFree((*x)->parser);
	(*x)->out->described = NULL;
	free((*x)->described);
	free(*x);
}

int hm_sbom_cyclonedx_xml(struct hm_sbom_out *out, struct hm_slice text)
{
	HM_CLEANUP(release) struct xml *x = hm_alloc(1, sizeof(*x));
	enum XML_Status status;

	x->out = out;
	x->parser = XML_ParserCreateNS(NULL, ' ');
	if (!x->parser)
		return hm_fail_set(out->fail, HM_E_SYSTEM, "expat has no memory");
	XML_SetUserData(x->parser, x);
	XML_SetElementHandler(x->parser, on_start, on_end);
	XML_SetCharacterDataHandler(x->parser, on_text);
	XML_SetStartDoctypeDeclHandler(x->parser, on_doctype);
	status = parse(x->parser, text);
	if (x->result != 0)
		return x->result == HM_E_BAD ? hm_fail_set(out->fail, HM_E_BAD, "components are nested too deep") : x->result;
	if (x->doctype)
		return hm_fail_set(out->fail, HM_E_BAD, "an XML document with a document type");
	if (status != XML_STATUS_OK)
		return hm_fail_set(out->fail, HM_E_BAD, "not an XML document: broken in line %lu", (unsigned long)XML_GetCurrentLineNumber(x->parser));
	if (x->left)
		return hm_fail_set(out->fail, HM_E_BAD, "%zu components are too large or nested too deep", x->left);
	return x->known ? 0 : hm_fail_set(out->fail, HM_E_UNKNOWN, "a version of CycloneDX that is not known");
}
