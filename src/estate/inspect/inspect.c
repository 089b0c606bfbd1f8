/* The walk: what is asked of each entry, in which order. Heads are read of all files, contents of those whose head says that they are worth it. */
#include "inspect_internal.h"

#include "again.h"
#include "binary.h"
#include "digest.h"
#include "source.h"
#include "text.h"

#include <stdlib.h>
#include <string.h>

#define CONTENT_MAX ((size_t)1 << 30)
#define HELD_MAX 20000
#define PACKAGES_MAX 256
#define COUNT_EVERY 2048

static void none(void *cookie, const struct hm_indicator *row HM_UNUSED, enum hm_strength strength HM_UNUSED, const char *channel HM_UNUSED)
{
	++*(size_t *)cookie;
}

size_t hm_inspect_shows(const struct hm_inspect_rules *rules, const struct hm_observation *observation)
{
	size_t n = 0;

	hm_match_each(rules->match, observation, none, &n);
	return n;
}

static const struct {
	const char *kind;
	enum hm_scan_place place;
} searched[] = { { "string", HM_SCAN_STRING }, { "domain", HM_SCAN_DOMAIN }, { "licence", HM_SCAN_LICENCE }, { "symbol", HM_SCAN_SYMBOL } };

/* The roots that are named, else those of the machine that looks, never of the target. */
static int trust(struct hm_inspect_rules *rules, const char *const *roots, size_t count, struct hm_fail *fail)
{
	static const char *const bundles[] = { "/etc/ssl/certs/ca-certificates.crt", "/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/cert.pem" };
	const struct hm_indicator *row;
	size_t rows;
	int r = 0;

	rules->trust = hm_binary_trust_new();
	row = hm_suppliers_indicators(rules->suppliers, &rows);
	for (size_t i = 0; i < rows; i++)
		if (strcmp(row[i].kind, "attester") == 0)
			hm_binary_trust_attester(rules->trust, row[i].indicator);
	for (size_t i = 0; i < count && r == 0; i++)
		r = hm_binary_trust_roots(rules->trust, roots[i], fail);
	for (size_t i = 0; i < HM_COUNT(bundles) && !roots; i++)
		if (hm_binary_trust_roots(rules->trust, bundles[i], NULL) == 0)
			break;
	hm_scan_trust(rules->scan, rules->trust);
	return r;
}

int hm_inspect_rules_open(struct hm_inspect_rules **ret, const struct hm_suppliers *suppliers, const char *const *roots, size_t root_count, struct hm_fail *fail)
{
	HM_CLEANUP(hm_inspect_rules_cleanup) struct hm_inspect_rules *rules = hm_alloc(1, sizeof(*rules));
	HM_FREE struct hm_scan_pattern *pattern = NULL;
	const struct hm_indicator *row;
	size_t count, n = 0;
	int r;

	rules->suppliers = suppliers;
	rules->match = hm_match_new(suppliers);
	row = hm_suppliers_indicators(suppliers, &count);
	pattern = hm_alloc(count + 1, sizeof(*pattern));
	for (size_t i = 0; i < count; i++) {
		rules->hashes = rules->hashes || strcmp(row[i].kind, "sha256") == 0;
		for (size_t j = 0; j < HM_COUNT(searched); j++)
			if (strcmp(row[i].kind, searched[j].kind) == 0 && !row[i].glob && strlen(row[i].indicator) >= 4)
				pattern[n++] = (struct hm_scan_pattern){ searched[j].place, row[i].indicator };
	}
	r = hm_scan_open(&rules->scan, pattern, n, fail);
	if (r == 0)
		r = trust(rules, roots, root_count, fail);
	if (r == 0)
		*ret = hm_take_ptr(&rules);
	return r;
}

void hm_inspect_rules_close(struct hm_inspect_rules *rules)
{
	if (!rules)
		return;
	hm_match_free(rules->match);
	hm_scan_close(rules->scan);
	hm_binary_trust_free(rules->trust);
	free(rules);
}

void hm_inspect_rules_cleanup(struct hm_inspect_rules **rules)
{
	hm_inspect_rules_close(*rules);
}

static char *copy(const char *text)
{
	return text ? hm_strdup(text) : NULL;
}

