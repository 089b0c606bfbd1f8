#include "pcapng.h"

enum {
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	LINK_ETHERNET = 1,
	OPTION_TSRESOL = 9,
	NANOSECONDS = 9, /* 10^-9 s */
	BLOCK_AROUND = 12, /* type and both lengths */
	EPB_AROUND = BLOCK_AROUND + 20,
	DSB_AROUND = BLOCK_AROUND + 8,
	TLS_KEY_LOG = 0x544c534b,
	LEAF = 32,
	WITHHELD_LEN = BLOCK_AROUND + 8 + LEAF,
	RECORD_IPV4 = 1,
	RECORD_AROUND = 4, /* type and length; alone it ends the records */
	START_SHB = BLOCK_AROUND + 16,
	START_IDB = BLOCK_AROUND + 20,
};

static void put_le(struct hm_bytes *out, uint64_t v, size_t size)
{
	for (size_t i = 0; i < size; i++)
		hm_bytes_u8(out, (uint8_t)(v >> 8 * i));
}

static size_t padding(size_t len)
{
	return -len & 3;
}

static void put_shb(struct hm_bytes *out)
{
	put_le(out, HM_PCAPNG_SHB, 4);
	put_le(out, START_SHB, 4);
	put_le(out, BYTE_ORDER_MAGIC, 4);
	put_le(out, 1, 2);
	put_le(out, 0, 2);
	put_le(out, UINT64_MAX, 8); /* section length: not said */
	put_le(out, START_SHB, 4);
}

static void put_idb(struct hm_bytes *out, uint32_t snaplen)
{
	put_le(out, HM_PCAPNG_IDB, 4);
	put_le(out, START_IDB, 4);
	put_le(out, LINK_ETHERNET, 2);
	put_le(out, 0, 2);
	put_le(out, snaplen, 4);
	put_le(out, OPTION_TSRESOL, 2);
	put_le(out, 1, 2);
	put_le(out, NANOSECONDS, 4); /* one byte and its padding */
	put_le(out, 0, 4);	     /* end of options */
	put_le(out, START_IDB, 4);
}

void hm_pcapng_start(struct hm_bytes *out, uint32_t snaplen)
{
	put_shb(out);
	put_idb(out, snaplen);
}

void hm_pcapng_packet(struct hm_bytes *out, uint64_t time_ns, struct hm_slice frame, uint32_t wire_len)
{
	size_t pad = padding(frame.len), whole = EPB_AROUND + frame.len + pad;

	hm_bytes_reserve(out, whole);
	put_le(out, HM_PCAPNG_EPB, 4);
	put_le(out, whole, 4);
	put_le(out, 0, 4);
	put_le(out, time_ns >> 32, 4);
	put_le(out, time_ns & UINT32_MAX, 4);
	put_le(out, frame.len, 4);
	put_le(out, wire_len, 4);
	hm_bytes_slice(out, frame);
	put_le(out, 0, pad);
	put_le(out, whole, 4);
}

void hm_pcapng_secrets(struct hm_bytes *out, struct hm_slice keylog)
{
	size_t pad = padding(keylog.len), whole = DSB_AROUND + keylog.len + pad;

	hm_bytes_reserve(out, whole);
	put_le(out, HM_PCAPNG_DSB, 4);
	put_le(out, whole, 4);
	put_le(out, TLS_KEY_LOG, 4);
	put_le(out, keylog.len, 4);
	hm_bytes_slice(out, keylog);
	put_le(out, 0, pad);
	put_le(out, whole, 4);
}

void hm_pcapng_names(struct hm_bytes *out, const struct hm_pcapng_name *names, size_t count)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes records = { 0 };

	for (size_t i = 0; i < count; i++) {
		size_t len = sizeof(names[i].address) + strlen(names[i].name) + 1;

		put_le(&records, RECORD_IPV4, 2);
		put_le(&records, len, 2);
		hm_bytes_append(&records, names[i].address, sizeof(names[i].address));
		hm_bytes_append(&records, names[i].name, strlen(names[i].name) + 1);
		put_le(&records, 0, padding(len));
	}
	put_le(&records, 0, RECORD_AROUND);
	put_le(out, HM_PCAPNG_NRB, 4);
	put_le(out, BLOCK_AROUND + records.len, 4);
	hm_bytes_slice(out, hm_slice_of(&records));
	put_le(out, BLOCK_AROUND + records.len, 4);
}

void hm_pcapng_withheld(struct hm_bytes *out, uint32_t was, uint32_t was_len, const uint8_t leaf[32])
{
	put_le(out, (uint32_t)HM_PCAPNG_WITHHELD, 4);
	put_le(out, WITHHELD_LEN, 4);
	put_le(out, was, 4);
	put_le(out, was_len, 4);
	hm_bytes_append(out, leaf, LEAF);
	put_le(out, WITHHELD_LEN, 4);
}

/* A header block is right when the writer makes the same bytes of what can differ in it. */
static bool is_shb(struct hm_slice whole)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes made = { 0 };

	put_shb(&made);
	return hm_slice_eq(hm_slice_of(&made), whole);
}

static bool is_idb(struct hm_slice whole)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes made = { 0 };
	struct hm_cursor c = hm_cursor_of(whole);

	hm_cursor_bytes(&c, 12);
	put_idb(&made, (uint32_t)hm_cursor_le(&c, 4));
	return hm_slice_eq(hm_slice_of(&made), whole);
}

static bool is_zero(struct hm_slice s)
{
	for (size_t i = 0; i < s.len; i++)
		if (s.data[i])
			return false;
	return true;
}

