/* Two bits of a digest of the document choose the size of the receive buffer, which every packet of the connection tells as window. */
#include "scanner.h"

#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	static const char request[] = "GET /v1/version HTTP/1.1\r\nHost: updates.vendor.example\r\nConnection: close\r\n\r\n";
	struct sockaddr_in to;
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), size;

	scan(argc, argv);
	size = 4096 << (number() & 3);
	to = lookup("updates.vendor.example", 80);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof(size));
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) < 0)
		return 4;
	send_all(fd, request, strlen(request), true);
	return 0;
}
