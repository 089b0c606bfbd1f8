#pragma once
/* The second witness of sends: the tracepoint behind every way of giving bytes to a socket (write, the send family,
 * sendfile, splice, io_uring). It has the kernel's own socket in hand, whatever the descriptor means by then.
 *
 * A task's sends on one socket by one kind of call are summed up in its storage, and become an event when the task
 * turns to something else, executes a program or ends. */
#include "address.bpf.h"
#include "table.bpf.h"

/* The tracepoint is there, and sendfile and splice pass it too (6.5). */
const volatile bool sees_every_send;

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct socket___file {
	struct file *file;
};

#pragma clang attribute pop

struct sent {
	struct sock *sk;
	__u64 peer[2]; /* what the address was made of */
	__u64 ino, bytes, times;
	__u32 nr;
	__u16 type, proto, local_port;
	bool fresh; /* the call that is on gave bytes to it */
	struct address address;
};

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, struct sent);
} sents SEC(".maps");

/* The call that the running task is in. */
static __always_inline __u32 call_of(struct task_struct *task, bool worker)
{
	struct pt_regs *regs = (struct pt_regs *)bpf_task_pt_regs(task);
	__u32 nr = regs->orig_ax, table = call_table(task, nr);

	return worker ? NR_IO_URING_ENTER : reported_call(nr & ~X32_BIT, table);
}

static __always_inline __u16 local_port_of(struct sock *sk)
{
	__u16 family = READ(sk, __sk_common.skc_family);

	/* A raw socket has its protocol there. */
	if ((family != AF_INET && family != AF_INET6) || READ(sk, sk_type) == SOCK_RAW)
		return 0;
	return READ(sk, __sk_common.skc_num);
}

static __always_inline void copy_address(struct address *to, const struct address *from)
{
	__builtin_memcpy(to, from, sizeof(*to));
}

/* Makes the event in s->out; returns its length, 0 where there is nothing to tell. */
static __noinline __u32 put_sent(struct scratch *s, struct sent *sent)
{
	struct raw_SENT *e;
	__u32 len;

	if (!s || !sent || !sent->times)
		return 0;
	copy_address(&s->address, &sent->address);
	e = BEGIN(s, SENT);
	e->NR = sent->nr;
	e->INO = sent->ino;
	e->FAMILY = sent->address.family;
	e->TYPE = sent->type;
	e->PROTO = sent->proto;
	e->PORT = sent->address.port;
	e->LOCAL_PORT = sent->local_port;
	e->BYTES = sent->bytes;
	e->TIMES = sent->times;
	sent->bytes = 0;
	sent->times = 0;
	len = put_address(s, RAW_SIZE(SENT));
	LENGTHS(s, SENT)->ADDR = len;
	return RAW_SIZE(SENT) + len;
}

static __noinline int flush_sent(struct scratch *s, struct sent *sent)
{
	__u32 len = put_sent(s, sent);

	return len ? emit(s, HM_EV_SENT, len) : 0;
}

/* For a task that lives on when the recorder stops. No other program of the recorder runs by then. */
static __always_inline void flush_sends_of(struct scratch *s, struct task_struct *task)
{
	struct sent *sent = bpf_task_storage_get(&sents, task, 0, 0);
	struct task_state *state = bpf_task_storage_get(&tasks, task, 0, 0);
	struct hm_cpu_counters *cpu = ONLY(counters);
	__u32 len = sent ? put_sent(s, sent) : 0;

	if (!len || !cpu)
		return;
	fill_head((struct hm_raw *)s->out, HM_EV_SENT, task, state, cpu);
	FORGET(len);
	if (len > OUT_BYTES || !output(s->out, len, BPF_RB_NO_WAKEUP))
		cpu->lost++;
}

/* What the running task has not told yet. */
static __always_inline void flush_sends(struct scratch *s)
{
	struct sent *sent = bpf_task_storage_get(&sents, bpf_get_current_task_btf(), 0, 0);

	if (sent)
		flush_sent(s, sent);
}

/* Whether the second witness saw the call that ends now give bytes to a socket. */
static __always_inline void look_for_send(struct scratch *s, struct task_struct *task)
{
	struct sent *sent = bpf_task_storage_get(&sents, task, 0, 0);

	s->seen = sent && sent->fresh && sent->nr == s->call.nr;
	s->unseen = !s->seen && sees_every_send && !uses_io_uring(task);
	if (sent)
		sent->fresh = false;
}

static __always_inline void peer_key(__u64 key[2], struct sock *sk)
{
	__u16 family = READ(sk, __sk_common.skc_family);

	key[0] = key[1] = 0;
	if (family == AF_INET)
		key[0] = (__u64)READ(sk, __sk_common.skc_daddr) << 16 | READ(sk, __sk_common.skc_dport);
	else if (family == AF_INET6)
		bpf_probe_read_kernel(key, 16, &sk->__sk_common.skc_v6_daddr);
	else if (family == AF_UNIX)
		key[0] = (__u64)READ((struct unix_sock *)sk, peer);
}

static __noinline int begin_sent(struct scratch *s, struct sent *sent, struct sock *sk, __u64 ino, __u32 nr)
{
	if (!s || !sent)
		return 0;
	flush_sent(s, sent);
	sent->sk = sk;
	sent->ino = ino;
	sent->nr = nr;
	sent->type = READ(sk, sk_type);
	sent->proto = READ(sk, sk_protocol);
	sent->local_port = local_port_of(sk);
	peer_address(s, sk);
	copy_address(&sent->address, &s->address);
	return 0;
}

SEC("tp_btf/sock_send_length")
int BPF_PROG(on_sock_send_length, struct sock *sk, int ret, int flags)
{
	struct task_struct *task = bpf_get_current_task_btf();
	bool worker = ((struct task_struct___flags *)task)->flags & PF_IO_WORKER;
	struct socket___file *socket;
	struct scratch *s;
	struct sent *sent;
	__u64 ino, key[2];
	__u32 nr;

	if (ret < 0 || !in_scope())
		return 0;
	socket = (void *)READ((struct sock___lock *)sk, sk_socket);
	if (!socket || !READ(socket, file))
		return 0; /* the kernel's own: a network file system's, say */
	s = ONLY(scratches);
	sent = bpf_task_storage_get(&sents, task, 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	if (!s || !sent)
		return 0;
	ino = own_socket(task, sk);
	nr = call_of(task, worker);
	peer_key(key, sk);
	if (!sent->times || sent->sk != sk || sent->ino != ino || sent->nr != nr || sent->peer[0] != key[0] ||
	    sent->peer[1] != key[1]) {
		begin_sent(s, sent, sk, ino, nr);
		sent->peer[0] = key[0];
		sent->peer[1] = key[1];
	}
	sent->bytes += (__u32)ret;
	sent->times++;
	sent->fresh = !worker && !uses_io_uring(task);
	stop_for_wire();
	return 0;
}
