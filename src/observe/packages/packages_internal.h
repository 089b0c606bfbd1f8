#pragma once
#include <sys/stat.h>

#include "cursor.h"
#include "packages.h"

#define LIST_MAX (64u << 20)
#define HM_MERGED 7

struct owned {
	size_t at; /* offset into `paths` */
	uint32_t len, package;
};

struct entry {
	struct hm_package package;
	char *stem; /* NAME or NAME:ARCH, as the files of info/ begin */
};

struct diversion {
	struct hm_slice from, to, by;
};

struct hm_packages {
	int root;
	struct entry *entry;
	size_t count;
	struct hm_bytes paths, diverted;
	struct owned *owned;
	size_t owned_count, owned_room;
	bool alias[HM_MERGED]; /* which of bin, sbin, lib ... is a link into /usr */
	struct diversion *diversion;
	size_t diversions;
};

static inline struct hm_slice owned_path(const struct hm_packages *p, const struct owned *o)
{
	return (struct hm_slice){ p->paths.data + o->at, o->len };
}

/* Reads a file below the root: 1 and its content, 0 when there is no such regular file, or an error. */
int hm_packages_read(const struct hm_packages *p, const char *path, size_t max, struct hm_bytes *out, struct stat *st,
		     struct hm_fail *fail) HM_MUST_CHECK;
/* Appends `path` ("/...") as the file system has it: through the usr-merge links and past the diversions that the
 * package `by` (NULL: nobody) does not own. Returns what was appended. */
struct hm_slice hm_packages_real(const struct hm_packages *p, struct hm_bytes *out, struct hm_slice path, const char *by);


/* Calls `visit` for every stanza of a dpkg status file whose package has files on the disk (any state but not-installed
 * and config-files). `same` tells Multi-Arch: same, where dpkg names its lists NAME:ARCH. HM_E_BAD with the line for
 * what dpkg itself would not write. The strings live during the call. */
typedef int (*hm_status_visit)(void *cookie, const struct hm_package *package, bool same, struct hm_fail *fail);
int hm_status_parse(struct hm_slice text, hm_status_visit visit, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;

/* The next line without its newline; false at the end. */
bool hm_line_next(struct hm_cursor *c, struct hm_slice *line);
