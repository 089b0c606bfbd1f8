/* Whether what left holds a planted document: its tokens, or a digest of it or of a file inside it. */
#include "claim_internal.h"

#include <netinet/in.h>

#include "views.h"

enum { DEPTH = 4, LEAKS_MAX = 10000, ZIP_MEMBERS_MAX = 1000, MEMBER_MAX = 64 << 20 };

static const char *const digest_names[HM_DIGEST_KINDS] = {
	[HM_MD5] = "digest.md5",       [HM_SHA1] = "digest.sha1",     [HM_SHA224] = "digest.sha224",
	[HM_SHA256] = "digest.sha256", [HM_SHA384] = "digest.sha384", [HM_SHA512] = "digest.sha512",
};

static int add_digests(struct hm_core *core, struct hm_slice content, size_t *source, struct hm_fail *fail)
{
	if (content.len == 0)
		return 0;
	for (enum hm_digest_kind kind = HM_MD5; kind < HM_DIGEST_KINDS; kind++) {
		uint8_t digest[64];
		size_t len = hm_digest_of(digest, kind, content);

		if (!len)
			return hm_fail_set(fail, HM_E_SYSTEM, "computing %s: libcrypto refuses it, and findings would differ",
					   digest_names[kind] + strlen("digest."));
		hm_needles_add(core->needles, (struct hm_slice){ digest, len }, digest_names[kind], true, (*source)++);
	}
	return 0;
}

/* The files inside a ZIP archive (ODT and DOCX are such) are documents too. */
static int add_members(struct hm_core *core, struct hm_slice file, size_t *source, struct hm_fail *fail)
{
	unsigned members = 0;

	for (size_t at = 0; at + 4 <= file.len && members < ZIP_MEMBERS_MAX;) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 };
		const uint8_t *head = memmem(file.data + at, file.len - at, "PK\3\4", 4);
		size_t used;
		int r;

		if (!head)
			return 0;
		at = (size_t)(head - file.data);
		used = hm_zip_member(&content, (struct hm_slice){ head, file.len - at }, MEMBER_MAX);
		at += used ? used : 4;
		members++;
		r = add_digests(core, hm_slice_of(&content), source, fail);
		if (r < 0)
			return r;
	}
	return 0;
}

static void add_tokens(struct hm_core *core, const json_t *row, size_t *number)
{
	const json_t *token;
	size_t i;

	json_array_foreach (json_object_get(row, "tokens"), i, token) {
		struct hm_slice text = hm_slice_text(json_string_value(token));
		uint8_t reversed[64];

		hm_needles_add(core->needles, text, "token", false, *number);
		for (size_t k = 0; k < text.len && text.len <= sizeof(reversed); k++)
			reversed[k] = text.data[text.len - 1 - k];
		if (text.len <= sizeof(reversed))
			hm_needles_add(core->needles, (struct hm_slice){ reversed, text.len }, "reversed.token", false, *number);
		(*number)++;
	}
}

static int add_files(struct hm_core *core, const json_t *files, size_t *tokens, size_t *digests, struct hm_fail *fail)
{
	const json_t *row;
	int r = 0;
	size_t i;

	json_array_foreach (files, i, row) {
		struct hm_slice content;

		add_tokens(core, row, tokens);
		/* The product's own definitions are no documents; it may well say which it has. */
		if (strcmp(hm_text_of(row, "role"), "definitions") == 0)
			continue;
		hm_parts_get(core->parts, hm_text_of(row, "part"), &content);
		r = add_digests(core, content, digests, fail);
		if (r == 0)
			r = add_members(core, content, digests, fail);
		if (r < 0)
			return r;
	}
	return 0;
}

int hm_content_needles(struct hm_core *core, struct hm_fail *fail)
{
	size_t tokens = 0, digests = 0;
	int r = 0;

	for (size_t i = 0; i < core->set_count && r == 0; i++)
		r = add_files(core, hm_sets_files(core, i), &tokens, &digests, fail);
	if (r == 0)
		hm_needles_seal(core->needles);
	return r;
}

