/* The subject of the tests of sends: `sends_subject STEP FOLDER PEER`. Each step sends in one way, and states the calls,
 * what sockets took, and the packets with their owners. PEER is the address of another network namespace, where the test
 * listens on TCP port 7000 and on UDP port 7001, and nowhere else. */
#include "sends.h"

static void step_tcp(void)
{
	int fd = connected(SOCK_STREAM, TCP_PORT), one = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	state_packet(fd, IPPROTO_TCP, TCP_PORT, 20 + 40); /* SYN with its options */
	must(send(fd, payload, 5, 0) == 5, "send");
	state_send(SYS_sendto, fd, SOCK_STREAM, TCP_PORT, 5);
	state_packet(fd, IPPROTO_TCP, TCP_PORT, TCP_HEADERS + 5);
	must(send(fd, payload, 6, 0) == 6, "send");
	state_sent(SYS_sendto, fd, SOCK_STREAM, TCP_PORT, 11, 2);
	must(write(fd, payload, 7) == 7, "write");
	state_send(SYS_write, fd, SOCK_STREAM, TCP_PORT, 7);
	state_sent(SYS_write, fd, SOCK_STREAM, TCP_PORT, 7, 1);
	must(writev(fd, &(struct iovec){ payload, 8 }, 1) == 8, "writev");
	state_send(SYS_writev, fd, SOCK_STREAM, TCP_PORT, 8);
	state_sent(SYS_writev, fd, SOCK_STREAM, TCP_PORT, 8, 1);
	/* Cut into segments behind the IP layer: one event, many packets. How many per event is TCP's choice. */
	must(send(fd, payload, 50000, 0) == 50000, "send much");
	state_send(SYS_sendto, fd, SOCK_STREAM, TCP_PORT, 50000);
}

static void step_udp(void)
{
	struct sockaddr_in a = to(peer, UDP_PORT), b = to(peer, CLOSED_PORT);
	int fd = connected(SOCK_DGRAM, UDP_PORT), free_fd = socket(AF_INET, SOCK_DGRAM, 0);
	struct iovec v[3] = { { payload, 30 }, { payload, 31 }, { payload, 32 } };
	struct mmsghdr many[3] = { { .msg_hdr = { .msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = &v[0], .msg_iovlen = 1 } },
				   { .msg_hdr = { .msg_name = &b, .msg_namelen = sizeof(b), .msg_iov = &v[1], .msg_iovlen = 1 } },
				   { .msg_hdr = { .msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = &v[2], .msg_iovlen = 1 } } };

	must(send(fd, payload, 20, 0) == 20, "send");
	state_send(SYS_sendto, fd, SOCK_DGRAM, UDP_PORT, 20);
	state_packet(fd, IPPROTO_UDP, UDP_PORT, UDP_HEADERS + 20);
	must(send(fd, payload, 0, 0) == 0, "nothing");
	state_send(SYS_sendto, fd, SOCK_DGRAM, UDP_PORT, 0);
	state_packet(fd, IPPROTO_UDP, UDP_PORT, UDP_HEADERS);
	state_sent(SYS_sendto, fd, SOCK_DGRAM, UDP_PORT, 20, 2);
	must(sendto(free_fd, payload, 21, 0, (struct sockaddr *)&a, sizeof(a)) == 21, "sendto");
	state_send(SYS_sendto, free_fd, SOCK_DGRAM, UDP_PORT, 21);
	state_packet(free_fd, IPPROTO_UDP, UDP_PORT, UDP_HEADERS + 21);
	must(sendmmsg(free_fd, many, 3, 0) == 3, "sendmmsg");
	state("~sent nr=%d ino=%llu family=2 type=2 addr=\"\" port=0 local_port=%d bytes=93 times=3", SYS_sendmmsg,
	      ino_of(free_fd), local_port(free_fd));
	state_send(SYS_sendmmsg, free_fd, SOCK_DGRAM, UDP_PORT, 30);
	state_send(SYS_sendmmsg, free_fd, SOCK_DGRAM, CLOSED_PORT, 31);
	state_send(SYS_sendmmsg, free_fd, SOCK_DGRAM, UDP_PORT, 32);
	state_packet(free_fd, IPPROTO_UDP, UDP_PORT, UDP_HEADERS + 30);
	state_packet(free_fd, IPPROTO_UDP, CLOSED_PORT, UDP_HEADERS + 31);
	state_packet(free_fd, IPPROTO_UDP, UDP_PORT, UDP_HEADERS + 32);
	must(sendmsg(free_fd, &many[0].msg_hdr, 0) == 30, "sendmsg");
	state_send(SYS_sendmsg, free_fd, SOCK_DGRAM, UDP_PORT, 30);
}

