#pragma once
#include "experiment.h"

/* hm_experiment_test of rows that lie anywhere; what it is given has been checked. */
void hm_experiment_permute(struct hm_experiment_p *p, const int64_t *const *rows, size_t features, size_t blocks,
			   const struct hm_experiment_draws *draws);
