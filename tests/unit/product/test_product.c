#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "digest.h"
#include "fs.h"
#include "product.h"

#define DATA HM_TEST_DATA "/../data"
#define SAMPLES HM_TEST_DATA "/unit/packages/data/root/usr/bin"

static const char *text_at(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}

/* A data folder with products/x.yaml and products/files/conf. */
struct folder {
	char path[64];
};

static void make_folder(struct folder *f, const char *yaml)
{
	HM_FREE char *files = NULL, *product = NULL, *conf = NULL;
	struct hm_fail fail = { 0 };

	strcpy(f->path, "/tmp/hm-product-XXXXXX");
	assert_non_null(mkdtemp(f->path));
	files = hm_sprintf("%s/products/files", f->path);
	product = hm_sprintf("%s/products/x.yaml", f->path);
	conf = hm_sprintf("%s/conf", files);
	assert_int_equal(hm_fs_mkdirs(files, 0755, &fail), 0);
	assert_int_equal(hm_fs_write_atomic(product, hm_slice_text(yaml), 0644, &fail), 0);
	assert_int_equal(hm_fs_write_atomic(conf, HM_SLICE("setting 1\n"), 0644, &fail), 0);
}

static void remove_folder(struct folder *f)
{
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_fs_remove_tree(f->path, &fail), 0);
}

static int load(struct hm_product *p, const char *yaml, struct hm_fail *fail)
{
	HM_CLEANUP(remove_folder) struct folder f;

	make_folder(&f, yaml);
	return hm_product_load(p, f.path, "x", fail);
}

static void refuses(const char *yaml, const char *why)
{
	HM_CLEANUP(hm_product_release) struct hm_product p = { 0 };
	struct hm_fail fail = { 0 };

	if (load(&p, yaml, &fail) != HM_E_BAD || !strstr(fail.text, why))
		fail_msg("%s: wanted \"%s\", got \"%s\"", yaml, why, fail.text);
	assert_null(p.name);
}

static void every_product_of_ours_loads(void **state HM_UNUSED)
{
	static const char *const names[] = { "clamscan", "freshclam", "kesl", "pyzor", "rkhunter" };

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		HM_CLEANUP(hm_product_release) struct hm_product p = { 0 };
		HM_CLEANUP(hm_bytes_release) struct hm_bytes json = { 0 };
		HM_JSON json_t *again = NULL;
		struct hm_fail fail = { 0 };

		if (hm_product_load(&p, DATA, names[i], &fail) < 0)
			fail_msg("%s", fail.text);
		assert_non_null(p.declaration);
		assert_non_null(p.supplier);
		assert_string_equal(text_at(p.declaration, "author"), "project");
		assert_string_equal(text_at(p.declaration, "product"), names[i]);
		assert_int_equal(p.never_run != NULL, !strcmp(names[i], "kesl"));
		hm_json_write(&json, p.declaration);
		assert_int_equal(hm_json_parse_canonical(&again, hm_slice_of(&json), "declaration.json", &fail), 0);
	}
}

/* Whoever writes about a product that he never ran says for each line where it stands. */
static void every_row_of_kesl_has_its_source(void **state HM_UNUSED)
{
	static const char *const lists[] = { "endpoints", "writes", "values", "switches" };
	HM_CLEANUP(hm_product_release) struct hm_product p = { 0 };
	struct hm_fail fail = { 0 };
	const json_t *row;
	size_t rows = 0, i;

	assert_int_equal(hm_product_load(&p, DATA, "kesl", &fail), 0);
	for (size_t k = 0; k < HM_COUNT(lists); k++)
		rows += json_array_size(json_object_get(p.declaration, lists[k]));
	assert_int_equal(rows, json_array_size(json_object_get(json_object_get(p.declaration, "x"), "sources")));
	json_array_foreach (json_object_get(json_object_get(p.declaration, "x"), "sources"), i, row)
		assert_non_null(strstr(text_at(row, "source"), "https://support.kaspersky."));
	assert_null(json_object_get(p.declaration, "privileges"));
	assert_null(json_object_get(p.declaration, "reads"));
}

