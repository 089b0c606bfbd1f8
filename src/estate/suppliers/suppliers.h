#pragma once
/* The supplier tables (doc/format/suppliers.md): who makes software, who controls whom, and what shows that a supplier's software is there. All text is
 * owned by the tables; rows are sorted by id and stay where they are. */
#include "owner.h"
#include "fail.h"

enum hm_strength { HM_STRENGTH_NONE, HM_STRENGTH_LOW, HM_STRENGTH_WEAK, HM_STRENGTH_STRONG };

struct hm_supplier {
	const char *id, *name, *kind, *source, *date;
};

struct hm_indicator {
	const char *id, *supplier, *product, *class, *kind, *indicator, *relation, *source, *date, *confidence;
	const char *folded; /* the indicator as it is compared */
	int kind_index;	    /* row of hm_supplier_kinds */
	bool glob;	    /* it holds a wildcard */
};

/* A kind of indicator: how it is compared, and what seeing it is worth. */
struct hm_supplier_kind {
	const char *name;
	const char *channel;	   /* of the evidence: two rows of one channel are one witness */
	enum hm_strength strength; /* at most; what was observed can make it less */
	bool fold;		   /* case aside */
	bool code;		   /* it tells of code: in a package of another supplier it shows that it is contained */
};
extern const struct hm_supplier_kind hm_supplier_kinds[];
extern const size_t hm_supplier_kind_count;

struct hm_suppliers;
/* Reads every *.csv of the folders. HM_E_BAD with file and line for what doc/format/suppliers.md refuses, HM_E_SYSTEM for what cannot be read. */
int hm_suppliers_load(struct hm_suppliers **ret, const char *const *folders, size_t count, struct hm_fail *fail) HM_MUST_CHECK;
void hm_suppliers_free(struct hm_suppliers *s);
static inline void hm_suppliers_cleanup(struct hm_suppliers **s)
{
	hm_suppliers_free(*s);
}
/* All rows of a table; *count of them. */
const struct hm_supplier *hm_suppliers_all(const struct hm_suppliers *s, size_t *count) HM_MUST_CHECK;
const struct hm_owner *hm_suppliers_owners(const struct hm_suppliers *s, size_t *count) HM_MUST_CHECK;
const struct hm_indicator *hm_suppliers_indicators(const struct hm_suppliers *s, size_t *count) HM_MUST_CHECK;
/* By id; NULL when there is none. */
const struct hm_supplier *hm_suppliers_find(const struct hm_suppliers *s, const char *id) HM_MUST_CHECK;
/* The digest of found.md, as 64 hex digits. */
void hm_suppliers_digest(const struct hm_suppliers *s, char hex[65]);
/* What a person would not want to stand there: one line each, by `say`, as `FILE:ID: why`. `today` is YYYY-MM-DD. Returns the number of lines. */
size_t hm_suppliers_lint(const struct hm_suppliers *s, const char *today, void (*say)(void *cookie, const char *line), void *cookie);
/* The text as rows of kind `kind` (of hm_supplier_kinds) are compared with it; malloc'ed. */
char *hm_suppliers_fold(int kind, const char *text, size_t len) HM_MUST_CHECK;