static void hold(struct inspect *s, const struct hm_observation *o)
{
	struct hm_observation *to;

	if (s->held_count == s->held_cap) {
		s->held_cap = s->held_cap ? s->held_cap * 2 : 64;
		s->held = hm_realloc(s->held, s->held_cap, sizeof(*s->held));
	}
	to = &s->held[s->held_count].o;
	s->held[s->held_count].owner = NULL;
	s->held[s->held_count].streamed = o->outer && s->entry->streamed;
	s->held[s->held_count++].root = o->outer ? copy(s->entry->root) : NULL;
	*to = *o;
	to->outer = copy(o->outer);
	to->value = copy(o->value);
	to->detail = copy(o->detail);
	to->path = copy(o->path);
	to->source = copy(o->source);
	to->sha256 = copy(o->sha256);
}

/* Of the entry at work, when all of it was read. */
static const char *digest_of(struct inspect *s)
{
	uint8_t sum[64];

	if (!s->bytes.data)
		return NULL;
	if (!s->sha256[0] && hm_digest_of(sum, HM_SHA256, s->bytes) == 32)
		hm_text_hex_into(s->sha256, (struct hm_slice){ sum, 32 });
	return s->sha256[0] ? s->sha256 : NULL;
}

/* Packages, and what belongs to them, are told whether they show a row or not. */
static bool is_counted(enum hm_observation_kind kind)
{
	return kind == HM_OBSERVED_PACKAGE || kind == HM_OBSERVED_ORGANISATION || kind == HM_OBSERVED_COMPONENT || kind == HM_OBSERVED_PURL ||
	       kind == HM_OBSERVED_CPE || kind == HM_OBSERVED_PACKAGE_FILES;
}

static void note_package(struct inspect *s, const char *name)
{
	if (s->packages == PACKAGES_MAX)
		return;
	s->package = hm_realloc(s->package, s->packages + 1, sizeof(*s->package));
	s->package[s->packages++] = hm_strdup(name);
}

/* Of the target's own system, or of the one that a root below it has, and not of something in that. Who signed a file is nothing that it lies in. */
static bool is_here(const struct inspect *s, const char *outer)
{
	size_t len = 0;

	if (outer && !hm_observation_signer(outer, &len))
		len = strlen(outer);
	return len == 0 || (s->entry && s->entry->root && s->entry->outer && strlen(s->entry->outer) == len && memcmp(outer, s->entry->outer, len) == 0);
}

int inspect_other(void *inspect, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail)
{
	struct inspect *s = inspect;

	if (s->entry->streamed) /* whether it is there is not known */
		return hm_fail_set(fail, HM_E_BAD, "%s can only be walked", s->entry->outer);
	return hm_target_other_in(s->target, s->entry->root, path, max, out, fail);
}

int inspect_pass(void *cookie, const struct hm_observation *observation, struct hm_fail *fail)
{
	struct inspect *s = cookie;
	struct hm_observation o = *observation;
	bool shows = hm_inspect_shows(s->rules, &o) != 0, here = is_here(s, o.outer);
	bool listed = here || (s->elsewhere && (!s->entry->outer || s->entry->root)); /* its files lie below its own root */

	if (shows && o.kind == HM_OBSERVED_PACKAGE && o.state == HM_STATE_INSTALLED && listed)
		note_package(s, o.value);
	if (s->entry && s->entry->hidden)
		o.state = HM_STATE_RESIDUE;
	else if (s->entry && (s->entry->outer || s->elsewhere) && o.state > HM_STATE_PRESENT)
		o.state = HM_STATE_PRESENT; /* what the database of an archive or of another system says is installed nowhere here */
	if (is_counted(o.kind)) {
		return s->sink->observe(s->sink->cookie, &o, fail);
	}
	if (!shows)
		return 0;
	if (!o.sha256)
		o.sha256 = digest_of(s);
	if (!here || s->held_count == HELD_MAX)
		return s->sink->observe(s->sink->cookie, &o, fail);
	hold(s, &o);
	return s->sink->held(s->sink->cookie, &o, fail);
}

const char *inspect_outer(const struct inspect *s, const struct hm_entry *e)
{
	return s->inside ? s->inside : e->outer;
}

int inspect_unread(struct inspect *s, const struct hm_entry *e, const char *why, struct hm_fail *fail)
{
	return s->sink->unread(s->sink->cookie, e->path, e->outer, why, fail);
}

static int flush(struct inspect *s, struct hm_fail *fail)
{
	struct hm_inspect_counts counts = s->counts;

	s->counts = (struct hm_inspect_counts){ 0 };
	return s->sink->count(s->sink->cookie, &counts, fail);
}

