#pragma once
/* What the files of this module share. The child process (server) is: network -> capture and answers in one event loop.
 */
#include <event2/event.h>
#include <netinet/in.h>

#include "internet.h"
#include "json.h"
#include "tls_internal.h"

#define CHAMBER_INTERFACE "eth0"
#define INTERNET_INTERFACE "chamber0"
#define NS_PER_S 1000000000

/* network.c: both ends of the link, by netlink. `chamber` and `own` are descriptors of the network namespaces; the
 * caller stands in `own` and stands there afterwards. */
int hm_internet_net_closed(int chamber, int own, struct hm_fail *fail) HM_MUST_CHECK;
/* Creates the link and brings the internet's end up; the chamber's end is still down, so no packet is there yet. */
int hm_internet_net_create(int chamber, int own, const uint8_t *mac, const char *address, struct hm_fail *fail) HM_MUST_CHECK;
/* Brings the chamber's end up and gives it its routes. */
int hm_internet_net_join(int chamber, int own, const char *address, struct hm_fail *fail) HM_MUST_CHECK;

/* Frames that the internet's end of the link could not take. The caller stands in the internet's namespace. */
int hm_internet_net_dropped(uint64_t *count, struct hm_fail *fail) HM_MUST_CHECK;

/* scenario.c: a scenario as rules. Strings belong to `json`. */
struct dns_rule {
	const char *name, *txt, *mx; /* one of the two */
};

struct http_rule {
	const char *host, *path, *text, *file, *type;
	int status, port; /* port 0: any */
	int fd;		  /* of `file`, opened before privileges are dropped; -1 without a file */
	off_t size;
};

struct udp_rule {
	const char *name, *reply; /* name NULL: any */
	int port;
};

struct scenario {
	json_t *json;
	struct dns_rule *dns;
	struct http_rule *http;
	struct udp_rule *udp;
	size_t dns_count, http_count, udp_count;
};

/* Empty `text` gives a scenario without rules. Files of rules are opened below `mirror`. */
int hm_internet_scenario_read(struct scenario *out, struct hm_slice text, const char *mirror,
			      struct hm_fail *fail) HM_MUST_CHECK;
void hm_internet_scenario_release(struct scenario *s);
/* The shape of a scenario's JSON, all that can be said of it without opening its files. */
int hm_internet_scenario_check(const json_t *json, struct hm_fail *fail) HM_MUST_CHECK;
/* The first TXT rule of a name, or NULL. */
const struct dns_rule *hm_internet_dns_rule(const struct scenario *s, const char *name) HM_MUST_CHECK;
/* `host` may be NULL (not known). The first rule that fits, or NULL. */
const struct http_rule *hm_internet_http_rule(const struct scenario *s, const char *host, int port,
					      const char *path) HM_MUST_CHECK;
const struct udp_rule *hm_internet_udp_rule(const struct scenario *s, const char *name, int port) HM_MUST_CHECK;
/* Appends `template` with {time} and {line:NAME} replaced; at most `max` bytes, or HM_E_BAD. */
int hm_internet_expand(struct hm_bytes *out, const char *template, struct hm_slice request, int64_t now,
		       size_t max) HM_MUST_CHECK;

/* names.c: which name an address was last given for. Bounded: of addresses that share a place, the last asked for
 * stays. */
#define NAMES_MAX 4096
struct names {
	struct {
		uint8_t address[4];
		char *name;
	} slot[NAMES_MAX];
};

void hm_internet_names_put(struct names *n, const uint8_t address[4], const char *name);
const char *hm_internet_names_get(const struct names *n, const uint8_t address[4]) HM_MUST_CHECK;
/* The name, or the address in brackets; the caller's. */
char *hm_internet_called(const struct names *n, const uint8_t address[4]) HM_MUST_CHECK;
void hm_internet_names_release(struct names *n);
/* Appends a name-resolution block of them, or nothing when there are none. */
void hm_internet_names_block(const struct names *n, struct hm_bytes *out);

/* replay.c: what an earlier internet answered. Strings belong to `json`. */
struct replay_place {
	const char *to; /* a name, or an address in brackets */
	int port;
};

struct replay_turn {
	bool internet; /* who says it */
	struct hm_bytes bytes;
};

