#pragma once
/* What leaves: each IP packet that a socket of the cgroup sends, with the process that sent it.
 *
 * The program on the cgroup's egress stands at the end of the IP layer, before a large send is cut into segments and a
 * large datagram into fragments. What the wire will carry is known there, so one event tells of all that one buffer
 * becomes: BYTES and PACKETS are those of the wire, and a capture behind the device must have the same sums.
 *
 * A packet may leave long after the call that caused it, in an interrupt that found some other task running. So each
 * socket remembers its owner: the process that made it, and from then on the one that uses it. The memory is the
 * socket's own (BPF_MAP_TYPE_SK_STORAGE); it outlives the process, and an accepted socket begins with its listener's.
 *
 * The kernel speaks for itself by sockets of its own, which are in no product's cgroup: resets for packets that belong
 * to no socket, the last acknowledgements of a connection in TIME_WAIT, ICMP errors and echo replies, IGMP, MLD and
 * neighbour discovery. AF_PACKET goes by the IP layer. Of these the packet file alone tells.
 *
 * These programs can be interrupted by themselves: nothing here touches the scratch area. */
#include "recorder.bpf.h"

#define AF_INET 2
#define AF_INET6 10

#define LOOPBACK 1 /* a network namespace's first interface is always its loopback */

#define PF_KTHREAD 0x00200000
#define TCP_LISTEN 10
#define SOCK_DGRAM 2
#define SOCK_RAW 3
#define IPPROTO_ICMP 1
#define IPPROTO_ICMPV6 58
#define IPPROTO_TCP 6
#define IPPROTO_UDP 17
#define IPPROTO_DCCP 33
#define IPPROTO_SCTP 132
#define IPPROTO_UDPLITE 136
#define IPV6_HOPOPTS 0
#define IPV6_ROUTING 43
#define IPV6_FRAGMENT 44
#define IPV6_AUTH 51
#define IPV6_DSTOPTS 60
#define IPV6_HEADERS_MAX 8

#pragma clang attribute push(__attribute__((preserve_access_index)), apply_to = record)

struct net_device {
	unsigned int mtu;
};

struct sk_buff {
	struct sk_buff *next;
	unsigned int len;
	struct sock *sk;
	struct net_device *dev;
	unsigned int end;
	unsigned char *head;
};

struct skb_shared_info {
	struct sk_buff *frag_list;
};

struct socket_alloc {
	struct socket socket;
	struct inode vfs_inode;
};

typedef struct {
	int owned;
} socket_lock_t;

struct sock___lock {
	socket_lock_t sk_lock;
	struct socket *sk_socket;
};

struct task_struct___flags {
	unsigned int flags;
};

#pragma clang attribute pop

struct owner {
	__u64 tgid, ino;
};

struct {
	__uint(type, BPF_MAP_TYPE_SK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC | BPF_F_CLONE);
	__type(key, int);
	__type(value, struct owner);
} owners SEC(".maps");

static __always_inline __u64 ino_of_sock(struct sock *sk)
{
	struct socket *socket = READ((struct sock___lock *)sk, sk_socket);
	struct inode *inode;

	if (!socket)
		return 0;
	inode = (void *)socket - bpf_core_field_offset(struct socket_alloc, socket) +
		bpf_core_field_offset(struct socket_alloc, vfs_inode);
	return READ(inode, i_ino);
}

/* Whether the running task itself sends this packet, and no interrupt of it. Datagrams leave within the call that
 * sends them. What TCP sends in a task's name it sends while that task holds the socket; in interrupts it works on
 * sockets that nobody holds, but for listeners, which it does not lock. */
static __always_inline bool by_the_task(struct task_struct *task, struct bpf_sock *sk, struct sock___lock *lock)
{
	__u32 type = sk->type, proto = sk->protocol;

	if (((struct task_struct___flags *)task)->flags & PF_KTHREAD)
		return false;
	if (type == SOCK_RAW)
		return true;
	if (type == SOCK_DGRAM && (proto == IPPROTO_UDP || proto == IPPROTO_UDPLITE || proto == IPPROTO_ICMP || proto == IPPROTO_ICMPV6))
		return true;
	return sk->state != TCP_LISTEN && READ(lock, sk_lock.owned);
}

