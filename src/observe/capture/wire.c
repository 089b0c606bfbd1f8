/* The packet capture's ring, from the side of those who fill it. */
#include "capture_internal.h"

/* Its reader has not moved for so long: it is gone, or stuck. What is lost then is its to tell. */
#define PATIENCE_NS 10000000000u
#define GIVEN_UP (1ull << 62)

bool hm_wire_waits(struct hm_wire *wire)
{
	uint64_t sent, taken, now;

	if (!wire->words)
		return false;
	sent = __atomic_load_n(&wire->words[HM_WIRE_SENT], __ATOMIC_ACQUIRE);
	taken = __atomic_load_n(&wire->words[HM_WIRE_TAKEN], __ATOMIC_ACQUIRE);
	if ((int64_t)(sent - taken) <= (int64_t)(wire->room / 4)) {
		wire->since = 0;
		return false;
	}
	now = hm_capture_now();
	if (!wire->since || taken != wire->taken) {
		wire->since = now;
		wire->taken = taken;
	}
	if (now - wire->since < PATIENCE_NS)
		return true;
	__atomic_store_n(&wire->words[HM_WIRE_TAKEN], sent + GIVEN_UP, __ATOMIC_RELEASE);
	return false;
}
