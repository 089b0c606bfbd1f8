#pragma once
/* Sockets. Family, type, ports and the peer come from struct sock. What a call names itself (the address of an
 * unconnected send, of a connect that failed) is read from the caller's memory after the call: a hint, as the
 * record's format says.
 *
 * A descriptor is looked up when its call ends, and another thread may have replaced it by then. Where the second
 * witness saw a socket take bytes in the call, SEND names that one. */
#include "passed.bpf.h"
#include "sent.bpf.h"

#define SOCK_STREAM 1
#define SOCK_SEQPACKET 5

#define EAGAIN 11
#define EINPROGRESS 115
#define MMSG_MAX 1024 /* the kernel's own limit, UIO_MAXIOV */

static __always_inline bool is_socket(struct file *file)
{
	struct inode *inode = READ(file, f_inode);

	return (READ(inode, i_mode) & S_IFMT) == S_IFSOCK;
}

static __always_inline __u64 inode_number(struct file *file)
{
	struct inode *inode = READ(file, f_inode);

	return READ(inode, i_ino);
}

static __always_inline struct sock *sock_of(struct file *file)
{
	struct socket *socket;

	if (!is_socket(file))
		return NULL;
	socket = READ(file, private_data);
	return READ(socket, sk);
}

__noinline int emit_socket(struct scratch *s, __u32 fd)
{
	struct file *file = file_of(fd);
	struct sock *sk = file ? sock_of(file) : NULL;
	struct raw_SOCKET *e;

	if (!s || !sk)
		return 0;
	e = BEGIN(s, SOCKET);
	e->FD = fd;
	e->FAMILY = READ(sk, __sk_common.skc_family);
	e->TYPE = READ(sk, sk_type);
	e->PROTO = READ(sk, sk_protocol);
	e->INO = inode_number(file);
	return END(s, SOCKET, 0);
}

__noinline int on_socketpair(struct scratch *s)
{
	NEEDS(s);
	__u32 pair[2] = { 0 };

	if (bpf_probe_read_user(pair, sizeof(pair), (void *)s->call.arg[3]))
		return 0;
	emit_socket(s, pair[0]);
	return emit_socket(s, pair[1]);
}

SAME_FIELDS(CONNECT, BIND);
SAME_FIELDS(CONNECT, LISTEN);

/* CONNECT, BIND or LISTEN of the address in the scratch area. */
static __always_inline int emit_address(struct scratch *s, __u32 kind, __u32 fd, struct file *file, struct sock *sk, long ret)
{
	struct raw_CONNECT *e = BEGIN(s, CONNECT);
	__u32 len;

	e->FD = fd;
	e->INO = inode_number(file);
	e->FAMILY = s->address.family;
	e->TYPE = READ(sk, sk_type);
	e->PORT = s->address.port;
	e->RESULT = ret;
	len = put_address(s, RAW_SIZE(CONNECT));
	LENGTHS(s, CONNECT)->ADDR = len;
	return emit(s, kind, RAW_SIZE(CONNECT) + len);
}

/* CONNECT, BIND or LISTEN, succeeded or not. */
__noinline int on_address(struct scratch *s, __u32 kind)
{
	NEEDS(s);
	__u32 fd = s->call.arg[0];
	struct file *file = file_of(fd);
	struct sock *sk = file ? sock_of(file) : NULL;
	long ret = s->call.ret;

	if (!sk)
		return 0;
	__builtin_memset(&s->address, 0, sizeof(s->address));
	if (kind == HM_EV_LISTEN || (kind == HM_EV_BIND && ret == 0))
		local_address(s, sk);
	else if (kind == HM_EV_BIND || (ret != 0 && ret != -EINPROGRESS) || !peer_address(s, sk))
		user_address(s, s->call.arg[1], s->call.arg[2]);
	return emit_address(s, kind, fd, file, sk, ret);
}

/* A message to an IPv6 address of its own that the kernel did not take: CONNECT, since that is where it would have gone. */
__noinline int on_unsent(struct scratch *s, __u64 name, __u32 name_len, long error)
{
	NEEDS(s);
	struct file *file = file_of(s->fd);
	struct sock *sk = file ? sock_of(file) : NULL;

	if (!sk || READ(sk, __sk_common.skc_family) != AF_INET6 || !user_address(s, name, name_len) || s->address.family != AF_INET6)
		return 0;
	return emit_address(s, HM_EV_CONNECT, s->fd, file, sk, error);
}

__noinline int on_accept(struct scratch *s)
{
	NEEDS(s);
	__u32 fd = s->call.ret, len;
	struct file *file = file_of(fd);
	struct sock *sk = file ? sock_of(file) : NULL;
	struct raw_ACCEPT *e;

	if (!sk)
		return 0;
	peer_address(s, sk);
	e = BEGIN(s, ACCEPT);
	e->FD = fd;
	e->INO = inode_number(file);
	e->FAMILY = s->address.family;
	e->TYPE = READ(sk, sk_type);
	e->PORT = s->address.port;
	len = put_address(s, RAW_SIZE(ACCEPT));
	LENGTHS(s, ACCEPT)->ADDR = len;
	return END(s, ACCEPT, len);
}

SAME_FIELDS(SEND, RECV);

/* The socket that a call was on, as SEND and RECV have it. */
struct party {
	__u64 ino;
	__u16 type, proto, local_port;
};

