#include "opened.h"

#include "plain.h"

static uint64_t closed(const struct hm_plain *plain)
{
	uint64_t bytes = 0;

	for (size_t i = 0; i < HM_PLAIN_WHYS; i++)
		bytes += plain->closed[i];
	return bytes;
}

static void take(struct hm_replay_side *out, const struct hm_plain *plain)
{
	out->clear = plain->spans && plain->span[0].kind == HM_PLAIN_CLEAR ? plain->span[0].length : 0;
	out->piece = hm_alloc(plain->spans + 1, sizeof(*out->piece));
	for (size_t i = 0; i < plain->spans; i++) {
		const struct hm_plain_span *span = &plain->span[i];

		if (span->kind == HM_PLAIN_DATA)
			out->piece[out->pieces++] = (struct hm_replay_piece){ span->offset + span->length, span->text, span->length };
	}
	hm_bytes_append(&out->text, plain->text.data, plain->data);
}

int hm_open_replayed(struct hm_replay_side sides[2], const struct hm_slice said[2], struct hm_slice keylog, struct hm_fail *fail)
{
	HM_CLEANUP(hm_plains_release) struct hm_plains plains = { 0 };
	int r = hm_plain_both(&plains, said[0], said[1], keylog, fail);

	if (r < 0)
		return r;
	for (size_t i = 0; i < 2; i++) {
		if (!plains.list[i].tls || closed(&plains.list[i]))
			return 0;
		take(&sides[i], &plains.list[i]);
	}
	return 1;
}
