/* The smallest program of every type that Hallmark uses or would like to use: whether a kernel has a thing only a
 * real load tells (feature lists say otherwise on kernels under lockdown). hm_capture_probe loads them one at a
 * time. */
#include "kernel.bpf.h"

#pragma clang diagnostic ignored "-Wunused-parameter"

char LICENSE[] SEC("license") = "Dual BSD/GPL";

struct {
	__uint(type, BPF_MAP_TYPE_RINGBUF);
	__uint(max_entries, 4096);
} ring SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_TASK_STORAGE);
	__uint(map_flags, BPF_F_NO_PREALLOC);
	__type(key, int);
	__type(value, __u64);
} tasks SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_CGROUP_ARRAY);
	__uint(key_size, sizeof(__u32));
	__uint(value_size, sizeof(__u32));
	__uint(max_entries, 1);
} scope SEC(".maps");

#define PLAIN(section, name)      \
	SEC(section)              \
	int name(void *ctx)       \
	{                         \
		return 0;         \
	}

PLAIN("tp_btf/sys_exit", tp_sys_exit)
PLAIN("tp_btf/task_newtask", tp_task_newtask)
PLAIN("tp_btf/sched_process_exec", tp_sched_process_exec)
PLAIN("tp_btf/sched_process_exit", tp_sched_process_exit)
PLAIN("tp_btf/mm_filemap_get_pages", tp_get_pages)
PLAIN("tp_btf/mm_filemap_map_pages", tp_map_pages)
PLAIN("tp_btf/mm_filemap_fault", tp_fault)
PLAIN("tp_btf/mm_filemap_add_to_page_cache", tp_add_to_page_cache)
PLAIN("tp_btf/iomap_dio_rw_begin", tp_dio)
PLAIN("tp_btf/sock_send_length", tp_send_length)
PLAIN("tp_btf/io_uring_complete", tp_io_uring)
PLAIN("cgroup_skb/egress", cgroup_egress)
PLAIN("cgroup/dev", cgroup_device)
PLAIN("sk_lookup", lookup)
PLAIN("iter/task", iter_task)
PLAIN("iter/task_file", iter_task_file)
PLAIN("iter/task_vma", iter_task_vma)
PLAIN("uprobe.s", sleepable_uprobe)
PLAIN("fentry/vfs_read", fentry)
PLAIN("lsm/file_open", lsm)

SEC("tp_btf/sys_exit")
int ring_buffer(void *ctx)
{
	__u64 word = 0;

	bpf_ringbuf_output(&ring, &word, sizeof(word), BPF_RB_NO_WAKEUP);
	return 0;
}

SEC("tp_btf/sys_exit")
int task_storage(void *ctx)
{
	bpf_task_storage_get(&tasks, bpf_get_current_task_btf(), 0, BPF_LOCAL_STORAGE_GET_F_CREATE);
	return 0;
}

SEC("tp_btf/sys_exit")
int cgroup_scope(void *ctx)
{
	bpf_current_task_under_cgroup(&scope, 0);
	return 0;
}

static long nothing(__u32 i, void *ctx)
{
	return 0;
}

SEC("tp_btf/sys_exit")
int loop(void *ctx)
{
	bpf_loop(1, nothing, NULL, 0);
	return 0;
}

static long nothing_vma(struct task_struct *task, struct vm_area_struct *vma, void *ctx)
{
	return 0;
}

SEC("tp_btf/sys_exit")
int find_vma(void *ctx)
{
	bpf_find_vma(bpf_get_current_task_btf(), 4096, nothing_vma, NULL, 0);
	return 0;
}
