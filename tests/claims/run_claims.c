/* Runs claim tests: see README. Prints TAP. */
#include <ctype.h>
#include <err.h>

#include "bundle.h"
#include "evaluate.h"
#include "event.h"
#include "fs.h"
#include "json.h"
#include "scene.h"

static unsigned tests, failures;

static void result(bool good, const char *name, const char *why)
{
	tests++;
	failures += !good;
	printf("%s %u - %s\n", good ? "ok" : "not ok", tests, name);
	if (!good)
		printf("# %s\n", why);
}

/* ---- reading ---- */

static char unescape(const char **p)
{
	char digits[3] = { 0 };

	switch (*++*p) {
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	case 'x':
		digits[0] = *++*p;
		digits[1] = *++*p;
		return (char)strtoul(digits, NULL, 16);
	default:
		return **p;
	}
}

static void split(struct line *line, char *text)
{
	char *to = text;
	const char *p = text;

	line->words = 0;
	for (;;) {
		bool quoted = false;

		while (isspace((unsigned char)*p))
			p++;
		if (!*p || *p == '#')
			return;
		if (line->words == SCENE_WORDS)
			errx(1, "line %u: too many words", line->number);
		line->word[line->words++] = to;
		for (; *p && (quoted || !isspace((unsigned char)*p)); p++) {
			if (*p == '"')
				quoted = !quoted;
			else
				*to++ = quoted && *p == '\\' ? unescape(&p) : *p;
		}
		if (*p)
			p++;
		*to++ = 0;
	}
}

static struct lines read_lines(const char *path, struct hm_bytes *text)
{
	struct lines lines = { 0 };
	struct hm_fail fail;
	unsigned number = 0;
	char *rest;

	if (hm_fs_read(text, path, 1 << 20, &fail) < 0)
		errx(1, "%s", fail.text);
	hm_bytes_u8(text, 0);
	rest = (char *)text->data;
	for (char *at; (at = strsep(&rest, "\n")) != NULL;) {
		struct line line = { .number = ++number };

		split(&line, at);
		if (!line.words)
			continue;
		lines.list = hm_realloc(lines.list, lines.count + 1, sizeof(*lines.list));
		lines.list[lines.count++] = line;
	}
	return lines;
}

/* ---- checking ---- */

static struct hm_parts *turned_over(const struct hm_parts *parts)
{
	struct hm_parts *other = hm_parts_new();
	struct hm_fail fail;

	for (size_t i = hm_parts_count(parts); i > 0; i--) {
		struct hm_slice content;
		const char *name = hm_parts_at(parts, i - 1, &content);

		if (hm_parts_borrow(other, name, content, &fail) < 0)
			errx(1, "%s", fail.text);
	}
	return other;
}

static const json_t *row_of(const json_t *findings, const char *list, const char *member, const char *value)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(findings, list), i, row)
		if (strcmp(json_string_value(json_object_get(row, member)), value) == 0)
			return row;
	return NULL;
}

/* Every claim stands once, in one list. */
static bool each_once(const struct hm_parts *parts, const json_t *findings)
{
	HM_JSON json_t *claims = NULL;
	struct hm_slice text;
	const json_t *row;
	size_t i, listed;

	hm_parts_get(parts, "claims.json", &text);
	if (hm_json_parse(&claims, text, "claims", NULL) < 0)
		return false;
	listed = json_array_size(json_object_get(findings, "claims")) + json_array_size(json_object_get(findings, "not_tested"));
	if (listed != json_array_size(json_object_get(claims, "claims")))
		return false;
	json_array_foreach (json_object_get(claims, "claims"), i, row) {
		const char *id = json_string_value(json_object_get(row, "id"));

		if (!row_of(findings, "claims", "id", id) == !row_of(findings, "not_tested", "id", id))
			return false;
	}
	return true;
}

