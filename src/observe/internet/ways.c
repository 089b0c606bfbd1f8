/* Mode gateway's way out: a process that stands in the network that is let through, and hands over sockets that are connected
 * there. It has no privileges and no connection to the chamber but the socket by which it is asked; the internet itself stays
 * in its own network, and cannot open one outside. Each question is answered by a process of its own, so that a name
 * that nobody resolves holds up no other.
 *
 * Where it leads: to any address but this machine's own. What listens on the machine's loopback, or is told by its cloud, is no
 * part of a network that a product was let into. */
#include <arpa/inet.h>
#include <errno.h>
#include <event2/dns.h>
#include <event2/util.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include <linux/capability.h>

#include "internet_internal.h"

enum { NOBODY = 65534, WORKERS_MAX = 128, CONNECT_MS = 15000, TO_MAX = 256 };

struct ask {
	enum way_kind kind;
	uint16_t port;
	char to[TO_MAX]; /* a name, or an address in brackets; of WAY_NAMES nothing */
};

/* A descriptor beside `len` bytes; -1 for none. */
static bool send_with(int socket, const void *bytes, size_t len, int fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { (void *)bytes, len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1 };

	if (fd >= 0) {
		message.msg_control = control.bytes;
		message.msg_controllen = sizeof(control.bytes);
		control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(sizeof(int)), .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS };
		memcpy(CMSG_DATA(&control.align), &fd, sizeof(fd));
	}
	return sendmsg(socket, &message, MSG_NOSIGNAL) == (ssize_t)len;
}

/* The bytes that came, 0 at the end, -1 for none yet; *fd is -1 where none came with them. */
static ssize_t receive_with(int socket, void *bytes, size_t len, int *fd)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec part = { bytes, len };
	struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control.bytes, .msg_controllen = sizeof(control.bytes) };
	ssize_t n = recvmsg(socket, &message, MSG_CMSG_CLOEXEC);
	struct cmsghdr *c = n < 0 ? NULL : CMSG_FIRSTHDR(&message);

	*fd = -1;
	if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int)))
		memcpy(fd, CMSG_DATA(c), sizeof(*fd));
	return n;
}

/* ---- the internet's side ---- */

int hm_internet_way_ask(int ways, enum way_kind kind, const char *to, int port)
{
	struct ask ask = { .kind = kind, .port = (uint16_t)port };
	HM_CLOSE int ours = -1, theirs = -1;
	int pair[2];

	if (strlen(to) >= sizeof(ask.to) || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) < 0)
		return -1;
	ours = pair[0];
	theirs = pair[1];
	memcpy(ask.to, to, strlen(to) + 1);
	return send_with(ways, &ask, sizeof(ask), theirs) ? hm_take_fd(&ours) : -1;
}

