#pragma once
/* pcapng (draft-ietf-opsawg-pcapng), the part that Hallmark writes: one little-endian section, one interface of link type
 * Ethernet with nanosecond times, enhanced packet blocks. Reader and writer of one format stand in one file.
 * A reader gets every block as it lies there: a block is a leaf of the packet file's Merkle tree. */
#include "cursor.h"
#include "fail.h"

enum hm_pcapng_type { HM_PCAPNG_SHB = 0x0a0d0d0a, HM_PCAPNG_IDB = 1, HM_PCAPNG_NRB = 4, HM_PCAPNG_EPB = 6 };

struct hm_pcapng_block {
	uint32_t type;
	struct hm_slice whole; /* the block with both of its lengths */
	uint64_t time_ns;      /* of packets: since 1970 */
	uint32_t wire_len;     /* of packets: length on the wire; longer than packet.len when it was cut */
	struct hm_slice packet; /* of packets: the frame */
};

/* Section header and interface description: the file's beginning. `snaplen` 0 is no limit. */
void hm_pcapng_start(struct hm_bytes *out, uint32_t snaplen);
/* One enhanced packet block. */
void hm_pcapng_packet(struct hm_bytes *out, uint64_t time_ns, struct hm_slice frame, uint32_t wire_len);
/* The next block: 1 with `block` set, 0 at the end, HM_E_BAD for anything the writer above would not have made
 * (unknown block types are returned with only type and whole set); `c` is bad then. A block is judged by itself: that
 * the file begins with section header and interface description, and has one of each, is for the caller to see. */
int hm_pcapng_next(struct hm_cursor *c, struct hm_pcapng_block *block, struct hm_fail *fail) HM_MUST_CHECK;
