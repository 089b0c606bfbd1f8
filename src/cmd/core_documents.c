#include "core_documents.h"

#include <sys/utsname.h>

#include "event.h"
#include "evaluate.h"
#include "internet.h"
#include "record.h"
#include "text.h"

char *hm_core_run_part(unsigned run, const char *name)
{
	return hm_sprintf("runs/%04u/%s", run, name);
}

static int add_document(struct hm_parts *parts, const char *name, const json_t *document, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

	hm_json_write(&text, document);
	return hm_parts_take(parts, name, &text, fail);
}

static json_t *text_or_null(const char *text)
{
	return text ? json_string(text) : json_null();
}

/* "sha256:..." of a part, or null where it is absent. */
static json_t *digest_of_part(const struct hm_parts *parts, const char *name)
{
	struct hm_slice content;
	struct hm_sha256 digest;
	char hex[65];

	if (!hm_parts_get(parts, name, &content))
		return json_null();
	hm_sha256_slice(&digest, content);
	return json_sprintf("sha256:%s", hm_text_hex_into(hex, (struct hm_slice){ digest.b, sizeof(digest.b) }));
}

static json_t *hex_of(const uint8_t *bytes, size_t len)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

	hm_text_hex(&text, (struct hm_slice){ bytes, len });
	return json_stringn((const char *)text.data, text.len);
}

static json_t *arguments(const char *const *argv, struct hm_fail *fail)
{
	json_t *list = json_array();

	for (; *argv; argv++) {
		if (!hm_text_is_utf8(hm_slice_text(*argv))) {
			json_decref(list);
			hm_fail_set(fail, HM_E_USAGE, "an argument of the command is not UTF-8");
			return NULL;
		}
		json_array_append_new(list, json_string(*argv));
	}
	return list;
}

int hm_core_plan(struct hm_parts *parts, const struct hm_planned *planned, struct hm_fail *fail)
{
	HM_JSON json_t *plan = json_object();
	json_t *argv = arguments(planned->argv, fail), *executable;
	struct hm_sha256 commitment, digest;
	int r;

	if (!argv)
		return fail->code;
	json_object_set_new(plan, "argv", argv);
	r = hm_sha256_file(&digest, NULL, planned->executable, fail);
	if (r < 0)
		return r;
	hm_seed_commit(&commitment, planned->seed);
	executable = json_object();
	json_object_set_new(executable, "path", json_string(planned->executable));
	json_object_set_new(executable, "sha256", hex_of(digest.b, sizeof(digest.b)));
	json_object_set_new(plan, "schema", json_string("hallmark/plan/v1"));
	json_object_set_new(plan, "format", json_integer(1));
	json_object_set_new(plan, "semantics", json_integer(HM_SEMANTICS));
	json_object_set_new(plan, "commitment", hex_of(commitment.b, sizeof(commitment.b)));
	json_object_set_new(plan, "claim_set", digest_of_part(parts, "claims.json"));
	json_object_set_new(plan, "declaration", digest_of_part(parts, "declaration.json"));
	json_object_set_new(plan, "product", json_pack("{s:s,s:o}", "name", planned->product, "executable", executable));
	json_object_set_new(plan, "stdin", text_or_null(planned->stdin_path));
	json_object_set_new(plan, "factors", planned->factors ? json_incref(planned->factors) : json_array());
	json_object_set_new(plan, "runs", json_incref(planned->kinds));
	if (planned->blocks)
		json_object_set(plan, "blocks", planned->blocks);
	json_object_set_new(plan, "feature_version", json_integer(1));
	json_object_set_new(plan, "alpha", json_pack("[i,i]", 1, 100));
	json_object_set_new(plan, "internet", json_string(planned->internet));
	json_object_set_new(plan, "scenario", digest_of_part(parts, "scenario.json"));
	json_object_set_new(plan, "profile", json_string(planned->profile));
	json_object_set_new(plan, "target", json_string(planned->target));
	json_object_set_new(plan, "time_limit_s", json_integer(planned->time_limit_s));
	if (planned->authorities)
		json_object_set(plan, "authorities", planned->authorities);
	return add_document(parts, "plan.json", plan, fail);
}

