/* The shapes of the core's documents as tables (doc/format/core.md). A reader refuses what it does not know. */
#include "claim_internal.h"

struct shape;

/* What a member holds, where its JSON type says too little. An array's rule is that of its elements. */
struct rule {
	const char *member;
	const struct shape *shape; /* of an object */
	int type;		   /* of an array's elements that are no objects */
	const char *words;	   /* allowed texts, each between blanks */
	char form;		   /* 'h' 64 hex digits, 'd' sha256: and 64 hex digits, 'n' a number of 0 or more */
};

struct shape {
	const struct hm_json_member *rows;
	size_t count;
	const struct rule *rules;
	size_t rule_count;
};

#define ROWS(...) (const struct hm_json_member[]){ __VA_ARGS__ }
#define RULES(...) (const struct rule[]){ __VA_ARGS__ }
#define SHAPE(name, rows, rules)                                                                                         \
	static const struct shape name = { rows, sizeof(rows) / sizeof(struct hm_json_member), rules,                    \
					   sizeof(rules) / sizeof(struct rule) }
#define TEXT(name) { name, JSON_STRING }
#define NUMBER(name) { name, JSON_INTEGER }
#define LIST(name) { name, JSON_ARRAY }
#define OBJECT(name) { name, JSON_OBJECT }
#define TEXTS(name) { .member = name, .type = JSON_STRING }

#define INTERNETS " closed gateway replay simulated "
#define PROFILES " confined privileged "
#define KINDS " selftest aa screen confirm store send certificate locate "
#define PHASES " aa screen confirm store send certificate locate "
#define WRONGS " authority name expired "

SHAPE(executable, ROWS(TEXT("path"), TEXT("sha256")), RULES({ "sha256", .form = 'h' }));
SHAPE(planned_product, ROWS(TEXT("name"), OBJECT("executable")), RULES({ "executable", &executable }));
SHAPE(planned_run, ROWS(NUMBER("run"), TEXT("kind"), TEXT("certificate?")),
      RULES({ "run", .form = 'n' }, { "kind", .words = KINDS }, { "certificate", .words = WRONGS }));
SHAPE(variable, ROWS(TEXT("name"), TEXT("value")), RULES({ 0 }));
SHAPE(trusted_file, ROWS(TEXT("path"), TEXT("as")), RULES({ "as", .words = " pem der added keystore " }));
SHAPE(authorities, ROWS(LIST("arguments"), LIST("environment"), LIST("files")),
      RULES(TEXTS("arguments"), { "environment", &variable }, { "files", &trusted_file }));
SHAPE(used_authorities, ROWS(LIST("arguments"), LIST("environment"), LIST("files"), TEXT("after|")),
      RULES(TEXTS("arguments"), { "environment", &variable }, { "files", &trusted_file }, { "after", .form = 'd' }));
SHAPE(block, ROWS(NUMBER("block"), TEXT("phase"), TEXT("factor|"), LIST("runs")),
      RULES({ "block", .form = 'n' }, { "phase", .words = PHASES }, { .member = "runs", .type = JSON_INTEGER }));
SHAPE(plan,
      ROWS(TEXT("schema"), NUMBER("format"), NUMBER("semantics"), TEXT("commitment"), TEXT("claim_set"), TEXT("declaration|"),
	   OBJECT("product"), LIST("argv"), TEXT("stdin|"), LIST("factors"), LIST("runs"), LIST("blocks?"), NUMBER("feature_version"),
	   LIST("alpha"), TEXT("internet"), TEXT("scenario|"), TEXT("profile"), TEXT("target"), NUMBER("time_limit_s"),
	   OBJECT("authorities?")),
      RULES({ "commitment", .form = 'h' }, { "claim_set", .form = 'd' }, { "declaration", .form = 'd' },
	    { "product", &planned_product }, TEXTS("argv"), TEXTS("factors"), { "runs", &planned_run }, { "blocks", &block },
	    { .member = "alpha", .type = JSON_INTEGER }, { "internet", .words = INTERNETS }, { "scenario", .form = 'd' },
	    { "profile", .words = PROFILES }, { "time_limit_s", .form = 'n' }, { "authorities", &used_authorities }));

SHAPE(kernel, ROWS(TEXT("release"), TEXT("machine")), RULES({ 0 }));
SHAPE(witnesses, ROWS(LIST("read"), LIST("send")), RULES(TEXTS("read"), TEXTS("send")));
SHAPE(chamber,
      ROWS(TEXT("profile"), TEXT("internet"), TEXT("hostname"), TEXT("machine_id"), TEXT("address"), TEXT("target"), LIST("equal"),
	   LIST("absent_mounts"), { "self_test", HM_JSON_ANY }),
      RULES({ "profile", .words = PROFILES }, { "internet", .words = INTERNETS }, TEXTS("equal"), TEXTS("absent_mounts")));
