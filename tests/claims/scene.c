#include "scene_internal.h"

#include <err.h>

#include "evaluate.h"
#include "json.h"
#include "planted.h"
#include "text.h"

const uint8_t scene_seed[32] = "a seed that is the same always";

_Noreturn void scene_bad(const struct line *line)
{
	errx(1, "line %u: `%s` cannot be read", line->number, line->word[0]);
}

const char *scene_word(const struct line *line, size_t i)
{
	if (i >= line->words)
		scene_bad(line);
	return line->word[i];
}

uint64_t scene_number(const struct line *line, size_t i, int base)
{
	char *end;
	uint64_t v = strtoull(scene_word(line, i), &end, base);

	if (*end)
		scene_bad(line);
	return v;
}

void scene_must(int r, const struct hm_fail *fail)
{
	if (r < 0)
		errx(1, "%s", fail->text);
}
static void put_json(struct stage *s, const char *name, json_t *value)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	struct hm_fail fail;

	hm_json_write(&text, value);
	json_decref(value);
	scene_must(hm_parts_take(s->parts, name, &text, &fail), &fail);
}

static json_t *hex(const struct hm_sha256 *digest, const char *prefix)
{
	char text[2 * HM_SHA256_LEN + 1];

	hm_text_hex_into(text, (struct hm_slice){ digest->b, sizeof(digest->b) });
	return json_sprintf("%s%s", prefix, text);
}

static json_t *digest_of(struct stage *s, const char *part)
{
	struct hm_slice content;
	struct hm_sha256 digest;

	if (!hm_parts_get(s->parts, part, &content))
		return json_null();
	hm_sha256_slice(&digest, content);
	return hex(&digest, "sha256:");
}

/* ---- documents ---- */

/* VALUE:OF or VALUE:OF:ENDPOINT */
static json_t *collected(const struct line *line, const char *item)
{
	const char *of = strchr(item, ':'), *to = of ? strchr(of + 1, ':') : NULL;
	json_t *row;

	if (!of)
		scene_bad(line);
	row = json_pack("{s:s%,s:s%}", "value", item, (size_t)(of - item), "of", of + 1, to ? (size_t)(to - of - 1) : strlen(of + 1));
	if (to)
		json_object_set_new(row, "to", json_string(to + 1));
	return row;
}

/* What is declared of authorities, or was used: words behind the first `from` are arguments. */
static json_t *authorities(const struct line *line, size_t from)
{
	json_t *arguments = json_array();

	for (size_t i = from; i < line->words; i++)
		json_array_append_new(arguments, json_string(line->word[i]));
	return json_pack("{s:o,s:[],s:[]}", "arguments", arguments, "environment", "files");
}

static void declare(json_t *declaration, const struct line *line)
{
	const char *list = scene_word(line, 1);
	json_t *rows = json_array();

	if (strcmp(list, "authorities") == 0) {
		json_decref(rows);
		json_object_set_new(declaration, list, authorities(line, 2));
		return;
	}
	if (strcmp(list, "detects") == 0) {
		json_decref(rows);
		json_object_set_new(declaration, list,
				    json_pack("{s:I,s:s}", "stream", (json_int_t)scene_number(line, 2, 10), "line", scene_word(line, 3)));
		return;
	}
	for (size_t i = 2; i < line->words; i++) {
		char *name = line->word[i], *colon = strrchr(name, ':'), *slash = colon ? strchr(colon, '/') : NULL;

		if (strcmp(list, "collects") == 0) {
			json_array_append_new(rows, collected(line, name));
			continue;
		}
		if (strcmp(list, "endpoints") != 0) {
			json_array_append_new(rows, json_string(name));
			continue;
		}
		if (!slash)
			scene_bad(line);
		json_array_append_new(rows, json_pack("{s:s%,s:i,s:s}", "name", name, (size_t)(colon - name), "port",
						      atoi(colon + 1), "proto", slash + 1));
	}
	json_object_set_new(declaration, list, rows);
}

static void make_declaration(struct stage *s)
{
	HM_JSON json_t *declaration = json_pack("{s:s,s:s,s:s,s:s}", "schema", "hallmark/declaration/v1", "product", "subject", "author",
						"project", "source", "a test");
	bool any = false;

	for (size_t i = 0; i < s->lines->count; i++)
		if (strcmp(s->lines->list[i].word[0], "declare") == 0) {
			declare(declaration, &s->lines->list[i]);
			any = true;
		}
	if (any)
		put_json(s, "declaration.json", json_incref(declaration));
}

