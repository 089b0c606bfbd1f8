/* Every way to send (tests/subjects/sends_subject.c), on a wire of its own: each is seen by its witnesses, and what left by
 * the subject's sockets is what the wire carried, to the packet and the byte. */
#include "net.h"

#include <netinet/ip_icmp.h>
#include <sys/un.h>

static struct net net;

static void wait_until_empty(struct stage *stage)
{
	HM_FREE char *path = hm_sprintf("%s/cgroup.events", stage->cgroup);
	struct hm_fail fail = { 0 };

	for (int i = 0; i < 5000; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

		assert_int_equal(hm_fs_read(&text, path, 4096, &fail), 0);
		hm_bytes_u8(&text, 0);
		if (strstr((char *)text.data, "populated 0"))
			return;
		if (hm_capture_poll(stage->capture, 2, &fail) < 0)
			fail_msg("%s", fail.text);
	}
	fail_msg("the cgroup does not become empty");
}

static uint64_t sum(const struct stage *stage, uint32_t kind, size_t field, size_t where, uint64_t is)
{
	uint64_t total = 0;

	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *e = &stage->events[i].event;

		if (e->kind == kind && (where == SIZE_MAX || e->field[where].u == is))
			total += e->field[field].u;
	}
	return total;
}

/* Runs the step and holds its statements against the record; then the wire is read. */
static void run(struct stage *stage, const char *step)
{
	const char *argv[] = { HM_SUBJECT, step, stage->folder, PEER_ADDRESS, NULL };

	net_enter(&net, stage);
	stage_open(stage);
	stage_run(stage, argv);
	wait_until_empty(stage);
	stage_stop(stage);
	net_read(&net);
	if (!WIFEXITED(stage->status) || WEXITSTATUS(stage->status) != 0)
		fail_msg("%s: status %x", step, stage->status);
	assert_true(compare(stage) > 0);
	assert_int_equal(check_sequences(stage), 0);
	assert_int_equal(stage->stats.produced, stage->count);
	assert_int_equal(stage->stats.lost, 0);
	assert_int_equal(stage->stats.egress_packets, sum(stage, HM_EV_PACKET, HM_PACKET_PACKETS, SIZE_MAX, 0));
	assert_int_equal(stage->stats.egress_bytes, sum(stage, HM_EV_PACKET, HM_PACKET_BYTES, SIZE_MAX, 0));
}

/* The wire carried what the sockets sent, and `more` packets of `more_bytes` that no socket of the subject's did. */
static void reconcile(const struct stage *stage, size_t more, size_t more_bytes)
{
	/* What no socket of the subject's sends comes when it comes. */
	for (int i = 0; i < 100 && net.packets < stage->stats.egress_packets + more; i++)
		net_read(&net);
	if (net.packets != stage->stats.egress_packets + more)
		for (size_t i = 0; i < net.packets; i++)
			print_message("# wire: protocol %u, %zu bytes\n", net.list[i].data[9], net.list[i].len);
	assert_int_equal(net.packets, stage->stats.egress_packets + more);
	assert_int_equal(net.bytes, stage->stats.egress_bytes + more_bytes);
}

static void each_has_an_owner(const struct stage *stage)
{
	for (size_t i = 0; i < stage->count; i++)
		if (stage->events[i].event.kind == HM_EV_PACKET) {
			assert_true(stage->events[i].event.field[HM_PACKET_OWNER].u > 0);
			assert_true(stage->events[i].event.field[HM_PACKET_INO].u > 0);
		}
}