int hm_internet_way_take(int asked)
{
	char byte;
	int fd;

	(void)!receive_with(asked, &byte, sizeof(byte), &fd);
	if (fd >= 0 && fcntl(fd, F_SETFL, O_NONBLOCK) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* ---- the process ---- */

/* Neither this machine nor what only it is told: the address of a route to itself is the address it is. */
static bool is_outside(const struct sockaddr_in *to)
{
	HM_CLOSE int probe = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	uint32_t address = ntohl(to->sin_addr.s_addr);
	struct sockaddr_in from = { 0 };
	socklen_t len = sizeof(from);

	if (address >> 24 == 0 || address >> 24 == 127 || address >> 16 == 0xa9fe || address >> 28 >= 0xe || address >> 17 == 0xc612 >> 1)
		return false;
	return probe >= 0 && connect(probe, (const struct sockaddr *)to, sizeof(*to)) == 0 &&
	       getsockname(probe, (struct sockaddr *)&from, &len) == 0 && from.sin_addr.s_addr != to->sin_addr.s_addr;
}

struct found {
	struct event_base *base;
	struct sockaddr_in address;
	bool good;
};

static void on_address(int error, struct evutil_addrinfo *list, void *user)
{
	struct found *found = user;

	if (!error && list && list->ai_addrlen == sizeof(found->address)) {
		memcpy(&found->address, list->ai_addr, sizeof(found->address));
		found->good = true;
	}
	if (list)
		evutil_freeaddrinfo(list);
	event_base_loopbreak(found->base);
}

/* By the resolvers and the hosts of /etc as they are seen here; no other service of the machine is asked. */
static bool resolve(const struct ask *ask, struct sockaddr_in *out)
{
	struct evutil_addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM, .ai_protocol = IPPROTO_TCP };
	struct found found = { .base = event_base_new() };
	struct evdns_base *dns = found.base ? evdns_base_new(found.base, 0) : NULL;
	struct sockaddr_storage server;

	if (!dns)
		return false;
	(void)!evdns_base_resolv_conf_parse(dns, DNS_OPTION_NAMESERVERS | DNS_OPTION_MISC | DNS_OPTION_HOSTSFILE, "/etc/resolv.conf");
	if (ask->kind == WAY_NAMES) {
		found.good = evdns_base_get_nameserver_addr(dns, 0, (struct sockaddr *)&server, sizeof(server)) == (int)sizeof(*out) &&
			     server.ss_family == AF_INET;
		memcpy(&found.address, &server, sizeof(found.address));
	} else if (evdns_getaddrinfo(dns, ask->to, NULL, &hints, on_address, &found) && !found.good) {
		event_base_dispatch(found.base);
	}
	*out = found.address;
	return found.good;
}

static bool find_address(const struct ask *ask, struct sockaddr_in *out)
{
	size_t len = strnlen(ask->to, sizeof(ask->to));
	char literal[INET_ADDRSTRLEN];

	*out = (struct sockaddr_in){ 0 };
	if (ask->kind == WAY_NAMES)
		return resolve(ask, out);
	if (ask->to[0] != '[') {
		if (len == sizeof(ask->to) || strspn(ask->to, "abcdefghijklmnopqrstuvwxyz0123456789-_.") != len || !resolve(ask, out))
			return false;
	} else if (len < 3 || len - 2 >= sizeof(literal)) {
		return false;
	} else {
		memcpy(literal, ask->to + 1, len - 2);
		literal[len - 2] = 0;
		if (inet_pton(AF_INET, literal, &out->sin_addr) != 1)
			return false;
	}
	out->sin_family = AF_INET;
	out->sin_port = htons(ask->port);
	return is_outside(out);
}

/* The one who asked sees the end of its socket where there is no way. */
static void find_way(const struct ask *ask, int reply)
{
	struct sockaddr_in to;
	struct pollfd ready = { .events = POLLOUT };
	socklen_t len = sizeof(int);
	int error = 0;

	alarm(2 * CONNECT_MS / 1000);
	if (!find_address(ask, &to))
		return;
	ready.fd = socket(AF_INET, (ask->kind == WAY_TCP ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (ready.fd < 0 || (connect(ready.fd, (struct sockaddr *)&to, sizeof(to)) < 0 && errno != EINPROGRESS))
		return;
	if (poll(&ready, 1, CONNECT_MS) == 1 && getsockopt(ready.fd, SOL_SOCKET, SO_ERROR, &error, &len) == 0 && !error)
		(void)!send_with(reply, "w", 1, ready.fd);
}

static _Noreturn void serve(int control)
{
	struct ask ask;
	int reply, workers = 0;

	for (;;) {
		ssize_t n = receive_with(control, &ask, sizeof(ask), &reply);
		pid_t child = -1, parent = getpid();

		if (n == 0 || (n < 0 && errno != EINTR))
			_exit(0);
		while (waitpid(-1, NULL, WNOHANG) > 0)
			workers--;
		if (n == (ssize_t)sizeof(ask) && reply >= 0 && workers < WORKERS_MAX)
			child = fork();
		if (child == 0) {
			if (prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == parent)
				find_way(&ask, reply);
			_exit(0);
		}
		workers += child > 0;
		if (reply >= 0)
			close(reply);
	}
}

/* The network, and what `ip netns exec` shows of /etc there. */
static int enter(int network, const char *name, struct hm_fail *fail)
{
	static const char *const files[] = { "resolv.conf", "hosts" };

	if (setns(network, CLONE_NEWNET) < 0)
		return hm_fail_errno(fail, "cannot enter the network %s", name);
	if (unshare(CLONE_NEWNS) < 0 || mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return hm_fail_errno(fail, "cannot make a mount namespace for the way out");
	for (size_t i = 0; i < HM_COUNT(files); i++) {
		HM_FREE char *from = hm_sprintf("/etc/netns/%s/%s", name, files[i]), *to = hm_sprintf("/etc/%s", files[i]);

		if (mount(from, to, NULL, MS_BIND, NULL) < 0 && errno != ENOENT)
			return hm_fail_errno(fail, "cannot put %s in place for the way out", from);
	}
	return 0;
}

static int drop_privileges(pid_t parent, struct hm_fail *fail)
{
	struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[2] = { { 0 } };

	if (setgroups(0, NULL) < 0 || setresgid(NOBODY, NOBODY, NOBODY) < 0 || setresuid(NOBODY, NOBODY, NOBODY) < 0 ||
	    syscall(SYS_capset, &head, none) < 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_PDEATHSIG, SIGKILL) < 0)
		return hm_fail_errno(fail, "cannot drop the privileges of the way out");
	if (getppid() != parent)
		_exit(1);
	return 0;
}

static _Noreturn void be_the_way(int control, int network, const char *name, pid_t parent)
{
	static const int ignored[] = { SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGPIPE };
	struct hm_fail fail = { 0 };
	sigset_t none;

	prctl(PR_SET_NAME, "hallmark-way");
	for (size_t i = 0; i < HM_COUNT(ignored); i++)
		signal(ignored[i], SIG_IGN);
	sigemptyset(&none);
	sigprocmask(SIG_SETMASK, &none, NULL);
	if (dup2(control, 3) < 0 || dup2(network >= 0 ? network : 3, 4) < 0)
		_exit(1);
	(void)close_range(5, ~0u, 0);
	if ((network < 0 || enter(4, name, &fail) == 0) && drop_privileges(parent, &fail) == 0)
		close(4);
	if (send(3, &fail, sizeof(fail), MSG_NOSIGNAL) != (ssize_t)sizeof(fail) || fail.code)
		_exit(1);
	serve(3);
}

int hm_internet_ways_start(pid_t *child, const char *network, struct hm_fail *fail)
{
	HM_FREE char *path = network ? hm_sprintf("/run/netns/%s", network) : NULL;
	HM_CLOSE int ours = -1, theirs = -1, ns = -1;
	struct hm_fail said = { 0 };
	pid_t parent = getpid();
	int pair[2];

	if (network && (!*network || strchr(network, '/') || strcmp(network, ".") == 0 || strcmp(network, "..") == 0))
		return hm_fail_set(fail, HM_E_USAGE, "%s is no name of a network namespace", network);
	if (network && (ns = open(path, O_RDONLY | O_CLOEXEC)) < 0)
		return hm_fail_errno(fail, "cannot open the network namespace %s (ip netns list tells which there are)", network);
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return hm_fail_errno(fail, "cannot make a pair of sockets");
	ours = pair[0];
	theirs = pair[1];
	*child = fork();
	if (*child == 0)
		be_the_way(fcntl(theirs, F_DUPFD_CLOEXEC, 64), ns < 0 ? -1 : fcntl(ns, F_DUPFD_CLOEXEC, 64), network, parent);
	if (*child < 0) {
		*child = 0;
		return hm_fail_errno(fail, "cannot fork");
	}
	close(hm_take_fd(&theirs));
	if (recv(ours, &said, sizeof(said), 0) != (ssize_t)sizeof(said))
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot make a way out: its process ended");
	said.text[sizeof(said.text) - 1] = 0;
	if (said.code) {
		*fail = said;
		return fail->code;
	}
	return hm_take_fd(&ours);
}