/* The four classes of each ledger row add up, and influence stands only where bytes do. */
static bool ledger_adds_up(const json_t *findings)
{
	const json_t *row, *part;
	size_t i, k;

	json_array_foreach (json_object_get(findings, "ledger"), i, row) {
		json_int_t sum = json_integer_value(json_object_get(row, "constant")) + json_integer_value(json_object_get(row, "explained")) +
				 json_integer_value(json_object_get(row, "unaccounted"));

		json_array_foreach (json_object_get(row, "influenced"), k, part)
			sum += json_integer_value(json_object_get(part, "bytes"));
		if (sum != json_integer_value(json_object_get(row, "wire")))
			return false;
	}
	return true;
}

static bool values_are(const json_t *row, const struct line *expect, char *why, size_t size)
{
	for (size_t i = 3; i < expect->words; i++) {
		char *equals = strchr(expect->word[i], '=');
		HM_FREE char *name = equals ? hm_slice_dup((struct hm_slice){ (uint8_t *)expect->word[i], (size_t)(equals - expect->word[i]) })
					    : hm_strdup("");
		const json_t *value = json_object_get(json_object_get(row, "values"), name);

		if (!equals || !value || json_integer_value(value) != strtoll(equals + 1, NULL, 10)) {
			snprintf(why, size, "%s is %lld", expect->word[i], value ? (long long)json_integer_value(value) : -1);
			return false;
		}
	}
	return true;
}

static bool evidence_is(const json_t *row, const struct line *at)
{
	static const char *const members[] = { "flow", "offset", "length" };
	const json_t *first = json_array_get(json_object_get(row, "evidence"), 0);

	for (size_t i = 0; i < HM_COUNT(members); i++)
		if (json_integer_value(json_object_get(first, members[i])) != strtoll(at->word[1 + i], NULL, 10))
			return false;
	return true;
}

/* MEMBER.NAME=N ... of the first run's row of `reconciled`; calls.NAME counts those done, refused.NAME those refused. */
static bool reconciled_is(const json_t *findings, const struct line *line, char *why, size_t size)
{
	const json_t *row = json_array_get(json_object_get(findings, "reconciled"), 0);

	for (size_t i = 1; i < line->words; i++) {
		HM_FREE char *member = hm_strdup(line->word[i]);
		char *dot = strchr(member, '.'), *equals = strchr(member, '=');
		bool refused = strncmp(member, "refused.", 8) == 0;
		const json_t *value;

		if (!equals || (dot && dot > equals))
			errx(1, "line %u: `%s` cannot be read", line->number, line->word[i]);
		*equals = 0;
		if (dot)
			*dot = 0;
		if (refused || strcmp(member, "calls") == 0)
			value = json_object_get(row_of(row, "calls", "call", dot + 1), refused ? "denied" : "done");
		else
			value = dot ? json_object_get(json_object_get(row, member), dot + 1) : json_object_get(row, member);
		if (json_integer_value(value) != strtoll(equals + 1, NULL, 10)) {
			snprintf(why, size, "%s is %lld", line->word[i], value ? (long long)json_integer_value(value) : -1);
			return false;
		}
	}
	return true;
}

static bool check(const struct lines *lines, const json_t *findings, const char *claim, char *why, size_t size)
{
	const json_t *row = row_of(findings, "claims", "id", claim);

	for (size_t i = 0; i < lines->count; i++) {
		const struct line *line = &lines->list[i];
		const char *verdict, *reason;

		if (strcmp(line->word[0], "at") == 0 && !evidence_is(row, line)) {
			HM_FREE char *text = json_dumps(json_object_get(row, "evidence"), 0);

			snprintf(why, size, "evidence is %s", text);
			return false;
		}
		if (strcmp(line->word[0], "influence") == 0 && !row_of(findings, "influence", "feature", line->word[1])) {
			HM_FREE char *text = json_dumps(json_object_get(findings, "influence"), 0);

			snprintf(why, size, "no influence %s in %s", line->word[1], text);
			return false;
		}
		if (strcmp(line->word[0], "influence") == 0 && line->words > 2 &&
		    json_is_true(json_object_get(row_of(findings, "influence", "feature", line->word[1]), "declared")) != (strcmp(line->word[2], "declared") == 0)) {
			snprintf(why, size, "influence %s is not %s", line->word[1], line->word[2]);
			return false;
		}
		if (strcmp(line->word[0], "reconciled") == 0 && !reconciled_is(findings, line, why, size))
			return false;
		if (strcmp(line->word[0], "expect") != 0)
			continue;
		verdict = row ? json_string_value(json_object_get(row, "verdict")) : "untested";
		reason = json_string_value(json_object_get(row ? row : row_of(findings, "not_tested", "id", claim), "reason"));
		if (strcmp(verdict, "not verifiable") == 0)
			verdict = "open";
		if (strcmp(verdict, line->word[1]) != 0 || strcmp(reason, line->word[2]) != 0) {
			snprintf(why, size, "it is %s: %s", verdict, reason);
			return false;
		}
		if (row && !json_object_get(row, "bound") != !!strcmp(verdict, "upheld")) {
			snprintf(why, size, "a bound stands with upheld and nowhere else");
			return false;
		}
		if (!values_are(row, line, why, size))
			return false;
	}
	return true;
}

