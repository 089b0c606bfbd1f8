#pragma once
/* YAML that people write, as JSON: for product descriptions, declarations and scenarios; the bundle never holds YAML.
 *
 * A strict part of YAML 1.1, read by libyaml: one document of mappings, sequences and scalars; no anchors, aliases, tags,
 * directives or document marks; UTF-8 without control characters. A plain scalar is an integer when it is one in plain
 * decimal, true, false or null when it is exactly that, and text otherwise; what YAML readers disagree about (yes, ~,
 * 0644, 1.5, 2024-05-14 and the like) is refused until it stands in quotes.
 * (libcyaml, which loads into C structures, is not used here: it takes an empty list for an absent one, and in a
 * declaration these two say different things.) */
#include "json.h"

struct hm_yaml_line {
	const json_t *node;
	size_t line;
};

struct hm_yaml {
	json_t *root; /* what hm_json_write can write, but for member names */
	char *what;   /* names the document in errors: the file's path */
	struct hm_yaml_line *lines;
	size_t count;
};

/* Parses one document; `what` names it. HM_E_BAD as "WHAT line N: why". On failure `out` is empty. */
int hm_yaml_parse(struct hm_yaml *out, struct hm_slice text, const char *what, struct hm_fail *fail) HM_MUST_CHECK;
/* The same from a file of at most 256 KiB. */
int hm_yaml_load(struct hm_yaml *out, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
/* For whoever finds something wrong with `node` of the document: sets HM_E_BAD "WHAT line N: ..." and returns it. */
int hm_yaml_fail(const struct hm_yaml *y, const json_t *node, struct hm_fail *fail, const char *format, ...) HM_PRINTF(4, 5);
/* Frees; fits HM_CLEANUP. */
void hm_yaml_release(struct hm_yaml *y);
