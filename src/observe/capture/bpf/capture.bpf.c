/* The recorder's programs: one on the end of every system call, one each on fork, exec and exit; what gives bytes to a
 * socket (sent.bpf.h) and what leaves (packet.bpf.h). A call is looked at when it ends: its number and arguments still stand in the registers (but for
 * execve and sigreturn), its result is known, and one program costs half of two.
 *
 * on_sys_exit runs for every call of every task of the machine, so it leaves as early as it can: first for calls of
 * no interest (one look-up in a table), then for tasks out of scope. */
#include "call.bpf.h"
#include "move.bpf.h"
#include "pages.bpf.h"
#include "passed.bpf.h"
#include "sock.bpf.h"

#define NO_CALL 0xffffffff /* what rt_sigreturn leaves, having restored the registers of another moment */

#define EPERM 1
#define EACCES 13
#define ENOSYS 38

/* Of i386's socketcall: what its first argument stands for (linux/net.h). */
static const __u8 socketcall_op[] = {
	[1] = HM_OP_SOCKET,   [2] = HM_OP_BIND,	    [3] = HM_OP_CONNECT,   [4] = HM_OP_LISTEN,
	[5] = HM_OP_ACCEPT,   [8] = HM_OP_SOCKETPAIR, [9] = HM_OP_SENDTO,    [10] = HM_OP_RECVFROM,
	[11] = HM_OP_SENDTO,  [12] = HM_OP_RECVFROM,  [16] = HM_OP_SENDMSG,  [17] = HM_OP_RECVMSG,
	[18] = HM_OP_ACCEPT,  [19] = HM_OP_RECVMMSG,  [20] = HM_OP_SENDMMSG,
};
#define SOCKETCALL_SOCKET 1
#define SOCKETCALL_SEND 9
#define SOCKETCALL_RECV 10

/* Bytes that came from, or went to, a descriptor of any kind. */
__noinline int on_bytes(struct scratch *s, __u32 fd, __u64 offset, bool out)
{
	struct file *file = file_of(fd);
	bool seen;

	if (!s)
		return 0;
	s->fd = fd;
	if (out && s->seen)
		return socket_bytes(s, HM_EV_SEND, s->call.ret, 0, 0);
	seen = !out && s->seen_file.call;
	if (file && !seen && is_socket(file) && !(out && s->unseen))
		return socket_bytes(s, out ? HM_EV_SEND : HM_EV_RECV, s->call.ret, 0, 0);
	if (s->call.ret <= 0)
		return 0;
	file_bytes(s, out ? HM_EV_WRITE : HM_EV_READ, file, offset, s->call.ret);
	if (file && !seen && !out)
		look_for_passed(s, file);
	return 0;
}

static __always_inline int on_read_write(struct scratch *s, bool out)
{
	__u64 offset = OWN_POSITION;

	if (s->call.how != HM_AT_FILE) {
		offset = s->call.arg[3];
		if (s->call.nr & HM_NR_COMPAT)
			offset = (__u32)offset | s->call.arg[4] << 32;
	}
	return on_bytes(s, s->call.arg[0], offset, out);
}

/* The offset that a copying call took from the caller's memory, where it has advanced by now. */
static __always_inline __u64 offset_at(struct scratch *s, __u64 pointer, bool small)
{
	__u64 offset = 0;

	if (!pointer)
		return OWN_POSITION;
	bpf_probe_read_user(&offset, small ? 4 : 8, (void *)pointer);
	return offset >= (__u64)s->call.ret ? offset - s->call.ret : 0;
}

