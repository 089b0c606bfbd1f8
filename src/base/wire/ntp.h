#pragma once
/* NTP (RFC 5905): the answer of a server to a client. */
#include "cursor.h"
#include "fail.h"

/* Appends the answer to a client's packet (mode 3, versions 1 to 4) from a server of stratum 1 whose clock says `now_ns`
 * nanoseconds since 1970: 48 bytes, a function of both, without delay or dispersion. HM_E_BAD for any other packet;
 * what stands behind the first 48 bytes of it (extensions, a digest) is not looked at. */
int hm_ntp_answer(struct hm_bytes *out, struct hm_slice request, uint64_t now_ns) HM_MUST_CHECK;