/* Datagrams that become several packets: segments that the device would cut, and fragments. */
static void step_udp_parts(void)
{
	int fd = connected(SOCK_DGRAM, UDP_PORT), size = 1000;

	must(send(fd, payload, 5000, 0) == 5000, "a long datagram");
	state("~packet owner=%d ino=%llu proto=17 port=%d bytes=%d packets=4", getpid(), ino_of(fd), UDP_PORT,
	      8 + 5000 + 4 * 20);
	must(send(fd, payload, 2900, 0) == 2900, "a datagram of two fragments");
	state("~packet owner=%d proto=17 port=%d bytes=%d packets=2", getpid(), UDP_PORT, 8 + 2900 + 2 * 20);
	must(send(fd, payload, 60000, 0) == 60000, "a very long datagram");
	state("~packet owner=%d proto=17 port=%d bytes=%d packets=41", getpid(), UDP_PORT, 8 + 60000 + 41 * 20);
	must(setsockopt(fd, IPPROTO_UDP, UDP_SEGMENT, &size, sizeof(size)) == 0, "UDP_SEGMENT");
	must(send(fd, payload, 2500, 0) == 2500, "segments");
	state_send(SYS_sendto, fd, SOCK_DGRAM, UDP_PORT, 2500);
	state("~packet owner=%d ino=%llu proto=17 port=%d bytes=%d packets=3", getpid(), ino_of(fd), UDP_PORT,
	      2500 + 3 * UDP_HEADERS);
	must(send(fd, payload, 1000, 0) == 1000, "one segment");
	state_packet(fd, IPPROTO_UDP, UDP_PORT, UDP_HEADERS + 1000);
}

static void step_zerocopy(void)
{
	int tcp = connected(SOCK_STREAM, TCP_PORT), udp = connected(SOCK_DGRAM, UDP_PORT), one = 1;

	must(setsockopt(tcp, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)) == 0, "SO_ZEROCOPY");
	must(setsockopt(udp, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)) == 0, "SO_ZEROCOPY");
	must(send(tcp, payload, 1111, MSG_ZEROCOPY) == 1111, "MSG_ZEROCOPY by TCP");
	state_send(SYS_sendto, tcp, SOCK_STREAM, TCP_PORT, 1111);
	state_sent(SYS_sendto, tcp, SOCK_STREAM, TCP_PORT, 1111, 1);
	state_packet(tcp, IPPROTO_TCP, TCP_PORT, TCP_HEADERS + 1111);
	must(send(udp, payload, 1112, MSG_ZEROCOPY) == 1112, "MSG_ZEROCOPY by UDP");
	state_send(SYS_sendto, udp, SOCK_DGRAM, UDP_PORT, 1112);
	state_sent(SYS_sendto, udp, SOCK_DGRAM, UDP_PORT, 1112, 1);
	state_packet(udp, IPPROTO_UDP, UDP_PORT, UDP_HEADERS + 1112);
}

/* From a file and from pages of memory, without a copy in between (MSG_SPLICE_PAGES in the kernel). */
static void step_splice(void)
{
	const char *path = in_folder("file");
	int tcp = connected(SOCK_STREAM, TCP_PORT), udp = connected(SOCK_DGRAM, UDP_PORT), pair[2],
	    fd = open(path, O_RDWR | O_CREAT, 0600);
	off_t at = 0;

	must(fd >= 0 && write(fd, payload, 5000) == 5000 && pipe(pair) == 0, path);
	must(sendfile(tcp, fd, &at, 1200) == 1200, "sendfile");
	state_send(SYS_sendfile, tcp, SOCK_STREAM, TCP_PORT, 1200);
	state_packet(tcp, IPPROTO_TCP, TCP_PORT, TCP_HEADERS + 1200);
	state_sent(SYS_sendfile, tcp, SOCK_STREAM, TCP_PORT, 1200, 1);
	must(sendfile(udp, fd, &at, 700) == 700, "sendfile by UDP");
	state_send(SYS_sendfile, udp, SOCK_DGRAM, UDP_PORT, 700);
	state_packet(udp, IPPROTO_UDP, UDP_PORT, UDP_HEADERS + 700);
	must(splice(fd, NULL, pair[1], NULL, 0, 0) == 0, "splice of nothing");
	at = 0;
	must(splice(fd, &at, pair[1], NULL, 900, 0) == 900 && splice(pair[0], NULL, tcp, NULL, 900, 0) == 900, "splice");
	state_send(SYS_splice, tcp, SOCK_STREAM, TCP_PORT, 900);
	state_packet(tcp, IPPROTO_TCP, TCP_PORT, TCP_HEADERS + 900);
	must(vmsplice(pair[1], &(struct iovec){ payload, 333 }, 1, 0) == 333 &&
		     splice(pair[0], NULL, tcp, NULL, 333, 0) == 333, "vmsplice");
	state_send(SYS_splice, tcp, SOCK_STREAM, TCP_PORT, 333);
	state_packet(tcp, IPPROTO_TCP, TCP_PORT, TCP_HEADERS + 333);
	state_sent(SYS_splice, tcp, SOCK_STREAM, TCP_PORT, 1233, 2);
}

