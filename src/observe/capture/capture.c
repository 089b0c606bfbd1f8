/* The loader and consumer of the recorder.
 *
 * The ring is emptied in turns of hm_capture_poll, never by a wake-up per event: BPF wakes the consumer only when
 * the ring is half full, and then what fills it is made to stand still (pressure.c). Every event carries a number of its CPU's sequence, which counts events that found no room
 * as well. So a hole between two events of a CPU is exactly what was lost there, and becomes a gap event in front of
 * the second one; what is missing behind the last event shows at the end by the CPU's counter. */
#include "capture.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/membarrier.h>
#include <sys/epoll.h>
#include <sys/syscall.h>
#include <time.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "loaded.h"
#include "pressure.h"
#include "ring.h"
#include "tls.h"

#include "capture.skel.h"

/* What one poll hands over at most, in events and in time: its caller has other things to look after. */
#define TURN_MAX 65536
#define TURN_NS 100000000
#define TURN_CLOCK 64 /* events between two looks at the clock */
#define UNPRESSED_TURNS 10
#define TURN_OVER 1 /* what stops a turn before the ring is empty */
#define SETTLE_TRIES 100

struct cpu {
	uint64_t next;	/* sequence number that comes next */
	uint64_t told;	/* lost events of this CPU that gap events tell of */
};

struct hm_capture {
	struct hm_capture_spec spec;
	struct hm_capture_loaded *loaded, *own; /* own: where the spec has none */
	struct capture_bpf *skel;		/* of what is loaded */
	bool attached, stopped;
	int living; /* cgroup.events */
	struct hm_ring *ring;
	uint64_t looks;
	int epoll;
	uint32_t cpus;
	struct cpu *cpu;
	struct hm_cpu_counters *counters; /* one for each CPU, as last read */
	uint64_t packets, given;	  /* events of the lanes of packets and of TLS so far */
	struct hm_pressure *pressure;	  /* NULL: no_pressure */
	struct hm_tls *tls;
	struct hm_wire wire;
	uint64_t freezes, frozen_ns, stood_until;
	uint64_t missed; /* runs that the kernel left out before this recording */
	/* of the turn that is on */
	size_t handed;
	uint64_t turn_ends;
	bool more; /* it ended before the ring was empty */
};

uint64_t hm_capture_now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static int read_counters(struct hm_capture *c, struct hm_fail *fail)
{
	uint32_t zero = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(c->skel->maps.counters), &zero, c->counters) < 0)
		return hm_fail_errno(fail, "reading the recorder's counters");
	return 0;
}

static int refused(struct hm_fail *fail)
{
	return hm_fail_set(fail, HM_E_SYSTEM, "recording: stopped by the one who keeps the events");
}

/* Numbers first..first + count - 1 of `cpu` are missing: tells so. */
static int tell_gap(struct hm_capture *c, uint32_t cpu, uint64_t first, uint64_t count, uint64_t time,
		    struct hm_fail *fail)
{
	struct hm_event gap = { .kind = HM_EV_GAP, .cpu = HM_CPU_USER, .time = time };
	struct cpu *of = &c->cpu[cpu];
	int r = read_counters(c, fail);

	if (r < 0)
		return r;
	gap.field[HM_GAP_SOURCE].u = HM_GAP_SEQUENCE;
	if (c->counters[cpu].lost >= of->told && c->counters[cpu].lost - of->told >= count) {
		gap.field[HM_GAP_SOURCE].u = HM_GAP_RING;
		of->told += count;
	}
	gap.field[HM_GAP_FROM_CPU].u = cpu;
	gap.field[HM_GAP_FIRST].u = first;
	gap.field[HM_GAP_COUNT].u = count;
	of->next = first + count;
	return c->spec.sink(c->spec.cookie, &gap, fail);
}

/* To the spec's sink, and to who looks for TLS. */
static int hand_over(void *cookie, const struct hm_event *event, struct hm_fail *fail)
{
	struct hm_capture *c = cookie;
	int r = c->spec.sink(c->spec.cookie, event, fail);

	return r ? r : hm_tls_event(c->tls, event, fail);
}

