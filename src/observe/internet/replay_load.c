/* What the internet of an earlier run answered, out of the run's packets: conversations by TCP as turns, datagrams with their
 * replies. The packet file is anybody's bytes: what it does not hold from its beginning on, whole and in order, is left out,
 * and told. */
#include <arpa/inet.h>
#include <netinet/in.h>

#include "dns.h"
#include "internet_internal.h"
#include "ip.h"
#include "ntp.h"
#include "pcapng.h"

enum { DNS_PORT = 53, NTP_PORT = 123, ID_LEN = 2, STEPS_MAX = 1000, TALKS_MAX = 100000, BYTES_MAX = 20 << 20, PRODUCT = 0, INTERNET = 1 };

struct said {
	int by;
	struct hm_bytes bytes;
};

struct talk {
	uint8_t proto, remote[4];
	uint16_t local_port, port;
	char *to;
	struct said *turn;
	size_t turns, before; /* the talk before it on the same local port, counted from 1; 0: none */
	uint32_t next[2];     /* TCP: the byte that comes next, by who says it */
	bool known[2], hole, ended, closes, skip;
	size_t tls; /* the first turn inside TLS, counted from 1; 0: none */
};

struct loader {
	struct talk *talk;
	size_t talks, cap, last[65536]; /* by local port, counted from 1 */
	struct names names;
	struct hm_bytes keylog;
	uint8_t chamber[4];
	bool full;
};

void hm_replay_side_release(struct hm_replay_side *side)
{
	hm_bytes_release(&side->text);
	free(side->piece);
	*side = (struct hm_replay_side){ 0 };
}

static void forget_turns(struct talk *t)
{
	for (size_t k = 0; k < t->turns; k++)
		hm_bytes_release(&t->turn[k].bytes);
	free(t->turn);
}

static void release(struct loader **l)
{
	for (size_t i = 0; i < (*l)->talks; i++) {
		forget_turns(&(*l)->talk[i]);
		free((*l)->talk[i].to);
	}
	hm_internet_names_release(&(*l)->names);
	hm_bytes_release(&(*l)->keylog);
	free((*l)->talk);
	free(*l);
}

static bool is_between(const struct talk *t, const struct hm_packet *p, int by)
{
	return t->proto == p->proto && t->port == (by == PRODUCT ? p->dst_port : p->src_port) &&
	       memcmp(t->remote, by == PRODUCT ? p->dst : p->src, 4) == 0;
}

/* The last connection between these ends. */
static struct talk *find(struct loader *l, const struct hm_packet *p, int by)
{
	size_t i = l->last[by == PRODUCT ? p->src_port : p->dst_port];

	for (int steps = 0; i && steps < STEPS_MAX; i = l->talk[i - 1].before, steps++)
		if (is_between(&l->talk[i - 1], p, by))
			return &l->talk[i - 1];
	return NULL;
}

/* Which question has this id; elsewhere datagrams say nothing of the kind: the oldest that has no reply, else the last. */
static struct talk *find_asked(struct loader *l, const struct hm_packet *p)
{
	struct talk *last = NULL, *open = NULL;
	size_t i = l->last[p->dst_port];

	for (int steps = 0; i && steps < STEPS_MAX; i = l->talk[i - 1].before, steps++) {
		struct talk *t = &l->talk[i - 1];
		const struct hm_bytes *asked = t->turns ? &t->turn[0].bytes : NULL;

		if (!asked || !is_between(t, p, INTERNET))
			continue;
		if (p->src_port == DNS_PORT && asked->len >= ID_LEN && p->payload.len >= ID_LEN &&
		    memcmp(asked->data, p->payload.data, ID_LEN) == 0)
			return t;
		last = last ? last : t;
		open = t->turns == 1 ? t : open;
	}
	return p->src_port == DNS_PORT ? NULL : open ? open : last;
}

/* NULL when there are too many. */
static struct talk *begin(struct loader *l, const struct hm_packet *p)
{
	struct talk *t;

