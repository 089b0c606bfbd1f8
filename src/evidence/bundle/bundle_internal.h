#pragma once
/* Shared by the files of this module: the table of part names, and the container as a stream of bytes. */
#include "bundle.h"

enum hm_part_role {
	HM_PART_SEALS,	  /* core.json, manifest.json */
	HM_PART_INPUT,	  /* digested in core.json */
	HM_PART_EVENTS,	  /* in core.json by Merkle root */
	HM_PART_TREE,	  /* the same */
	HM_PART_PACKETS,  /* the same, with HM_PART_SALTS */
	HM_PART_SALTS,
	HM_PART_STATED,   /* in manifest.json alone: follows from this core and another */
	HM_PART_DERIVED,  /* in manifest.json alone: follows from packets and record */
	HM_PART_FINDINGS, /* digested in core.json */
	HM_PART_OUTSIDE,  /* in neither core nor manifest: verify makes it again or checks its signature */
};

struct hm_part_rule {
	const char *pattern;
	enum hm_part_role role;
	bool required; /* before the bundle is sealed */
	size_t max;    /* bytes; 0 is no limit but the file's */
};

/* The row that a name falls under, or NULL. */
const struct hm_part_rule *hm_part_rule(const char *name);
/* Whether a name may stand in a container at all: [a-z0-9._/-], no empty component, nothing with two dots, not over 255. */
bool hm_part_name_is_plain(const char *name);

/* Where the container goes, piece by piece. */
struct hm_sink {
	int (*put)(struct hm_sink *sink, struct hm_slice s, struct hm_fail *fail);
	uint64_t at; /* bytes so far */
};

/* Sends the container of these parts to `sink`. */
int hm_zip_emit(const struct hm_parts *parts, struct hm_sink *sink, struct hm_fail *fail) HM_MUST_CHECK;
/* Whether member `a` stands before `b` in a container. */
bool hm_zip_before(const char *a, const char *b);

#define HM_ZIP_LOCAL 0x04034b50
#define HM_ZIP_NEEDED 10   /* version for stored members */
#define HM_ZIP_NEEDED64 45 /* and for ZIP64 */
#define HM_ZIP_DATE 0x21   /* 1980-01-01; the time is 0 */
#define HM_ZIP_MAX32 0xffffffffu
#define HM_ZIP_MAX16 0xffffu
