#pragma once
/* Runs in which every TLS server shows a wrong certificate (doc/format/core.md): behind all others, and only where one of these used TLS. */
#include "core_documents.h"

/* How many such runs, or blocks, there are: one for each thing that can be wrong; 0 where servers are not the chamber's own. */
unsigned hm_certificates_count(enum hm_internet_mode mode) HM_MUST_CHECK;
/* What is wrong in number `i`, from 0. */
enum hm_internet_wrong hm_certificates_wrong(unsigned i) HM_MUST_CHECK;
/* A planned run's row in plan.json. */
json_t *hm_certificates_plan(unsigned run, unsigned i) HM_MUST_CHECK;
/* Whether one of these runs had a TLS handshake; those that were not done had none. */
bool hm_certificates_met(const struct hm_run_note *notes, size_t count) HM_MUST_CHECK;
/* How long such a run may go on: twice the longest of these that was done and 10 s more, and never longer than the others may. Programs that try again for
 * as long as they are let would else decide how long an assessment takes. */
unsigned hm_certificates_limit(const struct hm_run_note *notes, size_t count, unsigned time_limit_s) HM_MUST_CHECK;
/* The rule by which they are dropped where none had. */
#define HM_CERTIFICATES_RULE "no tls"
