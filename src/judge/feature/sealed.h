#pragma once
/* The stream of a TLS flow as fields: what stands in the clear by its place in the stream, what was opened by its place in the plaintext.
 *
 * Application data is left out: its plaintext is messages like any other. All else of the stream belongs to one field: a hello to those of
 * its parts; handshake messages to one by their name; record headers, nonces, ChangeCipherSpec and alerts to a column each, which has what
 * they say, one behind the other. Tags, the inner type and padding of TLS 1.3, and nonces that count up follow from the rest and are derived.
 * Behind 20,000 fields all that would be one is a column, `tls.rest`. */
#include "feature.h"

struct hm_sealed_field {
	const char *name; /* "tls.hello.random"; for the call */
	enum hm_origin origin;
	bool placed, tls; /* as in struct hm_feature */
	size_t offset, length;
	uint64_t wire;	  /* of a column: bytes that it stands for */
	struct hm_bytes value; /* of a column; the taker may take it over (leave it empty) */
};

/* Calls `take` for each field, the ones with a place in the order of places in the stream, then columns. */
void hm_sealed_read(const struct hm_flow *flow, const struct hm_plain *plain, void (*take)(void *cookie, struct hm_sealed_field *field),
		    void *cookie);
