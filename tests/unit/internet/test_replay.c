/* A replay says again what an earlier internet answered: out of its packets, and turn by turn. Needs root where the product's side
 * is played. */
#include "stage.h"

enum { THEN = 1500000000, LATER = 1700000000 };

static char heard_path[96]; /* what the product's side heard, for the other side */

static size_t read_all(int fd, char *buffer, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, buffer + len, size - len)) > 0)
		len += (size_t)n;
	return len;
}

static bool says(int fd, const char *text)
{
	char buffer[256];
	size_t len = strlen(text), got = 0;
	ssize_t n;

	while (got < len && (n = read(fd, buffer + got, len - got)) > 0)
		got += (size_t)n;
	return got == len && memcmp(buffer, text, len) == 0;
}

static bool ends(int fd)
{
	char byte;

	return read(fd, &byte, 1) == 0;
}

static bool tell(int fd, const char *text)
{
	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);
}

/* ---- out of packets ---- */

#define QUERY(type) "\x12\x34\x01\0\0\x01\0\0\0\0\0\0\x07version\x07" "example\0\0" type "\0\x01"

static int product(void)
{
	static const char txt[] = QUERY("\x10"), a[] = "\x56\x78\x01\0\0\x01\0\0\0\0\0\0\x01" "a\x07" "example\0\0\x01\0\x01";
	static char buffer[BIG + 1000];
	HM_CLEANUP(hm_bytes_release) struct hm_bytes heard = { 0 };
	HM_CLOSE int dns = connected(SOCK_DGRAM, at("9.9.9.9", 53)), udp = connected(SOCK_DGRAM, at_name("a.example", 700));
	HM_CLOSE int tls = connected(SOCK_STREAM, at("8.8.8.8", 443));
	static const char *const requests[] = { "GET /text HTTP/1.1\r\nHost: a.example\r\n\r\n", "GET /big HTTP/1.1\r\nHost: a.example\r\n\r\n",
						"GET /text HTTP/1.1\r\nHost: a.example\r\n\r\n" };
	ssize_t n;

	CHECK(send(dns, a, sizeof(a) - 1, 0) > 0 && (n = recv(dns, buffer, sizeof(buffer), 0)) > 0);
	hm_bytes_append(&heard, buffer, (size_t)n);
	CHECK(send(dns, txt, sizeof(txt) - 1, 0) > 0 && (n = recv(dns, buffer, sizeof(buffer), 0)) > 0);
	hm_bytes_append(&heard, buffer, (size_t)n);
	CHECK(tell(udp, "Thread: 1\n") && (n = recv(udp, buffer, sizeof(buffer), 0)) > 0);
	hm_bytes_append(&heard, buffer, (size_t)n);
	for (size_t i = 0; i < HM_COUNT(requests); i++) {
		HM_CLOSE int fd = connected(SOCK_STREAM, at_name("a.example", 80));

		CHECK(tell(fd, requests[i]));
		hm_bytes_append(&heard, buffer, read_all(fd, buffer, sizeof(buffer)));
	}
	CHECK(write(tls, "\x16\x03\x01\0\x05hello", 10) == 10 && read(tls, buffer, sizeof(buffer)) == 7);
	return hm_fs_write_atomic(heard_path, hm_slice_of(&heard), 0600, NULL) < 0;
}

static void take(struct stage *s, struct hm_internet_spec spec, struct hm_bytes *heard)
{
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;
	struct hm_internet_stats stats;

	snprintf(heard_path, sizeof(heard_path), "%s/heard", s->folder);
	chamber_start(s, product);
	net = open_net_of(s, spec);
	assert_int_equal(chamber_run(s), 0);
	assert_int_equal(hm_internet_stop(net, &stats, NULL), 0);
	heard->len = 0;
	assert_int_equal(hm_fs_read(heard, heard_path, 1 << 20, NULL), 0);
}

static bool has(const struct hm_bytes *bytes, const char *text)
{
	return memmem(bytes->data, bytes->len, text, strlen(text)) != NULL;
}

