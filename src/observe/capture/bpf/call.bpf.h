#pragma once
/* Calls that succeeded and can reach behind the recorder, or change what it stands on: which of them are worth an event.
 *
 * Only registers and the kernel's objects decide, never the caller's memory, which another thread may have changed by now: a
 * clock is taken to be set by whoever may set it. Clones are told when the task is made, with the flags that the kernel took;
 * at their end a tracer has had the chance to write another number into the registers (PTRACE_EVENT_CLONE and its kin stop a
 * task in the middle of the call, and nothing else does that goes on to return). */
#include "sent.bpf.h"
#include "task.bpf.h"

#define PR_SET_DUMPABLE 4
#define PR_SET_MM 35 /* what /proc says of the program, the arguments and the environment */
#define PR_SET_SYSCALL_USER_DISPATCH 59
#define PR_SET_PTRACER 0x59616d61

#define CAP_SYS_TIME 25

#define S_IFCHR 0020000
#define S_IFBLK 0060000

#define POLICY_MASK 0xff
#define SCHED_FIFO 1
#define SCHED_RR 2
#define SCHED_DEADLINE 6
#define SCHED_EXT 7

#define FALLOC_FL_COLLAPSE_RANGE 0x08
#define FALLOC_FL_INSERT_RANGE 0x20

/* CLONE_NEWTIME, NEWNS, NEWCGROUP, NEWUTS, NEWIPC, NEWUSER, NEWPID, NEWNET, INTO_CGROUP */
#define CLONE_ELSEWHERE (0x80ull | 0x00020000 | 0x02000000 | 0x04000000 | 0x08000000 | 0x10000000 | 0x20000000 | \
			 0x40000000 | 0x200000000)

static __always_inline void take_args(struct call *call, struct pt_regs *regs, bool i386)
{
	if (i386) {
		call->arg[0] = (__u32)regs->bx;
		call->arg[1] = (__u32)regs->cx;
		call->arg[2] = (__u32)regs->dx;
		call->arg[3] = (__u32)regs->si;
		call->arg[4] = (__u32)regs->di;
		call->arg[5] = (__u32)regs->bp;
		return;
	}
	call->arg[0] = regs->di;
	call->arg[1] = regs->si;
	call->arg[2] = regs->dx;
	call->arg[3] = regs->r10;
	call->arg[4] = regs->r8;
	call->arg[5] = regs->r9;
}

/* By the command's type and number; the upper half is a size that differs between versions. */
static __always_inline bool tells_ioctl(__u32 command)
{
	switch (command & 0xff00) {
	case 0x9400: /* copies by reference, comparisons, snapshots (btrfs and others) */
	case 0x4c00: /* a loop device on a file */
	case 0xfd00: /* device mapper */
	case 0xae00: /* KVM */
	case 0xaf00: /* vhost: packets from memory */
		return true;
	}
	switch (command & 0xffff) {
	case 'f' << 8 | 15: /* EXT4_IOC_MOVE_EXT: exchanges the content of two files */
	case 'f' << 8 | 17: /* EXT4_IOC_SWAP_BOOT: with the boot loader's file */
	case 'X' << 8 | 107: /* XFS_IOC_OPEN_BY_HANDLE */
	case 'X' << 8 | 109: /* XFS_IOC_SWAPEXT */
	case 'X' << 8 | 119: /* FIFREEZE */
	case 'X' << 8 | 125: /* FS_IOC_SHUTDOWN */
	case 'X' << 8 | 129: /* XFS_IOC_EXCHANGE_RANGE */
	case 'X' << 8 | 131: /* XFS_IOC_COMMIT_RANGE */
	case '!' << 8 | 1: /* SECCOMP_IOCTL_NOTIF_SEND: another task's call gets this result without being done */
	case '!' << 8 | 3: /* SECCOMP_IOCTL_NOTIF_ADDFD: another task gets a descriptor */
	case 'T' << 8 | 0x12: /* TIOCSTI */
	case 'T' << 8 | 202: /* TUNSETIFF: packets by write */
		return true;
	}
	return false;
}

static __always_inline bool tells_prctl(__u32 option)
{
	switch (option) {
	case PR_SET_DUMPABLE:
	case PR_SET_MM:
	case PR_SET_SYSCALL_USER_DISPATCH:
	case PR_SET_PTRACER:
		return true;
	}
	return false;
}