static void an_absent_list_is_not_an_empty_one(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_product_release) struct hm_product p = { 0 };
	struct hm_fail fail = { 0 };

	assert_int_equal(load(&p, "name: x\ncommand: [x]\ndeclaration:\n  author: assessor\n  source: me\n  endpoints: []\n"
				  "  writes:\n    - '{target}/**'\n    - {is: /a/*/b, source: page}\n",
			      &fail), 0);
	assert_true(json_is_array(json_object_get(p.declaration, "endpoints")));
	assert_int_equal(json_array_size(json_object_get(p.declaration, "endpoints")), 0);
	assert_null(json_object_get(p.declaration, "reads"));
	assert_string_equal(json_string_value(json_array_get(json_object_get(p.declaration, "writes"), 1)), "/a/*/b");
}

static void what_is_sent_is_declared(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_product_release) struct hm_product p = { 0 };
	struct hm_fail fail = { 0 };
	const json_t *row;

	assert_int_equal(load(&p, "name: x\ncommand: [x]\ndeclaration:\n  author: assessor\n  source: me\n  collects:\n"
				  "    - {value: sha256, to: 'a.example:443/tcp', source: page}\n    - {value: name, of: file}\n",
			      &fail), 0);
	row = json_array_get(json_object_get(p.declaration, "collects"), 0);
	assert_string_equal(text_at(row, "of"), "file");
	assert_string_equal(text_at(row, "to"), "a.example:443/tcp");
	assert_null(json_object_get(row, "source"));
	assert_null(json_object_get(json_array_get(json_object_get(p.declaration, "collects"), 1), "to"));
}

static void other_authorities_are_declared(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_product_release) struct hm_product p = { 0 };
	struct hm_fail fail = { 0 };
	const json_t *authorities;

	assert_int_equal(load(&p, "name: x\ncommand: [x]\ndeclaration:\n  author: assessor\n  source: me\n  authorities:\n    arguments: [--ca, '{authorities}']\n"
				  "    environment: [{name: CA_1, value: '{authorities}'}]\n    files: [{path: /a/b.pem, as: added}]\n    source: manual\n",
			      &fail), 0);
	authorities = json_object_get(p.declaration, "authorities");
	assert_int_equal(json_object_size(authorities), 3);
	assert_string_equal(json_string_value(json_array_get(json_object_get(authorities, "arguments"), 1)), "{authorities}");
	assert_string_equal(text_at(json_array_get(json_object_get(authorities, "environment"), 0), "name"), "CA_1");
	assert_string_equal(text_at(json_array_get(json_object_get(authorities, "files"), 0), "as"), "added");
	assert_string_equal(text_at(json_array_get(json_object_get(json_object_get(p.declaration, "x"), "sources"), 0), "list"), "authorities");
}

static void everything_of_a_description_arrives(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_product_release) struct hm_product p = { 0 };
	struct hm_fail fail = { 0 };

	assert_int_equal(load(&p, "name: x\npurl: pkg:deb/debian/x\nsupplier: {id: i, name: nn, control: null}\npackages: [x, libx]\n"
				  "command: [x, -r, '{target}']\nstdin: '{target}/a'\nsamples: /s\nscenario: other\ntime_limit_s: 7\n"
				  "plant:\n  - {path: /etc/x, file: conf}\n  - {path: /etc/y, text: \"z\\n\"}\n"
				  "mirror:\n  - {path: a/b, text: c}\n",
			      &fail), 0);
	assert_string_equal(p.purl, "pkg:deb/debian/x");
	assert_string_equal(text_at(p.supplier, "id"), "i");
	assert_string_equal(p.packages[1], "libx");
	assert_null(p.packages[2]);
	assert_string_equal(p.argv[2], "{target}");
	assert_null(p.argv[3]);
	assert_string_equal(p.stdin_path, "{target}/a");
	assert_string_equal(p.samples, "/s");
	assert_string_equal(p.scenario, "other");
	assert_int_equal(p.time_limit_s, 7);
	assert_int_equal(p.plant.count, 2);
	assert_true(hm_slice_eq(hm_slice_of(&p.plant.file[0].content), HM_SLICE("setting 1\n")));
	assert_string_equal(p.plant.file[1].path, "/etc/y");
	assert_int_equal(p.plant.file[1].mode, 0644);
	assert_string_equal(p.mirror.file[0].path, "a/b");
	assert_null(p.declaration);
	assert_int_equal(hm_product_define(&p, &fail), 0);
	assert_int_equal(json_array_size(p.definitions), 0);
}

