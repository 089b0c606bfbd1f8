#include <sys/mman.h>
#include <unistd.h>

#include "bases.h"
#include "binary.h"
#include "scan_internal.h"

#define TEXT_MIN 4
#define BLOCK (16u << 20) /* of a map, no more than that is in memory; blocks overlap by more than any text is long */
#define OVERLAP 8192u
/* Tables may be anybody's: Hyperscan is given no more than it compiles in some seconds. */
#define TEXTS_MAX 16384u
#define LICENCES_MAX (64u << 10) /* bytes */

void hm_scan_close(struct hm_scan *scan)
{
	if (!scan)
		return;
	hm_scan_set_release(&scan->executable);
	hm_scan_set_release(&scan->licence);
	for (size_t i = 0; i < scan->symbol_count; i++)
		free(scan->symbols[i]);
	free(scan->symbols);
	free(scan);
}

void hm_scan_trust(struct hm_scan *scan, const struct hm_binary_trust *trust)
{
	scan->trust = trust;
}

void hm_scan_cleanup(struct hm_scan **scan)
{
	hm_scan_close(*scan);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_symbol(struct hm_scan *scan, const char *text)
{
	scan->symbols = hm_realloc(scan->symbols, scan->symbol_count + 1, sizeof(*scan->symbols));
	scan->symbols[scan->symbol_count++] = hm_strdup(text);
}

int hm_scan_open(struct hm_scan **ret, const struct hm_scan_pattern *patterns, size_t count, struct hm_fail *fail)
{
	HM_CLEANUP(hm_scan_cleanup) struct hm_scan *scan = hm_alloc(1, sizeof(*scan));
	HM_CLEANUP(hm_scan_builder_release) struct hm_scan_builder executable = { 0 };
	HM_CLEANUP(hm_scan_builder_release) struct hm_scan_builder licence = { 0 };
	size_t licences = 0;
	int r;

	if (hs_valid_platform() != HS_SUCCESS)
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot scan contents: this processor has no SSSE3, which Hyperscan needs");
	for (size_t i = 0; i < count; i++) {
		size_t len = strlen(patterns[i].text);

		if (len < TEXT_MIN || len > OVERLAP / 4)
			return hm_fail_set(fail, HM_E_USAGE, "cannot look for \"%.40s\": texts have %d to %u bytes", patterns[i].text, TEXT_MIN, OVERLAP / 4);
		if (patterns[i].place == HM_SCAN_SYMBOL)
			add_symbol(scan, patterns[i].text);
		else if (patterns[i].place == HM_SCAN_LICENCE && (licences += len) <= LICENCES_MAX)
			hm_scan_add(&scan->licence, &licence, &patterns[i]);
		else
			hm_scan_add(&scan->executable, &executable, &patterns[i]);
		if (licences > LICENCES_MAX || scan->executable.count > TEXTS_MAX)
			return hm_fail_set(fail, HM_E_USAGE, "cannot look for so much: more than %u texts, or %u bytes of licences", TEXTS_MAX, LICENCES_MAX);
	}
	if (scan->symbol_count)
		qsort(scan->symbols, scan->symbol_count, sizeof(*scan->symbols), by_text);
	if ((r = hm_scan_compile(&scan->executable, &executable, fail)) != 0 || (r = hm_scan_compile(&scan->licence, &licence, fail)) != 0)
		return r;
	*ret = hm_take_ptr(&scan);
	return 0;
}

int hm_scan_room(struct hm_scan_room **ret, const struct hm_scan *scan, struct hm_fail *fail)
{
	struct hm_scan_room *room = hm_alloc(1, sizeof(*room));
	const hs_database_t *dbs[] = { scan->executable.db, scan->licence.db };

	for (size_t i = 0; i < HM_COUNT(dbs); i++)
		if (dbs[i] && hs_alloc_scratch(dbs[i], &room->scratch) != HS_SUCCESS) {
			hm_scan_leave(room);
			return hm_fail_set(fail, HM_E_SYSTEM, "cannot scan contents: Hyperscan got no memory");
		}
	room->seen = hm_alloc(scan->executable.count + scan->licence.count + 1, 1);
	*ret = room;
	return 0;
}

void hm_scan_leave(struct hm_scan_room *room)
{
	if (!room)
		return;
	hs_free_scratch(room->scratch);
	free(room->seen);
	free(room);
}

struct matching {
	const struct hm_scan_set *set;
	uint8_t *seen;
	struct hm_slice all;
	size_t at; /* of the block */
};

static int on_match(unsigned number, unsigned long long from HM_UNUSED, unsigned long long to, unsigned flags HM_UNUSED, void *cookie)
{
	const struct matching *m = cookie;
	unsigned id = HM_SCAN_ID(number);

	if (!m->seen[id] && (m->set->place[id] != HM_SCAN_DOMAIN || hm_scan_is_name(m->set, number, m->all, m->at + (size_t)to)))
		m->seen[id] = 1;
	return 0;
}

/* The pages are the file's, and are there again when they are asked for again. */
static void let_go(const uint8_t *from, size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), at = ((uintptr_t)from + page - 1) / page * page - (uintptr_t)from;

	if (len > at + page)
		(void)madvise((void *)(uintptr_t)(from + at), (len - at) / page * page, MADV_DONTNEED);
}

