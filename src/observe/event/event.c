/* Everything about a kind comes from kinds.def: this file includes it to make the table, and encodes, decodes and reads
 * raw events by the table alone. */
#include "event.h"

#include "cbor.h"

#define HM_KIND(name, number, text, meaning) static const struct hm_field_info fields_##name[] = {
#define HM_FIELD(kind, name, type, text) { text, HM_##type },
#define HM_KIND_END(kind)                                                                                    \
	}                                                                                                    \
	;                                                                                                    \
	_Static_assert(HM_COUNT(fields_##kind) <= HM_EVENT_FIELDS_MAX, "raise HM_EVENT_FIELDS_MAX");
#include "kinds.def"
#undef HM_KIND
#undef HM_FIELD
#undef HM_KIND_END

#define HM_KIND(name, number, text, meaning) [number] = { text, meaning, fields_##name, HM_COUNT(fields_##name) },
#define HM_FIELD(kind, name, type, text)
#define HM_KIND_END(kind)
static const struct hm_kind_info kinds[HM_EV_COUNT] = {
#include "kinds.def"
};
#undef HM_KIND
#undef HM_FIELD
#undef HM_KIND_END

#define HEAD_ITEMS 7 /* kind, time, cpu, seq, tgid, tid, tseq */

const struct hm_kind_info *hm_kind_info(uint32_t kind)
{
	return kind < HM_EV_COUNT && kinds[kind].name ? &kinds[kind] : NULL;
}

static uint64_t take_native(struct hm_cursor *c, size_t size)
{
	struct hm_slice s = hm_cursor_bytes(c, size);
	uint64_t v64 = 0;
	uint32_t v32 = 0;

	if (s.len == sizeof(v64))
		memcpy(&v64, s.data, sizeof(v64));
	else if (s.len == sizeof(v32))
		memcpy(&v32, s.data, sizeof(v32));
	return v64 | v32;
}

/* The fields of a raw event: numbers, then lengths, then bytes. */
static void take_raw_fields(struct hm_event *event, const struct hm_kind_info *info, struct hm_cursor *c)
{
	for (size_t i = 0; i < info->count; i++)
		if (info->fields[i].type != HM_BYTES)
			event->field[i].u = take_native(c, sizeof(uint64_t));
	for (size_t i = 0; i < info->count; i++)
		if (info->fields[i].type == HM_BYTES)
			event->field[i].b.len = take_native(c, sizeof(uint32_t));
	for (size_t i = 0; i < info->count; i++)
		if (info->fields[i].type == HM_BYTES)
			event->field[i].b = hm_cursor_bytes(c, event->field[i].b.len);
}

static bool all_zero(struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i])
			return false;
	return true;
}

int hm_event_from_raw(struct hm_event *out, struct hm_slice raw, uint64_t base, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(raw);
	struct hm_slice head_bytes = hm_cursor_bytes(&c, sizeof(struct hm_raw));
	const struct hm_kind_info *info;
	struct hm_event event = { 0 };
	struct hm_raw head;

	if (c.bad)
		return hm_fail_set(fail, HM_E_BAD, "raw event: %zu bytes are shorter than its head", raw.len);
	memcpy(&head, head_bytes.data, sizeof(head));
	info = hm_kind_info(head.kind);
	if (!info || head.pad)
		return hm_fail_set(fail, HM_E_BAD, "raw event: no kind %u (pad %u)", head.kind, head.pad);
	if (head.time < base)
		return hm_fail_set(fail, HM_E_BAD, "raw event %s: it is older than the run", info->name);
	take_raw_fields(&event, info, &c);
	/* A fixed-size reservation may be longer than its content; what is left of it is zero by contract. */
	if (c.bad || !all_zero(hm_cursor_bytes(&c, hm_cursor_left(&c))))
		return hm_fail_set(fail, HM_E_BAD, "raw event %s: its %zu bytes do not fit its lengths", info->name, raw.len);
	event.kind = head.kind;
	event.time = head.time - base;
	event.cpu = head.cpu;
	event.seq = head.seq;
	event.tgid = head.tgid;
	event.tid = head.tid;
	event.tseq = head.tseq;
	*out = event;
	return 0;
}

void hm_event_encode(struct hm_bytes *out, const struct hm_event *event)
{
	const struct hm_kind_info *info = hm_kind_info(event->kind);

	if (!info)
		abort();
	hm_cbor_array(out, HEAD_ITEMS + (uint64_t)info->count);
	hm_cbor_uint(out, event->kind);
	hm_cbor_uint(out, event->time);
	hm_cbor_uint(out, event->cpu);
	hm_cbor_uint(out, event->seq);
	hm_cbor_uint(out, event->tgid);
	hm_cbor_uint(out, event->tid);
	hm_cbor_uint(out, event->tseq);
	for (size_t i = 0; i < info->count; i++) {
		if (info->fields[i].type == HM_UINT)
			hm_cbor_uint(out, event->field[i].u);
		else if (info->fields[i].type == HM_INT)
			hm_cbor_int(out, (int64_t)event->field[i].u);
		else
			hm_cbor_bytes(out, event->field[i].b);
	}
}

static uint32_t take_u32(struct hm_cursor *c)
{
	uint64_t v = hm_cbor_get_uint(c);

	if (v > UINT32_MAX)
		c->bad = true;
	return (uint32_t)v;
}

static void take_fields(struct hm_event *event, const struct hm_kind_info *info, struct hm_cursor *c)
{
	for (size_t i = 0; i < info->count; i++) {
		if (info->fields[i].type == HM_UINT)
			event->field[i].u = hm_cbor_get_uint(c);
		else if (info->fields[i].type == HM_INT)
			event->field[i].u = (uint64_t)hm_cbor_get_int(c);
		else
			event->field[i].b = hm_cbor_get_bytes(c);
	}
}

/* A kind that is not in the table: unknown when the item is an event's at all. */
static int unknown_kind(struct hm_slice item, uint64_t kind, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(item);

	hm_cbor_skip(&c);
	if (!hm_cursor_done(&c) || kind > UINT16_MAX)
		return hm_fail_set(fail, HM_E_BAD, "event: malformed");
	return hm_fail_set(fail, HM_E_UNKNOWN, "event: kind %u is not known to this version (use a newer Hallmark)",
			   (unsigned)kind);
}

int hm_event_decode(struct hm_event *out, struct hm_slice item, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(item);
	const struct hm_kind_info *info;
	struct hm_event event = { 0 };
	uint64_t count = hm_cbor_get_array(&c);
	uint64_t kind = hm_cbor_get_uint(&c);

	if (c.bad || count < HEAD_ITEMS)
		return hm_fail_set(fail, HM_E_BAD, "event: malformed");
	info = kind <= UINT32_MAX ? hm_kind_info((uint32_t)kind) : NULL;
	if (!info)
		return unknown_kind(item, kind, fail);
	event.kind = (uint16_t)kind;
	event.time = hm_cbor_get_uint(&c);
	event.cpu = take_u32(&c);
	event.seq = hm_cbor_get_uint(&c);
	event.tgid = take_u32(&c);
	event.tid = take_u32(&c);
	event.tseq = hm_cbor_get_uint(&c);
	take_fields(&event, info, &c);
	if (!hm_cursor_done(&c) || count != HEAD_ITEMS + (uint64_t)info->count)
		return hm_fail_set(fail, HM_E_BAD, "event %s: malformed", info->name);
	*out = event;
	return 0;
}
