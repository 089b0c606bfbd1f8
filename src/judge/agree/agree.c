/* Each thing that is compared is a table of rows sorted by key; two tables are walked side by side. */
#include "agree.h"

#include "text.h"

struct row {
	char *key;	     /* what rows are the same by */
	const json_t *value; /* borrowed from the findings; NULL where the key is all */
	const char *text;    /* a verdict, or NULL */
};

struct rows {
	struct row *list;
	size_t count;
};

static void release(struct rows *rows)
{
	for (size_t i = 0; i < rows->count; i++)
		free(rows->list[i].key);
	free(rows->list);
}

static void add(struct rows *rows, char *key, const json_t *value, const char *text)
{
	if ((rows->count & (rows->count - 1)) == 0)
		rows->list = hm_realloc(rows->list, rows->count ? 2 * rows->count : 1, sizeof(*rows->list));
	rows->list[rows->count++] = (struct row){ key, value, text };
}

static int by_key(const void *a, const void *b)
{
	return strcmp(((const struct row *)a)->key, ((const struct row *)b)->key);
}

/* Sorted, each key once: the first of equal ones. */
static void settle(struct rows *rows)
{
	size_t kept = 0;

	if (rows->count)
		qsort(rows->list, rows->count, sizeof(*rows->list), by_key);
	for (size_t i = 0; i < rows->count; i++) {
		if (kept && strcmp(rows->list[kept - 1].key, rows->list[i].key) == 0)
			free(rows->list[i].key);
		else
			rows->list[kept++] = rows->list[i];
	}
	rows->count = kept;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

typedef void read_rows(struct rows *rows, const json_t *findings);
typedef void take_row(void *cookie, const struct row *old, const struct row *new);

/* Calls `take` for every key of either, in order; who lacks it is NULL there. */
static void walk(const json_t *old, const json_t *new, read_rows *read, take_row *take, void *cookie)
{
	HM_CLEANUP(release) struct rows a = { 0 }, b = { 0 };
	size_t i = 0, k = 0;

	read(&a, old);
	read(&b, new);
	settle(&a);
	settle(&b);
	while (i < a.count || k < b.count) {
		int order = i == a.count ? 1 : k == b.count ? -1 : strcmp(a.list[i].key, b.list[k].key);

		take(cookie, order <= 0 ? &a.list[i] : NULL, order >= 0 ? &b.list[k] : NULL);
		i += order <= 0;
		k += order >= 0;
	}
}

/* ---- verdicts ---- */

static void read_claims(struct rows *rows, const json_t *findings)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(findings, "claims"), i, row)
		add(rows, hm_strdup(text_of(row, "id")), row, text_of(row, "verdict"));
	json_array_foreach (json_object_get(findings, "not_tested"), i, row)
		add(rows, hm_strdup(text_of(row, "id")), row, "not tested");
}

static void take_claim(void *cookie, const struct row *old, const struct row *new)
{
	const char *was = old ? old->text : "unknown", *is = new ? new->text : "unknown", *id = old ? old->key : new->key;
	json_t *claims = cookie;

	if (strcmp(was, is) == 0)
		json_array_append_new(json_object_get(claims, "same"), json_string(id));
	else
		json_array_append_new(json_object_get(claims, "differ"), json_pack("{s:s,s:s,s:s}", "id", id, "old", was, "new", is));
}

/* ---- influence, endpoints ---- */

static void read_influence(struct rows *rows, const json_t *findings)
{
	const json_t *row;
	size_t i;

	/* The separator stands before every byte that a text can hold. */
	json_array_foreach (json_object_get(findings, "influence"), i, row)
		add(rows, hm_sprintf("%s\x01%s\x01%s", text_of(row, "factor"), text_of(row, "endpoint"), text_of(row, "layer")), row, NULL);
}

static const char *side(const struct row *old, const struct row *new)
{
	return old && new ? "same" : old ? "old" : "new";
}

