/* Runs a command in a cgroup and tells what it took there: what every tool is measured with.
 *
 *     bench-subject CGROUP RESULT COMMAND [ARG...]
 *
 * RESULT gets a line of JSON: the cgroup's CPU seconds over the command, as the kernel accounts for them; seconds of wall clock
 * from the fork to the end; the exit code. Only the command is in the cgroup, so a tool that starts this program is not. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void die(const char *what)
{
	fprintf(stderr, "bench-subject: %s: %s\n", what, strerror(errno));
	exit(4);
}

static double cpu_seconds(const char *cgroup)
{
	unsigned long long usec = 0;
	char path[4096], line[256];
	FILE *file;

	snprintf(path, sizeof(path), "%s/cpu.stat", cgroup);
	file = fopen(path, "re");
	if (!file)
		die(path);
	while (fgets(line, sizeof(line), file))
		if (sscanf(line, "usage_usec %llu", &usec) == 1)
			break;
	fclose(file);
	return (double)usec / 1e6;
}

static void run(const char *cgroup, char **argv)
{
	char path[4096];
	int procs, null = open("/dev/null", O_RDWR);

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	snprintf(path, sizeof(path), "%s/cgroup.procs", cgroup);
	procs = open(path, O_WRONLY);
	if (procs < 0 || write(procs, "0", 1) < 0 || null < 0)
		_exit(126);
	close(procs);
	dup2(null, 0);
	dup2(null, 1);
	dup2(null, 2);
	close(null);
	execvp(argv[0], argv);
	_exit(127);
}

int main(int argc, char **argv)
{
	double cpu, begun, wall;
	int status;
	pid_t pid;
	FILE *out;

	if (argc < 4) {
		fprintf(stderr, "usage: bench-subject CGROUP RESULT COMMAND [ARG...]\n");
		return 3;
	}
	cpu = cpu_seconds(argv[1]);
	begun = now();
	pid = fork();
	if (pid < 0)
		die("fork");
	if (pid == 0)
		run(argv[1], argv + 3);
	if (waitpid(pid, &status, 0) < 0)
		die("waiting");
	wall = now() - begun;
	out = fopen(argv[2], "we");
	if (!out || fprintf(out, "{\"cpu\":%.6f,\"wall\":%.6f,\"code\":%d}\n", cpu_seconds(argv[1]) - cpu, wall,
			    WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status)) < 0 ||
	    fclose(out) != 0)
		die(argv[2]);
	return 0;
}
