/* The calls that are stopped, in every numbering of the machine. */
#include "control_internal.h"

#include <linux/audit.h>
#include <sys/syscall.h>

#define ALWAYS HM_CONTROL_ALWAYS, 0
#define ABOVE(n) HM_CONTROL_ABOVE, n
#define POINTER(n) HM_CONTROL_POINTER, n
#define BIT(n) HM_CONTROL_BIT, n
#define FUTEX HM_CONTROL_FUTEX, 3

const struct hm_control_call hm_control_calls[] = {
#if defined(__x86_64__)
#define NATIVE AUDIT_ARCH_X86_64
#elif defined(__aarch64__)
#define NATIVE AUDIT_ARCH_AARCH64
#endif
	{ NATIVE, SYS_getrandom, ALWAYS, true, hm_control_random },
	{ NATIVE, SYS_clock_gettime, ALWAYS, true, hm_control_clock_gettime },
	{ NATIVE, SYS_gettimeofday, ALWAYS, true, hm_control_gettimeofday },
	{ NATIVE, SYS_times, ALWAYS, true, hm_control_times },
	{ NATIVE, SYS_sysinfo, ALWAYS, true, hm_control_sysinfo },
	{ NATIVE, SYS_execve, ALWAYS, true, NULL },
	{ NATIVE, SYS_execveat, ALWAYS, true, NULL },
	{ NATIVE, SYS_nanosleep, ALWAYS, true, hm_control_wait_nap },
	{ NATIVE, SYS_clock_nanosleep, ALWAYS, true, hm_control_wait_sleep },
	{ NATIVE, SYS_ppoll, POINTER(2), true, hm_control_wait_ns },
	{ NATIVE, SYS_pselect6, POINTER(4), true, hm_control_wait_ns },
	{ NATIVE, SYS_epoll_pwait, ABOVE(3), true, hm_control_wait_ms },
	{ NATIVE, 441, POINTER(3), true, hm_control_wait_ns }, /* epoll_pwait2 */
	{ NATIVE, SYS_rt_sigtimedwait, POINTER(2), true, hm_control_wait_ns },
	{ NATIVE, SYS_futex, FUTEX, true, hm_control_wait_futex },
	{ NATIVE, SYS_timerfd_settime, BIT(1), true, hm_control_wait_timer },
#if defined(__x86_64__)
	{ NATIVE, SYS_time, ALWAYS, true, hm_control_get_time },
	{ NATIVE, SYS_poll, ABOVE(2), true, hm_control_wait_ms },
	{ NATIVE, SYS_select, POINTER(4), true, hm_control_wait_us },
	{ NATIVE, SYS_epoll_wait, ABOVE(3), true, hm_control_wait_ms },
	{ AUDIT_ARCH_I386, 355, ALWAYS, false, hm_control_random },
	{ AUDIT_ARCH_I386, 265, ALWAYS, false, hm_control_clock_gettime },
	{ AUDIT_ARCH_I386, 403, ALWAYS, true, hm_control_clock_gettime },
	{ AUDIT_ARCH_I386, 78, ALWAYS, false, hm_control_gettimeofday },
	{ AUDIT_ARCH_I386, 13, ALWAYS, false, hm_control_get_time },
	{ AUDIT_ARCH_I386, 43, ALWAYS, false, hm_control_times },
	{ AUDIT_ARCH_I386, 116, ALWAYS, false, hm_control_sysinfo },
	{ AUDIT_ARCH_I386, 11, ALWAYS, false, NULL },			   /* execve */
	{ AUDIT_ARCH_I386, 358, ALWAYS, false, NULL },			   /* execveat */
	{ AUDIT_ARCH_I386, 162, ALWAYS, false, hm_control_wait_nap },	   /* nanosleep */
	{ AUDIT_ARCH_I386, 267, ALWAYS, false, hm_control_wait_sleep },   /* clock_nanosleep */
	{ AUDIT_ARCH_I386, 407, ALWAYS, true, hm_control_wait_sleep },	   /* clock_nanosleep_time64 */
	{ AUDIT_ARCH_I386, 168, ABOVE(2), false, hm_control_wait_ms },	   /* poll */
	{ AUDIT_ARCH_I386, 309, POINTER(2), false, hm_control_wait_ns },  /* ppoll */
	{ AUDIT_ARCH_I386, 414, POINTER(2), true, hm_control_wait_ns },   /* ppoll_time64 */
	{ AUDIT_ARCH_I386, 142, POINTER(4), false, hm_control_wait_us },  /* _newselect */
	{ AUDIT_ARCH_I386, 308, POINTER(4), false, hm_control_wait_ns },  /* pselect6 */
	{ AUDIT_ARCH_I386, 413, POINTER(4), true, hm_control_wait_ns },   /* pselect6_time64 */
	{ AUDIT_ARCH_I386, 256, ABOVE(3), false, hm_control_wait_ms },	   /* epoll_wait */
	{ AUDIT_ARCH_I386, 319, ABOVE(3), false, hm_control_wait_ms },	   /* epoll_pwait */
	{ AUDIT_ARCH_I386, 240, FUTEX, false, hm_control_wait_futex },	   /* futex */
	{ AUDIT_ARCH_I386, 422, FUTEX, true, hm_control_wait_futex },	   /* futex_time64 */
#elif defined(__aarch64__)
	{ AUDIT_ARCH_ARM, 384, ALWAYS, false, hm_control_random },
	{ AUDIT_ARCH_ARM, 263, ALWAYS, false, hm_control_clock_gettime },
	{ AUDIT_ARCH_ARM, 403, ALWAYS, true, hm_control_clock_gettime },
	{ AUDIT_ARCH_ARM, 78, ALWAYS, false, hm_control_gettimeofday },
	{ AUDIT_ARCH_ARM, 116, ALWAYS, false, hm_control_sysinfo },
	{ AUDIT_ARCH_ARM, 11, ALWAYS, false, NULL },
	{ AUDIT_ARCH_ARM, 387, ALWAYS, false, NULL },
#endif
};
const size_t hm_control_call_count = HM_COUNT(hm_control_calls);
