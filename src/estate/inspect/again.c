#include "again.h"

#include "digest.h"

#include <search.h>
#include <stdlib.h>
#include <string.h>

#define WALKS_MAX 9
#define HOPS_MAX 12 /* links that lead to links */
#define WANTED_MAX 200000
#define CONTENT_MAX ((size_t)64 << 20)
#define KEPT_MAX ((size_t)512 << 20) /* bytes of databases and lists */
#define FILE_MAX ((size_t)512 << 20)

enum answer { OPEN, THERE, GONE, UNREAD };

/* A file that somebody asked for: its digest of a kind, or (kind CONTENT) its bytes. */
enum { CONTENT = -1 };
struct want {
	const char *root; /* as the request has it */
	char *path;	  /* asked for */
	char *at, *next;  /* where it is looked for; where a link that was met leads */
	int kind, len;
	unsigned hops;
	enum answer answer;
	struct hm_bytes bytes;
	uint8_t sum[64];
};

struct request {
	const struct hm_source *source;
	char *path, *outer, *root, **package;
	struct hm_bytes bytes;
	size_t packages;
};

struct inspect_again {
	struct request *request;
	size_t requests;
	struct want **want; /* by root and `at` while a walk goes on */
	size_t count, kept;
	void *tree; /* of the same, by root, path and kind */
	const struct request *now;
	const char **root; /* of other systems: of which something is held or asked */
	size_t roots;
	bool asked; /* something new */
	bool fresh; /* the first walk */
	hm_entry_fn each;
};

static const char *some(const char *text)
{
	return text ? text : "";
}

static int by_question(const void *va, const void *vb)
{
	const struct want *a = va, *b = vb;
	int r = strcmp(some(a->root), some(b->root));

	r = r ? r : strcmp(a->path, b->path);
	return r ? r : (a->kind > b->kind) - (a->kind < b->kind);
}

static void keep_tree(void *node HM_UNUSED)
{
}

void inspect_again_free(struct inspect_again *a)
{
	if (!a)
		return;
	tdestroy(a->tree, keep_tree);
	for (size_t i = 0; i < a->count; i++) {
		free(a->want[i]->path);
		free(a->want[i]->at);
		free(a->want[i]->next);
		hm_bytes_release(&a->want[i]->bytes);
		free(a->want[i]);
	}
	for (size_t i = 0; i < a->requests; i++) {
		for (size_t j = 0; j < a->request[i].packages; j++)
			free(a->request[i].package[j]);
		free(a->request[i].package);
		free(a->request[i].path);
		free(a->request[i].outer);
		free(a->request[i].root);
		hm_bytes_release(&a->request[i].bytes);
	}
	free(a->want);
	free(a->root);
	free(a->request);
	free(a);
}

static char *copy(const char *text)
{
	return text ? hm_strdup(text) : NULL;
}

void inspect_again_keep(struct inspect *s, const struct hm_source *source, const struct hm_source_file *file)
{
	struct inspect_again *a = s->again;
	struct request *r;

	if (!a)
		a = s->again = hm_alloc(1, sizeof(*a));
	if (s->packages == 0 || file->bytes.len > KEPT_MAX - a->kept)
		return;
	a->kept += file->bytes.len;
	a->request = hm_realloc(a->request, a->requests + 1, sizeof(*a->request));
	r = &a->request[a->requests++];
	*r = (struct request){ source, hm_slice_dup(file->path), copy(file->outer), copy(s->entry->root), s->package, { 0 }, s->packages };
	hm_bytes_slice(&r->bytes, file->bytes);
	s->package = NULL;
	s->packages = 0;
}

/* What was asked for, asked for the first time or answered since. NULL: it is too much. */
static struct want *ask(struct inspect_again *a, const char *path, int kind)
{
	HM_FREE char *whole = hm_sprintf("%s%s", *path == '/' ? "" : "/", path);
	struct want question = { .root = a->now->root, .path = whole, .kind = kind }, *w;
	struct want **node = tfind(&question, &a->tree, by_question);

	if (node || a->count == WANTED_MAX)
		return node ? *node : NULL;
	w = hm_alloc(1, sizeof(*w));
	*w = (struct want){ .root = a->now->root, .path = hm_strdup(whole), .at = hm_strdup(whole), .kind = kind };
	if (!tsearch(w, &a->tree, by_question))
		abort(); /* no memory */
	a->want = hm_realloc(a->want, a->count + 1, sizeof(struct want *));
	a->want[a->count++] = w;
	a->asked = true;
	return w;
}