__noinline int on_copy(struct scratch *s)
{
	NEEDS(s);
	switch (s->call.how) {
	case HM_COPY_SENDFILE:
		/* In a 32-bit call `sendfile` has a 32-bit offset; sendfile64 is taken for it there, being seldom
		 * behind 4 GiB. */
		on_bytes(s, s->call.arg[1], offset_at(s, s->call.arg[2], s->call.nr & HM_NR_COMPAT), false);
		return on_bytes(s, s->call.arg[0], OWN_POSITION, true);
	case HM_COPY_RANGE:
		on_bytes(s, s->call.arg[0], offset_at(s, s->call.arg[1], false), false);
		return on_bytes(s, s->call.arg[2], offset_at(s, s->call.arg[3], false), true);
	case HM_COPY_TEE:
		on_bytes(s, s->call.arg[0], OWN_POSITION, false);
		return on_bytes(s, s->call.arg[1], OWN_POSITION, true);
	}
	return 0;
}

#define FMODE_WRITE 2

__noinline int on_vmsplice(struct scratch *s)
{
	NEEDS(s);
	struct file *file = file_of(s->call.arg[0]);

	if (!file)
		return 0;
	s->seen_file.call = 0;
	return on_bytes(s, s->call.arg[0], OWN_POSITION, READ(file, f_mode) & FMODE_WRITE);
}

/* Sockets: calls whose first argument is one, or that return one. */
__noinline int on_socket_call(struct scratch *s, __u32 op)
{
	NEEDS(s);
	s->fd = s->call.arg[0];
	switch (op) {
	case HM_OP_CONNECT:
		return on_address(s, HM_EV_CONNECT);
	case HM_OP_BIND:
		return on_address(s, HM_EV_BIND);
	case HM_OP_LISTEN:
		return on_address(s, HM_EV_LISTEN);
	}
	if (s->call.ret < 0)
		return on_not_sent(s, op);
	switch (op) {
	case HM_OP_SOCKET:
		return emit_socket(s, s->call.ret);
	case HM_OP_SOCKETPAIR:
		return on_socketpair(s);
	case HM_OP_ACCEPT:
		return on_accept(s);
	case HM_OP_SENDTO:
		return socket_bytes(s, HM_EV_SEND, s->call.ret, s->call.arg[4], s->call.arg[5]);
	case HM_OP_SENDMSG:
		return on_message(s, HM_EV_SEND);
	case HM_OP_SENDMMSG:
		on_messages(s, HM_EV_SEND);
		return s->call.ret < MMSG_MAX && s->call.ret < (__u32)s->call.arg[2] ? on_not_sent(s, op) : 0;
	case HM_OP_RECVFROM:
		return on_recvfrom(s);
	case HM_OP_RECVMSG:
		on_message(s, HM_EV_RECV);
		on_control(s, s->call.arg[1], 1);
		return 0;
	case HM_OP_RECVMMSG:
		on_messages(s, HM_EV_RECV);
		on_control(s, s->call.arg[1], s->call.ret);
		return 0;
	}
	return 0;
}

__noinline int on_deny(struct scratch *s)
{
	NEEDS(s);
	struct raw_DENY *e = BEGIN(s, DENY);

	e->NR = s->call.nr;
	e->RESULT = s->call.ret;
	e->ARG0 = s->call.arg[0];
	e->ARG1 = s->call.arg[1];
	return END(s, DENY, 0);
}

__noinline int on_socketcall(struct scratch *s)
{
	NEEDS(s);
	__u32 number = s->call.arg[0], args[6] = { 0 };

	bpf_probe_read_user(args, sizeof(args), (void *)s->call.arg[1]);
	if (number == SOCKETCALL_SEND || number == SOCKETCALL_RECV)
		args[4] = args[5] = 0;
	for (int i = 0; i < 6; i++)
		s->call.arg[i] = args[i];
	if (number == SOCKETCALL_SOCKET && (s->call.ret == -EPERM || s->call.ret == -EACCES))
		return on_deny(s);
	FORGET(number);
	if (number >= sizeof(socketcall_op))
		return 0;
	return on_socket_call(s, socketcall_op[number]);
}

