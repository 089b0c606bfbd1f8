/* A target as its walk tells it, a line an entry: type, size, SHA-256 of a file's bytes, path (all but plain ASCII as %XX), what it is in. What could not
 * be read: `unread`, the reason last. Tests hold this against the same tree as a folder. list_target TARGET */
#include "digest.h"
#include "target.h"
#include "text.h"

#include <stdio.h>

#if defined(__SANITIZE_ADDRESS__)
/* libtsk keeps what it read of a GPT when it was not the first that it looked for. */
const char *__lsan_default_suppressions(void);
const char *__lsan_default_suppressions(void)
{
	return "leak:libtsk\nleak:tsk_\n";
}
#endif

static void put(const char *text)
{
	for (; *text; text++)
		if (*text > ' ' && *text <= '~' && *text != '%')
			putchar(*text);
		else
			printf("%%%02x", (unsigned char)*text);
}

static int each(void *cookie HM_UNUSED, struct hm_target *target, const struct hm_entry *e, struct hm_fail *fail HM_UNUSED)
{
	static const char *const types[] = { "file", "folder", "link", "other", "unread" };
	struct hm_slice bytes = { 0 };
	struct hm_fail why = { 0 };
	struct hm_sha256 sum;
	char hex[65] = "-";

	if (e->type == HM_ENTRY_FILE && e->size < ((uint64_t)64 << 20) && hm_target_bytes(target, (size_t)64 << 20, &bytes, &why) == 0) {
		hm_sha256_slice(&sum, bytes);
		hm_text_hex_into(hex, (struct hm_slice){ sum.b, sizeof(sum.b) });
	} else if (e->type == HM_ENTRY_FILE && e->size < ((uint64_t)64 << 20)) {
		snprintf(hex, sizeof(hex), "failed");
	}
	printf("%s %llu %s ", types[e->type], e->type == HM_ENTRY_FILE ? (unsigned long long)e->size : 0, hex);
	put(e->path);
	putchar(' ');
	put(e->outer ? e->outer : "-");
	if (e->type == HM_ENTRY_UNREAD) {
		putchar(' ');
		put(e->why);
	}
	putchar('\n');
	return 0;
}

int main(int argc, char **argv)
{
	struct hm_target *target = NULL;
	const struct hm_target_bounds bounds = { 0 };
	struct hm_fail fail = { 0 };
	int r = argc == 2 ? hm_target_open(&target, argv[1], &bounds, &fail) : -1;

	if (r == 0)
		r = hm_target_walk(target, each, NULL, &fail);
	if (r != 0)
		fprintf(stderr, "list_target: %s\n", fail.text);
	hm_target_close(target);
	if (fflush(stdout) != 0)
		r = -1;
	return r != 0;
}