/* "read:a,b send:c" as {"read":["a","b"],"send":["c"]}. */
static json_t *witness_lists(const char *text)
{
	json_t *object = json_pack("{s:[],s:[]}", "read", "send");

	while (*text) {
		size_t word = strcspn(text, " "), kind = strcspn(text, ":");
		HM_FREE char *name = hm_slice_dup((struct hm_slice){ (const uint8_t *)text, kind < word ? kind : 0 });
		json_t *list = json_object_get(object, name);

		for (size_t at = kind + 1; list && at < word;) {
			size_t len = strcspn(text + at, ", ");

			json_array_append_new(list, json_stringn(text + at, len));
			at += len + 1;
		}
		text += word + (text[word] == ' ');
	}
	return object;
}

static json_t *lines(struct hm_slice text)
{
	json_t *list = json_array();

	while (text.len) {
		const uint8_t *end = memchr(text.data, '\n', text.len);
		size_t len = end ? (size_t)(end - text.data) : text.len;

		if (hm_text_is_utf8((struct hm_slice){ text.data, len }))
			json_array_append_new(list, json_stringn((const char *)text.data, len));
		else
			json_array_append_new(list, json_string("(a path that is not UTF-8)"));
		text.data += end ? len + 1 : len;
		text.len -= end ? len + 1 : len;
	}
	return list;
}

static const char *const outcomes[] = { "exited", "signalled", "timeout", "interrupted" };

struct count {
	const char *name;
	size_t at; /* of a uint64_t */
};

static const struct count counts[] = {
	{ "random", offsetof(struct hm_control_counts, random) },
	{ "random_bytes", offsetof(struct hm_control_counts, random_bytes) },
	{ "clock", offsetof(struct hm_control_counts, clock) },
	{ "execs", offsetof(struct hm_control_counts, execs) },
	{ "execs_missed", offsetof(struct hm_control_counts, execs_missed) },
	{ "left", offsetof(struct hm_control_counts, left) },
	{ "start_s", offsetof(struct hm_control_counts, start_s) },
};

static const struct count handshakes[] = {
	{ "accepted", offsetof(struct hm_internet_tls_stats, accepted) },
	{ "refused", offsetof(struct hm_internet_tls_stats, refused) },
	{ "failed", offsetof(struct hm_internet_tls_stats, failed) },
	{ "keys_lost", offsetof(struct hm_internet_tls_stats, keys_lost) },
};

/* What `table` names of `counted`, as an object. */
static json_t *write_counts(const struct count *table, size_t count, const void *counted)
{
	json_t *row = json_object();

	for (size_t i = 0; i < count; i++)
		json_object_set_new(row, table[i].name, json_integer((json_int_t)*(const uint64_t *)((const char *)counted + table[i].at)));
	return row;
}

static void read_counts(void *counted, const struct count *table, size_t count, const json_t *row)
{
	for (size_t i = 0; row && i < count; i++)
		*(uint64_t *)((char *)counted + table[i].at) = (uint64_t)json_integer_value(json_object_get(row, table[i].name));
}

bool hm_core_read_run(struct hm_run_note *note, const json_t *row)
{
	const char *outcome = json_string_value(json_object_get(row, "outcome"));
	const json_t *controlled = json_object_get(row, "controlled");

	*note = (struct hm_run_note){ .run = (unsigned)json_integer_value(json_object_get(row, "run")),
				      .status = (int)json_integer_value(json_object_get(row, "status")),
				      .start_ns = 1000 * (uint64_t)json_integer_value(json_object_get(row, "start_us")),
				      .end_ns = 1000 * (uint64_t)json_integer_value(json_object_get(row, "end_us")),
				      .equal = controlled != NULL };
	if (json_object_get(row, "address"))
		snprintf(note->address, sizeof(note->address), "%s", json_string_value(json_object_get(row, "address")));
	read_counts(&note->controlled, counts, HM_COUNT(counts), controlled);
	read_counts(&note->tls, handshakes, HM_COUNT(handshakes), json_object_get(row, "tls"));
	while (outcome && note->outcome < (int)HM_COUNT(outcomes) && strcmp(outcomes[note->outcome], outcome) != 0)
		note->outcome++;
	return outcome && note->outcome < (int)HM_COUNT(outcomes);
}

