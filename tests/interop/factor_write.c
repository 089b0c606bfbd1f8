/* Writes the documents of a world for other people's readers: factor_write FOLDER FACTOR LEVEL. */
#include <stdio.h>
#include <stdlib.h>

#include "factor.h"

int main(int argc, char **argv)
{
	static const uint8_t seed[32] = { 99 };
	HM_CLEANUP(hm_factor_release) struct hm_world *world = NULL;
	struct hm_factor_choice *choice = hm_alloc(hm_factor_count, sizeof(*choice));
	const struct hm_factor *factor = argc == 4 ? hm_factor_find(argv[2]) : NULL;
	struct hm_fail fail = { 0 };
	int r;

	if (!factor)
		return 3;
	choice[factor - hm_factors].level = (unsigned)atoi(argv[3]);
	r = hm_factor_world(&world, seed, "screen", choice, &fail);
	if (r == 0)
		r = hm_factor_write(world, argv[1], &fail);
	for (size_t i = 0; r == 0 && i < world->file_count; i++) {
		printf("%s\t%s", world->file[i].id, world->file[i].path);
		for (unsigned k = 0; k < world->file[i].tokens; k++)
			printf("\t%s", world->file[i].token[k]);
		putchar('\n');
	}
	if (r < 0)
		fprintf(stderr, "factor_write: %s\n", fail.text);
	free(choice);
	return r < 0 ? 1 : 0;
}
