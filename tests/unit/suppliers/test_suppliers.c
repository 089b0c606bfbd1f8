#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <sys/stat.h>

#include "fs.h"
#include "suppliers.h"

#define SUPPLIERS "id,name,kind,source,date\nacme,Acme,security,https://acme.example,2024-01-02\n"
#define CONTROL "supplier,controller,country,from,to,source,date,confidence\n"
#define ROWS "id,supplier,product,class,kind,indicator,relation,source,date,confidence\n"
#define ROW(id, rest) "acme." id ",acme,Scan,antivirus," rest "\n"

static char folder[64];

static int setup(void **state HM_UNUSED)
{
	strcpy(folder, "/tmp/hm-suppliers-XXXXXX");
	return mkdtemp(folder) ? 0 : -1;
}

static int teardown(void **state HM_UNUSED)
{
	return hm_fs_remove_tree(folder, NULL);
}

static void put(const char *name, const char *text)
{
	HM_FREE char *path = hm_sprintf("%s/%s", folder, name);
	struct hm_fail fail;

	assert_int_equal(hm_fs_write_atomic(path, hm_slice_text(text), 0644, &fail), 0);
}

static int load(struct hm_suppliers **s, struct hm_fail *fail)
{
	const char *folders[] = { folder };

	return hm_suppliers_load(s, folders, 1, fail);
}

static void refuse(const char *name, const char *text, const char *why)
{
	HM_CLEANUP(hm_suppliers_cleanup) struct hm_suppliers *s = NULL;
	struct hm_fail fail = { 0 };

	put("a.csv", SUPPLIERS);
	put(name, text);
	assert_int_equal(load(&s, &fail), HM_E_BAD);
	if (!strstr(fail.text, why))
		fail_msg("%s, not %s, for %s", fail.text, why, text);
}

static void test_refuses(void **state HM_UNUSED)
{
	refuse("b.csv", "id,name\n", "no table");
	refuse("b.csv", ROWS ROW("package.x", "packet,x,branded,https://a.example,2024-01-02,high"), "line 2: unknown kind");
	refuse("b.csv", ROWS ROW("package.x", "package,x,branded,,2024-01-02,high"), "no source");
	refuse("b.csv", ROWS ROW("package.x", "package,x,branded,none,2024-01-02,high"), "from memory");
	refuse("b.csv", ROWS ROW("package.x", "package,x,branded,https://a.example,2024-01-02,memory"), "from memory");
	refuse("b.csv", ROWS ROW("package.x", "package,x,branded,https://a.example,2024-02-30,high"), "date");
	refuse("b.csv", ROWS ROW("package.x", "package,x,owned,https://a.example,2024-01-02,high"), "relation");
	refuse("b.csv", ROWS ROW("path.x", "path,opt/x,branded,https://a.example,2024-01-02,high"), "absolute");
	refuse("b.csv", ROWS ROW("package.x", "package,x,branded,https://a.example,2024-01-02,high,more"), "fields");
	refuse("b.csv", ROWS "other.package.x,other,S,,package,x,branded,https://a.example,2024-01-02,high\n", "no table defines");
	refuse("b.csv", ROWS "package.x,acme,S,,package,x,branded,https://a.example,2024-01-02,high\n", "the id");
	refuse("b.csv",
	       ROWS ROW("package.x", "package,x,branded,https://a.example,2024-01-02,high") ROW("package.x", "package,y,branded,https://a.example,2024-01-02,high"),
	       "twice");
	refuse("b.csv", SUPPLIERS, "twice");
	refuse("b.csv", CONTROL "acme,,Russia,,,https://a.example,2024-01-02,high\n", "alpha-2");
	refuse("b.csv", CONTROL "acme,,RU,2020,2020,https://a.example,2024-01-02,high\n", "ends before");
	refuse("b.csv", CONTROL "acme,other,RU,,,https://a.example,2024-01-02,high\n", "no table defines other");
	refuse("b.csv", CONTROL "acme,,RU,,2020,https://a.example,2024-01-02,high\nacme,,RU,2019,,https://a.example,2024-01-02,high\n", "one day");
}

static void collect(void *cookie, const char *line)
{
	hm_bytes_text(cookie, line);
	hm_bytes_text(cookie, "\n");
}

static void test_lint(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_suppliers_cleanup) struct hm_suppliers *s = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	struct hm_fail fail;

	put("a.csv", SUPPLIERS);
	put("b.csv", ROWS ROW("path.opt", "path,/opt/,branded,https://a.example,2024-01-02,high") ROW("file.any", "file,*.a,contains,https://a.example,2024-01-02,high")
			     ROW("package.x", "package,xyz,branded,https://a.example,2024-01-02,high") ROW("package.y", "package,XYZ,branded,https://b.example,2024-01-02,high")
				     ROW("package.z", "package,later,branded,a book,2099-01-02,high"));
	assert_int_equal(load(&s, &fail), 0);
	assert_int_equal(hm_suppliers_lint(s, "2024-06-01", collect, &out), 4);
	hm_bytes_u8(&out, 0);
	assert_non_null(strstr((char *)out.data, "acme.path.opt: too general"));
	assert_non_null(strstr((char *)out.data, "acme.file.any: too general"));
	assert_non_null(strstr((char *)out.data, "acme.package.y: a duplicate"));
	assert_non_null(strstr((char *)out.data, "acme.package.z: a source"));
}

/* What is delivered is held to all of it. */
static void test_own(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_suppliers_cleanup) struct hm_suppliers *s = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	const char *folders[] = { HM_TEST_DATA "/../data/suppliers" };
	struct hm_fail fail = { 0 };
	size_t n;

	if (hm_suppliers_load(&s, folders, 1, &fail) < 0)
		fail_msg("%s", fail.text);
	if (hm_suppliers_lint(s, "9999-12-31", collect, &out)) {
		hm_bytes_u8(&out, 0);
		fail_msg("%s", (char *)out.data);
	}
	assert_non_null(hm_suppliers_indicators(s, &n));
	assert_in_range(n, 800, 65536);
	assert_string_equal(hm_suppliers_find(s, "kaspersky")->name, "Kaspersky");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_refuses, setup, teardown),
		cmocka_unit_test_setup_teardown(test_lint, setup, teardown),
		cmocka_unit_test(test_own),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
