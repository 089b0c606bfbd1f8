/* Every row is an attempt, not a look at a version number: a feature that is compiled in may be forbidden, and one that a
 * probe tool calls absent may load (both were seen). Attempts that would change the calling process
 * are made in a child. */
#include "doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sched.h>
#include <sys/fanotify.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "capture.h"
#include "fs.h"

/* 0 when it works, otherwise an errno, with the finding in `why`. */
typedef int attempt(char *why, size_t size);

static int in_child(int (*function)(void))
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return errno;
	if (child == 0)
		_exit(function());
	if (waitpid(child, &status, 0) < 0 || !WIFEXITED(status))
		return ECHILD;
	return WEXITSTATUS(status);
}

static int say_errno(char *why, size_t size, int error)
{
	if (error)
		snprintf(why, size, "%s", strerror(error));
	return error;
}

static int try_root(char *why, size_t size)
{
	snprintf(why, size, "user id %u", (unsigned)geteuid());
	return geteuid() == 0 ? 0 : EPERM;
}

static int try_btf(char *why, size_t size)
{
	struct stat st;

	if (stat("/sys/kernel/btf/vmlinux", &st) < 0)
		return say_errno(why, size, errno);
	snprintf(why, size, "%lld bytes", (long long)st.st_size);
	return 0;
}

static int try_cgroup2(char *why, size_t size)
{
	HM_FCLOSE FILE *mounts = fopen("/proc/self/mounts", "re");
	char line[4096], where[512], type[64];

	while (mounts && fgets(line, sizeof(line), mounts)) {
		if (sscanf(line, "%*s %511s %63s", where, type) == 2 && strcmp(type, "cgroup2") == 0) {
			snprintf(why, size, "mounted at %.150s", where);
			return access(where, W_OK) < 0 ? errno : 0;
		}
	}
	snprintf(why, size, "not mounted");
	return ENOENT;
}

static int try_overlay(char *why, size_t size)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

	if (hm_fs_read(&text, "/proc/filesystems", 1 << 20, NULL) == 0 && memmem(text.data, text.len, "\toverlay\n", 9))
		return 0;
	/* A module: mount(2) of an unknown type asks the kernel to load it, and then complains of the options. */
	if (mount("none", "/", "overlay", MS_RDONLY, "") < 0 && errno == ENODEV)
		return say_errno(why, size, ENODEV);
	return 0;
}

static int unshare_all(void)
{
	return unshare(CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP) < 0 ? errno : 0;
}

static int try_namespaces(char *why, size_t size)
{
	return say_errno(why, size, in_child(unshare_all));
}

static int open_fanotify(void)
{
	return fanotify_init(FAN_CLASS_CONTENT | FAN_CLOEXEC, O_RDONLY) < 0 ? errno : 0;
}

static int try_fanotify(char *why, size_t size)
{
	return say_errno(why, size, in_child(open_fanotify));
}

static int try_landlock(char *why, size_t size)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);

	if (abi < 0)
		return say_errno(why, size, errno);
	snprintf(why, size, "ABI %ld", abi);
	return 0;
}

static int try_work_folder(char *why, size_t size)
{
	HM_FREE char *probe = hm_strdup("/var/tmp/hallmark-probe-XXXXXX");
	HM_CLOSE int fd = mkostemp(probe, O_CLOEXEC);

	if (fd < 0)
		return say_errno(why, size, errno);
	unlink(probe);
	return 0;
}

static const struct {
	const char *name;
	bool needed;
	attempt *try;
	const char *mend;
} attempts[] = {
	{ "root", true, try_root, "run as root or through sudo; hallmark-verify needs neither" },
	{ "kernel BTF", true, try_btf, "boot a kernel with CONFIG_DEBUG_INFO_BTF=y; Debian's own have it" },
	{ "cgroup v2", true, try_cgroup2, "mount -t cgroup2 none /sys/fs/cgroup/unified" },
	{ "overlayfs", true, try_overlay, "modprobe overlay, or a kernel with CONFIG_OVERLAY_FS" },
	{ "namespaces", true, try_namespaces, "allow them: sysctl user.max_mnt_namespaces and the like, or leave the container" },
	{ "work folder", true, try_work_folder, "make /var/tmp writable, with a few hundred MB free" },
	{ "fanotify", false, try_fanotify, "CONFIG_FANOTIFY_ACCESS_PERMISSIONS=y; only on-access products need it" },
	{ "Landlock", false, try_landlock, "CONFIG_SECURITY_LANDLOCK=y and lsm=landlock,...; only the seal needs it" },
};

static size_t add_attempts(struct hm_doctor_row *rows)
{
	for (size_t i = 0; i < HM_COUNT(attempts); i++) {
		rows[i] = (struct hm_doctor_row){ .name = attempts[i].name, .needed = attempts[i].needed, .mend = attempts[i].mend };
		rows[i].works = attempts[i].try(rows[i].why, sizeof(rows[i].why)) == 0;
	}
	return HM_COUNT(attempts);
}

size_t hm_doctor(struct hm_doctor_row rows[HM_DOCTOR_ROWS])
{
	struct hm_capture_probe probes[HM_DOCTOR_ROWS];
	size_t count = add_attempts(rows);
	size_t programs = geteuid() == 0 ? hm_capture_probe(probes, HM_DOCTOR_ROWS - count) : 0;

	for (size_t i = 0; i < programs; i++) {
		struct hm_doctor_row *row = &rows[count++];

		*row = (struct hm_doctor_row){ .name = probes[i].name, .needed = probes[i].needed, .works = probes[i].works };
		snprintf(row->why, sizeof(row->why), "%s", probes[i].why);
		row->mend = probes[i].needed ? "use a kernel from 6.1 on with CONFIG_BPF_SYSCALL and CONFIG_DEBUG_INFO_BTF"
					     : "not needed; findings name the witnesses that were there";
	}
	return count;
}

int hm_doctor_preflight(struct hm_fail *fail)
{
	struct hm_doctor_row rows[HM_DOCTOR_ROWS];
	size_t count = add_attempts(rows);

	for (size_t i = 0; i < count; i++) {
		if (!rows[i].needed || rows[i].works)
			continue;
		hm_fail_set(fail, HM_E_SYSTEM, "this machine cannot run an assessment: %s: %s", rows[i].name, rows[i].why);
		return hm_fail_advise(fail, "%s; hallmark doctor tells all", rows[i].mend);
	}
	return 0;
}
