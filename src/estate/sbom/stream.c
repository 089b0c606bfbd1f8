/* yajl reads, jansson holds one element at a time: each element of an array that is a member of the document, and each other
 * member whole. Numbers are of no interest and become null. */
#include <yajl/yajl_parse.h>

#include "sbom_internal.h"

struct stream {
	hm_sbom_element_fn element;
	void *cookie;
	size_t *left;
	int result;
	/* Where we are: depth 1 is inside the document's object, 2 inside a member that is an array. */
	unsigned depth;
	char member[256];
	/* The element being built. */
	json_t *stack[HM_SBOM_DEPTH];
	char *keys[HM_SBOM_DEPTH];
	unsigned top;
	size_t values;
	unsigned skipped; /* open containers below the one that was too deep */
	bool spoilt;
};

static void clear(struct stream *s)
{
	for (unsigned i = 0; i < HM_SBOM_DEPTH; i++) {
		free(s->keys[i]);
		s->keys[i] = NULL;
	}
	while (s->top) /* a container belongs to the one around it when it ends */
		json_decref(s->stack[--s->top]);
}

static int hand_over(struct stream *s, json_t *value)
{
	if (s->spoilt)
		++*s->left;
	else
		s->result = s->element(s->cookie, s->member, value);
	return s->result == 0;
}

/* Puts a value where it belongs: into the container that is being built, or to the one who waits for elements. `value` is taken. */
static int put(struct stream *s, json_t *value)
{
	json_t *into = s->top ? s->stack[s->top - 1] : NULL;
	int go = 1;

	if (++s->values > HM_SBOM_VALUES)
		s->spoilt = true;
	if (!into) {
		go = s->depth > 0 ? hand_over(s, value) : 1;
		json_decref(value);
		s->values = 0;
		s->spoilt = false;
	} else if (s->spoilt) {
		json_decref(value);
	} else if (json_is_array(into)) {
		json_array_append_new(into, value);
	} else {
		const char *key = s->keys[s->top - 1];

		json_object_set_new_nocheck(into, key ? key : "", value);
	}
	return go;
}

static int on_null(void *ctx)
{
	return ((struct stream *)ctx)->skipped ? 1 : put(ctx, json_null());
}

static int on_boolean(void *ctx, int value)
{
	return ((struct stream *)ctx)->skipped ? 1 : put(ctx, json_boolean(value));
}

static int on_number(void *ctx, const char *text HM_UNUSED, size_t len HM_UNUSED)
{
	return on_null(ctx);
}

static int on_string(void *ctx, const unsigned char *text, size_t len)
{
	/* A NUL in a text would end it early for whoever compares it: such a text is none. */
	json_t *value = memchr(text, 0, len) ? NULL : json_stringn((const char *)text, len);

	if (((struct stream *)ctx)->skipped) {
		json_decref(value);
		return 1;
	}
	return put(ctx, value ? value : json_null());
}

static int on_key(void *ctx, const unsigned char *text, size_t len)
{
	struct stream *s = ctx;
	struct hm_slice key = { text, len };

	if (s->skipped)
		return 1;
	if (s->top) {
		free(s->keys[s->top - 1]);
		s->keys[s->top - 1] = hm_slice_dup(key);
		return 1;
	}
	snprintf(s->member, sizeof(s->member), "%.*s", (int)(len < 255 ? len : 255), (const char *)text);
	return 1;
}

static int open_container(struct stream *s, json_t *container, bool array)
{
	bool outside = s->top == 0 && (s->depth == 0 || (s->depth == 1 && array));

	if (outside) {
		json_decref(container);
		return s->depth++ > 0 || !array;
	}
	if (s->skipped || s->top == HM_SBOM_DEPTH) {
		json_decref(container);
		s->skipped++;
		s->spoilt = true;
		return 1;
	}
	s->stack[s->top++] = container;
	return 1;
}

static int on_map(void *ctx)
{
	return open_container(ctx, json_object(), false);
}

static int on_array(void *ctx)
{
	return open_container(ctx, json_array(), true);
}

static int on_end(void *ctx)
{
	struct stream *s = ctx;

	if (s->skipped) {
		s->skipped--;
		return 1;
	}
	if (s->top == 0) {
		s->depth--;
		return 1;
	}
	s->top--;
	free(s->keys[s->top]);
	s->keys[s->top] = NULL;
	return put(s, s->stack[s->top]);
}

static void free_parser(yajl_handle *h)
{
	if (*h)
		yajl_free(*h);
}

int hm_sbom_stream(struct hm_slice text, hm_sbom_element_fn element, void *cookie, size_t *left, struct hm_fail *fail)
{
	static const yajl_callbacks calls = { .yajl_null = on_null, .yajl_boolean = on_boolean, .yajl_number = on_number,
					      .yajl_string = on_string, .yajl_start_map = on_map, .yajl_map_key = on_key,
					      .yajl_end_map = on_end, .yajl_start_array = on_array, .yajl_end_array = on_end };
	HM_FREE struct stream *s = hm_alloc(1, sizeof(*s));
	HM_CLEANUP(free_parser) yajl_handle h = yajl_alloc(&calls, NULL, s);
	yajl_status status;
	int result;

	s->element = element;
	s->cookie = cookie;
	s->left = left;
	if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
		text = (struct hm_slice){ text.data + 3, text.len - 3 };
	status = yajl_parse(h, text.data, text.len);
	if (status == yajl_status_ok)
		status = yajl_complete_parse(h);
	result = s->result;
	clear(s);
	if (result != 0)
		return result;
	if (status != yajl_status_ok)
		return hm_fail_set(fail, HM_E_BAD, "not a JSON document: broken at byte %zu", yajl_get_bytes_consumed(h));
	return 0;
}
