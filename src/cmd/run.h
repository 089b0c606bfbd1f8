#pragma once
/* One run: chamber, internet, recorder and record joined, from an empty folder to its files. Used by assess and observe. */
#include "capture.h"
#include "chamber.h"
#include "internet.h"
#include "record.h"

struct hm_run_spec {
	struct hm_chamber_spec chamber;
	enum hm_internet_mode mode;
	struct hm_slice scenario; /* canonical JSON or empty */
	const char *mirror, *network; /* of struct hm_internet_spec */
	const uint8_t *mac;   /* of the chamber's network card; NULL: one that is always the same */
	const char *address;  /* of struct hm_internet_spec */
	const uint8_t *secret; /* of struct hm_internet_spec, as the three below */
	const uint8_t *noise;
	int64_t clock;
	enum hm_internet_wrong wrong;
	struct hm_slice plan; /* SHA-256 of plan.json, or empty */
	uint64_t number;
	unsigned time_limit_s;
	unsigned linger_ms; /* what the first process leaves behind may live on for so long; 0: 2 s */
	const char *record, *packets, *tree; /* files to create; tree may be NULL */
	bool echo;			     /* pass the product's output on */
	bool silent;			     /* no progress on a terminal */
	const char *without;		     /* of struct hm_capture_spec, for tests */
	struct hm_capture_loaded **loaded;   /* hm_capture_load gets it: what is loaded stays for the next run of this process; NULL: it does not */
	/* NULL, or asked when everything stands and the product has not begun: below 0 it never will. */
	int (*ready)(void *cookie, struct hm_fail *fail);
	/* NULL, or told when the product is dead and `loaded` may be used again; of two runs, behind the second. Below 0 the run fails. */
	int (*dead)(void *cookie, struct hm_fail *fail);
	void *cookie;
};

struct hm_run_result {
	struct hm_chamber_result chamber;
	struct hm_capture_stats capture;
	struct hm_internet_stats internet;
	struct hm_control_counts controlled;
	struct hm_record_head record;
	uint64_t output_cut; /* bytes of output that were not kept */
	struct hm_bytes absent; /* host's mounts that were not in the chamber, one a line; owned by the caller */
};

/* Does the run. When it fails the product is dead and its surroundings are gone; the files may be there, cut short.
 * HM_E_INTERRUPTED after a signal. */
int hm_run(struct hm_run_result *result, const struct hm_run_spec *spec, struct hm_fail *fail) HM_MUST_CHECK;
/* Does two runs, the second from what the first left on disk; nothing is planted again in it. Each result's `absent` is the caller's. */
int hm_run_twice(struct hm_run_result results[2], const struct hm_run_spec *first, const struct hm_run_spec *second,
		 struct hm_fail *fail) HM_MUST_CHECK;
