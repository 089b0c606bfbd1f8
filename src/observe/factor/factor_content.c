/* From a secret to a document, and the search for secrets that are alike: factor.h says in what. */
#include "factor_internal.h"

#include <zlib.h>

#define KEPT 32 /* documents of which the last search is kept */

static void reverse(struct hm_bytes *out, const char *word)
{
	for (size_t i = strlen(word); i > 0; i--)
		hm_bytes_u8(out, (uint8_t)word[i - 1]);
}

char *hm_factor_filled(const struct hm_factor_doc *doc, const struct hm_sha256 *key, uint32_t draw)
{
	char *text = hm_strdup(doc->text ? doc->text : "");
	struct hm_stream s;

	hm_stream_open(&s, key, doc->id, draw);
	hm_stream_fill(&s, text);
	return text;
}

void hm_factor_make_file(struct hm_bytes *file, struct hm_bytes *text, const struct hm_factor_doc *doc, const char *filled,
			 const struct hm_factor_setting *setting)
{
	for (const char *c = filled; *c; c++) {
		if (*c == *MARK)
			hm_bytes_text(text, setting->present ? hm_factor_marked : hm_factor_unmarked);
		else if (*c == *CODE)
			reverse(text, setting->present ? hm_factor_unmarked : hm_factor_marked);
		else if (*c == *FILL)
			for (unsigned i = 0; i < setting->fillers; i++)
				hm_bytes_text(text, doc->filler);
		else
			hm_bytes_u8(text, (uint8_t)*c);
	}
	doc->make(file, hm_slice_of(text), setting);
}

void hm_factor_render(struct hm_bytes *file, struct hm_bytes *text, const struct hm_factor_doc *doc, const struct hm_sha256 *key,
		      uint32_t draw, const struct hm_factor_setting *setting)
{
	HM_FREE char *filled = hm_factor_filled(doc, key, draw);

	hm_factor_make_file(file, text, doc, filled, setting);
}

unsigned hm_factor_tokens(char token[][21], const struct hm_factor_doc *doc, const char *filled)
{
	unsigned count = 0;

	for (const char *at = doc->text; at && (at = strstr(at, TOKEN)) && count < HM_FACTOR_TOKENS_MAX; at += 20) {
		memcpy(token[count], filled + (at - doc->text), 20);
		token[count++][20] = 0;
	}
	return count;
}

/* What has to be alike: lengths of the file, and of text and file when zlib has compressed them. */
enum { FILE_LENGTH, TEXT_9, TEXT_6, FILE_9, FILE_6, LENGTHS };

static size_t compressed(struct hm_slice s, int level)
{
	uLongf length = compressBound((uLong)s.len);
	HM_FREE uint8_t *out = hm_alloc(length, 1);

	if (compress2(out, &length, s.data, (uLong)s.len, level) != Z_OK)
		abort();
	return length;
}

static void measure(size_t length[LENGTHS], const struct hm_factor_doc *doc, const struct hm_sha256 *key, uint32_t draw,
		    unsigned present)
{
	const struct hm_factor_setting setting = { .present = present };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 }, text = { 0 };

	hm_factor_render(&file, &text, doc, key, draw, &setting);
	length[FILE_LENGTH] = file.len;
	length[TEXT_9] = compressed(hm_slice_of(&text), 9);
	length[TEXT_6] = compressed(hm_slice_of(&text), 6);
	length[FILE_9] = compressed(hm_slice_of(&file), 9);
	length[FILE_6] = compressed(hm_slice_of(&file), 6);
}

/* One draw of one level: its lengths with and without what the document takes part in. */
struct sight {
	size_t length[2][LENGTHS];
	bool fits; /* the marking makes no difference */
};

static void look(struct sight *sight, const struct hm_factor_doc *doc, const struct hm_sha256 *key, uint32_t draw)
{
	memset(sight, 0, sizeof(*sight));
	for (unsigned way = 0; way < (doc->takes == HM_TAKES_NONE ? 1 : 2); way++)
		measure(sight->length[way], doc, key, draw, way);
	sight->fits = doc->takes != HM_TAKES_MARKING || memcmp(sight->length[0], sight->length[1], sizeof(sight->length[0])) == 0;
}

static bool alike(const struct sight *a, const struct sight *b)
{
	return a->fits && b->fits && memcmp(a->length, b->length, sizeof(a->length)) == 0;
}

/* The first pair of draws that are alike: both levels are drawn in turn, and each new one is held against all of the other level, so that
 * the square root of the lengths that there are is tries enough. */
static bool find_pair(uint32_t pair[2], const struct hm_factor_doc *doc, const struct hm_factor_key *key)
{
	HM_FREE struct sight *first = hm_alloc(2 * HM_FACTOR_DRAWS, sizeof(*first));
	struct sight *seen[2] = { first, first + HM_FACTOR_DRAWS };

	for (uint32_t i = 0; i < HM_FACTOR_DRAWS; i++)
		for (unsigned level = 0; level < 2; level++) {
			look(&seen[level][i], doc, &key->level[level], i);
			for (uint32_t k = 0; k < i + level; k++) {
				if (!alike(&seen[level][i], &seen[1 - level][k]))
					continue;
				pair[level] = i;
				pair[1 - level] = k;
				return true;
			}
		}
	return false;
}

/* Either level makes the whole search: it must find the same pair. The worlds of a block are made one after the other, and those of blocks that
 * confirm are the same again and again, so what was found last for a document is kept. */
int hm_factor_match(uint32_t *draw, const struct hm_factor_doc *doc, const struct hm_factor_key *key, struct hm_fail *fail)
{
	static _Thread_local struct {
		const struct hm_factor_doc *doc;
		struct hm_sha256 level[2];
		uint32_t pair[2];
	} kept[KEPT], *of;

	*draw = 0;
	if (!doc->text)
		return 0;
	of = &kept[(size_t)(doc - hm_factor_docs) % KEPT];
	if (of->doc != doc || memcmp(of->level, key->level, sizeof(of->level)) != 0) {
		of->doc = NULL;
		if (!find_pair(of->pair, doc, key))
			return hm_fail_set(fail, HM_E_SYSTEM, "making matched secrets for %s: this zlib (%s) gives no two of one length",
					   doc->id, zlibVersion());
		memcpy(of->level, key->level, sizeof(of->level));
		of->doc = doc;
	}
	*draw = of->pair[key->chosen];
	return 0;
}
