/* Which rows an observation shows. What an observation is compared with is a table: one line for each way in which a kind of observation can show a
 * kind of indicator, with what it is then worth. Rows without wildcards lie sorted by kind and text; the few others are tried one by one. */
#include "match.h"

struct hm_match {
	const struct hm_indicator **fixed, **glob; /* sorted by kind and folded text; by kind */
	size_t fixed_count, glob_count;
	size_t *glob_from; /* of each kind: its first in `glob`; one more at the end */
};

static int by_text(const void *va, const void *vb)
{
	const struct hm_indicator *a = *(const struct hm_indicator *const *)va, *b = *(const struct hm_indicator *const *)vb;
	int r = (a->kind_index > b->kind_index) - (a->kind_index < b->kind_index);

	r = r ? r : strcmp(a->folded, b->folded);
	return r ? r : strcmp(a->id, b->id);
}

struct hm_match *hm_match_new(const struct hm_suppliers *suppliers)
{
	struct hm_match *m = hm_alloc(1, sizeof(*m));
	size_t n;
	const struct hm_indicator *row = hm_suppliers_indicators(suppliers, &n);

	m->fixed = hm_alloc(n + 1, sizeof(*m->fixed));
	m->glob = hm_alloc(n + 1, sizeof(*m->glob));
	for (size_t i = 0; i < n; i++)
		if (row[i].glob)
			m->glob[m->glob_count++] = &row[i];
		else
			m->fixed[m->fixed_count++] = &row[i];
	qsort(m->fixed, m->fixed_count, sizeof(*m->fixed), by_text);
	qsort(m->glob, m->glob_count, sizeof(*m->glob), by_text);
	m->glob_from = hm_alloc(hm_supplier_kind_count + 1, sizeof(*m->glob_from));
	for (size_t kind = 0, i = 0; kind <= hm_supplier_kind_count; kind++) {
		while (i < m->glob_count && m->glob[i]->kind_index < (int)kind)
			i++;
		m->glob_from[kind] = i;
	}
	return m;
}

void hm_match_free(struct hm_match *match)
{
	if (!match)
		return;
	free(match->fixed);
	free(match->glob);
	free(match->glob_from);
	free(match);
}

/* One comparison that is going on. */
struct ask {
	const struct hm_match *match;
	const struct hm_observation *o;
	hm_match_fn each;
	void *cookie;
	enum hm_strength most; /* what this way of seeing is worth at most */
	const char *channel;   /* instead of the kind's, or NULL */
};

static void tell(const struct ask *a, const struct hm_indicator *row)
{
	const struct hm_supplier_kind *k = &hm_supplier_kinds[row->kind_index];
	enum hm_strength s = k->strength < a->most ? k->strength : a->most;
	bool doubtful = strcmp(row->confidence, "low") == 0 || strcmp(row->confidence, "memory") == 0;

	if (strcmp(k->name, "purl") == 0 && s == HM_STRENGTH_STRONG && strcmp(row->confidence, "high") != 0)
		s = HM_STRENGTH_WEAK;
	if (doubtful && s > HM_STRENGTH_LOW)
		s = HM_STRENGTH_LOW;
	a->each(a->cookie, row, s, a->channel ? a->channel : k->channel);
}

static int compare(int kind, struct hm_slice text, const struct hm_indicator *row)
{
	return kind != row->kind_index ? (kind > row->kind_index) - (kind < row->kind_index) : hm_slice_cmp(text, hm_slice_text(row->folded));
}

static void ask_fixed(const struct ask *a, int kind, struct hm_slice text)
{
	size_t low = 0, high = a->match->fixed_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (compare(kind, text, a->match->fixed[middle]) > 0)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < a->match->fixed_count && compare(kind, text, a->match->fixed[low]) == 0; low++)
		tell(a, a->match->fixed[low]);
}

/* `*` stands for any bytes but a slash. Goes back to the last star alone, so it takes at most pattern times text. */
static bool fits(const char *pattern, struct hm_slice text)
{
	const char *star = NULL;
	size_t i = 0, from = 0;

	while (i < text.len) {
		if (*pattern == '*') {
			star = ++pattern;
			from = i;
		} else if (*pattern && (uint8_t)*pattern == text.data[i]) {
			pattern++;
			i++;
		} else if (star && text.data[from] != '/') {
			pattern = star;
			i = ++from;
		} else {
			return false;
		}
	}
	while (*pattern == '*')
		pattern++;
	return *pattern == 0;
}

