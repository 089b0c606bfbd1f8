/* In the chamber the address of a name is a function of the name (dns.h), so the question alone tells which address was
 * given; an answer that another resolver invented cannot lend a name to an address. */
#include "flow_internal.h"

#include "dns.h"

struct asked {
	uint8_t address[4];
	uint64_t order;
	char *name;
};

struct hm_names {
	struct asked *list;
	size_t count, cap;
};

struct hm_names *hm_names_new(void)
{
	return hm_alloc(1, sizeof(struct hm_names));
}

void hm_names_cleanup(struct hm_names **names)
{
	if (!*names)
		return;
	for (size_t i = 0; i < (*names)->count; i++)
		free((*names)->list[i].name);
	free((*names)->list);
	free(*names);
}

void hm_names_asked(struct hm_names *names, struct hm_slice datagram, uint64_t order)
{
	struct hm_dns_query query;
	struct asked *asked;

	if (hm_dns_read_query(&query, datagram) < 0 || query.type != HM_DNS_A)
		return;
	if (names->count == names->cap) {
		names->cap = names->cap ? 2 * names->cap : 16;
		names->list = hm_realloc(names->list, names->cap, sizeof(*names->list));
	}
	asked = &names->list[names->count++];
	asked->order = order;
	asked->name = hm_strdup(query.name);
	hm_dns_address_of(asked->address, query.name);
}

static int by_address(const void *a, const void *b)
{
	const struct asked *x = a, *y = b;
	int r = memcmp(x->address, y->address, sizeof(x->address));

	return r ? r : x->order < y->order ? -1 : x->order > y->order;
}

void hm_names_seal(struct hm_names *names)
{
	if (names->count)
		qsort(names->list, names->count, sizeof(*names->list), by_address);
}

const char *hm_names_of(const struct hm_names *names, const uint8_t address[4], uint64_t order)
{
	size_t low = 0, high = names->count;

	/* The first entry that does not stand before (address, order); the one before it is the answer, if it fits. */
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int r = memcmp(names->list[middle].address, address, 4);

		if (r < 0 || (r == 0 && names->list[middle].order < order))
			low = middle + 1;
		else
			high = middle;
	}
	if (low == 0 || memcmp(names->list[low - 1].address, address, 4) != 0)
		return NULL;
	return names->list[low - 1].name;
}
