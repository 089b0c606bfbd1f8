#include "commands.h"

#include <time.h>

#include "data.h"
#include "decide.h"
#include "decide_subject.h"
#include "found_files.h"
#include "fs.h"
#include "program.h"

#define POLICY_MAX (4u << 20)

static const struct hm_option options[] = {
	{ "policy", 'p', "NAME|FILE", false, "the policy: one of data/policies, or a file" },
	{ "classification", 'c', "LEVEL", false, "of the system, as the policy calls it" },
	{ "scope", 's', "ID", true, "what is true of the system besides; the policy lists it" },
	{ "found", 'f', "FILE", true, "what hallmark find --json wrote; of several machines together" },
	{ "db", 0, "FILE", false, "the last run that hallmark find kept there" },
	{ "bundle", 'b', "FILE.hallmark", true, "alone: the product that this assessment is of; with --found: it counts for items of the same build" },
	{ "product", 0, "NAME", false, "a product of data/products" },
	{ "key", 'k', "PUB", true, "with --bundle: trust this public key (PEM)" },
	{ "replication", 0, "FILE.hallmark", true, "with --bundle: count who signed this replication of it" },
	{ "log", 'l', "POLICY", false, "with --bundle: a log and witnesses of this tlog-policy file must have it" },
	{ "exemption", 'e', "ID", true, "an exemption of the policy that was granted" },
	{ "unknown", 0, "ANSWER", false, "of components that name no supplier: allowed, \"sealed only\", \"cannot tell\" or prohibited, not what the policy says" },
	{ "as-of", 0, "YYYY-MM-DD", false, "the day that is asked about, not today" },
	{ "suppliers", 0, "DIR", true, "more supplier tables" },
	{ "json", 'j', NULL, false, "print hallmark/decision/v1" },
};

static void today(char day[11])
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(day, 11, "%Y-%m-%d", &tm);
}

/* A name is of data/policies; what holds a slash or a dot is a file. */
static int read_policy(struct hm_decide_policy **policy, const char *data, const char *name, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	bool file = strchr(name, '/') || access(name, R_OK) == 0;
	HM_FREE char *path = file ? hm_strdup(name) : hm_sprintf("%s/policies/%s.json", data, name);
	int r = hm_fs_read(&text, path, POLICY_MAX, fail);

	if (r < 0)
		return file ? r : hm_fail_advise(fail, "policies: ls %s/policies", data);
	return hm_decide_policy_read(policy, hm_slice_of(&text), path, fail);
}

static int read_tables(struct hm_suppliers **tables, const char *data, const struct hm_args *args, struct hm_fail *fail)
{
	size_t count;
	const char *const *more = hm_args_all(args, "suppliers", &count);
	HM_FREE const char **folder = hm_alloc(count + 1, sizeof(*folder));
	HM_FREE char *own = hm_sprintf("%s/suppliers", data);

	folder[0] = own;
	for (size_t i = 0; i < count; i++)
		folder[i + 1] = more[i];
	return hm_suppliers_load(tables, folder, count + 1, fail);
}

/* Of what is decided: one of the four, but that bundles may stand beside an inventory. */
static int check_subject(const struct hm_args *args, const struct hm_decide_trust *trust, size_t bundles, struct hm_fail *fail)
{
	bool found = hm_args_has(args, "found"), db = hm_args_has(args, "db"), product = hm_args_has(args, "product");

	if (found + db + product + (bundles && !found && !db) != 1 || (product && bundles))
		return hm_fail_set(fail, HM_E_USAGE, "one of --found, --db, --bundle and --product; --bundle may stand beside --found and --db");
	if ((trust->keys || trust->replications || trust->log) && !bundles)
		return hm_fail_set(fail, HM_E_USAGE, "--key, --replication and --log go with --bundle");
	if (bundles > 1 && !found && !db)
		return hm_fail_set(fail, HM_E_USAGE, "several bundles go with --found or --db");
	return 0;
}

static int read_found(struct hm_decide_subject *subject, struct hm_decide_question *q, const char *data, const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_suppliers_cleanup) struct hm_suppliers *tables = NULL;
	size_t count;
	const char *const *file = hm_args_all(args, "found", &count);
	int r;

	q->kind = "found";
	q->name = count ? file[0] : hm_args_get(args, "db");
	if (count)
		return hm_found_files_read(&subject->found, file, count, fail);
	r = read_tables(&tables, data, args, fail);
	return r < 0 ? r : hm_found_files_past(&subject->found, q->name, tables, fail);
}