struct replay_tcp {
	struct replay_place place;
	struct replay_turn *turn; /* one at least */
	size_t turns;
	size_t tls;	   /* the turns from this one on are inside TLS; `turns` + 1: none */
	bool closes, used; /* the internet ended it; it was found once */
};

struct replay_udp {
	struct replay_place place;
	struct hm_bytes request, *reply;
	size_t replies;
	bool used;
};

struct replay {
	json_t *json;
	struct replay_tcp *tcp;
	struct replay_udp *udp;
	size_t tcp_count, udp_count;
};

int hm_internet_replay_read(struct replay *out, struct hm_slice text, struct hm_fail *fail) HM_MUST_CHECK;
void hm_internet_replay_release(struct replay *r);
/* Of conversations that begin inside TLS, or of the others (`tls`). The one that begins with what the product `said`, or NULL: with `wait` set when more bytes, or a while in which
 * none comes (`silent`), may tell. */
const struct replay_tcp *hm_internet_replay_tcp(struct replay *r, const char *to, int port, bool tls, struct hm_slice said,
						bool silent, bool *wait) HM_MUST_CHECK;
/* The next conversation of that name and port, if the internet begins it; else NULL. */
const struct replay_tcp *hm_internet_replay_greeting(struct replay *r, const char *to, int port, bool tls) HM_MUST_CHECK;
/* There is any of that name and port. */
bool hm_internet_replay_knows(const struct replay *r, const char *to, int port, bool tls) HM_MUST_CHECK;
/* What answers a datagram, or NULL. `to` NULL: of whatever name, but for equal requests alone. The first `skip` bytes of a
 * request are not compared. */
const struct replay_udp *hm_internet_replay_udp(struct replay *r, const char *to, int port, struct hm_slice request,
						size_t skip) HM_MUST_CHECK;

/* ways.c: sockets that are connected outside, in mode gateway. */
enum way_kind { WAY_TCP, WAY_UDP, WAY_NAMES /* a datagram's way to the resolver there */ };

/* Starts the process that has them, in a network namespace of that name (as ip-netns(8) keeps them), or in the one of the caller
 * where it is NULL; gives the socket by which it is asked. It ends with that socket, and with the caller. */
int hm_internet_ways_start(pid_t *child, const char *network, struct hm_fail *fail) HM_MUST_CHECK;
/* Asks for a way to a name, or to an address in brackets: a descriptor that is readable once it is answered, or -1. */
int hm_internet_way_ask(int ways, enum way_kind kind, const char *to, int port) HM_MUST_CHECK;
/* The answer: a connected socket that does not block, or -1 where there is no way. */
int hm_internet_way_take(int asked) HM_MUST_CHECK;

/* ring.c: the ring of frames that the kernel fills. */
#define HM_INTERNET_RING (32u << 20) /* bytes */

struct packet_ring {
	int fd; /* readable when a block of frames is there */
	uint8_t *blocks;
	uint32_t next;
	uint64_t dropped;
	uint64_t incoming; /* of what was read, frames and WIRE_FRAME each: what came from the chamber */
	struct hm_bytes tagged;
};

/* `frame` lives until it returns; `wire_len` is its length on the wire. */
typedef void packet_visit(void *cookie, uint64_t time_ns, struct hm_slice frame, uint32_t wire_len);

/* Close it also after a failure. */
int hm_internet_ring_open(struct packet_ring *ring, const char *interface, struct hm_fail *fail) HM_MUST_CHECK;
/* Takes at most `max` blocks. False when the ring is empty, but for a block that the kernel still fills. */
bool hm_internet_ring_read(struct packet_ring *ring, size_t max, packet_visit *visit, void *cookie) HM_MUST_CHECK;
/* Frames so far that found the ring full. */
int hm_internet_ring_dropped(struct packet_ring *ring, uint64_t *count, struct hm_fail *fail) HM_MUST_CHECK;
void hm_internet_ring_close(struct packet_ring *ring);

/* packets.c: what passes the internet's end of the link, into the pcapng file. */
struct packets;

/* The words of struct hm_internet_spec. */
enum { WIRE_SENT, WIRE_TAKEN };
#define WIRE_FRAME 112

/* `wire`: those words, or NULL. */
int hm_internet_packets_open(struct packets **ret, struct event_base *base, int fd, uint64_t *wire,
			     struct hm_fail *fail) HM_MUST_CHECK;