/* A socket of IP was made: its maker is its first owner. */
SEC("cgroup/sock_create")
int on_sock_create(struct bpf_sock *ctx)
{
	struct owner *owner = bpf_sk_storage_get(&owners, ctx, 0, BPF_SK_STORAGE_GET_F_CREATE);

	if (owner) {
		owner->tgid = bpf_get_current_task_btf()->tgid;
		owner->ino = ino_of_sock((struct sock *)ctx);
	}
	return 1;
}

/* The running task uses the socket. Returns its inode's number. */
static __always_inline __u64 own_socket(struct task_struct *task, struct sock *sk)
{
	__u16 family = READ(sk, __sk_common.skc_family);
	__u64 ino = ino_of_sock(sk);
	struct owner *owner;

	if (family != AF_INET && family != AF_INET6)
		return ino;
	owner = bpf_sk_storage_get(&owners, sk, 0, BPF_SK_STORAGE_GET_F_CREATE);
	if (owner) {
		owner->tgid = task->tgid;
		owner->ino = ino;
	}
	return ino;
}

struct packet {
	__u32 family, proto;
	__u32 network; /* bytes of the IP header */
	__u32 headers; /* with the transport's */
	__u16 port, local_port;
	__u8 address[16];
};

/* The verifier looks at a global function once, and not again for each way that leads to it.
 *
 * Ports, and how long the header is that each segment will have. */
__noinline int look_at_transport(struct __sk_buff *skb, struct packet *p)
{
	__be16 ports[2] = { 0 };
	__u8 offset = 0;

	if (!p)
		return 0;
	p->headers = p->network;
	switch (p->proto) {
	case IPPROTO_TCP:
		bpf_skb_load_bytes(skb, p->network + 12, &offset, 1);
		p->headers += (offset >> 4) * 4;
		break;
	case IPPROTO_UDP:
	case IPPROTO_UDPLITE:
		p->headers += 8;
		break;
	case IPPROTO_DCCP:
	case IPPROTO_SCTP:
		break;
	default:
		return 0;
	}
	bpf_skb_load_bytes(skb, p->network, ports, sizeof(ports));
	p->local_port = bpf_ntohs(ports[0]);
	p->port = bpf_ntohs(ports[1]);
	return 0;
}

static __always_inline bool look_at_ipv4(struct __sk_buff *skb, struct packet *p)
{
	__u8 ip[20];

	if (bpf_skb_load_bytes(skb, 0, ip, sizeof(ip)))
		return false;
	p->family = AF_INET;
	p->proto = ip[9];
	p->network = (ip[0] & 15) * 4;
	p->headers = p->network;
	__builtin_memcpy(p->address, ip + 16, 4);
	return !((ip[6] & 0x1f) | ip[7]); /* a fragment that a raw socket made has no ports but the first */
}

__noinline int look_at_ipv6(struct __sk_buff *skb, struct packet *p)
{
	__u8 ip[40], next[4];
	int first = 1;

	if (!p || bpf_skb_load_bytes(skb, 0, ip, sizeof(ip)))
		return 0;
	p->family = AF_INET6;
	p->proto = ip[6];
	p->network = sizeof(ip);
	__builtin_memcpy(p->address, ip + 24, 16);
	for (int i = 0; i < IPV6_HEADERS_MAX; i++) {
		__u32 proto = p->proto;

		if (proto != IPV6_HOPOPTS && proto != IPV6_ROUTING && proto != IPV6_FRAGMENT && proto != IPV6_AUTH &&
		    proto != IPV6_DSTOPTS)
			break;
		if (bpf_skb_load_bytes(skb, p->network, next, sizeof(next)))
			break;
		if (proto == IPV6_FRAGMENT)
			first = !(next[2] | (next[3] & 0xf8));
		p->network += proto == IPV6_FRAGMENT ? 8 : proto == IPV6_AUTH ? (next[1] + 2) * 4 : (next[1] + 1) * 8;
		p->proto = next[0];
	}
	p->headers = p->network;
	return first;
}

/* Into how many fragments the IP layer will cut it. It does so while it builds a datagram, and chains all but the first,
 * without their headers: they are of one size but for the last. What comes to it in one piece is cut by the device's
 * limit. */
