#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <ftw.h>
#include <jansson.h>

#include "../../support/vectors.h"
#include "merkle.h"
#include "text.h"

/* MTH and the proofs of RFC 6962 section 2.1, recursively as the text has them: slow, and not our way of doing it. */
static void tree_head(struct hm_sha256 *out, const struct hm_sha256 *leaf, uint64_t n)
{
	struct hm_sha256 left, right;
	struct hm_slice parts[] = { HM_SLICE("\1"), { left.b, HM_SHA256_LEN }, { right.b, HM_SHA256_LEN } };
	uint64_t k = 1;

	if (n == 0) {
		hm_sha256_of(out, NULL, 0);
		return;
	}
	if (n == 1) {
		*out = leaf[0];
		return;
	}
	while (k * 2 < n)
		k *= 2;
	tree_head(&left, leaf, k);
	tree_head(&right, leaf + k, n - k);
	hm_sha256_of(out, parts, HM_COUNT(parts));
}

static size_t inclusion(struct hm_sha256 *proof, const struct hm_sha256 *leaf, uint64_t n, uint64_t m)
{
	uint64_t k = 1;
	size_t count;

	if (n == 1)
		return 0;
	while (k * 2 < n)
		k *= 2;
	count = m < k ? inclusion(proof, leaf, k, m) : inclusion(proof, leaf + k, n - k, m - k);
	if (m < k)
		tree_head(&proof[count], leaf + k, n - k);
	else
		tree_head(&proof[count], leaf, k);
	return count + 1;
}

static size_t consistency(struct hm_sha256 *proof, const struct hm_sha256 *leaf, uint64_t n, uint64_t m, bool whole)
{
	uint64_t k = 1;
	size_t count;

	if (m == n) {
		if (!whole)
			tree_head(&proof[0], leaf, n);
		return whole ? 0 : 1;
	}
	while (k * 2 < n)
		k *= 2;
	if (m <= k) {
		count = consistency(proof, leaf, k, m, whole);
		tree_head(&proof[count], leaf + k, n - k);
	} else {
		count = consistency(proof, leaf + k, n - k, m - k, false);
		tree_head(&proof[count], leaf, k);
	}
	return count + 1;
}

#define LEAVES 40

static void agrees_with_the_definition(void **state HM_UNUSED)
{
	struct hm_sha256 leaf[LEAVES], root[LEAVES + 1], want, proof[64];
	struct hm_merkle tree = { 0 };

	for (uint64_t n = 0; n <= LEAVES; n++) {
		hm_merkle_root(&tree, &root[n]);
		tree_head(&want, leaf, n);
		assert_memory_equal(&root[n], &want, sizeof(want));
		for (uint64_t m = 0; m < n; m++) {
			size_t count = inclusion(proof, leaf, n, m);

			assert_true(hm_merkle_included(&root[n], n, m, &leaf[m], proof, count));
			assert_false(hm_merkle_included(&root[n], n, m + 1, &leaf[m], proof, count));
			assert_false(hm_merkle_included(&root[n], n, m, &leaf[(m + 1) % LEAVES], proof, count));
		}
		for (uint64_t m = 1; m <= n; m++) {
			size_t count = consistency(proof, leaf, n, m, true);

			assert_true(hm_merkle_consistent(&root[m], m, &root[n], n, proof, count));
			assert_false(hm_merkle_consistent(&root[m - 1], m, &root[n], n, proof, count));
			if (count)
				assert_false(hm_merkle_consistent(&root[m], m, &root[n], n, proof, count - 1));
		}
		if (n < LEAVES) {
			hm_merkle_leaf(&leaf[n], &(struct hm_slice){ (const uint8_t *)&n, sizeof(n) }, 1);
			hm_merkle_append(&tree, &leaf[n]);
		}
	}
}