/* Calls that succeeded. */
__noinline int on_done(struct scratch *s, __u32 op)
{
	NEEDS(s);
	switch (op) {
	case HM_OP_OPEN:
		on_descriptor(s, s->call.ret);
		return 0;
	case HM_OP_READ:
		return s->call.ret ? on_read_write(s, false) : 0;
	case HM_OP_WRITE:
		return on_read_write(s, true);
	case HM_OP_COPY:
		return s->call.ret ? on_copy(s) : 0;
	case HM_OP_VMSPLICE:
		return on_vmsplice(s);
	case HM_OP_MMAP:
		return on_mmap(s);
	case HM_OP_MPROTECT:
		return on_mprotect(s);
	case HM_OP_MREMAP:
		return on_mremap(s);
	case HM_OP_SHMAT:
		return on_shmat(s);
	case HM_OP_CRED:
		return on_cred(s);
	case HM_OP_PRCTL:
		return on_prctl(s);
	}
	return 0;
}

static __always_inline bool denied(__u8 deny, long ret)
{
	if (ret == -EPERM)
		return deny & (HM_DENY_PERM | HM_DENY_EPERM);
	if (ret == -EACCES)
		return deny & HM_DENY_PERM;
	return ret == -ENOSYS && (deny & HM_DENY_NOSYS);
}

/* Calls that can give bytes to a socket. */
static __always_inline bool may_send(__u32 op)
{
	const __u64 ops = 1ull << HM_OP_WRITE | 1ull << HM_OP_COPY | 1ull << HM_OP_VMSPLICE | 1ull << HM_OP_SENDTO |
			  1ull << HM_OP_SENDMSG | 1ull << HM_OP_SENDMMSG | 1ull << HM_OP_SOCKETCALL;

	return ops >> op & 1;
}

SEC("tp_btf/sys_exit")
int BPF_PROG(on_sys_exit, struct pt_regs *regs, long ret)
{
	struct task_struct *task = bpf_get_current_task_btf();
	__u32 nr = regs->orig_ax, table = call_table(task, nr), op, deny, tell;
	const volatile struct hm_call_rule *rule;
	struct scratch *s;

	if (nr == NO_CALL)
		return 0;
	nr &= ~X32_BIT;
	rule = rule_of(nr, table);
	op = rule->op;
	deny = rule->deny;
	tell = rule->tell;
	if (!(op | deny | tell) || !in_scope())
		return 0;
	s = ONLY(scratches);
	if (!s)
		return 0;
	take_args(&s->call, regs, table == HM_CALLS_32);
	s->call.ret = ret;
	s->call.how = rule->how;
	s->call.compat = table != HM_CALLS_64;
	s->call.nr = reported_call(nr, table);
	s->seen = s->unseen = false;
	if (may_send(op))
		look_for_send(s, task);
	if (op == HM_OP_READ || op == HM_OP_COPY)
		take_seen(s, nr, table);
	if (denied(deny, ret)) {
		if (tell != HM_TELL_IOCTL || tells(s, tell))
			on_deny(s);
	} else if (op == HM_OP_SOCKETCALL) {
		on_socketcall(s);
	} else if (op >= HM_OP_SOCKET && op <= HM_OP_RECVMMSG) {
		on_socket_call(s, op);
	} else if (ret >= 0) {
		on_done(s, op);
	}
	if (tell && ret >= 0 && tells(s, tell))
		emit_call(s);
	return 0;
}

SEC("tp_btf/task_newtask")
int BPF_PROG(on_task_newtask, struct task_struct *child, unsigned long flags)
{
	bool watched = in_scope(), inside = watched;
	struct scratch *s;

	/* The only way to be born elsewhere than in the cgroup of whoever makes one. */
	if (flags & CLONE_INTO_CGROUP)
		inside = task_in_scope(child);
	if (!watched && !inside)
		return 0;
	s = ONLY(scratches);
	if (!s)
		return 0;
	if (watched) {
		emit_fork(s, child, flags);
		on_clone(s, child, flags);
	}
	if (watched != inside)
		emit_move(s, child, inside, NULL);
	if (inside)
		mark(child, true);
	return 0;
}

