/* What a product may do: limits, capabilities, system calls. Three tables; everything else in this file applies them.
 *
 * Capabilities are a list of what stays, so that one which a later kernel invents is gone. Left out beyond the obvious:
 * SYS_PTRACE (pid 1 of the chamber holds a copy of hallmark's memory), NET_ADMIN (the chamber's network is not the
 * product's to change), SYS_NICE (it would starve the recorder), SYS_RESOURCE (the limits below hold), LINUX_IMMUTABLE
 * (its files could not be removed), AUDIT_WRITE (the audit log is the host's).
 *
 * `privileged` adds SYS_ADMIN for fanotify. The filter is the same: what SYS_ADMIN could do to the host by system calls
 * (mounts, BPF, namespaces, swap, freezing a file system, poisoning memory) is refused before the capability is asked.
 *
 * no_new_privs is not set: it would break products that use set-user-id programs, and these gain nothing beyond the
 * bounding set. So the filter is loaded first, while SYS_ADMIN is still held, and the capabilities go after it. */
#include "chamber_internal.h"

#include <errno.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/net.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <seccomp.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>

struct hm_chamber_profile {
	scmp_filter_ctx filter;
	bool privileged;
};

static const int kept[] = { CAP_CHOWN,  CAP_DAC_OVERRIDE,     CAP_DAC_READ_SEARCH, CAP_FOWNER,
			    CAP_FSETID, CAP_IPC_LOCK,         CAP_IPC_OWNER,       CAP_KILL,
			    CAP_LEASE,  CAP_NET_BIND_SERVICE, CAP_NET_RAW,         CAP_SETFCAP,
			    CAP_SETGID, CAP_SETPCAP,          CAP_SETUID,          CAP_SYS_CHROOT };

static const struct {
	int resource;
	rlim_t soft, hard;
} limits[] = {
	/* 1, not 0: this keeps a core file handler of the host (a pipe in core_pattern) from being run; see core(5) */
	{ RLIMIT_CORE, 1, 1 },
	{ RLIMIT_NOFILE, 1024, 65536 },
	{ RLIMIT_FSIZE, 64ull << 30, 64ull << 30 }, /* a sparse file of any size would have to be hashed */
	{ RLIMIT_STACK, 8 << 20, 8 << 20 },
	{ RLIMIT_RTPRIO, 0, 0 }, /* nobody goes before the recorder */
	{ RLIMIT_NICE, 0, 0 },
};

/* System calls that are refused whole: they reach the host, or (asynchronous reads) go behind the recorder. EPERM, but
 * where a program has to go on with an older call that is looked into. */
static const struct {
	const char *name;
	int error;
} refused[] = {
	{ "_sysctl", EPERM },
	{ "acct", EPERM },
	{ "add_key", EPERM },
	{ "adjtimex", EPERM },
	{ "bpf", EPERM },
	{ "clock_adjtime", EPERM },
	{ "clock_adjtime64", EPERM },
	{ "clock_settime", EPERM },
	{ "clock_settime64", EPERM },
	{ "clone3", ENOSYS },
	{ "create_module", EPERM },
	{ "delete_module", EPERM },
	{ "finit_module", EPERM },
	{ "fsconfig", EPERM },
	{ "fsmount", EPERM },
	{ "fsopen", EPERM },
	{ "fspick", EPERM },
	{ "get_kernel_syms", EPERM },
	{ "init_module", EPERM },
	{ "io_setup", EPERM },
	{ "io_submit", EPERM },
	{ "io_uring_enter", EPERM },
	{ "io_uring_register", EPERM },
	{ "io_uring_setup", EPERM },
	{ "ioperm", EPERM },
	{ "iopl", EPERM },
	{ "kcmp", EPERM },
	{ "kexec_file_load", EPERM },
	{ "kexec_load", EPERM },
	{ "keyctl", EPERM },
	{ "lookup_dcookie", EPERM },
	{ "mount", EPERM },
	{ "mount_setattr", EPERM },
	{ "move_mount", EPERM },
	{ "nfsservctl", EPERM },
	{ "open_by_handle_at", EPERM },
	{ "open_tree", EPERM },
	{ "pciconfig_iobase", EPERM },
	{ "pciconfig_read", EPERM },
	{ "pciconfig_write", EPERM },
	{ "perf_event_open", EPERM },
	{ "pidfd_getfd", EPERM },
	{ "pivot_root", EPERM },
	{ "process_madvise", EPERM },
	{ "process_vm_readv", EPERM },
	{ "process_vm_writev", EPERM },
	{ "query_module", EPERM },
	{ "quotactl", EPERM },
	{ "quotactl_fd", EPERM },
	{ "reboot", EPERM },
	{ "request_key", EPERM },
	{ "setns", EPERM },
	{ "settimeofday", EPERM },
	{ "stime", EPERM },
	{ "swapoff", EPERM },
	{ "swapon", EPERM },
	{ "sysfs", EPERM },
	{ "syslog", EPERM },
	{ "umount", EPERM },
	{ "umount2", EPERM },
	{ "uselib", EPERM },
	{ "userfaultfd", EPERM },
	{ "ustat", EPERM },
	{ "vhangup", EPERM },
	{ "vm86", EPERM },
	{ "vm86old", EPERM },
};

