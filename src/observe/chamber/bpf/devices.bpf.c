/* The chamber's device filter: the devices of its /dev and no others, and no device files made, whatever capabilities a
 * process holds. Not even the host's disk opened through a file that lies on the disk already. */
#include <linux/bpf.h>

#include <bpf/bpf_helpers.h>

#define TTY_ALT 5
#define MEM 1
#define PTS_FIRST 136
#define PTS_LAST 143

SEC("cgroup/dev")
int devices(struct bpf_cgroup_dev_ctx *ctx)
{
	__u32 type = ctx->access_type & 0xffff, access = ctx->access_type >> 16;
	__u32 major = ctx->major, minor = ctx->minor;

	if (type != BPF_DEVCG_DEV_CHAR || (access & BPF_DEVCG_ACC_MKNOD))
		return 0;
	if (major == MEM) /* null, zero, full, random, urandom */
		return minor == 3 || minor == 5 || minor == 7 || minor == 8 || minor == 9;
	if (major == TTY_ALT) /* tty, ptmx */
		return minor == 0 || minor == 2;
	return major >= PTS_FIRST && major <= PTS_LAST;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
