#pragma once
/* The core that a case describes. */
#include "parts.h"

#define SCENE_WORDS 64

struct line {
	char *word[SCENE_WORDS];
	size_t words;
	unsigned number; /* in its file */
};

struct lines {
	struct line *list;
	size_t count;
};

/* Makes the parts of a core from the lines of a case. `data` is the folder with claims/claims.json. Ends the program with a
 * message when a line cannot be read. `semantics` are the plan's. */
struct hm_parts *scene_make(const struct lines *lines, const char *data, unsigned semantics);
/* The word belongs to what came after version 1. */
bool scene_is_later(const char *word);
