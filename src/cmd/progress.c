#include "progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "program.h"

#define NS_PER_S 1000000000ull
#define EVERY_NS (60 * NS_PER_S) /* where there is no terminal */

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

void hm_progress_begin(struct hm_progress *p, unsigned of)
{
	*p = (struct hm_progress){ .of = of, .begun_ns = now_ns() };
	p->said_ns = p->begun_ns;
}

void hm_progress_pair(struct hm_progress *p, unsigned pair, const char *phase, const char *factor)
{
	p->pair = pair;
	p->pair_ns = now_ns();
	snprintf(p->what, sizeof(p->what), "%s%s%s", phase, factor ? " " : "", factor ? factor : "");
	hm_progress_say(p);
}

void hm_progress_ended(struct hm_progress *p)
{
	p->ended++;
}

void hm_progress_time(char out[32], uint64_t seconds)
{
	if (seconds < 100)
		snprintf(out, 32, "%" PRIu64 " s", seconds);
	else if (seconds < 100 * 60)
		snprintf(out, 32, "%" PRIu64 " min", (seconds + 30) / 60);
	else
		snprintf(out, 32, "%" PRIu64 " h %" PRIu64 " min", seconds / 3600, seconds / 60 % 60);
}

/* As long as the pairs so far took on average; nothing before the first has ended. */
static void tell_left(const struct hm_progress *p, uint64_t now, char out[48])
{
	uint64_t each, left, spent = now - p->pair_ns;
	char time[32];

	out[0] = 0;
	if (!p->ended || p->at_most)
		return;
	each = (p->pair_ns - p->begun_ns) / p->ended;
	left = each * (p->of - p->pair + 1);
	left -= spent < each ? spent : each;
	hm_progress_time(time, left / NS_PER_S + 1);
	snprintf(out, 48, ", %s left", time);
}

void hm_progress_say(struct hm_progress *p)
{
	uint64_t now = now_ns();
	char left[48];

	if (hm_program_stopped()) {
		hm_program_progress("ending pair %u of %u, what was done is kept (a second signal stops at once)", p->pair, p->of);
		return;
	}
	tell_left(p, now, left);
	hm_program_progress("pair %u of %s%u (%s)%s", p->pair, p->at_most ? "at most " : "", p->of, p->what, left);
	if (isatty(STDERR_FILENO) || now - p->said_ns < EVERY_NS)
		return;
	p->said_ns = now;
	hm_program_note("pair %u of %s%u (%s)%s", p->pair, p->at_most ? "at most " : "", p->of, p->what, left);
}