static void refuses_nonsense(void **state HM_UNUSED)
{
	struct hm_sha256 zero = { { 0 } };

	assert_false(hm_merkle_included(&zero, 0, 0, &zero, NULL, 0));
	assert_false(hm_merkle_included(&zero, 1, 1, &zero, NULL, 0));
	assert_false(hm_merkle_included(&zero, UINT64_MAX, UINT64_MAX, &zero, &zero, 1));
	assert_false(hm_merkle_consistent(&zero, 0, &zero, 0, NULL, 0));
	assert_false(hm_merkle_consistent(&zero, 0, &zero, 1, NULL, 0));
	assert_false(hm_merkle_consistent(&zero, 2, &zero, 1, NULL, 0));
	assert_false(hm_merkle_consistent(&zero, 1, &zero, 2, NULL, 0));
	assert_false(hm_merkle_consistent(&zero, 3, &zero, 3, &zero, 1));
	assert_false(hm_merkle_consistent(&zero, UINT64_MAX, &zero, UINT64_MAX, &zero, 1));
}

/* Below: the JSON vectors of transparency-dev/merkle, whose folders say what kind they are. */
static unsigned vectors, disagreed;

/* Our type has no room for a hash that is not 32 bytes. Some vectors use words as roots ("don't care 2") to say only that
 * two are equal or not: their SHA-256 says the same. No bytes at all are no hash. */
static bool hash_of(struct hm_sha256 *out, const json_t *text)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };

	if (!json_is_string(text) || hm_text_unbase64(&bytes, hm_slice_text(json_string_value(text))) < 0 ||
	    bytes.len == 0)
		return false;
	if (bytes.len == HM_SHA256_LEN)
		memcpy(out->b, bytes.data, HM_SHA256_LEN);
	else
		hm_sha256_slice(out, hm_slice_of(&bytes));
	return true;
}

/* The number behind `name`: some are above 2^63, which jansson only has as reals. */
static uint64_t number_of(const char *text, const char *name)
{
	const char *at = strstr(text, name);

	assert_non_null(at);
	return strtoull(at + strlen(name), NULL, 10);
}

static bool accepted(const json_t *vector, const char *text, bool of_inclusion)
{
	const json_t *list = json_object_get(vector, "proof");
	struct hm_sha256 a, b, proof[70];
	size_t count = json_array_size(list);

	if (count > HM_COUNT(proof) || !hash_of(&a, json_object_get(vector, of_inclusion ? "root" : "root1")) ||
	    !hash_of(&b, json_object_get(vector, of_inclusion ? "leafHash" : "root2")))
		return false;
	for (size_t i = 0; i < count; i++)
		if (!hash_of(&proof[i], json_array_get(list, i)))
			return false;
	if (of_inclusion)
		return hm_merkle_included(&a, number_of(text, "\"treeSize\":"), number_of(text, "\"leafIdx\":"), &b, proof, count);
	return hm_merkle_consistent(&a, number_of(text, "\"size1\":"), &b, number_of(text, "\"size2\":"), proof, count);
}

static int try_vector(const char *path, const struct stat *st HM_UNUSED, int type, struct FTW *ftw HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	struct hm_fail fail;
	json_t *vector;

	if (type != FTW_F || !strstr(path, ".json"))
		return 0;
	assert_int_equal(hm_fs_read(&text, path, 1 << 20, &fail), 0);
	hm_bytes_u8(&text, 0);
	text.len--;
	vector = json_loadb((const char *)text.data, text.len, JSON_DECODE_INT_AS_REAL, NULL);
	assert_non_null(vector);
	vectors++;
	if (accepted(vector, (const char *)text.data, strstr(path, "/inclusion/") != NULL) == json_is_true(json_object_get(vector, "wantErr"))) {
		printf("# disagrees: %s\n", path);
		disagreed++;
	}
	json_decref(vector);
	return 0;
}

static void foreign_vectors(void **state HM_UNUSED)
{
	static const char *const folders[] = { "merkle/inclusion", "merkle/consistency" };

	for (size_t i = 0; i < HM_COUNT(folders); i++) {
		HM_FREE char *path = hm_vector_path(folders[i]);

		if (access(path, F_OK) < 0) {
			printf("# skipped: no vectors in %s\n", path);
			skip();
		}
		assert_int_equal(nftw(path, try_vector, 16, FTW_PHYS), 0);
	}
	assert_int_equal(vectors, 196);
	assert_int_equal(disagreed, 0);
	hm_vectors_agree("merkle (RFC 6962 inclusion and consistency)", vectors);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(agrees_with_the_definition),
		cmocka_unit_test(refuses_nonsense),
		cmocka_unit_test(foreign_vectors),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
