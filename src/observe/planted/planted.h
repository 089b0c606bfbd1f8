#pragma once
/* The planted documents: real formats, made from the seed, each with canary tokens of its own.
 *
 * A token is 20 characters of Crockford base32 (upper case) from D("secret/PHASE/FACTOR/LEVEL/N"), N counting tokens from
 * 0 in the order of the table in planted_documents.c: alphanumeric, so that URL encoding leaves it alone. Documents: plain text,
 * PDF, ODT, e-mail message, CSV, source code, a ZIP with one of them beside an EICAR file, one with a protective marking
 * ("UK SECRET", "OFFICIAL-SENSITIVE"). Every byte is a function of (seed, phase, level), and
 * where something is deflated of zlib's version: no clock, no locale. The bundle holds the bytes; nobody makes them again. */
#include "json.h"
#include "parts.h"

/* Makes all documents, adds them to `parts` as planted/0001, ... and planted.json (schema hallmark/planted/v1,
 * doc/format/core.md); `samples` is a folder whose regular files are planted too, below samples/, with role "sample", or
 * NULL. `target` is the folder's path in the chamber. */
int hm_planted_make(struct hm_parts *parts, const uint8_t *seed, const char *phase, unsigned level, const char *target,
		    const char *samples, struct hm_fail *fail) HM_MUST_CHECK;
/* Calls `take` for every regular file of the folder with samples/NAME and its content, which it may keep. At most 1,000 files of 64 MiB. */
int hm_planted_samples(const char *folder, int (*take)(void *cookie, const char *path, struct hm_bytes *content, struct hm_fail *fail),
		       void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
/* Writes what planted.json and planted/ describe below `folder`, which is empty; sets modes and times. */
int hm_planted_write(const struct hm_parts *parts, const char *folder, struct hm_fail *fail) HM_MUST_CHECK;
/* Puts everything below `folder` on the disk and out of the page cache, so that the first touch of each file shows where a kernel
 * tells of nothing but that (doc/format/record.md, pages, 4). Pages that are in use stay. */
int hm_planted_evict(const char *folder, struct hm_fail *fail) HM_MUST_CHECK;
/* Token N as text, 20 characters and NUL. A verifier derives tokens by this and compares. */
void hm_planted_token(char out[21], const uint8_t *seed, const char *phase, unsigned level, unsigned n);
