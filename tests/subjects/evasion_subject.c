/* What a product could do to get out of the recorder's sight: `evasion_subject STEP FOLDER free|caged [CGROUP]`.
 *
 * Each step is taken twice: free, where it must be seen, and in the chamber, where it must be refused and the refusal seen, or
 * cannot be done at all. CGROUP is a cgroup beside the one that is watched. */
#include "evasion_code.h"
#include "evasion_trace.h"

#define COMPAT (1 << 30)

/* No file system of cgroups may be there to be left by, nor can one be mounted. */
static void no_cgroups(void)
{
	char line[4096];
	FILE *f = fopen("/proc/self/mountinfo", "r");

	must(f != NULL, "mountinfo");
	while (fgets(line, sizeof(line), f))
		must(!strstr(line, " - cgroup"), line);
	fclose(f);
	attempt("mount", SYS_mount, (long)"none", (long)folder, (long)"cgroup2", 0, 0);
}

static void write_pid(const char *cgroup)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	fd = open(path, O_WRONLY);
	must(fd >= 0 && write(fd, "0", 1) == 1, path);
	close(fd);
}

static void step_cgroup(void)
{
	char name[4096];

	if (caged) {
		no_cgroups();
		return;
	}
	leave_mark("before");
	state_mark("before", 1);
	write_pid(outside);
	snprintf(name, sizeof(name), "%s", strrchr(outside, '/'));
	state("move moved_tgid=%d moved_tid=%d inside=0 path=\"%s\"", getpid(), getpid(), name);
	leave_mark("unseen");
	state_mark("unseen", 0);
}

struct clone3_args {
	uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid, set_tid_size, cgroup;
};

#define INTO_CGROUP 0x200000000ll

static void step_clone_into(void)
{
	int cgroup = caged ? -1 : open(outside, O_RDONLY | O_DIRECTORY);
	struct clone3_args args = { .flags = INTO_CGROUP, .exit_signal = SIGCHLD, .cgroup = (uint64_t)cgroup };
	long pid = syscall(SYS_clone3, &args, sizeof(args));

	if (caged) {
		must(pid == -1 && errno == ENOSYS, "clone3");
		return;
	}
	must(pid >= 0, "clone3");
	if (pid == 0) {
		leave_mark("unseen");
		_exit(0);
	}
	wait_for((pid_t)pid);
	state("fork child_tgid=%ld child_tid=%ld flags=%lld", pid, pid, INTO_CGROUP);
	state("call nr=%d result=%ld arg0=%lld", SYS_clone3, pid, INTO_CGROUP);
	state("move moved_tgid=%ld moved_tid=%ld inside=0 path=\"\"", pid, pid);
	state_mark("unseen", 0);
}

static void step_namespaces(void)
{
	static const long kinds[] = { CLONE_NEWNS,  CLONE_NEWUTS, CLONE_NEWIPC, CLONE_NEWNET,
				      CLONE_NEWPID, CLONE_NEWCGROUP, CLONE_NEWUSER };
	long pid;

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		pid = syscall(SYS_clone, kinds[i] | SIGCHLD, 0, 0, 0, 0);
		if (pid == 0)
			_exit(0);
		must(caged ? pid == -1 && errno == EPERM : pid > 0, "clone");
		if (caged) {
			state_deny(SYS_clone, EPERM, kinds[i] | SIGCHLD, 0);
			continue;
		}
		wait_for((pid_t)pid);
		state("fork child_tgid=%ld flags=%ld", pid, kinds[i]);
		state("call nr=%d result=%ld arg0=%ld", SYS_clone, pid, kinds[i]);
	}
	pid = fork_child((void (*)(void))pause);
	kill((pid_t)pid, SIGKILL);
	waitpid((pid_t)pid, NULL, 0);
	attempt("unshare", SYS_unshare, CLONE_NEWNS | CLONE_NEWUTS, 0, 0, 0, 0);
	pid = open("/proc/self/ns/uts", O_RDONLY);
	must(pid >= 0, "ns/uts");
	attempt("setns", SYS_setns, pid, CLONE_NEWUTS, 0, 0, 0);
	if (!caged)
		must(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0, "private mounts");
	attempt("mount", SYS_mount, (long)"none", (long)folder, (long)"tmpfs", 0, 0);
	attempt("umount", SYS_umount2, (long)folder, MNT_DETACH, 0, 0, 0);
	attempt_in_vain("move_mount", SYS_move_mount, -1, (long)"", -1, (long)"", 0);
	attempt_in_vain("fsopen", SYS_fsopen, (long)"no such", 0, 0, 0, 0);
	attempt_in_vain("open_tree", SYS_open_tree, -1, (long)"no such", 0, 0, 0);
	attempt_in_vain("a clone of a tree", 467, -1, (long)"no such", 0, 0, 0);
}

