#include "decide_subject.h"

#include "found.h"
#include "fs.h"
#include "product.h"
#include "replication.h"
#include "verify.h"
#include "verify_log.h"

void hm_decide_subject_release(struct hm_decide_subject *s)
{
	json_decref(s->found);
	json_decref(s->bundles);
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

/* A supplier of which the tables know nothing: what the bundle or the product's file says of who controls him. */
static json_t *own_words(const json_t *supplier)
{
	const json_t *control = json_object_get(supplier, "control");
	json_t *steps = json_array(), *step;

	if (json_is_object(control)) {
		step = json_pack("{s:n,s:s,s:n,s:s,s:s}", "controller", "country", text_of(control, "country"), "to", "source", text_of(control, "source"), "confidence", "low");
		json_object_set(step, "from", json_is_string(json_object_get(control, "since")) ? json_object_get(control, "since") : json_null());
		json_array_append_new(steps, step);
	}
	return json_pack("[{s:s,s:s,s:s,s:o}]", "id", text_of(supplier, "id"), "name", text_of(supplier, "name"), "kind", "security", "control", steps);
}

/* Hallmark assesses security software and nothing else: that is the item's class. */
static json_t *one_item(const struct hm_suppliers *tables, const json_t *supplier, const char *product, const char *day)
{
	const char *id = text_of(supplier, "id");
	json_t *item = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:s,s:i,s:[],s:[],s:i}", "target", "", "supplier", id, "product", product, "class", "security", "relation", "branded",
				 "state", "present", "outer", "", "score", 100, "channels", "evidence", "evidence_count", 0);
	json_t *suppliers = !*id ? json_array() : hm_suppliers_find(tables, id) ? hm_found_suppliers(tables, id) : own_words(supplier);

	return json_pack("{s:s,s:s,s:o,s:[],s:[o],s:[]}", "schema", "hallmark/found/v1", "made", day, "suppliers", suppliers, "targets", "items", item, "candidates");
}

int hm_decide_subject_product(struct hm_decide_subject *s, const struct hm_suppliers *tables, const char *data, const char *name, const char *day, struct hm_fail *fail)
{
	HM_CLEANUP(hm_product_release) struct hm_product product = { 0 };
	int r = hm_product_load(&product, data, name, fail);

	if (r == 0)
		s->found = one_item(tables, product.supplier, product.name, day);
	return r;
}

/* A bundle that is being looked at, and the keys that are trusted. */
struct looked {
	struct hm_map map;
	struct hm_verify result;
};

static void release_looked(struct looked *l)
{
	hm_verify_release(&l->result);
	hm_fs_unmap(&l->map);
}

struct keys {
	struct hm_pubkey **key;
	size_t count;
};

static void release_keys(struct keys *k)
{
	for (size_t i = 0; i < k->count; i++)
		hm_pubkey_free(k->key[i]);
	free(k->key);
}

static int load_keys(struct keys *k, const struct hm_decide_trust *trust, struct hm_fail *fail)
{
	int r = 0;

	k->key = hm_alloc(trust->keys + 1, sizeof(*k->key));
	for (size_t i = 0; i < trust->keys && r == 0; i++) {
		r = hm_pubkey_load(&k->key[i], trust->key[i], fail);
		k->count += r == 0;
	}
	return r;
}

static int look(struct looked *l, const char *path, const struct keys *keys, struct hm_fail *fail)
{
	int r = hm_fs_map(&l->map, path, fail);

	return r < 0 ? r : hm_verify_bundle(&l->result, l->map.bytes, keys->key, keys->count, NULL, 0, fail);
}

static bool holds(const struct hm_verify *v, const char *name)
{
	for (size_t i = 0; i < v->rows; i++)
		if (strcmp(v->row[i].name, name) == 0)
			return v->row[i].outcome == HM_CHECK_HOLDS;
	return false;
}

/* Verdicts as they were derived here, never as the bundle says them. */
static json_t *claims_of(const json_t *findings)
{
	json_t *out = json_object();
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(findings, "claims"), i, row)
		json_object_set(out, text_of(row, "id"), json_object_get(row, "verdict"));
	json_array_foreach (json_object_get(findings, "not_tested"), i, row)
		json_object_set_new(out, text_of(row, "id"), json_string("not tested"));
	return out;
}

/* Replications, looked at once however many bundles there are. */
struct replications {
	struct looked *one;
	bool *taken; /* it is of a bundle that was given */
	size_t count;
};