#define HEAD "name: x\ncommand: [x]\n"
#define DECLARED HEAD "declaration:\n  author: project\n  source: s\n"

static void wrong_descriptions_are_refused(void **state HM_UNUSED)
{
	refuses(DECLARED "  authorities: {}\n", "no argument, no variable and no file");
	refuses(DECLARED "  authorities: {arguments: []}\n", "no argument, no variable and no file");
	refuses(DECLARED "  authorities: {environment: [{name: A=B, value: c}]}\n", "not the name of a variable");
	refuses(DECLARED "  authorities: {environment: [{name: A}]}\n", "value is missing");
	refuses(DECLARED "  authorities: {files: [{path: a, as: pem}]}\n", "path is an absolute one");
	refuses(DECLARED "  authorities: {files: [{path: /a/../b, as: pem}]}\n", "path is an absolute one");
	refuses(DECLARED "  authorities: {files: [{path: /a/*, as: pem}]}\n", "path is an absolute one");
	refuses(DECLARED "  authorities: {files: [{path: /a, as: jks}]}\n", "as is pem, der, added or keystore");
	refuses(DECLARED "  authorities: {command: [x]}\n", "no member is called command");
	refuses("name: z\ncommand: [x]\n", "line 1: name is not the file's");
	refuses("name: x\n", "command is missing");
	refuses("name: x\ncommand: []\n", "line 2: command is empty");
	refuses("name: x\ncommand: x\n", "command must be a list");
	refuses("name: x\ncommand: [x, 1]\n", "command must be a list of texts");
	refuses("name: x\ncommand: [x, '']\n", "command must be a list of texts");
	refuses("- x\n", "must have members");
	refuses(HEAD "colour: red\n", "line 3: product: no member is called colour");
	refuses(HEAD "time_limit_s: 0\n", "time_limit_s must be");
	refuses(HEAD "time_limit_s: -5\n", "number from 0");
	refuses(HEAD "scenario: ../x\n", "scenario");
	refuses(HEAD "samples: x\n", "absolute");
	refuses(HEAD "packages: [x/y]\n", "package's name");
	refuses(HEAD "supplier: {id: a, name: b}\n", "control is missing");
	refuses(HEAD "supplier: {id: a, name: b, control: {country: Russia, since: null, source: s}}\n", "two letters");
	refuses(HEAD "supplier: {id: a, name: b, control: {country: RU, since: null}}\n", "source is missing");
	refuses(HEAD "plant:\n  - {path: etc/x, text: z}\n", "line 4: path must be absolute");
	refuses(HEAD "plant:\n  - {path: /etc/../x, text: z}\n", "path must be absolute");
	refuses(HEAD "mirror:\n  - {path: /x, text: z}\n", "path must be relative");
	refuses(HEAD "mirror:\n  - {path: ../x, text: z}\n", "path must be relative");
	refuses(HEAD "plant:\n  - {path: /x}\n", "either text or file");
	refuses(HEAD "plant:\n  - {path: /x, text: z, file: conf}\n", "either text or file");
	refuses(HEAD "plant:\n  - {path: /x, file: ../x.yaml}\n", "must name one in products/files");
	refuses(HEAD "plant: [x]\n", "must have members");
	refuses(HEAD "definitions: {kind: clamav, installed: /x, folder: /d, sample: s, offset: 0, length: 16}\n", "samples is missing");
	refuses(HEAD "samples: /s\ndefinitions: {kind: other, installed: /x, folder: /d, sample: s, offset: 0, length: 16}\n", "kind must be");
	refuses(HEAD "samples: /s\ndefinitions: {kind: clamav, installed: /x, folder: /d, sample: ../s, offset: 0, length: 16}\n", "not a path");
}

