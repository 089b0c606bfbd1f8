#pragma once
/* RFC 4180, strictly: what people keep tables in. UTF-8, lines ended by LF or CRLF, no NUL and no other control bytes, quotes only around
 * whole fields, no line breaks in fields. */
#include "bytes.h"
#include "fail.h"

#define HM_CSV_FIELDS 16
#define HM_CSV_FIELD_MAX 1024

/* Reads a table in place: fields become NUL-terminated inside the caller's text, which must outlive them. */
struct hm_csv {
	char *at, *end;
	const char *what; /* names the table in errors */
	size_t line;	  /* of the record that was read last, from 1 */
};

/* `text` is changed; `len` bytes of it are read. `what` must outlive the reader. */
void hm_csv_begin(struct hm_csv *csv, char *text, size_t len, const char *what);
/* The next record: returns its number of fields, 0 at the end, HM_E_BAD with file and line in `fail` (then it reads nothing more). */
int hm_csv_next(struct hm_csv *csv, const char *field[HM_CSV_FIELDS], struct hm_fail *fail) HM_MUST_CHECK;
/* Appends one field, after a comma unless `first`, quoted where it must be. Control bytes and bytes that are no UTF-8 become \xNN; a field that
 * a spreadsheet would take for a formula gets an apostrophe before it. */
void hm_csv_put(struct hm_bytes *out, struct hm_slice field, bool first);