static void packets_are_said_again(void **state)
{
	struct stage *s = *state;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes then = { 0 }, now_heard = { 0 }, packets = { 0 }, json = { 0 };

	need_root();
	take(s, (struct hm_internet_spec){ .mode = HM_INTERNET_SIMULATED, .scenario = HM_SLICE(SCENARIO), .clock = THEN * 1000000000LL }, &then);
	assert_true(then.len > BIG && has(&then, "body 1500000000") && has(&then, "1:1500000000") && has(&then, "got Thread: 1!"));
	assert_int_equal(hm_fs_read(&packets, s->packets, 16 << 20, NULL), 0);
	assert_int_equal(hm_replay_load(&json, hm_slice_of(&packets), HM_CHAMBER_ADDRESS, "00", 1, NULL, NULL), 0);
	assert_true(has(&json, "\"left_out\":[{\"endpoint\":\"[8.8.8.8]:443/tcp\",\"why\":\"tls\"}]"));
	/* The scenario's answers, with the scenario away and at another time. */
	take(s, (struct hm_internet_spec){ .mode = HM_INTERNET_REPLAY, .scenario = hm_slice_of(&json), .clock = LATER * 1000000000LL }, &now_heard);
	assert_int_equal(now_heard.len, then.len);
	assert_memory_equal(now_heard.data, then.data, then.len);
}

/* ---- turn by turn ---- */

#define TALK(to, port, closes, turns) "{\"closes\":" closes ",\"port\":" port ",\"to\":\"" to "\",\"turns\":[" turns "]}"
#define SEALED(from) "{\"closes\":true,\"port\":1,\"tls\":" from ",\"to\":\"a\",\"turns\":[" PRODUCT("a") "]}"
#define PRODUCT(text) "{\"by\":\"product\",\"bytes\":\"" text "\"}"
#define INTERNET(text) "{\"by\":\"internet\",\"bytes\":\"" text "\"}"
#define REPLAY(tcp, udp) "{\"bundle\":\"00\",\"left_out\":[],\"run\":1,\"schema\":\"hallmark/replay/v1\",\"tcp\":[" tcp "],\"udp\":[" udp "]}"
#define EXCHANGE(request, reply) "{\"port\":700,\"replies\":[{\"bytes\":\"" reply "\"}],\"request\":\"" request "\",\"to\":\"[1.1.1.1]\"}"

static const char turns[] =
    REPLAY(TALK("[1.1.1.1]", "25", "true", INTERNET("220 hello\\n") "," PRODUCT("HELO a\\n") "," INTERNET("250 a\\n") "," PRODUCT("QUIT\\n") "," INTERNET("221\\n"))
	   "," TALK("[1.1.1.1]", "80", "true", PRODUCT("one") "," INTERNET("first"))
	   "," TALK("[1.1.1.1]", "80", "true", PRODUCT("one") "," INTERNET("second"))
	   "," TALK("[1.1.1.1]", "80", "false", PRODUCT("one more") "," INTERNET("third")),
	   EXCHANGE("a", "1") "," EXCHANGE("a", "2") "," EXCHANGE("b", "3"));

static int greeting_comes_first(void)
{
	for (int round = 0; round < 2; round++) {
		HM_CLOSE int fd = connected(SOCK_STREAM, at("1.1.1.1", 25));

		CHECK(fd >= 0 && says(fd, "220 hello\n"));
		/* Shorter than it was: answered when no more comes. In pieces: answered when all is there. */
		CHECK(tell(fd, round ? "HELO" : "HELO a\n") && says(fd, "250 a\n"));
		CHECK(tell(fd, "QU"));
		usleep(50000);
		CHECK(tell(fd, "IT\n") && says(fd, "221\n") && ends(fd));
	}
	return 0;
}

static int equals_come_in_order(void)
{
	static const char *const answers[] = { "first", "second", "second" };

	for (size_t i = 0; i < HM_COUNT(answers); i++) {
		HM_CLOSE int fd = connected(SOCK_STREAM, at("1.1.1.1", 80));

		CHECK(tell(fd, "one") && says(fd, answers[i]) && ends(fd));
	}
	return 0;
}