/* What the library cannot express, as a filter of its own for any architecture; of two filters the stricter answer
 * counts.
 *
 * - Calls newer than the library's names, by number (all machines number alike since Linux 5.1), and all that are newer
 *   than this list: nobody has looked at what they do yet.
 * - 32-bit programs of an old libc make sockets by socketcall, which hides the family behind a pointer where no filter
 * can look. Such a program is killed: loudly, since a product that silently cannot speak would look like one that does
 * not. */
#define LAST_KNOWN 469 /* file_setattr, Linux 6.17 */
#define I386_SOCKETCALL 102
static struct sock_filter by_hand[] = {
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	BPF_JUMP(BPF_JMP | BPF_JGT | BPF_K, LAST_KNOWN, 9, 0),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 457, 9, 0), /* statmount: of other namespaces too, with SYS_ADMIN */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 458, 8, 0), /* listmount */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 467, 7, 0), /* open_tree_attr: makes a read-only mount writable */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, I386_SOCKETCALL, 0, 4),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, arch)),
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, AUDIT_ARCH_I386, 0, 2),
	BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args)), /* lower half: little endian */
	BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_SOCKET, 3, 0),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
	BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
};

/* Calls that are refused for one value of an argument. `mask` takes the bits that the kernel looks at: the upper half
 * of a register that holds an int is ignored by the kernel but not by a comparison. */
#define INT_BITS 0xffffffffull
static const struct {
	const char *name;
	unsigned argument;
	uint64_t mask, value;
	int error;
} refused_values[] = {
	{ "clone", 0, CLONE_NEWCGROUP, CLONE_NEWCGROUP, EPERM },
	{ "clone", 0, CLONE_NEWIPC, CLONE_NEWIPC, EPERM },
	{ "clone", 0, CLONE_NEWNET, CLONE_NEWNET, EPERM },
	{ "clone", 0, CLONE_NEWNS, CLONE_NEWNS, EPERM },
	{ "clone", 0, CLONE_NEWPID, CLONE_NEWPID, EPERM },
	{ "clone", 0, CLONE_NEWUSER, CLONE_NEWUSER, EPERM },
	{ "clone", 0, CLONE_NEWUTS, CLONE_NEWUTS, EPERM },
	{ "unshare", 0, CLONE_NEWCGROUP, CLONE_NEWCGROUP, EPERM },
	{ "unshare", 0, CLONE_NEWIPC, CLONE_NEWIPC, EPERM },
	{ "unshare", 0, CLONE_NEWNET, CLONE_NEWNET, EPERM },
	{ "unshare", 0, CLONE_NEWNS, CLONE_NEWNS, EPERM },
	{ "unshare", 0, CLONE_NEWPID, CLONE_NEWPID, EPERM },
	{ "unshare", 0, 0x80, 0x80, EPERM }, /* CLONE_NEWTIME */
	{ "unshare", 0, CLONE_NEWUSER, CLONE_NEWUSER, EPERM },
	{ "unshare", 0, CLONE_NEWUTS, CLONE_NEWUTS, EPERM },
	{ "ioctl", 1, INT_BITS, 0x5412, EPERM },     /* TIOCSTI: types into somebody's terminal */
	{ "ioctl", 1, INT_BITS, 0x541c, EPERM },     /* TIOCLINUX */
	{ "ioctl", 1, INT_BITS, 0x541d, EPERM },     /* TIOCCONS: takes the host's console */
	{ "ioctl", 1, INT_BITS, 0xc0045877, EPERM }, /* FIFREEZE: of the host's file system, through any file on it */
	{ "ioctl", 1, INT_BITS, 0xc0045878, EPERM }, /* FITHAW */
	{ "ioctl", 1, INT_BITS, 0xc0185879, EPERM }, /* FITRIM */
	{ "ioctl", 1, INT_BITS, 0x8004587d, EPERM }, /* FS_IOC_SHUTDOWN */
	/* A copy by reference reads a document without a read, a snapshot gives it another inode, a comparison tells its bytes.
	 * All commands of btrfs's type, to which the general ones belong; cp and the like fall back to copying. */
	{ "ioctl", 1, 0xff00, 0x9400, EOPNOTSUPP },
	{ "ioctl", 1, 0xffff, 0x660f, EPERM }, /* EXT4_IOC_MOVE_EXT: exchanges the content of two files */
	{ "ioctl", 1, 0xffff, 0x6611, EPERM }, /* EXT4_IOC_SWAP_BOOT */
	{ "ioctl", 1, 0xffff, 0x586b, EPERM }, /* XFS_IOC_OPEN_BY_HANDLE */
	{ "ioctl", 1, 0xffff, 0x586d, EPERM }, /* XFS_IOC_SWAPEXT */
	{ "ioctl", 1, 0xffff, 0x5881, EPERM }, /* XFS_IOC_EXCHANGE_RANGE */
	{ "ioctl", 1, 0xffff, 0x5883, EPERM }, /* XFS_IOC_COMMIT_RANGE */
	/* Answers another task's calls without their being done: the record would tell of reads and sends that never were. */
	{ "seccomp", 1, SECCOMP_FILTER_FLAG_NEW_LISTENER, SECCOMP_FILTER_FLAG_NEW_LISTENER, EPERM },
	{ "madvise", 2, INT_BITS, MADV_HWPOISON, EPERM },
	{ "madvise", 2, INT_BITS, 101, EPERM }, /* MADV_SOFT_OFFLINE */
};

