/* The packet capture's ring, from the side of those who fill it. */
#include <sys/mman.h>

#include <bpf/bpf.h>

#include "capture_internal.h"

/* Its reader has not moved for so long: it is gone, or stuck. What is lost then is its to tell. */
#define PATIENCE_NS 10000000000u
#define GIVEN_UP (1ull << 62)

int hm_wire_open(struct hm_wire *wire, int map, uint64_t room, struct hm_fail *fail)
{
	void *words = mmap(NULL, (size_t)sysconf(_SC_PAGESIZE), PROT_READ | PROT_WRITE, MAP_SHARED, map, 0);

	if (words == MAP_FAILED)
		return hm_fail_errno(fail, "recording: mapping the counters of the packet capture");
	*wire = (struct hm_wire){ .words = words, .room = room };
	return 0;
}

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

void hm_wire_close(struct hm_wire *wire)
{
	if (wire->words)
		munmap(wire->words, (size_t)sysconf(_SC_PAGESIZE));
	wire->words = NULL;
}
