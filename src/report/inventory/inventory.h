#pragma once
/* A found.json as people and other programs want it: doc/format/found.md, "Reports". Computes nothing but sums; `found` is one that hm_found_read took or
 * hm_found_document made. Pure: the same document gives the same bytes. */
#include "json.h"

/* The table for a terminal; with `explain` each piece of evidence, and the row and source that it was known by. */
void hm_inventory_terminal(struct hm_bytes *out, const json_t *found, bool explain);

struct hm_inventory_format {
	const char *name, *what;
	void (*make)(struct hm_bytes *out, const json_t *found);
};
/* csv, html, cyclonedx, bod-17-01, far-52.204-23; ended by a row without name. */
extern const struct hm_inventory_format hm_inventory_formats[];
