/* A scenario as rules. Its JSON is what the bundle holds, so only that is read here; YAML is scenario_yaml.c. */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include "dns.h"
#include "internet_internal.h"

enum { RULES_MAX = 256, TEXT_MAX = 32 * 1024, TXT_MAX = 4096 };

static const struct hm_json_member top_shape[] = {
	{ "schema", JSON_STRING }, { "name", JSON_STRING }, { "about", JSON_STRING },
	{ "dns", JSON_ARRAY },	   { "http", JSON_ARRAY },  { "udp", JSON_ARRAY },
};
static const struct hm_json_member dns_shape[] = { { "name", JSON_STRING }, { "txt?", JSON_STRING }, { "mx?", JSON_STRING } };
static const struct hm_json_member http_shape[] = {
	{ "host", JSON_STRING },     { "path", JSON_STRING },  { "port?", JSON_INTEGER }, { "status?", JSON_INTEGER },
	{ "type?", JSON_STRING },    { "file?", JSON_STRING }, { "text?", JSON_STRING },
};
static const struct hm_json_member udp_shape[] = {
	{ "name?", JSON_STRING }, { "port", JSON_INTEGER }, { "reply", JSON_STRING }
};

static const struct {
	const char *name;
	const struct hm_json_member *shape;
	size_t count;
} kinds[] = {
	{ "dns", dns_shape, HM_COUNT(dns_shape) },
	{ "http", http_shape, HM_COUNT(http_shape) },
	{ "udp", udp_shape, HM_COUNT(udp_shape) },
};

static bool text_fits(const json_t *rule, const char *member, size_t min, size_t max)
{
	const json_t *v = json_object_get(rule, member);

	return !v || (json_string_length(v) >= min && json_string_length(v) <= max);
}

static bool number_fits(const json_t *rule, const char *member, json_int_t min, json_int_t max)
{
	const json_t *v = json_object_get(rule, member);

	return !v || (json_integer_value(v) >= min && json_integer_value(v) <= max);
}

/* A name as hm_dns_read_query gives it: lower-case, no dot at its end. */
static bool name_fits(const json_t *rule, const char *member)
{
	const json_t *v = json_object_get(rule, member);
	const char *s = json_string_value(v);

	if (!v)
		return true;
	if (!*s || strlen(s) > 253 || s[strlen(s) - 1] == '.')
		return false;
	for (; *s; s++)
		if (!((*s >= 'a' && *s <= 'z') || (*s >= '0' && *s <= '9') || *s == '-' || *s == '_' || *s == '.'))
			return false;
	return true;
}

/* What goes into a header line, or must be one. */
static bool line_fits(const json_t *rule, const char *member)
{
	const char *s = json_string_value(json_object_get(rule, member));

	for (; s && *s; s++)
		if (*s < 0x20 || *s > 0x7e)
			return false;
	return true;
}

/* The name of a mail server, which has to have a wire form. */
static bool server_fits(const json_t *rule)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes wire = { 0 };
	const char *server = json_string_value(json_object_get(rule, "mx"));

	return !server || hm_dns_put_name(&wire, server) == 0;
}

static bool rule_fits(const json_t *rule)
{
	const char *path = json_string_value(json_object_get(rule, "path"));

	return name_fits(rule, "name") && name_fits(rule, "mx") && server_fits(rule) && name_fits(rule, "host") && text_fits(rule, "txt", 0, TXT_MAX) &&
	       text_fits(rule, "reply", 1, TEXT_MAX) && text_fits(rule, "text", 0, TEXT_MAX) &&
	       text_fits(rule, "file", 1, 4095) && text_fits(rule, "type", 1, 255) && line_fits(rule, "type") &&
	       number_fits(rule, "port", 1, 65535) && number_fits(rule, "status", 200, 599) &&
	       (!path || *path == '/' || strcmp(path, "*") == 0) && line_fits(rule, "path") &&
	       !(json_object_get(rule, "file") && json_object_get(rule, "text"));
}

