#pragma once
/* Shared by the two files of the terminal's table. */
#include "report_internal.h"

enum {
	NAME_MOST = 28, /* a longer product name or version is cut in any case */
	NAME_LEAST = 12,
	GAP = 2, /* between columns */
};

struct column {
	size_t number, word, name; /* widest of each */
	size_t width;
};

struct row {
	const char *id; /* borrowed from a view */
	uint64_t question;
};

struct table {
	struct hm_bytes *out;
	struct report_view *view;
	struct report_experiment *experiment; /* of each view */
	struct column *column;
	size_t count;
	struct row *row;
	size_t rows, label, width;
	bool colour;
};

/* A title, then `text`, which is escaped already, broken at spaces with an indent. */
void table_paragraph(struct table *t, const char *title, struct hm_slice text);
/* What the verdicts rest on: not tested, losses, witnesses, internet, key. What is the same for all is said once. */
void table_facts(struct table *t);
