/* TLS connections of a run: two ends of libssl talk before it begins, for their secrets stand before the packets. */
#include <err.h>

#include "../support/talk.h"
#include "scene_internal.h"

enum { TALKS = 8 };
static struct talked talked[TALKS];
static size_t made;

static void talk(const struct line *line)
{
	const char *name = scene_word(line, 1);

	if (made == TALKS)
		errx(1, "more TLS connections than a run may have");
	talked[made].port = (uint16_t)(40000 + made);
	for (size_t i = 0; i < HM_COUNT(talks); i++)
		if (strcmp(talks[i].name, name) == 0) {
			talk_do(&talks[i], &talked[made++]);
			return;
		}
	scene_bad(line);
}

void scene_tls_begin(struct stage *s, const struct line *run)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes secrets = { 0 };

	while (made > 0) {
		talk_release(&talked[--made]);
		talked[made] = (struct talked){ 0 };
	}
	s->talk = 0;
	for (const struct line *at = run + 1; at < s->lines->list + s->lines->count && strcmp(at->word[0], "run") != 0; at++)
		if (strcmp(at->word[0], "tls") == 0)
			talk(at);
	for (size_t i = 0; i < made; i++)
		hm_bytes_slice(&secrets, hm_slice_of(&talked[i].keylog));
	if (secrets.len)
		hm_pcapng_secrets(&s->pcapng, hm_slice_of(&secrets));
}

void scene_tls_say(struct stage *s, const struct line *line HM_UNUSED)
{
	const struct talked *t = &talked[s->talk++];

	hm_bytes_slice(&s->pcapng, hm_slice_of(&t->packets));
	s->packets += t->left;
	s->wire += t->wire;
}
