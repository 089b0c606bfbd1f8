#pragma once
/* Shared by the files of this module. */
#include "edge.h"
#include "folder.h"
#include "log.h"
#include "notary.h"

/* Appends a bundle, or the first `width` entries' worth of a full one: HM_E_BAD unless it holds as many as its name says. */
int hm_entries_read(struct hm_tile_source source, uint64_t index, unsigned width, struct hm_bytes *out, struct hm_fail *fail) HM_MUST_CHECK;

/* signed.c: KEY.signed, what the key signed, line by line. */
struct hm_signed_line {
	uint64_t size;
	struct hm_sha256 root;
	struct hm_slice signature; /* base64 as it stands there */
};
/* Reads a line off the text behind its first; false at its end. A line that is none sets `bad`. */
bool hm_signed_next(struct hm_cursor *c, struct hm_signed_line *line);
/* Steps over the first line, which must be `key`. */
int hm_signed_begin(struct hm_cursor *c, const struct hm_vkey *key, struct hm_fail *fail) HM_MUST_CHECK;
/* The note that such a line stands for, appended; HM_E_BAD when its signature is not the key's. */
int hm_signed_note(struct hm_bytes *note, const struct hm_signed_line *line, const struct hm_vkey *key, struct hm_fail *fail) HM_MUST_CHECK;
/* Makes the file with its first line; it must not be there. Returns a descriptor, locked. */
int hm_signed_create(const char *key_path, const struct hm_vkey *key, struct hm_fail *fail) HM_MUST_CHECK;
/* Opens and locks it, cuts off a last line that does not end, and gives the last one's note. */
int hm_signed_open(const char *key_path, const struct hm_vkey *key, struct hm_bytes *note, struct hm_fail *fail) HM_MUST_CHECK;
/* Appends what stands in `note` and syncs. */
int hm_signed_append(int fd, struct hm_slice note, struct hm_fail *fail) HM_MUST_CHECK;

/* store.c: files appear whole and synced, with their folders. */
#define HM_STORE_FILES 32 /* that a batch writes, at most */
/* Writes them all under names that nobody asks for, and syncs them. */
int hm_store_write(int folder, const struct hm_edge_files *files, struct hm_fail *fail) HM_MUST_CHECK;
/* Gives the bundles of entries among them their names, or the tiles, and syncs the folders. Where a full one is there already it must hold the same bytes. */
int hm_store_place(int folder, const struct hm_edge_files *files, bool entries, struct hm_fail *fail) HM_MUST_CHECK;
int hm_store_checkpoint(int folder, struct hm_slice note, struct hm_fail *fail) HM_MUST_CHECK;
/* Removes the partial tiles that a full one stands for now. */
void hm_store_drop_partials(int folder, struct hm_tile full);

struct hm_log {
	int folder, signed_fd;
	struct hm_notary *notary;
	const struct hm_policy *policy;
	struct hm_edge edge;	    /* of the tree that was signed last */
	struct hm_sha256 root;	    /* of the same */
	struct hm_bytes note;	    /* of the same, without cosignatures */
	uint64_t known[HM_POLICY_MAX]; /* what each witness is believed to have cosigned */
	uint64_t recovered;
	bool broken;
};

/* cosign.c: asks the policy's witnesses; `note` gets the lines of those that cosigned. HM_E_SYSTEM without a quorum, HM_E_BAD
 * when a witness has cosigned more than this log signed. */
int hm_log_cosign(struct hm_log *log, struct hm_bytes *note, struct hm_fail *fail) HM_MUST_CHECK;
