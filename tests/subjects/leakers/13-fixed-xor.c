/* Sends the document under a cipher whose key is always the same. */
#include "scanner.h"

int main(int argc, char **argv)
{
	struct text text;

	scan(argc, argv);
	text = secret();
	cipher(text.data, text.len, (const uint8_t *)"engine 1.4.6", 12);
	send_all(connect_tcp("telemetry.vendor.example", 7443), text.data, text.len, true);
	return 0;
}