/* What was the same in the runs of a block, whatever they differ in. An exec that was missed leaves clocks within reach that nobody answers for. */
static json_t *equal_list(const struct hm_run_note *notes, size_t count)
{
	static const char *const words[] = { "aslr", "clock", "random", "tcp_timestamps", "urandom", "vdso" };
	json_t *list = json_array();
	uint64_t missed = 0;
	bool all = count > 0, device = true;

	for (size_t i = 0; i < count; i++) {
		if (!notes[i].run)
			continue;
		all = all && notes[i].equal;
		missed += notes[i].controlled.execs_missed;
		device = device && notes[i].controlled.device;
	}
	for (size_t i = 0; all && i < HM_COUNT(words); i++)
		if ((missed == 0 || strcmp(words[i], "vdso") != 0) && (device || strcmp(words[i], "urandom") != 0))
			json_array_append_new(list, json_string(words[i]));
	return list;
}

static json_t *run_notes(const struct hm_run_note *notes, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++) {
		json_t *row;

		if (!notes[i].run)
			continue;
		row = json_pack("{s:i,s:s,s:s,s:i,s:I,s:I}", "run", (int)notes[i].run, "kind", notes[i].kind, "outcome",
					outcomes[notes[i].outcome & 3], "status", notes[i].status, "start_us",
					(json_int_t)(notes[i].start_ns / 1000), "end_us", (json_int_t)(notes[i].end_ns / 1000));

		if (notes[i].address[0])
			json_object_set_new(row, "address", json_string(notes[i].address));
		if (notes[i].equal)
			json_object_set_new(row, "controlled", write_counts(counts, HM_COUNT(counts), &notes[i].controlled));
		if (notes[i].tls.accepted || notes[i].tls.refused || notes[i].tls.failed)
			json_object_set_new(row, "tls", write_counts(handshakes, HM_COUNT(handshakes), &notes[i].tls));
		json_array_append_new(list, row);
	}
	return list;
}

int hm_core_assessment(struct hm_parts *parts, const struct hm_planned *planned, const char *hostname, const char *machine_id,
		       const char *witnesses, struct hm_slice absent, json_t *self_test, struct hm_fail *fail)
{
	const struct {
		const char *name;
		json_t *value;
	} lists[] = { { "held", planned->held }, { "sets", planned->sets }, { "repeated", planned->repeated }, { "resumed", planned->resumed } };
	HM_JSON json_t *document = json_object();
	struct utsname name;
	json_t *chamber;

	uname(&name);
	chamber = json_pack("{s:s,s:s,s:s,s:s,s:s,s:s,s:o,s:o,s:O}", "profile", planned->profile, "internet", planned->internet,
			    "hostname", hostname, "machine_id", machine_id, "address", HM_CHAMBER_ADDRESS, "target", planned->target,
			    "equal", equal_list(planned->notes, planned->runs), "absent_mounts", lines(absent), "self_test", self_test);
	json_object_set_new(document, "schema", json_string("hallmark/assessment/v1"));
	json_object_set_new(document, "seed", hex_of(planned->seed, 32));
	json_object_set_new(document, "kernel", json_pack("{s:s,s:s}", "release", name.release, "machine", name.machine));
	json_object_set_new(document, "witnesses", witness_lists(witnesses));
	json_object_set_new(document, "chamber", chamber);
	json_object_set_new(document, "runs", run_notes(planned->notes, planned->runs));
	json_object_set_new(document, "dropped", planned->dropped ? json_incref(planned->dropped) : json_array());
	for (size_t i = 0; i < HM_COUNT(lists); i++)
		if (lists[i].value)
			json_object_set(document, lists[i].name, lists[i].value);
	return add_document(parts, "assessment.json", document, fail);
}

/* The files that ran: path -> nothing, as a sorted set. */
struct paths {
	char **list;
	size_t count, cap;
};

static void paths_release(struct paths *paths)
{
	for (size_t i = 0; i < paths->count; i++)
		free(paths->list[i]);
	free(paths->list);
}

