#pragma once
/* Which package installed a file: Debian's database read directly (var/lib/dpkg/status and info/NAME.list, .md5sums).
 * Usr-merge aliases (/bin, /lib, ...) are resolved. Read-only; the database is foreign input and read with bounds. */
#include "digest.h"
#include "json.h"

struct hm_packages;

struct hm_package {
	const char *name, *version, *arch;
};

/* Opens the database below `root` ("/" or an image). A system without dpkg gives an empty database. */
int hm_packages_open(struct hm_packages **ret, const char *root, struct hm_fail *fail) HM_MUST_CHECK;
/* The package that owns the absolute path, or NULL. */
const struct hm_package *hm_packages_owner(const struct hm_packages *p, const char *path) HM_MUST_CHECK;
/* The installed package of that name, the first where several architectures have it; or NULL. */
const struct hm_package *hm_packages_find(const struct hm_packages *p, const char *name) HM_MUST_CHECK;
/* Appends to the JSON array `list` one object {name, version, arch, files:[{path, sha256, size, mode, uid, gid, origin}]}
 * as product.json has it (doc/format/core.md); origin tells whether the file equals the package's own md5sum. */
int hm_packages_describe(const struct hm_packages *p, const struct hm_package *package, json_t *list, struct hm_fail *fail)
	HM_MUST_CHECK;
void hm_packages_close(struct hm_packages *p); /* NULL is fine */
void hm_packages_cleanup(struct hm_packages **p);
