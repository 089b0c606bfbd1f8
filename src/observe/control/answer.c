/* Random numbers and clocks. Flags and ranges are checked as the kernel does. (One thing differs: what the caller may not write
 * to is written over all the same, if it is its own.) */
#include "control_internal.h"

#include <errno.h>
#include <sys/ioctl.h>
#include <sys/random.h>
#include <sys/sysinfo.h>
#include <unistd.h>

#define PIECE 65536u
#define RANDOM_MAX 33554431u /* more than this one call need not give: random(4) */
#define TICK 10000000ull     /* of times(2), ns */
#ifndef GRND_INSECURE
#define GRND_INSECURE 4
#endif

bool hm_control_is_there(const struct hm_control_server *server, const struct hm_control_question *q)
{
	return ioctl(server->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &q->notif->id) == 0;
}

static bool give(const struct hm_control_question *q, uint64_t at, const void *data, size_t len)
{
	return pwrite(q->memory, data, len, (off_t)at) == (ssize_t)len;
}

bool hm_control_give_time(const struct hm_control_question *q, uint64_t at, int64_t seconds, int64_t fraction)
{
	int64_t wide[2] = { seconds, fraction };
	int32_t narrow[2] = { (int32_t)seconds, (int32_t)fraction };

	return q->call->wide ? give(q, at, wide, sizeof(wide)) : give(q, at, narrow, sizeof(narrow));
}

int64_t hm_control_random(struct hm_control_server *server, struct hm_control_question *q)
{
	uint64_t at = q->notif->data.args[0], wanted = q->notif->data.args[1];
	uint32_t flags = (uint32_t)q->notif->data.args[2];
	uint8_t piece[PIECE];
	uint64_t given = 0;

	if (flags & ~(uint32_t)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
	    (flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if (wanted > RANDOM_MAX)
		wanted = RANDOM_MAX;
	while (given < wanted && hm_control_is_there(server, q)) {
		size_t n = wanted - given < PIECE ? (size_t)(wanted - given) : PIECE;

		hm_control_stream(piece, n, server->spec->seed, q->task->tid, q->task->drawn);
		if (!give(q, at + given, piece, n))
			return given ? (int64_t)given : -EFAULT;
		q->task->drawn += n;
		given += n;
	}
	server->counts->random++;
	server->counts->random_bytes += given;
	return (int64_t)given;
}

/* What the thread's clock shows to this question. */
static uint64_t shown(struct hm_control_server *server, struct hm_control_question *q, enum hm_control_clock_kind kind)
{
	server->counts->clock++;
	hm_control_ask(&server->clock, &q->task->time, q->now, hm_control_fast_step(server, q));
	hm_control_fast_give(server, q);
	return hm_control_shows(&server->clock, kind, &q->task->time);
}

int64_t hm_control_clock_gettime(struct hm_control_server *server, struct hm_control_question *q)
{
	enum hm_control_clock_kind kind = hm_control_kind((int32_t)q->notif->data.args[0]);
	uint64_t ns;

	if (kind == HM_CONTROL_FOREIGN) {
		server->counts->left++;
		q->leave = true;
		return 0;
	}
	ns = shown(server, q, kind);
	return hm_control_give_time(q, q->notif->data.args[1], (int64_t)(ns / HM_CONTROL_NS), (int64_t)(ns % HM_CONTROL_NS)) ? 0 : -EFAULT;
}

int64_t hm_control_gettimeofday(struct hm_control_server *server, struct hm_control_question *q)
{
	const __u64 *args = q->notif->data.args;
	static const int32_t zone[2];
	uint64_t ns = shown(server, q, HM_CONTROL_REAL);

	if ((args[0] && !hm_control_give_time(q, args[0], (int64_t)(ns / HM_CONTROL_NS), (int64_t)(ns % HM_CONTROL_NS / 1000))) ||
	    (args[1] && !give(q, args[1], zone, sizeof(zone))))
		return -EFAULT;
	return 0;
}

int64_t hm_control_get_time(struct hm_control_server *server, struct hm_control_question *q)
{
	int64_t now = (int64_t)(shown(server, q, HM_CONTROL_REAL) / HM_CONTROL_NS);

	return q->notif->data.args[0] && !give(q, q->notif->data.args[0], &now, q->call->wide ? 8 : 4) ? -EFAULT : now;
}

/* All time is the caller's own, and none its children's. */
int64_t hm_control_times(struct hm_control_server *server, struct hm_control_question *q)
{
	int64_t passed = (int64_t)(shown(server, q, HM_CONTROL_CPU) / TICK), wide[4] = { passed };
	int32_t narrow[4] = { (int32_t)passed };
	bool good = true;

	if (q->notif->data.args[0])
		good = q->call->wide ? give(q, q->notif->data.args[0], wide, sizeof(wide))
				     : give(q, q->notif->data.args[0], narrow, sizeof(narrow));
	return good ? (int64_t)(server->clock.uptime_s * (HM_CONTROL_NS / TICK)) + passed : -EFAULT;
}

/* How long it is up, and of a machine that does nothing else: no load, half of its memory free, no swap, one process. Random number
 * generators (NSS's) and reports of a machine's health are made of what the kernel would say. */
int64_t hm_control_sysinfo(struct hm_control_server *server, struct hm_control_question *q)
{
	enum { PAGE = 4096 };
	struct sysinfo host, wide = { .procs = 1, .mem_unit = 1 };
	struct {
		int32_t uptime;
		uint32_t loads[3], totalram, freeram, rest[4];
		uint16_t procs, pad;
		uint32_t high[2], mem_unit, filler[2];
	} narrow = { .procs = 1, .mem_unit = PAGE };

	if (sysinfo(&host) < 0)
		return -EFAULT;
	wide.uptime = (long)(shown(server, q, HM_CONTROL_MONOTONIC) / HM_CONTROL_NS);
	wide.totalram = host.totalram * host.mem_unit;
	wide.freeram = wide.totalram / 2;
	narrow.uptime = (int32_t)wide.uptime;
	narrow.totalram = (uint32_t)(wide.totalram / PAGE);
	narrow.freeram = narrow.totalram / 2;
	return (q->call->wide ? give(q, q->notif->data.args[0], &wide, sizeof(wide)) : give(q, q->notif->data.args[0], &narrow, sizeof(narrow))) ? 0 : -EFAULT;
}
