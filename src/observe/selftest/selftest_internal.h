#pragma once
/* The table of ways, which subject and checker share. */
#include "event.h"
#include "selftest.h"

#define NONCE_BYTES 16384 /* a file: four pages */
#define SENT_BYTES 64	  /* its beginning is what ways of sending send */
#define FLOOD_CALLS 100000u /* the flood, on all CPUs together */
#define DEEP_BYTES 4096u /* of the deep path, and the names in it */
#define DEEP_NAMES 300u
#define DEEP_FOLDER "/tmp"

/* What a way of reading reads: inside one page, and not the first one. */
#define READ_AT 5000u
#define READ_BYTES 100u
#define PAGE_AT 4096u
#define PAGE_BYTES 4096u

/* Of the address of unix sockets: a NUL and the nonce's beginning. */
#define HM_NAME_BYTES 24
/* read(2) of i386. */
#define HM_READ_32 (HM_NR_COMPAT | 3)
/* What a way of reading returns that was done while its file lay in the page cache: EBUSY, which none of its calls gives. */
#define HM_READ_STAYED 16
/* Where in the chamber the nonce of a writable layer lies. */
#define HM_PLANTED_FOLDER "/hallmark-self-test"

/* What the subject works with. */
struct hm_actor {
	const char *target;
	size_t way;	 /* index into the table */
	bool closed;	 /* no internet: sends go over the loopback */
	char path[512];	 /* of this way's file */
	unsigned flood;	 /* calls */
	int gone;	 /* reads as ended when the first process has */
};

/* Does the way in a process of its own; returns 0 or the errno of what failed. */
typedef int hm_act(const struct hm_actor *actor);

struct hm_way {
	const char *name;
	enum hm_selftest_kind kind;
	hm_act *act;
	unsigned witnesses; /* that must see it, but for READ; what the kernel does not have is taken out by the checker */
	unsigned nr;	    /* the call that the record names */
	uint64_t arg0;	    /* REFUSE: the call's first argument, where `has_arg0` */
	bool has_arg0;
	unsigned by;	    /* READ: of enum hm_pages_by, as bits, that may be the second witness */
	uint32_t at, bytes; /* READ: what is read; SEND: bytes of one call */
	uint8_t proto;	    /* SEND: IPPROTO_*; 0: what never is a packet */
	unsigned times;	    /* SEND: how many such calls or messages; 0 stands for 1 */
	bool late;	    /* after the end of the first process */
	bool stays;	    /* ... and lives until it is killed */
	unsigned opened_by; /* READ: the call by which the descriptor came, where that is part of the way */
	bool memory;	    /* READ: the call is one on the memory of a process that has read it */
	bool planted;	    /* READ: the file is in a writable layer of the chamber */
	int lacks[3];	    /* errnos with which it may be `unavailable`, and what they mean */
	const char *lack;
};

extern const struct hm_way hm_ways[];
extern const size_t hm_way_count;

/* Whether this way is tried in a chamber whose internet is closed, or simulated. */
bool hm_way_is_tried(size_t way, bool closed);
/* The way's own address outside, 198.51.100.N, or on the loopback; and its port. */
void hm_way_address(uint8_t address[4], size_t way, bool closed);
uint16_t hm_way_port(size_t way);
/* The name at `depth` of the deep path, from 0 for the first one below DEEP_FOLDER; empty behind the last one. The path has
 * DEEP_BYTES bytes and DEEP_NAMES names. */
void hm_deep_name(char name[256], size_t depth);

struct hm_nonce {
	uint64_t ino; /* of the file; 0 where only the chamber makes it */
	uint8_t *bytes;
};

struct hm_selftest {
	char *target;
	bool closed;
	unsigned flood; /* calls */
	struct hm_nonce *nonce; /* one a way */
	char calls[16];		/* flood, as text */
	char *deep;		/* the deep path */
	const char *arguments[5];
};

hm_act hm_read_read, hm_read_pread, hm_read_readv, hm_read_preadv, hm_read_preadv2, hm_read_mmap, hm_read_populate, hm_read_sendfile,
    hm_read_splice, hm_read_copy, hm_read_direct, hm_read_passed, hm_read_memory, hm_read_32;
hm_act hm_send_tcp, hm_send_udp, hm_send_unconnected, hm_send_write, hm_send_message, hm_send_messages, hm_send_zerocopy, hm_send_sendfile,
    hm_send_splice, hm_send_ping, hm_send_icmp, hm_send_raw, hm_send_netlink, hm_send_unix, hm_send_child, hm_send_daemon;
hm_act hm_refused_io_uring, hm_refused_aio, hm_refused_vm_readv, hm_refused_handle, hm_refused_getfd, hm_refused_fanotify,
    hm_refused_block, hm_refused_packet, hm_refused_vsock, hm_refused_outside;
hm_act hm_state_flood, hm_state_deep, hm_state_held;
