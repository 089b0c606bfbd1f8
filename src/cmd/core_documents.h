#pragma once
/* The JSON documents of the core that an assessment writes (doc/format/core.md). */
#include "control.h"
#include "internet.h"
#include "json.h"
#include "packages.h"
#include "parts.h"

struct hm_planned {
	const char *product;	     /* name */
	const char *executable;	     /* path on the host, resolved */
	const char *const *argv;     /* with {target} replaced, NULL-terminated */
	const char *stdin_path;	     /* or NULL */
	const char *internet, *profile, *target;
	unsigned runs, time_limit_s;
	const uint8_t *seed;
	json_t *authorities; /* of hm_authorities_plan, or NULL; owned */
	json_t *kinds; /* rows of `runs`; all of these are borrowed */
	json_t *dropped; /* NULL: none */
	/* Of an experiment, else NULL. The first two are planned, the others known behind the last run. */
	json_t *factors, *blocks;
	json_t *held, *sets, *repeated, *resumed;
	const struct hm_run_note *notes; /* one for each planned run, known behind the last; borrowed */
};

struct hm_run_note {
	unsigned run; /* 0: it was not done */
	int outcome, status;
	uint64_t start_ns, end_ns;
	const char *kind;
	bool equal; /* noise was controlled: `controlled` is set */
	struct hm_control_counts controlled;
	struct hm_internet_tls_stats tls;
	char address[16]; /* of the chamber, where it has not that of all; or empty */
};

/* plan.json from what is planned and the parts that are there: claims.json, declaration.json and scenario.json if any. */
int hm_core_plan(struct hm_parts *parts, const struct hm_planned *planned, struct hm_fail *fail) HM_MUST_CHECK;
/* assessment.json. `absent` are the host's mounts that were not in the chamber, one a line; `self_test` is borrowed. */
int hm_core_assessment(struct hm_parts *parts, const struct hm_planned *planned, const char *hostname, const char *machine_id,
		       const char *witnesses, struct hm_slice absent, json_t *self_test, struct hm_fail *fail) HM_MUST_CHECK;
/* product.json: the product's own packages (`own`, NULL-terminated names or NULL, and the owner of the executable), and
 * those of what the records say was executed or mapped executable. `head` has name, purl, supplier and definitions
 * already; it is borrowed and completed. */
int hm_core_product(struct hm_parts *parts, json_t *head, const struct hm_packages *packages, char *const *own,
		    const char *executable, unsigned runs, struct hm_fail *fail) HM_MUST_CHECK;
/* The note that a row of `runs` in assessment.json was written from, but for its kind; false where it has no outcome. */
bool hm_core_read_run(struct hm_run_note *note, const json_t *row) HM_MUST_CHECK;
/* "runs/0001/NAME" in fresh memory. */
char *hm_core_run_part(unsigned run, const char *name) HM_MUST_CHECK;