static int read_subject(struct hm_decide_subject *subject, struct hm_decide_question *q, const char *data, const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_suppliers_cleanup) struct hm_suppliers *tables = NULL;
	struct hm_decide_trust trust = { .log = hm_args_get(args, "log") };
	const char *const *bundle;
	size_t bundles;
	int r;

	trust.key = hm_args_all(args, "key", &trust.keys);
	trust.replication = hm_args_all(args, "replication", &trust.replications);
	bundle = hm_args_all(args, "bundle", &bundles);
	r = check_subject(args, &trust, bundles, fail);
	if (r < 0)
		return r;
	if (hm_args_has(args, "found") || hm_args_has(args, "db")) {
		r = read_found(subject, q, data, args, fail);
		if (r == 0 && bundles)
			r = hm_decide_subject_beside(subject, bundle, bundles, &trust, fail);
		q->bundles = subject->bundles;
		return r;
	}
	q->kind = bundles ? "bundle" : "product";
	q->name = hm_args_get(args, q->kind);
	r = read_tables(&tables, data, args, fail);
	if (r == 0 && bundles)
		r = hm_decide_subject_bundle(subject, tables, q->name, &trust, q->as_of, fail);
	else if (r == 0)
		r = hm_decide_subject_product(subject, tables, data, q->name, q->as_of, fail);
	q->bundles = subject->bundles;
	return r;
}

static const char *text_of(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static void put_rule(struct hm_bytes *out, const json_t *decision, const char *id)
{
	const json_t *rule;
	size_t i;

	json_array_foreach (json_object_get(decision, "rules"), i, rule) {
		if (strcmp(text_of(rule, "id"), id) != 0)
			continue;
		if (json_is_string(json_object_get(rule, "quote")))
			hm_bytes_printf(out, "  \"%s\"\n", text_of(rule, "quote"));
		else
			hm_bytes_text(out, "  (no words of the rule were read)\n");
		hm_bytes_printf(out, "  %s\n  read as: %s\n", text_of(rule, "source"), text_of(rule, "about"));
	}
}

static void put_changes(struct hm_bytes *out, const json_t *list, const char *indent)
{
	const json_t *row;
	size_t i;

	json_array_foreach (list, i, row)
		hm_bytes_printf(out, "%s%s: %s\n", indent, text_of(row, "to"), text_of(row, "detail"));
}

/* A target's own name, which is foreign bytes. */
static void put_foreign(struct hm_bytes *out, const char *before, const json_t *object, const char *name)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };
	struct hm_fail fail;

	if (hm_json_get_bytes(object, name, &bytes, &fail) < 0 || !bytes.len)
		return;
	hm_bytes_text(out, before);
	for (size_t i = 0; i < bytes.len; i++)
		if (bytes.data[i] < ' ' || bytes.data[i] == 0x7f || (json_object_get(object, name) == NULL && bytes.data[i] >= 0x80))
			hm_bytes_printf(out, "\\x%02x", bytes.data[i]);
		else
			hm_bytes_u8(out, bytes.data[i]);
}

static void put_part(struct hm_bytes *out, const json_t *part)
{
	const json_t *fact;
	size_t i;

	hm_bytes_printf(out, "\n%-12s %s%s%s", text_of(part, "answer"), text_of(part, "supplier"), *text_of(part, "product") ? ", " : "", text_of(part, "product"));
	hm_bytes_printf(out, " (%s, %s%s)", text_of(part, "relation"), text_of(part, "state"), json_is_true(json_object_get(part, "candidate")) ? ", not enough evidence" : "");
	put_foreign(out, " in ", part, "outer");
	put_foreign(out, " of ", part, "target");
	if (json_is_string(json_object_get(part, "rule")))
		hm_bytes_printf(out, "; rule %s%s%s", text_of(part, "rule"), json_is_string(json_object_get(part, "exception")) ? ", unless " : "", text_of(part, "exception"));
	hm_bytes_u8(out, '\n');
	json_array_foreach (json_object_get(part, "facts"), i, fact) {
		hm_bytes_printf(out, "             %s %s", text_of(fact, "fact"), text_of(fact, "value"));
		if (json_is_string(json_object_get(fact, "source")))
			hm_bytes_printf(out, " (%s; %s)", text_of(fact, "confidence"), text_of(fact, "source"));
		hm_bytes_u8(out, '\n');
	}
}

static const char *const answers[] = { "prohibited", "cannot tell", "sealed only", "allowed" }; /* the worst first */

/* Of several systems: how many of each answer, and which are not allowed, the worst first. */
static void put_targets(struct hm_bytes *out, const json_t *targets)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes names = { 0 };
	const json_t *row;
	size_t i;

	if (json_array_size(targets) < 2)
		return;
	hm_bytes_printf(out, "\n%zu systems:", json_array_size(targets));
	for (size_t a = 0; a < HM_COUNT(answers); a++) {
		size_t n = 0;

		json_array_foreach (targets, i, row) {
			if (strcmp(text_of(row, "answer"), answers[a]) != 0)
				continue;
			n++;
			if (strcmp(answers[a], "allowed") == 0)
				continue;
			hm_bytes_printf(&names, "  %-12s", answers[a]);
			put_foreign(&names, "", row, "target");
			hm_bytes_printf(&names, "%s%s\n", json_is_string(json_object_get(row, "rule")) ? "; rule " : "", text_of(row, "rule"));
		}
		hm_bytes_printf(out, "%s %zu %s", a ? "," : "", n, answers[a]);
	}
	hm_bytes_u8(out, '\n');
	hm_bytes_append(out, names.data, names.len);
}

