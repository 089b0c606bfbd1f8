#include "parts.h"

#include "fs.h"

struct part {
	char *name;
	struct hm_slice content;
	struct hm_bytes owned;
	struct hm_map mapped;
};

struct hm_parts {
	struct part *list; /* sorted by name */
	size_t count;
};

struct hm_parts *hm_parts_new(void)
{
	return hm_alloc(1, sizeof(struct hm_parts));
}

void hm_parts_free(struct hm_parts *parts)
{
	if (!parts)
		return;
	for (size_t i = 0; i < parts->count; i++) {
		free(parts->list[i].name);
		hm_bytes_release(&parts->list[i].owned);
		hm_fs_unmap(&parts->list[i].mapped);
	}
	free(parts->list);
	free(parts);
}

void hm_parts_cleanup(struct hm_parts **parts)
{
	hm_parts_free(*parts);
}

/* Index of `name`, or of the place where it would stand; `found` tells which. */
static size_t place_of(const struct hm_parts *parts, const char *name, bool *found)
{
	size_t low = 0, high = parts->count;

	*found = false;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = strcmp(parts->list[middle].name, name);

		if (order == 0) {
			*found = true;
			return middle;
		}
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static int insert(struct hm_parts *parts, const char *name, struct part **ret, struct hm_fail *fail)
{
	bool found;
	size_t at = place_of(parts, name, &found);

	if (found)
		return hm_fail_set(fail, HM_E_BAD, "part %s is there twice", name);
	/* Room doubles: at each power of two the list is full. */
	if ((parts->count & (parts->count - 1)) == 0)
		parts->list = hm_realloc(parts->list, parts->count ? 2 * parts->count : 1, sizeof(*parts->list));
	memmove(parts->list + at + 1, parts->list + at, (parts->count - at) * sizeof(*parts->list));
	parts->count++;
	parts->list[at] = (struct part){ .name = hm_strdup(name) };
	*ret = &parts->list[at];
	return 0;
}

int hm_parts_take(struct hm_parts *parts, const char *name, struct hm_bytes *bytes, struct hm_fail *fail)
{
	struct part *part;
	int r = insert(parts, name, &part, fail);

	if (r < 0)
		return r;
	part->owned = *bytes;
	part->content = hm_slice_of(bytes);
	*bytes = (struct hm_bytes){ 0 };
	return 0;
}

int hm_parts_borrow(struct hm_parts *parts, const char *name, struct hm_slice slice, struct hm_fail *fail)
{
	struct part *part;
	int r = insert(parts, name, &part, fail);

	if (r == 0)
		part->content = slice;
	return r;
}

int hm_parts_file(struct hm_parts *parts, const char *name, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_fs_unmap) struct hm_map map = { 0 };
	struct part *part;
	int r = hm_fs_map(&map, path, fail);

	if (r == 0)
		r = insert(parts, name, &part, fail);
	if (r < 0)
		return r;
	part->mapped = map;
	part->content = map.bytes;
	map = (struct hm_map){ 0 };
	return 0;
}

bool hm_parts_get(const struct hm_parts *parts, const char *name, struct hm_slice *out)
{
	bool found;
	size_t at = place_of(parts, name, &found);

	if (found)
		*out = parts->list[at].content;
	return found;
}

size_t hm_parts_count(const struct hm_parts *parts)
{
	return parts->count;
}

const char *hm_parts_at(const struct hm_parts *parts, size_t index, struct hm_slice *content)
{
	if (content)
		*content = parts->list[index].content;
	return parts->list[index].name;
}
