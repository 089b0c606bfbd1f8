#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ntp.h"

static void answers_as_the_rfc_says(void **state HM_UNUSED)
{
	/* 2023-11-14 22:13:20.5 UTC: 1700000000 + 2208988800 = 0xe8fe6f80 */
	static const uint8_t wanted[48] = {
		0x24, 1, 6, 0xec, 0, 0, 0, 0, 0, 0, 0, 0, 'L', 'O', 'C', 'L', 0xe8, 0xfe, 0x6f, 0x80, 0, 0, 0, 0,
		1, 2, 3, 4, 5, 6, 7, 8, 0xe8, 0xfe, 0x6f, 0x80, 0x80, 0, 0, 0, 0xe8, 0xfe, 0x6f, 0x80, 0x80, 0, 0, 0,
	};
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	uint8_t request[68] = { [0] = 0xe3, [2] = 6, [40] = 1, 2, 3, 4, 5, 6, 7, 8, [60] = 9 };

	assert_int_equal(hm_ntp_answer(&out, (struct hm_slice){ request, sizeof(request) }, 1700000000500000000), 0);
	assert_int_equal(out.len, sizeof(wanted));
	assert_memory_equal(out.data, wanted, sizeof(wanted));
}

static void other_packets_get_none(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	uint8_t request[48] = { 0x23 };

	for (size_t len = 0; len < sizeof(request); len++)
		assert_int_equal(hm_ntp_answer(&out, (struct hm_slice){ request, len }, 0), HM_E_BAD);
	for (unsigned first = 0; first < 256; first++) {
		bool good = (first & 7) == 3 && (first >> 3 & 7) >= 1 && (first >> 3 & 7) <= 4;

		request[0] = (uint8_t)first;
		assert_int_equal(hm_ntp_answer(&out, (struct hm_slice){ request, sizeof(request) }, 0), good ? 0 : HM_E_BAD);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(answers_as_the_rfc_says), cmocka_unit_test(other_packets_get_none) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
