#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <fcntl.h>

#include "fs.h"
#include "packages.h"
#include "packages_internal.h"

#define ROOT HM_TEST_DATA "/unit/packages/data/root"

static const char *owner(const struct hm_packages *p, const char *path)
{
	const struct hm_package *package = hm_packages_owner(p, path);

	return package ? package->name : "";
}

static void owners_through_links_and_diversions(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_packages_cleanup) struct hm_packages *p = NULL;
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_packages_open(&p, ROOT, &fail), 0);
	assert_string_equal(owner(p, "/bin/tool"), "tool");
	assert_string_equal(owner(p, "/usr/bin/tool"), "tool");
	assert_string_equal(owner(p, "/usr/lib/libx.so.1"), "libx1");
	assert_string_equal(owner(p, "/lib/libx.so.1"), "libx1");
	assert_string_equal(owner(p, "/usr/bin/wrapped"), "wrapper");
	assert_string_equal(owner(p, "/usr/bin/wrapped.orig"), "tool");
	assert_string_equal(owner(p, "/etc/old.conf"), ""); /* its package is gone */
	assert_string_equal(owner(p, "/bin/too"), "");
	assert_string_equal(owner(p, "/bin/toolx"), "");
	assert_string_equal(owner(p, "bin/tool"), "");
	assert_string_equal(owner(p, "/"), "");
	assert_string_equal(owner(p, ""), "");
	assert_string_equal(hm_packages_owner(p, "/bin/tool")->version, "1:2.0-1+b2");
	assert_string_equal(hm_packages_owner(p, "/bin/tool")->arch, "amd64");
}

/* path origin, one a line */
static char *origins(const struct hm_packages *p, const char *path)
{
	HM_JSON json_t *list = json_array();
	struct hm_bytes out = { 0 };
	struct hm_fail fail = { 0 };
	const json_t *file;
	size_t i;

	assert_int_equal(hm_packages_describe(p, hm_packages_owner(p, path), list, &fail), 0);
	assert_int_equal(json_array_size(list), 1);
	json_array_foreach (json_object_get(json_array_get(list, 0), "files"), i, file)
		hm_bytes_printf(&out, "%s %s\n", json_string_value(json_object_get(file, "path")),
				json_string_value(json_object_get(file, "origin")));
	hm_bytes_u8(&out, 0);
	return (char *)out.data;
}

static void files_beside_their_md5(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_packages_cleanup) struct hm_packages *p = NULL;
	HM_FREE char *tool = NULL, *libx = NULL, *wrapper = NULL;
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_packages_open(&p, ROOT, &fail), 0);
	tool = origins(p, "/bin/tool");
	libx = origins(p, "/lib/libx.so.1");
	wrapper = origins(p, "/usr/bin/wrapped");
	/* Sorted; no folder, no link (/etc/escape leads to the host's passwd), nothing that is not there. */
	assert_string_equal(tool, "/etc/tool.conf unlisted\n/usr/bin/changed differs\n/usr/bin/tool package\n"
				  "/usr/bin/wrapped.orig package\n");
	assert_string_equal(libx, "/usr/lib/libx.so.1 package\n");
	assert_string_equal(wrapper, "/usr/bin/wrapped package\n");
}

static void no_dpkg_is_an_empty_database(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_packages_cleanup) struct hm_packages *p = NULL, *none = NULL;
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_packages_open(&p, ROOT "/usr", &fail), 0);
	assert_null(hm_packages_owner(p, "/bin/tool"));
	assert_int_equal(hm_packages_open(&none, ROOT "/nothing", &fail), HM_E_SYSTEM);
	assert_null(none);
}

static int count_packages(void *cookie, const struct hm_package *package HM_UNUSED, bool same HM_UNUSED,
			  struct hm_fail *fail HM_UNUSED)
{
	++*(unsigned *)cookie;
	return 0;
}

