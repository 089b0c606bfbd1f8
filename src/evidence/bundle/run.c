/* Losses are counted twice by a recorder: by gap events where they happened, and in sum at its end. The greater counts. */
#include "run.h"

#include "cbor.h"
#include "event.h"
#include "flow.h"
#include "record.h"

#define JSON_MAX (((uint64_t)1 << 53) - 1)

static void close_record(struct hm_record **r)
{
	hm_record_close(*r);
}
#define HM_RECORD HM_CLEANUP(close_record)

static void add(uint64_t *sum, uint64_t count)
{
	if (__builtin_add_overflow(*sum, count, sum) || *sum > JSON_MAX)
		*sum = JSON_MAX; /* a number of JSON, and no number of events anyway */
}

struct tally {
	uint64_t events, packets;	    /* by gap events */
	uint64_t end_events, end_packets; /* by the END event */
};

static void count_event(struct tally *t, const struct hm_event *e)
{
	switch (e->kind) {
	case HM_EV_GAP:
		if (e->field[HM_GAP_SOURCE].u == HM_GAP_PACKETS)
			add(&t->packets, e->field[HM_GAP_COUNT].u);
		else if (e->field[HM_GAP_SOURCE].u != HM_GAP_OUTPUT)
			add(&t->events, e->field[HM_GAP_COUNT].u);
		break;
	case HM_EV_END:
		add(&t->end_events, e->field[HM_END_LOST].u);
		add(&t->end_packets, e->field[HM_END_PACKETS_LOST].u);
		break;
	default:
		break;
	}
}

/* Gaps and the end are few: only they are decoded. What else stands in the record is the evaluator's business. */
static int count_item(void *cookie, struct hm_slice item, struct hm_fail *fail)
{
	struct tally *t = cookie;
	struct hm_cursor c = hm_cursor_of(item);
	struct hm_event event;
	uint64_t kind;
	int r;

	hm_cbor_get_array(&c);
	kind = hm_cbor_get_uint(&c);
	if (c.bad)
		return hm_fail_set(fail, HM_E_BAD, "an item is no event");
	if (kind != HM_EV_GAP && kind != HM_EV_END)
		return 0;
	r = hm_event_decode(&event, item, fail);
	if (r == 0)
		count_event(t, &event);
	return r;
}

/* `t` gets what a record of events counts; NULL for others. */
static int open_record(struct hm_record **ret, const struct hm_parts *parts, const char *name, enum hm_record_kind kind, struct tally *t,
		       struct hm_fail *fail)
{
	struct hm_slice content = { 0 };
	int r;

	hm_parts_get(parts, name, &content);
	r = hm_record_open_with(ret, content, t ? count_item : NULL, t, fail);
	if (r < 0)
		return hm_fail_in(fail, "%s", name);
	if (hm_record_head(*ret)->kind != kind)
		return hm_fail_set(fail, HM_E_BAD, "%s: a record of another kind", name);
	return 0;
}

static struct hm_run_part part_of(const struct hm_record *record)
{
	const struct hm_record_head *head = hm_record_head(record);

	return (struct hm_run_part){ .is_record = true, .withheld = head->withheld > 0, .cut = head->cut, .items = head->items, .leaves = head->blocks,
				     .root = head->root };
}

/* Reads the record of the run that the part `name` belongs to, unless it is the one that was read last. */
static int read_run(struct hm_run_cache *cache, const struct hm_parts *parts, const char *name, struct hm_fail *fail)
{
	HM_FREE char *record_name = hm_sprintf("%.*s/record.cbor.zst", (int)(strrchr(name, '/') - name), name);
	HM_RECORD struct hm_record *record = NULL;
	struct tally t = { 0 };
	int r;

	if (strcmp(cache->name, record_name) == 0)
		return 0;
	r = open_record(&record, parts, record_name, HM_RECORD_EVENTS, &t, fail);
	if (r < 0)
		return r;
	cache->events = part_of(record);
	cache->events.lost = t.events > t.end_events ? t.events : t.end_events;
	cache->packets_lost = t.packets > t.end_packets ? t.packets : t.end_packets;
	snprintf(cache->name, sizeof(cache->name), "%s", record_name);
	return 0;
}

static int tree_part(struct hm_run_part *out, const struct hm_parts *parts, const char *name, struct hm_fail *fail)
{
	HM_RECORD struct hm_record *record = NULL;
	int r = open_record(&record, parts, name, HM_RECORD_TREE, NULL, fail);

	if (r < 0)
		return r;
	*out = part_of(record);
	out->withheld = false; /* a tree loses nothing */
	return 1;
}

static int packets_part(struct hm_run_part *out, const struct hm_parts *parts, const char *name, struct hm_fail *fail)
{
	HM_FREE char *salts_name = hm_sprintf("%.*s/packets.salts", (int)(strrchr(name, '/') - name), name);
	struct hm_slice packets = { 0 }, salts = { 0 };
	int r;

	*out = (struct hm_run_part){ 0 };
	hm_parts_get(parts, name, &packets);
	hm_parts_get(parts, salts_name, &salts);
	r = hm_packets_root(&out->root, &out->leaves, packets, salts, fail);
	return r < 0 ? hm_fail_in(fail, "%s", name) : 1;
}

int hm_run_part(struct hm_run_part *out, struct hm_run_cache *cache, const struct hm_parts *parts, size_t index,
		struct hm_fail *fail)
{
	const char *name = hm_parts_at(parts, index, NULL);
	enum hm_part_role role = hm_part_rule(name)->role;
	int r;

	if (role == HM_PART_TREE)
		return tree_part(out, parts, name, fail);
	if (role != HM_PART_EVENTS && role != HM_PART_PACKETS)
		return 0;
	r = read_run(cache, parts, name, fail);
	if (r < 0)
		return r;
	if (role == HM_PART_EVENTS) {
		*out = cache->events;
		return 1;
	}
	r = packets_part(out, parts, name, fail);
	out->lost = cache->packets_lost;
	out->withheld = cache->events.withheld;
	return r;
}
