#pragma once
/* Builds parts of a bundle for tests: documents from text, records from events, packets from payloads. */
#include <arpa/inet.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>

#include <cmocka.h>

#include "cbor.h"
#include "event.h"
#include "fs.h"
#include "json.h"
#include "parts.h"
#include "pcapng.h"
#include "record.h"

/* Adds a JSON document in canonical form. ' stands for ", so that C strings stay readable; a real apostrophe is ` . */
static inline void make_json(struct hm_parts *parts, const char *name, const char *text)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	HM_FREE char *copy = hm_strdup(text);
	HM_JSON json_t *value = NULL;
	struct hm_fail fail = { 0 };

	for (char *p = copy; *p; p++)
		*p = *p == '\'' ? '"' : *p == '`' ? '\'' : *p;
	if (hm_json_parse(&value, hm_slice_text(copy), name, &fail) < 0)
		fail_msg("%s", fail.text);
	hm_json_write(&out, value);
	assert_int_equal(hm_parts_take(parts, name, &out, NULL), 0);
}

struct make_items {
	struct hm_bytes item[512];
	size_t count;
};

static inline void make_items_release(struct make_items *items)
{
	for (size_t i = 0; i < items->count; i++)
		hm_bytes_release(&items->item[i]);
	items->count = 0;
}

/* The slot of one more item, empty. */
static inline struct hm_bytes *make_item(struct make_items *items)
{
	assert_true(items->count < HM_COUNT(items->item));
	items->item[items->count] = (struct hm_bytes){ 0 };
	return &items->item[items->count++];
}

/* One more event; its sequence number is its position and its time that in milliseconds. Returns the position. */
static inline size_t make_event(struct make_items *items, struct hm_event event)
{
	event.seq = items->count;
	event.time = items->count * 1000000;
	hm_event_encode(make_item(items), &event);
	return items->count - 1;
}

#define MAKE_U(number) { .u = (number) }
#define MAKE_B(text) { .b = HM_SLICE(text) }

/* Adds the container that holds the items. */
static inline void make_record(struct hm_parts *parts, const char *name, enum hm_record_kind kind, const struct make_items *items)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 };
	char folder[] = "/tmp/hm-make-XXXXXX", path[64];
	struct hm_record_writer *w;

	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/record", folder);
	assert_int_equal(hm_record_create(&w, path, kind, NULL), 0);
	for (size_t i = 0; i < items->count; i++)
		assert_int_equal(hm_record_append(w, hm_slice_of(&items->item[i]), i * 1000000, NULL), 0);
	assert_int_equal(hm_record_finish(w, NULL, NULL), 0);
	assert_int_equal(hm_fs_read(&content, path, 1 << 20, NULL), 0);
	assert_int_equal(hm_fs_remove_tree(folder, NULL), 0);
	assert_int_equal(hm_parts_take(parts, name, &content, NULL), 0);
}

static inline void make_be16(uint8_t *at, size_t n)
{
	at[0] = (uint8_t)(n >> 8);
	at[1] = (uint8_t)n;
}

static inline uint16_t make_checksum(const uint8_t *at, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)(at[i] << 8 | at[i + 1]);
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)~sum;
}

/* Appends one UDP datagram in an Ethernet frame to a pcapng file that hm_pcapng_start began. Addresses in text. */
static inline void make_udp(struct hm_bytes *pcapng, const char *from, uint16_t from_port, const char *to, uint16_t to_port,
			    struct hm_slice payload)
{
	uint8_t frame[2048] = { [12] = 0x08, [14] = 0x45, [22] = 64, [23] = 17 };
	size_t ip = 28 + payload.len;

	assert_true(14 + ip <= sizeof(frame));
	make_be16(frame + 16, ip);
	assert_int_equal(inet_pton(AF_INET, from, frame + 26), 1);
	assert_int_equal(inet_pton(AF_INET, to, frame + 30), 1);
	frame[0] = frame[6] = 2; /* locally administered, then the addresses */
	memcpy(frame + 2, frame + 30, 4);
	memcpy(frame + 8, frame + 26, 4);
	make_be16(frame + 24, make_checksum(frame + 14, 20));
	make_be16(frame + 34, from_port);
	make_be16(frame + 36, to_port);
	make_be16(frame + 38, 8 + payload.len);
	if (payload.len)
		memcpy(frame + 42, payload.data, payload.len);
	hm_pcapng_packet(pcapng, 1700000000000000000 + pcapng->len, (struct hm_slice){ frame, 14 + ip }, (uint32_t)(14 + ip));
}
