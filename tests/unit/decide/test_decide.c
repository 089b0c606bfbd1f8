/* A policy and what was found, as text with single quotes; what comes of it. First what must never come out as allowed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "decide.h"
#include "fs.h"

#define RULE(id, force, applies, when, unless, answer)                                                                                                    \
	"{'id':'" id "','quote':'q','quote_note':'','source':'https://a.example','read':'2024-01-01','about':'','in_force':" force ",'applies_to':{" applies \
	"},'when':{" when "},'unless':[" unless "],'answer':'" answer "'}"
#define ALWAYS "{'from':'2017-12-01','to':null}"
#define POLICY(levels, unsourced, unknown, rules)                                                                                                  \
	"{'schema':'hallmark/policy/v1','id':'p','title':'t','issuer':'i','source':'https://a.example','levels':[" levels "],'scopes':[{'id':'s','is':'x'}]," \
	"'unsourced_country':'" unsourced "','unknown_supplier':[" unknown "],'rules':[" rules "]}"
#define LEVELS "'OFFICIAL','SECRET'"
#define NCSC POLICY(LEVELS, "cannot tell", "{'level':['SECRET'],'answer':'cannot tell'}",                                                                   \
		    RULE("secret", ALWAYS, "'level':['SECRET']", "'country':['RU'],'class':['antivirus','security']", "", "prohibited") ","           \
			    RULE("rest", ALWAYS, "'level':['OFFICIAL']", "", "", "allowed"))

#define OWNER(country, from, to, confidence) "{'controller':null,'country':'" country "','from':" from ",'to':" to ",'source':'https://a.example','confidence':'" confidence "'}"
#define SUPPLIER(id, kind, control) "{'id':'" id "','name':'" id "','kind':'" kind "','control':[" control "]}"
#define ITEM(supplier, class, relation, more)                                                                                                           \
	"{'target':'t','supplier':'" supplier "','product':'P','class':'" class "','relation':'" relation "','state':'installed','outer':'','score':100,'channels':[],'evidence':[" more \
	"],'evidence_count':0}"
#define TARGET(unread, nameless)                                                                                                                   \
	"{'target':'t','kind':'folder','endpoint':true,'read':{'entries':0,'files':0,'bytes':0,'observations':0},'not_read':[],'not_read_count':" unread \
	",'components':{'seen':0,'listed':0,'unlisted':0,'nameless':" nameless "},'nameless':[]}"
#define FILTERED(filter) "{'schema':'hallmark/found/v1','made':'2024-06-01','filter':" filter ",'suppliers':[" SUPPLIERS "],'targets':[" SEEN "],'items':[],'candidates':[]}"
#define FOUND(suppliers, targets, items, candidates)                                                                                             \
	"{'schema':'hallmark/found/v1','made':'2024-06-01','suppliers':[" suppliers "],'targets':[" targets "],'items':[" items "],'candidates':[" candidates "]}"
#define SUPPLIERS                                                                                                                         \
	SUPPLIER("ru", "security", OWNER("RU", "null", "null", "high"))                                                                       \
	"," SUPPLIER("us", "security", OWNER("US", "null", "null", "high")) "," SUPPLIER("usm", "security", OWNER("US", "null", "null", "memory")) ","       \
	SUPPLIER("sold", "security", OWNER("RU", "null", "'2020-01-01'", "high") "," OWNER("US", "'2020-01-01'", "null", "high")) ","            \
	SUPPLIER("child", "security", "{'controller':'ru','country':'RU','from':null,'to':null,'source':'https://a.example','confidence':'high'}") "," SUPPLIER("lost", "security", "")
#define SEEN TARGET("0", "0")

static json_t *parse(const char *text)
{
	HM_FREE char *copy = hm_strdup(text);
	json_t *value = NULL;
	struct hm_fail fail = { 0 };

	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	if (hm_json_parse(&value, hm_slice_text(copy), "test", &fail) < 0)
		fail_msg("%s in %s", fail.text, copy);
	return value;
}

static int read_policy(struct hm_decide_policy **policy, const char *text, struct hm_fail *fail)
{
	HM_FREE char *copy = hm_strdup(text);

	for (char *c = copy; *c; c++)
		*c = *c == '\'' ? '"' : *c;
	return hm_decide_policy_read(policy, hm_slice_text(copy), "test", fail);
}

static json_t *decide(const char *policy_text, const char *found_text, struct hm_decide_question q)
{
	HM_CLEANUP(hm_decide_policy_cleanup) struct hm_decide_policy *policy = NULL;
	HM_JSON json_t *found = parse(found_text);
	json_t *decision = NULL;
	struct hm_fail fail = { 0 };

	q.kind = q.kind ? q.kind : "found";
	q.name = "test";
	q.as_of = q.as_of ? q.as_of : "2024-06-01";
	if (read_policy(&policy, policy_text, &fail) < 0 || hm_decide(&decision, policy, found, &q, &fail) < 0)
		fail_msg("%s", fail.text);
	return decision;
}

static void expect_q(const char *policy, const char *found, struct hm_decide_question q, const char *answer, const char *change)
{
	HM_JSON json_t *d = decide(policy, found, q);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

	hm_json_write(&text, d);
	hm_bytes_u8(&text, 0);
	if (strcmp(json_string_value(json_object_get(d, "answer")), answer) != 0 || (change && !strstr((char *)text.data, change)))
		fail_msg("not %s with %s: %s", answer, change ? change : "anything", (char *)text.data);
}

#define AT(lev) ((struct hm_decide_question){ .level = (lev) })

static void test_classification_decides(void **state HM_UNUSED)
{
	const char *found = FOUND(SUPPLIERS, SEEN, ITEM("ru", "antivirus", "branded", ""), "");

	expect_q(NCSC, found, AT("SECRET"), "prohibited", "find --gone");
	expect_q(NCSC, found, AT("OFFICIAL"), "allowed", NULL);
	expect_q(NCSC, FOUND(SUPPLIERS, SEEN, ITEM("us", "antivirus", "branded", ""), ""), AT("SECRET"), "allowed", NULL);
	/* Of no class, but of somebody whose business is security. */
	expect_q(NCSC, FOUND(SUPPLIERS, SEEN, ITEM("ru", "", "contains", ""), ""), AT("SECRET"), "prohibited", NULL);
	expect_q(NCSC, FOUND(SUPPLIERS, SEEN, ITEM("ru", "code", "branded", ""), ""), AT("SECRET"), "allowed", NULL);
}

