/* What would somebody get who changed the core of a bundle? Evaluates it with other parts, and none of what follows from them is checked
 * before: neither container nor digests.
 *
 *   judge_parts BUNDLE [-PREFIX | NAME=FILE]...      without all parts that begin so; with a file's bytes in place of a part
 *
 * Prints the findings, or why there are none; then exit 1. */
#include <err.h>

#include "bundle.h"
#include "evaluate.h"
#include "fs.h"

/* The argument that speaks of the part, or NULL. */
static const char *about(char **arguments, const char *name)
{
	for (; *arguments; arguments++) {
		size_t len = strlen(name);

		if (**arguments == '-' ? strncmp(name, *arguments + 1, strlen(*arguments + 1)) == 0
				       : strncmp(*arguments, name, len) == 0 && (*arguments)[len] == '=')
			return *arguments;
	}
	return NULL;
}

static struct hm_parts *changed(const struct hm_parts *parts, char **arguments)
{
	struct hm_parts *other = hm_parts_new();
	struct hm_fail fail;

	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		struct hm_slice content;
		const char *name = hm_parts_at(parts, i, &content), *how = about(arguments, name);
		int r = 0;

		if (!how)
			r = hm_parts_borrow(other, name, content, &fail);
		else if (*how != '-')
			r = hm_parts_file(other, name, strchr(how, '=') + 1, &fail);
		if (r < 0)
			errx(2, "%s", fail.text);
	}
	return other;
}

int main(int argc, char **argv)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = NULL, *other = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes findings = { 0 };
	HM_CLEANUP(hm_fs_unmap) struct hm_map bundle = { 0 };
	struct hm_fail fail = { 0 };

	if (argc < 2)
		errx(2, "usage: judge_parts BUNDLE [-PREFIX | NAME=FILE]...");
	if (hm_fs_map(&bundle, argv[1], &fail) < 0 || hm_bundle_read(&parts, bundle.bytes, &fail) < 0)
		errx(2, "%s", fail.text);
	other = changed(parts, argv + 2);
	if (hm_evaluate(&findings, other, &fail) < 0) {
		printf("%s\n", fail.text);
		return 1;
	}
	fwrite(findings.data, 1, findings.len, stdout);
	return 0;
}
