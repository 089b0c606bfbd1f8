#include "logging.h"

#include "attest.h"
#include "log_files.h"
#include "log.h"
#include "merkle.h"
#include "program.h"
#include "signer.h"
#include "submission.h"
#include "web.h"

struct opened {
	struct hm_policy *policy;
	struct hm_log *log;
};

static void release(struct opened *o)
{
	hm_log_close(o->log);
	hm_policy_free(o->policy);
}

static int open_log(struct opened *o, const struct hm_logging *l, struct hm_fail *fail)
{
	int r = l->policy ? hm_policy_load(&o->policy, l->policy, fail) : 0;

	if (r == 0)
		r = hm_log_open(&o->log, l->folder, l->key, o->policy, fail);
	if (r == 0 && hm_log_recovered(o->log))
		hm_program_note("log %s: %llu entries of a batch that was interrupted are in it now", l->folder, (unsigned long long)hm_log_recovered(o->log));
	return r;
}

bool hm_logging_is_url(const char *place)
{
	return strncmp(place, "http://", 7) == 0 || strncmp(place, "https://", 8) == 0;
}

/* The checkpoint that the URL shows, by a log that is trusted and under its quorum: whose log it is there. */
static int ask_origin(char **origin, const struct hm_policy *policy, const char *url, struct hm_fail *fail)
{
	HM_CLEANUP(hm_log_files_release) struct hm_log_files files = { .folder = -1 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes note = { 0 };
	struct hm_policy_outcome outcome;
	int r = hm_log_files_open(&files, url, fail);

	if (r == 0)
		r = hm_folder_checkpoint(files.source, &note, fail);
	if (r == 0)
		r = hm_policy_check(&outcome, policy, hm_slice_of(&note), fail);
	if (r == 0 && outcome.checkpoint.size && !outcome.quorum)
		r = hm_fail_set(fail, HM_E_SYSTEM, "the policy's quorum has not cosigned its checkpoint");
	if (r < 0)
		return hm_fail_in(fail, "log %s", url);
	*origin = hm_strdup(outcome.log->name);
	return 0;
}

static int open_url(struct hm_policy **policy, char **origin, const struct hm_logging *l, struct hm_fail *fail)
{
	int r = hm_log_trust(policy, l->policy, l->key, fail);

	return r < 0 ? r : ask_origin(origin, *policy, l->folder, fail);
}

int hm_logging_ready(const struct hm_logging *l, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct opened o = { 0 };
	HM_FREE char *origin = NULL;

	return hm_logging_is_url(l->folder) ? open_url(&o.policy, &origin, l, fail) : open_log(&o, l, fail);
}

struct author {
	struct hm_signer *signer;
	struct hm_pubkey *public;
};

static void release_author(struct author *a)
{
	hm_signer_free(a->signer);
	hm_pubkey_free(a->public);
}

static int load_author(struct author *a, const char *key, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pem = { 0 };
	int r = hm_signer_load(&a->signer, key, fail);

	if (r == 0)
		r = hm_signer_public(a->signer, &pem, fail);
	return r < 0 ? r : hm_pubkey_parse(&a->public, hm_slice_of(&pem), fail);
}

/* The receipt that a stranger's log gave is taken for what the policy makes of it, and gets its `extra`. */
static int take_receipt(const struct hm_policy *policy, struct hm_slice text, struct hm_slice entry, struct hm_slice extra, struct hm_bytes *receipt, struct hm_fail *fail)
{
	HM_CLEANUP(hm_receipt_release) struct hm_receipt given = { .count = 0 };
	struct hm_policy_outcome outcome;
	struct hm_sha256 leaf;
	int r = hm_receipt_parse(&given, text, fail);

	hm_merkle_leaf(&leaf, &entry, 1);
	if (r == 0)
		r = hm_receipt_check(&outcome, &given, &leaf, policy, fail);
	if (r == 0 && !outcome.quorum)
		r = hm_fail_set(fail, HM_E_SYSTEM, "the policy's quorum has not cosigned");
	if (r < 0)
		return hm_fail_in(fail, "the log's receipt");
	given.extra.len = 0;
	hm_bytes_slice(&given.extra, extra);
	hm_receipt_write(receipt, &given);
	return 0;
}

static int post(const struct hm_logging *l, struct hm_slice body, struct hm_web_answer *answer, struct hm_fail *fail)
{
	HM_FREE char *url = hm_sprintf("%s%sadd-entry", l->folder, l->folder[strlen(l->folder) - 1] == '/' ? "" : "/");
	int r = hm_web_post(url, body, HM_RECEIPT_MAX, answer, fail);

	if (r < 0 || answer->status == 200)
		return r;
	return hm_fail_set(fail, HM_E_SYSTEM, "%s: it answered %d: %.*s", url, answer->status, (int)(answer->body.len < 300 ? answer->body.len : 300), (const char *)answer->body.data);
}

static int submit(const struct hm_logging *l, const struct author *author, struct hm_slice entry, struct hm_slice extra, struct hm_bytes *receipt, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes message = { 0 }, signature = { 0 }, body = { 0 };
	HM_CLEANUP(hm_web_answer_release) struct hm_web_answer answer = { 0 };
	HM_CLEANUP(hm_policy_cleanup) struct hm_policy *policy = NULL;
	HM_FREE char *origin = NULL;
	int r = open_url(&policy, &origin, l, fail);

	if (r < 0)
		return r;
	hm_submission_message(&message, origin, entry);
	r = hm_signer_sign(author->signer, hm_slice_of(&message), &signature, fail);
	if (r < 0)
		return r;
	hm_submission_write(&body, hm_pubkey_spki(author->public), hm_slice_of(&signature), entry);
	r = post(l, hm_slice_of(&body), &answer, fail);
	return r < 0 ? r : take_receipt(policy, hm_slice_of(&answer.body), entry, extra, receipt, fail);
}

/* Whether the entry is in the log already: whoever could not publish it before finds it there. 1 with its index, 0 without. */
static int find(struct hm_tile_source source, uint64_t size, struct hm_slice entry, uint64_t *index, struct hm_fail *fail)
{
	HM_CLEANUP(hm_tree_cleanup) struct hm_tree *tree = hm_tree_open(source, size);
	struct hm_sha256 leaf, there;

	hm_merkle_leaf(&leaf, &entry, 1);
	for (*index = 0; *index < size; ++*index) {
		int r = hm_tree_leaf(tree, *index, &there, fail);

		if (r < 0)
			return r;
		if (memcmp(&leaf, &there, sizeof(leaf)) == 0)
			return 1;
	}
	return 0;
}

static int append(const struct hm_logging *l, const struct author *author, struct hm_slice entry, struct hm_slice extra, struct hm_bytes *receipt, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct opened o = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes note = { 0 };
	HM_CLOSE int fd = -1;
	struct hm_tile_source source = hm_folder_source(&fd);
	uint64_t index;
	int r;

	if (hm_logging_is_url(l->folder))
		return submit(l, author, entry, extra, receipt, fail);
	fd = hm_folder_open(l->folder, fail);
	r = fd < 0 ? fd : open_log(&o, l, fail);
	if (r == 0)
		r = find(source, hm_log_size(o.log), entry, &index, fail);
	if (r == 0)
		r = hm_log_append(o.log, &entry, 1, &index, fail);
	else if (r == 1)
		r = 0;
	if (r == 0)
		r = hm_folder_checkpoint(source, &note, fail);
	return r < 0 ? r : hm_folder_receipt(source, hm_slice_of(&note), index, extra, receipt, fail);
}

int hm_logging_attestation(const struct hm_logging *l, const char *assessor_key, struct hm_slice statement, struct hm_slice signature, struct hm_bytes *receipt, struct hm_fail *fail)
{
	HM_CLEANUP(release_author) struct author author = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes entry = { 0 };
	int r = load_author(&author, assessor_key, fail);

	if (r < 0)
		return r;
	hm_entry_attestation(&entry, statement, signature, hm_pubkey_spki(author.public));
	return append(l, &author, hm_slice_of(&entry), hm_pubkey_spki(author.public), receipt, fail);
}

int hm_logging_plan(const struct hm_logging *l, const char *assessor_key, struct hm_slice plan, struct hm_bytes *receipt, struct hm_fail *fail)
{
	HM_CLEANUP(release_author) struct author author = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pae = { 0 }, signature = { 0 }, entry = { 0 }, extra = { 0 };
	int r = load_author(&author, assessor_key, fail);

	if (r < 0)
		return r;
	hm_dsse_pae(&pae, HM_PLAN_TYPE, plan);
	r = hm_signer_sign(author.signer, hm_slice_of(&pae), &signature, fail);
	if (r < 0)
		return r;
	hm_entry_plan(&entry, plan, hm_slice_of(&signature), hm_pubkey_spki(author.public));
	hm_bytes_slice(&extra, hm_pubkey_spki(author.public));
	hm_bytes_slice(&extra, hm_slice_of(&signature));
	return append(l, &author, hm_slice_of(&entry), hm_slice_of(&extra), receipt, fail);
}
