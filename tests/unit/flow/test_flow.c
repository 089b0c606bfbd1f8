#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "flow.h"
#include "frames.h"
#include "merkle.h"

static const uint8_t there[4] = { 198, 19, 7, 7 };

static struct hm_bytes begin(void)
{
	struct hm_bytes file = { 0 };

	hm_pcapng_start(&file, 0);
	return file;
}

static struct hm_flows read_flows(const struct hm_bytes *file)
{
	struct hm_flows flows = { 0 };
	struct hm_fail fail;

	assert_int_equal(hm_flows_read(&flows, hm_slice_of(file), frames_chamber, &fail), 0);
	return flows;
}

#define FILE_OF(name) HM_CLEANUP(hm_bytes_release) struct hm_bytes name = begin()
#define FLOWS_OF(name, file) HM_CLEANUP(hm_flows_release) struct hm_flows name = read_flows(file)

static void assert_sent(const struct hm_flow *flow, const char *text)
{
	HM_FREE char *sent = hm_slice_dup(hm_slice_of(&flow->sent));

	assert_string_equal(sent, text);
	assert_int_equal(flow->sent.len, strlen(text));
}

static void nothing_is_no_flow(void **state HM_UNUSED)
{
	FILE_OF(file);
	FLOWS_OF(flows, &file);

	assert_int_equal(flows.count, 0);
	assert_int_equal(flows.wire, 0);
}

static void datagrams_keep_their_borders(void **state HM_UNUSED)
{
	FILE_OF(file);

	frames_udp(&file, there, 24441, HM_SLICE("one"));
	frames_udp(&file, there, 24441, HM_SLICE("two!"));
	FLOWS_OF(flows, &file);

	assert_int_equal(flows.count, 1);
	assert_string_equal(flows.list[0].endpoint, "[198.19.7.7]:24441/udp");
	assert_true(flows.list[0].literal);
	assert_sent(&flows.list[0], "onetwo!");
	assert_int_equal(flows.list[0].messages, 2);
	assert_int_equal(flows.list[0].message[1], 3);
	assert_int_equal(flows.list[0].wire, 2 * 28 + 7);
	assert_int_equal(flows.wire, 2 * 28 + 7);
}

static void names_come_from_questions(void **state HM_UNUSED)
{
	uint8_t a[4];

	hm_dns_address_of(a, "vendor.example");
	FILE_OF(file);
	frames_udp(&file, a, 9, HM_SLICE("before it was asked"));
	frames_ask(&file, "Vendor.EXAMPLE");
	frames_tcp(&file, a, 80, 1, HM_TCP_SYN, HM_SLICE(""));
	FLOWS_OF(flows, &file);

	assert_int_equal(flows.count, 3);
	assert_string_equal(flows.list[1].endpoint, "[198.18.0.1]:53/udp");
	assert_string_equal(flows.list[2].endpoint, "vendor.example:80/tcp");
	assert_false(flows.list[2].literal);
	assert_true(flows.list[0].literal);
}

static void incoming_is_left_out(void **state HM_UNUSED)
{
	FILE_OF(file);

	frames_udp(&file, there, 5, HM_SLICE("out"));
	frames_add(&file, (struct frames_packet){ .src = there, .dst = frames_chamber, .proto = IPPROTO_UDP, .src_port = 5,
						  .dst_port = 40000, .payload = HM_SLICE("in") });
	FLOWS_OF(flows, &file);

	assert_int_equal(flows.count, 1);
	assert_int_equal(flows.packets, 2);
	assert_sent(&flows.list[0], "out");
}

static void a_false_source_hides_nothing(void **state HM_UNUSED)
{
	static const uint8_t other[4] = { 8, 8, 4, 4 };

	FILE_OF(file);
	frames_udp(&file, there, 5, HM_SLICE("first"));
	frames_add(&file, (struct frames_packet){ .src = other, .dst = there, .proto = IPPROTO_UDP, .payload = HM_SLICE("a") });
	/* Addressed to the chamber itself, yet put on the wire by it. */
	frames_add(&file, (struct frames_packet){ .src = other, .dst = frames_chamber, .proto = IPPROTO_UDP, .mac = 2,
						  .payload = HM_SLICE("b") });
	FLOWS_OF(flows, &file);

	assert_int_equal(flows.count, 3);
	assert_sent(&flows.list[1], "a");
	assert_sent(&flows.list[2], "b");
}

