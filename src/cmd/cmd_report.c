#include "commands.h"

#include <sys/ioctl.h>

#include "bundle.h"
#include "fs.h"
#include "program.h"
#include "replies.h"
#include "report.h"

static const struct hm_option options[] = {
	{ "output", 'o', "FILE.html", false, "write the HTML report of the one bundle" },
	HM_REPLIES_OPTIONS,
};

struct opened {
	size_t count;
	struct hm_map *maps;
	struct hm_parts **parts;
};

static void release(struct opened *o)
{
	for (size_t i = 0; i < o->count; i++) {
		hm_parts_free(o->parts[i]);
		hm_fs_unmap(&o->maps[i]);
	}
	free(o->maps);
	free(o->parts);
}

static int open_all(struct opened *o, const struct hm_args *args, struct hm_fail *fail)
{
	o->maps = hm_alloc(args->operands, sizeof(*o->maps));
	o->parts = hm_alloc(args->operands, sizeof(*o->parts));
	for (size_t i = 0; i < args->operands; i++) {
		int r = hm_fs_map(&o->maps[i], args->operand[i], fail);

		o->count++;
		if (r == 0)
			r = hm_bundle_read(&o->parts[i], o->maps[i].bytes, fail);
		if (r == 0)
			r = hm_bundle_check_parts(o->parts[i], true, fail);
		if (r < 0)
			return hm_fail_in(fail, "reading %s", args->operand[i]);
	}
	return 0;
}

/* What suppliers say of the bundle, as a part beside its own. */
static int add_replies(struct hm_parts *parts, json_t *shown, const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_replies_release) struct hm_replies replies = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_JSON json_t *document = NULL;
	int r = hm_replies_load(&replies, args, fail);

	if (r == 0 && replies.count && args->operands != 1)
		return hm_fail_set(fail, HM_E_USAGE, "--reply takes one bundle, not %zu", args->operands);
	if (r == 0)
		r = hm_replies_take(parts, &replies, false, shown, fail);
	if (r < 0 || !json_array_size(shown))
		return r;
	document = json_pack("{s:O}", "replies", shown);
	hm_json_write(&text, document);
	return hm_parts_take(parts, HM_REPORT_REPLIES, &text, fail);
}

static unsigned terminal_width(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col)
		return size.ws_col;
	return 80;
}

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct opened o = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_JSON json_t *shown = json_array();
	const char *path = hm_args_get(args, "output");
	int r;

	if (path && args->operands != 1)
		return hm_fail_set(fail, HM_E_USAGE, "--output takes one bundle, not %zu", args->operands);
	hm_program_working("reading");
	r = open_all(&o, args, fail);
	if (r == 0)
		r = add_replies(o.parts[0], shown, args, fail);
	if (r < 0)
		return r;
	if (path) {
		r = hm_report_html(&text, o.parts[0], fail);
		return r < 0 ? r : hm_fs_write_atomic(path, hm_slice_of(&text), 0644, fail);
	}
	r = hm_report_table(&text, (const struct hm_parts *const *)o.parts, o.count, terminal_width(),
			    isatty(STDOUT_FILENO) && !getenv("NO_COLOR"), fail);
	hm_program_done();
	hm_replies_tell(&text, shown);
	return r < 0 ? r : hm_program_print(hm_slice_of(&text), fail);
}

const struct hm_command hm_cmd_report = {
	.name = "report",
	.summary = "show findings: one table for several bundles, or one HTML page",
	.usage = "BUNDLE... [-o FILE.html] [--reply FILE --supplier-key PUB]...",
	.detail = "Prints the verdict table of the bundles, or writes the HTML report of one. Shows what the bundles say and\n"
		  "checks nothing but their form: hallmark verify does.",
	.min = 1,
	.max = 64,
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
