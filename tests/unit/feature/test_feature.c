/* Every byte of what a flow sent is in exactly one feature, whatever it looks like; names follow what messages say. */
#include <netinet/in.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "../flow/frames.h"
#include "feature.h"

struct fields {
	char name[64][64];
	size_t offset[64], length[64], count, next;
};

static void take(void *cookie, const char *name, size_t offset, size_t length)
{
	struct fields *f = cookie;

	assert_int_equal(offset, f->next);
	assert_true(length > 0);
	f->next = offset + length;
	assert_true(f->count < 64);
	snprintf(f->name[f->count], sizeof(f->name[0]), "%s", name);
	f->offset[f->count] = offset;
	f->length[f->count++] = length;
}

static struct fields split(struct hm_slice message, bool dns)
{
	struct fields f = { .count = 0 };

	hm_feature_fields(message, dns, take, &f);
	assert_int_equal(f.next, message.len);
	return f;
}

static void assert_field(const struct fields *f, struct hm_slice message, const char *name, const char *value)
{
	for (size_t i = 0; i < f->count; i++) {
		if (strcmp(f->name[i], name) != 0)
			continue;
		assert_int_equal(f->length[i], strlen(value));
		assert_memory_equal(message.data + f->offset[i], value, strlen(value));
		return;
	}
	fail_msg("no field %s", name);
}

static void http(void **state)
{
	struct hm_slice m = HM_SLICE("POST /v1/submit?id=7&x= HTTP/1.1\r\nHost: a.example\r\nX-Tok.en:  abc \r\nX-Tok.en: def\r\nEmpty:\r\n\r\nbody");
	struct fields f = split(m, false);

	(void)state;
	assert_field(&f, m, "http.method", "POST");
	assert_field(&f, m, "http.path", "/v1/submit");
	assert_field(&f, m, "http.query.id", "7");
	assert_field(&f, m, "http.header.host", "a.example");
	assert_field(&f, m, "http.header.x-tok%2een", "abc");
	assert_field(&f, m, "http.header.x-tok%2een.1", "def");
	assert_field(&f, m, "http.body", "body");
	assert_field(&f, m, "glue.0", " ");
}

static void pairs(void **state)
{
	struct hm_slice m = HM_SLICE("POST /?a%20b=1&A=2&a=3=4 HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded; charset=utf-8\r\n\r\n"
				     "sum=0123&empty=&list[]=x");
	struct hm_slice other = HM_SLICE("POST /?dG9rZW4=&=x HTTP/1.1\r\n\r\nsum=0123&empty=");
	struct fields f = split(m, false);

	(void)state;
	assert_field(&f, m, "http.query.a%2520b", "1");
	assert_field(&f, m, "http.query.a", "2");
	assert_field(&f, m, "http.query.a.1", "3=4");
	assert_field(&f, m, "http.form.sum", "0123");
	assert_field(&f, m, "http.form.list%5b%5d", "x");
	f = split(other, false);
	assert_field(&f, other, "http.query", "dG9rZW4=&=x");
	assert_field(&f, other, "http.body", "sum=0123&empty=");
}

static void json(void **state)
{
	struct hm_slice m = HM_SLICE("POST / HTTP/1.1\r\n\r\n{\"a\": {\"b.c\":[1, \"two\\\"\", {\"d\" :null}], \"\":\"\"}, \"a/b\":-1.5e3,\"A\":true} \n");
	struct hm_slice alone = HM_SLICE("[\"x\",[[2]],\"\",{}]");
	static const char *const none[] = { "{\"a\":1", "{\"a\" 1}", "[1,]", "{1:2}", "[\"a\n\"]", "[1]x", "\"a\"", "[\"\\", "{\"a\":}" };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes deep = { 0 };
	struct fields f = split(m, false);

	(void)state;
	assert_field(&f, m, "http.json.a/b%2ec/0", "1");
	assert_field(&f, m, "http.json.a/b%2ec/1", "two\\\"");
	assert_field(&f, m, "http.json.a/b%2ec/2/d", "null");
	assert_field(&f, m, "http.json.a%2fb", "-1.5e3");
	assert_field(&f, m, "http.json.a", "true");
	assert_int_equal(strncmp(f.name[f.count - 1], "glue.", 5), 0);
	f = split(alone, false);
	assert_field(&f, alone, "json.0", "x");
	assert_field(&f, alone, "json.1/0/0", "2");
	for (size_t i = 0; i < HM_COUNT(none); i++) {
		f = split(hm_slice_text(none[i]), false);
		assert_int_equal(f.count, 1);
		assert_string_equal(f.name[0], "data");
	}
	for (size_t i = 0; i < 33; i++)
		hm_bytes_text(&deep, "[");
	hm_bytes_text(&deep, "1");
	for (size_t i = 0; i < 33; i++)
		hm_bytes_text(&deep, "]");
	f = split(hm_slice_of(&deep), false);
	assert_string_equal(f.name[0], "data");
	f = split((struct hm_slice){ deep.data + 1, deep.len - 2 }, false);
	assert_memory_equal(f.name[1], "json.0/0/0/", 11);
}

