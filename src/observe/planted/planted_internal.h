#pragma once
/* The documents that planted.json of version 1 describes. */
#include "planted_formats.h"

/* One planted file of our own making. Rows stand in bytewise order of `path`. */
struct hm_doc {
	const char *path, *role, *marking;
	unsigned tokens;
	void (*make)(struct hm_bytes *out, const hm_token *token);
};
#define HM_DOC_TOKENS_MAX 4
extern const struct hm_doc hm_docs[];
extern const size_t hm_doc_count;
