#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <zlib.h>

#include "digest.h"
#include "fs.h"
#include "json.h"
#include "planted.h"
#include "planted_internal.h"
#include "text.h"

static const uint8_t seed[32] = { 1, 2, 3 };

static struct hm_parts *made(const uint8_t *from, unsigned level, const char *samples)
{
	struct hm_parts *parts = hm_parts_new();
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_planted_make(parts, from, "aa", level, "/srv/documents", samples, &fail), 0);
	return parts;
}

static json_t *description(const struct hm_parts *parts)
{
	struct hm_slice text;
	struct hm_fail fail = { 0 };
	json_t *top = NULL;

	assert_true(hm_parts_get(parts, "planted.json", &text));
	assert_int_equal(hm_json_parse_canonical(&top, text, "planted.json", &fail), 0);
	return top;
}

static const char *text_at(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

static struct hm_slice file_at(const struct hm_parts *parts, const json_t *top, const char *path)
{
	struct hm_slice content = { 0 };
	const json_t *row;
	size_t i;

	json_array_foreach (json_object_get(top, "files"), i, row)
		if (!strcmp(text_at(row, "path"), path))
			assert_true(hm_parts_get(parts, text_at(row, "part"), &content));
	assert_non_null(content.data);
	return content;
}

static bool holds(struct hm_slice s, const char *text)
{
	return memmem(s.data, s.len, text, strlen(text)) != NULL;
}

/* The derivation written a second time: bits of HMAC-SHA-256, five at a time. */
static void tokens_are_crockford_bits_of_the_derivation(void **state HM_UNUSED)
{
	static const char digits[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	struct hm_sha256 d;
	char token[21];

	hm_derive(&d, seed, "secret/aa/content/1/17");
	hm_planted_token(token, seed, "aa", 1, 17);
	assert_int_equal(strlen(token), 20);
	for (unsigned i = 0; i < 20; i++) {
		unsigned value = 0;

		for (unsigned bit = 5 * i; bit < 5 * i + 5; bit++)
			value = 2 * value + (d.b[bit / 8] >> (7 - bit % 8) & 1);
		assert_int_equal(token[i], digits[value]);
	}
}

static void tokens_count_through_the_files_in_order(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = made(seed, 0, NULL);
	HM_JSON json_t *top = description(parts);
	const json_t *row, *token;
	const char *before = "";
	unsigned n = 0;
	size_t i, k;

	assert_string_equal(text_at(top, "target"), "/srv/documents");
	assert_int_equal(hm_parts_count(parts), 1 + json_array_size(json_object_get(top, "files")));
	json_array_foreach (json_object_get(top, "files"), i, row) {
		HM_FREE char *part = hm_sprintf("planted/%04zu", i + 1);

		assert_string_equal(text_at(row, "part"), part);
		assert_true(strcmp(before, text_at(row, "path")) < 0);
		before = text_at(row, "path");
		if (!strcmp(text_at(row, "role"), "document"))
			assert_true(json_array_size(json_object_get(row, "tokens")) >= 2);
		json_array_foreach (json_object_get(row, "tokens"), k, token) {
			char expected[21];

			hm_planted_token(expected, seed, "aa", 0, n++);
			assert_string_equal(json_string_value(token), expected);
		}
	}
	assert_true(n > 20);
}

static void a_function_of_seed_and_level(void **state HM_UNUSED)
{
	static const uint8_t other[32] = { 9 };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *a = made(seed, 0, NULL), *again = made(seed, 0, NULL),
						     *level = made(seed, 1, NULL), *b = made(other, 0, NULL);

	for (size_t i = 0; i < hm_parts_count(a); i++) {
		struct hm_slice x, y, z, w;
		bool eicar;

		assert_string_equal(hm_parts_at(a, i, &x), hm_parts_at(again, i, &y));
		assert_non_null(hm_parts_at(b, i, &z));
		assert_non_null(hm_parts_at(level, i, &w));
		assert_true(hm_slice_eq(x, y));
		eicar = x.len == 68;
		assert_true(hm_slice_eq(x, z) == eicar);
		assert_true(hm_slice_eq(x, w) == eicar);
	}
}

static void plain_formats_show_their_tokens(void **state HM_UNUSED)
{
	static const char *const paths[] = { "finance/accounts.csv", "letter.txt", "memos/0117.txt", "memos/0118.txt",
					     "report.pdf", "source/gate.c" };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = made(seed, 0, NULL);
	HM_JSON json_t *top = description(parts);
	const json_t *row, *token;
	size_t i, k;

	json_array_foreach (json_object_get(top, "files"), i, row)
		for (size_t p = 0; p < HM_COUNT(paths); p++)
			if (!strcmp(paths[p], text_at(row, "path")))
				json_array_foreach (json_object_get(row, "tokens"), k, token)
					assert_true(holds(file_at(parts, top, paths[p]), json_string_value(token)));
	assert_true(holds(file_at(parts, top, "letter.txt"), "UK SECRET"));
	assert_true(holds(file_at(parts, top, "memos/0117.txt"), "OFFICIAL-SENSITIVE"));
	assert_false(holds(file_at(parts, top, "memos/0118.txt"), "OFFICIAL"));
	assert_int_equal(file_at(parts, top, "memos/0117.txt").len, file_at(parts, top, "memos/0118.txt").len);
}

/* The mail shows two tokens in its text; those of the attachment only when its base64 is read. */
static void mail_holds_an_attachment(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = made(seed, 0, NULL);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes one_line = { 0 }, paper = { 0 };
	HM_JSON json_t *top = description(parts);
	struct hm_slice mail = file_at(parts, top, "letter.eml");
	const char *start = memmem(mail.data, mail.len, "base64\r\n\r\n", 10), *end;
	char token[21];

	assert_non_null(start);
	start += 10;
	end = memmem(start, (size_t)((const char *)mail.data + mail.len - start), "--=", 3);
	for (; start < end; start++)
		if (*start != '\r' && *start != '\n')
			hm_bytes_u8(&one_line, (uint8_t)*start);
	assert_int_equal(hm_text_unbase64(&paper, hm_slice_of(&one_line)), 0);
	for (unsigned n = 7; n < 11; n++) { /* behind 2 of archive.zip, 3 of accounts.csv, 2 of certificate.pdf */
		hm_planted_token(token, seed, "aa", 0, n);
		assert_true(holds(n < 9 ? mail : hm_slice_of(&paper), token));
		assert_int_equal(holds(mail, token), n < 9);
	}
	for (size_t i = 0; i + 1 < mail.len; i++)
		assert_true(mail.data[i + 1] != '\n' || mail.data[i] == '\r');
}

static uint32_t le(const uint8_t *at, unsigned size)
{
	return size == 0 ? 0 : at[0] | le(at + 1, size - 1) << 8;
}

/* Reads a ZIP by its directory; appends the plain content of `name`. */
static void unzip(struct hm_bytes *out, struct hm_slice zip, const char *name)
{
	const uint8_t *end = zip.data + zip.len - 22, *at = zip.data + le(end + 16, 4);

	assert_int_equal(le(end, 4), 0x06054b50);
	for (unsigned i = 0; i < le(end + 10, 2); i++, at += 46 + le(at + 28, 2)) {
		const uint8_t *local = zip.data + le(at + 42, 4);
		size_t packed = le(at + 20, 4), plain = le(at + 24, 4);
		z_stream z = { .next_in = (Bytef *)(uintptr_t)(local + 30 + le(local + 26, 2)), .avail_in = (uInt)packed };

		assert_int_equal(le(at, 4), 0x02014b50);
		assert_int_equal(le(local, 4), 0x04034b50);
		if (le(at + 28, 2) != strlen(name) || memcmp(at + 46, name, strlen(name)))
			continue;
		if (le(at + 10, 2) == 0) {
			hm_bytes_append(out, z.next_in, packed);
		} else {
			z.next_out = hm_bytes_reserve(out, plain);
			z.avail_out = (uInt)plain;
			assert_int_equal(inflateInit2(&z, -15), Z_OK);
			assert_int_equal(inflate(&z, Z_FINISH), Z_STREAM_END);
			inflateEnd(&z);
			out->len += plain;
		}
		assert_int_equal(crc32(0, out->data, (uInt)out->len), le(at + 16, 4));
	}
}

static void archive_holds_eicar_beside_a_document(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = made(seed, 0, NULL);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes lists = { 0 }, eicar = { 0 };
	HM_JSON json_t *top = description(parts);
	uint8_t md5[64];
	char hex[33], token[21];

	unzip(&lists, file_at(parts, top, "archive.zip"), "lists.txt");
	unzip(&eicar, file_at(parts, top, "archive.zip"), "eicar.com");
	hm_planted_token(token, seed, "aa", 0, 1);
	assert_true(holds(hm_slice_of(&lists), token));
	assert_true(hm_slice_eq(hm_slice_of(&eicar), file_at(parts, top, "eicar.com")));
	assert_int_equal(hm_digest_of(md5, HM_MD5, hm_slice_of(&eicar)), 16);
	assert_string_equal(hm_text_hex_into(hex, (struct hm_slice){ md5, 16 }), "44d88612fea8a8f36de82e1278abb02f");
}

static void odt_and_deflated_pdf(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = made(seed, 0, NULL);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 };
	HM_JSON json_t *top = description(parts);
	struct hm_slice odt = file_at(parts, top, "plan.odt"), pdf = file_at(parts, top, "health/certificate.pdf");
	const uint8_t *stream = memmem(pdf.data, pdf.len, "stream\n", 7);
	char token[21];
	uint8_t page[4096];
	uLongf length = sizeof(page);

	assert_memory_equal(odt.data + 30, "mimetypeapplication/vnd.oasis.opendocument.text", 47);
	unzip(&content, odt, "content.xml");
	hm_planted_token(token, seed, "aa", 0, 17);
	assert_true(holds(hm_slice_of(&content), token));
	assert_true(holds(hm_slice_of(&content), "office &amp; its staff"));

	hm_planted_token(token, seed, "aa", 0, 5);
	assert_false(holds(pdf, token));
	assert_non_null(stream);
	assert_int_equal(uncompress(page, &length, stream + 7, (uLong)(pdf.data + pdf.len - stream - 7)), Z_OK);
	assert_true(holds((struct hm_slice){ page, length }, token));
}

static void pdf_cross_references_fit(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = made(seed, 0, NULL);
	HM_JSON json_t *top = description(parts);
	HM_FREE char *pdf = hm_slice_dup(file_at(parts, top, "report.pdf"));
	const char *start = strstr(pdf, "startxref\n"), *xref;

	assert_non_null(start);
	xref = pdf + atoi(start + 10);
	assert_memory_equal(xref, "xref\n0 7\n", 9);
	for (int i = 1; i < 7; i++) {
		HM_FREE char *head = hm_sprintf("%d 0 obj", i);

		assert_memory_equal(pdf + atoi(xref + 9 + 20 * i), head, strlen(head));
	}
}

static void samples_stand_below_samples(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts =
		made(seed, 0, HM_TEST_DATA "/unit/packages/data/root/usr/bin");
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *none = hm_parts_new();
	HM_JSON json_t *top = description(parts);
	struct hm_fail fail = { 0 };

	assert_true(hm_slice_eq(file_at(parts, top, "samples/wrapped"), HM_SLICE("the wrapper\n")));
	assert_int_equal(hm_planted_make(none, seed, "aa", 0, "/t", HM_TEST_DATA "/nothing", &fail), HM_E_SYSTEM);
}

static void written_as_described(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = made(seed, 0, NULL);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 };
	HM_JSON json_t *top = description(parts);
	char folder[] = "/tmp/hm-planted-XXXXXX";
	HM_FREE char *file = NULL, *below = NULL;
	struct hm_fail fail = { 0 };
	mode_t before = umask(0077);
	struct stat st;

	assert_non_null(mkdtemp(folder));
	file = hm_sprintf("%s/memos/0117.txt", folder);
	below = hm_sprintf("%s/memos", folder);
	assert_int_equal(hm_planted_write(parts, folder, &fail), 0);
	umask(before);
	assert_int_equal(stat(file, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0644);
	assert_int_equal(st.st_mtime, 1715677200);
	assert_int_equal(stat(below, &st), 0);
	assert_int_equal(st.st_mode & 07777, 0755);
	assert_int_equal(st.st_mtime, 1715677200);
	assert_int_equal(hm_fs_read(&content, file, 10000, &fail), 0);
	assert_true(hm_slice_eq(hm_slice_of(&content), file_at(parts, top, "memos/0117.txt")));
	assert_int_equal(hm_planted_write(parts, folder, &fail), HM_E_SYSTEM); /* not empty */
	assert_int_equal(hm_fs_remove_tree(folder, &fail), 0);
}

static bool is_resident(const char *path)
{
	HM_CLOSE int fd = open(path, O_RDONLY | O_CLOEXEC);
	unsigned char resident = 0;
	void *page;

	assert_true(fd >= 0);
	page = mmap(NULL, 1, PROT_READ, MAP_SHARED, fd, 0);
	assert_true(page != MAP_FAILED);
	assert_int_equal(mincore(page, 1, &resident), 0);
	munmap(page, 1);
	return resident & 1;
}

static void evicted_from_the_page_cache(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = made(seed, 0, NULL);
	char folder[] = "/var/tmp/hm-planted-XXXXXX";
	HM_FREE char *file = NULL;
	struct hm_fail fail = { 0 };
	struct statfs fs;

	assert_int_equal(statfs("/var/tmp", &fs), 0);
	if (fs.f_type == 0x01021994 || fs.f_type == 0x794c7630) {
		print_message("skipped: /var/tmp has no disk file system\n");
		skip();
	}
	assert_non_null(mkdtemp(folder));
	file = hm_sprintf("%s/memos/0117.txt", folder);
	assert_int_equal(hm_planted_write(parts, folder, &fail), 0);
	assert_true(is_resident(file));
	assert_int_equal(hm_planted_evict(folder, &fail), 0);
	assert_false(is_resident(file));
	assert_int_equal(hm_fs_remove_tree(folder, &fail), 0);
	assert_int_equal(hm_planted_evict(folder, &fail), HM_E_SYSTEM);
}

/* planted.json with one file whose `path` member is `path`, its part and digest being right unless said otherwise. */
static int write_one(const char *path, unsigned mode, const char *part_text)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = hm_parts_new();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes json = { 0 };
	char hex[65], folder[] = "/tmp/hm-planted-XXXXXX";
	struct hm_fail fail = { 0 };
	struct hm_sha256 hash;
	int r;

	hm_sha256_slice(&hash, HM_SLICE("content"));
	hm_text_hex_into(hex, (struct hm_slice){ hash.b, 32 });
	hm_bytes_printf(&json,
			"{\"files\":[{\"marking\":null,\"mode\":%u,\"part\":\"planted/0001\",\"path\":\"%s\",\"role\":\"document\","
			"\"sha256\":\"%s\",\"size\":7,\"tokens\":[]}],\"schema\":\"hallmark/planted/v1\",\"target\":\"/t\"}",
			mode, path, hex);
	assert_int_equal(hm_parts_take(parts, "planted.json", &json, &fail), 0);
	if (part_text)
		assert_int_equal(hm_parts_borrow(parts, "planted/0001", hm_slice_text(part_text), &fail), 0);
	assert_non_null(mkdtemp(folder));
	r = hm_planted_write(parts, folder, &fail);
	assert_int_equal(hm_fs_remove_tree(folder, &fail), 0);
	return r;
}