/* In the call, by a worker, and by the kernel's own thread that polls the ring: the witness is the socket alone. */
static void step_uring(void)
{
	static const struct {
		unsigned setup, request;
		size_t bytes;
	} ways[] = { { 0, 0, 401 }, { 0, IOSQE_ASYNC, 402 }, { IORING_SETUP_SQPOLL, 0, 403 } };

	for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
		int fd = connected(SOCK_DGRAM, UDP_PORT), bytes = (int)ways[i].bytes;
		struct ring ring;

		ring_open(&ring, ways[i].setup);
		must(ring_send(&ring, fd, ways[i].bytes, ways[i].request) == bytes, "send by io_uring");
		state_packet(fd, IPPROTO_UDP, UDP_PORT, UDP_HEADERS + ways[i].bytes);
		state_sent(SYS_io_uring_enter, fd, SOCK_DGRAM, UDP_PORT, ways[i].bytes, 1);
		state("!send bytes=%d", bytes);
	}
}

static uint16_t checksum(const void *from, size_t len)
{
	const uint16_t *p = from;
	uint32_t sum = 0;

	for (size_t i = 0; i < len / 2; i++)
		sum += p[i];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

static void step_raw(void)
{
	struct {
		struct iphdr ip;
		struct udphdr udp;
		char data[44];
	} whole = { .ip = { .version = 4, .ihl = 5, .ttl = 64, .protocol = IPPROTO_UDP },
		    .udp = { .source = htons(4321), .dest = htons(UDP_PORT), .len = htons(52) } };
	struct icmphdr echo = { .type = ICMP_ECHO };
	struct sockaddr_in a = to(peer, 0);
	int icmp = socket(AF_INET, SOCK_RAW, IPPROTO_ICMP), ping = socket(AF_INET, SOCK_DGRAM, IPPROTO_ICMP),
	    raw = socket(AF_INET, SOCK_RAW, IPPROTO_RAW), odd = socket(AF_INET, SOCK_RAW, 253);

	must(icmp >= 0 && ping >= 0 && raw >= 0 && odd >= 0, "sockets");
	echo.checksum = checksum(&echo, sizeof(echo));
	must(sendto(icmp, &echo, 8, 0, (struct sockaddr *)&a, sizeof(a)) == 8, "raw ICMP");
	state("~packet owner=%d ino=%llu family=2 proto=1 addr=%s port=0 local_port=0 bytes=28", getpid(), ino_of(icmp), quoted(peer));
	state("send nr=%d ino=%llu type=3 proto=1 addr=%s bytes=8", SYS_sendto, ino_of(icmp), quoted(peer));
	state("~sent nr=%d ino=%llu family=2 type=3 proto=1 local_port=0 bytes=8 times=1", SYS_sendto, ino_of(icmp));
	must(sendto(ping, &echo, 8, 0, (struct sockaddr *)&a, sizeof(a)) == 8, "ping socket");
	state("~packet owner=%d ino=%llu family=2 proto=1 addr=%s bytes=28", getpid(), ino_of(ping), quoted(peer));
	state("send nr=%d ino=%llu type=2 proto=1 addr=%s bytes=8", SYS_sendto, ino_of(ping), quoted(peer));
	whole.ip.daddr = a.sin_addr.s_addr;
	must(sendto(raw, &whole, sizeof(whole), 0, (struct sockaddr *)&a, sizeof(a)) == sizeof(whole), "own IP header");
	state("~packet owner=%d ino=%llu family=2 proto=17 addr=%s port=%d local_port=4321 bytes=72", getpid(), ino_of(raw),
	      quoted(peer), UDP_PORT);
	state("send nr=%d ino=%llu type=3 proto=255 bytes=72", SYS_sendto, ino_of(raw));
	must(sendto(odd, payload, 4000, 0, (struct sockaddr *)&a, sizeof(a)) == 4000, "protocol 253, in fragments");
	state("~packet owner=%d ino=%llu proto=253 port=0 local_port=0 bytes=4060 packets=3", getpid(), ino_of(odd));
}

/* Headers that stand before the transport's, and fragments, which have one more. */
static void step_ipv6(void)
{
	static const uint8_t options[8] = { 0, 0, 1, 4 }; /* six bytes of padding */
	const char *address = "\\xfd\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x09";
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(UDP_PORT) };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), tcp = socket(AF_INET6, SOCK_STREAM, 0);

	inet_pton(AF_INET6, "fd00::9", &a.sin6_addr);
	must(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && send(fd, payload, 44, 0) == 44, "UDP");
	state("~packet owner=%d ino=%llu family=10 proto=17 addr=\"%s\" port=%d local_port=%d bytes=%d packets=1", getpid(),
	      ino_of(fd), address, UDP_PORT, local_port(fd), 40 + 8 + 44);
	state("~sent nr=%d ino=%llu family=10 addr=\"%s\" port=%d bytes=44 times=1", SYS_sendto, ino_of(fd), address, UDP_PORT);
	must(write(fd, payload, 5000) == 5000, "a long datagram");
	state("~packet ino=%llu family=10 proto=17 port=%d bytes=%d packets=4", ino_of(fd), UDP_PORT, 8 + 5000 + 4 * 48);
	must(setsockopt(fd, IPPROTO_IPV6, IPV6_DSTOPTS, options, sizeof(options)) == 0, "options");
	must(writev(fd, &(struct iovec){ payload, 45 }, 1) == 45, "with a header of options");
	state("~packet ino=%llu family=10 proto=17 port=%d local_port=%d bytes=%d packets=1", ino_of(fd), UDP_PORT, local_port(fd),
	      40 + 8 + 8 + 45);
	must(connect(tcp, (struct sockaddr *)&a, sizeof(a)) < 0, "a closed port");
	state("~packet owner=%d ino=%llu family=10 proto=6 port=%d bytes=%d packets=1", getpid(), ino_of(tcp), UDP_PORT, 40 + 40);
}

