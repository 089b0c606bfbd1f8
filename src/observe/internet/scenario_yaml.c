/* A scenario as people write it. libcyaml holds the document against a schema; what it would pass over in silence (NUL,
 * a second document, another encoding) is refused before it sees the text. */
#include <cyaml/cyaml.h>
#include <stdarg.h>

#include "fs.h"
#include "internet_internal.h"
#include "text.h"

enum { YAML_MAX = 1 << 20 };

struct yaml_dns {
	char *name, *txt;
};

struct yaml_http {
	char *host, *path, *type, *file, *text;
	uint16_t *port, *status;
};

struct yaml_udp {
	char *name, *reply;
	uint16_t port;
};

struct yaml_scenario {
	char *name, *about;
	struct yaml_dns *dns;
	struct yaml_http *http;
	struct yaml_udp *udp;
	unsigned dns_count, http_count, udp_count;
};

#define TEXT(key, type, member) CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER, type, member, 0, CYAML_UNLIMITED)
#define TEXT_OR_NONE(key, type, member) \
	CYAML_FIELD_STRING_PTR(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, type, member, 0, CYAML_UNLIMITED)

static const cyaml_schema_field_t dns_fields[] = { TEXT("name", struct yaml_dns, name), TEXT("txt", struct yaml_dns, txt),
						   CYAML_FIELD_END };
static const cyaml_schema_field_t http_fields[] = {
	TEXT("host", struct yaml_http, host),
	TEXT("path", struct yaml_http, path),
	TEXT_OR_NONE("type", struct yaml_http, type),
	TEXT_OR_NONE("file", struct yaml_http, file),
	TEXT_OR_NONE("text", struct yaml_http, text),
	CYAML_FIELD_UINT_PTR("port", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_http, port),
	CYAML_FIELD_UINT_PTR("status", CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_http, status),
	CYAML_FIELD_END
};
static const cyaml_schema_field_t udp_fields[] = { TEXT_OR_NONE("name", struct yaml_udp, name),
						   TEXT("reply", struct yaml_udp, reply),
						   CYAML_FIELD_UINT("port", CYAML_FLAG_DEFAULT, struct yaml_udp, port),
						   CYAML_FIELD_END };

static const cyaml_schema_value_t dns_rule_schema = { CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_dns, dns_fields) };
static const cyaml_schema_value_t http_rule_schema = { CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_http, http_fields) };
static const cyaml_schema_value_t udp_rule_schema = { CYAML_VALUE_MAPPING(CYAML_FLAG_DEFAULT, struct yaml_udp, udp_fields) };

#define RULES(key, member, schema)                                                                                   \
	CYAML_FIELD_SEQUENCE(key, CYAML_FLAG_POINTER | CYAML_FLAG_OPTIONAL, struct yaml_scenario, member, &schema, 0, \
			     CYAML_UNLIMITED)

static const cyaml_schema_field_t scenario_fields[] = { TEXT("name", struct yaml_scenario, name),
							TEXT("about", struct yaml_scenario, about),
							RULES("dns", dns, dns_rule_schema),
							RULES("http", http, http_rule_schema),
							RULES("udp", udp, udp_rule_schema),
							CYAML_FIELD_END };
static const cyaml_schema_value_t scenario_schema = { CYAML_VALUE_MAPPING(CYAML_FLAG_POINTER, struct yaml_scenario,
									  scenario_fields) };

/* Keeps the first thing that libcyaml complains about. */
static void keep_first(cyaml_log_t level HM_UNUSED, void *ctx, const char *format, va_list args) HM_PRINTF(3, 0);
static void keep_first(cyaml_log_t level HM_UNUSED, void *ctx, const char *format, va_list args)
{
	struct hm_fail *first = ctx;
	size_t len;

	if (first->text[0])
		return;
	vsnprintf(first->text, sizeof(first->text), format, args);
	len = strlen(first->text);
	if (len && first->text[len - 1] == '\n')
		first->text[len - 1] = 0;
}

static bool begins(struct hm_slice line, const char *mark)
{
	return line.len >= 3 && memcmp(line.data, mark, 3) == 0 &&
	       (line.len == 3 || line.data[3] == ' ' || line.data[3] == '\t' || line.data[3] == '\r');
}

/* "---" and "..." at the beginning of a line are document marks wherever they stand (YAML 1.2 section 9.1.2). */
static bool one_document(struct hm_slice text)
{
	bool content = false;

	while (text.len) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		struct hm_slice line = { text.data, end ? (size_t)(end - text.data) : text.len };

		if (begins(line, "...") || (begins(line, "---") && content))
			return false;
		if (line.len && line.data[0] != '#' && line.data[0] != '%')
			content = true;
		text.data += line.len + (end != NULL);
		text.len -= line.len + (end != NULL);
	}
	return true;
}

