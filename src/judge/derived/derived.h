#pragma once
/* A run's features as a part of the bundle: runs/NNNN/features.cbor.zst (doc/format/features.md).
 *
 * The part is derived: whoever has packets and record makes it again. It is there for programs that do not read TLS, HTTP and
 * documents themselves, and for people. Pure: no clock, no I/O. */
#include "fail.h"
#include "feature.h"

enum {
	HM_DERIVED_VALUE_MAX = 65536, /* bytes of a value that stand there; of a longer one its length and digest do */
};

/* Appends the features as a CBOR sequence, a row each, in their order. */
void hm_derived_rows(struct hm_bytes *out, const struct hm_features *features);
/* Appends `rows` as a zstd frame with its length and checksum. */
int hm_derived_pack(struct hm_bytes *out, struct hm_slice rows, struct hm_fail *fail) HM_MUST_CHECK;
/* 0 when `part` is one zstd frame with its length and checksum that holds exactly `rows`; else HM_E_BAD, and which row differs. Reads at
 * most as many bytes out of `part` as `rows` has, whatever it claims. */
int hm_derived_check(struct hm_slice part, struct hm_slice rows, struct hm_fail *fail) HM_MUST_CHECK;
