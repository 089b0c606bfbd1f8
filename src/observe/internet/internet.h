#pragma once
/* The chamber's own internet.
 *
 * A child process in a network namespace of its own, joined to the chamber's by a veth without offloads. There every
 * IPv4 address is local and every TCP and UDP port is answered by one listener (sk_lookup); a DNS server (UDP and TCP) gives
 * each name its own address in 198.18.0.0/15; NTP tells the chamber's time. Packets are captured there and written as
 * pcapng. Answers come from a scenario (data/scenarios, doc/format/scenario.md); what no scenario names is accepted, read up
 * to 64 KiB and closed 200 ms after the last byte. In the chamber IPv6 is off, everybody may make ping sockets, and
 * neighbours are static: nothing but the product makes packets. The process runs as nobody, with CAP_NET_RAW alone, and
 * dies with the thread that opened it: open it from the main thread.
 *
 * On ports of SMTP, IMAP, POP3, FTP, LDAP, PostgreSQL and others (service.h) their servers are there, and go over to TLS when they are asked to.
 *
 * Answers are a function of what is asked, but for the clock: the same bytes to the same bytes, in whichever order they come.
 *
 * A connection that begins as TLS does gets TLS 1.2 or 1.3, with a certificate minted for the name in its ClientHello (or for
 * the address that it called) by an authority of the chamber's own; inside it is answered like any other. The packet file
 * then holds the keys (decryption-secrets blocks) and the names that were asked (a name-resolution block), in front of the
 * packets, so that other programs can read what was sent. */
#include <sys/types.h>

#include "bytes.h"
#include "fail.h"

enum hm_internet_mode { HM_INTERNET_CLOSED, HM_INTERNET_SIMULATED, HM_INTERNET_REPLAY, HM_INTERNET_GATEWAY };

/* The chamber's addresses: product's side, where no other is asked for, and internet's side (also the DNS server in /etc/resolv.conf). */
#define HM_CHAMBER_ADDRESS "198.18.0.2"
#define HM_INTERNET_ADDRESS "198.18.0.1"

/* The chamber's authority is a function of a secret and the day: the same bytes in twin chambers. Whoever has the secret can
 * make its private key, so it must be new for every assessment; only chambers trust the certificate. */
#define HM_INTERNET_SECRET 32

/* What is wrong with the certificates that TLS servers show. */
enum hm_internet_wrong {
	HM_INTERNET_RIGHT,
	HM_INTERNET_STRANGER, /* signed by one that has the authority's name and that nothing trusts */
	HM_INTERNET_MISNAMED, /* for wrong.invalid */
	HM_INTERNET_EXPIRED,  /* until the day before */
	HM_INTERNET_WRONGS,
};

struct hm_internet_authority {
	struct hm_bytes pem, der; /* the root certificate, which the chamber is to trust */
	char hash[9];		  /* of its subject, as in the file names of OpenSSL's certificate folders */
};

struct hm_internet_spec {
	enum hm_internet_mode mode;
	struct hm_slice scenario; /* canonical JSON of a scenario, or empty; in mode replay, of a replay */
	const char *network;	  /* in mode gateway: the network namespace that is let through, as ip-netns(8) names them; NULL: the caller's */
	const char *mirror;	  /* folder on the host whose files the scenario serves; NULL where it names none */
	const uint8_t *secret;	  /* of the authority, HM_INTERNET_SECRET bytes; NULL: one that is used once */
	const uint8_t *noise;	  /* what TLS draws comes from these HM_INTERNET_SECRET bytes and what the product said; NULL: from `secret` */
	int64_t clock;		  /* nanoseconds since 1970 at which the chamber's clock stands in every answer; 0: it is the host's clock, and goes */
	enum hm_internet_wrong wrong;
	const char *packets;	  /* pcapng file to create, or to begin anew */
	const uint8_t *mac;	  /* hardware address of the chamber's card, 6 bytes, for one card alone; NULL: one that is always the same */
	const char *address;	  /* the chamber's, in 198.18.0.0/24 and not the internet's; NULL: HM_CHAMBER_ADDRESS */
	pid_t chamber;		  /* pid 1 of the chamber: its network namespace is set up too */
	int product;		  /* descriptor of the product's cgroup; 0: not known. With `clock`, names are told when nothing of the product runs */
	/* Two words in shared memory, 0, for whoever waits for the reader of the capture's ring: it adds to the first what it sends (for each
	 * packet its bytes and 112 more); the second is how much of that the reader has taken. NULL: nobody waits. The caller's, until close. */
	uint64_t *wire;
};

