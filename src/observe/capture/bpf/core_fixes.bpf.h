#pragma once
/* Where kernels differ by more than offsets: the overlay's inode, the file behind a mapping, the end of a task.
 *
 * A name behind three underscores is a flavour: libbpf looks for the structure without it, and a field that the running
 * kernel does not have makes bpf_core_field_exists false, so that the verifier drops the branch. overlayfs may be a module:
 * libbpf finds its types in /sys/kernel/btf/overlay when it is loaded. When it is not, nothing can be on an overlay. */
#include "kernel.bpf.h"

#define OVERLAYFS_MAGIC 0x794c7630
#define FMODE_NOACCOUNT (1u << 29)

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct ovl_inode {
	struct inode vfs_inode;
	struct dentry *__upperdentry;
};

struct ovl_path {
	struct dentry *dentry;
};

/* Since 6.4 ("ovl: move ovl_entry into ovl_inode"). */
struct ovl_entry {
	struct ovl_path __lowerstack[1];
};

struct ovl_inode___64 {
	struct ovl_entry *oe;
};

/* 6.0 to 6.3 ("ovl: store lower path in ovl_inode"). */
struct ovl_inode___60 {
	struct ovl_path lowerpath;
};

/* Before. */
struct ovl_inode___50 {
	struct inode *lower;
};

struct backing_file {
	struct file file;
	struct path user_path;
};

#pragma clang attribute pop

/* The inode below the overlay's `inode`; *upper tells from which layer. NULL where it cannot be found. */
static __always_inline struct inode *core_overlay_real(struct inode *inode, bool *upper)
{
	void *oi;
	struct dentry *dentry;

	*upper = false;
	if (!bpf_core_type_exists(struct ovl_inode))
		return NULL;
	oi = (void *)inode - bpf_core_field_offset(struct ovl_inode, vfs_inode);
	dentry = BPF_CORE_READ((struct ovl_inode *)oi, __upperdentry);
	if (dentry) {
		*upper = true;
		return BPF_CORE_READ(dentry, d_inode);
	}
	if (bpf_core_field_exists(((struct ovl_inode___64 *)0)->oe)) {
		struct ovl_entry *oe = BPF_CORE_READ((struct ovl_inode___64 *)oi, oe);

		dentry = BPF_CORE_READ(oe, __lowerstack[0].dentry);
		return BPF_CORE_READ(dentry, d_inode);
	}
	if (bpf_core_field_exists(((struct ovl_inode___60 *)0)->lowerpath)) {
		dentry = BPF_CORE_READ((struct ovl_inode___60 *)oi, lowerpath.dentry);
		return BPF_CORE_READ(dentry, d_inode);
	}
	if (bpf_core_field_exists(((struct ovl_inode___50 *)0)->lower))
		return BPF_CORE_READ((struct ovl_inode___50 *)oi, lower);
	return NULL;
}

/* struct path as a value of ours. */
struct place {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

/* The path by which a file was opened. The file of a mapping on an overlay is one of the layer below: before 6.5 with the
 * user's path as its own, since then as the first part of a structure that has it beside. The flag of such files has moved
 * from version to version; none is accounted for, and what lies behind it must be a path on an overlay. */
static __always_inline void core_user_path(struct place *path, struct file *file)
{
	bpf_core_read(path, sizeof(*path), &file->f_path);
	if (bpf_core_type_exists(struct backing_file) && (BPF_CORE_READ(file, f_mode) & FMODE_NOACCOUNT)) {
		struct backing_file *backing = (void *)file - bpf_core_field_offset(struct backing_file, file);
		struct place user = { 0 };
		struct dentry *dentry;

		bpf_core_read(&user, sizeof(user), &backing->user_path);
		dentry = user.dentry;
		if (BPF_CORE_READ(dentry, d_sb, s_magic) == OVERLAYFS_MAGIC)
			*path = user;
	}
}
