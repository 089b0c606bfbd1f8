/* Definitions for ClamAV (its manual, "Creating signatures"). The official ones cannot be shipped, so a small set is made:
 *
 *   hallmark.hdb  MD5:SIZE:NAME for the EICAR test file and for one sample that is nothing but the test program
 *   hallmark.ndb  NAME:0:*:HEX, a piece of that program's body, at any offset of any file
 *
 * The other samples are that program packed, archived or attached, and have no hash of their own here on purpose: the
 * engine finds them only by unpacking them, which is the work that an assessment wants to see. */
#include <dirent.h>
#include <errno.h>

#include "digest.h"
#include "fs.h"
#include "product_internal.h"
#include "text.h"

#define SAMPLE_MAX (64u << 20)
#define EICAR_MD5 "44d88612fea8a8f36de82e1278abb02f"
#define BODY_MIN 16
#define BODY_MAX 4096

static void list_definition(struct hm_product *p, const char *name, const char *version, struct hm_sha256 hash)
{
	char hex[2 * HM_SHA256_LEN + 1];

	hm_text_hex_into(hex, (struct hm_slice){ hash.b, sizeof(hash.b) });
	json_array_append_new(p->definitions, json_pack("{s:s, s:s?, s:s}", "name", name, "version", version, "sha256", hex));
}

/* The third field of a CVD's or CLD's 512-byte header, "ClamAV-VDB:time:version:..."; NULL when it is not one. */
static char *database_version(const char *path)
{
	HM_FCLOSE FILE *f = fopen(path, "re");
	char head[513] = "", *at = head, *end;

	if (!f || fread(head, 1, 512, f) != 512 || strncmp(head, "ClamAV-VDB:", 11))
		return NULL;
	for (int i = 0; i < 2; i++) {
		at = strchr(at, ':');
		if (!at++)
			return NULL;
	}
	end = strchr(at, ':');
	if (!end || end == at || end - at > 20 || strspn(at, "0123456789") != (size_t)(end - at))
		return NULL;
	return hm_sprintf("%.*s", (int)(end - at), at);
}

/* Lists what `folder` holds of ClamAV's own databases. Finds > 0 when it is enough to scan with. */
static int find_installed(struct hm_product *p, const char *folder, struct hm_fail *fail)
{
	static const char *const names[] = { "bytecode.cld", "bytecode.cvd", "daily.cld", "daily.cvd", "main.cld", "main.cvd" };
	int found = 0;

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		HM_FREE char *path = hm_sprintf("%s/%s", folder, names[i]);
		HM_FREE char *version = database_version(path);
		struct hm_sha256 hash;
		int r;

		if (!version)
			continue;
		r = hm_sha256_file(&hash, NULL, path, fail);
		if (r < 0)
			return r;
		list_definition(p, names[i], version, hash);
		found += strncmp(names[i], "bytecode", 8) != 0; /* rarely detects anything alone */
	}
	if (!found)
		json_array_clear(p->definitions);
	return found;
}

static int make_databases(const struct hm_product *p, struct hm_bytes *hdb, struct hm_bytes *ndb, struct hm_fail *fail)
{
	const json_t *wanted = p->definitions_wanted;
	const char *sample = text_at(wanted, "sample");
	uint64_t offset = (uint64_t)json_integer_value(json_object_get(wanted, "offset"));
	uint64_t length = (uint64_t)json_integer_value(json_object_get(wanted, "length"));
	HM_FREE char *path = hm_sprintf("%s/%s", p->samples, sample);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 };
	uint8_t md5[64];
	int r = hm_fs_read(&content, path, SAMPLE_MAX, fail);

	if (r < 0)
		return hm_fail_in(fail, "making definitions");
	if (length < BODY_MIN || length > BODY_MAX || offset > content.len || length > content.len - offset)
		return hm_fail_set(fail, HM_E_BAD, "making definitions: %s has no %llu bytes at %llu", path,
				   (unsigned long long)length, (unsigned long long)offset);
	if (hm_digest_of(md5, HM_MD5, hm_slice_of(&content)) != 16)
		return hm_fail_set(fail, HM_E_SYSTEM, "making definitions: libcrypto refuses MD5, which they are made of");
	hm_bytes_printf(hdb, EICAR_MD5 ":68:Hallmark.Test.Eicar\n");
	hm_text_hex(hdb, (struct hm_slice){ md5, 16 });
	hm_bytes_printf(hdb, ":%zu:Hallmark.Test.Program\n", content.len);
	hm_bytes_text(ndb, "Hallmark.Test.Body:0:*:");
	hm_text_hex(ndb, (struct hm_slice){ content.data + offset, (size_t)length });
	hm_bytes_u8(ndb, '\n');
	return 0;
}

static int make_own(struct hm_product *p, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes hdb = { 0 }, ndb = { 0 };
	const struct {
		const char *name;
		struct hm_bytes *content;
	} made[] = { { "hallmark.hdb", &hdb }, { "hallmark.ndb", &ndb } };
	int r = make_databases(p, &hdb, &ndb, fail);

	if (r < 0)
		return r;
	for (size_t i = 0; i < HM_COUNT(made); i++) {
		HM_FREE char *path = hm_sprintf("%s/%s", text_at(p->definitions_wanted, "folder"), made[i].name);
		struct hm_sha256 hash;

		hm_sha256_slice(&hash, hm_slice_of(made[i].content));
		list_definition(p, made[i].name, NULL, hash);
		product_add_file(&p->plant, path, made[i].content, 0644);
	}
	return 0;
}

static void replace_in_argv(char **argv, const char *folder)
{
	static const char mark[] = "{definitions}";

	for (; *argv; argv++) {
		char *at = strstr(*argv, mark), *made;

		if (!at)
			continue;
		made = hm_sprintf("%.*s%s%s", (int)(at - *argv), *argv, folder, at + strlen(mark));
		free(*argv);
		*argv = made;
	}
}

int hm_product_define(struct hm_product *p, struct hm_fail *fail)
{
	const char *installed;
	int r;

	if (!p->definitions_wanted)
		return 0;
	installed = text_at(p->definitions_wanted, "installed");
	r = find_installed(p, installed, fail);
	if (r > 0) {
		replace_in_argv(p->argv, installed);
		return 0;
	}
	if (r == 0)
		r = make_own(p, fail);
	if (r == 0)
		replace_in_argv(p->argv, text_at(p->definitions_wanted, "folder"));
	return r;
}
