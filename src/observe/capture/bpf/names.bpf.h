#pragma once
/* Names: an OPEN for every way by which a descriptor comes to a process.
 *
 * Most come from a call that opens. Others are inherited, passed over a socket, taken from another process, handed out
 * by fanotify, or put in a descriptor's place by another thread. So the recorder remembers which files an OPEN has
 * named; where one that none has named is read, written or mapped, an OPEN with that call's number comes first. What
 * is forgotten (the table keeps the files used last) is named twice, which does no harm.
 *
 * The same first sight tells a copy-up: a file of an overlay's upper layer that still has the lower one's beside it. */
#include "file.bpf.h"

#define NAMES 32768
#define NO_FD 0xffffffffu /* in OPEN: the descriptor is not known, or there is none */

struct name {
	__u64 ino;
	__u32 dev, gen;
};

/* The layer of each file that was named. */
struct {
	__uint(type, BPF_MAP_TYPE_LRU_HASH);
	__type(key, struct name);
	__type(value, __u32);
	__uint(max_entries, NAMES);
} names SEC(".maps");

static __always_inline __u32 *name_of(struct scratch *s)
{
	struct name key = { .ino = s->file.ino, .dev = s->file.dev, .gen = s->file.gen };

	return bpf_map_lookup_elem(&names, &key);
}

/* COPYUP, when the file that s->file identifies was copied up. */
static __noinline int tell_copyup(struct scratch *s, struct file *file)
{
	struct place place = { 0 };
	struct super_block *sb;
	struct inode *lower;
	struct raw_COPYUP *e;
	__u64 layer = HM_LAYER_LOWER;

	if (!s || s->file.layer != HM_LAYER_UPPER || !is_mode(s, S_IFREG))
		return 0;
	core_user_path(&place, file);
	lower = core_overlay_lower(READ(place.dentry, d_inode));
	if (!lower)
		return 0;
	lower = below_overlay(lower, &layer);
	sb = READ(lower, i_sb);
	e = BEGIN(s, COPYUP);
	e->FROM_DEV = READ(sb, s_dev);
	e->FROM_INO = READ(lower, i_ino);
	e->FROM_GEN = READ(lower, i_generation);
	e->DEV = s->file.dev;
	e->INO = s->file.ino;
	e->GEN = s->file.gen;
	return END(s, COPYUP, 0);
}

/* OPEN of what s->file and s->walk tell. */
static __noinline int emit_open(struct scratch *s, struct file *file, __u32 fd)
{
	struct name key = { 0 };
	struct raw_OPEN *e;
	__u32 len, layer, *known;

	if (!s)
		return 0;
	key = (struct name){ .ino = s->file.ino, .dev = s->file.dev, .gen = s->file.gen };
	layer = s->file.layer;
	known = bpf_map_lookup_elem(&names, &key);
	if (!known || *known != layer) /* an update takes the table's locks */
		bpf_map_update_elem(&names, &key, &layer, BPF_ANY);
	e = BEGIN(s, OPEN);
	e->NR = s->call.nr;
	e->FD = fd;
	e->FLAGS = READ(file, f_flags);
	e->MODE = s->file.mode;
	COPY_IDENTITY(e, s);
	e->CUT = s->walk.cut;
	len = put_path(s, RAW_SIZE(OPEN));
	LENGTHS(s, OPEN)->PATH = len;
	return END(s, OPEN, len);
}

/* `file`, which s->file and s->walk tell, has come to this process as `fd`. */
static __always_inline void name(struct scratch *s, struct file *file, __u32 fd)
{
	if (!name_of(s))
		tell_copyup(s, file);
	emit_open(s, file, fd);
}

/* The descriptor `fd` has come to this process. */
static __always_inline void on_descriptor(struct scratch *s, __u32 fd)
{
	struct file *file = file_of(fd);

	if (!file)
		return;
	look_at(s, file);
	name(s, file, fd);
}

/* s->file, which is `file`, is read, written or mapped. What has no name but a number is left out. */
static __always_inline void name_first(struct scratch *s, struct file *file, __u32 fd)
{
	struct place place = { 0 };

	if (is_mode(s, S_IFIFO) || is_mode(s, S_IFSOCK) || name_of(s))
		return;
	core_user_path(&place, file);
	walk(s, place.mnt, place.dentry);
	tell_copyup(s, file);
	emit_open(s, file, fd);
}
