#pragma once
#include <hs/hs.h>

#include "scan.h"

/* One compiled set of texts. `text[id]` is what a match of that id shows. */
struct hm_scan_set {
	hs_database_t *db;
	char **text;
	enum hm_scan_place *place;
	bool *below; /* a host name, and all below it: its text without the leading dot is what is compiled */
	unsigned count;
};
/* What Hyperscan calls an expression: its text, and whether it is of UTF-16. */
#define HM_SCAN_NUMBER(id, wide) ((id) << 1 | (unsigned)(wide))
#define HM_SCAN_ID(number) ((number) >> 1)
#define HM_SCAN_WIDE(number) ((number) & 1)
/* Whether the host name that was met, and ends at `end` of all bytes, stands there by itself. */
bool hm_scan_is_name(const struct hm_scan_set *set, unsigned number, struct hm_slice all, size_t end) HM_MUST_CHECK;

/* Builds a set of expressions: add, then compile once. */
struct hm_scan_builder {
	char **expression;
	unsigned *flags, *ids;
	unsigned count;
};
void hm_scan_add(struct hm_scan_set *set, struct hm_scan_builder *builder, const struct hm_scan_pattern *pattern);
int hm_scan_compile(struct hm_scan_set *set, struct hm_scan_builder *builder, struct hm_fail *fail) HM_MUST_CHECK;
void hm_scan_builder_release(struct hm_scan_builder *builder);
void hm_scan_set_release(struct hm_scan_set *set);

struct hm_scan {
	struct hm_scan_set executable, licence;
	char **symbols; /* sorted */
	size_t symbol_count;
	const struct hm_binary_trust *trust;
};

struct hm_scan_room {
	hs_scratch_t *scratch;
	uint8_t *seen; /* a byte an id of the larger set: a text is told once a file */
};
