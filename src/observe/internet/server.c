/* The chamber's internet as a process: it builds the link, lets its privileges go, and then answers and captures in one
 * event loop until the parent says stop. It dies with its parent, and its network namespace with it; because it holds
 * the chamber's namespace open, the link stands until the last packet is read even when the chamber ended before. */
#include <bpf/bpf.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

#include "internet_internal.h"
#include "pcapng.h"

#include <internet.skel.h>

enum {
	NOBODY = 65534,
	QUIET_US = 50000,  /* the link counts as quiet after that */
	SETTLE_US = 40000, /* the least time after stop, so that a block of the capture ring is handed over */
	DRAIN_US = 1000000,
	KEEP_MAX = 300,
	SECRETS_AT_ONCE = 1 << 20,
};

struct child {
	struct server_spec *spec;
	struct server server;
	struct packets *packets;
	struct internet_bpf *bpf;
	struct event *control, *tick;
	uint64_t stop_us;
	bool orphan;
};

static int compare_int(const void *a, const void *b)
{
	return *(const int *)a - *(const int *)b;
}

/* Everything that the parent had open and that is not this process's business. */
static void close_others(const struct server_spec *spec)
{
	int keep[KEEP_MAX] = { spec->chamber, spec->packets, spec->control }, from = 3;
	size_t count = 3;

	if (spec->ways >= 0)
		keep[count++] = spec->ways;
	if (spec->product > 0)
		keep[count++] = spec->product;
	for (size_t i = 0; i < spec->scenario->http_count && count < KEEP_MAX; i++)
		if (spec->scenario->http[i].fd >= 0)
			keep[count++] = spec->scenario->http[i].fd;
	qsort(keep, count, sizeof(*keep), compare_int);
	for (size_t i = 0; i < count; i++) {
		if (keep[i] > from)
			(void)close_range((unsigned)from, (unsigned)keep[i] - 1, 0);
		if (keep[i] >= from)
			from = keep[i] + 1;
	}
	(void)close_range((unsigned)from, ~0u, 0);
}

static int die_with_parent(const struct server_spec *spec, struct hm_fail *fail)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return hm_fail_errno(fail, "cannot tie the chamber's internet to its parent");
	if (getppid() != spec->parent)
		_exit(1);
	return 0;
}

static int be_a_child(const struct server_spec *spec, struct hm_fail *fail)
{
	/* Ctrl-C reaches the whole group of processes; the parent stops this one in order. */
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE, SIGXFSZ };
	sigset_t none;
	int null;

	if (die_with_parent(spec, fail) < 0)
		return fail->code;
	prctl(PR_SET_NAME, "hallmark-net");
	for (size_t i = 0; i < HM_COUNT(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	close_others(spec);
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || dup2(null, 0) < 0 || dup2(null, 1) < 0)
		return hm_fail_errno(fail, "cannot open /dev/null");
	close(null);
	return 0;
}

/* What is left is uid nobody with CAP_NET_RAW, which a socket needs to speak for any address. */
static int drop_privileges(const struct server_spec *spec, struct hm_fail *fail)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct caps[2] = { { .effective = 1u << CAP_NET_RAW, .permitted = 1u << CAP_NET_RAW } };

	if (prctl(PR_SET_KEEPCAPS, 1) < 0 || setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 ||
	    setresuid(NOBODY, NOBODY, NOBODY) < 0 || syscall(SYS_capset, &head, caps) < 0 ||
	    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return hm_fail_errno(fail, "cannot drop the privileges of the chamber's internet");
	/* A change of user takes the tie away. */
	return die_with_parent(spec, fail);
}

static int silent(enum libbpf_print_level level HM_UNUSED, const char *format HM_UNUSED, va_list args HM_UNUSED)
{
	return 0;
}

static int every_port(struct child *c, int own, struct hm_fail *fail)
{
	const int sockets[] = { c->server.tcp, c->server.udp,
				c->server.dns }; /* in the order of enum internet_socket */

	libbpf_set_print(silent);
	c->bpf = internet_bpf__open_and_load();
	if (!c->bpf)
		return hm_fail_errno(
		    fail, "cannot load the program that answers every port (hallmark doctor tells what is missing)");
	for (uint32_t i = 0; i < HM_COUNT(sockets); i++) {
		uint64_t fd = (uint64_t)sockets[i];

		if (bpf_map_update_elem(bpf_map__fd(c->bpf->maps.sockets), &i, &fd, BPF_ANY) < 0)
			return hm_fail_errno(fail, "cannot hand a socket to the program that answers every port");
	}
	c->bpf->links.every_port = bpf_program__attach_netns(c->bpf->progs.every_port, own);
	if (!c->bpf->links.every_port)
		return hm_fail_errno(fail, "cannot attach the program that answers every port");
	return 0;
}

