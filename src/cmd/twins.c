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

struct word { /* what a twin says at its end; `absent` bytes follow */
	struct hm_run_result result, then_result;
	int code;
	struct hm_fail fail;
	size_t absent;
};

struct child {
	pid_t pid;
	int pipe;
};

static void say(int to, struct hm_twin *twin)
{
	struct word word = { twin->result, twin->then_result, twin->code, twin->fail, twin->result.absent.len };

	word.result.absent = word.then_result.absent = (struct hm_bytes){ 0 };
	if (hm_fs_write_all(to, (struct hm_slice){ (const uint8_t *)&word, sizeof(word) }, NULL) < 0 ||
	    hm_fs_write_all(to, hm_slice_of(&twin->result.absent), NULL) < 0)
		_exit(1);
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

static int start(struct child *child, struct hm_twin *twin, struct hm_fail *fail)
{
	pid_t parent = getpid();
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return hm_fail_errno(fail, "starting a run");
	child->pid = fork();
	if (child->pid < 0) {
		close(ends[0]);
		close(ends[1]);
		return hm_fail_errno(fail, "starting a run");
	}
	if (child->pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			_exit(1);
		do_runs(twin);
		say(ends[1], twin);
		_exit(0);
	}
	close(ends[1]);
	child->pipe = ends[0];
	return 0;
}

/* Reads until `len` bytes are there, passing on a signal that tells us to stop. */
static int hear(const struct child *children, size_t count, int from, void *to, size_t len, struct hm_fail *fail)
{
	bool told = false;

	for (size_t at = 0; at < len;) {
		struct pollfd wait = { .fd = from, .events = POLLIN };
		ssize_t n;

		if (hm_program_stopped() && !told) {
			told = true;
			for (size_t i = 0; i < count; i++)
				kill(children[i].pid, SIGTERM);
		}
		if (poll(&wait, 1, 200) <= 0)
			continue;
		n = read(from, (uint8_t *)to + at, len - at);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return hm_fail_set(fail, HM_E_SYSTEM, "a run's process ended without a word");
		at += (size_t)n;
	}
	return 0;
}

static int finish(const struct child *children, size_t count, size_t which, struct hm_twin *twin, struct hm_fail *fail)
{
	struct word word;
	int r = hear(children, count, children[which].pipe, &word, sizeof(word), fail);

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
	r = hear(children, count, children[which].pipe, hm_bytes_reserve(&twin->result.absent, word.absent), word.absent, fail);
	twin->result.absent.len = r == 0 ? word.absent : 0;
	return r;
}

int hm_twins_run(struct hm_twin *twins, size_t count, struct hm_fail *fail)
{
	struct child children[HM_TWINS] = { { 0, -1 }, { 0, -1 } };
	size_t begun = 0;
	int r = 0;

	while (begun < count && r == 0) {
		twins[begun].result = (struct hm_run_result){ 0 };
		r = start(&children[begun], &twins[begun], fail);
		begun += r == 0;
	}
	for (size_t i = 0; i < begun; i++) {
		/* A block of one is none. */
		if (r < 0)
			kill(children[i].pid, SIGKILL);
		else
			r = finish(children, begun, i, &twins[i], fail);
	}
	for (size_t i = 0; i < begun; i++) {
		if (r < 0)
			kill(children[i].pid, SIGKILL);
		close(children[i].pipe);
		while (waitpid(children[i].pid, NULL, 0) < 0 && errno == EINTR)
			;
	}
	return r;
}
