#pragma once
/* Sockets. Family, type, ports and the peer come from struct sock. What a call names itself (the address of an
 * unconnected send, of a connect that failed) is read from the caller's memory after the call: a hint, as the
 * record's format says. */
#include "file.bpf.h"

#define AF_UNSPEC 0
#define AF_UNIX 1
#define AF_INET 2
#define AF_INET6 10

#define SOCK_STREAM 1
#define SOCK_RAW 3
#define SOCK_SEQPACKET 5

#define EINPROGRESS 115
#define SOCKADDR_MAX 128
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

static __always_inline void set_address(struct scratch *s, __u16 family, __u16 port, const void *bytes, __u32 len)
{
	s->address.family = family;
	s->address.port = bpf_ntohs(port);
	s->address.len = len;
	bpf_probe_read_kernel(s->address.bytes, len, bytes);
}

/* A name of AF_UNIX: a path up to its NUL, or `len` bytes that begin with one. */
static __always_inline void set_unix(struct scratch *s, const void *name, __u32 len)
{
	char first = 0;
	long n;

	FORGET(len);
	if (len > ADDR_MAX_BYTES)
		len = ADDR_MAX_BYTES;
	s->address.family = AF_UNIX;
	bpf_probe_read_kernel(&first, 1, name);
	if (len && first) {
		n = bpf_probe_read_kernel_str(s->address.bytes, len + 1, name);
		s->address.len = n > 0 ? n - 1 : 0;
		return;
	}
	bpf_probe_read_kernel(s->address.bytes, len, name);
	s->address.len = len;
}

static __always_inline void set_unix_sock(struct scratch *s, struct sock *sk)
{
	struct unix_address *a = READ((struct unix_sock *)sk, addr);
	int len = a ? READ(a, len) : 0;

	if (len > 2)
		set_unix(s, &a->name[0].sun_path, len - 2);
}

/* The address that the socket is connected to. False when there is none. */
static __noinline bool peer_address(struct scratch *s, struct sock *sk)
{
	__u16 family = READ(sk, __sk_common.skc_family), port = READ(sk, __sk_common.skc_dport);
	struct sock *peer;

	if (!s)
		return false;
	__builtin_memset(&s->address, 0, sizeof(s->address));
	s->address.family = family;
	if (family == AF_INET && (port || READ(sk, __sk_common.skc_daddr)))
		set_address(s, family, port, &sk->__sk_common.skc_daddr, 4);
	else if (family == AF_INET6 && port)
		set_address(s, family, port, &sk->__sk_common.skc_v6_daddr, 16);
	else if (family == AF_UNIX && (peer = READ((struct unix_sock *)sk, peer)))
		set_unix_sock(s, peer);
	else
		return false;
	return true;
}

static __noinline int local_address(struct scratch *s, struct sock *sk)
{
	__u16 family = READ(sk, __sk_common.skc_family), port = READ(sk, __sk_common.skc_num);

	if (!s)
		return 0;
	__builtin_memset(&s->address, 0, sizeof(s->address));
	s->address.family = family;
	if (family == AF_INET)
		set_address(s, family, bpf_htons(port), &sk->__sk_common.skc_rcv_saddr, 4);
	else if (family == AF_INET6)
		set_address(s, family, bpf_htons(port), &sk->__sk_common.skc_v6_rcv_saddr, 16);
	else if (family == AF_UNIX)
		set_unix_sock(s, sk);
	return 0;
}

/* A struct sockaddr of `len` bytes in the caller's memory. False when it cannot be read. */
static __noinline bool user_address(struct scratch *s, __u64 from, __u32 len)
{
	__u8 *raw;

	if (!s || !from || len < 2)
		return false;
	__builtin_memset(&s->address, 0, sizeof(s->address));
	__builtin_memset(s->sockaddr, 0, sizeof(s->sockaddr));
	if (len > SOCKADDR_MAX)
		len = SOCKADDR_MAX;
	FORGET(len);
	if (len > SOCKADDR_MAX || bpf_probe_read_user(s->sockaddr, len, (void *)from))
		return false;
	raw = s->sockaddr;
	s->address.family = *(__u16 *)raw;
	if (s->address.family == AF_INET && len >= 8)
		set_address(s, AF_INET, *(__u16 *)(raw + 2), raw + 4, 4);
	else if (s->address.family == AF_INET6 && len >= 24)
		set_address(s, AF_INET6, *(__u16 *)(raw + 2), raw + 8, 16);
	else if (len > 2 && s->address.family == AF_UNIX)
		set_unix(s, raw + 2, len - 2);
	else if (len > 2)
		set_address(s, s->address.family, 0, raw + 2, len - 2 < ADDR_MAX_BYTES ? len - 2 : ADDR_MAX_BYTES);
	return true;
}

