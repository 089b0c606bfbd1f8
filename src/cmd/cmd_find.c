#include "commands.h"

#include "confine.h"
#include "data.h"
#include "escape.h"
#include "find_tell.h"
#include "find_walk.h"
#include "found_files.h"
#include "fs.h"
#include "inventory.h"
#include "program.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static const struct hm_option options[] = {
	{ "host", 0, NULL, false, "the running system: its files, packages, processes, units, modules, sockets, roots" },
	{ "each", 'e', NULL, false, "what lies in a TARGET that is a folder are targets of their own (SBOMs, images, roots)" },
	{ "supplier", 's', "SUPPLIER", true, "tell of this supplier alone (id or name), and of what it controls" },
	{ "country", 'c', "CC", true, "tell of suppliers that are controlled from there" },
	{ "json", 'j', NULL, false, "print hallmark/found/v1" },
	{ "format", 'f', "FORMAT", false, "csv, html, cyclonedx, bod-17-01 or far-52.204-23" },
	{ "found", 0, "FILE", true, "tell what this inventory (--json) tells, and read no target; several become one" },
	{ "output", 'o', "FILE", false, "write it there, not to standard output" },
	{ "explain", 'x', NULL, false, "tell each piece of evidence, and the row and source that it was known by" },
	{ "gone", 0, NULL, false, "check a removal: whatever is left of --supplier, however weak, is told" },
	{ "jobs", 0, "N", false, "readers at a time (default: as many as processors)" },
	{ "db", 0, "FILE|none", false, "where the run is kept (default: ~/.local/state/hallmark/estate.sqlite)" },
	{ "resume", 'r', NULL, false, "go on with the last run that was cut short: what it read is not read again" },
	{ "suppliers", 0, "DIR", true, "more supplier tables" },
	{ "roots", 0, "FILE|none", true, "who may issue the certificates of signers, in PEM (default: the roots of this machine)" },
	{ "lint", 0, NULL, false, "check the supplier tables, and nothing else" },
	{ "clean", 0, "TARGET", true, "with --lint: a target that is known to have none of it; rows that show there are told" },
};

static void today(char day[11])
{
	time_t now = time(NULL);
	struct tm tm;

	gmtime_r(&now, &tm);
	strftime(day, 11, "%Y-%m-%d", &tm);
}

static int read_tables(struct hm_suppliers **tables, const struct hm_args *args, struct hm_fail *fail)
{
	HM_FREE char *data = NULL, *own = NULL;
	HM_FREE const char **folder = NULL;
	size_t count;
	const char *const *more = hm_args_all(args, "suppliers", &count);
	int r = hm_data_folder(&data, fail);

	if (r < 0)
		return r;
	own = hm_sprintf("%s/suppliers", data);
	folder = hm_alloc(count + 1, sizeof(*folder));
	folder[0] = own;
	for (size_t i = 0; i < count; i++)
		folder[i + 1] = more[i];
	return hm_suppliers_load(tables, folder, count + 1, fail);
}

static int jobs_of(unsigned *jobs, const char *text, struct hm_fail *fail)
{
	long processors = sysconf(_SC_NPROCESSORS_ONLN);
	char *end = NULL;
	long n = text ? strtol(text, &end, 10) : processors > 0 ? processors : 1;

	if (text && (*end || end == text || n < 1 || n > 64))
		return hm_fail_set(fail, HM_E_USAGE, "--jobs: \"%.40s\" is no number from 1 to 64", text);
	*jobs = (unsigned)(n > 64 ? 64 : n);
	return 0;
}

static int open_store(struct hm_find_store **store, const struct hm_args *args, const struct hm_suppliers *tables, struct hm_fail *fail)
{
	const char *db = hm_args_get(args, "db"), *state = getenv("XDG_STATE_HOME"), *home = getenv("HOME");
	HM_FREE char *folder = NULL, *path = NULL;
	char digest[65];
	int r;

	if (db && strcmp(db, "none") == 0)
		return hm_args_has(args, "resume") ? hm_fail_set(fail, HM_E_USAGE, "--resume needs what --db none does not keep") : 0;
	hm_suppliers_digest(tables, digest);
	if (!db) {
		if (!state && !home)
			return 0; /* nowhere to keep it */
		folder = state && *state ? hm_sprintf("%s/hallmark", state) : hm_sprintf("%s/.local/state/hallmark", home ? home : "");
		path = hm_sprintf("%s/estate.sqlite", folder);
		if ((r = hm_fs_mkdirs(folder, 0700, fail)) < 0)
			return hm_fail_advise(fail, "--db FILE, or --db none");
	}
	r = hm_find_store_open(store, db ? db : path, digest, fail);
	if (r == 0 && !hm_args_has(args, "resume"))
		r = hm_find_store_fresh(*store, digest, fail);
	return r;
}

