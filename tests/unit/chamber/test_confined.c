/* A hostile product with root's name in the chamber: what it must not be able to do to the host. Most cases are a C
 * probe, the test program itself, that the chamber runs; each fails when a call that has to be refused is not. */
#include "chamber_help.h"

#include <linux/capability.h>
#include <linux/fs.h>
#include <sched.h>
#include <sys/fanotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "chamber_internal.h"

static int wrong;

/* A result that is not this error is one wall that does not stand. */
static void refused_with(const char *what, long result, int error)
{
	if (result == -1 && errno == error)
		return;
	printf("%s: result %ld, errno %d and not %d\n", what, result, errno, error);
	wrong = 1;
}

static int probe_calls(void)
{
	char path[] = "/tmp";
	uint64_t word = 0;

#define CALL(name, ...) refused_with(#name, syscall(SYS_##name, ##__VA_ARGS__), EPERM)
	CALL(mount, "none", "/mnt", "tmpfs", 0, NULL);
	CALL(umount2, "/proc/sys", MNT_DETACH);
	CALL(pivot_root, path, path);
	CALL(fsopen, "tmpfs", 0);
	CALL(fsconfig, -1, 0, NULL, NULL, 0);
	CALL(fsmount, -1, 0, 0);
	CALL(fspick, AT_FDCWD, "/", 0);
	CALL(open_tree, AT_FDCWD, "/proc/sys", 1);
	CALL(move_mount, -1, "", -1, "", 0);
	CALL(mount_setattr, AT_FDCWD, "/proc/sys", 0, &word, 32);
	refused_with("open_tree_attr", syscall(467, AT_FDCWD, "/proc/sys", 1, &word, 32), EPERM);
	refused_with("a call that nobody knows", syscall(470), ENOSYS);
	CALL(setns, 0, 0);
	CALL(unshare, CLONE_NEWNS);
	CALL(unshare, CLONE_NEWUSER);
	CALL(unshare, CLONE_FILES | CLONE_NEWNET);
	refused_with("clone into a user namespace", syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0), EPERM);
	refused_with("clone into a network namespace", syscall(SYS_clone, CLONE_NEWNET | SIGCHLD, 0, 0, 0, 0), EPERM);
	refused_with("clone3", syscall(SYS_clone3, NULL, 0), ENOSYS);
	CALL(bpf, 0, NULL, 0);
	CALL(perf_event_open, NULL, 0, -1, -1, 0);
	CALL(userfaultfd, 0);
	CALL(io_uring_setup, 1, NULL);
	CALL(io_setup, 1, &word);
	CALL(process_vm_readv, 1, NULL, 0, NULL, 0, 0);
	CALL(process_vm_writev, 1, NULL, 0, NULL, 0, 0);
	CALL(pidfd_getfd, -1, 0, 0);
	CALL(open_by_handle_at, AT_FDCWD, NULL, 0);
	CALL(init_module, NULL, 0, "");
	CALL(finit_module, -1, "", 0);
	CALL(delete_module, "x", 0);
	CALL(kexec_load, 0, 0, NULL, 0);
	CALL(keyctl, 0, 0, 0, 0, 0);
	CALL(add_key, NULL, NULL, NULL, 0, 0);
	CALL(request_key, NULL, NULL, NULL, 0);
	CALL(syslog, 3, path, 4);
	CALL(settimeofday, NULL, NULL);
	CALL(clock_settime, 0, NULL);
	CALL(adjtimex, NULL);
	CALL(swapon, path, 0);
	CALL(acct, NULL);
	CALL(quotactl, 0, NULL, 0, NULL);
	CALL(reboot, 0, 0, 0, NULL);
#undef CALL
	return wrong;
}

