/* What a run sent, read again from its packets, and what it left on disk. */
#include "report_internal.h"

/* An IPv4 address as assessment.json has it. */
static bool read_address(uint8_t out[4], const char *text)
{
	unsigned part[4];
	char rest;

	if (sscanf(text, "%3u.%3u.%3u.%3u%c", &part[0], &part[1], &part[2], &part[3], &rest) != 4)
		return false;
	for (size_t i = 0; i < 4; i++) {
		if (part[i] > 255)
			return false;
		out[i] = (uint8_t)part[i];
	}
	return true;
}

/* The chamber's address in the run. */
static const char *address_of(const struct report_view *v, uint64_t run)
{
	const json_t *row;
	size_t i;

	json_array_foreach (report_list(v->assessment, "runs"), i, row)
		if (report_int(row, "run") == run && json_object_get(row, "address"))
			return report_text(row, "address");
	return report_text(report_object(v->assessment, "chamber"), "address");
}

int report_flows_load(struct hm_flows *flows, const struct report_view *v, uint64_t run, struct hm_fail *fail)
{
	struct hm_slice packets;
	uint8_t address[4];
	int r;

	*flows = (struct hm_flows){ 0 };
	if (!report_run_part(v, run, "packets.pcapng", &packets))
		return 0;
	if (!read_address(address, address_of(v, run)))
		return hm_fail_set(fail, HM_E_BAD, "reading assessment.json: the chamber's address is not one");
	r = hm_flows_read(flows, packets, address, fail);
	return r < 0 ? hm_fail_in(fail, "the packets of run %lu", (unsigned long)run) : 1;
}

bool report_late_tls(const struct report_view *v)
{
	return report_int(v->findings, "semantics") > 3;
}

static int load_tree(struct report_sent *s, const struct report_view *v, uint64_t run, struct hm_fail *fail)
{
	struct hm_record *record;
	struct hm_slice file;
	int r;

	if (!report_run_part(v, run, "tree.cbor.zst", &file))
		return 0;
	r = hm_record_open(&record, file, fail);
	if (r < 0)
		return hm_fail_in(fail, "the tree of run %lu", (unsigned long)run);
	r = hm_tree_read(&s->tree, record, fail);
	hm_record_close(record);
	if (r < 0)
		return hm_fail_in(fail, "the tree of run %lu", (unsigned long)run);
	hm_residue_read(&s->residue, &s->tree);
	s->on_disk = true;
	return 0;
}

int report_sent_load(struct report_sent *s, const struct report_view *v, uint64_t run, bool disk, struct hm_fail *fail)
{
	struct hm_slice record;
	int r;

	*s = (struct report_sent){ 0 };
	r = disk ? load_tree(s, v, run, fail) : 0;
	if (r < 0)
		return r;
	r = report_flows_load(&s->flows, v, run, fail);
	if (r <= 0)
		return r;
	r = hm_plains_read(&s->plains, &s->flows, report_late_tls(v), fail);
	if (r < 0)
		return hm_fail_in(fail, "the packets of run %lu", (unsigned long)run);
	if (report_int(v->findings, "semantics") > 4 && report_run_part(v, run, "record.cbor.zst", &record))
		r = hm_told_read(&s->told, &s->flows, &s->plains, record, fail);
	if (r < 0)
		return hm_fail_in(fail, "the record of run %lu", (unsigned long)run);
	hm_features_read(&s->features, &s->flows, &s->plains, s->told.list ? &s->told : NULL, report_int(v->findings, "semantics") > 4);
	s->there = true;
	return 0;
}

void report_sent_release(struct report_sent *s)
{
	hm_residue_release(&s->residue);
	hm_tree_release(&s->tree);
	hm_features_release(&s->features);
	hm_told_release(&s->told);
	hm_plains_release(&s->plains);
	hm_flows_release(&s->flows);
	*s = (struct report_sent){ 0 };
}

const struct hm_feature *report_sent_find(const struct report_sent *s, const struct report_influence *item)
{
	return hm_features_find(item->disk ? &s->residue.features : &s->features, item->endpoint, item->feature);
}

bool report_same_value(const struct hm_feature *a, const struct hm_feature *b)
{
	if (!a || !b)
		return a == b;
	return a->text == b->text && (a->text ? hm_slice_eq(a->bytes, b->bytes) : a->number == b->number);
}
