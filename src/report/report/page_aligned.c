/* The messages of two runs side by side, field by field, with the bytes that differ marked. */
#include "report_internal.h"

#define GROUPS_SHOWN 4	/* messages */
#define FIELDS_SHOWN 60 /* of one message */

static void put_value(struct hm_bytes *out, const struct hm_feature *f, const struct hm_feature *other)
{
	bool mark = !report_same_value(f, other);

	if (!f)
		hm_bytes_text(out, "<i class=\"none\">not sent</i>");
	else if (f->text)
		report_value(out, f->bytes, other && other->text ? &other->bytes : NULL);
	else
		report_html(out, mark ? "<code><mark>%s%'lu</mark></code>" : "<code>%s%'lu</code>", f->number < 0 ? "-" : "",
			    (unsigned long)(f->number < 0 ? 0 - (uint64_t)f->number : (uint64_t)f->number));
}

/* ---- groups: what was confirmed in one message, or of one endpoint as a whole ---- */

struct group {
	const struct report_influence *first;
	size_t prefix; /* bytes of the feature's name that name the message, "0.0."; 0: none */
};

static size_t number_of(const char *name)
{
	size_t digits = strspn(name, "0123456789");

	return digits && name[digits] == '.' ? digits + 1 : 0;
}

/* Where the message's number stands in the name: behind the flow's, and in what was given to TLS behind a word; 0: nowhere. */
static size_t message_of(const char *name)
{
	static const char given[] = "given.";
	size_t flow = number_of(name);

	return flow && strncmp(name + flow, given, sizeof(given) - 1) == 0 ? flow + sizeof(given) - 1 : flow;
}

static size_t prefix_of(const char *name)
{
	size_t message = message_of(name), number = message ? number_of(name + message) : 0;

	return number ? message + number : 0;
}

static bool is_in(const struct group *g, const struct report_influence *item)
{
	return item->factor == g->first->factor && !item->proven && item->disk == g->first->disk && item->send == g->first->send && strcmp(item->endpoint, g->first->endpoint) == 0 &&
	       prefix_of(item->feature) == g->prefix && strncmp(item->feature, g->first->feature, g->prefix) == 0;
}

static size_t load_groups(struct group **ret, const struct report_experiment *x)
{
	struct group *list = hm_alloc(x->influences + 1, sizeof(*list));
	size_t count = 0, k;

	for (size_t i = 0; i < x->influences; i++) {
		const struct report_influence *item = &x->influence[i];

		if (item->proven || item->pair == SIZE_MAX)
			continue;
		for (k = 0; k < count && !is_in(&list[k], item);)
			k++;
		if (k == count)
			list[count++] = (struct group){ item, prefix_of(item->feature) };
	}
	*ret = list;
	return count;
}

static const struct report_influence *influence_of(const struct report_experiment *x, const struct group *g, const char *feature)
{
	for (size_t i = 0; i < x->influences; i++)
		if (is_in(g, &x->influence[i]) && strcmp(x->influence[i].feature, feature) == 0)
			return &x->influence[i];
	return NULL;
}

/* ---- the fields of a message, in the order of their places ---- */

struct fields {
	const struct hm_feature **list;
	size_t count;
};

static int by_place(const void *left, const void *right)
{
	const struct hm_feature *a = *(const struct hm_feature *const *)left, *b = *(const struct hm_feature *const *)right;

	if (a->flow != b->flow)
		return a->flow < b->flow ? -1 : 1;
	return a->offset < b->offset ? -1 : a->offset > b->offset;
}

static void load_fields(struct fields *out, const struct report_sent *s, const struct group *g)
{
	*out = (struct fields){ hm_alloc(s->features.count + 1, sizeof(*out->list)), 0 };
	for (size_t i = 0; g->prefix && i < s->features.count; i++) {
		const struct hm_feature *f = &s->features.list[i];

		if (f->placed && strcmp(f->endpoint, g->first->endpoint) == 0 && strncmp(f->name, g->first->feature, g->prefix) == 0)
			out->list[out->count++] = f;
	}
	qsort(out->list, out->count, sizeof(*out->list), by_place);
}

static void release_fields(struct fields *f)
{
	free(f->list);
}

struct aligned {
	const struct report_page *page;
	const struct group *group;
	const struct report_sent *side;
	size_t rows, hidden, fixed; /* fixed: bytes of what stands between fields and is the same in both */
};

static void put_row(struct aligned *a, const char *name, const struct hm_feature *low, const struct hm_feature *high)
{
	const struct report_influence *item = influence_of(a->page->experiment, a->group, name);
	struct hm_bytes *out = a->page->out;
	bool same = report_same_value(low, high);

	if (same && low && strncmp(name + a->group->prefix, "glue.", 5) == 0) {
		a->fixed += low->bytes.len;
		return;
	}
	if (a->rows++ >= FIELDS_SHOWN && !item) {
		a->hidden++;
		return;
	}
	report_html(out, "<tr role=\"row\"><th role=\"rowheader\" scope=\"row\"><code>%s</code>", name + a->group->prefix);
	if (item)
		report_html(out, "<b>depends, p %'lu in %'lu</b>", (unsigned long)item->p[0], (unsigned long)item->p[1]);
	else if (!same)
		hm_bytes_text(out, "<span>differs here, not shown to depend</span>");
	report_html(out, "</th><td role=\"cell\"><i class=\"label\" aria-hidden=\"true\">level 0</i>");
	put_value(out, low, high);
	hm_bytes_text(out, "</td><td role=\"cell\"><i class=\"label\" aria-hidden=\"true\">level 1</i>");
	put_value(out, high, low);
	hm_bytes_text(out, "</td></tr>\n");
}

