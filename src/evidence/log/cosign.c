/* Witnesses are asked one after the other; what a witness answers is only ever a line that its key signed, or a number. */
#include "log_internal.h"

#include "lines.h"
#include "text.h"
#include "web.h"

#define ANSWER_MAX 65536

/* "old SIZE", proof, empty line, checkpoint. */
static int make_body(struct hm_log *log, uint64_t old, struct hm_bytes *body, struct hm_fail *fail)
{
	HM_CLEANUP(hm_tree_cleanup) struct hm_tree *tree = hm_tree_open(hm_folder_source(&log->folder), hm_log_size(log));
	struct hm_sha256 proof[HM_PROOF_MAX];
	size_t count = 0;
	int r = old ? hm_tree_consistency(tree, old, proof, &count, fail) : 0;

	hm_bytes_printf(body, "old %llu\n", (unsigned long long)old);
	for (size_t i = 0; i < count; i++) {
		hm_text_base64(body, (struct hm_slice){ proof[i].b, HM_SHA256_LEN });
		hm_bytes_u8(body, '\n');
	}
	hm_bytes_u8(body, '\n');
	hm_bytes_slice(body, hm_slice_of(&log->note));
	return r;
}

/* Moves the line by the witness's key, if it is there and good. */
static bool take_line(const struct hm_log *log, const struct hm_vkey *key, struct hm_slice answer, struct hm_bytes *note)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes whole = { 0 };
	struct hm_note parsed;
	struct hm_fail fail;
	uint64_t time;

	hm_bytes_slice(&whole, hm_slice_of(&log->note));
	hm_bytes_slice(&whole, answer);
	if (hm_note_parse(&parsed, hm_slice_of(&whole), &fail) < 0 || hm_note_check(&parsed, key, &time) != HM_NOTE_GOOD)
		return false;
	for (size_t i = 0; i < parsed.count; i++) {
		struct hm_note_signature *s = &parsed.signature[i];

		if (hm_slice_eq(s->name, hm_slice_text(key->name)) && memcmp(s->id, key->id, 4) == 0) {
			hm_bytes_slice(note, s->line);
			return true;
		}
	}
	return false;
}

static int ahead(const struct hm_log *log, const struct hm_vkey *key, uint64_t size, struct hm_fail *fail)
{
	return hm_fail_set(fail, HM_E_BAD, "witness %s has cosigned %llu entries of this log, and %llu were signed here last: log and key came from an older copy "
					   "(put the newer ones back)",
			   key->name, (unsigned long long)size, (unsigned long long)hm_log_size(log));
}

/* 0 cosigned, 1 not and `why` tells, or an error that ends it all. Asked a second time with the size that the witness tells. */
static int ask(struct hm_log *log, size_t which, const struct hm_vkey *key, const char *url, struct hm_bytes *note, struct hm_fail *why,
	       struct hm_fail *fail)
{
	HM_FREE char *target = hm_sprintf("%s%sadd-checkpoint", url, url[strlen(url) - 1] == '/' ? "" : "/");

	for (int attempt = 0; attempt < 2; attempt++) {
		HM_CLEANUP(hm_web_answer_release) struct hm_web_answer answer = { 0 };
		HM_CLEANUP(hm_bytes_release) struct hm_bytes body = { 0 };
		struct hm_cursor c;
		uint64_t size;
		int r = make_body(log, log->known[which], &body, fail);

		if (r < 0)
			return r;
		if (hm_web_post(target, hm_slice_of(&body), ANSWER_MAX, &answer, why) < 0)
			return 1;
		if (answer.status == 200 && take_line(log, key, hm_slice_of(&answer.body), note)) {
			log->known[which] = hm_log_size(log);
			return 0;
		}
		if (answer.status == 422)
			return hm_fail_set(fail, HM_E_BAD, "witness %s has cosigned another tree of %llu entries than this log had: two versions were signed (log and key came "
							   "from an older copy, or the witness is faulty)",
					   key->name, (unsigned long long)log->known[which]);
		c = hm_cursor_of(hm_slice_of(&answer.body));
		if (answer.status != 409 || !hm_line_number(&size, hm_line(&c)) || size == log->known[which]) {
			hm_fail_set(why, HM_E_SYSTEM, "it answered %d without a good cosignature", answer.status);
			return 1;
		}
		if (size > hm_log_size(log))
			return ahead(log, key, size, fail);
		log->known[which] = size;
	}
	hm_fail_set(why, HM_E_SYSTEM, "it tells another size each time");
	return 1;
}

int hm_log_cosign(struct hm_log *log, struct hm_bytes *note, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes missing = { 0 };
	struct hm_policy_outcome outcome;
	const struct hm_vkey *key;
	const char *url;
	int r;

	for (size_t i = 0; (key = hm_policy_witness(log->policy, i, &url)); i++) {
		struct hm_fail why = { 0, "no URL stands in the policy" };

		r = url ? ask(log, i, key, url, note, &why, fail) : 1;
		if (r < 0)
			return r;
		if (r == 1)
			hm_bytes_printf(&missing, "%s%s: %s", missing.len ? "; " : "", key->name, why.text);
	}
	r = hm_policy_check(&outcome, log->policy, hm_slice_of(note), fail);
	if (r < 0)
		return hm_fail_in(fail, "held against the log's own policy");
	if (outcome.quorum)
		return 0;
	return hm_fail_set(fail, HM_E_SYSTEM, "no quorum of witnesses, so nothing was published: %.*s (what was signed is published when they answer: append again)",
			   (int)missing.len, missing.data ? (const char *)missing.data : "");
}
