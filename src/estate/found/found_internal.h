#pragma once
#include "found.h"
#include "match.h"

#define FOUND_KEPT 4	   /* pieces of evidence of one row in one place */
#define FOUND_SEEN 16384   /* rows in places, of a target */
#define FOUND_SEEN_ALL (1u << 20)
#define FOUND_NAMES 262144 /* packages of a target */
#define FOUND_LISTED 64	   /* components without a supplier that are told by name */
#define FOUND_UNREAD 256
#define FOUND_OPEN 64	   /* readers at a time */

struct found_piece {
	char *value, *path, *detail, *sha256;
	enum hm_observation_kind kind;
	enum hm_observed_state state;
	enum hm_strength strength;
};

void found_piece_release(struct found_piece *piece);

/* One row, seen in one place by one channel. */
struct found_seen {
	size_t target;
	const struct hm_indicator *row;
	const char *channel;
	char *outer, *within;	   /* within: outer up to its last "!", NULL where it has none */
	char *around;		   /* where `outer` tells who signed the file: what is before that; else NULL */
	bool packaged;		   /* `outer` is a package or component; told when the target is over */
	size_t root;		   /* then: the bytes of `outer` that name the root of another system whose package it is; 0: the target's own */
	enum hm_strength strength; /* the best */
	enum hm_observed_state state;
	size_t pieces;
	uint64_t count;
	char newest[11]; /* of definition bases: the latest day, of all that were seen; "" */
	bool undated;	 /* one of them had no day */
	struct found_piece piece[FOUND_KEPT];
};

/* Texts, each once; for sets of names and for finding what was seen before. */
struct found_table {
	struct {
		char *key;
		size_t value;
	} *slot;
	size_t count, cap;
};
/* The value of `key`, which becomes `value` if it was not there; `*fresh` tells. */
size_t *found_table_put(struct found_table *t, const char *key, size_t value, bool *fresh);
const size_t *found_table_get(const struct found_table *t, const char *key) HM_MUST_CHECK; /* or NULL */
bool found_table_has(const struct found_table *t, const char *key) HM_MUST_CHECK;
void found_table_release(struct found_table *t);

/* The first few of many, sorted by bytes. */
struct found_line {
	char *text, *more;
};
struct found_first {
	struct found_line *line;
	size_t count;
};
/* Keeps the `most` that come first. */
void found_first_put(struct found_first *first, size_t most, const char *text, const char *more);
/* As objects with these members; `more` NULL: without. */
json_t *found_first_rows(const struct found_first *first, const char *text, const char *more) HM_MUST_CHECK;
void found_first_release(struct found_first *first);

/* A component that is being observed. */
struct found_open {
	char *name, *in; /* name: NULL when none is; in: with what it is in before it, or NULL */
	char *file;	 /* what tells of it */
	bool named, listed;
	uint64_t asked;
};

struct found_target {
	char *name, *kind;
	bool endpoint;
	uint64_t entries, files, bytes, observations;
	uint64_t not_read_count, components, listed, nameless;
	struct found_first not_read, names; /* what is told of each */
	struct found_table packages; /* names of packages and components, while the target is observed */
	size_t seen_from;	     /* the first of what was seen in it */
	struct found_open open[FOUND_OPEN];
	uint64_t asked;
};

/* The first two rows of one supplier in one folder: their pieces, until there are three. */
struct found_waiting {
	const struct hm_indicator *row[2];
	struct found_piece piece[2];
	size_t count;
};

struct hm_found {
	const struct hm_suppliers *suppliers;
	struct hm_match *match;
	char made[11];
	struct found_target *target;
	size_t targets;
	struct found_seen *seen;
	size_t seen_count, seen_cap;
	struct found_table where; /* of seen: target, row, channel, outer */
	struct found_table sets;  /* of folders: how many rows of a supplier */
	struct found_table own;	  /* packages and components that a row knows: target, supplier, name */
	struct found_waiting *waiting;
	size_t waits;
	const struct hm_observation *now;
	struct found_open *component; /* of it, or NULL */
};

/* A component is over when the next begins in its file, or the target ends. */
void found_close_components(struct found_target *t);
/* Which component the observation begins, or tells more of; NULL: none. */
struct found_open *found_note_component(struct found_target *t, const struct hm_observation *o) HM_MUST_CHECK;
/* Whether what was seen lies in a package or component; layers and archives are none. */
bool found_in_package(const struct hm_found *found, const struct found_seen *s) HM_MUST_CHECK;
size_t found_root(const struct hm_found *found, const struct found_seen *s) HM_MUST_CHECK;

/* What belongs together: one supplier's, in one place, in one relation. Borrows what was seen. */
struct found_group {
	size_t target;
	const char *supplier, *relation, *outer;
	const struct found_seen **seen;
	size_t count;
	int score;
	bool enough; /* it is an item */
};

/* All groups, sorted; released with found_groups_free. */
struct found_group *found_groups(const struct hm_found *found, size_t *count) HM_MUST_CHECK;
void found_groups_free(struct found_group *groups, size_t count);
/* What a channel of that strength counts. */
int found_points(enum hm_strength strength, const char *channel) HM_MUST_CHECK;
/* Appends the items of a group: one a product, each with its target's place in the member FOUND_ORDER until they are sorted. */
#define FOUND_ORDER "#"
void found_items(const struct hm_found *found, const struct found_group *group, json_t *items);
/* The member `filter`. */
json_t *found_filter(const struct hm_found_filter *filter) HM_MUST_CHECK;

/* Of a document's object; empty where it has none. */
static inline const char *found_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static inline bool found_lists(const char *const *list, size_t count, const char *text)
{
	for (size_t i = 0; i < count; i++)
		if (strcasecmp(list[i], text) == 0)
			return true;
	return false;
}
