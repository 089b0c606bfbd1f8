/* The account of what left. Without experiments nothing is constant or explained: a byte either holds a planted document's
 * token or digest, or it is unaccounted. */
#include "evaluate_internal.h"

#include <search.h>

#include "admitted.h"

struct endpoint {
	const char *name;
	uint64_t wire, influenced, undeclared;
};

struct influence {
	char *endpoint, *feature;
	const char *layer; /* in `endpoint`, or "tls" */
	bool declared;
};

struct hm_ledger {
	const struct hm_core *core;
	void *endpoints, *influences; /* sorted by walking the trees */
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct endpoint *)a)->name, ((const struct endpoint *)b)->name);
}

static int by_feature(const void *a, const void *b)
{
	const struct influence *x = a, *y = b;
	int r = strcmp(x->endpoint, y->endpoint);

	if (r == 0)
		r = strcmp(x->feature, y->feature);
	return r ? r : strcmp(x->layer, y->layer);
}

struct hm_ledger *hm_ledger_new(const struct hm_core *core)
{
	struct hm_ledger *ledger = hm_alloc(1, sizeof(*ledger));

	ledger->core = core;
	return ledger;
}

static void free_endpoint(void *node)
{
	struct endpoint *endpoint = node;

	free((void *)(uintptr_t)endpoint->name);
	free(endpoint);
}

static void free_influence(void *node)
{
	struct influence *influence = node;

	free(influence->endpoint);
	free(influence->feature);
	free(influence);
}

/* What a declaration admits to sending, in the words of features: "digest.sha256". An encoding makes no difference. */
static bool is_declared(const struct hm_core *core, const char *endpoint, const char *feature)
{
	const json_t *values = core->declaration ? json_object_get(core->declaration, "values") : NULL, *row;
	const char *what = strstr(feature, "digest.");
	size_t i;

	if (core->semantics > 3 && hm_admitted_leak(core, endpoint, feature))
		return true;
	json_array_foreach (values, i, row)
		if (what && strcmp(json_string_value(row), what) == 0)
			return true;
	return false;
}

static void take_leaks(struct hm_ledger *ledger, const struct hm_run *run, size_t flow)
{
	const char *endpoint = run->flows.list[flow].endpoint, *slash = strrchr(endpoint, '/');

	for (size_t i = hm_run_leaks_of(run, flow); i < run->leak_count && run->leaks[i].flow == flow; i++) {
		struct influence key = { .endpoint = (char *)(uintptr_t)endpoint, .feature = run->leaks[i].feature }, *fresh;

		key.layer = run->leaks[i].tls ? "tls" : slash ? slash + 1 : endpoint;
		if (tfind(&key, &ledger->influences, by_feature))
			continue;
		fresh = hm_alloc(1, sizeof(*fresh));
		fresh->endpoint = hm_strdup(endpoint);
		fresh->feature = hm_strdup(run->leaks[i].feature);
		fresh->layer = run->leaks[i].tls ? "tls" : fresh->endpoint + (key.layer - endpoint);
		fresh->declared = is_declared(ledger->core, fresh->endpoint, fresh->feature);
		if (!tsearch(fresh, &ledger->influences, by_feature))
			abort();
	}
}

/* What was found in what a library took stands for no bytes of the ledger: those on the wire stay closed. */
static void take_given(struct hm_ledger *ledger, const struct hm_run *run)
{
	for (size_t i = 0; i < run->given_leak_count; i++) {
		const struct hm_given_leak *leak = &run->given_leaks[i];
		struct influence key = { run->flows.list[leak->flow].endpoint, leak->feature, "tls", false }, *fresh;

		if (tfind(&key, &ledger->influences, by_feature))
			continue;
		fresh = hm_alloc(1, sizeof(*fresh));
		*fresh = (struct influence){ hm_strdup(key.endpoint), hm_strdup(key.feature), "tls",
			is_declared(ledger->core, key.endpoint, key.feature) };
		if (!tsearch(fresh, &ledger->influences, by_feature))
			abort();
	}
}

static bool leaks_undeclared(const struct hm_ledger *ledger, const struct hm_run *run, size_t flow)
{
	for (size_t i = hm_run_leaks_of(run, flow); i < run->leak_count && run->leaks[i].flow == flow; i++)
		if (!is_declared(ledger->core, run->flows.list[flow].endpoint, run->leaks[i].feature))
			return true;
	return false;
}

void hm_ledger_run(struct hm_ledger *ledger, const struct hm_run *run)
{
	for (size_t i = 0; i < run->flows.count; i++) {
		const struct hm_flow *flow = &run->flows.list[i];
		struct endpoint key = { .name = flow->endpoint }, *fresh, **found = tfind(&key, &ledger->endpoints, by_name);
		uint64_t leaked = hm_run_leaked(run, i);

		if (!found) {
			fresh = hm_alloc(1, sizeof(*fresh));
			fresh->name = hm_strdup(flow->endpoint);
			found = tsearch(fresh, &ledger->endpoints, by_name);
			if (!found)
				abort();
		}
		/* A stream can hold a byte more often than the wire counts it only where headers lie. */
		if (leaked > flow->wire)
			leaked = flow->wire;
		(*found)->wire += flow->wire;
		(*found)->influenced += leaked;
		if (leaked && leaks_undeclared(ledger, run, i))
			(*found)->undeclared += leaked;
		take_leaks(ledger, run, i);
	}
	take_given(ledger, run);
}

struct listing {
	json_t *list;
};

static void influenced_row(json_t *list, bool declared, uint64_t bytes)
{
	if (bytes)
		json_array_append_new(list, json_pack("{s:[s],s:b,s:I}", "factors", "content", "declared", declared, "bytes",
						      (json_int_t)bytes));
}

static void list_endpoint(const void *node, VISIT which, void *closure)
{
	const struct endpoint *endpoint = *(struct endpoint *const *)node;
	struct listing *listing = closure;
	json_t *influenced, *row;

	if (which != postorder && which != leaf)
		return;
	influenced = json_array();
	influenced_row(influenced, false, endpoint->undeclared);
	influenced_row(influenced, true, endpoint->influenced - endpoint->undeclared);
	row = json_pack("{s:s,s:I,s:i,s:i,s:o,s:I}", "endpoint", endpoint->name, "wire", (json_int_t)endpoint->wire, "constant", 0,
			"explained", 0, "influenced", influenced, "unaccounted",
			(json_int_t)(endpoint->wire - endpoint->influenced));
	json_array_append_new(listing->list, row);
}

json_t *hm_ledger_json(const struct hm_ledger *ledger)
{
	struct listing listing = { json_array() };

	twalk_r(ledger->endpoints, list_endpoint, &listing);
	return listing.list;
}

static void list_influence(const void *node, VISIT which, void *closure)
{
	const struct influence *influence = *(struct influence *const *)node;
	struct listing *listing = closure;

	if (which != postorder && which != leaf)
		return;
	json_array_append_new(listing->list, json_pack("{s:s,s:s,s:s,s:s,s:s,s:b}", "factor", "content", "endpoint", influence->endpoint,
						       "layer", influence->layer, "feature", influence->feature, "grade", "proven",
						       "declared", influence->declared));
}

json_t *hm_ledger_influence(const struct hm_ledger *ledger)
{
	struct listing listing = { json_array() };

	twalk_r(ledger->influences, list_influence, &listing);
	return listing.list;
}

void hm_ledger_free(struct hm_ledger *ledger)
{
	if (!ledger)
		return;
	tdestroy(ledger->endpoints, free_endpoint);
	tdestroy(ledger->influences, free_influence);
	free(ledger);
}