SHAPE(controlled,
      ROWS(NUMBER("random"), NUMBER("random_bytes"), NUMBER("clock"), NUMBER("execs"), NUMBER("execs_missed"), NUMBER("left"), NUMBER("start_s")),
      RULES({ 0 }));
SHAPE(handshakes, ROWS(NUMBER("accepted"), NUMBER("refused"), NUMBER("failed"), NUMBER("keys_lost")), RULES({ 0 }));
SHAPE(done_run,
      ROWS(NUMBER("run"), TEXT("kind"), TEXT("outcome"), NUMBER("status"), NUMBER("start_us"), NUMBER("end_us"), OBJECT("controlled?"),
	   OBJECT("tls?"), TEXT("address?")),
      RULES({ "controlled", &controlled }, { "tls", &handshakes }, { "run", .form = 'n' }, { "kind", .words = KINDS }, { "outcome", .words = " exited signalled timeout interrupted " }));
SHAPE(dropped_run, ROWS(NUMBER("run"), TEXT("rule")), RULES({ "run", .form = 'n' }));
SHAPE(held, ROWS(TEXT("factor"), NUMBER("block")), RULES({ "block", .form = 'n' }));
SHAPE(set_of_run, ROWS(NUMBER("run"), NUMBER("set")), RULES({ "run", .form = 'n' }, { "set", .form = 'n' }));
SHAPE(repeated, ROWS(NUMBER("block"), TEXT("why")), RULES({ "block", .form = 'n' }));
SHAPE(resumed, ROWS(NUMBER("block"), NUMBER("at_us")), RULES({ "block", .form = 'n' }, { "at_us", .form = 'n' }));
SHAPE(assessment,
      ROWS(TEXT("schema"), TEXT("seed"), OBJECT("kernel"), OBJECT("witnesses"), OBJECT("chamber"), LIST("runs"), LIST("dropped"),
	   LIST("held?"), LIST("sets?"), LIST("repeated?"), LIST("resumed?")),
      RULES({ "seed", .form = 'h' }, { "kernel", &kernel }, { "witnesses", &witnesses }, { "chamber", &chamber },
	    { "runs", &done_run }, { "dropped", &dropped_run }, { "held", &held }, { "sets", &set_of_run }, { "repeated", &repeated }, { "resumed", &resumed }));

SHAPE(self_test_row,
      ROWS(TEXT("way"), TEXT("kind"), LIST("witnesses"), TEXT("result"), TEXT("why")),
      RULES({ "kind", .words = " read send refuse state " }, TEXTS("witnesses"), { "result", .words = " seen denied missed unavailable " }));
SHAPE(self_test, ROWS(TEXT("result"), LIST("rows")), RULES({ "result", .words = " passed failed " }, { "rows", &self_test_row }));

SHAPE(endpoint, ROWS(TEXT("name"), NUMBER("port"), TEXT("proto")), RULES({ "port", .form = 'n' }, { "proto", .words = " tcp udp " }));
SHAPE(listener, ROWS(NUMBER("port"), TEXT("proto")), RULES({ "port", .form = 'n' }, { "proto", .words = " tcp udp " }));
SHAPE(detects, ROWS(NUMBER("stream"), TEXT("line")), RULES({ "stream", .form = 'n' }));
SHAPE(collected, ROWS(TEXT("value"), TEXT("of"), TEXT("to?")),
      RULES({ "value", .words = " content md5 name pyzor pyzor.signature sha1 sha224 sha256 sha384 sha512 size " }, { "of", .words = " file part " }));
SHAPE(declaration,
      ROWS(TEXT("schema"), TEXT("product"), TEXT("author"), TEXT("source"), LIST("endpoints?"), LIST("writes?"), LIST("reads?"),
	   LIST("privileges?"), LIST("listens?"), OBJECT("detects?"), LIST("values?"), LIST("switches?"), LIST("collects?"),
	   OBJECT("authorities?")),
      RULES({ "author", .words = " supplier assessor project " }, { "endpoints", &endpoint }, TEXTS("writes"), TEXTS("reads"),
	    TEXTS("privileges"), { "listens", &listener }, { "detects", &detects }, TEXTS("values"), TEXTS("switches"), { "collects", &collected },
	    { "authorities", &authorities }));

SHAPE(claim, ROWS(TEXT("id"), NUMBER("question|"), TEXT("statement")), RULES({ "question", .form = 'n' }));
SHAPE(claims, ROWS(TEXT("schema"), LIST("claims")), RULES({ "claims", &claim }));

