#include "csv.h"

#include "text.h"

void hm_csv_begin(struct hm_csv *csv, char *text, size_t len, const char *what)
{
	*csv = (struct hm_csv){ text, text + len, what, 0 };
}

static int bad(struct hm_csv *csv, struct hm_fail *fail, const char *why)
{
	csv->at = csv->end;
	return hm_fail_set(fail, HM_E_BAD, "%s, line %zu: %s", csv->what, csv->line, why);
}

/* What ends a field. The last line may lack its LF. */
static bool is_end(const char *at, const char *end)
{
	return at == end || *at == ',' || *at == '\n' || (*at == '\r' && at + 1 < end && at[1] == '\n');
}

/* Reads one field; its text moves to `to`, which is never behind `at`. Returns why it is malformed, or NULL. */
static const char *read_field(struct hm_csv *csv, char **to)
{
	bool quoted = csv->at < csv->end && *csv->at == '"';

	csv->at += quoted;
	for (;;) {
		if (!quoted && is_end(csv->at, csv->end))
			return NULL;
		if (csv->at == csv->end)
			return "a quote that is not closed";
		if (*csv->at == '"') {
			bool doubled = quoted && csv->at + 1 < csv->end && csv->at[1] == '"';

			if (!quoted)
				return "a quote inside a field";
			csv->at += 1 + doubled;
			if (!doubled)
				return is_end(csv->at, csv->end) ? NULL : "bytes behind a closing quote";
			*(*to)++ = '"';
			continue;
		}
		if ((unsigned char)*csv->at < 0x20 || *csv->at == 0x7f)
			return "a control byte";
		*(*to)++ = *csv->at++;
	}
}

int hm_csv_next(struct hm_csv *csv, const char *field[HM_CSV_FIELDS], struct hm_fail *fail)
{
	int count = 0;

	if (csv->at == csv->end)
		return 0;
	csv->line++;
	for (;;) {
		char *begin = csv->at, *to = begin;
		const char *why = count == HM_CSV_FIELDS ? "too many fields" : read_field(csv, &to);
		char stop;

		if (!why && to - begin > HM_CSV_FIELD_MAX)
			why = "a field that is too long";
		if (!why && !hm_text_is_utf8((struct hm_slice){ (const uint8_t *)begin, (size_t)(to - begin) }))
			why = "bytes that are no UTF-8";
		if (!why && csv->at == csv->end)
			why = "the last line has no end";
		if (why)
			return bad(csv, fail, why);
		stop = *csv->at;
		csv->at += stop == '\r' ? 2 : 1;
		*to = 0;
		field[count++] = begin;
		if (stop != ',')
			return count;
	}
}

/* What a spreadsheet computes instead of showing it; some take the wide forms of these signs too. */
static bool is_formula(struct hm_slice field)
{
	static const char *const begins[] = { "=", "+", "-", "@", "\xef\xbc\x9d", "\xef\xbc\x8b", "\xef\xbc\x8d", "\xef\xbc\xa0" };

	while (field.len && field.data[0] == ' ')
		field = (struct hm_slice){ field.data + 1, field.len - 1 };
	for (size_t i = 0; i < HM_COUNT(begins); i++)
		if (field.len >= strlen(begins[i]) && memcmp(field.data, begins[i], strlen(begins[i])) == 0)
			return true;
	return false;
}

void hm_csv_put(struct hm_bytes *out, struct hm_slice field, bool first)
{
	static const char digits[] = "0123456789ABCDEF";
	bool text = hm_text_is_utf8(field), formula = is_formula(field);

	if (!first)
		hm_bytes_u8(out, ',');
	hm_bytes_u8(out, '"');
	if (formula)
		hm_bytes_u8(out, '\'');
	for (size_t i = 0; i < field.len; i++) {
		uint8_t c = field.data[i];

		if (c < 0x20 || c == 0x7f || (c >= 0x80 && !text)) {
			hm_bytes_text(out, "\\x");
			hm_bytes_u8(out, (uint8_t)digits[c >> 4]);
			hm_bytes_u8(out, (uint8_t)digits[c & 15]);
			continue;
		}
		if (c == '"')
			hm_bytes_u8(out, '"');
		hm_bytes_u8(out, c);
	}
	hm_bytes_u8(out, '"');
}
