/* The sets of documents that runs find, each described once. */
#include "trials_internal.h"

#include "world.h"

static bool is_same(const struct set *a, const struct set *b)
{
	bool same = a->screen == b->screen && a->block == b->block && a->levels == b->levels && a->part_count == b->part_count;

	if (!same || !a->part_count)
		return same;
	return strcmp(a->mixed, b->mixed) == 0 && memcmp(a->parts, b->parts, a->part_count * sizeof(a->parts[0])) == 0;
}

static json_t *part_of(const struct hm_factor_part *part, bool content)
{
	json_t *row = json_pack("{s:i,s:i,s:i,s:i}", "document", (int)part->document, "from", (int)part->from, "to", (int)part->to, "draw", (int)part->draw);
	size_t offset, length, of;
	bool text = content && hm_factor_span(part->document, part->from, part->to, &offset, &length, &of);

	json_object_set_new(row, "offset", text ? json_integer((json_int_t)offset) : json_null());
	json_object_set_new(row, "length", text ? json_integer((json_int_t)length) : json_null());
	json_object_set_new(row, "of", text ? json_integer((json_int_t)of) : json_null());
	return row;
}

static json_t *mix_of(const struct set *set)
{
	json_t *parts = json_array();

	for (size_t i = 0; i < set->part_count; i++)
		json_array_append_new(parts, part_of(&set->parts[i], strcmp(set->mixed, "content") == 0));
	return json_pack("{s:s,s:o}", "factor", set->mixed, "parts", parts);
}

json_t *hm_trials_things(const struct hm_trials *e)
{
	json_t *list = json_array();

	for (size_t f = 0; f < e->factor_count; f++) {
		json_t *documents = json_array();
		bool any = false;

		for (uint32_t i = 0; i < hm_factor_things(e->factors[f]); i++) {
			uint32_t places = hm_factor_places(e->factors[f], i);

			any |= places > 0;
			json_array_append_new(documents, json_pack("{s:s,s:i}", "document", hm_factor_thing(e->factors[f], i), "places", (int)places));
		}
		if (any)
			json_array_append_new(list, json_pack("{s:s,s:O}", "factor", e->factors[f], "documents", documents));
		json_decref(documents);
	}
	return list;
}

int hm_trials_find_set(struct hm_trials *e, size_t *ret, struct set wanted, const struct hm_world *world, struct hm_fail *fail)
{
	json_t *row, *levels = NULL, *files = NULL;
	int r = 0;

	for (size_t i = 0; i < e->set_count; i++)
		if (is_same(&e->sets[i], &wanted)) {
			*ret = i;
			return 0;
		}
	levels = json_array();
	files = json_array();
	for (size_t i = 0; i < e->factor_count; i++)
		json_array_append_new(levels, json_pack("{s:s,s:i}", "factor", e->factors[i], "level", (int)(wanted.levels >> i & 1)));
	r = hm_factor_describe(files, world, e->a->parts, fail);
	row = json_pack("{s:i,s:s,s:i,s:o,s:o}", "set", (int)e->set_count + 1, "phase", wanted.screen ? "screen" : "aa", "block",
			(int)wanted.block, "levels", levels, "files", files);
	if (wanted.part_count)
		json_object_set_new(row, "mix", mix_of(&wanted));
	json_array_append_new(e->planted, row);
	*ret = e->set_count;
	e->sets[e->set_count++] = wanted;
	return r;
}
