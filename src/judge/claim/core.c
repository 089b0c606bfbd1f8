/* The core's documents, and whether they agree with each other. Packet and record files are read run by run (run.c). */
#include "claim_internal.h"

#include <arpa/inet.h>

#include "experiment.h"

static int read_document(json_t **ret, enum hm_document which, const struct hm_parts *parts, const char *part, struct hm_fail *fail)
{
	struct hm_slice text;

	if (!hm_parts_get(parts, part, &text))
		return hm_fail_set(fail, HM_E_BAD, "%s is missing", part);
	return hm_document_read(ret, which, text, fail);
}

static int false_core(struct hm_fail *fail, const char *what)
{
	return hm_fail_set(fail, HM_E_BAD, "the core contradicts itself: %s", what);
}

/* `member` of the plan is the digest of `part`, or both are absent. */
static int check_digest(const struct hm_core *core, const char *member, const char *part, struct hm_fail *fail)
{
	const char *said = hm_text_of(core->plan, member);
	char text[7 + 2 * HM_SHA256_LEN + 1] = "sha256:";
	struct hm_slice content;
	struct hm_sha256 digest;

	if (!hm_parts_get(core->parts, part, &content))
		return said ? hm_fail_set(fail, HM_E_BAD, "%s is missing, and plan.json names its digest", part) : 0;
	hm_sha256_slice(&digest, content);
	hm_text_hex_into(text + 7, (struct hm_slice){ digest.b, sizeof(digest.b) });
	if (!said || strcmp(said, text) != 0)
		return hm_fail_set(fail, HM_E_BAD, "%s is not the one that plan.json names", part);
	return 0;
}

/* Semantics 3 were those of experiments alone. */
static bool holds_experiment(const json_t *plan)
{
	int64_t semantics = hm_number_of(plan, "semantics");

	return semantics == 3 || (semantics > 3 && json_object_get(plan, "blocks"));
}

static int check_plan(struct hm_core *core, struct hm_fail *fail)
{
	struct hm_sha256 commitment;
	char text[2 * HM_SHA256_LEN + 1];
	int r;

	if (hm_number_of(core->plan, "format") != 1)
		return hm_fail_set(fail, HM_E_UNKNOWN, "plan.json: a format that this program does not know");
	if (hm_number_of(core->plan, "semantics") < 1 || hm_number_of(core->plan, "semantics") > HM_SEMANTICS_KNOWN)
		return hm_fail_set(fail, HM_E_UNKNOWN, "plan.json: semantics that this program does not have");
	core->semantics = (unsigned)hm_number_of(core->plan, "semantics");
	core->experiment = holds_experiment(core->plan);
	if (hm_text_unhex(core->seed, sizeof(core->seed), hm_slice_text(hm_text_of(core->assessment, "seed"))) < 0)
		return false_core(fail, "the seed is no seed");
	hm_seed_commit(&commitment, core->seed);
	hm_text_hex_into(text, (struct hm_slice){ commitment.b, sizeof(commitment.b) });
	if (strcmp(text, hm_text_of(core->plan, "commitment")) != 0)
		return false_core(fail, "the seed is not the one that plan.json commits to");
	r = check_digest(core, "claim_set", "claims.json", fail);
	if (r == 0)
		r = check_digest(core, "declaration", "declaration.json", fail);
	if (r == 0)
		r = check_digest(core, "scenario", "scenario.json", fail);
	return r;
}

/* The product was started in the form by which its declaration says that it takes other authorities, and in no other. */
static int check_authorities(struct hm_core *core, struct hm_fail *fail)
{
	const json_t *used = json_object_get(core->plan, "authorities"), *declared = json_object_get(core->declaration, "authorities");
	HM_JSON json_t *form = used ? json_copy((json_t *)(uintptr_t)used) : NULL;

	if (!used)
		return 0;
	json_object_del(form, "after");
	if (core->semantics < 5 || !declared || !json_equal(form, declared))
		return false_core(fail, "the product was started with other authorities in a form that is not declared");
	return 0;
}

