/* The conditions of a rule, each true, false or not known of an item. What is not known never lets anything pass: it becomes `cannot tell`, with what
 * would have to be known. */
#include <stdarg.h>

#include "decide_internal.h"

void decide_fact(json_t *list, const char *fact, const char *value, const json_t *source, const json_t *confidence)
{
	json_t *row = json_pack("{s:s,s:s}", "fact", fact, "value", value);

	json_object_set(row, "source", json_is_string(source) ? (json_t *)source : json_null());
	json_object_set(row, "confidence", json_is_string(confidence) ? (json_t *)confidence : json_null());
	json_array_append_new(list, row);
}

static void add_change(json_t *list, json_t *row)
{
	const json_t *other;
	size_t i;

	json_array_foreach (list, i, other)
		if (json_equal(other, row))
			return;
	json_array_append(list, row);
}

void decide_change(json_t *list, const char *change, enum answer to, const char *format, ...)
{
	HM_FREE char *detail = NULL;
	json_t *row;
	va_list args;

	va_start(args, format);
	if (vasprintf(&detail, format, args) < 0)
		abort();
	va_end(args);
	row = json_pack("{s:s,s:s,s:s}", "change", change, "to", decide_word(to), "detail", detail);
	add_change(list, row);
	json_decref(row);
}

void decide_changes(json_t *list, const json_t *more)
{
	json_t *row;
	size_t i;

	json_array_foreach ((json_t *)more, i, row)
		add_change(list, row);
}

const json_t *decide_supplier(const struct decide_case *c, const char *id)
{
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(c->found, "suppliers"), i, row)
		if (strcmp(decide_text(row, "id"), id) == 0)
			return row;
	return NULL;
}

const char *decide_class(const struct decide_case *c, const json_t *item)
{
	const char *class = decide_text(item, "class");
	const json_t *supplier = decide_supplier(c, decide_text(item, "supplier"));

	return *class || !supplier || strcmp(decide_text(supplier, "kind"), "security") != 0 ? class : "security";
}

/* Sources write it as `dated YYYY-MM-DD` into the detail; found.json tells the newest of all, of which it shows a part. */
bool decide_definitions(const json_t *item, char newest[11])
{
	const json_t *all = json_object_get(item, "definitions"), *row;
	bool dated = json_is_true(json_object_get(all, "all_dated"));
	size_t i;

	snprintf(newest, 11, "%s", decide_text(all, "newest"));
	if (all)
		return dated;
	dated = true;
	json_array_foreach (json_object_get(item, "evidence"), i, row) {
		const char *at = strstr(decide_text(row, "detail"), "dated ");
		char day[11] = "";

		if (strcmp(decide_text(row, "kind"), "definitions") != 0)
			continue;
		if (at)
			snprintf(day, sizeof(day), "%s", at + strlen("dated "));
		if (!hm_owner_is_date(day, false))
			dated = false;
		else if (strcmp(day, newest) > 0)
			memcpy(newest, day, sizeof(day));
	}
	return dated;
}

/* How sentences call it. */
static const char *name_of(const json_t *item)
{
	return *decide_text(item, "product") ? decide_text(item, "product") : decide_text(item, "supplier");
}

static size_t steps_of(const struct decide_case *c, const json_t *item, const struct hm_owner *step[HM_OWNER_MAX])
{
	return hm_owner_on(step, c->owner, c->owners, decide_text(item, "supplier"), c->question->as_of);
}

/* `controlled` widens the condition to those who control the supplier; without `relation` the rule asks about any. */
static enum truth ask_supplier(const struct decide_case *c, const json_t *rule, const json_t *item, const json_t *wanted, json_t *changes)
{
	const json_t *relation = json_object_get(json_object_get(rule, "when"), "relation");
	const char *id = decide_text(item, "supplier");
	const struct hm_owner *step[HM_OWNER_MAX];
	size_t n;

	if (!*id) {
		decide_change(changes, "supplier", ALLOWED, "whose it is: no table names a supplier for %s", decide_text(item, "product"));
		return UNKNOWN;
	}
	if (decide_lists(wanted, id))
		return YES;
	if (relation && !decide_lists(relation, "controlled"))
		return NO;
	n = steps_of(c, item, step);
	for (size_t i = 0; i < n; i++)
		if (step[i]->controller && decide_lists(wanted, step[i]->controller))
			return YES;
	return NO;
}

static enum truth ask_country(const struct decide_case *c, const json_t *rule HM_UNUSED, const json_t *item, const json_t *wanted, json_t *changes)
{
	const struct hm_owner *step[HM_OWNER_MAX];
	size_t n = steps_of(c, item, step), memory = 0;

