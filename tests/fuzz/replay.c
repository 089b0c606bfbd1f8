/* Runs a fuzz target without a fuzzer, the same way every time: over each file of a folder of seeds, each prefix of it and
 * each single-bit change of it. The target aborts when something is wrong; so do the sanitizers. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define VARIED_MAX 2048 /* longer seeds are varied up to here only, to keep the test short */

static unsigned long inputs;

/* A fresh block of the exact size, so that AddressSanitizer sees a read of one byte too many. */
static void run(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);

	if (!copy)
		abort();
	if (size)
		memcpy(copy, data, size);
	LLVMFuzzerTestOneInput(copy, size);
	free(copy);
	inputs++;
}

static void run_variants(uint8_t *data, size_t size)
{
	size_t varied = size < VARIED_MAX ? size : VARIED_MAX;

	run(data, size);
	for (size_t i = 0; i < varied; i++)
		run(data, i);
	for (size_t bit = 0; bit < varied * 8; bit++) {
		data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
		run(data, size);
		data[bit / 8] ^= (uint8_t)(1u << (bit % 8));
	}
}

static int run_file(const char *path)
{
	FILE *file = fopen(path, "re");
	struct stat st;
	uint8_t *data;
	size_t size;

	if (!file || fstat(fileno(file), &st) < 0) {
		perror(path);
		return -1;
	}
	size = (size_t)st.st_size;
	data = malloc(size ? size : 1);
	if (!data || fread(data, 1, size, file) != size) {
		perror(path);
		return -1;
	}
	fclose(file);
	run_variants(data, size);
	free(data);
	return 0;
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int main(int argc, char **argv)
{
	struct dirent **entries;
	int count = argc == 2 ? scandir(argv[1], &entries, visible, alphasort) : -1;

	if (count <= 0) {
		fprintf(stderr, "usage: %s FOLDER, with at least one seed in it\n", argv[0]);
		return 1;
	}
	for (int i = 0; i < count; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", argv[1], entries[i]->d_name);
		free(entries[i]);
		if (run_file(path) < 0)
			return 1;
	}
	free(entries);
	printf("%d seeds, %lu inputs\n", count, inputs);
	return 0;
}
