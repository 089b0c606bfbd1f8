/* A bundle whose bytes were changed: cut, flipped, packed in another way. */
#include "refuse.h"

static void valid_is_valid(void **state HM_UNUSED)
{
	static const char *const rows[] = { "container", "parts", "manifest", "core", "plan", "records", "seed", "planted", "findings",
					    "statement", "signature", "sigstore", "claim set" };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes ours = { 0 };
	char folder[] = "/tmp/hm-refuse-XXXXXX", path[64];

	/* No log yet: nothing false, and one thing that was not checked. */
	assert_int_equal(exit_of(hm_slice_of(&valid_file), trusted), 2);
	assert_int_equal(exit_of(hm_slice_of(&valid_file), NULL), 2);
	for (size_t i = 0; i < HM_COUNT(rows); i++)
		if (row_of(hm_slice_of(&valid_file), trusted, rows[i]) != HM_CHECK_HOLDS)
			fail_msg("%s", rows[i]);
	assert_int_equal(row_of(hm_slice_of(&valid_file), trusted, "log"), HM_CHECK_UNCHECKED);
	assert_int_equal(row_of(hm_slice_of(&valid_file), NULL, "signature"), HM_CHECK_UNCHECKED);
	/* Two writers that share nothing make the same container. */
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/bundle", folder);
	assert_int_equal(hm_bundle_write(valid, path, NULL), 0);
	assert_int_equal(hm_fs_read(&ours, path, 1 << 24, NULL), 0);
	assert_int_equal(hm_fs_remove_tree(folder, NULL), 0);
	assert_true(hm_slice_eq(hm_slice_of(&ours), hm_slice_of(&valid_file)));
}

static void cut_short(void **state HM_UNUSED)
{
	size_t stride = valid_file.len / 4000 + 1;

	for (size_t at = 0; at < valid_file.len; at += at < 600 || at + 600 > valid_file.len ? 1 : stride)
		refused((struct hm_slice){ valid_file.data, at }, "cut short");
	/* At and beside every border of a member, a block or a frame inside: each begins with one of these. */
	for (size_t at = 1; at + 4 < valid_file.len; at++) {
		const uint8_t *p = valid_file.data + at;

		if (memcmp(p, "PK\3\4", 4) != 0 && memcmp(p, "PK\1\2", 4) != 0 && memcmp(p + 1, "\x2a\x4d\x18", 3) != 0 &&
		    memcmp(p, "\x28\xb5\x2f\xfd", 4) != 0)
			continue;
		for (size_t cut = at - 1; cut <= at + 1; cut++)
			refused((struct hm_slice){ valid_file.data, cut }, "cut at a border");
	}
}

static void one_bit(void **state HM_UNUSED)
{
	size_t stride = valid_file.len / 30000 + 1;

	for (size_t at = 0; at < valid_file.len; at += stride) {
		valid_file.data[at] ^= (uint8_t)(1 << at % 8);
		refused(hm_slice_of(&valid_file), "one bit of the file");
		valid_file.data[at] ^= (uint8_t)(1 << at % 8);
	}
}

/* The forger changes one bit of a part and packs the parts again: container and CRC are right. */
static void one_bit_of_a_part(void **state HM_UNUSED)
{
	for (size_t i = 0; i < hm_parts_count(valid); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes changed = { 0 };
		struct hm_slice content;
		const char *name = hm_parts_at(valid, i, &content);
		HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = NULL;
		size_t stride = content.len / 24 + 1;

		hm_bytes_slice(&changed, content);
		parts = copy_with(valid, name, hm_slice_of(&changed));
		for (size_t at = 0; at < changed.len; at += stride) {
			changed.data[at] ^= (uint8_t)(1 << at % 8);
			refused_parts(parts, name);
			changed.data[at] ^= (uint8_t)(1 << at % 8);
		}
	}
}

typedef void (*wrong_way)(struct raw_zip *z);