	for (size_t i = 0; i < n; i++) {
		if (decide_lists(wanted, step[i]->country))
			return YES;
		memory += strcmp(step[i]->confidence, "memory") == 0;
	}
	if (n == 0)
		decide_change(changes, "country", ALLOWED, "a source for who controls %s on %s",
			      *decide_text(item, "supplier") ? decide_text(item, "supplier") : decide_text(item, "product"), c->question->as_of);
	if (n && memory && strcmp(decide_text(c->policy->root, "unsourced_country"), "counts") != 0) {
		decide_change(changes, "country", ALLOWED, "a source for who controls %s on %s: the tables have it from memory", decide_text(item, "supplier"),
			      c->question->as_of);
		return UNSOURCED;
	}
	return n ? NO : UNKNOWN;
}

static enum truth ask_relation(const struct decide_case *c HM_UNUSED, const json_t *rule HM_UNUSED, const json_t *item, const json_t *wanted, json_t *changes HM_UNUSED)
{
	return decide_lists(wanted, decide_text(item, "relation")) ? YES : NO;
}

static enum truth ask_class(const struct decide_case *c, const json_t *rule HM_UNUSED, const json_t *item, const json_t *wanted, json_t *changes)
{
	const char *class = decide_class(c, item);

	if (!*class)
		decide_change(changes, "class", ALLOWED, "what %s is: the tables do not say whether it is security software", name_of(item));
	return !*class ? UNKNOWN : decide_lists(wanted, class) ? YES : NO;
}

static enum truth ask_state(const struct decide_case *c HM_UNUSED, const json_t *rule HM_UNUSED, const json_t *item, const json_t *wanted, json_t *changes HM_UNUSED)
{
	return decide_lists(wanted, decide_text(item, "state")) ? YES : NO;
}

/* A base of that day or later is enough; that all are older can be told where all have a day. */
static enum truth ask_definitions(const struct decide_case *c HM_UNUSED, const json_t *rule HM_UNUSED, const json_t *item, const json_t *wanted, json_t *changes)
{
	char day[11];
	bool all = decide_definitions(item, day);

	if (*day && strcmp(day, json_string_value(wanted)) >= 0)
		return YES;
	if (*day && all)
		return NO;
	decide_change(changes, "evidence", ALLOWED, "of which day the definitions of %s are: %s", name_of(item),
		      *day ? "some of those that were read tell none" : "none that were read tell it");
	return UNKNOWN;
}

static const struct {
	const char *name;
	enum truth (*ask)(const struct decide_case *c, const json_t *rule, const json_t *item, const json_t *wanted, json_t *changes);
} conditions[] = {
	{ "supplier", ask_supplier }, { "country", ask_country }, { "relation", ask_relation }, { "class", ask_class }, { "state", ask_state }, { "definitions_after", ask_definitions },
};

enum truth decide_when(const struct decide_case *c, const json_t *rule, const json_t *item, json_t *changes)
{
	HM_JSON json_t *mine = json_array();
	const json_t *when = json_object_get(rule, "when");
	enum truth all = YES;

	for (size_t i = 0; i < HM_COUNT(conditions); i++) {
		const json_t *wanted = json_object_get(when, conditions[i].name);
		enum truth t = wanted ? conditions[i].ask(c, rule, item, wanted, mine) : YES;

		if (t == NO)
			return NO;
		if (t > all)
			all = t;
	}
	json_array_extend(changes, mine);
	return all;
}

const char *decide_applies(const struct decide_case *c, const json_t *rule)
{
	const json_t *force = json_object_get(rule, "in_force"), *applies = json_object_get(rule, "applies_to"), *level = json_object_get(applies, "level"),
		     *scope = json_object_get(applies, "scope");
	const char *to = json_string_value(json_object_get(force, "to")), *day = c->question->as_of;
	bool any = !scope;

	if (strcmp(day, decide_text(force, "from")) < 0 || (to && strcmp(day, to) >= 0))
		return "not in force";
	if (level && !decide_lists(level, c->question->level))
		return "other level";
	for (size_t i = 0; scope && i < c->question->scopes; i++)
		any = any || decide_lists(scope, c->question->scope[i]);
	return any ? "yes" : "other scope";
}

bool decide_unless(const struct decide_case *c, const json_t *item, const json_t *unless)
{
	const json_t *when = json_object_get(unless, "when"), *bundle = json_object_get(when, "bundle");
	const char *to = json_string_value(json_object_get(unless, "to"));

	if (to && strcmp(c->question->as_of, to) >= 0)
		return false;
	if (bundle)
		return decide_bundle_holds(c, item, bundle);
	for (size_t i = 0; i < c->question->exemptions; i++)
		if (strcmp(c->question->exemption[i], decide_text(unless, "id")) == 0)
			return true;
	return false;
}
