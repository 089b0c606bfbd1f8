/* DNS, whatever it came by: an address of its own for every name, what the scenario says of TXT and MX, and an empty answer for
 * everything else. The same question gets the same bytes. */
#include "dns.h"
#include "internet_internal.h"

enum { TTL = 60, STRING_MAX = 255, MX_MAX = 16, ID_LEN = 2 };

/* TXT data is a sequence of strings of at most 255 bytes (RFC 1035 section 3.3.14). */
static void put_strings(struct hm_bytes *out, struct hm_slice text)
{
	do {
		size_t n = text.len < STRING_MAX ? text.len : STRING_MAX;

		hm_bytes_u8(out, (uint8_t)n);
		hm_bytes_append(out, text.data, n);
		text.data += n;
		text.len -= n;
	} while (text.len);
}

static void answer_txt(struct server *s, struct hm_bytes *out, const struct hm_dns_query *q)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 }, rdata = { 0 };
	const struct dns_rule *rule = hm_internet_dns_rule(s->scenario, q->name);
	struct hm_slice record;

	if (!rule || hm_internet_expand(&text, rule->txt, (struct hm_slice){ 0 }, hm_internet_clock(s) / NS_PER_S, 4096) < 0) {
		hm_dns_write_answer(out, q, 0, TTL, NULL, 0);
		return;
	}
	put_strings(&rdata, hm_slice_of(&text));
	record = hm_slice_of(&rdata);
	hm_dns_write_answer(out, q, 0, TTL, &record, 1);
}

static void answer_a(struct server *s, struct hm_bytes *out, const struct hm_dns_query *q)
{
	uint8_t address[4];
	struct hm_slice record = { address, sizeof(address) };

	hm_dns_address_of(address, q->name);
	hm_internet_names_put(&s->names, address, q->name);
	hm_dns_write_answer(out, q, 0, TTL, &record, 1);
}

/* Every rule of the name, in order: the first is preferred. */
static void answer_mx(struct server *s, struct hm_bytes *out, const struct hm_dns_query *q)
{
	struct hm_bytes rdata[MX_MAX] = { 0 };
	struct hm_slice record[MX_MAX] = { 0 };
	size_t count = 0;

	for (size_t i = 0; i < s->scenario->dns_count && count < MX_MAX; i++) {
		const struct dns_rule *rule = &s->scenario->dns[i];

		if (!rule->mx || strcmp(rule->name, q->name) != 0)
			continue;
		hm_bytes_u8(&rdata[count], 0);
		hm_bytes_u8(&rdata[count], (uint8_t)(10 * (count + 1)));
		if (hm_dns_put_name(&rdata[count], rule->mx) < 0)
			abort(); /* checked when the scenario was read */
		record[count] = hm_slice_of(&rdata[count]);
		count++;
	}
	hm_dns_write_answer(out, q, 0, TTL, record, count);
	for (size_t i = 0; i < count; i++)
		hm_bytes_release(&rdata[i]);
}

static const struct {
	uint16_t type;
	void (*answer)(struct server *s, struct hm_bytes *out, const struct hm_dns_query *q);
} dns_answers[] = { { HM_DNS_A, answer_a }, { HM_DNS_MX, answer_mx }, { HM_DNS_TXT, answer_txt } };

/* What was answered to the same question, behind its id. */
static bool recall(struct server *s, struct hm_bytes *out, struct hm_slice message)
{
	const struct replay_udp *e = hm_internet_replay_udp(s->replay, NULL, 53, message, ID_LEN);

	if (!e || !e->replies || e->reply[0].len < ID_LEN)
		return false;
	hm_bytes_append(out, message.data, ID_LEN);
	hm_bytes_append(out, e->reply[0].data + ID_LEN, e->reply[0].len - ID_LEN);
	return true;
}

bool hm_internet_dns_is_ours(struct hm_slice message)
{
	struct hm_dns_query q;

	return hm_dns_read_query(&q, message) < 0 || q.type == HM_DNS_A || q.type == HM_DNS_AAAA;
}

int hm_internet_dns_answer(struct server *s, struct hm_bytes *out, struct hm_slice message, bool datagram)
{
	struct hm_dns_query q;

	if (hm_dns_read_query(&q, message) < 0)
		return HM_E_BAD;
	/* Which address a name has is the same in every mode: endpoints get their names by it. */
	if (s->replay && q.type != HM_DNS_A && recall(s, out, message))
		return 0;
	for (size_t i = 0; i < HM_COUNT(dns_answers) && q.class == 1; i++)
		if (dns_answers[i].type == q.type)
			dns_answers[i].answer(s, out, &q);
	if (!out->len)
		hm_dns_write_answer(out, &q, 0, TTL, NULL, 0);
	if (datagram)
		hm_dns_truncate(out, &q, q.room);
	return 0;
}