/* Copies the address behind the event's fixed part; returns its length. */
static __always_inline __u32 put_address(struct scratch *s, __u32 fixed)
{
	__u32 len = s->address.len;

	FORGET(len);
	if (len > ADDR_MAX_BYTES)
		return 0;
	bpf_probe_read_kernel(s->out + fixed, len, s->address.bytes);
	return len;
}

static __noinline int emit_socket(struct scratch *s, __u32 fd)
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

static __noinline int on_socketpair(struct scratch *s)
{
	__u32 pair[2] = { 0 };

	if (bpf_probe_read_user(pair, sizeof(pair), (void *)s->call.arg[3]))
		return 0;
	emit_socket(s, pair[0]);
	return emit_socket(s, pair[1]);
}

SAME_FIELDS(CONNECT, BIND);
SAME_FIELDS(CONNECT, LISTEN);

/* CONNECT, BIND or LISTEN, succeeded or not. */
static __noinline int on_address(struct scratch *s, __u32 kind)
{
	__u32 fd = s->call.arg[0], len;
	struct file *file = file_of(fd);
	struct sock *sk = file ? sock_of(file) : NULL;
	long ret = s->call.ret;
	struct raw_CONNECT *e;

	if (!sk)
		return 0;
	if (kind == HM_EV_LISTEN || (kind == HM_EV_BIND && ret == 0))
		local_address(s, sk);
	else if (kind == HM_EV_BIND || (ret != 0 && ret != -EINPROGRESS) || !peer_address(s, sk))
		user_address(s, s->call.arg[1], s->call.arg[2]);
	e = BEGIN(s, CONNECT);
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

static __noinline int on_accept(struct scratch *s)
{
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

/* SEND or RECV. The call's own address at `name`, if any, counts only where a socket sends each message by itself. */
static __noinline int socket_bytes(struct scratch *s, __u32 kind, __u64 bytes, __u64 name, __u32 name_len)
{
	struct file *file;
	struct sock *sk;
	struct raw_SEND *e;
	__u32 len;
	__u16 type;

	if (!s)
		return 0;
	file = file_of(s->fd);
	sk = file ? sock_of(file) : NULL;
	if (!sk)
		return 0;
	type = READ(sk, sk_type);
	if (!bytes && kind == HM_EV_RECV && type == SOCK_STREAM)
		return 0; /* the peer has closed */
	if (type == SOCK_STREAM || type == SOCK_SEQPACKET || !user_address(s, name, name_len))
		peer_address(s, sk);
	e = BEGIN(s, SEND);
	e->NR = s->call.nr;
	e->FD = s->fd;
	e->INO = inode_number(file);
	e->FAMILY = s->address.family;
	e->TYPE = type;
	e->PROTO = READ(sk, sk_protocol);
	e->PORT = s->address.port;
	e->BYTES = bytes;
	if (type != SOCK_RAW) { /* a raw socket has its protocol there */
		__u16 family = READ(sk, __sk_common.skc_family);

		if (family == AF_INET || family == AF_INET6)
			e->LOCAL_PORT = READ(sk, __sk_common.skc_num);
	}
	len = put_address(s, RAW_SIZE(SEND));
	LENGTHS(s, SEND)->ADDR = len;
	return emit(s, kind, RAW_SIZE(SEND) + len);
}

/* The beginning of struct msghdr in the caller's memory, and where struct mmsghdr has its length. */
struct message {
	__u64 name;
	__u32 name_len;
};

#define MSGHDR_BYTES 56
#define MSGHDR_COMPAT_BYTES 28

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

static __noinline int on_message(struct scratch *s, __u32 kind)
{
	struct message m = read_message(s->call.arg[1], s->call.compat);

	return socket_bytes(s, kind, s->call.ret, m.name, m.name_len);
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
	at = s->call.arg[1] + (__u64)i * (s->call.compat ? MSGHDR_COMPAT_BYTES + 4 : MSGHDR_BYTES + 8);
	m = read_message(at, s->call.compat);
	bpf_probe_read_user(&bytes, 4, (void *)at + (s->call.compat ? MSGHDR_COMPAT_BYTES : MSGHDR_BYTES));
	socket_bytes(s, s->many, bytes, m.name, m.name_len);
	return 0;
}

static __noinline int on_messages(struct scratch *s, __u32 kind)
{
	__u32 count = s->call.ret;

	if (count > MMSG_MAX)
		count = MMSG_MAX;
	s->many = kind;
	bpf_loop(count, one_of_many, NULL, 0);
	return 0;
}

static __noinline int on_recvfrom(struct scratch *s)
{
	__u32 len = 0;

	if (s->call.arg[5])
		bpf_probe_read_user(&len, sizeof(len), (void *)s->call.arg[5]);
	return socket_bytes(s, HM_EV_RECV, s->call.ret, s->call.arg[4], len);
}
