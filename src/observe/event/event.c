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

/* How many numbers (the upper byte) and byte strings (the lower one) a kind has. */
#define HM_KIND(name, number, text, meaning) [number] = 0
#define HM_FIELD(kind, name, type, text) + (HM_##type == HM_BYTES ? 1 : 256)
#define HM_KIND_END(kind) ,
static const uint16_t shapes[HM_EV_COUNT] = {
#include "kinds.def"
};
#undef HM_KIND
#undef HM_FIELD
#undef HM_KIND_END

static uint64_t native64(const uint8_t *at)
{
	uint64_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static uint32_t native32(const uint8_t *at)
{
	uint32_t v;

	memcpy(&v, at, sizeof(v));
	return v;
}

static bool all_zero(const uint8_t *at, size_t len)
{
	for (size_t i = 0; i < len; i++)
		if (at[i])
			return false;
	return true;
}

/* Whether the raw event's lengths and what they promise are there, and nothing but zero behind them: a fixed-size
 * reservation may be longer than its content. */
static bool raw_fits(struct hm_slice raw, unsigned shape)
{
	size_t strings = shape & 0xff, lengths = sizeof(struct hm_raw) + (shape >> 8) * sizeof(uint64_t);
	size_t need = lengths + strings * sizeof(uint32_t);

	if (raw.len < need)
		return false;
	for (size_t i = 0; i < strings; i++)
		need += native32(raw.data + lengths + i * sizeof(uint32_t));
	return need <= raw.len && all_zero(raw.data + need, raw.len - need);
}

/* The fields of a raw event that fits: numbers, then lengths, then bytes. */
static void take_raw_fields(struct hm_event *event, const struct hm_kind_info *info, unsigned shape, const uint8_t *number)
{
	const uint8_t *length = number + (shape >> 8) * sizeof(uint64_t);
	const uint8_t *bytes = length + (shape & 0xff) * sizeof(uint32_t);

	for (size_t i = 0; i < info->count; i++) {
		if (info->fields[i].type != HM_BYTES) {
			event->field[i].u = native64(number);
			number += sizeof(uint64_t);
			continue;
		}
		event->field[i].b = (struct hm_slice){ bytes, native32(length) };
		bytes += event->field[i].b.len;
		length += sizeof(uint32_t);
	}
}

int hm_event_from_raw(struct hm_event *out, struct hm_slice raw, uint64_t base, struct hm_fail *fail)
{
	const struct hm_kind_info *info;
	struct hm_raw head;

	if (raw.len < sizeof(head))
		return hm_fail_set(fail, HM_E_BAD, "raw event: %zu bytes are shorter than its head", raw.len);
	memcpy(&head, raw.data, sizeof(head));
	info = hm_kind_info(head.kind);
	if (!info || head.pad)
		return hm_fail_set(fail, HM_E_BAD, "raw event: no kind %u (pad %u)", head.kind, head.pad);
	if (head.time < base)
		return hm_fail_set(fail, HM_E_BAD, "raw event %s: it is older than the run", info->name);
	if (!raw_fits(raw, shapes[head.kind]))
		return hm_fail_set(fail, HM_E_BAD, "raw event %s: its %zu bytes do not fit its lengths", info->name, raw.len);
	out->kind = head.kind;
	out->time = head.time - base;
	out->cpu = head.cpu;
	out->seq = head.seq;
	out->tgid = head.tgid;
	out->tid = head.tid;
	out->tseq = head.tseq;
	take_raw_fields(out, info, shapes[head.kind], raw.data + sizeof(head));
	return 0;
}

static uint8_t *put_bytes(uint8_t *at, struct hm_slice s)
{
	at = hm_cbor_head(at, HM_CBOR_BYTES, s.len);
	if (s.len)
		memcpy(at, s.data, s.len);
	return at + s.len;
}

static uint8_t *put_head(uint8_t *at, const struct hm_event *event, uint8_t count)
{
	at = hm_cbor_head(at, HM_CBOR_ARRAY, HEAD_ITEMS + (uint64_t)count);
	at = hm_cbor_head(at, HM_CBOR_UNSIGNED, event->kind);
	at = hm_cbor_head(at, HM_CBOR_UNSIGNED, event->time);
	at = hm_cbor_head(at, HM_CBOR_UNSIGNED, event->cpu);
	at = hm_cbor_head(at, HM_CBOR_UNSIGNED, event->seq);
	at = hm_cbor_head(at, HM_CBOR_UNSIGNED, event->tgid);
	at = hm_cbor_head(at, HM_CBOR_UNSIGNED, event->tid);
	return hm_cbor_head(at, HM_CBOR_UNSIGNED, event->tseq);
}

void hm_event_encode(struct hm_bytes *out, const struct hm_event *event)
{
	const struct hm_kind_info *info = hm_kind_info(event->kind);
	size_t room;
	uint8_t *at;

	if (!info)
		abort();
	room = (1 + HEAD_ITEMS + (size_t)info->count) * HM_CBOR_HEAD_MAX;
	for (size_t i = 0; shapes[event->kind] & 0xff && i < info->count; i++)
		if (info->fields[i].type == HM_BYTES && __builtin_add_overflow(room, event->field[i].b.len, &room))
			abort();
	at = put_head(hm_bytes_reserve(out, room), event, info->count);
	for (size_t i = 0; i < info->count; i++) {
		uint64_t u = event->field[i].u;

		if (info->fields[i].type == HM_UINT)
			at = hm_cbor_head(at, HM_CBOR_UNSIGNED, u);
		else if (info->fields[i].type == HM_BYTES)
			at = put_bytes(at, event->field[i].b);
		else
			at = (int64_t)u < 0 ? hm_cbor_head(at, HM_CBOR_NEGATIVE, ~u) : hm_cbor_head(at, HM_CBOR_UNSIGNED, u);
	}
	out->len = (size_t)(at - out->data);
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