/* To IPv6 addresses where there is no IPv6, as in a chamber: none of it leaves, and the record says where to. A second message of many
 * that fails is told by no call; what the machine itself takes is none. */
static void step_nowhere(void)
{
	const char *address = "\\x20\\x01\\x0d\\xb8\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x09";
	struct sockaddr_in6 a = { .sin6_family = AF_INET6, .sin6_port = htons(UDP_PORT) }, b = a, icmp = { .sin6_family = AF_INET6 };
	int fd = socket(AF_INET6, SOCK_DGRAM, 0), raw = socket(AF_INET6, SOCK_RAW, IPPROTO_ICMPV6), tcp = socket(AF_INET6, SOCK_STREAM, 0);
	struct iovec v = { payload, 33 };
	struct mmsghdr many[2] = { { .msg_hdr = { .msg_name = &b, .msg_namelen = sizeof(b), .msg_iov = &v, .msg_iovlen = 1 } },
				   { .msg_hdr = { .msg_name = &a, .msg_namelen = sizeof(a), .msg_iov = &v, .msg_iovlen = 1 } } };
	char mapped[32];

	snprintf(mapped, sizeof(mapped), "::ffff:%s", peer);
	must(inet_pton(AF_INET6, "2001:db8::9", &a.sin6_addr) == 1 && inet_pton(AF_INET6, mapped, &b.sin6_addr) == 1, "addresses");
	icmp.sin6_addr = a.sin6_addr;
	must(fd >= 0 && raw >= 0 && tcp >= 0, "sockets");
	must(sendto(fd, payload, 31, 0, (struct sockaddr *)&a, sizeof(a)) < 0, "sendto");
	state("~connect fd=%d ino=%llu family=10 type=2 addr=\"%s\" port=%d result=%d", fd, ino_of(fd), address, UDP_PORT, -errno);
	a.sin6_port = htons(UDP_PORT + 1);
	must(sendmsg(fd, &many[1].msg_hdr, 0) < 0, "sendmsg");
	state("~connect fd=%d family=10 addr=\"%s\" port=%d result=%d", fd, address, UDP_PORT + 1, -errno);
	a.sin6_port = htons(UDP_PORT + 2);
	must(sendmmsg(fd, &many[1], 1, 0) < 0, "the first of many");
	state("~connect fd=%d family=10 addr=\"%s\" port=%d result=%d", fd, address, UDP_PORT + 2, -errno);
	a.sin6_port = htons(UDP_PORT + 3);
	must(sendmmsg(fd, many, 2, 0) == 1, "the second of many");
	state("~connect fd=%d family=10 addr=\"%s\" port=%d result=%d", fd, address, UDP_PORT + 3, -EAGAIN);
	must(sendto(raw, payload, 34, 0, (struct sockaddr *)&icmp, sizeof(icmp)) < 0, "a raw socket");
	state("~connect fd=%d ino=%llu family=10 type=3 addr=\"%s\" result=%d", raw, ino_of(raw), address, -errno);
	a.sin6_port = htons(UDP_PORT + 4);
	must(sendto(tcp, payload, 35, MSG_FASTOPEN, (struct sockaddr *)&a, sizeof(a)) < 0, "MSG_FASTOPEN");
	state("~connect fd=%d ino=%llu family=10 type=1 addr=\"%s\" port=%d result=%d", tcp, ino_of(tcp), address, UDP_PORT + 4, -errno);
	must(sendto(fd, payload, 36, 0, (struct sockaddr *)&b, sizeof(b)) == 36, "IPv4 in disguise");
	state("!connect result=0");
}

