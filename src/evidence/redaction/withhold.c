/* Withholding: each run's files are made again without what was asked for; all else is borrowed from the bundle that there was. */
#include "redaction_internal.h"

#include "bundle.h"
#include "flow.h"
#include "json.h"
#include "merkle.h"
#include "pcapng.h"
#include "withhold.h"

enum { SALT = 16 };

/* `pattern` at the beginning of `s`; what stands behind it there does not matter. */
static bool fits_here(const char *pattern, struct hm_slice s)
{
	for (size_t at = 0; *pattern; pattern++, at++) {
		bool deep = pattern[0] == '*' && pattern[1] == '*';

		if (*pattern != '*') {
			if (at == s.len || s.data[at] != (uint8_t)*pattern)
				return false;
			continue;
		}
		pattern += strspn(pattern, "*");
		for (; *pattern; at++) {
			if (fits_here(pattern, (struct hm_slice){ s.data + at, s.len - at }))
				return true;
			if (at == s.len || (!deep && (s.data[at] == '/' || !s.data[at])))
				return false;
		}
		return true;
	}
	return true;
}

bool hm_redact_fits(const char *pattern, struct hm_slice s)
{
	size_t plain = strcspn(pattern, "*");

	while (s.len) {
		/* Nearly everywhere it is the plain beginning that is not there. */
		const uint8_t *at = plain ? memmem(s.data, s.len, pattern, plain) : s.data;

		if (!at)
			return false;
		s.len -= (size_t)(at - s.data);
		s.data = at;
		if (fits_here(pattern, s))
			return true;
		s.data++;
		s.len--;
	}
	return false;
}

struct redacting {
	const struct hm_parts *from;
	struct hm_parts *to;
	const struct hm_redact *wishes;
	size_t count;
	uint64_t blocks; /* that were withheld now */
};

/* Whether one of the wishes is for items `first` to `last` of such a kind, which hold `content`. */
static bool wanted(const struct redacting *r, unsigned what, unsigned run, uint64_t first, uint64_t last, struct hm_slice content)
{
	for (size_t i = 0; i < r->count; i++) {
		const struct hm_redact *w = &r->wishes[i];

		if (w->what & what && run >= w->run_from && run <= w->run_to && last >= w->from && first <= w->to &&
		    (!w->pattern || hm_redact_fits(w->pattern, content)))
			return true;
	}
	return false;
}

struct choosing {
	const struct redacting *r;
	unsigned what, run;
	bool *withhold; /* by block */
	size_t count, chosen;
};

static void release_choosing(struct choosing *c)
{
	free(c->withhold);
}

static int choose(void *cookie, const struct hm_record_block *block, struct hm_fail *fail HM_UNUSED)
{
	struct choosing *c = cookie;

	c->withhold = hm_realloc(c->withhold, c->count + 1, sizeof(*c->withhold));
	c->withhold[c->count] = !block->withheld && wanted(c->r, c->what, c->run, block->first, block->first + block->count - 1, block->items);
	c->chosen += c->withhold[c->count++];
	return 0;
}

/* A record or tree: taken as it is where nothing of it is wanted. */
static int redact_record(struct redacting *r, const char *name, struct hm_slice content, unsigned what, unsigned run, struct hm_fail *fail)
{
	HM_CLEANUP(release_choosing) struct choosing c = { r, what, run, NULL, 0, 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	int e = hm_record_blocks(content, true, choose, &c, fail);

	if (e < 0)
		return e;
	r->blocks += c.chosen;
	if (!c.chosen)
		return hm_parts_borrow(r->to, name, content, fail);
	e = hm_record_withhold(&out, content, c.withhold, c.count, fail);
	return e < 0 ? e : hm_parts_take(r->to, name, &out, fail);
}

static bool block_wanted(const struct redacting *r, const struct hm_pcapng_block *block, unsigned run, uint64_t packet)
{
	switch (block->type) {
	case HM_PCAPNG_EPB:
		return wanted(r, HM_REDACT_PACKETS, run, packet, packet, block->packet);
	case HM_PCAPNG_DSB:
		return wanted(r, HM_REDACT_SECRETS, run, 0, UINT64_MAX, block->secrets);
	case HM_PCAPNG_NRB:
		return wanted(r, HM_REDACT_NAMES, run, 0, UINT64_MAX, block->records);
	default:
		return false;
	}
}

static void withhold_block(struct hm_bytes *out, struct hm_bytes *salts, const struct hm_pcapng_block *block, struct hm_slice salt)
{
	struct hm_slice data[2] = { salt, block->whole };
	struct hm_sha256 leaf;

	hm_merkle_leaf(&leaf, data, HM_COUNT(data));
	hm_pcapng_withheld(out, block->type, (uint32_t)block->whole.len, leaf.b);
	for (size_t i = 0; i < SALT; i++)
		hm_bytes_u8(salts, 0);
}

/* A packet file and its salts. */
static int redact_packets(struct redacting *r, const char *name, struct hm_slice content, unsigned run, struct hm_fail *fail)
{
	HM_FREE char *salts_name = hm_sprintf("%.*s/packets.salts", (int)(strrchr(name, '/') - name), name);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 }, salts = { 0 };
	struct hm_cursor c = hm_cursor_of(content), s;
	struct hm_slice salt_file = { 0 };
	struct hm_pcapng_block block;
	uint64_t packet = 0, before = r->blocks;
	int e;

	hm_parts_get(r->from, salts_name, &salt_file);
	s = hm_cursor_of(salt_file);
	while ((e = hm_pcapng_next(&c, &block, fail)) == 1) {
		struct hm_slice salt = hm_cursor_bytes(&s, SALT);

		if (s.bad)
			return hm_fail_set(fail, HM_E_BAD, "%s: too short", salts_name);
		packet += block.type == HM_PCAPNG_EPB || (block.leaf.len && block.was == HM_PCAPNG_EPB);
		if (block_wanted(r, &block, run, packet)) {
			withhold_block(&out, &salts, &block, salt);
			r->blocks++;
			continue;
		}
		hm_bytes_slice(&out, block.whole);
		hm_bytes_slice(&salts, salt);
	}
	if (e == 0 && r->blocks == before) {
		e = hm_parts_borrow(r->to, name, content, fail);
		return e < 0 ? e : hm_parts_borrow(r->to, salts_name, salt_file, fail);
	}
	if (e == 0)
		e = hm_parts_take(r->to, name, &out, fail);
	return e < 0 ? e : hm_parts_take(r->to, salts_name, &salts, fail);
}