static void paths_add(struct paths *paths, struct hm_slice path)
{
	if (path.len == 0 || path.data[0] != '/' || memchr(path.data, 0, path.len))
		return;
	/* The loader maps the same few libraries again and again: most repeats are of the last path seen. */
	if (paths->count && hm_slice_eq(hm_slice_text(paths->list[paths->count - 1]), path))
		return;
	if (paths->count == paths->cap) {
		paths->cap = paths->cap ? 2 * paths->cap : 64;
		paths->list = hm_realloc(paths->list, paths->cap, sizeof(*paths->list));
	}
	paths->list[paths->count++] = hm_slice_dup(path);
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void paths_sort(struct paths *paths)
{
	size_t kept = 0;

	if (paths->count)
		qsort(paths->list, paths->count, sizeof(*paths->list), by_text);
	for (size_t i = 0; i < paths->count; i++) {
		if (kept && strcmp(paths->list[kept - 1], paths->list[i]) == 0)
			free(paths->list[i]);
		else
			paths->list[kept++] = paths->list[i];
	}
	paths->count = kept;
}

static int collect(struct paths *paths, struct hm_slice file, struct hm_fail *fail)
{
	struct hm_record *record;
	struct hm_slice item;
	int r = hm_record_open(&record, file, fail);

	if (r < 0)
		return r;
	while ((r = hm_record_next(record, &item, fail)) > 0) {
		struct hm_event event;

		r = hm_event_decode(&event, item, fail);
		if (r < 0)
			break;
		/* What lies in the upper layer is no file of the host: the tree has its digest. */
		if (event.kind == HM_EV_EXEC && event.field[HM_EXEC_LAYER].u == HM_LAYER_LOWER)
			paths_add(paths, event.field[HM_EXEC_PATH].b);
		if (event.kind == HM_EV_MAP && event.field[HM_MAP_LAYER].u == HM_LAYER_LOWER && (event.field[HM_MAP_PROT].u & 4))
			paths_add(paths, event.field[HM_MAP_PATH].b);
	}
	hm_record_close(record);
	return r;
}

/* A set of packages, few enough for a list. */
struct owners {
	const struct hm_package **list;
	size_t count;
};

static void owners_release(struct owners *owners)
{
	free(owners->list);
}

static bool owners_add(struct owners *owners, const struct hm_package *package)
{
	size_t at = 0;

	if (!package)
		return false;
	while (at < owners->count && strcmp(owners->list[at]->name, package->name) < 0)
		at++;
	for (size_t i = at; i < owners->count && strcmp(owners->list[i]->name, package->name) == 0; i++)
		if (owners->list[i] == package)
			return true;
	owners->list = hm_realloc(owners->list, owners->count + 1, sizeof(const struct hm_package *));
	memmove(owners->list + at + 1, owners->list + at, (owners->count - at) * sizeof(const struct hm_package *));
	owners->list[at] = package;
	owners->count++;
	return true;
}

/* A file that is gone meanwhile cannot be described; evaluate then finds it unowned and without a digest. */
static void add_unowned(json_t *unowned, const char *path)
{
	struct hm_sha256 digest;
	json_t *row;

	if (hm_sha256_file(&digest, NULL, path, NULL) < 0)
		return;
	row = json_object();
	hm_json_set_bytes(row, "path", hm_slice_text(path));
	json_object_set_new(row, "sha256", hex_of(digest.b, sizeof(digest.b)));
	json_array_append_new(unowned, row);
}

static int describe(json_t *head, const struct paths *paths, const struct hm_packages *packages, struct owners *owners,
		    struct hm_fail *fail)
{
	json_t *list = json_array(), *unowned = json_array();
	int r = 0;

	json_object_set_new(head, "packages", list);
	json_object_set_new(head, "unowned", unowned);
	for (size_t i = 0; i < paths->count; i++)
		if (!owners_add(owners, hm_packages_owner(packages, paths->list[i])))
			add_unowned(unowned, paths->list[i]);
	for (size_t i = 0; i < owners->count && r == 0; i++)
		r = hm_packages_describe(packages, owners->list[i], list, fail);
	return r;
}

int hm_core_product(struct hm_parts *parts, json_t *head, const struct hm_packages *packages, char *const *own,
		    const char *executable, unsigned runs, struct hm_fail *fail)
{
	HM_CLEANUP(paths_release) struct paths paths = { 0 };
	HM_CLEANUP(owners_release) struct owners owners = { 0 };
	int r = 0;

	for (unsigned run = 1; run <= runs && r == 0; run++) {
		HM_FREE char *name = hm_core_run_part(run, "record.cbor.zst");
		struct hm_slice file;

		if (hm_parts_get(parts, name, &file))
			r = collect(&paths, file, fail);
	}
	if (r < 0)
		return r;
	paths_sort(&paths);
	/* A product that is a script is never executed itself, its interpreter is: so its own packages come by name. */
	owners_add(&owners, hm_packages_owner(packages, executable));
	for (; own && *own; own++)
		owners_add(&owners, hm_packages_find(packages, *own));
	r = describe(head, &paths, packages, &owners, fail);
	return r < 0 ? r : add_document(parts, "product.json", head, fail);
}
