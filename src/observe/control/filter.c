/* Which calls are sent to the supervisor. libseccomp makes the program for all of the machine's numberings; the kernel is given
 * it by hand, for a flag that the library lacks: once the supervisor has taken a call, only death interrupts the caller. Else a
 * signal, or the recorder's freezer, would make it ask a second time and get what comes after. */
#include "control_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

static const char *const stopped[] = { "getrandom", "clock_gettime", "clock_gettime64", "gettimeofday", "time", "execve", "execveat" };

static void drop_filter(scmp_filter_ctx *filter)
{
	seccomp_release(*filter);
}

static int no_rule(int r, const char *what, struct hm_fail *fail)
{
	errno = -r;
	return r < 0 ? hm_fail_errno(fail, "building the filter that makes noise equal: %s", what) : 0;
}

static int fill(scmp_filter_ctx filter, struct hm_fail *fail)
{
	/* Other numberings are for the profile to refuse. */
	int r = no_rule(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ALLOW), "bad architectures", fail);

	if (r == 0 && seccomp_arch_native() == SCMP_ARCH_X86_64)
		r = no_rule(seccomp_arch_add(filter, SCMP_ARCH_X86), "x86", fail);
	if (r == 0 && seccomp_arch_native() == SCMP_ARCH_AARCH64)
		r = no_rule(seccomp_arch_add(filter, SCMP_ARCH_ARM), "arm", fail);
	for (size_t i = 0; r == 0 && i < HM_COUNT(stopped); i++)
		r = no_rule(seccomp_rule_add(filter, SCMP_ACT_NOTIFY, seccomp_syscall_resolve_name(stopped[i]), 0), stopped[i], fail);
	return r;
}

static int load(scmp_filter_ctx filter, struct hm_fail *fail)
{
	HM_CLOSE int file = memfd_create("filter", MFD_CLOEXEC);
	struct sock_filter program[BPF_MAXINSNS];
	struct sock_fprog loaded = { .filter = program };
	ssize_t n;
	long fd;

	if (file < 0)
		return hm_fail_errno(fail, "building the filter that makes noise equal");
	if (no_rule(seccomp_export_bpf(filter, file), "export", fail) < 0)
		return fail->code;
	n = pread(file, program, sizeof(program), 0);
	if (n <= 0)
		return hm_fail_errno(fail, "building the filter that makes noise equal");
	loaded.len = (unsigned short)((size_t)n / sizeof(*program));
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		     SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &loaded);
	return fd < 0 ? hm_fail_errno(fail, "loading the filter that makes noise equal") : (int)fd;
}

int hm_control_filter(int *listener, struct hm_fail *fail)
{
	HM_CLEANUP(drop_filter) scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r;

	if (!filter)
		return hm_fail_set(fail, HM_E_SYSTEM, "building the filter that makes noise equal: libseccomp refuses");
	r = fill(filter, fail);
	if (r == 0)
		r = load(filter, fail);
	if (r < 0)
		return r;
	*listener = r;
	return 0;
}

/* A time namespace for children. Its clocks run on as they are; a program that gives the kernel a time to wait for, as its
 * own clock has it, waits about as long as it should. */
int hm_control_monotonic(const struct hm_control_spec *spec, struct hm_fail *fail)
{
	HM_CLOSE int fd = -1;
	struct timespec mono, boot;
	long long wanted = (long long)hm_control_uptime(spec);
	char text[128];
	int n;

	if (unshare(CLONE_NEWTIME) < 0)
		return hm_fail_errno(fail, "making a time namespace");
	clock_gettime(CLOCK_MONOTONIC, &mono);
	clock_gettime(CLOCK_BOOTTIME, &boot);
	/* Offsets are added; nanoseconds count upwards, so that whole seconds are one too many. */
	n = snprintf(text, sizeof(text), "monotonic %lld %ld\nboottime %lld %ld\n", wanted - mono.tv_sec - 1, 999999999 - mono.tv_nsec,
		     wanted - boot.tv_sec - 1, 999999999 - boot.tv_nsec);
	fd = open("/proc/self/timens_offsets", O_WRONLY | O_CLOEXEC);
	return fd < 0 || write(fd, text, (size_t)n) != n ? hm_fail_errno(fail, "setting the time namespace's clocks") : 0;
}