static void test_never_allowed(void **state HM_UNUSED)
{
	/* Nobody knows who controls it; or only from memory. */
	expect_q(NCSC, FOUND(SUPPLIERS, SEEN, ITEM("lost", "antivirus", "branded", ""), ""), AT("SECRET"), "cannot tell", "who controls lost");
	expect_q(NCSC, FOUND(SUPPLIERS, SEEN, ITEM("usm", "antivirus", "branded", ""), ""), AT("SECRET"), "cannot tell", "from memory");
	expect_q(NCSC, FOUND(SUPPLIERS, SEEN, ITEM("", "antivirus", "branded", ""), ""), AT("SECRET"), "cannot tell", NULL);
	/* Coverage. */
	expect_q(NCSC, FOUND(SUPPLIERS, TARGET("1", "0"), "", ""), AT("SECRET"), "cannot tell", "coverage");
	expect_q(NCSC, FOUND(SUPPLIERS, "", "", ""), AT("SECRET"), "cannot tell", "coverage");
	expect_q(NCSC, FOUND(SUPPLIERS, TARGET("1", "0"), ITEM("ru", "antivirus", "branded", ""), ""), AT("SECRET"), "prohibited", NULL);
	expect_q(NCSC, FOUND(SUPPLIERS, TARGET("1", "0"), "", ""), AT("OFFICIAL"), "allowed", NULL);
	/* Who names no supplier. */
	expect_q(NCSC, FOUND(SUPPLIERS, TARGET("0", "3"), "", ""), AT("SECRET"), "cannot tell", "3 components");
	expect_q(NCSC, FOUND(SUPPLIERS, TARGET("0", "3"), "", ""), ((struct hm_decide_question){ .level = "SECRET", .unknown = "allowed" }), "allowed", NULL);
	expect_q(NCSC, FOUND(SUPPLIERS, TARGET("0", "3"), "", ""), ((struct hm_decide_question){ .level = "SECRET", .unknown = "prohibited" }), "prohibited", NULL);
	/* Not enough evidence. */
	expect_q(NCSC, FOUND(SUPPLIERS, SEEN, "", ITEM("ru", "antivirus", "branded", "")), AT("SECRET"), "cannot tell", "evidence that is enough");
	expect_q(NCSC, FOUND(SUPPLIERS, SEEN, "", ITEM("us", "antivirus", "branded", "")), AT("SECRET"), "allowed", NULL);
	/* No rule that day. */
	expect_q(NCSC, FOUND(SUPPLIERS, SEEN, "", ""), ((struct hm_decide_question){ .level = "SECRET", .as_of = "2017-11-30" }), "cannot tell", "none is on 2017-11-30");
}

