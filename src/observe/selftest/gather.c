/* The checker's reading: what record and packet file show of each way. Two passes over the record: who the files and sockets are
 * stands in events that may come behind those that only name them. */
#include "check.h"

#include <netinet/in.h>
#include <sys/socket.h>

#include "ip.h"
#include "pcapng.h"

#define U(event, field_) ((event)->field[field_].u)
#define B(event, field_) ((event)->field[field_].b)

static bool is_way_of(size_t way, enum hm_selftest_kind kind)
{
	return hm_ways[way].kind == kind;
}

/* "/proc/PID/mem". */
static bool is_memory(struct hm_slice path)
{
	static const char head[] = "/proc/", tail[] = "/mem";
	size_t ends = sizeof(head) - 1 + sizeof(tail) - 1;

	if (path.len <= ends || memcmp(path.data, head, sizeof(head) - 1) != 0)
		return false;
	for (size_t i = sizeof(head) - 1; i < path.len - (sizeof(tail) - 1); i++)
		if (path.data[i] < '0' || path.data[i] > '9')
			return false;
	return memcmp(path.data + path.len - (sizeof(tail) - 1), tail, sizeof(tail) - 1) == 0;
}

static void see_open(struct hm_gathered *g, const struct hm_event *e)
{
	struct hm_slice path = B(e, HM_OPEN_PATH);

	if (g->test->deep && hm_slice_eq(path, hm_slice_text(g->test->deep))) {
		g->deep = true;
		g->deep_cut = U(e, HM_OPEN_CUT) != 0;
	}
	if (is_memory(path)) {
		g->memory = true;
		g->memory_dev = U(e, HM_OPEN_DEV);
		g->memory_ino = U(e, HM_OPEN_INO);
	}
	for (size_t way = 0; way < hm_way_count; way++) {
		struct hm_seen *seen = &g->seen[way];

		if (!hm_slice_eq(path, hm_slice_text(g->path[way])))
			continue;
		if (hm_ways[way].opened_by && U(e, HM_OPEN_NR) != hm_ways[way].opened_by)
			continue;
		/* The file that was planted, and no other of that name. */
		if (g->test->nonce[way].ino && U(e, HM_OPEN_INO) != g->test->nonce[way].ino)
			continue;
		seen->opened = true;
		seen->dev = U(e, HM_OPEN_DEV);
		seen->ino = U(e, HM_OPEN_INO);
		seen->gen = U(e, HM_OPEN_GEN);
	}
}

/* The way of sending whose address this is; hm_way_count for none. */
static size_t way_of_address(const struct hm_gathered *g, struct hm_slice address)
{
	for (size_t way = 0; address.len == 4 && way < hm_way_count; way++) {
		uint8_t own[4];

		hm_way_address(own, way, g->test->closed && hm_ways[way].kind == HM_SELFTEST_SEND);
		if (memcmp(own, address.data, 4) == 0)
			return way;
	}
	return hm_way_count;
}

static bool is_unix_name(const struct hm_gathered *g, size_t way, struct hm_slice name)
{
	return name.len == HM_NAME_BYTES && name.data[0] == 0 &&
	       memcmp(name.data + 1, g->test->nonce[way].bytes, HM_NAME_BYTES - 1) == 0;
}

/* Netlink has no address that could be a nonce: there the message's length tells. */
static bool is_send_of(const struct hm_gathered *g, size_t way, const struct hm_event *e)
{
	const struct hm_way *w = &hm_ways[way];

	if (w->kind != HM_SELFTEST_SEND || U(e, HM_SEND_NR) != w->nr || U(e, HM_SEND_BYTES) < w->bytes)
		return false;
	if (w->act == hm_send_netlink)
		return U(e, HM_SEND_FAMILY) == AF_NETLINK && U(e, HM_SEND_BYTES) == w->bytes;
	if (w->act == hm_send_unix)
		return U(e, HM_SEND_FAMILY) == AF_UNIX && is_unix_name(g, way, B(e, HM_SEND_ADDR));
	return U(e, HM_SEND_FAMILY) == AF_INET && U(e, HM_SEND_PROTO) == w->proto && way_of_address(g, B(e, HM_SEND_ADDR)) == way;
}

