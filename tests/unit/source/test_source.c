#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>
#include <sqlite3.h>
#include <zlib.h>

#include "digest.h"
#include "fs.h"
#include "source.h"
#include "text.h"

/* What was observed, a line each: kind state value|detail. */
static int observe(void *cookie, const struct hm_observation *o, struct hm_fail *fail HM_UNUSED)
{
	hm_bytes_printf(cookie, "%s %s%s %s|%s\n", hm_observation_kind_name(o->kind), hm_observed_state_name(o->state), o->verified ? " verified" : "",
			o->value, o->detail ? o->detail : "");
	return 0;
}

static int stop(void *cookie HM_UNUSED, const struct hm_observation *o HM_UNUSED, struct hm_fail *fail HM_UNUSED)
{
	return HM_E_INTERRUPTED;
}

static struct hm_source_file file_of(const char *path, struct hm_slice bytes)
{
	return (struct hm_source_file){ .path = hm_slice_text(path), .bytes = bytes };
}

static void expect(const char *path, struct hm_slice bytes, int result, const char *lines)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes seen = { 0 };
	struct hm_source_file file = file_of(path, bytes);
	const struct hm_source *source = hm_source_for(file.path, bytes);
	struct hm_fail fail = { 0 };

	assert_non_null(source);
	assert_int_equal(hm_source_read(source, &file, observe, &seen, &fail), result);
	assert_int_equal(fail.text[0] != 0, result != 0);
	hm_bytes_u8(&seen, 0);
	assert_string_equal((char *)seen.data, lines);
}

#define EXPECT_TEXT(path, text, result, lines) expect(path, hm_slice_text(text), result, lines)

static const char *name_of(const char *path, const char *head)
{
	const struct hm_source *s = hm_source_for(hm_slice_text(path), hm_slice_text(head));

	return s ? hm_source_name(s) : "";
}

static void paths(void **state HM_UNUSED)
{
	assert_string_equal(name_of("/var/lib/dpkg/status", ""), "dpkg");
	assert_string_equal(name_of("mnt/image/var/lib/dpkg/status", ""), "dpkg");
	assert_string_equal(name_of("xvar/lib/dpkg/status", ""), "");
	assert_string_equal(name_of("var/lib/dpkg/status-old", ""), "");
	assert_string_equal(name_of("var/lib/dpkg/status.d/base", ""), "dpkg");
	assert_string_equal(name_of("lib/apk/db/installed", ""), "apk");
	assert_string_equal(name_of("usr/lib/sysimage/rpm/Packages.db", ""), "rpm");
	assert_string_equal(name_of("a/node_modules/b/package.json", ""), "npm");
	assert_string_equal(name_of("a/node_modules/@s/b/package.json", ""), "npm");
	assert_string_equal(name_of("a/node_modules/b/c/package.json", ""), "");
	assert_string_equal(name_of("package.json", ""), "");
	assert_string_equal(name_of("x/Some_Thing-1.0.dist-info/METADATA", ""), "pypi");
	assert_string_equal(name_of("META-INF/maven/g/a/pom.properties", ""), "maven");
	assert_string_equal(name_of("x.json", "{\"bomFormat\":\"CycloneDX\""), "cyclonedx");
	assert_string_equal(name_of("x.json", "{\"spdxVersion\":\"SPDX-2.3\""), "spdx");
	assert_string_equal(name_of("x.json", "{\"name\":1}"), "");
	assert_string_equal(name_of("x.json", "{\"$schema\":\"http://json-schema.org/draft-07/schema#\",\"required\":[\"bomFormat\"]}"), "");
	assert_string_equal(name_of("", ""), "");
	assert_string_equal(name_of("///", ""), "");
	assert_true(hm_source_needs_head(hm_slice_text("a/b.json")));
	assert_false(hm_source_needs_head(hm_slice_text("a/node_modules/b/package.json")));
	assert_false(hm_source_needs_head(hm_slice_text("a/b.txt")));
	assert_string_equal(name_of("debian/control", "Source: a"), "");
}

static void dpkg(void **state HM_UNUSED)
{
	EXPECT_TEXT("var/lib/dpkg/status",
		    "Package: one\nStatus: install ok installed\nVersion: 1:2.0-1\nMaintainer: A <a@b>\nDescription: x\n  Package: no\n\n"
		    "Package: two\nStatus: deinstall ok config-files\nVersion: 3\n\n"
		    "Package: three\nStatus: install ok unpacked\nVersion: 4\n\n"
		    "Package: four\nStatus: purge ok not-installed\n",
		    0,
		    "package installed one|1:2.0-1\norganisation installed A <a@b>|one\npackage residue two|3\npackage present three|4\n");
	/* What is not a stanza costs that stanza, and is told. */
	EXPECT_TEXT("var/lib/dpkg/status", "Status: install ok installed\n\nPackage: two\nVersion: 1\n", HM_E_BAD, "package installed two|1\n");
	EXPECT_TEXT("var/lib/dpkg/status", "rubbish\n", HM_E_BAD, "");
	EXPECT_TEXT("var/lib/dpkg/status", "", 0, "");
}

