#pragma once
/* The layers of one image, from the top down: each entry is met first as it is in the finished root. What an upper layer deletes (.wh.NAME, .wh..wh..opq) or
 * replaces is told as hidden, since it is still in the image for whoever unpacks it. */
#include "member.h"

struct target_layers;
/* `name`: what the image is called where it is one of several or lies in something else, and is then its entries' outer and root. NULL: it is the target itself. */
struct target_layers *target_layers_new(struct hm_target *t, const struct target_box *box, const char *name) HM_MUST_CHECK;
void target_layers_free(struct target_layers *layers); /* NULL is fine */
static inline void target_layers_cleanup(struct target_layers **layers)
{
	target_layers_free(*layers);
}
/* The next one below; `member` is its name in the image. */
int target_layers_walk(struct target_layers *layers, const char *member, struct hm_fail *fail) HM_MUST_CHECK;
