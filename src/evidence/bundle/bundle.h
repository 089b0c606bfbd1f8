#pragma once
/* The one file that carries everything: a canonical ZIP (CONTRACTS.md section 5, doc/format/bundle.md).
 *
 * Stored members, order core.json, manifest.json, then bytewise; names of [a-z0-9._/-]; fixed time; nothing optional. A
 * reader that finds anything else refuses: there is one container for a set of parts. */
#include "digest.h"
#include "parts.h"

/* Adds core.json and manifest.json to the parts: core.json from the records' roots and the inputs' digests and
 * findings.json, manifest.json over all members but itself, attestations, sigstore files, log material and report. */
int hm_bundle_seal(struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
/* What core.json of these parts would be, appended: verify compares. */
int hm_bundle_core(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
int hm_bundle_manifest(struct hm_bytes *out, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
/* Writes the container; `path` appears whole or not at all. */
int hm_bundle_write(const struct hm_parts *parts, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
/* Reads a container that lies in memory, which must outlive the parts; parts are borrowed from it. HM_E_BAD unless
 * hm_bundle_write of these parts would give the same bytes. No member is unpacked, so there is nothing to blow up. */
int hm_bundle_read(struct hm_parts **ret, struct hm_slice file, struct hm_fail *fail) HM_MUST_CHECK;
/* Bundle id = SHA-256(core.json). */
int hm_bundle_id(struct hm_sha256 *out, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
