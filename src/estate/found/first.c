/* The first few of many, by their bytes: which they are does not depend on the order in which they come, since readers race. */
#include "found_internal.h"

static int compare(const struct found_line *line, const char *text, const char *more)
{
	int r = strcmp(line->text, text);

	return r ? r : strcmp(line->more, more);
}

void found_first_put(struct found_first *first, size_t most, const char *text, const char *more)
{
	size_t low = 0, high = first->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&first->line[middle], text, more) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == most)
		return;
	if (first->count == most) {
		free(first->line[most - 1].text);
		free(first->line[most - 1].more);
		first->count--;
	} else {
		first->line = hm_realloc(first->line, first->count + 1, sizeof(*first->line));
	}
	memmove(&first->line[low + 1], &first->line[low], (first->count - low) * sizeof(*first->line));
	first->line[low] = (struct found_line){ hm_strdup(text), hm_strdup(more) };
	first->count++;
}

json_t *found_first_rows(const struct found_first *first, const char *text, const char *more)
{
	json_t *rows = json_array();

	for (size_t i = 0; i < first->count; i++) {
		json_t *row = json_object();

		hm_json_set_bytes(row, text, hm_slice_text(first->line[i].text));
		if (more)
			json_object_set_new(row, more, json_string(first->line[i].more));
		json_array_append_new(rows, row);
	}
	return rows;
}

void found_first_release(struct found_first *first)
{
	for (size_t i = 0; i < first->count; i++) {
		free(first->line[i].text);
		free(first->line[i].more);
	}
	free(first->line);
	*first = (struct found_first){ 0 };
}
