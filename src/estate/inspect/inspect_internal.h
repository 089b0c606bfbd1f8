#pragma once
#include "inspect.h"

struct hm_inspect_rules {
	const struct hm_suppliers *suppliers;
	struct hm_match *match;
	struct hm_scan *scan;
	struct hm_binary_trust *trust; /* or NULL */
	bool hashes; /* some row asks for a digest */
};

/* An observation that waits for the end of the walk: whose is the file? */
struct inspect_held {
	struct hm_observation o; /* all texts owned */
	char *owner, *root; /* package; root of the system whose database tells it, NULL: the target's own */
	bool streamed;	     /* which can only be walked */
};

struct inspect {
	const struct hm_inspect_rules *rules;
	struct hm_target *target;
	const struct hm_inspect_sink *sink;
	struct hm_scan_room *room;
	struct hm_inspect_counts counts;
	uint64_t number;
	struct hm_inspect_at at;
	const struct hm_entry *entry; /* at work */
	bool elsewhere;		      /* it is a database of another system than the target's own */
	struct hm_slice bytes;	      /* of it, where all was read */
	char sha256[65];	      /* of these, once asked for; else "" */
	char *inside;		      /* whose it is by its signature, as an outer; or NULL */
	struct inspect_held *held;
	size_t held_count, held_cap;
	struct inspect_again *again; /* what is asked when the target is walked again, or NULL */
	char **package; /* of a database that is being read: those that show a row */
	size_t packages;
};

/* An hm_observe_fn whose cookie is the struct inspect: passes on what matters. */
int inspect_pass(void *inspect, const struct hm_observation *o, struct hm_fail *fail);
/* Another file of the system that the entry at work is of: hm_source_other_fn. */
int inspect_other(void *inspect, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail) HM_MUST_CHECK;
/* Whether a path of that system is there, case aside; -1: that cannot be told, or the observation shows no row. The `there` of struct hm_source_file. */
int inspect_there(void *inspect, const struct hm_observation *o, const char *path) HM_MUST_CHECK;
/* What an observation of the entry at work says contains it. */
const char *inspect_outer(const struct inspect *s, const struct hm_entry *e) HM_MUST_CHECK;
/* Tells what the sink is told of an entry that could not be read. */
int inspect_unread(struct inspect *s, const struct hm_entry *e, const char *why, struct hm_fail *fail) HM_MUST_CHECK;

/* Finds the packages that own what is held, and passes all on. */
int inspect_settle(struct inspect *s, struct hm_fail *fail) HM_MUST_CHECK;
void inspect_release_held(struct inspect *s);

/* What a name and a small text tell: units, timers, init scripts, accounts, trusted roots. */
int inspect_places(struct inspect *s, const struct hm_entry *e, struct hm_fail *fail) HM_MUST_CHECK;
