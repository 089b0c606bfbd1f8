/* hm_run expects to be alone in its process: it becomes single-threaded before it clones the chamber, and what it starts dies
 * with the thread that started it. So each twin is a process. What it has to say comes back through a pipe: the result as it
 * lies in memory, for both ends are this very program. */
#include "twins.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs.h"
#include "program.h"

#define ABSENT_MAX (1u << 20)
#define TICK_MS 200

/* What a twin says: that it stands, that its product is dead, and that it has ended, of which the first two may not come. */
enum { READY = 'r', DEAD = 'd', ENDED = 'e' };

struct word { /* what it says at its end, behind ENDED; `absent` bytes follow */
	struct hm_run_result result, then_result;
	int code;
	struct hm_fail fail;
	size_t absent;
};

struct child {
	pid_t pid;
	int pipe, go; /* from it, to it */
	bool ready, ended;
};

struct hm_twins {
	struct hm_twin *twin;
	struct child child[HM_TWINS];
	size_t count;
	struct hm_twins_watch watch;
	bool begun, told; /* that they are to end */
};

/* ---- in the twin's process ---- */

struct gate {
	int to, from;
};

static int say(int to, uint8_t byte, struct hm_fail *fail)
{
	return hm_fs_write_all(to, (struct hm_slice){ &byte, 1 }, fail);
}

static int say_dead(void *cookie, struct hm_fail *fail)
{
	return say(((struct gate *)cookie)->to, DEAD, fail);
}

static int wait_for_go(void *cookie, struct hm_fail *fail)
{
	struct gate *gate = cookie;
	uint8_t byte;
	ssize_t n;

	if (say(gate->to, READY, fail) < 0)
		return fail->code;
	while ((n = read(gate->from, &byte, 1)) < 0 && errno == EINTR && !hm_program_stopped())
		;
	if (n == 1)
		return 0;
	return hm_program_stopped() ? hm_fail_set(fail, HM_E_INTERRUPTED, "interrupted before the product began")
				    : hm_fail_set(fail, HM_E_SYSTEM, "the surroundings of its twin could not be made");
}

static void do_runs(struct hm_twin *twin)
{
	struct hm_run_result results[2];

	if (!twin->then) {
		twin->code = hm_run(&twin->result, twin->spec, &twin->fail);
		return;
	}
	twin->code = hm_run_twice(results, twin->spec, twin->then, &twin->fail);
	twin->result = results[0];
	twin->then_result = results[1];
}

static void live(struct hm_twin *twin, struct gate *gate)
{
	struct word word;

	twin->spec->ready = wait_for_go;
	twin->spec->dead = say_dead;
	twin->spec->cookie = gate;
	do_runs(twin);
	word = (struct word){ twin->result, twin->then_result, twin->code, twin->fail, twin->result.absent.len };
	word.result.absent = word.then_result.absent = (struct hm_bytes){ 0 };
	if (say(gate->to, ENDED, NULL) < 0 || hm_fs_write_all(gate->to, (struct hm_slice){ (const uint8_t *)&word, sizeof(word) }, NULL) < 0 ||
	    hm_fs_write_all(gate->to, hm_slice_of(&twin->result.absent), NULL) < 0)
		_exit(1);
	_exit(0);
}

/* ---- in ours ---- */

static int start(struct hm_twins *pair, struct hm_twin *twin, struct hm_fail *fail)
{
	struct child *child = &pair->child[pair->count];
	pid_t parent = getpid();
	int word[2], go[2];

	if (pipe2(word, O_CLOEXEC) < 0)
		return hm_fail_errno(fail, "starting a run");
	if (pipe2(go, O_CLOEXEC) < 0) {
		close(word[0]);
		close(word[1]);
		return hm_fail_errno(fail, "starting a run");
	}
	child->pid = fork();
	if (child->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		close(go[1]);
		for (size_t i = 0; i < pair->count; i++)
			close(pair->child[i].go); /* else the first would wait for ever when we are killed */
		live(twin, &(struct gate){ word[1], go[0] });
	}
	close(word[1]);
	close(go[0]);
	child->pipe = word[0];
	child->go = go[1];
	pair->count++;
	return child->pid < 0 ? hm_fail_errno(fail, "starting a run") : 0;
}

