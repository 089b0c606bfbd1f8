/* Whatever a product sends, looking through it ends, and what is found there lies inside what was sent. */
#include "views.h"

struct looking {
	size_t len, views;
};

static void look(void *cookie, const struct hm_view *view)
{
	struct looking *l = cookie;
	size_t step = view->all.len / 3 + 1;

	l->views++;
	for (size_t i = 0; i < view->all.len; i += step) {
		size_t at = i, len = view->all.len - i < 16 ? view->all.len - i : 16;

		hm_view_locate(view, &at, &len);
		if (at > l->len || len > l->len - at)
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct looking l = { .len = size };
	bool complete = hm_views_walk((struct hm_slice){ data, size }, 4, 16 * size + 4096, look, &l);

	(void)complete;
	if (l.views == 0)
		abort();
	return 0;
}