static void test_a_filter_hides(void **state HM_UNUSED)
{
	static const char by_supplier[] = POLICY("", "counts", "", RULE("b", ALWAYS, "", "'supplier':['ru']", "", "prohibited"));

	expect_q(NCSC, FILTERED("{'supplier':[],'country':[]}"), AT("SECRET"), "allowed", NULL);
	expect_q(NCSC, FILTERED("{'supplier':['us'],'country':[]}"), AT("SECRET"), "cannot tell", "an inventory of all suppliers");
	expect_q(NCSC, FILTERED("{'supplier':[],'country':['US']}"), AT("SECRET"), "cannot tell", "an inventory of all suppliers");
	expect_q(NCSC, FILTERED("{'supplier':['us'],'country':[]}"), AT("OFFICIAL"), "allowed", NULL);
	expect_q(by_supplier, FILTERED("{'supplier':['us'],'country':[]}"), AT(NULL), "cannot tell", "an inventory of all suppliers");
	expect_q(by_supplier, FILTERED("{'supplier':['us','ru'],'country':[]}"), AT(NULL), "allowed", NULL);
}

static void test_dates(void **state HM_UNUSED)
{
	const char *found = FOUND(SUPPLIERS, SEEN, ITEM("sold", "antivirus", "branded", ""), "");

	expect_q(NCSC, found, ((struct hm_decide_question){ .level = "SECRET", .as_of = "2019-12-31" }), "prohibited", NULL);
	expect_q(NCSC, found, ((struct hm_decide_question){ .level = "SECRET", .as_of = "2020-01-01" }), "allowed", NULL);
}

static void test_relations(void **state HM_UNUSED)
{
	static const char brand[] = POLICY("", "counts", "", RULE("b", ALWAYS, "", "'supplier':['ru'],'relation':['branded']", "", "prohibited")),
			  affiliates[] = POLICY("", "counts", "", RULE("b", ALWAYS, "", "'supplier':['ru'],'relation':['branded','controlled']", "", "prohibited")),
			  part[] = POLICY("", "counts", "", RULE("b", ALWAYS, "", "'supplier':['ru']", "", "prohibited"));

	expect_q(brand, FOUND(SUPPLIERS, SEEN, ITEM("ru", "", "contains", ""), ""), AT(NULL), "allowed", NULL);
	expect_q(part, FOUND(SUPPLIERS, SEEN, ITEM("ru", "", "contains", ""), ""), AT(NULL), "prohibited", NULL);
	expect_q(brand, FOUND(SUPPLIERS, SEEN, ITEM("child", "", "branded", ""), ""), AT(NULL), "allowed", NULL);
	expect_q(affiliates, FOUND(SUPPLIERS, SEEN, ITEM("child", "", "branded", ""), ""), AT(NULL), "prohibited", NULL);
	expect_q(part, FOUND(SUPPLIERS, SEEN, ITEM("child", "", "contains", ""), ""), AT(NULL), "prohibited", NULL);
	/* What found.json derived for its own day is derived again, not counted twice. */
	expect_q(part, FOUND(SUPPLIERS, SEEN, ITEM("ru", "", "controlled", ""), ""), AT(NULL), "allowed", NULL);
}

