#include "comparison.h"

#include "agree.h"
#include "program.h"

int hm_compared_open(struct hm_compared *out, const char *path, struct hm_fail *fail)
{
	const struct hm_verify_row *bad;
	struct hm_slice redaction;
	int r = hm_fs_map(&out->map, path, fail);

	if (r == 0)
		r = hm_verify_bundle(&out->verified, out->map.bytes, NULL, 0, NULL, 0, fail);
	if (r < 0)
		return r;
	bad = hm_verify_first_false(&out->verified);
	if (bad)
		return hm_fail_set(fail, HM_E_BAD, "%s: %s: %s", path, bad->name, bad->detail);
	if (!out->verified.findings.len)
		return hm_fail_set(fail, HM_E_UNKNOWN, "%s: its findings cannot be derived: %s", path,
				   hm_parts_get(out->verified.parts, "redaction.json", &redaction) ? "evidence is withheld" : "this version does not know their semantics");
	return 0;
}

void hm_compared_release(struct hm_compared *compared)
{
	hm_verify_release(&compared->verified);
	hm_fs_unmap(&compared->map);
}

static const char *text_of(const json_t *row, const char *name)
{
	const char *text = json_string_value(json_object_get(row, name));

	return text ? text : "";
}

static const json_t *list_of(const json_t *agreement, const char *what, const char *list)
{
	return json_object_get(json_object_get(agreement, what), list);
}

static void tell_influence(struct hm_bytes *out, const json_t *list, const char *where)
{
	const json_t *row;
	size_t i;

	json_array_foreach (list, i, row)
		hm_bytes_printf(out, "  %-8s %s reaches %s (%s)\n", where, text_of(row, "factor"), text_of(row, "endpoint"), text_of(row, "layer"));
}

static void tell_product(struct hm_bytes *out, const json_t *product)
{
	enum { SHOWN = 20 };
	const json_t *changed = json_object_get(product, "changed"), *row;
	size_t i, count = json_array_size(changed);

	hm_bytes_printf(out, "product   %s\n", json_is_true(json_object_get(product, "same")) ? "the same files" : "not the same files");
	json_array_foreach (changed, i, row) {
		bool was = json_is_string(json_object_get(row, "old")), is = json_is_string(json_object_get(row, "new"));

		if (i == SHOWN)
			break;
		hm_bytes_printf(out, "  %-8s %s (%s)\n", was && is ? "changed" : was ? "gone" : is ? "new" : "unknown", text_of(row, "path"), text_of(row, "role"));
	}
	if (count > SHOWN)
		hm_bytes_printf(out, "  and %zu more (--json has all)\n", count - SHOWN);
}

static void tell_claims(struct hm_bytes *out, const json_t *agreement)
{
	const json_t *differ = list_of(agreement, "claims", "differ"), *row;
	size_t i, same = json_array_size(list_of(agreement, "claims", "same")), judged = same + json_array_size(differ);

	hm_bytes_printf(out, "verdicts  %zu of %zu claims the same\n", same, judged);
	json_array_foreach (differ, i, row)
		hm_bytes_printf(out, "  %-24s was %s, is %s\n", text_of(row, "id"), text_of(row, "old"), text_of(row, "new"));
}

static void tell_replies(struct hm_bytes *out, const json_t *said, const char *which)
{
	if (!json_array_size(said))
		return;
	hm_bytes_printf(out, "of the %s bundle:\n", which);
	hm_replies_tell(out, said);
}

