#pragma once
/* Files: who they really are, and their path.
 *
 * The identity is the inode below the overlay, found from the kernel's objects alone. The path is walked from the
 * file up to the top of its mount tree, which in the chamber is the chamber's root: not to the task's own root, so
 * that a product that calls chroot cannot give its files other names. It may race with a rename; it is decoration. */
#include "recorder.bpf.h"

#define FS_REQUIRES_DEV 1
#define SB_NOUSER (1ul << 31)
#define PATH_STEPS 400 /* names and mounts together; room for 300 names */

#define S_IFMT 0170000
#define S_IFSOCK 0140000
#define S_IFREG 0100000
#define S_IFBLK 0060000
#define S_IFIFO 0010000

static __always_inline struct file *file_of(__u32 fd)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct files_struct *files = READ(task, files);
	struct fdtable *fdt = READ(files, fdt);
	struct file **table, *file = NULL;

	if (fd >= READ(fdt, max_fds))
		return NULL;
	table = READ(fdt, fd);
	bpf_probe_read_kernel(&file, sizeof(file), &table[fd]);
	return file;
}

/* Whether another task can change what this one's descriptors mean. */
static __always_inline bool shares_files(void)
{
	struct files_struct *files = READ(bpf_get_current_task_btf(), files);

	return READ(files, count.counter) > 1;
}

/* One level of overlay: returns the inode below and sets the layer, or returns `inode` itself. */
static __always_inline struct inode *below_overlay(struct inode *inode, __u64 *layer)
{
	struct super_block *sb = READ(inode, i_sb);
	struct inode *real;
	bool upper;

	if (READ(sb, s_magic) != OVERLAYFS_MAGIC)
		return inode;
	real = core_overlay_real(inode, &upper);
	if (!real)
		return inode;
	if (*layer == HM_LAYER_NONE)
		*layer = upper ? HM_LAYER_UPPER : HM_LAYER_LOWER;
	return real;
}

/* Fills s->file for `inode`, which may be an overlay's. */
static __noinline int identify_inode(struct scratch *s, struct inode *inode)
{
	struct file_system_type *type;
	struct super_block *sb;
	__u64 layer = HM_LAYER_NONE;

	if (!s)
		return 0;
	inode = below_overlay(inode, &layer);
	inode = below_overlay(inode, &layer); /* a lower layer that is an overlay itself, as in a container */
	sb = READ(inode, i_sb);
	type = READ(sb, s_type);
	if (layer == HM_LAYER_NONE && (READ(type, fs_flags) & FS_REQUIRES_DEV))
		layer = HM_LAYER_PLAIN;
	s->file.dev = READ(sb, s_dev);
	s->file.ino = READ(inode, i_ino);
	s->file.gen = READ(inode, i_generation);
	s->file.mode = READ(inode, i_mode);
	s->file.layer = layer;
	return 0;
}

/* Fills s->file for the file that was opened at `dentry`. A block device is what the page cache knows it by, however
 * many names it has. */
static __always_inline void identify(struct scratch *s, struct file *file, struct dentry *dentry)
{
	identify_inode(s, READ(dentry, d_inode));
	if ((s->file.mode & S_IFMT) == S_IFBLK) {
		struct address_space *mapping = READ(file, f_mapping);

		identify_inode(s, READ(mapping, host));
	}
}

/* Puts "/NAME" before what is there. */
static __always_inline void put_name(struct walk *w, struct dentry *dentry)
{
	const unsigned char *name = READ(dentry, d_name.name);
	__u32 len = READ(dentry, d_name.len), at = w->at;

	if (len > NAME_MAX_BYTES || at > PATH_MAX_BYTES || at < len + 1) {
		w->cut = true;
		w->done = true;
		return;
	}
	at -= len + 1;
	w->at = at;
	FORGET(at);
	FORGET(len);
	at &= PATH_MAX_BYTES - 1;
	len &= NAME_MAX_BYTES;
	w->text[at] = '/';
	bpf_probe_read_kernel(&w->text[at + 1], len, name);
}

/* One step upwards: over a mount, or to the parent folder. Returns 1 at the top. */
static long walk_step(__u32 i, void *ctx)
{
	struct scratch *s = ONLY(scratches);
	struct dentry *dentry, *parent;
	struct walk *w;
	__u64 done;

	if (!s)
		return 1;
	w = &s->walk;
	dentry = w->dentry;
	if (dentry == w->mnt_root) {
		struct mount *mount = (void *)w->mnt - bpf_core_field_offset(struct mount, mnt);
		struct mount *up = READ(mount, mnt_parent);
		struct vfsmount *mnt = (void *)up + bpf_core_field_offset(struct mount, mnt);

		if (up == mount) {
			w->done = true;
			return 1;
		}
		w->dentry = READ(mount, mnt_mountpoint);
		w->mnt = mnt;
		w->mnt_root = READ(mnt, mnt_root);
		return 0;
	}
	parent = READ(dentry, d_parent);
	put_name(w, dentry);
	if (parent == dentry && !w->done) {
		struct super_block *sb = READ(dentry, d_sb);

		/* Belongs to no tree: a pipe, a socket, a memfd, which have but a name; else something is missing
		 * above it. */
		w->done = true;
		w->cut = !(READ(sb, s_flags) & SB_NOUSER);
	}
	w->dentry = parent;
	done = w->done;
	FORGET(done);
	return done & 1;
}

/* Fills s->walk with the path that ends in `dentry` on `mnt`. */
static __noinline int walk(struct scratch *s, struct vfsmount *mnt, struct dentry *dentry)
{
	struct walk *w;

	if (!s)
		return 0;
	w = &s->walk;
	w->mnt = mnt;
	w->dentry = dentry;
	w->mnt_root = READ(mnt, mnt_root);
	w->at = PATH_MAX_BYTES;
	w->done = false;
	w->cut = false;
	bpf_loop(PATH_STEPS, walk_step, NULL, 0);
	if (!w->done)
		w->cut = true;
	if (w->at == PATH_MAX_BYTES) {
		w->at = PATH_MAX_BYTES - 1;
		w->text[PATH_MAX_BYTES - 1] = '/';
	}
	return 0;
}

/* Copies the path behind the `fixed` bytes of the event; returns its length. */
static __always_inline __u32 put_path(struct scratch *s, __u32 fixed)
{
	__u32 at = s->walk.at, len;

	if (at >= PATH_MAX_BYTES)
		return 0;
	len = PATH_MAX_BYTES - at;
	FORGET(len);
	FORGET(at);
	if (len > PATH_MAX_BYTES)
		return 0;
	at &= PATH_MAX_BYTES - 1;
	bpf_probe_read_kernel(s->out + fixed, len, s->walk.text + at);
	return len;
}

#define COPY_IDENTITY(event, s)                     \
	do {                                        \
		(event)->DEV = (s)->file.dev;       \
		(event)->INO = (s)->file.ino;       \
		(event)->GEN = (s)->file.gen;       \
		(event)->LAYER = (s)->file.layer;   \
	} while (0)

/* Fills s->file and s->walk for an open file. */
static __always_inline void look_at(struct scratch *s, struct file *file)
{
	struct place place = { 0 };

	core_user_path(&place, file);
	identify(s, file, place.dentry);
	walk(s, place.mnt, place.dentry);
}

/* Fills s->file alone. */
static __always_inline void who_is(struct scratch *s, struct file *file)
{
	struct place place = { 0 };

	core_user_path(&place, file);
	identify(s, file, place.dentry);
}

static __always_inline bool is_mode(const struct scratch *s, __u32 type)
{
	return (s->file.mode & S_IFMT) == type;
}
