/* Texts as expressions of Hyperscan. Every expression reports its first match in a block only, so that a file that holds a text a
 * million times costs no more than one that holds it once. */
#include <ctype.h>

#include "scan_internal.h"

static void literal(struct hm_bytes *out, const char *text, const char *between)
{
	for (const char *s = text; *s; s++)
		hm_bytes_printf(out, "\\x%02x%s", (unsigned char)*s, between);
}

/* White space of any length between words. */
static void words(struct hm_bytes *out, const char *text)
{
	for (const char *s = text; *s;) {
		if (!isspace((unsigned char)*s)) {
			hm_bytes_printf(out, "\\x%02x", (unsigned char)*s++);
			continue;
		}
		while (isspace((unsigned char)*s))
			s++;
		hm_bytes_text(out, "[\\s\\x2a\\x23]+");
	}
}

/* Behind a name there is no further label: what follows is no byte of a host name, or a dot that ends a sentence. */
static void domain(struct hm_bytes *out, const char *text, const char *between)
{
	bool below = *text == '.';

	if (below)
		hm_bytes_printf(out, "(%s%s\\.%s|(^|[^A-Za-z0-9.-]%s))", "[A-Za-z0-9-]", between, between, between);
	else
		hm_bytes_printf(out, "(^|[^A-Za-z0-9.-]%s)", between);
	literal(out, text + below, between);
	hm_bytes_text(out, "([^A-Za-z0-9.-]|\\.[^A-Za-z0-9]|\\.?$)");
}

static void append(struct hm_scan_builder *b, unsigned id, struct hm_bytes *expression, unsigned flags)
{
	if ((b->count & (b->count - 1)) == 0) {
		size_t room = b->count ? 2 * (size_t)b->count : 1;

		b->expression = hm_realloc(b->expression, room, sizeof(*b->expression));
		b->flags = hm_realloc(b->flags, room, sizeof(*b->flags));
		b->ids = hm_realloc(b->ids, room, sizeof(*b->ids));
	}
	hm_bytes_u8(expression, 0);
	b->expression[b->count] = (char *)expression->data;
	b->flags[b->count] = flags | HS_FLAG_SINGLEMATCH | HS_FLAG_DOTALL;
	b->ids[b->count++] = id;
}

void hm_scan_add(struct hm_scan_set *set, struct hm_scan_builder *b, const struct hm_scan_pattern *p)
{
	struct hm_bytes narrow = { 0 }, wide = { 0 };
	unsigned id = set->count++;

	set->text = hm_realloc(set->text, set->count, sizeof(*set->text));
	set->place = hm_realloc(set->place, set->count, sizeof(*set->place));
	set->text[id] = hm_strdup(p->text);
	set->place[id] = p->place;
	switch (p->place) {
	case HM_SCAN_LICENCE:
		words(&narrow, p->text);
		append(b, id, &narrow, HS_FLAG_CASELESS);
		return;
	case HM_SCAN_DOMAIN:
		domain(&narrow, p->text, "");
		domain(&wide, p->text, "\\x00");
		break;
	default:
		literal(&narrow, p->text, "");
		literal(&wide, p->text, "\\x00");
	}
	append(b, id, &narrow, p->place == HM_SCAN_DOMAIN ? HS_FLAG_CASELESS : 0);
	append(b, id, &wide, p->place == HM_SCAN_DOMAIN ? HS_FLAG_CASELESS : 0);
}

int hm_scan_compile(struct hm_scan_set *set, struct hm_scan_builder *b, struct hm_fail *fail)
{
	hs_compile_error_t *error = NULL;
	hs_error_t rc;

	if (b->count == 0)
		return 0;
	rc = hs_compile_multi((const char *const *)b->expression, b->flags, b->ids, b->count, HS_MODE_BLOCK, NULL, &set->db, &error);
	if (rc == HS_SUCCESS)
		return 0;
	hm_fail_set(fail, HM_E_USAGE, "cannot look for \"%s\": %s",
		    error && error->expression >= 0 ? set->text[b->ids[error->expression]] : "these texts together", error ? error->message : "Hyperscan failed");
	hs_free_compile_error(error);
	return HM_E_USAGE;
}

void hm_scan_builder_release(struct hm_scan_builder *b)
{
	for (unsigned i = 0; i < b->count; i++)
		free(b->expression[i]);
	free(b->expression);
	free(b->flags);
	free(b->ids);
}

void hm_scan_set_release(struct hm_scan_set *set)
{
	hs_free_database(set->db);
	for (unsigned i = 0; i < set->count; i++)
		free(set->text[i]);
	free(set->text);
	free(set->place);
}
