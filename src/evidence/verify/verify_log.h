#pragma once
/* A verified bundle's receipts held against a policy of logs and witnesses. */
#include "policy.h"
#include "verify.h"

/* Adds the rows "log" and "plan log": that an attestation, and before the runs the plan, is in a log that the policy trusts, cosigned by its
 * quorum. For a result of hm_verify_bundle. */
void hm_verify_log(struct hm_verify *v, const struct hm_policy *policy);
