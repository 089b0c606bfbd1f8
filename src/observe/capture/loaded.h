#pragma once
/* What recordings that come one after the other use: programs and maps in the kernel (loaded.c). The public part stands in
 * capture.h. */
#include "capture_internal.h"

struct bpf_map;

struct hm_capture_loaded {
	struct capture_bpf *skel;
	struct tls_bpf *tls; /* NULL: not loaded ahead, or it does not load here */
	bool tls_tried;
	struct hm_look *look;
	size_t ring_bytes;
	bool no_pressure;
	char *without;
	uint64_t *wire; /* the words of the map, shared */
};

/* Whether it was loaded for recordings by this spec, and nothing of one is left in it. */
bool hm_loaded_is_ready(const struct hm_capture_loaded *l, const struct hm_capture_spec *spec) HM_MUST_CHECK;
/* For one recording, which has them alone: sets what they are to look at. HM_E_USAGE where they were loaded for others, or another has
 * them; HM_E_SYSTEM where something of an earlier one is left in them. After a failure they are of no more use. */
int hm_loaded_take(struct hm_capture_loaded *l, const struct hm_capture_spec *spec, struct hm_fail *fail) HM_MUST_CHECK;
/* Behind a recording that has ended in order: nothing is attached, the ring is empty, and no task lives that it saw. Empties everything,
 * and lets the next one take them. */
int hm_loaded_clean(struct hm_capture_loaded *l, struct hm_fail *fail) HM_MUST_CHECK;

/* Zeroes the one value that a map has for each CPU. */
int hm_capture_zero(const struct bpf_map *map, struct hm_fail *fail) HM_MUST_CHECK;
