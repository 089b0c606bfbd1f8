#pragma once
/* The layout that writer and reader share: doc/format/record.md in C. Nothing outside this module needs it. */
#include "merkle.h"
#include "record.h"

#define HM_RECORD_VERSION 1
#define HM_RECORD_BLOCK_LEN 152	    /* bytes of a block's header, its skippable frame's head included */
#define HM_RECORD_TOTALS_LEN 80	    /* of the footer's */
#define HM_RECORD_SALT_LEN 16
#define HM_RECORD_RAW_MAX (16u << 20) /* bytes of a block's items; also of one item */

struct hm_block {
	uint8_t kind;
	bool withheld;
	uint32_t count; /* items in it, at least one */
	uint64_t number, first;
	uint64_t t_first, t_last;
	uint32_t raw_len, frame_len, frame_crc;
	uint8_t salt[HM_RECORD_SALT_LEN];
	struct hm_sha256 leaf, root;
};

struct hm_totals {
	uint8_t kind;
	uint64_t blocks, items, raw_bytes;
	struct hm_sha256 root;
};

/* CRC-32C (Castagnoli; reflected polynomial 0x82f63b78, as in RFC 3720). */
uint32_t hm_record_crc(struct hm_slice s) HM_MUST_CHECK;
/* Appends a block's header, the footer's totals. */
void hm_record_put_block(struct hm_bytes *out, const struct hm_block *block);
void hm_record_put_totals(struct hm_bytes *out, const struct hm_totals *totals);
/* One entry of the seek table, and the whole table as the frame that ends the file. */
void hm_record_put_seek(struct hm_bytes *entries, uint32_t stored, uint32_t raw);
void hm_record_put_seek_table(struct hm_bytes *out, struct hm_slice entries);
/* The leaf hash of a block. */
void hm_record_leaf(struct hm_sha256 *leaf, const uint8_t *salt, struct hm_slice raw);

/* Whether a file with this SHA-256 was checked before; then what was found: its head, and where its blocks end. */
bool hm_record_was_seen(const struct hm_sha256 *file, struct hm_record_head *head, size_t *end) HM_MUST_CHECK;
void hm_record_note_seen(const struct hm_sha256 *file, const struct hm_record_head *head, size_t end);

enum hm_record_part {
	HM_PART_TORN,	/* the beginning of a block's header or of the totals, and no more */
	HM_PART_BLOCK,	/* a whole block's header: right form, right CRC */
	HM_PART_TOTALS, /* the same for the totals */
};
/* What stands at the beginning of `rest`, which is not empty: a part, HM_E_BAD, or HM_E_UNKNOWN for another version. */
int hm_record_part(struct hm_slice rest, struct hm_fail *fail) HM_MUST_CHECK;
/* The fields of a header that hm_record_part found. HM_E_BAD for values that no writer would write. */
int hm_record_get_block(struct hm_block *out, struct hm_slice rest, struct hm_fail *fail) HM_MUST_CHECK;
