#pragma once
/* What closed flows carried, as the record tells: of each flow of which nothing was opened, what TLS libraries took for it, and whether that
 * accounts for its records (features.md, "What was given"). Pure. */
#include "fail.h"
#include "flow.h"
#include "given.h"
#include "plain.h"

struct hm_told_flow {
	bool there;	      /* something was given for it, and nothing was opened */
	struct hm_bytes text; /* of its connections, one behind the other, in the order of their first calls */
	struct hm_plain fit;  /* `tls` where the text accounts for its records: they are split by it */
};

struct hm_told {
	struct hm_told_flow *list; /* by flow */
	size_t count;
};

/* `plains` are those of `flows`. */
void hm_told_make(struct hm_told *out, const struct hm_flows *flows, const struct hm_plains *plains, const struct hm_givens *givens);
void hm_told_release(struct hm_told *told);
/* The same, of a run's record as a file. What is withheld or cut of it is not told; a record that cannot be read is an error as of hm_record_open. */
int hm_told_read(struct hm_told *out, const struct hm_flows *flows, const struct hm_plains *plains, struct hm_slice record,
		 struct hm_fail *fail) HM_MUST_CHECK;
