/* The chamber's root, made by pid 1 in its own mount namespace: a layer for each disk file system of the host, then new
 * pseudo file systems with masks. Every mount of the host is let go at the end, and every place that can be written is
 * an upper layer on the disk: /dev is read-only once it is filled, /proc and /sys hold no files of the product's.
 *
 * Layers are mounted by descriptors and by paths relative to their folder, so that /proc/mounts inside does not tell
 * where on the host they stand. */
#include "chamber_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "fs.h"

#define INSIDE (MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC)
#define GID_TTY 5

/* Parts of /proc and /sys that reach the host through any namespace. */
static const struct {
	const char *path;
	enum { READ_ONLY, MASKED } how;
} masks[] = {
	{ "/proc/acpi", MASKED },
	{ "/proc/asound", READ_ONLY },
	{ "/proc/bus", READ_ONLY },
	{ "/proc/driver", READ_ONLY },
	{ "/proc/dynamic_debug", MASKED },
	{ "/proc/fs", READ_ONLY },
	{ "/proc/irq", READ_ONLY },
	{ "/proc/kallsyms", MASKED },
	{ "/proc/kcore", MASKED },
	{ "/proc/key-users", MASKED },
	{ "/proc/keys", MASKED },
	{ "/proc/kmsg", MASKED },
	{ "/proc/kpagecgroup", MASKED },
	{ "/proc/kpagecount", MASKED },
	{ "/proc/kpageflags", MASKED },
	{ "/proc/latency_stats", MASKED },
	{ "/proc/mtrr", READ_ONLY },
	{ "/proc/pressure", READ_ONLY },
	{ "/proc/profile", MASKED },
	{ "/proc/sched_debug", MASKED },
	{ "/proc/scsi", MASKED },
	{ "/proc/sys", READ_ONLY },
	{ "/proc/sysrq-trigger", READ_ONLY },
	{ "/proc/timer_list", MASKED },
	{ "/proc/timer_stats", MASKED },
	{ "/proc/tty", READ_ONLY },
	{ "/proc/vmcore", MASKED },
	{ "/sys/devices/virtual/powercap", MASKED },
	{ "/sys/firmware", MASKED },
	{ "/sys/kernel/debug", MASKED },
};

static const struct {
	const char *name;
	unsigned minor, major;
} nodes[] = {
	{ "full", 7, 1 }, { "null", 3, 1 }, { "random", 8, 1 }, { "tty", 0, 5 }, { "urandom", 9, 1 }, { "zero", 5, 1 },
};

static const struct {
	const char *name, *to;
} links[] = {
	{ "/dev/fd", "/proc/self/fd" },      { "/dev/ptmx", "pts/ptmx" },          { "/dev/stderr", "/proc/self/fd/2" },
	{ "/dev/stdin", "/proc/self/fd/0" }, { "/dev/stdout", "/proc/self/fd/1" },
};

/* What the kernel said about a mount that it refused: "e overlay: ..." lines in the mount's own log. */
static int refused(int fs, const char *point, struct hm_fail *fail)
{
	char log[256];
	int error = errno;
	ssize_t n = fs < 0 ? -1 : read(fs, log, sizeof(log) - 1);

	errno = error;
	if (n <= 0)
		return hm_fail_errno(fail, "mounting the layer of %s", point);
	log[n] = 0;
	log[strcspn(log, "\n")] = 0;
	return hm_fail_errno(fail, "mounting the layer of %s: %s", point, log);
}

/* A detached overlay. redirect_dir and metacopy stay off: an upper layer that refers to the lower one by name or leaves
 * content in it could not be read on its own. volatile: nothing of it has to survive a crash, so nothing waits for the
 * disk. */
static int new_overlay(const struct hm_chamber_layer *layer, size_t number, const char *empty, struct hm_fail *fail)
{
	HM_FREE char *upper = hm_sprintf("%zu/u", number), *work = hm_sprintf("%zu/w", number), *source = NULL;
	HM_CLOSE int lower = open(layer->lower ? layer->lower : empty, O_PATH | O_DIRECTORY | O_CLOEXEC);
	HM_CLOSE int fs = -1;
	int mount;

	if (lower < 0)
		return hm_fail_errno(fail, "opening %s", layer->lower ? layer->lower : empty);
	source = hm_sprintf("/proc/self/fd/%d", lower);
	fs = fsopen("overlay", FSOPEN_CLOEXEC);
	if (fs < 0)
		return hm_fail_errno(fail, "mounting the layer of %s: overlay", layer->point);
	if (fsconfig(fs, FSCONFIG_SET_STRING, "source", "overlay", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "lowerdir", source, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "upperdir", upper, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "workdir", work, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "redirect_dir", "off", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "metacopy", "off", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_STRING, "index", "off", 0) < 0 ||
	    fsconfig(fs, FSCONFIG_SET_FLAG, "volatile", NULL, 0) < 0 ||
	    fsconfig(fs, FSCONFIG_CMD_CREATE, NULL, NULL, 0) < 0)
		return refused(fs, layer->point, fail);
	mount = fsmount(fs, FSMOUNT_CLOEXEC, (unsigned)layer->attributes);
	return mount < 0 ? refused(fs, layer->point, fail) : mount;
}