static unsigned run_of(const char *name)
{
	return (unsigned)strtoul(name + strlen("runs/"), NULL, 10);
}

static int copy_part(struct redacting *r, size_t index, struct hm_fail *fail)
{
	struct hm_slice content;
	const char *name = hm_parts_at(r->from, index, &content), *slash = strrchr(name, '/');
	enum hm_redaction_part kind;

	if (strcmp(name, "manifest.json") == 0 || strcmp(name, HM_REDACTION) == 0 || strcmp(name, "report.html") == 0)
		return 0;
	if (slash && (strcmp(slash, "/packets.salts") == 0 || strcmp(slash, "/features.cbor.zst") == 0))
		return 0; /* with their packets; behind all others */
	if (!hm_redaction_part(&kind, name))
		return hm_parts_borrow(r->to, name, content, fail);
	if (kind == HM_REDACTION_PACKETS)
		return redact_packets(r, name, content, run_of(name), fail);
	return redact_record(r, name, content, kind == HM_REDACTION_TREE ? HM_REDACT_TREES : HM_REDACT_RECORDS, run_of(name), fail);
}

static bool untouched(const struct redacting *r, const char *folder_of, const char *file)
{
	HM_FREE char *name = hm_sprintf("%.*s/%s", (int)(strrchr(folder_of, '/') - folder_of), folder_of, file);
	HM_JSON json_t *rows = NULL;
	struct hm_slice there;

	if (!hm_parts_get(r->to, name, &there))
		return true;
	for (size_t i = 0; i < hm_parts_count(r->to); i++)
		if (strcmp(hm_parts_at(r->to, i, NULL), name) == 0)
			return hm_redaction_rows(&rows, r->to, i, NULL) == 0 && json_array_size(rows) == 0;
	return false;
}

/* Features tell what packets said: those of a run of which anything is withheld stay behind. */
static int copy_features(struct redacting *r, struct hm_fail *fail)
{
	int e = 0;

	for (size_t i = 0; e == 0 && i < hm_parts_count(r->from); i++) {
		struct hm_slice content;
		const char *name = hm_parts_at(r->from, i, &content), *slash = strrchr(name, '/');

		if (slash && strcmp(slash, "/features.cbor.zst") == 0 && untouched(r, name, "record.cbor.zst") &&
		    untouched(r, name, "tree.cbor.zst") && untouched(r, name, "packets.pcapng"))
			e = hm_parts_borrow(r->to, name, content, fail);
	}
	return e;
}

static int seal(struct redacting *r, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes redaction = { 0 }, manifest = { 0 };
	struct hm_slice original;
	int e = 0;

	if (!hm_parts_get(r->to, HM_ORIGINAL_MANIFEST, &original)) {
		if (!hm_parts_get(r->from, "manifest.json", &original))
			return hm_fail_set(fail, HM_E_BAD, "there is no manifest.json");
		e = hm_parts_borrow(r->to, HM_ORIGINAL_MANIFEST, original, fail);
	}
	if (e == 0)
		e = hm_redaction_json(&redaction, r->to, fail);
	if (e == 0)
		e = hm_parts_take(r->to, HM_REDACTION, &redaction, fail);
	if (e == 0)
		e = hm_bundle_manifest(&manifest, r->to, fail);
	return e < 0 ? e : hm_parts_take(r->to, "manifest.json", &manifest, fail);
}

int hm_redact(struct hm_parts **ret, uint64_t *blocks, const struct hm_parts *parts, const struct hm_redact *wishes, size_t count,
	      struct hm_fail *fail)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *to = hm_parts_new();
	struct redacting r = { parts, to, wishes, count, 0 };
	int e = 0;

	*ret = NULL;
	for (size_t i = 0; e == 0 && i < hm_parts_count(parts); i++)
		e = copy_part(&r, i, fail);
	*blocks = r.blocks;
	if (e < 0 || !r.blocks)
		return e < 0 ? hm_fail_in(fail, "redacting") : 0;
	e = copy_features(&r, fail);
	if (e == 0)
		e = seal(&r, fail);
	if (e < 0)
		return hm_fail_in(fail, "redacting");
	*ret = hm_take_ptr(&to);
	return 0;
}