/* Below IP: no packet event, the wire alone has it. */
static void step_packet(void)
{
	int fd = socket(AF_PACKET, SOCK_DGRAM, htons(ETHERTYPE_IP));
	struct sockaddr_ll a = { .sll_family = AF_PACKET, .sll_protocol = htons(0x88b5), .sll_halen = 6,
				 .sll_ifindex = (int)if_nametoindex("eth0"), .sll_addr = { 2, 0, 0, 0, 0, 9 } };

	must(fd >= 0 && sendto(fd, payload, 77, 0, (struct sockaddr *)&a, sizeof(a)) == 77, "AF_PACKET");
	state("socket fd=%d family=%d type=2 ino=%llu", fd, AF_PACKET, ino_of(fd));
	state("send nr=%d fd=%d ino=%llu family=%d type=2 bytes=77", SYS_sendto, fd, ino_of(fd), AF_PACKET);
	state("~sent nr=%d ino=%llu family=%d type=2 bytes=77 times=1", SYS_sendto, ino_of(fd), AF_PACKET);
	state("!packet family=2");
}

/* The listener on FOLDER/listener is a process outside the cgroup. */
static void step_unix(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0), datagram = socket(AF_UNIX, SOCK_DGRAM, 0), pair[2];

	snprintf(a.sun_path, sizeof(a.sun_path), "%s/listener", folder);
	must(connect(fd, (struct sockaddr *)&a, sizeof(a)) == 0 && write(fd, payload, 61) == 61, "a listener outside");
	state("connect fd=%d ino=%llu family=1 type=1 addr=\"%s\" result=0", fd, ino_of(fd), a.sun_path);
	state("send nr=%d fd=%d ino=%llu family=1 type=1 addr=\"%s\" bytes=61", SYS_write, fd, ino_of(fd), a.sun_path);
	state("~sent nr=%d ino=%llu family=1 type=1 addr=\"%s\" bytes=61 times=1", SYS_write, ino_of(fd), a.sun_path);
	snprintf(a.sun_path, sizeof(a.sun_path), "%s/datagrams", folder);
	must(sendto(datagram, payload, 62, 0, (struct sockaddr *)&a, sizeof(a)) == 62, "a datagram outside");
	state("send nr=%d fd=%d family=1 type=2 addr=\"%s\" bytes=62", SYS_sendto, datagram, a.sun_path);
	state("~sent nr=%d ino=%llu family=1 type=2 bytes=62 times=1", SYS_sendto, ino_of(datagram));
	must(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair) == 0 && send(pair[0], payload, 63, 0) == 63, "a pair");
	state("send nr=%d fd=%d family=1 type=5 bytes=63", SYS_sendto, pair[0]);
	state("~sent nr=%d ino=%llu family=1 type=5 bytes=63 times=1", SYS_sendto, ino_of(pair[0]));
}

static void step_netlink(void)
{
	struct {
		struct nlmsghdr head;
		struct ifinfomsg info;
	} ask = { .head = { .nlmsg_len = sizeof(ask), .nlmsg_type = RTM_GETLINK, .nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP } };
	int fd = socket(AF_NETLINK, SOCK_RAW, NETLINK_ROUTE);

	must(fd >= 0 && send(fd, &ask, sizeof(ask), 0) == sizeof(ask), "netlink");
	state("send nr=%d fd=%d ino=%llu family=16 type=3 bytes=%zu", SYS_sendto, fd, ino_of(fd), sizeof(ask));
	state("~sent nr=%d ino=%llu family=16 type=3 bytes=%zu times=1", SYS_sendto, ino_of(fd), sizeof(ask));
}

/* To itself: most machines have no other. Where there is no vsock at all, or nothing that carries it, that is stated. */
static void step_vsock(void)
{
	struct sockaddr_vm any = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = 7003 };
	struct sockaddr_vm a = { .svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_LOCAL, .svm_port = 7003 };
	int listener = socket(AF_VSOCK, SOCK_STREAM, 0), fd = socket(AF_VSOCK, SOCK_STREAM, 0);

	if (listener < 0 || fd < 0) {
		state("!socket family=%d", AF_VSOCK);
		return;
	}
	state("socket fd=%d family=%d type=1", fd, AF_VSOCK);
	must(bind(listener, (struct sockaddr *)&any, sizeof(any)) == 0 && listen(listener, 1) == 0, "a listener by vsock");
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) < 0) {
		state("~connect fd=%d type=1 family=%d result=%d", fd, AF_VSOCK, -errno);
		return;
	}
	must(send(fd, payload, 64, 0) == 64, "vsock");
	state("send nr=%d fd=%d ino=%llu type=1 bytes=64", SYS_sendto, fd, ino_of(fd));
	state("~sent nr=%d ino=%llu type=1 bytes=64 times=1", SYS_sendto, ino_of(fd));
}