static void hostile_status_is_refused(void **state HM_UNUSED)
{
	static const char *const bad[] = {
		"Package: ../../etc\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
		"Package: .a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
		"Package: a/b\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
		"Package: A\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
		"Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: ../all\n",
		"Package: a\nStatus: install ok installed\nVersion: 1 2\nArchitecture: all\n",
		"Package: a\nStatus: install ok installed\nVersion: \x1b[2J\nArchitecture: all\n",
		"Package: a\nStatus: install ok installed\nArchitecture: all\n",
		"Package: a\nVersion: 1\nArchitecture: all\n",
		"Package: a\nPackage: b\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n",
		"Status: install ok installed\nVersion: 1\nArchitecture: all\n",
		" continues nothing\n",
		"no colon\n",
		": no name\n",
	};

	for (size_t i = 0; i < HM_COUNT(bad); i++) {
		struct hm_fail fail = { 0 };
		unsigned count = 0;

		assert_int_equal(hm_status_parse(hm_slice_text(bad[i]), count_packages, &count, &fail), HM_E_BAD);
		assert_int_equal(count, 0);
		assert_non_null(strstr(fail.text, "line"));
	}
	assert_int_equal(hm_status_parse(HM_SLICE("Package: a\0b\n"), count_packages, NULL, NULL), HM_E_BAD);
}

static void sound_status_is_read(void **state HM_UNUSED)
{
	struct hm_fail fail = { 0 };
	unsigned count = 0;

	assert_int_equal(hm_status_parse(HM_SLICE(""), count_packages, &count, &fail), 0);
	assert_int_equal(hm_status_parse(HM_SLICE("\n\npackage: a\nSTATUS: x y unpacked\nVersion: 1\r\nArchitecture:all\n\n\n"
						  "Package: b\nStatus: deinstall ok config-files\n\n"
						  "Package: c\nStatus: install ok installed\nVersion: 1\nArchitecture: all"),
					 count_packages, &count, &fail), 0);
	assert_int_equal(count, 2);
}

static void write_file(const char *root, const char *name, const char *text)
{
	HM_FREE char *path = hm_sprintf("%s/var/lib/dpkg/%s", root, name);
	struct hm_fail fail = { 0 };

	assert_int_equal(hm_fs_write_atomic(path, hm_slice_text(text), 0644, &fail), 0);
}

static void broken_database_is_refused(void **state HM_UNUSED)
{
	static const char *const diversions[] = { "/a\n", "/a\n/b\n", "a\n/b\nx\n", "/a\n\nx\n" };
	char root[] = "/tmp/hm-packages-XXXXXX";
	HM_FREE char *info = NULL;
	struct hm_fail fail = { 0 };

	assert_non_null(mkdtemp(root));
	info = hm_sprintf("%s/var/lib/dpkg/info", root);
	assert_int_equal(hm_fs_mkdirs(info, 0755, &fail), 0);
	write_file(root, "status", "Package: a\nStatus: install ok installed\nVersion: 1\nArchitecture: all\n");
	write_file(root, "info/a.list", "/usr/bin/a\nrelative\n\n/\n");
	for (size_t i = 0; i < HM_COUNT(diversions); i++) {
		HM_CLEANUP(hm_packages_cleanup) struct hm_packages *p = NULL;

		write_file(root, "diversions", diversions[i]);
		assert_int_equal(hm_packages_open(&p, root, &fail), HM_E_BAD);
	}
	write_file(root, "diversions", "");
	for (unsigned broken = 0; broken < 2; broken++) {
		HM_CLEANUP(hm_packages_cleanup) struct hm_packages *p = NULL;

		if (broken)
			write_file(root, "status", "Package: a\nStatus: install ok installed\n");
		assert_int_equal(hm_packages_open(&p, root, &fail), broken ? HM_E_BAD : 0);
		if (!broken)
			assert_string_equal(owner(p, "/usr/bin/a"), "a");
	}
	assert_int_equal(hm_fs_remove_tree(root, &fail), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(owners_through_links_and_diversions),
		cmocka_unit_test(files_beside_their_md5),
		cmocka_unit_test(no_dpkg_is_an_empty_database),
		cmocka_unit_test(hostile_status_is_refused),
		cmocka_unit_test(sound_status_is_read),
		cmocka_unit_test(broken_database_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