static int take(struct hm_capture *c, struct hm_slice raw, struct hm_fail *fail)
{
	struct hm_event event;
	struct cpu *cpu;
	int r = hm_event_from_raw(&event, raw, c->spec.base, fail);

	if (r < 0)
		return r;
	if (event.cpu == HM_CPU_PACKETS || event.cpu == HM_CPU_TLS) {
		event.seq = event.cpu == HM_CPU_PACKETS ? c->packets++ : c->given++;
		c->handed++;
		return c->spec.sink(c->spec.cookie, &event, fail);
	}
	if (event.cpu >= c->cpus)
		return hm_fail_set(fail, HM_E_BAD, "recording: an event of CPU %u, and this machine has %u", event.cpu,
				   c->cpus);
	cpu = &c->cpu[event.cpu];
	if (event.seq < cpu->next)
		return hm_fail_set(fail, HM_E_BAD, "recording: event %llu of CPU %u came after event %llu",
				   (unsigned long long)event.seq, event.cpu, (unsigned long long)cpu->next - 1);
	if (event.seq > cpu->next)
		r = tell_gap(c, event.cpu, cpu->next, event.seq - cpu->next, event.time, fail);
	if (r)
		return r;
	cpu->next = event.seq + 1;
	c->handed++;
	return hand_over(c, &event, fail);
}

static int on_raw(void *cookie, struct hm_slice raw, struct hm_fail *fail)
{
	struct hm_capture *c = cookie;
	int r = take(c, raw, fail);

	if (r)
		return r < 0 ? r : refused(fail);
	c->more = c->handed >= TURN_MAX || (c->handed % TURN_CLOCK == 0 && hm_capture_now() > c->turn_ends);
	return c->more ? TURN_OVER : 0;
}

/* Hands over what is in the ring, for one turn; returns how many. */
static int turn(struct hm_capture *c, struct hm_fail *fail)
{
	int r;

	c->handed = 0;
	c->turn_ends = hm_capture_now() + TURN_NS;
	c->more = false;
	r = hm_ring_read(c->ring, on_raw, c, fail);
	return r < 0 ? r : (int)c->handed;
}

/* Back-pressure on oneself would never end. */
static int refuse_own_cgroup(struct hm_capture *c, struct hm_fail *fail)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	if (bpf_prog_test_run_opts(bpf_program__fd(c->skel->progs.am_i_inside), &opts) < 0)
		return hm_fail_errno(fail, "recording: asking whether the recorder is in the cgroup itself");
	if (opts.retval)
		return hm_fail_set(fail, HM_E_USAGE, "recording: the recorder is in the cgroup itself (move it to another)");
	return 0;
}

static int press(struct hm_capture *c, struct hm_fail *fail)
{
	struct hm_pressure_spec spec = {
		.cgroup = c->spec.cgroup,
		.alarms = bpf_map__fd(c->skel->maps.alarms),
		.stops = bpf_map__fd(c->skel->maps.stops),
		.holds = bpf_map__fd(c->skel->maps.holds),
		.alarm = &c->skel->data_alarm->alarm,
		.no_freezer = c->spec.no_freezer,
	};

	return c->spec.no_pressure ? 0 : hm_pressure_open(&c->pressure, &spec, fail);
}

static int listen_to_ring(struct hm_capture *c, struct hm_fail *fail)
{
	/* On the edge: with events in the ring it is ready all the time, and only BPF's alarm shall end a wait
	 * early. */
	struct epoll_event event = { .events = EPOLLIN | EPOLLET };
	int fd = bpf_map__fd(c->skel->maps.ring), r = hm_ring_open(&c->ring, fd, c->loaded->ring_bytes, fail);

	if (r < 0)
		return r;
	c->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (c->epoll < 0 || epoll_ctl(c->epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		return hm_fail_errno(fail, "recording: waiting for the ring");
	return 0;
}

static int attach(struct hm_capture *c, struct hm_fail *fail)
{
	int r;

	c->attached = true;
	c->skel->links.on_egress = bpf_program__attach_cgroup(c->skel->progs.on_egress, c->spec.cgroup);
	c->skel->links.on_sock_create = bpf_program__attach_cgroup(c->skel->progs.on_sock_create, c->spec.cgroup);
	if (!c->skel->links.on_egress || !c->skel->links.on_sock_create)
		return hm_fail_set(fail, HM_E_SYSTEM, "recording: counting what leaves the cgroup: %s",
				   hm_libbpf_said(errno));
	r = capture_bpf__attach(c->skel);
	if (r < 0)
		return hm_fail_set(fail, HM_E_SYSTEM, "attaching the recorder: %s", hm_libbpf_said(-r));
	return 0;
}

static int load(struct hm_capture *c, struct hm_fail *fail)
{
	int r = c->spec.loaded ? 0 : hm_capture_load(&c->own, &c->spec, fail);

	if (r < 0)
		return r;
	c->loaded = c->own ? c->own : c->spec.loaded;
	c->skel = c->loaded->skel;
	c->tls = hm_tls_new(&c->spec, c->skel, c->loaded->tls);
	return hm_loaded_take(c->loaded, &c->spec, fail);
}

/* Runs of a program that the kernel left out because the same one was running on that CPU already, since it was loaded: none is known
 * to happen, and each would be an event that has no number. */
static int count_missed(const struct hm_capture *c, uint64_t *missed, struct hm_fail *fail)
{
	struct bpf_program *program;

	*missed = 0;
	bpf_object__for_each_program(program, c->skel->obj) {
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);

		if (!bpf_program__autoload(program))
			continue; /* not for this kernel */
		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) < 0)
			return hm_fail_errno(fail, "recording: asking for what %s missed", bpf_program__name(program));
		*missed += info.recursion_misses;
	}
	return 0;
}

