#pragma once
/* Which logs and witnesses a verifier trusts (c2sp.org/tlog-policy), and a checkpoint held against it. doc/format/log.md. */
#include "note.h"

#define HM_POLICY_MAX 64 /* of logs, of witnesses, of groups */

struct hm_policy;

/* Reads the text of a policy file. HM_E_BAD with the line for anything that is not in the format. */
int hm_policy_parse(struct hm_policy **ret, struct hm_slice text, struct hm_fail *fail) HM_MUST_CHECK;
int hm_policy_load(struct hm_policy **ret, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
/* The policy of one log and no witness. */
struct hm_policy *hm_policy_of(const struct hm_vkey *log) HM_MUST_CHECK;
void hm_policy_free(struct hm_policy *policy); /* NULL is fine */
void hm_policy_cleanup(struct hm_policy **policy);

/* The key of log or witness at `index`, NULL behind the last; `url` may be NULL, *url is when there is none. */
const struct hm_vkey *hm_policy_log(const struct hm_policy *policy, size_t index, const char **url) HM_MUST_CHECK;
const struct hm_vkey *hm_policy_witness(const struct hm_policy *policy, size_t index, const char **url) HM_MUST_CHECK;

struct hm_policy_outcome {
	struct hm_checkpoint checkpoint; /* its origin lies in the note */
	const struct hm_vkey *log;	 /* who signed */
	const struct hm_vkey *by[HM_POLICY_MAX]; /* witnesses that cosigned */
	uint64_t time[HM_POLICY_MAX];		 /* when, as each says */
	size_t witnesses;
	bool quorum;  /* of what the policy demands */
	bool demands; /* false: `quorum none` */
};

/* A checkpoint's note against the policy. 0 when a listed log signed it; whether it was cosigned enough stands in `quorum`.
 * HM_E_BAD when it is no checkpoint, has extension lines, no listed log signed it, or a known signature is false. */
int hm_policy_check(struct hm_policy_outcome *out, const struct hm_policy *policy, struct hm_slice note, struct hm_fail *fail) HM_MUST_CHECK;