SHAPE(control, ROWS(TEXT("country"), TEXT("since|"), TEXT("source")), RULES({ 0 }));
SHAPE(supplier, ROWS(TEXT("id"), TEXT("name"), OBJECT("control|")), RULES({ "control", &control }));
SHAPE(packaged,
      ROWS(TEXT("path?"), TEXT("path_b64?"), TEXT("sha256"), NUMBER("size"), NUMBER("mode"), NUMBER("uid"), NUMBER("gid"), TEXT("origin")),
      RULES({ "sha256", .form = 'h' }, { "size", .form = 'n' }, { "mode", .form = 'n' }, { "uid", .form = 'n' },
	    { "gid", .form = 'n' }, { "origin", .words = " package differs unlisted " }));
SHAPE(package, ROWS(TEXT("name"), TEXT("version"), TEXT("arch"), LIST("files")), RULES({ "files", &packaged }));
SHAPE(unowned, ROWS(TEXT("path?"), TEXT("path_b64?"), TEXT("sha256")), RULES({ "sha256", .form = 'h' }));
SHAPE(definition, ROWS(TEXT("name"), TEXT("version|"), TEXT("sha256")), RULES({ "sha256", .form = 'h' }));
SHAPE(product,
      ROWS(TEXT("schema"), TEXT("name"), TEXT("purl|"), OBJECT("supplier|"), LIST("packages"), LIST("unowned"), LIST("definitions")),
      RULES({ "supplier", &supplier }, { "packages", &package }, { "unowned", &unowned }, { "definitions", &definition }));

SHAPE(planted_file,
      ROWS(TEXT("path?"), TEXT("path_b64?"), TEXT("part"), TEXT("sha256"), NUMBER("size"), NUMBER("mode"), TEXT("role"),
	   TEXT("marking|"), LIST("tokens")),
      RULES({ "sha256", .form = 'h' }, { "size", .form = 'n' }, { "mode", .form = 'n' },
	    { "role", .words = " document sample definitions " }, TEXTS("tokens")));
SHAPE(planted, ROWS(TEXT("schema"), TEXT("target"), LIST("files")), RULES({ "files", &planted_file }));

SHAPE(level, ROWS(TEXT("factor"), NUMBER("level")), RULES({ "level", .form = 'n' }));
SHAPE(xattr, ROWS(TEXT("name"), TEXT("value")), RULES({ 0 }));
SHAPE(set_file,
      ROWS(TEXT("path?"), TEXT("path_b64?"), TEXT("part"), TEXT("sha256"), NUMBER("size"), NUMBER("mode"), TEXT("role"),
	   TEXT("marking|"), LIST("tokens"), NUMBER("uid"), NUMBER("gid"), NUMBER("mtime"), NUMBER("atime"), LIST("xattrs"), NUMBER("draw")),
      RULES({ "sha256", .form = 'h' }, { "size", .form = 'n' }, { "mode", .form = 'n' },
	    { "role", .words = " document sample definitions " }, TEXTS("tokens"), { "uid", .form = 'n' }, { "gid", .form = 'n' },
	    { "mtime", .form = 'n' }, { "atime", .form = 'n' }, { "xattrs", &xattr }, { "draw", .form = 'n' }));
SHAPE(mixed_part, ROWS(NUMBER("document"), NUMBER("from"), NUMBER("to"), NUMBER("draw"), NUMBER("offset|"), NUMBER("length|"), NUMBER("of|")),
      RULES({ "document", .form = 'n' }, { "from", .form = 'n' }, { "to", .form = 'n' }, { "draw", .form = 'n' }, { "offset", .form = 'n' },
	    { "length", .form = 'n' }, { "of", .form = 'n' }));
SHAPE(mix, ROWS(TEXT("factor"), LIST("parts")), RULES({ "parts", &mixed_part }));
SHAPE(planted_set, ROWS(NUMBER("set"), TEXT("phase"), NUMBER("block"), LIST("levels"), LIST("files"), OBJECT("mix?")),
      RULES({ "set", .form = 'n' }, { "mix", &mix }, { "phase", .words = " aa screen " }, { "block", .form = 'n' }, { "levels", &level },
	    { "files", &set_file }));
SHAPE(thing, ROWS(TEXT("document"), NUMBER("places")), RULES({ "places", .form = 'n' }));
SHAPE(things, ROWS(TEXT("factor"), LIST("documents")), RULES({ "documents", &thing }));
SHAPE(planted_sets, ROWS(TEXT("schema"), TEXT("target"), LIST("sets"), LIST("things?")), RULES({ "sets", &planted_set }, { "things", &things }));