/* One of several that is not there is told, and the others are read. */
static int walk_one(struct hm_find *find, const char *place, bool several, struct hm_fail *fail)
{
	struct hm_fail why = { 0 };
	int r = hm_find_target(find, place, false, &why);

	if (r == HM_E_SYSTEM && several) {
		hm_found_target(find->found, place, "folder", false);
		hm_found_not_read(find->found, "/", why.text);
		return 0;
	}
	if (r != 0)
		*fail = why;
	return r;
}

static int visible(const struct dirent *d)
{
	return d->d_name[0] != '.';
}

/* Targets in the order in which they are read; NULL is the host. */
struct places {
	char **name;
	size_t count;
};

static void release_places(struct places *p)
{
	for (size_t i = 0; i < p->count; i++)
		free(p->name[i]);
	free(p->name);
}

static void add_place(struct places *p, char *name)
{
	p->name = hm_realloc(p->name, p->count + 1, sizeof(*p->name));
	p->name[p->count++] = name;
}

/* What lies in a folder, by name, so that two runs tell the same in the same order. What is no folder, or is not there beside others, stands for itself. */
static int add_each(struct places *p, const char *folder, bool several, struct hm_fail *fail)
{
	struct dirent **name = NULL;
	int n = scandir(folder, &name, visible, alphasort);

	if (n < 0 && errno != ENOTDIR && !several)
		return hm_fail_errno(fail, "cannot read %s", folder);
	if (n < 0)
		add_place(p, hm_strdup(folder));
	for (int i = 0; i < n; i++) {
		add_place(p, hm_sprintf("%s/%s", folder, name[i]->d_name));
		free(name[i]);
	}
	free(name);
	return 0;
}

static int gather(struct places *p, const struct hm_args *args, struct hm_fail *fail)
{
	int r = 0;

	if (hm_args_has(args, "host"))
		add_place(p, NULL);
	for (size_t i = 0; r == 0 && i < args->operands; i++)
		if (hm_args_has(args, "each"))
			r = add_each(p, args->operand[i], args->operands > 1 || hm_args_has(args, "host"), fail);
		else
			add_place(p, hm_strdup(args->operand[i]));
	return r;
}

#define TOLD_MAX 16

/* What an interrupted run did not come to the end of. */
static void tell_rest(const struct places *p, size_t from)
{
	hm_program_done();
	for (size_t i = from; i < p->count && i < from + TOLD_MAX; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes name = { 0 };

		hm_escape(&name, hm_slice_text(p->name[i] ? p->name[i] : "the host"), false);
		hm_program_note("not read%s: %.*s", i == from ? " to its end" : "", (int)name.len, (const char *)name.data);
	}
	if (p->count - from > TOLD_MAX)
		hm_program_note("not read: %zu more", p->count - from - TOLD_MAX);
}

static int walk_all(struct hm_find *find, const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(release_places) struct places p = { 0 };
	int r = gather(&p, args, fail);

	for (size_t i = 0; r == 0 && i < p.count; i++) {
		r = p.name[i] ? walk_one(find, p.name[i], p.count > 1 || hm_args_has(args, "each"), fail) : hm_find_target(find, "/", true, fail);
		if (r == HM_E_INTERRUPTED)
			tell_rest(&p, i);
	}
	return r;
}

static int print(const struct hm_args *args, struct hm_slice text, struct hm_fail *fail)
{
	const char *file = hm_args_get(args, "output");

	return file ? hm_fs_write_atomic(file, text, 0644, fail) : hm_program_print(text, fail);
}

static const struct hm_inventory_format *format_of(const char *name)
{
	const struct hm_inventory_format *f = hm_inventory_formats;

	while (f->name && (!name || strcmp(f->name, name) != 0))
		f++;
	return f->name ? f : NULL;
}

/* A report that a rule asks for is about those of whom the policy of its name speaks; *named gets their ids. */
static int whom(json_t **named, const char *format, struct hm_fail *fail)
{
	HM_FREE char *data = NULL, *path = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_JSON json_t *policy = NULL;
	json_t *id;
	const json_t *rule;
	size_t i, j;
	int r = hm_data_folder(&data, fail);

	*named = json_object();
	if (r < 0)
		return r;
	path = hm_sprintf("%s/policies/%s.json", data, format);
	if (access(path, R_OK) != 0)
		return 0;
	r = hm_fs_read(&text, path, 4u << 20, fail);
	if (r == 0)
		r = hm_json_parse(&policy, hm_slice_of(&text), path, fail);
	json_array_foreach (json_object_get(policy, "rules"), i, rule)
		json_array_foreach (json_object_get(json_object_get(rule, "when"), "supplier"), j, id)
			if (json_is_string(id))
				json_object_set_new(*named, json_string_value(id), json_true());
	return r;
}

