/* Every protocol, whatever is said in it: the first byte tells which and where, the second how much comes at once. What was not taken comes again, and
 * replies are bounded by what was said. */
#include "service.h"

enum { REPLY_MAX = 1024, AT_ONCE = 32 << 10 /* as a connection keeps it */ };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	struct hm_service_talk talk = { .name = "name.example" };
	enum hm_service_next next = HM_SERVICE_MORE;
	size_t at = 2, end = 2, used, number = size ? data[0] >> 2 : 0;
	uint16_t port, wrapped;
	bool unused;

	if (size < 2 || !hm_service_row(number, &port, &wrapped))
		return 0;
	talk.service = hm_service_at(port, &unused);
	talk.tls = data[0] & 1;
	talk.upgraded = talk.tls && data[0] & 2;
	hm_service_greet(&talk, &out);
	while (next == HM_SERVICE_MORE && end < size) {
		size_t more = 1 + data[1];

		end = end + more < size ? end + more : size;
		next = hm_service_take(&talk, (struct hm_slice){ data + at, end - at }, &used, &out);
		if (used > end - at || (next == HM_SERVICE_MORE && end - at - used > AT_ONCE))
			abort();
		at += used;
	}
	if (out.len > (size + 1) * REPLY_MAX)
		abort();
	return 0;
}
