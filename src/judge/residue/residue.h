#pragma once
/* What a run left on disk: the tree of its upper layers, and the same as features that can be compared between runs.
 *
 * Features stand under the endpoint "disk". PATH is as in the chamber, with bytes other than letters, digits and "-_./+,:@=~" as %XX.
 *
 * | name | value |
 * |---|---|
 * | `all` | text: everything below |
 * | `all.entries` | number: entries |
 * | `all.paths` | text: the paths |
 * | `dir.entries:PATH`, `dir.names:PATH` | number and text: what was left directly in a folder |
 * | `file.content:PATH` | text: the SHA-256 of a regular file; absent where it was not hashed |
 * | `file.link:PATH` | text: where a symbolic link leads |
 * | `file.mode:PATH`, `file.owner:PATH`, `file.size:PATH`, `file.type:PATH` | number, text, number, text; not of deletions but the type |
 * | `file.more:PATH` | text: extended attributes and a given time, where there are any |
 *
 * The first three stand for what has no name of its own that returns: a file that is called after what it holds has another name in each
 * run. Nothing here has a place in what left.
 *
 * Pure, like everything below judge. */
#include "feature.h"
#include "record.h"

#define HM_RESIDUE_ENDPOINT "disk"

enum {
	HM_TREE_MAX = 4000000,	     /* entries that are judged */
	HM_RESIDUE_PATHS_MAX = 30000, /* of a run, that have features of their own; all stand in those of the whole */
};

struct hm_tree_entry {
	struct hm_slice path, link, more; /* more: lines of attributes (core.md) */
	char type; /* of hm_chamber_entry */
	uint32_t mode, uid, gid;
	uint64_t size;
	uint64_t position; /* in tree.cbor.zst */
	bool hashed;
	uint8_t sha256[HM_SHA256_LEN];
};

struct hm_tree {
	struct hm_tree_entry *list; /* sorted by path, bytewise */
	size_t count;
	struct hm_bytes names; /* what paths and links borrow from */
};

/* Reads the items of a tree record that is open. HM_E_BAD for an entry that is none or out of order; what was read is then to be released
 * all the same. */
int hm_tree_read(struct hm_tree *out, struct hm_record *record, struct hm_fail *fail) HM_MUST_CHECK;
void hm_tree_release(struct hm_tree *tree);

struct hm_residue {
	struct hm_features features;
	struct hm_bytes texts; /* what their values borrow from */
	size_t unread;	       /* regular files without a digest: nobody can tell whether two such are the same */
	bool beyond;	       /* more paths than have features of their own */
};

void hm_residue_read(struct hm_residue *out, const struct hm_tree *tree);
void hm_residue_release(struct hm_residue *residue);
/* The path that stands behind the name's colon, as it is in names; NULL for one of the whole. Borrowed from `name`. */
const char *hm_residue_path(const char *name) HM_MUST_CHECK;
/* Appends the path as it stands in names. */
void hm_residue_escape(struct hm_bytes *out, struct hm_slice path);
