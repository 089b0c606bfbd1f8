#pragma once
/* What a policy says of what was found: doc/format/policy.md. Pure: no clock, no files; the day that is asked about is part of the question. */
#include "json.h"
#include "owner.h"

struct hm_decide_policy;
/* Reads hallmark/policy/v1; `what` names it in errors. HM_E_BAD for what the page refuses, with the rule's id. */
int hm_decide_policy_read(struct hm_decide_policy **ret, struct hm_slice text, const char *what, struct hm_fail *fail) HM_MUST_CHECK;
void hm_decide_policy_free(struct hm_decide_policy *policy);
static inline void hm_decide_policy_cleanup(struct hm_decide_policy **policy)
{
	hm_decide_policy_free(*policy);
}

struct hm_decide_question {
	const char *as_of;	 /* YYYY-MM-DD */
	const char *level;	 /* of the policy's levels; NULL where it has none */
	const char *const *scope;
	size_t scopes;
	const char *const *exemption; /* ids of `unless` that were granted */
	size_t exemptions;
	const char *unknown;	 /* overrides the policy's unknown_supplier; NULL: it does not */
	const char *kind, *name; /* of the subject: "found", "bundle" or "product" */
	/* An array, or NULL: [{"name":text,"false":bool,"claims":{ID:VERDICT},"keys":N,"logged":bool,
	 * "product":{"supplier":text,"name":text,"package":text,"packages":{NAME:VERSION},"files":{HEX64:bool}}}...]; `files`: what the bundle has, true where it is
	 * the product's own. With kind "bundle" it is of the one item, and `product` is not asked. "withheld" (bool, may be absent): its findings cannot be derived. */
	const json_t *bundles;
};

/* Decides on `found` (a found.json that hm_found_read took). HM_E_USAGE for a level, scope, exemption or answer that the policy does not know, or a missing level.
 * *ret is hallmark/decision/v1. */
int hm_decide(json_t **ret, const struct hm_decide_policy *policy, const json_t *found, const struct hm_decide_question *question,
	      struct hm_fail *fail) HM_MUST_CHECK;
/* 0, 1 or 2 as CONTRACTS.md section 1 says. */
int hm_decide_exit(const json_t *decision) HM_MUST_CHECK;
