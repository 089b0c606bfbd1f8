/* Every sentence about a finding stands in the tables below, keyed by the codes of doc/format/findings.md.
 *
 * A sentence is two halves: the number with what it counts, and the words behind it. `{name}` is a value of the finding,
 * digits grouped by three, 0 where the finding counted none; `{name?words}` is the words, with the value for `#`, where there is one;
 * `{name:one|many}` is "one" where it is 1; `{name#}` names the
 * capabilities of a set, and `name+` is how many it has. Sentences about an experiment are whole. */
#include "report_internal.h"

const struct report_question report_questions[5] = {
	{ 1, "Collect", "What does it collect from my systems?" },
	{ 2, "Capable", "What is it capable of collecting?" },
	{ 3, "Change", "What can it change when its cloud tells it to?" },
	{ 4, "Control", "What controls do I have over these, and do they work?" },
	{ 0, "Product", "What it is, and whether it does its work" },
};

static const struct report_verdict verdicts[] = {
	{ "refuted", "refuted", "\033[1;31m" },
	{ "not verifiable", "open", "\033[33m" },
	{ "upheld", "upheld", "\033[32m" },
};

#include "reasons.def"

struct report_verdict report_verdict(const char *word)
{
	for (size_t i = 0; i < HM_COUNT(verdicts); i++)
		if (strcmp(verdicts[i].word, word) == 0)
			return verdicts[i];
	return (struct report_verdict){ word, "open", "\033[33m" };
}

static const struct reason *reason_of(const char *code)
{
	for (size_t i = 0; i < HM_COUNT(reasons); i++)
		if (strcmp(reasons[i].code, code) == 0)
			return &reasons[i];
	return NULL;
}

static void put_value(struct hm_bytes *out, const json_t *value)
{
	if (json_is_integer(value) && json_integer_value(value) < 0)
		hm_bytes_u8(out, '-');
	if (json_is_integer(value))
		report_term(out, "%'lu", (unsigned long)llabs(json_integer_value(value)));
	else if (json_is_string(value))
		hm_bytes_text(out, json_string_value(value));
	else
		hm_json_write(out, value);
}

/* The value of `name`, which ends with '+' where the size of a set is meant; NULL where there is none. */
static json_t *value_of(const json_t *values, struct hm_slice name)
{
	bool size = name.len && name.data[name.len - 1] == '+';
	HM_FREE char *member = hm_slice_dup((struct hm_slice){ name.data, name.len - size });
	json_t *value = json_object_get(values, member);

	return size ? json_integer(__builtin_popcountll((uint64_t)json_integer_value(value))) : json_incref(value);
}

/* `place` is what stands between the braces. */
static void fill_place(struct hm_bytes *out, const char *place, size_t length, const json_t *values)
{
	const char *colon = memchr(place, ':', length), *bar = memchr(place, '|', length), *end = place + length;
	const char *hash = memchr(place, '#', length), *stop = colon ? colon : hash ? hash : end;
	const char *asks = memchr(place, '?', length);
	HM_JSON json_t *value = value_of(values, (struct hm_slice){ (const uint8_t *)place, (size_t)((asks ? asks : stop) - place) });

	for (const char *at = asks ? asks + 1 : end; at < end && value; at++) {
		if (*at == '#')
			put_value(out, value);
		else
			hm_bytes_u8(out, (uint8_t)*at);
	}
	if (asks)
		return;

	if (colon && bar && json_integer_value(value) == 1)
		hm_bytes_append(out, colon + 1, (size_t)(bar - colon - 1));
	else if (colon && bar)
		hm_bytes_append(out, bar + 1, (size_t)(end - bar - 1));
	else if (hash)
		report_capabilities(out, (uint64_t)json_integer_value(value));
	else if (value)
		put_value(out, value);
	else
		hm_bytes_u8(out, '0');
}

static void fill(struct hm_bytes *out, const char *text, const json_t *values)
{
	while (*text) {
		const char *close = *text == '{' ? strchr(text, '}') : NULL;

		if (close) {
			fill_place(out, text + 1, (size_t)(close - text - 1), values);
			text = close + 1;
		} else {
			hm_bytes_u8(out, (uint8_t)*text++);
		}
	}
}

void report_number(struct hm_bytes *out, const json_t *claim)
{
	const struct reason *reason = reason_of(report_text(claim, "reason"));

	if (reason)
		fill(out, reason->number, report_object(claim, "values"));
}

