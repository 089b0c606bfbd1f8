#include "reply.h"

#include "attest.h"
#include "digest.h"
#include "text.h"

#define TYPE_REPLY "urn:hallmark:predicate:reply:v1"
#define TYPE_DECLARATION "urn:hallmark:predicate:declaration:v1"
#define TEXT_MAX 4096
#define NAME_MAX_BYTES 256

static void hex_of(char hex[65], struct hm_slice content)
{
	struct hm_sha256 digest;

	hm_sha256_slice(&digest, content);
	hm_text_hex_into(hex, (struct hm_slice){ digest.b, HM_SHA256_LEN });
}

static int put_statement(struct hm_bytes *out, const char *type, const char *name, const char *sha256, const json_t *predicate, struct hm_fail *fail)
{
	HM_JSON json_t *statement = json_pack("{s:s, s:s, s:[{s:s, s:{s:s}}], s:o}", "_type", "https://in-toto.io/Statement/v1", "predicateType", type, "subject", "name",
					      name, "digest", "sha256", sha256, "predicate", json_deep_copy(predicate));

	if (!statement)
		return hm_fail_set(fail, HM_E_BAD, "statement: a text is no UTF-8");
	hm_json_write(out, statement);
	return 0;
}

/* A text of 1 to `max` bytes, or NULL. */
static const char *text_of(const json_t *object, const char *name, size_t max)
{
	const json_t *value = json_object_get(object, name);
	size_t len = json_string_length(value);

	return json_is_string(value) && len && len <= max ? json_string_value(value) : NULL;
}

static bool is_date(const char *s)
{
	for (size_t i = 0; s && i < 10; i++)
		if (i == 4 || i == 7 ? s[i] != '-' : s[i] < '0' || s[i] > '9')
			return false;
	return s && !s[10];
}

static const json_t *row_of(const json_t *list, const char *id)
{
	const json_t *row;
	size_t i;

	json_array_foreach (list, i, row) {
		const char *there = json_string_value(json_object_get(row, "id"));

		if (there && strcmp(there, id) == 0)
			return row;
	}
	return NULL;
}

/* The bundle's verdict on the claim, "not tested" where it was not judged, NULL where it is none of its claims. */
static const char *verdict_of(const json_t *findings, const char *id)
{
	const char *verdict = json_string_value(json_object_get(row_of(json_object_get(findings, "claims"), id), "verdict"));

	if (verdict)
		return verdict;
	return row_of(json_object_get(findings, "not_tested"), id) ? "not tested" : NULL;
}

/* One answer, checked; what is shown of it is appended to `shown`. */
static int read_answer(json_t *shown, const json_t *row, const json_t *findings, struct hm_fail *fail)
{
	static const char words[] = " accepted disputed explained fixed ";
	const char *id = text_of(row, "id", NAME_MAX_BYTES), *answer = text_of(row, "answer", 16), *text = text_of(row, "text", TEXT_MAX);
	const char *version = text_of(row, "fixed_in", NAME_MAX_BYTES), *verdict = id ? verdict_of(findings, id) : NULL;
	HM_FREE char *word = hm_sprintf(" %s ", answer && !strchr(answer, ' ') ? answer : "?");
	bool fixed = answer && strcmp(answer, "fixed") == 0;
	json_t *out;

	if (!verdict)
		return hm_fail_set(fail, HM_E_BAD, "reply: %s is no claim of this bundle", id ? id : "a row without id");
	if (row_of(shown, id))
		return hm_fail_set(fail, HM_E_BAD, "reply: two answers to %s", id);
	if (!strstr(words, word))
		return hm_fail_set(fail, HM_E_BAD, "reply: %s: the answer is none of accepted, disputed, explained, fixed", id);
	if (!text)
		return hm_fail_set(fail, HM_E_BAD, "reply: %s: no text of 1 to %d bytes", id, TEXT_MAX);
	if (fixed != (version != NULL) || (!fixed && json_object_get(row, "fixed_in")))
		return hm_fail_set(fail, HM_E_BAD, "reply: %s: fixed_in goes with the answer fixed, and with no other", id);
	out = json_pack("{s:s, s:s, s:s, s:s}", "id", id, "answer", answer, "text", text, "verdict", verdict);
	if (version)
		json_object_set_new(out, "fixed_in", json_string(version));
	json_array_append_new(shown, out);
	return 0;
}

static int load_findings(json_t **ret, const struct hm_parts *parts, struct hm_fail *fail)
{
	struct hm_slice text;

	if (!hm_parts_get(parts, "findings.json", &text))
		return hm_fail_set(fail, HM_E_BAD, "reply: the bundle has no findings");
	return hm_json_parse_canonical(ret, text, "findings.json", fail);
}

/* The predicate, as it is shown. */
static int read_predicate(json_t **ret, const json_t *reply, const struct hm_parts *parts, struct hm_fail *fail)
{
	HM_JSON json_t *findings = NULL, *claims = json_array();
	const json_t *list = json_object_get(reply, "claims"), *row;
	const char *supplier = text_of(reply, "supplier", NAME_MAX_BYTES), *date = text_of(reply, "date", 10), *statement = text_of(reply, "statement", TEXT_MAX);
	int r = load_findings(&findings, parts, fail);
	size_t i;

	if (r == 0 && (!supplier || !is_date(date)))
		r = hm_fail_set(fail, HM_E_BAD, "reply: no supplier of 1 to %d bytes, or no date YYYY-MM-DD", NAME_MAX_BYTES);
	if (r == 0 && json_object_get(reply, "statement") && !statement)
		r = hm_fail_set(fail, HM_E_BAD, "reply: the statement is no text of 1 to %d bytes", TEXT_MAX);
	if (r == 0 && (!json_is_array(list) || (!json_array_size(list) && !statement)))
		r = hm_fail_set(fail, HM_E_BAD, "reply: no claims, and no statement");
	json_array_foreach (list, i, row)
		if (r == 0)
			r = read_answer(claims, row, findings, fail);
	if (r < 0)
		return r;
	*ret = json_pack("{s:s, s:s, s:s, s:O}", "kind", "reply", "supplier", supplier, "date", date, "claims", claims);
	if (statement)
		json_object_set_new(*ret, "statement", json_string(statement));
	return 0;
}

