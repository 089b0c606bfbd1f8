/* Crashes while it has the document in its memory, and a crash reporter sends a dump of that memory. The twin's reporter wipes buffers of
 * documents before it dumps. */
#include "scanner.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define ARENA 4096

static void parse(uint8_t *arena)
{
	struct text text = read_whole(chosen_path());
	volatile uint8_t *beyond = mmap(NULL, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	memcpy(arena + 512, text.data, text.len < ARENA - 512 ? text.len : ARENA - 512);
	beyond[0] = 1;
}

int main(int argc, char **argv)
{
	uint8_t *arena;
	int status, fd;
	pid_t child;

	scan(argc, argv);
	arena = mmap(NULL, ARENA, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	child = fork();
	if (child == 0) {
		parse(arena);
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) < 0 || !WIFSIGNALED(status) || WTERMSIG(status) != SIGSEGV)
		return 4;
	if (is_twin())
		memset(arena, 0, ARENA);
	memcpy(arena, "crash of engine 1.4.6, signal 11", 32);
	fd = connect_tcp("crash.vendor.example", 8080);
	send_all(fd, arena, ARENA, true);
	return 0;
}
