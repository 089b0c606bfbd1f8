#pragma once
/* Bills of materials: CycloneDX 1.2 to 1.7, SPDX 2.2 and 2.3, SPDX 3.0, as JSON; CycloneDX also as XML, SPDX 2 also as lines of tags. Read as a stream, so that memory depends on the
 * largest component and not on the document. */
#include "fail.h"
#include "observation.h"

struct hm_sbom_file {
	struct hm_slice bytes;
	const char *path;  /* of the document; goes into each observation */
	const char *outer; /* what contains the document, or NULL */
};

enum hm_sbom_format { HM_SBOM_NONE, HM_SBOM_CYCLONEDX, HM_SBOM_SPDX2, HM_SBOM_SPDX3, HM_SBOM_SPDX_TAGS, HM_SBOM_CYCLONEDX_XML };
/* What a document is, by how it begins (a few KiB do). */
enum hm_sbom_format hm_sbom_sniff(struct hm_slice head) HM_MUST_CHECK;

/* Observes every component: its name, and each identifier that recognises it (purl, CPE), with supplier, maker and version in
 * the detail. `outer` of an observation is the component that holds it, or what the document describes. HM_E_BAD: part
 * could not be read, the rest was observed; HM_E_UNKNOWN: a version that is not known, read as far as it is alike; any
 * other value comes from `observe`. */
int hm_sbom_read(const struct hm_sbom_file *file, hm_observe_fn observe, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
