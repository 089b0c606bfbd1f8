/* Whether every planted sample was reported, as the declaration says that a detection looks. */
#include "claim_internal.h"

enum { ANY_ONE = 256, ANY = 257 };

/* A form as a list of bytes, ANY_ONE and ANY. */
struct form {
	uint16_t *item;
	size_t len;
};

static void release_form(struct form *form)
{
	free(form->item);
}

/* {path} stands for `path`, {name} for any text that is not empty. */
static struct form form_of(const char *text, const char *path)
{
	static const char path_word[] = "{path}", name_word[] = "{name}";
	struct form form = { hm_alloc(strlen(text) * (strlen(path) + 1) + 1, sizeof(uint16_t)), 0 };

	while (*text) {
		if (strncmp(text, path_word, strlen(path_word)) == 0) {
			for (const char *p = path; *p; p++)
				form.item[form.len++] = (uint8_t)*p;
			text += strlen(path_word);
		} else if (strncmp(text, name_word, strlen(name_word)) == 0) {
			form.item[form.len++] = ANY_ONE;
			form.item[form.len++] = ANY;
			text += strlen(name_word);
		} else {
			form.item[form.len++] = (uint8_t)*text++;
		}
	}
	return form;
}

/* Goes back to the last ANY only: no longer than the product of both lengths. */
static bool line_fits(const struct form *form, struct hm_slice line)
{
	size_t f = 0, l = 0, any = SIZE_MAX, again = 0;

	while (l < line.len) {
		if (f < form->len && form->item[f] == ANY) {
			any = f++;
			again = l;
		} else if (f < form->len && (form->item[f] == ANY_ONE || form->item[f] == line.data[l])) {
			f++;
			l++;
		} else if (any != SIZE_MAX) {
			f = any + 1;
			l = ++again;
		} else {
			return false;
		}
	}
	while (f < form->len && form->item[f] == ANY)
		f++;
	return f == form->len;
}

static bool reported(struct hm_slice output, const char *text, const char *path)
{
	HM_CLEANUP(release_form) struct form form = form_of(text, path);

	while (output.len) {
		const uint8_t *end = memchr(output.data, '\n', output.len);
		size_t len = end ? (size_t)(end - output.data) : output.len;

		if (line_fits(&form, (struct hm_slice){ output.data, len }))
			return true;
		output.data += len + (end != NULL);
		output.len -= len + (end != NULL);
	}
	return false;
}

void hm_claim_samples(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run)
{
	const json_t *detects = json_object_get(core->declaration, "detects");
	struct hm_ground *found = hm_ground(j, "samples.found"), *missed;
	size_t count = 0;

	for (size_t i = 0; i < run->set->sample_count; i++)
		count += reported(hm_slice_of(&run->output[hm_number_of(detects, "stream") == 2]), hm_text_of(detects, "line"),
				  run->set->samples[i]);
	hm_ground_add(found, "found", count);
	hm_ground_add(found, "of", run->set->sample_count);
	if (count == run->set->sample_count)
		return;
	missed = hm_ground(j, "samples.missed");
	hm_ground_add(missed, "missed", run->set->sample_count - count);
	hm_ground_add(missed, "runs", 1);
}
