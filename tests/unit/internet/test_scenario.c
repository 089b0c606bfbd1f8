/* Scenarios: what is read, what is refused, which rule answers, and templates. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <sys/stat.h>

#include <cmocka.h>

#include "fs.h"
#include "internet_internal.h"

static const char good[] =
	"name: test\n"
	"about: what it is for\n"
	"udp:\n"
	"  - {port: 7, reply: \"any\\n\"}\n"
	"http:\n"
	"  - host: a.example\n"
	"    path: /x/*\n"
	"    status: 404\n"
	"  - {host: a.example, path: /y, port: 81, text: hello, type: text/plain}\n";
static const char good_json[] =
	"{\"about\":\"what it is for\",\"dns\":[],\"http\":[{\"host\":\"a.example\",\"path\":\"/x/*\",\"status\":404},"
	"{\"host\":\"a.example\",\"path\":\"/y\",\"port\":81,\"text\":\"hello\",\"type\":\"text/plain\"}],\"name\":\"test\","
	"\"schema\":\"hallmark/scenario/v1\",\"udp\":[{\"port\":7,\"reply\":\"any\\n\"}]}";

static int load(struct hm_bytes *json, struct hm_slice yaml, struct hm_fail *fail)
{
	char path[] = "/tmp/hallmark-scenario-XXXXXX";
	HM_CLOSE int fd = mkstemp(path);
	int r;

	assert_true(fd >= 0);
	assert_int_equal(hm_fs_write_all(fd, yaml, NULL), 0);
	r = hm_scenario_load(json, path, fail);
	assert_int_equal(unlink(path), 0);
	return r;
}

static void yaml_becomes_canonical_json(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes json = { 0 };
	HM_CLEANUP(hm_internet_scenario_release) struct scenario s = { 0 };
	struct hm_fail fail = { 0 };

	assert_int_equal(load(&json, HM_SLICE(good), &fail), 0);
	assert_true(hm_slice_eq(hm_slice_of(&json), HM_SLICE(good_json)));
	assert_int_equal(hm_internet_scenario_read(&s, hm_slice_of(&json), NULL, &fail), 0);
	assert_int_equal(s.http_count, 2);
}

static void shipped_scenario_is_whole(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes json = { 0 };
	HM_CLEANUP(hm_internet_scenario_release) struct scenario s = { 0 };
	struct hm_fail fail = { 0 };

	if (hm_scenario_load(&json, HM_TEST_DATA "/../data/scenarios/default.yaml", &fail) < 0)
		fail_msg("%s", fail.text);
	/* Needs no mirror. */
	assert_int_equal(hm_internet_scenario_read(&s, hm_slice_of(&json), NULL, &fail), 0);
	assert_non_null(hm_internet_dns_rule(&s, "current.cvd.clamav.net"));
	assert_non_null(hm_internet_udp_rule(&s, "public.pyzor.org", 24441));
	assert_null(hm_internet_udp_rule(&s, "other.example", 24441));
	assert_null(hm_internet_udp_rule(&s, NULL, 24441));
}

static void bad_yaml_is_refused(void **state HM_UNUSED)
{
	static const char *const bad[] = {
		"name: a\nabout: b\ndns:\n  - {name: a.b}\n",
		"name: a\nabout: b\ndns:\n  - {name: a.b, txt: x, mx: c}\n",
		"name: a\nabout: b\ndns:\n  - {name: a.b, mx: c..d}\n",
		"name: a\nabout: b\ndns:\n  - {name: a.b, mx: \"\"}\n",
		"", "[]\n", "text\n", "name: a\n", "name: a\nabout: b\nother: c\n", "name: a\nabout: b\nx: {}\n",
		"name: a\nname: b\nabout: c\n", "name: a\nabout: b\nschema: hallmark/scenario/v2\n",
		"name: a\nabout: b\n---\nname: a\nabout: b\n", "name: &n a\nabout: *n\n", "name: a\nabout: [b]\n",
		"name: a\nabout: b\ndns: {}\n", "name: a\nabout: b\ndns: [{name: a.example}]\n",
		"name: a\nabout: b\ndns: [{name: A.example, txt: b}]\n", "name: a\nabout: b\ndns: [{name: a., txt: b}]\n",
		"name: a\nabout: b\ndns: [{name: \"\", txt: b}]\n", "name: a\nabout: b\ndns: [{name: \"a b\", txt: b}]\n",
		"name: a\nabout: b\ndns: [{name: a, txt: \"b\\0c\"}]\n", "name: a\nabout: b\nudp: [{port: 0, reply: a}]\n",
		"name: a\nabout: b\nudp: [{port: 65536, reply: a}]\n", "name: a\nabout: b\nudp: [{port: \"7\", reply: a}]\n",
		"name: a\nabout: b\nudp: [{port: 7, reply: \"\"}]\n", "name: a\nabout: b\nudp: [{port: -7, reply: a}]\n",
		"name: a\nabout: b\nhttp: [{host: a, path: y}]\n", "name: a\nabout: b\nhttp: [{host: a, path: \"/ \\n\"}]\n",
		"name: a\nabout: b\nhttp: [{host: a, path: /, status: 100}]\n",
		"name: a\nabout: b\nhttp: [{host: a, path: /, status: 600}]\n",
		"name: a\nabout: b\nhttp: [{host: a, path: /, type: \"a\\r\\nSet-Cookie: b\"}]\n",
		"name: a\nabout: b\nhttp: [{host: a, path: /, file: f, text: t}]\n",
		"name: a\nabout: b\nhttp: [{host: a, path: /, file: \"\"}]\n",
		"name: a\nabout: b\nhttp: [{host: a, path: /, x: 1}]\n",
	};

	for (size_t i = 0; i < HM_COUNT(bad); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes json = { 0 };
		struct hm_fail fail = { 0 };
		int r = load(&json, hm_slice_text(bad[i]), &fail);

		if (r != HM_E_BAD && r != HM_E_UNKNOWN)
			fail_msg("accepted: %s", bad[i]);
		assert_int_equal(json.len, 0);
		assert_true(fail.code == r && fail.text[0]);
	}
	assert_int_equal(hm_scenario_load(&(struct hm_bytes){ 0 }, "/nonexistent", NULL), HM_E_SYSTEM);
}