static int print_table(const json_t *agreement, const json_t *const said[2], const struct hm_compared *old, const struct hm_compared *new, struct hm_fail *fail)
{
	static const char *const summary[] = { "they agree", "they differ", "not comparable" };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	const json_t *row;
	size_t i;

	hm_bytes_printf(&out, "old       sha256:%s\nnew       sha256:%s\n", old->verified.bundle_id, new->verified.bundle_id);
	tell_claims(&out, agreement);
	tell_replies(&out, said[0], "old");
	tell_replies(&out, said[1], "new");
	hm_bytes_printf(&out, "influence %zu the same\n", json_array_size(list_of(agreement, "influence", "same")));
	tell_influence(&out, list_of(agreement, "influence", "old"), "old only");
	tell_influence(&out, list_of(agreement, "influence", "new"), "new only");
	json_array_foreach (list_of(agreement, "endpoints", "old"), i, row)
		hm_bytes_printf(&out, "  old only %s was sent to\n", json_string_value(row));
	json_array_foreach (list_of(agreement, "endpoints", "new"), i, row)
		hm_bytes_printf(&out, "  new only %s was sent to\n", json_string_value(row));
	tell_product(&out, json_object_get(agreement, "product"));
	json_array_foreach (json_object_get(agreement, "not_comparable"), i, row)
		hm_bytes_printf(&out, "%s of the two is not the same\n", json_string_value(row));
	hm_bytes_printf(&out, "%s\n", summary[hm_agree_exit(agreement)]);
	/* Names come out of bundles: nothing that steers a terminal gets out. */
	for (i = 0; i < out.len; i++)
		if ((out.data[i] < 0x20 && out.data[i] != '\n') || out.data[i] == 0x7f)
			out.data[i] = '?';
	return hm_program_print(hm_slice_of(&out), fail);
}

static int print_json(json_t *agreement, const json_t *const said[2], const struct hm_compared *old, const struct hm_compared *new, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	json_object_set_new(agreement, "schema", json_string("hallmark/comparison/v1"));
	json_object_set_new(agreement, "old", json_sprintf("sha256:%s", old->verified.bundle_id));
	json_object_set_new(agreement, "new", json_sprintf("sha256:%s", new->verified.bundle_id));
	if (json_array_size(said[0]) + json_array_size(said[1]))
		json_object_set_new(agreement, "replies", json_pack("{s:o, s:o}", "old", json_deep_copy(said[0]), "new", json_deep_copy(said[1])));
	hm_json_write(&out, agreement);
	hm_bytes_u8(&out, '\n');
	return hm_program_print(hm_slice_of(&out), fail);
}

/* A reply is to one of the two; one that is to neither is refused with what the new one finds wrong in it. */
static int take_replies(json_t *said[2], const struct hm_compared *old, const struct hm_compared *new, const struct hm_replies *replies, struct hm_fail *fail)
{
	for (size_t i = 0; replies && i < replies->count; i++) {
		struct hm_replies one = *replies;
		size_t before = json_array_size(said[0]);
		int r;

		one.path = &replies->path[i];
		one.count = 1;
		r = hm_replies_take(old->verified.parts, &one, true, said[0], fail);
		if (r == 0 && json_array_size(said[0]) == before)
			r = hm_replies_take(new->verified.parts, &one, false, said[1], fail);
		if (r < 0)
			return r;
	}
	return 0;
}

int hm_comparison(const struct hm_compared *old, const struct hm_compared *new, const struct hm_replies *replies, bool json, bool quiet, struct hm_fail *fail)
{
	HM_JSON json_t *was = NULL, *is = NULL, *agreement = NULL, *of_old = json_array(), *of_new = json_array();
	json_t *said[2] = { of_old, of_new };
	int r = hm_json_parse(&was, hm_slice_of(&old->verified.findings), "findings", fail);

	if (r == 0)
		r = hm_json_parse(&is, hm_slice_of(&new->verified.findings), "findings", fail);
	if (r == 0)
		r = take_replies(said, old, new, replies, fail);
	if (r < 0)
		return r;
	agreement = hm_agree(was, is);
	if (json)
		r = print_json(agreement, (const json_t *const *)said, old, new, fail);
	else if (!quiet)
		r = print_table(agreement, (const json_t *const *)said, old, new, fail);
	return r < 0 ? r : hm_agree_exit(agreement);
}
