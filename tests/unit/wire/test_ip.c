#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "ip.h"

#define ETHER "\x02\0\0\0\0\1\x02\0\0\0\0\2"
#define IPV4(len, flags, proto) ETHER "\x08\x00\x45\x00" len "\x12\x34" flags "\x40" proto "\xab\xcd\xc6\x12\x00\x02\x08\x08\x04\x04"
#define TCP_HEAD "\x80\x01\x01\xbb\x01\x02\x03\x04\x05\x06\x07\x08\x60\x18\xff\xff\x00\x00\x00\x00\x01\x01\x01\x00"
#define TCP IPV4("\0\x2f", "\0\0", "\x06") TCP_HEAD "abc"
#define UDP IPV4("\0\x1f", "\0\0", "\x11") "\x30\x39\x00\x35\x00\x0b\x00\x00" "xyz"
#define V6(len, next) ETHER "\x86\xdd\x60\0\0\0" len next "\x40" "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\1" "\xfd\0\0\0\0\0\0\0\0\0\0\0\0\0\0\2"
#define UDP6 "\x30\x39\x00\x35\x00\x0b\x00\x00" "xyz"

static struct hm_packet packet(struct hm_slice frame)
{
	struct hm_packet p;

	memset(&p, 0xaa, sizeof(p));
	hm_packet_read(&p, frame);
	return p;
}

static void reads_tcp(void **state HM_UNUSED)
{
	struct hm_packet p = packet(HM_SLICE(TCP));

	assert_true(p.ether_type == 0x0800 && p.version == 4 && p.proto == 6 && !p.fragment && !p.cut);
	assert_int_equal(p.ip_len, 47);
	assert_memory_equal(p.src, "\xc6\x12\0\2\0\0\0\0\0\0\0\0\0\0\0\0", 16);
	assert_memory_equal(p.dst, "\x08\x08\4\4", 4);
	assert_true(p.src_port == 0x8001 && p.dst_port == 443 && p.tcp_seq == 0x01020304 && p.tcp_ack == 0x05060708);
	assert_int_equal(p.tcp_flags, HM_TCP_ACK | 8);
	assert_true(hm_slice_eq(p.payload, HM_SLICE("abc")));
}

static void reads_udp_and_icmp(void **state HM_UNUSED)
{
	struct hm_packet p = packet(HM_SLICE(UDP));

	assert_true(!p.cut && p.proto == 17 && p.src_port == 12345 && p.dst_port == 53);
	assert_true(hm_slice_eq(p.payload, HM_SLICE("xyz")));
	p = packet(HM_SLICE(IPV4("\0\x1c", "\0\0", "\x01") "\x08\x03\x12\x34\x56\x78\x9a\xbc"));
	assert_true(!p.cut && p.proto == 1 && p.src_port == 0 && p.dst_port == 0x0803 && p.payload.len == 8);
}

static void padding_behind_the_packet_is_not_payload(void **state HM_UNUSED)
{
	assert_true(hm_slice_eq(packet(HM_SLICE(TCP "\0\0\0\0\0\0")).payload, HM_SLICE("abc")));
	assert_true(hm_slice_eq(packet(HM_SLICE(UDP "\0\0\0\0\0\0")).payload, HM_SLICE("xyz")));
}

static void reads_fragments(void **state HM_UNUSED)
{
	/* The first one has the ports, the others do not, though their bytes could be taken for some. */
	struct hm_packet first = packet(HM_SLICE(IPV4("\0\x1f", "\x20\0", "\x11") "\x30\x39\x00\x35\x00\x0b\x00\x00" "xyz"));
	struct hm_packet other = packet(HM_SLICE(IPV4("\0\x1f", "\0\1", "\x11") "\x30\x39\x00\x35\x00\x0b\x00\x00" "xyz"));

	assert_true(!first.fragment && first.dst_port == 53);
	assert_true(other.fragment && other.proto == 17 && other.dst_port == 0 && other.payload.len == 11);
}

