#include "commands.h"

#include <sys/stat.h>

#include "assess.h"
#include "authorities.h"
#include "bundle.h"
#include "doctor.h"
#include "evaluate.h"
#include "fs.h"
#include "program.h"
#include "report.h"
#include "signer.h"
#include "text.h"

#define FACTORS "content,marking,sample,names,metadata,host,inventory"

static const struct hm_option options[] = {
	{ "output", 'o', "FILE.hallmark", false, "the bundle to write (otherwise that of --resume, or NAME.hallmark here)" },
	{ "product", 0, "NAME", false, "command, declaration and settings from data/products/NAME.yaml" },
	{ "declaration", 0, "FILE", false, "what the product is meant to do (YAML), said by the assessor" },
	{ "pairs", 0, "N", false, "experiment: N confirming pairs of runs for each factor, 7 or more" },
	{ "resume", 0, "FILE", false, "go on from an interrupted experiment's bundle; all else as it was given then" },
	{ "factors", 0, "LIST", false, "what the pairs differ in, with commas between (" FACTORS ")" },
	{ "locate", 0, NULL, false, "experiment: find out which document an influence comes from, and which bytes of it" },
	{ "authorities", 0, NULL, false, "start the product at once in the form by which its declaration takes other authorities" },
	{ "stdin", 0, "FILE", false, "what the command reads as standard input" },
	{ "internet", 0, "MODE", false, "simulated (default), closed, replay=FILE.hallmark, gateway[=NETWORK]" },
	{ "time-limit", 0, "SECONDS", false, "kill the product after so long" },
	{ "key", 'k', "FILE", false, "the private key to sign with" },
	{ "log", 0, "DIR|URL", false, "put the plan, before the first run, and the attestation into this log (hallmark log)" },
	{ "log-key", 0, "FILE", false, "the log's private key (otherwise $HALLMARK_LOG_KEY); for a URL FILE.pub is read" },
	{ "log-policy", 0, "FILE", false, "the witnesses that have to cosign, and their quorum (tlog-policy)" },
	{ "json", 'j', NULL, false, "print findings.json" },
	{ "quiet", 'q', NULL, false, "print nothing; the exit code tells" },
};

static char *default_key(void)
{
	const char *given = getenv("HALLMARK_KEY"), *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");

	if (given && *given)
		return hm_strdup(given);
	if (config && *config)
		return hm_sprintf("%s/hallmark/key.pem", config);
	return hm_sprintf("%s/.config/hallmark/key.pem", home ? home : "/root");
}

/* The key must be there before an hour of runs, not after it. */
static int ready_key(const char *path, bool may_make, struct hm_fail *fail)
{
	HM_CLEANUP(hm_signer_cleanup) struct hm_signer *signer = NULL;
	HM_FREE char *folder = hm_strdup(path);
	int r;

	if (may_make && access(path, F_OK) < 0) {
		if (strrchr(folder, '/') && strrchr(folder, '/') != folder) {
			*strrchr(folder, '/') = 0;
			r = hm_fs_mkdirs(folder, 0700, fail);
			if (r < 0)
				return r;
		}
		r = hm_signer_generate(path, fail);
		if (r < 0)
			return r;
		hm_program_note("made a signing key on this machine: %s (public half: %s.pub)", path, path);
	}
	return hm_signer_load(&signer, path, fail);
}

static const char *base_name(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? slash + 1 : path;
}

static int load_declaration(struct hm_assessment *a, const char *path, struct hm_fail *fail)
{
	json_t *declaration;
	int r = hm_product_declaration(&declaration, path, fail);

	if (r < 0)
		return r;
	json_decref(a->product.declaration);
	a->product.declaration = declaration;
	return 0;
}