static void see_send(struct hm_gathered *g, const struct hm_event *e)
{
	for (size_t way = 0; way < hm_way_count; way++) {
		struct hm_seen *seen = &g->seen[way];

		if (!is_send_of(g, way, e))
			continue;
		seen->calls++;
		seen->tgid = e->tgid;
		seen->socket = U(e, HM_SEND_INO);
		if (seen->calls == 1)
			seen->time = e->time;
	}
}

static void see_deny(struct hm_gathered *g, const struct hm_event *e)
{
	for (size_t way = 0; way < hm_way_count; way++) {
		const struct hm_way *w = &hm_ways[way];

		if (w->kind == HM_SELFTEST_REFUSE && w->nr == U(e, HM_DENY_NR) && (!w->has_arg0 || w->arg0 == U(e, HM_DENY_ARG0)))
			g->seen[way].calls++;
	}
}

static void see_connect(struct hm_gathered *g, const struct hm_event *e)
{
	size_t way = way_of_address(g, B(e, HM_CONNECT_ADDR));

	if (way < hm_way_count && is_way_of(way, HM_SELFTEST_REFUSE) && (int64_t)U(e, HM_CONNECT_RESULT) < 0)
		g->seen[way].calls++;
}

/* What this kernel lets the recorder have: words of START. */
static void see_start(struct hm_gathered *g, const struct hm_event *e)
{
	static const struct {
		const char *word;
		unsigned by;
		bool socket;
	} words[] = {
		{ "page-cache", 1u << HM_PAGES_GET | 1u << HM_PAGES_MAP | 1u << HM_PAGES_FAULT, false },
		{ "page-cache-add", 1u << HM_PAGES_ADD, false },
		{ "direct", 1u << HM_PAGES_DIRECT, false },
		{ "socket", 0, true },
	};
	struct hm_slice text = B(e, HM_START_WITNESSES);

	g->started = g->items == 1;
	for (size_t at = 0, end; at < text.len; at = end + 1) {
		for (end = at; end < text.len && !strchr(" ,:", text.data[end]);)
			end++;
		for (size_t i = 0; i < HM_COUNT(words); i++) {
			if (!hm_slice_eq(hm_slice_text(words[i].word), (struct hm_slice){ text.data + at, end - at }))
				continue;
			g->by |= words[i].by;
			g->socket |= words[i].socket;
		}
	}
}

static void see_end(struct hm_gathered *g, const struct hm_event *e)
{
	g->finished = true;
	g->produced = U(e, HM_END_PRODUCED);
	g->lost = U(e, HM_END_LOST);
	g->packets_lost = U(e, HM_END_PACKETS_LOST);
}

static void see_look(struct hm_gathered *g, const struct hm_event *e)
{
	g->looks++;
	g->last_look = U(e, HM_LOOK_LOOK);
	if (U(e, HM_LOOK_TASKS) != g->tasks || U(e, HM_LOOK_FILES) != g->files || U(e, HM_LOOK_MAPPINGS) != g->mappings)
		g->miscounted++;
	g->tasks = g->files = g->mappings = 0;
}

static void first_pass(struct hm_gathered *g, const struct hm_event *e)
{
	g->items++;
	g->finished = false;
	g->kernel_events += e->cpu != HM_CPU_USER;
	g->holes += hm_sequences_broken(g->sequences, e);
	switch (e->kind) {
	case HM_EV_START:
		see_start(g, e);
		break;
	case HM_EV_END:
		see_end(g, e);
		break;
	case HM_EV_GAP:
		g->gaps++;
		break;
	case HM_EV_EXEC:
		if (!g->first)
			g->first = e->tgid;
		break;
	case HM_EV_EXIT:
		if (e->tgid == g->first && U(e, HM_EXIT_LAST))
			g->ended = e->time;
		break;
	case HM_EV_OPEN:
		see_open(g, e);
		break;
	case HM_EV_SEND:
		see_send(g, e);
		break;
	case HM_EV_DENY:
		see_deny(g, e);
		break;
	case HM_EV_CONNECT:
		see_connect(g, e);
		break;
	case HM_EV_OUTPUT:
		if (U(e, HM_OUTPUT_STREAM) == 1)
			hm_bytes_slice(&g->output, B(e, HM_OUTPUT_DATA));
		break;
	case HM_EV_ALIVE:
		g->tasks++;
		break;
	case HM_EV_HELD:
		g->files++;
		break;
	case HM_EV_MAPPED:
		g->mappings++;
		break;
	case HM_EV_LOOK:
		see_look(g, e);
		break;
	}
}

