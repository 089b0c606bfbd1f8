/* The order of an assessment is part of its worth: secrets are drawn and committed to, then the plan is fixed, and only then
 * does the product run; what it did is read back from the files alone, by the same evaluator that a verifier uses. */
#include "assess.h"

#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "attest.h"
#include "authorities.h"
#include "bundle.h"
#include "certificates.h"
#include "derived.h"
#include "evaluate.h"
#include "fs.h"
#include "pcapng.h"
#include "planted.h"
#include "program.h"
#include "replication.h"
#include "signature.h"
#include "signer.h"
#include "text.h"
#include "trials.h"

enum { RUNS = 1, RUNS_MAX = 8 /* with those that have wrong certificates */ };

static char *replace_target(const char *text)
{
	struct hm_bytes out = { 0 };
	const char *at;

	while ((at = strstr(text, "{target}"))) {
		hm_bytes_append(&out, text, (size_t)(at - text));
		hm_bytes_text(&out, HM_TARGET);
		text = at + strlen("{target}");
	}
	hm_bytes_append(&out, text, strlen(text) + 1);
	return (char *)out.data;
}

/* The command as the chamber will find it: its root is the host's. */
static int find_executable(struct hm_assessment *a, const char *command, struct hm_fail *fail)
{
	static const char *const folders[] = { "/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin" };

	if (strchr(command, '/')) {
		a->executable = realpath(command, NULL);
	} else {
		for (size_t i = 0; i < HM_COUNT(folders) && !a->executable; i++) {
			HM_FREE char *path = hm_sprintf("%s/%s", folders[i], command);

			if (access(path, X_OK) == 0)
				a->executable = realpath(path, NULL);
		}
	}
	if (!a->executable)
		return hm_fail_set(fail, HM_E_SYSTEM, "running %s: no such command (install the product first)", command);
	return 0;
}

static int resolve_command(struct hm_assessment *a, const char *const *given, struct hm_fail *fail)
{
	const char *const *from = given ? given : (const char *const *)a->product.argv;
	HM_FREE char **more = hm_authorities_arguments(a->adapted);
	size_t count = 0, add = 0;

	if (!from)
		return hm_fail_set(fail, HM_E_USAGE, "no command: give one behind \"--\", or --product NAME");
	while (from[count])
		count++;
	while (more[add])
		add++;
	a->argv = hm_alloc(count + add + 1, sizeof(*a->argv));
	for (size_t i = 0; i < count; i++)
		a->argv[i ? i + add : 0] = replace_target(from[i]);
	for (size_t i = 0; i < add; i++)
		a->argv[1 + i] = more[i];
	return find_executable(a, a->argv[0], fail);
}

/* What the chamber's internet serves lies in a folder of its own; its files come with the product. */
static int write_mirror(struct hm_assessment *a, struct hm_fail *fail)
{
	HM_FREE char *folder = hm_sprintf("%s/mirror", a->folder);
	int r = hm_fs_mkdirs(folder, 0755, fail);

	for (size_t i = 0; i < a->product.mirror.count && r == 0; i++) {
		const struct hm_product_file *file = &a->product.mirror.file[i];
		HM_FREE char *path = hm_sprintf("%s/%s", folder, file->path);
		HM_FREE char *parent = hm_strdup(path);

		*strrchr(parent, '/') = 0;
		r = hm_fs_mkdirs(parent, 0755, fail);
		if (r == 0)
			r = hm_fs_write_atomic(path, hm_slice_of(&file->content), file->mode, fail);
	}
	free(a->surroundings.mirror);
	a->surroundings.mirror = hm_take_ptr(&folder);
	return r;
}

static int plant(struct hm_assessment *a, struct hm_fail *fail)
{
	HM_FREE char *folder = hm_sprintf("%s/target", a->folder);
	int r = 0;

	if (a->resume)
		r = hm_resume_seed(a->resume, a->seed, fail);
	else
		r = getrandom(a->seed, sizeof(a->seed), 0) == sizeof(a->seed) ? 0 : hm_fail_errno(fail, "drawing the seed");
	if (r == 0)
		r = write_mirror(a, fail);
	if (r < 0 || a->factors)
		return r; /* each run has its own */
	if (r == 0)
		r = hm_planted_make(a->parts, a->seed, "aa", 0, HM_TARGET, a->product.samples, fail);
	if (r == 0)
		r = hm_fs_mkdirs(folder, 0755, fail);
	return r < 0 ? r : hm_planted_write(a->parts, folder, fail);
}

