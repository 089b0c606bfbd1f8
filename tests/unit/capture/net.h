#pragma once
/* Two network namespaces and a wire between them, without offloads: the subject's, held by a process that does nothing
 * else, and the test's own, in which a peer answers. What crosses the wire is counted by a packet socket. Everything goes
 * away with its processes. */
#include <arpa/inet.h>
#include <linux/ethtool.h>
#include <linux/if_packet.h>
#include <linux/sockios.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>

#include "stage.h"

#define SUBJECT_ADDRESS "192.0.2.1"
#define PEER_ADDRESS "192.0.2.9"

enum { TCP_PORT = 7000, UDP_PORT = 7001, CLOSED_PORT = 7002, SERVER_PORT = 7005 };

struct net {
	pid_t holder, peer;
	int wire, udp[2];
	bool ipv6; /* to be set before net_enter: IPv6 is on, at fd00::1 and fd00::9 */
	/* what the subject's side sent: IP packets, but of IPv6 without ICMP, which the kernel speaks all the time; other frames */
	size_t packets, bytes, other;
	struct wire_packet {
		uint8_t data[128];
		size_t len; /* of the IP packet; `data` is its beginning */
	} *list;
};

static inline int no_offloads(const char *interface)
{
	static const uint32_t commands[] = { ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_STXCSUM, ETHTOOL_SSG };
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0), r = fd;

	for (size_t i = 0; i < HM_COUNT(commands) && r >= 0; i++) {
		struct ethtool_value v = { .cmd = commands[i] };
		struct ifreq request = { .ifr_data = (void *)&v };

		snprintf(request.ifr_name, sizeof(request.ifr_name), "%s", interface);
		r = ioctl(fd, SIOCETHTOOL, &request);
	}
	close(fd);
	return r;
}

/* A process in a new network namespace, which says when it is there. */
static inline pid_t hold_namespace(int *fd)
{
	char path[64], byte;
	int ready[2];
	pid_t pid;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	*fd = open(path, O_RDONLY | O_CLOEXEC);
	assert_true(*fd >= 0);
	return pid;
}

static inline void shell(const char *command)
{
	if (system(command) != 0)
		fail_msg("failed: %s", command);
}

/* To every address of the family. */
static inline int bound(int family, int type, int port)
{
	struct sockaddr_in6 a = { .sin6_family = (sa_family_t)family, .sin6_port = htons((uint16_t)port) }; /* zero is also IPv4's */
	int fd = socket(family, type | SOCK_CLOEXEC, 0);

	assert_int_equal(bind(fd, (struct sockaddr *)&a, family == AF_INET ? sizeof(struct sockaddr_in) : sizeof(a)), 0);
	return fd;
}

static inline void call_server(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(SERVER_PORT) };
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	inet_pton(AF_INET, SUBJECT_ADDRESS, &a.sin_addr);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0 || write(fd, "x", 1) != 1)
		_exit(1);
}

/* Reads what comes and keeps the connection, but where the first byte says otherwise: `t` gets ten bytes, `c` is closed
 * some time after the subject has closed, for `l` the subject's own server is called. */
static inline void serve(int listener)
{
	struct pollfd p[64] = { { .fd = listener, .events = POLLIN } };
	bool closes[64] = { false };
	nfds_t count = 1;
	char buffer[65536];

	for (;;) {
		if (poll(p, count, -1) < 0)
			_exit(1);
		if ((p[0].revents & POLLIN) && count < HM_COUNT(p))
			p[count++] = (struct pollfd){ .fd = accept(listener, NULL, NULL), .events = POLLIN };
		for (nfds_t i = 1; i < count; i++) {
			ssize_t n = p[i].revents ? read(p[i].fd, buffer, sizeof(buffer)) : 1;

			if (p[i].revents && n > 0 && buffer[0] == 't' && write(p[i].fd, "0123456789", 10) != 10)
				_exit(1);
			if (p[i].revents && n > 0 && buffer[0] == 'l')
				call_server();
			closes[i] |= p[i].revents && n > 0 && buffer[0] == 'c';
			if (n <= 0) {
				if (closes[i] && usleep(100000) == 0)
					close(p[i].fd);
				p[i].fd = -1;
			}
		}
	}
}

static inline void start_peer(struct net *net)
{
	int listener = bound(AF_INET, SOCK_STREAM, TCP_PORT), queue = 16;

	assert_int_equal(setsockopt(listener, IPPROTO_TCP, TCP_FASTOPEN, &queue, sizeof(queue)), 0);
	assert_int_equal(listen(listener, 64), 0);
	for (int i = 0; i < 2; i++)
		net->udp[i] = bound(net->ipv6 ? AF_INET6 : AF_INET, SOCK_DGRAM, UDP_PORT + 10 * i);
	net->peer = fork();
	assert_true(net->peer >= 0);
	if (net->peer == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		serve(listener);
	}
	close(listener);
}

