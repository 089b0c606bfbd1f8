#pragma once
/* What the checker gathers of each way before it judges. */
#include "record.h"
#include "selftest_internal.h"

struct hm_sequences;

struct hm_seen {
	bool opened;		/* its file, by the call that belongs to the way; then who it is: */
	uint64_t dev, ino, gen;
	unsigned by;		/* enum hm_pages_by that told of what the way reads, as bits */
	uint64_t calls;		/* that did what the way does */
	uint64_t time;		/* of the first send */
	uint32_t tgid;		/* who sent */
	uint64_t socket, taken; /* the socket, and the bytes that it took by its own word */
	uint64_t left, foreign; /* packets to the way's address, and those of another owner */
	uint64_t frames, nonces; /* of the packet file: packets to that address, and those with the nonce */
	uint64_t bare;		/* TCP segments without payload among the frames: when a connection is over the kernel answers by itself */
	bool held, mapped;	/* at the last look */
	bool said;		/* the subject's word */
	int error;
};

struct hm_gathered {
	const struct hm_selftest *test;
	struct hm_seen *seen; /* one a way */
	char **path;	      /* of each way's file in the chamber */
	unsigned by;	      /* enum hm_pages_by that this kernel has, as bits */
	bool socket;	      /* it has the witness at sockets */
	uint32_t first;	      /* tgid of the first process, 0: not known */
	uint64_t ended;	      /* when it ended */
	struct hm_bytes output;
	uint64_t items, gaps, kernel_events;
	bool cut, started, finished;
	uint64_t produced, lost, packets_lost;
	struct hm_sequences *sequences;
	uint64_t holes;	      /* events whose number is not the one that comes next */
	uint64_t looks, last_look, miscounted; /* miscounted: looks that are not what stands before them */
	uint64_t tasks, files, mappings;       /* since the last look */
	bool deep, deep_cut;
	/* /proc/PID/mem, as a file */
	bool memory;
	uint64_t memory_dev, memory_ino;
};

/* Reads record and packet file. HM_E_BAD for what is no such file. */
int hm_gather(struct hm_gathered *g, struct hm_slice record, struct hm_slice packets, struct hm_fail *fail) HM_MUST_CHECK;
void hm_gathered_release(struct hm_gathered *g);

/* Numbers of events, by CPU and by task. */
struct hm_sequences *hm_sequences_new(void) HM_MUST_CHECK;
void hm_sequences_free(struct hm_sequences *s); /* NULL is fine */
/* True when the event's number, on its CPU or in its task, is not the one that comes next. */
bool hm_sequences_broken(struct hm_sequences *s, const struct hm_event *event) HM_MUST_CHECK;
