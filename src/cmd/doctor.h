#pragma once
/* What this kernel and user can do, found by trying, and how to mend what is missing. */
#include "bytes.h"
#include "fail.h"

struct hm_doctor_row {
	const char *name;
	bool needed, works;
	char why[200];	  /* what was found */
	const char *mend; /* what to do when it does not work */
};

#define HM_DOCTOR_ROWS 48

/* Tries everything; returns the number of rows. Changes nothing that outlives it. */
size_t hm_doctor(struct hm_doctor_row rows[HM_DOCTOR_ROWS]);
/* The commands that start a product call this first: HM_E_SYSTEM with the first needed thing that is missing and how to
 * mend it. Quicker than hm_doctor: BPF programs are not tried, the recorder tells by itself. */
int hm_doctor_preflight(struct hm_fail *fail) HM_MUST_CHECK;