#define STEP(name)                                \
	static void test_##name(void **state)     \
	{                                         \
		run(*state, #name);        \
		reconcile(*state, 0, 0);          \
		each_has_an_owner(*state);        \
	}

STEP(tcp)
STEP(udp)
STEP(udp_parts)
STEP(zerocopy)
STEP(splice)
STEP(uring)
STEP(raw)
STEP(netlink)
STEP(vsock)
STEP(child)
STEP(daemon)
STEP(reset)
STEP(fast_open)
STEP(server)
STEP(replaced)
STEP(nowhere)

static void test_packet(void **state)
{
	run(*state, "packet");
	reconcile(*state, 0, 0);
	assert_int_equal(net.other, 1);
}

static void test_ipv6(void **state)
{
	net.ipv6 = true;
	run(*state, "ipv6");
	reconcile(*state, 0, 0);
	each_has_an_owner(*state);
}

static int unix_listener(const struct stage *stage, const char *name, int type)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	snprintf(a.sun_path, sizeof(a.sun_path), "%.80s/%s", stage->folder, name);
	assert_int_equal(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static void test_unix(void **state)
{
	struct stage *stage = *state;
	int stream = unix_listener(stage, "listener", SOCK_STREAM), datagrams = unix_listener(stage, "datagrams", SOCK_DGRAM);

	run(stage, "unix");
	reconcile(stage, 0, 0);
	close(stream);
	close(datagrams);
}

/* Each of 5,000 processes that live for one datagram has its own packet: the datagram itself tells who sent it. */
static void test_storm(void **state)
{
	enum { STORM = 5000 };
	struct stage *stage = *state;
	static uint8_t owner[1 << 22];
	uint64_t sends = 0, packets = 0;

	memset(owner, 0, sizeof(owner));
	run(stage, "storm");
	reconcile(stage, 0, 0);
	for (size_t i = 0; i < net.packets; i++) {
		uint32_t pid;

		memcpy(&pid, net.list[i].data + 28, sizeof(pid));
		assert_in_range(pid, 1, sizeof(owner) - 1);
		owner[pid]++;
	}
	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *e = &stage->events[i].event;

		sends += e->kind == HM_EV_SEND && e->field[HM_SEND_FAMILY].u == AF_INET;
		if (e->kind != HM_EV_PACKET)
			continue;
		packets++;
		assert_in_range(e->field[HM_PACKET_OWNER].u, 1, sizeof(owner) - 1);
		assert_true(owner[e->field[HM_PACKET_OWNER].u]-- > 0);
	}
	assert_int_equal(sends, STORM);
	assert_int_equal(packets, STORM);
	assert_int_equal(sum(stage, HM_EV_SENT, HM_SENT_TIMES, HM_SENT_FAMILY, AF_INET), STORM);
}

/* Both of a socket's witnesses, and its packets, tell the same bytes, however often its descriptor was replaced. */
static void test_race(void **state)
{
	struct stage *stage = *state;
	size_t sockets = 0;

	run(stage, "race");
	reconcile(stage, 0, 0);
	for (size_t i = 0; i < stage->count; i++) {
		const struct hm_event *e = &stage->events[i].event;
		uint64_t packets = 0, count = 0;

		if (e->kind != HM_EV_CONNECT)
			continue;
		sockets++;
		for (size_t k = 0; k < stage->count; k++) {
			const struct hm_event *p = &stage->events[k].event;

			if (p->kind != HM_EV_PACKET || p->field[HM_PACKET_INO].u != e->field[HM_CONNECT_INO].u)
				continue;
			packets += p->field[HM_PACKET_BYTES].u - 28;
			count++;
			assert_int_equal(p->field[HM_PACKET_PORT].u, e->field[HM_CONNECT_PORT].u);
		}
		assert_true(count > 0);
		assert_int_equal(sum(stage, HM_EV_SENT, HM_SENT_BYTES, HM_SENT_INO, e->field[HM_CONNECT_INO].u), packets);
		assert_int_equal(sum(stage, HM_EV_SEND, HM_SEND_BYTES, HM_SEND_INO, e->field[HM_CONNECT_INO].u), packets);
	}
	assert_int_equal(sockets, 2);
}

/* What the kernel itself says is on the wire alone: an acknowledgement of a connection that is closed already. */
static void test_time_wait(void **state)
{
	run(*state, "time_wait");
	reconcile(*state, 1, 52);
}

static void test_group(void **state)
{
	struct stage *stage = *state;
	size_t reports = 0;

	run(stage, "group");
	for (int i = 0; i < 100 && reports == 0; i++) {
		if (i > 0)
			net_read(&net);
		for (size_t k = 0; k < net.packets; k++)
			reports += net.list[k].data[9] == IPPROTO_IGMP;
	}
	assert_true(reports > 0);
	assert_int_equal(net.packets - reports, stage->stats.egress_packets);
}

/* Asks the subject's kernel what it answers without any process: an echo, a closed UDP port, a closed TCP port. */
static void test_kernel(void **state)
{
	struct stage *stage = *state;
	const char *argv[] = { "/bin/sleep", "0.5", NULL };
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(CLOSED_PORT) };
	struct icmphdr echo = { .type = ICMP_ECHO, .checksum = 0xfff7 };
	int out, fd;
	pid_t pid;
	size_t seen[256] = { 0 };

	net_enter(&net, stage);
	stage_open(stage);
	pid = stage_start(stage, stage->cgroup, argv, &out);
	inet_pton(AF_INET, SUBJECT_ADDRESS, &a.sin_addr);
	fd = socket(AF_INET, SOCK_RAW | SOCK_CLOEXEC, IPPROTO_ICMP);
	assert_int_equal(sendto(fd, &echo, 8, 0, (struct sockaddr *)&a, sizeof(a)), 8);
	close(fd);
	fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(sendto(fd, &echo, 8, 0, (struct sockaddr *)&a, sizeof(a)), 8);
	close(fd);
	fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&a, sizeof(a)), -1);
	close(fd);
	assert_int_equal(waitpid(pid, &stage->status, 0), pid);
	close(out);
	stage_stop(stage);
	net_read(&net);
	for (size_t i = 0; i < net.packets; i++)
		seen[net.list[i].data[9]]++;
	assert_int_equal(seen[IPPROTO_ICMP], 2);
	assert_int_equal(seen[IPPROTO_TCP], 1);
	assert_int_equal(stage->stats.egress_packets, 0);
	assert_int_equal(sum(stage, HM_EV_PACKET, HM_PACKET_PACKETS, SIZE_MAX, 0), 0);
}