static int read_other(void *cookie, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail)
{
	const struct want *w = ask(cookie, path, CONTENT);

	if (!w || w->answer == UNREAD || w->bytes.len > max)
		return hm_fail_set(fail, HM_E_BAD, "/%s cannot be read", path);
	if (w->answer != THERE)
		return 1;
	hm_bytes_slice(out, hm_slice_of(&w->bytes));
	return 0;
}

static int sum_other(void *cookie, const char *path, int kind, uint8_t sum[64], struct hm_fail *fail)
{
	const struct want *w = ask(cookie, path, kind);

	if (!w || w->answer == UNREAD)
		return hm_fail_set(fail, HM_E_BAD, "/%s cannot be read", path);
	if (w->answer != THERE)
		return 0;
	memcpy(sum, w->sum, sizeof(w->sum));
	return w->len;
}

static int nobody(void *cookie HM_UNUSED, const struct hm_observation *o HM_UNUSED, struct hm_fail *fail HM_UNUSED)
{
	return 0;
}

/* All requests, with the answers that there are; `observe` is nobody as long as some are missing. */
static int ask_all(struct inspect *s, hm_observe_fn observe, struct hm_fail *fail)
{
	struct inspect_again *a = s->again;
	const struct hm_source_others others = { read_other, sum_other, a };
	int r = 0;

	a->asked = false;
	for (size_t i = 0; r == 0 && i < a->requests; i++) {
		const struct request *q = &a->request[i];
		const struct hm_source_file file = { .path = hm_slice_text(q->path), .bytes = hm_slice_of(&q->bytes), .outer = q->outer };
		const struct hm_entry entry = { .type = HM_ENTRY_FILE, .path = q->path, .outer = q->root ? q->outer : NULL, .root = q->root };
		HM_FREE char *elsewhere = hm_source_elsewhere(q->source, file.path);

		a->now = q;
		s->entry = &entry;
		s->elsewhere = elsewhere != NULL;
		for (size_t j = 0; r == 0 && j < q->packages; j++) {
			struct hm_fail why = { 0 };

			r = hm_source_verify(q->source, &file, q->package[j], &others, observe, s, &why);
			if ((r == HM_E_BAD || r == HM_E_SYSTEM) && observe != nobody)
				r = inspect_unread(s, &entry, why.text, fail);
			else if (r == HM_E_BAD || r == HM_E_SYSTEM)
				r = 0;
		}
		s->entry = NULL;
		s->elsewhere = false;
	}
	return r;
}

/* "." and ".." are taken away as they stand: a link is followed when it is met. */
static char *joined(const char *folder, size_t len, const char *link)
{
	HM_FREE char *raw = *link == '/' ? hm_strdup(link) : hm_sprintf("%.*s/%s", (int)len, folder, link);
	char *out = hm_alloc(strlen(raw) + 2, 1), *end = out;

	for (const char *at = raw; *at;) {
		size_t n = strcspn(at, "/");

		if (n == 2 && at[0] == '.' && at[1] == '.')
			while (end > out && *--end != '/')
				;
		else if (n && !(n == 1 && *at == '.')) {
			*end++ = '/';
			memcpy(end, at, n);
			end += n;
		}
		at += n + (at[n] == '/');
	}
	*end = 0;
	return out;
}

static void answer(struct inspect *s, struct want *w, const struct hm_entry *e)
{
	const char *slash = strrchr(e->path, '/');
	struct hm_slice bytes;
	struct hm_fail why = { 0 };

	if (e->link && !w->next) {
		w->next = joined(e->path, e->type == HM_ENTRY_LINK ? (size_t)(slash - e->path) : 0, e->link);
		return;
	}
	if (e->type != HM_ENTRY_FILE) {
		w->answer = GONE;
		return;
	}
	w->answer = UNREAD;
	if (hm_target_bytes(s->target, w->kind == CONTENT ? CONTENT_MAX : FILE_MAX, &bytes, &why) != 0 || (w->kind == CONTENT && bytes.len > KEPT_MAX - s->again->kept))
		return;
	w->answer = THERE;
	if (w->kind != CONTENT) {
		w->len = (int)hm_digest_of(w->sum, (enum hm_digest_kind)w->kind, bytes);
		return;
	}
	s->again->kept += bytes.len;
	hm_bytes_slice(&w->bytes, bytes);
}

static int by_place(const void *va, const void *vb)
{
	const struct want *a = *(const struct want *const *)va, *b = *(const struct want *const *)vb;
	int r = strcmp(some(a->root), some(b->root));

	return r ? r : strcmp(a->at, b->at);
}

