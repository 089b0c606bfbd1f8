/* The programs and maps that recordings use one after the other.
 *
 * What a recording leaves in a map would be the next one's: a file that was named already would get no OPEN, a counter would
 * count on. So `order.taken` is set, in memory that the kernel and every process that has the object share, before a
 * recording touches anything, and goes back only behind one that ended in order, when no task lives that it saw and
 * every map has been emptied. The next looks whether that is so before it attaches anything. What hangs on tasks and sockets (tasks, reads,
 * sents, owners) ended with them. Where any of it fails the object is of no more use, and is loaded anew. */
#include "loaded.h"

#include <errno.h>
#include <sys/mman.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "ring.h"
#include "tls.h"

#include "capture.skel.h"

#define RING_DEFAULT (16u << 20)
#define RING_MIN 4096u
#define RING_MAX (1u << 30)
#define BATCH 4096

static int load_programs(struct hm_capture_loaded *l, struct hm_fail *fail)
{
	int r;

	l->skel = hm_capture_programs(l->ring_bytes, !l->no_pressure);
	if (!l->skel)
		return hm_fail_set(fail, HM_E_SYSTEM, "opening the recorder: %s", hm_libbpf_said(errno));
	if (l->without) {
		struct bpf_program *program = bpf_object__find_program_by_name(l->skel->obj, l->without);

		if (!program)
			return hm_fail_set(fail, HM_E_USAGE, "recording without %s: there is no such program", l->without);
		bpf_program__set_autoload(program, false);
	}
	r = capture_bpf__load(l->skel);
	if (r < 0) {
		hm_fail_set(fail, HM_E_SYSTEM, "loading the recorder: %s", hm_libbpf_said(-r));
		return hm_fail_advise(fail, r == -EPERM ? "run as root" : "see hallmark doctor");
	}
	return 0;
}

static int map_wire(struct hm_capture_loaded *l, struct hm_fail *fail)
{
	void *words = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, bpf_map__fd(l->skel->maps.wire), 0);

	if (words == MAP_FAILED)
		return hm_fail_errno(fail, "recording: mapping the counters of the packet capture");
	l->wire = words;
	return 0;
}

static void unload_of(struct hm_capture_loaded **l)
{
	hm_capture_unload(*l);
}

static size_t ring_of(const struct hm_capture_spec *spec)
{
	return spec->ring_bytes ? spec->ring_bytes : RING_DEFAULT;
}

static bool is_for(const struct hm_capture_loaded *l, const struct hm_capture_spec *spec)
{
	return l->ring_bytes == ring_of(spec) && l->no_pressure == spec->no_pressure && !l->without == !spec->without &&
	       (!l->without || strcmp(l->without, spec->without) == 0);
}

bool hm_loaded_is_ready(const struct hm_capture_loaded *l, const struct hm_capture_spec *spec)
{
	return is_for(l, spec) && !__atomic_load_n(&l->skel->bss->order.taken, __ATOMIC_ACQUIRE);
}

/* What watches TLS libraries, where it is asked for: 26 to 95 ms, which each run would take again that maps one. */
static void load_ahead(struct hm_capture_loaded *l, const struct hm_capture_spec *spec)
{
	if (!spec->tls_ahead || l->tls_tried)
		return;
	l->tls_tried = true;
	l->tls = hm_tls_load(l->skel);
}

int hm_capture_load(struct hm_capture_loaded **loaded, const struct hm_capture_spec *spec, struct hm_fail *fail)
{
	HM_CLEANUP(unload_of) struct hm_capture_loaded *l = NULL;
	size_t ring_bytes = ring_of(spec);
	int r;

	if (*loaded && hm_loaded_is_ready(*loaded, spec)) {
		load_ahead(*loaded, spec);
		return 0;
	}
	if (ring_bytes < RING_MIN || ring_bytes > RING_MAX || (ring_bytes & (ring_bytes - 1)))
		return hm_fail_set(fail, HM_E_USAGE, "recording: a ring of %zu bytes: not a power of two from %u to %u", ring_bytes, RING_MIN,
				   RING_MAX);
	hm_capture_unload(hm_take_ptr(loaded));
	l = hm_alloc(1, sizeof(*l));
	l->ring_bytes = ring_bytes;
	l->no_pressure = spec->no_pressure;
	l->without = spec->without ? hm_strdup(spec->without) : NULL;
	r = load_programs(l, fail);
	if (r == 0)
		r = map_wire(l, fail);
	if (r == 0)
		r = hm_look_open(&l->look, bpf_map__fd(l->skel->maps.tasks), l->skel->rodata->can_cast, fail);
	if (r < 0)
		return r;
	load_ahead(l, spec);
	*loaded = hm_take_ptr(&l);
	return 0;
}

uint64_t *hm_capture_wire(struct hm_capture_loaded *l)
{
	return l->wire;
}

void hm_capture_unload(struct hm_capture_loaded *l)
{
	if (!l)
		return;
	if (l->wire)
		munmap(l->wire, (size_t)sysconf(_SC_PAGESIZE));
	hm_look_close(l->look);
	hm_tls_unload(l->tls);
	if (l->skel)
		capture_bpf__destroy(l->skel);
	free(l->without);
	free(l);
}

/* ---- between two recordings ---- */

int hm_capture_zero(const struct bpf_map *map, struct hm_fail *fail)
{
	size_t size = (bpf_map__value_size(map) + 7) / 8 * 8 * (size_t)libbpf_num_possible_cpus();
	HM_FREE void *zeros = hm_alloc(1, size);
	uint32_t zero = 0;

	return bpf_map_update_elem(bpf_map__fd(map), &zero, zeros, BPF_ANY) < 0 ? hm_fail_errno(fail, "clearing the recorder's counters") : 0;
}