/* Another request gets what nobody had, then nothing. */
static int others_get_the_next(void)
{
	HM_CLOSE int fd = connected(SOCK_STREAM, at("1.1.1.1", 80)), again = connected(SOCK_STREAM, at("1.1.1.1", 80));
	HM_CLOSE int unknown = connected(SOCK_STREAM, at("1.1.1.2", 80));

	CHECK(tell(fd, "two") && says(fd, "third"));
	CHECK(tell(again, "three") && ends(again));
	CHECK(tell(unknown, "one") && ends(unknown));
	return 0;
}

static int datagrams_get_theirs(void)
{
	static const char *const asked[] = { "a", "a", "c", "a", "b" }, *const answers[] = { "1", "2", "3", "2", "3" };
	HM_CLOSE int fd = connected(SOCK_DGRAM, at("1.1.1.1", 700));

	for (size_t i = 0; i < HM_COUNT(asked); i++)
		CHECK(tell(fd, asked[i]) && says(fd, answers[i]));
	return 0;
}

static int conversations(void)
{
	return greeting_comes_first() || equals_come_in_order() || others_get_the_next() || datagrams_get_theirs();
}

static void conversations_go_turn_by_turn(void **state)
{
	struct stage *s = *state;
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;

	need_root();
	chamber_start(s, conversations);
	net = open_net_of(s, (struct hm_internet_spec){ .mode = HM_INTERNET_REPLAY, .scenario = HM_SLICE(turns) });
	assert_int_equal(chamber_run(s), 0);
}

/* ---- what is none ---- */

static void other_documents_are_refused(void **state)
{
	static const struct {
		const char *text;
		int code;
	} refused[] = {
		{ "", HM_E_BAD },
		{ "{}", HM_E_BAD },
		{ " " REPLAY("", ""), HM_E_BAD },
		{ "{\"bundle\":\"00\",\"left_out\":[],\"run\":1,\"schema\":\"hallmark/replay/v3\",\"tcp\":[],\"udp\":[]}", HM_E_UNKNOWN },
		{ REPLAY(TALK("a", "25", "true", ""), ""), HM_E_BAD },
		{ REPLAY(SEALED("2"), ""), HM_E_BAD },
		{ REPLAY(SEALED("-1"), ""), HM_E_BAD },
		{ REPLAY(SEALED("\"0\""), ""), HM_E_BAD },
		{ REPLAY(TALK("a", "70000", "true", PRODUCT("a")), ""), HM_E_BAD },
		{ REPLAY(TALK("a", "25", "1", PRODUCT("a")), ""), HM_E_BAD },
		{ REPLAY(TALK("a", "25", "true", "{\"by\":\"nobody\",\"bytes\":\"\"}"), ""), HM_E_BAD },
		{ REPLAY(TALK("a", "25", "true", "{\"by\":\"product\"}"), ""), HM_E_BAD },
		{ REPLAY(TALK("a", "25", "true", "{\"by\":\"product\",\"bytes\":\"a\",\"bytes_b64\":\"AA==\"}"), ""), HM_E_BAD },
		{ REPLAY("", "{\"port\":1,\"replies\":[],\"to\":\"a\"}"), HM_E_BAD },
		{ REPLAY("", "{\"port\":1,\"replies\":[1],\"request\":\"\",\"to\":\"a\"}"), HM_E_BAD },
	};
	struct stage *s = *state;

	need_root();
	chamber_start(s, conversations);
	for (size_t i = 0; i < HM_COUNT(refused); i++) {
		struct hm_internet_spec spec = { .mode = HM_INTERNET_REPLAY, .scenario = hm_slice_text(refused[i].text), .packets = s->packets,
						 .chamber = s->chamber };
		struct hm_internet *net = NULL;

		assert_int_equal(hm_internet_open(&net, &spec, NULL), refused[i].code);
		assert_null(net);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(packets_are_said_again, set_up, tear_down),
		cmocka_unit_test_setup_teardown(conversations_go_turn_by_turn, set_up, tear_down),
		cmocka_unit_test_setup_teardown(other_documents_are_refused, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
