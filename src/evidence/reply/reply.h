#pragma once
/* What a supplier says under his own key: a declaration that he signed, a reply to a bundle's claims (doc/format/reply.md). It is shown beside
 * verdicts and changes none. */
#include "foreign.h"
#include "json.h"
#include "parts.h"

#define HM_REPLY_MAX ((size_t)1 << 20) /* bytes of a file */

/* Appends the statement of a reply to the bundle with these parts; `reply` is its predicate. HM_E_BAD when it breaks a rule, or a claim is none of the bundle's. */
int hm_reply_statement(struct hm_bytes *out, const json_t *reply, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
/* Appends the statement of a declaration (declaration.json), which has to be a supplier's. */
int hm_reply_declaration(struct hm_bytes *out, const json_t *declaration, struct hm_fail *fail) HM_MUST_CHECK;
/* Reads what an envelope says of the bundle with these parts, whoever signed it, as a row of `replies` (reply.md) without its key; the caller's
 * reference. HM_E_BAD when it is malformed, breaks a rule, or is about another bundle or declaration. */
int hm_reply_read(json_t **ret, const struct hm_foreign *envelope, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