#define UPDATES POLICY("", "counts", "", RULE("u", ALWAYS, "", "'supplier':['ru'],'definitions_after':'2024-09-29'", "", "prohibited"))
#define DEFINITIONS(detail) "{'kind':'definitions','row':'r','value':'v','path':'','sha256':null,'state':'present','strength':'strong','channel':'definitions','detail':'" detail "'}"

static void test_definitions(void **state HM_UNUSED)
{
	expect_q(UPDATES, FOUND(SUPPLIERS, SEEN, ITEM("ru", "", "branded", DEFINITIONS("dated 2024-09-29")), ""), AT(NULL), "prohibited", NULL);
	expect_q(UPDATES, FOUND(SUPPLIERS, SEEN, ITEM("ru", "", "branded", DEFINITIONS("dated 2024-09-28")), ""), AT(NULL), "allowed", NULL);
	expect_q(UPDATES, FOUND(SUPPLIERS, SEEN, ITEM("ru", "", "branded", DEFINITIONS("dated 2024-99-99")), ""), AT(NULL), "cannot tell", NULL);
	expect_q(UPDATES, FOUND(SUPPLIERS, SEEN, ITEM("ru", "", "branded", ""), ""), AT(NULL), "cannot tell", "of which day");
	/* One that tells no day beside one that is old: nobody knows. One that is new is enough. */
	expect_q(UPDATES, FOUND(SUPPLIERS, SEEN, ITEM("ru", "", "branded", DEFINITIONS("dated 2024-09-28") "," DEFINITIONS("avc, 1997-2013")), ""), AT(NULL), "cannot tell", "some of those");
	expect_q(UPDATES, FOUND(SUPPLIERS, SEEN, ITEM("ru", "", "branded", DEFINITIONS("avc, 1997-2013") "," DEFINITIONS("dated 2024-09-29")), ""), AT(NULL), "prohibited", NULL);
}

#define UNLESS(id, to, when, answer) "{'id':'" id "','quote':null,'source':'https://a.example','to':" to ",'when':{" when "},'answer':'" answer "'}"
#define SHOWN UNLESS("shown", "null", "'bundle':{'upheld':['collect.*'],'keys':2,'logged':true}", "allowed")
#define EXCEPTIONS POLICY("", "counts", "", RULE("e", ALWAYS, "", "'supplier':['ru']", SHOWN "," UNLESS("board", "'2025-01-01'", "'exemption':true", "sealed only"), "prohibited"))

static void with_bundle(const char *bundle, const char *answer)
{
	HM_JSON json_t *facts = json_pack("[o]", parse(bundle));

	expect_q(EXCEPTIONS, FOUND(SUPPLIERS, "", ITEM("ru", "", "branded", ""), ""), ((struct hm_decide_question){ .kind = "bundle", .bundles = facts }), answer, NULL);
}