static int check_chamber(struct hm_core *core, struct hm_fail *fail)
{
	static const char *const same[] = { "internet", "profile", "target" };
	const json_t *chamber = json_object_get(core->assessment, "chamber");

	for (size_t i = 0; i < HM_COUNT(same); i++)
		if (strcmp(hm_text_of(core->plan, same[i]), hm_text_of(chamber, same[i])) != 0)
			return false_core(fail, "plan.json and assessment.json name different chambers");
	core->target = hm_text_of(core->plan, "target");
	if (strcmp(core->target, hm_text_of(core->planted, "target")) != 0)
		return false_core(fail, "plan.json and planted.json name different targets");
	if (core->target[0] != '/' || core->target[1] == 0)
		return false_core(fail, "the target is no absolute path");
	if (inet_pton(AF_INET, hm_text_of(chamber, "address"), core->address) != 1)
		return false_core(fail, "the chamber's address is none");
	return hm_self_test_read(&core->self_test, json_object_get(chamber, "self_test"), core->semantics, fail);
}

static const json_t *row_of_run(const json_t *list, int64_t run)
{
	const json_t *row;
	size_t i;

	json_array_foreach (list, i, row)
		if (hm_number_of(row, "run") == run)
			return row;
	return NULL;
}

enum hm_wrong hm_wrong_of(const json_t *planned)
{
	static const char *const words[HM_WRONGS] = { [HM_WRONG_AUTHORITY] = "authority", [HM_WRONG_NAME] = "name", [HM_WRONG_EXPIRED] = "expired" };
	const char *word = hm_text_of(planned, "certificate");
	enum hm_wrong wrong = word ? HM_WRONG_AUTHORITY : HM_WRONG_NOTHING;

	while (word && wrong < HM_WRONGS && strcmp(word, words[wrong]) != 0)
		wrong++;
	return wrong;
}

/* Which runs have wrong certificates, and what became of them. */
static int check_wrong(struct hm_core *core, struct hm_fail *fail)
{
	const json_t *planned = json_object_get(core->plan, "runs"), *done = json_object_get(core->assessment, "runs"), *row;
	const json_t *dropped = json_object_get(core->assessment, "dropped");
	bool behind = false;
	size_t i;

	json_array_foreach (planned, i, row) {
		bool wrong = hm_wrong_of(row) != HM_WRONG_NOTHING;

		if (wrong != (strcmp(hm_text_of(row, "kind"), "certificate") == 0) || hm_wrong_of(row) == HM_WRONGS || (wrong && core->semantics < 4))
			return false_core(fail, "it is not told what is wrong with the certificates of a run, or of one that is no such run");
		if (behind && !wrong && strcmp(hm_text_of(row, "kind"), "locate") != 0)
			return false_core(fail, "a run stands behind those with wrong certificates");
		behind |= wrong;
		core->wrong_planned += wrong;
	}
	json_array_foreach (done, i, row)
		core->wrong_done += strcmp(hm_text_of(row, "kind"), "certificate") == 0;
	json_array_foreach (dropped, i, row) {
		const json_t *plan = json_array_get(planned, (size_t)hm_number_of(row, "run") - 1);

		if (strcmp(hm_text_of(row, "rule"), "no tls") != 0)
			continue;
		if (strcmp(hm_text_of(plan, "kind"), "certificate") != 0)
			return false_core(fail, "a run was dropped for want of TLS that has no wrong certificates");
		core->without_tls++;
	}
	if (core->without_tls && core->wrong_done)
		return false_core(fail, "some runs with wrong certificates were done, and others dropped for want of TLS");
	return 0;
}

