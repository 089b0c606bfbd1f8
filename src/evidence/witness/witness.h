#pragma once
/* A witness: cosigns a log's checkpoint when it extends the one that it cosigned last (c2sp.org/tlog-witness 1.0.0;
 * doc/format/log.md, "Witness"). What it cosigned is in a SQLite database before the answer is given. */
#include "policy.h"
#include "web.h"

#define HM_WITNESS_BODY 65536

struct hm_witness;

/* A witness of the policy's logs with that key; the database is made where there is none. `logs` must outlive it. */
int hm_witness_open(struct hm_witness **ret, const char *key, const char *database, const struct hm_policy *logs, struct hm_fail *fail) HM_MUST_CHECK;
void hm_witness_close(struct hm_witness *w); /* NULL is fine */
void hm_witness_cleanup(struct hm_witness **w);
const struct hm_vkey *hm_witness_key(const struct hm_witness *w) HM_MUST_CHECK;
/* The answer to the body of an add-checkpoint, at the time `now`. Errors of the database are status 500, and nothing is cosigned. */
void hm_witness_add(struct hm_witness *w, struct hm_slice body, uint64_t now, struct hm_web_answer *answer);
/* The answer to a request: add-checkpoint, or HEX64/checkpoint; fits hm_web_open. */
void hm_witness_answer(void *witness, const struct hm_web_request *request, struct hm_web_answer *answer);
