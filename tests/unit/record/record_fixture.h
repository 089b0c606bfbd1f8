#pragma once
/* Shared by the record's tests: a folder of its own, items, small records. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "cbor.h"
#include "fs.h"
#include "record_internal.h"

static char folder[] = "/tmp/hm-record-XXXXXX";

static int make_folder(void **state HM_UNUSED)
{
	return mkdtemp(folder) ? 0 : -1;
}

static int remove_folder(void **state HM_UNUSED)
{
	struct hm_fail fail;

	return hm_fs_remove_tree(folder, &fail);
}

static inline char *file_named(const char *name)
{
	return hm_sprintf("%s/%s", folder, name);
}

/* Item `i`: [i, some bytes that depend on it]. */
static inline void put_item(struct hm_bytes *out, uint64_t i)
{
	uint8_t bytes[64];

	for (size_t k = 0; k < sizeof(bytes); k++)
		bytes[k] = (uint8_t)(i * 31 + k * k);
	hm_cbor_array(out, 2);
	hm_cbor_uint(out, i);
	hm_cbor_bytes(out, (struct hm_slice){ bytes, i % sizeof(bytes) });
}

static inline int append_item(struct hm_record_writer *w, uint64_t i, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes item = { 0 };

	put_item(&item, i);
	return hm_record_append(w, hm_slice_of(&item), i, fail);
}

/* Writes `blocks` blocks of `per_block` items each, and the footer when `whole`. */
static inline void write_record(const char *path, uint64_t blocks, uint64_t per_block, bool whole, struct hm_record_head *head)
{
	struct hm_record_writer *w;
	struct hm_fail fail;

	assert_int_equal(hm_record_create(&w, path, HM_RECORD_EVENTS, &fail), 0);
	for (uint64_t b = 0; b < blocks; b++) {
		for (uint64_t i = 0; i < per_block; i++)
			assert_int_equal(append_item(w, b * per_block + i, &fail), 0);
		assert_int_equal(hm_record_sync(w, &fail), 0);
	}
	if (whole)
		assert_int_equal(hm_record_finish(w, head, &fail), 0);
	else
		hm_record_abandon(w);
}

static inline void read_file(struct hm_bytes *out, const char *path)
{
	struct hm_fail fail;

	assert_int_equal(hm_fs_read(out, path, 1 << 30, &fail), 0);
}

/* Reads all items and asserts that they are 0, 1, 2 ...; returns how many. */
static inline uint64_t read_items(struct hm_record *r)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes want = { 0 };
	struct hm_slice item;
	struct hm_fail fail;
	uint64_t n = 0;
	int e;

	while ((e = hm_record_next(r, &item, &fail)) == 1) {
		want.len = 0;
		put_item(&want, n);
		assert_true(hm_slice_eq(item, hm_slice_of(&want)));
		assert_int_equal(hm_record_position(r), n);
		n++;
	}
	assert_int_equal(e, 0);
	return n;
}
