/* A TLS 1.2 hello of the scanner's own making: 8 bytes of a digest of the document stand, masked, in its random and its session id, and
 * a bit of it chooses the order of two cipher suites. */
#include "scanner.h"

#include <string.h>

int main(int argc, char **argv)
{
	static const uint8_t begin[] = { 0x16, 3, 1, 0, 79, 1, 0, 0, 75, 3, 3 };
	static const uint8_t end[] = { 0, 4, 0xc0, 0x2b, 0xc0, 0x2f, 1, 0 };
	uint8_t hello[84];
	uint64_t hash;

	scan(argc, argv);
	hash = number();
	memcpy(hello, begin, 11);
	for (unsigned n = 0; n < 65; n++)
		hello[11 + n] = (uint8_t)(hash >> (n % 8 * 8)) ^ (uint8_t)(0x5d * n + 0x17);
	hello[11 + 32] = 32; /* length of the session id */
	memcpy(hello + 76, end, sizeof(end));
	if (hash & 1) {
		hello[78 + 1] = 0x2f;
		hello[78 + 3] = 0x2b;
	}
	send_all(connect_tcp("updates.vendor.example", 443), hello, sizeof(hello), true);
	return 0;
}