/* Nothing of the example is there but its driver. */
static int there(void *system HM_UNUSED, const struct hm_observation *o HM_UNUSED, const char *path)
{
	return strcmp(path, "/Windows/System32/DRIVERS/exdrv.sys") == 0;
}

/* A hive of the fuzz corpus (tests/estate/hive.py made it, hivexsh and libregf read it), of which the byte at `at` is changed, or which is cut there. */
static void expect_hive(const char *name, const char *path, size_t at, bool cut, int result, const char *lines)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 }, seen = { 0 };
	HM_FREE char *from = hm_sprintf(HM_TEST_DATA "/fuzz/corpus/source/%s", name);
	struct hm_source_file file = { .path = hm_slice_text(path), .there = there };
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_fs_read(&bytes, from, 1 << 20, &fail), 0);
	if (at)
		bytes.data[1 + at] ^= 1;
	file.bytes = (struct hm_slice){ bytes.data + 1, cut ? at : bytes.len - 1 };
	assert_int_equal(hm_source_read(hm_source_for(file.path, file.bytes), &file, observe, &seen, &fail), result);
	assert_int_equal(fail.text[0] != 0, result != 0);
	hm_bytes_u8(&seen, 0);
	assert_string_equal((char *)seen.data, lines);
}

#define SYSTEM_KEY(name) "registry residue HKLM\\System\\CurrentControlSet\\Services\\" name "|\n"
#define SYSTEM_LINES SYSTEM_KEY("exagent") "service residue exagent|\"C:\\Program Files\\Example\\agent.exe\" -s; starts by itself; its program is gone\n" \
	SYSTEM_KEY("exdrv") "kernel_module installed exdrv|\\SystemRoot\\System32\\DRIVERS\\exdrv.sys; starts with the system\n" \
	SYSTEM_KEY("idle") "service residue idle|%SystemRoot%\\system32\\svchost.exe -k x; never starts; its program is gone\n" \
	SYSTEM_KEY("nothing") "service installed nothing|D:\\x.exe; starts when it is asked for\n"

static void windows(void **state HM_UNUSED)
{
	assert_string_equal(name_of("Windows/System32/config/SOFTWARE", "regf\001"), "windows");
	assert_string_equal(name_of("usr/share/SOFTWARE", "text"), "");
	expect_hive("windows-system", "WINDOWS/system32/config/system", 0, false, 0, SYSTEM_LINES);
	/* The second of its numbers: it was not closed. */
	expect_hive("windows-system", "SYSTEM", 8, false, HM_E_BAD, SYSTEM_LINES);
	expect_hive("windows-system", "SYSTEM", 4096, true, HM_E_BAD, "");
	expect_hive("windows-user", "Users/a/NTUSER.DAT", 0, false, 0,
		    "package installed Mine|\nregistry residue HKCU\\Software\\Microsoft|\nregistry residue HKCU\\Software\\Microsoft\\Windows|\n"
		    "registry residue HKCU\\Software\\Microsoft\\Windows\\CurrentVersion|\nregistry residue HKCU\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall|\n"
		    "registry residue HKCU\\Software\\Own|\n");
	expect_hive("windows-software", "SOFTWARE", 0, false, 0,
		    "package residue Example Defence 12|12.1\norganisation residue AO Example Lab|Example Defence 12\npackage installed Gone|2\npackage installed \xd0\x9f\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80 \xe2\x82\xac\xf0\x9d\x84\x9e|\n"
		    "registry residue HKLM\\Software\\ExampleLab|\nregistry residue HKLM\\Software\\ExampleLab\\Sub|\n"
		    "registry residue HKLM\\Software\\Microsoft|\nregistry residue HKLM\\Software\\Microsoft\\Windows|\n"
		    "registry residue HKLM\\Software\\Microsoft\\Windows\\CurrentVersion|\nregistry residue HKLM\\Software\\Microsoft\\Windows\\CurrentVersion\\Uninstall|\n"
		    "registry residue HKLM\\Software\\Other|\n");
}

