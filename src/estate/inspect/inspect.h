#pragma once
/* What a target shows: each entry of its walk is asked what it is, sources and scanner read what is worth reading, and what shows a row of the supplier
 * tables comes out, with the package that owns the file. Packages and components come out whether they show a row or not: who counts them needs all. */
#include "match.h"
#include "observation.h"
#include "scan.h"
#include "suppliers.h"
#include "target.h"

/* What is looked for, made once and read-only afterwards; the tables must outlive it. `roots`: files that hold who may issue the certificates of signers; NULL: those of
 * this machine; a list of none: nobody, and then no signature is verified. */
struct hm_inspect_rules;
int hm_inspect_rules_open(struct hm_inspect_rules **ret, const struct hm_suppliers *suppliers, const char *const *roots, size_t root_count,
			  struct hm_fail *fail) HM_MUST_CHECK;
void hm_inspect_rules_close(struct hm_inspect_rules *rules); /* NULL is fine */
void hm_inspect_rules_cleanup(struct hm_inspect_rules **rules);

struct hm_inspect_counts {
	uint64_t entries, files, bytes; /* bytes: what was read for contents and databases */
};

/* Which entry: `top` as in struct hm_entry, and which of those that lie in that one; the same in each walk of a target that does not change. */
struct hm_inspect_at {
	uint64_t top, inner;
};

enum { HM_BEGIN = 0, HM_BEGIN_READ, HM_BEGIN_CLOSED };

struct hm_inspect_sink {
	void *cookie;
	hm_observe_fn observe;
	/* What is observed, and told by `observe` at the end, when it is known whose file it is: for who must not lose it if that end does not come. */
	hm_observe_fn held;
	/* What could not be read, and why. */
	int (*unread)(void *cookie, const char *path, const char *outer, const char *why, struct hm_fail *fail);
	/* Before each entry: what is read next. HM_BEGIN_READ: it was read before, but what lies in it may not have been; HM_BEGIN_CLOSED: it is passed over,
	 * with all that lies in it (a reader before this one died of it). */
	int (*begin)(void *cookie, const struct hm_inspect_at *at, const char *path);
	/* Afterwards and now and then: what was read since the last call. */
	int (*count)(void *cookie, const struct hm_inspect_counts *counts, struct hm_fail *fail);
};

/* Walks the target. Any value but 0 is the walk's or the sink's. */
int hm_inspect(const struct hm_inspect_rules *rules, struct hm_target *target, const struct hm_inspect_sink *sink, struct hm_fail *fail) HM_MUST_CHECK;
/* The rows an observation shows are counted; 0: none. */
size_t hm_inspect_shows(const struct hm_inspect_rules *rules, const struct hm_observation *observation) HM_MUST_CHECK;