SEC("tp_btf/cgroup_attach_task")
int BPF_PROG(on_cgroup_attach_task, struct cgroup *group, const char *path, struct task_struct *task)
{
	struct css_set *set = READ(task, cgroups);
	struct cgroup *now = READ(set, dfl_cgrp);
	struct scratch *s;
	bool inside;

	if (READ(group, root) != READ(now, root))
		return 0; /* a hierarchy of version 1 */
	inside = group_in_scope(group);
	if (!inside && !is_marked(task))
		return 0;
	s = ONLY(scratches);
	if (!s)
		return 0;
	mark(task, inside);
	emit_move(s, task, inside, path);
	return 0;
}

SEC("tp_btf/sched_process_exec")
int BPF_PROG(on_sched_process_exec, struct task_struct *task, int old_pid, struct linux_binprm *bprm)
{
	struct scratch *s;

	if (!in_scope())
		return 0;
	s = ONLY(scratches);
	if (!s)
		return 0;
	flush_sends(s);
	emit_exec(s, READ(bprm, file));
	map_interpreter(s);
	return 0;
}

/* A task that was in scope may have left it with looks that are not told. */
static __always_inline void tell_moved(struct scratch *s)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct task_state *state = bpf_task_storage_get(&tasks, task, 0, 0);

	if (state && state->waiting)
		tell_looks(s, task, state, ~0u);
}

/* The arguments by hand: the second, whether this is the last task of its process, is there on newer kernels only.
 * Elsewhere the count of living tasks tells; where two end at the same moment both may find it 0. */
SEC("tp_btf/sched_process_exit")
int on_sched_process_exit(unsigned long long *ctx)
{
	struct task_struct *task = (struct task_struct *)ctx[0];
	struct scratch *s = ONLY(scratches);
	struct task_state *state;
	struct raw_EXIT *e;
	bool last;

	if (!s)
		return 0;
	flush_sends(s);
	if (!in_scope()) {
		tell_moved(s);
		return 0;
	}
	e = BEGIN(s, EXIT);
	e->CODE = (__u32)task->exit_code;
	e->LAST = exit_tells_last ? (ctx[1] & 0xff) != 0 : BPF_CORE_READ(task, signal, live.counter) == 0;
	last = e->LAST;
	END(s, EXIT, 0);
	if (last)
		forget_stop(task->tgid);
	state = state_of(bpf_get_current_task_btf());
	if (state)
		state->gone = true;
	return 0;
}

/* A signal was sent: see pressure.bpf.h. The arguments by hand: the number, the sender, the receiver, and more. */
SEC("tp_btf/signal_generate")
int on_signal_generate(unsigned long long *ctx)
{
	int sig = (int)ctx[0];
	struct task_struct *task = (struct task_struct *)ctx[2];
	struct hm_stop *stop;
	__u32 tgid;

	if (sig != SIGSTOP && sig != SIGCONT)
		return 0;
	tgid = task->tgid;
	stop = bpf_map_lookup_elem(&stops, &tgid);
	if (!stop)
		return 0;
	if (sig == SIGCONT)
		stop->theirs = 0;
	else if (ctx[1] != SEND_SIG_PRIV)
		stop->theirs = 1;
	return 0;
}

/* Run once, by the loader (bpf_prog_test_run): is the one who asks in scope himself? */
SEC("raw_tp")
int am_i_inside(void *ctx)
{
	return in_scope();
}

struct bpf_iter__task {
	struct task_struct *task;
} __attribute__((preserve_access_index));

/* Run once over all tasks when the recorder stops: what still waits is told. Nothing else of the recorder runs by then. */
SEC("iter/task")
int on_stop(struct bpf_iter__task *ctx)
{
	struct task_struct *task = ctx->task;
	struct scratch *s = ONLY(scratches);
	struct task_state *state;

	if (!task || !s)
		return 0;
	state = bpf_task_storage_get(&tasks, task, 0, 0);
	if (state && state->waiting)
		tell_looks(s, task, state, ~0u);
	flush_sends_of(s, task);
	return 0;
}
