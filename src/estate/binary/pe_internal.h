#pragma once
#include "binary_internal.h"

enum { HM_PE_EXPORTS = 0, HM_PE_RESOURCES = 2, HM_PE_CERTIFICATES = 4, HM_PE_DIRECTORIES = 16 };

/* Where things are in a PE file; all offsets were held against its size where they are used. */
struct hm_pe {
	struct hm_slice bytes;
	uint64_t checksum_at, directories_at, sections_at, sections;
	struct {
		uint64_t at, len;
	} directory[HM_PE_DIRECTORIES];
};

/* False when the bytes are no PE. */
bool hm_pe_open(struct hm_pe *pe, struct hm_slice bytes) HM_MUST_CHECK;
/* The file's bytes from an RVA to the end of its section; empty where it is in none. */
struct hm_slice hm_pe_at(const struct hm_pe *pe, uint64_t rva) HM_MUST_CHECK;
/* The strings of the version resource. */
int hm_pe_resources(struct hm_binary_out *out, const struct hm_pe *pe) HM_MUST_CHECK;
/* The name that the export table gives to the library. */
int hm_pe_name(struct hm_binary_out *out, const struct hm_pe *pe) HM_MUST_CHECK;
/* The digest of the file as Authenticode takes it: without its checksum and its certificates. */
bool hm_pe_digest(const struct hm_pe *pe, const EVP_MD *md, uint8_t out[64], unsigned *len) HM_MUST_CHECK;
/* The signers in the certificate table. */
int hm_pe_signed(struct hm_binary_out *out, const struct hm_pe *pe, struct hm_slice table) HM_MUST_CHECK;
