#include "confine.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/landlock.h>
#include <grp.h>
#include <seccomp.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define NOBODY 65534

static const int allowed[] = {
	SCMP_SYS(read), SCMP_SYS(pread64), SCMP_SYS(readv), SCMP_SYS(preadv), SCMP_SYS(write), SCMP_SYS(writev), SCMP_SYS(close), SCMP_SYS(fstat), SCMP_SYS(stat),
	SCMP_SYS(lstat), SCMP_SYS(newfstatat), SCMP_SYS(statx), SCMP_SYS(fstatfs), SCMP_SYS(statfs), SCMP_SYS(lseek), SCMP_SYS(mmap), SCMP_SYS(munmap),
	SCMP_SYS(mprotect), SCMP_SYS(mremap), SCMP_SYS(madvise), SCMP_SYS(brk), SCMP_SYS(getdents64), SCMP_SYS(readlink), SCMP_SYS(readlinkat),
	SCMP_SYS(access), SCMP_SYS(faccessat), SCMP_SYS(faccessat2), SCMP_SYS(dup), SCMP_SYS(fadvise64), SCMP_SYS(readahead), SCMP_SYS(getcwd), SCMP_SYS(exit), SCMP_SYS(exit_group),
	SCMP_SYS(rt_sigreturn), SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask), SCMP_SYS(sigaltstack), SCMP_SYS(futex), SCMP_SYS(clock_gettime), SCMP_SYS(gettimeofday),
	SCMP_SYS(getrandom), SCMP_SYS(sched_yield), SCMP_SYS(getpid), SCMP_SYS(gettid), SCMP_SYS(getuid), SCMP_SYS(geteuid), SCMP_SYS(getgid), SCMP_SYS(getegid),
	SCMP_SYS(uname), SCMP_SYS(sysinfo), SCMP_SYS(poll), SCMP_SYS(ppoll), SCMP_SYS(restart_syscall), SCMP_SYS(rseq), SCMP_SYS(set_robust_list), SCMP_SYS(clock_nanosleep), SCMP_SYS(nanosleep),
};

/* A sanitizer's shadow is data too, and far beyond any bound. */
#if defined(__SANITIZE_ADDRESS__)
enum { SANITIZED = 1 };
#else
enum { SANITIZED = 0 };
#endif

static int limit(const struct hm_confine *c)
{
	const struct {
		int what;
		rlim_t most;
	} limits[] = { { RLIMIT_CORE, 0 }, { RLIMIT_FSIZE, 0 }, { RLIMIT_NOFILE, 1024 }, { RLIMIT_DATA, SANITIZED ? RLIM_INFINITY : c->memory } };

	for (size_t i = 0; i < HM_COUNT(limits); i++) {
		struct rlimit now;

		if (getrlimit(limits[i].what, &now) != 0)
			return -1;
		now.rlim_cur = now.rlim_max = limits[i].most < now.rlim_max ? limits[i].most : now.rlim_max;
		if (setrlimit(limits[i].what, &now) != 0)
			return -1;
	}
	return 0;
}

