#pragma once
/* A log as a folder of files, to read: no key is needed. */
#include "policy.h"
#include "receipt.h"
#include "tree.h"

/* The files below the open folder `*fd`, which must outlive the source. */
struct hm_tile_source hm_folder_source(const int *fd);
/* Opens the folder; a descriptor or an error. */
int hm_folder_open(const char *path, struct hm_fail *fail) HM_MUST_CHECK;
/* The published checkpoint's note, appended. HM_E_SYSTEM when there is none. */
int hm_folder_checkpoint(struct hm_tile_source source, struct hm_bytes *note, struct hm_fail *fail) HM_MUST_CHECK;
/* A receipt for the entry at `index` in the tree of that checkpoint, appended; it was checked against leaf and root before. `extra`
 * may be empty. */
int hm_folder_receipt(struct hm_tile_source source, struct hm_slice checkpoint, uint64_t index, struct hm_slice extra, struct hm_bytes *out,
		      struct hm_fail *fail) HM_MUST_CHECK;

struct hm_folder_check {
	uint64_t entries, tiles, roots; /* read; made again and compared; of signatures, made again */
};

/* Reads every entry of the checkpoint's tree, makes every tile again and compares. `history`, which may be empty, is the text of KEY.signed:
 * each of its roots is made again too, and its signatures checked by `key`. HM_E_BAD names what is wrong. */
int hm_folder_check_all(struct hm_folder_check *out, struct hm_tile_source source, const struct hm_checkpoint *checkpoint,
			const struct hm_vkey *key, struct hm_slice history, struct hm_fail *fail) HM_MUST_CHECK;
