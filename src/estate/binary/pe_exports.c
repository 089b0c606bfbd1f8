/* The export table: at 12 the RVA of the library's name, at 24 how many names, at 32 the RVA of their RVAs. */
#include "pe_internal.h"

#define NAMES_MAX 65536u

static struct hm_slice text_at(const struct hm_pe *pe, uint64_t rva)
{
	struct hm_slice s = hm_pe_at(pe, rva);
	const uint8_t *end = s.len ? memchr(s.data, 0, s.len < 1024 ? s.len : 1024) : NULL;

	return (struct hm_slice){ s.data, end ? (size_t)(end - s.data) : 0 };
}

int hm_pe_name(struct hm_binary_out *out, const struct hm_pe *pe)
{
	struct hm_cursor c = hm_cursor_of(hm_pe_at(pe, pe->directory[HM_PE_EXPORTS].at));
	HM_FREE char *name = NULL;

	if (pe->directory[HM_PE_EXPORTS].at == 0)
		return 0;
	hm_cursor_bytes(&c, 12);
	name = hm_binary_copy(text_at(pe, hm_cursor_le(&c, 4)));
	return c.bad || !*name ? 0 : hm_binary_fact(out, HM_FACT_SONAME, "pe", name, "");
}

int hm_binary_pe_symbols(struct hm_slice bytes, hm_binary_symbol_fn each, void *cookie)
{
	struct hm_pe pe;
	struct hm_cursor c, names;
	uint64_t count;

	if (!hm_pe_open(&pe, bytes) || pe.directory[HM_PE_EXPORTS].at == 0)
		return 0;
	c = hm_cursor_of(hm_pe_at(&pe, pe.directory[HM_PE_EXPORTS].at));
	hm_cursor_bytes(&c, 24);
	count = hm_cursor_le(&c, 4);
	hm_cursor_bytes(&c, 4);
	names = hm_cursor_of(hm_pe_at(&pe, hm_cursor_le(&c, 4)));
	for (uint64_t i = 0; !c.bad && i < count && i < NAMES_MAX; i++) {
		HM_FREE char *name = hm_binary_copy(text_at(&pe, hm_cursor_le(&names, 4)));
		int r;

		if (names.bad)
			break;
		r = *name ? each(cookie, name) : 0;
		if (r != 0)
			return r;
	}
	return 0;
}