static void wrong_declarations_are_refused(void **state HM_UNUSED)
{
	refuses(HEAD "declaration:\n  author: vendor\n  source: s\n", "author is");
	refuses(HEAD "declaration:\n  author: project\n", "source is missing");
	refuses(DECLARED "  collects: [{value: crc32}]\n", "value is one of");
	refuses(DECLARED "  collects: [{value: md5, of: page}]\n", "of is file or part");
	refuses(DECLARED "  collects: [{value: md5, to: a.example}]\n", "not NAME:PORT");
	refuses(DECLARED "  collects: [{of: file}]\n", "value is missing");
	refuses(DECLARED "  product: x\n", "no member is called product");
	refuses(DECLARED "  writes: [tmp/x]\n", "not an absolute path");
	refuses(DECLARED "  writes: ['{home}/x']\n", "not an absolute path");
	refuses(DECLARED "  writes: ['/a{target}']\n", "not an absolute path");
	refuses(DECLARED "  writes: ['{target}x']\n", "not an absolute path");
	refuses(DECLARED "  writes: [/a/**/b]\n", "** is only for the last component");
	refuses(DECLARED "  writes: [/a/b**]\n", "** is only for the last component");
	refuses(DECLARED "  reads: [/a/../b]\n", "/../");
	refuses(DECLARED "  reads: [1]\n", "an item is a text");
	refuses(DECLARED "  reads:\n    - {is: /x}\n", "line 7: reads: source is missing");
	refuses(DECLARED "  privileges: [root]\n", "neither CAP_... nor uid N");
	refuses(DECLARED "  privileges: [uid x]\n", "neither CAP_... nor uid N");
	refuses(DECLARED "  endpoints:\n    - {name: A.example, port: 1, proto: tcp}\n", "lower-case");
	refuses(DECLARED "  endpoints:\n    - {name: a.example., port: 1, proto: tcp}\n", "lower-case");
	refuses(DECLARED "  endpoints:\n    - {name: '[x]', port: 1, proto: tcp}\n", "brackets");
	refuses(DECLARED "  endpoints:\n    - {name: a, port: 0, proto: tcp}\n", "port must be");
	refuses(DECLARED "  endpoints:\n    - {name: a, port: 65536, proto: tcp}\n", "port must be");
	refuses(DECLARED "  endpoints:\n    - {name: a, port: 1, proto: sctp}\n", "proto tcp or udp");
	refuses(DECLARED "  listens:\n    - {name: a, port: 1, proto: tcp}\n", "no member is called name");
	refuses(DECLARED "  detects: {stream: 3, line: '{path} {name}'}\n", "stream is 1 or 2");
	refuses(DECLARED "  detects: {stream: 1, line: '{path}'}\n", "line holds");
}

static void unknown_names_are_wrong_usage(void **state HM_UNUSED)
{
	static const char *const names[] = { "nothing", "", "../x", ".", "-x", "X", "a/b" };

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		HM_CLEANUP(hm_product_release) struct hm_product p = { 0 };
		struct hm_fail fail = { 0 };

		assert_int_equal(hm_product_load(&p, DATA, names[i], &fail), HM_E_USAGE);
		assert_non_null(strstr(fail.text, "known: clamscan, freshclam, kesl, pyzor"));
	}
}

static int define(struct hm_product *p, const char *installed, unsigned offset, unsigned length, struct hm_fail *fail)
{
	HM_FREE char *yaml = hm_sprintf("name: x\ncommand: [scan, '--database={definitions}', '{target}']\nsamples: %s\ndefinitions: "
					"{kind: clamav, installed: %s, folder: /var/lib/d, sample: tool, offset: %u, length: %u}\n",
					SAMPLES, installed, offset, length);

	assert_int_equal(load(p, yaml, fail), 0);
	return hm_product_define(p, fail);
}