int hm_reply_statement(struct hm_bytes *out, const json_t *reply, const struct hm_parts *parts, struct hm_fail *fail)
{
	HM_JSON json_t *shown = NULL;
	struct hm_slice core;
	char id[65];
	int r = read_predicate(&shown, reply, parts, fail);

	if (r < 0)
		return r;
	if (!hm_parts_get(parts, "core.json", &core))
		return hm_fail_set(fail, HM_E_BAD, "reply: the bundle has no core.json");
	hex_of(id, core);
	return put_statement(out, TYPE_REPLY, "core.json", id, reply, fail);
}

static void digest_of(char hex[65], const json_t *document)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

	hm_json_write(&text, document);
	hex_of(hex, hm_slice_of(&text));
}

static int check_author(const json_t *declaration, struct hm_fail *fail)
{
	const char *author = text_of(declaration, "author", 16), *schema = text_of(declaration, "schema", 64);

	if (!schema || strcmp(schema, "hallmark/declaration/v1") != 0)
		return hm_fail_set(fail, HM_E_BAD, "declaration: it is none of hallmark/declaration/v1");
	if (!author || strcmp(author, "supplier") != 0)
		return hm_fail_set(fail, HM_E_BAD, "declaration: its author is not the supplier, and nobody signs for another");
	return 0;
}

int hm_reply_declaration(struct hm_bytes *out, const json_t *declaration, struct hm_fail *fail)
{
	char hex[65];
	int r = check_author(declaration, fail);

	if (r < 0)
		return r;
	digest_of(hex, declaration);
	return put_statement(out, TYPE_DECLARATION, "declaration.json", hex, declaration, fail);
}

/* Whether one of the subjects has that digest. */
static bool is_about(const json_t *statement, const char *sha256)
{
	const json_t *subject;
	size_t i;

	json_array_foreach (json_object_get(statement, "subject"), i, subject) {
		const char *digest = json_string_value(json_object_get(json_object_get(subject, "digest"), "sha256"));

		if (digest && strcmp(digest, sha256) == 0)
			return true;
	}
	return false;
}

static int read_declaration(json_t **ret, const json_t *statement, const struct hm_parts *parts, struct hm_fail *fail)
{
	const json_t *declaration = json_object_get(statement, "predicate");
	const char *product = text_of(declaration, "product", TEXT_MAX), *source = text_of(declaration, "source", TEXT_MAX);
	struct hm_slice there;
	char hex[65], ours[65];
	int r = check_author(declaration, fail);

	if (r < 0)
		return r;
	digest_of(hex, declaration);
	if (!is_about(statement, hex))
		return hm_fail_set(fail, HM_E_BAD, "declaration: its subject is another than what it holds");
	if (!hm_parts_get(parts, "declaration.json", &there))
		return hm_fail_set(fail, HM_E_BAD, "declaration: the bundle was made without one");
	hex_of(ours, there);
	if (strcmp(hex, ours) != 0)
		return hm_fail_set(fail, HM_E_BAD, "declaration: the bundle was judged by another than the one that was signed here");
	*ret = json_pack("{s:s, s:s, s:s}", "kind", "declaration", "product", product ? product : "", "source", source ? source : "");
	return 0;
}

static int read_reply(json_t **ret, const json_t *statement, const struct hm_parts *parts, struct hm_fail *fail)
{
	struct hm_slice core;
	char id[65];

	if (!hm_parts_get(parts, "core.json", &core))
		return hm_fail_set(fail, HM_E_BAD, "reply: the bundle has no core.json");
	hex_of(id, core);
	if (!is_about(statement, id))
		return hm_fail_set(fail, HM_E_BAD, "reply: it is to another bundle");
	return read_predicate(ret, json_object_get(statement, "predicate"), parts, fail);
}

int hm_reply_read(json_t **ret, const struct hm_foreign *envelope, const struct hm_parts *parts, struct hm_fail *fail)
{
	HM_JSON json_t *statement = NULL;
	const char *kind, *type;
	int r;

	if (strcmp(envelope->type, HM_PAYLOAD_TYPE) != 0)
		return hm_fail_set(fail, HM_E_BAD, "its payload is no in-toto statement");
	r = hm_json_parse(&statement, hm_slice_of(&envelope->payload), "statement", fail);
	if (r < 0)
		return r;
	kind = json_string_value(json_object_get(statement, "_type"));
	type = json_string_value(json_object_get(statement, "predicateType"));
	if (!kind || strcmp(kind, "https://in-toto.io/Statement/v1") != 0 || !type)
		return hm_fail_set(fail, HM_E_BAD, "its payload is no in-toto statement");
	if (strcmp(type, TYPE_DECLARATION) == 0)
		return read_declaration(ret, statement, parts, fail);
	if (strcmp(type, TYPE_REPLY) == 0)
		return read_reply(ret, statement, parts, fail);
	return hm_fail_set(fail, HM_E_BAD, "its statement is neither a declaration nor a reply");
}