/* Of whom is told. */
struct asked {
	struct hm_found_filter filter;
	json_t *named;
	const char **supplier;
};

static void release_asked(struct asked *a)
{
	json_decref(a->named);
	free(a->supplier);
}

static int ask(struct asked *a, const struct hm_args *args, struct hm_fail *fail)
{
	const struct hm_inventory_format *format = format_of(hm_args_get(args, "format"));
	const char *id;
	json_t *unused;
	int r;

	a->filter.supplier = hm_args_all(args, "supplier", &a->filter.suppliers);
	a->filter.country = hm_args_all(args, "country", &a->filter.countries);
	a->filter.everything = hm_args_has(args, "gone");
	if (!format || a->filter.suppliers || a->filter.countries)
		return 0;
	r = whom(&a->named, format->name, fail);
	if (r < 0)
		return r;
	a->filter.supplier = a->supplier = hm_alloc(json_object_size(a->named) + 1, sizeof(*a->supplier));
	json_object_foreach (a->named, id, unused)
		a->supplier[a->filter.suppliers++] = id;
	return 0;
}

static int tell(const struct hm_args *args, const json_t *document, struct hm_fail *fail)
{
	const struct hm_inventory_format *format = format_of(hm_args_get(args, "format"));
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	int code = hm_found_exit(document), r;

	if (hm_args_has(args, "json")) {
		hm_json_write(&out, document);
		hm_bytes_u8(&out, '\n');
	} else if (format) {
		format->make(&out, document);
	} else if (hm_args_has(args, "gone")) {
		code = hm_find_gone(&out, document);
	} else {
		hm_inventory_terminal(&out, document, hm_args_has(args, "explain"));
	}
	r = print(args, hm_slice_of(&out), fail);
	return r < 0 ? r : code;
}

/* Inventories that are there already, told as this run's would be. */
static int tell_files(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(release_asked) struct asked asked = { 0 };
	HM_JSON json_t *document = NULL;
	size_t count;
	const char *const *file = hm_args_all(args, "found", &count);
	int r = ask(&asked, args, fail);

	if (r == 0)
		r = hm_found_files_read(&document, file, count, fail);
	if (r == 0 && (r = hm_found_narrow(document, &asked.filter, fail)) < 0)
		r = hm_fail_in(fail, "%s", file[0]);
	return r < 0 ? r : tell(args, document, fail);
}

static void say(void *cookie HM_UNUSED, const char *line)
{
	hm_program_note("%s", line);
}

static int check(const struct hm_args *args, struct hm_fail *fail)
{
	bool supplier = hm_args_has(args, "supplier"), clean = hm_args_has(args, "clean");

	if (hm_args_has(args, "found")) {
		if (args->operands || hm_args_has(args, "host") || hm_args_has(args, "lint") || hm_args_has(args, "gone") || hm_args_has(args, "db") || hm_args_has(args, "resume"))
			return hm_fail_set(fail, HM_E_USAGE, "--found reads no target, and goes with --supplier, --country, --format, --json, --explain and --output");
	} else if (hm_args_has(args, "lint") ? args->operands > 0 || hm_args_has(args, "host") : args->operands == 0 && !hm_args_has(args, "host"))
		return hm_fail_set(fail, HM_E_USAGE, hm_args_has(args, "lint") ? "--lint reads no target but those of --clean" : "name a target, or --host");
	if (hm_args_has(args, "format") && (!format_of(hm_args_get(args, "format")) || hm_args_has(args, "json")))
		return hm_fail_set(fail, HM_E_USAGE, "--format: one of csv, html, cyclonedx, bod-17-01, far-52.204-23; or --json");
	if (hm_args_has(args, "gone") && !supplier)
		return hm_fail_set(fail, HM_E_USAGE, "--gone: of which --supplier");
	if (clean && !hm_args_has(args, "lint"))
		return hm_fail_set(fail, HM_E_USAGE, "--clean belongs to --lint");
	return 0;
}

