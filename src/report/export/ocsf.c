/* Each event is one object: what OCSF has a place for stands there, and all of it stands under its own name. */
#include <arpa/inet.h>

#include "event.h"
#include "export_internal.h"
#include "record.h"

enum { OTHER = 0, PROCESS = 1007, FILES = 1001, NETWORK = 4001, CATEGORY = 1000, UNKNOWN = 0, ELSE = 99, INFORMATIONAL = 1, HIGH = 4, VIRTUAL = 6 };

/* Rows that are not there are of no class, activity "other". */
static const struct {
	uint16_t kind, class;
	uint8_t activity;
} table[] = {
	{ HM_EV_EXEC, PROCESS, 1 },    { HM_EV_FORK, PROCESS, 1 },    { HM_EV_EXIT, PROCESS, 2 },  { HM_EV_CRED, PROCESS, 5 },
	{ HM_EV_OPEN, FILES, 14 },     { HM_EV_READ, FILES, 2 },      { HM_EV_PAGES, FILES, 2 },   { HM_EV_WRITE, FILES, 3 },
	{ HM_EV_MAP, FILES, ELSE },    { HM_EV_COPYUP, FILES, ELSE }, { HM_EV_CONNECT, NETWORK, 1 }, { HM_EV_ACCEPT, NETWORK, 1 },
	{ HM_EV_LISTEN, NETWORK, 7 },  { HM_EV_BIND, NETWORK, 7 },    { HM_EV_SEND, NETWORK, 6 },  { HM_EV_RECV, NETWORK, 6 },
	{ HM_EV_SENT, NETWORK, 6 },    { HM_EV_PACKET, NETWORK, 6 },  { HM_EV_GAP, OTHER, UNKNOWN },
};

struct exporting {
	const struct hm_export_sink *sink;
	char bundle[72];
	json_t *assessment;
	unsigned run;
	int64_t start_us;
};

static json_t *number(uint64_t v)
{
	return v <= (1ull << 53) - 1 ? json_integer((json_int_t)v) : json_sprintf("%llx", (unsigned long long)v);
}

/* The event's value by the field's name, or NULL. */
static const struct hm_value *field(const struct hm_event *event, const char *name)
{
	const struct hm_kind_info *info = hm_kind_info(event->kind);

	for (size_t i = 0; i < info->count; i++)
		if (strcmp(info->fields[i].name, name) == 0)
			return &event->field[i];
	return NULL;
}

static json_t *all_fields(const struct hm_event *event)
{
	const struct hm_kind_info *info = hm_kind_info(event->kind);
	json_t *out = json_object();

	for (size_t i = 0; i < info->count; i++) {
		const struct hm_value *value = &event->field[i];

		if (info->fields[i].type == HM_BYTES)
			hm_json_set_bytes(out, info->fields[i].name, value->b);
		else if (info->fields[i].type == HM_INT && (int64_t)value->u < 0 && (int64_t)value->u > -(1ll << 53))
			json_object_set_new(out, info->fields[i].name, json_integer((json_int_t)value->u));
		else
			json_object_set_new(out, info->fields[i].name, number(value->u));
	}
	return out;
}

static json_t *process_of(const struct hm_event *event)
{
	const struct hm_value *path = field(event, "path"), *argv = field(event, "argv"), *pid = field(event, "child_tgid");
	HM_CLEANUP(hm_bytes_release) struct hm_bytes line = { 0 };
	json_t *out = json_object(), *file = json_object();

	json_object_set_new(out, "pid", number(pid ? pid->u : event->tgid));
	json_object_set_new(out, "tid", number(pid ? field(event, "child_tid")->u : event->tid));
	if (path) {
		hm_json_set_bytes(file, "path", path->b);
		json_object_set(out, "file", file);
	}
	json_decref(file);
	if (argv) {
		hm_bytes_slice(&line, argv->b);
		for (size_t i = 0; i < line.len; i++)
			line.data[i] = line.data[i] ? line.data[i] : ' ';
		if (line.len && line.data[line.len - 1] == ' ')
			line.len--;
		hm_json_set_bytes(out, "cmd_line", hm_slice_of(&line));
	}
	return out;
}

static json_t *file_of(const struct hm_event *event)
{
	static const char *const identity[] = { "dev", "ino", "gen", "layer" };
	const struct hm_value *path = field(event, "path"), *mode = field(event, "mode");
	json_t *out = json_object();
	uint64_t id[HM_COUNT(identity)] = { 0 };

	for (size_t i = 0; i < HM_COUNT(identity); i++)
		id[i] = field(event, identity[i]) ? field(event, identity[i])->u : 0;
	json_object_set_new(out, "uid", json_sprintf("%llu:%llu:%llu:%llu", (unsigned long long)id[0], (unsigned long long)id[1],
						     (unsigned long long)id[2], (unsigned long long)id[3]));
	json_object_set_new(out, "type_id", json_integer(!mode || (mode->u & 0170000) == 0100000));
	if (path) {
		const uint8_t *slash = path->b.len ? memrchr(path->b.data, '/', path->b.len) : NULL;
		size_t from = slash ? (size_t)(slash - path->b.data) + 1 : 0;

		hm_json_set_bytes(out, "path", path->b);
		hm_json_set_bytes(out, "name", (struct hm_slice){ path->b.data + from, path->b.len - from });
	}
	return out;
}

