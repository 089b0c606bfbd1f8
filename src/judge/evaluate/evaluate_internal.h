#pragma once
/* What is summed up over the runs beside the claims. */
#include "claim.h"
#include "text.h"

/* Every outgoing byte per endpoint, and what was proven to be in it. */
struct hm_ledger;
struct hm_ledger *hm_ledger_new(const struct hm_core *core);
void hm_ledger_run(struct hm_ledger *ledger, const struct hm_run *run);
json_t *hm_ledger_json(const struct hm_ledger *ledger);
json_t *hm_ledger_influence(const struct hm_ledger *ledger);
void hm_ledger_free(struct hm_ledger *ledger); /* NULL is fine */

/* The files that make the product. */
struct hm_artifacts;
struct hm_artifacts *hm_artifacts_new(const struct hm_core *core);
void hm_artifacts_run(struct hm_artifacts *artifacts, const struct hm_run *run);
json_t *hm_artifacts_json(struct hm_artifacts *artifacts);
void hm_artifacts_free(struct hm_artifacts *artifacts); /* NULL is fine */

/* A run's witnesses, held against each other: a row of `reconciled`. */
json_t *hm_reconciled_json(const struct hm_run *run);