static void take_influence(void *cookie, const struct row *old, const struct row *new)
{
	const json_t *row = old ? old->value : new->value;

	json_array_append_new(json_object_get(cookie, side(old, new)),
			      json_pack("{s:s,s:s,s:s}", "factor", text_of(row, "factor"), "endpoint", text_of(row, "endpoint"), "layer",
					text_of(row, "layer")));
}

static void read_endpoints(struct rows *rows, const json_t *findings)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(findings, "ledger"), i, row)
		add(rows, hm_strdup(text_of(row, "endpoint")), row, NULL);
}

static void take_endpoint(void *cookie, const struct row *old, const struct row *new)
{
	if (!old || !new)
		json_array_append_new(json_object_get(cookie, side(old, new)), json_string(old ? old->key : new->key));
}

/* ---- product ---- */

static void read_artifacts(struct rows *rows, const json_t *findings)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(json_object_get(findings, "product"), "artifacts"), i, row) {
		const char *path = text_of(row, "path");

		/* A path that is no text stands as base64: the same on both sides. */
		add(rows, hm_strdup(*path ? path : text_of(row, "path_b64")), row, NULL);
	}
}

static json_t *digest_of(const struct row *row)
{
	json_t *digest = row ? json_object_get(row->value, "sha256") : NULL;

	return digest ? json_incref(digest) : json_null();
}

struct product {
	json_t *changed;
	bool same;
};

static void take_artifact(void *cookie, const struct row *old, const struct row *new)
{
	struct product *product = cookie;
	HM_JSON json_t *was = digest_of(old), *is = digest_of(new);
	const char *role = text_of(new ? new->value : old->value, "role"), *before = old ? text_of(old->value, "role") : role;

	/* What has no digest is not known to be the same. */
	if (old && new && json_is_string(was) && json_equal(was, is))
		return;
	json_array_append_new(product->changed, json_pack("{s:s,s:s,s:O,s:O}", "path", old ? old->key : new->key, "role", role, "old", was,
							  "new", is));
	product->same &= strcmp(role, "definitions") == 0 && strcmp(before, "definitions") == 0;
}

/* ---- the whole ---- */

static const json_t *member(const json_t *findings, const char *outer, const char *inner)
{
	return json_object_get(outer ? json_object_get(findings, outer) : findings, inner);
}

static json_t *obstacles(const json_t *old, const json_t *new)
{
	static const struct {
		const char *outer, *name;
	} same[] = { { NULL, "claim_set" }, { NULL, "semantics" }, { "experiment", "factors" }, { "experiment", "internet" } };
	json_t *out = json_array();

	for (size_t i = 0; i < HM_COUNT(same); i++)
		if (!json_equal(member(old, same[i].outer, same[i].name), member(new, same[i].outer, same[i].name)))
			json_array_append_new(out, json_string(same[i].name));
	return out;
}

static bool has(const json_t *object, const char *list)
{
	return json_array_size(json_object_get(object, list)) > 0;
}

json_t *hm_agree(const json_t *old, const json_t *new)
{
	json_t *claims = json_pack("{s:[],s:[]}", "same", "differ"), *influence = json_pack("{s:[],s:[],s:[]}", "same", "old", "new");
	json_t *endpoints = json_pack("{s:[],s:[]}", "old", "new");
	struct product product = { json_array(), true };
	bool agree;

	walk(old, new, read_claims, take_claim, claims);
	walk(old, new, read_influence, take_influence, influence);
	walk(old, new, read_endpoints, take_endpoint, endpoints);
	walk(old, new, read_artifacts, take_artifact, &product);
	agree = !has(claims, "differ") && !has(influence, "old") && !has(influence, "new");
	return json_pack("{s:b,s:o,s:o,s:o,s:o,s:{s:b,s:o}}", "agree", agree, "claims", claims, "influence", influence, "endpoints", endpoints,
			 "not_comparable", obstacles(old, new), "product", "same", product.same, "changed", product.changed);
}

int hm_agree_exit(const json_t *agreement)
{
	if (has(agreement, "not_comparable"))
		return 2;
	return json_is_true(json_object_get(agreement, "agree")) ? 0 : 1;
}