	if (l->talks == TALKS_MAX) {
		l->full = true;
		return NULL;
	}
	if (l->talks == l->cap) {
		l->cap = l->cap ? 2 * l->cap : 16;
		l->talk = hm_realloc(l->talk, l->cap, sizeof(*l->talk));
	}
	t = &l->talk[l->talks++];
	*t = (struct talk){ .proto = p->proto, .local_port = p->src_port, .port = p->dst_port, .before = l->last[p->src_port] };
	memcpy(t->remote, p->dst, sizeof(t->remote));
	t->to = hm_internet_called(&l->names, t->remote);
	l->last[p->src_port] = l->talks;
	return t;
}

static struct hm_bytes *new_turn(struct talk *t, int by)
{
	if ((t->turns & (t->turns - 1)) == 0)
		t->turn = hm_realloc(t->turn, t->turns ? 2 * t->turns : 1, sizeof(*t->turn));
	t->turn[t->turns] = (struct said){ .by = by };
	return &t->turn[t->turns++].bytes;
}

static void take_datagram(struct loader *l, const struct hm_packet *p, int by)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes ignored = { 0 };
	struct hm_dns_query query;
	struct talk *t;

	if (by == INTERNET) {
		t = find_asked(l, p);
		if (t)
			hm_bytes_slice(new_turn(t, INTERNET), p->payload);
		return;
	}
	t = begin(l, p);
	if (!t)
		return;
	hm_bytes_slice(new_turn(t, PRODUCT), p->payload);
	if (p->dst_port == DNS_PORT && hm_dns_read_query(&query, p->payload) == 0 && query.type == HM_DNS_A) {
		uint8_t address[4];

		hm_dns_address_of(address, query.name);
		hm_internet_names_put(&l->names, address, query.name);
		t->skip = true;
	}
	t->skip |= p->dst_port == NTP_PORT && hm_ntp_answer(&ignored, p->payload, 0) == 0;
}

static void take_segment(struct loader *l, const struct hm_packet *p, int by)
{
	bool syn = p->tcp_flags & HM_TCP_SYN;
	struct talk *t = find(l, p, by);
	uint32_t again;

	if (by == PRODUCT && syn && !(p->tcp_flags & HM_TCP_ACK) && !(t && t->known[by] && t->next[by] == p->tcp_seq + 1))
		t = begin(l, p);
	if (!t)
		return;
	if (syn) {
		t->known[by] = true;
		t->next[by] = p->tcp_seq + 1;
		return;
	}
	again = t->next[by] - p->tcp_seq;
	if (p->payload.len && (!t->known[by] || (int32_t)again < 0)) {
		t->hole = true;
	} else if (again < p->payload.len) {
		struct hm_slice fresh = { p->payload.data + again, p->payload.len - again };

		hm_bytes_slice(t->turns && t->turn[t->turns - 1].by == by ? &t->turn[t->turns - 1].bytes : new_turn(t, by), fresh);
		t->next[by] += (uint32_t)fresh.len;
	}
	if (p->tcp_flags & (HM_TCP_FIN | HM_TCP_RST) && !t->ended) {
		t->ended = true;
		t->closes = by == INTERNET;
	}
}

static void take_frame(struct loader *l, const struct hm_pcapng_block *block)
{
	struct hm_packet p;
	bool out, in;

	hm_packet_read(&p, block->packet);
	out = p.version == 4 && memcmp(p.src, l->chamber, 4) == 0;
	in = p.version == 4 && memcmp(p.dst, l->chamber, 4) == 0;
	if (out == in || p.fragment || p.cut || block->packet.len < block->wire_len)
		return;
	if (p.proto == IPPROTO_UDP)
		take_datagram(l, &p, out ? PRODUCT : INTERNET);
	else if (p.proto == IPPROTO_TCP)
		take_segment(l, &p, out ? PRODUCT : INTERNET);
}

static size_t size_of(const struct talk *t)
{
	size_t sum = 0;

	for (size_t i = 0; i < t->turns; i++)
		sum += t->turn[i].bytes.len;
	return sum;
}

