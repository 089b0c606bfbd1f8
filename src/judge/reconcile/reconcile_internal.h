#pragma once
/* Between the files of reconcile. */
#include "index.h"
#include "reconcile.h"
#include "tasks.h"

enum { HM_TOO_MANY = 4000000 }; /* files, sockets, flows, rows of looks: more is refused */

/* Witnesses that START names. */
enum hm_witness {
	HM_WITNESS_PAGES = 1,	/* read:page-cache */
	HM_WITNESS_ADDED = 2,	/* read:page-cache-add */
	HM_WITNESS_SOCKETS = 4, /* send:socket */
	HM_WITNESS_PACKETS = 8, /* send:cgroup_skb */
};

/* ---- files.c ---- */
enum hm_file_flag {
	HM_FILE_NAMED = 1,   /* an event tells its path */
	HM_FILE_MAPPED = 2,  /* a call, or an exec, mapped it */
	HM_FILE_READ = 4,    /* a call read of it */
	HM_FILE_GIVEN = 8,   /* the page cache gave of it */
	HM_FILE_TOUCHED = 16, /* ... through a mapping */
	HM_FILE_ADDED = 32,  /* it came into the page cache */
	HM_FILE_WHOLE = 64,  /* whatever page of it was given is explained: executed, copied up, read by an io_uring */
	HM_FILE_OTHER = 128, /* seen in another event */
};

struct hm_extent; /* what is known of a planted document's bytes */

struct hm_file {
	struct hm_node node; /* device, inode, generation */
	unsigned flags;
	uint64_t shown, touched; /* the first events that show a read, and a touched mapping */
	uint64_t from, to;	 /* of pages that were given before a name was known */
	struct hm_extent *extent; /* NULL unless it is a planted document */
};

struct hm_files {
	const struct hm_target *target;
	struct hm_index index;
	uint64_t bytes; /* read of documents, by calls */
	struct hm_index lower; /* files of the lower layer, by the digests of their paths */
	uint64_t terminals[16]; /* devices on which a terminal's first end was opened */
	size_t terminal_count;
};

void hm_files_begin(struct hm_files *files, const struct hm_target *target);
void hm_files_release(struct hm_files *files);
/* The file of these three fields, made when it is not there. */
struct hm_file *hm_files_of(struct hm_files *files, uint64_t dev, uint64_t ino, uint64_t gen);
/* An event tells its path: finds out whether it is a planted document. */
void hm_files_name(struct hm_files *files, struct hm_file *file, uint64_t layer, struct hm_slice path);
/* The file of the lower layer that an event named at `path`, or NULL. */
const struct hm_file *hm_files_lower(struct hm_files *files, const struct hm_key *path) HM_MUST_CHECK;
struct hm_key hm_path_key(struct hm_slice path);
/* A terminal's first end was opened on the file system `dev`. */
bool hm_files_terminal(const struct hm_files *files, uint64_t dev) HM_MUST_CHECK;
/* Takes what `event` tells of files. `own`: what it did is the product's doing. */
void hm_files_event(struct hm_files *files, const struct hm_event *event, uint64_t position, bool own);
void hm_files_end(const struct hm_files *files, unsigned witnesses, struct hm_reconciled *out);

/* ---- sends.c ---- */
struct hm_sends {
	struct hm_index sockets, flows, bound;
	bool by_hand;	/* there is a socket of packets, which goes by the IP layer */
	bool raw;	/* there is a raw socket, or one of which nothing is known */
	bool headers;	/* a raw socket may write IP headers itself */
	bool window;	/* a buffer's size was set */
	bool port;	/* a range of ports was set */
	uint64_t cuts;	/* stands for the options that decide how a stream is cut, in their order */
	uint64_t counted, counted_bytes; /* of PACKET events */
};

void hm_sends_begin(struct hm_sends *sends);
void hm_sends_release(struct hm_sends *sends);
void hm_sends_event(struct hm_sends *sends, const struct hm_event *event);
/* A socket of this inode is there, whatever made it. */
void hm_sends_know(struct hm_sends *sends, uint64_t ino);
bool hm_sends_knows(struct hm_sends *sends, uint64_t ino) HM_MUST_CHECK;
void hm_sends_end(struct hm_sends *sends, unsigned witnesses, const struct hm_flows *flows, struct hm_reconciled *out);

/* ---- state.c ---- */
struct hm_pending;

struct hm_state {
	uint64_t looks;		/* that have ended */
	uint64_t rows[3];	/* alive, held, mapped since the last one */
	bool attached;		/* the product ran before the recorder did */
	bool memory;		/* a call made memory without a file executable */
	struct hm_pending *pending; /* rows that nothing has explained so far */
	size_t count;
};

/* What explains. */
struct hm_known {
	struct hm_files *files;
	struct hm_sends *sends;
	struct hm_tasks *tasks;
};

int hm_state_event(struct hm_state *state, const struct hm_known *known, const struct hm_event *event, uint64_t position, bool own,
		   struct hm_reconciled *out, struct hm_fail *fail) HM_MUST_CHECK;
void hm_state_end(struct hm_state *state, const struct hm_known *known, struct hm_reconciled *out);
void hm_state_release(struct hm_state *state);

/* ---- reaches.c ---- */
/* Takes a CALL or DENY event. */
void hm_reaches_event(struct hm_reconciled *out, const struct hm_event *event, uint64_t position);
void hm_reaches_end(struct hm_reconciled *out);

/* ---- reconcile.c ---- */
/* One more; the events kept are the first in the record. */
void hm_marks_add(struct hm_marks *marks, uint64_t event);
static inline void hm_add(uint64_t *sum, uint64_t by)
{
	if (__builtin_add_overflow(*sum, by, sum))
		*sum = UINT64_MAX;
}
