#include "commands.h"

#include "bundle.h"
#include "export.h"
#include "fs.h"
#include "program.h"

static const struct hm_option options[] = {
	{ "format", 'f', "FORMAT", false, "ocsf (events), sarif (findings) or cyclonedx (the product)" },
	{ "output", 'o', "FILE", false, "write it there, not to standard output" },
};

static const struct {
	const char *name;
	int (*make)(const struct hm_export_sink *sink, const struct hm_parts *parts, struct hm_fail *fail);
} formats[] = {
	{ "ocsf", hm_export_ocsf },
	{ "sarif", hm_export_sarif },
	{ "cyclonedx", hm_export_cyclonedx },
};

/* Gathers lines into writes of some size. `all`: nothing goes out before the end, since the file appears whole. */
struct output {
	struct hm_bytes text;
	bool all;
};

enum { WRITE_SIZE = 1 << 16 };

static void release(struct output *out)
{
	hm_bytes_release(&out->text);
}

static int put(void *cookie, struct hm_slice text, struct hm_fail *fail)
{
	struct output *out = cookie;
	int r = 0;

	hm_bytes_slice(&out->text, text);
	if (!out->all && out->text.len >= WRITE_SIZE) {
		r = hm_program_print(hm_slice_of(&out->text), fail);
		out->text.len = 0;
	}
	return r;
}

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(hm_fs_unmap) struct hm_map map = { 0 };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = NULL;
	HM_CLEANUP(release) struct output out = { .all = hm_args_has(args, "output") };
	const struct hm_export_sink sink = { put, &out };
	const char *format = hm_args_get(args, "format");
	size_t which = 0;
	int r;

	while (which < HM_COUNT(formats) && (!format || strcmp(formats[which].name, format) != 0))
		which++;
	if (which == HM_COUNT(formats))
		return hm_fail_set(fail, HM_E_USAGE, "--format: %s (ocsf, sarif and cyclonedx are there)", format ? format : "which one");
	r = hm_fs_map(&map, args->operand[0], fail);
	if (r == 0)
		r = hm_bundle_read(&parts, map.bytes, fail);
	if (r == 0)
		r = hm_bundle_check_parts(parts, true, fail);
	if (r == 0)
		r = formats[which].make(&sink, parts, fail);
	if (r < 0)
		return hm_fail_in(fail, "exporting %s", args->operand[0]);
	if (out.all)
		return hm_fs_write_atomic(hm_args_get(args, "output"), hm_slice_of(&out.text), 0644, fail);
	return hm_program_print(hm_slice_of(&out.text), fail);
}

const struct hm_command hm_cmd_export = {
	.name = "export",
	.summary = "say what a bundle says in formats of other programs",
	.usage = "BUNDLE --format ocsf|sarif|cyclonedx [-o FILE]",
	.detail = "Events as OCSF (one JSON object a line), findings as SARIF, the product as CycloneDX. Each row names the bundle\n"
		  "and the place in it; nothing is checked and nothing vouched for: verify does that.\n\n"
		  "exit: 0 written; 1 the bundle is malformed; 4 could not read or write.",
	.min = 1,
	.max = 1,
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