static void describe_plan(const struct hm_assessment *a, struct hm_planned *planned)
{
	*planned = (struct hm_planned){ .product = a->product.name,
					.executable = a->executable,
					.argv = (const char *const *)a->argv,
					.stdin_path = a->stdin_path,
					.internet = hm_surroundings_mode_name(a->mode),
					.profile = "confined",
					.target = HM_TARGET,
					.runs = RUNS,
					.time_limit_s = a->time_limit_s,
					.seed = a->seed };
}

static int add_salts(struct hm_assessment *a, unsigned run, struct hm_slice packets, struct hm_fail *fail)
{
	HM_FREE char *name = hm_core_run_part(run, "packets.salts");
	struct hm_bytes salts = { 0 };
	struct hm_cursor cursor = hm_cursor_of(packets);
	struct hm_pcapng_block block;
	int r;

	while ((r = hm_pcapng_next(&cursor, &block, fail)) > 0) {
		if (getrandom(hm_bytes_reserve(&salts, 16), 16, 0) != 16)
			r = hm_fail_errno(fail, "drawing salt");
		salts.len += 16;
	}
	if (r == 0)
		r = hm_parts_take(a->parts, name, &salts, fail);
	hm_bytes_release(&salts);
	return r;
}

int hm_assess_add_run(struct hm_assessment *a, unsigned run, const struct hm_run_spec *spec, struct hm_fail *fail)
{
	HM_FREE char *record = hm_core_run_part(run, "record.cbor.zst");
	HM_FREE char *packets = hm_core_run_part(run, "packets.pcapng");
	HM_FREE char *tree = hm_core_run_part(run, "tree.cbor.zst");
	struct hm_slice content;
	int r = hm_parts_file(a->parts, record, spec->record, fail);

	if (r == 0)
		r = hm_parts_file(a->parts, packets, spec->packets, fail);
	if (r == 0)
		r = hm_parts_file(a->parts, tree, spec->tree, fail);
	if (r < 0)
		return r;
	if (!hm_parts_get(a->parts, packets, &content))
		abort();
	return add_salts(a, run, content, fail);
}

static int one_run(struct hm_assessment *a, unsigned run, enum hm_internet_wrong wrong, unsigned time_limit_s, struct hm_slice plan_digest, struct hm_run_note *note,
		   struct hm_bytes *absent, struct hm_fail *fail)
{
	HM_FREE char *target = hm_sprintf("%s/target", a->folder);
	HM_FREE char *record = hm_sprintf("%s/%04u.record", a->folder, run);
	HM_FREE char *packets = hm_sprintf("%s/%04u.pcapng", a->folder, run);
	HM_FREE char *tree = hm_sprintf("%s/%04u.tree", a->folder, run);
	struct hm_run_spec spec = { .mode = a->mode, .plan = plan_digest, .number = run, .time_limit_s = time_limit_s,
				    .record = record, .packets = packets, .tree = tree, .loaded = &a->loaded[0] };
	HM_CLEANUP(hm_authorities_env_release) struct hm_authorities_env env = { 0 };
	struct hm_run_result result;
	int r;

	hm_surroundings_fill(&a->surroundings, &spec);
	hm_authorities_env(&env, a->adapted, spec.chamber.env);
	spec.chamber.env = env.all;
	spec.wrong = wrong;
	spec.chamber.target_from = target;
	spec.chamber.target = HM_TARGET;
	spec.chamber.argv = (const char *const *)a->argv;
	spec.chamber.stdin_path = a->stdin_path;
	spec.chamber.files = a->files;
	spec.chamber.file_count = a->file_count;
	result = (struct hm_run_result){ 0 };
	r = hm_planted_evict(target, fail);
	if (r == 0)
		r = hm_run(&result, &spec, fail);
	if (r == 0) {
		*note = (struct hm_run_note){ run, result.chamber.outcome, result.chamber.status, result.chamber.start_ns,
					      result.chamber.end_ns, wrong ? "certificate" : "aa", .tls = result.internet.tls };
		a->events += result.record.items;
		a->lost += result.capture.lost + result.internet.lost;
		a->refused += wrong ? 0 : result.internet.tls.refused;
		absent->len = 0;
		hm_bytes_slice(absent, hm_slice_of(&result.absent));
		r = hm_assess_add_run(a, run, &spec, fail);
	}
	hm_bytes_release(&result.absent);
	return r;
}