/* `port` and `addr` are the names of the fields. */
static void set_endpoint(json_t *out, const char *name, const struct hm_event *event, const char *addr, const char *port)
{
	const struct hm_value *a = field(event, addr), *p = field(event, port);
	char text[INET6_ADDRSTRLEN];

	if (!a || !p || (a->b.len != 4 && a->b.len != 16) || !inet_ntop(a->b.len == 4 ? AF_INET : AF_INET6, a->b.data, text, sizeof(text)))
		return;
	json_object_set_new(out, name, json_pack("{s:s,s:I}", "ip", text, "port", (json_int_t)p->u));
}

static json_t *metadata_of(const struct exporting *x, const struct hm_event *event, uint64_t position)
{
	return json_pack("{s:s,s:{s:s,s:s},s:o,s:s,s:I}", "version", "1.3.0", "product", "name", "Hallmark recorder", "vendor_name", "Hallmark", "uid",
			 json_sprintf("%s/runs/%04u/%llu", x->bundle, x->run, (unsigned long long)position), "event_code",
			 hm_kind_info(event->kind)->name, "sequence", (json_int_t)position);
}

static json_t *object_of(const struct exporting *x, const struct hm_event *event, uint64_t position)
{
	unsigned class = OTHER, activity = ELSE;
	json_t *out;

	for (size_t i = 0; i < HM_COUNT(table); i++)
		if (table[i].kind == event->kind) {
			class = table[i].class;
			activity = table[i].activity;
		}
	out = json_pack("{s:i,s:i,s:i,s:i,s:i,s:I,s:o,s:{s:O?,s:i},s:o}", "class_uid", (int)class, "category_uid", (int)class / CATEGORY, "activity_id",
			(int)activity, "type_uid", (int)(100 * class + activity), "severity_id", event->kind == HM_EV_GAP ? HIGH : INFORMATIONAL,
			"time", (json_int_t)(x->start_us / 1000 + (int64_t)(event->time / 1000000)), "metadata", metadata_of(x, event, position),
			"device", "hostname", json_object_get(json_object_get(x->assessment, "chamber"), "hostname"), "type_id", VIRTUAL, "unmapped",
			all_fields(event));
	if (event->tgid)
		json_object_set_new(out, "actor", json_pack("{s:{s:o,s:o}}", "process", "pid", number(event->tgid), "tid", number(event->tid)));
	if (class == PROCESS)
		json_object_set_new(out, "process", process_of(event));
	if (class == FILES)
		json_object_set_new(out, "file", file_of(event));
	if (class == NETWORK) {
		bool comes = event->kind == HM_EV_ACCEPT || event->kind == HM_EV_RECV, own = event->kind == HM_EV_BIND || event->kind == HM_EV_LISTEN;

		set_endpoint(out, comes || own ? "src_endpoint" : "dst_endpoint", event, "addr", "port");
	}
	return out;
}

static int export_record(struct exporting *x, struct hm_slice file, struct hm_fail *fail)
{
	struct hm_record *record = NULL;
	struct hm_slice item;
	int r = hm_record_open(&record, file, fail);

	while (r == 0 && (r = hm_record_next(record, &item, fail)) == 1) {
		struct hm_event event;

		r = hm_event_decode(&event, item, fail);
		if (r == 0) {
			HM_JSON json_t *object = object_of(x, &event, hm_record_position(record));

			r = hm_export_put(x->sink, object, fail);
		}
	}
	hm_record_close(record);
	return r;
}

static void release(struct exporting *x)
{
	json_decref(x->assessment);
}

int hm_export_ocsf(const struct hm_export_sink *sink, const struct hm_parts *parts, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct exporting x = { .sink = sink };
	const json_t *row;
	size_t i;
	int r = hm_export_bundle(x.bundle, parts, fail);

	if (r == 0)
		r = hm_export_document(&x.assessment, parts, "assessment.json", fail);
	if (r < 0)
		return r;
	json_array_foreach (json_object_get(x.assessment, "runs"), i, row) {
		HM_FREE char *name = NULL;
		struct hm_slice file;

		x.run = (unsigned)json_integer_value(json_object_get(row, "run"));
		x.start_us = json_integer_value(json_object_get(row, "start_us"));
		name = hm_sprintf("runs/%04u/record.cbor.zst", x.run);
		if (!hm_parts_get(parts, name, &file))
			continue;
		r = export_record(&x, file, fail);
		if (r < 0)
			return hm_fail_in(fail, "%s", name);
	}
	return 0;
}
