#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "binary.h"
#include "fs.h"
#include "scan.h"

static int observe(void *cookie, const struct hm_observation *o, struct hm_fail *fail HM_UNUSED)
{
	hm_bytes_printf(cookie, "%s %s|%s\n", hm_observation_kind_name(o->kind), o->value, o->detail ? o->detail : "");
	return 0;
}

static const struct hm_scan_pattern patterns[] = {
	{ HM_SCAN_STRING, "needle" },	      { HM_SCAN_STRING, "a+b(c" },	 { HM_SCAN_DOMAIN, "update.example" },
	{ HM_SCAN_DOMAIN, ".example.org" },   { HM_SCAN_SYMBOL, "ExampleInit" }, { HM_SCAN_SYMBOL, "ExampleNot" },
	{ HM_SCAN_LICENCE, "laws of Example" },
};

static struct hm_scan *scan;
static struct hm_scan_room *room;

static int open_scan(void **state HM_UNUSED)
{
	return hm_scan_open(&scan, patterns, HM_COUNT(patterns), NULL) || hm_scan_room(&room, scan, NULL);
}

static int close_scan(void **state HM_UNUSED)
{
	hm_scan_leave(room);
	hm_scan_close(scan);
	return 0;
}

static void expect(const char *path, struct hm_slice bytes, const char *lines)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes seen = { 0 };
	struct hm_scan_file file = { bytes, path, NULL, HM_SCAN_DATA };
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_scan_read(scan, room, &file, observe, &seen, &fail), 0);
	hm_bytes_u8(&seen, 0);
	assert_string_equal((char *)seen.data, lines);
}

#define SCRIPT(text, lines) expect("x", HM_SLICE("#!/bin/sh\n" text), lines)

static void texts(void **state HM_UNUSED)
{
	SCRIPT("needle needle", "string needle|in a script\n");
	SCRIPT("Needle", "");
	SCRIPT("xa+b(cx", "string a+b(c|in a script\n");
	SCRIPT("https://Update.Example/", "domain update.example|in a script\n");
	SCRIPT("see update.example.", "domain update.example|in a script\n");
	SCRIPT("update.example. And", "domain update.example|in a script\n");
	SCRIPT("my-update.example update.example.com xupdate.example", "");
	SCRIPT("update.examples then update.example", "domain update.example|in a script\n");
	SCRIPT("a.example.org", "domain .example.org|in a script\n");
	SCRIPT("//example.org:80", "domain .example.org|in a script\n");
	SCRIPT("anexample.org example.org.uk", "");
	/* In data, names tell nothing. */
	expect("hwdb.txt", HM_SLICE("needle update.example"), "");
	expect("EULA.txt", HM_SLICE("needle; the LAWS\n * of\tExample"), "licence laws of Example|in a licence text\n");
	expect("readme.txt", HM_SLICE("laws of Example"), "");
	expect("opt/oem/etc/updater.ini", HM_SLICE("needle; server=update.example"), "domain update.example|in settings\n");
	expect("/etc/a.conf", HM_SLICE("update.example"), "domain update.example|in settings\n");
	expect("usr/share/a/a.conf", HM_SLICE("update.example"), "");
	expect("/etc/a.db", HM_SLICE("update.example"), "");
	expect("/etc/a.conf", HM_SLICE("\0update.example"), "");
	expect("x", HM_SLICE("MZ\0n\0e\0e\0d\0l\0e\0"), "string needle|in an executable\n");
}

#define WIDE(text, lines) expect("x", HM_SLICE("MZ" text), lines)

static void wide_names(void **state HM_UNUSED)
{
	WIDE("/\0u\0p\0d\0a\0t\0e\0.\0E\0x\0a\0m\0p\0l\0e\0/\0", "domain update.example|in an executable\n");
	WIDE("/\0u\0p\0d\0a\0t\0e\0.\0e\0x\0a\0m\0p\0l\0e\0s\0", "");
	WIDE("/\0u\0p\0d\0a\0t\0e\0.\0e\0x\0a\0m\0p\0l\0e\0.\0c\0o\0m\0", "");
	WIDE("x\0u\0p\0d\0a\0t\0e\0.\0e\0x\0a\0m\0p\0l\0e\0", "");
	WIDE(" \0a\0.\0e\0x\0a\0m\0p\0l\0e\0.\0o\0r\0g\0.\0", "domain .example.org|in an executable\n");
	WIDE(" \0a\0e\0x\0a\0m\0p\0l\0e\0.\0o\0r\0g\0", "");
}

