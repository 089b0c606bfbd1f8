#pragma once
/* Hives of the Windows registry (regf), read from memory: keys and a few kinds of values. The libraries that read them open files by name or build trees that a hostile
 * hive makes endless; here every cell is held against the file's bounds, and who walks says how many keys he will see. Nothing is allocated but the texts that are asked for.
 *
 * Source: libyal's "Windows NT Registry File (REGF) format specification", M. Suhanov's "Windows registry file format specification". */
#include "bytes.h"
#include "fail.h"

struct hm_hive {
	struct hm_slice bins; /* from the first bin on: offsets of cells count from there */
	uint32_t root;
	bool dirty; /* it was not closed: its logs hold what is not in it yet */
};

struct hm_hive_key {
	const struct hm_hive *hive;
	struct hm_slice cell; /* of its nk record */
};

/* False: it is no hive. The bytes must outlive it. */
bool hm_hive_open(struct hm_hive *hive, struct hm_slice bytes) HM_MUST_CHECK;
struct hm_hive_key hm_hive_root(const struct hm_hive *hive) HM_MUST_CHECK;
/* The key below `from` at a path of names with backslashes between, case aside. False: there is none. */
bool hm_hive_find(const struct hm_hive_key *from, const char *path, struct hm_hive_key *key) HM_MUST_CHECK;

/* Gets each key right below. A value other than 0 ends it and is returned. `*budget` keys at most are told, here and in whatever shares it; `*damaged` is set where some could not be read. */
typedef int (*hm_hive_fn)(void *cookie, const struct hm_hive_key *key, const char *name);
int hm_hive_each(const struct hm_hive_key *key, size_t *budget, bool *damaged, hm_hive_fn each, void *cookie) HM_MUST_CHECK;

/* A text (REG_SZ, REG_EXPAND_SZ) of at most 1 KiB as UTF-8, malloc'ed; NULL: there is none. */
char *hm_hive_text(const struct hm_hive_key *key, const char *name) HM_MUST_CHECK;
/* REG_DWORD. */
bool hm_hive_number(const struct hm_hive_key *key, const char *name, uint32_t *number) HM_MUST_CHECK;
