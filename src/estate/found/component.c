/* The component that is being observed: what follows it in the same file says more of it. Several readers tell of several files at a time, so each file has
 * its own; a component is over when the next one of its file begins, or the target ends. */
#include "found_internal.h"

static void close_one(struct found_target *t, struct found_open *c)
{
	if (!c->name)
		return;
	t->listed += c->listed;
	if (!c->named && !c->listed) {
		found_first_put(&t->names, FOUND_LISTED, c->name, "");
		t->nameless++;
	}
	free(hm_take_ptr(&c->name));
	free(hm_take_ptr(&c->in));
	free(hm_take_ptr(&c->file));
}

void found_close_components(struct found_target *t)
{
	for (size_t i = 0; i < FOUND_OPEN; i++)
		close_one(t, &t->open[i]);
}

static bool says_nobody(const char *organisation)
{
	return !*organisation || strcasecmp(organisation, "NOASSERTION") == 0 || strcasecmp(organisation, "NONE") == 0 || strcasecmp(organisation, "unknown") == 0;
}

static char *file_of(const struct hm_observation *o)
{
	return hm_sprintf("%s\n%s\n%s", o->source, o->outer ? o->outer : "", o->path ? o->path : "");
}

/* That of the observation's file; with `put` one for it, in the place of that which was asked for longest ago. */
static struct found_open *open_of(struct found_target *t, const struct hm_observation *o, bool put)
{
	HM_FREE char *file = file_of(o);
	struct found_open *c = &t->open[0];

	for (size_t i = 0; i < FOUND_OPEN; i++) {
		if (t->open[i].name && strcmp(t->open[i].file, file) == 0) {
			t->open[i].asked = ++t->asked;
			return &t->open[i];
		}
		if (c->name && (!t->open[i].name || t->open[i].asked < c->asked))
			c = &t->open[i];
	}
	if (!put)
		return NULL;
	close_one(t, c);
	c->file = hm_take_ptr(&file);
	c->asked = ++t->asked;
	return c;
}

static void begin(struct found_target *t, struct found_open *c, const struct hm_observation *o)
{
	bool fresh;

	if (c->name) {
		char *file = hm_take_ptr(&c->file);

		close_one(t, c);
		c->file = file;
	}
	t->components++;
	c->name = hm_strdup(o->value);
	c->in = o->outer && o->kind == HM_OBSERVED_PACKAGE ? hm_sprintf("%s!%s", o->outer, o->value) : NULL;
	c->named = c->listed = false;
	if (t->packages.count < FOUND_NAMES)
		(void)found_table_put(&t->packages, o->value, 0, &fresh);
	if (t->packages.count < FOUND_NAMES && c->in)
		(void)found_table_put(&t->packages, c->in, strlen(o->outer), &fresh);
}

struct found_open *found_note_component(struct found_target *t, const struct hm_observation *o)
{
	bool begins = o->kind == HM_OBSERVED_PACKAGE || o->kind == HM_OBSERVED_COMPONENT;
	struct found_open *c;

	if (!begins && o->kind != HM_OBSERVED_ORGANISATION && o->kind != HM_OBSERVED_PURL && o->kind != HM_OBSERVED_CPE)
		return NULL;
	c = open_of(t, o, begins);
	if (begins)
		begin(t, c, o);
	else if (c && o->kind == HM_OBSERVED_ORGANISATION && o->detail && strcmp(o->detail, c->name) == 0)
		c->named = c->named || !says_nobody(o->value);
	return c;
}
