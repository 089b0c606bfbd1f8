#include "report_internal.h"

static int compare(const void *left, const void *right)
{
	const struct report_cite *a = left, *b = right;

	if (a->run != b->run)
		return a->run < b->run ? -1 : 1;
	if (a->of != b->of)
		return a->of < b->of ? -1 : 1;
	if (a->index != b->index)
		return a->index < b->index ? -1 : 1;
	if (a->tls != b->tls)
		return a->tls ? 1 : -1;
	if (a->offset != b->offset)
		return a->offset < b->offset ? -1 : 1;
	return a->length < b->length ? -1 : a->length > b->length;
}

static const char *const names[] = { [REPORT_EVENT] = "event", [REPORT_FLOW] = "flow", [REPORT_ENTRY] = "entry" };

const char *report_of_name(enum report_of of)
{
	return names[of];
}

struct report_cite report_cite_read(const json_t *item)
{
	enum report_of of = json_object_get(item, "flow") ? REPORT_FLOW : json_object_get(item, "entry") ? REPORT_ENTRY : REPORT_EVENT;

	return (struct report_cite){
		.run = report_int(item, "run"),
		.index = report_int(item, names[of]),
		.of = of,
		.tls = strcmp(report_text(item, "layer"), "tls") == 0,
		.offset = report_int(item, "offset"),
		.length = report_int(item, "length"),
	};
}

void report_cites_load(struct report_cites *c, const json_t *findings)
{
	const json_t *claim, *item;
	size_t i, k;

	*c = (struct report_cites){ 0 };
	json_array_foreach (report_list(findings, "claims"), i, claim)
		json_array_foreach (report_list(claim, "evidence"), k, item) {
			if (k == REPORT_CITES_SHOWN)
				break;
			c->list = hm_realloc(c->list, c->count + 1, sizeof(*c->list));
			c->list[c->count++] = report_cite_read(item);
		}
	if (c->count)
		qsort(c->list, c->count, sizeof(*c->list), compare);
}

void report_cites_release(struct report_cites *c)
{
	free(c->list);
	*c = (struct report_cites){ 0 };
}

const struct report_cite *report_cited(const struct report_cites *c, uint64_t run, enum report_of of, uint64_t index)
{
	const struct report_cite wanted = { .run = run, .index = index, .of = of };
	size_t low = 0, high = c->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(&c->list[middle], &wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == c->count || c->list[low].run != run || c->list[low].of != of || c->list[low].index != index)
		return NULL;
	return &c->list[low];
}
