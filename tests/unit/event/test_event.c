#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cbor.h"
#include "event.h"

/* A raw event as BPF lays it out. */
static void put_raw(struct hm_bytes *out, uint32_t kind, const uint64_t *numbers, size_t count, const char *const *texts, size_t ntexts)
{
	struct hm_raw head = { .kind = (uint16_t)kind, .cpu = 3, .seq = 9, .time = 1000, .tgid = 7, .tid = 8, .tseq = 2 };

	hm_bytes_append(out, &head, sizeof(head));
	hm_bytes_append(out, numbers, count * sizeof(*numbers));
	for (size_t i = 0; i < ntexts; i++) {
		uint32_t len = (uint32_t)strlen(texts[i]);

		hm_bytes_append(out, &len, sizeof(len));
	}
	for (size_t i = 0; i < ntexts; i++)
		hm_bytes_text(out, texts[i]);
}

/* For every kind: numbers that tell the fields apart go in, and come out in the same fields after a turn through CBOR. */
static void every_kind_survives(void **state HM_UNUSED)
{
	static const char *const texts[] = { "first", "", "third" };
	unsigned seen = 0;

	for (uint32_t kind = 0; kind < HM_EV_COUNT; kind++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes raw = { 0 }, item = { 0 };
		const struct hm_kind_info *info = hm_kind_info(kind);
		uint64_t numbers[HM_EVENT_FIELDS_MAX];
		struct hm_event event, back;
		struct hm_fail fail;
		size_t n = 0, t = 0;

		if (!info)
			continue;
		seen++;
		for (size_t i = 0; i < info->count; i++) {
			if (info->fields[i].type == HM_BYTES)
				t++;
			else
				numbers[n++] = info->fields[i].type == HM_INT ? (uint64_t)-(int64_t)(i + 1) : UINT64_MAX - i;
		}
		assert_true(t <= HM_COUNT(texts));
		put_raw(&raw, kind, numbers, n, texts, t);
		assert_int_equal(hm_event_from_raw(&event, hm_slice_of(&raw), 400, &fail), 0);
		assert_int_equal(event.time, 600);
		hm_event_encode(&item, &event);
		assert_int_equal(hm_event_decode(&back, hm_slice_of(&item), &fail), 0);
		assert_true(back.kind == kind && back.time == 600 && back.cpu == 3 && back.seq == 9 && back.tgid == 7 &&
			    back.tid == 8 && back.tseq == 2);
		for (size_t i = 0, k = 0, m = 0; i < info->count; i++) {
			if (info->fields[i].type == HM_BYTES)
				assert_true(hm_slice_eq(back.field[i].b, hm_slice_text(texts[m++])));
			else
				assert_true(back.field[i].u == numbers[k++]);
		}
	}
	assert_true(seen >= 20);
}

/* An event is what its items are, written one by one, whatever the size of its numbers. */
static void every_kind_item_by_item(void **state HM_UNUSED)
{
	static const uint64_t values[] = { 0, 1, 23, 24, 255, 256, 65535, 65536, UINT32_MAX, UINT32_MAX + 1ull, INT64_MAX, UINT64_MAX };
	static char long_text[70000];

	for (uint32_t kind = 0; kind < HM_EV_COUNT; kind++)
		for (size_t v = 0; v < HM_COUNT(values); v++) {
			HM_CLEANUP(hm_bytes_release) struct hm_bytes item = { 0 }, want = { 0 };
			const struct hm_kind_info *info = hm_kind_info(kind);
			struct hm_event event = { .kind = (uint16_t)kind, .time = values[v], .cpu = (uint32_t)values[v], .seq = values[v],
						  .tgid = (uint32_t)values[v], .tid = (uint32_t)values[v], .tseq = values[v] };
			const uint64_t head[] = { kind, event.time, event.cpu, event.seq, event.tgid, event.tid, event.tseq };

			if (!info)
				continue;
			hm_cbor_array(&want, HM_COUNT(head) + info->count);
			for (size_t i = 0; i < HM_COUNT(head); i++)
				hm_cbor_uint(&want, head[i]);
			for (size_t i = 0; i < info->count; i++) {
				event.field[i].u = values[(v + i) % HM_COUNT(values)];
				event.field[i].b = (struct hm_slice){ (const uint8_t *)long_text, event.field[i].u % sizeof(long_text) };
				if (info->fields[i].type == HM_UINT)
					hm_cbor_uint(&want, event.field[i].u);
				else if (info->fields[i].type == HM_INT)
					hm_cbor_int(&want, (int64_t)event.field[i].u);
				else
					hm_cbor_bytes(&want, event.field[i].b);
			}
			hm_bytes_u8(&item, 0xff); /* it is appended */
			hm_event_encode(&item, &event);
			assert_int_equal(item.len, want.len + 1);
			assert_memory_equal(item.data + 1, want.data, want.len);
		}
}

/* One event byte for byte, worked out by hand from doc/format/record.md. */
static void connect_byte_for_byte(void **state HM_UNUSED)
{
	static const uint8_t address[] = { 198, 18, 0, 1 };
	static const uint8_t want[] = {
		0x8e, 0x0b, 0x18, 0x64, 0x02, 0x03, 0x19, 0x03, 0xe8, 0x19, 0x03, 0xe9, 0x00, /* head: 7 items of 14 */
		0x05, 0x19, 0x10, 0x92, 0x02, 0x01, 0x44, 198,	0x12, 0x00, 0x01, 0x18, 0x50, 0x38, 0x72,
	};
	HM_CLEANUP(hm_bytes_release) struct hm_bytes item = { 0 };
	struct hm_event event = { .kind = HM_EV_CONNECT, .time = 100, .cpu = 2, .seq = 3, .tgid = 1000, .tid = 1001 };

	event.field[HM_CONNECT_FD].u = 5;
	event.field[HM_CONNECT_INO].u = 4242;
	event.field[HM_CONNECT_FAMILY].u = 2;
	event.field[HM_CONNECT_TYPE].u = 1;
	event.field[HM_CONNECT_ADDR].b = (struct hm_slice){ address, 4 };
	event.field[HM_CONNECT_PORT].u = 80;
	event.field[HM_CONNECT_RESULT].u = (uint64_t)-115;
	hm_event_encode(&item, &event);
	assert_int_equal(item.len, sizeof(want));
	assert_memory_equal(item.data, want, sizeof(want));
}

