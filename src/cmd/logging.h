#pragma once
/* An assessment's entries in a log: its plan before the first run, its attestation at the end. */
#include "bytes.h"
#include "fail.h"

/* Where it logs. All strings are borrowed; `folder` NULL: nowhere. */
struct hm_logging {
	const char *folder; /* or the URL of a log that takes entries from others */
	const char *key;    /* the log's private key; of a URL NULL, or KEY, beside which KEY.pub is */
	const char *policy; /* whose cosignatures are wanted, or NULL; of a URL the log's key too */
};

bool hm_logging_is_url(const char *place) HM_MUST_CHECK;
/* Opens and closes the log, or asks the URL for its checkpoint, which the policy has to accept: what is wrong with it, or with its witnesses, is told before an hour of runs. */
int hm_logging_ready(const struct hm_logging *l, struct hm_fail *fail) HM_MUST_CHECK;
/* Signs plan.json with the assessor's key and logs it; the receipt for plan.tlog-proof is appended. */
int hm_logging_plan(const struct hm_logging *l, const char *assessor_key, struct hm_slice plan, struct hm_bytes *receipt, struct hm_fail *fail) HM_MUST_CHECK;
/* Logs an attestation by the assessor's key; its receipt is appended. */
int hm_logging_attestation(const struct hm_logging *l, const char *assessor_key, struct hm_slice statement, struct hm_slice signature, struct hm_bytes *receipt,
			   struct hm_fail *fail) HM_MUST_CHECK;
