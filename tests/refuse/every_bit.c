/* Every bit of a small bundle flipped, every cut of it, and some bits of each member packed again: what the first verifier says of each. every_bit FOLDER writes
 * small.hallmark and answers: a line for each case, the check that is false first, and the member that its reason names. The second verifier's
 * own test goes the same way and holds its answers against these. Exit 1 where something was not refused. */
#include <stdio.h>

#include "../support/valid_parts.h"
#include "raw_zip.h"
#include "verify.h"

enum { EVERY = 61 }; /* of the bits of members */

static struct hm_parts *whole;
static FILE *answers;
static size_t taken;

/* The longest name of a member that stands in the text. */
static const char *named(const char *text)
{
	const char *best = "-";
	size_t most = 0;

	for (size_t i = 0; i < hm_parts_count(whole); i++) {
		const char *name = hm_parts_at(whole, i, NULL);

		if (strlen(name) > most && strstr(text, name)) {
			best = name;
			most = strlen(name);
		}
	}
	return best;
}

static void ask(struct hm_slice file)
{
	HM_CLEANUP(hm_verify_release) struct hm_verify v = { 0 };
	const struct hm_verify_row *row;

	assert_int_equal(hm_verify_bundle(&v, file, NULL, 0, NULL, 0, NULL), 0);
	row = hm_verify_first_false(&v);
	taken += !row;
	fprintf(answers, "%s\t%s\n", row ? row->name : "taken", row ? named(row->detail) : "-");
}

/* As few bytes as a bundle can have that says something: two claims, no document. */
static struct hm_parts *small_parts(void)
{
	struct hm_parts *parts = hm_parts_new();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes findings = { 0 };
	HM_CLEANUP(hm_signer_cleanup) struct hm_signer *signer = valid_signer(valid_key);
	const struct valid plain = { 0 };
	struct hm_fail fail = { 0 };
	uint8_t seed[32] = { 1 };

	make_json(parts, "claims.json", "{'schema':'hallmark/claims/v1','claims':[{'id':'capable.listening','question':2,'statement':'None.'},"
					"{'id':'collect.content','question':1,'statement':'None.'}]}");
	make_json(parts, "planted.json", "{'schema':'hallmark/planted/v1','target':'" VALID_TARGET "','files':[]}");
	valid_plan(parts, &plain, seed);
	valid_product(parts);
	valid_run(parts, &plain, 1);
	valid_run(parts, &plain, 2);
	valid_assessment(parts, &plain, seed);
	if (hm_evaluate(&findings, parts, &fail) < 0)
		fail_msg("%s", fail.text);
	assert_int_equal(hm_parts_take(parts, "findings.json", &findings, NULL), 0);
	assert_int_equal(hm_bundle_seal(parts, NULL), 0);
	valid_sign(parts, signer);
	return parts;
}

static void read_whole(struct hm_bytes *file, const char *folder)
{
	HM_FREE char *path = hm_sprintf("%s/small.hallmark", folder);

	assert_int_equal(hm_bundle_write(whole, path, NULL), 0);
	assert_int_equal(hm_fs_read(file, path, 1 << 20, NULL), 0);
}

static struct hm_parts *with(const char *name, struct hm_slice changed)
{
	struct hm_parts *parts = hm_parts_new();

	for (size_t i = 0; i < hm_parts_count(whole); i++) {
		struct hm_slice content;
		const char *there = hm_parts_at(whole, i, &content);

		assert_int_equal(hm_parts_borrow(parts, there, strcmp(there, name) == 0 ? changed : content, NULL), 0);
	}
	return parts;
}

static void ask_packed(const char *name, struct hm_slice changed)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = with(name, changed);
	struct raw_zip z = raw_of(parts);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = raw_write(&z);

	ask(hm_slice_of(&file));
}

static void ask_members(void)
{
	for (size_t i = 0; i < hm_parts_count(whole); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes changed = { 0 };
		struct hm_slice content;
		const char *name = hm_parts_at(whole, i, &content);

		hm_bytes_slice(&changed, content);
		for (size_t bit = 0; bit < 8 * content.len && strncmp(name, "attestation", 11) != 0; bit += EVERY) {
			changed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
			ask_packed(name, hm_slice_of(&changed));
			changed.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		}
	}
}

int main(int argc, char **argv)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };
	HM_FREE char *path = NULL;

	if (argc != 2)
		return 3;
	path = hm_sprintf("%s/answers", argv[1]);
	answers = fopen(path, "w");
	if (!answers)
		return 3;
	whole = small_parts();
	read_whole(&file, argv[1]);
	for (size_t at = 0; at < file.len; at++)
		ask((struct hm_slice){ file.data, at });
	for (size_t bit = 0; bit < 8 * file.len; bit++) {
		file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
		ask(hm_slice_of(&file));
		file.data[bit / 8] ^= (uint8_t)(1 << bit % 8);
	}
	ask_members();
	printf("%zu bytes, %zu taken\n", file.len, taken);
	hm_parts_free(whole);
	return fclose(answers) != 0 || taken;
}