static void make_product(struct stage *s)
{
	static const char zero[] = "0000000000000000000000000000000000000000000000000000000000000000";
	json_t *files = json_array(), *unowned = json_array();

	json_array_append_new(files, json_pack("{s:s,s:s,s:i,s:i,s:i,s:i,s:s}", "path", SUBJECT, "sha256", zero, "size", 1, "mode", 0755,
					       "uid", 0, "gid", 0, "origin", "package"));
	for (size_t i = 0; i < s->lines->count; i++) {
		const struct line *line = &s->lines->list[i];

		if (strcmp(line->word[0], "package") == 0)
			json_array_append_new(files, json_pack("{s:s,s:s,s:i,s:i,s:i,s:i,s:s}", "path", scene_word(line, 1), "sha256", zero, "size", 1,
							       "mode", 0755, "uid", 0, "gid", 0, "origin", scene_word(line, 2)));
		if (strcmp(line->word[0], "unowned") == 0)
			json_array_append_new(unowned, json_pack("{s:s,s:s}", "path", scene_word(line, 1), "sha256", zero));
	}
	put_json(s, "product.json", json_pack("{s:s,s:s,s:n,s:n,s:[{s:s,s:s,s:s,s:o}],s:o,s:[]}", "schema", "hallmark/product/v1", "name",
					      "subject", "purl", "supplier", "packages", "name", "subject", "version", "1", "arch", "all",
					      "files", files, "unowned", unowned, "definitions"));
}

static size_t count_lines(const struct lines *lines, const char *first)
{
	size_t count = 0;

	for (size_t i = 0; i < lines->count; i++)
		count += strcmp(lines->list[i].word[0], first) == 0;
	return count;
}

/* The line that begins run `number`, or NULL. */
static const struct line *run_line(const struct stage *s, size_t number)
{
	for (size_t i = 0; i < s->lines->count; i++)
		if (strcmp(s->lines->list[i].word[0], "run") == 0 && --number == 0)
			return &s->lines->list[i];
	return NULL;
}

/* What is wrong with the certificates of a run, or NULL. */
static const char *wrong_of(const struct stage *s, size_t run)
{
	const struct line *line = run_line(s, run);

	return line && line->words > 2 && strcmp(line->word[1], "wrong") == 0 ? line->word[2] : NULL;
}

static json_t *planned_run(size_t run, const char *wrong)
{
	json_t *row = json_pack("{s:i,s:s}", "run", (int)run, "kind", wrong ? "certificate" : "aa");

	if (wrong)
		json_object_set_new(row, "certificate", json_string(wrong));
	return row;
}

/* Handshakes that the run's own lines tell of. */
static json_t *handshakes_of(const struct stage *s, size_t run)
{
	const struct line *line = run_line(s, run), *end = s->lines->list + s->lines->count;

	for (line = line ? line + 1 : end; line < end && strcmp(line->word[0], "run") != 0; line++)
		if (strcmp(line->word[0], "refused") == 0)
			return json_pack("{s:i,s:I,s:i,s:i}", "accepted", 0, "refused", (json_int_t)scene_number(line, 1, 10), "failed", 0, "keys_lost", 0);
	return NULL;
}

/* `adapted`: the product was started in that form. */
static void adapt(const struct stage *s, json_t *plan)
{
	for (size_t i = 0; i < s->lines->count; i++)
		if (strcmp(s->lines->list[i].word[0], "adapted") == 0) {
			json_object_set_new(plan, "authorities", authorities(&s->lines->list[i], 1));
			json_object_set_new(json_object_get(plan, "authorities"), "after", json_null());
		}
}

static void make_plan(struct stage *s, size_t planned, const char *internet)
{
	json_t *runs = json_array(), *plan;
	struct hm_sha256 commitment, zero = { { 0 } };
	struct hm_slice content;

	for (size_t i = 1; i <= planned; i++)
		json_array_append_new(runs, planned_run(i, wrong_of(s, i)));
	for (size_t i = 0; i < s->lines->count; i++)
		if (strcmp(s->lines->list[i].word[0], "without") == 0)
			json_array_append_new(runs, planned_run(++planned, scene_word(&s->lines->list[i], 1)));
	hm_seed_commit(&commitment, scene_seed);
	plan = json_pack("{s:s,s:i,s:i,s:o,s:o,s:o,s:{s:s,s:{s:s,s:o}},s:[s],s:n,s:[],s:o,s:i,s:[i,i],s:s,s:n,s:s,s:s,s:i}",
					   "schema", "hallmark/plan/v1", "format", 1, "semantics", (int)s->semantics, "commitment", hex(&commitment, ""),
					   "claim_set", digest_of(s, "claims.json"), "declaration", digest_of(s, "declaration.json"),
					   "product", "name", "subject", "executable", "path", SUBJECT, "sha256", hex(&zero, ""), "argv",
					   "subject", "stdin", "factors", "runs", runs, "feature_version", 1, "alpha", 1, 100, "internet",
					   internet, "scenario", "profile", "confined", "target", TARGET, "time_limit_s", 60);
	adapt(s, plan);
	put_json(s, "plan.json", plan);
	hm_parts_get(s->parts, "plan.json", &content);
	hm_sha256_slice(&s->plan, content);
}