static int load_product(struct hm_assessment *a, const struct hm_args *args, struct hm_fail *fail)
{
	const char *name = hm_args_get(args, "product"), *declaration = hm_args_get(args, "declaration");
	int r = 0;

	if (!name && !args->product)
		return hm_fail_set(fail, HM_E_USAGE, "usage: hallmark assess %s", args->command->usage);
	if (name)
		r = hm_product_load(&a->product, a->surroundings.data, name, fail);
	else
		a->product.name = hm_strdup(base_name(args->product[0]));
	if (r == 0 && a->product.never_run)
		hm_program_note("%s: %s", a->product.name, a->product.never_run);
	if (r == 0 && declaration)
		r = load_declaration(a, declaration, fail);
	if (r == 0)
		r = hm_product_define(&a->product, fail);
	if (r < 0)
		return r;
	a->file_count = a->product.plant.count;
	a->files = hm_alloc(a->file_count + hm_authorities_files_max(hm_authorities_of(a->product.declaration)), sizeof(*a->files));
	for (size_t i = 0; i < a->product.plant.count; i++) {
		const struct hm_product_file *file = &a->product.plant.file[i];

		a->files[i] = (struct hm_chamber_file){ file->path, hm_slice_of(&file->content), file->mode };
	}
	return 0;
}

/* What stands before the plan: claims, declaration, scenario. */
static int collect_documents(struct hm_assessment *a, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes claims = { 0 }, declaration = { 0 };
	int r = hm_product_claims(&claims, a->surroundings.data, fail);

	a->parts = hm_parts_new();
	if (r == 0)
		r = hm_parts_take(a->parts, "claims.json", &claims, fail);
	if (a->product.declaration)
		hm_json_write(&declaration, a->product.declaration);
	if (r == 0 && a->product.declaration)
		r = hm_parts_take(a->parts, "declaration.json", &declaration, fail);
	if (r == 0 && a->mode != HM_INTERNET_CLOSED) {
		r = hm_surroundings_answers(&a->surroundings, a->mode, a->internet, a->product.scenario ? a->product.scenario : "default", fail);
		if (r == 0 && a->surroundings.scenario.len)
			r = hm_parts_borrow(a->parts, "scenario.json", hm_slice_of(&a->surroundings.scenario), fail);
	}
	return r;
}

enum { FACTORS_MAX = 64, PAIRS_MAX = 1000 };

/* --pairs and --factors. What the names point to lives as long as the program. */
static int choose_experiment(struct hm_assessment *a, const struct hm_args *args, struct hm_fail *fail)
{
	static const char *factors[FACTORS_MAX + 1];
	const char *pairs = hm_args_get(args, "pairs"), *list = hm_args_get(args, "factors");
	char *names, *name, *end;
	size_t count = 0;
	unsigned long n;

	if (!pairs && hm_args_has(args, "resume"))
		return hm_fail_set(fail, HM_E_USAGE, "--resume: it takes the options that were given then, --pairs among them");
	if (!pairs && list)
		return hm_fail_set(fail, HM_E_USAGE, "--factors: without --pairs nothing is compared");
	if (!pairs && hm_args_has(args, "locate"))
		return hm_fail_set(fail, HM_E_USAGE, "--locate: without --pairs there is nothing to locate");
	if (!pairs)
		return 0;
	n = strtoul(pairs, &end, 10);
	if (*pairs < '0' || *pairs > '9' || *end || n > PAIRS_MAX)
		return hm_fail_set(fail, HM_E_USAGE, "--pairs: %s is no number of pairs (7 to %d)", pairs, PAIRS_MAX);
	names = hm_strdup(list ? list : FACTORS);
	while ((name = strsep(&names, ","))) {
		if (count == FACTORS_MAX)
			return hm_fail_set(fail, HM_E_USAGE, "--factors: more than there are");
		factors[count++] = name;
	}
	a->factors = factors;
	a->pairs = (unsigned)n;
	a->locate = hm_args_has(args, "locate");
	return 0;
}