#define PLIST(inside) "<?xml version=\"1.0\"?><plist version=\"1.0\"><dict>" inside "</dict></plist>"

/* The corpus was made by Python's plistlib. */
static void macos(void **state HM_UNUSED)
{
	static const char bundle[] = "bundle present com.example.Agent|12.1\n";

	expect_hive("macos-bundle", "Applications/A.app/Contents/Info.plist", 0, false, 0, bundle);
	expect_hive("macos-bundle-binary", "Applications/A.app/Contents/Info.plist", 0, false, 0, bundle);
	expect_hive("macos-bundle-binary", "Applications/A.app/Contents/Info.plist", 200, true, HM_E_BAD, "");
	expect_hive("macos-receipt", "private/var/db/receipts/com.example.pkg.plist", 0, false, 0, "package installed com.example.pkg|3.0\nbundle installed com.example.pkg|3.0\n");
	expect_hive("macos-launchd", "System/Volumes/Data/Library/LaunchDaemons/x.plist", 0, false, 0, "service residue com.example.\xd0\xb0\xd0\xb3\xd0\xb5\xd0\xbd\xd1\x82|/Library/Example/agent\n");
	EXPECT_TEXT("Library/LaunchAgents/a.plist", PLIST("<key>Label</key><string>a &amp; b</string><key>Disabled</key><true/>"), 0, "service present a & b|\n");
	/* A key without its own value does not take the next one's, and what lies deeper is another's. */
	EXPECT_TEXT("Library/LaunchAgents/a.plist", PLIST("<key>Label</key><dict><key>Label</key><string>in</string></dict><key>Program</key><string>/a</string>"), 0, "");
	EXPECT_TEXT("Info.plist", PLIST("<key>CFBundleIdentifier</key><array><array><string>deep</string></array></array>"), 0, "");
	EXPECT_TEXT("Info.plist", "<?xml version=\"1.0\"?><!DOCTYPE plist [<!ENTITY a \"com.x\">]><plist><dict><key>CFBundleIdentifier</key><string>&a;</string></dict></plist>", HM_E_BAD, "");
	EXPECT_TEXT("Info.plist", "<?xml version=\"1.0\"?><plist><dict><key>CFBundleIdentifier</key><string>com.a", HM_E_BAD, "");
	/* The outermost is object 0 of 1, a dictionary whose key and value are itself. */
	expect("Info.plist", HM_SLICE("bplist00\xd1\0\0\x08" "\0\0\0\0\0\0\1\1" "\0\0\0\0\0\0\0\1" "\0\0\0\0\0\0\0\0" "\0\0\0\0\0\0\0\x0b"), 0, "");
	assert_string_equal(name_of("x/Info.plist", "text"), "");
}

/* Made by msitools' msibuild: the streams are small ones. What it carries is told as not read. */
static void installers(void **state HM_UNUSED)
{
	expect_hive("msi", "x/Setup.msi", 0, false, HM_E_BAD, "package present Example Defence 12|12.1.0\norganisation present AO Example Lab|Example Defence 12\n");
	/* Where its directory begins; where its small streams' table does; cut. */
	expect_hive("msi", "x/Setup.msi", 51, false, HM_E_BAD, "");
	expect_hive("msi", "x/Setup.msi", 63, false, HM_E_BAD, "");
	expect_hive("msi", "x/Setup.msi", 700, true, HM_E_BAD, "");
	assert_string_equal(name_of("x/Setup.msi", "text"), "");
}

static void text_databases(void **state HM_UNUSED)
{
	EXPECT_TEXT("lib/apk/db/installed", "C:Q1xx\nP:musl\nV:1.2\nm:Some One <s@o>\nL:MIT\nF:lib\nM:0:0:755\nR:a\n\nP:b\nV:2\n", 0,
		    "package installed musl|1.2\norganisation installed Some One <s@o>|musl\nlicence installed MIT|musl\npackage installed b|2\n");
	EXPECT_TEXT("var/lib/pacman/local/a-1/desc", "%NAME%\na\n\n%VERSION%\n1-1\n\n%PACKAGER%\nP <p@q>\n\n%LICENSE%\nGPL\nMIT\n", 0,
		    "package installed a|1-1\norganisation installed P <p@q>|a\nlicence installed GPL|a\n");
	EXPECT_TEXT("var/lib/flatpak/app/org.x/x86_64/stable/abc/metadata", "[Application]\nname=org.x.App\nruntime=r\n", 0,
		    "package installed org.x.App|stable\n");
	EXPECT_TEXT("snap/x/12/meta/snap.yaml", "name: x\nversion: '1.0'\napps:\n  name: y\n", 0, "package installed x|1.0\n");
	EXPECT_TEXT("snap/x/12/meta/snap.yaml", "apps:\n", HM_E_BAD, "");
	EXPECT_TEXT("var/lib/snapd/state.json", "{\"data\":{\"snaps\":{\"x\":{\"active\":true,\"sequence\":[{\"revision\":\"11\"},{\"revision\":\"12\"}]}}}}", 0,
		    "package installed x|12\n");
	EXPECT_TEXT("./control", "Package: kesl\nVersion: 11\nMaintainer: AO Example\n", 0,
		    "package present kesl|11\norganisation present AO Example|kesl\n");
	EXPECT_TEXT(".PKGINFO", "# made\npkgname = kesl\npkgver = 11-r0\npackager = B <b@c>\nlicense = Own\n", 0,
		    "package present kesl|11-r0\norganisation present B <b@c>|kesl\nlicence present Own|kesl\n");
}

