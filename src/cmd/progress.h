#pragma once
/* How far an experiment has come, for whoever waits: a line that is rewritten on a terminal, a line a minute elsewhere. */
#include "fail.h"

#include <stdbool.h>
#include <stdint.h>

struct hm_progress {
	unsigned of, pair; /* pairs in all; the one at work, from 1 */
	bool at_most;	   /* it may end before: how long that takes is not told */
	unsigned ended;	   /* in this process: by these the time is told that is left */
	uint64_t begun_ns, pair_ns, said_ns;
	char what[96];
};

/* Before the first pair; `of` are planned in all. */
void hm_progress_begin(struct hm_progress *p, unsigned of);
/* The next pair begins; `factor` may be NULL. */
void hm_progress_pair(struct hm_progress *p, unsigned pair, const char *phase, const char *factor);
/* The pair at work has ended. */
void hm_progress_ended(struct hm_progress *p);
/* Says it when it is time. */
void hm_progress_say(struct hm_progress *p);
/* The time in words, appended as text: "40 s", "3 min", "2 h 10 min". */
void hm_progress_time(char out[32], uint64_t seconds);