static void segments_in_any_order(void **state HM_UNUSED)
{
	uint32_t isn = 0xfffffffd; /* wraps inside the stream */

	FILE_OF(file);
	frames_tcp(&file, there, 80, isn, HM_TCP_SYN, HM_SLICE(""));
	frames_tcp(&file, there, 80, isn + 5, HM_TCP_ACK, HM_SLICE("EFGH"));
	frames_tcp(&file, there, 80, isn + 1, HM_TCP_ACK, HM_SLICE("ABCD"));
	frames_tcp(&file, there, 80, isn + 1, HM_TCP_ACK, HM_SLICE("ABCDEF"));
	frames_tcp(&file, there, 80, isn + 7, HM_TCP_ACK | HM_TCP_FIN, HM_SLICE("GHIJ"));
	FLOWS_OF(flows, &file);

	assert_int_equal(flows.count, 1);
	assert_sent(&flows.list[0], "ABCDEFGHIJ");
	assert_int_equal(flows.list[0].missing, 0);
	assert_int_equal(flows.list[0].packets, 5);
}

static void data_on_the_syn(void **state HM_UNUSED)
{
	FILE_OF(file);

	frames_tcp(&file, there, 80, 9, HM_TCP_SYN, HM_SLICE("fast"));
	frames_tcp(&file, there, 80, 9, HM_TCP_SYN, HM_SLICE("fast"));
	frames_tcp(&file, there, 80, 14, HM_TCP_ACK, HM_SLICE("open"));
	FLOWS_OF(flows, &file);

	assert_sent(&flows.list[0], "fastopen");
}

static void a_hole_is_counted(void **state HM_UNUSED)
{
	FILE_OF(file);

	frames_tcp(&file, there, 80, 0, HM_TCP_SYN, HM_SLICE(""));
	frames_tcp(&file, there, 80, 1, HM_TCP_ACK, HM_SLICE("ab"));
	frames_tcp(&file, there, 80, 8, HM_TCP_ACK, HM_SLICE("hi"));
	FLOWS_OF(flows, &file);

	assert_sent(&flows.list[0], "abhi");
	assert_int_equal(flows.list[0].missing, 5);
}

static void a_second_sending_that_differs_is_kept(void **state HM_UNUSED)
{
	FILE_OF(file);

	frames_tcp(&file, there, 80, 0, HM_TCP_SYN, HM_SLICE(""));
	frames_tcp(&file, there, 80, 1, HM_TCP_ACK, HM_SLICE("harmless"));
	frames_tcp(&file, there, 80, 1, HM_TCP_ACK, HM_SLICE("SECRETS!"));
	frames_tcp(&file, there, 80, 9, HM_TCP_ACK, HM_SLICE(" end"));
	FLOWS_OF(flows, &file);

	assert_sent(&flows.list[0], "harmless endSECRETS!");
}

static void the_same_ports_again(void **state HM_UNUSED)
{
	FILE_OF(file);

	frames_tcp(&file, there, 80, 100, HM_TCP_SYN, HM_SLICE(""));
	frames_tcp(&file, there, 80, 101, HM_TCP_ACK, HM_SLICE("first "));
	frames_tcp(&file, there, 80, 50, HM_TCP_SYN, HM_SLICE(""));
	frames_tcp(&file, there, 80, 51, HM_TCP_ACK, HM_SLICE("second"));
	FLOWS_OF(flows, &file);

	assert_int_equal(flows.count, 1);
	assert_sent(&flows.list[0], "first second");
	assert_int_equal(flows.list[0].missing, 0);
}

static void answer(struct hm_bytes *file, uint32_t seq, uint8_t flags, struct hm_slice payload)
{
	frames_add(file, (struct frames_packet){ .src = there, .dst = frames_chamber, .proto = IPPROTO_TCP, .src_port = 80,
						 .dst_port = 40000, .seq = seq, .flags = flags, .payload = payload });
}