/* As the second witness saw it in this call; the peer's address is in the scratch area then. */
static __always_inline bool party_seen(struct scratch *s, struct party *p)
{
	struct sent *sent = bpf_task_storage_get(&sents, bpf_get_current_task_btf(), 0, 0);

	if (!sent)
		return false;
	p->ino = sent->ino;
	p->type = sent->type;
	p->proto = sent->proto;
	p->local_port = sent->local_port;
	copy_address(&s->address, &sent->address);
	return true;
}

/* As the descriptor leads to it now. */
static __always_inline bool party_of(struct scratch *s, struct party *p)
{
	struct file *file = file_of(s->fd);
	struct sock *sk = file ? sock_of(file) : NULL;

	if (!sk)
		return false;
	p->ino = inode_number(file);
	p->type = READ(sk, sk_type);
	p->proto = READ(sk, sk_protocol);
	p->local_port = local_port_of(sk);
	peer_address(s, sk);
	return true;
}

SAME_FIELDS(SEND, RECV);

/* SEND or RECV. The call's own address at `name`, if any, counts only where a socket sends each message by itself. */
__noinline int socket_bytes(struct scratch *s, __u32 kind, __u64 bytes, __u64 name, __u32 name_len)
{
	struct party party = { 0 };
	struct raw_SEND *e;
	__u32 len;

	if (!s || !(kind == HM_EV_SEND && s->seen ? party_seen(s, &party) : party_of(s, &party)))
		return 0;
	if (!bytes && kind == HM_EV_RECV && party.type == SOCK_STREAM)
		return 0; /* the peer has closed */
	if (party.type != SOCK_STREAM && party.type != SOCK_SEQPACKET)
		user_address(s, name, name_len);
	e = BEGIN(s, SEND);
	e->NR = s->call.nr;
	e->FD = s->fd;
	e->INO = party.ino;
	e->FAMILY = s->address.family;
	e->TYPE = party.type;
	e->PROTO = party.proto;
	e->PORT = s->address.port;
	e->LOCAL_PORT = party.local_port;
	e->BYTES = bytes;
	len = put_address(s, RAW_SIZE(SEND));
	LENGTHS(s, SEND)->ADDR = len;
	stop_for_wire();
	return emit(s, kind, RAW_SIZE(SEND) + len);
}

/* The beginning of struct msghdr in the caller's memory, and where struct mmsghdr has its length. */
struct message {
	__u64 name;
	__u32 name_len;
};

static __always_inline struct message read_message(__u64 from, bool compat)
{
	struct message m = { 0 };
	struct {
		__u32 name, len;
	} small = { 0 };

	if (!compat) {
		bpf_probe_read_user(&m.name, 8, (void *)from);
		bpf_probe_read_user(&m.name_len, 4, (void *)from + 8);
		return m;
	}
	bpf_probe_read_user(&small, sizeof(small), (void *)from);
	m.name = small.name;
	m.name_len = small.len;
	return m;
}

__noinline int on_message(struct scratch *s, __u32 kind)
{
	NEEDS(s);
	struct message m = read_message(s->call.arg[1], s->call.compat);

	return socket_bytes(s, kind, s->call.ret, m.name, m.name_len);
}

/* Where in the caller's memory message `i` of many is. */
static __always_inline __u64 message_at(struct scratch *s, __u32 i)
{
	return s->call.arg[1] + (__u64)i * (s->call.compat ? MSGHDR_COMPAT_BYTES + 4 : MSGHDR_BYTES + 8);
}

/* One message of sendmmsg or recvmmsg: each goes, or came, its own way. */
static long one_of_many(__u32 i, void *ctx)
{
	struct scratch *s = ONLY(scratches);
	struct message m;
	__u64 at;
	__u32 bytes = 0;

	if (!s)
		return 1;
	at = message_at(s, i);
	m = read_message(at, s->call.compat);
	bpf_probe_read_user(&bytes, 4, (void *)at + (s->call.compat ? MSGHDR_COMPAT_BYTES : MSGHDR_BYTES));
	socket_bytes(s, s->many, bytes, m.name, m.name_len);
	return 0;
}

__noinline int on_messages(struct scratch *s, __u32 kind)
{
	NEEDS(s);
	__u32 count = s->call.ret;

	if (count > MMSG_MAX)
		count = MMSG_MAX;
	s->many = kind;
	bpf_loop(count, one_of_many, NULL, 0);
	return 0;
}

/* What a call to send did not send: all of it (ret < 0), or of many the message behind those that went, of which no call tells why. */
__noinline int on_not_sent(struct scratch *s, __u32 op)
{
	NEEDS(s);
	long ret = s->call.ret;
	struct message m;

	if (op == HM_OP_SENDTO)
		return on_unsent(s, s->call.arg[4], s->call.arg[5], ret);
	if (op != HM_OP_SENDMSG && op != HM_OP_SENDMMSG)
		return 0;
	m = read_message(message_at(s, ret < 0 ? 0 : ret), s->call.compat);
	return on_unsent(s, m.name, m.name_len, ret < 0 ? ret : -EAGAIN);
}

__noinline int on_recvfrom(struct scratch *s)
{
	NEEDS(s);
	__u32 len = 0;

	if (s->call.arg[5])
		bpf_probe_read_user(&len, sizeof(len), (void *)s->call.arg[5]);
	return socket_bytes(s, HM_EV_RECV, s->call.ret, s->call.arg[4], len);
}
