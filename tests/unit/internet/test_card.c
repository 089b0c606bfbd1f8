/* The chamber's network card has the hardware address that it is given. Needs root. */
#include "stage.h"

#include <sys/ioctl.h>

static const uint8_t mac[6] = { 0x02, 0x11, 0x22, 0x33, 0x44, 0x55 };

static int card_has_the_address(void)
{
	struct ifreq card = { .ifr_name = "eth0" };
	HM_CLOSE int fd = socket(AF_INET, SOCK_DGRAM, 0), tcp = -1;

	if (ioctl(fd, SIOCGIFHWADDR, &card) < 0 || memcmp(card.ifr_hwaddr.sa_data, mac, 6) != 0)
		return 1;
	tcp = connected(SOCK_STREAM, at("192.0.2.7", 80));
	return tcp >= 0 ? 0 : 2;
}

static int nothing(void)
{
	return 0;
}

static void card_is_as_given(void **state)
{
	struct stage *s = *state;
	struct hm_internet_spec spec = { .mode = HM_INTERNET_SIMULATED, .packets = s->packets, .mac = mac };
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;
	HM_CLEANUP(hm_fs_unmap) struct hm_map file = { 0 };
	struct hm_internet_stats stats;
	struct hm_fail fail = { 0 };

	need_root();
	chamber_start(s, card_has_the_address);
	spec.chamber = s->chamber;
	if (hm_internet_open(&net, &spec, &fail) < 0)
		fail_msg("%s", fail.text);
	assert_int_equal(chamber_run(s), 0);
	assert_int_equal(hm_internet_stop(net, &stats, &fail), 0);
	assert_true(stats.packets >= 3);
	assert_int_equal(hm_fs_map(&file, s->packets, &fail), 0);
	assert_non_null(memmem(file.bytes.data, file.bytes.len, mac, 6));
}

static void addresses_of_others_are_refused(void **state)
{
	static const uint8_t group[6] = { 0x03, 0, 0, 0, 0, 1 }, internets[6] = { 0x02, 0xc6, 0x12, 0, 0, 1 };
	static const uint8_t *const bad[] = { group, internets };
	struct stage *s = *state;

	need_root();
	for (size_t i = 0; i < HM_COUNT(bad); i++) {
		struct hm_internet_spec spec = { .mode = HM_INTERNET_SIMULATED, .packets = s->packets, .mac = bad[i] };
		HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;
		struct hm_fail fail = { 0 };

		chamber_start(s, nothing);
		spec.chamber = s->chamber;
		assert_int_equal(hm_internet_open(&net, &spec, &fail), HM_E_USAGE);
		assert_int_equal(chamber_run(s), 0);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(card_is_as_given, set_up, tear_down),
		cmocka_unit_test_setup_teardown(addresses_of_others_are_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
