#include "request.h"

#include "lines.h"

int hm_add_parse(struct hm_add *out, struct hm_slice body, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(body);
	struct hm_slice line = hm_line(&c);
	int r;

	out->count = 0;
	if (!hm_line_takes(&line, "old ") || !hm_line_number(&out->old, line))
		return hm_fail_set(fail, HM_E_BAD, "it does not begin with a line \"old SIZE\"");
	for (line = hm_line(&c); line.len; line = hm_line(&c)) {
		if (out->count == HM_ADD_HASHES || !hm_line_hash(&out->proof[out->count], line))
			return hm_fail_set(fail, HM_E_BAD, "line %zu is no hash, or one too many", out->count + 2);
		out->count++;
	}
	if (c.bad)
		return hm_fail_set(fail, HM_E_BAD, "there is no checkpoint");
	out->bytes = (struct hm_slice){ c.at, hm_cursor_left(&c) };
	r = hm_note_parse(&out->note, out->bytes, fail);
	return r < 0 ? r : hm_checkpoint_parse(&out->checkpoint, out->note.text, fail);
}
