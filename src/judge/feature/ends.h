#pragma once
/* How the connections of a TCP flow ended, as far as the product's own packets tell. */
#include "feature.h"

struct hm_ends {
	struct hm_bytes sides; /* a byte for each connection that a FIN of the product's ended, in their order: '>' it closed first, '<' after the other side */
	bool ended;	       /* a FIN or RST left */
	uint64_t last_ns;      /* when the last of them did */
};

/* Zero for a flow that is not TCP's. Release `sides`. */
void hm_ends_read(struct hm_ends *out, const struct hm_flow *flow);
