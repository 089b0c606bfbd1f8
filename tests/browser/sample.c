/* Prints the report of a sample, for a browser to show: `sample` the page of an assessment, `sample pairs` that of an experiment,
 * `sample N WIDTH` the terminal's table of N products. */
#include "../support/sample_experiment.h"
#include "report.h"

int main(int argc, char **argv)
{
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = argc > 1 && strcmp(argv[1], "pairs") == 0 ? sample_experiment() : sample_parts();
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	const struct hm_parts *list[8] = { parts, parts, parts, parts, parts, parts, parts, parts };
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 0;
	struct hm_fail fail = { 0 };
	int r;

	if (count > HM_COUNT(list))
		return 3;
	r = count ? hm_report_table(&out, list, count, argc > 2 ? (unsigned)atoi(argv[2]) : 80, false, &fail)
		  : hm_report_html(&out, parts, &fail);
	if (r == 0)
		r = hm_fs_write_all(STDOUT_FILENO, hm_slice_of(&out), &fail);
	if (r < 0)
		fprintf(stderr, "sample: %s\n", fail.text);
	return hm_fail_exit(r);
}