static int probe_values(void)
{
	const uint64_t high =
	    1ull << 32; /* the kernel looks at the lower half of an int, a careless filter at all of it */
	static const int families[] = { AF_PACKET, AF_VSOCK, AF_XDP, AF_ALG, AF_BLUETOOTH, AF_KEY, AF_CAN, AF_TIPC };
	static const int good[] = { AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
	int fd = open("/tmp", O_RDONLY);
	void *page = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (size_t i = 0; i < HM_COUNT(families); i++) {
		refused_with("socket", syscall(SYS_socket, families[i], SOCK_RAW, 0), EPERM);
		refused_with("socket with upper bits", syscall(SYS_socket, high | (unsigned)families[i], SOCK_RAW, 0),
			     EPERM);
	}
	refused_with("audit socket", syscall(SYS_socket, AF_NETLINK, SOCK_RAW, 9), EPERM);
	refused_with("audit socket with upper bits", syscall(SYS_socket, AF_NETLINK, SOCK_RAW, high | 9), EPERM);
	for (size_t i = 0; i < HM_COUNT(good); i++)
		if (socket(good[i], good[i] == AF_NETLINK ? SOCK_RAW : SOCK_STREAM, 0) < 0 && errno != EAFNOSUPPORT) {
			printf("family %d is refused: %d\n", good[i], errno);
			wrong = 1;
		}
	refused_with("TIOCSTI", syscall(SYS_ioctl, 0, TIOCSTI, "x"), EPERM);
	refused_with("TIOCSTI with upper bits", syscall(SYS_ioctl, 0, high | TIOCSTI, "x"), EPERM);
	refused_with("TIOCCONS", syscall(SYS_ioctl, 0, TIOCCONS, 0), EPERM);
	refused_with("FIFREEZE", syscall(SYS_ioctl, fd, FIFREEZE, 0), EPERM);
	refused_with("FIFREEZE with upper bits", syscall(SYS_ioctl, fd, high | FIFREEZE, 0), EPERM);
	refused_with("FITRIM", syscall(SYS_ioctl, fd, FITRIM, page), EPERM);
	refused_with("MADV_HWPOISON", syscall(SYS_madvise, page, 4096, MADV_HWPOISON), EPERM);
	refused_with("MADV_SOFT_OFFLINE", syscall(SYS_madvise, page, 4096, 101), EPERM);
	return wrong;
}

static int probe_capabilities(void)
{
	static const int gone[] = {
		CAP_SYS_MODULE, CAP_SYS_RAWIO,    CAP_MKNOD,      CAP_SYS_TIME,          CAP_SYS_BOOT,
		CAP_BPF,        CAP_PERFMON,      CAP_SYSLOG,     CAP_SYS_PTRACE,        CAP_NET_ADMIN,
		CAP_SYS_NICE,   CAP_SYS_RESOURCE, CAP_MAC_ADMIN,  CAP_MAC_OVERRIDE,      CAP_AUDIT_CONTROL,
		CAP_AUDIT_READ, CAP_AUDIT_WRITE,  CAP_WAKE_ALARM, CAP_CHECKPOINT_RESTORE
	};
	struct rlimit core = { 4096, 4096 };

	for (size_t i = 0; i < HM_COUNT(gone); i++)
		if (prctl(PR_CAPBSET_READ, gone[i]) != 0) {
			printf("capability %d is in the bounding set\n", gone[i]);
			wrong = 1;
		}
	refused_with("raising the core limit", setrlimit(RLIMIT_CORE, &core), EPERM);
	refused_with("real-time priority", sched_setscheduler(0, SCHED_FIFO, &(struct sched_param){ 1 }), EPERM);
	refused_with("a higher priority", setpriority(PRIO_PROCESS, 0, -5), EACCES);
	refused_with("a block device", mknod("/tmp/b", S_IFBLK | 0600, 254 << 8), EPERM);
	refused_with("a character device", mknod("/tmp/c", S_IFCHR | 0600, 1 << 8 | 1), EPERM);
	refused_with("looking into pid 1", open("/proc/1/mem", O_RDONLY), EACCES);
	refused_with("attaching to pid 1", ptrace(PTRACE_ATTACH, 1, NULL, NULL), EPERM);
	refused_with("seizing pid 1", ptrace(PTRACE_SEIZE, 1, NULL, NULL), EPERM);
	refused_with("entering pid 1", open("/proc/1/ns/mnt", O_RDONLY), EACCES);
	return wrong;
}

static int probe_files(void)
{
	static const char *const read_only[] = { "/proc/sys/kernel/core_pattern",
						 "/proc/sys/kernel/hostname",
						 "/proc/sys/vm/drop_caches",
						 "/proc/irq/default_smp_affinity",
						 "/dev/made",
						 "/sys/kernel/uevent_helper" };
	static const char *const empty[] = { "/proc/kmsg", "/proc/kcore",      "/proc/kallsyms",
					     "/proc/keys", "/proc/timer_list", "/proc/sched_debug" };
	static const char *const missing[] = { "/dev/mem",  "/dev/kmsg", "/dev/vda",   "/dev/sda",
					       "/dev/fuse", "/dev/kvm",  "/dev/vsock", "/dev/loop-control" };
	char byte;

	for (size_t i = 0; i < HM_COUNT(read_only); i++) {
		int fd = open(read_only[i], O_WRONLY | O_CREAT, 0600);

		if (fd >= 0 || (errno != EROFS && errno != EACCES && errno != ENOENT && errno != EPERM)) {
			printf("%s can be written\n", read_only[i]);
			wrong = 1;
		}
	}
	for (size_t i = 0; i < HM_COUNT(empty); i++) {
		int fd = open(empty[i], O_RDONLY | O_NONBLOCK);

		if (fd >= 0 && read(fd, &byte, 1) > 0) {
			printf("%s can be read\n", empty[i]);
			wrong = 1;
		}
	}
	for (size_t i = 0; i < HM_COUNT(missing); i++)
		refused_with(missing[i], access(missing[i], F_OK), ENOENT);
	return wrong;
}

/* The other two ways into an x86-64 kernel. */
static int probe_other_abis(void)
{
#ifdef __x86_64__
	long result;

	refused_with("x32", syscall(0x40000000 | SYS_getpid), ENOSYS);
	__asm__ volatile("int $0x80" : "=a"(result) : "a"(21L), "b"(0L), "c"(0L), "d"(0L) : "memory"); /* mount */
	if (result == -ENOSYS)
		return wrong;
	if (result != -EPERM) {
		printf("32-bit mount: %ld\n", result);
		wrong = 1;
	}
	__asm__ volatile("int $0x80"
			 : "=a"(result)
			 : "a"(359L), "b"((long)AF_VSOCK), "c"((long)SOCK_STREAM), "d"(0L)
			 : "memory"); /* socket */
	if (result != -EPERM) {
		printf("32-bit socket: %ld\n", result);
		wrong = 1;
	}
#endif
	return wrong;
}

static int probe_socketcall(void)
{
#ifdef __x86_64__
	long result;

	__asm__ volatile("int $0x80" : "=a"(result) : "a"(102L), "b"(1L), "c"(0L) : "memory");
	return result == -ENOSYS ? 77 : 1;
#else
	return 77;
#endif
}

/* Forks until it cannot; whoever kills it has thousands to kill. */
static int probe_bomb(void)
{
	int n = 0;

	for (;;) {
		pid_t pid = fork();

		if (pid == 0)
			for (;;)
				pause();
		if (pid < 0)
			break;
		n++;
	}
	printf("%d", n);
	fflush(stdout);
	return errno == EAGAIN ? 0 : 1;
}

/* A mark on the whole file system of the documents must not hear what the host does on the disk that they stand on. */
static int probe_fanotify(void)
{
	int fd = fanotify_init(FAN_CLASS_CONTENT | FAN_NONBLOCK, O_RDONLY);
	struct fanotify_event_metadata event;

	if (fd < 0)
		return errno == EPERM ? 2 : 1;
	if (fanotify_mark(fd, FAN_MARK_ADD | FAN_MARK_FILESYSTEM, FAN_OPEN, AT_FDCWD, TARGET) < 0)
		return 3;
	printf("marked\n");
	fflush(stdout);
	for (int i = 0; i < 500; i++) {
		ssize_t n = read(fd, &event, sizeof(event));

		if (n > 0)
			return 4;
		help_nap(1);
	}
	return 0;
}

static const struct {
	const char *name;
	int (*probe)(void);
} probes[] = {
	{ "calls", probe_calls }, { "values", probe_values },         { "capabilities", probe_capabilities },
	{ "files", probe_files }, { "other abis", probe_other_abis }, { "socketcall", probe_socketcall },
	{ "bomb", probe_bomb },   { "fanotify", probe_fanotify },
};

static void expect_probe(const char *name, bool privileged)
{
	HM_CLEANUP(help_release) struct run r = { 0 };
	struct place p;

	help_place(&p, "/var/tmp");
	p.spec.privileged = privileged;
	help_probe(&p, name);
	help_run(&p, 60, &r);
	assert_string_equal(help_text(&r.out), "");
	assert_int_equal(r.result.outcome, HM_OUTCOME_EXITED);
	assert_int_equal(r.result.status, 0);
	help_leave(&p);
}

static void calls_are_refused(void **state HM_UNUSED)
{
	expect_probe("calls", false);
	expect_probe("calls", true);
}

static void values_are_refused(void **state HM_UNUSED)
{
	expect_probe("values", false);
	expect_probe("values", true);
}

static void capabilities_are_gone(void **state HM_UNUSED)
{
	expect_probe("capabilities", false);
	expect_probe("capabilities", true);
}

static void kernel_files_are_masked(void **state HM_UNUSED)
{
	expect_probe("files", false);
	expect_probe("files", true);
}

static void other_abis_are_filtered(void **state HM_UNUSED)
{
	HM_CLEANUP(help_release) struct run r = { 0 };
	struct place p;

	expect_probe("other abis", false);
	help_place(&p, "/var/tmp");
	help_probe(&p, "socketcall");
	help_run(&p, 20, &r);
	if (r.result.outcome == HM_OUTCOME_SIGNALLED)
		assert_int_equal(r.result.status, SIGSYS);
	else
		assert_int_equal(r.result.status, 77); /* a kernel without the 32-bit way in */
	help_leave(&p);
}

/* Also for a process with every capability and no filter: this one's child, moved into the run's control group. */
static int open_devices(void)
{
	static const char *const nodes[] = { "/dev/loop-control", "/dev/loop0", "/dev/kmsg",
					     "/dev/mem",          "/dev/fuse",  "/dev/kvm" };

	for (size_t i = 0; i < HM_COUNT(nodes); i++)
		if (access(nodes[i], F_OK) == 0)
			refused_with(nodes[i], open(nodes[i], O_RDONLY), EPERM);
	refused_with("mknod of null", mknod("/var/tmp/hm-chamber-test-null", S_IFCHR | 0600, 1 << 8 | 3), EPERM);
	refused_with("mknod of a disk", mknod("/var/tmp/hm-chamber-test-disk", S_IFBLK | 0600, 254 << 8), EPERM);
	if (open("/dev/null", O_RDWR) < 0 || open("/dev/urandom", O_RDONLY) < 0 || open("/dev/ptmx", O_RDWR) < 0) {
		printf("an allowed device is refused\n");
		wrong = 1;
	}
	return wrong;
}

static void device_filter_holds_alone(void **state HM_UNUSED)
{
	struct hm_chamber *c;
	struct place p;
	char group[256], procs[300];
	int status;
	pid_t pid;

	help_place(&p, "/var/tmp");
	help_shell(&p, "true");
	c = help_open(&p);
	help_group(group, p.name);
	snprintf(procs, sizeof(procs), "%s/product/cgroup.procs", group);
	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		dup2(2, 1);
		help_write(procs, "0");
		status = open_devices();
		fflush(stdout);
		_exit(status);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	hm_chamber_close(c);
	assert_int_equal(status, 0);
	help_leave(&p);
}

static void fork_bomb_is_bounded_and_killed(void **state HM_UNUSED)
{
	HM_CLEANUP(help_release) struct run r = { 0 };
	struct place p;
	int n;

	help_place(&p, "/var/tmp");
	help_probe(&p, "bomb");
	help_run(&p, 100, &r);
	n = atoi(help_text(&r.out));
	assert_int_equal(r.result.status, 0);
	assert_in_range(n, 1000, HM_CHAMBER_PIDS_MAX);
	help_leave(&p);
}

static void fanotify_stays_inside(void **state HM_UNUSED)
{
	struct run r = { 0 };
	struct hm_fail fail;
	struct place p;
	struct hm_chamber *c;
	HM_FREE char *letter = NULL;
	int out, err;

	help_place(&p, "/var/tmp");
	help_probe(&p, "fanotify");
	help_run(&p, 20, &r);
	assert_int_equal(r.result.status, 2); /* confined: no such right */
	help_release(&r);
	p.spec.privileged = true;
	letter = hm_sprintf("%s/letter.txt", p.documents);
	c = help_open(&p);
	assert_int_equal(hm_chamber_go(c, &out, &err, &fail), 0);
	memset(&r, 0, sizeof(r));
	while (!r.out.len && !hm_chamber_ended(c, &r.result))
		help_drain(&r.out, out);
	for (int i = 0; i < 20; i++) { /* on the host, the very file, and its neighbour on the disk */
		close(open(letter, O_RDONLY | O_CLOEXEC));
		close(open(p.documents, O_RDONLY | O_CLOEXEC));
	}
	help_follow(c, out, err, 20, &r);
	assert_string_equal(help_text(&r.out), "marked\n");
	assert_int_equal(r.result.status, 0);
	help_release(&r);
	hm_chamber_close(c);
	help_leave(&p);
}

static void host_processes_are_out_of_reach(void **state HM_UNUSED)
{
	HM_CLEANUP(help_release) struct run r = { 0 };
	HM_FREE char *script = hm_sprintf(
	    "kill -0 %d 2>/dev/null && echo reached; [ -e /proc/%d ] && echo seen; kill -9 1; kill -9 -1; echo alive",
	    (int)getppid(), (int)getppid());
	struct place p;

	help_place(&p, "/var/tmp");
	help_shell(&p, script);
	help_run(&p, 20, &r);
	assert_string_equal(help_text(&r.out), "alive\n");
	assert_int_equal(r.result.outcome, HM_OUTCOME_EXITED);
	help_leave(&p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(calls_are_refused),
		cmocka_unit_test(values_are_refused),
		cmocka_unit_test(capabilities_are_gone),
		cmocka_unit_test(kernel_files_are_masked),
		cmocka_unit_test(other_abis_are_filtered),
		cmocka_unit_test(device_filter_holds_alone),
		cmocka_unit_test(fork_bomb_is_bounded_and_killed),
		cmocka_unit_test(fanotify_stays_inside),
		cmocka_unit_test(host_processes_are_out_of_reach),
	};

	if (argc == 3 && strcmp(argv[1], "probe") == 0) {
		for (size_t i = 0; i < HM_COUNT(probes); i++)
			if (strcmp(argv[2], probes[i].name) == 0)
				return probes[i].probe();
		return 99;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
