#pragma once
/* What every run shares: where data and work lie, who the chamber pretends to be, what the scenario answers. */
#include "run.h"
#include "stores.h"

/* Where the planted documents stand in the chamber: {target}. */
#define HM_TARGET "/srv/documents"

struct hm_surroundings {
	char *data;		  /* folder of data/ */
	char *work;		  /* folder for what runs need while they run */
	char hostname[32], machine_id[33];
	struct hm_bytes scenario; /* canonical JSON of a scenario or a replay */
	uint8_t secret[HM_INTERNET_SECRET]; /* of the authority that the chamber trusts */
	struct hm_internet_authority authority;
	struct hm_chamber_authority trusted; /* the same, borrowed */
	struct hm_stores stores; /* that trust it, made when the first run is filled */
	bool stored;
	char *mirror;
	const char *network; /* of --internet gateway=NETWORK, borrowed; or NULL */
	char *folder; /* of this assessment, or NULL */
	int lock;
	char *name;		  /* of the last chamber spec filled */
};

/* Finds the data folder ($HALLMARK_DATA, beside the build, installed), prepares the work folder ($HALLMARK_WORK, else
 * /var/tmp/hallmark; root's alone), sweeps what killed runs left and says so. */
int hm_surroundings_open(struct hm_surroundings *s, struct hm_fail *fail) HM_MUST_CHECK;
void hm_surroundings_release(struct hm_surroundings *s);
/* Makes a folder below work for what an assessment keeps while it runs, locked as long as this process lives; it is removed
 * with the surroundings, or by the next start. Borrowed. */
int hm_surroundings_folder(struct hm_surroundings *s, const char **folder, struct hm_fail *fail) HM_MUST_CHECK;
/* Derives host name, machine id and the chamber's authority from a seed; without it the first two are fixed, and the third is
 * of this process alone. */
void hm_surroundings_identity(struct hm_surroundings *s, const uint8_t *seed);
/* Loads what answers come from in a mode that has answers: the scenario, or for replay what the bundle named in `text` (the
 * value of --internet) holds of its first run; what of that cannot be answered again is told. */
int hm_surroundings_answers(struct hm_surroundings *s, enum hm_internet_mode mode, const char *text, const char *scenario,
			    struct hm_fail *fail) HM_MUST_CHECK;
/* Fills what is common of a run's spec: chamber's work, name, identity, authority and environment (which is
 * fixed: nothing of the caller's, SSL_CERT_FILE and the like included); scenario and mirror. The first time it tells which trust stores stay as
 * they are. */
void hm_surroundings_fill(struct hm_surroundings *s, struct hm_run_spec *spec);
/* Option values; NULL gives the default. HM_E_USAGE for what is none. */
int hm_surroundings_mode(enum hm_internet_mode *mode, const char *text, enum hm_internet_mode otherwise, struct hm_fail *fail) HM_MUST_CHECK;
/* As plan.json has it. */
const char *hm_surroundings_mode_name(enum hm_internet_mode mode) HM_MUST_CHECK;
int hm_surroundings_limit(unsigned *seconds, const char *text, unsigned otherwise, struct hm_fail *fail) HM_MUST_CHECK;
