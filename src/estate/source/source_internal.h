#pragma once
/* What the readers of package databases share: how they observe, and the table that they stand in. */
#include <stdbool.h>

#include "source.h"

/* Where a reader's observations go, and its first reason for having left something out. */
struct hm_source_out {
	const struct hm_source *source;
	const struct hm_source_file *file;
	hm_observe_fn observe;
	void *cookie;
	struct hm_fail *fail;
	bool bad; /* something was left out; `fail` tells the first */
};

/* What a database says of one package. Empty slices are what it does not say. */
struct hm_source_package {
	struct hm_slice name, version, vendor, licence;
	bool residue; /* removed, with something left behind */
	bool present; /* there, but not set up */
};

/* Observes a package. A name that is empty, too long or holds a NUL is left out (hm_source_leave). 0, or what `observe` returned. */
int hm_source_package(struct hm_source_out *out, const struct hm_source_package *package) HM_MUST_CHECK;
/* Observes what is no package: `path` and `outer` are the file's where they are NULL. A value that is empty or too long is passed over. */
int hm_source_tell(struct hm_source_out *out, struct hm_observation observation) HM_MUST_CHECK;
/* Notes that something was left out. */
void hm_source_leave(struct hm_source_out *out, const char *format, ...) HM_PRINTF(2, 3);

/* Observes whether a package's files are those of the database. */
int hm_source_files(const struct hm_source *source, const struct hm_source_file *file, const char *package, bool verified, const char *detail,
		    hm_observe_fn observe, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;

/* What a path has before the part that the source's pattern tells: the root of the system whose database it is. Without a leading
 * slash; empty, or ending in one. */
struct hm_slice hm_source_root(const struct hm_source *source, struct hm_slice path) HM_MUST_CHECK;

/* One digest that a database keeps of a file; `path` is relative to hm_source_root. */
struct hm_source_digest {
	struct hm_slice path;
	int kind; /* enum hm_digest_kind */
	uint8_t bytes[64];
	size_t len;
};
typedef int (*hm_source_digest_fn)(void *cookie, const struct hm_source_digest *digest);

struct hm_source {
	const char *name;
	/* Path patterns, NULL at the end: fnmatch-like, where '*' does not cross a slash and a leading "**" stands for any folders. */
	const char *paths[10];
	/* NULL, or looks at the head of a file whose path fits. */
	bool (*head)(struct hm_slice head);
	uint64_t max;
	const char *purl; /* type of the package URLs of its packages (npm, pypi, maven), or NULL */
	int (*read)(struct hm_source_out *out, struct hm_slice bytes);
	/* NULL, or yields the digests of one package's files. */
	int (*digests)(const struct hm_source_file *file, const char *package, const struct hm_source_others *other, hm_source_digest_fn each,
		       void *cookie, struct hm_fail *fail);
	bool system; /* its database is a whole system's: one below the target's root tells of another system */
	/* NULL, or lists what the database's packages installed. */
	void (*list)(struct hm_slice bytes, hm_source_list_fn each, void *cookie);
};

/* Lines "Key: value" (deb822, apk, RFC 822 headers). Fills the values of the next stanza's known keys, and returns false at
 * the end. Continuation lines (they begin with a blank) belong to the value and are cut off. A key that comes twice keeps
 * its first value; `odd` counts lines that are no field. */
struct hm_source_field {
	const char *key;
	struct hm_slice value;
};
bool hm_source_stanza(struct hm_cursor *c, struct hm_source_field *fields, size_t count, size_t *odd) HM_MUST_CHECK;
bool hm_source_line(struct hm_cursor *c, struct hm_slice *line) HM_MUST_CHECK;
struct hm_slice hm_source_trim(struct hm_slice s) HM_MUST_CHECK;
/* The path's component `back` from its end (0 is the last), or empty. */
struct hm_slice hm_source_component(struct hm_slice path, size_t back) HM_MUST_CHECK;

/* The readers: one file a family. */
int hm_source_dpkg(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_dpkg_digests(const struct hm_source_file *file, const char *package, const struct hm_source_others *other,
			   hm_source_digest_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
int hm_source_rpm_file(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_control(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_pkginfo(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_msi(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_macos_bundle(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_macos_receipt(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_macos_launchd(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_windows_software(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_windows_system(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_windows_user(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_snapd(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_apk(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_apk_digests(const struct hm_source_file *file, const char *package, const struct hm_source_others *other,
			  hm_source_digest_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
int hm_source_pacman(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_pacman_digests(const struct hm_source_file *file, const char *package, const struct hm_source_others *other,
			     hm_source_digest_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
int hm_source_rpm(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
/* Changes that SQLite has not put into the database yet: not read, and said so. */
int hm_source_rpm_wal(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_rpm_digests(const struct hm_source_file *file, const char *package, const struct hm_source_others *other,
			  hm_source_digest_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
void hm_source_rpm_list(struct hm_slice bytes, hm_source_list_fn each, void *cookie);
int hm_source_flatpak(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_snap(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_npm(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_npm_lock(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_yarn(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_pnpm(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_adb(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_composer(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_nuget(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_conda(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_pypi(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_pypi_digests(const struct hm_source_file *file, const char *package, const struct hm_source_others *other,
			   hm_source_digest_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
int hm_source_maven(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
int hm_source_manifest(struct hm_source_out *out, struct hm_slice bytes) HM_MUST_CHECK;