/* Handshakes. A product that does not trust the authority's certificate is among the refused. */
struct hm_internet_tls_stats {
	uint64_t accepted;  /* came to their end */
	uint64_t refused;   /* the product was given a certificate and broke off: by an alert, by closing or by silence */
	uint64_t failed;    /* no certificate was given, or the two sides had nothing in common: garbage, old versions */
	uint64_t keys_lost; /* lines of the key log that found no room (16 MiB a run): what they open stays opaque */
};

struct hm_internet_stats {
	struct hm_internet_tls_stats tls;
	uint64_t packets, bytes; /* in the file, both directions: frames and their bytes on the wire */
	uint64_t lost;		 /* frames that passed and that the file does not hold */
};

struct hm_internet;

/* In mode gateway TCP and UDP go to the names and addresses that the product calls, by a process outside (ways.c), and come back
 * untouched: TLS is between the product and whom it calls. The address of a name is the chamber's own there too. */

/* Starts it; when it returns, the chamber's interface is up and every port answers. In mode closed the chamber has only
 * a loopback that is up, and the packet file has no packets. HM_E_USAGE where the chamber has no network namespace of
 * its own, a mirror is missing or `mac` is the internet's own or a group's, HM_E_BAD for a scenario that is malformed; after a failure a packet file may be left.
 */
int hm_internet_open(struct hm_internet **ret, const struct hm_internet_spec *spec, struct hm_fail *fail) HM_MUST_CHECK;
/* Stops it after the last packet in flight was captured (50 ms of silence, at most a second); `stats` is set. The
 * packet file is complete and synced. On failure (a full disk, a process that died) the file ends with a whole block,
 * or is what was written when the process died, and `stats` says what is in it as far as that is known. Free it with
 * close. */
int hm_internet_stop(struct hm_internet *net, struct hm_internet_stats *stats, struct hm_fail *fail) HM_MUST_CHECK;
/* Bytes that the capture's ring holds, as `wire` counts them; 0 where nothing is captured. */
uint64_t hm_internet_room(const struct hm_internet *net);
/* Kills what is left and frees. NULL is fine. Fits HM_CLEANUP by hm_internet_cleanup. */
void hm_internet_close(struct hm_internet *net);
void hm_internet_cleanup(struct hm_internet **net);
/* The root certificate of the authority that `secret` makes on the day of `now` (seconds since 1970). */
void hm_internet_authority(struct hm_internet_authority *out, const uint8_t secret[HM_INTERNET_SECRET], int64_t now);
void hm_internet_authority_release(struct hm_internet_authority *a);
/* Reads a scenario written as YAML (data/scenarios/NAME.yaml) and appends its canonical JSON: the form that the bundle
 * holds and whose digest the plan names. */
int hm_scenario_load(struct hm_bytes *json, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
/* What one side of a TLS connection said inside it: a row for each piece, with the place where it ends in what that side said on the wire. */
struct hm_replay_side {
	struct hm_bytes text;
	size_t clear; /* bytes on the wire before TLS */
	struct hm_replay_piece {
		size_t end, at, length; /* at: in `text` */
	} *piece;
	size_t pieces;
};
void hm_replay_side_release(struct hm_replay_side *side);
/* Opens a connection: of what the product [0] and the internet [1] said on the wire, with the lines of the packet file's key log. 1 when all of it could be
 * opened, 0 when not, or it is no TLS. Both sides are the caller's to release, whatever it returns. */
typedef int hm_replay_open(struct hm_replay_side sides[2], const struct hm_slice said[2], struct hm_slice keylog, struct hm_fail *fail);
/* Appends the canonical JSON of what the internet of an earlier run answered (doc/format/scenario.md, "Replay"): the
 * run's packet file, the chamber's address there, the id of its bundle in hex and its number; `open` NULL: no TLS is opened. HM_E_BAD for a packet file
 * that is malformed. */
int hm_replay_load(struct hm_bytes *json, struct hm_slice packets, const char *address, const char *bundle, unsigned run,
		   hm_replay_open *open, struct hm_fail *fail) HM_MUST_CHECK;