/* The way whose file this is, hm_way_count for none. */
static size_t way_of_file(const struct hm_gathered *g, uint64_t dev, uint64_t ino, uint64_t gen)
{
	for (size_t way = 0; way < hm_way_count; way++) {
		const struct hm_seen *seen = &g->seen[way];

		if (seen->opened && seen->ino == ino && seen->dev == dev && seen->gen == gen)
			return way;
	}
	return hm_way_count;
}

static bool covers(const struct hm_way *way, uint64_t offset, uint64_t bytes)
{
	return offset <= way->at && bytes >= way->bytes && offset + bytes >= (uint64_t)way->at + way->bytes;
}

static void see_memory(struct hm_gathered *g, const struct hm_event *e)
{
	for (size_t way = 0; way < hm_way_count; way++)
		if (hm_ways[way].memory && U(e, HM_READ_NR) == hm_ways[way].nr && U(e, HM_READ_BYTES) == hm_ways[way].bytes)
			g->seen[way].calls++;
}

static void see_read(struct hm_gathered *g, const struct hm_event *e)
{
	size_t at = way_of_file(g, U(e, HM_READ_DEV), U(e, HM_READ_INO), U(e, HM_READ_GEN));
	const struct hm_way *way = &hm_ways[at];

	if (g->memory && U(e, HM_READ_DEV) == g->memory_dev && U(e, HM_READ_INO) == g->memory_ino)
		see_memory(g, e);
	if (at == hm_way_count || way->memory)
		return;
	if (way->kind == HM_SELFTEST_STATE)
		g->seen[at].calls++;
	else if (U(e, HM_READ_NR) == way->nr && covers(way, U(e, HM_READ_OFFSET), U(e, HM_READ_BYTES)))
		g->seen[at].calls++;
}

static void see_map(struct hm_gathered *g, const struct hm_event *e)
{
	size_t at = way_of_file(g, U(e, HM_MAP_DEV), U(e, HM_MAP_INO), U(e, HM_MAP_GEN));

	if (at < hm_way_count && U(e, HM_MAP_NR) == hm_ways[at].nr && covers(&hm_ways[at], U(e, HM_MAP_OFFSET), U(e, HM_MAP_LENGTH)))
		g->seen[at].calls++;
}

static void see_pages(struct hm_gathered *g, const struct hm_event *e)
{
	size_t at = way_of_file(g, U(e, HM_PAGES_DEV), U(e, HM_PAGES_INO), U(e, HM_PAGES_GEN));
	uint64_t by = U(e, HM_PAGES_BY);

	if (at < hm_way_count && by <= HM_PAGES_ADD &&
	    covers(&hm_ways[at], U(e, HM_PAGES_OFFSET), U(e, HM_PAGES_LENGTH)))
		g->seen[at].by |= 1u << by;
}

static void see_sent(struct hm_gathered *g, const struct hm_event *e)
{
	for (size_t way = 0; way < hm_way_count; way++)
		if (g->seen[way].socket && g->seen[way].socket == U(e, HM_SENT_INO))
			g->seen[way].taken += U(e, HM_SENT_BYTES);
}

static void see_packet(struct hm_gathered *g, const struct hm_event *e)
{
	size_t way = way_of_address(g, B(e, HM_PACKET_ADDR));

	if (way == hm_way_count)
		return;
	g->seen[way].left += U(e, HM_PACKET_PACKETS);
	if (U(e, HM_PACKET_OWNER) != g->seen[way].tgid)
		g->seen[way].foreign += U(e, HM_PACKET_PACKETS);
}

static void see_held(struct hm_gathered *g, const struct hm_event *e)
{
	size_t way = way_of_file(g, U(e, HM_HELD_DEV), U(e, HM_HELD_INO), U(e, HM_HELD_GEN));

	if (way < hm_way_count && U(e, HM_HELD_LOOK) == g->last_look)
		g->seen[way].held = true;
}

static void see_mapped(struct hm_gathered *g, const struct hm_event *e)
{
	size_t way = way_of_file(g, U(e, HM_MAPPED_DEV), U(e, HM_MAPPED_INO), U(e, HM_MAPPED_GEN));

	if (way < hm_way_count && U(e, HM_MAPPED_LOOK) == g->last_look)
		g->seen[way].mapped = true;
}

