#pragma once
/* What a supplier says beside a bundle: files that are asked for, held against it, and shown (doc/format/reply.md). */
#include "json.h"
#include "options.h"
#include "verify.h"

struct hm_replies {
	struct hm_pubkey **keys; /* of suppliers */
	size_t key_count;
	const char *const *path; /* borrowed from the arguments */
	size_t count;
};

/* The options of commands that show them: --reply and --supplier-key. */
#define HM_REPLIES_OPTIONS                                                                                          \
	{ "reply", 0, "FILE", true, "show this reply or declaration of the supplier (hallmark reply)" }, \
		{ "supplier-key", 0, "PUB", true, "believe that a supplier signed what is by this key" }

int hm_replies_load(struct hm_replies *r, const struct hm_args *args, struct hm_fail *fail) HM_MUST_CHECK;
void hm_replies_release(struct hm_replies *r);
/* Adds a row `reply` for each file. Appends what holds, by a supplier's key, to `shown`. */
int hm_replies_check(struct hm_verify *v, const struct hm_replies *r, json_t *shown, struct hm_fail *fail) HM_MUST_CHECK;
/* The same for a command that has a bundle's parts and no rows: HM_E_BAD where one does not hold, HM_E_USAGE without a supplier's key. 0 with `skip_others`
 * where a file is about another bundle. */
int hm_replies_take(const struct hm_parts *parts, const struct hm_replies *r, bool skip_others, json_t *shown, struct hm_fail *fail) HM_MUST_CHECK;
/* Appends lines for people, in which nothing foreign steers a terminal, ends a line or turns its direction. */
void hm_replies_tell(struct hm_bytes *out, const json_t *shown);