static bool is_answered(const struct talk *t)
{
	for (size_t i = 0; i < t->turns; i++)
		if (t->turn[i].by == INTERNET)
			return true;
	return false;
}

/* ---- TLS ---- */

static bool begins_tls(struct hm_slice bytes)
{
	return bytes.len > 1 && bytes.data[0] == 22 && bytes.data[1] == 3;
}

/* TLS that nobody opened: from the beginning, or behind something in the clear. A turn of the product then begins so, and the internet's next too. */
static bool is_sealed(const struct talk *t)
{
	for (size_t i = 0; i + 1 < t->turns && !t->tls; i++)
		if (t->turn[i].by == PRODUCT && begins_tls(hm_slice_of(&t->turn[i].bytes)) && (i == 0 || begins_tls(hm_slice_of(&t->turn[i + 1].bytes))))
			return true;
	return !t->tls && t->turns == 1 && t->turn[0].by == PRODUCT && begins_tls(hm_slice_of(&t->turn[0].bytes));
}

/* What a side said from `from` to `to` on the wire: what was in the clear, and what of TLS ends there. */
static void say_again(struct talk *out, int by, const struct hm_replay_side *side, size_t *next, struct hm_slice wire, size_t from, size_t to)
{
	size_t clear = to < side->clear ? to : side->clear;

	if (from < clear)
		hm_bytes_slice(new_turn(out, by), (struct hm_slice){ wire.data + from, clear - from });
	if (to > side->clear && !out->tls)
		out->tls = out->turns + 1;
	for (; *next < side->pieces && side->piece[*next].end <= to; ++*next) {
		const struct hm_replay_piece *p = &side->piece[*next];
		bool goes_on = out->turns >= out->tls && out->turns && out->turn[out->turns - 1].by == by;

		if (p->length)
			hm_bytes_append(goes_on ? &out->turn[out->turns - 1].bytes : new_turn(out, by), side->text.data + p->at, p->length);
	}
}

/* Its turns become those that were said inside TLS, where all of it opens. */
static int unseal(const struct loader *l, struct talk *t, hm_replay_open *open, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes product = { 0 }, internet = { 0 };
	struct hm_bytes *wire[] = { &product, &internet };
	struct hm_replay_side sides[2] = { { .clear = 0 } };
	struct talk out = { .turns = 0 };
	size_t at[2] = { 0 }, next[2] = { 0 };
	int r;

	for (size_t i = 0; i < t->turns; i++)
		hm_bytes_slice(wire[t->turn[i].by], hm_slice_of(&t->turn[i].bytes));
	r = open(sides, (const struct hm_slice[]){ hm_slice_of(&product), hm_slice_of(&internet) }, hm_slice_of(&l->keylog), fail);
	for (size_t i = 0; i < t->turns && r == 1; i++) {
		int by = t->turn[i].by;
		size_t end = at[by] + t->turn[i].bytes.len;

		say_again(&out, by, &sides[by], &next[by], hm_slice_of(wire[by]), at[by], end);
		at[by] = end;
	}
	if (r == 1) {
		forget_turns(t);
		t->turn = out.turn;
		t->turns = out.turns;
		t->tls = out.tls;
	}
	hm_replay_side_release(&sides[PRODUCT]);
	hm_replay_side_release(&sides[INTERNET]);
	return r < 0 ? r : 0;
}

static int unseal_all(struct loader *l, hm_replay_open *open, struct hm_fail *fail)
{
	int r = 0;

	for (size_t i = 0; i < l->talks && r == 0 && open; i++)
		if (l->talk[i].proto == IPPROTO_TCP && !l->talk[i].hole && is_sealed(&l->talk[i]))
			r = unseal(l, &l->talk[i], open, fail);
	return r;
}

/* Why a talk cannot be told, or NULL. */
static const char *obstacle(const struct talk *t, size_t room)
{
	if (t->proto == IPPROTO_TCP && is_sealed(t))
		return "tls";
	if (t->hole)
		return "hole";
	return size_of(t) > room ? "large" : NULL;
}

