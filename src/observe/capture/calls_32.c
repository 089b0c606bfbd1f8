#include "calls.h"

#include <asm/unistd_32.h>

#include "calls_new.h"

/* Calls that this table does not have. */
#define __NR_accept -1
#define __NR_kexec_file_load -1

const int16_t hm_calls_32[HM_ROW_COUNT] = {
#define HM_CALL(name, op, how, deny, tell) [HM_ROW_##name] = __NR_##name,
#include "calls.def"
#undef HM_CALL
};
