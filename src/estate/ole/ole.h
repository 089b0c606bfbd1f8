#pragma once
/* Compound files ("OLE", [MS-CFB]): streams by name, out of memory. Chains of sectors are followed no further than a stream is long, and what points outside ends them. */
#include "bytes.h"
#include "fail.h"

struct hm_ole {
	struct hm_slice bytes, table; /* table: of sectors, all of it (owned, in `owned`) */
	struct hm_bytes owned, folder, small; /* the table; the directory; the stream that holds small streams, once it was asked for */
	unsigned shift;
	uint32_t cutoff, small_table;
};

/* HM_E_BAD: it is none, or damaged where all hangs on it. Released by hm_ole_close in any case. */
int hm_ole_open(struct hm_ole *ole, struct hm_slice bytes, struct hm_fail *fail) HM_MUST_CHECK;
void hm_ole_close(struct hm_ole *ole);
/* Appends the stream of that name (UTF-16LE, without a NUL), of at most `max` bytes. 1: there is none; HM_E_BAD: it is longer, or damaged. */
int hm_ole_read(struct hm_ole *ole, struct hm_slice name, size_t max, struct hm_bytes *out, struct hm_fail *fail) HM_MUST_CHECK;