static void leave_out(json_t *list, const struct talk *t, const char *why)
{
	HM_FREE char *endpoint = hm_sprintf("%s:%u/%s", t->to, t->port, t->proto == IPPROTO_TCP ? "tcp" : "udp");
	json_t *row;
	size_t i;

	json_array_foreach (list, i, row)
		if (strcmp(json_string_value(json_object_get(row, "endpoint")), endpoint) == 0 &&
		    strcmp(json_string_value(json_object_get(row, "why")), why) == 0)
			return;
	json_array_append_new(list, json_pack("{s:s,s:s}", "endpoint", endpoint, "why", why));
}

static json_t *row_of(const struct talk *t)
{
	json_t *row = json_pack("{s:s,s:i}", "to", t->to, "port", (int)t->port), *list = json_array();
	bool tcp = t->proto == IPPROTO_TCP;

	for (size_t i = 0; i < t->turns; i++) {
		json_t *turn = tcp ? json_pack("{s:s}", "by", t->turn[i].by == INTERNET ? "internet" : "product") : json_object();

		if (!tcp && i == 0)
			hm_json_set_bytes(row, "request", hm_slice_of(&t->turn[i].bytes));
		hm_json_set_bytes(turn, "bytes", hm_slice_of(&t->turn[i].bytes));
		if (tcp || i > 0)
			json_array_append(list, turn);
		json_decref(turn);
	}
	json_object_set_new(row, tcp ? "turns" : "replies", list);
	if (tcp)
		json_object_set_new(row, "closes", json_boolean(t->closes));
	if (t->tls)
		json_object_set_new(row, "tls", json_integer((json_int_t)t->tls - 1));
	return row;
}

static void write_document(const struct loader *l, struct hm_bytes *json, const char *bundle, unsigned run)
{
	HM_JSON json_t *root = json_pack("{s:s,s:s,s:i,s:[],s:[],s:[]}", "schema", "hallmark/replay/v2", "bundle", bundle, "run", (int)run,
					 "tcp", "udp", "left_out");
	size_t room = BYTES_MAX;

	for (size_t i = 0; i < l->talks; i++) {
		const struct talk *t = &l->talk[i];
		const char *why = obstacle(t, room);

		if (t->skip || !is_answered(t) || (t->proto == IPPROTO_TCP && t->port == DNS_PORT))
			continue;
		if (why) {
			leave_out(json_object_get(root, "left_out"), t, why);
			continue;
		}
		room -= size_of(t);
		json_array_append_new(json_object_get(root, t->proto == IPPROTO_TCP ? "tcp" : "udp"), row_of(t));
	}
	hm_json_write(json, root);
}

int hm_replay_load(struct hm_bytes *json, struct hm_slice packets, const char *address, const char *bundle, unsigned run,
		   hm_replay_open *open, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct loader *l = hm_alloc(1, sizeof(*l));
	struct hm_cursor c = hm_cursor_of(packets);
	struct hm_pcapng_block block;
	struct hm_fail unused;
	int r;

	fail = fail ? fail : &unused;
	if (inet_pton(AF_INET, address, l->chamber) != 1)
		return hm_fail_set(fail, HM_E_BAD, "cannot replay: the chamber had no address");
	while ((r = hm_pcapng_next(&c, &block, fail)) == 1)
		if (block.type == HM_PCAPNG_EPB)
			take_frame(l, &block);
		else if (block.type == HM_PCAPNG_DSB)
			hm_bytes_slice(&l->keylog, block.secrets);
	if (r < 0)
		return hm_fail_in(fail, "the packets to replay");
	if (l->full)
		return hm_fail_set(fail, HM_E_BAD, "cannot replay: over %d connections and datagrams", TALKS_MAX);
	r = unseal_all(l, open, fail);
	if (r < 0)
		return r;
	write_document(l, json, bundle, run);
	return 0;
}
