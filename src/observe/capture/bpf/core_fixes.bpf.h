#pragma once
/* Where kernels differ by more than offsets: typed pointers, the overlay's inode, the file behind a mapping.
 *
 * A name behind three underscores is a flavour: libbpf looks for the structure without it, and a field that the
 * running kernel does not have makes bpf_core_field_exists false, so that the verifier drops the branch. overlayfs
 * may be a module: libbpf finds its types in /sys/kernel/btf/overlay when it is loaded. When it is not, nothing can
 * be on an overlay. */
#include "kernel.bpf.h"

#define OVERLAYFS_MAGIC 0x794c7630
#define FMODE_NOACCOUNT (1u << 29)

/* Reading a field through a pointer that is but a number to the verifier: by a plain load where the kernel lets a
 * program give the pointer its type (6.2; the loader looks it up), by a helper elsewhere. The load is some twenty
 * times as fast, and an event takes dozens of them. Either gives 0 where the pointer leads nowhere. */
const volatile bool can_cast;

extern void *bpf_rdonly_cast(const void *pointer, __u32 type) __ksym __weak;

#define READ(pointer, field)                                                                  \
	({                                                                                    \
		typeof(*(pointer)) *read_ = (pointer);                                        \
		typeof(read_->field) value_ = 0;                                              \
		if (can_cast) {                                                               \
			read_ = bpf_rdonly_cast(read_, bpf_core_type_id_kernel(typeof(*read_))); \
			value_ = read_->field;                                                \
		} else {                                                                      \
			bpf_core_read(&value_, sizeof(value_), &read_->field);                \
		}                                                                             \
		value_;                                                                       \
	})

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
	unsigned int __numlower;
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

/* The inode of the lower layer that the overlay's `inode` stands on, or stood on before it was copied up. NULL where
 * there is none or it cannot be found. The overlay's own types may be a module's, which pointers cannot be cast to. */
static __always_inline struct inode *core_overlay_lower(struct inode *inode)
{
	struct dentry *dentry;
	void *oi;

	if (!bpf_core_type_exists(struct ovl_inode))
		return NULL;
	oi = (void *)inode - bpf_core_field_offset(struct ovl_inode, vfs_inode);
	if (bpf_core_field_exists(((struct ovl_inode___64 *)0)->oe)) {
		struct ovl_entry *oe = BPF_CORE_READ((struct ovl_inode___64 *)oi, oe);

		if (!BPF_CORE_READ(oe, __numlower))
			return NULL;
		dentry = BPF_CORE_READ(oe, __lowerstack[0].dentry);
		return READ(dentry, d_inode);
	}
	if (bpf_core_field_exists(((struct ovl_inode___60 *)0)->lowerpath)) {
		dentry = BPF_CORE_READ((struct ovl_inode___60 *)oi, lowerpath.dentry);
		return READ(dentry, d_inode);
	}
	if (bpf_core_field_exists(((struct ovl_inode___50 *)0)->lower))
		return BPF_CORE_READ((struct ovl_inode___50 *)oi, lower);
	return NULL;
}

/* The inode below the overlay's `inode`; *upper tells from which layer. NULL where it cannot be found. */
static __always_inline struct inode *core_overlay_real(struct inode *inode, bool *upper)
{
	struct dentry *dentry;
	void *oi;

	*upper = false;
	if (!bpf_core_type_exists(struct ovl_inode))
		return NULL;
	oi = (void *)inode - bpf_core_field_offset(struct ovl_inode, vfs_inode);
	dentry = BPF_CORE_READ((struct ovl_inode *)oi, __upperdentry);
	if (!dentry)
		return core_overlay_lower(inode);
	*upper = true;
	return READ(dentry, d_inode);
}

/* struct path as a value of ours. */
struct place {
	struct vfsmount *mnt;
	struct dentry *dentry;
};

/* The path by which a file was opened. The file of a mapping on an overlay is one of the layer below: before 6.5
 * with the user's path as its own, since then as the first part of a structure that has it beside. The flag of such
 * files has moved from version to version; none is accounted for, and what lies behind it must be a path on an
 * overlay. */
static __always_inline void core_user_path(struct place *path, struct file *file)
{
	path->mnt = READ(file, f_path.mnt);
	path->dentry = READ(file, f_path.dentry);
	if (bpf_core_type_exists(struct backing_file) && (READ(file, f_mode) & FMODE_NOACCOUNT)) {
		struct backing_file *backing = (void *)file - bpf_core_field_offset(struct backing_file, file);
		struct dentry *dentry = BPF_CORE_READ(backing, user_path.dentry);
		struct super_block *sb = READ(dentry, d_sb);

		if (READ(sb, s_magic) == OVERLAYFS_MAGIC) {
			path->mnt = BPF_CORE_READ(backing, user_path.mnt);
			path->dentry = dentry;
		}
	}
}
