/* Ways of sending. What is sent is the beginning of the way's own file, to an address and a port of the way's own. */
#include "selftest_internal.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <poll.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>

/* How long to wait for the peer to close: it does 200 ms after the last byte. Where we close first, the kernel answers the
 * peer's end by itself, with packets that belong to no socket. */
#define PEER_MS 5000
#define EXPERIMENT 253 /* IP protocol for experiments (RFC 3692) */

static int whole(ssize_t done, size_t wanted)
{
	return done < 0 ? errno : (size_t)done == wanted ? 0 : EIO;
}

static int take_nonce(const struct hm_actor *actor, uint8_t nonce[SENT_BYTES])
{
	HM_CLOSE int fd = open(actor->path, O_RDONLY | O_CLOEXEC);

	return fd < 0 ? errno : whole(read(fd, nonce, SENT_BYTES), SENT_BYTES);
}

static struct sockaddr_in own_address(const struct hm_actor *actor)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(hm_way_port(actor->way)) };
	uint8_t bytes[4];

	hm_way_address(bytes, actor->way, actor->closed);
	memcpy(&address.sin_addr, bytes, sizeof(bytes));
	return address;
}

#define ADDRESS(variable) (const struct sockaddr *)&(variable), sizeof(variable)

/* Without an internet somebody has to take what comes over the loopback; a connection needs no accept(2). */
static int take_on_loopback(const struct hm_actor *actor, int type)
{
	struct sockaddr_in address = own_address(actor);
	int fd;

	if (!actor->closed)
		return 0;
	fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || bind(fd, ADDRESS(address)) < 0)
		return errno;
	return type == SOCK_STREAM && listen(fd, 1) < 0 ? errno : 0;
}

static int connected(const struct hm_actor *actor, int type, int *fd)
{
	struct sockaddr_in address = own_address(actor);
	int r = take_on_loopback(actor, type);

	if (r)
		return r;
	*fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	return *fd < 0 || connect(*fd, ADDRESS(address)) < 0 ? errno : 0;
}

/* Ends the connection in order; returns what the sending returned. */
static int finish(const struct hm_actor *actor, int fd, int r)
{
	struct pollfd wait = { .fd = fd, .events = POLLIN };

	if (r == 0 && !actor->closed && shutdown(fd, SHUT_WR) == 0)
		(void)poll(&wait, 1, PEER_MS);
	return r;
}

static int send_connected(const struct hm_actor *actor, int type, int flags)
{
	HM_CLOSE int fd = -1;
	uint8_t nonce[SENT_BYTES];
	int one = 1, r = take_nonce(actor, nonce);

	if (r == 0)
		r = connected(actor, type, &fd);
	if (r == 0 && (flags & MSG_ZEROCOPY) && setsockopt(fd, SOL_SOCKET, SO_ZEROCOPY, &one, sizeof(one)) < 0)
		r = errno;
	if (r == 0)
		r = whole(send(fd, nonce, sizeof(nonce), flags), sizeof(nonce));
	return type == SOCK_STREAM ? finish(actor, fd, r) : r;
}

int hm_send_tcp(const struct hm_actor *actor)
{
	return send_connected(actor, SOCK_STREAM, 0);
}

int hm_send_udp(const struct hm_actor *actor)
{
	return send_connected(actor, SOCK_DGRAM, 0);
}

int hm_send_zerocopy(const struct hm_actor *actor)
{
	return send_connected(actor, SOCK_STREAM, MSG_ZEROCOPY);
}

int hm_send_write(const struct hm_actor *actor)
{
	HM_CLOSE int fd = -1;
	uint8_t nonce[SENT_BYTES];
	int r = take_nonce(actor, nonce);

	if (r == 0)
		r = connected(actor, SOCK_STREAM, &fd);
	if (r == 0)
		r = whole(write(fd, nonce, sizeof(nonce)), sizeof(nonce));
	return finish(actor, fd, r);
}

static int send_bytes(const struct hm_actor *actor, int type, int protocol, const void *bytes, size_t len)
{
	struct sockaddr_in address = own_address(actor);
	HM_CLOSE int fd = socket(AF_INET, type | SOCK_CLOEXEC, protocol);

	return fd < 0 ? errno : whole(sendto(fd, bytes, len, 0, ADDRESS(address)), len);
}

int hm_send_unconnected(const struct hm_actor *actor)
{
	uint8_t nonce[SENT_BYTES];
	int r = take_nonce(actor, nonce);

	if (r == 0)
		r = take_on_loopback(actor, SOCK_DGRAM);
	return r ? r : send_bytes(actor, SOCK_DGRAM, 0, nonce, sizeof(nonce));
}

int hm_send_message(const struct hm_actor *actor)
{
	struct sockaddr_in address = own_address(actor);
	HM_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint8_t nonce[SENT_BYTES];
	struct iovec piece = { nonce, sizeof(nonce) };
	struct msghdr message = { .msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = &piece, .msg_iovlen = 1 };
	int r = take_nonce(actor, nonce);

	if (r == 0)
		r = take_on_loopback(actor, SOCK_DGRAM);
	if (r)
		return r;
	return fd < 0 ? errno : whole(sendmsg(fd, &message, 0), sizeof(nonce));
}

