#pragma once
#include "csv.h"
#include "escape.h"
#include "inventory.h"

void inventory_csv(struct hm_bytes *out, const json_t *found);
void inventory_html(struct hm_bytes *out, const json_t *found);
void inventory_cyclonedx(struct hm_bytes *out, const json_t *found);
void inventory_bod(struct hm_bytes *out, const json_t *found);
void inventory_far(struct hm_bytes *out, const json_t *found);

/* A member that hm_json_set_bytes stored, as bytes; released by the caller. */
struct hm_bytes inventory_bytes(const json_t *object, const char *name) HM_MUST_CHECK;
/* A member of text; "" where there is none. */
const char *inventory_text(const json_t *object, const char *name) HM_MUST_CHECK;
/* A supplier's name, or his id. */
const char *inventory_supplier(const json_t *found, const char *id) HM_MUST_CHECK;
/* "RU; US" of the steps that hold on the day that it was made; "not known". */
void inventory_countries(struct hm_bytes *out, const json_t *found, const char *supplier);

/* What is counted, and how; see found.md. */
struct inventory_count {
	size_t targets, endpoints; /* endpoints are targets too */
	size_t affected;	   /* endpoints with an item of relation branded or contains */
	size_t partly;		   /* endpoints of which a part could not be read */
	size_t branded, contains;  /* endpoints with items of that relation */
};
struct inventory_count inventory_count(const json_t *found) HM_MUST_CHECK;
/* Of whom alone the document tells; false where it tells of everybody. Foreign text, as somebody typed it. */
bool inventory_filter(struct hm_bytes *out, const json_t *found) HM_MUST_CHECK;
/* The method of counting, in sentences; foreign text in it. */
void inventory_method(struct hm_bytes *out, const json_t *found);
/* Endpoints that have an item of this supplier and product, of any relation but controlled. */
size_t inventory_endpoints(const json_t *found, const json_t *item) HM_MUST_CHECK;