static int place(int mount, int at, const char *path, struct hm_fail *fail)
{
	if (move_mount(mount, "", at, path, MOVE_MOUNT_F_EMPTY_PATH) < 0)
		return hm_fail_errno(fail, "putting a mount at %s", path);
	return 0;
}

static int set_attributes(int mount, uint64_t attributes, const char *what, struct hm_fail *fail)
{
	struct mount_attr attr = { .attr_set = attributes };

	return mount_setattr(mount, "", AT_EMPTY_PATH | AT_RECURSIVE, &attr, sizeof(attr)) < 0
		   ? hm_fail_errno(fail, "setting the mount of %s read-only", what)
		   : 0;
}

/* A mount of a part of the tree at `from`, with more attributes. */
static int clone_of(const char *from, uint64_t attributes, struct hm_fail *fail)
{
	HM_CLOSE int mount = open_tree(AT_FDCWD, from, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_NO_AUTOMOUNT);
	int r;

	if (mount < 0)
		return hm_fail_errno(fail, "taking the mount of %s", from);
	r = set_attributes(mount, attributes, from, fail);
	return r < 0 ? r : hm_take_fd(&mount);
}

/* The layers of the host's file systems, each at its place below `root`. One that the kernel refuses is left out and
 * told, but the root must be. */
static int mount_layers(struct hm_chamber *c, const char *root, const char *empty, struct hm_fail *fail)
{
	HM_CLOSE int top = -1;

	for (size_t i = 0; i < c->layer_count; i++) {
		struct hm_chamber_layer *layer = &c->layers[i];
		struct hm_chamber_message m = { .said = HM_SAID_ABSENT, .layer = (uint32_t)i };
		HM_CLOSE int mount = -1;
		int r;

		if (!layer->lower || strcmp(layer->lower, layer->point) != 0)
			continue;
		mount = new_overlay(layer, i, empty, &m.fail);
		r = mount < 0 ? mount
		    : top < 0 ? place(mount, AT_FDCWD, root, &m.fail)
			      : place(mount, top, layer->point + 1, &m.fail);
		if (r < 0 && top < 0) {
			*fail = m.fail;
			return r;
		}
		if (r < 0)
			hm_chamber_say(c->control, &m, NULL, 0);
		if (top < 0)
			top = hm_take_fd(&mount);
	}
	if (fchdir(top) < 0)
		return hm_fail_errno(fail, "entering the new root");
	return 0;
}

static int new_pseudo(const char *type, const char *point, unsigned long flags, const char *options,
		      struct hm_fail *fail)
{
	if (mkdir(point, 0755) < 0 && errno != EEXIST)
		return hm_fail_errno(fail, "making %s", point);
	if (mount(type, point, type, flags, options) < 0)
		return hm_fail_errno(fail, "mounting %s", point);
	return 0;
}

