/* The run's folder, WORK/chamber-NAME, and the upper layers in it:
 *
 *   layers/N/u, layers/N/w   upper and work folder of layer N
 *   disk.img, disk           where WORK's own file system cannot hold upper layers: an ext4 image and where pid 1
 * mounts it root                     where pid 1 puts the new root before it enters it empty                    lower
 * layer of what covers nothing
 *
 * The image is never in the host's mount table: it is a detached mount that hallmark and pid 1 hold, and its loop
 * device clears itself, so that nothing is left of it when both are gone. The folder is held by flock. */
#include "chamber_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/loop.h>
#include <linux/magic.h>
#include <spawn.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <sys/xattr.h>

#include "fs.h"

#define IMAGE_MAX (16ull << 30)
#define IMAGE_MIN (256ull << 20)
#define XFS_MAGIC 0x58465342
#define BCACHEFS_MAGIC 0xca451a4e

/* File systems that hold upper layers and show reads of them in the page cache. tmpfs would do as an upper layer, but
 * not as a witness; overlay and network file systems are refused by the kernel. */
static bool holds_layers(const struct statfs *fs)
{
	static const unsigned magics[] = { EXT4_SUPER_MAGIC, XFS_MAGIC, BTRFS_SUPER_MAGIC, F2FS_SUPER_MAGIC,
					   BCACHEFS_MAGIC };

	for (size_t i = 0; i < HM_COUNT(magics); i++)
		if ((unsigned)fs->f_type == magics[i])
			return true;
	return false;
}

static int run_mkfs(char *image, struct hm_fail *fail)
{
	static const char *const programs[] = { "/usr/sbin/mkfs.ext4", "/sbin/mkfs.ext4" };
	const char *argv[] = { "mkfs.ext4", "-q", "-F",  "-O", "^has_journal", "-E", "lazy_itable_init=1,nodiscard",
			       "-m",        "0",  image, NULL };
	const char *env[] = { "PATH=/usr/sbin:/sbin:/usr/bin:/bin", NULL };
	posix_spawn_file_actions_t actions;
	int error = ENOENT, status;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	for (int i = 0; i < 3; i++)
		posix_spawn_file_actions_addopen(&actions, i, "/dev/null", i ? O_WRONLY : O_RDONLY, 0);
	for (size_t i = 0; error == ENOENT && i < HM_COUNT(programs); i++)
		error =
		    posix_spawn(&pid, programs[i], &actions, NULL, (char **)(uintptr_t)argv, (char **)(uintptr_t)env);
	posix_spawn_file_actions_destroy(&actions);
	errno = error;
	if (error)
		return hm_fail_errno(fail, "running mkfs.ext4 for the chamber's disk");
	while (waitpid(pid, &status, 0) < 0)
		if (errno != EINTR)
			return hm_fail_errno(fail, "waiting for mkfs.ext4");
	if (!WIFEXITED(status) || WEXITSTATUS(status))
		return hm_fail_set(fail, HM_E_SYSTEM, "making the chamber's disk: mkfs.ext4 failed on %s", image);
	return 0;
}

static int make_image(const struct hm_chamber_disk *d, struct hm_fail *fail)
{
	HM_FREE char *path = hm_sprintf("%s/disk.img", d->folder);
	HM_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	struct statvfs space;
	uint64_t size;
	int r;

	if (fd < 0 || fstatvfs(fd, &space) < 0)
		return hm_fail_errno(fail, "creating %s", path);
	size = (uint64_t)space.f_bavail * space.f_frsize;
	size = size > IMAGE_MAX ? IMAGE_MAX : size & ~0xfffull;
	if (size < IMAGE_MIN)
		return hm_fail_set(fail, HM_E_SYSTEM,
				   "creating %s: less than %llu MiB are free (use another work folder)", path,
				   IMAGE_MIN >> 20);
	if (ftruncate(fd, (off_t)size) < 0)
		return hm_fail_errno(fail, "creating %s", path);
	r = run_mkfs(path, fail);
	return r < 0 ? r : hm_take_fd(&fd);
}

/* The device goes free by itself with its last user. Between asking for a free one and taking it somebody may be
 * faster. */