static int prepare(struct hm_capture *c, struct hm_fail *fail)
{
	int cpus = libbpf_num_possible_cpus();

	if (cpus <= 0)
		return hm_fail_set(fail, HM_E_SYSTEM, "recording: counting CPUs: %s", strerror(-cpus));
	c->cpus = (uint32_t)cpus;
	c->cpu = hm_alloc(c->cpus, sizeof(*c->cpu));
	c->counters = hm_alloc(c->cpus, sizeof(*c->counters));
	c->living = openat(c->spec.cgroup, "cgroup.events", O_RDONLY | O_CLOEXEC);
	return 0;
}

int hm_capture_open(struct hm_capture **ret, const struct hm_capture_spec *spec, struct hm_fail *fail)
{
	HM_CLEANUP(hm_capture_cleanup) struct hm_capture *c = hm_alloc(1, sizeof(*c));
	int r;

	c->spec = *spec;
	c->epoll = c->living = -1;
	r = prepare(c, fail);
	if (r == 0)
		r = load(c, fail);
	if (r == 0)
		r = count_missed(c, &c->missed, fail);
	if (r == 0)
		r = refuse_own_cgroup(c, fail);
	if (r == 0)
		r = listen_to_ring(c, fail);
	if (r == 0)
		r = press(c, fail);
	if (r == 0 && c->spec.wire_room)
		c->wire = (struct hm_wire){ .words = c->loaded->wire, .room = c->spec.wire_room };
	if (r == 0)
		r = attach(c, fail);
	if (r < 0)
		return r;
	*ret = hm_take_ptr(&c);
	return 0;
}

/* Two standstills may overlap: time counts once. */
static void count_time(struct hm_capture *c, const struct hm_standstill *still)
{
	uint64_t from = still->began > c->stood_until ? still->began : c->stood_until;

	if (still->ended <= from)
		return;
	c->frozen_ns += still->ended - from;
	c->stood_until = still->ended;
}

/* The ring is empty: lets go what stands still, and tells so. */
static int let_go(struct hm_capture *c, struct hm_fail *fail)
{
	struct hm_standstill still[HM_FREEZES];
	int r;

	if (!c->pressure) {
		__atomic_store_n(&c->skel->data_alarm->alarm.raised, 0, __ATOMIC_RELEASE);
		return 0;
	}
	r = hm_pressure_let_go(c->pressure, still, fail);
	for (size_t means = 0; r == 0 && means < HM_COUNT(still); means++) {
		struct hm_event event = { .kind = HM_EV_FREEZE, .cpu = HM_CPU_USER, .time = hm_capture_now() - c->spec.base };
		uint64_t duration = still[means].ended - still[means].began;

		if (!still[means].was)
			continue;
		event.field[HM_FREEZE_MEANS].u = means;
		event.field[HM_FREEZE_BEGAN].u = still[means].began - c->spec.base;
		event.field[HM_FREEZE_DURATION].u = duration;
		event.field[HM_FREEZE_FILL].u = still[means].fill;
		c->freezes += means != HM_FREEZE_HOLD;
		if (means != HM_FREEZE_HOLD)
			count_time(c, &still[means]);
		r = c->spec.sink(c->spec.cookie, &event, fail);
	}
	return r > 0 ? refused(fail) : r;
}