void report_brief(struct hm_bytes *out, const json_t *claim)
{
	const struct reason *reason = reason_of(report_text(claim, "reason"));

	if (reason)
		fill(out, reason->brief ? reason->brief : reason->number, report_object(claim, "values"));
}

void report_words(struct hm_bytes *out, const json_t *claim)
{
	const struct reason *reason = reason_of(report_text(claim, "reason"));
	const json_t *values = report_object(claim, "values");

	if (reason) {
		fill(out, reason->words, values);
		return;
	}
	hm_bytes_text(out, report_text(claim, "reason"));
	if (json_object_size(values)) {
		hm_bytes_u8(out, ' ');
		hm_json_write(out, values);
	}
}

void report_tell(struct hm_bytes *out, const char *code, const json_t *values)
{
	for (size_t i = 0; i < HM_COUNT(tellings); i++)
		if (strcmp(tellings[i].code, code) == 0) {
			fill(out, tellings[i].sentence, values);
			return;
		}
	hm_bytes_text(out, code);
}

/* The numbers at the beginning of a feature's name, at most two; *rest is what stands behind them; *given: it is of what was given to TLS. */
static size_t read_place(const char *feature, unsigned long place[2], const char **rest, bool *given)
{
	static const char word[] = "given.";
	size_t count = 0;
	char *end;

	*given = false;
	for (*rest = feature; count < 2 && **rest >= '0' && **rest <= '9'; *rest = end + 1) {
		place[count] = strtoul(*rest, &end, 10);
		if (*end != '.')
			break;
		count++;
		if (count > 1 || strncmp(end + 1, word, strlen(word)) != 0)
			continue;
		*given = true;
		end += strlen(word);
	}
	return count;
}

/* The row of a name behind `depth` numbers, or NULL; *more is what stands behind a name that is open. */
static const struct field *field_of(size_t depth, const char *name, const char **more)
{
	for (size_t i = 0; i < HM_COUNT(fields); i++) {
		size_t n = strlen(fields[i].name);
		bool open = fields[i].name[n - 1] == '.' || fields[i].name[n - 1] == ':';

		*more = open ? name + n : "";
		if (fields[i].depth == depth && (open ? strncmp(name, fields[i].name, n) : strcmp(name, fields[i].name)) == 0)
			return &fields[i];
	}
	*more = name;
	return NULL;
}

bool report_follows(const char *feature)
{
	unsigned long place[2];
	const char *rest, *more;
	bool given;
	size_t depth = read_place(feature, place, &rest, &given);
	const struct field *field = field_of(depth, rest, &more);

	return field && field->follows;
}

void report_field(struct hm_bytes *out, const char *feature)
{
	unsigned long place[2] = { 0 };
	const char *rest, *more;
	bool given;
	size_t depth = read_place(feature, place, &rest, &given);
	const struct field *field = field_of(depth, rest, &more);

	hm_bytes_text(out, field ? field->words : "the field ");
	hm_bytes_text(out, more);
	if (given)
		hm_bytes_text(out, " that TLS was given");
	if (depth == 2 && (place[0] || place[1]))
		hm_bytes_printf(out, " (flow %lu, message %lu)", place[0], place[1]);
	else if (depth == 1 && place[0])
		hm_bytes_printf(out, " (flow %lu)", place[0]);
}

void report_percent(struct hm_bytes *out, uint64_t of_10000)
{
	uint64_t rest = of_10000 % 100;

	report_term(out, "%'lu", (unsigned long)(of_10000 / 100));
	if (rest)
		report_term(out, rest % 10 ? ".%lu%lu" : ".%lu", (unsigned long)(rest / 10), (unsigned long)(rest % 10));
}

const char *report_say(const char *list, const char *code)
{
	for (size_t i = 0; i < HM_COUNT(sayings); i++)
		if (strcmp(sayings[i].list, list) == 0 && strcmp(sayings[i].code, code) == 0)
			return sayings[i].sentence;
	return code;
}

const char *report_statement(const struct report_view *v, const char *id)
{
	const json_t *claim;
	size_t i;

	json_array_foreach (report_list(v->claims, "claims"), i, claim)
		if (strcmp(report_text(claim, "id"), id) == 0)
			return report_text(claim, "statement");
	return "";
}
