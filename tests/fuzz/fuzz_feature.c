/* Whatever a message is, its fields follow each other without a hole, and no two have the same name. The first byte says whether it is
 * a question to a resolver. */
#include "feature.h"

struct seen {
	size_t next, count;
	char **name;
};

static void take(void *cookie, const char *name, size_t offset, size_t length)
{
	struct seen *seen = cookie;

	if (offset != seen->next || length == 0)
		abort();
	seen->next = offset + length;
	for (size_t i = 0; i < seen->count && i < 200; i++)
		if (strcmp(seen->name[i], name) == 0)
			abort();
	seen->name = hm_realloc(seen->name, seen->count + 1, sizeof(*seen->name));
	seen->name[seen->count++] = hm_strdup(name);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = { 0 };

	if (!size)
		return 0;
	hm_feature_fields((struct hm_slice){ data + 1, size - 1 }, data[0] & 1, take, &seen);
	if (seen.next != size - 1)
		abort();
	for (size_t i = 0; i < seen.count; i++)
		free(seen.name[i]);
	free(seen.name);
	return 0;
}
