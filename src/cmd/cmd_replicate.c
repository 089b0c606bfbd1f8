/* A replication is an assessment whose options come from another one's plan. */
#include "commands.h"

#include "assess.h"
#include "comparison.h"
#include "json.h"
#include "program.h"

static const struct hm_option options[] = {
	{ "output", 'o', "NEW.hallmark", false, "the bundle to write" },
	{ "product", 0, "NAME", false, "settings from data/products/NAME.yaml (default: the plan's, where there are some)" },
	{ "internet", 0, "MODE", false, "where the plan's mode needs a file or a network: replay=FILE.hallmark, gateway[=NETWORK]" },
	{ "key", 'k', "FILE", false, "the private key to sign with" },
	{ "log", 0, "DIR|URL", false, "put the plan, before the first run, and the attestation into this log (hallmark log)" },
	{ "log-key", 0, "FILE", false, "the log's private key (otherwise $HALLMARK_LOG_KEY); for a URL FILE.pub is read" },
	{ "log-policy", 0, "FILE", false, "the witnesses that have to cosign, and their quorum (tlog-policy)" },
	{ "json", 'j', NULL, false, "print hallmark/comparison/v1" },
	{ "quiet", 'q', NULL, false, "print nothing; the exit code tells" },
};

static int read_plan(json_t **plan, const struct hm_compared *first, struct hm_fail *fail)
{
	struct hm_slice text;

	if (!hm_parts_get(first->verified.parts, "plan.json", &text))
		return hm_fail_set(fail, HM_E_BAD, "there is no plan in it");
	return hm_json_parse(plan, text, "plan.json", fail);
}

/* The command line of the assessment, grown word by word. */
struct line {
	char *word[512];
	int count;
};

static void release_line(struct line *line)
{
	for (int i = 0; i < line->count; i++)
		free(line->word[i]);
}

static void add(struct line *line, const char *word)
{
	/* Options are few; a command that is longer than this is refused below. */
	if (line->count < (int)HM_COUNT(line->word) - 1)
		line->word[line->count++] = hm_strdup(word);
}

static void add_option(struct line *line, const char *option, const char *value)
{
	if (!value)
		return;
	add(line, option);
	add(line, value);
}

/* --pairs, --factors and --locate of an experiment. */
static void add_experiment(struct line *line, const json_t *plan)
{
	const json_t *factors = json_object_get(plan, "factors"), *row;
	const char *first = json_string_value(json_array_get(factors, 0));
	HM_CLEANUP(hm_bytes_release) struct hm_bytes list = { 0 };
	HM_FREE char *pairs = NULL;
	bool locate = false;
	unsigned count = 0;
	size_t i;

	if (!first)
		return;
	json_array_foreach (json_object_get(plan, "blocks"), i, row) {
		const char *phase = json_string_value(json_object_get(row, "phase")), *factor = json_string_value(json_object_get(row, "factor"));

		locate |= phase && strcmp(phase, "locate") == 0;
		count += phase && factor && strcmp(phase, "confirm") == 0 && strcmp(factor, first) == 0;
	}
	json_array_foreach (factors, i, row)
		hm_bytes_printf(&list, "%s%s", i ? "," : "", json_string_value(row));
	hm_bytes_u8(&list, 0);
	pairs = hm_sprintf("%u", count);
	add_option(line, "--pairs", pairs);
	add_option(line, "--factors", (const char *)list.data);
	if (locate)
		add(line, "--locate");
}

static int add_internet(struct line *line, const struct hm_args *args, const json_t *plan, struct hm_fail *fail)
{
	const char *mode = json_string_value(json_object_get(plan, "internet")), *given = hm_args_get(args, "internet");

	if (!given && (strcmp(mode, "replay") == 0 || strcmp(mode, "gateway") == 0))
		return hm_fail_set(fail, HM_E_USAGE, "its internet was %s (say which with --internet)", mode);
	add_option(line, "--internet", given ? given : mode);
	return 0;
}