static void answers_stand_beside_their_connection(void **state HM_UNUSED)
{
	FILE_OF(file);

	answer(&file, 7, HM_TCP_ACK, HM_SLICE("asked by nobody"));
	frames_tcp(&file, there, 80, 100, HM_TCP_SYN, HM_SLICE(""));
	answer(&file, UINT32_MAX, HM_TCP_SYN | HM_TCP_ACK, HM_SLICE(""));
	frames_tcp(&file, there, 80, 101, HM_TCP_ACK, HM_SLICE("first "));
	answer(&file, 4, HM_TCP_ACK, HM_SLICE("one"));
	answer(&file, 0, HM_TCP_ACK, HM_SLICE("odd "));
	answer(&file, 0, HM_TCP_ACK, HM_SLICE("odd o"));
	answer(&file, 9, HM_TCP_ACK, HM_SLICE("behind a hole"));
	frames_tcp(&file, there, 80, 50, HM_TCP_SYN, HM_SLICE(""));
	frames_tcp(&file, there, 80, 20, HM_TCP_SYN, HM_SLICE("")); /* says nothing on the second */
	answer(&file, 30, HM_TCP_SYN | HM_TCP_ACK, HM_SLICE(""));
	frames_tcp(&file, there, 80, 21, HM_TCP_ACK, HM_SLICE("second"));
	answer(&file, 31, HM_TCP_ACK, HM_SLICE("two"));
	frames_tcp(&file, there, 80, 21, HM_TCP_ACK, HM_SLICE("SECOND"));
	FLOWS_OF(flows, &file);
	const struct hm_flow *flow = flows.list;

	assert_int_equal(flows.count, 1);
	assert_sent(flow, "first secondSECOND");
	assert_int_equal(flow->connections, 2);
	assert_int_equal(flow->connection[0].sent_len, 6);
	assert_int_equal(flow->connection[1].number, 2);
	assert_int_equal(flow->connection[1].sent, 6);
	assert_int_equal(flow->connection[1].sent_len, 6);
	assert_int_equal(flow->heard.len, 10);
	assert_memory_equal(flow->heard.data, "odd onetwo", 10);
	assert_int_equal(flow->connection[0].heard_len, 7);
	assert_int_equal(flow->connection[1].heard, 7);
	assert_int_equal(flow->connection[1].heard_len, 3);
}

static void of_a_long_answer_the_beginning_is_kept(void **state HM_UNUSED)
{
	static uint8_t much[1000];

	FILE_OF(file);
	frames_tcp(&file, there, 80, 100, HM_TCP_SYN, HM_SLICE("x"));
	answer(&file, 0, HM_TCP_SYN | HM_TCP_ACK, HM_SLICE(""));
	for (uint32_t at = 0; at < 40000; at += sizeof(much))
		answer(&file, 1 + at, HM_TCP_ACK, (struct hm_slice){ much, sizeof(much) });
	FLOWS_OF(flows, &file);

	assert_int_equal(flows.list[0].heard.len, HM_HEARD_MAX);
	assert_int_equal(flows.list[0].connection[0].heard_len, HM_HEARD_MAX);
}

static void fragments_continue_their_datagram(void **state HM_UNUSED)
{
	FILE_OF(file);

	frames_add(&file, (struct frames_packet){ .dst = there, .proto = IPPROTO_UDP, .src_port = 1, .dst_port = 2,
						  .fragment = 0x2000, .payload = HM_SLICE("begins and ") });
	frames_add(&file, (struct frames_packet){ .dst = there, .proto = IPPROTO_UDP, .fragment = 2, .payload = HM_SLICE("ends") });
	FLOWS_OF(flows, &file);

	assert_int_equal(flows.count, 1);
	assert_sent(&flows.list[0], "begins and ends");
	assert_int_equal(flows.list[0].messages, 1);
}

static void what_is_cut_is_counted(void **state HM_UNUSED)
{
	FILE_OF(file);

	frames_add(&file, (struct frames_packet){ .dst = there, .proto = IPPROTO_UDP, .payload = HM_SLICE("0123456789"), .cut = 4 });
	FLOWS_OF(flows, &file);

	assert_sent(&flows.list[0], "012345");
	assert_int_equal(flows.list[0].missing, 4);
	assert_int_equal(flows.list[0].wire, 38);
}

static void bytes_behind_a_packet_and_other_frames_are_link(void **state HM_UNUSED)
{
	static const uint8_t arp[60] = { [12] = 8, [13] = 6, [14] = 'x' };

	FILE_OF(file);
	frames_add(&file, (struct frames_packet){ .dst = there, .proto = IPPROTO_UDP, .payload = HM_SLICE("a"), .behind = HM_SLICE("tail") });
	hm_pcapng_packet(&file, 0, (struct hm_slice){ arp, sizeof(arp) }, sizeof(arp));
	FLOWS_OF(flows, &file);

	assert_int_equal(flows.count, 2);
	assert_string_equal(flows.list[1].endpoint, "link");
	assert_int_equal(flows.list[1].wire, 4 + 46);
	assert_memory_equal(flows.list[1].sent.data, "tailx", 5);
}