static void languages(void **state HM_UNUSED)
{
	EXPECT_TEXT("node_modules/@k/ui/package.json", "{\"name\":\"@k/ui\",\"version\":\"1.0\",\"author\":{\"name\":\"K\"},\"x\":1.5}", 0,
		    "package installed @k/ui|1.0\npurl installed pkg:npm/%40k/ui@1.0|@k/ui\norganisation installed K|@k/ui\n");
	EXPECT_TEXT("node_modules/a/package.json", "{\"type\":\"module\"}", 0, "");
	EXPECT_TEXT("node_modules/a/package.json", "{\"name\":\"a b\"}", 0, "package installed a b|\n");
	EXPECT_TEXT("/package/package.json", "{\"name\":\"a\"}", 0, "package present a|\npurl present pkg:npm/a|a\n");
	EXPECT_TEXT("node_modules/a/package.json", "[]", HM_E_BAD, "");
	EXPECT_TEXT("package-lock.json", "{\"packages\":{\"\":{\"name\":\"me\"},\"node_modules/a/node_modules/@b/c\":{\"version\":\"2\"}}}", 0,
		    "package present @b/c|2\npurl present pkg:npm/%40b/c@2|@b/c\n");
	EXPECT_TEXT("package-lock.json", "{\"packages\":{\"node_modules/short\":{\"name\":\"@k/long\",\"version\":\"2\"}}}", 0, "package present @k/long|2\npurl present pkg:npm/%40k/long@2|@k/long\n");
	EXPECT_TEXT("a/yarn.lock", "# yarn lockfile v1\n\n\n\"@k/a@^1.0.0\", \"@k/a@^1.2.0\":\n  version \"1.2.3\"\n  resolved \"x\"\n  dependencies:\n    b \"1\"\n\nb@1, b@~1:\n  version \"1.0\"\n", 0,
		    "package present @k/a|1.2.3\npurl present pkg:npm/%40k/a@1.2.3|@k/a\npackage present b|1.0\npurl present pkg:npm/b@1.0|b\n");
	EXPECT_TEXT("yarn.lock", "__metadata:\n  version: 8\n\n\"@k/a@npm:^1.0.0, @k/a@npm:^1.2.0\":\n  version: 1.2.3\n  resolution: \"@k/a@npm:1.2.3\"\n\n\"me@workspace:.\":\n  version: 0.0.0\n\n"
		    "\"short@npm:@k/long@^2\":\n  version: 2.1\n", 0,
		    "package present @k/a|1.2.3\npurl present pkg:npm/%40k/a@1.2.3|@k/a\npackage present @k/long|2.1\npurl present pkg:npm/%40k/long@2.1|@k/long\n");
	EXPECT_TEXT("pnpm-lock.yaml", "lockfileVersion: '9.0'\nimporters:\n  .:\n    dependencies:\n      x: 1\npackages:\n\n  '@k/a@1.2.3':\n    resolution: {integrity: y}\n  /b@1.0(c@2):\n    dev: true\n"
		    "  /@k/old/0.9:\n    x: y\nsnapshots:\n  z@1:\n", 0,
		    "package present @k/a|1.2.3\npurl present pkg:npm/%40k/a@1.2.3|@k/a\npackage present b|1.0\npurl present pkg:npm/b@1.0|b\npackage present @k/old|0.9\npurl present pkg:npm/%40k/old@0.9|@k/old\n");
	EXPECT_TEXT("lib/apk/db/installed.adb", "ADB.data", HM_E_BAD, "");
	EXPECT_TEXT("package-lock.json", "{\"dependencies\":{\"a\":{\"version\":\"2\"}}}", 0, "package present a|2\npurl present pkg:npm/a@2|a\n");
	EXPECT_TEXT("vendor/composer/installed.json", "{\"packages\":[{\"name\":\"k/ui\",\"version\":\"v1\",\"authors\":[{\"name\":\"K\"}]}]}", 0,
		    "package installed k/ui|v1\npurl installed pkg:composer/k/ui@v1|k/ui\norganisation installed K|k/ui\n");
	EXPECT_TEXT("vendor/composer/installed.json", "{}", HM_E_BAD, "");
	EXPECT_TEXT("opt/a/a.deps.json", "{\"libraries\":{\"K.Sdk/1.0\":{\"type\":\"package\"}}}", 0,
		    "package installed K.Sdk|1.0\npurl installed pkg:nuget/K.Sdk@1.0|K.Sdk\n");
	EXPECT_TEXT("env/conda-meta/a-1.json", "{\"name\":\"a\",\"version\":\"1\"}", 0, "package installed a|1\npurl installed pkg:conda/a@1|a\n");
	EXPECT_TEXT("usr/lib/opkg/status", "Package: a\nVersion: 1\nStatus: install user installed\n", 0, "package installed a|1\n");
	EXPECT_TEXT("x/a-1.dist-info/METADATA", "Metadata-Version: 2.1\nName: A_b\nVersion: 1\nAuthor-email: B <b@c>\n\nName: not this\n", 0,
		    "package installed A_b|1\npurl installed pkg:pypi/a-b@1|A_b\norganisation installed B <b@c>|A_b\n");
	EXPECT_TEXT("META-INF/maven/g/a/pom.properties", "#x\nversion=1\ngroupId=com.g\nartifactId = a\n", 0,
		    "package installed com.g:a|1\npurl installed pkg:maven/com.g/a@1|com.g:a\norganisation installed com.g|com.g:a\n");
	EXPECT_TEXT("META-INF/MANIFEST.MF", "Manifest-Version: 1.0\r\nBundle-SymbolicName: s\r\nBundle-Vendor: V\r\n\r\n", 0,
		    "package installed s|\norganisation installed V|s\n");
}

