#pragma once
/* Shared by the files of this module. */
#include "digest.h"
#include "export.h"
#include "json.h"

/* "sha256:HEX64" of core.json: the bundle's id. */
int hm_export_bundle(char out[72], const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
/* A document of the bundle; HM_E_BAD when it is missing. */
int hm_export_document(json_t **ret, const struct hm_parts *parts, const char *name, struct hm_fail *fail) HM_MUST_CHECK;
/* Writes the document, and a line feed behind it. */
int hm_export_put(const struct hm_export_sink *sink, const json_t *document, struct hm_fail *fail) HM_MUST_CHECK;
