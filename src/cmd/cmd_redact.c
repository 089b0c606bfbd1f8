#include "commands.h"

#include "bundle.h"
#include "fs.h"
#include "json.h"
#include "pcapng.h"
#include "program.h"
#include "redaction.h"
#include "report.h"
#include "text.h"
#include "verify.h"

static const struct hm_option options[] = {
	{ "output", 'o', "NEW", false, "write the redacted bundle there" },
	{ "withhold", 'w', "WHAT[:RUNS[:ITEMS]]", true, "records, trees, packets, secrets, names or all; of runs N or N-M; that hold these items" },
	{ "path", 'p', "PATTERN", true, "every block of a record, tree or packet file that holds such a path" },
	{ "report", 0, "FILE.html", false, "write the report of the redacted bundle" },
};

enum { STARS_MAX = 4 }; /* of a pattern: each multiplies the work */

struct redaction {
	struct hm_map map;
	struct hm_verify verified;
	struct hm_redact *wishes;
	size_t wish_count;
	struct hm_parts *parts;
};

static void release(struct redaction *r)
{
	hm_parts_free(r->parts);
	hm_verify_release(&r->verified);
	free(r->wishes);
	hm_fs_unmap(&r->map);
}

/* "N" or "N-M" at *at, which moves behind it; false for anything else. */
static bool read_range(const char **at, uint64_t least, uint64_t *from, uint64_t *to)
{
	char *end;

	if (**at < '0' || **at > '9')
		return false;
	*from = *to = strtoull(*at, &end, 10);
	if (*end == '-') {
		if (end[1] < '0' || end[1] > '9')
			return false;
		*to = strtoull(end + 1, &end, 10);
	}
	*at = end;
	return *from >= least && *from <= *to;
}

static int read_wish(struct hm_redact *wish, const char *text, struct hm_fail *fail)
{
	static const struct {
		const char *word;
		unsigned what;
		bool numbered;
	} words[] = {
		{ "records", HM_REDACT_RECORDS, true },	 { "trees", HM_REDACT_TREES, true },  { "packets", HM_REDACT_PACKETS, true },
		{ "secrets", HM_REDACT_SECRETS, false }, { "names", HM_REDACT_NAMES, false }, { "all", ~0u, false },
	};
	size_t len = strcspn(text, ":");
	uint64_t from = 1, to = UINT32_MAX;
	const char *at = text + len;

	*wish = (struct hm_redact){ .run_from = 1, .run_to = UINT32_MAX, .to = UINT64_MAX };
	for (size_t i = 0; i < HM_COUNT(words); i++) {
		bool good = true;

		if (strlen(words[i].word) != len || strncmp(words[i].word, text, len) != 0)
			continue;
		wish->what = words[i].what;
		if (*at == ':')
			good = (at++, read_range(&at, 1, &from, &to));
		if (good && *at == ':' && words[i].numbered)
			good = (at++, read_range(&at, 0, &wish->from, &wish->to));
		if (!good || *at || to > UINT32_MAX)
			break;
		wish->run_from = (unsigned)from;
		wish->run_to = (unsigned)to;
		return 0;
	}
	return hm_fail_set(fail, HM_E_USAGE, "--withhold: %s is not WHAT, WHAT:RUNS or WHAT:RUNS:ITEMS (records, trees, packets, secrets, names, all; numbers as "
			   "3 or 3-7; items of records, trees and packets alone)", text);
}

static int read_pattern(struct hm_redact *wish, const char *pattern, struct hm_fail *fail)
{
	size_t stars = 0, plain = 0;

	for (const char *at = pattern; *at; at++) {
		stars += *at == '*' && at[1] != '*';
		plain += *at != '*';
	}
	if (stars > STARS_MAX || plain < 2)
		return hm_fail_set(fail, HM_E_USAGE, "--path: %s is no pattern (two characters at least, and four `*` at most)", pattern);
	*wish = (struct hm_redact){ .what = HM_REDACT_RECORDS | HM_REDACT_TREES | HM_REDACT_PACKETS, .run_from = 1, .run_to = UINT32_MAX,
				    .to = UINT64_MAX, .pattern = pattern };
	return 0;
}