/* Tables are anybody's: what Hyperscan would take minutes for is refused, what it need not take them for is quick. */
static void many(void **state HM_UNUSED)
{
	static const struct {
		enum hm_scan_place place;
		const char *before, *behind; /* its number */
		unsigned count;
		int result;
	} tables[] = { { HM_SCAN_DOMAIN, ".a", ".example.com", 4000, 0 }, { HM_SCAN_STRING, "text", "", 16385, HM_E_USAGE }, { HM_SCAN_LICENCE, "the software ", " is", 4000, HM_E_USAGE } };

	for (size_t i = 0; i < HM_COUNT(tables); i++) {
		struct hm_scan_pattern *p = hm_alloc(tables[i].count, sizeof(*p));
		struct hm_scan *big = NULL;
		struct hm_fail fail = { 0 };

		for (unsigned j = 0; j < tables[i].count; j++)
			p[j] = (struct hm_scan_pattern){ tables[i].place, hm_sprintf("%s%05u%s", tables[i].before, j, tables[i].behind) };
		assert_int_equal(hm_scan_open(&big, p, tables[i].count, &fail), tables[i].result);
		hm_scan_close(big);
		for (unsigned j = 0; j < tables[i].count; j++)
			free((char *)(uintptr_t)p[j].text);
		free(p);
	}
}

static void corpus(const char *name, const char *path, const char *lines)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };
	HM_FREE char *from = hm_sprintf(HM_TEST_DATA "/fuzz/corpus/%s", name);
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_fs_read(&bytes, from, 1 << 20, &fail), 0);
	expect(path, hm_slice_of(&bytes), lines);
}

/* Made by gcc, objcopy and osslsigncode. */
static void executables(void **state HM_UNUSED)
{
	corpus("executable/elf", "renamed",
	       "soname libexample.so.1|\npackage kesl|11; os debian\n"
	       "package example.org/outer|v1\npurl pkg:golang/example.org/outer@v1|example.org/outer\n"
	       "package example.org/kav|v1.2.3\npurl pkg:golang/example.org/kav@v1.2.3|example.org/kav\npackage serde|1.0.1\n"
	       "purl pkg:cargo/serde@1.0.1|serde\nstring needle|in an executable\ndomain update.example|in an executable\ndomain .example.org|in an executable\nsymbol ExampleInit|exported\n");
	corpus("executable/pe", "renamed",
	       "signer AO Example Lab|organisation; signature holds, issuer not checked\nsigner S|common name; signature holds, issuer not checked\n"
	       "version AO Example Lab|CompanyName\nversion Ex\xc3\xa4mple|ProductName\nsoname example.dll|\n"
	       "symbol ExampleInit|exported\n");
}

static void kernel_modules(void **state HM_UNUSED)
{
	corpus("executable/module", "x.ko", "signer AO Example Lab|organisation; module signature, not checked\nsigner Module Key|common name; module signature, not checked\n");
}

static void a_changed_file_is_not_what_was_signed(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_fs_read(&bytes, HM_TEST_DATA "/fuzz/corpus/executable/pe", 1 << 20, &fail), 0);
	bytes.data[2] ^= 1; /* in the DOS header, where nothing is looked for */
	expect("x", hm_slice_of(&bytes),
	       "signer AO Example Lab|organisation; signature does not hold: the file is not what was signed\nsigner S|common name; signature does not hold: the file is not what was signed\n"
	       "version AO Example Lab|CompanyName\nversion Ex\xc3\xa4mple|ProductName\nsoname example.dll|\nsymbol ExampleInit|exported\n");
}

static int verified(void *cookie, const struct hm_observation *o, struct hm_fail *fail HM_UNUSED)
{
	if (o->kind == HM_OBSERVED_SIGNER)
		hm_bytes_printf(cookie, "%s%s|%s\n", o->verified ? "verified " : "", o->value, o->detail);
	return 0;
}

