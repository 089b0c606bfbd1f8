#include "internet_internal.h"

static size_t place(const uint8_t a[4])
{
	return ((size_t)a[1] << 16 ^ (size_t)a[2] << 8 ^ a[3]) * 2654435761u % NAMES_MAX;
}

void hm_internet_names_put(struct names *n, const uint8_t address[4], const char *name)
{
	size_t i = place(address);

	free(n->slot[i].name);
	memcpy(n->slot[i].address, address, 4);
	n->slot[i].name = hm_strdup(name);
}

const char *hm_internet_names_get(const struct names *n, const uint8_t address[4])
{
	size_t i = place(address);

	return n->slot[i].name && memcmp(n->slot[i].address, address, 4) == 0 ? n->slot[i].name : NULL;
}

void hm_internet_names_release(struct names *n)
{
	for (size_t i = 0; i < NAMES_MAX; i++) {
		free(n->slot[i].name);
		n->slot[i].name = NULL;
	}
}