static void look_around(struct hm_twins *pair)
{
	if (pair->watch.tick)
		pair->watch.tick(pair->watch.cookie);
	if (pair->told || !pair->watch.stopped())
		return;
	pair->told = true;
	for (size_t i = 0; i < pair->count; i++)
		if (pair->child[i].pid > 0)
			kill(pair->child[i].pid, SIGTERM);
}

/* Reads until `len` bytes are there. */
static int hear(struct hm_twins *pair, size_t which, void *to, size_t len, struct hm_fail *fail)
{
	for (size_t at = 0; at < len;) {
		struct pollfd wait = { .fd = pair->child[which].pipe, .events = POLLIN };
		ssize_t n;

		look_around(pair);
		if (poll(&wait, 1, TICK_MS) <= 0)
			continue;
		n = read(wait.fd, (uint8_t *)to + at, len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return hm_fail_set(fail, HM_E_SYSTEM, "a run's process ended without a word");
		at += (size_t)n;
	}
	return 0;
}

static int finish(struct hm_twins *pair, size_t which, struct hm_twin *twin, struct hm_fail *fail)
{
	struct word word;
	int r = hear(pair, which, &word, sizeof(word), fail);

	if (r == 0 && word.absent > ABSENT_MAX)
		r = hm_fail_set(fail, HM_E_SYSTEM, "a run's process said nonsense");
	if (r < 0)
		return r;
	twin->result = word.result;
	twin->then_result = word.then_result;
	twin->code = word.code;
	twin->fail = word.fail;
	if (word.absent == 0)
		return 0;
	r = hear(pair, which, hm_bytes_reserve(&twin->result.absent, word.absent), word.absent, fail);
	twin->result.absent.len = r == 0 ? word.absent : 0;
	return r;
}

/* Its next word; ENDED also where it ended without one. */
static uint8_t next_word(struct hm_twins *pair, size_t which)
{
	uint8_t byte = ENDED;

	if (!pair->child[which].ended)
		pair->child[which].ended = hear(pair, which, &byte, 1, NULL) < 0 || byte == ENDED;
	return pair->child[which].ended ? ENDED : byte;
}

static void release(struct hm_twins *pair)
{
	for (size_t i = 0; i < pair->count; i++) {
		if (pair->child[i].go >= 0)
			close(pair->child[i].go);
		close(pair->child[i].pipe);
		while (pair->child[i].pid > 0 && waitpid(pair->child[i].pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	free(pair);
}

static void open_gates(struct hm_twins *pair, bool begun)
{
	pair->begun = begun;
	for (size_t i = 0; i < pair->count; i++) {
		if (pair->child[i].go < 0)
			continue;
		/* One that is dead by now says no word, and that is heard. */
		if (begun)
			(void)!write(pair->child[i].go, "g", 1);
		close(hm_take_fd(&pair->child[i].go));
	}
}

int hm_twins_set_up(struct hm_twins **ret, struct hm_twin *twins, size_t count, const struct hm_twins_watch *watch, struct hm_fail *fail)
{
	struct hm_twins *pair = hm_alloc(1, sizeof(*pair));
	int r = 0;

	pair->watch = *watch;
	pair->twin = twins;
	for (size_t i = 0; i < count && r == 0; i++) {
		twins[i].result = (struct hm_run_result){ 0 };
		r = start(pair, &twins[i], fail);
	}
	if (r < 0)
		release(pair); /* what was begun meets a closed gate */
	else
		*ret = pair;
	return r;
}

bool hm_twins_go(struct hm_twins *pair)
{
	bool all = true;

	for (size_t i = 0; i < pair->count; i++) {
		pair->child[i].ready = next_word(pair, i) == READY;
		all &= pair->child[i].ready;
	}
	open_gates(pair, all && !pair->told);
	for (size_t i = 0; i < pair->count && pair->begun; i++)
		(void)next_word(pair, i); /* DEAD, or ENDED */
	return pair->begun;
}

void hm_twins_finish(struct hm_twins *pair)
{
	open_gates(pair, pair->begun);
	for (size_t i = 0; i < pair->count; i++) {
		struct hm_twin *twin = &pair->twin[i];
		struct hm_fail lost = { 0 };

		while (next_word(pair, i) != ENDED)
			;
		if (finish(pair, i, twin, &lost) < 0) {
			twin->code = lost.code;
			twin->fail = lost;
		}
		if (!pair->begun && pair->child[i].ready)
			twin->code = 0; /* it is not this one that is to blame */
		if (pair->told && twin->code < 0)
			twin->code = HM_E_INTERRUPTED;
	}
	release(pair);
}
