/* Judges records as if each were the record of an assessment's run 1: what would somebody get who slipped it into a bundle?
 *
 *   judge_record BUNDLE RECORD...
 *
 * One line a record: `cut=C items=N refused=R upheld=U judged=J RECORD`. `refused`: the core with the record's bytes in place of its
 * own does not evaluate, because the record belongs to another plan. U of J claims are upheld when START says that it belongs to
 * this one: every other event is the record's own, in a record without a footer if it has none. Nothing else in the core changes, so
 * all that is not in the record speaks for the product. Exit 1 for a record that cannot be read. */
#include <err.h>
#include <sys/stat.h>

#include "bundle.h"
#include "evaluate.h"
#include "event.h"
#include "fs.h"
#include "json.h"
#include "record.h"

#define PART "runs/0001/record.cbor.zst"

static struct hm_parts *with_record(const struct hm_parts *parts, struct hm_slice record)
{
	struct hm_parts *other = hm_parts_new();
	struct hm_fail fail;

	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		struct hm_slice content;
		const char *name = hm_parts_at(parts, i, &content);

		if (hm_parts_borrow(other, name, strcmp(name, PART) == 0 ? record : content, &fail) < 0)
			errx(1, "%s", fail.text);
	}
	return other;
}

static void copy_events(struct hm_record *from, struct hm_record_writer *to, const struct hm_sha256 *plan)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes item = { 0 };
	struct hm_slice next;
	struct hm_fail fail;
	int r;

	while ((r = hm_record_next(from, &next, &fail)) == 1) {
		struct hm_event e;

		if (hm_event_decode(&e, next, &fail) < 0)
			errx(1, "%s", fail.text);
		if (e.kind == HM_EV_START) {
			e.field[HM_START_PLAN].b = (struct hm_slice){ plan->b, sizeof(plan->b) };
			e.field[HM_START_RUN].u = 1;
		}
		item.len = 0;
		hm_event_encode(&item, &e);
		if (hm_record_append(to, hm_slice_of(&item), 0, &fail) < 0)
			errx(1, "%s", fail.text);
	}
	if (r < 0)
		errx(1, "%s", fail.text);
}

/* The record for the plan of `parts`. */
static struct hm_bytes adopt(struct hm_record *record, const struct hm_parts *parts)
{
	char folder[] = "/tmp/hm-judge-XXXXXX", path[64];
	struct hm_bytes made = { 0 };
	struct hm_record_writer *w;
	struct hm_sha256 digest;
	struct hm_slice plan;
	struct hm_fail fail;
	int r;

	if (!hm_parts_get(parts, "plan.json", &plan) || !mkdtemp(folder))
		err(1, "no plan, or no folder");
	hm_sha256_slice(&digest, plan);
	snprintf(path, sizeof(path), "%s/record", folder);
	if (hm_record_create(&w, path, HM_RECORD_EVENTS, &fail) < 0)
		errx(1, "%s", fail.text);
	copy_events(record, w, &digest);
	r = hm_record_head(record)->cut ? hm_record_sync(w, &fail) : hm_record_finish(w, NULL, &fail);
	if (hm_record_head(record)->cut)
		hm_record_abandon(w);
	if (r < 0 || hm_fs_read(&made, path, 1u << 30, &fail) < 0)
		errx(1, "%s", fail.text);
	unlink(path);
	rmdir(folder);
	return made;
}

static int judge(const struct hm_parts *parts, struct hm_slice record, size_t *upheld, size_t *judged)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *other = with_record(parts, record);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes findings = { 0 };
	HM_JSON json_t *read = NULL;
	struct hm_fail fail;
	const json_t *claim;
	size_t i;
	int r = hm_evaluate(&findings, other, &fail);

	*upheld = *judged = 0;
	if (r < 0)
		return r;
	if (hm_json_parse_canonical(&read, hm_slice_of(&findings), "findings", &fail) < 0)
		errx(1, "%s", fail.text);
	json_array_foreach (json_object_get(read, "claims"), i, claim) {
		++*judged;
		*upheld += strcmp(json_string_value(json_object_get(claim, "verdict")), "upheld") == 0;
	}
	return 0;
}

static void judge_file(const struct hm_parts *parts, const char *path)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 }, adopted = { 0 };
	struct hm_record *record;
	size_t upheld, judged;
	struct hm_fail fail;
	bool refused;

	if (hm_fs_read(&file, path, 1u << 30, &fail) < 0 || hm_record_open(&record, hm_slice_of(&file), &fail) < 0)
		errx(1, "%s: %s", path, fail.text);
	refused = judge(parts, hm_slice_of(&file), &upheld, &judged) < 0;
	if (upheld)
		errx(1, "%s: upheld by the record of another plan", path);
	adopted = adopt(record, parts);
	if (judge(parts, hm_slice_of(&adopted), &upheld, &judged) < 0)
		errx(1, "%s: does not evaluate with this plan", path);
	printf("cut=%d items=%llu refused=%d upheld=%zu judged=%zu %s\n", hm_record_head(record)->cut,
	       (unsigned long long)hm_record_head(record)->items, refused, upheld, judged, path);
	hm_record_close(record);
}

int main(int argc, char **argv)
{
	HM_CLEANUP(hm_fs_unmap) struct hm_map map = { 0 };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = NULL;
	struct hm_fail fail;

	if (argc < 3)
		errx(3, "usage: judge_record BUNDLE RECORD...");
	if (hm_fs_map(&map, argv[1], &fail) < 0 || hm_bundle_read(&parts, map.bytes, &fail) < 0)
		errx(1, "%s: %s", argv[1], fail.text);
	for (int i = 2; i < argc; i++)
		judge_file(parts, argv[i]);
	return 0;
}
