#pragma once
/* What the tests of the chamber's internet share: a child in a network namespace stands in for the chamber's pid 1, and what is
 * asserted of the product's side happens inside it. Needs root. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>

#include <cmocka.h>

#include "dns.h"
#include "fs.h"
#include "internet.h"
#include "ip.h"
#include "json.h"
#include "pcapng.h"

#define L100 "1234567890123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890"
#define LONG L100 L100 L100 L100 L100 L100

#define SCENARIO                                                                                                         \
	"{\"about\":\"\",\"dns\":[{\"mx\":\"b.example\",\"name\":\"a.example\"},{\"mx\":\"c.d\",\"name\":\"a.example\"},{\"name\":\"long.example\",\"txt\":\"" LONG "\"},"                                             \
	"{\"name\":\"version.example\",\"txt\":\"1:{time}\"}],"                                 \
	"\"http\":[{\"host\":\"a.example\",\"path\":\"/text\",\"text\":\"body {time}\"},"                                \
	"{\"file\":\"big\",\"host\":\"a.example\",\"path\":\"/big\"},"                                                   \
	"{\"host\":\"a.example\",\"path\":\"*\",\"status\":404}],"                                                       \
	"\"name\":\"test\",\"schema\":\"hallmark/scenario/v1\","                                                         \
	"\"udp\":[{\"name\":\"a.example\",\"port\":700,\"reply\":\"got {line:Thread}!\"}]}"

enum { BIG = 300000 };

struct stage {
	char folder[64], packets[96], mirror[96];
	pid_t chamber;
	int go;
};

static inline double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* Starts the chamber's stand-in: it waits for a byte and then does `inside`, whose result is its exit code. */
static inline void chamber_start(struct stage *s, int (*inside)(void))
{
	int ready[2], go[2];
	char byte = 0;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	assert_int_equal(pipe2(go, O_CLOEXEC), 0);
	s->chamber = fork();
	assert_true(s->chamber >= 0);
	if (s->chamber == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(go[1]);
		if (unshare(CLONE_NEWNET) < 0 || write(ready[1], "r", 1) != 1 || read(go[0], &byte, 1) != 1)
			_exit(120);
		_exit(inside());
	}
	close(ready[1]);
	close(go[0]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	s->go = go[1];
}

static inline int chamber_run(struct stage *s)
{
	int status;

	assert_int_equal(write(s->go, "g", 1), 1);
	assert_int_equal(waitpid(s->chamber, &status, 0), s->chamber);
	close(s->go);
	s->chamber = 0;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static inline int set_up(void **state)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes big = { 0 };
	HM_FREE char *file = NULL;
	struct stage *s = hm_alloc(1, sizeof(*s));

	strcpy(s->folder, "/tmp/hallmark-internet-XXXXXX");
	if (!mkdtemp(s->folder))
		return -1;
	snprintf(s->packets, sizeof(s->packets), "%s/packets.pcapng", s->folder);
	snprintf(s->mirror, sizeof(s->mirror), "%s/mirror", s->folder);
	file = hm_sprintf("%s/big", s->mirror);
	memset(hm_bytes_reserve(&big, BIG), 'B', BIG);
	big.len = BIG;
	*state = s;
	return mkdir(s->mirror, 0755) || hm_fs_write_atomic(file, hm_slice_of(&big), 0644, NULL);
}

static inline int tear_down(void **state)
{
	struct stage *s = *state;
	int r = hm_fs_remove_tree(s->folder, NULL);

	if (s->chamber > 0) {
		kill(s->chamber, SIGKILL);
		waitpid(s->chamber, NULL, 0);
	}
	free(s);
	return r;
}

static inline void need_root(void)
{
	if (geteuid() != 0) {
		print_message("skipped: network namespaces need root\n");
		skip();
	}
}

static const uint8_t secret[HM_INTERNET_SECRET] = "the secret of a chamber's tests";

static inline struct hm_internet *open_net_of(struct stage *s, struct hm_internet_spec spec)
{
	struct hm_internet *net = NULL;
	struct hm_fail fail = { 0 };

	spec.mirror = s->mirror;
	spec.secret = secret;
	spec.packets = s->packets;
	spec.chamber = s->chamber;
	if (hm_internet_open(&net, &spec, &fail) < 0)
		fail_msg("%s", fail.text);
	return net;
}

static inline struct hm_internet *open_net_at(struct stage *s, enum hm_internet_mode mode, int64_t clock)
{
	return open_net_of(s, (struct hm_internet_spec){ .mode = mode, .scenario = HM_SLICE(SCENARIO), .clock = clock });
}

static inline struct hm_internet *open_net(struct stage *s, enum hm_internet_mode mode)
{
	return open_net_at(s, mode, 0);
}

/* What the product's side can do wrong or right is told by the line it stops at, modulo what an exit code holds. */
#define CHECK(condition)                                                                                   \
	do {                                                                                               \
		if (!(condition)) {                                                                        \
			fprintf(stderr, "inside, line %d: %s: %s\n", __LINE__, #condition, strerror(errno)); \
			return 1;                                                                          \
		}                                                                                          \
	} while (0)

static inline struct sockaddr_in at(const char *address, int port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons((uint16_t)port) };

	inet_pton(AF_INET, address, &a.sin_addr);
	return a;
}

static inline struct sockaddr_in at_name(const char *name, int port)
{
	struct sockaddr_in a = at("0.0.0.0", port);

	hm_dns_address_of((uint8_t *)&a.sin_addr, name);
	return a;
}

static inline int connected(int type, struct sockaddr_in to)
{
	struct timeval limit = { 30, 0 };
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	return fd >= 0 && connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0 ? fd : -1;
}

static inline bool have_tshark(void)
{
	if (system("command -v tshark >/dev/null") == 0)
		return true;
	print_message("tshark is not there: its part is left out\n");
	return false;
}