/* product.json up to the packages. The version in the purl is that of the package which installed the command. */
static json_t *product_head(const struct hm_assessment *a)
{
	const struct hm_package *owner = hm_packages_owner(a->packages, a->executable);
	const struct hm_product *p = &a->product;
	json_t *head = json_object();

	json_object_set_new(head, "schema", json_string("hallmark/product/v1"));
	json_object_set_new(head, "name", json_string(p->name));
	json_object_set_new(head, "purl", !p->purl	 ? json_null()
					  : owner ? json_sprintf("%s@%s", p->purl, owner->version)
						  : json_string(p->purl));
	json_object_set(head, "supplier", p->supplier ? p->supplier : json_null());
	json_object_set_new(head, "definitions", p->definitions ? json_incref(p->definitions) : json_array());
	return head;
}

/* The product is the one that the earlier runs ran, file by file. */
static int same_product(struct hm_assessment *a, const struct hm_planned *planned, struct hm_fail *fail)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	HM_JSON json_t *head = product_head(a);
	struct hm_slice was, is;
	int r = 0;

	for (size_t i = 0; i < hm_parts_count(a->parts) && r == 0; i++) {
		struct hm_slice content;
		const char *name = hm_parts_at(a->parts, i, &content);

		if (strncmp(name, "runs/", 5) == 0)
			r = hm_parts_borrow(parts, name, content, fail);
	}
	if (r == 0)
		r = hm_core_product(parts, head, a->packages, a->product.packages, a->executable, planned->runs, fail);
	if (r < 0)
		return r;
	if (!hm_parts_get(parts, "product.json", &is) || !hm_parts_get(hm_resume_parts(a->resume), "product.json", &was) ||
	    !hm_slice_eq(is, was))
		return hm_fail_set(fail, HM_E_SYSTEM, "the product's files or definitions have changed since the runs that were done");
	return 0;
}

static int take_up(struct hm_assessment *a, struct hm_trials *trials, const struct hm_planned *planned, struct hm_fail *fail)
{
	int r = hm_resume_same(a->resume, a->parts, fail);

	if (r < 0)
		return r;
	r = hm_trials_resume(trials, hm_resume_parts(a->resume), fail);
	if (r == 0)
		r = same_product(a, planned, fail);
	return r < 0 ? hm_fail_in(fail, "resuming") : 0;
}

/* Those with wrong certificates, where a run before used TLS. */
static int wrong_runs(struct hm_assessment *a, struct hm_planned *planned, struct hm_slice digest, struct hm_run_note notes[RUNS_MAX],
		      struct hm_bytes *absent, struct hm_fail *fail)
{
	bool met = hm_certificates_met(notes, RUNS);
	int r = 0;

	planned->dropped = json_array();
	for (unsigned run = RUNS + 1; run <= planned->runs && r == 0; run++) {
		if (met)
			r = one_run(a, run, hm_certificates_wrong(run - RUNS - 1), hm_certificates_limit(notes, RUNS, a->time_limit_s), digest, &notes[run - 1], absent, fail);
		else
			json_array_append_new(planned->dropped, json_pack("{s:i,s:s}", "run", (int)run, "rule", HM_CERTIFICATES_RULE));
	}
	return r;
}

/* The runs, one after the other, or in pairs. */
static int all_runs(struct hm_assessment *a, struct hm_trials *trials, struct hm_planned *planned, struct hm_run_note notes[RUNS_MAX],
		    struct hm_bytes *absent, struct hm_fail *fail)
{
	struct hm_slice plan, digest;
	struct hm_sha256 hash;
	int r = 0;

	if (!hm_parts_get(a->parts, "plan.json", &plan))
		abort();
	hm_sha256_slice(&hash, plan);
	digest = (struct hm_slice){ hash.b, sizeof(hash.b) };
	planned->notes = notes;
	for (unsigned run = 1; run <= RUNS && r == 0 && !trials; run++)
		r = one_run(a, run, HM_INTERNET_RIGHT, a->time_limit_s, digest, &notes[run - 1], absent, fail);
	a->adapt = !trials && a->refused && a->may_adapt;
	if (!trials)
		return r < 0 ? r : wrong_runs(a, planned, digest, notes, absent, fail);
	r = hm_trials_run(trials, digest, absent, &a->unfinished);
	if (r < 0)
		return hm_fail_set(fail, r, "%s", a->unfinished.text);
	if (r == 0)
		a->unfinished.code = 0;
	hm_trials_done(trials, planned);
	return 0;
}

static void release_planned(struct hm_planned *planned)
{
	json_decref(planned->authorities);
	json_decref(planned->factors);
	json_decref(planned->kinds);
	json_decref(planned->blocks);
	json_decref(planned->held);
	json_decref(planned->sets);
	json_decref(planned->dropped);
	json_decref(planned->repeated);
	json_decref(planned->resumed);
}

