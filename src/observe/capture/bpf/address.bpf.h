#pragma once
/* Addresses of sockets: from struct sock, or from the caller's memory, into the scratch area and from there behind an
 * event. */
#include "file.bpf.h"
#include "packet.bpf.h"

#define AF_UNIX 1

#define SOCKADDR_MAX 128

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

/* A struct sockaddr of `len` bytes in the caller's memory. False, and the address as it was, when it cannot be read. */
__noinline int user_address(struct scratch *s, __u64 from, __u32 len)
{
	__u8 *raw;

	if (!s || !from || len < 2)
		return false;
	__builtin_memset(s->sockaddr, 0, sizeof(s->sockaddr));
	if (len > SOCKADDR_MAX)
		len = SOCKADDR_MAX;
	FORGET(len);
	if (len > SOCKADDR_MAX || bpf_probe_read_user(s->sockaddr, len, (void *)from))
		return false;
	raw = s->sockaddr;
	__builtin_memset(&s->address, 0, sizeof(s->address));
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
