#pragma once
/* The append-only file of CBOR items: the events of a run, or the tree that a run left behind.
 *
 * The file is independent zstd frames, each behind a header in a skippable frame, so `zstd -dc` gives the plain CBOR
 * sequence; a block is a leaf of an RFC 6962 tree over salt || uncompressed block. The layout is doc/format/record.md.
 * A file without its footer is cut short: it reads up to its last whole block and says so.
 * Writer and reader share the layout and no state. */
#include "digest.h"

enum hm_record_kind { HM_RECORD_EVENTS = 1, HM_RECORD_TREE = 2 };

struct hm_record_head {
	enum hm_record_kind kind; /* 0 where the file is cut before its first block ends */
	struct hm_sha256 root; /* over the blocks' leaves */
	uint64_t blocks, items;
	bool cut;	 /* no footer, or torn bytes behind the last whole block */
	uint64_t withheld; /* blocks whose content was taken out by redaction */
};

struct hm_record_writer;

/* Creates the file, which must not exist. Blocks are compressed, hashed and written by a thread that blocks all signals; it
 * begins with the first one. So a disk that is full, or a file size limit, is HM_E_SYSTEM from the call that meets it or a
 * later one, hm_record_sync and hm_record_finish at the latest; what was synced before stays readable. A child that is
 * forked meanwhile has no such thread: it executes or exits. */
int hm_record_create(struct hm_record_writer **ret, const char *path, enum hm_record_kind kind, struct hm_fail *fail)
	HM_MUST_CHECK;
/* Adds one deterministic CBOR item made at `time` (any clock that does not go back; 0 is fine). A block that is full is
 * closed; the call waits only when the thread is many blocks behind. After a failure the writer can only be abandoned. */
int hm_record_append(struct hm_record_writer *w, struct hm_slice item, uint64_t time, struct hm_fail *fail) HM_MUST_CHECK;
/* Closes the running block, if it holds anything, and waits until all is written: from then on a kill cannot take it. The
 * file is synced to the disk behind that, which only a loss of power needs, and nobody waits for. Call it when a second has
 * passed. */
int hm_record_sync(struct hm_record_writer *w, struct hm_fail *fail) HM_MUST_CHECK;
/* Writes the footer, syncs, closes and frees the writer, also on failure. `head` may be NULL. */
int hm_record_finish(struct hm_record_writer *w, struct hm_record_head *head, struct hm_fail *fail) HM_MUST_CHECK;
/* Closes without a footer and frees; blocks that were closed are written. NULL is fine. */
void hm_record_abandon(struct hm_record_writer *w);

struct hm_record;

/* Opens a record that lies in memory, checks every block's header, frame, CRC and leaf, and rebuilds the root. Torn bytes
 * at the end only set head->cut; a block that is there and wrong is HM_E_BAD; a newer version HM_E_UNKNOWN.
 * `file` must outlive the record. Bounded: a block is at most 16 MiB uncompressed. Bytes that this process has found right before
 * (by their SHA-256) are not checked again. */
int hm_record_open(struct hm_record **ret, struct hm_slice file, struct hm_fail *fail) HM_MUST_CHECK;
/* The same, and `take` gets every item meanwhile, so that they need not be uncompressed again: what it was given counts only when 0 is returned.
 * Below 0 from it ends the work. */
int hm_record_open_with(struct hm_record **ret, struct hm_slice file, int (*take)(void *cookie, struct hm_slice item, struct hm_fail *fail),
			void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
const struct hm_record_head *hm_record_head(const struct hm_record *r) HM_MUST_CHECK;
/* The next item, borrowed until the next call: 1, 0 at the end, or an error. Items of withheld blocks are passed over. */
int hm_record_next(struct hm_record *r, struct hm_slice *item, struct hm_fail *fail) HM_MUST_CHECK;
/* Where the item that hm_record_next gave last stands in the record, counted from 0, withheld items counted too. */
uint64_t hm_record_position(const struct hm_record *r) HM_MUST_CHECK;
void hm_record_rewind(struct hm_record *r);
void hm_record_close(struct hm_record *r); /* NULL is fine */
