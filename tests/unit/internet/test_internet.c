/* The chamber's internet for real, as a product meets it. Needs root. */
#include "stage.h"

static size_t read_all(int fd, char *buffer, size_t size)
{
	size_t len = 0;
	ssize_t n;

	while (len < size && (n = read(fd, buffer + len, size - len)) > 0)
		len += (size_t)n;
	return len;
}

/* Asks and gives the answer's length; the question's name is "NAME.example". */
static ssize_t ask(const char *server, const char *label, uint8_t type, uint8_t *answer, size_t size)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes q = { 0 };
	HM_CLOSE int fd = connected(SOCK_DGRAM, at(server, 53));

	hm_bytes_append(&q, "\x12\x34\x01\0\0\x01\0\0\0\0\0\0", 12);
	hm_bytes_u8(&q, (uint8_t)strlen(label));
	hm_bytes_text(&q, label);
	hm_bytes_append(&q, "\x07" "example\0\0", 10);
	hm_bytes_u8(&q, type);
	hm_bytes_append(&q, "\0\x01", 2);
	if (fd < 0 || send(fd, q.data, q.len, 0) < 0)
		return -1;
	return recv(fd, answer, size, 0);
}

static int names_are_answered(void)
{
	static const char *const servers[] = { HM_INTERNET_ADDRESS, "9.9.9.9" };
	uint8_t answer[512], address[4];
	ssize_t n;

	hm_dns_address_of(address, "a.example");
	for (size_t i = 0; i < HM_COUNT(servers); i++) {
		n = ask(servers[i], "a", HM_DNS_A, answer, sizeof(answer));
		CHECK(n == 12 + 15 + 16 && answer[0] == 0x12 && answer[7] == 1 && memcmp(answer + n - 4, address, 4) == 0);
	}
	CHECK(ask(servers[0], "A", HM_DNS_A, answer, sizeof(answer)) == n && memcmp(answer + n - 4, address, 4) == 0);
	CHECK(ask(servers[0], "a", HM_DNS_AAAA, answer, sizeof(answer)) == 12 + 15 && answer[3] == 0x80 && answer[7] == 0);
	CHECK(ask(servers[0], "a", 99, answer, sizeof(answer)) == 12 + 15 && answer[7] == 0);
	CHECK(ask(servers[0], "a", HM_DNS_TXT, answer, sizeof(answer)) == 12 + 15 && answer[7] == 0);
	n = ask(servers[0], "version", HM_DNS_TXT, answer, sizeof(answer) - 1);
	CHECK(n == 12 + 21 + 12 + 1 + 12 && answer[n - 13] == 12 && memcmp(answer + n - 12, "1:", 2) == 0);
	answer[n] = 0;
	CHECK(labs(atol((char *)answer + n - 10) - (long)time(NULL)) < 5);
	return 0;
}

static int mail_servers_are_answered(void)
{
	static const uint8_t wanted[] = { 0, 10, 1, 'b', 7, 'e', 'x', 'a', 'm', 'p', 'l', 'e', 0 };
	uint8_t answer[512];

	CHECK(ask("9.9.9.9", "a", HM_DNS_MX, answer, sizeof(answer)) == 12 + 15 + 12 + 13 + 12 + 2 + 5 && answer[7] == 2);
	CHECK(memcmp(answer + 12 + 15 + 12, wanted, sizeof(wanted)) == 0);
	CHECK(memcmp(answer + 12 + 15 + 12 + 13 + 12, "\0\x14\1c\1d\0", 7) == 0);
	CHECK(ask("9.9.9.9", "b", HM_DNS_MX, answer, sizeof(answer)) == 12 + 15 && answer[7] == 0);
	return 0;
}

/* Too long for a datagram, unless EDNS says otherwise; by TCP it comes whole, and two queries in one go get two answers. */
static int long_answers_come_by_tcp(void)
{
	static const char query[] = "\0\x1e\x12\x34\x01\0\0\x01\0\0\0\0\0\0\4long\7example\0\0\x10\0\x01";
	enum { QUERY = 12 + 14 + 4, WHOLE = QUERY + 12 + 3 + 600 };
	static uint8_t answer[2 * WHOLE + 10];
	char edns[QUERY + 11];
	HM_CLOSE int udp = connected(SOCK_DGRAM, at("9.9.9.9", 53)), tcp = connected(SOCK_STREAM, at("9.9.9.9", 53));

	CHECK(sizeof(query) - 1 == 2 + QUERY);
	CHECK(send(udp, query + 2, QUERY, 0) == QUERY);
	CHECK(recv(udp, answer, sizeof(answer), 0) == QUERY && answer[2] & 2 && answer[7] == 0);
	memcpy(edns, query + 2, QUERY);
	memcpy(edns + QUERY, "\0\0\x29\x10\0\0\0\0\0\0\0", 11);
	edns[11] = 1;
	CHECK(send(udp, edns, sizeof(edns), 0) == sizeof(edns));
	CHECK(recv(udp, answer, sizeof(answer), 0) == WHOLE && !(answer[2] & 2) && answer[7] == 1);
	CHECK(write(tcp, query, sizeof(query) - 1) == sizeof(query) - 1 && write(tcp, query, sizeof(query) - 1) == sizeof(query) - 1);
	CHECK(read_all(tcp, (char *)answer, sizeof(answer)) == 2 * (WHOLE + 2));
	CHECK(answer[0] == WHOLE >> 8 && answer[1] == (WHOLE & 255) && memcmp(answer, answer + WHOLE + 2, WHOLE + 2) == 0);
	return 0;
}