static int attach_loop(int image, char device[32], struct hm_fail *fail)
{
	HM_CLOSE int control = open("/dev/loop-control", O_RDWR | O_CLOEXEC);
	struct loop_config config = { .fd = (unsigned)image, .info = { .lo_flags = LO_FLAGS_AUTOCLEAR } };

	if (control < 0)
		return hm_fail_errno(fail, "opening /dev/loop-control");
	for (int i = 0; i < 64; i++) {
		int n = ioctl(control, LOOP_CTL_GET_FREE);
		HM_CLOSE int fd = -1;

		if (n < 0)
			return hm_fail_errno(fail, "asking for a free loop device");
		snprintf(device, 32, "/dev/loop%d", n);
		fd = open(device, O_RDWR | O_CLOEXEC);
		if (fd < 0)
			return hm_fail_errno(fail, "opening %s", device);
		if (ioctl(fd, LOOP_CONFIGURE, &config) == 0)
			return hm_take_fd(&fd);
		if (errno != EBUSY)
			return hm_fail_errno(fail, "attaching the chamber's disk to %s", device);
	}
	return hm_fail_set(fail, HM_E_SYSTEM, "attaching the chamber's disk: every loop device is taken");
}

static int mount_image(struct hm_chamber_disk *d, struct hm_fail *fail)
{
	char device[32];
	HM_CLOSE int image = make_image(d, fail), loop = -1, fs = -1;

	if (image < 0)
		return image;
	loop = attach_loop(image, device, fail);
	if (loop < 0)
		return loop;
	fs = fsopen("ext4", FSOPEN_CLOEXEC);
	if (fs < 0 || fsconfig(fs, FSCONFIG_SET_STRING, "source", device, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return hm_fail_errno(fail, "mounting the chamber's disk %s", device);
	d->image = fsmount(fs, FSMOUNT_CLOEXEC, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME);
	return d->image < 0 ? hm_fail_errno(fail, "mounting the chamber's disk %s", device) : 0;
}

int hm_chamber_lock_work(const char *work, struct hm_fail *fail)
{
	HM_CLOSE int fd = open(work, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || flock(fd, LOCK_EX) < 0)
		return hm_fail_errno(fail, "opening the work folder %s", work);
	return hm_take_fd(&fd);
}

static int make_folder(struct hm_chamber_disk *d, const char *name, struct hm_fail *fail)
{
	HM_CLOSE int work = hm_chamber_lock_work(d->work, fail);
	HM_FREE char *folder = hm_sprintf("%s/" HM_CHAMBER_FOLDER "%s", d->work, name);

	if (work < 0)
		return work;
	if (mkdir(folder, 0700) < 0)
		return hm_fail_errno(fail, "making the run's folder %s", folder);
	d->folder = hm_take_ptr(&folder);
	d->locked = open(d->folder, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (d->locked < 0 || !hm_chamber_lock(d->locked, 0))
		return hm_fail_errno(fail, "locking the run's folder %s", d->folder);
	return 0;
}

int hm_chamber_disk_open(struct hm_chamber_disk *d, const char *work, const char *name, struct hm_fail *fail)
{
	struct statfs fs;
	int r, at;

	d->work = realpath(work, NULL);
	if (!d->work)
		return hm_fail_errno(fail, "finding the work folder %s", work);
	r = make_folder(d, name, fail);
	if (r < 0)
		return r;
	if (mkdirat(d->locked, "root", 0755) < 0 || mkdirat(d->locked, "empty", 0755) < 0 ||
	    mkdirat(d->locked, "disk", 0700) < 0 || fstatfs(d->locked, &fs) < 0)
		return hm_fail_errno(fail, "making folders in %s", d->folder);
	if (!holds_layers(&fs)) {
		r = mount_image(d, fail);
		if (r < 0)
			return hm_fail_advise(fail,
					      "%s cannot hold upper layers and a loop-mounted image cannot be had: "
					      "use a work folder on ext4, xfs or btrfs",
					      d->work);
	}
	at = d->image >= 0 ? d->image : d->locked;
	if (mkdirat(at, "layers", 0700) < 0)
		return hm_fail_errno(fail, "making folders in %s", d->folder);
	d->base = openat(at, "layers", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return d->base < 0 ? hm_fail_errno(fail, "opening folders in %s", d->folder) : 0;
}

/* Mode, owner and times of a folder of the host for the folder that stands in for it. */
static int like(int fd, const struct stat *st)
{
	struct timespec times[2] = { st->st_atim, st->st_mtim };

	if (fchown(fd, st->st_uid, st->st_gid) < 0 || fchmod(fd, st->st_mode & 07777) < 0)
		return -1;
	return futimens(fd, times);
}

int hm_chamber_hide(struct hm_chamber *c, const char *path, struct hm_fail *fail)
{
	struct hm_chamber_layer *layer = hm_chamber_layer_of(c, path);
	size_t skip = strcmp(layer->point, "/") == 0 ? 0 : strlen(layer->point);
	HM_FREE char *copy = hm_strdup(path);
	HM_CLOSE int at = openat(layer->upper, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *save = NULL;

	for (char *name = strtok_r(copy + skip, "/", &save); name && at >= 0; name = strtok_r(NULL, "/", &save)) {
		HM_FREE char *so_far =
		    hm_slice_dup((struct hm_slice){ (const uint8_t *)path, (size_t)(name - copy) + strlen(name) });
		struct stat st;
		int next;

		if (stat(so_far, &st) < 0 || (mkdirat(at, name, 0700) < 0 && errno != EEXIST))
			return hm_fail_errno(fail, "hiding %s from the chamber", path);
		next = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (next < 0 || like(next, &st) < 0)
			return hm_fail_errno(fail, "hiding %s from the chamber", path);
		close(at);
		at = next;
	}
	if (at < 0 || fsetxattr(at, "trusted.overlay.opaque", "y", 1, 0) < 0)
		return hm_fail_errno(fail, "hiding %s from the chamber", path);
	return 0;
}

static int make_layer(struct hm_chamber_disk *d, struct hm_chamber_layer *layer, size_t number, struct hm_fail *fail)
{
	HM_FREE char *folder = hm_sprintf("%zu", number), *upper = hm_sprintf("%zu/u", number),
		     *work = hm_sprintf("%zu/w", number);
	struct stat st = { .st_mode = 01777 };

	if (mkdirat(d->base, folder, 0700) < 0 || mkdirat(d->base, upper, 0700) < 0 || mkdirat(d->base, work, 0700) < 0)
		return hm_fail_errno(fail, "making a layer for %s", layer->point);
	layer->upper = openat(d->base, upper, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (layer->upper < 0 || (layer->lower && stat(layer->lower, &st) < 0) || like(layer->upper, &st) < 0)
		return hm_fail_errno(fail, "making a layer for %s", layer->point);
	return 0;
}

int hm_chamber_disk_layers(struct hm_chamber *c, struct hm_fail *fail)
{
	for (size_t i = 0; i < c->layer_count; i++) {
		int r = make_layer(&c->disk, &c->layers[i], i, fail);

		if (r < 0)
			return r;
	}
	for (size_t i = 0; i < c->hidden_count; i++) {
		bool within = false;
		int r;

		for (size_t k = 0; k < c->hidden_count; k++)
			within |= k != i && hm_chamber_below(c->hidden[i], c->hidden[k]);
		r = within ? 0 : hm_chamber_hide(c, c->hidden[i], fail);
		if (r < 0)
			return r;
	}
	return 0;
}

void hm_chamber_disk_release(struct hm_chamber_disk *d)
{
	HM_CLOSE int work = d->folder ? open(d->work, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;
	struct hm_fail fail;
	int *fds[] = { &d->base, &d->image, &d->locked };

	for (size_t i = 0; i < HM_COUNT(fds) - 1; i++)
		if (*fds[i] >= 0)
			close(hm_take_fd(fds[i]));
	/* What cannot be removed now stays without a lock, and the next sweep tells why. */
	if (work >= 0 && hm_fs_remove_at(work, strrchr(d->folder, '/') + 1, &fail) < 0)
		fail.code = 0;
	if (d->locked >= 0) {
		(void)flock(d->locked, LOCK_UN); /* whoever still has a copy */
		close(hm_take_fd(&d->locked));
	}
	free(d->work);
	free(d->folder);
	d->work = d->folder = NULL;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int hm_chamber_disk_sweep(const char *work, const char *name, unsigned wait_ms, struct hm_bytes *said,
			  struct hm_fail *fail)
{
	HM_CLOSE int locked = hm_chamber_lock_work(work, fail);
	HM_CLEANUP(close_dir) DIR *dir = locked < 0 ? NULL : opendir(work);
	struct dirent *e;

	if (!dir)
		return locked < 0 ? locked : hm_fail_errno(fail, "reading the work folder %s", work);
	while ((e = readdir(dir))) {
		HM_CLOSE int fd = -1;
		int r;

		if (strncmp(e->d_name, HM_CHAMBER_FOLDER, strlen(HM_CHAMBER_FOLDER)) != 0 ||
		    (name && strcmp(e->d_name + strlen(HM_CHAMBER_FOLDER), name) != 0))
			continue;
		fd = openat(locked, e->d_name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
		if (fd < 0 || !hm_chamber_lock(fd, wait_ms))
			continue;
		r = hm_fs_remove_at(locked, e->d_name, fail);
		if (r < 0)
			return hm_fail_in(fail, "%s", work);
		hm_bytes_printf(said, "removed folder %s/%s of a run that was killed\n", work, e->d_name);
	}
	return 0;
}