/* The database's packages that show a row, held against the digests that it keeps. Other files of the same system are at hand in a folder and on a disk image;
 * elsewhere they are asked for at the end. Of what lies in an archive inside something nothing is said. */
static int verify_packages(struct inspect *s, const struct hm_source *source, const struct hm_source_file *file, struct hm_fail *fail)
{
	const struct hm_source_others others = { inspect_other, NULL, s };
	bool known = !s->entry->hidden && (!s->entry->outer || s->entry->root);
	int r = 0;

	if (known && (s->entry->streamed || !hm_target_has_others(s->target)))
		inspect_again_keep(s, source, file);

	for (size_t i = 0; i < s->packages; i++) {
		struct hm_fail why = { 0 };

		if (r == 0 && known)
			r = hm_source_verify(source, file, s->package[i], &others, inspect_pass, s, &why);
		if (r == HM_E_BAD || r == HM_E_SYSTEM)
			r = inspect_unread(s, s->entry, why.text, fail);
		if (r == 0)
			r = flush(s, fail); /* one package may be large; all together may take long */
		free(s->package[i]);
	}
	free(hm_take_ptr(&s->package));
	s->packages = 0;
	return r;
}

/* A value that is not the reader's own: HM_E_BAD means that a part was not read, which is told. */
static int told(struct inspect *s, const struct hm_entry *e, int r, struct hm_fail *why, struct hm_fail *fail)
{
	if (r == HM_E_BAD || r == HM_E_UNKNOWN)
		return inspect_unread(s, e, why->code ? why->text : "damaged", fail);
	if (r != 0 && why->code)
		*fail = *why;
	return r;
}

static int read_source(struct inspect *s, const struct hm_entry *e, const struct hm_source *source, struct hm_fail *fail)
{
	struct hm_source_file file = { .path = hm_slice_text(e->path), .outer = e->outer, .there = inspect_there, .system = s };
	struct hm_fail why = { 0 };
	HM_FREE char *elsewhere = hm_source_elsewhere(source, file.path);
	HM_FREE char *outer = elsewhere && e->outer ? hm_sprintf("%s!%s", e->outer, elsewhere) : NULL;
	uint64_t max = hm_source_max(source);
	int r = hm_target_bytes(s->target, max < SIZE_MAX / 2 ? (size_t)max : SIZE_MAX / 2, &file.bytes, &why);

	s->elsewhere = elsewhere != NULL;
	if (elsewhere)
		file.outer = outer ? outer : elsewhere;
	if (r == 0) {
		s->counts.bytes += file.bytes.len;
		r = hm_source_read(source, &file, inspect_pass, s, &why);
	}
	r = told(s, e, r, &why, fail);
	r = r ? r : verify_packages(s, source, &file, fail);
	s->elsewhere = false;
	return r;
}

static int read_content(struct inspect *s, const struct hm_entry *e, struct hm_fail *fail)
{
	struct hm_scan_file file = { .path = e->path, .outer = e->outer, .inside = &s->inside };
	struct hm_fail why = { 0 };
	int r = hm_target_bytes(s->target, CONTENT_MAX, &file.bytes, &why);

	if (r == 0) {
		s->counts.bytes += file.bytes.len;
		s->bytes = file.bytes;
		if ((!e->outer || e->root) && hm_target_has_others(s->target)) {
			file.other = inspect_other;
			file.target = s;
		}
		file.mapped = hm_target_is_mapped(s->target);
		r = hm_scan_read(s->rules->scan, s->room, &file, inspect_pass, s, &why);
	}
	/* What one file's own damage hides is the file's, and files that only begin as executables do are many; one that was named is not to be called clean. */
	return r == HM_E_BAD && s->bytes.data && strcmp(hm_target_kind(s->target), "file") != 0 ? 0 : told(s, e, r, &why, fail);
}

static int observe_path(struct inspect *s, const struct hm_entry *e, enum hm_scan_class class, struct hm_fail *fail)
{
	struct hm_observation o = { .kind = HM_OBSERVED_PATH, .value = e->path, .path = e->path, .outer = inspect_outer(s, e), .source = "walk" };
	HM_FREE char *whole = NULL;
	bool could_run = e->type == HM_ENTRY_FILE && (class == HM_SCAN_EXECUTABLE || class == HM_SCAN_SCRIPT || class == HM_SCAN_BASE || (e->mode & 0111));

	o.state = could_run ? HM_STATE_PRESENT : HM_STATE_RESIDUE;
	/* What only looks like another system's root hides no path of the target's own. */
	if (e->root && !hm_inspect_shows(s->rules, &o)) {
		whole = hm_sprintf("%s%s", e->root, e->path);
		o.value = o.path = whole;
		o.outer = NULL;
	}
	return inspect_pass(s, &o, fail);
}