static __always_inline __u32 fragments_of(struct sk_buff *skb, __u32 len, const struct packet *p)
{
	struct net_device *dev = READ(skb, dev);
	struct skb_shared_info *shared = (void *)READ(skb, head) + READ(skb, end);
	struct sk_buff *second = READ(shared, frag_list);
	__u32 mtu = READ(dev, mtu), room = mtu > p->network ? (mtu - p->network) & ~7u : 0;

	if (len <= mtu)
		return 1;
	if (second) {
		if (!READ(second, next))
			return 2;
		room = READ(second, len);
	}
	return room ? (len - p->network + room - 1) / room : 1;
}

struct wire_size {
	__u64 packets, bytes;
};

/* What the device will be given. */
static __always_inline struct wire_size on_the_wire(struct __sk_buff *skb, const struct packet *p)
{
	struct wire_size w = { 1, skb->len };
	__u32 size = skb->gso_size;

	if (size && w.bytes > p->headers + size) {
		w.packets = (w.bytes - p->headers + size - 1) / size;
		w.bytes += (w.packets - 1) * p->headers;
	} else if (!size && p->network) {
		w.packets = fragments_of((struct sk_buff *)skb, skb->len, p);
		w.bytes += (w.packets - 1) * p->network;
		if (w.packets > 1 && p->family == AF_INET6)
			w.bytes += w.packets * 8; /* the fragment header */
	}
	return w;
}

/* `sk` twice: as helpers take it, and as the kernel has it. */
static __always_inline struct owner owner_of(struct bpf_sock *sk, struct sock *kernel)
{
	struct task_struct *task = bpf_get_current_task_btf();
	struct owner unknown = { .ino = ino_of_sock(kernel) }, *owner;
	bool known = by_the_task(task, sk, (struct sock___lock *)kernel);

	owner = bpf_sk_storage_get(&owners, sk, 0, known ? BPF_SK_STORAGE_GET_F_CREATE : 0);
	if (!owner)
		return unknown;
	if (known)
		owner->tgid = task->tgid;
	if (unknown.ino)
		owner->ino = unknown.ino;
	return *owner;
}

struct packet_event {
	struct raw_PACKET raw;
	struct len_PACKET len;
	__u8 address[16];
};

static __always_inline void emit_packet_event(const struct packet *p, const struct owner *owner, struct wire_size w)
{
	struct packet_event e = { 0 };

	e.raw.OWNER = owner->tgid;
	e.raw.INO = owner->ino;
	e.raw.FAMILY = p->family;
	e.raw.PROTO = p->proto;
	e.raw.PORT = p->port;
	e.raw.LOCAL_PORT = p->local_port;
	e.raw.BYTES = w.bytes;
	e.raw.PACKETS = w.packets;
	__builtin_memcpy(e.address, p->address, 16);
	e.len.ADDR = p->family == AF_INET6 ? 16 : 4;
	emit_packet(&e.raw.head, HM_EV_PACKET, RAW_SIZE(PACKET) + (p->family == AF_INET6 ? 16 : 4));
}

/* What a product says to itself over the loopback never leaves. */
SEC("cgroup_skb/egress")
int on_egress(struct __sk_buff *skb)
{
	struct hm_cpu_counters *cpu = ONLY(counters);
	struct bpf_sock *sk = skb->sk;
	struct packet p = { 0 };
	struct owner owner = { 0 };
	struct wire_size w;
	bool ports;

	if (!cpu || skb->ifindex == LOOPBACK)
		return 1;
	if (skb->protocol == bpf_htons(0x0800))
		ports = look_at_ipv4(skb, &p);
	else
		ports = look_at_ipv6(skb, &p);
	if (ports)
		look_at_transport(skb, &p);
	w = on_the_wire(skb, &p);
	sk = sk ? bpf_sk_fullsock(sk) : NULL;
	if (sk)
		owner = owner_of(sk, READ((struct sk_buff *)skb, sk));
	__sync_fetch_and_add(&cpu->egress_packets, w.packets);
	__sync_fetch_and_add(&cpu->egress_bytes, w.bytes);
	emit_packet_event(&p, &owner, w);
	press_wire(w.bytes + w.packets * HM_WIRE_FRAME);
	return 1;
}
