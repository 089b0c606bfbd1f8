/* A made /proc: what the kernel's text files and links say, and what they may hold besides. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fs.h"
#include "host.h"

static char root[] = "/tmp/hallmark-host-XXXXXX";

static void put(const char *path, const char *text)
{
	HM_FREE char *whole = hm_sprintf("%s/%s", root, path), *folder = hm_strdup(whole);
	struct hm_fail fail;

	*strrchr(folder, '/') = 0;
	assert_int_equal(hm_fs_mkdirs(folder, 0755, &fail), 0);
	assert_int_equal(hm_fs_write_atomic(whole, hm_slice_text(text), 0644, &fail), 0);
}

static int set_up(void **state HM_UNUSED)
{
	if (!mkdtemp(root))
		return -1;
	put("proc/12/comm", "kesl\n");
	put("proc/12/cgroup", "0::/system.slice/kesl.service\n");
	put("proc/13/comm", "a name\nof two lines");
	put("proc/13/cgroup", "0::/user.slice\n");
	put("proc/modules", "klif 1 0 - Live 0x0\n\nother 2\n");
	put("proc/net/tcp", "  sl  local_address rem_address   st\n   0: 0100007F:0016 00000000:0000 0A\n   1: 0100007F:1F90 04030201:01BB 01 rest\n   2: nonsense\n   3: 0100007F:1 FFFFFFFFFFFFFFFFFFFFFFFF:1 01\n");
	put("proc/net/tcp6", "  sl\n   0: 00000000000000000000000001000000:1F90 B80D0120000000000000000001000000:01BB 01\n");
	{
		HM_FREE char *link = hm_sprintf("%s/proc/12/exe", root);

		return symlink("/opt/kaspersky/kesl/libexec/kesl-main (deleted)", link);
	}
}

static int tear_down(void **state HM_UNUSED)
{
	struct hm_fail fail;

	return hm_fs_remove_tree(root, &fail);
}

static int gather(void *cookie, const struct hm_observation *o, struct hm_fail *fail HM_UNUSED)
{
	assert_int_equal(o->state, HM_STATE_RUNNING);
	hm_bytes_printf(cookie, "%s %s%s%s\n", hm_observation_kind_name(o->kind), o->value, o->path ? " at " : "", o->path ? o->path : "");
	return 0;
}

static int unread(void *cookie, const char *path, const char *why, struct hm_fail *fail HM_UNUSED)
{
	hm_bytes_printf(cookie, "unread %s %s\n", path, why);
	return 0;
}

static void tells(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	const struct hm_host_sink sink = { &out, gather, unread };
	static const char *const lines[] = { "process kesl at /opt/kaspersky/kesl/libexec/kesl-main\n", "process kesl-main at /opt/kaspersky/kesl/libexec/kesl-main\n",
					     "service kesl at /opt/kaspersky/kesl/libexec/kesl-main\n", "process a name\n", "kernel_module klif\n", "kernel_module other\n",
					     "domain 1.2.3.4\n", "domain 2001:db8::1\n" };
	struct hm_fail fail;
	size_t len = 0;

	assert_int_equal(hm_host_observe(root, &sink, &fail), 0);
	hm_bytes_u8(&out, 0);
	for (size_t i = 0; i < HM_COUNT(lines); i++) {
		if (!strstr((const char *)out.data, lines[i]))
			print_message("%s in\n%s", lines[i], (const char *)out.data);
		assert_non_null(strstr((const char *)out.data, lines[i]));
		len += strlen(lines[i]);
	}
	assert_int_equal(len, strlen((const char *)out.data)); /* and nothing else */
}

static int stop(void *cookie HM_UNUSED, const struct hm_observation *o HM_UNUSED, struct hm_fail *fail HM_UNUSED)
{
	return HM_E_INTERRUPTED;
}

static void stops(void **state HM_UNUSED)
{
	const struct hm_host_sink sink = { NULL, stop, unread };
	struct hm_fail fail;

	assert_int_equal(hm_host_observe(root, &sink, &fail), HM_E_INTERRUPTED);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(tells), cmocka_unit_test(stops) };

	return cmocka_run_group_tests(tests, set_up, tear_down);
}