/* Socket families that stay; each of the others reaches something that is not the chamber's own (AF_VSOCK the
 * hypervisor, AF_ALG the kernel's cryptography) or what the chamber's internet does not see. EPERM, which the recorder
 * takes for a refusal, and not the "no such family" of a kernel without it. */
static const int families[] = { AF_UNSPEC, AF_UNIX, AF_INET, AF_INET6, AF_NETLINK };
#define LAST_FAMILY AF_NETLINK
/* Of netlink, not what speaks to the host: the audit log. */
#define NETLINK_AUDIT_NR 9

/* Of ptrace, all but the request of a child to be traced (0): that alone does nothing, and programs ask for it to learn whether
 * somebody traces them. A tracer could write another number into the registers of a call that is going on, and the recorder
 * reads it there when the call ends. */
static const struct scmp_arg_cmp tracing[] = { SCMP_A0_64(SCMP_CMP_NE, 0) };

static int no_rule(int r, const char *name, struct hm_fail *fail)
{
	if (r >= 0)
		return 0;
	errno = -r;
	return hm_fail_errno(fail, "building the system call filter: %s", name);
}

static int refuse_calls(scmp_filter_ctx filter, struct hm_fail *fail)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < HM_COUNT(refused); i++) {
		int nr = seccomp_syscall_resolve_name(refused[i].name);

		if (nr != __NR_SCMP_ERROR)
			r = no_rule(seccomp_rule_add(filter, SCMP_ACT_ERRNO((uint16_t)refused[i].error), nr, 0),
				    refused[i].name, fail);
		else
			r = hm_fail_set(fail, HM_E_SYSTEM,
					"building the system call filter: this libseccomp does not know %s",
					refused[i].name);
	}
	for (size_t i = 0; r == 0 && i < HM_COUNT(refused_values); i++) {
		struct scmp_arg_cmp match = SCMP_CMP64(refused_values[i].argument, SCMP_CMP_MASKED_EQ,
						       refused_values[i].mask, refused_values[i].value);

		r = no_rule(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO((uint16_t)refused_values[i].error),
						   seccomp_syscall_resolve_name(refused_values[i].name), 1, &match),
			    refused_values[i].name, fail);
	}
	if (r == 0)
		r = no_rule(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(ptrace), HM_COUNT(tracing), tracing),
			    "ptrace", fail);
	return r;
}

static bool is_kept_family(int family)
{
	for (size_t i = 0; i < HM_COUNT(families); i++)
		if (families[i] == family)
			return true;
	return false;
}

