/* The parent's side: starts the process that is the chamber's internet, and stops it. */
#include "internet.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "fs.h"
#include "internet_internal.h"
#include "pcapng.h"

enum { START_TIMEOUT_MS = 30000, STOP_TIMEOUT_MS = 120000 };

struct hm_internet {
	pid_t child; /* 0 when it was reaped, or there never was one */
	pid_t ways;  /* in mode gateway; the same */
	int control;
	uint64_t room; /* bytes of the capture's ring; 0 where nothing is captured */
};

static int open_chamber(pid_t chamber, struct hm_fail *fail)
{
	HM_FREE char *path = hm_sprintf("/proc/%d/ns/net", (int)chamber);
	HM_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat theirs, ours;

	if (fd < 0)
		return hm_fail_errno(fail, "cannot open the chamber's network namespace %s", path);
	if (fstat(fd, &theirs) < 0 || stat("/proc/self/ns/net", &ours) < 0)
		return hm_fail_errno(fail, "cannot tell the chamber's network namespace");
	/* Or the host's own network would be set up as the chamber's. */
	if (theirs.st_ino == ours.st_ino && theirs.st_dev == ours.st_dev)
		return hm_fail_set(fail, HM_E_USAGE,
				   "cannot make the chamber's internet: process %d has no network namespace of "
				   "its own",
				   (int)chamber);
	return hm_take_fd(&fd);
}

static int create_packets(const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes start = { 0 };
	HM_CLOSE int fd = open(path, O_RDWR | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0600);

	if (fd < 0)
		return hm_fail_errno(fail, "cannot create the packet file %s", path);
	hm_pcapng_start(&start, 0);
	if (hm_fs_write_all(fd, hm_slice_of(&start), fail) < 0)
		return hm_fail_in(fail, "%s", path);
	return hm_take_fd(&fd);
}

/* The child's next report. A child that ended without one is told with what waitpid says of it. */
static int read_report(struct hm_internet *net, struct server_report *r, int timeout_ms, struct hm_fail *fail)
{
	struct pollfd p = { .fd = net->control, .events = POLLIN };
	int n, status = 0;
	ssize_t got;

	do
		n = poll(&p, 1, timeout_ms);
	while (n < 0 && errno == EINTR);
	if (n == 0)
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot reach the chamber's internet: no answer within %d s",
				   timeout_ms / 1000);
	got = recv(net->control, r, sizeof(*r), 0);
	if (got == (ssize_t)sizeof(*r)) {
		r->fail.text[sizeof(r->fail.text) - 1] = 0;
		return 0;
	}
	if (waitpid(net->child, &status, 0) == net->child)
		net->child = 0;
	if (WIFSIGNALED(status))
		return hm_fail_set(fail, HM_E_SYSTEM,
				   "the chamber's internet died of signal %d: its packets are not complete",
				   WTERMSIG(status));
	return hm_fail_set(fail, HM_E_SYSTEM, "the chamber's internet ended unasked: its packets are not complete");
}

uint64_t hm_internet_room(const struct hm_internet *net)
{
	return net->room;
}

static int start_child(struct hm_internet *net, struct server_spec *spec, struct hm_fail *fail)
{
	HM_CLOSE int ours = -1, theirs = -1;
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return hm_fail_errno(fail, "cannot make a pair of sockets");
	ours = pair[0];
	theirs = pair[1];
	spec->control = theirs;
	spec->parent = getpid();
	net->child = fork();
	if (net->child < 0) {
		net->child = 0;
		return hm_fail_errno(fail, "cannot fork");
	}
	if (net->child == 0)
		hm_internet_server(spec);
	net->control = hm_take_fd(&ours);
	return 0;
}

static int reap(pid_t *child, struct hm_fail *fail)
{
	pid_t r;

	do
		r = waitpid(*child, NULL, 0);
	while (r < 0 && errno == EINTR);
	*child = 0;
	return r < 0 ? hm_fail_errno(fail, "cannot wait for the chamber's internet") : 0;
}