static const struct {
	const char *part, *schema;
	const struct shape *shape;
	const char *earlier; /* schema that says the same of its shape, or NULL */
} documents[] = {
	[HM_PLAN] = { "plan.json", "hallmark/plan/v1", &plan },
	[HM_ASSESSMENT] = { "assessment.json", "hallmark/assessment/v1", &assessment },
	[HM_DECLARATION] = { "declaration.json", "hallmark/declaration/v1", &declaration },
	[HM_CLAIMS] = { "claims.json", "hallmark/claims/v1", &claims },
	[HM_PRODUCT] = { "product.json", "hallmark/product/v1", &product },
	[HM_PLANTED] = { "planted.json", "hallmark/planted/v1", &planted },
	[HM_PLANTED_SETS] = { "planted.json", "hallmark/planted/v3", &planted_sets, "hallmark/planted/v2" },
};

static int check_shape(const json_t *value, const struct shape *shape, const char *what, struct hm_fail *fail);

static bool has_form(const json_t *value, char form)
{
	uint8_t hash[HM_SHA256_LEN];
	const char *text;
	size_t skip = form == 'd' ? 7 : 0;

	if (form == 'n')
		return json_integer_value(value) >= 0;
	text = json_string_value(value);
	if (skip && strncmp(text, "sha256:", skip) != 0)
		return false;
	return hm_text_unhex(hash, sizeof(hash), hm_slice_text(text + skip)) == 0;
}

/* `words` begins and ends with a blank, and so is every word found: " aa " is in " aa screen ". */
static bool is_word(const char *text, const char *words)
{
	HM_FREE char *word = hm_sprintf(" %s ", text);

	return !strchr(text, ' ') && strstr(words, word);
}

static int check_value(const json_t *value, const struct rule *rule, bool element, const char *what, struct hm_fail *fail)
{
	if (element && !rule->shape && (int)json_typeof(value) != rule->type)
		return hm_fail_set(fail, HM_E_BAD, "%s: a row of %s has the wrong type", what, rule->member);
	if (rule->shape)
		return check_shape(value, rule->shape, what, fail);
	if (rule->form && !has_form(value, rule->form))
		return hm_fail_set(fail, HM_E_BAD, "%s: %s has the wrong form", what, rule->member);
	if (rule->words && !is_word(json_string_value(value), rule->words))
		return hm_fail_set(fail, HM_E_BAD, "%s: %s is none of the words%s", what, rule->member, rule->words);
	return 0;
}

static int check_shape(const json_t *value, const struct shape *shape, const char *what, struct hm_fail *fail)
{
	int r = hm_json_shape(value, shape->rows, shape->count, what, fail);

	for (size_t i = 0; i < shape->rule_count && r == 0 && shape->rules[i].member; i++) {
		const struct rule *rule = &shape->rules[i];
		const json_t *member = json_object_get(value, rule->member), *element;
		size_t k;

		if (!member || json_is_null(member))
			continue;
		if (!json_is_array(member)) {
			r = check_value(member, rule, false, what, fail);
			continue;
		}
		json_array_foreach (member, k, element) {
			r = check_value(element, rule, true, what, fail);
			if (r < 0)
				break;
		}
	}
	return r;
}

/* A schema of ours in a later version is not malformed: it is unknown. */
static int check_schema(const json_t *value, enum hm_document which, struct hm_fail *fail)
{
	const char *schema = documents[which].schema, *part = documents[which].part, *earlier = documents[which].earlier;
	const char *text = json_string_value(json_object_get(value, "schema"));
	size_t family = strlen(schema) - 1;

	if (!text)
		return hm_fail_set(fail, HM_E_BAD, "%s: no schema", part);
	if (strcmp(text, schema) == 0 || (earlier && strcmp(text, earlier) == 0))
		return 0;
	return hm_fail_set(fail, strncmp(text, schema, family) == 0 ? HM_E_UNKNOWN : HM_E_BAD, "%s: schema %.100s, and %s was expected",
			   part, text, schema);
}

int hm_document_read(json_t **ret, enum hm_document which, struct hm_slice text, struct hm_fail *fail)
{
	const char *part = documents[which].part;
	HM_JSON json_t *value = NULL;
	int r = hm_json_parse_canonical(&value, text, part, fail);

	if (r == 0)
		r = check_schema(value, which, fail);
	if (r == 0)
		r = check_shape(value, documents[which].shape, part, fail);
	if (r == 0)
		*ret = hm_take_ptr(&value);
	return r;
}

int hm_self_test_read(const char **result, const json_t *value, unsigned semantics, struct hm_fail *fail)
{
	int r;

	*result = "none";
	/* In semantics 1 there was none, and any text said so. */
	if (json_is_string(value) && (semantics == 1 || strcmp(json_string_value(value), "none") == 0))
		return 0;
	if (json_is_string(value) || semantics == 1)
		return hm_fail_set(fail, HM_E_BAD, "assessment.json: self_test has the wrong form");
	r = check_shape(value, &self_test, "assessment.json: self_test", fail);
	if (r == 0)
		*result = hm_text_of(value, "result");
	return r;
}
