/* Attestations: one line a signer, sorted by key id, each over the statement that the bundle calls for, and each with its
 * Sigstore bundle beside it. Nothing in them is taken on trust: all but the signature is made again and compared. */
#include "verify_internal.h"

#include "attest.h"

void hm_verify_envelopes_release(struct envelopes *e)
{
	for (size_t i = 0; i < e->count; i++) {
		hm_bytes_release(&e->list[i].statement);
		hm_bytes_release(&e->list[i].signature);
	}
}

static int read_line(struct envelopes *e, struct hm_slice line, struct hm_fail *fail)
{
	struct envelope *envelope = &e->list[e->count];
	int r;

	if (e->count == HM_SIGNERS_MAX)
		return hm_fail_set(fail, HM_E_BAD, "more than %d signatures", HM_SIGNERS_MAX);
	e->count++;
	r = hm_attest_read(line, &envelope->statement, envelope->keyid, &envelope->signature, fail);
	if (r < 0)
		return r;
	if (e->count > 1 && strcmp(envelope[-1].keyid, envelope->keyid) >= 0)
		return hm_fail_set(fail, HM_E_BAD, "signatures are not in order of their keys, or one key signed twice");
	return 0;
}

int hm_verify_envelopes(struct envelopes *e, struct hm_slice text, struct hm_fail *fail)
{
	if (!text.len)
		return hm_fail_set(fail, HM_E_BAD, HM_ATTESTATIONS " is empty");
	while (text.len) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;

		if (!end)
			return hm_fail_set(fail, HM_E_BAD, HM_ATTESTATIONS ": the last line does not end");
		if (read_line(e, (struct hm_slice){ text.data, len }, fail) < 0)
			return hm_fail_in(fail, HM_ATTESTATIONS ": line %zu", e->count);
		text.data += len + 1;
		text.len -= len + 1;
	}
	return 0;
}

static void check_statement(struct check *c, const struct envelopes *e)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	struct hm_fail fail = { 0 };
	int r = hm_attest_statement(&again, c->parts, &fail);

	if (r < 0) {
		hm_verify_say(c->v, "statement", hm_verify_outcome(r), "%s", fail.text);
		return;
	}
	for (size_t i = 0; i < e->count; i++) {
		if (hm_slice_eq(hm_slice_of(&again), hm_slice_of(&e->list[i].statement)))
			continue;
		hm_verify_say(c->v, "statement", HM_CHECK_FALSE, "key %s signed another statement than this bundle calls for",
			      e->list[i].keyid);
		return;
	}
	hm_verify_say(c->v, "statement", HM_CHECK_HOLDS, "made again from the bundle: the same %zu bytes", again.len);
}

static const struct hm_pubkey *key_with_id(const struct check *c, const char *id)
{
	for (size_t i = 0; i < c->key_count; i++)
		if (strcmp(hm_pubkey_id(c->keys[i]), id) == 0)
			return c->keys[i];
	return NULL;
}

/* True when the envelope is by a key that is trusted, good or not. */
static bool check_signature(struct check *c, const struct envelope *e)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pae = { 0 };
	const struct hm_pubkey *key = key_with_id(c, e->keyid);

	if (!key) {
		hm_verify_say(c->v, "signature", HM_CHECK_UNCHECKED, "by key %s, %s", e->keyid,
			      c->key_count ? "which is none of those given" : "and no key was given to check it: integrity only");
		return false;
	}
	hm_dsse_pae(&pae, HM_PAYLOAD_TYPE, hm_slice_of(&e->statement));
	if (hm_signature_check(key, hm_slice_of(&pae), hm_slice_of(&e->signature), true)) {
		hm_verify_say(c->v, "signature", HM_CHECK_HOLDS, "by key %s", e->keyid);
		for (size_t i = 0; i < c->key_count && i < 64; i++)
			c->v->signers |= (uint64_t)(c->keys[i] == key) << i;
	} else {
		hm_verify_say(c->v, "signature", HM_CHECK_FALSE, "it is not a signature by key %s", e->keyid);
	}
	return true;
}

static void check_signatures(struct check *c, const struct envelopes *e)
{
	size_t trusted = 0;

	for (size_t i = 0; i < e->count; i++)
		trusted += check_signature(c, &e->list[i]);
	if (c->key_count && !trusted)
		hm_verify_say(c->v, "signature", HM_CHECK_FALSE, "none is by a key that was given");
}

/* What is wrong with the Sigstore bundle of an envelope, or NULL. */
static const char *check_sigstore_of(const struct check *c, const struct envelope *e)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	HM_CLEANUP(hm_logged_release) struct hm_logged logged = { .size = 0 };
	HM_FREE char *name = hm_attest_sigstore_name(e->keyid);
	struct hm_slice there;
	struct hm_fail fail;
	int r;

	if (!name || !hm_parts_get(c->parts, name, &there))
		return "has none";
	r = hm_verify_receipt_of(&logged, c->parts, e, &fail);
	if (r < 0)
		return "has one beside a false receipt";
	hm_attest_sigstore(&again, hm_slice_of(&e->statement), e->keyid, hm_slice_of(&e->signature), r ? &logged : NULL);
	return hm_slice_eq(hm_slice_of(&again), there) ? NULL : "has one that says something else";
}

static size_t sigstore_parts(const struct hm_parts *parts)
{
	size_t count = 0;

	for (size_t i = 0; i < hm_parts_count(parts); i++)
		count += strncmp(hm_parts_at(parts, i, NULL), "attestation-", 12) == 0 && strstr(hm_parts_at(parts, i, NULL), ".sigstore.json");
	return count;
}

static void check_sigstore(struct check *c, const struct envelopes *e)
{
	for (size_t i = 0; i < e->count; i++) {
		const char *wrong = check_sigstore_of(c, &e->list[i]);

		if (!wrong)
			continue;
		hm_verify_say(c->v, "sigstore", HM_CHECK_FALSE, "the envelope by key %s %s", e->list[i].keyid, wrong);
		return;
	}
	if (sigstore_parts(c->parts) != e->count)
		hm_verify_say(c->v, "sigstore", HM_CHECK_FALSE, "there are Sigstore bundles without an envelope");
	else if (e->count)
		hm_verify_say(c->v, "sigstore", HM_CHECK_HOLDS, "each envelope's Sigstore bundle says the same");
}

static void say_no_attestation(struct check *c)
{
	hm_verify_say(c->v, "statement", HM_CHECK_UNCHECKED, "there is none: nobody put his name to this bundle");
	if (c->key_count)
		hm_verify_say(c->v, "signature", HM_CHECK_FALSE, "there is none, and a key was given");
	else
		hm_verify_say(c->v, "signature", HM_CHECK_UNCHECKED, "there is none: integrity only");
}

void hm_verify_trust(struct check *c)
{
	HM_CLEANUP(hm_verify_envelopes_release) struct envelopes e = { 0 };
	struct hm_fail fail = { 0 };
	struct hm_slice text;

	if (!hm_parts_get(c->parts, HM_ATTESTATIONS, &text)) {
		say_no_attestation(c);
		check_sigstore(c, &e);
		return;
	}
	if (hm_verify_envelopes(&e, text, &fail) < 0) {
		hm_verify_say(c->v, "signature", HM_CHECK_FALSE, "%s", fail.text);
		return;
	}
	check_statement(c, &e);
	check_signatures(c, &e);
	check_sigstore(c, &e);
}