static void test_exceptions(void **state HM_UNUSED)
{
	static const char *const board[] = { "board" };
	const char *found = FOUND(SUPPLIERS, SEEN, ITEM("ru", "", "branded", ""), "");

	expect_q(EXCEPTIONS, found, AT(NULL), "prohibited", "a bundle of this build with collect.* upheld, signed by 2 keys");
	expect_q(EXCEPTIONS, found, AT(NULL), "prohibited", "the exemption board, until 2025-01-01");
	expect_q(EXCEPTIONS, found, ((struct hm_decide_question){ .exemption = board, .exemptions = 1 }), "sealed only", NULL);
	expect_q(EXCEPTIONS, found, ((struct hm_decide_question){ .exemption = board, .exemptions = 1, .as_of = "2025-01-01" }), "prohibited", NULL);
	with_bundle("{'name':'b','false':false,'claims':{'collect.content':'upheld','collect.names':'not tested'},'keys':2,'logged':true}", "allowed");
	with_bundle("{'name':'b','false':false,'claims':{'collect.content':'upheld','collect.names':'not verifiable'},'keys':2,'logged':true}", "prohibited");
	with_bundle("{'name':'b','false':false,'claims':{'collect.names':'not tested'},'keys':2,'logged':true}", "prohibited");
	with_bundle("{'name':'b','false':false,'claims':{'collect.content':'upheld'},'keys':1,'logged':true}", "prohibited");
	with_bundle("{'name':'b','false':false,'claims':{'collect.content':'upheld'},'keys':2,'logged':false}", "prohibited");
	with_bundle("{'name':'b','false':true,'claims':{'collect.content':'upheld'},'keys':2,'logged':true}", "prohibited");
}

/* The answer of one target of several. */
static void target_is(const json_t *decision, size_t at, const char *answer, const char *rule)
{
	const json_t *row = json_array_get(json_object_get(decision, "targets"), at);

	assert_string_equal(json_string_value(json_object_get(row, "answer")), answer);
	assert_string_equal(json_string_value(json_object_get(row, "rule")) ? json_string_value(json_object_get(row, "rule")) : "", rule);
}

#define CALLED(name, unread, nameless)                                                                                                        \
	"{" name ",'kind':'folder','endpoint':true,'read':{'entries':0,'files':0,'bytes':0,'observations':0},'not_read':[],'not_read_count':" unread   \
	",'components':{'seen':0,'listed':0,'unlisted':0,'nameless':" nameless "},'nameless':[]}"

static void test_each_system(void **state HM_UNUSED)
{
	static const char found[] = FOUND(SUPPLIERS,
					  CALLED("'target':'t'", "0", "0") "," CALLED("'target':'clean'", "0", "0") "," CALLED("'target':'partly'", "1", "0") ","
					  CALLED("'target_b64':'/w=='", "0", "0") "," CALLED("'target':'nameless'", "0", "2"),
					  ITEM("ru", "antivirus", "branded", "") ",{'target_b64':'/w==','supplier':'us','product':'P','class':'antivirus','relation':'branded','state':'installed','outer':'','score':100,'channels':[],'evidence':[],'evidence_count':0}",
					  "");
	HM_JSON json_t *d = decide(NCSC, found, AT("SECRET"));

	assert_string_equal(json_string_value(json_object_get(d, "answer")), "prohibited");
	target_is(d, 0, "prohibited", "secret");
	target_is(d, 1, "allowed", "");
	target_is(d, 2, "cannot tell", "");
	target_is(d, 3, "allowed", "");
	target_is(d, 4, "cannot tell", "");
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(d, "targets"), 3), "target_b64")), "/w==");
	assert_string_equal(json_string_value(json_object_get(json_array_get(json_object_get(d, "parts"), 1), "target_b64")), "/w==");
}

#define SCOPED POLICY(LEVELS, "counts", "",                                                                                          \
		      RULE("scoped", ALWAYS, "'level':['OFFICIAL'],'scope':['s']", "'supplier':['ru']", "", "prohibited") ","    \
			      RULE("later", "{'from':'2025-01-01','to':'2026-01-01'}", "'level':['OFFICIAL']", "'supplier':['ru']", "", "sealed only") "," \
			      RULE("high", ALWAYS, "'level':['SECRET']", "'supplier':['ru']", UNLESS("board", "null", "'exemption':true", "allowed"), "prohibited") ","  \
			      RULE("high-too", ALWAYS, "'level':['SECRET']", "'supplier':['ru']", "", "sealed only") "," RULE("rest", ALWAYS, "", "", "", "allowed"))

