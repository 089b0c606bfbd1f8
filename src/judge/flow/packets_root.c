#include "flow.h"

#include "merkle.h"
#include "pcapng.h"

enum { SALT = 16 };

int hm_packets_root(struct hm_sha256 *root, uint64_t *leaves, struct hm_slice pcapng, struct hm_slice salts, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(pcapng), s = hm_cursor_of(salts);
	struct hm_merkle tree = { 0 };
	struct hm_pcapng_block block;
	int e;

	while ((e = hm_pcapng_next(&c, &block, fail)) == 1) {
		static const uint8_t no_salt[SALT];
		struct hm_slice data[2] = { hm_cursor_bytes(&s, SALT), block.whole };
		struct hm_sha256 leaf;

		if (s.bad)
			break;
		if (block.leaf.len && memcmp(data[0].data, no_salt, SALT) != 0)
			return hm_fail_set(fail, HM_E_BAD, "reading packets: a block that is withheld has its salt");
		if (block.leaf.len)
			memcpy(leaf.b, block.leaf.data, sizeof(leaf.b));
		else
			hm_merkle_leaf(&leaf, data, 2);
		hm_merkle_append(&tree, &leaf);
	}
	if (e < 0)
		return hm_fail_in(fail, "reading packets");
	if (!hm_cursor_done(&s))
		return hm_fail_set(fail, HM_E_BAD, "reading packets: the salts are not 16 bytes for every block");
	hm_merkle_root(&tree, root);
	*leaves = tree.size;
	return 0;
}
