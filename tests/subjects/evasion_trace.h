#pragma once
/* Steps of evasion_subject.c: calls that another task, or the C code of the task itself, changes or answers. */
#include "evasion_help.h"

static void be_traced(void)
{
	must(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0, "PTRACE_TRACEME");
}

static void step_ptrace(void)
{
	pid_t pid = fork_child(be_traced);

	wait_for(pid);
	state("call nr=%d result=0 arg0=%d", SYS_ptrace, PTRACE_TRACEME);
	pid = fork_child((void (*)(void))pause);
	if (attempt("PTRACE_SEIZE", SYS_ptrace, PTRACE_SEIZE, pid, 0, 0, 0) == 0)
		attempt("PTRACE_DETACH", SYS_ptrace, PTRACE_INTERRUPT, pid, 0, 0, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
	must(ptrace(PTRACE_ATTACH, pid, NULL, NULL) == -1, "a process that is gone");
	if (caged)
		state_deny(SYS_ptrace, EPERM, PTRACE_ATTACH, pid);
}

/* What the tracer is after: a number in the registers that is not the call's. */
static void clone_traced(void)
{
	long pid;

	be_traced();
	raise(SIGSTOP);
	pid = syscall(SYS_clone, CLONE_NEWUTS | SIGCHLD, 0, 0, 0, 0);
	if (pid == 0)
		_exit(0);
}

/* A tracer stops its child in the middle of clone and gives the call another number, that of getpid: neither the new task
 * nor its namespace is hidden by that. */
static void step_renumber(void)
{
	struct user_regs_struct regs;
	pid_t pid, grandchild;
	int status;
	unsigned long message = 0;

	if (caged) {
		step_ptrace(); /* no tracer gets that far */
		return;
	}
	pid = fork_child(clone_traced);
	must(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status), "stopped child");
	must(ptrace(PTRACE_SETOPTIONS, pid, NULL, PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_EXITKILL) == 0 &&
		 ptrace(PTRACE_CONT, pid, NULL, NULL) == 0,
	     "tracing");
	must(waitpid(pid, &status, __WALL) == pid && status >> 16, "an event in the clone");
	must(ptrace(PTRACE_GETEVENTMSG, pid, NULL, &message) == 0, "the new task");
	grandchild = (pid_t)message;
	must(ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0 && regs.orig_rax == SYS_clone, "registers");
	regs.orig_rax = SYS_getpid;
	must(ptrace(PTRACE_SETREGS, pid, NULL, &regs) == 0, "writing registers");
	must(waitpid(grandchild, &status, __WALL) == grandchild && ptrace(PTRACE_DETACH, grandchild, NULL, NULL) == 0,
	     "the new task's stop");
	must(ptrace(PTRACE_DETACH, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid, "the end");
	state("call nr=%d result=0 arg0=%d", SYS_ptrace, PTRACE_TRACEME);
	state("fork child_tgid=%d flags=%d", grandchild, CLONE_NEWUTS);
	state("call nr=%d result=%d arg0=%d", SYS_clone, grandchild, CLONE_NEWUTS);
}

/* The same at the entry, where the kernel does what the new number says: that is what must be told. */
static void open_traced(void)
{
	be_traced();
	raise(SIGSTOP);
	syscall(SYS_getpid, AT_FDCWD, in_folder("instead"), O_RDWR | O_CREAT, 0600);
}

static void step_replace(void)
{
	struct user_regs_struct regs;
	int status;
	pid_t pid;

	if (caged) {
		step_ptrace();
		return;
	}
	pid = fork_child(open_traced);
	must(waitpid(pid, &status, 0) == pid && WIFSTOPPED(status), "stopped child");
	do
		must(ptrace(PTRACE_SYSCALL, pid, NULL, NULL) == 0 && waitpid(pid, &status, 0) == pid &&
			 ptrace(PTRACE_GETREGS, pid, NULL, &regs) == 0,
		     "the next stop");
	while (regs.orig_rax != SYS_getpid);
	regs.orig_rax = SYS_openat;
	must(ptrace(PTRACE_SETREGS, pid, NULL, &regs) == 0 && ptrace(PTRACE_DETACH, pid, NULL, NULL) == 0, "replacing");
	wait_for(pid);
	state("open nr=%d path=\"%s\"", SYS_openat, in_folder("instead"));
}

static char gate = SYSCALL_DISPATCH_FILTER_ALLOW;
static const char *dispatched;

static void on_dispatch(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)info;
	(void)context;
	gate = SYSCALL_DISPATCH_FILTER_ALLOW;
	leave_mark(dispatched);
}

/* A call that is dispatched is not done, and what its handler does instead is a call like any other. */
static void step_dispatch(void)
{
	struct sigaction action = { .sa_sigaction = on_dispatch, .sa_flags = SA_SIGINFO };
	const char *never = in_folder("never");

	dispatched = "dispatched";
	must(sigaction(SIGSYS, &action, NULL) == 0, "sigaction");
	if (prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON, 0, 0, &gate) < 0)
		return; /* a kernel without it */
	gate = SYSCALL_DISPATCH_FILTER_BLOCK;
	syscall(SYS_openat, AT_FDCWD, never, O_RDWR | O_CREAT, 0600);
	must(prctl(PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_OFF, 0, 0, 0) == 0, "an end of it");
	must(access(never, F_OK) < 0, never);
	state("call nr=%d result=0 arg0=%d arg1=%d", SYS_prctl, PR_SET_SYSCALL_USER_DISPATCH, PR_SYS_DISPATCH_ON);
	state_mark("dispatched", 1);
	state_mark("never", 0);
}

/* Another's calls are answered, and it gets a descriptor, without a call of its own. */
static void supervise(int listener, int file)
{
	struct seccomp_notif request = { 0 };
	struct seccomp_notif_addfd add = { .flags = 0, .srcfd = (uint32_t)file };
	struct seccomp_notif_resp answer = { 0 };

	must(ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &request) == 0, "the first call");
	add.id = answer.id = request.id;
	must(ioctl(listener, SECCOMP_IOCTL_NOTIF_ADDFD, &add) >= 0, "adding a descriptor");
	answer.val = 77;
	must(ioctl(listener, SECCOMP_IOCTL_NOTIF_SEND, &answer) == 0, "an answer");
}

static void step_notify(void)
{
	struct sock_filter notify[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_USER_NOTIF),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog filter = { sizeof(notify) / sizeof(notify[0]), notify };
	long listener;
	pid_t pid;
	int fd;

	if (caged)
		must(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0, "no new privileges");
	leave_mark("given");
	fd = open(in_folder("given"), O_RDWR);
	listener = syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER, &filter);
	if (caged) {
		must(listener == -1 && errno == EPERM, "a listener");
		state_deny(SYS_seccomp, EPERM, SECCOMP_SET_MODE_FILTER, SECCOMP_FILTER_FLAG_NEW_LISTENER);
		return;
	}
	must(listener >= 0 && fd >= 0, "a listener");
	pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0)
		_exit(syscall(SYS_getppid) == 77 && write(fd + 2, "x", 1) == 1 ? 0 : 1);
	supervise((int)listener, fd);
	wait_for(pid);
	state("cred nr=%d seccomp=2", SYS_seccomp);
	state("call nr=%d arg0=%ld arg1=%llu", SYS_ioctl, listener, (unsigned long long)SECCOMP_IOCTL_NOTIF_ADDFD);
	state("call nr=%d arg0=%ld arg1=%llu", SYS_ioctl, listener, (unsigned long long)SECCOMP_IOCTL_NOTIF_SEND);
	state("write fd=%d bytes=1", fd + 2);
}
