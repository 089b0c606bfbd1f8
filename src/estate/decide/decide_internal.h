#pragma once
#include "decide.h"

struct hm_decide_policy {
	json_t *root; /* of the shape that policy.md gives */
	char sha256[65];
};

/* In this order: the worst of several answers is the last. */
enum answer { ALLOWED, SEALED_ONLY, CANNOT_TELL, PROHIBITED, ANSWERS };

enum answer decide_answer(const char *word) HM_MUST_CHECK; /* ANSWERS for another word */
const char *decide_word(enum answer answer) HM_MUST_CHECK;

static inline const char *decide_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* True where `list` (an array of strings) holds `text`; absent lists hold nothing. */
bool decide_lists(const json_t *list, const char *text) HM_MUST_CHECK;

/* What all parts of one decision share. */
struct decide_case {
	const struct hm_decide_policy *policy;
	const struct hm_decide_question *question;
	const json_t *found;
	struct hm_owner *owner; /* of all suppliers that found.json names; owned */
	size_t owners;
};

enum truth { NO, YES, UNSOURCED, UNKNOWN };

/* Whether `when` of a rule is true of an item; for what is not known, what would change that is appended to `changes`. */
enum truth decide_when(const struct decide_case *c, const json_t *rule, const json_t *item, json_t *changes) HM_MUST_CHECK;
/* The part of the decision that is about `item`. */
json_t *decide_part(const struct decide_case *c, const json_t *item, bool candidate) HM_MUST_CHECK;
/* "yes", "not in force", "other level" or "other scope". */
const char *decide_applies(const struct decide_case *c, const json_t *rule) HM_MUST_CHECK;
/* The supplier's row of found.json, or NULL. */
const json_t *decide_supplier(const struct decide_case *c, const char *id) HM_MUST_CHECK;
/* The item's class; where it has none, "security" for suppliers of that kind, else "". */
const char *decide_class(const struct decide_case *c, const json_t *item) HM_MUST_CHECK;
/* The day of the newest definition base, or "". Returns false where one of them tells no day. */
bool decide_definitions(const json_t *item, char newest[11]);
/* Whether the exception of a rule holds for an item. */
bool decide_unless(const struct decide_case *c, const json_t *item, const json_t *unless) HM_MUST_CHECK;

/* Whether a bundle is of the item's product, and how that is known, or why not; appended to `how`. */
bool decide_bundle_fits(const struct decide_case *c, const json_t *item, const json_t *bundle, struct hm_bytes *how) HM_MUST_CHECK;
/* Whether one of the bundles that fit the item shows what an exception asks for. */
bool decide_bundle_holds(const struct decide_case *c, const json_t *item, const json_t *wanted) HM_MUST_CHECK;
/* What such a bundle would have to show, and what those that were given lack. */
void decide_bundle_change(const struct decide_case *c, const json_t *item, const json_t *wanted, enum answer to, json_t *changes);
/* A fact for each bundle that fits the item. */
void decide_bundle_facts(const struct decide_case *c, const json_t *item, json_t *facts);
/* What is told of all bundles together: which fit how many items, and what is wrong with those that fit none. */
void decide_bundle_summary(const struct decide_case *c, json_t *facts);

void decide_fact(json_t *list, const char *fact, const char *value, const json_t *source, const json_t *confidence);
void decide_change(json_t *list, const char *change, enum answer to, const char *format, ...) HM_PRINTF(4, 5);
/* Appends what `more` has and `list` has not. */
void decide_changes(json_t *list, const json_t *more);
