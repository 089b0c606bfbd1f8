/* Whatever a tree record holds, its features stand in order and no two have the same name. */
#include "residue.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_record *record = NULL;
	struct hm_residue residue;
	struct hm_tree tree = { 0 };
	struct hm_fail fail;

	if (hm_record_open(&record, (struct hm_slice){ data, size }, &fail) == 0 && hm_tree_read(&tree, record, &fail) == 0) {
		hm_residue_read(&residue, &tree);
		for (size_t i = 1; i < residue.features.count; i++)
			if (strcmp(residue.features.list[i - 1].name, residue.features.list[i].name) >= 0)
				abort();
		hm_residue_release(&residue);
	}
	hm_tree_release(&tree);
	hm_record_close(record);
	return 0;
}