static void definitions_are_made_of_the_sample(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_product_release) struct hm_product p = { 0 }, beyond = { 0 }, little = { 0 };
	struct hm_fail fail = { 0 };

	assert_int_equal(define(&p, "/nonexistent", 2, 16, &fail), 0);
	assert_string_equal(p.argv[1], "--database=/var/lib/d");
	assert_string_equal(p.argv[2], "{target}");
	assert_int_equal(p.plant.count, 2);
	assert_string_equal(p.plant.file[0].path, "/var/lib/d/hallmark.hdb");
	/* MD5 of "#!/bin/sh\necho tool\n", 20 bytes; the body is "/bin/sh\necho too" */
	assert_true(hm_slice_eq(hm_slice_of(&p.plant.file[0].content),
				HM_SLICE("44d88612fea8a8f36de82e1278abb02f:68:Hallmark.Test.Eicar\n"
					 "96ea3542c66f3a9889d2395ed319505b:20:Hallmark.Test.Program\n")));
	assert_true(hm_slice_eq(hm_slice_of(&p.plant.file[1].content),
				HM_SLICE("Hallmark.Test.Body:0:*:2f62696e2f73680a6563686f20746f6f\n")));
	assert_int_equal(json_array_size(p.definitions), 2);
	assert_string_equal(text_at(json_array_get(p.definitions, 0), "name"), "hallmark.hdb");
	assert_true(json_is_null(json_object_get(json_array_get(p.definitions, 0), "version")));
	assert_int_equal(strlen(text_at(json_array_get(p.definitions, 0), "sha256")), 64);
	assert_int_equal(define(&beyond, "/nonexistent", 8, 16, &fail), HM_E_BAD);
	assert_int_equal(define(&little, "/nonexistent", 0, 15, &fail), HM_E_BAD);
}

static void installed_definitions_are_used(void **state HM_UNUSED)
{
	char folder[] = "/tmp/hm-product-XXXXXX", head[600];
	HM_CLEANUP(hm_product_release) struct hm_product p = { 0 }, none = { 0 };
	HM_FREE char *daily = NULL, *bytecode = NULL, *expected = NULL;
	struct hm_fail fail = { 0 };

	assert_non_null(mkdtemp(folder));
	daily = hm_sprintf("%s/daily.cvd", folder);
	bytecode = hm_sprintf("%s/bytecode.cvd", folder);
	expected = hm_sprintf("--database=%s", folder);
	memset(head, ' ', sizeof(head));
	memcpy(head, "ClamAV-VDB:01 May 2024 10-00 +0000:27262:2060000:90:x:y:z:1", 59);
	assert_int_equal(hm_fs_write_atomic(bytecode, (struct hm_slice){ (uint8_t *)head, sizeof(head) }, 0644, &fail), 0);
	assert_int_equal(define(&none, folder, 2, 16, &fail), 0);
	assert_int_equal(none.plant.count, 2); /* bytecode alone detects little */
	assert_int_equal(json_array_size(none.definitions), 2);
	assert_int_equal(hm_fs_write_atomic(daily, (struct hm_slice){ (uint8_t *)head, sizeof(head) }, 0644, &fail), 0);
	assert_int_equal(define(&p, folder, 2, 16, &fail), 0);
	assert_string_equal(p.argv[1], expected);
	assert_int_equal(p.plant.count, 0);
	assert_int_equal(json_array_size(p.definitions), 2);
	assert_string_equal(text_at(json_array_get(p.definitions, 1), "name"), "daily.cvd");
	assert_string_equal(text_at(json_array_get(p.definitions, 1), "version"), "27262");
	assert_int_equal(hm_fs_remove_tree(folder, &fail), 0);
}