/* --log and what belongs to it: a log that cannot be written to is told before the first run. */
static int choose_log(struct hm_assessment *a, const struct hm_args *args, struct hm_fail *fail)
{
	const char *folder = hm_args_get(args, "log"), *key = hm_args_get(args, "log-key");

	if (!folder && (key || hm_args_has(args, "log-policy")))
		return hm_fail_set(fail, HM_E_USAGE, "--log-key and --log-policy: without --log nothing is logged");
	if (!folder)
		return 0;
	if (!key)
		key = getenv("HALLMARK_LOG_KEY");
	if (key && !*key)
		key = NULL;
	if (hm_logging_is_url(folder) && !key && !hm_args_has(args, "log-policy"))
		return hm_fail_set(fail, HM_E_USAGE, "--log %s: whose log it is has to be said (--log-policy FILE, or --log-key KEY with KEY.pub beside it)", folder);
	if (!hm_logging_is_url(folder) && !key)
		return hm_fail_set(fail, HM_E_USAGE, "--log: the log's private key is wanted (--log-key FILE, or HALLMARK_LOG_KEY)");
	a->logging = (struct hm_logging){ folder, key, hm_args_get(args, "log-policy") };
	return hm_logging_ready(&a->logging, fail);
}

/* The product is started as it is, or in the form by which it takes other authorities: when it has refused as it is (`after`: the digest of that plan),
 * when the plan that is gone on with says so, or when that is asked for. */
static int choose_form(struct hm_assessment *a, const struct hm_args *args, const char *after, struct hm_fail *fail)
{
	const json_t *declared = hm_authorities_of(a->product.declaration), *used;
	HM_JSON json_t *plan = NULL;
	struct hm_slice text;

	if (a->resume && hm_parts_get(hm_resume_parts(a->resume), "plan.json", &text) && hm_json_parse(&plan, text, "plan.json", fail) < 0)
		return fail->code;
	used = json_object_get(plan, "authorities");
	after = used ? json_string_value(json_object_get(used, "after")) : after;
	if ((used || hm_args_has(args, "authorities")) && !declared)
		return hm_fail_set(fail, HM_E_USAGE, "--authorities: nothing is declared about how it takes other authorities (doc/howto_add_a_product.md)");
	if (used || after || (hm_args_has(args, "authorities") && !a->resume))
		a->adapted = declared;
	a->after = after ? hm_strdup(after) : NULL;
	a->may_adapt = declared && !a->adapted && !a->resume && !a->of;
	return 0;
}

/* What takes hours must not fail at its end: the bundle's folder is there and can be written to. */
static int ready_output(const char *path, struct hm_fail *fail)
{
	HM_FREE char *folder = hm_strdup(path);
	char *slash = strrchr(folder, '/');
	struct stat st;

	if (slash)
		slash[slash == folder] = 0;
	if (stat(slash ? folder : ".", &st) < 0 || access(slash ? folder : ".", W_OK | X_OK) < 0)
		return hm_fail_errno(fail, "writing %s, before anything runs: folder %s", path, slash ? folder : ".");
	if (!S_ISDIR(st.st_mode))
		return hm_fail_set(fail, HM_E_SYSTEM, "writing %s, before anything runs: %s is no folder", path, folder);
	if (stat(path, &st) == 0 && S_ISDIR(st.st_mode))
		return hm_fail_set(fail, HM_E_SYSTEM, "writing %s, before anything runs: it is a folder (name a file in it)", path);
	return 0;
}