static void ask_text(const struct ask *a, int kind, struct hm_slice text)
{
	ask_fixed(a, kind, text);
	for (size_t i = a->match->glob_from[kind]; i < a->match->glob_from[kind + 1]; i++)
		if (fits(a->match->glob[i]->folded, text))
			tell(a, a->match->glob[i]);
}

/* A file is a module by what its name ends in; any other file may be called like one. */
static void ask_module_file(const struct ask *a, int kind, struct hm_slice text)
{
	const char *name = strrchr(a->o->value, '/') ? strrchr(a->o->value, '/') + 1 : a->o->value;

	if (text.len != strlen(name))
		ask_text(a, kind, text);
}

/* Each way takes the folded text of one kind of row. */
typedef void (*way_fn)(const struct ask *a, int kind, struct hm_slice text);

/* A folder shows itself and all below it. */
static void ask_path(const struct ask *a, int kind, struct hm_slice text)
{
	for (size_t i = 1; i <= text.len; i++)
		if (i == text.len || text.data[i] == '/')
			ask_text(a, kind, (struct hm_slice){ text.data, i });
}

static void ask_domain(const struct ask *a, int kind, struct hm_slice text)
{
	ask_text(a, kind, text);
	/* A row that begins with a dot is a domain itself, and all below it. */
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] == '.')
			ask_text(a, kind, (struct hm_slice){ text.data + i, text.len - i });
	if (text.len && text.len < 256 && text.data[0] != '.') {
		char dotted[257] = ".";

		memcpy(dotted + 1, text.data, text.len);
		ask_text(a, kind, (struct hm_slice){ (const uint8_t *)dotted, text.len + 1 });
	}
}

/* `Name <address>`: the name. */
static void ask_organisation(const struct ask *a, int kind, struct hm_slice text)
{
	const uint8_t *angle = text.len ? memchr(text.data, '<', text.len) : NULL;

	if (angle)
		text.len = (size_t)(angle - text.data);
	while (text.len && (text.data[text.len - 1] == ' ' || text.data[text.len - 1] == '"'))
		text.len--;
	while (text.len && (*text.data == ' ' || *text.data == '"'))
		text = (struct hm_slice){ text.data + 1, text.len - 1 };
	ask_text(a, kind, text);
}

/* /C=RU/O=Somebody/CN=A root: the whole, and each of its names. A name with a slash in it is asked up to that. */
static void ask_subject(const struct ask *a, int kind, struct hm_slice text)
{
	ask_text(a, kind, text);
	while (text.len) {
		const uint8_t *next = memchr(text.data + 1, '/', text.len - 1), *end = next ? next : text.data + text.len, *name = memchr(text.data, '=', (size_t)(end - text.data));

		if (name)
			ask_text(a, kind, (struct hm_slice){ name + 1, (size_t)(end - name) - 1 });
		text = (struct hm_slice){ end, (size_t)(text.data + text.len - end) };
	}
}

/* cpe:/PART:VENDOR:... and cpe:2.3:PART:VENDOR:... */
static void ask_cpe(const struct ask *a, int kind, struct hm_slice text)
{
	static const char *const begins[] = { "cpe:2.3:", "cpe:/" };

	for (size_t i = 0; i < HM_COUNT(begins); i++) {
		size_t at = strlen(begins[i]), end;

		if (text.len <= at + 2 || memcmp(text.data, begins[i], at) != 0 || text.data[at + 1] != ':')
			continue;
		for (end = at += 2; end < text.len && text.data[end] != ':'; end++)
			;
		ask_text(a, kind, (struct hm_slice){ text.data + at, end - at });
	}
}

/* Without version, qualifiers and subpath. The @ of an npm scope is %40, or stands at a name's beginning. */
static void ask_purl(const struct ask *a, int kind, struct hm_slice text)
{
	for (size_t i = 1; i < text.len; i++)
		if (text.data[i] == '?' || text.data[i] == '#' || (text.data[i] == '@' && text.data[i - 1] != '/'))
			text.len = i;
	ask_text(a, kind, text);
}

enum from { VALUE, NAME_OF_PATH, PATH_OF_FILE, SHA256 };

