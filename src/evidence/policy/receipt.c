#include "receipt.h"

#include "lines.h"
#include "merkle.h"
#include "text.h"

#define HEAD "c2sp.org/tlog-proof@v1"

void hm_receipt_release(struct hm_receipt *receipt)
{
	hm_bytes_release(&receipt->extra);
}

void hm_receipt_write(struct hm_bytes *out, const struct hm_receipt *receipt)
{
	hm_bytes_text(out, HEAD "\n");
	if (receipt->extra.len) {
		hm_bytes_text(out, "extra ");
		hm_text_base64(out, hm_slice_of(&receipt->extra));
		hm_bytes_u8(out, '\n');
	}
	hm_bytes_printf(out, "index %llu\n", (unsigned long long)receipt->index);
	for (size_t i = 0; i < receipt->count; i++) {
		hm_text_base64(out, (struct hm_slice){ receipt->proof[i].b, HM_SHA256_LEN });
		hm_bytes_u8(out, '\n');
	}
	hm_bytes_u8(out, '\n');
	hm_bytes_slice(out, receipt->checkpoint);
}

static bool read_hashes(struct hm_receipt *out, struct hm_cursor *c)
{
	struct hm_slice line;

	for (line = hm_line(c); line.len; line = hm_line(c)) {
		if (out->count == HM_RECEIPT_HASHES || !hm_line_hash(&out->proof[out->count], line))
			return false;
		out->count++;
	}
	return !c->bad;
}

static bool read_receipt(struct hm_receipt *out, struct hm_slice text)
{
	struct hm_cursor c = hm_cursor_of(text);
	struct hm_slice head = hm_line(&c), line = hm_line(&c);

	if (!hm_slice_eq(head, HM_SLICE(HEAD)))
		return false;
	if (hm_line_takes(&line, "extra ")) {
		if (hm_text_unbase64(&out->extra, line) < 0 || out->extra.len == 0)
			return false;
		line = hm_line(&c);
	}
	if (!hm_line_takes(&line, "index ") || !hm_line_number(&out->index, line) || !read_hashes(out, &c))
		return false;
	out->checkpoint = (struct hm_slice){ c.at, hm_cursor_left(&c) };
	return true;
}

int hm_receipt_parse(struct hm_receipt *out, struct hm_slice text, struct hm_fail *fail)
{
	HM_CLEANUP(hm_receipt_release) struct hm_receipt receipt = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	struct hm_checkpoint checkpoint;
	struct hm_note note;
	int r;

	if (text.len > HM_RECEIPT_MAX || !read_receipt(&receipt, text))
		return hm_fail_set(fail, HM_E_BAD, "receipt: not in the form of c2sp.org/tlog-proof@v1");
	r = hm_note_parse(&note, receipt.checkpoint, fail);
	if (r == 0)
		r = hm_checkpoint_parse(&checkpoint, note.text, fail);
	if (r < 0)
		return hm_fail_in(fail, "receipt");
	hm_receipt_write(&again, &receipt);
	if (!hm_slice_eq(hm_slice_of(&again), text))
		return hm_fail_set(fail, HM_E_BAD, "receipt: not in the one form that it has");
	*out = receipt;
	receipt.extra = (struct hm_bytes){ 0 };
	return 0;
}

int hm_receipt_check(struct hm_policy_outcome *out, const struct hm_receipt *receipt, const struct hm_sha256 *leaf,
		     const struct hm_policy *policy, struct hm_fail *fail)
{
	int r = hm_policy_check(out, policy, receipt->checkpoint, fail);

	if (r < 0)
		return r;
	if (!hm_merkle_included(&out->checkpoint.root, out->checkpoint.size, receipt->index, leaf, receipt->proof, receipt->count))
		return hm_fail_set(fail, HM_E_BAD, "receipt: the entry is not at index %llu of the log's tree of %llu",
				   (unsigned long long)receipt->index, (unsigned long long)out->checkpoint.size);
	return 0;
}
