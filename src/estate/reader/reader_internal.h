#pragma once
#include "cursor.h"
#include "reader.h"

#define PARCEL_MAX 65536u

enum parcel { PARCEL_OBSERVATION, PARCEL_HELD, PARCEL_UNREAD, PARCEL_COUNT, PARCEL_FAILED, PARCEL_OPENED, PARCEL_DONE, PARCELS };

/* Where a reader is, in memory that it shares with us: it is told before each entry, also when it dies. */
struct reader_place {
	struct hm_inspect_at at;
	uint64_t beat;
	char path[4096];
};

#define READER_PASSED 64	 /* entries that a reader died of; after so many the rest is not read */
#define READER_PASSED_IN_ONE 4 /* of these in one archive; after so many the rest of that is not read */

/* What readers died of is passed over, each entry with what lies in it; the next one goes on behind it. */
struct reader_passed {
	struct hm_inspect_at entry[READER_PASSED];
	size_t count;
	struct hm_inspect_at from; /* entries before this one were read */
};
/* A reader died at this entry. False: there is no other way on. */
bool reader_pass(struct reader_passed *passed, struct hm_inspect_at at) HM_MUST_CHECK;
/* What a reader that takes its place does with an entry: HM_BEGIN and so on. */
int reader_begins(const struct reader_passed *passed, const struct hm_inspect_at *at) HM_MUST_CHECK;

struct reader_shard {
	const struct hm_inspect_rules *rules;
	const struct hm_reader_spec *spec;
	unsigned shard, shards;
	const struct reader_passed *passed;
	int out;
	struct reader_place *place;
};

/* The child: never returns. */
void reader_child(const struct reader_shard *shard) __attribute__((noreturn));

/* A parcel in `out`: 4 bytes of length, 1 of kind, the body. */
void parcel_observation(struct hm_bytes *out, enum parcel kind, const struct hm_observation *o);
void parcel_texts(struct hm_bytes *out, enum parcel kind, const char *const *text, size_t count);
void parcel_numbers(struct hm_bytes *out, enum parcel kind, const uint64_t *number, size_t count);

/* The other end: a body. HM_E_BAD for what the child cannot have meant. Texts are malloc'ed, in `text` (7 of them). */
#define PARCEL_TEXTS 7
int parcel_read_observation(struct hm_slice body, struct hm_observation *o, char *text[PARCEL_TEXTS]) HM_MUST_CHECK;
int parcel_read_texts(struct hm_slice body, char **text, size_t count) HM_MUST_CHECK;
int parcel_read_numbers(struct hm_slice body, uint64_t *number, size_t count) HM_MUST_CHECK;
