#pragma once
/* What is decided on, in the one form that hm_decide takes: a found.json, or a document of the same shape with one item, for a bundle or for a product of
 * data/products. */
#include "json.h"
#include "suppliers.h"

struct hm_decide_subject {
	json_t *found;	/* owned */
	json_t *bundle; /* what a bundle shows, as hm_decide takes it; owned; or NULL */
};

void hm_decide_subject_release(struct hm_decide_subject *s);
int hm_decide_subject_found(struct hm_decide_subject *s, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
int hm_decide_subject_product(struct hm_decide_subject *s, const struct hm_suppliers *tables, const char *data, const char *name, const char *day,
			      struct hm_fail *fail) HM_MUST_CHECK;

struct hm_decide_trust {
	const char *const *key; /* paths of public keys */
	size_t keys;
	const char *const *replication; /* paths of bundles */
	size_t replications;
	const char *log; /* path of a tlog-policy file, or NULL */
};
/* Verifies the bundle first; what is false in it is told in `bundle`, and is no error. */
int hm_decide_subject_bundle(struct hm_decide_subject *s, const struct hm_suppliers *tables, const char *path, const struct hm_decide_trust *trust,
			     const char *day, struct hm_fail *fail) HM_MUST_CHECK;