static void declaration_of_an_assessor(void **state HM_UNUSED)
{
	char path[] = "/tmp/hm-declaration-XXXXXX";
	int fd = mkstemp(path);
	HM_JSON json_t *d = NULL;
	struct hm_fail fail = { 0 };

	assert_true(fd >= 0);
	assert_int_equal(hm_fs_write_all(fd, HM_SLICE("author: assessor\nsource: me\nendpoints: []\n"), &fail), 0);
	assert_int_equal(hm_product_declaration(&d, path, &fail), HM_E_BAD);
	assert_non_null(strstr(fail.text, "product is missing"));
	assert_int_equal(hm_fs_write_all(fd, HM_SLICE("product: x\n"), &fail), 0);
	assert_int_equal(hm_product_declaration(&d, path, &fail), 0);
	assert_string_equal(text_at(d, "product"), "x");
	assert_string_equal(text_at(d, "schema"), "hallmark/declaration/v1");
	close(fd);
	unlink(path);
	assert_int_equal(hm_product_declaration(&d, path, &fail), HM_E_SYSTEM);
}

static int claims(const char *json)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	char folder[] = "/tmp/hm-product-XXXXXX";
	HM_FREE char *below = NULL, *path = NULL;
	struct hm_fail fail = { 0 };
	int r;

	assert_non_null(mkdtemp(folder));
	below = hm_sprintf("%s/claims", folder);
	path = hm_sprintf("%s/claims.json", below);
	assert_int_equal(hm_fs_mkdirs(below, 0755, &fail), 0);
	assert_int_equal(hm_fs_write_atomic(path, hm_slice_text(json), 0644, &fail), 0);
	r = hm_product_claims(&out, folder, &fail);
	assert_int_equal(hm_fs_remove_tree(folder, &fail), 0);
	return r;
}

#define CLAIM(id) "{\"id\":\"" id "\",\"question\":1,\"statement\":\"s\"}"
#define CLAIMS(list) "{\"claims\":[" list "],\"schema\":\"hallmark/claims/v1\"}"

static void the_claim_set(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	struct hm_fail fail = { 0 };
	HM_JSON json_t *top = NULL;

	assert_int_equal(hm_product_claims(&out, DATA, &fail), 0);
	assert_int_equal(hm_json_parse_canonical(&top, hm_slice_of(&out), "claims.json", &fail), 0);
	assert_int_equal(json_array_size(json_object_get(top, "claims")), 27);
	assert_int_equal(claims(CLAIMS(CLAIM("a") "," CLAIM("b"))), 0);
	assert_int_equal(claims(CLAIMS(CLAIM("b") "," CLAIM("a"))), HM_E_BAD);
	assert_int_equal(claims(CLAIMS(CLAIM("a") "," CLAIM("a"))), HM_E_BAD);
	assert_int_equal(claims(CLAIMS(CLAIM("a")) "\n"), HM_E_BAD);
	assert_int_equal(claims(CLAIMS("{\"id\":\"a\",\"question\":5,\"statement\":\"s\"}")), HM_E_BAD);
	assert_int_equal(claims(CLAIMS("{\"id\":\"a\",\"question\":1}")), HM_E_BAD);
	assert_int_equal(claims("{\"claims\":[],\"schema\":\"hallmark/claims/v2\"}"), HM_E_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_product_of_ours_loads),
		cmocka_unit_test(every_row_of_kesl_has_its_source),
		cmocka_unit_test(an_absent_list_is_not_an_empty_one),
		cmocka_unit_test(what_is_sent_is_declared),
		cmocka_unit_test(other_authorities_are_declared),
		cmocka_unit_test(everything_of_a_description_arrives),
		cmocka_unit_test(wrong_descriptions_are_refused),
		cmocka_unit_test(wrong_declarations_are_refused),
		cmocka_unit_test(unknown_names_are_wrong_usage),
		cmocka_unit_test(definitions_are_made_of_the_sample),
		cmocka_unit_test(installed_definitions_are_used),
		cmocka_unit_test(declaration_of_an_assessor),
		cmocka_unit_test(the_claim_set),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