int hm_send_messages(const struct hm_actor *actor)
{
	struct sockaddr_in address = own_address(actor);
	HM_CLOSE int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint8_t nonce[SENT_BYTES];
	struct iovec piece = { nonce, sizeof(nonce) };
	struct msghdr head = { .msg_name = &address, .msg_namelen = sizeof(address), .msg_iov = &piece, .msg_iovlen = 1 };
	struct mmsghdr two[] = { { .msg_hdr = head }, { .msg_hdr = head } };
	int r = take_nonce(actor, nonce);

	if (r == 0)
		r = take_on_loopback(actor, SOCK_DGRAM);
	if (r)
		return r;
	return fd < 0 ? errno : whole(sendmmsg(fd, two, HM_COUNT(two), 0), HM_COUNT(two));
}

int hm_send_sendfile(const struct hm_actor *actor)
{
	HM_CLOSE int fd = -1, file = open(actor->path, O_RDONLY | O_CLOEXEC);
	int r = file < 0 ? errno : connected(actor, SOCK_STREAM, &fd);

	if (r == 0)
		r = whole(sendfile(fd, file, NULL, SENT_BYTES), SENT_BYTES);
	return finish(actor, fd, r);
}

int hm_send_splice(const struct hm_actor *actor)
{
	HM_CLOSE int fd = -1, file = open(actor->path, O_RDONLY | O_CLOEXEC);
	int ends[2], r = file < 0 || pipe2(ends, O_CLOEXEC) < 0 ? errno : connected(actor, SOCK_STREAM, &fd);

	if (r == 0)
		r = whole(splice(file, NULL, ends[1], NULL, SENT_BYTES, 0), SENT_BYTES);
	if (r == 0)
		r = whole(splice(ends[0], NULL, fd, NULL, SENT_BYTES, 0), SENT_BYTES);
	return finish(actor, fd, r);
}

/* RFC 1071. */
static uint16_t checksum(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t)~sum);
}

static int echo(const struct hm_actor *actor, int type)
{
	uint8_t packet[sizeof(struct icmphdr) + SENT_BYTES];
	struct icmphdr head = { .type = ICMP_ECHO, .un.echo.id = htons((uint16_t)actor->way) };
	int r = take_nonce(actor, packet + sizeof(head));

	if (r)
		return r;
	memcpy(packet, &head, sizeof(head));
	head.checksum = checksum(packet, sizeof(packet));
	memcpy(packet, &head, sizeof(head));
	return send_bytes(actor, type, IPPROTO_ICMP, packet, sizeof(packet));
}

int hm_send_ping(const struct hm_actor *actor)
{
	return echo(actor, SOCK_DGRAM);
}

int hm_send_icmp(const struct hm_actor *actor)
{
	return echo(actor, SOCK_RAW);
}

/* With an IP header of its own making. */
int hm_send_raw(const struct hm_actor *actor)
{
	struct sockaddr_in address = own_address(actor);
	uint8_t packet[sizeof(struct iphdr) + SENT_BYTES];
	struct iphdr head = { .version = 4, .ihl = 5, .ttl = 64, .protocol = EXPERIMENT, .daddr = address.sin_addr.s_addr };
	int r = take_nonce(actor, packet + sizeof(head));

	head.tot_len = htons(sizeof(packet));
	memcpy(packet, &head, sizeof(head));
	return r ? r : send_bytes(actor, SOCK_RAW, IPPROTO_RAW, packet, sizeof(packet));
}

/* A message that asks for nothing. */
int hm_send_netlink(const struct hm_actor *actor)
{
	struct sockaddr_nl kernel = { .nl_family = AF_NETLINK };
	HM_CLOSE int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
	uint8_t message[sizeof(struct nlmsghdr) + SENT_BYTES];
	struct nlmsghdr head = { .nlmsg_len = sizeof(message), .nlmsg_type = NLMSG_NOOP };
	int r = take_nonce(actor, message + sizeof(head));

	memcpy(message, &head, sizeof(head));
	if (r)
		return r;
	return fd < 0 ? errno : whole(sendto(fd, message, sizeof(message), 0, ADDRESS(kernel)), sizeof(message));
}

/* To a name that is the nonce's beginning behind a NUL: the record has names, not payloads. */
int hm_send_unix(const struct hm_actor *actor)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	HM_CLOSE int to = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0), fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint8_t nonce[SENT_BYTES];
	int r = take_nonce(actor, nonce);

	if (r)
		return r;
	memcpy(address.sun_path + 1, nonce, HM_NAME_BYTES - 1);
	if (to < 0 || fd < 0 || bind(to, (struct sockaddr *)&address, HM_NAME_BYTES + 2) < 0)
		return errno;
	return whole(sendto(fd, nonce, sizeof(nonce), 0, (struct sockaddr *)&address, HM_NAME_BYTES + 2), sizeof(nonce));
}

int hm_send_child(const struct hm_actor *actor)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(hm_send_unconnected(actor));
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : ECHILD;
}

int hm_send_daemon(const struct hm_actor *actor)
{
	return hm_send_unconnected(actor);
}
