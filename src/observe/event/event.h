#pragma once
/* One event: decoded, encoded, checked against the kinds table.
 *
 * In a record an event is the CBOR array [kind, time, cpu, seq, tgid, tid, tseq, field...], fields as the table says
 * (doc/format/record.md). `time` is nanoseconds since the run's START. Capture makes events from raw ones, everything
 * downstream reads them back; neither knows the other. */
#include "bytes.h"
#include "event_abi.h"
#include "fail.h"

#define HM_EVENT_VERSION 3
#define HM_EVENT_KINDS_V1 20 /* kinds that a record of version 1 can have */
#define HM_EVENT_KINDS_V2 32 /* and of version 2 */
#define HM_EVENT_FIELDS_MAX 24

enum hm_field_type { HM_UINT, HM_INT, HM_BYTES };

struct hm_value {
	uint64_t u; /* UINT; INT as (int64_t)u */
	struct hm_slice b;
};

struct hm_event {
	uint16_t kind;
	uint64_t time;
	uint32_t cpu;
	uint64_t seq;
	uint32_t tgid, tid;
	uint64_t tseq;
	/* Index: enum hm_field_KIND; slices borrow from what was decoded. Of fields that the kind does not have, and of a value
	 * the half that its type does not use, nothing is said. */
	struct hm_value field[HM_EVENT_FIELDS_MAX];
};

/* Field indices: HM_EXEC_PATH, HM_OPEN_DEV, ... and their number, HM_EXEC_FIELDS. */
#define HM_KIND(name, number, text, meaning) enum hm_field_##name {
#define HM_FIELD(kind, name, type, text) HM_##kind##_##name,
#define HM_KIND_END(kind) HM_##kind##_FIELDS };
#include "kinds.def"
#undef HM_KIND
#undef HM_FIELD
#undef HM_KIND_END

struct hm_field_info {
	const char *name;
	enum hm_field_type type;
};

struct hm_kind_info {
	const char *name, *meaning;
	const struct hm_field_info *fields;
	uint8_t count;
};

/* The table's row, or NULL for a number that is not in it. */
const struct hm_kind_info *hm_kind_info(uint32_t kind);
/* From what BPF sent. `base` is the run's START on CLOCK_MONOTONIC. HM_E_BAD when lengths or kind do not fit. */
int hm_event_from_raw(struct hm_event *out, struct hm_slice raw, uint64_t base, struct hm_fail *fail) HM_MUST_CHECK;
/* Appends the CBOR item. */
void hm_event_encode(struct hm_bytes *out, const struct hm_event *event);
/* From one whole CBOR item; slices borrow from it. HM_E_UNKNOWN for a kind that this version does not know, HM_E_BAD for
 * anything that hm_event_encode would not have written. */
int hm_event_decode(struct hm_event *out, struct hm_slice item, struct hm_fail *fail) HM_MUST_CHECK;