static int read_wishes(struct redaction *r, const struct hm_args *args, struct hm_fail *fail)
{
	size_t count, paths;
	const char *const *withhold = hm_args_all(args, "withhold", &count), *const *path = hm_args_all(args, "path", &paths);
	int e = 0;

	if (count + paths == 0)
		return hm_fail_set(fail, HM_E_USAGE, "nothing to withhold (say what with --withhold or --path)");
	if (!hm_args_has(args, "output"))
		return hm_fail_set(fail, HM_E_USAGE, "no file for the redacted bundle (--output NEW)");
	r->wishes = hm_alloc(count + paths, sizeof(*r->wishes));
	for (size_t i = 0; e == 0 && i < count; i++)
		e = read_wish(&r->wishes[r->wish_count++], withhold[i], fail);
	for (size_t i = 0; e == 0 && i < paths; i++)
		e = read_pattern(&r->wishes[r->wish_count++], path[i], fail);
	return e;
}

/* A bundle that does not hold is not made to look better. */
static int verify(struct redaction *r, const char *path, struct hm_fail *fail)
{
	int e = hm_fs_map(&r->map, path, fail);

	if (e == 0)
		e = hm_verify_bundle(&r->verified, r->map.bytes, NULL, 0, NULL, 0, fail);
	for (size_t i = 0; e == 0 && i < r->verified.rows; i++)
		if (r->verified.row[i].outcome == HM_CHECK_FALSE)
			e = hm_fail_set(fail, HM_E_BAD, "%s does not hold: %s: %s", path, r->verified.row[i].name, r->verified.row[i].detail);
	return e;
}

/* "3 packets, 1 secrets", or "2 blocks with 6 items". */
static void put_rows(struct hm_bytes *out, const json_t *file)
{
	static const char *const whats[] = { "packet", "secrets", "names" };
	uint64_t blocks = 0, items = 0, by[HM_COUNT(whats)] = { 0 };
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(file, "withheld"), i, row) {
		const char *what = json_string_value(json_object_get(row, "what"));
		uint64_t n = (uint64_t)(json_integer_value(json_object_get(row, "to")) - json_integer_value(json_object_get(row, "from")) + 1);

		blocks += n;
		items += (uint64_t)json_integer_value(json_object_get(row, "items"));
		for (size_t k = 0; what && k < HM_COUNT(whats); k++)
			by[k] += strcmp(what, whats[k]) == 0 ? n : 0;
	}
	hm_bytes_printf(out, "  %-32s", json_string_value(json_object_get(file, "name")));
	if (items)
		hm_bytes_printf(out, " %llu blocks with %llu items", (unsigned long long)blocks, (unsigned long long)items);
	for (size_t k = 0; k < HM_COUNT(whats); k++)
		if (by[k])
			hm_bytes_printf(out, " %llu %s", (unsigned long long)by[k], k == 0 ? "packets" : k == 1 ? "blocks of TLS secrets" : "block of names");
	hm_bytes_text(out, "\n");
}

/* Runs whose packet file still has TLS secrets. */
static size_t runs_with_secrets(const struct hm_parts *parts)
{
	size_t runs = 0;

	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		struct hm_slice content;
		const char *name = hm_parts_at(parts, i, &content), *slash = strrchr(name, '/');
		struct hm_cursor c = hm_cursor_of(content);
		struct hm_pcapng_block block;
		bool any = false;

		while (slash && strcmp(slash, "/packets.pcapng") == 0 && !any && hm_pcapng_next(&c, &block, NULL) == 1)
			any = block.type == HM_PCAPNG_DSB;
		runs += any;
	}
	return runs;
}

