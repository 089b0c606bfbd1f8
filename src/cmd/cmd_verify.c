#include "commands.h"

#include "beside.h"
#include "fs.h"
#include "json.h"
#include "program.h"
#include "replications.h"
#include "replies.h"
#include "report.h"
#include "verify.h"
#include "verify_log.h"

static const struct hm_option options[] = {
	{ "key", 'k', "PUB", true, "trust this public key (PEM)" },
	{ "log", 'l', "POLICY", false, "demand that a log and witnesses of this tlog-policy file have it" },
	{ "require", 'r', "CLAIM,..", true, "exit 1 unless these claims are upheld" },
	{ "statement", 0, "FILE", true, "hold this statement beside the bundle (hallmark attest) against it" },
	HM_REPLIES_OPTIONS,
	{ "replication", 0, "FILE.hallmark", true, "hold this replication of the bundle against it" },
	{ "replicated", 0, "K", false, "exit 1 unless so many other keys signed replications that agree" },
	{ "json", 'j', NULL, false, "print the checks as JSON" },
	{ "quiet", 'q', NULL, false, "print nothing; the exit code tells" },
	{ "report", 0, "FILE.html", false, "write the report of a bundle whose integrity holds" },
};

/* Everything a verification holds on to, let go in one place. */
struct verification {
	struct hm_map map;
	struct hm_verify result;
	struct hm_pubkey **keys;
	size_t key_count;
	char **require;
	size_t require_count;
	struct hm_policy *policy;
	struct hm_replies replies;
	json_t *said; /* what suppliers say and what holds of it */
};

static void release(struct verification *v)
{
	hm_verify_release(&v->result);
	for (size_t i = 0; i < v->key_count; i++)
		hm_pubkey_free(v->keys[i]);
	for (size_t i = 0; i < v->require_count; i++)
		free(v->require[i]);
	free(v->keys);
	hm_policy_free(v->policy);
	hm_replies_release(&v->replies);
	json_decref(v->said);
	free(v->require);
	hm_fs_unmap(&v->map);
}

static int load_keys(struct verification *v, const struct hm_args *args, struct hm_fail *fail)
{
	size_t count;
	const char *const *paths = hm_args_all(args, "key", &count);

	v->keys = hm_alloc(count, sizeof(*v->keys));
	for (size_t i = 0; i < count; i++) {
		int r = hm_pubkey_load(&v->keys[i], paths[i], fail);

		if (r < 0)
			return r;
		v->key_count++;
	}
	return 0;
}

static void split_require(struct verification *v, const struct hm_args *args)
{
	size_t count;
	const char *const *lists = hm_args_all(args, "require", &count);

	for (size_t i = 0; i < count; i++) {
		for (const char *at = lists[i]; *at;) {
			const char *end = strchrnul(at, ',');

			v->require = hm_realloc(v->require, v->require_count + 1, sizeof(*v->require));
			v->require[v->require_count++] = hm_slice_dup((struct hm_slice){ (const uint8_t *)at, (size_t)(end - at) });
			at = *end ? end + 1 : end;
		}
	}
}

/* report.html stands outside core and manifest: it is made again and compared. */
static void check_report(struct hm_verify *v)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	struct hm_fail fail = { 0 };
	struct hm_slice there;

	if (!v->parts || !hm_parts_get(v->parts, "report.html", &there))
		return;
	if (hm_report_version(there) && hm_report_version(there) != HM_REPORT_VERSION)
		hm_verify_say(v, "report", HM_CHECK_UNCHECKED, "made by version %u of the report; this is %u and cannot make it again",
			      hm_report_version(there), HM_REPORT_VERSION);
	else if (hm_report_html(&again, v->parts, &fail) < 0)
		hm_verify_say(v, "report", HM_CHECK_FALSE, "cannot be made again: %s", fail.text);
	else if (!hm_slice_eq(hm_slice_of(&again), there))
		hm_verify_say(v, "report", HM_CHECK_FALSE, "report.html is not the report of this bundle");
	else
		hm_verify_say(v, "report", HM_CHECK_HOLDS, "made again, same %zu bytes", there.len);
}

static const char *const outcome_text[] = { "holds", "FALSE", "unchecked" };

/* Of a bundle of which something is withheld, what that leaves of each claim. */
static void put_claims(struct hm_bytes *out, const struct hm_verify *v)
{
	HM_JSON json_t *claims = NULL;
	const json_t *row;
	size_t i;

	if (!v->claims.len || hm_json_parse(&claims, hm_slice_of(&v->claims), "claims", NULL) < 0)
		return;
	json_array_foreach (claims, i, row)
		if (strcmp(json_string_value(json_object_get(row, "verdict")), "not tested") != 0)
			hm_bytes_printf(out, "  %-17s %-22s said to be %s\n", json_string_value(json_object_get(row, "status")),
					json_string_value(json_object_get(row, "id")), json_string_value(json_object_get(row, "verdict")));
}

static int print_table(const struct hm_verify *v, const json_t *said, const char *path, struct hm_fail *fail)
{
	static const char *const summary[] = { "everything that was asked for holds", "FALSE or malformed",
					       "sound as far as checked; something was not checked" };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	hm_bytes_printf(&out, "%s\n", path);
	if (v->bundle_id[0])
		hm_bytes_printf(&out, "bundle sha256:%s\n", v->bundle_id);
	for (size_t i = 0; i < v->rows; i++)
		hm_bytes_printf(&out, "  %-10s %-12s %s\n", outcome_text[v->row[i].outcome], v->row[i].name, v->row[i].detail);
	put_claims(&out, v);
	hm_replies_tell(&out, said);
	hm_bytes_printf(&out, "%s\n", summary[hm_verify_exit(v)]);
	/* Details may quote foreign bytes: nothing that steers a terminal gets out. */
	for (size_t i = 0; i < out.len; i++)
		if ((out.data[i] < 0x20 && out.data[i] != '\n') || out.data[i] == 0x7f)
			out.data[i] = '?';
	return hm_program_print(hm_slice_of(&out), fail);
}

