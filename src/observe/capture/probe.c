/* What this kernel lets the recorder do, by trying it. */
#include "capture.h"

#include <errno.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "capture_internal.h"

#include "capture_abi.h"

#include "capture.skel.h"
#include "probe.skel.h"
#include "tls.skel.h"

struct attempt {
	const char *name, *program;
	const char *map; /* that the program uses */
	bool needed;
};

static const struct attempt attempts[] = {
	{ "tp_btf sys_exit", "tp_sys_exit", NULL, true },
	{ "tp_btf task_newtask", "tp_task_newtask", NULL, true },
	{ "tp_btf sched_process_exec", "tp_sched_process_exec", NULL, true },
	{ "tp_btf sched_process_exit", "tp_sched_process_exit", NULL, true },
	{ "BPF ring buffer", "ring_buffer", "ring", true },
	{ "BPF task storage", "task_storage", "tasks", true },
	{ "BPF scope by cgroup", "cgroup_scope", "scope", true },
	{ "bpf_loop", "loop", NULL, true },
	{ "bpf_find_vma", "find_vma", NULL, true },
	{ "cgroup_skb egress", "cgroup_egress", NULL, true },
	{ "cgroup device filter", "cgroup_device", NULL, true },
	{ "sk_lookup", "lookup", NULL, true },
	{ "page cache: mm_filemap_get_pages", "tp_get_pages", NULL, false },
	{ "page cache: mm_filemap_map_pages", "tp_map_pages", NULL, false },
	{ "page cache: mm_filemap_fault", "tp_fault", NULL, false },
	{ "page cache: mm_filemap_add_to_page_cache", "tp_add_to_page_cache", NULL, false },
	{ "direct reads: iomap_dio_rw_begin", "tp_dio", NULL, false },
	{ "sends: sock_send_length", "tp_send_length", NULL, false },
	{ "io_uring_complete", "tp_io_uring", NULL, false },
	{ "iterator over tasks", "iter_task", NULL, true },
	{ "iterator over open files", "iter_task_file", NULL, true },
	{ "iterator over mappings", "iter_task_vma", NULL, true },
	{ "sleepable uprobe", "sleepable_uprobe", NULL, false },
	{ "fentry", "fentry", NULL, false },
	{ "BPF LSM", "lsm", NULL, false },
};

static void set_reason(struct hm_capture_probe *row, const char *why)
{
	/* What comes from libbpf may be longer than the row, and its end matters least. */
	snprintf(row->why, sizeof(row->why), "%.*s", (int)sizeof(row->why) - 1, why);
}

/* Loads one program of the probe object and what it needs, nothing else. */
static void try_program(struct hm_capture_probe *row, const struct attempt *attempt)
{
	struct probe_bpf *skel;
	struct bpf_program *program;
	struct bpf_map *map;
	int r;

	hm_libbpf_quiet();
	skel = probe_bpf__open();
	if (!skel) {
		set_reason(row, hm_libbpf_said(errno));
		return;
	}
	bpf_object__for_each_program(program, skel->obj)
		bpf_program__set_autoload(program, strcmp(bpf_program__name(program), attempt->program) == 0);
	bpf_object__for_each_map(map, skel->obj)
		bpf_map__set_autocreate(map, attempt->map && strcmp(bpf_map__name(map), attempt->map) == 0);
	r = probe_bpf__load(skel);
	row->works = r == 0;
	if (r < 0)
		set_reason(row, hm_libbpf_said(-r));
	probe_bpf__destroy(skel);
}

static void try_recorder(struct hm_capture_probe *row)
{
	struct capture_bpf *skel = hm_capture_programs(65536, true);
	int r = skel ? capture_bpf__load(skel) : -errno;

	row->works = r == 0;
	if (r < 0)
		set_reason(row, hm_libbpf_said(-r));
	if (skel)
		capture_bpf__destroy(skel);
}

static void try_tls(struct hm_capture_probe *row)
{
	struct tls_bpf *skel;
	int r = -1;

	hm_libbpf_quiet();
	skel = tls_bpf__open();
	if (skel) {
		bpf_map__set_max_entries(skel->maps.ring, 65536);
		bpf_map__set_max_entries(skel->maps.alarms, (__u32)sysconf(_SC_PAGESIZE));
		r = tls_bpf__load(skel);
	}
	row->works = r == 0;
	if (r < 0)
		set_reason(row, hm_libbpf_said(skel ? -r : errno));
	if (skel)
		tls_bpf__destroy(skel);
}

static bool has_overlay_types(struct btf *btf)
{
	return btf && btf__find_by_name_kind(btf, "ovl_inode", BTF_KIND_STRUCT) > 0;
}

/* Without the overlay's types an event cannot name the file below it. */
static void try_overlay(struct hm_capture_probe *row)
{
	struct btf *kernel = btf__load_vmlinux_btf(), *module = NULL;

	row->works = has_overlay_types(kernel);
	if (kernel && !row->works) {
		module = btf__load_module_btf("overlay", kernel);
		row->works = has_overlay_types(module);
	}
	if (!kernel)
		set_reason(row, "the kernel has no BTF (CONFIG_DEBUG_INFO_BTF)");
	else if (!row->works)
		set_reason(row, "neither the kernel nor a loaded module has them; try modprobe overlay");
	btf__free(module);
	btf__free(kernel);
}

size_t hm_capture_probe(struct hm_capture_probe *rows, size_t max)
{
	size_t count = 0;

	for (size_t i = 0; i < HM_COUNT(attempts) && count < max; i++) {
		rows[count] = (struct hm_capture_probe){ .name = attempts[i].name, .needed = attempts[i].needed };
		try_program(&rows[count++], &attempts[i]);
	}
	if (count < max) {
		rows[count] = (struct hm_capture_probe){ .name = "types of overlay", .needed = true };
		try_overlay(&rows[count++]);
	}
	if (count < max) {
		rows[count] = (struct hm_capture_probe){ .name = "the whole recorder", .needed = true };
		try_recorder(&rows[count++]);
	}
	if (count < max) {
		rows[count] = (struct hm_capture_probe){ .name = "plaintext given to TLS libraries", .needed = false };
		try_tls(&rows[count++]);
	}
	return count;
}

/* In the order of the text, which is sorted. */
static const struct {
	const char *name;
	enum hm_witness witness;
} readers[] = {
	{ "direct", HM_WITNESS_DIRECT },
	{ "io_uring", HM_WITNESS_IO_URING },
	{ "page-cache", HM_WITNESS_PAGE_CACHE },
	{ "page-cache-add", HM_WITNESS_PAGE_ADD },
};

const char *hm_capture_witnesses(void)
{
	static _Thread_local char text[160]; /* the kernel's types are 5 MB, and the same for every recording */
	struct btf *btf;
	bool asked;
	int len;

	if (*text)
		return text;
	btf = btf__load_vmlinux_btf();
	asked = btf && hm_kernel_has(btf, HM_WITNESS_PAGE_CACHE);
	len = snprintf(text, sizeof(text), "read:");
	for (size_t i = 0; btf && i < HM_COUNT(readers); i++)
		if (hm_kernel_has(btf, readers[i].witness) && !(asked && readers[i].witness == HM_WITNESS_PAGE_ADD))
			len += snprintf(text + len, sizeof(text) - (size_t)len, "%s,", readers[i].name);
	snprintf(text + len, sizeof(text) - (size_t)len, "syscall send:cgroup_skb,packet,%ssyscall",
		 btf && hm_kernel_has(btf, HM_WITNESS_SOCKET) ? "socket," : "");
	btf__free(btf);
	return text;
}