int hm_capture_poll(struct hm_capture *c, int timeout_ms, struct hm_fail *fail)
{
	struct epoll_event event;
	bool pressed = c->pressure && hm_pressure_on(c->pressure);
	int r, handed;

	if (pressed || c->more)
		timeout_ms = pressed && hm_wire_waits(&c->wire) ? 1 : 0;
	if (epoll_wait(c->epoll, &event, 1, timeout_ms) < 0 && errno != EINTR)
		return hm_fail_errno(fail, "waiting for the recorder's ring");
	handed = turn(c, fail);
	if (handed < 0 || c->more || (pressed && hm_wire_waits(&c->wire)))
		return handed;
	r = let_go(c, fail);
	return r < 0 ? r : handed;
}

int hm_capture_look(struct hm_capture *c, enum hm_look_when when, struct hm_fail *fail)
{
	struct hm_capture_spec spec = c->spec;
	unsigned turns = 0;
	int r;

	spec.sink = hand_over;
	spec.cookie = c;

	/* Where nothing stops the product, the ring may never be empty. */
	do
		r = hm_capture_poll(c, 0, fail);
	while (r >= 0 && c->more && (c->pressure || ++turns < UNPRESSED_TURNS));
	if (r >= 0)
		r = hm_look_take(c->loaded->look, &spec, c->looks, when, fail);
	c->looks += r == 0;
	return r <= 0 ? r : refused(fail);
}

static uint64_t produced(const struct hm_capture *c)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < c->cpus; i++)
		sum += c->counters[i].seq + c->counters[i].packets + c->counters[i].given;
	return sum;
}

/* Empties the ring until no program makes events any more: one that had begun when its link went may still be
 * running. */
static int settle(struct hm_capture *c, struct hm_fail *fail)
{
	uint64_t before = UINT64_MAX;

	for (int i = 0; i < SETTLE_TRIES; i++) {
		struct timespec pause = { .tv_nsec = 1000000 };
		int r = turn(c, fail), counted;

		counted = read_counters(c, fail);
		if (r < 0 || counted < 0)
			return r < 0 ? r : counted;
		if (r == 0 && produced(c) == before)
			return 0;
		before = produced(c);
		if (r == 0)
			nanosleep(&pause, NULL);
		else
			i = 0;
	}
	return 0;
}

/* Tells what tasks that live on have asked of the page cache, or given to a socket, and is not told yet. No program is attached by now. */
static int tell_waiting(struct hm_capture *c, struct hm_fail *fail)
{
	struct bpf_link *link = bpf_program__attach_iter(c->skel->progs.on_stop, NULL);
	HM_CLOSE int fd = link ? bpf_iter_create(bpf_link__fd(link)) : -1;
	char nothing[64];
	ssize_t n = -1;

	if (fd >= 0)
		while ((n = read(fd, nothing, sizeof(nothing))) > 0)
			;
	if (n < 0)
		hm_fail_errno(fail, "recording: asking all tasks for what they read and sent last");
	bpf_link__destroy(link);
	return n < 0 ? HM_E_SYSTEM : 0;
}

static int tell_misses(struct hm_capture *c, struct hm_fail *fail)
{
	struct hm_event gap = { .kind = HM_EV_GAP, .cpu = HM_CPU_USER, .time = hm_capture_now() - c->spec.base };
	uint64_t missed;
	int r = count_missed(c, &missed, fail);

	if (r == 0)
		missed += hm_tls_missed(c->tls);
	if (r < 0 || missed == c->missed)
		return r;
	gap.field[HM_GAP_SOURCE].u = HM_GAP_SEQUENCE;
	gap.field[HM_GAP_FROM_CPU].u = HM_CPU_USER;
	gap.field[HM_GAP_COUNT].u = missed - c->missed;
	return c->spec.sink(c->spec.cookie, &gap, fail);
}

