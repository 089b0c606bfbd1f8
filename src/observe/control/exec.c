/* The stop at exec. The thread is held only for this: attached while it waits for the answer to its call, let go at the stop that
 * the kernel makes once the new program stands, before its first instruction. A call that fails is noticed by an interruption
 * that was asked for behind the answer: it takes effect when the thread goes back to its program, which after a successful
 * exec is later than the stop. A thread that is not the first of its process goes on under the first one's number.
 *
 * Of a process one thread is held at a time, the others' calls wait. A thread that execs waits until the others are dead, and a
 * dead one that is held until it is reaped, here; to hold another one meanwhile would wait for the first. */
#include "control_internal.h"

#include <elf.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/ptrace.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#define IMAGE_MAX 32768
#define AUXILIARY_MAX 4096

static bool is_valid(const struct hm_control_server *server, uint64_t id)
{
	return ioctl(server->listener, SECCOMP_IOCTL_NOTIF_ID_VALID, &id) == 0;
}

/* True when the thread is held. One that is dying needs no holding. */
static bool hold(struct hm_control_server *server, const struct hm_control_exec *e)
{
	bool held = ptrace(PTRACE_SEIZE, e->pid, NULL, PTRACE_O_TRACEEXEC) == 0 || e->again;

	if (!held && !is_valid(server, e->id))
		return false;
	server->counts->execs_missed += !held;
	hm_control_let_go(server, e->id, 0, true);
	if (held && ptrace(PTRACE_INTERRUPT, e->pid, NULL, NULL) < 0)
		errno = 0; /* dead, or it goes on under another number: there is nothing to interrupt */
	return held;
}

static bool is_held(const struct hm_control_server *server, pid_t process)
{
	for (size_t i = 0; i < server->exec_count; i++)
		if (server->execs[i].held && server->execs[i].process == process)
			return true;
	return false;
}

static void drop(struct hm_control_server *server, size_t i)
{
	memmove(&server->execs[i], &server->execs[i + 1], (--server->exec_count - i) * sizeof(*server->execs));
}

/* Holds the calls that wait and whose process has none held. */
static void go_on(struct hm_control_server *server)
{
	for (size_t i = 0; i < server->exec_count; i++) {
		struct hm_control_exec *e = &server->execs[i];

		if (e->held || is_held(server, e->process))
			continue;
		e->held = hold(server, e);
		if (!e->held)
			drop(server, i--);
	}
}

/* `pid` is a thread, or after its exec its process. */
static bool let_loose(struct hm_control_server *server, pid_t pid, bool executed)
{
	for (size_t i = 0; i < server->exec_count; i++) {
		struct hm_control_exec *e = &server->execs[i];

		if (e->held && (e->pid == pid || (executed && e->process == pid))) {
			drop(server, i);
			return true;
		}
	}
	return false;
}

void hm_control_exec(struct hm_control_server *server, pid_t pid, pid_t process, uint64_t id)
{
	/* Who calls and is held had an exec that failed, and got here before the interruption got to it. */
	bool again = let_loose(server, pid, false);

	server->execs = hm_realloc(server->execs, server->exec_count + 1, sizeof(*server->execs));
	server->execs[server->exec_count++] = (struct hm_control_exec){ pid, process, id, false, again };
	go_on(server);
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

/* The program begins with what prepares its clocks, and goes on to where it would have begun. Where that cannot be, its clocks stay calls. */
static void make_fast(pid_t pid, int memory, uint64_t vdso, struct hm_slice image)
{
#ifdef __x86_64__
	const struct hm_control_fast_code *fast = hm_control_fast_code();
	uint64_t code = fast ? hm_control_vdso_fast(memory, vdso, image, fast) : 0;
	const size_t rip = offsetof(struct user_regs_struct, rip);
	uint64_t entry = code ? (uint64_t)ptrace(PTRACE_PEEKUSER, pid, rip, NULL) : 0;

	if (code && pwrite(memory, &entry, sizeof(entry), (off_t)(code + fast->entry)) == sizeof(entry) &&
	    ptrace(PTRACE_POKEUSER, pid, rip, code + fast->prepare) < 0)
		errno = 0; /* it is gone */
#else
	(void)pid, (void)memory, (void)vdso, (void)image;
#endif
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
	hm_control_fast_forget(server, task->tid);
	vector = hm_control_task_open(&server->tasks, pid, "auxv");
	good = read_places(&places, vector, wide) && draw(server, task, memory, places.random);
	if (!places.vdso)
		return good;
	n = pread(memory, image, sizeof(image), (off_t)places.vdso);
	if (n <= 0 || !hm_control_vdso(memory, places.vdso, (struct hm_slice){ image, (size_t)n }, wide))
		return false;
	if (wide)
		make_fast(pid, memory, places.vdso, (struct hm_slice){ image, (size_t)n });
	return good;
}

void hm_control_exec_stops(struct hm_control_server *server)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, __WALL | WNOHANG)) > 0) {
		int event = status >> 16, signal_number = 0;

		if (WIFSTOPPED(status)) {
			if (event == PTRACE_EVENT_EXEC)
				++*(make_equal(server, pid) ? &server->counts->execs : &server->counts->execs_missed);
			else if (event != PTRACE_EVENT_STOP)
				signal_number = WSTOPSIG(status); /* that was about to be delivered */
			ptrace(PTRACE_DETACH, pid, NULL, (void *)(intptr_t)signal_number);
		}
		let_loose(server, pid, event == PTRACE_EVENT_EXEC || !WIFSTOPPED(status));
	}
	go_on(server);
}