static void close_trials(struct hm_trials **trials)
{
	hm_trials_close(*trials);
}

/* Seed, documents and plan: what is fixed before the first run. */
static int begin(struct hm_assessment *a, struct hm_trials *trials, struct hm_planned *planned, struct hm_fail *fail)
{
	int r = plant(a, fail);

	if (r < 0)
		return r;
	hm_surroundings_identity(&a->surroundings, a->seed);
	describe_plan(a, planned);
	if (a->adapted) {
		planned->authorities = hm_authorities_plan(a->adapted, a->after);
		a->made = hm_alloc(hm_authorities_files_max(a->adapted), sizeof(*a->made));
		a->file_count = a->product.plant.count + hm_authorities_files_max(a->adapted);
		if (hm_authorities_files(a->files + a->product.plant.count, a->made, a->adapted, &a->surroundings.trusted, fail) < 0)
			return fail->code;
	}
	if (!trials) {
		planned->kinds = json_array();
		for (unsigned run = 1; run <= RUNS; run++)
			json_array_append_new(planned->kinds, json_pack("{s:i,s:s}", "run", (int)run, "kind", "aa"));
		for (unsigned i = 0; i < hm_certificates_count(a->mode); i++)
			json_array_append_new(planned->kinds, hm_certificates_plan(++planned->runs, i));
	}
	if (trials) {
		planned->runs = hm_trials_runs(trials);
		hm_trials_plan(trials, &planned->factors, &planned->kinds, &planned->blocks);
	}
	return hm_core_plan(a->parts, planned, fail);
}

/* The self-test is made in a chamber like that of the runs. */
static void control_self_test(const struct hm_assessment *a, struct hm_control_spec *control)
{
	struct hm_sha256 seed;

	hm_derive(&seed, a->seed, "control/selftest/0");
	memcpy(control->seed, seed.b, sizeof(control->seed));
	control->start_ns = (uint64_t)time(NULL) * 1000000000;
}

/* What the run sent stands in the bundle a second time, as features, for programs that read no packets. One that was resumed has it. */
static int keep_features(void *cookie, unsigned run, const struct hm_features *features, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes rows = { 0 }, part = { 0 };
	HM_FREE char *packets = hm_sprintf("runs/%04u/packets.pcapng", run), *name = hm_sprintf("runs/%04u/features.cbor.zst", run);
	struct hm_assessment *a = cookie;
	struct hm_slice there;
	int r;

	if (!hm_parts_get(a->parts, packets, &there) || hm_parts_get(a->parts, name, &there))
		return 0;
	hm_derived_rows(&rows, features);
	r = hm_derived_pack(&part, hm_slice_of(&rows), fail);
	return r < 0 ? r : hm_parts_take(a->parts, name, &part, fail);
}

static int keep_replication(struct hm_assessment *a, struct hm_slice findings, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	int exit, r = hm_replication_make(&text, &exit, a->of, a->parts, findings, fail);

	return r < 0 ? r : hm_parts_take(a->parts, HM_REPLICATION, &text, fail);
}

/* Before the first run: who made several attempts and shows one has the others in the log. */
static int log_plan(struct hm_assessment *a, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes receipt = { 0 };
	struct hm_slice plan, earlier;
	int r = 0;

	if (a->resume && hm_parts_get(hm_resume_parts(a->resume), HM_PLAN_RECEIPT, &earlier)) {
		hm_bytes_slice(&receipt, earlier);
		return hm_parts_take(a->parts, HM_PLAN_RECEIPT, &receipt, fail);
	}
	if (!a->logging.folder)
		return 0;
	if (a->resume)
		return hm_fail_set(fail, HM_E_USAGE, "--log: the plan was not logged before the first run, and cannot be now");
	if (!hm_parts_get(a->parts, "plan.json", &plan))
		abort();
	r = hm_logging_plan(&a->logging, a->key, plan, &receipt, fail);
	return r < 0 ? hm_fail_in(fail, "logging the plan") : hm_parts_take(a->parts, HM_PLAN_RECEIPT, &receipt, fail);
}

