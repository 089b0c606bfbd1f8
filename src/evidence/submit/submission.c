#include "submission.h"

#include "attest.h"
#include "lines.h"
#include "text.h"
#include "tile.h"

static const char head[] = "hallmark add-entry v1";

void hm_submission_release(struct hm_submission *submission)
{
	hm_pubkey_free(submission->key);
	hm_bytes_release(&submission->signature);
	*submission = (struct hm_submission){ 0 };
}

void hm_submission_message(struct hm_bytes *out, const char *origin, struct hm_slice entry)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes payload = { 0 };

	hm_bytes_printf(&payload, "%s\n", origin);
	hm_bytes_slice(&payload, entry);
	hm_dsse_pae(out, "application/vnd.hallmark.log-entry", hm_slice_of(&payload));
}

void hm_submission_write(struct hm_bytes *out, struct hm_slice spki, struct hm_slice signature, struct hm_slice entry)
{
	hm_bytes_printf(out, "%s\nkey ", head);
	hm_text_base64(out, spki);
	hm_bytes_text(out, "\nsignature ");
	hm_text_base64(out, signature);
	hm_bytes_text(out, "\n\n");
	hm_bytes_slice(out, entry);
}

int hm_submission_read(struct hm_submission *out, struct hm_slice body, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes spki = { 0 };
	struct hm_cursor c = hm_cursor_of(body);
	struct hm_slice first = hm_line(&c), key = hm_line(&c), signature = hm_line(&c), empty = hm_line(&c);

	if (c.bad || !hm_slice_eq(first, hm_slice_text(head)) || !hm_line_takes(&key, "key ") || !hm_line_takes(&signature, "signature ") || empty.len)
		return hm_fail_set(fail, HM_E_BAD, "it does not begin as a submission does");
	if (hm_text_unbase64(&spki, key) < 0 || hm_text_unbase64(&out->signature, signature) < 0 || !hm_signature_has_form(hm_slice_of(&out->signature)))
		return hm_fail_set(fail, HM_E_BAD, "key or signature is not base64, or no signature");
	out->entry = (struct hm_slice){ c.at, hm_cursor_left(&c) };
	if (out->entry.len > HM_ENTRY_MAX)
		return hm_fail_set(fail, HM_E_BAD, "the entry has %zu bytes, and a log takes %d", out->entry.len, HM_ENTRY_MAX);
	return hm_pubkey_of_spki(&out->key, hm_slice_of(&spki), fail);
}