static void lines(void **state)
{
	struct hm_slice m = HM_SLICE("Op: check\nOp-Digest: 0123\nThread: 12345\n\nUser: anonymous\n");
	struct hm_slice other = HM_SLICE("Op: check\nand no more\n");
	struct fields f = split(m, false);

	(void)state;
	assert_field(&f, m, "line.op", "check");
	assert_field(&f, m, "line.op-digest", "0123");
	assert_field(&f, m, "line.thread", "12345");
	assert_field(&f, m, "line.user", "anonymous");
	f = split(other, false);
	assert_int_equal(f.count, 1);
	assert_string_equal(f.name[0], "data");
}

static void dns(void **state)
{
	struct hm_slice m = HM_SLICE("\x12\x34\x01\0\0\1\0\0\0\0\0\0\1a\7example\0\0\1\0\1more");
	struct hm_slice cut = HM_SLICE("\x12\x34\x01\0\0\1\0\0\0\0\0\0\1a\7exam");
	struct fields f = split(m, true);

	(void)state;
	assert_field(&f, m, "dns.id", "\x12\x34");
	assert_int_equal(f.length[2], 11);
	assert_string_equal(f.name[2], "dns.name");
	assert_field(&f, m, "dns.rest", "more");
	f = split(cut, true);
	assert_string_equal(f.name[f.count - 1], "dns.rest");
}

/* A partition, whatever stands there: the callback checks that no byte is left out or told twice. */
static void anything(void **state)
{
	uint32_t x = 1;

	(void)state;
	for (size_t len = 0; len < 300; len++) {
		static const char letters[] = "GET / HTTP/1.1\r\n: \n\n\0\1\7ab:cd\r\n\r\n{}[]\",\\&=";
		uint8_t m[300];

		for (size_t i = 0; i < len; i++) {
			x = x * 1664525 + 1013904223;
			m[i] = (uint8_t)letters[(x >> 16) % sizeof(letters)];
		}
		split((struct hm_slice){ m, len }, len % 2);
	}
}

static struct hm_flow flow_of(const char *endpoint, uint8_t proto, uint16_t port, const char *sent)
{
	struct hm_flow flow = { .endpoint = hm_strdup(endpoint), .proto = proto, .port = port, .local_port = 40000, .wire = 100 };

	hm_bytes_text(&flow.sent, sent);
	flow.message = hm_alloc(1, sizeof(*flow.message));
	flow.messages = *sent != 0;
	return flow;
}