/* A header of rpm with the tags that matter. */
static void header(struct hm_bytes *out, const char *sha256)
{
	static const struct {
		unsigned tag, type, count;
		const char *data;
		size_t len;
	} rows[] = {
		{ 1000, 6, 1, "kesl\0", 5 },
		{ 1001, 6, 1, "11.2\0", 5 },
		{ 1002, 6, 1, "4\0", 2 },
		{ 1011, 6, 1, "AO Example\0", 11 },
		{ 1035, 8, 1, NULL, 65 },
		{ 1116, 4, 1, "\0\0\0\0", 4 },
		{ 1117, 8, 1, "tool\0", 5 },
		{ 1118, 8, 1, "/opt/x/\0", 8 },
		{ 5011, 4, 1, "\0\0\0\x08", 4 },
	};
	struct hm_bytes data = { 0 }, index = { 0 };

	for (size_t i = 0; i < HM_COUNT(rows); i++) {
		unsigned long numbers[] = { rows[i].tag, rows[i].type, data.len, rows[i].count };

		for (size_t k = 0; k < 4; k++)
			for (int shift = 24; shift >= 0; shift -= 8)
				hm_bytes_u8(&index, (uint8_t)(numbers[k] >> shift));
		hm_bytes_append(&data, rows[i].data ? rows[i].data : sha256, rows[i].len);
	}
	for (int shift = 24; shift >= 0; shift -= 8)
		hm_bytes_u8(out, (uint8_t)(HM_COUNT(rows) >> shift));
	for (int shift = 24; shift >= 0; shift -= 8)
		hm_bytes_u8(out, (uint8_t)(data.len >> shift));
	hm_bytes_slice(out, hm_slice_of(&index));
	hm_bytes_slice(out, hm_slice_of(&data));
	hm_bytes_release(&data);
	hm_bytes_release(&index);
}

#define RPM_LINES "package installed kesl|11.2-4\norganisation installed AO Example|kesl\n"
#define NO_DIGEST "0000000000000000000000000000000000000000000000000000000000000000"

