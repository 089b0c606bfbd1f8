/* The filter that sends calls to the supervisor, made from the table of calls. It is made by hand, as libseccomp 2.5 knows neither
 * its conditions nor this flag: once the supervisor has taken a call, only death interrupts the caller. Else a signal, or the
 * recorder's freezer, would make it ask a second time and get what comes after. Machines that run this are little-endian. */
#include "control_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <linux/futex.h>
#include <sched.h>
#include <stddef.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV
#define SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV (1UL << 5)
#endif
#ifndef CLONE_NEWTIME
#define CLONE_NEWTIME 0x80
#endif

#define LOWER(n) (uint32_t)(offsetof(struct seccomp_data, args) + 8 * (n))
#define UPPER(n) (LOWER(n) + 4)

struct program {
	struct sock_filter code[BPF_MAXINSNS];
	unsigned short len;
};

static void add(struct program *p, uint16_t code, uint32_t k, unsigned yes, unsigned no)
{
	if (p->len < BPF_MAXINSNS)
		p->code[p->len++] = (struct sock_filter){ code, (uint8_t)yes, (uint8_t)no, k };
}

static void load_word(struct program *p, uint32_t at)
{
	add(p, BPF_LD | BPF_W | BPF_ABS, at, 0, 0);
}

static void skip_unless(struct program *p, uint16_t test, uint32_t k, unsigned count)
{
	add(p, BPF_JMP | BPF_K | test, k, 0, count);
}

static void skip_if(struct program *p, uint16_t test, uint32_t k, unsigned count)
{
	add(p, BPF_JMP | BPF_K | test, k, count, 0);
}

/* Goes on with the next instruction, or skips it, which is the one that stops the call. */
static void add_condition(struct program *p, const struct hm_control_call *call)
{
	static const uint32_t operations[] = { FUTEX_WAIT, FUTEX_WAIT_BITSET, FUTEX_LOCK_PI, 13 /* FUTEX_LOCK_PI2 */ };

	switch (call->when) {
	case HM_CONTROL_ALWAYS:
		break;
	case HM_CONTROL_ABOVE:
		load_word(p, LOWER(call->argument));
		skip_if(p, BPF_JEQ, 0, 2);
		skip_if(p, BPF_JSET, 0x80000000u, 1);
		break;
	case HM_CONTROL_BIT:
		load_word(p, LOWER(call->argument));
		skip_unless(p, BPF_JSET, 1, 1);
		break;
	case HM_CONTROL_FUTEX:
		load_word(p, LOWER(1));
		add(p, BPF_ALU | BPF_AND | BPF_K, (uint32_t)FUTEX_CMD_MASK, 0, 0);
		for (unsigned i = 0; i + 1 < HM_COUNT(operations); i++)
			skip_if(p, BPF_JEQ, operations[i], HM_COUNT(operations) - 1 - i);
		skip_unless(p, BPF_JEQ, operations[HM_COUNT(operations) - 1], 5);
		/* fall through */
	case HM_CONTROL_POINTER:
		load_word(p, LOWER(call->argument));
		skip_unless(p, BPF_JEQ, 0, 2);
		load_word(p, UPPER(call->argument));
		skip_if(p, BPF_JEQ, 0, 1);
		break;
	}
}

static void add_call(struct program *p, const struct hm_control_call *call)
{
	unsigned short at = p->len;

	skip_unless(p, BPF_JEQ, call->nr, 0);
	add_condition(p, call);
	add(p, BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF, 0, 0);
	add(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	p->code[at].jf = (uint8_t)(p->len - at - 1);
}

/* Other numberings than those of the table are for the profile to refuse. */
static void add_numbering(struct program *p, uint32_t arch)
{
	unsigned short at = p->len + 1;

	/* A conditional jump is too short for what follows. */
	add(p, BPF_JMP | BPF_K | BPF_JEQ, arch, 1, 0);
	add(p, BPF_JMP | BPF_JA, 0, 0, 0);
	load_word(p, offsetof(struct seccomp_data, nr));
	for (size_t i = 0; i < hm_control_call_count; i++)
		if (hm_control_calls[i].arch == arch)
			add_call(p, &hm_control_calls[i]);
	add(p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	p->code[at].k = (uint32_t)(p->len - at - 1);
}

int hm_control_filter(int *listener, struct hm_fail *fail)
{
	static struct program p;
	struct sock_fprog loaded = { .filter = p.code };
	long fd;

	p.len = 0;
	load_word(&p, offsetof(struct seccomp_data, arch));
	for (size_t i = 0; i < hm_control_call_count; i++)
		if (i == 0 || hm_control_calls[i].arch != hm_control_calls[i - 1].arch)
			add_numbering(&p, hm_control_calls[i].arch);
	add(&p, BPF_RET | BPF_K, SECCOMP_RET_ALLOW, 0, 0);
	loaded.len = p.len;
	fd = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
		     SECCOMP_FILTER_FLAG_NEW_LISTENER | SECCOMP_FILTER_FLAG_WAIT_KILLABLE_RECV, &loaded);
	if (fd < 0)
		return hm_fail_errno(fail, "loading the filter that makes noise equal");
	*listener = (int)fd;
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