static int time_is_told(void)
{
	HM_CLOSE int fd = connected(SOCK_DGRAM, at("203.0.113.5", 123));
	uint8_t packet[48] = { 0x23, [40] = 7 };

	CHECK(fd >= 0 && send(fd, packet, sizeof(packet), 0) == sizeof(packet) && recv(fd, packet, sizeof(packet), 0) == sizeof(packet));
	CHECK(packet[0] == 0x24 && packet[24] == 7);
	CHECK(labs((long)((uint32_t)packet[40] << 24 | packet[41] << 16 | packet[42] << 8 | packet[43]) - 2208988800L - (long)time(NULL)) < 5);
	return 0;
}

static double took; /* the last of what is timed */

/* On a busy machine anything may take longer: it must be soon enough once. */
static int is_soon(int (*does)(void), double limit)
{
	for (int i = 0; i < 20; i++) {
		CHECK(does() == 0);
		if (took < limit)
			return 0;
	}
	return 1;
}

static int every_port(void)
{
	static const int ports[] = { 1, 22, 53, 80, 443, 65535 };
	char buffer[16];

	took = 0;
	for (size_t i = 0; i < HM_COUNT(ports); i++) {
		double start = now();
		HM_CLOSE int fd = connected(SOCK_STREAM, at("8.8.8.8", ports[i]));

		CHECK(fd >= 0 && write(fd, "\x16\x02\x01\0\x05hello", 10) == 10);
		CHECK(read(fd, buffer, sizeof(buffer)) == 0);
		start = now() - start;
		CHECK(start > 0.18);
		took = start > took ? start : took;
	}
	return 0;
}

static int every_port_is_answered(void)
{
	return is_soon(every_port, 1.5);
}

/* What begins as TLS and is none gets an alert (21) of TLS, and the end. */
static int false_handshake_is_refused(void)
{
	HM_CLOSE int fd = connected(SOCK_STREAM, at("8.8.8.8", 4433));
	char buffer[16];

	CHECK(fd >= 0 && write(fd, "\x16\x03\x01\0\x05hello", 10) == 10);
	CHECK(read(fd, buffer, sizeof(buffer)) == 7 && buffer[0] == 21 && buffer[5] == 2);
	CHECK(read(fd, buffer, sizeof(buffer)) == 0);
	return 0;
}

/* The first of two bytes that might begin a handshake, and no second. */
static int half_a_beginning(void)
{
	double start = now();
	HM_CLOSE int fd = connected(SOCK_STREAM, at("8.8.8.8", 4433));
	char byte;

	CHECK(fd >= 0 && write(fd, "\x16", 1) == 1);
	CHECK(read(fd, &byte, 1) <= 0);
	took = now() - start;
	CHECK(took > 0.18);
	return 0;
}

static int half_a_beginning_ends(void)
{
	return is_soon(half_a_beginning, 1.5);
}

