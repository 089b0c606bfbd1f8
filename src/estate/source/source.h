#pragma once
/* What a target says of its own software: package databases, language packages, SBOMs.
 *
 * A walker asks for each entry whether a source reads files of that name, hands over the bytes, and gets observations. A
 * source opens nothing itself, keeps nothing between two files and executes nothing; all it is given is foreign input.
 * What a source cannot make sense of ends that record, not the file: everything else is observed, and the return value
 * then is HM_E_BAD with the first reason, so that the caller can say `cannot tell` for this file. */
#include "cursor.h"
#include "fail.h"
#include "observation.h"

/* A row of the table of sources; they live for ever. */
struct hm_source;

/* One file of a target. */
struct hm_source_file {
	struct hm_slice path;  /* inside the target, any bytes, a leading slash or none */
	struct hm_slice bytes; /* all of it */
	const char *outer;     /* what contains it; goes into each observation; NULL: the target itself */
	/* Or NULL. Whether a path of the same system is there, case aside and with slashes: 1, 0, or -1: that cannot be told, or nobody asks, since the observation shows nothing. */
	int (*there)(void *system, const struct hm_observation *observation, const char *path);
	void *system;
};

/* The source that reads files of this path, or NULL. `head` is how the file begins (HM_SOURCE_HEAD bytes or all there are):
 * it is only looked at where the name alone does not tell (*.json), and may be empty for what hm_source_needs_head denies.
 * Both are cheap enough to be asked for each entry of a target. */
#define HM_SOURCE_HEAD 4096
const struct hm_source *hm_source_for(struct hm_slice path, struct hm_slice head) HM_MUST_CHECK;
bool hm_source_needs_head(struct hm_slice path) HM_MUST_CHECK;

/* "dpkg", "rpm", "npm", "cyclonedx", ...: the ecosystem that its observations name. */
const char *hm_source_name(const struct hm_source *source) HM_MUST_CHECK;
/* A file with more bytes is not to be read: the caller says so. */
uint64_t hm_source_max(const struct hm_source *source) HM_MUST_CHECK;

/* Observes what the file says. HM_E_BAD: part of it, or all, could not be read (what could be was observed). Any other
 * negative value comes from `observe`, which ends the reading. */
int hm_source_read(const struct hm_source *source, const struct hm_source_file *file, hm_observe_fn observe, void *cookie,
		   struct hm_fail *fail) HM_MUST_CHECK;

/* Another file of the same target: appends its bytes to `out`. Returns 0, 1 when there is no such file, or HM_E_BAD or
 * HM_E_SYSTEM when there is one that cannot be read or has more than `max` bytes. The path has no leading slash. */
typedef int (*hm_source_other_fn)(void *target, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail);
/* The digest (of enum hm_digest_kind) of one: its length, 0 when there is no such file, or negative as above. */
typedef int (*hm_source_sum_fn)(void *target, const char *path, int kind, uint8_t sum[64], struct hm_fail *fail);
struct hm_source_others {
	hm_source_other_fn read;
	hm_source_sum_fn sum; /* NULL: what `read` gives is digested */
	void *target;
};

/* Where a system's database of that path has its root, when that is not the target's (or archive's) own: "/srv/chroot" of /srv/chroot/var/lib/dpkg/status.
 * NULL: it is, or the source keeps no system's database. malloc'ed. */
char *hm_source_elsewhere(const struct hm_source *source, struct hm_slice path) HM_MUST_CHECK;

/* Whether files of that path list what each package of a system installed (rpm, pacman), and these lists: paths without a leading slash. What is damaged
 * is passed over. */
bool hm_source_lists(const struct hm_source *source, struct hm_slice path) HM_MUST_CHECK;
typedef void (*hm_source_list_fn)(void *cookie, struct hm_slice package, struct hm_slice path);
void hm_source_list(const struct hm_source *source, const struct hm_source_file *file, hm_source_list_fn each, void *cookie);

/* Holds a package of the database `file` against the digests that the database keeps of its files (dpkg, rpm, apk, pacman, PyPI), and
 * observes the outcome as one `package.files`: verified only when every file that was listed and read has its digest and at
 * least one was; the detail counts the rest. Nothing is observed where the source keeps no digests. */
int hm_source_verify(const struct hm_source *source, const struct hm_source_file *file, const char *package,
		     const struct hm_source_others *others, hm_observe_fn observe, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