static void way_deflated(struct raw_zip *z) { z->list[3].method = 8; }
static void way_encrypted(struct raw_zip *z) { z->list[3].flags = 1; }
static void way_utf8(struct raw_zip *z) { z->list[3].flags = 0x800; }
static void way_descriptor(struct raw_zip *z) { z->list[3].descriptor = true; }
static void way_extra(struct raw_zip *z) { z->list[3].extra = 8; }
static void way_member_comment(struct raw_zip *z) { z->list[3].comment = 5; }
static void way_time(struct raw_zip *z) { z->list[3].date = 0x5b21; }
static void way_prefix(struct raw_zip *z) { z->prefix = "#!/bin/sh\n"; }
static void way_gap(struct raw_zip *z) { z->gap = "between"; }
static void way_suffix(struct raw_zip *z) { z->suffix = "behind"; }
static void way_comment(struct raw_zip *z) { z->comment = "hello"; }
static void way_twice(struct raw_zip *z) { z->list[z->count] = z->list[z->count - 1]; z->count++; }
static void way_twice_apart(struct raw_zip *z) { z->list[z->count++] = z->list[4]; }
static void way_huge(struct raw_zip *z) { z->list[3].size = 0xfffffff0; }
static void way_zip64(struct raw_zip *z) { z->list[3].size = 0xffffffff; z->list[3].extra = 20; }
static void way_overlap(struct raw_zip *z) { z->list[4].at_previous = true; }
static void way_hidden(struct raw_zip *z) { z->list[4].only_there = true; }
static void way_ghost(struct raw_zip *z) { z->list[4].only_listed = true; }
static void way_crc(struct raw_zip *z) { z->list[4].crc ^= 1; }
static void way_empty(struct raw_zip *z) { z->count = 0; }

static void way_order(struct raw_zip *z)
{
	struct raw_member m = z->list[5];

	z->list[5] = z->list[6];
	z->list[6] = m;
}

static void way_core_second(struct raw_zip *z)
{
	struct raw_member m = z->list[0];

	z->list[0] = z->list[1];
	z->list[1] = m;
}

static void way_bomb(struct raw_zip *z)
{
	static uint8_t packed[4096];
	uLongf len = sizeof(packed);
	HM_FREE uint8_t *zeros = hm_alloc(1, 1 << 20);

	assert_int_equal(compress(packed, &len, zeros, 1 << 20), Z_OK);
	/* zlib's frame off: raw deflate, as ZIP has it */
	raw_add(z, "zeros.json", (struct hm_slice){ packed + 2, len - 6 });
	z->list[z->count - 1].method = 8;
	z->list[z->count - 1].size = 0xfffffffe;
}

static void packed_in_another_way(void **state HM_UNUSED)
{
	static const struct {
		const char *name;
		wrong_way way;
	} ways[] = {
		{ "deflated member", way_deflated }, { "encrypted member", way_encrypted }, { "UTF-8 flag", way_utf8 },
		{ "data descriptor", way_descriptor }, { "extra field", way_extra }, { "member comment", way_member_comment },
		{ "another time", way_time }, { "prefix", way_prefix }, { "gap before the directory", way_gap },
		{ "bytes behind the end", way_suffix }, { "comment", way_comment }, { "last name twice", way_twice },
		{ "a name twice, apart", way_twice_apart }, { "huge size", way_huge }, { "ZIP64 without need", way_zip64 },
		{ "overlapping members", way_overlap }, { "member that is not listed", way_hidden },
		{ "member that is only listed", way_ghost }, { "wrong CRC", way_crc }, { "no member", way_empty },
		{ "another order", way_order }, { "core.json second", way_core_second }, { "bomb", way_bomb },
	};

	for (size_t i = 0; i < HM_COUNT(ways); i++) {
		struct raw_zip z = raw_of(valid);
		HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };

		ways[i].way(&z);
		file = raw_write(&z);
		refused(hm_slice_of(&file), ways[i].name);
	}
}

static void names_that_lead_elsewhere(void **state HM_UNUSED)
{
	static const char *const names[] = { "/plan.json",    "../plan.json", "planted/../plan.json", "planted//0001", "planted/",
					     "./plan.json",   "PLAN.JSON",    "plan.json ",	      "plan\\.json",   "planted/0001\n",
					     "pl\xc3\xa4n.json", "",	      "planted/./0001",	      "c:plan.json" };

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		for (size_t k = 0; k < 2; k++) {
			struct raw_zip z = raw_of(valid);
			HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };

			if (k)
				z.list[z.count - 1].name = names[i];
			else
				raw_add(&z, names[i], HM_SLICE("x"));
			file = raw_write(&z);
			refused(hm_slice_of(&file), names[i]);
		}
	}
}

static void no_bundle_at_all(void **state HM_UNUSED)
{
	static const char *const texts[] = { "", "P", "PK", "PK\3\4", "PK\5\6", "{}", "<!doctype html>", "hello\n" };

	for (size_t i = 0; i < HM_COUNT(texts); i++)
		refused(hm_slice_text(texts[i]), texts[i]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(valid_is_valid),	    cmocka_unit_test(cut_short),
		cmocka_unit_test(one_bit),		    cmocka_unit_test(one_bit_of_a_part),
		cmocka_unit_test(packed_in_another_way),    cmocka_unit_test(names_that_lead_elsewhere),
		cmocka_unit_test(no_bundle_at_all),
	};

	return cmocka_run_group_tests(tests, refuse_set_up, refuse_tear_down);
}