static void test_what_if(void **state HM_UNUSED)
{
	static const char found[] = FOUND(SUPPLIERS, SEEN, ITEM("ru", "", "branded", ""), ""), other[] = FOUND(SUPPLIERS, SEEN, ITEM("us", "", "branded", ""), "");
	HM_JSON json_t *none = decide(SCOPED, other, AT("OFFICIAL"));

	expect_q(SCOPED, found, AT("OFFICIAL"), "allowed", "ru, P: --scope s (x), by the rule scoped\",\"to\":\"prohibited\"");
	expect_q(SCOPED, found, AT("OFFICIAL"), "allowed", "from 2025-01-01 on, by the rule later\",\"to\":\"sealed only\"");
	expect_q(SCOPED, found, AT("OFFICIAL"), "allowed", "from 2026-01-01 on, by the rule rest\",\"to\":\"allowed\"");
	expect_q(SCOPED, found, AT("OFFICIAL"), "allowed", "a system at SECRET, by the rule high\",\"to\":\"prohibited\"");
	expect_q(SCOPED, found, AT("SECRET"), "prohibited", "a system at OFFICIAL, by the rule rest\",\"to\":\"allowed\"");
	/* Another rule speaks against it all the same. */
	expect_q(SCOPED, found, AT("SECRET"), "prohibited", "the exemption board, by the rule high-too\",\"to\":\"sealed only\"");
	assert_int_equal(json_array_size(json_object_get(none, "would_change")), 0);
	/* What would be allowed if it were true is allowed if it is not, where no other rule speaks. */
	expect_q(POLICY("", "counts", "", RULE("a", ALWAYS, "", "'country':['RU']", "", "allowed")), FOUND(SUPPLIERS, SEEN, ITEM("lost", "", "branded", ""), ""), AT(NULL), "allowed", NULL);
	expect_q(POLICY("", "counts", "", RULE("a", ALWAYS, "", "'country':['RU']", "", "sealed only")), FOUND(SUPPLIERS, SEEN, ITEM("lost", "", "branded", ""), ""), AT(NULL), "cannot tell", NULL);
}

static void refuse(const char *text, const char *why)
{
	HM_CLEANUP(hm_decide_policy_cleanup) struct hm_decide_policy *policy = NULL;
	struct hm_fail fail = { 0 };
	int r = read_policy(&policy, text, &fail);

	if (r >= 0 || !strstr(fail.text, why))
		fail_msg("%s, not %s", r < 0 ? fail.text : "taken", why);
}

static void test_refused_policies(void **state HM_UNUSED)
{
	refuse("{}", "missing");
	refuse(POLICY(LEVELS, "maybe", "", RULE("a", ALWAYS, "", "", "", "allowed")), "unsourced_country");
	refuse(POLICY(LEVELS, "counts", "", ""), "no rules");
	refuse(POLICY(LEVELS, "counts", "", RULE("a", ALWAYS, "", "", "", "yes")), "no answer");
	refuse(POLICY(LEVELS, "counts", "", RULE("a", "{'from':'2017','to':null}", "", "", "", "allowed")), "YYYY-MM-DD");
	refuse(POLICY(LEVELS, "counts", "", RULE("a", "{'from':'2017-01-02','to':'2017-01-01'}", "", "", "", "allowed")), "ends before");
	refuse(POLICY(LEVELS, "counts", "", RULE("a", ALWAYS, "'level':['TOP']", "", "", "allowed")), "none of those");
	refuse(POLICY(LEVELS, "counts", "", RULE("a", ALWAYS, "'level':[]", "", "", "allowed")), "empty list");
	refuse(POLICY(LEVELS, "counts", "", RULE("a", ALWAYS, "'scope':['z']", "", "", "allowed")), "none of those");
	refuse(POLICY(LEVELS, "counts", "", RULE("a", ALWAYS, "", "'class':['virus']", "", "allowed")), "none of those");
	refuse(POLICY(LEVELS, "counts", "", RULE("a", ALWAYS, "", "'colour':['red']", "", "allowed")), "colour");
	refuse(POLICY(LEVELS, "counts", "", RULE("a", ALWAYS, "", "", UNLESS("x", "null", "", "allowed"), "prohibited")), "exemption or a bundle");
	refuse(POLICY(LEVELS, "counts", "", RULE("a", ALWAYS, "", "", UNLESS("x", "null", "'exemption':false", "allowed"), "prohibited")), "exemption or a bundle");
	refuse(POLICY(LEVELS, "counts", "", RULE("a", ALWAYS, "", "", "", "allowed") "," RULE("a", ALWAYS, "", "", "", "allowed")), "two rules");
}