static inline void tap_wire(struct net *net)
{
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL),
				 .sll_ifindex = (int)if_nametoindex("peer0") };
	int size = 512 << 20;

	net->wire = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	assert_int_equal(setsockopt(net->wire, SOL_SOCKET, SO_RCVBUFFORCE, &size, sizeof(size)), 0);
	assert_int_equal(bind(net->wire, (struct sockaddr *)&a, sizeof(a)), 0);
}

static inline void net_enter(struct net *net, struct stage *stage)
{
	HM_FREE char *link = NULL, *address = NULL;

	*net = (struct net){ .wire = -1, .udp = { -1, -1 }, .ipv6 = net->ipv6 };
	assert_int_equal(unshare(CLONE_NEWNET), 0);
	net->holder = hold_namespace(&stage->net);
	link = hm_sprintf("set -e; echo %2$d >/proc/sys/net/ipv6/conf/all/disable_ipv6; echo %2$d >/proc/sys/net/ipv6/conf/default/disable_ipv6; "
	      "echo 3 >/proc/sys/net/ipv4/tcp_fastopen; ip link set lo up; "
	      "nsenter -n -t %1$d sh -c 'echo %2$d >/proc/sys/net/ipv6/conf/default/disable_ipv6; "
	      "echo 0 0 >/proc/sys/net/ipv4/ping_group_range'; "
	      "ip link add peer0 address 02:00:00:00:00:09 type veth peer name eth0 address 02:00:00:00:00:01 netns %1$d; "
	      "ip addr add " PEER_ADDRESS "/24 dev peer0; ip link set peer0 up; "
	      "ip neigh add " SUBJECT_ADDRESS " lladdr 02:00:00:00:00:01 dev peer0%3$s", net->holder, !net->ipv6,
			  net->ipv6 ? "; ip addr add fd00::9/64 dev peer0 nodad; ip neigh add fd00::1 lladdr 02:00:00:00:00:01 dev peer0" : "");
	shell(link);
	assert_int_equal(no_offloads("peer0"), 0);
	tap_wire(net);
	address = hm_sprintf("nsenter -n -t %d sh -ec 'ip link set lo up; ip addr add " SUBJECT_ADDRESS "/24 dev eth0; ip link set eth0 up; "
	      "ip route add default via " PEER_ADDRESS "; ip neigh add " PEER_ADDRESS " lladdr 02:00:00:00:00:09 dev eth0%s'", net->holder,
			     net->ipv6 ? "; ip addr add fd00::1/64 dev eth0 nodad; ip neigh add fd00::9 lladdr 02:00:00:00:00:09 dev eth0" : "");
	shell(address);
	if (fork() == 0)
		_exit(setns(stage->net, CLONE_NEWNET) < 0 || no_offloads("eth0") < 0);
	else
		assert_true(wait(&stage->status) > 0 && stage->status == 0);
	start_peer(net);
}

/* Takes what the subject's side has sent so far from the packet socket. */
static inline void net_read(struct net *net)
{
	static uint8_t frame[65536];
	struct tpacket_stats lost;
	struct sockaddr_ll from;
	socklen_t len = sizeof(from);
	ssize_t n;

	usleep(100000);
	while ((n = recvfrom(net->wire, frame, sizeof(frame), MSG_DONTWAIT, (struct sockaddr *)&from, &len)) > 0) {
		struct wire_packet *p;

		if (from.sll_pkttype == PACKET_OUTGOING)
			continue;
		if (from.sll_protocol == htons(ETH_P_IPV6) && (frame[14 + 6] == IPPROTO_ICMPV6 || frame[14 + 6] == IPPROTO_HOPOPTS))
			continue;
		if (from.sll_protocol != htons(ETH_P_IP) && from.sll_protocol != htons(ETH_P_IPV6)) {
			net->other++;
			continue;
		}
		if ((net->packets & (net->packets - 1)) == 0)
			net->list = hm_realloc(net->list, net->packets ? net->packets * 2 : 1, sizeof(*net->list));
		p = &net->list[net->packets++];
		p->len = (size_t)n - 14;
		memcpy(p->data, frame + 14, p->len < sizeof(p->data) ? p->len : sizeof(p->data));
		net->bytes += p->len;
	}
	len = sizeof(lost);
	assert_int_equal(getsockopt(net->wire, SOL_PACKET, PACKET_STATISTICS, &lost, &len), 0);
	assert_int_equal(lost.tp_drops, 0);
}

static inline void net_leave(struct net *net, struct stage *stage)
{
	const pid_t pids[] = { net->peer, net->holder };

	for (size_t i = 0; i < HM_COUNT(pids); i++)
		if (pids[i] > 0 && kill(pids[i], SIGKILL) == 0)
			waitpid(pids[i], NULL, 0);
	for (int i = 0; i < 2; i++)
		close(net->udp[i]);
	close(net->wire);
	if (stage->net > 0)
		close(stage->net);
	free(net->list);
}