static int print_table(const json_t *decision, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	const json_t *row, *policy = json_object_get(decision, "policy"), *changes = json_object_get(decision, "would_change");
	size_t i;

	hm_bytes_printf(&out, "%s\n", text_of(policy, "title"));
	hm_bytes_printf(&out, "policy %s, as of %s", text_of(policy, "id"), text_of(decision, "as_of"));
	if (json_is_string(json_object_get(decision, "level")))
		hm_bytes_printf(&out, ", system at %s", text_of(decision, "level"));
	json_array_foreach (json_object_get(decision, "scopes"), i, row)
		hm_bytes_printf(&out, ", %s", json_string_value(row));
	if (json_is_string(json_object_get(json_object_get(decision, "subject"), "made")))
		hm_bytes_printf(&out, "; inventory of %s", text_of(json_object_get(decision, "subject"), "made"));
	hm_bytes_printf(&out, "\n\n%s", text_of(decision, "answer"));
	if (json_is_string(json_object_get(decision, "rule")))
		hm_bytes_printf(&out, ", by the rule %s:\n", text_of(decision, "rule"));
	else
		hm_bytes_u8(&out, '\n');
	put_rule(&out, decision, text_of(decision, "rule"));
	put_targets(&out, json_object_get(decision, "targets"));
	for (size_t a = 0; a < HM_COUNT(answers); a++)
		json_array_foreach (json_object_get(decision, "parts"), i, row)
			if (strcmp(text_of(row, "answer"), answers[a]) == 0)
				put_part(&out, row);
	json_array_foreach (json_object_get(decision, "facts"), i, row)
		hm_bytes_printf(&out, "%s%s %s\n", i ? "" : "\n", text_of(row, "fact"), text_of(row, "value"));
	if (json_array_size(changes))
		hm_bytes_text(&out, "\nwhat would change it:\n");
	else if (strcmp(text_of(decision, "answer"), "allowed") != 0)
		hm_bytes_text(&out, "\nthe policy knows of nothing that would change it\n");
	put_changes(&out, changes, "  ");
	/* Names in found.json are the target's: nothing that steers a terminal gets out. */
	for (i = 0; i < out.len; i++)
		if ((out.data[i] < 0x20 && out.data[i] != '\n') || out.data[i] == 0x7f)
			out.data[i] = '?';
	return hm_program_print(hm_slice_of(&out), fail);
}

static int print_json(const json_t *decision, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	hm_json_write(&out, decision);
	hm_bytes_u8(&out, '\n');
	return hm_program_print(hm_slice_of(&out), fail);
}

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_FREE char *data = NULL;
	HM_CLEANUP(hm_decide_policy_cleanup) struct hm_decide_policy *policy = NULL;
	HM_CLEANUP(hm_decide_subject_release) struct hm_decide_subject subject = { 0 };
	HM_JSON json_t *decision = NULL;
	struct hm_decide_question q = { .level = hm_args_get(args, "classification"), .unknown = hm_args_get(args, "unknown") };
	char day[11];
	int r;

	today(day);
	q.as_of = hm_args_has(args, "as-of") ? hm_args_get(args, "as-of") : day;
	q.scope = hm_args_all(args, "scope", &q.scopes);
	q.exemption = hm_args_all(args, "exemption", &q.exemptions);
	if (!hm_args_has(args, "policy"))
		return hm_fail_set(fail, HM_E_USAGE, "--policy: which one");
	r = hm_data_folder(&data, fail);
	if (r == 0)
		r = read_policy(&policy, data, hm_args_get(args, "policy"), fail);
	if (r == 0)
		r = read_subject(&subject, &q, data, args, fail);
	if (r == 0)
		r = hm_decide(&decision, policy, subject.found, &q, fail);
	if (r < 0)
		return r;
	r = hm_args_has(args, "json") ? print_json(decision, fail) : print_table(decision, fail);
	return r < 0 ? r : hm_decide_exit(decision);
}

const struct hm_command hm_cmd_decide = {
	.name = "decide",
	.summary = "say what a policy makes of what was found, of a bundle or of a product",
	.usage = "--policy NAME|FILE [--classification LEVEL] [--scope ID]... (--found FILE... | --db FILE | --bundle FILE | --product NAME) [OPTION...]",
	.detail = "Holds each item of a found.json, the product of a bundle or a product that is known by name against the rules\n"
		  "of a policy (doc/format/policy.md), and tells the answer, the rule with its words and source, the facts, and\n"
		  "what would change the answer; of several systems, which are prohibited, and of which it cannot be told.\n"
		  "What is not known never lets anything pass.\n\n"
		  "exit: 0 allowed; 1 prohibited; 2 allowed only sealed, or cannot tell.",
	.min = 0,
	.max = 0,
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
