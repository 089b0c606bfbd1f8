#pragma once
/* What is decided on, in the one form that hm_decide takes: a found.json, or a document of the same shape with one item, for a bundle or for a product of
 * data/products. */
#include "json.h"
#include "suppliers.h"

struct hm_decide_subject {
	json_t *found;	/* owned */
	json_t *bundles; /* what bundles show, as hm_decide takes it; owned; or NULL */
};

void hm_decide_subject_release(struct hm_decide_subject *s);
int hm_decide_subject_product(struct hm_decide_subject *s, const struct hm_suppliers *tables, const char *data, const char *name, const char *day,
			      struct hm_fail *fail) HM_MUST_CHECK;

struct hm_decide_trust {
	const char *const *key; /* paths of public keys */
	size_t keys;
	const char *const *replication; /* paths of bundles */
	size_t replications;
	const char *log; /* path of a tlog-policy file, or NULL */
};
/* Verifies the bundle first, and makes its product the subject; what is false in it is told in `bundles`, and is no error. HM_E_UNKNOWN where its findings cannot be derived. */
int hm_decide_subject_bundle(struct hm_decide_subject *s, const struct hm_suppliers *tables, const char *path, const struct hm_decide_trust *trust,
			     const char *day, struct hm_fail *fail) HM_MUST_CHECK;
/* Bundles beside what was found: each verified, its replications held against it. HM_E_USAGE for a replication of none of them. */
int hm_decide_subject_beside(struct hm_decide_subject *s, const char *const *path, size_t count, const struct hm_decide_trust *trust,
			     struct hm_fail *fail) HM_MUST_CHECK;
