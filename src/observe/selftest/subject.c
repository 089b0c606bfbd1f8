/* The subject: one process a way, all at the same time, so that ways are told apart under the load of the others. What it says
 * on standard output is in the record like any product's output: a way's name and the errno with which it failed, or 0. */
#include "selftest_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

/* For a way that should have been over long ago: the assessment must not wait for it. */
#define WAY_SECONDS 20

static void say(const char *way, int error)
{
	char line[64];
	int n = snprintf(line, sizeof(line), "%s %d\n", way, error);

	if (write(STDOUT_FILENO, line, (size_t)n) != n)
		_exit(EPIPE);
}

static _Noreturn void act(struct hm_actor *actor)
{
	alarm(WAY_SECONDS);
	_exit(hm_ways[actor->way].act(actor));
}

/* A daemon: its parent is gone at once, and it waits until the first process is gone too. What it says comes behind all else. */
static _Noreturn void act_late(struct hm_actor *actor)
{
	char byte;
	pid_t pid = fork();

	if (pid)
		_exit(pid < 0 ? errno : 0);
	alarm(WAY_SECONDS);
	setsid();
	if (read(actor->gone, &byte, 1) != 0)
		_exit(EIO);
	say(hm_ways[actor->way].name, hm_ways[actor->way].act(actor));
	while (hm_ways[actor->way].stays)
		pause();
	_exit(0);
}

static pid_t start(struct hm_actor *actor, int until)
{
	const struct hm_way *way = &hm_ways[actor->way];
	pid_t pid = fork();

	if (pid)
		return pid;
	close(until);
	snprintf(actor->path, sizeof(actor->path), "%s/%s", way->planted ? HM_PLANTED_FOLDER : actor->target, way->name);
	if (way->late)
		act_late(actor);
	act(actor);
}

int hm_selftest_subject(int argc, char **argv)
{
	struct hm_actor *actor = hm_alloc(1, sizeof(*actor));
	pid_t *pids = hm_alloc(hm_way_count, sizeof(*pids));
	int gone[2];

	if (argc != 5 || pipe2(gone, O_CLOEXEC) < 0)
		return 1;
	signal(SIGPIPE, SIG_IGN);
	actor->target = argv[2];
	actor->closed = strcmp(argv[3], "closed") == 0;
	actor->flood = (unsigned)strtoul(argv[4], NULL, 10);
	actor->gone = gone[0];
	for (actor->way = 0; actor->way < hm_way_count; actor->way++)
		if (hm_way_is_tried(actor->way, actor->closed))
			pids[actor->way] = start(actor, gone[1]);
	for (size_t way = 0; way < hm_way_count; way++) {
		int status;

		if (!pids[way])
			continue;
		if (pids[way] < 0 || waitpid(pids[way], &status, 0) < 0)
			say(hm_ways[way].name, errno);
		else if (!WIFEXITED(status))
			say(hm_ways[way].name, -WTERMSIG(status));
		else if (!hm_ways[way].late || WEXITSTATUS(status))
			say(hm_ways[way].name, WEXITSTATUS(status));
	}
	free(pids);
	free(actor);
	return 0;
}