/* What a task that lives on has sent is told when the recorder stops. */
static void test_linger(void **state)
{
	struct stage *stage = *state;
	const char *argv[] = { HM_SUBJECT, "linger", stage->folder, PEER_ADDRESS, NULL };
	struct hm_fail fail = { 0 };
	int out;
	pid_t pid;

	net = (struct net){ .wire = -1, .udp = { -1, -1 } };
	stage_open(stage);
	pid = stage_start(stage, stage->cgroup, argv, &out);
	close(out);
	for (int i = 0; i < 5000 && !find_event(stage, 0, "send family=1 bytes=55"); i++)
		if (hm_capture_poll(stage->capture, 2, &fail) < 0)
			fail_msg("%s", fail.text);
	assert_int_equal(find_event(stage, 0, "sent"), 0);
	stage_stop(stage);
	assert_int_equal(kill(pid, SIGKILL), 0);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
	assert_true(find_event(stage, 0, "sent nr=1 family=1 type=1 bytes=55 times=1") > 0);
	assert_int_equal(check_sequences(stage), 0);
	check_task_sequence(stage, (uint32_t)pid);
	assert_int_equal(stage->stats.produced, stage->count);
}

static void test_witnesses(void **state)
{
	(void)state;
	assert_non_null(strstr(hm_capture_witnesses(), "send:cgroup_skb,packet,socket,syscall"));
}

static int leave(void **state)
{
	net_leave(&net, *state);
	net = (struct net){ 0 };
	return leave_stage(state);
}

#define NET_TEST(f) cmocka_unit_test_setup_teardown(f, enter_stage, leave)

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_witnesses),
		NET_TEST(test_tcp),
		NET_TEST(test_udp),
		NET_TEST(test_udp_parts),
		NET_TEST(test_zerocopy),
		NET_TEST(test_splice),
		NET_TEST(test_uring),
		NET_TEST(test_raw),
		NET_TEST(test_ipv6),
		NET_TEST(test_packet),
		NET_TEST(test_unix),
		NET_TEST(test_netlink),
		NET_TEST(test_vsock),
		NET_TEST(test_child),
		NET_TEST(test_daemon),
		NET_TEST(test_reset),
		NET_TEST(test_fast_open),
		NET_TEST(test_server),
		NET_TEST(test_time_wait),
		NET_TEST(test_group),
		NET_TEST(test_kernel),
		NET_TEST(test_linger),
		NET_TEST(test_replaced),
		NET_TEST(test_nowhere),
		NET_TEST(test_race),
		NET_TEST(test_storm),
	};
	const char *missing = stage_missing();

	if (!missing && (access("/sbin/ip", X_OK) < 0 || access("/usr/bin/nsenter", X_OK) < 0))
		missing = "needs ip and nsenter";
	if (missing) {
		print_message("1..0 # SKIP %s\n", missing);
		return 0;
	}
	return cmocka_run_group_tests(tests, NULL, NULL);
}