/* Members that still hold what fits a pattern, and cannot be withheld; and where it may be unseen. */
static void put_rest(struct hm_bytes *out, const struct redaction *r)
{
	for (size_t i = 0; i < hm_parts_count(r->parts); i++) {
		struct hm_slice content;
		const char *name = hm_parts_at(r->parts, i, &content);

		for (size_t w = 0; w < r->wish_count; w++)
			if (r->wishes[w].pattern && hm_redact_fits(r->wishes[w].pattern, content)) {
				hm_bytes_printf(out, "  still in %s, which cannot be withheld: %s\n", name, r->wishes[w].pattern);
				break;
			}
	}
	for (size_t w = 0; w < r->wish_count; w++)
		if (r->wishes[w].pattern) {
			size_t runs = runs_with_secrets(r->parts);

			if (runs)
				hm_bytes_printf(out, "  what TLS carried in %zu runs was not searched, and can be read (--withhold secrets)\n", runs);
			break;
		}
}

static int tell(const struct redaction *r, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	HM_JSON json_t *redaction = NULL;
	struct hm_slice text = { 0 };
	const json_t *row;
	size_t i;

	hm_parts_get(r->parts, HM_REDACTION, &text);
	if (hm_json_parse_canonical(&redaction, text, HM_REDACTION, fail) < 0)
		abort(); /* made here */
	hm_bytes_printf(&out, "bundle sha256:%s, as before; withheld:\n", r->verified.bundle_id);
	json_array_foreach (json_object_get(redaction, "records"), i, row)
		put_rows(&out, row);
	json_array_foreach (json_object_get(redaction, "packets"), i, row)
		put_rows(&out, row);
	json_array_foreach (json_object_get(redaction, "removed"), i, row)
		hm_bytes_printf(&out, "  %-32s follows from what is withheld: gone\n", json_string_value(row));
	put_rest(&out, r);
	return hm_program_print(hm_slice_of(&out), fail);
}

static int write_report(const struct redaction *r, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes page = { 0 };
	int e = hm_report_html(&page, r->parts, fail);

	return e < 0 ? e : hm_fs_write_atomic(path, hm_slice_of(&page), 0644, fail);
}

static int run(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct redaction r = { 0 };
	uint64_t blocks = 0;
	int e = read_wishes(&r, args, fail);

	if (e < 0)
		return e;
	hm_program_working("redacting");
	e = verify(&r, args->operand[0], fail);
	if (e == 0)
		e = hm_redact(&r.parts, &blocks, r.verified.parts, r.wishes, r.wish_count, fail);
	if (e == 0 && !blocks)
		e = hm_fail_set(fail, HM_E_USAGE, "nothing in %s is what was to be withheld, so no bundle was written", args->operand[0]);
	if (e == 0)
		e = hm_redaction_check(r.parts, fail);
	if (e == 0)
		e = hm_bundle_write(r.parts, hm_args_get(args, "output"), fail);
	if (e == 0 && hm_args_has(args, "report"))
		e = write_report(&r, hm_args_get(args, "report"), fail);
	hm_program_done();
	return e < 0 ? e : tell(&r, fail);
}

const struct hm_command hm_cmd_redact = {
	.name = "redact",
	.summary = "withhold parts of a bundle's records, packets and trees; its id and signatures stay",
	.usage = "BUNDLE -o NEW [--withhold WHAT[:RUNS[:ITEMS]]]... [--path PATTERN]... [--report FILE.html]",
	.detail = "Takes the content of blocks out of a bundle and leaves their hashes: NEW has the same id, and what is left of\n"
		  "it verifies against the same signatures. Records and trees are withheld block by block (about a second each),\n"
		  "packet files packet by packet. Plan, product, documents and findings cannot be withheld.\n"
		  "verify tells of NEW which claims it could recompute and of which the evidence is withheld.\n\n"
		  "exit: 0 NEW was written; 1 BUNDLE is false or malformed; 3 wrong usage, or nothing to withhold.",
	.min = 1,
	.max = 1,
	.options = options,
	.option_count = HM_COUNT(options),
	.run = run,
};