static void release_replications(struct replications *r)
{
	for (size_t i = 0; i < r->count; i++)
		release_looked(&r->one[i]);
	free(r->one);
	free(r->taken);
}

static int look_at_replications(struct replications *all, const struct hm_decide_trust *trust, const struct keys *keys, struct hm_fail *fail)
{
	int r = 0;

	all->one = hm_alloc(trust->replications + 1, sizeof(*all->one));
	all->taken = hm_alloc(trust->replications + 1, sizeof(*all->taken));
	for (size_t i = 0; i < trust->replications && r == 0; i++) {
		const struct hm_verify *v = &all->one[i].result;

		r = look(&all->one[i], trust->replication[i], keys, fail);
		all->count++;
		if (r == 0 && hm_verify_exit(v) == 1)
			r = hm_fail_set(fail, HM_E_BAD, "%s: %s: %s", trust->replication[i], hm_verify_first_false(v)->name, hm_verify_first_false(v)->detail);
	}
	return r;
}

/* Keys that signed the bundle, or a replication of it that holds and agrees. */
static int count_keys(uint64_t *signers, const struct looked *first, struct replications *all, bool only, struct hm_fail *fail)
{
	*signers = first->result.signers;
	for (size_t i = 0; i < all->count; i++) {
		char of[65];
		bool counts = false;
		int r;

		/* With one bundle, whatever is no replication of it is an error that says why; among several it may be another's. */
		if (!only && (!all->one[i].result.parts || !hm_replication_of(of, all->one[i].result.parts) || strcmp(of, first->result.bundle_id) != 0))
			continue;
		all->taken[i] = true;
		r = hm_replication_check(&counts, &first->result, &all->one[i].result, fail);
		if (r < 0)
			return r;
		if (counts)
			*signers |= all->one[i].result.signers;
	}
	return 0;
}

static int check_log(struct looked *l, const struct hm_decide_trust *trust, struct hm_fail *fail)
{
	struct hm_policy *policy = NULL;
	int r = trust->log ? hm_policy_load(&policy, trust->log, fail) : 0;

	if (r == 0 && policy)
		hm_verify_log(&l->result, policy);
	hm_policy_free(policy);
	return r;
}

static int part_of(json_t **ret, const struct hm_verify *v, const char *name, struct hm_fail *fail)
{
	struct hm_slice text;

	if (!v->parts || !hm_parts_get(v->parts, name, &text))
		return hm_fail_set(fail, HM_E_BAD, "%s is not in it", name);
	return hm_json_parse(ret, text, name, fail);
}

static void put_files(json_t *files, const json_t *list, bool own)
{
	const json_t *file;
	size_t i;

	json_array_foreach (list, i, file)
		if (own || !json_object_get(files, text_of(file, "sha256")))
			json_object_set_new(files, text_of(file, "sha256"), json_boolean(own));
}

static bool has_file(const json_t *list, const json_t *executable)
{
	const json_t *file;
	size_t i;

	json_array_foreach (list, i, file)
		if (json_equal(json_object_get(file, "path"), json_object_get(executable, "path")) && json_equal(json_object_get(file, "sha256"), json_object_get(executable, "sha256")))
			return true;
	return false;
}

/* Which build a bundle is of: the package that its executable is from, all packages and files that ran, each by version or digest. */
static int build_of(json_t **ret, const struct hm_verify *v, const json_t *findings, struct hm_fail *fail)
{
	HM_JSON json_t *product = NULL, *plan = NULL, *files = json_object(), *packages = json_object();
	const json_t *executable, *row, *own = NULL;
	size_t i;
	int r = part_of(&product, v, "product.json", fail);

	if (r == 0)
		r = part_of(&plan, v, "plan.json", fail);
	if (r < 0)
		return r;
	executable = json_object_get(json_object_get(plan, "product"), "executable");
	json_array_foreach (json_object_get(product, "packages"), i, row) {
		json_object_set(packages, text_of(row, "name"), json_object_get(row, "version"));
		own = has_file(json_object_get(row, "files"), executable) ? row : own;
	}
	json_array_foreach (json_object_get(product, "packages"), i, row)
		put_files(files, json_object_get(row, "files"), row == own);
	put_files(files, json_object_get(product, "unowned"), true);
	json_object_set_new(files, text_of(executable, "sha256"), json_true());
	*ret = json_pack("{s:s,s:s,s:s,s:O,s:O}", "supplier", text_of(json_object_get(json_object_get(findings, "product"), "supplier"), "id"), "name",
			 text_of(product, "name"), "package", own ? text_of(own, "name") : "", "packages", packages, "files", files);
	return *ret ? 0 : hm_fail_set(fail, HM_E_BAD, "product.json is not as core.md has it");
}