static void expect_signer(const char *roots, uint8_t change, const char *lines)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 }, seen = { 0 };
	struct hm_binary_file file = { .path = "x" };
	struct hm_binary_trust *trust = NULL;
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_fs_read(&bytes, HM_TEST_DATA "/fuzz/corpus/executable/pe", 1 << 20, &fail), 0);
	bytes.data[2] ^= change;
	trust = hm_binary_trust_new();
	assert_int_equal(hm_binary_trust_roots(trust, roots, &fail), 0);
	file.bytes = hm_slice_of(&bytes);
	file.trust = trust;
	assert_int_equal(hm_binary_read(&file, verified, &seen, &fail), 0);
	hm_binary_trust_free(trust);
	hm_bytes_u8(&seen, 0);
	assert_string_equal((char *)seen.data, lines);
}

static void who_issued_the_certificate(void **state HM_UNUSED)
{
	struct hm_binary_trust *trust = NULL;
	struct hm_fail fail = { 0 };

	expect_signer(HM_TEST_DATA "/unit/scan/data/signer.pem", 0,
		      "verified AO Example Lab|organisation; signature holds, issuer trusted\nverified S|common name; signature holds, issuer trusted\n");
	expect_signer(HM_TEST_DATA "/unit/scan/data/stranger.pem", 0,
		      "AO Example Lab|organisation; signature holds, issuer not trusted\nS|common name; signature holds, issuer not trusted\n");
	expect_signer(HM_TEST_DATA "/unit/scan/data/signer.pem", 1,
		      "AO Example Lab|organisation; signature does not hold: the file is not what was signed\nS|common name; signature does not hold: the file is not what was signed\n");
	trust = hm_binary_trust_new();
	assert_int_equal(hm_binary_trust_roots(trust, HM_TEST_DATA "/fuzz/corpus/executable/pe", &fail), HM_E_SYSTEM);
	hm_binary_trust_free(trust);
}

#define SIGNED HM_TEST_DATA "/unit/scan/data/signed/"

/* The signers of a file that osslsigncode signed (data/signed/make.py), then what is told of it, in what. `flip`: a byte that is changed, or 0. */
static void expect_signed(const char *name, size_t flip, const char *lines)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 }, seen = { 0 };
	HM_FREE char *path = hm_sprintf(SIGNED "%s", name), *inside = NULL;
	struct hm_binary_trust *trust = hm_binary_trust_new();
	struct hm_binary_file file = { .path = "x", .trust = trust, .inside = &inside };
	struct hm_fail fail = { 0 };

	hm_binary_trust_attester(trust, "platform publisher of OTHERS");
	assert_int_equal(hm_binary_trust_roots(trust, SIGNED "root.pem", &fail), 0);
	assert_int_equal(hm_fs_read(&bytes, path, 1 << 20, &fail), 0);
	if (flip)
		bytes.data[flip] ^= 1;
	file.bytes = hm_slice_of(&bytes);
	assert_int_equal(hm_binary_read(&file, verified, &seen, &fail), 0);
	hm_bytes_printf(&seen, "%s", inside ? inside : "nobody's");
	hm_bytes_u8(&seen, 0);
	hm_binary_trust_free(trust);
	assert_string_equal((char *)seen.data, lines);
}

#define SIGNER(verified, who, why) verified who "|organisation; " why "\n" verified who "|common name; " why "\n"
#define EXAMPLE(verified, why) SIGNER(verified, "Example Software JSC", why)
#define EXAMPLES "signed by Example Software JSC"

static void signatures(void **state HM_UNUSED)
{
	expect_signed("good.exe", 0, EXAMPLE("verified ", "signature holds, issuer trusted") EXAMPLES);
	expect_signed("good.exe", 0x420, EXAMPLE("", "signature does not hold: the file is not what was signed") "nobody's");
	/* The end of the signature's own bytes; behind it are at most seven of padding. */
	expect_signed("good.exe", 3024 - 16, EXAMPLE("", "signature does not hold") "nobody's");
	expect_signed("false.exe", 0, EXAMPLE("", "signature holds, issuer not trusted") EXAMPLES);
	expect_signed("server.exe", 0, EXAMPLE("", "signature holds, issuer not trusted") EXAMPLES);
	expect_signed("md5.exe", 0, EXAMPLE("", "signature holds by MD5 alone, which anybody can make fit") EXAMPLES);
	expect_signed("expired.exe", 0, EXAMPLE("", "signature holds, but its certificate is out of date and no trusted stamp tells when it signed") EXAMPLES);
	expect_signed("stamped.exe", 0, EXAMPLE("verified ", "signature holds, issuer trusted when it was stamped") EXAMPLES);
	expect_signed("late.exe", 0, EXAMPLE("", "signature holds, but its certificate was out of date when it was stamped") EXAMPLES);
	expect_signed("falsestamp.exe", 0, EXAMPLE("", "signature holds, but its certificate is out of date and no trusted stamp tells when it signed") EXAMPLES);
	expect_signed("nested.exe", 0, SIGNER("verified ", "First Ltd", "signature holds, issuer trusted") EXAMPLE("verified ", "second signature; signature holds, issuer trusted") "signed by First Ltd");
	expect_signed("attested.exe", 0, "verified Platform Publisher of Others|signs what others make; signature holds, issuer trusted\nnobody's");
}

