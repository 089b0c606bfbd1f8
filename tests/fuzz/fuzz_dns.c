/* A name's text can be turned back into the bytes of the question, so no two names have one text; an answer to whatever
 * was read is no query. */
#include "dns.h"

/* The wire form of a name's text, in lower case. */
static void wire_of(struct hm_bytes *out, const char *name)
{
	size_t at;

	while (*name && strcmp(name, ".") != 0) {
		at = out->len;
		hm_bytes_u8(out, 0);
		for (; *name && *name != '.'; name++) {
			uint8_t c = (uint8_t)*name;

			if (c == '\\') {
				c = (uint8_t)((name[1] - '0') * 100 + (name[2] - '0') * 10 + (name[3] - '0'));
				name += 3;
			}
			hm_bytes_u8(out, c);
			out->data[at]++;
		}
		name += *name == '.';
	}
	hm_bytes_u8(out, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes wire = { 0 }, answer = { 0 };
	const struct hm_slice record = HM_SLICE("abcd");
	struct hm_dns_query q, again;
	uint8_t address[4];

	if (hm_dns_read_query(&q, (struct hm_slice){ data, size }) < 0)
		return 0;
	if (q.question.data != data + 12 || q.question.len > size - 12)
		abort();
	wire_of(&wire, q.name);
	if (wire.len + 4 != q.question.len)
		abort();
	for (size_t i = 0; i < wire.len; i++) {
		uint8_t c = q.question.data[i];

		if (wire.data[i] != (c >= 'A' && c <= 'Z' ? c + 32 : c))
			abort();
	}
	hm_dns_write_answer(&answer, &q, 0, 60, &record, 1);
	if (answer.len != 12 + q.question.len + 16 || hm_dns_read_query(&again, hm_slice_of(&answer)) == 0)
		abort();
	hm_dns_address_of(address, q.name);
	if (address[0] != 198 || (address[1] == 18 && address[2] == 0) || address[3] == 0 || address[3] == 255)
		abort();
	return 0;
}