static const struct line *line_of(const struct lines *lines, const char *first)
{
	for (size_t i = 0; i < lines->count; i++)
		if (strcmp(lines->list[i].word[0], first) == 0)
			return &lines->list[i];
	return NULL;
}

/* What a case does to its core before it is evaluated: the wrong in it must be found. */
static void change(struct hm_bytes *content, const struct line *line)
{
	const char *from, *to;
	uint8_t *place;

	if (strcmp(line->word[0], "spoil") == 0) {
		content->data[strtoul(line->word[2], NULL, 10)] ^= 1;
		return;
	}
	from = line->word[2];
	to = line->word[3];
	place = memmem(content->data, content->len, from, strlen(from));
	if (!place)
		errx(1, "line %u: %s does not hold %s", line->number, line->word[1], from);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes changed = { 0 };
	hm_bytes_append(&changed, content->data, (size_t)(place - content->data));
	hm_bytes_text(&changed, to);
	hm_bytes_append(&changed, place + strlen(from), content->len - (size_t)(place - content->data) - strlen(from));
	hm_bytes_release(content);
	*content = changed;
	changed = (struct hm_bytes){ 0 };
}

static bool does(const struct line *line, const char *word, const char *part)
{
	return strcmp(line->word[0], word) == 0 && strcmp(line->word[1], part) == 0;
}

static struct hm_parts *spoiled(struct hm_parts *parts, const struct lines *lines)
{
	struct hm_parts *other = hm_parts_new();
	struct hm_fail fail;

	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes copy = { 0 };
		struct hm_slice content;
		const char *name = hm_parts_at(parts, i, &content);
		bool dropped = false;

		hm_bytes_slice(&copy, content);
		for (size_t k = 0; k < lines->count; k++) {
			dropped |= does(&lines->list[k], "drop", name);
			if (does(&lines->list[k], "spoil", name) || does(&lines->list[k], "replace", name))
				change(&copy, &lines->list[k]);
		}
		if (!dropped && hm_parts_take(other, name, &copy, &fail) < 0)
			errx(1, "%s", fail.text);
	}
	for (size_t k = 0; k < lines->count; k++)
		if (strcmp(lines->list[k].word[0], "add") == 0 &&
		    hm_parts_borrow(other, lines->list[k].word[1], hm_slice_text(lines->list[k].word[2]), &fail) < 0)
			errx(1, "%s", fail.text);
	hm_parts_free(parts);
	return other;
}

/* Every block of a packet file needs its salt; here they are zero. */
static void salt(struct hm_parts *whole, const struct hm_parts *parts)
{
	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes salts = { 0 };
		struct hm_slice packets;
		const char *name = hm_parts_at(parts, i, &packets), *end = strstr(name, "/packets.pcapng");
		HM_FREE char *beside = NULL;
		uint32_t len = 12;
		struct hm_fail fail;

		if (!end)
			continue;
		for (size_t at = 0; at + 12 <= packets.len && len >= 12; at += len) {
			hm_bytes_append(&salts, "\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 16);
			memcpy(&len, packets.data + at + 4, sizeof(len));
		}
		beside = hm_sprintf("%.*s/packets.salts", (int)(end - name), name);
		if (hm_parts_take(whole, beside, &salts, &fail) < 0)
			printf("# %s: %s\n", beside, fail.text);
	}
}