/* The name under which data/products knows the product; NULL: it does not. */
static const char *product_of(const struct hm_args *args, const json_t *plan, struct hm_fail *fail)
{
	const char *name = json_string_value(json_object_get(json_object_get(plan, "product"), "name"));
	struct hm_surroundings surroundings = { .lock = -1 };
	HM_FREE char *path = NULL;

	if (hm_args_get(args, "product"))
		return hm_args_get(args, "product");
	if (hm_surroundings_open(&surroundings, fail) == 0)
		path = hm_sprintf("%s/products/%s.yaml", surroundings.data, name);
	hm_surroundings_release(&surroundings);
	return path && !strchr(name, '/') && access(path, R_OK) == 0 ? name : NULL;
}

static int compose(struct line *line, const struct hm_args *args, const json_t *plan, struct hm_fail *fail)
{
	const json_t *argv = json_object_get(plan, "argv"), *used = json_object_get(plan, "authorities"), *word;
	size_t added = json_array_size(json_object_get(used, "arguments")); /* behind the command: they come of --authorities again */
	HM_FREE char *limit = hm_sprintf("%lld", (long long)json_integer_value(json_object_get(plan, "time_limit_s")));
	size_t i;
	int r;

	if (json_array_size(argv) > HM_COUNT(line->word) / 2)
		return hm_fail_set(fail, HM_E_USAGE, "its command has too many words");
	add_option(line, "--output", hm_args_get(args, "output"));
	add_option(line, "--product", product_of(args, plan, fail));
	add_option(line, "--key", hm_args_get(args, "key"));
	add_option(line, "--log", hm_args_get(args, "log"));
	add_option(line, "--log-key", hm_args_get(args, "log-key"));
	add_option(line, "--log-policy", hm_args_get(args, "log-policy"));
	add_option(line, "--time-limit", limit);
	add_option(line, "--stdin", json_string_value(json_object_get(plan, "stdin")));
	add_experiment(line, plan);
	r = add_internet(line, args, plan, fail);
	if (r < 0)
		return r;
	if (used)
		add(line, "--authorities");
	add(line, "--quiet");
	add(line, "--");
	json_array_foreach (argv, i, word)
		if (i == 0 || i > added)
			add(line, json_string_value(word));
	return 0;
}

/* What is replicated is what was found: a bundle in which something is false has found nothing. */
static int replicate(const struct hm_args *args, struct hm_compared *first, struct hm_fail *fail)
{
	HM_CLEANUP(release_line) struct line line = { .count = 0 };
	HM_CLEANUP(hm_args_release) struct hm_args assess = { 0 };
	HM_JSON json_t *plan = NULL;
	int r;

	hm_program_working("verifying the first");
	r = hm_compared_open(first, args->operand[0], fail);
	hm_program_done();
	if (r < 0)
		return r;
	r = read_plan(&plan, first, fail);
	if (r == 0)
		r = compose(&line, args, plan, fail);
	if (r < 0)
		return hm_fail_in(fail, "replicating %s", args->operand[0]);
	r = hm_args_parse(&assess, &hm_cmd_assess, line.count, line.word, fail);
	return r < 0 ? r : hm_assess_command(&assess, &first->verified, fail);
}

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_compared_release) struct hm_compared first = { 0 }, again = { 0 };
	int r;

	if (!hm_args_get(args, "output"))
		return hm_fail_set(fail, HM_E_USAGE, "usage: hallmark replicate %s", args->command->usage);
	r = replicate(args, &first, fail);
	if (r >= 0)
		r = hm_compared_open(&again, hm_args_get(args, "output"), fail);
	return r < 0 ? r : hm_comparison(&first, &again, NULL, hm_args_has(args, "json"), hm_args_has(args, "quiet"), fail);
}

const struct hm_command hm_cmd_replicate = {
	.name = "replicate",
	.summary = "make an assessment again, with fresh secrets",
	.usage = "BUNDLE -o NEW.hallmark [--key FILE] [--product NAME] [--log DIR|URL]",
	.detail = "Assesses what BUNDLE assessed, by its plan and with a seed of its own, tells which findings agree, and writes\n"
		  "NEW, a bundle that names the first by its id. Both are verified; verify BUNDLE --replication NEW shows it to\n"
		  "others. Needs root, and the product.\n\n"
		  "exit: 0 the same verdicts and influence; 1 different, or BUNDLE is false or malformed; 2 not comparable (another\n"
		  "claim set or semantics); 3 the plan cannot be followed here; 4 could not run, and no bundle was written.",
	.min = 1,
	.max = 1,
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