static bool read_dsb(struct hm_pcapng_block *block)
{
	struct hm_cursor c = hm_cursor_of(block->whole);
	struct hm_slice text;
	uint64_t kind, len;

	hm_cursor_bytes(&c, 8);
	kind = hm_cursor_le(&c, 4);
	len = hm_cursor_le(&c, 4);
	text = hm_cursor_bytes(&c, len);
	if (!is_zero(hm_cursor_bytes(&c, padding(len))))
		return false;
	hm_cursor_bytes(&c, 4);
	if (!hm_cursor_done(&c) || kind != TLS_KEY_LOG || !text.len || text.data[text.len - 1] != '\n')
		return false;
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] != '\n' && (text.data[i] < 0x20 || text.data[i] > 0x7e))
			return false;
	block->secrets = text;
	return true;
}

int hm_pcapng_name(struct hm_cursor *records, struct hm_pcapng_name *name)
{
	uint64_t type, len;
	struct hm_slice address, text;

	if (hm_cursor_done(records))
		return 0;
	type = hm_cursor_le(records, 2);
	len = hm_cursor_le(records, 2);
	address = hm_cursor_bytes(records, sizeof(name->address));
	if (records->bad || type != RECORD_IPV4 || len < address.len + 2 || len > address.len + HM_PCAPNG_NAME_MAX + 1)
		return HM_E_BAD;
	text = hm_cursor_bytes(records, len - address.len);
	if (!is_zero(hm_cursor_bytes(records, padding(len))) || records->bad || text.data[text.len - 1])
		return HM_E_BAD;
	for (size_t i = 0; i < text.len - 1; i++)
		if (text.data[i] <= 0x20 || text.data[i] > 0x7e)
			return HM_E_BAD;
	memcpy(name->address, address.data, sizeof(name->address));
	name->name = (const char *)text.data;
	return 1;
}

static bool read_nrb(struct hm_pcapng_block *block)
{
	struct hm_slice s = block->whole;
	struct hm_pcapng_name name, before = { { 0 }, NULL };
	struct hm_cursor c;
	int r;

	if (s.len < BLOCK_AROUND + RECORD_AROUND || !is_zero((struct hm_slice){ s.data + s.len - 8, RECORD_AROUND }))
		return false;
	block->records = (struct hm_slice){ s.data + 8, s.len - BLOCK_AROUND - RECORD_AROUND };
	c = hm_cursor_of(block->records);
	for (; (r = hm_pcapng_name(&c, &name)) == 1; before = name)
		if (before.name && memcmp(before.address, name.address, sizeof(name.address)) >= 0)
			return false;
	return r == 0 && before.name;
}

static bool read_epb(struct hm_pcapng_block *block)
{
	struct hm_cursor c = hm_cursor_of(block->whole);
	struct hm_slice pad;
	uint64_t interface, len;

	hm_cursor_bytes(&c, 8);
	interface = hm_cursor_le(&c, 4);
	block->time_ns = hm_cursor_le(&c, 4) << 32;
	block->time_ns |= hm_cursor_le(&c, 4);
	len = hm_cursor_le(&c, 4);
	block->wire_len = (uint32_t)hm_cursor_le(&c, 4);
	block->packet = hm_cursor_bytes(&c, len);
	pad = hm_cursor_bytes(&c, padding(len));
	hm_cursor_bytes(&c, 4);
	return is_zero(pad) && hm_cursor_done(&c) && interface == 0 && len <= block->wire_len;
}

static bool read_withheld(struct hm_pcapng_block *block)
{
	struct hm_cursor c = hm_cursor_of(block->whole);

	hm_cursor_bytes(&c, 8);
	block->was = (uint32_t)hm_cursor_le(&c, 4);
	block->was_len = (uint32_t)hm_cursor_le(&c, 4);
	block->leaf = hm_cursor_bytes(&c, LEAF);
	hm_cursor_bytes(&c, 4);
	return hm_cursor_done(&c) && block->was_len >= BLOCK_AROUND && block->was_len % 4 == 0 &&
	       (block->was == HM_PCAPNG_NRB || block->was == HM_PCAPNG_EPB || block->was == HM_PCAPNG_DSB);
}

static bool read_body(struct hm_pcapng_block *block)
{
	switch (block->type) {
	case HM_PCAPNG_SHB:
		return is_shb(block->whole);
	case HM_PCAPNG_IDB:
		return is_idb(block->whole);
	case HM_PCAPNG_EPB:
		return read_epb(block);
	case HM_PCAPNG_DSB:
		return read_dsb(block);
	case HM_PCAPNG_NRB:
		return read_nrb(block);
	case (uint32_t)HM_PCAPNG_WITHHELD:
		return read_withheld(block);
	default:
		return true;
	}
}

int hm_pcapng_next(struct hm_cursor *c, struct hm_pcapng_block *block, struct hm_fail *fail)
{
	struct hm_pcapng_block b = { 0 };
	struct hm_cursor head = *c;
	uint64_t len, again;

	if (hm_cursor_done(c))
		return 0;
	b.type = (uint32_t)hm_cursor_le(&head, 4);
	len = hm_cursor_le(&head, 4);
	if (head.bad || len < BLOCK_AROUND || len % 4 || len > hm_cursor_left(c)) {
		c->bad = true;
		return hm_fail_set(fail, HM_E_BAD,
				   "cannot read the packet file: a block is cut short or its length is false");
	}
	b.whole = hm_cursor_bytes(c, len);
	head = hm_cursor_of((struct hm_slice){ b.whole.data + len - 4, 4 });
	again = hm_cursor_le(&head, 4);
	if (again != len || !read_body(&b)) {
		c->bad = true;
		return hm_fail_set(fail, HM_E_BAD,
				   "cannot read the packet file: a block of type 0x%x is not of the form that "
				   "Hallmark writes",
				   b.type);
	}
	*block = b;
	return 1;
}
