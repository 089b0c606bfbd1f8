/* Whatever the documents of an experiment say, the page and the table are made or refused, and what is made is well formed UTF-8 in
 * which every element that was opened is closed. The first byte says which document the rest takes the place of. */
#include "../support/sample_experiment.h"
#include "report.h"
#include "text.h"

static const char *const names[] = { "findings.json", "plan.json", "assessment.json", "planted.json" };

static struct hm_parts *parts_with(const char *name, struct hm_slice instead)
{
	static struct hm_parts *all;
	struct hm_parts *some = hm_parts_new();

	if (!all)
		all = sample_experiment();
	for (size_t i = 0; i < hm_parts_count(all); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes copy = { 0 };
		struct hm_slice content;
		const char *at = hm_parts_at(all, i, &content);

		hm_bytes_slice(&copy, strcmp(at, name) == 0 ? instead : content);
		if (hm_parts_take(some, at, &copy, NULL) < 0)
			abort();
	}
	return some;
}

static size_t count_of(const struct hm_bytes *page, const char *text)
{
	const uint8_t *at = page->data;
	size_t count = 0;

	while (at && (at = memmem(at, page->len - (size_t)(at - page->data), text, strlen(text)))) {
		at += strlen(text);
		count++;
	}
	return count;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const elements[][2] = { { "<table", "</table>" }, { "<tr", "</tr>" }, { "<td", "</td>" }, { "<mark>", "</mark>" },
						   { "<svg", "</svg>" }, { "<code", "</code>" }, { "<span", "</span>" }, { "<ul", "</ul>" } };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = { 0 }, table = { 0 };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = NULL;
	const struct hm_parts *list[1];

	if (!size)
		return 0;
	parts = parts_with(names[data[0] % HM_COUNT(names)], (struct hm_slice){ data + 1, size - 1 });
	list[0] = parts;
	if (hm_report_html(&page, parts, NULL) == 0 && !hm_text_is_utf8(hm_slice_of(&page)))
		abort();
	for (size_t i = 0; i < HM_COUNT(elements); i++)
		if (count_of(&page, elements[i][0]) != count_of(&page, elements[i][1]))
			abort();
	if (count_of(&page, "<script"))
		abort();
	if (hm_report_table(&table, list, 1, 80, false, NULL) == 0 && !hm_text_is_utf8(hm_slice_of(&table)))
		abort();
	return 0;
}