struct searching {
	struct hm_run *run;
	const struct hm_core *core;
	const struct hm_given *given; /* that is searched; else a flow */
	size_t flow, cap;
	bool tls;
};

static char *feature_of(const struct hm_view *view, const char *what)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes name = { 0 };
	const char *chain[DEPTH + 1];
	size_t depth = 0;

	for (; view->parent; view = view->parent)
		chain[depth++] = view->name;
	while (depth > 0)
		hm_bytes_printf(&name, "%s.", chain[--depth]);
	hm_bytes_text(&name, what);
	return hm_slice_dup(hm_slice_of(&name));
}

static void add_leak(struct searching *s, const struct hm_view *view, const struct hm_needle *needle, size_t at)
{
	struct hm_run *run = s->run;
	size_t len = needle->len;
	struct hm_leak *leak;

	if (run->leak_count == LEAKS_MAX) {
		run->unsearched = true;
		return;
	}
	if (run->leak_count == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 16;
		run->leaks = hm_realloc(run->leaks, s->cap, sizeof(*run->leaks));
	}
	leak = &run->leaks[run->leak_count++];
	*leak = (struct hm_leak){ .flow = s->flow, .tls = s->tls, .digest = needle->digest, .source = needle->source };
	leak->feature = feature_of(view, needle->what);
	hm_view_locate(view, &at, &len);
	leak->offset = at;
	leak->length = len;
}

static void search_view(void *cookie, const struct hm_view *view)
{
	struct searching *s = cookie;
	size_t at = 0, index = 0;
	const struct hm_needle *needle;

	while ((needle = hm_needles_next(s->core->needles, view->all, &at, &index)) != NULL)
		add_leak(s, view, needle, at);
}

static int by_place(const void *a, const void *b)
{
	const struct hm_leak *x = a, *y = b;

	if (x->flow != y->flow)
		return x->flow < y->flow ? -1 : 1;
	if (x->tls != y->tls)
		return x->tls ? 1 : -1;
	if (x->offset != y->offset)
		return x->offset < y->offset ? -1 : 1;
	if (x->length != y->length)
		return x->length < y->length ? -1 : 1;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	return strcmp(x->feature, y->feature);
}

static void sort_leaks(struct hm_run *run)
{
	size_t kept = 0;

	if (run->leak_count)
		qsort(run->leaks, run->leak_count, sizeof(*run->leaks), by_place);
	for (size_t i = 0; i < run->leak_count; i++) {
		if (kept && by_place(&run->leaks[kept - 1], &run->leaks[i]) == 0)
			free(run->leaks[i].feature);
		else
			run->leaks[kept++] = run->leaks[i];
	}
	run->leak_count = kept;
}

static void search_bytes(struct searching *s, struct hm_slice bytes, bool tls)
{
	size_t budget = 16 * bytes.len + (4u << 20);

	s->tls = tls;
	if (!hm_views_walk(bytes, DEPTH, budget, search_view, s))
		s->run->unsearched = true;
}

/* ---- what was given to TLS ---- */

static uint64_t event_at(const struct hm_given *given, size_t offset)
{
	size_t low = 0, high = given->parts;

	while (high - low > 1) {
		size_t middle = low + (high - low) / 2;

		if (given->part[middle].offset <= offset)
			low = middle;
		else
			high = middle;
	}
	return given->part[low].event;
}

static void add_given(struct searching *s, const struct hm_view *view, const struct hm_needle *needle, size_t at)
{
	HM_FREE char *what = feature_of(view, needle->what);
	struct hm_run *run = s->run;
	size_t len = needle->len;

	if (run->given_leak_count == LEAKS_MAX) {
		run->unsearched = true;
		return;
	}
	hm_view_locate(view, &at, &len);
	if (run->given_leak_count == s->cap) {
		s->cap = s->cap ? 2 * s->cap : 16;
		run->given_leaks = hm_realloc(run->given_leaks, s->cap, sizeof(*run->given_leaks));
	}
	run->given_leaks[run->given_leak_count++] = (struct hm_given_leak){ .flow = s->given->flow, .event = event_at(s->given, at), .offset = at, .length = len,
		.feature = hm_sprintf("given.%s", what), .digest = needle->digest, .source = needle->source };
}

