#include "pcapng.h"

enum {
	BYTE_ORDER_MAGIC = 0x1a2b3c4d,
	LINK_ETHERNET = 1,
	OPTION_TSRESOL = 9,
	NANOSECONDS = 9, /* 10^-9 s */
	BLOCK_AROUND = 12, /* type and both lengths */
	EPB_AROUND = BLOCK_AROUND + 20,
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
	for (size_t i = 0; i < pad.len; i++)
		if (pad.data[i])
			return false;
	return hm_cursor_done(&c) && interface == 0 && len <= block->wire_len;
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