/* In the order of level 0's message; what only level 1's has stands where it stands there. */
static void put_fields(struct aligned *a)
{
	HM_CLEANUP(release_fields) struct fields low = { 0 }, high = { 0 };
	const char *endpoint = a->group->first->endpoint;
	size_t i = 0, k = 0;

	load_fields(&low, &a->side[0], a->group);
	load_fields(&high, &a->side[1], a->group);
	while (i < low.count || k < high.count) {
		const struct hm_feature *of_low = i < low.count ? low.list[i] : NULL, *of_high = k < high.count ? high.list[k] : NULL;
		const struct hm_feature *twin = of_low ? hm_features_find(&a->side[1].features, endpoint, of_low->name) : NULL;

		if (of_high && !hm_features_find(&a->side[0].features, endpoint, of_high->name)) {
			put_row(a, of_high->name, NULL, of_high);
			k++;
			continue;
		}
		if (of_low)
			put_row(a, of_low->name, of_low, twin);
		i += of_low != NULL;
		/* A twin that stands elsewhere in its message was shown with this one: pass over one for one. */
		k += of_high && (twin || !of_low);
	}
}

/* Confirmed features that are no bytes of the message: its length, numbers of flows. */
static void put_numbers(struct aligned *a)
{
	const struct report_experiment *x = a->page->experiment;

	for (size_t i = 0; i < x->influences; i++) {
		const struct report_influence *item = &x->influence[i];
		const struct hm_feature *low, *high;

		if (!is_in(a->group, item))
			continue;
		low = report_sent_find(&a->side[0], item);
		high = report_sent_find(&a->side[1], item);
		if ((low && !low->placed) || (!low && high && !high->placed))
			put_row(a, item->feature, low, high);
	}
}

/* `first`: of its factor. */
static void put_title(struct hm_bytes *out, const struct group *g, bool first)
{
	if (first)
		report_html(out, g->first->send ? "<h3>Two runs that began with what others had kept, which differed in %s</h3>\n" :
						  "<h3>Two runs that differed in %s</h3>\n", report_say("factor", g->first->factor->name));
}

static void put_place(struct hm_bytes *out, const struct group *g)
{
	const char *name = g->first->feature;

	if (g->first->disk)
		hm_bytes_text(out, "<p>What was left on disk");
	else
		report_html(out, "<p>What went to <code>%s</code>", *g->first->endpoint ? g->first->endpoint : "all endpoints");
	if (g->prefix)
		report_html(out, ", flow %lu, message %lu, counted from 0%s", strtoul(name, NULL, 10), strtoul(name + message_of(name), NULL, 10),
			    message_of(name) > number_of(name) ? ", as it was given to TLS" : "");
	else
		hm_bytes_text(out, ", as a whole");
	hm_bytes_text(out, ". Bytes that differ are <mark>marked</mark>.</p>\n");
}

static void put_group(const struct report_page *p, const struct group *g, const struct report_pair *pair, const struct report_sent side[2],
		      bool first)
{
	struct aligned a = { .page = p, .group = g, .side = side };

	put_title(p->out, g, first);
	if (first)
		report_page_varied(p, pair);
	put_place(p->out, g);
	report_html(p->out, "<div class=\"scroll\" role=\"region\" aria-label=\"Two messages\" "
			    "tabindex=\"0\"><table role=\"table\" class=\"aligned\"><thead role=\"rowgroup\"><tr role=\"row\">"
			    "<th role=\"columnheader\" scope=\"col\">Field</th><th role=\"columnheader\" scope=\"col\">Run %lu, level 0</th>"
			    "<th role=\"columnheader\" scope=\"col\">Run %lu, level 1</th></tr></thead><tbody role=\"rowgroup\">\n",
		    (unsigned long)pair->run[0], (unsigned long)pair->run[1]);
	put_fields(&a);
	put_numbers(&a);
	hm_bytes_text(p->out, "</tbody></table></div>\n");
	if (a.hidden)
		report_html(p->out, "<p class=\"cut\">%'zu more fields are in the packets of the two runs.</p>\n", a.hidden);
	if (a.fixed)
		report_html(p->out, "<p class=\"cut\">%'zu bytes of names and separators between fields are the same in both.</p>\n", a.fixed);
}

int report_page_aligned(const struct report_page *p, struct hm_fail *fail)
{
	HM_FREE struct group *groups = NULL;
	size_t count = load_groups(&groups, p->experiment);
	int r = 0;

	for (size_t i = 0; i < count && i < GROUPS_SHOWN && r == 0; i++) {
		const struct report_pair *pair = &groups[i].first->pairs->list[groups[i].first->pair];
		struct report_sent side[2] = { 0 };

		for (size_t k = 0; k < 2 && r == 0; k++)
			r = report_sent_load(&side[k], p->view, pair->run[k], groups[i].first->disk, fail);
		if (r == 0)
			put_group(p, &groups[i], pair, side, i == 0 || groups[i - 1].first->pairs != groups[i].first->pairs);
		report_sent_release(&side[0]);
		report_sent_release(&side[1]);
	}
	if (r == 0 && count > GROUPS_SHOWN)
		report_html(p->out, "<p class=\"cut\">And %'zu more messages that depend on a factor: findings.json names the fields.</p>\n",
			    count - GROUPS_SHOWN);
	return r;
}