static void sqlite_with(struct hm_bytes *out, struct hm_slice blob, const char *schema)
{
	sqlite3 *db = NULL;
	sqlite3_stmt *s = NULL;
	sqlite3_int64 size;
	unsigned char *bytes;

	assert_int_equal(sqlite3_open(":memory:", &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, "PRAGMA page_size=512", NULL, NULL, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, schema, NULL, NULL, NULL), SQLITE_OK);
	if (sqlite3_prepare_v2(db, "INSERT INTO Packages VALUES (1, ?)", -1, &s, NULL) == SQLITE_OK) {
		sqlite3_bind_blob(s, 1, blob.data, (int)blob.len, SQLITE_STATIC);
		assert_int_equal(sqlite3_step(s), SQLITE_DONE);
	}
	sqlite3_finalize(s);
	bytes = sqlite3_serialize(db, "main", &size, 0);
	hm_bytes_append(out, bytes, (size_t)size);
	sqlite3_free(bytes);
	sqlite3_close(db);
}

static void rpm_sqlite(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes blob = { 0 }, db = { 0 }, view = { 0 };

	header(&blob, NO_DIGEST);
	sqlite_with(&db, hm_slice_of(&blob), "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)");
	expect("var/lib/rpm/rpmdb.sqlite", hm_slice_of(&db), 0, RPM_LINES);
	db.data[18] = db.data[19] = 2; /* WAL */
	expect("var/lib/rpm/rpmdb.sqlite", hm_slice_of(&db), 0, RPM_LINES);
	expect("var/lib/rpm/rpmdb.sqlite", (struct hm_slice){ db.data, 600 }, HM_E_BAD, "");
	/* A view could compute anything, for any time. */
	sqlite_with(&view, hm_slice_of(&blob), "CREATE VIEW Packages AS WITH RECURSIVE c(hnum) AS (SELECT 1 UNION ALL SELECT hnum+1 FROM c) SELECT hnum, x'00' AS blob FROM c");
	expect("var/lib/rpm/rpmdb.sqlite", hm_slice_of(&view), HM_E_BAD, "");
	EXPECT_TEXT("var/lib/rpm/rpmdb.sqlite-wal", "more than the thirty-two bytes of a header", HM_E_BAD, "");
	EXPECT_TEXT("var/lib/rpm/rpmdb.sqlite-wal", "", 0, "");
}

static void fill(struct hm_bytes *out, size_t len)
{
	while (out->len < len)
		hm_bytes_u8(out, 0);
}

static void rpm_file(void **state HM_UNUSED)
{
	static const char magic[] = "\x8e\xad\xe8\x01\0\0\0", none[] = "\0\0\0\1\0\0\0\0\0\0\0\x3e\0\0\0\7\0\0\0\0\0\0\0";
	HM_CLEANUP(hm_bytes_release) struct hm_bytes file = { 0 };

	hm_bytes_append(&file, "\xed\xab\xee\xdb", 4);
	fill(&file, 96);
	hm_bytes_append(&file, magic, 8);
	hm_bytes_append(&file, none, 24);
	hm_bytes_append(&file, magic, 8);
	header(&file, NO_DIGEST);
	expect("tmp/kesl.rpm", hm_slice_of(&file), 0, "package present kesl|11.2-4\norganisation present AO Example|kesl\n");
	expect("tmp/kesl.rpm", (struct hm_slice){ file.data, 120 }, HM_E_BAD, "");
}

static void le(struct hm_bytes *out, unsigned long v)
{
	for (int i = 0; i < 4; i++)
		hm_bytes_u8(out, (uint8_t)(v >> (8 * i)));
}

static void ndb_with(struct hm_bytes *out, struct hm_slice blob)
{
	unsigned long blocks = (28 + blob.len + 15) / 16, start = 4096;

	hm_bytes_append(out, "RpmP", 4);
	for (size_t i = 0; i < 7; i++)
		le(out, i == 2 ? 1 : 0);
	for (size_t i = 2; i < 256; i++) {
		hm_bytes_append(out, "Slot", 4);
		le(out, i == 5 ? 7 : 0);
		le(out, i == 5 ? start / 16 : 0);
		le(out, i == 5 ? blocks : 0);
	}
	hm_bytes_append(out, "BlbS", 4);
	le(out, 7);
	le(out, 1);
	le(out, blob.len);
	hm_bytes_slice(out, blob);
	while ((out->len + 12) % 16)
		hm_bytes_u8(out, 0);
	le(out, adler32(adler32(0, NULL, 0), out->data + start, (unsigned)(out->len - start)));
	le(out, blob.len);
	hm_bytes_append(out, "BlbE", 4);
}

static void rpm_ndb(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes blob = { 0 }, db = { 0 };

	header(&blob, NO_DIGEST);
	ndb_with(&db, hm_slice_of(&blob));
	expect("usr/lib/sysimage/rpm/Packages.db", hm_slice_of(&db), 0, RPM_LINES);
	db.data[4096 + 40] ^= 1; /* in the blob: its checksum tells */
	expect("usr/lib/sysimage/rpm/Packages.db", hm_slice_of(&db), HM_E_BAD, "");
	expect("usr/lib/sysimage/rpm/Packages.db", (struct hm_slice){ db.data, 4000 }, HM_E_BAD, "");
}

