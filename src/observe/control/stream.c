/* Block k of a thread's stream is SHA-256(D("random/TID") u64le(k)), D being statistics.md's derivation with the control's own
 * seed. No state but how much was drawn. */
#include "control_internal.h"

#include "digest.h"

void hm_control_stream(uint8_t *out, size_t len, const uint8_t *seed, uint32_t tid, uint64_t at)
{
	struct hm_sha256 key, block;
	char label[32];

	snprintf(label, sizeof(label), "random/%u", tid);
	hm_derive(&key, seed, label);
	while (len) {
		uint64_t k = at / sizeof(block.b), skip = at % sizeof(block.b);
		size_t n = sizeof(block.b) - skip < len ? sizeof(block.b) - skip : len;
		uint8_t count[8];

		for (int i = 0; i < 8; i++)
			count[i] = (uint8_t)(k >> 8 * i);
		hm_sha256_of(&block, (struct hm_slice[]){ { key.b, sizeof(key.b) }, { count, sizeof(count) } }, 2);
		memcpy(out, block.b + skip, n);
		out += n;
		len -= n;
		at += n;
	}
}