static void search_given(void *cookie, const struct hm_view *view)
{
	struct searching *s = cookie;
	size_t at = 0, index = 0;
	const struct hm_needle *needle;

	while ((needle = hm_needles_next(s->core->needles, view->all, &at, &index)) != NULL)
		add_given(s, view, needle, at);
}

static int by_given(const void *a, const void *b)
{
	const struct hm_given_leak *x = a, *y = b;
	int r;

	if (x->flow != y->flow)
		return x->flow < y->flow ? -1 : 1;
	if (x->source != y->source)
		return x->source < y->source ? -1 : 1;
	r = strcmp(x->feature, y->feature);
	if (r == 0)
		r = (x->event > y->event) - (x->event < y->event);
	if (r == 0)
		r = (x->offset > y->offset) - (x->offset < y->offset);
	return r ? r : (x->length > y->length) - (x->length < y->length);
}

static int by_event(const void *a, const void *b)
{
	const struct hm_given_leak *x = a, *y = b;

	return x->event != y->event ? (x->event > y->event ? 1 : -1) : by_given(a, b);
}

static bool same_given(const struct hm_given_leak *a, const struct hm_given_leak *b)
{
	return a->flow == b->flow && a->source == b->source && strcmp(a->feature, b->feature) == 0;
}

static void sort_given(struct hm_run *run)
{
	if (!run->given_leak_count)
		return;
	qsort(run->given_leaks, run->given_leak_count, sizeof(*run->given_leaks), by_given);
	for (size_t i = 1; i < run->given_leak_count; i++)
		run->given_leaks[i].again = same_given(&run->given_leaks[i - 1], &run->given_leaks[i]);
	qsort(run->given_leaks, run->given_leak_count, sizeof(*run->given_leaks), by_event);
}

/* All that the flow carried has been read on the wire, where it counts for more. */
static bool is_open(const struct hm_run *run, size_t flow)
{
	const struct hm_plain *plain = flow < run->plains.count ? &run->plains.list[flow] : NULL;
	uint64_t closed = 0;

	for (size_t i = 0; plain && i < HM_PLAIN_WHYS; i++)
		closed += plain->closed[i];
	return plain && plain->tls && closed == 0;
}

/* Of connections that led out of the chamber: what went elsewhere did not leave. */
static void search_givens(struct hm_run *run, const struct hm_core *core)
{
	struct searching s = { .run = run, .core = core };

	for (size_t i = 0; i < run->given.count; i++) {
		struct hm_slice text = hm_slice_of(&run->given.list[i].text);

		s.given = &run->given.list[i];
		if (s.given->flow == SIZE_MAX || is_open(run, s.given->flow))
			continue;
		if (!hm_views_walk(text, DEPTH, 16 * text.len + (4u << 20), search_given, &s))
			run->unsearched = true;
	}
	run->unsearched |= run->given.beyond;
	sort_given(run);
}

void hm_content_search(struct hm_run *run, const struct hm_core *core)
{
	struct searching s = { .run = run, .core = core };

	for (s.flow = 0; s.flow < run->flows.count; s.flow++) {
		search_bytes(&s, hm_slice_of(&run->flows.list[s.flow].sent), false);
		if (s.flow < run->plains.count && run->plains.list[s.flow].tls)
			search_bytes(&s, hm_slice_of(&run->plains.list[s.flow].text), true);
	}
	sort_leaks(run);
	search_givens(run, core);
}

uint64_t hm_run_leaked(const struct hm_run *run, size_t flow)
{
	size_t end = 0;
	uint64_t bytes = 0;
	bool tls = false;

	for (size_t i = hm_run_leaks_of(run, flow); i < run->leak_count && run->leaks[i].flow == flow; i++) {
		const struct hm_leak *leak = &run->leaks[i];
		size_t from;

		if (leak->tls && !tls) {
			tls = true;
			end = 0;
		}
		from = leak->offset > end ? leak->offset : end;
		if (leak->offset + leak->length > from) {
			bytes += leak->offset + leak->length - from;
			end = leak->offset + leak->length;
		}
	}
	return bytes;
}