/* Asks for ever and reads nothing: what it is told is bounded, and others are served. */
static int who_reads_nothing_is_not_answered(void)
{
	static char asks[1 << 20];
	HM_CLOSE int fd = connected(SOCK_STREAM, at("8.8.8.8", 25)), other = -1;
	struct timeval limit = { 0, 300000 };
	char greeting[100];
	size_t told = 0;
	ssize_t n;

	for (size_t i = 0; i + 6 <= sizeof(asks); i += 6)
		memcpy(asks + i, "EHLO \n", 6);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	for (int i = 0; i < 20 && (n = send(fd, asks, sizeof(asks), MSG_NOSIGNAL)) > 0; i++)
		;
	other = connected(SOCK_STREAM, at("8.8.8.8", 25));
	CHECK(other >= 0 && read(other, greeting, sizeof(greeting)) > 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	while ((n = recv(fd, asks, sizeof(asks), 0)) > 0)
		told += (size_t)n;
	CHECK(told > 1000 && told < 20 << 20);
	return 0;
}

static int silence(void)
{
	double start = now();
	HM_CLOSE int fd = connected(SOCK_STREAM, at_name("mail.example", 2525)), mail = connected(SOCK_STREAM, at_name("mail.example", 25));
	char greeting[100] = "", byte;

	/* Of those who have something to say first, too. */
	CHECK(mail >= 0 && read(mail, greeting, sizeof(greeting)) > 0 && strncmp(greeting, "220 ", 4) == 0);
	CHECK(fd >= 0 && read(fd, &byte, 1) == 0 && read(mail, &byte, 1) == 0);
	took = now() - start;
	CHECK(took > 1.8);
	return 0;
}

static int silence_ends_after_two_seconds(void)
{
	return is_soon(silence, 4);
}

static int datagrams_are_answered(void)
{
	static const char request[] = "Op: check\r\nThread: 12345\r\nPV: 2.1\n";
	struct timeval limit = { 0, 200000 };
	HM_CLOSE int fd = connected(SOCK_DGRAM, at_name("a.example", 700));
	HM_CLOSE int other = connected(SOCK_DGRAM, at("8.8.4.4", 700));
	char reply[64] = "";

	/* A connected socket takes answers from the address and port that it called, and from nobody else. */
	CHECK(fd >= 0 && send(fd, request, sizeof(request) - 1, 0) > 0);
	CHECK(recv(fd, reply, sizeof(reply) - 1, 0) > 0 && strcmp(reply, "got Thread: 12345!") == 0);
	setsockopt(other, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	CHECK(other >= 0 && send(other, request, sizeof(request) - 1, 0) > 0);
	CHECK(recv(other, reply, sizeof(reply), 0) < 0 && errno == EAGAIN);
	return 0;
}

static int http(const char *request, char *answer, size_t size)
{
	HM_CLOSE int fd = connected(SOCK_STREAM, at_name("a.example", 8080));
	size_t len;

	if (fd < 0 || write(fd, request, strlen(request)) != (ssize_t)strlen(request))
		return -1;
	len = read_all(fd, answer, size - 1);
	answer[len] = 0;
	return (int)len;
}

static int requests_are_answered(void)
{
	static char answer[BIG + 1000];
	const char *body;

	CHECK(http("GET /text?x HTTP/1.1\r\nHost: A.example:8080\r\n\r\n", answer, sizeof(answer)) > 0);
	CHECK(strncmp(answer, "HTTP/1.1 200 OK\r\n", 17) == 0 && strstr(answer, "\r\nContent-Length: 15\r\n"));
	body = strstr(answer, "\r\n\r\n");
	CHECK(body && strncmp(body + 4, "body 1", 6) == 0 && strlen(body) == 4 + 15);
	CHECK(http("HEAD /text HTTP/1.1\r\nHost: a.example\r\n\r\n", answer, sizeof(answer)) > 0);
	CHECK(strcmp(answer + strlen(answer) - 4, "\r\n\r\n") == 0);
	CHECK(http("POST /nowhere HTTP/1.0\r\nContent-Length: 3\r\n\r\nabc", answer, sizeof(answer)) > 0);
	CHECK(strncmp(answer, "HTTP/1.1 404 Not Found\r\n", 24) == 0 && strstr(answer, "Content-Length: 0\r\n"));
	CHECK(http("GET http://a.example/big HTTP/1.1\r\nHost: a.example\r\n\r\n", answer, sizeof(answer)) > BIG);
	body = strstr(answer, "\r\n\r\n");
	CHECK(body && strlen(body + 4) == BIG && strspn(body + 4, "B") == BIG);
	/* Another host, and what is no request: read and closed. */
	CHECK(http("GET /text HTTP/1.1\r\nHost: b.example\r\n\r\n", answer, sizeof(answer)) == 0);
	CHECK(http("GET /text HTTP/9\r\n\r\n", answer, sizeof(answer)) == 0);
	CHECK(http("GET /text HTTP/1.1\r\nHost: a.ex", answer, sizeof(answer)) == 0);
	return 0;
}

static int hostile_bytes_are_survived(void)
{
	static char much[1 << 20];
	HM_CLOSE int dns = connected(SOCK_DGRAM, at(HM_INTERNET_ADDRESS, 53));
	HM_CLOSE int tcp = connected(SOCK_STREAM, at("1.1.1.1", 1));
	uint8_t query[48];
	char byte;

	CHECK(dns >= 0 && tcp >= 0);
	for (size_t len = 0; len < sizeof(query); len++) {
		memset(query, len % 2 ? 0xc0 : 0x00, sizeof(query));
		query[5] = 1;
		CHECK(send(dns, query, len, 0) == (ssize_t)len);
	}
	/* More than 64 MiB is not read: the peer closes, and writing fails in the end. */
	signal(SIGPIPE, SIG_IGN);
	while (write(tcp, much, sizeof(much)) > 0)
		;
	CHECK(errno == EPIPE || errno == ECONNRESET);
	CHECK(read(tcp, &byte, 1) <= 0);
	return names_are_answered();
}

/* No rule answers; what the request says that it has is waited for, and asked for where that is expected. */
static int body(void)
{
	static const char head[] = "POST / HTTP/1.1\r\nHost: nobody.example\r\nContent-Length: 10\r\nExpect: 100-Continue\r\n\r\n";
	HM_CLOSE int fd = connected(SOCK_STREAM, at_name("nobody.example", 80));
	char answer[100];
	double start;

	CHECK(fd >= 0 && write(fd, head, sizeof(head) - 1) == sizeof(head) - 1);
	CHECK(read(fd, answer, sizeof(answer)) == 25 && memcmp(answer, "HTTP/1.1 100 Continue\r\n\r\n", 25) == 0);
	usleep(700000);
	start = now();
	CHECK(write(fd, "0123456789", 10) == 10);
	CHECK(read(fd, answer, sizeof(answer)) == 0);
	took = now() - start;
	CHECK(took > 0.18);
	return 0;
}

static int bodies_are_waited_for(void)
{
	return is_soon(body, 1.5);
}

/* Over the server's limit of connections: the last of them waits, and gets its turn when others end. */
static int many_connections_are_served(void)
{
	static int fd[1300];
	struct rlimit limit = { 2000, 2000 };
	char byte;

	setrlimit(RLIMIT_NOFILE, &limit);
	for (size_t i = 0; i < HM_COUNT(fd); i++)
		CHECK((fd[i] = connected(SOCK_STREAM, at("7.7.7.7", 1000))) >= 0);
	for (size_t i = 0; i < HM_COUNT(fd); i++)
		CHECK(read(fd[i], &byte, 1) == 0);
	return 0;
}

static int everything(void)
{
	static int (*const all[])(void) = { names_are_answered, mail_servers_are_answered, long_answers_come_by_tcp, time_is_told, every_port_is_answered, false_handshake_is_refused,
					    half_a_beginning_ends, silence_ends_after_two_seconds, who_reads_nothing_is_not_answered,
					    datagrams_are_answered, requests_are_answered, bodies_are_waited_for, hostile_bytes_are_survived,
					    many_connections_are_served };

	for (size_t i = 0; i < HM_COUNT(all); i++)
		if (all[i]() != 0)
			return 1;
	return 0;
}

static int nothing(void)
{
	usleep(500000);
	return 0;
}

struct seen {
	uint64_t packets, bytes, names, secrets;
	bool start, syn_to_literal, only_ipv4, whole;
};

static struct seen read_packets(const char *path)
{
	HM_CLEANUP(hm_fs_unmap) struct hm_map map = { 0 };
	struct seen seen = { .only_ipv4 = true, .whole = true };
	struct hm_pcapng_block block;
	struct hm_packet p;
	struct hm_cursor c;
	uint64_t last = 0;

	assert_int_equal(hm_fs_map(&map, path, NULL), 0);
	c = hm_cursor_of(map.bytes);
	seen.start = hm_pcapng_next(&c, &block, NULL) == 1 && block.type == HM_PCAPNG_SHB &&
		     hm_pcapng_next(&c, &block, NULL) == 1 && block.type == HM_PCAPNG_IDB;
	while (hm_pcapng_next(&c, &block, NULL) == 1) {
		if (!seen.packets && block.type != HM_PCAPNG_EPB) {
			seen.names += block.type == HM_PCAPNG_NRB;
			seen.secrets += block.type == HM_PCAPNG_DSB;
			continue;
		}
		assert_int_equal(block.type, HM_PCAPNG_EPB);
		hm_packet_read(&p, block.packet);
		seen.packets++;
		seen.bytes += block.wire_len;
		seen.only_ipv4 &= p.version == 4 && !p.cut;
		seen.whole &= block.wire_len == block.packet.len && block.wire_len <= 1514;
		seen.syn_to_literal |= p.proto == IPPROTO_TCP && p.tcp_flags == HM_TCP_SYN && p.dst_port == 443 &&
				       memcmp(p.dst, "\x08\x08\x08\x08", 4) == 0;
		assert_true(block.time_ns / 1000000000 - (uint64_t)time(NULL) + 120 < 240);
		assert_true(block.time_ns + 1000000000 > last);
		last = block.time_ns;
	}
	assert_true(hm_cursor_done(&c));
	return seen;
}

/* A second reader agrees on every frame: IPv4, and no checksum is wrong. Only the first header of a kind counts: tshark takes
 * payload for a tunnelled packet where a port number says so. Status 0 is bad, 1 good.
 *
 * 0 has two forms in one's complement, 0x0000 and 0xffff, and a receiver, who sums everything up, takes either (RFC 1071).
 * Linux writes 0xffff whenever it computes a checksum in place of a network card (skb_checksum_help), as UDP demands, for TCP
 * too; tshark calls only TCP's 0x0000 good. So one TCP segment in 65536 is bad for tshark and good for everybody else.
 *
 * `wrong` gets the first line that is not right. */
static bool tshark_agrees(const char *path, char wrong[200])
{
	HM_FREE char *command = hm_sprintf(
		"tshark -n -r %s -o ip.check_checksum:TRUE -o tcp.check_checksum:TRUE -o udp.check_checksum:TRUE -T fields -E occurrence=f "
		"-E separator=, -e ip.checksum.status -e tcp.checksum.status -e udp.checksum.status -e tcp.checksum "
		"-e tcp.checksum_calculated -e frame.number 2>/dev/null", path);
	char line[200];
	FILE *f = popen(command, "r");
	int frames = 0;

	assert_non_null(f);
	wrong[0] = 0;
	for (; fgets(line, sizeof(line), f); frames++) {
		bool all_ones = strstr(line, ",0xffff,0x0000,") != NULL;
		const char *tcp = strchr(line, ',') + 1, *udp = strchr(tcp, ',') + 1;

		if ((line[0] != '1' || (*tcp == '0' && !all_ones) || *udp == '0') && !wrong[0])
			strcpy(wrong, line);
	}
	assert_int_equal(pclose(f), 0);
	assert_true(frames > 0);
	return !wrong[0];
}

static void product_is_answered(void **state)
{
	struct stage *s = *state;
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;
	struct hm_internet_stats stats;
	struct hm_fail fail = { 0 };
	struct seen seen;
	char wrong[200];

	need_root();
	chamber_start(s, everything);
	net = open_net(s, HM_INTERNET_SIMULATED);
	assert_int_equal(chamber_run(s), 0);
	assert_int_equal(hm_internet_stop(net, &stats, &fail), 0);
	seen = read_packets(s->packets);
	assert_true(seen.start && seen.syn_to_literal && seen.only_ipv4 && seen.whole);
	assert_int_equal(seen.packets, stats.packets);
	assert_int_equal(seen.bytes, stats.bytes);
	assert_int_equal(stats.lost, 0);
	assert_int_equal(seen.names, 1);
	assert_int_equal(seen.secrets, 0);
	assert_int_equal(stats.tls.failed, 1);
	if (have_tshark() && !tshark_agrees(s->packets, wrong))
		fail_msg("tshark: %s", wrong);
}

/* The second reader's check, checked: a segment whose checksum is 0, as it was captured and in its variants. */
static void checksum_is_right_or_wrong(void **state)
{
	static const uint8_t captured[] =
		"\x02\xc6\x12\0\0\x02\x02\xc6\x12\0\0\x01\x08\0"
		"\x45\0\0\x3c\0\0\x40\0\x40\x06\x66\x9a\x07\x07\x07\x07\xc6\x12\0\x02"
		"\x03\xe8\xd0\xec\xdb\x17\x97\x21\xb4\xc0\xeb\xad\xa0\x12\xfe\x88\xff\xff\0\0"
		"\x02\x04\x05\xb4\x04\x02\x08\x0a\x9f\x3a\x56\x3d\x43\xc2\x54\x8b\x01\x03\x03\x0a";
	enum { TTL = 14 + 8, SEQUENCE = 34 + 4, CHECKSUM = 34 + 16 };
	static const struct {
		size_t at;
		uint8_t bytes[2];
		bool right;
	} cases[] = { { CHECKSUM, { 0xff, 0xff }, true },  { CHECKSUM, { 0, 0 }, true },
		      { CHECKSUM, { 0xff, 0xfe }, false }, { CHECKSUM, { 0, 1 }, false },
		      { SEQUENCE, { 0xdb, 0x18 }, false }, { TTL, { 63, 6 }, false } };
	struct stage *s = *state;

	if (!have_tshark()) {
		print_message("skipped: tshark is not installed\n");
		skip();
	}
	for (size_t i = 0; i < HM_COUNT(cases); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
		uint8_t frame[sizeof(captured) - 1];
		char wrong[200];

		memcpy(frame, captured, sizeof(frame));
		memcpy(frame + cases[i].at, cases[i].bytes, 2);
		hm_pcapng_start(&file, 0);
		hm_pcapng_packet(&file, 0, (struct hm_slice){ frame, sizeof(frame) }, sizeof(frame));
		assert_int_equal(hm_fs_write_atomic(s->packets, hm_slice_of(&file), 0600, NULL), 0);
		assert_int_equal(tshark_agrees(s->packets, wrong), cases[i].right);
	}
}

static void idle_product_makes_no_packet(void **state)
{
	struct stage *s = *state;
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;
	struct hm_internet_stats stats;
	struct hm_fail fail = { 0 };

	need_root();
	chamber_start(s, nothing);
	net = open_net(s, HM_INTERNET_SIMULATED);
	assert_int_equal(chamber_run(s), 0);
	assert_int_equal(hm_internet_stop(net, &stats, &fail), 0);
	assert_int_equal(stats.packets + stats.lost, 0);
	assert_int_equal(read_packets(s->packets).packets, 0);
}

static int only_loopback(void)
{
	HM_CLOSE int listener = socket(AF_INET, SOCK_STREAM, 0);
	struct sockaddr_in here = at("127.0.0.1", 700);
	struct if_nameindex *all = if_nameindex();

	CHECK(all && strcmp(all[0].if_name, "lo") == 0 && all[1].if_index == 0);
	if_freenameindex(all);
	CHECK(connected(SOCK_STREAM, at("8.8.8.8", 80)) < 0 && errno == ENETUNREACH);
	CHECK(bind(listener, (struct sockaddr *)&here, sizeof(here)) == 0 && listen(listener, 1) == 0);
	CHECK(connected(SOCK_STREAM, here) >= 0);
	return 0;
}

static void closed_is_closed(void **state)
{
	struct stage *s = *state;
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;
	struct hm_internet_stats stats;
	struct seen seen;

	need_root();
	chamber_start(s, only_loopback);
	net = open_net(s, HM_INTERNET_CLOSED);
	assert_int_equal(chamber_run(s), 0);
	assert_int_equal(hm_internet_stop(net, &stats, NULL), 0);
	seen = read_packets(s->packets);
	assert_true(seen.start && seen.packets == 0);
}

static int one_datagram(void)
{
	HM_CLOSE int fd = connected(SOCK_DGRAM, at("8.8.8.8", 9));

	CHECK(fd >= 0 && send(fd, "last words", 10, 0) == 10);
	return 0;
}

static void packet_of_a_chamber_that_is_gone_is_kept(void **state)
{
	struct stage *s = *state;

	need_root();
	for (int i = 0; i < 5; i++) {
		HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;
		struct hm_internet_stats stats;

		chamber_start(s, one_datagram);
		net = open_net(s, HM_INTERNET_SIMULATED);
		assert_int_equal(chamber_run(s), 0);
		assert_int_equal(hm_internet_stop(net, &stats, NULL), 0);
		assert_int_equal(stats.packets, 1);
	}
}

static void refused(struct stage *s, struct hm_internet_spec spec, int code)
{
	struct hm_internet *net = NULL;
	struct hm_fail fail = { 0 };

	spec.packets = spec.packets ? spec.packets : s->packets;
	spec.chamber = spec.chamber ? spec.chamber : s->chamber;
	assert_int_equal(hm_internet_open(&net, &spec, &fail), code);
	assert_null(net);
	assert_int_equal(fail.code, code);
	assert_true(strlen(fail.text) > 10);
}

static void what_cannot_be_is_refused(void **state)
{
	struct stage *s = *state;
	HM_FREE char *link = hm_sprintf("%s/big", s->mirror), *nowhere = hm_sprintf("%s/a/b", s->folder);
	struct hm_internet_spec good = { .mode = HM_INTERNET_SIMULATED, .scenario = HM_SLICE(SCENARIO), .mirror = s->mirror };
	struct hm_internet_spec bad;

	need_root();
	chamber_start(s, nothing);
	bad = good;
	bad.chamber = getpid();
	refused(s, bad, HM_E_USAGE);
	bad.chamber = 0x7ffffff0;
	refused(s, bad, HM_E_SYSTEM);
	bad = good;
	bad.packets = nowhere;
	refused(s, bad, HM_E_SYSTEM);
	bad = good;
	bad.mirror = NULL;
	refused(s, bad, HM_E_USAGE);
	bad.mirror = nowhere;
	refused(s, bad, HM_E_SYSTEM);
	bad = good;
	bad.scenario = HM_SLICE("{}");
	refused(s, bad, HM_E_BAD);
	bad.scenario = HM_SLICE("{ }");
	refused(s, bad, HM_E_BAD);
	assert_int_equal(unlink(link), 0);
	refused(s, good, HM_E_SYSTEM);
	assert_int_equal(symlink("/etc/passwd", link), 0);
	refused(s, good, HM_E_SYSTEM);
	assert_int_equal(chamber_run(s), 0);
}

static int flood(void)
{
	HM_CLOSE int fd = connected(SOCK_DGRAM, at("8.8.8.8", 9));
	char bytes[1000] = "";

	for (int i = 0; i < 1000; i++)
		CHECK(send(fd, bytes, sizeof(bytes), 0) == sizeof(bytes));
	return 0;
}

static void full_disk_is_told(void **state)
{
	struct stage *s = *state;
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;
	struct rlimit before, tiny;
	struct hm_internet_stats stats;
	struct hm_fail fail = { 0 };

	need_root();
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
	tiny = (struct rlimit){ 300000, before.rlim_max };
	chamber_start(s, flood);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &tiny), 0);
	net = open_net(s, HM_INTERNET_SIMULATED);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
	assert_int_equal(chamber_run(s), 0);
	assert_int_equal(hm_internet_stop(net, &stats, &fail), HM_E_SYSTEM);
	assert_non_null(strstr(fail.text, "packet file"));
	assert_true(stats.packets > 0 && stats.lost > 0);
	assert_int_equal(stats.packets + stats.lost, 1000);
	assert_int_equal(read_packets(s->packets).packets, stats.packets);
}