/* The first that stands not before `path`. */
static size_t first(const struct inspect_again *a, const char *root, const char *path)
{
	size_t low = 0, high = a->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int r = strcmp(some(a->want[middle]->root), some(root));

		r = r ? r : strcmp(a->want[middle]->at, path);
		if (r < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

/* Folders that are links: what is asked for below one lies elsewhere. */
static void lead(const struct inspect_again *a, const struct hm_entry *e)
{
	HM_FREE char *below = hm_sprintf("%s/", e->path), *to = joined(e->path, (size_t)(strrchr(e->path, '/') - e->path), e->link);
	size_t len = strlen(below);

	for (size_t i = first(a, e->root, below); i < a->count; i++) {
		struct want *w = a->want[i];

		if (strcmp(some(w->root), some(e->root)) != 0 || strncmp(w->at, below, len) != 0)
			break;
		if (w->answer == OPEN && !w->next)
			w->next = hm_sprintf("%s/%s", to, w->at + len);
	}
}

static void meet(struct inspect *s, const struct hm_entry *e)
{
	struct inspect_again *a = s->again;

	if (e->type == HM_ENTRY_LINK && e->link)
		lead(a, e);
	for (size_t i = first(a, e->root, e->path); i < a->count && strcmp(some(a->want[i]->root), some(e->root)) == 0 && strcmp(a->want[i]->at, e->path) == 0; i++)
		if (a->want[i]->answer == OPEN && !a->want[i]->next)
			answer(s, a->want[i], e);
}

/* Into an archive only where there is a root in it of which something is held or asked. */
static bool looks(const struct inspect *s, const struct hm_entry *e)
{
	HM_FREE char *outer = e->outer ? hm_sprintf("%s!%s", e->outer, e->path) : hm_strdup(e->path);
	size_t len = strlen(outer);

	for (size_t i = 0; i < s->again->roots; i++)
		if (strncmp(s->again->root[i], outer, len) == 0)
			return true;
	return false;
}

static void add_root(struct inspect_again *a, const char *root)
{
	for (size_t i = 0; i < a->roots; i++)
		if (strcmp(a->root[i], root) == 0)
			return;
	a->root = hm_realloc(a->root, a->roots + 1, sizeof(*a->root));
	a->root[a->roots++] = root;
}

static void gather_roots(struct inspect *s)
{
	for (size_t i = 0; i < s->again->requests; i++)
		if (s->again->request[i].root)
			add_root(s->again, s->again->request[i].root);
	for (size_t i = 0; i < s->held_count; i++)
		if (s->held[i].streamed && (i == 0 || strcmp(some(s->held[i].root), some(s->held[i - 1].root)) != 0))
			add_root(s->again, s->held[i].root);
}

static int each(void *cookie, struct hm_target *target, const struct hm_entry *e, struct hm_fail *fail)
{
	struct inspect *s = cookie;
	struct inspect_again *a = s->again;
	const struct hm_inspect_counts nothing = { 0 };
	int r = ++s->number % 1024 == 0 ? s->sink->count(s->sink->cookie, &nothing, fail) : 0;

	if (r == 0 && a->fresh && a->each)
		r = a->each(s, target, e, fail);
	if (r != 0)
		return r;
	if (!e->hidden && (!e->outer || e->root) && (e->type == HM_ENTRY_FILE || e->type == HM_ENTRY_LINK))
		meet(s, e);
	return looks(s, e) ? 0 : HM_ENTRY_CLOSED;
}

/* Who has met a link is looked for where that leads; who was not met is not there. */
static bool go_on(struct inspect_again *a)
{
	bool more = false;

	for (size_t i = 0; i < a->count; i++) {
		struct want *w = a->want[i];

		if (w->answer != OPEN)
			continue;
		if (!w->next || ++w->hops > HOPS_MAX) {
			w->answer = GONE;
			continue;
		}
		free(w->at);
		w->at = hm_take_ptr(&w->next);
		more = true;
	}
	return more;
}

int inspect_again_ask(struct inspect *s, hm_entry_fn list, struct hm_fail *fail)
{
	struct inspect_again *a = s->again ? s->again : (s->again = hm_alloc(1, sizeof(*a)));
	bool more = false;
	int r = 0;

	a->each = list;
	gather_roots(s);
	for (unsigned walks = 0; r == 0 && walks < WALKS_MAX; walks++) {
		r = more ? 0 : ask_all(s, nobody, fail);
		a->fresh = walks == 0;
		if (r != 0 || (!more && !a->asked && !(a->fresh && list)))
			break;
		if (a->count)
			qsort(a->want, a->count, sizeof(struct want *), by_place);
		r = hm_target_walk(s->target, each, s, fail);
		more = go_on(a);
	}
	return r ? r : ask_all(s, inspect_pass, fail);
}
