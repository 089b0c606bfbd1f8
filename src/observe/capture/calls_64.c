#include "calls.h"

#include <asm/unistd_64.h>

#include "calls_new.h"

/* Calls that this table does not have. */
#define __NR_sendfile64 -1
#define __NR_mmap2 -1
#define __NR_recvmmsg_time64 -1
#define __NR_socketcall -1
#define __NR_setuid32 -1
#define __NR_setgid32 -1
#define __NR_setreuid32 -1
#define __NR_setregid32 -1
#define __NR_setresuid32 -1
#define __NR_setresgid32 -1
#define __NR_setfsuid32 -1
#define __NR_setfsgid32 -1
#define __NR_setgroups32 -1
#define __NR_chown32 -1
#define __NR_lchown32 -1
#define __NR_fchown32 -1
#define __NR_truncate64 -1
#define __NR_ftruncate64 -1
#define __NR_clock_settime64 -1
#define __NR_clock_adjtime64 -1
#define __NR_stime -1
#define __NR_umount -1
#define __NR_utimensat_time64 -1

const int16_t hm_calls_64[HM_ROW_COUNT] = {
#define HM_CALL(name, op, how, deny, tell) [HM_ROW_##name] = __NR_##name,
#include "calls.def"
#undef HM_CALL
};
