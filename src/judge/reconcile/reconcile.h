#pragma once
/* One run's witnesses held against each other (semantics 2): are all events there, task by task; was every read and every send
 * seen by more than one; did a task leave; was a call made that can reach behind the recorder; is everything that a look found
 * explained by events. doc/format/findings.md tells the rules.
 *
 * Fed every event of a record in order, then what the packet file holds. Memory grows with distinct files, sockets and flows,
 * and with the tasks that live at one time, never with events. Pure: lists are in the order of events. */
#include "event.h"
#include "flow.h"

/* Planted documents as the chamber has them. Borrowed. */
struct hm_target_file {
	struct hm_slice path; /* relative to the target */
	uint64_t size;
};

struct hm_target {
	const char *folder;
	const struct hm_target_file *list; /* sorted by path */
	size_t count;
};

/* Things that speak against claims: how many, and the events that show the first of them. */
enum { HM_MARKS = 64 };
struct hm_marks {
	uint64_t count;
	uint64_t event[HM_MARKS];
	size_t kept;
};

/* What a call can make doubtful. */
enum hm_reaches {
	HM_REACH_RECORD = 1, /* everything: it can falsify the record */
	HM_REACH_READS = 2,  /* what was read: it reads without an event of its own */
	HM_REACH_PATHS = 4,  /* what a path means, or by which calls files are opened and written */
	HM_REACH_PORTS = 8,  /* which ports are open */
};

/* Calls that reach behind the recorder or around a witness. `done` and `denied` count them. */
struct hm_reach {
	const char *name; /* static: "bpf", "ptrace", ... */
	unsigned touches; /* enum hm_reaches */
	uint64_t done, denied;
	uint64_t first; /* event that shows the first which was done */
};

/* What was found; findings.json shows it as a row of `reconciled`. */
struct hm_reconciled {
	char *witnesses; /* START's text; NULL without a START */
	uint64_t tasks;		   /* that made events */
	uint64_t lost_events, lost_packets; /* at least, as far as found here */
	struct {
		uint64_t documents, files;	/* planted ones and others that were read or of which pages were given */
		uint64_t bytes;			/* of documents, by calls; a byte read twice counts twice */
		uint64_t calls_only, pages_only; /* bytes of documents that one witness alone shows */
		uint64_t unnamed;		/* files that nothing names */
	} reads;
	struct {
		uint64_t sockets, bytes, calls_only, sockets_only;
	} sends;
	struct {
		uint64_t captured, counted; /* outgoing packets in the packet file; packets that the kernel counted */
		uint64_t owned, unowned;    /* captured ones that the kernel counted for a process that it knew, and the others */
		uint64_t bytes_missing;	    /* of packets that the kernel counted and no captured flow holds */
	} packets;
	struct {
		uint64_t looks, tasks, files, mappings, unexplained;
	} state;
	struct {
		uint64_t times, signals, us;
	} stopped;
	struct hm_reach *reaches; /* sorted by name; only those that were tried */
	size_t reach_count;
	struct hm_flow_choice *choices; /* for each flow; NULL without flows */
	size_t choice_count;
	/* What speaks against claims. */
	struct hm_marks left;		/* tasks that went out of sight, or came from there */
	struct hm_marks read;		/* documents read as one witness alone saw it */
	struct hm_marks unnamed, mapped; /* files that were read, or mapped, and that nothing names */
	struct hm_marks state_marks;	/* what a look found and no event explains */
};

struct hm_reconcile;

/* `target` must outlive it. */
struct hm_reconcile *hm_reconcile_new(const struct hm_target *target) HM_MUST_CHECK;
void hm_reconcile_free(struct hm_reconcile *r); /* NULL is fine */
/* Takes the next event, number `position`. HM_E_BAD for one that no recorder writes. */
int hm_reconcile_event(struct hm_reconcile *r, const struct hm_event *event, uint64_t position, struct hm_fail *fail) HM_MUST_CHECK;
/* The sum of it, when all events were taken. `flows` are those of the run's packet file, NULL when there is none. */
struct hm_reconciled *hm_reconcile_end(struct hm_reconcile *r, const struct hm_flows *flows) HM_MUST_CHECK;
void hm_reconciled_free(struct hm_reconciled *reconciled); /* NULL is fine */