static int print_json(const struct hm_verify *v, json_t *said, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	HM_JSON json_t *document = json_object(), *claims = NULL;
	json_t *rows = json_array();

	json_object_set_new(document, "schema", json_string("hallmark/verification/v1"));
	json_object_set_new(document, "bundle", v->bundle_id[0] ? json_sprintf("sha256:%s", v->bundle_id) : json_null());
	json_object_set_new(document, "exit", json_integer(hm_verify_exit(v)));
	for (size_t i = 0; i < v->rows; i++) {
		json_t *row = json_object();

		json_object_set_new(row, "check", json_string(v->row[i].name));
		json_object_set_new(row, "outcome", json_string(outcome_text[v->row[i].outcome]));
		hm_json_set_bytes(row, "detail", hm_slice_text(v->row[i].detail));
		json_array_append_new(rows, row);
	}
	json_object_set_new(document, "checks", rows);
	if (v->claims.len && hm_json_parse(&claims, hm_slice_of(&v->claims), "claims", fail) == 0)
		json_object_set(document, "claims", claims);
	if (json_array_size(said))
		json_object_set(document, "replies", said);
	hm_json_write(&out, document);
	hm_bytes_u8(&out, '\n');
	return hm_program_print(hm_slice_of(&out), fail);
}

static int write_report(const struct hm_verify *v, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = { 0 };
	int r;

	if (hm_verify_exit(v) == 1)
		return hm_fail_set(fail, HM_E_BAD, "writing %s: the bundle is false or malformed, so there is no report of it", path);
	r = hm_report_html(&page, v->parts, fail);
	return r < 0 ? r : hm_fs_write_atomic(path, hm_slice_of(&page), 0644, fail);
}

static int check_replications(struct verification *v, const struct hm_args *args, unsigned demanded, struct hm_fail *fail)
{
	struct hm_replications r = { .demanded = demanded, .keys = v->keys, .key_count = v->key_count };

	r.path = hm_args_all(args, "replication", &r.count);
	return r.count || demanded ? hm_replications_check(&v->result, &r, fail) : 0;
}

static int check_statements(struct verification *v, const struct hm_args *args, struct hm_fail *fail)
{
	size_t count;
	const char *const *path = hm_args_all(args, "statement", &count);

	return hm_beside_check(&v->result, path, count, v->keys, v->key_count, fail);
}

static int read_demand(unsigned *demanded, const struct hm_args *args, struct hm_fail *fail)
{
	const char *text = hm_args_get(args, "replicated");
	char *end;

	*demanded = text ? (unsigned)strtoul(text, &end, 10) : 0;
	if (text && (*text < '1' || *text > '9' || *end || strlen(text) > 3))
		return hm_fail_set(fail, HM_E_USAGE, "--replicated: %s is no number of keys (1 or more)", text);
	return 0;
}

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct verification v = { .said = json_array() };
	unsigned demanded;
	int r = read_demand(&demanded, args, fail);

	if (r == 0)
		r = load_keys(&v, args, fail);
	if (r == 0)
		r = hm_replies_load(&v.replies, args, fail);
	if (r == 0 && hm_args_has(args, "log"))
		r = hm_policy_load(&v.policy, hm_args_get(args, "log"), fail);
	if (r == 0)
		r = hm_fs_map(&v.map, args->operand[0], fail);
	if (r < 0)
		return r;
	split_require(&v, args);
	hm_program_working("verifying");
	r = hm_verify_bundle(&v.result, v.map.bytes, v.keys, v.key_count, (const char *const *)v.require, v.require_count, fail);
	if (r < 0)
		return r;
	check_report(&v.result);
	if (v.policy)
		hm_verify_log(&v.result, v.policy);
	r = check_statements(&v, args, fail);
	if (r == 0)
		r = hm_replies_check(&v.result, &v.replies, v.said, fail);
	if (r == 0)
		r = check_replications(&v, args, demanded, fail);
	if (r < 0)
		return r;
	hm_program_done();
	if (hm_args_has(args, "json"))
		r = print_json(&v.result, v.said, fail);
	else if (!hm_args_has(args, "quiet"))
		r = print_table(&v.result, v.said, args->operand[0], fail);
	if (r == 0 && hm_args_has(args, "report"))
		r = write_report(&v.result, hm_args_get(args, "report"), fail);
	return r < 0 ? r : hm_verify_exit(&v.result);
}

const struct hm_command hm_cmd_verify = {
	.name = "verify",
	.summary = "check a bundle: integrity, trust, and every finding derived again",
	.usage = "BUNDLE [--key PUB]... [--log POLICY] [--require CLAIM,..] [--statement FILE]... [--reply FILE --supplier-key PUB]... [--replication FILE]... [--replicated K] [--report FILE.html] [--json]",
	.detail = "Checks container, digests, Merkle roots, seed commitment, statement and signatures of BUNDLE, and\n"
		  "derives its findings again from the recorded events: the same bytes must come out. Needs no root and\n"
		  "no network. Each line tells one check and whether it holds, is false, or was not checked.\n\n"
		  "exit: 0 everything asked for was checked and holds, whatever the verdicts; 1 anything false or\n"
		  "malformed, or a required claim not upheld; 2 sound as far as checked, but something was not (no --key,\n"
		  "no log, a version that this program does not know).",
	.min = 1,
	.max = 1,
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