#define CVD_HEAD(md5) "ClamAV-VDB:14 May 2010 09-57 -0400:19:3:51:" md5 ":sig:builder:1273845420"

static void bases(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes cvd = { 0 };
	HM_FREE char *avc = NULL;

	hm_bytes_text(&cvd, CVD_HEAD("ae2b1fca515949e5d54fb22b8ed95575"));
	while (cvd.len < 512)
		hm_bytes_u8(&cvd, ' ');
	hm_bytes_text(&cvd, "testing");
	expect("renamed.bin", hm_slice_of(&cvd), "definitions clamav|cld, version 19 of 14 May 2010 09-57 -0400, 3 signatures; its MD5 holds, dated 2010-05-14\n");
	cvd.data[513] = 'x'; /* neither its MD5 nor a tar */
	expect("renamed.bin", hm_slice_of(&cvd), "");
	corpus("scan/cdiff", "x", "definitions clamav|cdiff, update to version 2\n");
	expect("x", HM_SLICE("ClamAV-VDB: is how they begin"), "");
	expect("x", HM_SLICE("YARA is a tool"), "");
	avc = hm_sprintf("AVP Antiviral Database. (c)Kaspersky Lab 1997-2013.%77s", "");
	memset(avc + 51, 0, 77);
	expect("renamed", (struct hm_slice){ (uint8_t *)avc, 128 }, "definitions kaspersky|avc, 1997-2013\n");
	memset(avc + 51, 'x', 77); /* somebody quotes the banner */
	expect("renamed", (struct hm_slice){ (uint8_t *)avc, 128 }, "");
	/* The index of an update tree, by its name and what is in it. */
	expect("/a/index/u0607g.xml", HM_SLICE("<?xml version=\"1.0\"?>\n<Update UpdateDate=\"28092024 2359\">"), "definitions kaspersky.index|update index, dated 2024-09-28\n");
	expect("/a/KDB-i386-0607G.XML", HM_SLICE("<?xml?><x UpdateDate=\"01102024 0000\"/>"), "definitions kaspersky.index|update index, dated 2024-10-01\n");
	expect("/a/other.xml", HM_SLICE("<?xml?><x UpdateDate=\"01102024 0000\"/>"), "");
	expect("u0607g.xml", HM_SLICE("<?xml?><x UpdateDate=\"31132024 0000\"/>"), "");
	expect("u0607g.xml", HM_SLICE("<?xml?><x UpdateDate=\"01102024 00"), "");
	expect("u0607g.xml", HM_SLICE("<?xml?><x UpdateDate=\"0110202x 0000\"/>"), "");
}

static void refused(void **state HM_UNUSED)
{
	const struct hm_scan_pattern brief = { HM_SCAN_STRING, "abc" };
	struct hm_scan *other = NULL;
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_scan_open(&other, &brief, 1, &fail), HM_E_USAGE);
	assert_null(other);
	assert_int_equal(hm_scan_open(&other, NULL, 0, &fail), 0);
	hm_scan_close(other);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(texts), cmocka_unit_test(wide_names), cmocka_unit_test(many), cmocka_unit_test(executables), cmocka_unit_test(kernel_modules), cmocka_unit_test(a_changed_file_is_not_what_was_signed),
		cmocka_unit_test(who_issued_the_certificate), cmocka_unit_test(signatures),
		cmocka_unit_test(bases), cmocka_unit_test(refused),
	};

	return cmocka_run_group_tests(tests, open_scan, close_scan);
}
