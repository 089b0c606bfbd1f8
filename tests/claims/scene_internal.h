#pragma once
/* Between the files of a scene: what stands on the stage, and how lines are read. */
#include <stdlib.h>

#include "digest.h"
#include "event.h"
#include "fail.h"
#include "scene.h"

#define TARGET "/srv/target"
#define SUBJECT "/usr/bin/subject"
enum { ITEMS = 4096, PATHS = 256, TASKS = 16 };

extern const uint8_t scene_seed[32];

struct task {
	uint32_t tgid, tid;
	uint64_t next;
};

struct stage {
	struct hm_parts *parts;
	const struct lines *lines;
	const char *witnesses;
	unsigned run, semantics, version; /* of the plan; of the events that belong to these */
	struct hm_sha256 plan;
	const char *paths[PATHS]; /* a file's inode is its place here, plus 1 */
	/* of the run that is going on */
	struct hm_bytes items[ITEMS];
	size_t count;
	uint64_t user_seq, seq, packet_seq, given_seq, made, lost_events, lost_packets, packets, wire, egress, egress_packets;
	bool egress_said, egress_packets_said, interrupted, cut;
	struct task tasks[TASKS], *task; /* task: whose events come */
	uint64_t looks, rows[3];
	struct hm_bytes pcapng;
	size_t talk; /* TLS connections that were said so far */
	struct { char type; const char *path; } tree[256];
	size_t tree_count;
};

/* ---- scene.c ---- */
_Noreturn void scene_bad(const struct line *line);
const char *scene_word(const struct line *line, size_t i);
uint64_t scene_number(const struct line *line, size_t i, int base);
void scene_must(int r, const struct hm_fail *fail);

/* ---- scene_run.c ---- */
enum lane { USER, KERNEL, PACKETS, GIVEN };
void scene_say(struct stage *s, struct hm_event e, enum lane lane);
/* The layer named as word `i`, or `otherwise`. */
uint64_t scene_layer(const struct line *line, size_t i, uint64_t otherwise);
/* The inode that `path` has in this scene. */
uint64_t scene_inode(struct stage *s, const char *path);
void scene_host(uint8_t address[4], const char *host);
void scene_runs(struct stage *s);

/* ---- scene_tls.c ---- */
/* Makes the TLS connections of the run that begins behind this line, and puts their secrets into the packet file; says the next one. */
void scene_tls_begin(struct stage *s, const struct line *run);
void scene_tls_say(struct stage *s, const struct line *line);

#define SET(e, field_, value) (e).field[field_].u = (uint64_t)(value)
#define SET_TEXT(e, field_, value) (e).field[field_].b = hm_slice_text(value)
#define SET_FILE(e, kind, s, path)                                \
	do {                                                      \
		SET(e, HM_##kind##_DEV, 1);                       \
		SET(e, HM_##kind##_INO, scene_inode(s, path));    \
	} while (0)

/* ---- scene_events.c ---- */
struct deed {
	const char *word;
	void (*make)(struct stage *s, const struct line *line);
};
extern const struct deed scene_later_deeds[]; /* ends with an empty one */