/* Microseconds of CLOCK_MONOTONIC at which the last packet was read. */
uint64_t hm_internet_packets_last(const struct packets *p) HM_MUST_CHECK;
/* Reads what is still there, writes, puts `head` (whole blocks) in front of the first packet and syncs. The packet counts of
 * `stats` are set on failure too. */
int hm_internet_packets_finish(struct packets *p, struct hm_slice head, struct hm_internet_stats *stats,
			       struct hm_fail *fail) HM_MUST_CHECK;
uint64_t hm_internet_now_us(void) HM_MUST_CHECK;

/* answer_dns.c, answer_udp.c, answer_tcp.c: the answers. */
struct server {
	struct event_base *base;
	struct replay *replay; /* NULL in other modes */
	int ways;	       /* of hm_internet_ways_start; -1 in other modes */
	struct udp_relays *udp_relays;
	int64_t clock; /* of struct hm_internet_spec */
	struct lates *lates; /* DNS answers that are kept back; NULL: none is */
	const struct scenario *scenario;
	struct names names;
	struct tls *tls;
	int tcp, udp, dns; /* sockets */
	struct event *udp_event, *dns_event;
	struct evconnlistener *listener;
	size_t connections, connections_max;
};

/* The chamber's time in nanoseconds since 1970. */
int64_t hm_internet_clock(const struct server *s) HM_MUST_CHECK;
/* The answer to a DNS query, into the empty `out`; HM_E_BAD where there is none to give. `datagram`: as long as UDP takes it. */
int hm_internet_dns_answer(struct server *s, struct hm_bytes *out, struct hm_slice message, bool datagram) HM_MUST_CHECK;
/* Which questions are answered here in every mode: those for addresses, by which endpoints are told, and what is no question. */
bool hm_internet_dns_is_ours(struct hm_slice message) HM_MUST_CHECK;
int hm_internet_udp_open(struct server *s, struct hm_fail *fail) HM_MUST_CHECK;
int hm_internet_tcp_open(struct server *s, struct hm_fail *fail) HM_MUST_CHECK;
/* A connection that was counted is no more. */
void hm_internet_tcp_ended(struct server *s);
/* A datagram to the product at `to`, from the address and port that it called. */
void hm_internet_udp_answer(const struct sockaddr_in *to, const struct sockaddr_in *called, struct hm_slice reply);
/* relay_tcp.c, relay_udp.c: mode gateway. The first takes `fd`, a connection that was counted. */
void hm_internet_relay_tcp(struct server *s, int fd, const struct sockaddr_in *called);
void hm_internet_relay_udp(struct server *s, const struct sockaddr_in *from, const struct sockaddr_in *to, struct hm_slice bytes,
			   enum way_kind kind);
/* late.c. `product`: a descriptor of the product's cgroup, 0: not known. The second takes `bytes`, to be sent later, or says false. */
int hm_internet_late_open(struct lates **ret, struct event_base *base, int product, struct hm_fail *fail) HM_MUST_CHECK;
bool hm_internet_late(struct lates *l, const struct sockaddr_in *to, const struct sockaddr_in *called, struct hm_bytes *bytes);
/* Starts to answer; both sockets are open. */
int hm_internet_udp_start(struct server *s, struct hm_fail *fail) HM_MUST_CHECK;
int hm_internet_tcp_start(struct server *s, struct hm_fail *fail) HM_MUST_CHECK;

/* server.c: the child process. Never returns. */
struct server_spec {
	const struct scenario *scenario;
	struct replay *replay;		/* NULL in other modes */
	const uint8_t *secret, *noise; /* of struct hm_internet_spec, none NULL */
	int64_t clock;
	enum hm_internet_wrong wrong;
	const uint8_t *mac;    /* of the chamber's card, or NULL */
	const char *address;   /* the chamber's */
	uint64_t *wire; /* of struct hm_internet_spec */
	int chamber, packets, control; /* descriptors: network namespace, file, socket to the parent */
	int ways;		       /* of hm_internet_ways_start, or -1 */
	int product;		       /* of struct hm_internet_spec */
	pid_t parent;
	bool closed; /* only set the chamber's loopback up */
};

/* What the child says: once when all is ready, once at the end. code 0 is success. */
struct server_report {
	struct hm_fail fail;
	struct hm_internet_stats stats;
};

_Noreturn void hm_internet_server(struct server_spec *spec);
