#pragma once
/* What tls.bpf.c and its loader share: how a function is watched, as the cookie of its probe. Plain C alone. */
#include "capture_abi.h"

enum { HM_TLS_NONE = 15 };

enum hm_tls_tells { HM_TLS_COUNT32, HM_TLS_COUNT64, HM_TLS_ONE, HM_TLS_ZERO, HM_TLS_NOTHING };

/* Of a call's bytes at most this much is told. */
enum { HM_TLS_PART = 8192, HM_TLS_PARTS = 32, HM_TLS_VECTORS = 8 };

#define HM_TLS_COOKIE(number, memory, length, tells, written)                                     \
	((hm_u64)(number) | (hm_u64)(memory) << 8 | (hm_u64)(length) << 12 | (hm_u64)(tells) << 16 | \
	 (hm_u64)(written) << 20)
#define HM_TLS_FUNCTION_OF(cookie) ((hm_u32)((cookie) & 0xff))
#define HM_TLS_MEMORY_OF(cookie) ((hm_u32)((cookie) >> 8 & 15))
#define HM_TLS_LENGTH_OF(cookie) ((hm_u32)((cookie) >> 12 & 15))
#define HM_TLS_TELLS_OF(cookie) ((hm_u32)((cookie) >> 16 & 15))
#define HM_TLS_WRITTEN_OF(cookie) ((hm_u32)((cookie) >> 20 & 15))
