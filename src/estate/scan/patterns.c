/* Texts as expressions of Hyperscan. An expression reports its first match in a block only, so that a file that holds a text a million times costs no more
 * than one that holds it once; but for host names, of which every place is asked for what stands around it: said in the expression, that takes Hyperscan
 * minutes for some thousand names. */
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

static void append(struct hm_scan_builder *b, unsigned number, struct hm_bytes *expression, unsigned flags)
{
	if ((b->count & (b->count - 1)) == 0) {
		size_t room = b->count ? 2 * (size_t)b->count : 1;

		b->expression = hm_realloc(b->expression, room, sizeof(*b->expression));
		b->flags = hm_realloc(b->flags, room, sizeof(*b->flags));
		b->ids = hm_realloc(b->ids, room, sizeof(*b->ids));
	}
	hm_bytes_u8(expression, 0);
	b->expression[b->count] = (char *)expression->data;
	b->flags[b->count] = flags | HS_FLAG_DOTALL;
	b->ids[b->count++] = number;
}

void hm_scan_add(struct hm_scan_set *set, struct hm_scan_builder *b, const struct hm_scan_pattern *p)
{
	struct hm_bytes narrow = { 0 }, wide = { 0 };
	unsigned id = set->count++;

	set->text = hm_realloc(set->text, set->count, sizeof(*set->text));
	set->place = hm_realloc(set->place, set->count, sizeof(*set->place));
	set->text[id] = hm_strdup(p->text);
	set->place[id] = p->place;
	set->below = hm_realloc(set->below, set->count, sizeof(*set->below));
	set->below[id] = p->place == HM_SCAN_DOMAIN && *p->text == '.';
	if (p->place == HM_SCAN_LICENCE) {
		words(&narrow, p->text);
		append(b, HM_SCAN_NUMBER(id, false), &narrow, HS_FLAG_SINGLEMATCH | HS_FLAG_CASELESS);
		return;
	}
	literal(&narrow, p->text + set->below[id], "");
	literal(&wide, p->text + set->below[id], "\\x00");
	append(b, HM_SCAN_NUMBER(id, false), &narrow, p->place == HM_SCAN_DOMAIN ? HS_FLAG_CASELESS : HS_FLAG_SINGLEMATCH);
	append(b, HM_SCAN_NUMBER(id, true), &wide, p->place == HM_SCAN_DOMAIN ? HS_FLAG_CASELESS : HS_FLAG_SINGLEMATCH);
}

static bool is_label(uint8_t c)
{
	return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '-';
}

/* Before the name is no byte of a host name; or, of what is below it, a label and a dot. */
static bool begins_name(struct hm_slice s, size_t at, size_t unit, bool below)
{
	if (at < unit)
		return at == 0;
	if (unit == 2 && s.data[at - 1] != 0)
		return false;
	if (!is_label(s.data[at - unit]) && s.data[at - unit] != '.')
		return true;
	return below && s.data[at - unit] == '.' && at >= 2 * unit && is_label(s.data[at - 2 * unit]) && (unit == 1 || s.data[at - 3] == 0);
}

/* Behind it there is no further label: what follows is no byte of a host name, or a dot that ends a sentence. */
static bool ends_name(struct hm_slice s, size_t at, size_t unit)
{
	if (at >= s.len || (!is_label(s.data[at]) && s.data[at] != '.'))
		return true;
	return s.data[at] == '.' && (at + unit >= s.len || !is_label(s.data[at + unit]) || s.data[at + unit] == '-');
}

bool hm_scan_is_name(const struct hm_scan_set *set, unsigned number, struct hm_slice all, size_t end)
{
	unsigned id = HM_SCAN_ID(number);
	size_t unit = HM_SCAN_WIDE(number) ? 2 : 1, len = (strlen(set->text[id]) - set->below[id]) * unit;

	return len <= end && begins_name(all, end - len, unit, set->below[id]) && ends_name(all, end, unit);
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
		    error && error->expression >= 0 ? set->text[HM_SCAN_ID(b->ids[error->expression])] : "these texts together", error ? error->message : "Hyperscan failed");
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
	free(set->below);
}