/* For other verifiers: the case's core as a bundle of its own, in the folder that HALLMARK_CASES names, with the findings that it got. */
static void keep(const struct hm_parts *parts, const struct hm_bytes *findings)
{
	const char *folder = getenv("HALLMARK_CASES");
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *whole = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes copy = { 0 };
	HM_FREE char *path = NULL;
	struct hm_fail fail = { 0 };

	if (!folder)
		return;
	whole = turned_over(parts);
	hm_bytes_append(&copy, findings->data, findings->len);
	salt(whole, parts);
	path = hm_sprintf("%s/%04u.hallmark", folder, tests + 1);
	if (hm_parts_take(whole, "findings.json", &copy, &fail) < 0 || hm_bundle_seal(whole, &fail) < 0 || hm_bundle_write(whole, path, &fail) < 0)
		printf("# no bundle of this case: %s\n", fail.text);
}

static void run_case(const struct lines *lines, const char *data, unsigned semantics)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = scene_make(lines, data, semantics), *other = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes findings = { 0 }, again = { 0 };
	const struct line *claim = line_of(lines, "claim"), *expect = line_of(lines, "expect"), *says = line_of(lines, "says");
	HM_FREE char *name = hm_sprintf("%s (semantics %u)", lines->list[0].word[1], semantics);
	HM_JSON json_t *parsed = NULL;
	struct hm_fail fail = { 0 };
	char why[4096] = "";
	bool good = true;
	int r;

	parts = spoiled(parts, lines);
	other = turned_over(parts);
	r = hm_evaluate(&findings, parts, &fail);
	keep(parts, &findings);
	if (strcmp(expect->word[1], "error") == 0) {
		snprintf(why, sizeof(why), "code %d: %s", r, fail.text);
		good = r == (strcmp(expect->word[2], "bad") == 0 ? HM_E_BAD : HM_E_UNKNOWN);
		result(good && (!says || strstr(fail.text, says->word[1])), name, why);
		return;
	}
	if (r < 0 || hm_evaluate(&again, other, &fail) < 0) {
		result(false, name, fail.text);
		return;
	}
	if (!hm_slice_eq(hm_slice_of(&findings), hm_slice_of(&again))) {
		result(false, name, "a second evaluation differs");
		return;
	}
	if (hm_json_parse_canonical(&parsed, hm_slice_of(&findings), "findings", &fail) < 0) {
		result(false, name, fail.text);
		return;
	}
	if (!each_once(parts, parsed) || !ledger_adds_up(parsed)) {
		result(false, name, "a claim is missing or twice, or the ledger does not add up");
		return;
	}
	good = check(lines, parsed, claim->word[1], why, sizeof(why));
	result(good, name, why);
}

/* With the semantics that the case names; else with the last, those before it, the second and, when it has nothing that came later, the first. */
static void run_all(const struct lines *lines, const char *data)
{
	const struct line *semantics = line_of(lines, "semantics");

	if (semantics) {
		run_case(lines, data, (unsigned)atoi(semantics->word[1]));
		return;
	}
	run_case(lines, data, HM_SEMANTICS);
	run_case(lines, data, HM_SEMANTICS - 1);
	run_case(lines, data, 2);
	for (size_t i = 0; i < lines->count; i++)
		if (scene_is_later(lines->list[i].word[0]))
			return;
	run_case(lines, data, 1);
}

int main(int argc, char **argv)
{
	if (argc < 3)
		errx(3, "usage: run_claims DATA FILE...");
	for (int i = 2; i < argc; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
		struct lines lines = read_lines(argv[i], &text);

		for (size_t from = 0, to; from < lines.count; from = to) {
			for (to = from + 1; to < lines.count && strcmp(lines.list[to].word[0], "case") != 0;)
				to++;
			run_all(&(struct lines){ lines.list + from, to - from }, argv[1]);
		}
		free(lines.list);
	}
	printf("1..%u\n", tests);
	return failures != 0;
}