/* A socket that the parent made and connected, used by a child: the packet is the child's. */
static void step_child(void)
{
	int udp = connected(SOCK_DGRAM, UDP_PORT), tcp = connected(SOCK_STREAM, TCP_PORT), status;
	pid_t child = fork();

	if (child == 0) {
		must(send(udp, payload, 81, 0) == 81 && send(tcp, payload, 82, 0) == 82, "the child's send");
		_exit(0);
	}
	must(child > 0 && waitpid(child, &status, 0) == child && status == 0, "the child");
	state("~packet owner=%d ino=%llu proto=17 bytes=%d", child, ino_of(udp), UDP_HEADERS + 81);
	state("~packet owner=%d ino=%llu proto=6 bytes=%d", child, ino_of(tcp), TCP_HEADERS + 82);
	state("~sent nr=%d ino=%llu bytes=81 times=1", SYS_sendto, ino_of(udp));
	must(send(udp, payload, 83, 0) == 83, "the parent's send");
	state("~packet owner=%d ino=%llu proto=17 bytes=%d", getpid(), ino_of(udp), UDP_HEADERS + 83);
}

/* Sends when nobody is left who started it. */
static void step_daemon(void)
{
	int pipes[2], gone[2];
	pid_t daemon = 0, first;

	must(pipe(pipes) == 0 && pipe(gone) == 0, "pipe");
	first = fork();
	if (first == 0) {
		setsid();
		daemon = fork();
		if (daemon != 0) {
			must(daemon > 0 && write(pipes[1], &daemon, sizeof(daemon)) == sizeof(daemon), "the daemon");
			_exit(0);
		}
		close(1);
		close(gone[1]);
		must(read(gone[0], &daemon, 1) == 0, "waiting for everybody's end"); /* the last writer is gone */
		usleep(100000);
		must(send(connected(SOCK_DGRAM, UDP_PORT), payload, 91, 0) == 91, "the daemon's send");
		_exit(0);
	}
	must(read(pipes[0], &daemon, sizeof(daemon)) == sizeof(daemon) && waitpid(first, NULL, 0) == first, "the daemon");
	state("~exit last=1 code=0");
	state("packet owner=%d proto=17 port=%d bytes=%d", daemon, UDP_PORT, UDP_HEADERS + 91);
	state("send nr=%d type=2 port=%d bytes=91", SYS_sendto, UDP_PORT);
}

/* What the kernel sends for a socket: the reset of one that is closed with bytes unread. The test sends ten. */
static void step_reset(void)
{
	int fd = connected(SOCK_STREAM, TCP_PORT), port = local_port(fd);
	struct pollfd p = { .fd = fd, .events = POLLIN };
	unsigned long long ino = ino_of(fd);

	must(send(fd, "ten bytes", 10, 0) == 10 && poll(&p, 1, 5000) == 1, "ten bytes");
	close(fd);
	state("~packet owner=%d ino=%llu proto=6 port=%d local_port=%d bytes=52 packets=1", getpid(), ino, TCP_PORT, port);
	fd = socket(AF_INET, SOCK_STREAM, 0);
	must(connect(fd, (struct sockaddr *)&(struct sockaddr_in){ 0 }, 0) < 0, "no address");
	must(connect(fd, (struct sockaddr *)(struct sockaddr_in[]){ to(peer, CLOSED_PORT) }, sizeof(struct sockaddr_in)) < 0,
	     "a closed port");
	state("~packet owner=%d ino=%llu proto=6 port=%d bytes=60", getpid(), ino_of(fd), CLOSED_PORT);
}

/* Data within the SYN, once the peer has given a cookie. */
static void step_fast_open(void)
{
	struct sockaddr_in a = to(peer, TCP_PORT);

	for (int i = 0; i < 2; i++) {
		int fd = socket(AF_INET, SOCK_STREAM, 0);

		must(sendto(fd, payload, 71, MSG_FASTOPEN, (struct sockaddr *)&a, sizeof(a)) == 71, "MSG_FASTOPEN");
		state_send(SYS_sendto, fd, SOCK_STREAM, TCP_PORT, 71);
		state_sent(SYS_sendto, fd, SOCK_STREAM, TCP_PORT, 71, 1);
		if (i == 1)
			state("~packet owner=%d ino=%llu proto=6 port=%d packets=1 bytes=%d", getpid(), ino_of(fd), TCP_PORT,
			      20 + 20 + 32 + 71);
		usleep(50000);
	}
}

