#pragma once
/* Definition bases of anti-virus engines, told by what is in them and not by their names: a format counts only when it parses,
 * with whatever its own header lets be checked. An OEM that renames everything else keeps the bases that its engine reads.
 * Formats that nobody published (Kaspersky's .kdc and .klb, Dr.Web's .vdb) are not told here: their file sets are rows of kind
 * `file`, and three of them in one folder are what shows them. */
#include "bytes.h"
#include "fail.h"
#include "observation.h"

/* True when the head of a file could be a base, or an update index by its name: only then the whole is worth reading. */
#define HM_BASES_HEAD 64
bool hm_bases_sniff(struct hm_slice head, struct hm_slice path) HM_MUST_CHECK;

struct hm_bases_file {
	struct hm_slice bytes;
	const char *path, *outer;
};

/* Observes one `definitions` with the format's name (clamav, kaspersky, kaspersky.index, microsoft, yara) when the bytes are one; the detail tells
 * the form, version, date (", dated YYYY-MM-DD" where it has one), number of signatures and what was checked. Other bytes: nothing. Returns what
 * `observe` returned, or 0. */
int hm_bases_read(const struct hm_bases_file *file, hm_observe_fn observe, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