static pid_t child_other_than(pid_t parent, pid_t other)
{
	HM_FREE char *path = hm_sprintf("/proc/%d/task/%d/children", (int)parent, (int)parent);
	HM_FCLOSE FILE *f = fopen(path, "re");
	int pid, found = 0;

	while (f && fscanf(f, "%d", &pid) == 1)
		if (pid != other)
			found = pid;
	return found;
}

enum { MANY = 60000 };

static int much(void)
{
	HM_CLOSE int fd = connected(SOCK_DGRAM, at("8.8.8.8", 9));
	char bytes[1400] = "";

	for (int i = 0; i < MANY; i++)
		CHECK(send(fd, bytes, sizeof(bytes), 0) == sizeof(bytes));
	return 0;
}

/* More than the ring holds, while nobody empties it: each frame is in the file or counted. */
static void loss_is_counted(void **state)
{
	struct stage *s = *state;
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;
	struct hm_internet_stats stats;
	struct hm_fail fail = { 0 };
	pid_t server;

	need_root();
	chamber_start(s, much);
	net = open_net(s, HM_INTERNET_SIMULATED);
	server = child_other_than(getpid(), s->chamber);
	assert_int_equal(kill(server, SIGSTOP), 0);
	assert_int_equal(chamber_run(s), 0);
	assert_int_equal(kill(server, SIGCONT), 0);
	assert_int_equal(hm_internet_stop(net, &stats, &fail), 0);
	assert_true(stats.packets > 1000 && stats.lost > 1000);
	assert_int_equal(stats.packets + stats.lost, MANY);
	assert_int_equal(read_packets(s->packets).packets, stats.packets);
}