static void on_control(evutil_socket_t fd, short what HM_UNUSED, void *user)
{
	struct child *c = user;
	struct timeval tick = { 0, 10000 };
	char order;

	if (recv(fd, &order, 1, 0) != 1) {
		c->orphan = true;
		event_base_loopbreak(c->server.base);
		return;
	}
	c->stop_us = hm_internet_now_us();
	event_add(c->tick, &tick);
}

static void on_tick(evutil_socket_t fd HM_UNUSED, short what HM_UNUSED, void *user)
{
	struct child *c = user;
	uint64_t now = hm_internet_now_us(), since = now - c->stop_us;

	if (since > DRAIN_US || (since > SETTLE_US && now - hm_internet_packets_last(c->packets) > QUIET_US))
		event_base_loopbreak(c->server.base);
}

int64_t hm_internet_clock(const struct server *s)
{
	struct timespec t;

	if (s->clock)
		return s->clock;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * NS_PER_S + t.tv_nsec;
}

static int set_up(struct child *c, struct hm_fail *fail)
{
	struct server *s = &c->server;
	const struct tls_spec tls = { c->spec->secret, c->spec->noise, hm_internet_clock(s) / NS_PER_S, c->spec->wrong };
	HM_CLOSE int own = -1;

	if (unshare(CLONE_NEWNET) < 0)
		return hm_fail_errno(fail, "cannot make a network namespace (run as root)");
	own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (own < 0)
		return hm_fail_errno(fail, "cannot open /proc/self/ns/net");
	s->base = event_base_new();
	if (!s->base)
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot make an event loop");
	if (s->clock && hm_internet_late_open(&s->lates, s->base, c->spec->product, fail) < 0)
		return fail->code;
	if (hm_internet_net_create(c->spec->chamber, own, c->spec->mac, c->spec->address, fail) < 0 ||
	    hm_internet_packets_open(&c->packets, s->base, c->spec->packets, c->spec->wire, fail) < 0 ||
	    hm_internet_tls_open(&s->tls, &tls, fail) < 0 || hm_internet_udp_open(s, fail) < 0 || hm_internet_tcp_open(s, fail) < 0 ||
	    every_port(c, own, fail) < 0 ||
	    hm_internet_udp_start(s, fail) < 0 || hm_internet_tcp_start(s, fail) < 0)
		return fail->code;
	c->control = event_new(s->base, c->spec->control, EV_READ | EV_PERSIST, on_control, c);
	c->tick = event_new(s->base, -1, EV_PERSIST, on_tick, c);
	if (!c->control || !c->tick || event_add(c->control, NULL) < 0)
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot wait for the parent");
	return hm_internet_net_join(c->spec->chamber, own, c->spec->address, fail);
}

/* What stands before the packets: the keys, in blocks that other readers take, and the names. */
static void put_head(struct child *c, struct hm_bytes *head)
{
	struct hm_slice keys = hm_internet_tls_keys(c->server.tls);

	while (keys.len) {
		size_t len = keys.len < SECRETS_AT_ONCE ? keys.len : SECRETS_AT_ONCE;

		while (keys.data[len - 1] != '\n')
			len--;
		hm_pcapng_secrets(head, (struct hm_slice){ keys.data, len });
		keys.data += len;
		keys.len -= len;
	}
	hm_internet_names_block(&c->server.names, head);
}

static void finish(struct child *c, struct server_report *r)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes head = { 0 };

	put_head(c, &head);
	if (hm_internet_packets_finish(c->packets, hm_slice_of(&head), &r->stats, &r->fail) == 0 && !c->stop_us)
		hm_fail_set(&r->fail, HM_E_SYSTEM, "the chamber's internet ended unasked: its packets are not complete");
	r->stats.tls = hm_internet_tls_stats(c->server.tls);
}

static void report(const struct server_spec *spec, const struct server_report *r)
{
	if (send(spec->control, r, sizeof(*r), MSG_NOSIGNAL) != (ssize_t)sizeof(*r))
		_exit(1);
}

static void only_loopback(const struct server_spec *spec, struct hm_fail *fail)
{
	HM_CLOSE int own = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (own < 0)
		hm_fail_errno(fail, "cannot open /proc/self/ns/net");
	else
		fail->code = hm_internet_net_closed(spec->chamber, own, fail);
}

_Noreturn void hm_internet_server(struct server_spec *spec)
{
	static struct child c; /* one child, one process */
	struct server_report r = { 0 };

	c.spec = spec;
	c.server.scenario = spec->scenario;
	c.server.clock = spec->clock;
	c.server.replay = spec->replay;
	c.server.ways = spec->ways;
	if (be_a_child(spec, &r.fail) == 0 && spec->closed)
		only_loopback(spec, &r.fail);
	else if (r.fail.code == 0 && set_up(&c, &r.fail) == 0)
		r.fail.code = drop_privileges(spec, &r.fail);
	report(spec, &r);
	if (r.fail.code || spec->closed)
		_exit(r.fail.code ? 1 : 0);
	event_base_dispatch(c.server.base);
	if (c.orphan)
		_exit(1);
	finish(&c, &r);
	report(spec, &r);
	_exit(0);
}