int hm_internet_scenario_check(const json_t *json, struct hm_fail *fail)
{
	const char *schema;

	if (hm_json_shape(json, top_shape, HM_COUNT(top_shape), "the scenario", fail) < 0)
		return fail->code;
	schema = json_string_value(json_object_get(json, "schema"));
	if (strcmp(schema, "hallmark/scenario/v1") != 0)
		return hm_fail_set(fail, HM_E_UNKNOWN, "cannot use the scenario: its schema is %s (this program knows "
						       "hallmark/scenario/v1)", schema);
	for (size_t k = 0; k < HM_COUNT(kinds); k++) {
		const json_t *rules = json_object_get(json, kinds[k].name), *rule;
		size_t i;

		if (json_array_size(rules) > RULES_MAX)
			return hm_fail_set(fail, HM_E_BAD, "cannot use the scenario: over %d rules under %s", RULES_MAX,
					   kinds[k].name);
		json_array_foreach (rules, i, rule) {
			if (hm_json_shape(rule, kinds[k].shape, kinds[k].count, "a rule of the scenario", fail) < 0)
				return hm_fail_in(fail, "%s, rule %zu", kinds[k].name, i + 1);
			if (!rule_fits(rule) || (k == 0 && !json_object_get(rule, "txt") == !json_object_get(rule, "mx")))
				return hm_fail_set(fail, HM_E_BAD,
						   "cannot use the scenario: a value of %s, rule %zu is "
						   "outside what doc/format/scenario.md allows",
						   kinds[k].name, i + 1);
		}
	}
	return 0;
}

static const char *text_of(const json_t *rule, const char *member)
{
	return json_string_value(json_object_get(rule, member));
}

static int number_of(const json_t *rule, const char *member)
{
	return (int)json_integer_value(json_object_get(rule, member));
}

/* Opens a file of the mirror; links and ".." must not lead out of it. */
static int open_file(struct http_rule *rule, int mirror, struct hm_fail *fail)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
				.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS };
	struct stat st;

	rule->fd = (int)syscall(SYS_openat2, mirror, rule->file, &how, sizeof(how));
	if (rule->fd < 0)
		return hm_fail_errno(fail, "cannot open %s in the mirror of the scenario", rule->file);
	if (fstat(rule->fd, &st) < 0 || !S_ISREG(st.st_mode))
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot serve %s of the mirror: it is no regular file",
				   rule->file);
	rule->size = st.st_size;
	return 0;
}

static int open_files(struct scenario *s, const char *mirror, struct hm_fail *fail)
{
	HM_CLOSE int folder = -1;

	for (size_t i = 0; i < s->http_count; i++) {
		if (!s->http[i].file)
			continue;
		if (!mirror)
			return hm_fail_set(fail, HM_E_USAGE,
					   "cannot serve %s: the scenario needs a mirror folder and none is given",
					   s->http[i].file);
		if (folder < 0)
			folder = open(mirror, O_PATH | O_DIRECTORY | O_CLOEXEC);
		if (folder < 0)
			return hm_fail_errno(fail, "cannot open the mirror folder %s", mirror);
		if (open_file(&s->http[i], folder, fail) < 0)
			return fail->code;
	}
	return 0;
}

static void fill(struct scenario *s)
{
	const json_t *rules, *rule;
	size_t i;

	rules = json_object_get(s->json, "dns");
	s->dns_count = json_array_size(rules);
	s->dns = hm_alloc(s->dns_count + 1, sizeof(*s->dns));
	json_array_foreach (rules, i, rule)
		s->dns[i] = (struct dns_rule){ text_of(rule, "name"), text_of(rule, "txt"), text_of(rule, "mx") };
	rules = json_object_get(s->json, "http");
	s->http_count = json_array_size(rules);
	s->http = hm_alloc(s->http_count + 1, sizeof(*s->http));
	json_array_foreach (rules, i, rule)
		s->http[i] = (struct http_rule){ .host = text_of(rule, "host"), .path = text_of(rule, "path"),
						 .text = text_of(rule, "text"), .file = text_of(rule, "file"),
						 .type = text_of(rule, "type"), .status = number_of(rule, "status"),
						 .port = number_of(rule, "port"), .fd = -1 };
	rules = json_object_get(s->json, "udp");
	s->udp_count = json_array_size(rules);
	s->udp = hm_alloc(s->udp_count + 1, sizeof(*s->udp));
	json_array_foreach (rules, i, rule)
		s->udp[i] = (struct udp_rule){ text_of(rule, "name"), text_of(rule, "reply"), number_of(rule, "port") };
}

