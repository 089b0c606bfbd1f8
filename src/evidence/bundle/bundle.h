#pragma once
/* The one file that carries everything: a canonical ZIP (CONTRACTS.md section 5, doc/format/bundle.md).
 *
 * Stored members, order core.json, manifest.json, then bytewise; names of [a-z0-9._/-]; fixed time; nothing optional. A
 * reader that finds anything else refuses: there is one container for a set of parts. */
#include "digest.h"
#include "parts.h"

#define HM_BUNDLE_FORMAT 1

/* Refuses a part that format 1 has no place for, one that is larger than its readers take, a run without its record, and
 * a missing part; `sealed`: core.json and manifest.json must be there too. HM_E_BAD. */
int hm_bundle_check_parts(const struct hm_parts *parts, bool sealed, struct hm_fail *fail) HM_MUST_CHECK;
/* Adds core.json and manifest.json to the parts: core.json from the records' roots and the inputs' digests and
 * findings.json, manifest.json over all members but itself, attestations, sigstore files, log material and report. */
int hm_bundle_seal(struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
/* What core.json and manifest.json of these parts would be, appended: verify compares. */
int hm_bundle_core(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
int hm_bundle_manifest(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
/* Writes the container; `path` appears whole or not at all. */
int hm_bundle_write(const struct hm_parts *parts, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
/* Whether a member stands in manifest.json, and its entry there, appended. */
bool hm_bundle_in_manifest(const char *name) HM_MUST_CHECK;
void hm_bundle_manifest_entry(struct hm_bytes *out, const char *name, struct hm_slice content);
/* Reads a container that lies in memory, which must outlive the parts; parts are borrowed from it. HM_E_BAD unless the
 * writer would make the same bytes of these parts; which parts they are is the business of hm_bundle_check_parts. No
 * member is unpacked, so there is nothing to blow up. */
int hm_bundle_read(struct hm_parts **ret, struct hm_slice file, struct hm_fail *fail) HM_MUST_CHECK;
/* Bundle id = SHA-256(core.json). */
int hm_bundle_id(struct hm_sha256 *out, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
