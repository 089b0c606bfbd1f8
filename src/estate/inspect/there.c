/* Whether what a Windows database names is there: case aside, as Windows has it, and so by the names in folders. */
#include "inspect_internal.h"

#include <string.h>

struct sought {
	const char *name;
	size_t len;
	char *found;
};

static int on_name(void *cookie, const char *name)
{
	struct sought *s = cookie;

	if (strlen(name) != s->len || strncasecmp(name, s->name, s->len) != 0)
		return 0;
	s->found = hm_strdup(name);
	return 2;
}

int inspect_there(void *system, const struct hm_observation *o, const char *path)
{
	struct inspect *s = system;
	HM_FREE char *at = hm_strdup(".");

	if (!hm_target_has_names(s->target) || (s->entry->outer && !s->entry->root) || s->entry->streamed || !hm_inspect_shows(s->rules, o))
		return -1;
	while (*path) {
		struct sought sought = { path, strcspn(path, "/"), NULL };
		char *next;

		if (sought.len == 0) {
			path++;
			continue;
		}
		if (hm_target_names(s->target, s->entry->root, at, on_name, &sought) != 2)
			return 0;
		next = hm_sprintf("%s/%s", at, sought.found);
		free(sought.found);
		free(at);
		at = next;
		path += sought.len;
	}
	return 1;
}