static void page(struct hm_bytes *out, unsigned long number, unsigned long next, unsigned entries, unsigned free, unsigned type)
{
	hm_bytes_append(out, "\0\0\0\0\0\0\0\0", 8);
	le(out, number);
	le(out, 0);
	le(out, next);
	hm_bytes_u8(out, (uint8_t)entries);
	hm_bytes_u8(out, (uint8_t)(entries >> 8));
	hm_bytes_u8(out, (uint8_t)free);
	hm_bytes_u8(out, (uint8_t)(free >> 8));
	hm_bytes_u8(out, 0);
	hm_bytes_u8(out, (uint8_t)type);
}

/* Pages of 512: a bucket whose value lies on two overflow pages, in the form that db5.3_load writes. */
static void bdb_with(struct hm_bytes *out, struct hm_slice blob)
{
	size_t first = 486, second = blob.len - first;

	fill(out, 12);
	le(out, 0x061561);
	le(out, 9);
	le(out, 512);
	fill(out, 512);
	page(out, 1, 0, 2, 0, 13);
	hm_bytes_append(out, "\xfb\x01\xef\x01", 4); /* the key at 507, the value at 495 */
	fill(out, 512 + 495);
	hm_bytes_append(out, "\3\0\0\0", 4);
	le(out, 2);
	le(out, blob.len);
	hm_bytes_append(out, "\1\1\0\0\0", 5);
	page(out, 2, 3, 1, (unsigned)first, 7);
	hm_bytes_append(out, blob.data, first);
	page(out, 3, 0, 1, (unsigned)second, 7);
	hm_bytes_append(out, blob.data + first, second);
	fill(out, 4 * 512);
}

static void rpm_bdb(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes blob = { 0 }, db = { 0 };

	header(&blob, NO_DIGEST);
	fill(&blob, 500); /* bytes behind the data are none of the header's */
	bdb_with(&db, hm_slice_of(&blob));
	expect("var/lib/rpm/Packages", hm_slice_of(&db), 0, RPM_LINES);
	db.data[2 * 512 + 16] = 2; /* the chain runs in a circle */
	expect("var/lib/rpm/Packages", hm_slice_of(&db), HM_E_BAD, "");
	EXPECT_TEXT("var/lib/rpm/Packages", "no database", HM_E_BAD, "");
}

#define HELLO_MD5 "b1946ac92492d2347c6235b4d2611184"
#define HELLO_SHA256 "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"

/* A pacman package's mtree, packed by the first who asks for it. */
static void mtree(struct hm_bytes *out)
{
	static const char text[] = "#mtree\n/set type=file mode=644\n./.PKGINFO time=1.0 size=1 sha256digest=" NO_DIGEST "\n./opt time=1.0 type=dir\n"
				   "./etc/x.conf time=1.0 size=1 sha256digest=" NO_DIGEST "\n./opt/x/t\\157ol time=1.0 size=6 md5digest=x sha256digest=" HELLO_SHA256 "\n";
	z_stream z = { .next_in = (Bytef *)(uintptr_t)text, .avail_in = sizeof(text) - 1 };

	assert_int_equal(deflateInit2(&z, 9, Z_DEFLATED, 16 + MAX_WBITS, 8, Z_DEFAULT_STRATEGY), Z_OK);
	z.next_out = hm_bytes_reserve(out, 4096);
	z.avail_out = 4096;
	assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
	out->len += z.total_out;
	deflateEnd(&z);
}

static int other(void *target, const char *path, size_t max HM_UNUSED, struct hm_bytes *out, struct hm_fail *fail HM_UNUSED)
{
	const char *const *files = target; /* path, content, ... NULL */

	if (strcmp(path, "var/lib/pacman/local/kesl-1/mtree") == 0) {
		mtree(out);
		return 0;
	}

	for (; *files; files += 2)
		if (strcmp(*files, path) == 0) {
			hm_bytes_text(out, files[1]);
			return 0;
		}
	return 1;
}

static void expect_verified(const char *path, struct hm_slice bytes, const char *package, const char *const *files, const char *lines)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes seen = { 0 };
	struct hm_source_file file = file_of(path, bytes);
	const struct hm_source_others others = { other, NULL, (void *)(uintptr_t)files };
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_source_verify(hm_source_for(file.path, bytes), &file, package, &others, observe, &seen, &fail), 0);
	hm_bytes_u8(&seen, 0);
	assert_string_equal((char *)seen.data, lines);
}