static int empty(const struct bpf_map *map, struct hm_fail *fail)
{
	HM_FREE uint8_t *keys = hm_alloc(BATCH, bpf_map__key_size(map)), *values = hm_alloc(BATCH, bpf_map__value_size(map));
	uint64_t at = 0;
	bool first = true;

	for (;;) {
		uint32_t count = BATCH;

		if (bpf_map_lookup_and_delete_batch(bpf_map__fd(map), first ? NULL : &at, &at, keys, values, &count, NULL) < 0)
			return errno == ENOENT ? 0 : hm_fail_errno(fail, "emptying the recorder's tables");
		first = false;
	}
}

/* The kernel's own programs are detached, and user space's readers are gone. */
int hm_loaded_clean(struct hm_capture_loaded *l, struct hm_fail *fail)
{
	uint32_t zero = 0;
	int r = hm_capture_zero(l->skel->maps.counters, fail);

	if (r == 0)
		r = hm_capture_zero(l->skel->maps.scratches, fail);
	if (r == 0)
		r = hm_look_forget(l->look, fail);
	if (r == 0)
		r = empty(l->skel->maps.names, fail);
	if (r == 0)
		r = empty(l->skel->maps.stops, fail);
	if (r == 0)
		r = empty(l->skel->maps.holds, fail);
	if (r == 0)
		r = hm_ring_forget(bpf_map__fd(l->skel->maps.alarms), fail);
	if (r == 0 && bpf_map_delete_elem(bpf_map__fd(l->skel->maps.scope), &zero) < 0)
		r = hm_fail_errno(fail, "letting go of the cgroup of the run");
	if (r < 0)
		return r;
	l->wire[HM_WIRE_SENT] = l->wire[HM_WIRE_TAKEN] = 0;
	l->skel->data_alarm->alarm = (struct hm_alarm){ 0 };
	l->skel->bss->order.scope_id = l->skel->bss->order.wire_alarm = l->skel->bss->order.wire_stop = 0;
	__atomic_store_n(&l->skel->bss->order.taken, 0, __ATOMIC_RELEASE);
	return 0;
}

static bool is_empty(const struct bpf_map *map)
{
	HM_FREE void *key = hm_alloc(1, bpf_map__key_size(map));

	return bpf_map_get_next_key(bpf_map__fd(map), NULL, key) < 0 && errno == ENOENT;
}

static bool is_zero(const void *bytes, size_t len)
{
	const uint8_t *p = bytes;

	for (size_t i = 0; i < len; i++)
		if (p[i])
			return false;
	return true;
}

static bool is_uncounted(const struct bpf_map *map)
{
	size_t size = bpf_map__value_size(map) * (size_t)libbpf_num_possible_cpus();
	HM_FREE void *all = hm_alloc(1, size);
	uint32_t zero = 0;

	return bpf_map_lookup_elem(bpf_map__fd(map), &zero, all) == 0 && is_zero(all, size);
}

_Static_assert(sizeof(struct hm_cpu_counters) % 8 == 0, "values of a CPU lie close");

/* What is left of an earlier recording, NULL for nothing. */
static const char *left_in(const struct hm_capture_loaded *l)
{
	uint32_t zero = 0;

	if (!hm_ring_is_empty(bpf_map__fd(l->skel->maps.ring)))
		return "its ring";
	if (!hm_ring_is_empty(bpf_map__fd(l->skel->maps.alarms)) || !is_zero(&l->skel->data_alarm->alarm, sizeof(struct hm_alarm)))
		return "its alarm";
	if (!is_uncounted(l->skel->maps.counters))
		return "its counters";
	if (!is_empty(l->skel->maps.names))
		return "the names of files";
	if (!is_empty(l->skel->maps.stops) || !is_empty(l->skel->maps.holds))
		return "what it stopped";
	if (l->wire[HM_WIRE_SENT] || l->wire[HM_WIRE_TAKEN])
		return "what was sent";
	if (bpf_map_delete_elem(bpf_map__fd(l->skel->maps.scope), &zero) == 0 || errno != ENOENT)
		return "its cgroup";
	return NULL;
}

int hm_loaded_take(struct hm_capture_loaded *l, const struct hm_capture_spec *spec, struct hm_fail *fail)
{
	struct hm_order *order = &l->skel->bss->order;
	const char *left;
	uint32_t zero = 0;

	if (!is_for(l, spec))
		return hm_fail_set(fail, HM_E_USAGE, "recording: the programs are loaded for other recordings than this");
	if (__atomic_exchange_n(&order->taken, 1, __ATOMIC_ACQ_REL))
		return hm_fail_set(fail, HM_E_USAGE, "recording: the programs are another recording's");
	left = left_in(l);
	if (left)
		return hm_fail_set(fail, HM_E_SYSTEM, "recording: an earlier recording left %s", left);
	order->scope_id = spec->cgroup_id;
	order->wire_alarm = spec->wire_room / 2;
	order->wire_stop = spec->wire_room / 4 * 3;
	hm_look_at(l->look, spec->cgroup_id);
	if (bpf_map_update_elem(bpf_map__fd(l->skel->maps.scope), &zero, &spec->cgroup, BPF_ANY) < 0)
		return hm_fail_errno(fail, "recording: setting the cgroup of the run");
	return 0;
}
