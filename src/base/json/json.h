#pragma once
/* Restricted JSON (CONTRACTS.md section 3): RFC 8785 with integers within 2^53-1 and nothing else for numbers, duplicate
 * members refused, depth at most 32. jansson reads and holds the values; the writer is ours, because jansson's sorted
 * output is not RFC 8785.
 *
 * Bytes that may not be text are stored under NAME when they are UTF-8 without NUL, and as base64 under NAME_b64 when
 * they are not. */
#include <jansson.h>

#include "bytes.h"
#include "fail.h"

static inline void hm_json_cleanup(json_t **j)
{
	json_decref(*j);
}
/* Drops a reference at the end of the scope. */
#define HM_JSON HM_CLEANUP(hm_json_cleanup)

/* Parses one document. Refuses duplicates, floats, integers beyond 2^53-1, NUL in strings, member names that are not
 * printable ASCII (their order is then bytewise), bytes behind the value.
 * HM_E_BAD with the place in `fail`; `what` names the document there. On success *ret is the caller's reference. */
int hm_json_parse(json_t **ret, struct hm_slice text, const char *what, struct hm_fail *fail) HM_MUST_CHECK;
/* The same, and the text must be exactly what hm_json_write makes of it: one document has one form. */
int hm_json_parse_canonical(json_t **ret, struct hm_slice text, const char *what, struct hm_fail *fail) HM_MUST_CHECK;
/* Appends the canonical form: members sorted, no white space, RFC 8785 string escapes. The value holds only what parse
 * would accept; another value is a programmer's error (abort). */
void hm_json_write(struct hm_bytes *out, const json_t *value);
/* Sets `name` (text) or `name`_b64 (bytes) of `object`. */
void hm_json_set_bytes(json_t *object, const char *name, struct hm_slice s);
/* Gets what hm_json_set_bytes stored; appended to `out`. HM_E_BAD when both or none are there, or not strings, or when
 * the base64 form holds what would have been text. */
int hm_json_get_bytes(const json_t *object, const char *name, struct hm_bytes *out, struct hm_fail *fail) HM_MUST_CHECK;

/* One row of an object's shape. `type` is a json_type, or HM_JSON_ANY; a row whose name ends in "?" is optional; a name
 * that ends in "|" may also be null ("|?" for both). Member "x" is always allowed and never looked at. */
struct hm_json_member {
	const char *name;
	int type;
};
#define HM_JSON_ANY (-1)
#define HM_JSON_BOOL (-2)
/* Checks that `value` is an object of exactly that shape: nothing missing, nothing unknown. `what` names it in `fail`. */
int hm_json_shape(const json_t *value, const struct hm_json_member *rows, size_t count, const char *what,
		  struct hm_fail *fail) HM_MUST_CHECK;
