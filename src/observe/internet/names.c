#include <arpa/inet.h>

#include "internet_internal.h"
#include "pcapng.h"

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

char *hm_internet_called(const struct names *names, const uint8_t address[4])
{
	const char *name = hm_internet_names_get(names, address);
	char literal[INET_ADDRSTRLEN];

	if (name)
		return hm_strdup(name);
	inet_ntop(AF_INET, address, literal, sizeof(literal));
	return hm_sprintf("[%s]", literal);
}

void hm_internet_names_release(struct names *n)
{
	for (size_t i = 0; i < NAMES_MAX; i++) {
		free(n->slot[i].name);
		n->slot[i].name = NULL;
	}
}

static int by_address(const void *a, const void *b)
{
	return memcmp(((const struct hm_pcapng_name *)a)->address, ((const struct hm_pcapng_name *)b)->address, 4);
}

void hm_internet_names_block(const struct names *n, struct hm_bytes *out)
{
	HM_FREE struct hm_pcapng_name *list = hm_alloc(NAMES_MAX, sizeof(*list));
	size_t count = 0;

	for (size_t i = 0; i < NAMES_MAX; i++) {
		if (!n->slot[i].name)
			continue;
		memcpy(list[count].address, n->slot[i].address, 4);
		list[count++].name = n->slot[i].name;
	}
	qsort(list, count, sizeof(*list), by_address);
	if (count)
		hm_pcapng_names(out, list, count);
}
