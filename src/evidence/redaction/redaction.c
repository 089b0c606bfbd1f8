/* redaction.json: read off the parts, file by file. Neighbours that are withheld are one row, so it stays short. */
#include "redaction_internal.h"

#include "flow.h"
#include "json.h"
#include "pcapng.h"
#include "withhold.h"

const char *hm_redaction_word(uint32_t type)
{
	return type == HM_PCAPNG_EPB ? "packet" : type == HM_PCAPNG_DSB ? "secrets" : "names";
}

int hm_redaction_part(enum hm_redaction_part *kind, const char *name)
{
	static const struct {
		const char *end;
		enum hm_redaction_part kind;
	} ends[] = {
		{ "/record.cbor.zst", HM_REDACTION_EVENTS }, { "/tree.cbor.zst", HM_REDACTION_TREE }, { "/packets.pcapng", HM_REDACTION_PACKETS },
	};
	const char *slash = strrchr(name, '/');

	for (size_t i = 0; slash && strncmp(name, "runs/", 5) == 0 && i < HM_COUNT(ends); i++)
		if (strcmp(slash, ends[i].end) == 0) {
			*kind = ends[i].kind;
			return 1;
		}
	return 0;
}

/* Rows of one file, and the row that still grows. */
struct rows {
	json_t *list;
	uint64_t from, to, first, items;
	const char *what; /* of packet files */
	bool open;
};

static void close_row(struct rows *rows)
{
	json_t *row = rows->what ? json_pack("{s:I,s:I,s:s}", "from", (json_int_t)rows->from, "to", (json_int_t)rows->to, "what", rows->what)
				 : json_pack("{s:I,s:I,s:I,s:I}", "from", (json_int_t)rows->from, "to", (json_int_t)rows->to, "first",
					     (json_int_t)rows->first, "items", (json_int_t)rows->items);

	if (rows->open)
		json_array_append_new(rows->list, row);
	else
		json_decref(row);
	rows->open = false;
}

static void add_row(struct rows *rows, uint64_t block, uint64_t first, uint64_t items, const char *what)
{
	if (rows->open && rows->to + 1 == block && rows->what == what) {
		rows->to = block;
		rows->items += items;
		return;
	}
	close_row(rows);
	*rows = (struct rows){ rows->list, block, block, first, items, what, true };
}

static int see_block(void *cookie, const struct hm_record_block *block, struct hm_fail *fail HM_UNUSED)
{
	if (block->withheld)
		add_row(cookie, block->number, block->first, block->count, NULL);
	return 0;
}

static int see_packets(struct rows *rows, struct hm_slice file, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(file);
	struct hm_pcapng_block block;
	uint64_t number = 0;
	int r;

	for (; (r = hm_pcapng_next(&c, &block, fail)) == 1; number++)
		if (block.leaf.len)
			add_row(rows, number, 0, 0, hm_redaction_word(block.was));
	return r;
}

int hm_redaction_rows(json_t **ret, const struct hm_parts *parts, size_t index, struct hm_fail *fail)
{
	struct rows rows = { .list = json_array() };
	enum hm_redaction_part kind;
	struct hm_slice content;
	int r = 0;

	*ret = rows.list;
	if (!hm_redaction_part(&kind, hm_parts_at(parts, index, &content)))
		return 0;
	r = kind == HM_REDACTION_PACKETS ? see_packets(&rows, content, fail) : hm_record_blocks(content, false, see_block, &rows, fail);
	close_row(&rows);
	return r < 0 ? hm_fail_in(fail, "%s", hm_parts_at(parts, index, NULL)) : 0;
}

int hm_redaction_kinds(unsigned *kinds, const struct hm_parts *parts, struct hm_fail *fail)
{
	static const unsigned bits[] = { [HM_REDACTION_EVENTS] = HM_WITHHELD_EVENTS, [HM_REDACTION_TREE] = HM_WITHHELD_TREE,
					 [HM_REDACTION_PACKETS] = HM_WITHHELD_PACKETS };

	*kinds = 0;
	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		HM_JSON json_t *rows = NULL;
		enum hm_redaction_part kind;
		int r = hm_redaction_rows(&rows, parts, i, fail);

		if (r < 0)
			return r;
		if (json_array_size(rows) && hm_redaction_part(&kind, hm_parts_at(parts, i, NULL)))
			*kinds |= bits[kind];
	}
	return 0;
}

/* Names that the manifest of before has, and the parts do not. */
static int removed(json_t *out, const struct hm_parts *parts, struct hm_fail *fail)
{
	struct hm_slice text = { 0 }, there;
	HM_JSON json_t *manifest = NULL;
	const json_t *row;
	size_t i;
	int r;

	hm_parts_get(parts, HM_ORIGINAL_MANIFEST, &text);
	r = hm_json_parse_canonical(&manifest, text, HM_ORIGINAL_MANIFEST, fail);
	json_array_foreach (json_object_get(manifest, "members"), i, row) {
		const char *name = json_string_value(json_object_get(row, "name"));

		if (name && !hm_parts_get(parts, name, &there))
			json_array_append_new(out, json_string(name));
	}
	return r;
}

int hm_redaction_json(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail)
{
	json_t *packets = json_array(), *records = json_array(), *gone = json_array();
	HM_JSON json_t *root = json_pack("{s:o,s:o,s:o,s:s}", "packets", packets, "records", records, "removed", gone, "schema",
					 "hallmark/redaction/v1");
	int r = removed(gone, parts, fail);

	for (size_t i = 0; r == 0 && i < hm_parts_count(parts); i++) {
		HM_JSON json_t *rows = NULL;
		enum hm_redaction_part kind = HM_REDACTION_EVENTS;
		const char *name = hm_parts_at(parts, i, NULL);

		r = hm_redaction_rows(&rows, parts, i, fail);
		if (r < 0 || !json_array_size(rows) || !hm_redaction_part(&kind, name))
			continue;
		json_array_append_new(kind == HM_REDACTION_PACKETS ? packets : records, json_pack("{s:s,s:O}", "name", name, "withheld", rows));
	}
	if (r == 0)
		hm_json_write(out, root);
	return r;
}
