/* Worlds between two levels of a factor: some documents, or some characters of one, have level 1, the others level 0. What is mixed is what a document
 * is made from, so that each is a file of its format. */
#include "factor_internal.h"

static bool is_slot(char c)
{
	return c == *D || c == *U || c == *L;
}

static bool covers(const char *name, hm_factor_make *make)
{
	for (size_t i = 0; i < hm_factor_count; i++)
		if (hm_factors[i].make == make && hm_factor_covers(name, i))
			return true;
	return false;
}

static uint32_t slots_of(const struct hm_factor_doc *doc)
{
	uint32_t count = 0;

	for (const char *c = doc->text; c && *c; c++)
		count += is_slot(*c);
	return count;
}

/* It is about no document. */
static bool is_machine(const char *name)
{
	static hm_factor_make *const of_documents[] = { hm_factor_content, hm_factor_marking, hm_factor_sample, hm_factor_names, hm_factor_more,
							hm_factor_sizes, hm_factor_times, hm_factor_owners, hm_factor_modes, hm_factor_xattrs };

	for (size_t i = 0; i < HM_COUNT(of_documents); i++)
		if (covers(name, of_documents[i]))
			return false;
	return true;
}

/* The row that is this thing; hm_factor_count where there is none. */
static size_t row_of(const char *name, uint32_t thing)
{
	size_t row = 0;

	for (; row < hm_factor_count; row++)
		if (!hm_factors[row].cannot && hm_factor_covers(name, row) && thing-- == 0)
			break;
	return row;
}

uint32_t hm_factor_things(const char *name)
{
	uint32_t rows = 0;

	if (!is_machine(name))
		return (uint32_t)hm_factor_doc_count + 1;
	while (row_of(name, rows) < hm_factor_count)
		rows++;
	return rows < 2 ? 0 : rows;
}

uint32_t hm_factor_places(const char *name, uint32_t thing)
{
	const struct hm_factor_doc *doc;

	if (is_machine(name))
		return thing < hm_factor_things(name);
	if (thing >= hm_factor_doc_count)
		return thing == hm_factor_doc_count && covers(name, hm_factor_more);
	doc = &hm_factor_docs[thing];
	if (covers(name, hm_factor_content))
		return slots_of(doc);
	if (covers(name, hm_factor_marking))
		return doc->takes == HM_TAKES_MARKING;
	if (covers(name, hm_factor_sample))
		return doc->takes == HM_TAKES_SAMPLE;
	if (strcmp(name, "names.count") == 0)
		return 0;
	return !covers(name, hm_factor_sizes) || strcmp(name, "metadata.size") != 0 || doc->filler;
}

const char *hm_factor_thing(const char *name, uint32_t thing)
{
	if (is_machine(name))
		return hm_factors[row_of(name, thing)].name;
	return thing < hm_factor_doc_count ? hm_factor_docs[thing].id : HM_FACTOR_MORE "*.txt";
}

bool hm_factor_span(uint32_t document, uint32_t from, uint32_t to, size_t *offset, size_t *length, size_t *of)
{
	const struct hm_factor_doc *doc = document < hm_factor_doc_count ? &hm_factor_docs[document] : NULL;
	size_t at = 0, end = 0;
	uint32_t slot = 0;

	if (!doc || !doc->deflated || !doc->text)
		return false;
	*offset = 0;
	for (const char *c = doc->text; *c; c++) {
		if (is_slot(*c)) {
			if (slot == from)
				*offset = at;
			if (slot++ < to)
				end = at + 1;
		}
		at += *c == *MARK || *c == *CODE ? strlen(hm_factor_marked) : *c != *FILL;
	}
	*length = end - *offset;
	*of = at;
	return true;
}

/* The text with level 1 at the places of these parts. */
static char *mixed_text(const struct hm_factor_doc *doc, const char *zero, const struct hm_sha256 *key, uint32_t draw,
			const struct hm_factor_part *parts, size_t count)
{
	HM_FREE char *one = hm_factor_filled(doc, key, draw);
	char *text = hm_strdup(zero);
	uint32_t slot = 0;

	for (size_t i = 0; doc->text[i]; i++) {
		if (!is_slot(doc->text[i]))
			continue;
		for (size_t k = 0; k < count; k++)
			if (slot >= parts[k].from && slot < parts[k].to)
				text[i] = one[i];
		slot++;
	}
	return text;
}

struct mixing {
	const struct hm_factor_doc *doc;
	const struct hm_factor_key *key;
	struct hm_world_file *file; /* as at level 0 */
	const struct hm_factor_part *parts;
	size_t count;
	char *zero;
};

static void mix_with(const struct mixing *m, struct hm_bytes *file, char **text, uint32_t draw)
{
	const struct hm_factor_setting setting = { m->file->present, m->file->fillers };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes whole = { 0 };

	free(*text);
	*text = mixed_text(m->doc, m->zero, &m->key->level[1], draw, m->parts, m->count);
	file->len = 0;
	hm_factor_make_file(file, &whole, m->doc, *text, &setting);
}