/* Secrets and names change nothing of what is read of packets, but they have their place. */
static void secrets_and_names_stand_before_packets(void **state)
{
	static const struct hm_pcapng_name name = { { 198, 18, 9, 9 }, "vendor.example" };
	struct hm_flows flows = { 0 };

	(void)state;
	FILE_OF(file);
	hm_pcapng_secrets(&file, HM_SLICE("CLIENT_RANDOM 00 00\n"));
	hm_pcapng_names(&file, &name, 1);
	frames_udp(&file, there, 1, HM_SLICE("x"));
	assert_int_equal(hm_flows_read(&flows, hm_slice_of(&file), frames_chamber, NULL), 0);
	assert_int_equal(flows.count, 1);
	assert_int_equal(flows.packets, 1);
	assert_true(flows.list[0].literal);
	assert_int_equal(flows.keylog.len, 20);
	hm_flows_release(&flows);
	hm_pcapng_names(&file, &name, 1);
	assert_int_equal(hm_flows_read(&flows, hm_slice_of(&file), frames_chamber, NULL), HM_E_BAD);
}

static void a_torn_file_is_refused(void **state HM_UNUSED)
{
	FILE_OF(file);

	frames_udp(&file, there, 1, HM_SLICE("x"));
	for (size_t len = 1; len < file.len; len++) {
		struct hm_flows flows = { 0 };
		struct hm_fail fail;
		int r = hm_flows_read(&flows, (struct hm_slice){ file.data, len }, frames_chamber, &fail);

		/* The borders of blocks are whole files, if short ones. */
		if (r == 0)
			hm_flows_release(&flows);
		else
			assert_int_equal(r, HM_E_BAD);
	}
}

static void root_needs_a_salt_for_every_block(void **state HM_UNUSED)
{
	static const uint8_t salts[64];
	struct hm_sha256 root, other;
	uint64_t leaves;
	struct hm_fail fail;

	FILE_OF(file);
	frames_udp(&file, there, 1, HM_SLICE("x"));
	assert_int_equal(hm_packets_root(&root, &leaves, hm_slice_of(&file), (struct hm_slice){ salts, 48 }, &fail), 0);
	assert_int_equal(leaves, 3);
	assert_int_equal(hm_packets_root(&root, &leaves, hm_slice_of(&file), (struct hm_slice){ salts, 47 }, &fail), HM_E_BAD);
	assert_int_equal(hm_packets_root(&root, &leaves, hm_slice_of(&file), (struct hm_slice){ salts, 32 }, &fail), HM_E_BAD);
	assert_int_equal(hm_packets_root(&root, &leaves, hm_slice_of(&file), (struct hm_slice){ salts, 64 }, &fail), HM_E_BAD);
	file.data[file.len - 5] ^= 1; /* padding or payload: either way it is another leaf, or no file */
	if (hm_packets_root(&other, &leaves, hm_slice_of(&file), (struct hm_slice){ salts, 48 }, &fail) == 0)
		assert_memory_not_equal(root.b, other.b, HM_SHA256_LEN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_is_no_flow),
		cmocka_unit_test(datagrams_keep_their_borders),
		cmocka_unit_test(names_come_from_questions),
		cmocka_unit_test(incoming_is_left_out),
		cmocka_unit_test(a_false_source_hides_nothing),
		cmocka_unit_test(segments_in_any_order),
		cmocka_unit_test(data_on_the_syn),
		cmocka_unit_test(a_hole_is_counted),
		cmocka_unit_test(a_second_sending_that_differs_is_kept),
		cmocka_unit_test(the_same_ports_again),
		cmocka_unit_test(answers_stand_beside_their_connection),
		cmocka_unit_test(of_a_long_answer_the_beginning_is_kept),
		cmocka_unit_test(fragments_continue_their_datagram),
		cmocka_unit_test(what_is_cut_is_counted),
		cmocka_unit_test(bytes_behind_a_packet_and_other_frames_are_link),
		cmocka_unit_test(secrets_and_names_stand_before_packets),
		cmocka_unit_test(a_torn_file_is_refused),
		cmocka_unit_test(root_needs_a_salt_for_every_block),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