static int raw_code(const struct hm_bytes *raw, uint64_t base)
{
	struct hm_event event;
	struct hm_fail fail;

	return hm_event_from_raw(&event, hm_slice_of(raw), base, &fail);
}

static void raw_is_checked(void **state HM_UNUSED)
{
	static const uint64_t numbers[] = { 1 };
	static const char *const texts[] = { "hello" };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes raw = { 0 };
	size_t whole;

	put_raw(&raw, HM_EV_OUTPUT, numbers, 1, texts, 1);
	whole = raw.len;
	assert_int_equal(raw_code(&raw, 1000), 0);
	assert_int_equal(raw_code(&raw, 1001), HM_E_BAD); /* before the run */
	for (raw.len = 0; raw.len < whole; raw.len++)
		assert_int_equal(raw_code(&raw, 0), HM_E_BAD);
	hm_bytes_append(&raw, "\0\0\0", 3); /* what a reservation of fixed size leaves unused */
	assert_int_equal(raw_code(&raw, 0), 0);
	raw.data[raw.len - 1] = 1;
	assert_int_equal(raw_code(&raw, 0), HM_E_BAD);
	raw.len = whole;
	raw.data[sizeof(struct hm_raw) + 8 + 3] = 0xff; /* the length of the bytes */
	assert_int_equal(raw_code(&raw, 0), HM_E_BAD);
	raw.data[sizeof(struct hm_raw) + 8 + 3] = 0;
	raw.data[2] = 1; /* pad */
	assert_int_equal(raw_code(&raw, 0), HM_E_BAD);
	raw.data[2] = 0;
	raw.data[0] = HM_EV_COUNT;
	assert_int_equal(raw_code(&raw, 0), HM_E_BAD);
}

static int decode_code(struct hm_slice item)
{
	struct hm_event event;
	struct hm_fail fail;

	return hm_event_decode(&event, item, &fail);
}

static void items_are_checked(void **state HM_UNUSED)
{
	/* exit: [5, time, cpu, seq, tgid, tid, tseq, code, last] */
	assert_int_equal(decode_code(HM_SLICE("\x89\x05\0\0\0\0\0\0\0\1")), 0);
	assert_int_equal(decode_code(HM_SLICE("\x88\x05\0\0\0\0\0\0\0")), HM_E_BAD);	   /* a field is missing */
	assert_int_equal(decode_code(HM_SLICE("\x8a\x05\0\0\0\0\0\0\0\1\1")), HM_E_BAD);   /* one too many */
	assert_int_equal(decode_code(HM_SLICE("\x89\x05\0\0\0\0\0\0\0\1\1")), HM_E_BAD);   /* an item behind it */
	assert_int_equal(decode_code(HM_SLICE("\x89\x05\0\0\0\0\0\0\0\x40")), HM_E_BAD);   /* bytes for a number */
	assert_int_equal(decode_code(HM_SLICE("\x89\x05\0\0\0\0\0\0\0\x20")), HM_E_BAD);   /* a negative one */
	assert_int_equal(decode_code(HM_SLICE("\x89\x18\x05\0\0\0\0\0\0\0\1")), HM_E_BAD); /* not the shortest form */
	assert_int_equal(decode_code(HM_SLICE("\x89\x05\0\x1b\0\0\0\1\0\0\0\0\0\0\0\0\0\1")), HM_E_BAD); /* cpu of 33 bits */
	assert_int_equal(decode_code(HM_SLICE("\x80")), HM_E_BAD);
	assert_int_equal(decode_code(HM_SLICE("\x05")), HM_E_BAD);
	assert_int_equal(decode_code(HM_SLICE("")), HM_E_BAD);
	assert_int_equal(decode_code(HM_SLICE("\x87\x19\x10\x00\0\0\0\0\0\0")), HM_E_UNKNOWN);
	assert_int_equal(decode_code(HM_SLICE("\x87\x19\x10\x00\0\0\0\0\0")), HM_E_BAD);		  /* and cut */
	assert_int_equal(decode_code(HM_SLICE("\x87\x1a\0\1\0\0\0\0\0\0\0\0")), HM_E_BAD); /* no kind has 17 bits */
}

static void unknown_kinds_have_no_row(void **state HM_UNUSED)
{
	assert_null(hm_kind_info(HM_EV_COUNT));
	assert_null(hm_kind_info(UINT32_MAX));
	assert_string_equal(hm_kind_info(HM_EV_OPEN)->name, "open");
	assert_int_equal(hm_kind_info(HM_EV_EXEC)->count, HM_EXEC_FIELDS);
	assert_string_equal(hm_kind_info(HM_EV_EXEC)->fields[HM_EXEC_NS_USER].name, "ns_user");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_kind_survives), cmocka_unit_test(every_kind_item_by_item), cmocka_unit_test(connect_byte_for_byte),
		cmocka_unit_test(raw_is_checked),      cmocka_unit_test(items_are_checked),
		cmocka_unit_test(unknown_kinds_have_no_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
