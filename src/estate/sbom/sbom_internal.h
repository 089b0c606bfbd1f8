#pragma once
#include <jansson.h>

#include "sbom.h"

/* Gets each element of the document's top-level arrays, and each other top-level value whole. `value` is borrowed.
 * A value other than 0 ends the reading and is returned. */
typedef int (*hm_sbom_element_fn)(void *cookie, const char *key, const json_t *value);

/* Streams a JSON object. Elements deeper than 64 or of more than HM_SBOM_VALUES values are left out and counted in `left`.
 * HM_E_BAD with the place when the text is not JSON; what came before was handed over. */
#define HM_SBOM_VALUES 400000u
#define HM_SBOM_DEPTH 64u
int hm_sbom_stream(struct hm_slice text, hm_sbom_element_fn element, void *cookie, size_t *left, struct hm_fail *fail) HM_MUST_CHECK;

/* A component as all formats have it; empty: not said. */
struct hm_sbom_component {
	const char *name, *version, *supplier, *maker, *outer;
	char sha256[65];
};
/* Takes it when it is 64 hex digits, in lower case; else the component has none. */
void hm_sbom_take_sha256(struct hm_sbom_component *c, const char *text);

struct hm_sbom_out {
	const struct hm_sbom_file *file;
	hm_observe_fn observe;
	void *cookie;
	struct hm_fail *fail;
	const char *source;    /* the format's name */
	const char *described; /* what the document is about, or NULL */
};

/* One observation of the component: its name, or an identifier of it (purl, cpe, licence). */
int hm_sbom_component(struct hm_sbom_out *out, const struct hm_sbom_component *c) HM_MUST_CHECK;
enum hm_sbom_identifier { HM_SBOM_PURL, HM_SBOM_CPE, HM_SBOM_LICENCE };
int hm_sbom_identifier(struct hm_sbom_out *out, const struct hm_sbom_component *c, enum hm_sbom_identifier kind, const char *value)
	HM_MUST_CHECK;
/* Text of a member, or "". */
const char *hm_sbom_text(const json_t *object, const char *name) HM_MUST_CHECK;

int hm_sbom_cyclonedx(struct hm_sbom_out *out, const char *key, const json_t *value) HM_MUST_CHECK;
int hm_sbom_spdx2(struct hm_sbom_out *out, const char *key, const json_t *value) HM_MUST_CHECK;
int hm_sbom_cyclonedx_xml(struct hm_sbom_out *out, struct hm_slice text) HM_MUST_CHECK;
int hm_sbom_tagvalue(struct hm_sbom_out *out, struct hm_slice text) HM_MUST_CHECK;
/* `agents`: id -> name, of what the first pass found. */
void hm_sbom_spdx3_agent(json_t *agents, const json_t *value);
/* The id of what the document is about, and the name of the element that has an id; "" when it is not this element. */
const char *hm_sbom_spdx3_root(const json_t *value) HM_MUST_CHECK;
const char *hm_sbom_spdx3_named(const json_t *value, const char *id) HM_MUST_CHECK;
int hm_sbom_spdx3(struct hm_sbom_out *out, const json_t *agents, const char *root, const json_t *value) HM_MUST_CHECK;