/* Of one document: the draw is `own`, or the first that makes the file no longer and no shorter. */
static uint32_t mix_content(const struct mixing *m, uint32_t own, bool search)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_FREE char *text = NULL;
	uint32_t draw = own;

	mix_with(m, &file, &text, own);
	for (uint32_t i = 0; search && file.len != m->file->content.len && i < HM_FACTOR_DRAWS; i++)
		mix_with(m, &file, &text, draw = i);
	if (search && file.len != m->file->content.len)
		mix_with(m, &file, &text, draw = own);
	m->file->tokens = hm_factor_tokens(m->file->token, m->doc, text);
	hm_bytes_release(&m->file->content);
	m->file->content = file;
	file = (struct hm_bytes){ 0 };
	return draw;
}

/* All parts of one document. */
static int mix_parts(struct hm_world *zero, struct hm_world *one, const struct hm_factor_key *key, const char *name, struct hm_factor_part *parts,
		     size_t count, bool search, struct hm_fail *fail)
{
	const uint32_t document = parts->document;
	HM_FREE char *text = NULL;
	struct hm_world_file kept;

	for (size_t i = 0; i < count; i++)
		if (parts[i].from >= parts[i].to || parts[i].to > hm_factor_places(name, document) || (i && parts[i].from < parts[i - 1].to) ||
		    parts[i].draw >= HM_FACTOR_DRAWS || parts[i].draw != parts->draw)
			return hm_fail_set(fail, HM_E_BAD, "mixing a world: %s has no such places of %s", hm_factor_thing(name, document), name);
	if (!search && !covers(name, hm_factor_content) && parts->draw)
		return hm_fail_set(fail, HM_E_BAD, "mixing a world: %s draws nothing for %s", name, hm_factor_thing(name, document));
	if (document == hm_factor_doc_count) {
		zero->more = true;
	} else if (covers(name, hm_factor_content)) {
		text = hm_factor_filled(&hm_factor_docs[document], &key->level[0], zero->file[document].draw);
		parts->draw = mix_content(&(struct mixing){ &hm_factor_docs[document], key, &zero->file[document], parts, count, text },
					  search ? one->file[document].draw : parts->draw, search);
		for (size_t i = 1; i < count; i++)
			parts[i].draw = parts->draw;
	} else {
		kept = zero->file[document];
		zero->file[document] = one->file[document];
		one->file[document] = kept;
	}
	return 0;
}

static int mix_documents(struct hm_world *zero, struct hm_world *one, const struct hm_factor_key *key, const char *name, struct hm_factor_part *parts,
			 size_t count, bool search, struct hm_fail *fail)
{
	int r = 0;

	for (size_t i = 0, n; i < count && r == 0; i += n) {
		for (n = 1; i + n < count && parts[i + n].document == parts[i].document;)
			n++;
		if (parts[i].document >= hm_factor_things(name) || (i && parts[i].document < parts[i - 1].document))
			return hm_fail_set(fail, HM_E_BAD, "mixing a world: there is no such document, or not in this order");
		r = mix_parts(zero, one, key, name, parts + i, n, search, fail);
	}
	return r;
}

/* Single rows have level 1. */
static int mix_machine(struct hm_factor_choice *choice, const char *name, const struct hm_factor_part *parts, size_t count, struct hm_fail *fail)
{
	for (size_t i = 0; i < count; i++) {
		if (!hm_factor_places(name, parts[i].document) || parts[i].from != 0 || parts[i].to != 1 || parts[i].draw ||
		    (i && parts[i].document <= parts[i - 1].document))
			return hm_fail_set(fail, HM_E_BAD, "mixing a world: %s has no such row, or not in this order", name);
		choice[row_of(name, parts[i].document)].level = 1;
	}
	return 0;
}

int hm_factor_mix(struct hm_world **ret, const struct hm_factor_doc *docs, const uint8_t *seed, const char *phase,
		  const struct hm_factor_choice *choice, const uint32_t *draws, const char *name, struct hm_factor_part *parts, size_t count,
		  struct hm_fail *fail)
{
	HM_FREE struct hm_factor_choice *other = hm_alloc(hm_factor_count, sizeof(*other));
	HM_CLEANUP(hm_factor_release) struct hm_world *zero = NULL;
	HM_CLEANUP(hm_factor_release) struct hm_world *one = NULL;
	struct hm_factor_key key, unused;
	bool machine = count && is_machine(name);
	int r = 0;

	for (size_t i = 0; i < hm_factor_count; i++)
		other[i] = (struct hm_factor_choice){ count && !machine && hm_factor_covers(name, i) ? 1 : choice[i].level, choice[i].n };
	if (machine)
		r = mix_machine(other, name, parts, count, fail);
	if (r == 0)
		r = hm_factor_build(&zero, &key, docs, seed, phase, machine ? other : choice, draws, fail);
	if (r == 0 && count && !machine)
		r = hm_factor_build(&one, &unused, docs, seed, phase, other, draws, fail);
	if (r == 0 && !machine)
		r = mix_documents(zero, one, &key, name, parts, count, !draws, fail);
	if (r < 0)
		return r;
	hm_factor_finish(zero);
	*ret = hm_take_ptr(&zero);
	return 0;
}

int hm_factor_mixed(struct hm_world **ret, const uint8_t *seed, const char *phase, const struct hm_factor_choice *choice, const char *name,
		    struct hm_factor_part *parts, size_t count, struct hm_fail *fail)
{
	return hm_factor_mix(ret, hm_factor_docs, seed, phase, choice, NULL, name, parts, count, fail);
}
