#pragma once
/* Bytes of files that a call read or wrote.
 *
 * The call tells a descriptor, and when it ends another thread may have put another file behind it, or none. The page
 * cache was asked by the call itself, so what it was asked for (pages.bpf.h) is the file that was read; the descriptor
 * counts where the page cache has no part in it. */
#include "names.bpf.h"
#include "table.bpf.h"

#define OWN_POSITION ~0ull /* the file's own position, which has moved already */

/* One number for each call of each table; never 0. */
static __always_inline __u64 call_key(__u32 nr, __u32 table)
{
	return (__u64)nr << 3 | table << 1 | 1;
}

/* What this call was seen to read goes into s->seen_file, and is forgotten: the next call is another. */
__noinline int take_seen(struct scratch *s, __u32 nr, __u32 table)
{
	struct task_reads *of = bpf_task_storage_get(&reads, bpf_get_current_task_btf(), 0, 0);

	if (!s)
		return 0;
	s->seen_file.call = 0;
	if (!of || !of->seen.call)
		return 0;
	if (of->seen.call == call_key(nr, table))
		s->seen_file = of->seen;
	of->seen.call = 0;
	return 0;
}

/* s->file becomes the file that was seen; true when it was that one anyhow. */
static __always_inline bool is_seen(struct scratch *s)
{
	__u32 *layer;

	if (s->file.dev == s->seen_file.dev && s->file.ino == s->seen_file.ino && s->file.gen == s->seen_file.gen)
		return true;
	s->file.dev = s->seen_file.dev;
	s->file.ino = s->seen_file.ino;
	s->file.gen = s->seen_file.gen;
	layer = name_of(s);
	s->file.layer = layer ? *layer : HM_LAYER_NONE;
	return false;
}

SAME_FIELDS(READ, WRITE);

/* READ or WRITE of s->fd. `file` is what stands behind it now: NULL when it is closed, and no socket unless a file was
 * seen. A position that the page cache saw otherwise is the beginning of the page that was read first: it moves on where
 * threads share the descriptor, and may lie in memory that they write. */
static __noinline int file_bytes(struct scratch *s, __u32 kind, struct file *file, __u64 offset, __u64 bytes)
{
	struct raw_READ *e;
	bool seen;

	if (!s)
		return 0;
	seen = kind == HM_EV_READ && s->seen_file.call;
	__builtin_memset(&s->file, 0, sizeof(s->file));
	if (file)
		who_is(s, file);
	if (seen && !is_seen(s))
		file = NULL;
	if (file)
		name_first(s, file, s->fd);
	if (offset == OWN_POSITION) {
		offset = file ? READ(file, f_pos) : 0;
		offset = offset >= bytes ? offset - bytes : 0;
	}
	if (seen && offset / PAGE != s->seen_file.offset / PAGE)
		offset = s->seen_file.offset;
	e = BEGIN(s, READ);
	e->NR = s->call.nr;
	e->FD = s->fd;
	COPY_IDENTITY(e, s);
	e->OFFSET = offset;
	e->BYTES = bytes;
	return emit(s, kind, RAW_SIZE(READ));
}