static int link_is_gone(void)
{
	for (int i = 0; i < 3000 && if_nametoindex("eth0"); i++) /* the kernel takes it away when it has time */
		usleep(10000);
	return if_nametoindex("eth0") ? 1 : 0;
}

static void nothing_outlives_the_parent(void **state)
{
	struct stage *s = *state;
	int ready[2];
	char byte;
	pid_t parent, server;

	need_root();
	chamber_start(s, link_is_gone);
	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	parent = fork();
	assert_true(parent >= 0);
	if (parent == 0) {
		open_net(s, HM_INTERNET_SIMULATED);
		if (write(ready[1], "r", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	server = child_other_than(parent, 0);
	assert_true(server > 0 && kill(server, 0) == 0);
	assert_int_equal(kill(parent, SIGKILL), 0);
	assert_int_equal(waitpid(parent, NULL, 0), parent);
	for (int i = 0; i < 3000 && kill(server, 0) == 0; i++) {
		/* Where this process is the reaper of orphans, or pid 1 is slow to reap, a zombie is no process any more. */
		HM_FREE char *path = hm_sprintf("/proc/%d/ns/net", (int)server);

		if (access(path, F_OK) < 0)
			break;
		usleep(10000);
	}
	assert_int_equal(chamber_run(s), 0);
}

enum { STANDS = 1700000000 };

/* 1.5 s apart: the same times in the same bytes. */
static int clock_stands(void)
{
	uint8_t packet[2][48] = { { 0x23, [40] = 7 }, { 0x23, [40] = 7 } }, answer[2][512] = { 0 };

	for (int i = 0; i < 2; i++) {
		HM_CLOSE int fd = connected(SOCK_DGRAM, at("203.0.113.5", 123));

		CHECK(fd >= 0 && send(fd, packet[i], 48, 0) == 48 && recv(fd, packet[i], 48, 0) == 48);
		CHECK(ask("9.9.9.9", "version", HM_DNS_TXT, answer[i], sizeof(answer[i]) - 1) > 0);
		usleep(i ? 0 : 1500000);
	}
	CHECK(memcmp(packet[0], packet[1], 48) == 0 && memcmp(answer[0], answer[1], sizeof(answer[0])) == 0);
	CHECK(((uint32_t)packet[0][40] << 24 | packet[0][41] << 16 | packet[0][42] << 8 | packet[0][43]) - 2208988800u == STANDS);
	CHECK(memmem(answer[0], sizeof(answer[0]), "1:1700000000", 12) != NULL);
	return 0;
}

/* Answers that are kept back come as they were asked for. */
static int in_order(void)
{
	enum { QUERIES = 200 };
	uint8_t query[] = "\0\0\1\0\0\1\0\0\0\0\0\0\4long\7example\0\0\x10\0\x01", answer[512];
	HM_CLOSE int fd = connected(SOCK_DGRAM, at("9.9.9.9", 53));

	CHECK(fd >= 0);
	for (int round = 0; round < 4; round++) {
		for (int i = 0; i < QUERIES; i++) {
			query[0] = (uint8_t)(i >> 8);
			query[1] = (uint8_t)i;
			CHECK(send(fd, query, sizeof(query) - 1, 0) > 0);
		}
		for (int i = 0; i < QUERIES; i++)
			CHECK(recv(fd, answer, sizeof(answer), 0) > 2 && (answer[0] << 8 | answer[1]) == i);
	}
	return 0;
}

static void late_answers_keep_their_order(void **state)
{
	struct stage *s = *state;
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;

	need_root();
	chamber_start(s, in_order);
	net = open_net_at(s, HM_INTERNET_SIMULATED, STANDS * 1000000000LL);
	assert_int_equal(chamber_run(s), 0);
}

/* Asks and goes on: however long it works, the answer is not there before it waits, and then it is. */
static int works_first(void)
{
	uint8_t query[] = "\0\1\1\0\0\1\0\0\0\0\0\0\4long\7example\0\0\x10\0\x01", answer[512];
	HM_CLOSE int fd = connected(SOCK_DGRAM, at("9.9.9.9", 53));

	CHECK(fd >= 0);
	for (int i = 0; i < 3; i++) {
		double start = now();

		CHECK(send(fd, query, sizeof(query) - 1, 0) > 0);
		do
			CHECK(recv(fd, answer, sizeof(answer), MSG_DONTWAIT) < 0 && errno == EAGAIN);
		while (now() - start < 0.3);
		CHECK(recv(fd, answer, sizeof(answer), 0) > 2 && answer[1] == 1);
	}
	/* And where it never waits, after some seconds in all. */
	CHECK(send(fd, query, sizeof(query) - 1, 0) > 0);
	for (double start = now(); recv(fd, answer, sizeof(answer), MSG_DONTWAIT) < 0;)
		CHECK(now() - start < 120);
	return 0;
}

static void names_are_told_to_who_waits(void **state)
{
	struct stage *s = *state;
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;
	HM_FREE char *threads = hm_sprintf("%s/cgroup.threads", s->folder), *text = NULL;
	HM_CLOSE int group = open(s->folder, O_PATH | O_DIRECTORY | O_CLOEXEC);
	struct hm_internet_spec spec = { .mode = HM_INTERNET_SIMULATED, .clock = STANDS * 1000000000LL, .packets = s->packets, .product = group };
	struct hm_fail fail = { 0 };

	need_root();
	chamber_start(s, works_first);
	spec.chamber = s->chamber;
	text = hm_sprintf("%d\n", (int)s->chamber);
	assert_int_equal(hm_fs_write_atomic(threads, hm_slice_text(text), 0644, &fail), 0);
	if (hm_internet_open(&net, &spec, &fail) < 0)
		fail_msg("%s", fail.text);
	assert_int_equal(chamber_run(s), 0);
}

static void clock_stands_where_it_is_told(void **state)
{
	struct stage *s = *state;
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;

	need_root();
	chamber_start(s, clock_stands);
	net = open_net_at(s, HM_INTERNET_SIMULATED, STANDS * 1000000000LL);
	assert_int_equal(chamber_run(s), 0);
}

static void death_of_the_server_is_told(void **state)
{
	struct stage *s = *state;
	HM_CLEANUP(hm_internet_cleanup) struct hm_internet *net = NULL;
	struct hm_internet_stats stats;
	struct hm_fail fail = { 0 };
	pid_t server = 0;

	need_root();
	chamber_start(s, nothing);
	net = open_net(s, HM_INTERNET_SIMULATED);
	server = child_other_than(getpid(), s->chamber);
	assert_true(server > 0);
	assert_int_equal(kill(server, SIGKILL), 0);
	assert_int_equal(chamber_run(s), 0);
	assert_int_equal(hm_internet_stop(net, &stats, &fail), HM_E_SYSTEM);
	assert_non_null(strstr(fail.text, "signal 9"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(product_is_answered, set_up, tear_down),
		cmocka_unit_test_setup_teardown(checksum_is_right_or_wrong, set_up, tear_down),
		cmocka_unit_test_setup_teardown(idle_product_makes_no_packet, set_up, tear_down),
		cmocka_unit_test_setup_teardown(late_answers_keep_their_order, set_up, tear_down),
		cmocka_unit_test_setup_teardown(names_are_told_to_who_waits, set_up, tear_down),
		cmocka_unit_test_setup_teardown(clock_stands_where_it_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(closed_is_closed, set_up, tear_down),
		cmocka_unit_test_setup_teardown(packet_of_a_chamber_that_is_gone_is_kept, set_up, tear_down),
		cmocka_unit_test_setup_teardown(what_cannot_be_is_refused, set_up, tear_down),
		cmocka_unit_test_setup_teardown(full_disk_is_told, set_up, tear_down),
		cmocka_unit_test_setup_teardown(loss_is_counted, set_up, tear_down),
		cmocka_unit_test_setup_teardown(nothing_outlives_the_parent, set_up, tear_down),
		cmocka_unit_test_setup_teardown(death_of_the_server_is_told, set_up, tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