static void reads_ipv6_behind_extension_headers(void **state HM_UNUSED)
{
	struct hm_packet p = packet(HM_SLICE(V6("\0\x0b", "\x11") UDP6));

	assert_true(p.version == 6 && p.proto == 17 && !p.cut && p.dst_port == 53 && p.ip_len == 51);
	assert_true(p.src[15] == 1 && p.dst[15] == 2 && hm_slice_eq(p.payload, HM_SLICE("xyz")));
	/* hop-by-hop, routing, destination options */
	p = packet(HM_SLICE(V6("\0\x2b", "\0") "\x2b\0\1\4\0\0\0\0" "\x3c\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "\x11\0\1\4\0\0\0\0" UDP6));
	assert_true(p.proto == 17 && !p.cut && p.dst_port == 53 && hm_slice_eq(p.payload, HM_SLICE("xyz")));
	/* first fragment, then another */
	p = packet(HM_SLICE(V6("\0\x13", "\x2c") "\x11\0\0\1\0\0\0\1" UDP6));
	assert_true(p.proto == 17 && !p.fragment && p.dst_port == 53);
	p = packet(HM_SLICE(V6("\0\x13", "\x2c") "\x11\0\0\x08\0\0\0\1" UDP6));
	assert_true(p.proto == 17 && p.fragment && p.dst_port == 0 && p.payload.len == 11);
}

static void headers_that_lie_are_told(void **state HM_UNUSED)
{
	struct hm_packet p;

	p = packet(HM_SLICE(IPV4("\0\x13", "\0\0", "\x11") UDP6)); /* shorter than its own header */
	assert_true(p.cut && p.payload.len == 0 && p.ip_len == 19);
	p = packet(HM_SLICE(IPV4("\xff\xff", "\0\0", "\x11") UDP6)); /* longer than the frame */
	assert_true(p.cut && hm_slice_eq(p.payload, HM_SLICE("xyz")) && p.ip_len == 65535);
	p = packet(HM_SLICE(ETHER "\x08\x00\x44\0\0\x1f\0\0\0\0\x40\x11\0\0\1\2\3\4\5\6\7\x08" UDP6)); /* 4 words of header */
	assert_true(p.cut && p.version == 0);
	p = packet(HM_SLICE(ETHER "\x08\x00\x65\0\0\x1f\0\0\0\0\x40\x11\0\0\1\2\3\4\5\6\7\x08" UDP6)); /* version 6 as IPv4 */
	assert_true(p.cut && p.version == 0);
	p = packet(HM_SLICE(IPV4("\0\x1f", "\0\0", "\x11") "\x30\x39\x00\x35\x00\x07\x00\x00" "xyz")); /* UDP length 7 */
	assert_true(p.cut && p.dst_port == 0 && p.payload.len == 11);
	p = packet(HM_SLICE(IPV4("\0\x1f", "\0\0", "\x11") "\x30\x39\x00\x35\x00\xff\x00\x00" "xyz")); /* UDP length 255 */
	assert_true(p.cut && p.dst_port == 53 && hm_slice_eq(p.payload, HM_SLICE("xyz")));
	/* TCP header of 4 words, then of 15: all of it is payload, none is overlooked */
	p = packet(HM_SLICE(IPV4("\0\x2f", "\0\0", "\x06") "\x80\1\1\xbb\1\2\3\4\5\6\7\x08\x40\x18\xff\xff\0\0\0\0\1\1\1\0abc"));
	assert_true(p.cut && p.dst_port == 0 && p.tcp_flags == 0 && p.payload.len == 27);
	p = packet(HM_SLICE(IPV4("\0\x2f", "\0\0", "\x06") "\x80\1\1\xbb\1\2\3\4\5\6\7\x08\xf0\x18\xff\xff\0\0\0\0\1\1\1\0abc"));
	assert_true(p.cut && p.dst_port == 0 && p.payload.len == 27);
	p = packet(HM_SLICE(V6("\0\x0b", "\x3c") "\x11\xff\1\4\0\0\0\0" "xyz")); /* option header beyond the packet */
	assert_true(p.cut && p.version == 6 && p.dst_port == 0);
	p = packet(HM_SLICE(V6("\xff\xff", "\x11") UDP6));
	assert_true(p.cut && p.ip_len == 65575 && hm_slice_eq(p.payload, HM_SLICE("xyz")));
}

static void what_is_no_ip_is_left_alone(void **state HM_UNUSED)
{
	struct hm_packet p = packet(HM_SLICE(ETHER "\x08\x06\0\1\x08\0\6\4\0\1"));

	assert_true(p.ether_type == 0x0806 && p.version == 0 && !p.cut && p.payload.len == 0);
	assert_true(packet((struct hm_slice){ NULL, 0 }).cut);
}

static bool inside(struct hm_slice part, const uint8_t *whole, size_t len)
{
	return part.len == 0 || (part.data >= whole && part.len <= len && part.data + part.len <= whole + len);
}

/* Each prefix in memory of exactly its size: cut or empty, never read beyond. */
static void cut_at_every_byte(void **state HM_UNUSED)
{
	static const struct hm_slice frames[] = {
		HM_SLICE(TCP), HM_SLICE(UDP), HM_SLICE(V6("\0\x0b", "\x11") UDP6),
		HM_SLICE(V6("\0\x2b", "\0") "\x2b\0\1\4\0\0\0\0" "\x3c\1\0\0\0\0\0\0\0\0\0\0\0\0\0\0" "\x11\0\1\4\0\0\0\0" UDP6),
		HM_SLICE(IPV4("\0\x1c", "\0\0", "\x01") "\x08\x03\x12\x34\x56\x78\x9a\xbc"),
	};

	for (size_t i = 0; i < HM_COUNT(frames); i++)
		for (size_t len = 0; len < frames[i].len; len++) {
			uint8_t *copy = malloc(len ? len : 1);
			struct hm_packet p;

			assert_non_null(copy);
			memcpy(copy, frames[i].data, len);
			p = packet((struct hm_slice){ copy, len });
			assert_true(p.cut);
			assert_true(inside(p.payload, copy, len));
			free(copy);
		}
}

static void addresses_as_text(void **state HM_UNUSED)
{
	/* RFC 5952 sections 4 and 5 */
	static const char *const same[] = { "::", "::1", "1::", "2001:db8::1", "2001:db8:0:1:1:1:1:1", "2001:0:0:1::1",
					    "2001:db8::1:0:0:1", "1:2:3:4:5:6:7:8", "::ffff:192.0.2.1", "fe80::1:0:0:0",
					    "0:1::", "::2:3:4:5:6:7:8", "1:2:3:4:5:6:7::" };
	char text[46];
	uint8_t a[16];

	for (size_t i = 0; i < HM_COUNT(same); i++) {
		assert_int_equal(inet_pton(AF_INET6, same[i], a), 1);
		hm_ip_text(text, 6, a);
		if (strcmp(same[i], "::2:3:4:5:6:7:8") == 0)
			assert_string_equal(text, "0:2:3:4:5:6:7:8"); /* one group alone is not shortened */
		else if (strcmp(same[i], "1:2:3:4:5:6:7::") == 0)
			assert_string_equal(text, "1:2:3:4:5:6:7:0");
		else
			assert_string_equal(text, same[i]);
	}
	assert_string_equal(hm_ip_text(text, 4, (const uint8_t *)"\xc6\x12\xff\0"), "198.18.255.0");
	memset(a, 0xff, sizeof(a));
	assert_string_equal(hm_ip_text(text, 6, a), "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff");
	assert_string_equal(hm_ip_text(text, 0, a), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_tcp),
		cmocka_unit_test(reads_udp_and_icmp),
		cmocka_unit_test(padding_behind_the_packet_is_not_payload),
		cmocka_unit_test(reads_fragments),
		cmocka_unit_test(reads_ipv6_behind_extension_headers),
		cmocka_unit_test(headers_that_lie_are_told),
		cmocka_unit_test(what_is_no_ip_is_left_alone),
		cmocka_unit_test(cut_at_every_byte),
		cmocka_unit_test(addresses_as_text),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
