#pragma once
#include "csv.h"
#include "suppliers.h"

/* Rows grow while files are read and are sorted at the end. */
struct hm_suppliers {
	struct hm_supplier *supplier;
	struct hm_owner *control;
	struct hm_indicator *indicator;
	size_t suppliers, controls, indicators;
	size_t cap[3];
	char **text; /* the files, and folded copies: what the rows point into */
	size_t texts, text_cap;
};

#define HM_SUPPLIERS_ROWS 65536

/* Keeps `text` (malloc'ed) until the tables are freed. */
void hm_suppliers_keep(struct hm_suppliers *s, char *text);
/* Reads one file's table into the rows. */
int hm_suppliers_read(struct hm_suppliers *s, struct hm_csv *csv, struct hm_fail *fail) HM_MUST_CHECK;
/* Sorts, and refuses what only shows when all is there. */
int hm_suppliers_close(struct hm_suppliers *s, struct hm_fail *fail) HM_MUST_CHECK;
