/* How many proofs a second are made from a log's files and checked: bench-log FOLDER SIZE COUNT. Indexes and sizes are spread over the tree by a
 * fixed rule. Prints inclusion and consistency, as proofs a second. */
#include <stdio.h>
#include <time.h>

#include "folder.h"
#include "merkle.h"

static double now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static void fail_with(const struct hm_fail *fail)
{
	fprintf(stderr, "bench-log: %s\n", fail->text);
	exit(1);
}

static uint64_t next(uint64_t *state, uint64_t below)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (*state >> 33) % below;
}

int main(int argc, char **argv)
{
	HM_CLEANUP(hm_tree_cleanup) struct hm_tree *tree = NULL;
	uint64_t size = argc == 4 ? strtoull(argv[2], NULL, 10) : 0, count = argc == 4 ? strtoull(argv[3], NULL, 10) : 0, state = 1;
	struct hm_fail fail;
	HM_CLOSE int folder = size ? hm_folder_open(argv[1], &fail) : -1;
	struct hm_sha256 root, leaf, proof[HM_PROOF_MAX], *old;
	size_t length;
	double from;

	if (folder < 0) {
		fprintf(stderr, "usage: bench-log FOLDER SIZE COUNT\n");
		return 3;
	}
	tree = hm_tree_open(hm_folder_source(&folder), size);
	old = hm_alloc(1024, sizeof(*old));
	if (hm_tree_root(tree, &root, &fail) < 0)
		fail_with(&fail);
	from = now();
	for (uint64_t i = 0; i < count; i++) {
		uint64_t index = next(&state, size);

		if (hm_tree_leaf(tree, index, &leaf, &fail) < 0 || hm_tree_inclusion(tree, index, proof, &length, &fail) < 0)
			fail_with(&fail);
		if (!hm_merkle_included(&root, size, index, &leaf, proof, length))
			return 1;
	}
	printf("%.0f ", (double)count / (now() - from));
	/* Older roots are what a witness has; they are no part of what is measured. */
	for (uint64_t i = 0; i < 1024; i++) {
		HM_CLEANUP(hm_tree_cleanup) struct hm_tree *older = hm_tree_open(hm_folder_source(&folder), 1 + i * (size - 1) / 1024);

		if (hm_tree_root(older, &old[i], &fail) < 0)
			fail_with(&fail);
	}
	from = now();
	for (uint64_t i = 0; i < count; i++) {
		uint64_t which = next(&state, 1024), older = 1 + which * (size - 1) / 1024;

		if (hm_tree_consistency(tree, older, proof, &length, &fail) < 0)
			fail_with(&fail);
		if (!hm_merkle_consistent(&old[which], older, &root, size, proof, length))
			return 1;
	}
	printf("%.0f\n", (double)count / (now() - from));
	free(old);
	return 0;
}
