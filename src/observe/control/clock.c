/* Logical time. A thread's clock stands still while it works. It has two parts: what has passed, which is what clocks show, and a purse of
 * small change, which no clock shows. They grow by
 *
 * - a step at each question, into the purse. It is less than what a question costs (12 us and more, or some 10 ns where the process
 *   answers it itself: fast.c), so that this time hardly ever runs ahead of the real one; a program that does nothing but ask until
 *   some time has come gets there, slower.
 * - what it waited for: as long as it had asked to wait, no matter how much later it was woken. A wait that something ended
 *   early does not count. Short ones go into the purse.
 * - a catch-up: where real time is a quantum ahead or more, to the last whole quantum. It is so large that the time that work
 *   takes seldom crosses it in one of two runs only.
 *
 * A purse that is full is emptied into what has passed. How often a program goes around its loop while it waits for an answer,
 * asking for the time and waiting a little, is chance; and how often it asks for the time says how much it did: Python does so
 * for each file that it reads, and the C library numbers its DNS queries by the time. So what programs send and seed
 * generators with must not depend on it. The price: what waits for less than the purse by a clock waits until the purse is full.
 *
 * What a thread reads follows from what it did itself, not from what others did or how fast the machine was. What is
 * beyond whole seconds is each thread's own, and the seconds are shared: a thread that waited long and one that did not tell the
 * same time to a second. A process begins with what its parent's first thread had waited. */
#include "control_internal.h"

#include "digest.h"

#define SHORT 100000000ull
#define PURSE 250000000ull
#define MS 1000000ull
#define QUANTUM (10 * HM_CONTROL_NS)

uint64_t hm_control_uptime(const struct hm_control_spec *spec)
{
	struct hm_sha256 d;

	hm_derive(&d, spec->seed, "uptime");
	/* From a day to 13 days. */
	return 86400 + ((uint64_t)d.b[0] | (uint64_t)d.b[1] << 8 | (uint64_t)d.b[2] << 16) % (1u << 20);
}

static void put(struct hm_control_clock *clock, struct hm_control_time *time, uint64_t into_purse)
{
	time->purse += into_purse;
	time->passed += time->purse / PURSE * PURSE;
	time->purse %= PURSE;
	if (time->passed / HM_CONTROL_NS > clock->furthest)
		clock->furthest = time->passed / HM_CONTROL_NS;
}

void hm_control_settle(struct hm_control_clock *clock, struct hm_control_time *time, uint64_t now_ns)
{
	uint64_t waited = time->wait && now_ns - time->wait_begun >= time->wait ? time->wait : 0;

	if (!clock->begun_ns)
		clock->begun_ns = now_ns;
	time->wait = 0;
	/* Up to the next millisecond: what is below comes from the steps, where a program computes how long to wait. */
	waited = (waited + MS - 1) / MS * MS;
	if (waited >= SHORT)
		time->passed += waited;
	if (time->passed < clock->furthest * HM_CONTROL_NS)
		time->passed = clock->furthest * HM_CONTROL_NS;
	put(clock, time, waited < SHORT ? waited : 0);
}

void hm_control_await(struct hm_control_time *time, uint64_t now_ns, uint64_t length)
{
	time->wait = length;
	time->wait_begun = now_ns;
}

uint64_t hm_control_until_change(const struct hm_control_time *time)
{
	return PURSE - 1 - time->purse;
}

void hm_control_asked(struct hm_control_clock *clock, struct hm_control_time *time, uint64_t questions)
{
	put(clock, time, questions * HM_CONTROL_QUICK);
}

void hm_control_ask(struct hm_control_clock *clock, struct hm_control_time *time, uint64_t now_ns, uint64_t step)
{
	uint64_t real;

	hm_control_settle(clock, time, now_ns);
	put(clock, time, step);
	real = now_ns - clock->begun_ns;
	if (real >= time->passed + time->purse + QUANTUM) {
		time->passed = real / QUANTUM * QUANTUM;
		time->purse = 0;
		put(clock, time, 0);
	}
}

/* CPU clocks of any process, as clock_getcpuclockid(3) makes them. The two low bits tell these from a device's clock. */
static bool is_cpu_clock(int32_t id)
{
	return id == CLOCK_PROCESS_CPUTIME_ID || id == CLOCK_THREAD_CPUTIME_ID || (id < 0 && (id & 3) != 3);
}

enum hm_control_clock_kind hm_control_kind(int32_t id)
{
	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		return HM_CONTROL_REAL;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		return HM_CONTROL_MONOTONIC;
	default:
		return is_cpu_clock(id) ? HM_CONTROL_CPU : HM_CONTROL_FOREIGN;
	}
}

uint64_t hm_control_shows(const struct hm_control_clock *clock, enum hm_control_clock_kind kind, const struct hm_control_time *time)
{
	return time->passed + (kind == HM_CONTROL_REAL ? clock->start_ns : kind == HM_CONTROL_MONOTONIC ? clock->uptime_s * HM_CONTROL_NS : 0);
}