static void step_memory(void)
{
	static char word[8] = "word", copy[8];
	struct iovec local = { copy, 4 }, remote = { word, 4 };
	pid_t pid = fork_child((void (*)(void))pause);

	attempt("process_vm_readv", SYS_process_vm_readv, pid, (long)&local, 1, (long)&remote, 1);
	attempt("process_vm_writev", SYS_process_vm_writev, pid, (long)&local, 1, (long)&remote, 1);
	attempt("kcmp", SYS_kcmp, pid, getpid(), 0, 0, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void step_kernel(void)
{
	uint32_t map[12] = { 2, 4, 4, 1 }; /* union bpf_attr: an array of one word */

	attempt("bpf", SYS_bpf, 0, (long)map, sizeof(map), 0, 0);
	attempt_in_vain("init_module", SYS_init_module, 0, 0, (long)"", 0, 0);
	attempt_in_vain("finit_module", SYS_finit_module, -1, (long)"", 0, 0, 0);
	attempt_in_vain("delete_module", SYS_delete_module, (long)"hallmark-none", O_NONBLOCK, 0, 0, 0);
	attempt_in_vain("kexec_file_load", SYS_kexec_file_load, -1, -1, 0, (long)"", 0);
	attempt_in_vain("reboot", SYS_reboot, 0, 0, 0, 0, 0); /* without its magic number */
	attempt_in_vain("perf_event_open", SYS_perf_event_open, 0, 0, -1, -1, 0);
	attempt_in_vain("acct", SYS_acct, (long)folder, 0, 0, 0, 0);
	attempt_in_vain("swapon", SYS_swapon, (long)folder, 0, 0, 0, 0);
	attempt("syslog", SYS_syslog, 10, 0, 0, 0, 0); /* the size of the buffer */
	attempt_in_vain("keyctl", SYS_keyctl, -1, 0, 0, 0, 0);
}

static void step_userfaultfd(void)
{
	long fd;

	if (caged) {
		attempt("userfaultfd", SYS_userfaultfd, O_CLOEXEC, 0, 0, 0, 0);
		return;
	}
	fd = syscall(SYS_userfaultfd, (long)O_CLOEXEC);
	if (fd >= 0)
		state("call nr=%d result=%ld arg0=%d", SYS_userfaultfd, fd, O_CLOEXEC);
	else
		state("deny nr=%d result=%d arg0=%d", SYS_userfaultfd, -errno, O_CLOEXEC); /* a kernel without it */
}

static void step_rings(void)
{
	char zero[120] = { 0 };
	unsigned long context = 0;
	long fd;

	attempt("io_setup", SYS_io_setup, 1, (long)&context, 0, 0, 0);
	fd = syscall(SYS_io_uring_setup, 1, zero);
	if (fd >= 0)
		state("call nr=%d result=%ld arg0=1 arg1=%ld", SYS_io_uring_setup, fd, (long)zero);
	else
		state_deny(SYS_io_uring_setup, errno, 1, (long)zero);
	must(fd < 0 || !caged, "io_uring_setup");
}

static void step_times(void)
{
	struct timespec past[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	struct timeval past_us[2] = { { 1000000000, 0 }, { 1000000000, 0 } };
	struct utimbuf past_s = { 1000000000, 1000000000 };
	const char *path = in_folder("old");
	int fd;

	leave_mark("old");
	fd = open(path, O_RDWR);
	must(futimens(fd, past) == 0, "futimens");
	state_call(SYS_utimensat, 0, fd, 0, (long)past);
	must(syscall(SYS_utimensat, (long)AT_FDCWD, path, past, 0) == 0, "utimensat");
	state_call(SYS_utimensat, 0, AT_FDCWD, (long)path, (long)past);
	must(syscall(SYS_utimes, path, past_us) == 0, "utimes");
	state("call nr=%d result=0 arg0=%ld arg1=%ld", SYS_utimes, (long)path, (long)past_us);
	must(syscall(SYS_utime, path, &past_s) == 0, "utime");
	state("call nr=%d result=0 arg0=%ld arg1=%ld", SYS_utime, (long)path, (long)&past_s);
	must(syscall(SYS_futimesat, (long)AT_FDCWD, path, past_us) == 0, "futimesat");
	state_call(SYS_futimesat, 0, AT_FDCWD, (long)path, (long)past_us);
	must(syscall(SYS_utimensat, (long)AT_FDCWD, path, NULL, 0) == 0, "the present");
	state("!call nr=%d arg2=0", SYS_utimensat);
}

/* Nothing here sets a clock: it asks with the right to set it, or sets it to what it cannot be. */
static void step_clock(void)
{
	struct timex query = { 0 };
	struct timespec bad = { 0, -1 };

	attempt("adjtimex", SYS_adjtimex, (long)&query, 0, 0, 0, 0);
	attempt("clock_adjtime", SYS_clock_adjtime, 0, (long)&query, 0, 0, 0);
	attempt("settimeofday", SYS_settimeofday, 0, 0, 0, 0, 0);
	attempt_in_vain("clock_settime", SYS_clock_settime, 0, (long)&bad, 0, 0, 0);
}

static void step_signals(void)
{
	pid_t pid = fork_child((void (*)(void))pause);
	siginfo_t info = { .si_code = SI_QUEUE };
	long pidfd;

	signal(SIGWINCH, SIG_IGN);
	must(kill(getpid(), SIGWINCH) == 0 && raise(SIGWINCH) == 0, "a signal to itself");
	state("!call nr=%d arg0=%d", SYS_kill, getpid());
	state("!call nr=%d arg0=%d", SYS_tgkill, getpid());
	must(kill(pid, 0) == 0, "asking for a process");
	state("!call nr=%d arg1=0", SYS_kill);
	must(kill(pid, SIGSTOP) == 0, "SIGSTOP");
	state("call nr=%d result=0 arg0=%d arg1=%d", SYS_kill, pid, SIGSTOP);
	must(syscall(SYS_tgkill, pid, pid, SIGCONT) == 0, "tgkill");
	state_call(SYS_tgkill, 0, pid, pid, SIGCONT);
	must(syscall(SYS_tkill, pid, SIGWINCH) == 0, "tkill");
	state("call nr=%d result=0 arg0=%d arg1=%d", SYS_tkill, pid, SIGWINCH);
	must(syscall(SYS_rt_sigqueueinfo, pid, SIGWINCH, &info) == 0, "rt_sigqueueinfo");
	state_call(SYS_rt_sigqueueinfo, 0, pid, SIGWINCH, (long)&info);
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	must(pidfd >= 0 && syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0) == 0, "pidfd_send_signal");
	state_call(SYS_pidfd_send_signal, 0, pidfd, SIGKILL, 0);
	waitpid(pid, NULL, 0);
	if (!caged)
		return;
	/* Pid 1 is the chamber's own and the recorder is not there at all: what cannot be stopped goes on to tell of it. */
	must(kill(1, SIGSTOP) == 0 && kill(1, SIGKILL) == 0, "pid 1");
	state("call nr=%d arg0=1 arg1=%d", SYS_kill, SIGSTOP);
	state("call nr=%d arg0=1 arg1=%d", SYS_kill, SIGKILL);
	must(kill(-1, SIGKILL) == -1 && errno == ESRCH, "everybody else");
	usleep(50000);
	must(getppid() == 1, "pid 1 lives");
	leave_mark("alive");
	state_mark("alive", 1);
}

static void leave_daemon(void)
{
	setsid();
	if (fork() > 0)
		_exit(0);
	prctl(PR_SET_NAME, "kworker/0:1");
	leave_mark("daemon");
	_exit(3);
}

static void step_daemon(void)
{
	int end[2];
	pid_t pid;
	char byte;

	must(pipe(end) == 0, "pipe");
	pid = fork_child(leave_daemon);
	close(end[1]);
	wait_for(pid);
	must(read(end[0], &byte, 1) == 0, "the daemon's end"); /* which the recorder is told of before its files are closed */
	state_mark("daemon", 1);
	state("exit code=768 last=1");
}

#ifdef __x86_64__
static long int80(long nr, long a, long b, long c, long d)
{
	long ret;

	__asm__ volatile("int $0x80"
			 : "=a"(ret)
			 : "a"(nr), "b"(a), "c"(b), "d"(c), "S"(d), "D"(0L)
			 : "memory", "r8", "r9", "r10", "r11");
	return ret;
}

static void by_int80(const char *what, long nr, long a, long b, long c)
{
	long result = int80(nr, a, b, c, 0);

	if (caged) {
		must(result == -EPERM, what);
		state_deny(nr | COMPAT, EPERM, a, b);
	} else {
		must(result >= 0, what);
		state("call nr=%ld result=%ld arg0=%ld arg1=%ld", nr | COMPAT, result, a, b);
	}
}

static void step_other_abis(void)
{
	pid_t pid = fork_child((void (*)(void))pause);

	if (int80(20, 0, 0, 0, 0) == getpid()) {
		by_int80("ptrace by int 0x80", 26, PTRACE_SEIZE, pid, 0);
		by_int80("unshare by int 0x80", 310, CLONE_NEWUTS, 0, 0);
		by_int80("kcmp by int 0x80", 349, pid, getpid(), 0);
		by_int80("syslog by int 0x80", 103, 10, 0, 0);
		must(int80(37, pid, SIGCONT, 0, 0) == 0, "kill by int 0x80");
		state("call nr=%d result=0 arg0=%d arg1=%d", 37 | COMPAT, pid, SIGCONT);
	}
	/* Where the kernel has x32, these are calls; where it has not, or the chamber refuses them, the attempt is seen. */
	if (syscall(0x40000000 | 521, PTRACE_SEIZE, pid, 0, 0) < 0 && errno == ENOSYS)
		state_deny(SYS_ptrace, ENOSYS, PTRACE_SEIZE, pid);
	if (syscall(0x40000000 | SYS_unshare, CLONE_NEWUTS) < 0 && errno == ENOSYS)
		state("deny nr=%d result=%d arg0=%d", SYS_unshare, -ENOSYS, CLONE_NEWUTS);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}
#else
static void step_other_abis(void)
{
}
#endif

static void step_unknown(void)
{
	static const long numbers[] = { 400, 500, 575, 576, 1000, 100000, 0x3ffffff0 };

	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		must(syscall(numbers[i], 1, 2) == -1 && errno == ENOSYS, "a call that nobody knows");
		state_deny(numbers[i], ENOSYS, 1, 2);
	}
}

static void step_content(void)
{
	uint64_t move[6] = { 0 };
	int from, to;

	leave_mark("from");
	leave_mark("to");
	from = open(in_folder("from"), O_RDWR);
	to = open(in_folder("to"), O_RDWR);
	must(ftruncate(from, 65536) == 0 && ftruncate(to, 65536) == 0, "two files");
	if (caged) {
		must(ioctl(from, 0xc028660f, move) == -1 && errno == EPERM, "EXT4_IOC_MOVE_EXT");
		state_deny(SYS_ioctl, EPERM, from, 0xc028660f);
		must(ioctl(to, 0x40049409, from) == -1 && errno == EOPNOTSUPP, "FICLONE");
		must(ioctl(to, 0xc0189436, move) == -1 && errno == EOPNOTSUPP, "FIDEDUPERANGE");
	}
	if (fallocate(from, 0x08, 0, 4096) == 0)
		state_call(SYS_fallocate, 0, from, 0x08, 0);
	if (fallocate(from, 0, 0, 4096) == 0)
		state("!call nr=%d arg1=0", SYS_fallocate);
}

static void step_prctl(void)
{
	must(prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0 && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) == 0, "PR_SET_DUMPABLE");
	state("call nr=%d result=0 arg0=%d arg1=0", SYS_prctl, PR_SET_DUMPABLE);
	state("call nr=%d result=0 arg0=%d arg1=1", SYS_prctl, PR_SET_DUMPABLE);
	must(prctl(PR_SET_NAME, "another") == 0, "PR_SET_NAME");
	state("!call nr=%d arg0=%d", SYS_prctl, PR_SET_NAME);
}