static void too_many_rules_are_refused(void **state HM_UNUSED)
{
	for (int count = 256; count <= 257; count++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes yaml = { 0 }, json = { 0 };

		hm_bytes_text(&yaml, "name: a\nabout: b\nudp:\n");
		for (int i = 0; i < count; i++)
			hm_bytes_printf(&yaml, "  - {port: %d, reply: a}\n", i + 1);
		assert_int_equal(load(&json, hm_slice_of(&yaml), NULL), count == 256 ? 0 : HM_E_BAD);
	}
}

static void first_fitting_rule_answers(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_internet_scenario_release) struct scenario s = { 0 };

	assert_int_equal(hm_internet_scenario_read(&s, HM_SLICE(good_json), NULL, NULL), 0);
	assert_ptr_equal(hm_internet_http_rule(&s, "a.example", 80, "/x/"), &s.http[0]);
	assert_ptr_equal(hm_internet_http_rule(&s, "a.example", 80, "/x/y/z"), &s.http[0]);
	assert_ptr_equal(hm_internet_http_rule(&s, "a.example", 81, "/y"), &s.http[1]);
	assert_null(hm_internet_http_rule(&s, "a.example", 80, "/y"));
	assert_null(hm_internet_http_rule(&s, "a.example", 81, "/yy"));
	assert_null(hm_internet_http_rule(&s, "a.example", 80, "/x"));
	assert_null(hm_internet_http_rule(&s, "b.example", 80, "/x/"));
	assert_null(hm_internet_http_rule(&s, NULL, 80, "/x/"));
	assert_ptr_equal(hm_internet_udp_rule(&s, NULL, 7), &s.udp[0]);
	assert_null(hm_internet_udp_rule(&s, NULL, 8));
}

static void expands(const char *template, const char *request, const char *want)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	assert_int_equal(hm_internet_expand(&out, template, hm_slice_text(request), 1700000000, 100), 0);
	if (!hm_slice_eq(hm_slice_of(&out), hm_slice_text(want)))
		fail_msg("%s became %.*s", template, (int)out.len, (const char *)out.data);
}

static void templates(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	expands("", "", "");
	expands("a{time}b", "", "a1700000000b");
	expands("{line:Thread}", "Op: x\nThread: 12\nThread: 13\n", "Thread: 12");
	expands("{line:Thread}", "Thread: 12\r\n", "Thread: 12");
	expands("{line:Thread}", "Thread:", "Thread:");
	expands("<{line:Thread}>", "Threads: 12\nThread 13\n Thread: 14", "<>");
	expands("{line:}{time {line:a {x} {", "a: b", "{line:}{time {line:a {x} {");
	assert_int_equal(hm_internet_expand(&out, "{line:a}{line:a}", HM_SLICE("a: 56789"), 0, 15), HM_E_BAD);
}

static void names_of_addresses(void **state HM_UNUSED)
{
	static struct names n;
	uint8_t a[4] = { 198, 18, 1, 1 }, b[4] = { 198, 19, 1, 1 };

	assert_null(hm_internet_names_get(&n, a));
	hm_internet_names_put(&n, a, "one.example");
	hm_internet_names_put(&n, a, "two.example");
	assert_string_equal(hm_internet_names_get(&n, a), "two.example");
	assert_null(hm_internet_names_get(&n, b));
	for (int i = 0; i < 3 * NAMES_MAX; i++)
		hm_internet_names_put(&n, (uint8_t[4]){ 198, 18, (uint8_t)(i >> 8), (uint8_t)i }, "other.example");
	hm_internet_names_put(&n, b, "b.example");
	assert_string_equal(hm_internet_names_get(&n, b), "b.example");
	hm_internet_names_release(&n);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yaml_becomes_canonical_json), cmocka_unit_test(shipped_scenario_is_whole),
		cmocka_unit_test(bad_yaml_is_refused),	       cmocka_unit_test(too_many_rules_are_refused),
		cmocka_unit_test(first_fitting_rule_answers),  cmocka_unit_test(templates),
		cmocka_unit_test(names_of_addresses),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