/* Of a lane whose events are numbered when they are read: which ones found no room nobody knows. */
static int tell_lane(struct hm_capture *c, uint32_t lane, uint64_t read, uint64_t made, uint64_t lost, struct hm_fail *fail)
{
	struct hm_event gap = { .kind = HM_EV_GAP, .cpu = HM_CPU_USER, .time = hm_capture_now() - c->spec.base };

	if (read == made)
		return 0;
	gap.field[HM_GAP_SOURCE].u = read + lost == made ? HM_GAP_RING : HM_GAP_SEQUENCE;
	gap.field[HM_GAP_FROM_CPU].u = lane;
	gap.field[HM_GAP_FIRST].u = read;
	gap.field[HM_GAP_COUNT].u = made - read;
	return c->spec.sink(c->spec.cookie, &gap, fail);
}

static int tell_rest(struct hm_capture *c, struct hm_capture_stats *stats, struct hm_fail *fail)
{
	struct hm_cpu_counters sum = { 0 };
	int r = 0;

	for (uint32_t i = 0; r == 0 && i < c->cpus; i++) {
		const struct hm_cpu_counters *of = &c->counters[i];

		sum.seq += of->seq;
		sum.lost += of->lost;
		sum.packets += of->packets;
		sum.lost_packets += of->lost_packets;
		sum.given += of->given;
		sum.lost_given += of->lost_given;
		sum.egress_packets += of->egress_packets;
		sum.egress_bytes += of->egress_bytes;
		if (of->seq > c->cpu[i].next)
			r = tell_gap(c, i, c->cpu[i].next, of->seq - c->cpu[i].next, hm_capture_now() - c->spec.base, fail);
	}
	if (r == 0)
		r = tell_lane(c, HM_CPU_PACKETS, c->packets, sum.packets, sum.lost_packets, fail);
	if (r == 0)
		r = tell_lane(c, HM_CPU_TLS, c->given, sum.given, sum.lost_given, fail);
	*stats = (struct hm_capture_stats){
		.produced = sum.seq + sum.packets + sum.given,
		.lost = sum.lost + sum.lost_packets + sum.lost_given,
		.egress_packets = sum.egress_packets,
		.egress_bytes = sum.egress_bytes,
		.freezes = c->freezes,
		.frozen_ns = c->frozen_ns,
	};
	return r;
}

/* Behind this no program runs any more, so nothing is stopped or counted: one that had begun when its link went is waited
 * for, as for all who hold off the kernel's read-copy-update. */
static void detach(struct hm_capture *c)
{
	struct timespec pause = { .tv_nsec = 20000000 };

	if (!c->attached)
		return;
	c->attached = false;
	capture_bpf__detach(c->skel);
	hm_tls_detach(c->tls);
	if (syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0) < 0)
		nanosleep(&pause, NULL);
}

int hm_capture_stop(struct hm_capture *c, struct hm_capture_stats *stats, struct hm_fail *fail)
{
	struct hm_capture_stats sum;
	int r;

	detach(c);
	if (c->pressure)
		hm_pressure_end(c->pressure);
	r = settle(c, fail);
	if (r == 0)
		r = tell_waiting(c, fail);
	if (r == 0)
		r = settle(c, fail);
	if (r == 0)
		r = let_go(c, fail);
	if (r == 0)
		r = tell_rest(c, &sum, fail);
	if (r == 0)
		r = tell_misses(c, fail);
	if (r)
		return r < 0 ? r : refused(fail);
	*stats = sum;
	c->stopped = true;
	return 0;
}

static bool anything_lives(const struct hm_capture *c)
{
	char text[256];
	ssize_t n = c->living < 0 ? -1 : pread(c->living, text, sizeof(text) - 1, 0);

	if (n < 0)
		return c->living < 0 || errno != ENODEV; /* ENODEV: it is gone */
	text[n] = '\0';
	return !strstr(text, "populated 0");
}

void hm_capture_close(struct hm_capture *c)
{
	if (!c)
		return;
	detach(c);
	hm_pressure_close(c->pressure);
	hm_tls_free(c->tls);
	hm_ring_close(c->ring);
	if (c->epoll >= 0)
		close(c->epoll);
	/* What is not cleaned stays taken, and is loaded anew. */
	if (c->stopped && !c->own && !anything_lives(c) && hm_loaded_clean(c->loaded, NULL) < 0)
		c->stopped = false;
	if (c->living >= 0)
		close(c->living);
	hm_capture_unload(c->own);
	free(c->cpu);
	free(c->counters);
	free(c);
}

void hm_capture_cleanup(struct hm_capture **c)
{
	hm_capture_close(*c);
}