/* As the chamber's filter of devices refuses them: EPERM. A file's mode says EACCES, and that is no news. */
static void step_opens(void)
{
	syscall(SYS_setfsuid, 65534);
	if (open("/etc/passwd", O_RDONLY | O_NOATIME) < 0 && errno == EPERM)
		state("deny nr=%d result=%d", SYS_openat, -EPERM);
	else
		must(caged, "O_NOATIME");
	must(open("/etc/passwd", O_RDONLY) >= 0, "/etc/passwd");
	if (open("/etc/shadow", O_RDONLY) < 0)
		state("!deny nr=%d result=%d", SYS_openat, -EACCES);
}

static void step_real_time(void)
{
	struct sched_param one = { 1 };
	pid_t pid = fork_child((void (*)(void))pause);

	attempt("SCHED_FIFO", SYS_sched_setscheduler, pid, SCHED_FIFO, (long)&one, 0, 0);
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void step_storm(void)
{
	for (int i = 0; i < 2000; i++) {
		pid_t pid = vfork();

		if (pid == 0) {
			execl(self, "storm", "nothing", "/", "free", (char *)NULL);
			_exit(1);
		}
		wait_for(pid);
	}
}

static void step_nothing(void)
{
}

static const struct {
	const char *name;
	void (*run)(void);
} steps[] = {
	{ "nothing", step_nothing },	 { "cgroup", step_cgroup },	{ "clone_into", step_clone_into },
	{ "namespaces", step_namespaces }, { "ptrace", step_ptrace },	{ "renumber", step_renumber },
	{ "replace", step_replace },	 { "memory", step_memory },	{ "kernel", step_kernel },
	{ "userfaultfd", step_userfaultfd }, { "rings", step_rings },	{ "memfd", step_memfd },
	{ "deleted", step_deleted },	 { "preload", step_preload },	{ "code", step_code },
	{ "times", step_times },	 { "clock", step_clock },	{ "signals", step_signals },
	{ "dispatch", step_dispatch },	 { "notify", step_notify },	{ "exec_thread", step_exec_thread },
	{ "daemon", step_daemon },	 { "other_abis", step_other_abis }, { "unknown", step_unknown },
	{ "content", step_content },	 { "prctl", step_prctl },	{ "real_time", step_real_time },
	{ "storm", step_storm },		 { "opens", step_opens },
};

int main(int argc, char **argv)
{
	static char own[4096];

	must(argc >= 4, "usage: STEP FOLDER free|caged [CGROUP]");
	must(readlink("/proc/self/exe", own, sizeof(own) - 1) > 0, "/proc/self/exe");
	self = own;
	folder = argv[2];
	caged = strcmp(argv[3], "caged") == 0;
	outside = argv[4];
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (strcmp(argv[1], steps[i].name) != 0)
			continue;
		steps[i].run();
		if (stated_len)
			write_statements();
		return 0;
	}
	errno = EINVAL;
	must(0, argv[1]);
}