static void a_run(void **state)
{
	struct hm_flow list[] = {
		flow_of("b.example:80/tcp", IPPROTO_TCP, 80, "GET /1 HTTP/1.1\r\n\r\nGET /2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nab" "GET"),
		flow_of("a.example:9/udp", IPPROTO_UDP, 9, "one"),
		flow_of("b.example:80/tcp", IPPROTO_TCP, 80, ""),
	};
	struct hm_flows flows = { .list = list, .count = HM_COUNT(list) };
	struct hm_features f;
	size_t sum = 0;

	(void)state;
	hm_features_read(&f, &flows, NULL, NULL, false);
	for (size_t i = 0; i < f.count; i++) {
		sum += f.list[i].placed ? f.list[i].bytes.len : 0;
		if (i)
			assert_true(strcmp(f.list[i - 1].endpoint, f.list[i].endpoint) < 0 || strcmp(f.list[i - 1].name, f.list[i].name) < 0);
	}
	assert_int_equal(sum, list[0].sent.len + list[1].sent.len);
	assert_int_equal(hm_features_find(&f, "", "flows")->number, 3);
	assert_int_equal(hm_features_find(&f, "b.example:80/tcp", "flows")->number, 2);
	assert_int_equal(hm_features_find(&f, "b.example:80/tcp", "0.messages")->number, 3);
	assert_memory_equal(hm_features_find(&f, "b.example:80/tcp", "0.1.http.body")->bytes.data, "ab", 2);
	assert_memory_equal(hm_features_find(&f, "b.example:80/tcp", "0.2.data")->bytes.data, "GET", 3);
	assert_memory_equal(hm_features_find(&f, "a.example:9/udp", "0.0.data")->bytes.data, "one", 3);
	assert_memory_equal(f.order.data, "b.example:80/tcp\na.example:9/udp\n", 33);
	assert_null(hm_features_find(&f, "a.example:9/udp", "1.size"));
	hm_features_release(&f);
	for (size_t i = 0; i < HM_COUNT(list); i++) {
		free(list[i].endpoint);
		free(list[i].message);
		hm_bytes_release(&list[i].sent);
	}
}

static const struct hm_feature *find(const struct hm_features *f, const char *name)
{
	const struct hm_feature *found = hm_features_find(f, "[8.8.8.8]:9/udp", name);

	if (!found)
		fail_msg("no feature %s", name);
	return found;
}

/* Two datagrams, the second by another hand: of each byte of their headers it is known whose it is. */
static void headers(void **state)
{
	static const uint8_t remote[] = { 8, 8, 8, 8 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	struct hm_features f;
	struct hm_flows flows;
	uint64_t sum = 0;

	(void)state;
	hm_pcapng_start(&file, 0);
	frames_udp(&file, remote, 9, HM_SLICE("one"));
	frames_add(&file, (struct frames_packet){ .dst = remote, .proto = IPPROTO_UDP, .src_port = 40000, .dst_port = 9,
						  .fragment = 0x2000, .payload = HM_SLICE("two") });
	assert_int_equal(hm_flows_read(&flows, hm_slice_of(&file), frames_chamber, NULL), 0);
	assert_int_equal(flows.count, 1);
	hm_features_read(&f, &flows, NULL, NULL, false);
	for (size_t i = 0; i < f.count; i++)
		sum += f.list[i].wire + (f.list[i].placed ? f.list[i].bytes.len : 0);
	assert_int_equal(sum, flows.list[0].wire);
	assert_int_equal(find(&f, "0.ip.ttl")->wire, 2);
	assert_int_equal(find(&f, "0.ip.ttl")->bytes.len, 4 + 4 + 1);
	assert_int_equal(find(&f, "0.ip.id")->origin, HM_ORIGIN_IP);
	assert_int_equal(find(&f, "0.udp.port")->origin, HM_ORIGIN_PORT);
	/* The second says that it has fragments: its length and sum cannot be checked. The first's sums are wrong. */
	assert_int_equal(find(&f, "0.ip.fragment")->bytes.len, 2 * (4 + 4 + 2));
	assert_int_equal(find(&f, "0.udp.length")->wire, 2);
	assert_int_equal(find(&f, "0.udp.checksum")->wire, 4);
	assert_int_equal(find(&f, "0.ip.checksum")->wire, 4);
	/* Length, protocol, source, destination of both; their port; the first's UDP length. */
	assert_int_equal(find(&f, "0.derived")->wire, 2 * (2 + 1 + 4 + 4 + 2) + 2);
	assert_true(find(&f, "0.1.gap")->timing);
	hm_features_release(&f);
	hm_flows_release(&flows);
}

/* A reset that answers what came too late is the kernel's; one that acknowledges is a socket that was closed with bytes unread. */
static void resets(void **state)
{
	static const uint8_t remote[] = { 8, 8, 8, 8 };
	static const uint8_t kinds[] = { HM_TCP_RST, HM_TCP_RST | HM_TCP_ACK };
	struct hm_slice flags;

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
		const struct hm_feature *reset;
		struct hm_features f;
		struct hm_flows flows;
		uint64_t sum = 0;

		hm_pcapng_start(&file, 0);
		frames_tcp(&file, remote, 9, 1, HM_TCP_SYN, HM_SLICE(""));
		frames_tcp(&file, remote, 9, 2, kinds[i], HM_SLICE(""));
		assert_int_equal(hm_flows_read(&flows, hm_slice_of(&file), frames_chamber, NULL), 0);
		hm_features_read(&f, &flows, NULL, NULL, false);
		reset = hm_features_find(&f, "[8.8.8.8]:9/tcp", "0.tcp.reset");
		assert_int_equal(reset != NULL, i == 0);
		if (reset)
			assert_int_equal(reset->origin, HM_ORIGIN_KERNEL);
		flags = hm_features_find(&f, "[8.8.8.8]:9/tcp", "0.tcp.flags")->bytes;
		assert_int_equal(flags.data[0], 1 << HM_TCP_SYN);
		assert_int_equal(flags.data[2], i == 0 ? 0 : 1 << 4);
		for (size_t k = 0; k < f.count; k++)
			sum += f.list[k].wire;
		assert_int_equal(sum, flows.list[0].wire);
		hm_features_release(&f);
		hm_flows_release(&flows);
	}
}