static int start(struct hm_internet *net, struct server_spec *server, const struct hm_internet_spec *spec,
		 struct hm_fail *fail)
{
	HM_CLEANUP(hm_internet_scenario_release) struct scenario scenario = { 0 };
	HM_CLEANUP(hm_internet_replay_release) struct replay replay = { 0 };
	HM_CLOSE int ways = -1;
	struct server_report r;

	server->scenario = &scenario;
	server->closed = spec->mode == HM_INTERNET_CLOSED;
	server->replay = spec->mode == HM_INTERNET_REPLAY ? &replay : NULL;
	if (server->replay && hm_internet_replay_read(&replay, spec->scenario, fail) < 0)
		return fail->code;
	if (spec->mode == HM_INTERNET_SIMULATED && hm_internet_scenario_read(&scenario, spec->scenario, spec->mirror, fail) < 0)
		return fail->code;
	if (!server->closed) {
		net->room = HM_INTERNET_RING - HM_INTERNET_RING / 32; /* a block's end may stay empty */
		server->wire = spec->wire;
	}
	if (spec->mode == HM_INTERNET_GATEWAY) {
		ways = hm_internet_ways_start(&net->ways, spec->network, fail);
		if (ways < 0)
			return ways;
	}
	server->ways = ways;
	if (start_child(net, server, fail) < 0 || read_report(net, &r, START_TIMEOUT_MS, fail) < 0)
		return fail->code;
	if (r.fail.code) {
		*fail = r.fail;
		return fail->code;
	}
	return server->closed ? reap(&net->child, fail) : 0;
}

int hm_internet_open(struct hm_internet **ret, const struct hm_internet_spec *spec, struct hm_fail *fail)
{
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = hm_alloc(1, sizeof(*net));
	HM_CLOSE int chamber = -1, packets = -1;
	struct hm_fail unused;
	struct server_spec server = { 0 };
	uint8_t once[HM_INTERNET_SECRET];

	fail = fail ? fail : &unused;
	net->control = -1;
	chamber = open_chamber(spec->chamber, fail);
	if (chamber < 0)
		return chamber;
	packets = create_packets(spec->packets, fail);
	if (packets < 0)
		return packets;
	if (!spec->secret && getrandom(once, sizeof(once), 0) != sizeof(once))
		return hm_fail_errno(fail, "cannot draw the secret of the chamber's authority");
	server.secret = spec->secret ? spec->secret : once;
	server.noise = spec->noise ? spec->noise : server.secret;
	server.clock = spec->clock;
	server.product = spec->product;
	server.wrong = spec->wrong;
	server.mac = spec->mac;
	server.address = spec->address ? spec->address : HM_CHAMBER_ADDRESS;
	server.chamber = chamber;
	server.packets = packets;
	if (start(net, &server, spec, fail) < 0)
		return fail->code;
	*ret = hm_take_ptr(&net);
	return 0;
}

int hm_internet_stop(struct hm_internet *net, struct hm_internet_stats *stats, struct hm_fail *fail)
{
	struct hm_fail unused;
	struct server_report r;

	fail = fail ? fail : &unused;
	*stats = (struct hm_internet_stats){ 0 };
	if (!net->child)
		return 0;
	if (send(net->control, "s", 1, MSG_NOSIGNAL) != 1 && errno != EPIPE)
		return hm_fail_errno(fail, "cannot stop the chamber's internet");
	if (read_report(net, &r, STOP_TIMEOUT_MS, fail) < 0 || reap(&net->child, fail) < 0)
		return fail->code;
	*stats = r.stats;
	if (r.fail.code)
		*fail = r.fail;
	return r.fail.code;
}

void hm_internet_close(struct hm_internet *net)
{
	if (!net)
		return;
	if (net->child) {
		kill(net->child, SIGKILL);
		(void)!reap(&net->child, NULL);
	}
	if (net->ways) {
		kill(net->ways, SIGKILL);
		(void)!reap(&net->ways, NULL);
	}
	if (net->control >= 0)
		close(net->control);
	free(net);
}

void hm_internet_cleanup(struct hm_internet **net)
{
	hm_internet_close(*net);
}