static void test_usage(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_decide_policy_cleanup) struct hm_decide_policy *policy = NULL;
	HM_JSON json_t *found = parse(FOUND(SUPPLIERS, SEEN, "", ""));
	static const char *const other[] = { "other" };
	struct hm_decide_question wrong[] = {
		{ .level = NULL }, { .level = "TOP" }, { .level = "SECRET", .scope = other, .scopes = 1 }, { .level = "SECRET", .exemption = other, .exemptions = 1 },
		{ .level = "SECRET", .unknown = "perhaps" }, { .level = "SECRET", .as_of = "2024" },
	};
	struct hm_fail fail;

	assert_int_equal(read_policy(&policy, NCSC, &fail), 0);
	for (size_t i = 0; i < HM_COUNT(wrong); i++) {
		json_t *decision = NULL;

		wrong[i].kind = "found";
		wrong[i].name = "test";
		wrong[i].as_of = wrong[i].as_of ? wrong[i].as_of : "2024-06-01";
		assert_int_equal(hm_decide(&decision, policy, found, &wrong[i], &fail), HM_E_USAGE);
		assert_null(decision);
	}
}

/* What nobody read here allows nothing. */
static void words_or_doubt(const char *policy, const json_t *row)
{
	const char *answer = json_string_value(json_object_get(row, "answer"));

	if (json_is_null(json_object_get(row, "quote")) && strcmp(answer, "prohibited") != 0 && strcmp(answer, "cannot tell") != 0)
		fail_msg("%s, %s: no words, and %s", policy, json_string_value(json_object_get(row, "id")), answer);
}

/* What is delivered: each policy is taken, and each rule has words or says why not. */
static void test_own_policies(void **state HM_UNUSED)
{
	static const char *const names[] = { "ncsc-2017", "bod-17-01", "far-52.204-23", "commerce-2024", "pspf-002-2025", "template" };

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		HM_CLEANUP(hm_decide_policy_cleanup) struct hm_decide_policy *policy = NULL;
		HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
		HM_FREE char *path = hm_sprintf(HM_TEST_DATA "/../data/policies/%s.json", names[i]);
		HM_JSON json_t *root = NULL;
		const json_t *rule, *unless;
		size_t j, k;
		struct hm_fail fail = { 0 };

		if (hm_fs_read(&text, path, 1 << 20, &fail) < 0 || hm_decide_policy_read(&policy, hm_slice_of(&text), names[i], &fail) < 0)
			fail_msg("%s", fail.text);
		assert_int_equal(hm_json_parse(&root, hm_slice_of(&text), names[i], &fail), 0);
		json_array_foreach (json_object_get(root, "rules"), j, rule) {
			words_or_doubt(names[i], rule);
			json_array_foreach (json_object_get(rule, "unless"), k, unless)
				words_or_doubt(names[i], unless);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_never_allowed), cmocka_unit_test(test_classification_decides), cmocka_unit_test(test_dates), cmocka_unit_test(test_a_filter_hides),	  cmocka_unit_test(test_relations),
		cmocka_unit_test(test_definitions),   cmocka_unit_test(test_exceptions),	     cmocka_unit_test(test_refused_policies), cmocka_unit_test(test_usage),
		cmocka_unit_test(test_own_policies), cmocka_unit_test(test_each_system), cmocka_unit_test(test_what_if),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
