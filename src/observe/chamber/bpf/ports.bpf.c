/* The local port of a UDP socket that is connected without one: the next in turn, where the kernel would draw it. Of a hundred lookups, each
 * from a socket of its own, two would else have the same port by chance in one run of six, and be one flow where there are two in
 * the run's twin. A socket that the product bound keeps its port; a port that is taken is passed over. */
#include <linux/bpf.h>
#include <linux/in.h>
#include <stdbool.h>

#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#define FIRST 32768u /* the kernel's own range */
#define COUNT 28232u
#define TRIES 8

__u32 used = 0;

SEC("cgroup/connect4")
int next_port(struct bpf_sock_addr *ctx)
{
	struct sockaddr_in at = { .sin_family = 2 /* AF_INET */ };

	if (ctx->protocol != IPPROTO_UDP)
		return 1;
	for (int i = 0; i < TRIES; i++) {
		at.sin_port = bpf_htons((__u16)(FIRST + __sync_fetch_and_add(&used, 1) % COUNT));
		/* -EADDRINUSE; for anything else the kernel goes on as it does without us. */
		if (bpf_bind(ctx, (struct sockaddr *)&at, sizeof(at)) != -98)
			break;
	}
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
