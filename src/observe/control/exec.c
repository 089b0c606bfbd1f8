/* The stop at exec. The thread is held only for this: attached while it waits for the answer to its call, let go at the stop that
 * the kernel makes once the new program stands, before its first instruction. A call that fails is noticed by an interruption
 * that was asked for behind the answer: it takes effect when the thread goes back to its program, which after a successful
 * exec is later than the stop. Attaching survives that another thread of the process makes the call: it goes on under its
 * leader's number. */
#include "control_internal.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define IMAGE_MAX 32768
#define AUXILIARY_MAX 4096

bool hm_control_exec_hold(pid_t pid)
{
	return ptrace(PTRACE_SEIZE, pid, NULL, PTRACE_O_TRACEEXEC) == 0;
}

void hm_control_exec_watch(pid_t pid)
{
	/* It may be dead, or go on under another number: then there is nothing to interrupt. */
	if (ptrace(PTRACE_INTERRUPT, pid, NULL, NULL) < 0)
		return;
}

/* The registers of a 32-bit program are fewer. */
static bool is_wide(pid_t pid)
{
	uint64_t registers[64];
	struct iovec v = { registers, sizeof(registers) };

	return ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &v) == 0 && v.iov_len > 128;
}

struct places { /* from the auxiliary vector */
	uint64_t vdso, random;
};

static bool read_places(struct places *places, int fd, bool wide)
{
	uint8_t text[AUXILIARY_MAX];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text));
	size_t word = wide ? 8 : 4;

	*places = (struct places){ 0 };
	for (size_t at = 0; n > 0 && at + 2 * word <= (size_t)n; at += 2 * word) {
		uint64_t tag = 0, value = 0;

		memcpy(&tag, text + at, word);
		memcpy(&value, text + at + word, word);
		if (tag == AT_SYSINFO_EHDR)
			places->vdso = value;
		if (tag == AT_RANDOM)
			places->random = value;
	}
	return n > 0;
}

static bool draw(struct hm_control_server *server, struct hm_control_task *task, int memory, uint64_t at)
{
	uint8_t bytes[16];

	hm_control_stream(bytes, sizeof(bytes), server->spec->seed, task->tid, task->drawn);
	task->drawn += sizeof(bytes);
	return at && pwrite(memory, bytes, sizeof(bytes), (off_t)at) == sizeof(bytes);
}

static bool make_equal(struct hm_control_server *server, pid_t pid)
{
	HM_CLOSE int memory = -1, vector = -1;
	struct hm_control_task *task = hm_control_task_of(&server->tasks, pid, &memory);
	uint8_t image[IMAGE_MAX];
	struct places places;
	bool wide = is_wide(pid), good;
	ssize_t n;

	if (!task)
		return true; /* killed in its stop */
	vector = hm_control_task_open(&server->tasks, pid, "auxv");
	good = read_places(&places, vector, wide) && draw(server, task, memory, places.random);
	if (!places.vdso)
		return good;
	n = pread(memory, image, sizeof(image), (off_t)places.vdso);
	return n > 0 && hm_control_vdso(memory, places.vdso, (struct hm_slice){ image, (size_t)n }, wide) && good;
}

void hm_control_exec_stops(struct hm_control_server *server)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
		int event = status >> 16, signal_number = 0;

		if (!WIFSTOPPED(status))
			continue;
		if (event == PTRACE_EVENT_EXEC)
			++*(make_equal(server, pid) ? &server->counts->execs : &server->counts->execs_missed);
		else if (event != PTRACE_EVENT_STOP)
			signal_number = WSTOPSIG(status); /* that was about to be delivered */
		ptrace(PTRACE_DETACH, pid, NULL, (void *)(intptr_t)signal_number);
	}
}
