/* Every port of every address is answered: sk_lookup sends each new connection and each datagram that arrives in the
 * internet's namespace to one of three sockets, whatever its destination.
 *
 * Helpers and types are the kernel's stable ABI (linux/bpf.h), so no type information of the kernel is needed. */
#include <linux/bpf.h>
#include <linux/in.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

enum internet_socket { INTERNET_TCP, INTERNET_UDP, INTERNET_DNS, INTERNET_SOCKETS };

struct {
	__uint(type, BPF_MAP_TYPE_SOCKMAP);
	__uint(max_entries, INTERNET_SOCKETS);
	__type(key, __u32);
	__type(value, __u64);
} sockets SEC(".maps");

SEC("sk_lookup")
int every_port(struct bpf_sk_lookup *ctx)
{
	__u32 key = INTERNET_TCP;
	struct bpf_sock *sk;
	long r;

	if (ctx->protocol == IPPROTO_UDP)
		key = ctx->local_port == 53 ? INTERNET_DNS : INTERNET_UDP;
	sk = bpf_map_lookup_elem(&sockets, &key);
	if (!sk)
		return SK_DROP;
	r = bpf_sk_assign(ctx, sk, BPF_SK_LOOKUP_F_REPLACE);
	bpf_sk_release(sk);
	return r ? SK_DROP : SK_PASS;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