static int refuse_families(scmp_filter_ctx filter, struct hm_fail *fail)
{
	const struct scmp_arg_cmp beyond = SCMP_A0_64(SCMP_CMP_GT, LAST_FAMILY);
	const struct scmp_arg_cmp audit[] = { SCMP_A0_64(SCMP_CMP_MASKED_EQ, INT_BITS, AF_NETLINK),
					      SCMP_A2_64(SCMP_CMP_MASKED_EQ, INT_BITS, NETLINK_AUDIT_NR) };
	int r = no_rule(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1, &beyond), "socket",
			fail);

	if (r == 0)
		r = no_rule(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 2, audit), "socket",
			    fail);
	for (int family = 0; r == 0 && family < LAST_FAMILY; family++) {
		struct scmp_arg_cmp one = SCMP_A0_64(SCMP_CMP_MASKED_EQ, INT_BITS, (scmp_datum_t)family);

		if (!is_kept_family(family))
			r = no_rule(seccomp_rule_add_array(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1, &one),
				    "socket", fail);
	}
	return r;
}

int hm_chamber_profile_open(struct hm_chamber_profile **ret, bool privileged, struct hm_fail *fail)
{
	scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
	int r = 0;

	if (!filter)
		return hm_fail_set(fail, HM_E_SYSTEM, "building the system call filter: libseccomp refuses");
	/* x32 and everything that is neither of these two is refused whole. */
	r = no_rule(seccomp_attr_set(filter, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_ERRNO(ENOSYS)), "bad architectures",
		    fail);
	if (r == 0)
		r = no_rule(seccomp_attr_set(filter, SCMP_FLTATR_CTL_NNP, 0), "no_new_privs", fail);
	if (r == 0 && seccomp_arch_native() == SCMP_ARCH_X86_64)
		r = no_rule(seccomp_arch_add(filter, SCMP_ARCH_X86), "x86", fail);
	if (r == 0 && seccomp_arch_native() == SCMP_ARCH_AARCH64)
		r = no_rule(seccomp_arch_add(filter, SCMP_ARCH_ARM), "arm", fail);
	if (r == 0)
		r = refuse_calls(filter, fail);
	if (r == 0)
		r = refuse_families(filter, fail);
	if (r < 0) {
		seccomp_release(filter);
		return r;
	}
	*ret = hm_alloc(1, sizeof(**ret));
	**ret = (struct hm_chamber_profile){ filter, privileged };
	return 0;
}

int hm_chamber_profile_limits(struct hm_fail *fail)
{
	for (size_t i = 0; i < HM_COUNT(limits); i++) {
		struct rlimit old, l = { limits[i].soft, limits[i].hard };

		if (getrlimit((__rlimit_resource_t)limits[i].resource, &old) < 0)
			return hm_fail_errno(fail, "reading limit %d", limits[i].resource);
		/* hallmark itself may run under a lower limit, and without the right to raise it */
		if (old.rlim_max < l.rlim_max)
			l.rlim_max = old.rlim_max;
		if (l.rlim_max < l.rlim_cur)
			l.rlim_cur = l.rlim_max;
		if (setrlimit((__rlimit_resource_t)limits[i].resource, &l) < 0)
			return hm_fail_errno(fail, "setting limit %d", limits[i].resource);
	}
	return 0;
}

static bool keeps(const struct hm_chamber_profile *p, int capability)
{
	if (p->privileged && capability == CAP_SYS_ADMIN)
		return true;
	for (size_t i = 0; i < HM_COUNT(kept); i++)
		if (kept[i] == capability)
			return true;
	return false;
}

/* The call itself, and not a library, which would ask /proc first: in the product's control group, where all is recorded. */
static int drop_capabilities(const struct hm_chamber_profile *p, struct hm_fail *fail)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = { 0 }, has[2];

	if (syscall(SYS_capget, &head, has) < 0)
		return hm_fail_errno(fail, "reading capabilities");
	for (int i = 0; prctl(PR_CAPBSET_READ, i) >= 0; i++) {
		if (keeps(p, i))
			data[i / 32].permitted |= has[i / 32].permitted & 1u << i % 32;
		else if (prctl(PR_CAPBSET_DROP, i) < 0)
			return hm_fail_errno(fail, "dropping capability %d", i);
	}
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted;
	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) < 0)
		return hm_fail_errno(fail, "dropping ambient capabilities");
	return syscall(SYS_capset, &head, data) < 0 ? hm_fail_errno(fail, "dropping capabilities") : 0;
}

int hm_chamber_profile_enter(const struct hm_chamber_profile *p, struct hm_fail *fail)
{
	struct sock_fprog more = { HM_COUNT(by_hand), by_hand };
	int r = seccomp_load(p->filter);

	if (r < 0) {
		errno = -r;
		return hm_fail_errno(fail, "loading the system call filter");
	}
	if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &more) < 0)
		return hm_fail_errno(fail, "loading the second system call filter");
	return drop_capabilities(p, fail);
}