/* Runs 1 to n are planned; each was done, as what was planned, or dropped by a rule, and no other. */
static int check_runs(struct hm_core *core, struct hm_fail *fail)
{
	const json_t *planned = json_object_get(core->plan, "runs"), *done = json_object_get(core->assessment, "runs");
	const json_t *dropped = json_object_get(core->assessment, "dropped"), *row;
	int64_t last = 0;
	size_t i;

	core->runs = json_array_size(done);
	if (json_array_size(planned) > HM_EXPERIMENT_PAIRS_MAX)
		return false_core(fail, "more runs than anybody can have made");
	json_array_foreach (planned, i, row)
		if (hm_number_of(row, "run") != (int64_t)i + 1)
			return false_core(fail, "the planned runs are not 1, 2, 3 ...");
	json_array_foreach (done, i, row) {
		const json_t *plan = json_array_get(planned, (size_t)hm_number_of(row, "run") - 1);

		if (hm_number_of(row, "run") <= last || !plan)
			return false_core(fail, "a run was done that was not planned, or their order is wrong");
		if (strcmp(hm_text_of(row, "kind"), hm_text_of(plan, "kind")) != 0)
			return false_core(fail, "a run is of another kind than planned");
		last = hm_number_of(row, "run");
	}
	last = 0;
	json_array_foreach (dropped, i, row) {
		if (hm_number_of(row, "run") <= last || !row_of_run(planned, hm_number_of(row, "run")) ||
		    row_of_run(done, hm_number_of(row, "run")))
			return false_core(fail, "a run is dropped that was not planned, or was done");
		last = hm_number_of(row, "run");
	}
	return 0;
}

/* Parts of a run that no document names would be evidence that nobody reads. */
static int check_run_parts(const struct hm_core *core, struct hm_fail *fail)
{
	for (size_t i = 0; i < hm_parts_count(core->parts); i++) {
		const char *name = hm_parts_at(core->parts, i, NULL);
		const char *number = strncmp(name, "runs/", 5) == 0 ? name + 5 : NULL;
		HM_FREE char *canonical = NULL;
		int64_t run;

		if (!number)
			continue;
		run = strtol(number, NULL, 10);
		canonical = hm_sprintf("runs/%04lld/", (long long)run);
		if (strncmp(name, canonical, strlen(canonical)) != 0 || !row_of_run(json_object_get(core->plan, "runs"), run))
			return hm_fail_set(fail, HM_E_BAD, "%s belongs to no run", name);
	}
	return 0;
}

/* Claims are sorted by id, so each is there once. */
static int check_claims(const struct hm_core *core, struct hm_fail *fail)
{
	const json_t *list = json_object_get(core->claims, "claims"), *row;
	const char *last = "";
	size_t i;

	json_array_foreach (list, i, row) {
		if (strcmp(last, hm_text_of(row, "id")) >= 0)
			return hm_fail_set(fail, HM_E_BAD, "claims.json: the claims are not in the order of their ids");
		last = hm_text_of(row, "id");
	}
	return 0;
}

static int by_path(const void *a, const void *b)
{
	const struct hm_installed *x = a, *y = b;
	int r = hm_slice_cmp(x->path, y->path);

	/* What stands at one place twice is in the order of the packages' names, what no package owns behind it. */
	if (r == 0)
		r = !x->package - !y->package;
	if (r == 0 && x->package)
		r = strcmp(hm_text_of(x->package, "name"), hm_text_of(y->package, "name"));
	return r ? r : strcmp(hm_text_of(x->file, "sha256"), hm_text_of(y->file, "sha256"));
}

static int add_installed(struct hm_core *core, const json_t *package, const json_t *list, struct hm_fail *fail)
{
	const json_t *row;
	size_t i;

	json_array_foreach (list, i, row) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes path = { 0 };
		struct hm_bytes *name = &core->names[core->installed_count];
		int r = hm_json_get_bytes(row, "path", &path, fail);

		if (r < 0)
			return hm_fail_in(fail, "product.json");
		if (path.len == 0 || path.data[0] != '/')
			return hm_fail_set(fail, HM_E_BAD, "product.json: a path is not absolute");
		hm_path_resolve(name, hm_slice_of(&path));
		core->installed[core->installed_count++] = (struct hm_installed){ hm_slice_of(name), package, row };
	}
	return 0;
}

