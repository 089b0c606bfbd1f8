#pragma once
/* The body of an add-checkpoint. */
#include "note.h"

#define HM_ADD_HASHES 63

struct hm_add {
	uint64_t old;
	struct hm_sha256 proof[HM_ADD_HASHES];
	size_t count;
	struct hm_slice bytes; /* the checkpoint's note, in the body */
	struct hm_note note;
	struct hm_checkpoint checkpoint;
};

/* Reads a body, which must outlive `out`. HM_E_BAD when it is not in the form. */
int hm_add_parse(struct hm_add *out, struct hm_slice body, struct hm_fail *fail) HM_MUST_CHECK;
