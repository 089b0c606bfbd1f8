/* A note's text and signature lines are the bytes that were read; a verifier key that is one of ours is written again byte for byte; what is
 * a checkpoint without extension lines is written again. Nothing is signed by a key that signed nothing. */
#include "note.h"

static void try_key(struct hm_slice input)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	struct hm_vkey key;
	struct hm_fail fail;

	if (hm_vkey_parse(&key, input, &fail) < 0 || (key.type != HM_KEY_LOG && key.type != HM_KEY_WITNESS))
		return;
	hm_vkey_write(&again, &key);
	if (!hm_slice_eq(hm_slice_of(&again), input))
		abort();
}

static void try_checkpoint(struct hm_slice text)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes again = { 0 };
	HM_FREE char *origin = NULL;
	struct hm_checkpoint c;
	struct hm_fail fail;

	if (hm_checkpoint_parse(&c, text, &fail) < 0 || c.extended || memchr(c.origin.data, 0, c.origin.len))
		return;
	origin = hm_slice_dup(c.origin);
	hm_checkpoint_write(&again, origin, c.size, &c.root);
	if (!hm_slice_eq(hm_slice_of(&again), text))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_slice input = { data, size };
	struct hm_vkey nobody = { .name = "log.example", .type = HM_KEY_LOG, .key = { 2 } };
	struct hm_note note;
	struct hm_fail fail;
	uint64_t time;

	try_key(input);
	try_checkpoint(input);
	if (hm_note_parse(&note, input, &fail) < 0)
		return 0;
	try_checkpoint(note.text);
	if (note.signature[note.count - 1].line.data + note.signature[note.count - 1].line.len != data + size)
		abort();
	if (note.signature[0].len >= 4)
		memcpy(nobody.id, note.signature[0].id, 4);
	if (hm_note_check(&note, &nobody, &time) == HM_NOTE_GOOD)
		abort();
	return 0;
}
