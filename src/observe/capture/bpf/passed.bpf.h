#pragma once
/* Descriptors that come to a process in the bytes that it receives: over a socket (SCM_RIGHTS), and in fanotify's
 * events. Their numbers are read from the caller's memory after the call, a hint; what stands behind them is found
 * from struct file. A thread that hides a number hides nothing: the file is named when it is read (names.bpf.h). */
#include "names.bpf.h"

#define SOL_SOCKET 1
#define SCM_RIGHTS 1
#define PASSED_STEPS 8192 /* messages, their headers and descriptors: one message takes 253 */
#define MSGHDR_BYTES 56
#define MSGHDR_COMPAT_BYTES 28

#define ANON_INODE_FS_MAGIC 0x09041934
#define FANOTIFY_VERSION 3

/* struct cmsghdr as x86-64 and as the two 32-bit layouts have it. */
struct control {
	__u64 len;
	__u32 level, type;
};

struct control_small {
	__u32 len, level, type;
};

/* The next header at s->pass.at, and where its data and the header behind it lie. */
static __always_inline long next_control(struct scratch *s)
{
	struct control_small small = { 0 };
	struct control c = { 0 };
	__u64 at = s->pass.at, head = sizeof(c), align = 8;

	if (s->call.compat) {
		bpf_probe_read_user(&small, sizeof(small), (void *)at);
		c = (struct control){ small.len, small.level, small.type };
		head = sizeof(small);
		align = 4;
	} else {
		bpf_probe_read_user(&c, sizeof(c), (void *)at);
	}
	if (c.len < head || c.len > s->pass.end - at) {
		s->pass.next = s->pass.end;
		return 0;
	}
	s->pass.next = at + ((c.len + align - 1) & ~(align - 1));
	s->pass.at = s->pass.data_end = s->pass.next;
	if (c.level == SOL_SOCKET && c.type == SCM_RIGHTS) {
		s->pass.at = at + head;
		s->pass.data_end = at + c.len;
	}
	return 0;
}

/* The control part of the next message, when there is one. */
static __always_inline long next_message(struct scratch *s)
{
	__u64 message = s->pass.message;
	struct {
		__u64 at, len;
	} control = { 0 };
	struct {
		__u32 at, len;
	} small = { 0 };

	if (!s->pass.messages)
		return 1;
	s->pass.messages--;
	if (s->call.compat) {
		bpf_probe_read_user(&small, sizeof(small), (void *)message + 16);
		control.at = small.at;
		control.len = small.len;
		s->pass.message += MSGHDR_COMPAT_BYTES + 4;
	} else {
		bpf_probe_read_user(&control, sizeof(control), (void *)message + 32);
		s->pass.message += MSGHDR_BYTES + 8;
	}
	s->pass.next = s->pass.at = control.at;
	s->pass.end = control.at + control.len;
	s->pass.data_end = 0;
	return 0;
}

static long control_step(__u32 i, void *ctx)
{
	struct scratch *s = ONLY(scratches);
	__u32 fd = NO_FD;

	if (!s)
		return 1;
	if (s->pass.at + sizeof(fd) <= s->pass.data_end) {
		bpf_probe_read_user(&fd, sizeof(fd), (void *)s->pass.at);
		s->pass.at += sizeof(fd);
		on_descriptor(s, fd);
		return 0;
	}
	s->pass.at = s->pass.next;
	if (s->pass.at >= s->pass.end)
		return next_message(s);
	return next_control(s);
}

/* Descriptors that came with `messages` messages whose headers (struct msghdr, of many struct mmsghdr) are at `from`. */
static __always_inline void on_control(struct scratch *s, __u64 from, __u32 messages)
{
	s->pass.message = from;
	s->pass.messages = messages;
	s->pass.at = s->pass.next = s->pass.end = s->pass.data_end = 0;
	bpf_loop(PASSED_STEPS, control_step, NULL, 0);
}

struct fanotify_head {
	__u32 event_len;
	__u8 version, reserved;
	__u16 metadata_len;
	__u64 mask;
	__s32 fd, pid;
};

static long fanotify_step(__u32 i, void *ctx)
{
	struct scratch *s = ONLY(scratches);
	struct fanotify_head head = { 0 };

	if (!s || s->pass.at + sizeof(head) > s->pass.end)
		return 1;
	if (bpf_probe_read_user(&head, sizeof(head), (void *)s->pass.at) || head.version != FANOTIFY_VERSION ||
	    head.event_len < sizeof(head))
		return 1;
	s->pass.at += head.event_len;
	if (head.fd >= 0)
		on_descriptor(s, head.fd);
	return 0;
}

static __always_inline bool is_fanotify(struct file *file)
{
	static const char wanted[] = "[fanotify]";
	struct dentry *dentry = READ(file, f_path.dentry);
	char name[sizeof(wanted)] = { 0 };

	bpf_probe_read_kernel(name, sizeof(name), READ(dentry, d_name.name));
	for (int i = 0; i < (int)sizeof(wanted); i++)
		if (name[i] != wanted[i])
			return false;
	return true;
}

/* After a read of `file`: the descriptors of its events, when it is fanotify's. */
static __always_inline void look_for_passed(struct scratch *s, struct file *file)
{
	struct inode *inode = READ(file, f_inode);
	struct super_block *sb = READ(inode, i_sb);

	if (s->call.how != HM_AT_FILE || READ(sb, s_magic) != ANON_INODE_FS_MAGIC || !is_fanotify(file))
		return;
	s->pass.at = s->call.arg[1];
	s->pass.end = s->call.arg[1] + s->call.ret;
	bpf_loop(PASSED_STEPS, fanotify_step, NULL, 0);
}
