/* Logical time. A thread's clock stands still while it works, and passes
 *
 * - a step at each question. It is less than what a question costs (12 us and more), so that this time never runs ahead of
 *   the real one; a program that does nothing but ask until some time has come gets there, slower.
 * - a catch-up: where real time is a quantum ahead or more, to the last whole quantum. It is so large that the time that work
 *   takes seldom crosses it in one of two runs only.
 *
 * So what a thread reads follows from what it did itself, not from what others did or how fast the machine was. What is
 * beyond whole seconds is each thread's own, and the seconds are shared: a thread that waited long and one that did not tell the same
 * time to a second. */
#include "control_internal.h"

#include "digest.h"

#define STEP 10000ull /* ns */
#define QUANTUM (10 * HM_CONTROL_NS)

uint64_t hm_control_uptime(const struct hm_control_spec *spec)
{
	struct hm_sha256 d;

	hm_derive(&d, spec->seed, "uptime");
	/* From a day to 13 days. */
	return 86400 + ((uint64_t)d.b[0] | (uint64_t)d.b[1] << 8 | (uint64_t)d.b[2] << 16) % (1u << 20);
}

uint64_t hm_control_pass(struct hm_control_clock *clock, struct hm_control_time *time, uint64_t now_ns)
{
	uint64_t real, fine = ++time->asked * STEP;

	if (!clock->begun_ns)
		clock->begun_ns = now_ns;
	real = now_ns - clock->begun_ns;
	if (time->passed < clock->furthest * HM_CONTROL_NS)
		time->passed = clock->furthest * HM_CONTROL_NS;
	if (real >= time->passed + fine + QUANTUM)
		time->passed = real / QUANTUM * QUANTUM;
	if (time->passed / HM_CONTROL_NS > clock->furthest)
		clock->furthest = time->passed / HM_CONTROL_NS;
	return time->passed + fine;
}

bool hm_control_read(struct timespec *out, const struct hm_control_clock *clock, uint64_t passed, int32_t id)
{
	uint64_t ns;

	switch (id) {
	case CLOCK_REALTIME:
	case CLOCK_REALTIME_COARSE:
	case CLOCK_REALTIME_ALARM:
	case CLOCK_TAI:
		ns = clock->start_ns + passed;
		break;
	case CLOCK_MONOTONIC:
	case CLOCK_MONOTONIC_RAW:
	case CLOCK_MONOTONIC_COARSE:
	case CLOCK_BOOTTIME:
	case CLOCK_BOOTTIME_ALARM:
		ns = clock->uptime_s * HM_CONTROL_NS + passed;
		break;
	case CLOCK_PROCESS_CPUTIME_ID:
	case CLOCK_THREAD_CPUTIME_ID:
		ns = passed;
		break;
	default:
		return false;
	}
	*out = (struct timespec){ (time_t)(ns / HM_CONTROL_NS), (long)(ns % HM_CONTROL_NS) };
	return true;
}