static int observe_digest(struct inspect *s, const struct hm_entry *e, struct hm_fail *fail)
{
	const char *slash = strrchr(e->path, '/');
	struct hm_observation o = { .kind = HM_OBSERVED_FILE, .value = slash ? slash + 1 : e->path, .path = e->path, .outer = inspect_outer(s, e), .source = "walk",
				    .state = HM_STATE_PRESENT, .sha256 = digest_of(s) };

	return o.sha256 ? inspect_pass(s, &o, fail) : 0;
}

static int one_file(struct inspect *s, const struct hm_entry *e, struct hm_fail *fail)
{
	struct hm_slice path = hm_slice_text(e->path), head = { 0 };
	enum hm_scan_class class = HM_SCAN_DATA;
	const struct hm_source *source = NULL;
	struct hm_fail why = { 0 };
	int r = e->size == 0 ? 0 : hm_target_head(s->target, hm_source_needs_head(path) ? HM_SOURCE_HEAD : HM_SCAN_HEAD, &head, &why);

	s->counts.files++;
	if (r == 0 && e->size) {
		class = hm_scan_class(path, (struct hm_slice){ head.data, head.len < HM_SCAN_HEAD ? head.len : HM_SCAN_HEAD });
		source = hm_source_for(path, head);
	}
	if (r != 0 && (r = inspect_unread(s, e, why.text, fail)) != 0)
		return r;
	/* A target of its own that is nothing that is looked into is not known to be clean. */
	if (!source && class == HM_SCAN_DATA && !e->outer && strcmp(hm_target_kind(s->target), "file") == 0 &&
	    (r = inspect_unread(s, e, "no format that is known", fail)) != 0)
		return r;
	if (source)
		r = read_source(s, e, source, fail);
	if (r == 0 && class != HM_SCAN_DATA)
		r = read_content(s, e, fail);
	if (r == 0)
		r = observe_path(s, e, class, fail); /* last: the digest of its bytes is evidence */
	if (r == 0 && s->rules->hashes && s->bytes.data)
		r = observe_digest(s, e, fail);
	return r ? r : inspect_places(s, e, fail);
}

static int each(void *cookie, struct hm_target *target HM_UNUSED, const struct hm_entry *e, struct hm_fail *fail)
{
	struct inspect *s = cookie;
	int r = 0, begin;

	if (e->type == HM_ENTRY_UNREAD)
		return inspect_unread(s, e, e->why, fail);
	s->at.inner = s->number++ && s->at.top == e->top ? s->at.inner + 1 : 0;
	s->at.top = e->top;
	begin = s->sink->begin(s->sink->cookie, &s->at, e->path);
	if (begin != HM_BEGIN)
		return begin == HM_BEGIN_CLOSED ? HM_ENTRY_CLOSED : 0;
	s->entry = e;
	s->bytes = (struct hm_slice){ 0 };
	s->sha256[0] = 0;
	s->counts.entries++;
	if (e->type == HM_ENTRY_FILE)
		r = one_file(s, e, fail);
	else if ((r = observe_path(s, e, HM_SCAN_DATA, fail)) == 0)
		r = inspect_places(s, e, fail);
	s->entry = NULL;
	s->bytes = (struct hm_slice){ 0 };
	free(hm_take_ptr(&s->inside));
	return r == 0 && s->number % COUNT_EVERY == 0 ? flush(s, fail) : r;
}

int hm_inspect(const struct hm_inspect_rules *rules, struct hm_target *target, const struct hm_inspect_sink *sink, struct hm_fail *fail)
{
	struct inspect s = { .rules = rules, .target = target, .sink = sink };
	int r = hm_scan_room(&s.room, rules->scan, fail);

	if (r == 0)
		r = hm_target_walk(target, each, &s, fail);
	if (r == 0)
		r = inspect_settle(&s, fail);
	if (r == 0)
		r = flush(&s, fail);
	inspect_release_held(&s);
	inspect_again_free(s.again);
	hm_scan_leave(s.room);
	return r;
}
