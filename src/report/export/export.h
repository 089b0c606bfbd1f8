#pragma once
/* A bundle in the formats of others: doc/format/exports.md. Computes nothing and vouches for nothing: each row names the bundle and the
 * place in it. Pure: the same parts give the same bytes. */
#include "parts.h"

/* Where an export goes, piece by piece, so that a long record is never all in memory. Below 0 ends it. */
struct hm_export_sink {
	int (*put)(void *cookie, struct hm_slice text, struct hm_fail *fail);
	void *cookie;
};

/* Events of all records as OCSF 1.3.0, one JSON object a line. HM_E_BAD for a part that is missing or malformed. */
int hm_export_ocsf(const struct hm_export_sink *sink, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
/* Findings as SARIF 2.1.0, and the product as CycloneDX 1.6; likewise. */
int hm_export_sarif(const struct hm_export_sink *sink, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
int hm_export_cyclonedx(const struct hm_export_sink *sink, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