static int prepare(struct hm_assessment *a, const struct hm_args *args, const char *after, struct hm_fail *fail)
{
	int r;

	a->internet = hm_args_get(args, "internet");
	r = hm_surroundings_mode(&a->mode, a->internet, HM_INTERNET_SIMULATED, fail);
	if (r == 0)
		r = hm_surroundings_limit(&a->time_limit_s, hm_args_get(args, "time-limit"), 120, fail);
	if (r == 0)
		r = choose_experiment(a, args, fail);
	if (r == 0)
		r = choose_log(a, args, fail);
	if (r == 0)
		r = hm_doctor_preflight(fail);
	if (r == 0)
		r = hm_surroundings_open(&a->surroundings, fail);
	if (r == 0)
		r = load_product(a, args, fail);
	if (r == 0 && !hm_args_has(args, "time-limit") && a->product.time_limit_s)
		a->time_limit_s = a->product.time_limit_s;
	if (r == 0)
		r = ready_key(a->key, !hm_args_has(args, "key"), fail);
	if (r == 0 && hm_args_has(args, "resume"))
		r = hm_resume_open(&a->resume, hm_args_get(args, "resume"), a->key, fail);
	if (r == 0)
		r = choose_form(a, args, after, fail);
	if (r == 0)
		r = hm_assess_prepare(a, args->product, hm_args_get(args, "stdin"), fail);
	if (r == 0)
		r = hm_packages_open(&a->packages, "/", fail);
	if (r == 0)
		r = collect_documents(a, fail);
	return r < 0 ? r : hm_surroundings_folder(&a->surroundings, &a->folder, fail);
}

static int show(const struct hm_assessment *a, const struct hm_args *args, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	const struct hm_parts *list[] = { a->parts };
	struct hm_slice findings;
	int r = 0;

	if (hm_args_has(args, "quiet"))
		return 0;
	if (hm_args_has(args, "json")) {
		if (!hm_parts_get(a->parts, "findings.json", &findings))
			abort();
		hm_bytes_slice(&text, findings);
		hm_bytes_u8(&text, '\n');
	} else {
		r = hm_report_table(&text, list, 1, 80, isatty(STDOUT_FILENO) && !getenv("NO_COLOR"), fail);
		hm_bytes_printf(&text, "bundle: %s\n", path);
	}
	return r < 0 ? r : hm_program_print(hm_slice_of(&text), fail);
}

static int tell_unfinished(const struct hm_assessment *a, const char *path, struct hm_fail *fail)
{
	if (a->unfinished.code)
		return hm_fail_set(fail, a->unfinished.code, "%s: %s has what was done (the same command with --resume %s does the rest)",
				   a->unfinished.text, path, path);
	if (a->unlogged.code)
		return hm_fail_set(fail, HM_E_SYSTEM, "%s is whole and signed, but not in the log: %s (hallmark log enter puts it there later)", path, a->unlogged.text);
	if (hm_program_stopped())
		return hm_fail_set(fail, HM_E_INTERRUPTED, "interrupted when all runs were done: %s is whole", path);
	return 0;
}

static char *output_of(const struct hm_assessment *a, const struct hm_args *args)
{
	const char *given = hm_args_get(args, "output") ? hm_args_get(args, "output") : hm_args_get(args, "resume");

	return given ? hm_strdup(given) : hm_sprintf("%s.hallmark", a->product.name);
}

/* NAME.refused.hallmark beside NAME.hallmark. */
static char *refused_of(const char *path)
{
	static const char end[] = ".hallmark";
	size_t len = strlen(path), tail = sizeof(end) - 1;

	if (len > tail && strcmp(path + len - tail, end) == 0)
		len -= tail;
	return hm_sprintf("%.*s.refused%s", (int)len, path, end);
}

/* Never silently: what a product would have sent to whom it did not trust is not known. */
static void tell_refused(const struct hm_assessment *a)
{
	if (a->refused)
		hm_program_note("%s broke off %llu TLS handshake%s though the chamber's certificate was right: what it would have sent is not known%s",
				a->product.name, (unsigned long long)a->refused, a->refused == 1 ? "" : "s",
				a->adapted ? ", also in the form that is declared"
				: hm_authorities_of(a->product.declaration) ? ""
				: " (doc/howto_add_a_product.md: declare under `authorities` how it takes others)");
}