/* Connections one behind the other on one port; who closed first. */
static void ends(void **state)
{
	static const uint8_t remote[] = { 8, 8, 8, 8 };
	static const struct {
		uint32_t seq, ack;
		uint8_t flags;
	} packets[] = {
		{ 0, 0, HM_TCP_SYN }, { 1, 10, HM_TCP_FIN | HM_TCP_ACK }, { 1, 10, HM_TCP_FIN | HM_TCP_ACK }, { 2, 11, HM_TCP_ACK },
		{ 900, 0, HM_TCP_SYN }, { 901, 20, HM_TCP_ACK }, { 901, 21, HM_TCP_FIN | HM_TCP_ACK }, { 901, 21, HM_TCP_FIN | HM_TCP_ACK },
		{ 1800, 0, HM_TCP_SYN }, { 1801, 5, HM_TCP_RST | HM_TCP_ACK },
		/* sequence numbers wrap; a reset acknowledges nothing */
		{ 2700, 0, HM_TCP_SYN }, { 2701, 0xffffffff, HM_TCP_FIN | HM_TCP_ACK }, { 2702, 3, HM_TCP_ACK },
		{ 3600, 0, HM_TCP_SYN }, { 3601, 7, HM_TCP_FIN | HM_TCP_ACK }, { 3602, 8, HM_TCP_RST | HM_TCP_ACK },
	};
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	const struct hm_feature *closes, *end;
	struct hm_features f;
	struct hm_flows flows;

	(void)state;
	hm_pcapng_start(&file, 0);
	for (size_t i = 0; i < HM_COUNT(packets); i++)
		frames_add(&file, (struct frames_packet){ .dst = remote, .proto = IPPROTO_TCP, .src_port = 40000, .dst_port = 9, .seq = packets[i].seq,
							  .ack = packets[i].ack, .flags = packets[i].flags });
	assert_int_equal(hm_flows_read(&flows, hm_slice_of(&file), frames_chamber, NULL), 0);
	hm_features_read(&f, &flows, NULL, NULL, true);
	closes = hm_features_find(&f, "[8.8.8.8]:9/tcp", "0.tcp.closes");
	end = hm_features_find(&f, "[8.8.8.8]:9/tcp", "0.end");
	assert_true(closes && closes->text && closes->origin == HM_ORIGIN_PRODUCT && closes->wire == 0);
	assert_true(hm_slice_eq(closes->bytes, HM_SLICE("><><")));
	assert_true(end && end->timing && end->number >= 0);
	hm_features_release(&f);
	hm_features_read(&f, &flows, NULL, NULL, false);
	assert_null(hm_features_find(&f, "[8.8.8.8]:9/tcp", "0.tcp.closes"));
	hm_features_release(&f);
	hm_flows_release(&flows);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(http), cmocka_unit_test(pairs), cmocka_unit_test(json), cmocka_unit_test(lines),    cmocka_unit_test(dns),
		cmocka_unit_test(anything), cmocka_unit_test(a_run),
		cmocka_unit_test(headers), cmocka_unit_test(resets), cmocka_unit_test(ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