/* A server: what it sends on a socket that it accepted, the kernel's part of the handshake included. The peer calls when
 * it is asked to. */
static void step_server(void)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(7005) };
	int listener = socket(AF_INET, SOCK_STREAM, 0), fd;
	char byte;

	must(bind(listener, (struct sockaddr *)&a, sizeof(a)) == 0 && listen(listener, 1) == 0, "listen");
	must(write(connected(SOCK_STREAM, TCP_PORT), "listening", 9) == 9, "asking for a call");
	fd = accept(listener, NULL, NULL);
	must(fd >= 0 && read(fd, &byte, 1) == 1 && write(fd, payload, 51) == 51, "accept");
	state("~packet owner=%d ino=%llu proto=6 local_port=7005 bytes=60", getpid(), ino_of(listener)); /* SYN-ACK */
	state("~packet owner=%d ino=%llu proto=6 local_port=7005 bytes=%d", getpid(), ino_of(fd), TCP_HEADERS + 51);
	state("~sent nr=%d ino=%llu type=1 local_port=7005 bytes=51 times=1", SYS_write, ino_of(fd));
}

/* What becomes of a descriptor while a write to it waits: `with` takes its place, or nothing does (-1). */
struct replacement {
	int fd, with, drain;
};

static void *replace_and_drain(void *cookie)
{
	const struct replacement *r = cookie;
	static char sink[1 << 20];
	ssize_t n;

	await_call(getpid(), SYS_write);
	must(r->with < 0 ? close(r->fd) == 0 : dup2(r->with, r->fd) == r->fd, "replacing");
	do
		n = read(r->drain, sink, sizeof(sink));
	while (n > 0);
	return NULL;
}

/* Fills `fd`, then writes 100 bytes while another thread replaces it. */
static void write_replaced(int fd, int with, int drain)
{
	struct replacement r = { dup(fd), with, drain };
	pthread_t thread;

	must(fcntl(fd, F_SETFL, O_NONBLOCK) == 0, "O_NONBLOCK");
	while (write(fd, payload, 7) > 0)
		;
	must(fcntl(fd, F_SETFL, 0) == 0 && fcntl(drain, F_SETFL, O_NONBLOCK) == 0, "O_NONBLOCK");
	must(pthread_create(&thread, NULL, replace_and_drain, &r) == 0, "a thread");
	must(write(r.fd, payload, 100) == 100, "the write that waits");
	pthread_join(thread, NULL);
}

/* Each write goes to what the descriptor was when it began. */
static void step_replaced(void)
{
	int file = open(in_folder("file"), O_RDWR | O_CREAT, 0600), other = socket(AF_UNIX, SOCK_DGRAM, 0), pair[2];
	const int with[] = { other, file, -1 };

	must(file >= 0 && other >= 0, "files");
	for (size_t i = 0; i < sizeof(with) / sizeof(*with); i++) {
		must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0, "socketpair");
		write_replaced(pair[0], with[i], pair[1]);
		state("send nr=%d ino=%llu type=1 bytes=100", SYS_write, ino_of(pair[0]));
	}
	must(pipe(pair) == 0, "pipe");
	write_replaced(pair[1], other, pair[0]);
	state("!send ino=%llu", ino_of(other));
	state("!write ino=%llu bytes=100", ino_of(file));
}

enum { RACES = 15000, MET = 100 };
static atomic_int racing, over, stands = -1; /* which of the three the descriptor stands for now, -1 while that changes */

/* Replaces what descriptor `racing` stands for, and closes it, all the time; now and then it lets the sender have its turn, which on
 * one processor it would not have between two of these. */
static void *replace(void *three)
{
	const int *fd = three;

	for (unsigned i = 0; !over; i++) {
		stands = -1;
		if (i % 8 == 7) {
			close(racing);
			continue;
		}
		dup2(fd[i % 3], racing);
		stands = (int)(i % 3);
		if (i % 100 < 3)
			usleep(20);
	}
	return NULL;
}

/* Sends by a descriptor that another thread replaces meanwhile by another socket, a file or nothing, until both sockets surely had
 * their share. What was sent by which socket only its packets tell: the test adds up. */