/* An escaped NUL ends a C string early: what follows it would be lost without a word. */
static bool escapes_nul(struct hm_slice text)
{
	static const char *const escapes[] = { "\\0", "\\x00", "\\u0000", "\\U00000000" };

	for (size_t i = 0; i < HM_COUNT(escapes); i++)
		if (memmem(text.data, text.len, escapes[i], strlen(escapes[i])))
			return true;
	return false;
}

static void set_text(json_t *object, const char *name, const char *text)
{
	if (text)
		json_object_set_new(object, name, json_string(text));
}

static void set_number(json_t *object, const char *name, const uint16_t *number)
{
	if (number)
		json_object_set_new(object, name, json_integer(*number));
}

static json_t *json_of(const struct yaml_scenario *y)
{
	json_t *all = json_object(), *dns = json_array(), *http = json_array(), *udp = json_array();

	for (unsigned i = 0; i < y->dns_count; i++) {
		json_t *rule = json_object();

		set_text(rule, "name", y->dns[i].name);
		set_text(rule, "txt", y->dns[i].txt);
		json_array_append_new(dns, rule);
	}
	for (unsigned i = 0; i < y->http_count; i++) {
		const struct yaml_http *h = &y->http[i];
		json_t *rule = json_object();

		set_text(rule, "host", h->host);
		set_text(rule, "path", h->path);
		set_text(rule, "type", h->type);
		set_text(rule, "file", h->file);
		set_text(rule, "text", h->text);
		set_number(rule, "port", h->port);
		set_number(rule, "status", h->status);
		json_array_append_new(http, rule);
	}
	for (unsigned i = 0; i < y->udp_count; i++) {
		json_t *rule = json_object();

		set_text(rule, "name", y->udp[i].name);
		set_text(rule, "reply", y->udp[i].reply);
		set_number(rule, "port", &y->udp[i].port);
		json_array_append_new(udp, rule);
	}
	set_text(all, "schema", "hallmark/scenario/v1");
	set_text(all, "name", y->name);
	set_text(all, "about", y->about);
	json_object_set_new(all, "dns", dns);
	json_object_set_new(all, "http", http);
	json_object_set_new(all, "udp", udp);
	return all;
}

static int parse(struct yaml_scenario **ret, struct hm_slice text, struct hm_fail *fail)
{
	struct hm_fail first = { 0 };
	cyaml_config_t config = { .log_fn = keep_first, .log_ctx = &first, .mem_fn = cyaml_mem, .log_level = CYAML_LOG_ERROR,
				  .flags = CYAML_CFG_NO_ALIAS };
	cyaml_err_t e;

	if (!hm_text_is_utf8(text) || memchr(text.data, 0, text.len) || escapes_nul(text))
		return hm_fail_set(fail, HM_E_BAD, "not UTF-8, or it holds a NUL");
	if (!one_document(text))
		return hm_fail_set(fail, HM_E_BAD, "more than one document");
	e = cyaml_load_data(text.data, text.len, &config, &scenario_schema, (cyaml_data_t **)ret, NULL);
	if (e != CYAML_OK)
		return hm_fail_set(fail, HM_E_BAD, "%s", first.text[0] ? first.text : cyaml_strerror(e));
	return *ret ? 0 : hm_fail_set(fail, HM_E_BAD, "it is empty");
}

int hm_scenario_load(struct hm_bytes *json, const char *path, struct hm_fail *fail)
{
	cyaml_config_t config = { .mem_fn = cyaml_mem };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_JSON json_t *value = NULL;
	struct yaml_scenario *y = NULL;
	struct hm_fail unused;

	fail = fail ? fail : &unused;
	if (hm_fs_read(&text, path, YAML_MAX, fail) < 0)
		return fail->code;
	if (!text.len)
		return hm_fail_set(fail, HM_E_BAD, "cannot read the scenario %s: it is empty", path);
	if (parse(&y, hm_slice_of(&text), fail) < 0)
		return hm_fail_in(fail, "cannot read the scenario %s", path);
	value = json_of(y);
	cyaml_free(&config, &scenario_schema, y, 0);
	if (hm_internet_scenario_check(value, fail) < 0)
		return hm_fail_in(fail, "%s", path);
	hm_json_write(json, value);
	return 0;
}
