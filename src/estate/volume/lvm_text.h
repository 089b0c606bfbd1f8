#pragma once
/* LVM's own text: NAME { ... }, NAME = VALUE, VALUE being a number, a "string" or [ a list ]. */
#include "bytes.h"

struct lvm_text {
	char *key;   /* NULL in a list */
	char *value; /* of a section or list: NULL */
	struct lvm_text *first, *next;
};

/* NULL: it is none. */
struct lvm_text *lvm_text_read(struct hm_slice text) HM_MUST_CHECK;
void lvm_text_free(struct lvm_text *t);
/* What is called so in the section; NULL where there is none. */
const struct lvm_text *lvm_text_at(const struct lvm_text *section, const char *key) HM_MUST_CHECK;
const char *lvm_text_value(const struct lvm_text *section, const char *key) HM_MUST_CHECK; /* "" where there is none */
uint64_t lvm_text_number(const struct lvm_text *section, const char *key) HM_MUST_CHECK;   /* 0 where there is none */