int hm_assess_run(struct hm_assessment *a, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes absent = { 0 }, findings = { 0 };
	HM_CLEANUP(close_trials) struct hm_trials *trials = NULL;
	HM_CLEANUP(release_planned) struct hm_planned planned = { 0 };
	struct hm_run_note notes[RUNS_MAX] = { 0 };
	struct hm_control_spec control;
	HM_JSON json_t *head = NULL, *self_test = NULL;
	int r = a->factors ? hm_trials_open(&trials, a, a->factors, a->pairs, fail) : 0;

	if (r == 0)
		r = begin(a, trials, &planned, fail);
	if (r == 0 && a->of)
		r = hm_replication_same_plan(a->of->parts, a->parts, fail);
	if (r == 0 && a->resume)
		r = take_up(a, trials, &planned, fail);
	if (r == 0)
		r = log_plan(a, fail);
	if (trials) {
		control_self_test(a, &control);
		a->self_test.control = &control;
	}
	a->self_test.loaded = &a->loaded[0];
	if (r == 0)
		r = hm_self_test_run(&a->self_test, &a->surroundings, a->folder, a->mode, fail);
	if (r == 0)
		r = hm_self_test_demand(&a->self_test, fail);
	if (r < 0)
		return r;
	r = all_runs(a, trials, &planned, notes, &absent, fail);
	self_test = hm_self_test_json(&a->self_test);
	if (r == 0)
		r = hm_core_assessment(a->parts, &planned, a->surroundings.hostname, a->surroundings.machine_id,
				       hm_capture_witnesses(), hm_slice_of(&absent), self_test, fail);
	hm_program_working("evaluating");
	if (r == 0) {
		head = product_head(a);
		r = hm_core_product(a->parts, head, a->packages, a->product.packages, a->executable, planned.runs, fail);
	}
	if (r == 0)
		r = hm_evaluate_watched(&findings, a->parts, &(struct hm_evaluate_watch){ keep_features, a }, fail);
	if (r == 0 && a->of)
		r = keep_replication(a, hm_slice_of(&findings), fail);
	return r < 0 ? r : hm_parts_take(a->parts, "findings.json", &findings, fail);
}

static int sign(struct hm_assessment *a, struct hm_fail *fail)
{
	HM_CLEANUP(hm_signer_cleanup) struct hm_signer *signer = NULL;
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *public = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pem = { 0 }, statement = { 0 }, pae = { 0 }, signature = { 0 }, receipt = { 0 };
	int r = hm_signer_load(&signer, a->key, fail);

	if (r == 0)
		r = hm_signer_public(signer, &pem, fail);
	if (r == 0)
		r = hm_pubkey_parse(&public, hm_slice_of(&pem), fail);
	if (r == 0)
		r = hm_attest_statement(&statement, a->parts, fail);
	if (r < 0)
		return r;
	hm_dsse_pae(&pae, HM_PAYLOAD_TYPE, hm_slice_of(&statement));
	r = hm_signer_sign(signer, hm_slice_of(&pae), &signature, fail);
	if (r < 0)
		return r;
	/* What took hours is not thrown away because a log cannot be written. */
	if (a->logging.folder && hm_logging_attestation(&a->logging, a->key, hm_slice_of(&statement), hm_slice_of(&signature), &receipt,
							&a->unlogged) < 0)
		receipt.len = 0;
	return hm_attest_add(a->parts, hm_slice_of(&statement), hm_pubkey_id(public), hm_slice_of(&signature), hm_slice_of(&receipt), fail);
}

/* The page is not put in: a later version of the report would look different, and whoever wants it makes it again. */
int hm_assess_publish(struct hm_assessment *a, const char *path, struct hm_fail *fail)
{
	int r = hm_bundle_seal(a->parts, fail);

	if (r == 0)
		r = sign(a, fail);
	return r < 0 ? r : hm_bundle_write(a->parts, path, fail);
}

void hm_assess_release(struct hm_assessment *a)
{
	for (size_t i = 0; i < HM_COUNT(a->loaded); i++)
		hm_capture_unload(a->loaded[i]);
	hm_parts_free(a->parts); /* before the folder that its mapped files lie in, and what it borrows from */
	hm_resume_close(a->resume);
	for (char **argument = a->argv; argument && *argument; argument++)
		free(*argument);
	free(a->argv);
	for (size_t i = 0; a->made && i < hm_authorities_files_max(a->adapted); i++)
		hm_bytes_release(&a->made[i]);
	free(a->made);
	free(a->after);
	free(a->stdin_path);
	free(a->executable);
	hm_packages_close(a->packages);
	hm_product_release(&a->product);
	free(a->files);
	hm_surroundings_release(&a->surroundings);
}

int hm_assess_prepare(struct hm_assessment *a, const char *const *command, const char *stdin_path, struct hm_fail *fail)
{
	int r = resolve_command(a, command, fail);

	if (r == 0 && !stdin_path && !command)
		stdin_path = a->product.stdin_path;
	if (r == 0 && stdin_path)
		a->stdin_path = replace_target(stdin_path);
	return r;
}
