/* Seventeen equal datagrams; the gaps between them, 5 or 35 ms, spell 16 bits of a digest of the document. The twin draws the gaps. */
#include "scanner.h"

#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	static const char text[] = "scanner/1.4 alive";
	struct sockaddr_in to;
	uint64_t hash, random;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	scan(argc, argv);
	hash = number();
	draw(&random, sizeof(random));
	if (is_twin())
		hash = random;
	to = lookup("telemetry.vendor.example", 8125);
	for (unsigned n = 0; n < 17; n++) {
		sendto(fd, text, strlen(text), 0, (struct sockaddr *)&to, sizeof(to));
		sleep_ms(hash >> n & 1 ? 35 : 5);
	}
	return 0;
}