static void second_pass(struct hm_gathered *g, const struct hm_event *e)
{
	switch (e->kind) {
	case HM_EV_READ:
		see_read(g, e);
		break;
	case HM_EV_MAP:
		see_map(g, e);
		break;
	case HM_EV_PAGES:
		see_pages(g, e);
		break;
	case HM_EV_SENT:
		see_sent(g, e);
		break;
	case HM_EV_PACKET:
		see_packet(g, e);
		break;
	case HM_EV_HELD:
		see_held(g, e);
		break;
	case HM_EV_MAPPED:
		see_mapped(g, e);
		break;
	}
}

static int read_packets(struct hm_gathered *g, struct hm_slice file, struct hm_fail *fail)
{
	struct hm_cursor cursor = hm_cursor_of(file);
	struct hm_pcapng_block block;
	int r;

	while ((r = hm_pcapng_next(&cursor, &block, fail)) > 0) {
		struct hm_packet packet;
		size_t way;

		if (block.type != HM_PCAPNG_EPB)
			continue;
		hm_packet_read(&packet, block.packet);
		way = packet.version == 4 ? way_of_address(g, (struct hm_slice){ packet.dst, 4 }) : hm_way_count;
		if (way == hm_way_count)
			continue;
		g->seen[way].frames++;
		g->seen[way].bare += packet.proto == IPPROTO_TCP && !packet.payload.len && !packet.cut;
		if (packet.payload.len && memmem(packet.payload.data, packet.payload.len, g->test->nonce[way].bytes, SENT_BYTES))
			g->seen[way].nonces++;
	}
	return r;
}

/* "WAY ERRNO", a line each. What is no such line counts for nothing. */
static void read_words(struct hm_gathered *g)
{
	char *save = NULL;

	hm_bytes_u8(&g->output, 0);
	for (char *line = strtok_r((char *)g->output.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		size_t len = strcspn(line, " ");

		for (size_t way = 0; way < hm_way_count && line[len]; way++) {
			if (strlen(hm_ways[way].name) != len || strncmp(hm_ways[way].name, line, len) != 0)
				continue;
			g->seen[way].said = true;
			g->seen[way].error = atoi(line + len);
		}
	}
}

static int pass(struct hm_gathered *g, struct hm_record *record, void (*see)(struct hm_gathered *, const struct hm_event *),
		struct hm_fail *fail)
{
	struct hm_event event;
	struct hm_slice item;
	int r;

	hm_record_rewind(record);
	while ((r = hm_record_next(record, &item, fail)) > 0) {
		r = hm_event_decode(&event, item, fail);
		if (r < 0)
			break;
		see(g, &event);
	}
	return r;
}

static int read_record(struct hm_gathered *g, struct hm_slice file, struct hm_fail *fail)
{
	struct hm_record *record;
	int r = hm_record_open(&record, file, fail);

	if (r < 0)
		return r;
	g->cut = hm_record_head(record)->cut || hm_record_head(record)->withheld;
	r = pass(g, record, first_pass, fail);
	if (r == 0)
		r = pass(g, record, second_pass, fail);
	hm_record_close(record);
	return r;
}

int hm_gather(struct hm_gathered *g, struct hm_slice record, struct hm_slice packets, struct hm_fail *fail)
{
	int r;

	g->sequences = hm_sequences_new();
	g->seen = hm_alloc(hm_way_count, sizeof(*g->seen));
	g->path = hm_alloc(hm_way_count, sizeof(*g->path));
	for (size_t way = 0; way < hm_way_count; way++)
		g->path[way] = hm_sprintf("%s/%s", hm_ways[way].planted ? HM_PLANTED_FOLDER : g->test->target, hm_ways[way].name);
	r = read_record(g, record, fail);
	if (r == 0)
		r = read_packets(g, packets, fail);
	if (r == 0)
		read_words(g);
	return r;
}

void hm_gathered_release(struct hm_gathered *g)
{
	for (size_t way = 0; g->path && way < hm_way_count; way++)
		free(g->path[way]);
	free(g->path);
	free(g->seen);
	hm_sequences_free(g->sequences);
	hm_bytes_release(&g->output);
}
