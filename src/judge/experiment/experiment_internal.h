#pragma once
#include "experiment.h"

/* HM_E_USAGE for a matrix of a size that nothing is made of; `what` begins the message. */
int hm_experiment_check(const struct hm_experiment_matrix *m, const char *what, struct hm_fail *fail) HM_MUST_CHECK;
enum hm_experiment_kind hm_experiment_kind_of(const struct hm_experiment_matrix *m, size_t feature);
/* hm_experiment_test of what has been checked. */
void hm_experiment_permute(struct hm_experiment_p *p, const struct hm_experiment_matrix *matrix, const struct hm_experiment_draws *draws);
