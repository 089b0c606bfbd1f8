/* The recorder's programs, opened and set for the running kernel: call tables, ring, tracepoint signatures. */
#include "capture_internal.h"

#include <errno.h>
#include <stdarg.h>

#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>

#include "capture.skel.h"

#define ASK_EVERY 8192

static _Thread_local char said[512];

__attribute__((format(printf, 2, 0))) static int keep_warning(enum libbpf_print_level level, const char *format,
								  va_list args)
{
	char line[sizeof(said)];
	size_t len;

	/* The first one tells the cause; what follows is the verifier's log, and what cannot be done therefore. */
	if (level != LIBBPF_WARN || said[0])
		return 0;
	vsnprintf(line, sizeof(line), format, args);
	/* Kernels since 5.11 do not ask for it, and what really fails without privilege comes next. */
	if (strstr(line, "bump RLIMIT_MEMLOCK"))
		return 0;
	len = strcspn(line, "\n");
	line[len] = '\0';
	snprintf(said, sizeof(said), "%s", strncmp(line, "libbpf: ", 8) == 0 ? line + 8 : line);
	return 0;
}

void hm_libbpf_quiet(void)
{
	said[0] = '\0';
	libbpf_set_print(keep_warning);
}

const char *hm_libbpf_said(int error)
{
	return said[0] ? said : strerror(error);
}

/* How many arguments the running kernel gives a BTF tracepoint, 0 when it has no such one: its type is a pointer to a
 * function whose first parameter is the program's own. */
static int tracepoint_args(const struct btf *btf, const char *name)
{
	char type[128];
	int id, args = 0;

	snprintf(type, sizeof(type), "btf_trace_%s", name);
	id = btf__find_by_name_kind(btf, type, BTF_KIND_TYPEDEF);
	if (id > 0) {
		const struct btf_type *t = btf__type_by_id(btf, btf__type_by_id(btf, (__u32)id)->type);

		t = btf_is_ptr(t) ? btf__type_by_id(btf, t->type) : t;
		args = btf_is_func_proto(t) ? btf_vlen(t) - 1 : 0;
	}
	return args;
}

/* Whether a program may give a pointer its type (bpf_rdonly_cast, 6.2). */
static bool can_cast(const struct btf *btf)
{
	return btf__find_by_name_kind(btf, "bpf_rdonly_cast", BTF_KIND_FUNC) > 0;
}

bool hm_kernel_has(const struct btf *btf, enum hm_witness witness)
{
	static const char *const tracepoints[][3] = {
		[HM_WITNESS_PAGE_CACHE] = { "mm_filemap_get_pages", "mm_filemap_map_pages", "mm_filemap_fault" },
		[HM_WITNESS_PAGE_ADD] = { "mm_filemap_add_to_page_cache" },
		[HM_WITNESS_DIRECT] = { "iomap_dio_rw_begin" },
		[HM_WITNESS_IO_URING] = { "io_uring_complete" },
		[HM_WITNESS_SOCKET] = { "sock_send_length" },
	};

	for (size_t i = 0; i < HM_COUNT(tracepoints[0]) && tracepoints[witness][i]; i++)
		if (!tracepoint_args(btf, tracepoints[witness][i]))
			return false;
	return true;
}

/* Programs whose tracepoint not every kernel has: what is missing is not loaded. START.witnesses tells it. */
static void leave_out(struct capture_bpf *skel, const struct btf *btf)
{
	bool asked = hm_kernel_has(btf, HM_WITNESS_PAGE_CACHE);
	struct {
		struct bpf_program *program;
		bool there;
	} rows[] = {
		{ skel->progs.on_get_pages, asked },
		{ skel->progs.on_map_pages, asked },
		{ skel->progs.on_fault, asked },
		{ skel->progs.on_add_to_page_cache, !asked && hm_kernel_has(btf, HM_WITNESS_PAGE_ADD) },
		{ skel->progs.on_direct, hm_kernel_has(btf, HM_WITNESS_DIRECT) },
		{ skel->progs.on_io_uring_complete, hm_kernel_has(btf, HM_WITNESS_IO_URING) },
		{ skel->progs.on_sock_send_length, hm_kernel_has(btf, HM_WITNESS_SOCKET) },
	};

	for (size_t i = 0; i < HM_COUNT(rows); i++)
		bpf_program__set_autoload(rows[i].program, rows[i].there);
	bpf_program__set_autoattach(skel->progs.on_stop, false);
}

/* What the programs must know of the kernel beyond the layout of its structures. */
static void set_for_kernel(struct capture_bpf *skel)
{
	struct btf *btf = btf__load_vmlinux_btf();

	if (!btf)
		return; /* loading will fail, and tell */
	skel->rodata->exit_tells_last = tracepoint_args(btf, "sched_process_exit") >= 2;
	skel->rodata->can_cast = can_cast(btf);
	skel->rodata->sees_every_send = hm_kernel_has(btf, HM_WITNESS_SOCKET) &&
					btf__find_by_name_kind(btf, "splice_to_socket", BTF_KIND_FUNC) > 0;
	skel->rodata->ring_tells_result = tracepoint_args(btf, "io_uring_complete") > 3;
	leave_out(skel, btf);
	btf__free(btf);
}

/* The ring and its marks. A CPU looks at the fill each ASK_EVERY bytes, on machines with many CPUs more often, so that
 * what they send between two looks is no more than a 32nd of the ring. */
static void set_ring(struct capture_bpf *skel, size_t ring_bytes, bool pressure)
{
	size_t share = ring_bytes / 32 / (size_t)libbpf_num_possible_cpus();

	bpf_map__set_max_entries(skel->maps.ring, (__u32)ring_bytes);
	bpf_map__set_max_entries(skel->maps.alarms, (__u32)sysconf(_SC_PAGESIZE));
	skel->rodata->ask_every = share < ASK_EVERY ? share : ASK_EVERY;
	skel->rodata->ring_alarm = ring_bytes / 2;
	skel->rodata->ring_stop = pressure ? ring_bytes / 4 * 3 : UINT64_MAX;
	skel->rodata->pressure = pressure;
	skel->rodata->hold_code = pressure;
}

struct capture_bpf *hm_capture_programs(size_t ring_bytes, bool pressure)
{
	struct capture_bpf *skel;

	hm_libbpf_quiet();
	skel = capture_bpf__open();
	if (!skel)
		return NULL;
	set_ring(skel, ring_bytes, pressure);
	set_for_kernel(skel);
	hm_calls_fill(skel->rodata->calls);
	return skel;
}