/* All rights over files are taken; reading is given back below the paths. */
static int landlock(const struct hm_confine *c)
{
	struct landlock_ruleset_attr all = { .handled_access_fs = (LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1 };
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
	HM_CLOSE int rules = -1;

	if (abi < 1)
		return HM_CONFINE_LANDLOCK;
	if (abi >= 2)
		all.handled_access_fs |= 1u << 13; /* LANDLOCK_ACCESS_FS_REFER, which headers of Debian 11 lack */
	if (abi >= 3)
		all.handled_access_fs |= 1u << 14; /* LANDLOCK_ACCESS_FS_TRUNCATE, as those of Debian 12 */
	rules = (int)syscall(SYS_landlock_create_ruleset, &all, sizeof(all), 0);
	if (rules < 0)
		return HM_CONFINE_LANDLOCK;
	for (size_t i = 0; c->readable[i]; i++) {
		HM_CLOSE int fd = open(c->readable[i], O_PATH | O_CLOEXEC);
		struct landlock_path_beneath_attr below = { .allowed_access = LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR, .parent_fd = fd };
		struct stat st;

		if (fd < 0 || fstat(fd, &st) != 0)
			return -1;
		if (!S_ISDIR(st.st_mode))
			below.allowed_access = LANDLOCK_ACCESS_FS_READ_FILE;
		if (syscall(SYS_landlock_add_rule, rules, LANDLOCK_RULE_PATH_BENEATH, &below, 0) != 0)
			return -1;
	}
	return syscall(SYS_landlock_restrict_self, rules, 0) == 0 ? 0 : -1;
}

/* Root reads everything and could change everything: what reads is nobody, who may read everything. Where root may not even that (in a container, perhaps), it
 * stays what it is. Landlock learned only late that who opens a file to read it may cut it off, too. */
static int be_nobody(void)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct caps[2] = { 0 };
	int signal = 0;

	if (geteuid() != 0 || syscall(SYS_capget, &header, caps) != 0 || !(caps[0].permitted & 1u << CAP_DAC_READ_SEARCH) ||
	    !(caps[0].effective & 1u << CAP_SETUID) || !(caps[0].effective & 1u << CAP_SETGID))
		return 0;
	(void)prctl(PR_GET_PDEATHSIG, &signal);
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) != 0 || setgroups(0, NULL) != 0 || setresgid(NOBODY, NOBODY, NOBODY) != 0 || setresuid(NOBODY, NOBODY, NOBODY) != 0)
		return -1;
	memset(caps, 0, sizeof(caps));
	caps[0].permitted = caps[0].effective = 1u << CAP_DAC_READ_SEARCH;
	if (syscall(SYS_capset, &header, caps) != 0)
		return -1;
	return prctl(PR_SET_PDEATHSIG, signal); /* a new user forgets it */
}

static void free_filter(scmp_filter_ctx *filter)
{
	if (*filter)
		seccomp_release(*filter);
}

/* Of openat2 the filter does not see the flags. With Landlock that takes writing from it it serves to stay inside the target; without, it is not to be had. */
static int filter(bool landlocked)
{
	static const unsigned commands[] = { F_DUPFD, F_DUPFD_CLOEXEC, F_GETFD, F_SETFD, F_GETFL }; /* others send signals */
	HM_CLEANUP(free_filter) scmp_filter_ctx f = seccomp_init(SCMP_ACT_ERRNO(EPERM));
	const struct scmp_arg_cmp for_reading = SCMP_A2(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);
	const struct scmp_arg_cmp open_for_reading = SCMP_A1(SCMP_CMP_MASKED_EQ, O_ACCMODE | O_CREAT | O_TRUNC, O_RDONLY);

	if (!f)
		return -1;
	for (size_t i = 0; i < HM_COUNT(allowed); i++)
		if (allowed[i] >= 0 && seccomp_rule_add(f, SCMP_ACT_ALLOW, allowed[i], 0) != 0)
			return -1;
	for (size_t i = 0; i < HM_COUNT(commands); i++)
		if (seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(fcntl), 1, SCMP_A1(SCMP_CMP_EQ, commands[i])) != 0)
			return -1;
	if (landlocked && seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(openat2), 0) != 0)
		return -1;
	if (seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(openat), 1, for_reading) != 0)
		return -1;
	if (SCMP_SYS(open) >= 0 && seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(open), 1, open_for_reading) != 0)
		return -1;
	/* abort() and nobody else's process. */
	if (seccomp_rule_add(f, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), 1, SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)getpid())) != 0)
		return -1;
	return seccomp_load(f) == 0 ? 0 : -1;
}

int hm_confine(const struct hm_confine *confine, struct hm_fail *fail)
{
	int missing;

	if (limit(confine) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
		return hm_fail_errno(fail, "cannot confine the reader");
	missing = landlock(confine);
	if (missing < 0)
		return hm_fail_errno(fail, "cannot confine the reader to what it reads");
	if (be_nobody() != 0)
		return hm_fail_errno(fail, "cannot take its rights from the reader");
	if (filter(!(missing & HM_CONFINE_LANDLOCK)) != 0)
		return hm_fail_errno(fail, "cannot take the reader's system calls from it");
	return missing;
}