/* The product as it is has refused: that is a bundle of its own, and the digest of its plan is what the next plan names. */
static int keep_refused(struct hm_assessment *a, const char *path, char **after, struct hm_fail *fail)
{
	HM_FREE char *beside = refused_of(path);
	struct hm_sha256 digest;
	struct hm_slice plan;
	char hex[2 * HM_SHA256_LEN + 1];
	int r = hm_assess_publish(a, beside, fail);

	if (r < 0)
		return r;
	if (!hm_parts_get(a->parts, "plan.json", &plan))
		abort();
	hm_sha256_slice(&digest, plan);
	hm_text_hex_into(hex, (struct hm_slice){ digest.b, sizeof(digest.b) });
	*after = hm_sprintf("sha256:%s", hex);
	hm_program_done();
	hm_program_note("%s refused the chamber's certificate: %s has what it did. It is started again in the form in which it takes other authorities, as its declaration says",
			a->product.name, beside);
	return 0;
}

/* One assessment; *next is set where another is to follow it. */
static int assess(const struct hm_args *args, const struct hm_verify *of, const char *after, char **next, struct hm_fail *fail)
{
	HM_CLEANUP(hm_assess_release) struct hm_assessment a = { .surroundings.lock = -1, .of = of };
	HM_FREE char *key = hm_args_get(args, "key") ? hm_strdup(hm_args_get(args, "key")) : default_key();
	HM_FREE char *path = NULL;
	struct hm_slice findings;
	int r;

	a.key = key;
	r = prepare(&a, args, after, fail);
	path = output_of(&a, args);
	if (r == 0)
		r = ready_output(path, fail);
	if (r < 0)
		return r == HM_E_BAD ? HM_E_SYSTEM : r;
	hm_program_catch_signals();
	r = hm_assess_run(&a, fail);
	if (r == 0 && hm_program_stopped() && !a.factors)
		r = hm_fail_set(fail, HM_E_INTERRUPTED, "interrupted: no bundle was written");
	if (r == 0 && a.adapt && !hm_program_stopped())
		return keep_refused(&a, path, next, fail) < 0 ? HM_E_SYSTEM : 0;
	if (r == 0)
		r = hm_assess_publish(&a, path, fail);
	hm_program_done();
	if (r == 0)
		tell_refused(&a);
	if (r == 0)
		r = show(&a, args, path, fail);
	if (r == 0)
		r = tell_unfinished(&a, path, fail);
	/* 1 would say that a claim is refuted: whatever kept it from running is 4. */
	if (r < 0)
		return r == HM_E_BAD ? HM_E_SYSTEM : r;
	if (!hm_parts_get(a.parts, "findings.json", &findings))
		abort();
	return hm_findings_exit(findings);
}

int hm_assess_command(const struct hm_args *args, const struct hm_verify *of, struct hm_fail *fail)
{
	HM_FREE char *after = NULL, *no_other = NULL;
	int r = assess(args, of, NULL, &after, fail);

	return r == 0 && after ? assess(args, of, after, &no_other, fail) : r;
}

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	return hm_assess_command(args, NULL, fail);
}

const struct hm_command hm_cmd_assess = {
	.name = "assess",
	.summary = "assess a product and write a signed bundle",
	.usage = "[-o FILE.hallmark] [--product NAME] [OPTION...] [-- COMMAND [ARG...]]",
	.detail = "Plants documents with canary tokens, commits to a plan, runs COMMAND in a chamber with an internet of its\n"
		  "own, records it, evaluates the claims and writes a signed bundle. {target} in COMMAND and in --stdin is the\n"
		  "folder of planted documents. Without COMMAND the product's own command is run. Needs root.\n\n"
		  "exit: 0 every judged claim upheld; 1 a claim refuted; 2 none refuted, some not verifiable; 4 could not run,\n"
		  "and no bundle was written; 130 interrupted: of an experiment the bundle has what was done.",
	.takes_product = true,
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
