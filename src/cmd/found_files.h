#pragma once
/* Inventories as `decide` and the reports take them: of one file, of several machines' files together, or of a run that was kept. */
#include "json.h"
#include "suppliers.h"

/* Reads found.json from each path. Several become one: each target is called by its file too, the oldest day is that of all. HM_E_USAGE where they were made with
 * different supplier tables or tell of different suppliers. */
int hm_found_files_read(json_t **ret, const char *const *path, size_t count, struct hm_fail *fail) HM_MUST_CHECK;
/* The last run of a database. What one that was cut short did not come to is told as not read. */
int hm_found_files_past(json_t **ret, const char *path, const struct hm_suppliers *tables, struct hm_fail *fail) HM_MUST_CHECK;
