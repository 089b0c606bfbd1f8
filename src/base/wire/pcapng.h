#pragma once
/* pcapng (draft-ietf-opsawg-pcapng), the part that Hallmark writes: one little-endian section, one interface of link type
 * Ethernet with nanosecond times; then, where there are any, decryption-secrets blocks (TLS key logs) and name-resolution
 * blocks (IPv4); then enhanced packet blocks. Reader and writer of one format stand in one file.
 * A reader gets every block as it lies there: a block is a leaf of the packet file's Merkle tree. */
#include "cursor.h"
#include "fail.h"

/* WITHHELD, of the types for local use: where a names, packet or secrets block was before redaction took it away (bundle.md). */
enum hm_pcapng_type { HM_PCAPNG_SHB = 0x0a0d0d0a, HM_PCAPNG_IDB = 1, HM_PCAPNG_NRB = 4, HM_PCAPNG_EPB = 6, HM_PCAPNG_DSB = 10,
		      HM_PCAPNG_WITHHELD = (int)0x80686d77 };

#define HM_PCAPNG_NAME_MAX 1020 /* HM_DNS_NAME_MAX bytes, each escaped */

struct hm_pcapng_block {
	uint32_t type;
	struct hm_slice whole; /* the block with both of its lengths */
	uint64_t time_ns;      /* of packets: since 1970 */
	uint32_t wire_len;     /* of packets: length on the wire; longer than packet.len when it was cut */
	struct hm_slice packet; /* of packets: the frame */
	struct hm_slice secrets; /* of decryption secrets: lines of a key log */
	struct hm_slice leaf; /* of what is withheld: the 32 bytes of the leaf hash; `was` is the type that it had, `was_len` its length */
	uint32_t was, was_len;
	struct hm_slice records; /* of name resolution: the records, for hm_pcapng_name */
};

struct hm_pcapng_name {
	uint8_t address[4];
	const char *name; /* printable ASCII without spaces, 1 to HM_PCAPNG_NAME_MAX bytes */
};

/* Section header and interface description: the file's beginning. `snaplen` 0 is no limit. */
void hm_pcapng_start(struct hm_bytes *out, uint32_t snaplen);
/* One enhanced packet block. */
void hm_pcapng_packet(struct hm_bytes *out, uint64_t time_ns, struct hm_slice frame, uint32_t wire_len);
/* One decryption-secrets block of a TLS key log: whole lines of printable ASCII, each with its '\n'; at least one. */
void hm_pcapng_secrets(struct hm_bytes *out, struct hm_slice keylog);
/* One name-resolution block; addresses ascend and none is there twice; at least one. */
void hm_pcapng_names(struct hm_bytes *out, const struct hm_pcapng_name *names, size_t count);
/* What stands in the place of a block of that type and length, whose leaf has that hash. */
void hm_pcapng_withheld(struct hm_bytes *out, uint32_t was, uint32_t was_len, const uint8_t leaf[32]);
/* The next record of a name-resolution block: 1 with `name` set (borrowed), 0 at the end, HM_E_BAD for what the writer would
 * not have made. hm_pcapng_next has read them all, so of its blocks none is bad. */
int hm_pcapng_name(struct hm_cursor *records, struct hm_pcapng_name *name) HM_MUST_CHECK;
/* The next block: 1 with `block` set, 0 at the end, HM_E_BAD for anything the writer above would not have made
 * (unknown block types are returned with only type and whole set); `c` is bad then. A block is judged by itself: that
 * the file begins with section header and interface description, and has one of each, and where the others stand, is for the
 * caller to see. */
int hm_pcapng_next(struct hm_cursor *c, struct hm_pcapng_block *block, struct hm_fail *fail) HM_MUST_CHECK;