int hm_internet_scenario_read(struct scenario *out, struct hm_slice text, const char *mirror, struct hm_fail *fail)
{
	struct scenario s = { 0 };

	if (text.len) {
		if (hm_json_parse_canonical(&s.json, text, "the scenario", fail) < 0)
			return fail->code;
		if (hm_internet_scenario_check(s.json, fail) < 0) {
			hm_internet_scenario_release(&s);
			return fail->code;
		}
		fill(&s);
	}
	if (open_files(&s, mirror, fail) < 0) {
		hm_internet_scenario_release(&s);
		return fail->code;
	}
	*out = s;
	return 0;
}

void hm_internet_scenario_release(struct scenario *s)
{
	for (size_t i = 0; i < s->http_count; i++)
		if (s->http[i].fd >= 0)
			close(s->http[i].fd);
	free(s->dns);
	free(s->http);
	free(s->udp);
	json_decref(s->json);
	*s = (struct scenario){ 0 };
}

const struct dns_rule *hm_internet_dns_rule(const struct scenario *s, const char *name)
{
	for (size_t i = 0; i < s->dns_count; i++)
		if (s->dns[i].txt && strcmp(s->dns[i].name, name) == 0)
			return &s->dns[i];
	return NULL;
}

/* The pattern's last character may be a star, for any rest. */
static bool path_fits(const char *pattern, const char *path)
{
	size_t len = strlen(pattern);

	if (len && pattern[len - 1] == '*')
		return strncmp(pattern, path, len - 1) == 0;
	return strcmp(pattern, path) == 0;
}

const struct http_rule *hm_internet_http_rule(const struct scenario *s, const char *host, int port, const char *path)
{
	for (size_t i = 0; i < s->http_count; i++) {
		const struct http_rule *r = &s->http[i];

		if (host && strcmp(r->host, host) == 0 && (!r->port || r->port == port) && path_fits(r->path, path))
			return r;
	}
	return NULL;
}

const struct udp_rule *hm_internet_udp_rule(const struct scenario *s, const char *name, int port)
{
	for (size_t i = 0; i < s->udp_count; i++) {
		const struct udp_rule *r = &s->udp[i];

		if (r->port == port && (!r->name || (name && strcmp(r->name, name) == 0)))
			return r;
	}
	return NULL;
}

/* The line of `text` that begins with `name` and a colon, without its end. */
static struct hm_slice line_of(struct hm_slice text, struct hm_slice name)
{
	while (text.len) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;

		if (len > name.len && memcmp(text.data, name.data, name.len) == 0 && text.data[name.len] == ':') {
			if (text.data[len - 1] == '\r')
				len--;
			return (struct hm_slice){ text.data, len };
		}
		text.data += end ? len + 1 : len;
		text.len -= end ? len + 1 : len;
	}
	return (struct hm_slice){ NULL, 0 };
}

/* Replaces the field at `at` and returns where the template goes on, or NULL when there is none: a brace is text then.
 */
static const char *field(struct hm_bytes *out, const char *at, struct hm_slice request, int64_t now)
{
	static const char word[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
	size_t len;

	if (strncmp(at, "{time}", 6) == 0) {
		hm_bytes_printf(out, "%" PRId64, now);
		return at + 6;
	}
	if (strncmp(at, "{line:", 6) != 0)
		return NULL;
	at += 6;
	len = strspn(at, word);
	if (!len || at[len] != '}')
		return NULL;
	hm_bytes_slice(out, line_of(request, (struct hm_slice){ (const uint8_t *)at, len }));
	return at + len + 1;
}

int hm_internet_expand(struct hm_bytes *out, const char *template, struct hm_slice request, int64_t now, size_t max)
{
	size_t start = out->len;

	while (*template) {
		const char *next = *template == '{' ? field(out, template, request, now) : NULL;

		if (!next)
			hm_bytes_u8(out, (uint8_t)*template);
		template = next ? next : template + 1;
		if (out->len - start > max)
			return HM_E_BAD;
	}
	return 0;
}