static json_t *self_test_of(const struct stage *s)
{
	const char *result = s->version == 1 ? "none" : "passed";

	for (size_t i = 0; i < s->lines->count; i++)
		if (strcmp(s->lines->list[i].word[0], "selftest") == 0)
			result = scene_word(&s->lines->list[i], 1);
	if (strcmp(result, "none") == 0)
		return json_string(result);
	return json_pack("{s:s,s:[]}", "result", result, "rows");
}

static void make_assessment(struct stage *s, size_t done, size_t planned, const char *internet)
{
	json_t *runs = json_array(), *dropped = json_array();
	struct hm_sha256 as_hash;

	memcpy(as_hash.b, scene_seed, sizeof(scene_seed));
	for (size_t i = 1; i <= done; i++) {
		json_t *row = json_pack("{s:i,s:s,s:s,s:i,s:i,s:i}", "run", (int)i, "kind", wrong_of(s, i) ? "certificate" : "aa", "outcome", "exited",
					"status", 0, "start_us", 0, "end_us", 1), *tls = handshakes_of(s, i);

		if (tls)
			json_object_set_new(row, "tls", tls);
		json_array_append_new(runs, row);
	}
	for (size_t i = 0; i < s->lines->count; i++)
		if (strcmp(s->lines->list[i].word[0], "without") == 0)
			json_array_append_new(dropped, json_pack("{s:i,s:s}", "run", (int)++planned, "rule", "no tls"));
	put_json(s, "assessment.json",
		 json_pack("{s:s,s:o,s:{s:s,s:s},s:{s:[s],s:[s]},s:{s:s,s:s,s:s,s:s,s:s,s:s,s:[],s:[],s:o},s:o,s:o}", "schema",
			   "hallmark/assessment/v1", "seed", hex(&as_hash, ""), "kernel", "release", "6", "machine", "x86_64", "witnesses",
			   "read", "syscall", "send", "packet", "chamber", "profile", "confined", "internet", internet, "hostname",
			   "host", "machine_id", "00", "address", "198.18.0.2", "target", TARGET, "equal", "absent_mounts", "self_test",
			   self_test_of(s), "runs", runs, "dropped", dropped));
}
bool scene_is_later(const char *word)
{
	static const char *const words[] = { "selftest", "witnesses", "reconciled" };

	for (size_t i = 0; i < HM_COUNT(words); i++)
		if (strcmp(word, words[i]) == 0)
			return true;
	for (size_t i = 0; scene_later_deeds[i].word; i++)
		if (strcmp(word, scene_later_deeds[i].word) == 0)
			return true;
	return false;
}

struct hm_parts *scene_make(const struct lines *lines, const char *data, unsigned semantics)
{
	static struct stage stage;
	HM_FREE char *claims = hm_sprintf("%s/claims/claims.json", data);
	const char *internet = "simulated";
	size_t runs = count_lines(lines, "run"), planned = runs;
	struct hm_fail fail;

	stage = (struct stage){ .parts = hm_parts_new(), .lines = lines, .semantics = semantics, .version = HM_SEMANTICS_EVENTS(semantics),
				.witnesses = "read:syscall send:packet" };
	for (size_t i = 0; i < lines->count; i++) {
		if (strcmp(lines->list[i].word[0], "witnesses") == 0)
			stage.witnesses = scene_word(&lines->list[i], 1);
		if (strcmp(lines->list[i].word[0], "planned") == 0)
			planned = scene_number(&lines->list[i], 1, 10);
		if (strcmp(lines->list[i].word[0], "internet") == 0 && lines->list[i].words == 2)
			internet = lines->list[i].word[1];
	}
	scene_must(hm_parts_file(stage.parts, "claims.json", claims, &fail), &fail);
	scene_must(hm_planted_make(stage.parts, scene_seed, "aa", 0, TARGET, NULL, &fail), &fail);
	make_declaration(&stage);
	make_product(&stage);
	make_plan(&stage, planned, internet);
	make_assessment(&stage, runs, planned, internet);
	scene_runs(&stage);
	return stage.parts;
}