/* What one bundle shows; *findings as they were derived here, NULL where they could not be. */
static int take_bundle(json_t **ret, json_t **findings, struct looked *l, const struct hm_decide_trust *trust, struct replications *all, bool only, struct hm_fail *fail)
{
	bool wrong, derived;
	uint64_t signers = 0;
	int r = check_log(l, trust, fail);

	if (r < 0)
		return r;
	wrong = hm_verify_exit(&l->result) == 1;
	derived = l->result.findings.len > 0;
	if (derived)
		r = hm_json_parse(findings, hm_slice_of(&l->result.findings), "findings", fail);
	if (r == 0 && derived && !wrong)
		r = count_keys(&signers, l, all, only, fail);
	if (r < 0)
		return r;
	*ret = json_pack("{s:s,s:b,s:o,s:i,s:b,s:b}", "name", l->result.bundle_id, "false", wrong, "claims", derived ? claims_of(*findings) : json_object(), "keys",
			 __builtin_popcountll(signers), "logged", holds(&l->result, "log"), "withheld", !derived);
	return 0;
}

int hm_decide_subject_bundle(struct hm_decide_subject *s, const struct hm_suppliers *tables, const char *path, const struct hm_decide_trust *trust, const char *day,
			     struct hm_fail *fail)
{
	HM_CLEANUP(release_looked) struct looked l = { 0 };
	HM_CLEANUP(release_keys) struct keys keys = { 0 };
	HM_CLEANUP(release_replications) struct replications all = { 0 };
	HM_JSON json_t *findings = NULL, *bundle = NULL;
	const json_t *product;
	int r = load_keys(&keys, trust, fail);

	if (r == 0)
		r = look(&l, path, &keys, fail);
	if (r == 0)
		r = look_at_replications(&all, trust, &keys, fail);
	if (r == 0)
		r = take_bundle(&bundle, &findings, &l, trust, &all, true, fail);
	if (r < 0)
		return r;
	if (!findings)
		return hm_fail_set(fail, hm_verify_exit(&l.result) == 1 ? HM_E_BAD : HM_E_UNKNOWN, "%s: its findings cannot be derived here (hallmark verify tells why)", path);
	product = json_object_get(findings, "product");
	s->found = one_item(tables, json_object_get(product, "supplier"), text_of(product, "name"), day);
	s->bundles = json_pack("[O]", bundle);
	return 0;
}

static int add_beside(struct hm_decide_subject *s, const char *path, bool only, const struct hm_decide_trust *trust, const struct keys *keys, struct replications *all,
		      struct hm_fail *fail)
{
	HM_CLEANUP(release_looked) struct looked l = { 0 };
	HM_JSON json_t *findings = NULL, *bundle = NULL, *build = NULL;
	int r = look(&l, path, keys, fail);

	if (r == 0)
		r = take_bundle(&bundle, &findings, &l, trust, all, only, fail);
	if (r == 0 && findings && !json_is_true(json_object_get(bundle, "false")))
		r = build_of(&build, &l.result, findings, fail);
	if (r < 0)
		return hm_fail_in(fail, "%s", path);
	if (build)
		json_object_set(bundle, "product", build);
	json_array_append(s->bundles, bundle);
	return 0;
}

int hm_decide_subject_beside(struct hm_decide_subject *s, const char *const *path, size_t count, const struct hm_decide_trust *trust, struct hm_fail *fail)
{
	HM_CLEANUP(release_keys) struct keys keys = { 0 };
	HM_CLEANUP(release_replications) struct replications all = { 0 };
	int r = load_keys(&keys, trust, fail);

	s->bundles = json_array();
	if (r == 0)
		r = look_at_replications(&all, trust, &keys, fail);
	for (size_t i = 0; i < count && r == 0; i++)
		r = add_beside(s, path[i], count == 1, trust, &keys, &all, fail);
	for (size_t i = 0; i < all.count && r == 0; i++)
		if (!all.taken[i])
			r = hm_fail_set(fail, HM_E_USAGE, "%s is a replication of no bundle that counts", trust->replication[i]);
	return r;
}
