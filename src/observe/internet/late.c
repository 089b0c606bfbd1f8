/* DNS answers that are kept back. In an experiment names take as long as they take elsewhere, and until the product waits for something: a
 * program that asks and goes on would else find the answer there or not, by chance, at its next look, allocate one thing before the other,
 * and so draw other numbers (addresses go into OpenSSL's generator), or ask the next question earlier in one run than in its twin. They come one by one, in the
 * order of the questions. That is over after the first thousand, so that who asks for names all day is not held up, and the waiting
 * after some seconds, for the sake of those of whom something always runs. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "internet_internal.h"

enum {
	LATE_MAX = 1000,
	LATE_US = 10000,
	LOOK_US = 2000,
	CALM = 2,	     /* looks at which nothing runs: a thread sleeps for a moment, too, until a call is answered by whoever controls it */
	HELD_MAX_US = 5000000, /* in all */
	THREADS_BYTES = 4096 /* of numbers; of who has more threads those count */
};

struct late {
	struct late *next;
	struct sockaddr_in to, called;
	struct hm_bytes bytes;
	struct lates *of;
	bool due;
};

struct lates {
	struct late *first, **end;
	const struct timeval *wait; /* the base's, which keeps what waits so long in its order */
	struct event *look;
	int threads; /* the product's cgroup.threads; -1: not known */
	unsigned count, calm, held_us;
};

static bool sleeps(const char *tid)
{
	char path[64], text[512] = "";
	const char *state;
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%s/stat", tid);
	HM_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	if (n <= 0)
		return true; /* it has ended */
	text[n] = 0;
	state = strrchr(text, ')');
	return !state || state[1] != ' ' || (state[2] != 'R' && state[2] != 'D');
}

static bool nothing_runs(const struct lates *l)
{
	char text[THREADS_BYTES], *save = NULL;
	ssize_t n = pread(l->threads, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = 0;
	for (const char *tid = strtok_r(text, "\n", &save); tid; tid = strtok_r(NULL, "\n", &save))
		if (!sleeps(tid))
			return false;
	return true;
}

static bool product_waits(struct lates *l)
{
	if (l->threads < 0 || l->held_us >= HELD_MAX_US)
		return true;
	l->calm = nothing_runs(l) ? l->calm + 1 : 0;
	return l->calm >= CALM;
}

static void give(struct lates *l)
{
	static const struct timeval again = { 0, LOOK_US };

	while (l->first && l->first->due) {
		struct late *late = l->first;

		if (!product_waits(l) && evtimer_add(l->look, &again) == 0)
			return;
		l->first = late->next;
		if (!l->first)
			l->end = &l->first;
		l->calm = 0;
		hm_internet_udp_answer(&late->to, &late->called, hm_slice_of(&late->bytes));
		hm_bytes_release(&late->bytes);
		free(late);
	}
}

static void on_look(evutil_socket_t fd HM_UNUSED, short what HM_UNUSED, void *user)
{
	struct lates *l = user;

	l->held_us += LOOK_US;
	give(l);
}

static void on_due(evutil_socket_t fd HM_UNUSED, short what HM_UNUSED, void *user)
{
	struct late *late = user;
	struct lates *l = late->of;

	late->due = true;
	if (!evtimer_pending(l->look, NULL))
		give(l);
}

bool hm_internet_late(struct lates *l, const struct sockaddr_in *to, const struct sockaddr_in *called, struct hm_bytes *bytes)
{
	struct late *late;

	if (!l || l->count >= LATE_MAX)
		return false;
	l->count++;
	late = hm_alloc(1, sizeof(*late));
	*late = (struct late){ .to = *to, .called = *called, .bytes = *bytes, .of = l };
	*bytes = (struct hm_bytes){ 0 };
	*l->end = late;
	l->end = &late->next;
	if (event_base_once(event_get_base(l->look), -1, EV_TIMEOUT, on_due, late, l->wait) < 0)
		on_due(-1, 0, late);
	return true;
}

int hm_internet_late_open(struct lates **ret, struct event_base *base, int product, struct hm_fail *fail)
{
	static const struct timeval wait = { 0, LATE_US };
	struct lates *l = hm_alloc(1, sizeof(*l));

	/* A timer of its own for each answer goes to a heap, which tells those that are due at the same time in any order. */
	*l = (struct lates){ .end = &l->first, .wait = event_base_init_common_timeout(base, &wait), .threads = -1 };
	l->look = evtimer_new(base, on_look, l);
	*ret = l;
	if (!l->wait || !l->look)
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot keep answers back");
	if (product > 0)
		l->threads = openat(product, "cgroup.threads", O_RDONLY | O_CLOEXEC);
	return 0;
}