/* Each row that shows itself where nothing is. */
static int lint_clean(struct hm_find *find, const struct hm_args *args, size_t *lines, struct hm_fail *fail)
{
	size_t clean, i, j, k;
	const char *const *target = hm_args_all(args, "clean", &clean);
	static const char *const lists[] = { "items", "candidates" };
	HM_JSON json_t *document = NULL;
	const json_t *item, *piece;
	int r = 0;

	for (i = 0; r == 0 && i < clean; i++)
		r = hm_find_target(find, target[i], strcmp(target[i], "/") == 0, fail);
	document = r == 0 ? hm_found_document(find->found, &(struct hm_found_filter){ .everything = true }) : NULL;
	for (k = 0; k < HM_COUNT(lists); k++)
		json_array_foreach (json_object_get(document, lists[k]), i, item)
			json_array_foreach (json_object_get(item, "evidence"), j, piece) {
				const char *strength = json_string_value(json_object_get(piece, "strength"));

				if (!strength || strcmp(strength, "none") == 0)
					continue;
				hm_program_note("%s: shows itself in a clean target: %s", json_string_value(json_object_get(piece, "row")),
						json_string_value(json_object_get(piece, "path")) ? json_string_value(json_object_get(piece, "path")) : "");
				++*lines;
			}
	return r;
}

static int lint(struct hm_find *find, const struct hm_args *args, const char *day, struct hm_fail *fail)
{
	size_t lines = hm_suppliers_lint(find->suppliers, day, say, NULL);
	int r = 0;

	if (hm_args_has(args, "clean"))
		r = lint_clean(find, args, &lines, fail);
	return r < 0 ? r : lines > 0;
}

static int open_rules(struct hm_inspect_rules **rules, const struct hm_suppliers *tables, const struct hm_args *args, struct hm_fail *fail)
{
	size_t count;
	const char *const *roots = hm_args_all(args, "roots", &count);

	if (count == 1 && strcmp(roots[0], "none") == 0)
		count = 0;
	else if (count == 0)
		roots = NULL;
	return hm_inspect_rules_open(rules, tables, roots, count, fail);
}

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_suppliers_cleanup) struct hm_suppliers *tables = NULL;
	HM_CLEANUP(hm_inspect_rules_cleanup) struct hm_inspect_rules *rules = NULL;
	HM_CLEANUP(hm_found_cleanup) struct hm_found *found = NULL;
	HM_CLEANUP(hm_find_store_cleanup) struct hm_find_store *store = NULL;
	HM_CLEANUP(release_asked) struct asked asked = { 0 };
	HM_JSON json_t *document = NULL;
	struct hm_find find = { .resume = hm_args_has(args, "resume") };
	char day[11];
	int r = check(args, fail);

	if (r == 0 && hm_args_has(args, "found"))
		return tell_files(args, fail);
	today(day);
	hm_program_catch_signals();
	if (r == 0)
		r = jobs_of(&find.jobs, hm_args_get(args, "jobs"), fail);
	if (r == 0)
		r = read_tables(&tables, args, fail);
	if (r == 0)
		r = open_rules(&rules, tables, args, fail);
	find.may_drop = !hm_args_has(args, "db") && !hm_args_has(args, "resume");
	if (r == 0 && !hm_args_has(args, "lint") && (r = open_store(&store, args, tables, fail)) != 0 && find.may_drop) {
		hm_program_note("this run is not kept: %s", fail->text);
		hm_find_store_close(hm_take_ptr(&store));
		r = 0;
	}
	if (r == 0)
		r = ask(&asked, args, fail);
	if (r != 0)
		return r;
	found = hm_found_new(tables, day);
	find.suppliers = tables;
	find.rules = rules;
	find.found = found;
	find.store = store;
	if (hm_args_has(args, "lint"))
		return lint(&find, args, day, fail);
	r = walk_all(&find, args, fail);
	hm_program_done();
	if (r != 0)
		return r == HM_E_INTERRUPTED && store ? hm_fail_advise(fail, "what was read before is kept: --resume goes on") : r;
	if (find.missing & HM_CONFINE_LANDLOCK)
		hm_program_note("this kernel has no Landlock: readers were confined by seccomp alone");
	if (find.store && (r = hm_find_store_finish(find.store, fail)) != 0)
		return r;
	document = hm_found_document(find.found, &asked.filter);
	return tell(args, document, fail);
}

const struct hm_command hm_cmd_find = {
	.name = "find",
	.summary = "find every copy of a supplier's software",
	.usage = "TARGET... | --host [--supplier S]... [--country CC]... [OPTION...]",
	.detail = "TARGET is a folder (a mounted root), an archive, a container image (OCI layout or docker save), a disk image\n"
		  "(raw, qcow2, vmdk, vhd; ext, xfs, btrfs, erofs, ntfs, fat, exfat, squashfs, LVM) or a file such as an SBOM. Nothing of it is\n"
		  "mounted or executed, and nothing outside it is read; what parses it runs in processes that can do nothing else.\n"
		  "Tells what is there of which supplier, in which state, embedded in what, controlled from where, and on what\n"
		  "evidence. What could not be read is told, and is never taken for clean.\n\n"
		  "exit: 0 nothing found; 1 found; 2 a part could not be read.",
	.min = 0,
	.max = SIZE_MAX,
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