static const struct way {
	enum hm_observation_kind observed;
	const char *row;	   /* kind of indicator */
	enum from from;		   /* which text of the observation */
	way_fn ask;
	enum hm_strength most, verified; /* worth at most; where the observation was verified */
	const char *channel;
} ways[] = {
	{ HM_OBSERVED_PACKAGE, "package", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_PACKAGE_FILES, "package", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_STRONG, NULL },
	{ HM_OBSERVED_COMPONENT, "package", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_ORGANISATION, "organisation", VALUE, ask_organisation, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_PURL, "purl", VALUE, ask_purl, HM_STRENGTH_STRONG, HM_STRENGTH_STRONG, NULL },
	{ HM_OBSERVED_CPE, "cpe_vendor", VALUE, ask_cpe, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_PATH, "path", VALUE, ask_path, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_PATH, "file", NAME_OF_PATH, ask_text, HM_STRENGTH_LOW, HM_STRENGTH_LOW, NULL },
	{ HM_OBSERVED_PATH, "kernel_module", NAME_OF_PATH, ask_module_file, HM_STRENGTH_LOW, HM_STRENGTH_LOW, NULL },
	{ HM_OBSERVED_FILE, "file", VALUE, ask_text, HM_STRENGTH_LOW, HM_STRENGTH_LOW, NULL },
	{ HM_OBSERVED_FILE, "sha256", SHA256, ask_text, HM_STRENGTH_STRONG, HM_STRENGTH_STRONG, NULL },
	{ HM_OBSERVED_PROCESS, "process", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_PROCESS, "path", PATH_OF_FILE, ask_path, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_SERVICE, "service", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_SERVICE, "bundle", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, "service" },
	{ HM_OBSERVED_TIMER, "timer", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_TIMER, "service", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL }, /* it starts the unit of its name */
	{ HM_OBSERVED_KERNEL_MODULE, "kernel_module", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_ACCOUNT, "account", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_DOMAIN, "domain", VALUE, ask_domain, HM_STRENGTH_LOW, HM_STRENGTH_LOW, NULL },
	{ HM_OBSERVED_SIGNER, "signer", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_STRONG, NULL },
	{ HM_OBSERVED_SIGNER, "organisation", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, "signature" },
	{ HM_OBSERVED_CERTIFICATE, "certificate", SHA256, ask_text, HM_STRENGTH_STRONG, HM_STRENGTH_STRONG, NULL },
	{ HM_OBSERVED_CERTIFICATE, "root", VALUE, ask_subject, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_VERSION, "version", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_VERSION, "organisation", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, "resource" },
	{ HM_OBSERVED_SYMBOL, "symbol", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_SONAME, "soname", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_DEFINITIONS, "definitions", VALUE, ask_text, HM_STRENGTH_STRONG, HM_STRENGTH_STRONG, NULL },
	{ HM_OBSERVED_LICENCE, "licence", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_REGISTRY, "registry", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_BUNDLE, "bundle", VALUE, ask_text, HM_STRENGTH_WEAK, HM_STRENGTH_WEAK, NULL },
	{ HM_OBSERVED_STRING, "string", VALUE, ask_text, HM_STRENGTH_NONE, HM_STRENGTH_NONE, NULL },
};

static int kind_of(const char *name)
{
	for (size_t i = 0; i < hm_supplier_kind_count; i++)
		if (strcmp(hm_supplier_kinds[i].name, name) == 0)
			return (int)i;
	abort(); /* a row of `ways` that names no kind: a programmer's error */
}

static const char *text_of(const struct hm_observation *o, enum from from)
{
	const char *slash = from == NAME_OF_PATH ? strrchr(o->value, '/') : NULL;

	switch (from) {
	case NAME_OF_PATH:
		return slash ? slash + 1 : o->value;
	case PATH_OF_FILE:
		return o->path;
	case SHA256:
		return o->sha256;
	default:
		return o->value;
	}
}

/* Only a socket shows that it talks to the host; a name in a file may be in a list. */
static enum hm_strength worth(const struct way *way, const struct hm_observation *o)
{
	if (o->kind == HM_OBSERVED_DOMAIN && o->detail && strstr(o->detail, "socket"))
		return HM_STRENGTH_WEAK;
	return o->verified ? way->verified : way->most;
}

void hm_match_each(const struct hm_match *match, const struct hm_observation *o, hm_match_fn each, void *cookie)
{
	for (const struct way *way = ways; way < ways + HM_COUNT(ways); way++) {
		const char *text = way->observed == o->kind ? text_of(o, way->from) : NULL;
		struct ask a = { match, o, each, cookie, HM_STRENGTH_NONE, way->channel };
		HM_FREE char *folded = NULL;
		int kind;

		if (!text || !*text)
			continue;
		kind = kind_of(way->row);
		folded = hm_suppliers_fold(kind, text, strlen(text));
		a.most = worth(way, o);
		way->ask(&a, kind, hm_slice_text(folded));
	}
}
