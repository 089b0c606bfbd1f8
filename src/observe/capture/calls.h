#pragma once
/* Which system calls the recorder looks at: calls.def as the tables that the BPF program on sys_exit reads. */
#include "capture_abi.h"

/* A row of calls.def, whatever the architecture. */
enum hm_call_row {
#define HM_CALL(name, op, how, deny, tell) HM_ROW_##name,
#include "calls.def"
#undef HM_CALL
	HM_ROW_COUNT
};

#define HM_CALLS_LAST_KNOWN 469 /* file_setattr, Linux 6.17 */

/* The number of each row's call, or -1. Each stands in a file of its own, since the kernel's headers that give the
 * numbers exclude each other. Those of x32 are without its bit 30. */
extern const int16_t hm_calls_64[HM_ROW_COUNT], hm_calls_32[HM_ROW_COUNT], hm_calls_x32[HM_ROW_COUNT];

/* Fills the tables, which are zero before. */
void hm_calls_fill(struct hm_call_rule tables[HM_CALL_TABLES][HM_CALLS_MAX]);
