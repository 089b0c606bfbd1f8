#pragma once
/* HTTP/1 request heads (RFC 9112). Raw bytes are kept: order and case of headers are evidence. */
#include "cursor.h"
#include "fail.h"

struct hm_http_header {
	struct hm_slice name, value; /* value without the white space around it */
};

struct hm_http_request {
	struct hm_slice method, target, version;
	struct hm_http_header header[64];
	size_t headers;
	size_t head_len; /* bytes up to and with the empty line */
};

/* Reads a request head from the beginning of `bytes`: 1 when whole, 0 when more bytes are needed, HM_E_BAD when it is no
 * HTTP/1 request (or over 64 headers or 32 KiB, or a line folded as RFC 9112 section 5.2 forbids). A line may end in a
 * bare LF. What can be no request is refused at its first byte that tells. `out` is set only with 1. */
int hm_http_read_request(struct hm_http_request *out, struct hm_slice bytes) HM_MUST_CHECK;
/* The value of the first header of that name (case ignored), or an empty slice. */
struct hm_slice hm_http_header(const struct hm_http_request *request, const char *name) HM_MUST_CHECK;
