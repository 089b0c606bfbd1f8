#pragma once
/* What the refusal tests share: one valid bundle, and ways to make a false one of it. A forger is as strong as a test says:
 * he may change bytes of the file, or parts and pack them again, or seal them again, or sign them with a key of his own. */
#include "../support/valid_parts.h"
#include "raw_zip.h"
#include "verify.h"

static struct hm_signer *signer, *forger;
static struct hm_pubkey *trusted, *others;
static struct hm_parts *valid;
static struct hm_bytes valid_file;

static inline struct hm_bytes pack(const struct hm_parts *parts)
{
	struct raw_zip z = raw_of(parts);

	return raw_write(&z);
}

static inline int refuse_set_up(void **state HM_UNUSED)
{
	char folder[] = "/tmp/hm-refuse-XXXXXX", path[64];

	signer = valid_signer(valid_key);
	trusted = valid_pubkey(signer);
	assert_non_null(mkdtemp(folder));
	snprintf(path, sizeof(path), "%s/key", folder);
	assert_int_equal(hm_signer_generate(path, NULL), 0);
	assert_int_equal(hm_signer_load(&forger, path, NULL), 0);
	assert_int_equal(hm_fs_remove_tree(folder, NULL), 0);
	others = valid_pubkey(forger);
	valid = valid_sealed(NULL, signer);
	valid_file = pack(valid);
	return 0;
}

static inline int refuse_tear_down(void **state HM_UNUSED)
{
	hm_signer_free(signer);
	hm_signer_free(forger);
	hm_pubkey_free(trusted);
	hm_pubkey_free(others);
	hm_parts_free(valid);
	hm_bytes_release(&valid_file);
	return 0;
}

/* With HALLMARK_KEEP, a folder, each file that is asked about stays there, each once, for other verifiers to be asked about: as
 * SHA-256.hallmark. */
static inline void keep(struct hm_slice file)
{
	const char *folder = getenv("HALLMARK_KEEP");
	struct hm_sha256 digest;
	char hex[65];

	if (!folder)
		return;
	hm_sha256_slice(&digest, file);
	hm_text_hex_into(hex, (struct hm_slice){ digest.b, sizeof(digest.b) });
	HM_FREE char *path = hm_sprintf("%s/%s.hallmark", folder, hex);
	assert_int_equal(hm_fs_write_atomic(path, file, 0644, NULL), 0);
}

/* The exit code for a file with that key trusted, or with none. The file stands in a block of its exact size, so that a
 * sanitizer sees one byte too many. */
static inline int exit_of(struct hm_slice file, struct hm_pubkey *key)
{
	HM_FREE uint8_t *copy = malloc(file.len ? file.len : 1);
	struct hm_verify v;
	struct hm_fail fail = { 0 };
	int code;

	assert_non_null(copy);
	keep(file);
	if (file.len)
		memcpy(copy, file.data, file.len);
	assert_int_equal(hm_verify_bundle(&v, (struct hm_slice){ copy, file.len }, &key, key ? 1 : 0, NULL, 0, &fail), 0);
	code = hm_verify_exit(&v);
	if (getenv("HALLMARK_SHOW"))
		for (size_t i = 0; i < v.rows; i++)
			printf("#   %d %s: %s\n", (int)v.row[i].outcome, v.row[i].name, v.row[i].detail);
	hm_verify_release(&v);
	return code;
}

/* What a row says: its outcome, or -1 when it is not there. */
static inline int row_of(struct hm_slice file, struct hm_pubkey *key, const char *name)
{
	struct hm_verify v;
	int outcome = -1;

	keep(file);
	assert_int_equal(hm_verify_bundle(&v, file, &key, key ? 1 : 0, NULL, 0, NULL), 0);
	for (size_t i = 0; i < v.rows; i++)
		if (strcmp(v.row[i].name, name) == 0 && (outcome < 0 || v.row[i].outcome == HM_CHECK_FALSE))
			outcome = (int)v.row[i].outcome;
	hm_verify_release(&v);
	return outcome;
}

/* Refused: with the signer's key, and without any. */
static inline void refused(struct hm_slice file, const char *what)
{
	int with = exit_of(file, trusted), without = exit_of(file, NULL);

	if (with != 1 || without != 1)
		fail_msg("%s: exit code %d with the key, %d without", what, with, without);
}

static inline void refused_parts(const struct hm_parts *parts, const char *what)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = pack(parts);

	refused(hm_slice_of(&file), what);
}

/* The same parts without `without` (NULL takes none away). Contents are borrowed. */
static inline struct hm_parts *copy_without(const struct hm_parts *from, const char *without)
{
	struct hm_parts *parts = hm_parts_new();

	for (size_t i = 0; i < hm_parts_count(from); i++) {
		struct hm_slice content;
		const char *name = hm_parts_at(from, i, &content);

		if (!without || strcmp(name, without) != 0)
			assert_int_equal(hm_parts_borrow(parts, name, content, NULL), 0);
	}
	return parts;
}

static inline struct hm_parts *copy_with(const struct hm_parts *from, const char *name, struct hm_slice content)
{
	struct hm_parts *parts = copy_without(from, name);

	assert_int_equal(hm_parts_borrow(parts, name, content, NULL), 0);
	return parts;
}

/* As a forger who can compute digests: core.json and manifest.json fit again. False when these parts have no core. The
 * attestations stay as they are. */
static inline bool seal_again(struct hm_parts **parts)
{
	struct hm_parts *without = copy_without(*parts, "core.json"), *bare = copy_without(without, "manifest.json");

	hm_parts_free(without);
	if (hm_bundle_seal(bare, NULL) < 0) {
		hm_parts_free(bare);
		return false;
	}
	/* The copies that seal made belong to `bare`; the rest is borrowed from where it was. */
	hm_parts_free(*parts);
	*parts = bare;
	return true;
}

/* And with a key of his own. */
static inline void sign_again(struct hm_parts **parts, const struct hm_signer *by)
{
	struct hm_parts *bare = hm_parts_new(), *old = *parts;

	for (size_t i = 0; i < hm_parts_count(old); i++) {
		struct hm_slice content;
		const char *name = hm_parts_at(old, i, &content);
		struct hm_bytes copy = { 0 };

		if (strncmp(name, "attestation", 11) == 0)
			continue;
		hm_bytes_slice(&copy, content);
		assert_int_equal(hm_parts_take(bare, name, &copy, NULL), 0);
	}
	valid_sign(bare, by);
	hm_parts_free(old);
	*parts = bare;
}