static void paths_that_leave_are_refused(void **state HM_UNUSED)
{
	static const char *const bad[] = { "../x", "a/../x", "/x", "a//x", "./x", "a/.", "..", ".", "", "a/" };

	assert_int_equal(write_one("a/b", 0644, "content"), 0);
	assert_int_equal(write_one("..a/b..", 0644, "content"), 0);
	for (size_t i = 0; i < HM_COUNT(bad); i++)
		assert_int_equal(write_one(bad[i], 0644, "content"), HM_E_BAD);
	assert_int_equal(write_one("a", 04755, "content"), HM_E_BAD);
	assert_int_equal(write_one("a", 0644, "other"), HM_E_BAD);
	assert_int_equal(write_one("a", 0644, NULL), HM_E_BAD);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tokens_are_crockford_bits_of_the_derivation),
		cmocka_unit_test(tokens_count_through_the_files_in_order),
		cmocka_unit_test(a_function_of_seed_and_level),
		cmocka_unit_test(plain_formats_show_their_tokens),
		cmocka_unit_test(mail_holds_an_attachment),
		cmocka_unit_test(archive_holds_eicar_beside_a_document),
		cmocka_unit_test(odt_and_deflated_pdf),
		cmocka_unit_test(pdf_cross_references_fit),
		cmocka_unit_test(samples_stand_below_samples),
		cmocka_unit_test(written_as_described),
		cmocka_unit_test(evicted_from_the_page_cache),
		cmocka_unit_test(paths_that_leave_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
