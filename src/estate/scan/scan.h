#pragma once
/* The contents of files: everything that has to be looked for in bytes, in one pass.
 *
 * What is worth reading is told by how a file begins: executables, libraries, scripts, definition bases; and for texts by their
 * names: licences, and settings, in which only host names are looked for. Plain data is skipped, because names in data (lists of manufacturers, rules, dictionaries) tell nothing
 * of what is installed. In executables all texts of all rows are found together by Hyperscan; facts that are more than a text
 * (symbols, sonames, version resources, signers, modules, bases that parse) come from `binary` and `bases`. */
#include "bytes.h"
#include "fail.h"
#include "observation.h"

struct hm_scan;

enum hm_scan_place {
	HM_SCAN_STRING,	 /* bytes in an executable or a script; in a PE also as UTF-16 */
	HM_SCAN_DOMAIN,	 /* the same, and in settings; between bytes that cannot belong to a host name; with a leading dot: and all below it; any case */
	HM_SCAN_LICENCE, /* words in a licence text; any case, any white space between them */
	HM_SCAN_SYMBOL,	 /* a whole name among the exported ones */
};

/* What is looked for. The text is borrowed until hm_scan_open returns. */
struct hm_scan_pattern {
	enum hm_scan_place place;
	const char *text;
};

/* Compiles the patterns: some tenths of a second for a thousand. A text of fewer than 4 bytes is refused (HM_E_USAGE): it would
 * be everywhere. `scan` is read-only afterwards and may be used by several threads, each with a place of its own. */
int hm_scan_open(struct hm_scan **ret, const struct hm_scan_pattern *patterns, size_t count, struct hm_fail *fail) HM_MUST_CHECK;
/* Who may issue certificates of signers; NULL, as after hm_scan_open: not checked. Borrowed until hm_scan_close. */
struct hm_binary_trust;
void hm_scan_trust(struct hm_scan *scan, const struct hm_binary_trust *trust);
void hm_scan_close(struct hm_scan *scan); /* NULL is fine */
void hm_scan_cleanup(struct hm_scan **scan);

/* A thread's place to work in. */
struct hm_scan_room;
int hm_scan_room(struct hm_scan_room **ret, const struct hm_scan *scan, struct hm_fail *fail) HM_MUST_CHECK;
void hm_scan_leave(struct hm_scan_room *room); /* NULL is fine */

/* What a file is, by its first HM_SCAN_HEAD bytes (or all there are), and for texts also by its path; HM_SCAN_DATA is not worth reading. */
#define HM_SCAN_HEAD 64
enum hm_scan_class { HM_SCAN_DATA, HM_SCAN_EXECUTABLE, HM_SCAN_SCRIPT, HM_SCAN_LICENCE_TEXT, HM_SCAN_BASE, HM_SCAN_SETTINGS };
enum hm_scan_class hm_scan_class(struct hm_slice path, struct hm_slice head) HM_MUST_CHECK;

struct hm_scan_file {
	struct hm_slice bytes; /* all of it; may be a map */
	const char *path;      /* inside the target */
	const char *outer;     /* what contains it, or NULL */
	bool mapped;	       /* they are a file's map: what was searched need not stay in memory */
	enum hm_scan_class as; /* what the caller takes it for; HM_SCAN_DATA: what hm_scan_class says */
	/* As in struct hm_binary_file; or NULL. */
	int (*other)(void *target, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail);
	void *target;
	char **inside;
};

/* Observes what is in the file, each text once. HM_E_BAD: it is damaged, what could be read was observed. Any other value is
 * `observe`'s. */
int hm_scan_read(const struct hm_scan *scan, struct hm_scan_room *room, const struct hm_scan_file *file, hm_observe_fn observe, void *cookie,
		 struct hm_fail *fail) HM_MUST_CHECK;