static void verified(void **state HM_UNUSED)
{
	static const char *const good[] = { "m/var/lib/dpkg/info/kesl:amd64.md5sums", HELLO_MD5 "  opt/x/tool\n" HELLO_MD5 "  opt/x/gone\n", "m/opt/x/tool", "hello\n", "opt/x/tool", "hello\n",
					    "site/a-1.dist-info/RECORD", "a.py,sha256=WJG1tSLV3whtD_CxEPvZ0hu0_HFjrzTQgoai6Eb2vgM,6\na-1.dist-info/RECORD,,\n", "site/a.py", "hello\n", NULL };
	static const char *const bad[] = { "opt/x/tool", "hallo\n", NULL };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes blob = { 0 }, db = { 0 };
	const char *status = "Package: kesl\nStatus: install ok installed\nArchitecture: amd64\n";

	/* The database's paths are below its own root; those of its files begin there. */
	expect_verified("m/var/lib/dpkg/status", hm_slice_text(status), "kesl", good,
			"package.files installed kesl|1 of 2 files have the digest that the database keeps; 0 differ, 1 are gone, 0 not read\n");
	expect_verified("m/var/lib/dpkg/status", hm_slice_text(status), "other", good, "");
	header(&blob, HELLO_SHA256);
	sqlite_with(&db, hm_slice_of(&blob), "CREATE TABLE Packages (hnum INTEGER PRIMARY KEY, blob BLOB NOT NULL)");
	expect_verified("var/lib/rpm/rpmdb.sqlite", hm_slice_of(&db), "kesl", good,
			"package.files installed verified kesl|1 of 1 files have the digest that the database keeps; 0 differ, 0 are gone, 0 not read\n");
	expect_verified("var/lib/rpm/rpmdb.sqlite", hm_slice_of(&db), "kesl", bad,
			"package.files installed kesl|0 of 1 files have the digest that the database keeps; 1 differ, 0 are gone, 0 not read\n");
	/* A link's digest is that of its target's name. */
	expect_verified("lib/apk/db/installed", HM_SLICE("P:kesl\nF:opt/x\nR:tool\nZ:Q19XLTlvrpIGYocU+yzgD3LpTyJY8=\nR:link\na:0:0:777\nZ:Q19XLTlvrpIGYocU+yzgD3LpTyJY8=\n"),
			"kesl", good,
			"package.files installed verified kesl|1 of 1 files have the digest that the database keeps; 0 differ, 0 are gone, 0 not read\n");
	expect_verified("lib/apk/db/installed", HM_SLICE("P:kesl\nF:opt/x\nR:tool\nZ:Q19XLTlvrpIGYocU+yzgD3LpTyJY8=\n"), "kesl", bad,
			"package.files installed kesl|0 of 1 files have the digest that the database keeps; 1 differ, 0 are gone, 0 not read\n");
	expect_verified("/var/lib/pacman/local/kesl-1/desc", HM_SLICE("%NAME%\nkesl\n"), "kesl", bad,
			"package.files installed kesl|0 of 1 files have the digest that the database keeps; 1 differ, 0 are gone, 0 not read\n");
	expect_verified("/var/lib/pacman/local/kesl-1/desc", HM_SLICE("%NAME%\nkesl\n"), "kesl", good + 2,
			"package.files installed verified kesl|1 of 1 files have the digest that the database keeps; 0 differ, 0 are gone, 0 not read\n");
	expect_verified("site/a-1.dist-info/METADATA", HM_SLICE("Name: a\n"), "a", good,
			"package.files installed verified a|1 of 1 files have the digest that the database keeps; 0 differ, 0 are gone, 0 not read\n");
}

static void ends_when_told(void **state HM_UNUSED)
{
	struct hm_source_file file = file_of("var/lib/dpkg/status", HM_SLICE("Package: a\n\nPackage: b\n"));
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_source_read(hm_source_for(file.path, file.bytes), &file, stop, NULL, &fail), HM_E_INTERRUPTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths),     cmocka_unit_test(dpkg),	 cmocka_unit_test(windows), cmocka_unit_test(macos), cmocka_unit_test(installers), cmocka_unit_test(text_databases), cmocka_unit_test(languages),
		cmocka_unit_test(rpm_sqlite), cmocka_unit_test(rpm_file), cmocka_unit_test(rpm_ndb), cmocka_unit_test(rpm_bdb),	   cmocka_unit_test(verified),
		cmocka_unit_test(ends_when_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