/* Marks in `seen` what is in the bytes. */
static int search(const struct hm_scan_set *set, struct hm_scan_room *room, const struct hm_scan_file *file, struct hm_fail *fail)
{
	struct hm_slice bytes = file->bytes;
	struct matching m = { set, room->seen, bytes, 0 };

	memset(room->seen, 0, set->count);
	for (size_t at = 0; set->db && at < bytes.len; at += BLOCK - OVERLAP) {
		size_t len = bytes.len - at < BLOCK ? bytes.len - at : BLOCK;

		m.at = at;
		if (hs_scan(set->db, (const char *)bytes.data + at, (unsigned)len, 0, room->scratch, on_match, &m) != HS_SUCCESS)
			return hm_fail_set(fail, HM_E_SYSTEM, "Hyperscan failed");
		if (file->mapped)
			let_go(bytes.data + at, len);
		if (len == bytes.len - at)
			break;
	}
	return 0;
}

struct sought {
	const struct hm_scan *scan;
	const struct hm_scan_file *file;
	hm_observe_fn observe;
	void *cookie;
	struct hm_fail *fail;
};

static int observe_text(const struct sought *s, enum hm_scan_place place, const char *text, const char *where)
{
	static const enum hm_observation_kind kinds[] = { [HM_SCAN_STRING] = HM_OBSERVED_STRING, [HM_SCAN_DOMAIN] = HM_OBSERVED_DOMAIN,
							  [HM_SCAN_LICENCE] = HM_OBSERVED_LICENCE, [HM_SCAN_SYMBOL] = HM_OBSERVED_SYMBOL };
	struct hm_observation o = { .kind = kinds[place], .value = text, .detail = where, .path = s->file->path, .outer = s->file->outer,
				    .state = HM_STATE_PRESENT, .source = "scan" };

	return s->observe(s->cookie, &o, s->fail);
}

static int tell(const struct sought *s, const struct hm_scan_set *set, struct hm_scan_room *room, const char *where, bool settings)
{
	int r = search(set, room, s->file, s->fail);

	for (unsigned id = 0; r == 0 && id < set->count; id++)
		if (room->seen[id] && (set->place[id] != HM_SCAN_STRING || !settings))
			r = observe_text(s, set->place[id], set->text[id], where);
	return r;
}

static int on_symbol(void *cookie, const char *name)
{
	const struct sought *s = cookie;

	if (!bsearch(&name, s->scan->symbols, s->scan->symbol_count, sizeof(name), by_text))
		return 0;
	return observe_text(s, HM_SCAN_SYMBOL, name, "exported");
}

/* First of all who signed it: what else is in it is in what is his. */
static int executable(struct sought *s, struct hm_scan_room *room)
{
	HM_FREE char *inside = NULL;
	struct hm_binary_file binary = { s->file->bytes, s->file->path, s->file->outer, s->scan->trust, s->file->other, s->file->target, &inside };
	int r, damaged = hm_binary_read(&binary, s->observe, s->cookie, s->fail);
	struct hm_scan_file file = *s->file;
	struct hm_bases_file base = { file.bytes, file.path, inside ? inside : file.outer };

	if ((damaged != 0 && damaged != HM_E_BAD) || hm_binary_kind(file.bytes) == HM_BINARY_CATALOGUE)
		return damaged;
	if (inside)
		file.outer = inside;
	s->file = &file;
	r = tell(s, &s->scan->executable, room, "in an executable", false);
	if (r == 0 && s->scan->symbol_count)
		r = hm_binary_symbols(file.bytes, on_symbol, s);
	if (r == 0)
		r = hm_bases_read(&base, s->observe, s->cookie, s->fail);
	if (file.inside)
		*file.inside = hm_take_ptr(&inside);
	return r ? r : damaged;
}

int hm_scan_read(const struct hm_scan *scan, struct hm_scan_room *room, const struct hm_scan_file *file, hm_observe_fn observe, void *cookie,
		 struct hm_fail *fail)
{
	struct sought s = { scan, file, observe, cookie, fail };
	struct hm_slice head = { file->bytes.data, file->bytes.len < HM_SCAN_HEAD ? file->bytes.len : HM_SCAN_HEAD };
	struct hm_bases_file base = { file->bytes, file->path, file->outer };

	switch (file->as != HM_SCAN_DATA ? file->as : hm_scan_class(hm_slice_text(file->path), head)) {
	case HM_SCAN_EXECUTABLE:
		return executable(&s, room);
	case HM_SCAN_SCRIPT:
		return tell(&s, &scan->executable, room, "in a script", false);
	case HM_SCAN_LICENCE_TEXT:
		return tell(&s, &scan->licence, room, "in a licence text", false);
	case HM_SCAN_SETTINGS:
		return tell(&s, &scan->executable, room, "in settings", true);
	case HM_SCAN_BASE:
		return hm_bases_read(&base, observe, cookie, fail);
	case HM_SCAN_DATA:
		break;
	}
	return 0;
}