static int read_installed(struct hm_core *core, struct hm_fail *fail)
{
	const json_t *packages = json_object_get(core->product, "packages"), *unowned = json_object_get(core->product, "unowned");
	const json_t *package;
	size_t i, total = json_array_size(unowned);
	const char *last = NULL;
	int r = 0;

	json_array_foreach (packages, i, package)
		total += json_array_size(json_object_get(package, "files"));
	core->installed = hm_alloc(total, sizeof(*core->installed));
	core->names = hm_alloc(total, sizeof(*core->names));
	json_array_foreach (packages, i, package) {
		if (last && strcmp(last, hm_text_of(package, "name")) > 0)
			return hm_fail_set(fail, HM_E_BAD, "product.json: the packages are not in the order of their names");
		last = hm_text_of(package, "name");
		r = add_installed(core, package, json_object_get(package, "files"), fail);
		if (r < 0)
			return r;
	}
	r = add_installed(core, NULL, unowned, fail);
	if (core->installed_count)
		qsort(core->installed, core->installed_count, sizeof(*core->installed), by_path);
	return r;
}

const struct hm_installed *hm_core_installed(const struct hm_core *core, struct hm_slice path)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes resolved = { 0 };
	size_t low = 0, high = core->installed_count;

	hm_path_resolve(&resolved, path);
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (hm_slice_cmp(core->installed[middle].path, hm_slice_of(&resolved)) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == core->installed_count || !hm_slice_eq(core->installed[low].path, hm_slice_of(&resolved)))
		return NULL;
	return &core->installed[low];
}

static int read_documents(struct hm_core *core, struct hm_fail *fail)
{
	const struct hm_parts *parts = core->parts;
	struct hm_slice content;
	int r = read_document(&core->plan, HM_PLAN, parts, "plan.json", fail);

	if (r == 0)
		r = read_document(&core->assessment, HM_ASSESSMENT, parts, "assessment.json", fail);
	if (r == 0)
		r = read_document(&core->claims, HM_CLAIMS, parts, "claims.json", fail);
	if (r == 0)
		r = read_document(&core->product, HM_PRODUCT, parts, "product.json", fail);
	if (r == 0)
		r = read_document(&core->planted, holds_experiment(core->plan) ? HM_PLANTED_SETS : HM_PLANTED, parts, "planted.json", fail);
	if (r == 0 && hm_parts_get(parts, "declaration.json", &content))
		r = hm_document_read(&core->declaration, HM_DECLARATION, content, fail);
	if (r < 0)
		return r;
	hm_parts_get(parts, "plan.json", &content);
	hm_sha256_slice(&core->plan_digest, content);
	hm_parts_get(parts, "claims.json", &content);
	hm_sha256_slice(&core->claims_digest, content);
	return 0;
}

static void cleanup_core(struct hm_core **core)
{
	hm_core_close(*core);
}

int hm_core_open(struct hm_core **ret, const struct hm_parts *parts, struct hm_fail *fail)
{
	static int (*const checks[])(struct hm_core *core, struct hm_fail *fail) = {
		read_documents, check_plan, check_authorities, check_runs, check_wrong, check_chamber, hm_blocks_read, hm_sets_read, read_installed, hm_content_needles,
	};
	HM_CLEANUP(cleanup_core) struct hm_core *core = hm_alloc(1, sizeof(*core));
	int r;

	core->parts = parts;
	core->needles = hm_needles_new();
	for (size_t i = 0; i < HM_COUNT(checks); i++) {
		r = checks[i](core, fail);
		if (r < 0)
			return r;
	}
	r = check_run_parts(core, fail);
	if (r == 0)
		r = check_claims(core, fail);
	if (r == 0)
		*ret = hm_take_ptr(&core);
	return r;
}

void hm_core_close(struct hm_core *core)
{
	if (!core)
		return;
	json_decref(core->plan);
	json_decref(core->assessment);
	json_decref(core->claims);
	json_decref(core->product);
	json_decref(core->planted);
	json_decref(core->declaration);
	for (size_t i = 0; i < core->installed_count; i++)
		hm_bytes_release(&core->names[i]);
	free(core->names);
	free(core->installed);
	hm_sets_release(core);
	hm_blocks_release(core);
	hm_needles_free(core->needles);
	free(core);
}