static int fill_dev(int shm, struct hm_fail *fail)
{
	HM_FREE char *pts = hm_sprintf("newinstance,ptmxmode=0666,mode=0620,gid=%d", GID_TTY);
	int r = new_pseudo("tmpfs", "/dev", MS_NOSUID | MS_NOEXEC, "mode=755,size=64k", fail);

	for (size_t i = 0; r == 0 && i < HM_COUNT(nodes); i++) {
		HM_FREE char *path = hm_sprintf("/dev/%s", nodes[i].name);

		if (mknod(path, S_IFCHR | 0666, makedev(nodes[i].major, nodes[i].minor)) < 0 || chmod(path, 0666) < 0)
			r = hm_fail_errno(fail, "making %s", path);
	}
	for (size_t i = 0; r == 0 && i < HM_COUNT(links); i++)
		if (symlink(links[i].to, links[i].name) < 0)
			r = hm_fail_errno(fail, "making %s", links[i].name);
	if (r == 0)
		r = new_pseudo("devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, pts, fail);
	if (r == 0 && mkdir("/dev/shm", 01777) < 0)
		r = hm_fail_errno(fail, "making /dev/shm");
	return r < 0 ? r : place(shm, AT_FDCWD, "/dev/shm", fail);
}

static int mask(const char *path, bool whole, struct hm_fail *fail)
{
	HM_CLOSE int cover = -1;
	struct stat st;

	if (lstat(path, &st) < 0)
		return errno == ENOENT ? 0 : hm_fail_errno(fail, "masking %s", path);
	if (whole && S_ISDIR(st.st_mode))
		return new_pseudo("tmpfs", path, MS_NOSUID | MS_NODEV | MS_NOEXEC | MS_RDONLY, "mode=555,size=4k",
				  fail);
	cover = whole ? clone_of("/dev/null", MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC, fail)
		      : clone_of(path, MOUNT_ATTR_RDONLY | INSIDE, fail);
	return cover < 0 ? cover : place(cover, AT_FDCWD, path, fail);
}

/* A file of its own over the kernel's boot id: put into /dev while that can be written, taken as a mount, and unlinked.
 */
static int plant_boot_id(const struct hm_chamber_spec *spec, struct hm_fail *fail)
{
	static const char file[] = "/dev/.boot_id", path[] = "/proc/sys/kernel/random/boot_id";
	HM_CLOSE int fd = open(file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0444), cover = -1;
	char text[38];

	if (fd < 0 || hm_chamber_boot_id(text, spec) < 0 ||
	    hm_fs_write_all(fd, hm_slice_text(text), fail) < 0)
		return hm_fail_errno(fail, "planting the boot id");
	close(hm_take_fd(&fd)); /* a file that is open for writing keeps its mount from becoming read-only */
	cover = clone_of(file, MOUNT_ATTR_RDONLY | INSIDE, fail);
	if (cover < 0)
		return cover;
	if (place(cover, AT_FDCWD, path, fail) < 0)
		return HM_E_SYSTEM;
	return unlink(file) < 0 ? hm_fail_errno(fail, "planting the boot id") : 0;
}

static int pseudo(int shm, const struct hm_chamber_spec *spec, struct hm_fail *fail)
{
	const unsigned long quiet = MS_NOSUID | MS_NODEV | MS_NOEXEC;
	struct mount_attr sealed = { .attr_set = MOUNT_ATTR_RDONLY };
	int r = new_pseudo("proc", "/proc", quiet, NULL, fail);

	if (r == 0)
		r = new_pseudo("sysfs", "/sys", quiet | MS_RDONLY, NULL, fail);
	if (r == 0)
		r = fill_dev(shm, fail);
	for (size_t i = 0; r == 0 && i < HM_COUNT(masks); i++)
		r = mask(masks[i].path, masks[i].how == MASKED, fail);
	if (r == 0)
		r = plant_boot_id(spec, fail);
	if (r == 0 && mount_setattr(AT_FDCWD, "/dev", 0, &sealed, sizeof(sealed)) < 0)
		r = hm_fail_errno(fail, "sealing /dev");
	return r;
}

/* Read-only, so that what the product leaves can be read from upper layers alone. */
static int mount_disks(const struct hm_chamber_spec *spec, struct hm_fail *fail)
{
	for (size_t i = 0; i < spec->disk_count; i++) {
		const struct hm_chamber_disk_spec *d = &spec->disks[i];

		if (hm_fs_mkdirs(d->point, 0755, fail) < 0)
			return fail->code;
		if (mount(d->source, d->point, "tmpfs", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, "mode=755,size=4k") < 0)
			return hm_fail_errno(fail, "mounting a disk at %s", d->point);
	}
	return 0;
}

/* Leaves the host: its root goes below the new one and is let go with every mount in it. */
static int pivot(struct hm_fail *fail)
{
	if (syscall(SYS_pivot_root, ".", ".") < 0) {
		hm_fail_errno(fail, "changing to the chamber's root");
		return hm_fail_advise(
		    fail, "a machine that runs from its initramfs has to switch_root to a real file system first");
	}
	if (umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return hm_fail_errno(fail, "leaving the host's root");
	return 0;
}

/* The mounts that cannot be made once the host's root is out of reach. */
static int mount_extra(const struct hm_chamber *c, const struct hm_chamber_spec *spec, const char *empty, int *shm,
		       int *target, struct hm_fail *fail)
{
	for (size_t i = 0; i < c->layer_count; i++) {
		const struct hm_chamber_layer *layer = &c->layers[i];
		int mount;

		if (layer->lower && strcmp(layer->lower, layer->point) == 0)
			continue;
		mount = new_overlay(layer, i, empty, fail);
		if (mount < 0)
			return mount;
		*(layer->lower ? target : shm) = mount;
	}
	if (*target < 0)
		*target = clone_of(spec->target_from, MOUNT_ATTR_RDONLY | INSIDE, fail);
	return *target < 0 ? *target : 0;
}

int hm_chamber_root(struct hm_chamber *c, const struct hm_chamber_spec *spec, struct hm_fail *fail)
{
	HM_FREE char *root = hm_sprintf("%s/root", c->disk.folder), *empty = hm_sprintf("%s/empty", c->disk.folder);
	HM_FREE char *disk = hm_sprintf("%s/disk", c->disk.folder);
	HM_FREE char *base = hm_sprintf("%s/layers", c->disk.image >= 0 ? disk : c->disk.folder);
	HM_CLOSE int shm = -1, target = -1;
	int r;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return hm_fail_errno(fail, "making mounts private");
	if (c->disk.image >= 0 && place(c->disk.image, AT_FDCWD, disk, fail) < 0)
		return HM_E_SYSTEM;
	if (chdir(base) < 0)
		return hm_fail_errno(fail, "entering %s", base);
	r = mount_extra(c, spec, empty, &shm, &target, fail);
	if (r == 0)
		r = mount_layers(c, root, empty, fail);
	if (r == 0)
		r = pivot(fail);
	if (r == 0)
		r = pseudo(shm, spec, fail);
	if (r == 0)
		r = mount_disks(spec, fail);
	if (r == 0)
		r = hm_fs_mkdirs(spec->target, 0755, fail);
	if (r == 0)
		r = place(target, AT_FDCWD, spec->target, fail);
	return r;
}