static __always_inline bool is_real_time(__u32 policy)
{
	policy &= POLICY_MASK;
	return policy == SCHED_FIFO || policy == SCHED_RR || policy == SCHED_DEADLINE || policy == SCHED_EXT;
}

static __always_inline bool is_device(__u32 mode)
{
	return (mode & S_IFMT) == S_IFCHR || (mode & S_IFMT) == S_IFBLK;
}

/* A task's number in the pid namespace that it lives in, in which it names others. */
static __always_inline int own_number(struct task_struct *task)
{
	struct pid *pid = READ(task, thread_pid);

	return number_at(pid, READ(pid, level));
}

static __always_inline bool is_own_process(int number)
{
	return own_number(READ(bpf_get_current_task_btf(), group_leader)) == number;
}

static __always_inline bool may_set_clock(void)
{
	struct cred *cred = READ(bpf_get_current_task_btf(), cred);
	__u64 effective = 0;

	bpf_core_read(&effective, sizeof(effective), &cred->cap_effective);
	return effective & (1ull << CAP_SYS_TIME);
}

/* By which a product decides on what the kernel else writes into its packets by itself: how large its window is, which port it
 * takes, how a stream is cut. (asm-generic/socket.h, linux/in.h, linux/tcp.h) */
static __always_inline bool tells_option(__u32 level, __u32 option)
{
	switch (level) {
	case 1: /* SOL_SOCKET: SO_RCVBUF, SO_RCVLOWAT, SO_RCVBUFFORCE */
		return option == 8 || option == 18 || option == 33;
	case 0: /* IPPROTO_IP: IP_HDRINCL, IP_LOCAL_PORT_RANGE */
		return option == 3 || option == 51;
	case 6: /* IPPROTO_TCP: TCP_NODELAY, TCP_CORK, TCP_WINDOW_CLAMP, and what repair can set */
		return option == 1 || option == 3 || option == 10 || (option >= 19 && option <= 22) || option == 29;
	}
	return false;
}

__noinline int tells(struct scratch *s, __u32 tell)
{
	if (!s)
		return false;
	switch (tell) {
	case HM_TELL_DONE:
		return true;
	case HM_TELL_ARG1:
		return s->call.arg[1];
	case HM_TELL_ARG2:
		return s->call.arg[2];
	case HM_TELL_KILL:
		return s->call.arg[1] && !is_own_process(s->call.arg[0]);
	case HM_TELL_TKILL:
		return s->call.arg[1] && own_number(bpf_get_current_task_btf()) != (int)s->call.arg[0];
	case HM_TELL_TGKILL:
		return s->call.arg[2] && !is_own_process(s->call.arg[0]);
	case HM_TELL_CLOCK:
		return may_set_clock();
	case HM_TELL_DEVICE_1:
		return is_device(s->call.arg[1]);
	case HM_TELL_DEVICE_2:
		return is_device(s->call.arg[2]);
	case HM_TELL_PRCTL:
		return tells_prctl(s->call.arg[0]);
	case HM_TELL_IOCTL:
		return tells_ioctl(s->call.arg[1]);
	case HM_TELL_REAL_TIME:
		return is_real_time(s->call.arg[1]);
	case HM_TELL_OPTION:
		return tells_option(s->call.arg[1], s->call.arg[2]);
	case HM_TELL_SHIFT:
		return s->call.arg[1] & (FALLOC_FL_COLLAPSE_RANGE | FALLOC_FL_INSERT_RANGE);
	}
	return false;
}

__noinline int emit_call(struct scratch *s)
{
	struct raw_CALL *e;

	if (!s)
		return 0;
	e = BEGIN(s, CALL);
	e->NR = s->call.nr;
	e->RESULT = s->call.ret;
	e->ARG0 = s->call.arg[0];
	e->ARG1 = s->call.arg[1];
	e->ARG2 = s->call.arg[2];
	return END(s, CALL, 0);
}

/* Of a clone that is going on, and that has made `child`. */
static __noinline int on_clone(struct scratch *s, struct task_struct *child, __u64 flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	struct pid *pid = READ(task, thread_pid);
	__u32 nr, table;

	if (!s || !regs || !(flags & CLONE_ELSEWHERE))
		return 0;
	nr = regs->orig_ax;
	table = call_table(task, nr);
	take_args(&s->call, regs, table == HM_CALLS_32);
	s->call.nr = reported_call(nr & ~X32_BIT, table);
	s->call.arg[0] = flags;
	s->call.ret = number_at(READ(child, thread_pid), READ(pid, level));
	return emit_call(s);
}
