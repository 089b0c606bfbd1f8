/* The order of checks is from the outside in: what cannot be parsed is not looked into, and every part has passed its size
 * limit and its digest's row before somebody parses it. */
#include "verify_internal.h"

#include <stdarg.h>

#include "attest.h"
#include "bundle.h"
#include "text.h"

/* How bad an outcome is. */
static int weight(enum hm_check outcome)
{
	return outcome == HM_CHECK_FALSE ? 2 : outcome == HM_CHECK_UNCHECKED ? 1 : 0;
}

void hm_verify_say(struct hm_verify *v, const char *name, enum hm_check outcome, const char *format, ...)
{
	struct hm_verify_row *row = NULL;
	va_list args;

	/* What was said to be unchecked and is checked now has one row. */
	for (size_t i = 0; i < v->rows && !row; i++)
		if (v->row[i].outcome == HM_CHECK_UNCHECKED && strcmp(v->row[i].name, name) == 0 && (strcmp(name, "report") == 0 || strcmp(name, "log") == 0))
			row = &v->row[i];
	if (!row && v->rows < HM_COUNT(v->row))
		row = &v->row[v->rows++];
	/* No room: the last row keeps the worst of what came after it, so that nothing bad is silent. */
	if (!row && weight(outcome) > weight(v->row[v->rows - 1].outcome))
		row = &v->row[v->rows - 1];
	if (!row)
		return;
	row->name = name;
	row->outcome = outcome;
	va_start(args, format);
	vsnprintf(row->detail, sizeof(row->detail), format, args);
	va_end(args);
}

int hm_verify_exit(const struct hm_verify *v)
{
	int worst = 0;

	if (!v->rows)
		return 1; /* nothing checked is no success */
	for (size_t i = 0; i < v->rows; i++)
		if (weight(v->row[i].outcome) > worst)
			worst = weight(v->row[i].outcome);
	return worst == 2 ? 1 : worst == 1 ? 2 : 0;
}

const struct hm_verify_row *hm_verify_first_false(const struct hm_verify *v)
{
	for (size_t i = 0; i < v->rows; i++)
		if (v->row[i].outcome == HM_CHECK_FALSE)
			return &v->row[i];
	return NULL;
}

void hm_verify_release(struct hm_verify *v)
{
	hm_parts_free(v->parts);
	hm_bytes_release(&v->findings);
	hm_bytes_release(&v->claims);
	*v = (struct hm_verify){ 0 };
}

enum hm_check hm_verify_outcome(int r)
{
	return r >= 0 ? HM_CHECK_HOLDS : r == HM_E_UNKNOWN ? HM_CHECK_UNCHECKED : HM_CHECK_FALSE;
}

void hm_verify_digest(char out[72], const struct hm_parts *parts, const char *name)
{
	struct hm_sha256 digest;
	struct hm_slice content;

	out[0] = 0;
	if (!hm_parts_get(parts, name, &content))
		return;
	hm_sha256_slice(&digest, content);
	memcpy(out, "sha256:", 7);
	hm_text_hex_into(out + 7, (struct hm_slice){ digest.b, sizeof(digest.b) });
}

static void release(struct check *c)
{
	json_decref(c->plan);
	json_decref(c->assessment);
	json_decref(c->planted);
}

/* Later features stand here as unchecked until they exist: what was not checked is never silent. */
static void say_what_is_absent(struct check *c)
{
	size_t resumed = json_array_size(json_object_get(c->assessment, "resumed"));
	struct hm_slice content;

	hm_verify_stated(c);
	if (resumed)
		hm_verify_say(c->v, "resumed", HM_CHECK_UNCHECKED, "%zu times after its seed was revealed: nothing shows that nobody used it", resumed);
	hm_verify_receipts(c);
	if (hm_parts_get(c->parts, "report.html", &content))
		hm_verify_say(c->v, "report", HM_CHECK_UNCHECKED, "report.html was not made again");
}

int hm_verify_bundle(struct hm_verify *out, struct hm_slice file, struct hm_pubkey *const *keys, size_t key_count,
		     const char *const *require, size_t require_count, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct check c = { .v = out, .keys = keys, .key_count = key_count, .require = require,
					       .require_count = require_count };

	(void)fail; /* every outcome is a row */
	*out = (struct hm_verify){ 0 };
	if (!hm_verify_container(&c, file))
		return 0;
	hm_verify_seals(&c);
	hm_verify_redaction(&c);
	hm_verify_documents(&c);
	hm_verify_plan(&c);
	hm_verify_records(&c);
	hm_verify_seed(&c);
	hm_verify_planted(&c);
	hm_verify_findings(&c);
	hm_verify_trust(&c);
	hm_verify_require(&c);
	hm_verify_claim_set(&c);
	say_what_is_absent(&c);
	return 0;
}