static void step_race(void)
{
	int fd[3] = { connected(SOCK_DGRAM, UDP_PORT), connected(SOCK_DGRAM, UDP_PORT + 10),
		      open(in_folder("file"), O_RDWR | O_CREAT, 0600) };
	int sent = 0, met[3] = { 0 };
	pthread_t thread;

	racing = dup(fd[0]);
	must(racing >= 0 && fd[2] >= 0 && pthread_create(&thread, NULL, replace, fd) == 0, "a thread");
	while (sent < RACES || met[0] < MET || met[1] < MET) {
		int before = stands;

		if (write(racing, payload, 100) != 100) {
			sched_yield(); /* closed just now */
			continue;
		}
		sent++;
		if (before >= 0 && before == stands)
			met[before]++;
	}
	over = 1;
	pthread_join(thread, NULL);
	state("~packet ino=%llu port=%d bytes=%d", ino_of(fd[0]), UDP_PORT, UDP_HEADERS + 100);
	state("~packet ino=%llu port=%d bytes=%d", ino_of(fd[1]), UDP_PORT + 10, UDP_HEADERS + 100);
}

enum { STORM = 5000, AT_ONCE = 64 };

/* Many processes, each of which lives for one datagram that carries its id; half of them by a socket of their parent's. */
static void step_storm(void)
{
	int theirs = connected(SOCK_DGRAM, UDP_PORT), alive = 0;

	for (int i = 0; i < STORM; i++, alive++) {
		pid_t child;

		for (; alive == AT_ONCE; alive--)
			must(wait(NULL) > 0, "wait");
		child = fork();
		must(child >= 0, "fork");
		if (child == 0) {
			int fd = i % 2 ? connected(SOCK_DGRAM, UDP_PORT) : theirs;

			child = getpid();
			_exit(send(fd, &child, sizeof(child), 0) != sizeof(child));
		}
	}
	while (wait(NULL) > 0)
		;
	state("~packet port=%d bytes=%d", UDP_PORT, UDP_HEADERS + 4);
}

enum { BURST = 60000 };

/* More than a packet ring holds, as fast as it goes. */
static void step_burst(void)
{
	int fd = connected(SOCK_DGRAM, UDP_PORT);

	for (int i = 0; i < BURST; i++)
		must(send(fd, payload, 1400, 0) == 1400, "send");
	state_sent(SYS_sendto, fd, SOCK_DGRAM, UDP_PORT, 1400 * BURST, BURST);
}

/* Closed on both sides, by the subject first: the kernel acknowledges the peer's end in the name of nobody. */
static void step_time_wait(void)
{
	int fd = connected(SOCK_STREAM, TCP_PORT), port = local_port(fd);
	unsigned long long ino = ino_of(fd);

	must(send(fd, "close", 5, 0) == 5, "send");
	usleep(20000);
	close(fd);
	usleep(200000);
	state("~packet owner=%d ino=%llu proto=6 local_port=%d bytes=52 packets=1", getpid(), ino, port);
}

/* A group that is joined: the kernel reports it, on its own behalf. */
static void step_group(void)
{
	struct ip_mreqn group = { .imr_ifindex = (int)if_nametoindex("eth0") };
	int fd = socket(AF_INET, SOCK_DGRAM, 0);

	inet_pton(AF_INET, "239.1.2.3", &group.imr_multiaddr);
	must(setsockopt(fd, IPPROTO_IP, IP_ADD_MEMBERSHIP, &group, sizeof(group)) == 0, "IP_ADD_MEMBERSHIP");
	usleep(300000); /* the report is sent a moment later, or after this: the test waits for it */
	state("!packet proto=2");
}

/* Sends and lives on, until it is killed. */
static void step_linger(void)
{
	int pair[2];

	must(socketpair(AF_UNIX, SOCK_STREAM, 0, pair) == 0 && write(pair[0], payload, 55) == 55, "a pair");
	for (;;)
		pause();
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*step)(void);
	} steps[] = {
		{ "tcp", step_tcp },	   { "udp", step_udp },		{ "udp_parts", step_udp_parts }, { "zerocopy", step_zerocopy },
		{ "splice", step_splice }, { "uring", step_uring },	{ "raw", step_raw },	  { "packet", step_packet }, { "ipv6", step_ipv6 },
		{ "unix", step_unix },	   { "netlink", step_netlink }, { "vsock", step_vsock },  { "child", step_child },
		{ "daemon", step_daemon }, { "reset", step_reset },	{ "fast_open", step_fast_open }, { "server", step_server },
		{ "nowhere", step_nowhere },
		{ "race", step_race }, { "replaced", step_replaced },	   { "storm", step_storm },	{ "burst", step_burst },  { "group", step_group },
		{ "time_wait", step_time_wait }, { "linger", step_linger },
	};

	if (argc < 4)
		return 98;
	folder = argv[2];
	peer = argv[3];
	signal(SIGPIPE, SIG_IGN);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
		if (strcmp(argv[1], steps[i].name) != 0)
			continue;
		steps[i].step();
		write_statements();
		return 0;
	}
	return 98;
}
