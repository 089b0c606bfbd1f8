/* What happens in a run: events as version 1 had them, packets, the tree. */
#include "scene_internal.h"

#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "../unit/flow/frames.h"
#include "cbor.h"
#include "fs.h"
#include "payload.h"
#include "record.h"

void scene_say(struct stage *s, struct hm_event e, enum lane lane)
{
	static const uint32_t cpus[] = { [USER] = HM_CPU_USER, [KERNEL] = 1, [PACKETS] = HM_CPU_PACKETS, [GIVEN] = HM_CPU_TLS };

	e.cpu = cpus[lane];
	e.seq = lane == USER ? s->user_seq++ : lane == KERNEL ? s->seq++ : lane == PACKETS ? s->packet_seq++ : s->given_seq++;
	s->made += lane != USER;
	if ((lane == KERNEL || lane == GIVEN) && s->task) {
		e.tgid = s->task->tgid;
		e.tid = s->task->tid;
		e.tseq = lane == KERNEL ? s->task->next++ : 0;
	}
	if (s->count == ITEMS)
		errx(1, "more events than a case may have");
	hm_event_encode(&s->items[s->count++], &e);
}

uint64_t scene_inode(struct stage *s, const char *path)
{
	size_t i = 0;

	while (i < PATHS && s->paths[i] && strcmp(s->paths[i], path) != 0)
		i++;
	if (i == PATHS)
		errx(1, "more files than a case may have");
	s->paths[i] = path;
	return i + 1;
}

uint64_t scene_layer(const struct line *line, size_t i, uint64_t otherwise)
{
	static const char *const names[] = { "none", "lower", "upper", "plain" };

	for (uint64_t k = 0; i < line->words && k < HM_COUNT(names); k++)
		if (strcmp(line->word[i], names[k]) == 0)
			return k;
	return otherwise;
}

static void do_exec(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_EXEC };

	SET_FILE(e, EXEC, s, line ? scene_word(line, 1) : SUBJECT);
	SET_TEXT(e, HM_EXEC_PATH, line ? scene_word(line, 1) : SUBJECT);
	SET(e, HM_EXEC_LAYER, line ? scene_layer(line, 2, HM_LAYER_LOWER) : HM_LAYER_LOWER);
	SET(e, HM_EXEC_UID, 1000);
	SET(e, HM_EXEC_EUID, 1000);
	scene_say(s, e, KERNEL);
}

static void do_open(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_OPEN };

	SET_FILE(e, OPEN, s, scene_word(line, 1));
	SET_TEXT(e, HM_OPEN_PATH, line->word[1]);
	SET(e, HM_OPEN_LAYER, HM_LAYER_LOWER);
	SET(e, HM_OPEN_MODE, S_IFREG | 0644);
	SET(e, HM_OPEN_CUT, strcmp(line->word[0], "openat") == 0);
	for (size_t i = 2; i < line->words; i++) {
		const char *w = line->word[i];

		if (strcmp(w, "write") == 0)
			SET(e, HM_OPEN_FLAGS, O_WRONLY);
		else if (strlen(w) == 1)
			SET(e, HM_OPEN_MODE, *w == 'd' ? S_IFDIR : *w == 'b' ? S_IFBLK : *w == 'c' ? S_IFCHR : *w == 'p' ? S_IFIFO : S_IFREG);
		else if (strcmp(w, "read") != 0)
			SET(e, HM_OPEN_LAYER, scene_layer(line, i, 9));
	}
	scene_say(s, e, KERNEL);
}

static void do_map(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_MAP };
	const char *path = scene_word(line, 1);

	if (*path)
		SET_FILE(e, MAP, s, path);
	SET_TEXT(e, HM_MAP_PATH, path);
	SET(e, HM_MAP_LAYER, scene_layer(line, 2, *path ? HM_LAYER_LOWER : HM_LAYER_NONE));
	SET(e, HM_MAP_PROT, PROT_READ | PROT_EXEC);
	scene_say(s, e, KERNEL);
}

static void do_listen(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_LISTEN };

	SET(e, HM_LISTEN_FAMILY, scene_number(line, 1, 10));
	SET(e, HM_LISTEN_PORT, scene_number(line, 2, 10));
	SET(e, HM_LISTEN_TYPE, SOCK_STREAM);
	scene_say(s, e, KERNEL);
}

static void do_bind(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_BIND };

	SET(e, HM_BIND_FAMILY, scene_number(line, 1, 10));
	SET(e, HM_BIND_PORT, scene_number(line, 2, 10));
	SET(e, HM_BIND_TYPE, SOCK_DGRAM);
	scene_say(s, e, KERNEL);
}

static void do_connect(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_CONNECT };
	uint8_t address[16];
	bool six = strchr(line->word[1], ':');

	if (inet_pton(six ? AF_INET6 : AF_INET, line->word[1], address) != 1)
		errx(1, "no address: %s", line->word[1]);
	SET(e, HM_CONNECT_FAMILY, six ? AF_INET6 : AF_INET);
	SET(e, HM_CONNECT_TYPE, SOCK_STREAM);
	e.field[HM_CONNECT_ADDR].b = (struct hm_slice){ address, six ? 16 : 4 };
	SET(e, HM_CONNECT_PORT, scene_number(line, 2, 10));
	SET(e, HM_CONNECT_RESULT, (uint64_t)-(int64_t)scene_number(line, 3, 10));
	scene_say(s, e, KERNEL);
}

static void do_cred(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_CRED };

	SET(e, HM_CRED_UID, scene_number(line, 1, 10));
	SET(e, HM_CRED_EUID, scene_number(line, 1, 10));
	SET(e, HM_CRED_CAP_EFF, scene_number(line, 2, 16));
	scene_say(s, e, KERNEL);
}

static void do_output(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_OUTPUT };

	SET(e, HM_OUTPUT_STREAM, scene_number(line, 1, 10));
	SET_TEXT(e, HM_OUTPUT_DATA, scene_word(line, 2));
	scene_say(s, e, USER);
}

static void do_gap(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_GAP };
	uint64_t source = scene_number(line, 1, 10), count = scene_number(line, 2, 10);

	SET(e, HM_GAP_SOURCE, source);
	SET(e, HM_GAP_FROM_CPU, source <= HM_GAP_SEQUENCE ? 1 : HM_CPU_USER);
	SET(e, HM_GAP_FIRST, source <= HM_GAP_SEQUENCE ? s->seq : 0);
	SET(e, HM_GAP_COUNT, count);
	if (source <= HM_GAP_SEQUENCE)
		s->seq += count;
	scene_say(s, e, USER);
}

static void do_hole(struct stage *s, const struct line *line)
{
	s->seq += scene_number(line, 1, 10);
}

static void do_lost(struct stage *s, const struct line *line)
{
	s->lost_events = scene_number(line, 1, 10);
	s->lost_packets = scene_number(line, 2, 10);
}

static void do_egress(struct stage *s, const struct line *line)
{
	s->egress = scene_number(line, 1, 10);
	s->egress_said = true;
	s->egress_packets_said = line->words > 2;
	if (s->egress_packets_said)
		s->egress_packets = scene_number(line, 2, 10);
}

static void do_interrupted(struct stage *s, const struct line *line HM_UNUSED)
{
	s->interrupted = true;
}

static void do_cut(struct stage *s, const struct line *line HM_UNUSED)
{
	s->cut = true;
}

static void do_tree(struct stage *s, const struct line *line)
{
	s->tree[s->tree_count].type = *scene_word(line, 1);
	s->tree[s->tree_count++].path = scene_word(line, 2);
}

void scene_host(uint8_t address[4], const char *host)
{
	if (inet_pton(AF_INET, host, address) != 1)
		hm_dns_address_of(address, host);
}

static void sent(struct stage *s, size_t bytes)
{
	s->packets++;
	s->wire += bytes;
}

static void do_ask(struct stage *s, const struct line *line)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes name = { 0 };

	payload_make(&name, s->parts, scene_seed, line->word + 1, line->words - 1);
	hm_bytes_u8(&name, 0);
	frames_ask(&s->pcapng, (const char *)name.data);
	sent(s, 28 + 12 + name.len + 1 + 4);
}

static void do_udp(struct stage *s, const struct line *line)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes payload = { 0 };
	uint8_t address[4];

	scene_host(address, scene_word(line, 1));
	payload_make(&payload, s->parts, scene_seed, line->word + 3, line->words - 3);
	frames_udp(&s->pcapng, address, (uint16_t)scene_number(line, 2, 10), hm_slice_of(&payload));
	sent(s, 28 + payload.len);
}

static void do_tcp(struct stage *s, const struct line *line)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes payload = { 0 };
	uint16_t port = (uint16_t)scene_number(line, 2, 10);
	uint8_t address[4];

	scene_host(address, scene_word(line, 1));
	payload_make(&payload, s->parts, scene_seed, line->word + 3, line->words - 3);
	frames_tcp(&s->pcapng, address, port, 0xfffffff0, HM_TCP_SYN, HM_SLICE(""));
	sent(s, 40);
	/* Small segments, so that what is looked for crosses their borders. */
	for (size_t at = 0; at < payload.len; at += 13) {
		size_t n = payload.len - at < 13 ? payload.len - at : 13;

		frames_tcp(&s->pcapng, address, port, 0xfffffff1 + (uint32_t)at, HM_TCP_ACK, (struct hm_slice){ payload.data + at, n });
		sent(s, 40 + n);
	}
}

static void do_link(struct stage *s, const struct line *line)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes frame = { 0 };

	hm_bytes_append(&frame, "\xff\xff\xff\xff\xff\xff\2\0\0\0\0\2\x88\xb5", 14);
	payload_make(&frame, s->parts, scene_seed, line->word + 1, line->words - 1);
	hm_pcapng_packet(&s->pcapng, 0, hm_slice_of(&frame), (uint32_t)frame.len);
	s->packets++;
}

static const struct deed deeds[] = {
	{ "exec", do_exec },   { "open", do_open },   { "openat", do_open },	 { "map", do_map },   { "listen", do_listen },
	{ "bind", do_bind }, { "connect", do_connect },  { "cred", do_cred },   { "output", do_output },	 { "gap", do_gap },   { "hole", do_hole },
	{ "lost", do_lost },   { "egress", do_egress }, { "interrupted", do_interrupted }, { "cut", do_cut }, { "tree", do_tree },
	{ "tls", scene_tls_say },
	{ "ask", do_ask },     { "udp", do_udp },     { "tcp", do_tcp },	 { "link", do_link }, { NULL, NULL },
};

static void begin_run(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_START };

	s->run++;
	hm_pcapng_start(&s->pcapng, 0);
	scene_tls_begin(s, line);
	SET(e, HM_START_VERSION, s->version);
	e.field[HM_START_PLAN].b = (struct hm_slice){ s->plan.b, sizeof(s->plan.b) };
	SET(e, HM_START_RUN, s->run);
	SET_TEXT(e, HM_START_KERNEL, "6");
	SET(e, HM_START_CPUS, 2);
	SET_TEXT(e, HM_START_WITNESSES, s->witnesses);
	scene_say(s, e, USER);
	if (line->words == 1 || strcmp(line->word[1], "wrong") == 0)
		do_exec(s, NULL);
}

static void add_record(struct stage *s, const char *name, enum hm_record_kind kind, bool whole)
{
	char folder[] = "/tmp/hallmark-claims-XXXXXX";
	HM_FREE char *path = NULL, *part = hm_sprintf("runs/%04u/%s", s->run, name);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 };
	struct hm_record_writer *w;
	struct hm_fail fail;
	int r;

	if (!mkdtemp(folder))
		err(1, "mkdtemp");
	path = hm_sprintf("%s/record", folder);
	r = hm_record_create(&w, path, kind, &fail);
	for (size_t i = 0; i < s->count && r == 0; i++)
		r = hm_record_append(w, hm_slice_of(&s->items[i]), 0, &fail);
	if (r == 0 && whole) {
		r = hm_record_finish(w, NULL, &fail);
	} else if (r == 0) {
		r = hm_record_sync(w, &fail);
		hm_record_abandon(w);
	}
	scene_must(r, &fail);
	scene_must(hm_fs_read(&content, path, 64 << 20, &fail), &fail);
	scene_must(hm_fs_remove_tree(folder, &fail), &fail);
	scene_must(hm_parts_take(s->parts, part, &content, &fail), &fail);
	for (size_t i = 0; i < s->count; i++)
		hm_bytes_release(&s->items[i]);
	s->count = 0;
}

static void say_end(struct stage *s)
{
	struct hm_event e = { .kind = HM_EV_END };

	SET(e, HM_END_OUTCOME, s->interrupted ? HM_OUTCOME_INTERRUPTED : HM_OUTCOME_EXITED);
	SET(e, HM_END_PRODUCED, s->made);
	SET(e, HM_END_LOST, s->lost_events);
	SET(e, HM_END_PACKETS, s->packets);
	SET(e, HM_END_PACKETS_LOST, s->lost_packets);
	SET(e, HM_END_EGRESS_PACKETS, s->egress_packets_said ? s->egress_packets : s->packets);
	SET(e, HM_END_EGRESS_BYTES, s->egress_said ? s->egress : s->wire);
	scene_say(s, e, USER);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

static void add_tree(struct stage *s)
{
	const char *sorted[256];

	for (size_t i = 0; i < s->tree_count; i++)
		sorted[i] = s->tree[i].path;
	qsort(sorted, s->tree_count, sizeof(*sorted), by_name);
	for (size_t i = 0; i < s->tree_count; i++) {
		struct hm_bytes *item = &s->items[s->count++];
		size_t k = 0;

		while (s->tree[k].path != sorted[i])
			k++;
		hm_cbor_array(item, 8);
		hm_cbor_bytes(item, hm_slice_text(sorted[i]));
		hm_cbor_uint(item, (uint8_t)s->tree[k].type);
		for (int n = 0; n < 4; n++)
			hm_cbor_uint(item, 0);
		hm_cbor_bytes(item, HM_SLICE(""));
		hm_cbor_bytes(item, HM_SLICE(""));
	}
	add_record(s, "tree.cbor.zst", HM_RECORD_TREE, true);
}

static void end_run(struct stage *s)
{
	HM_FREE char *part = hm_sprintf("runs/%04u/packets.pcapng", s->run);
	struct hm_fail fail;

	if (!s->cut)
		say_end(s);
	add_record(s, "record.cbor.zst", HM_RECORD_EVENTS, !s->cut);
	add_tree(s);
	scene_must(hm_parts_take(s->parts, part, &s->pcapng, &fail), &fail);
	s->user_seq = s->seq = s->packet_seq = s->given_seq = s->looks = s->made = s->lost_events = s->lost_packets = s->packets = s->wire = s->egress = 0;
	s->egress_said = s->egress_packets_said = s->interrupted = s->cut = false;
	memset(s->tasks, 0, sizeof(s->tasks));
	memset(s->rows, 0, sizeof(s->rows));
	s->task = NULL;
	s->tree_count = 0;
}

static void do_what(struct stage *s, const struct line *line)
{
	for (size_t i = 0; deeds[i].word; i++)
		if (strcmp(line->word[0], deeds[i].word) == 0)
			return deeds[i].make(s, line);
	for (size_t i = 0; scene_later_deeds[i].word; i++)
		if (strcmp(line->word[0], scene_later_deeds[i].word) == 0)
			return scene_later_deeds[i].make(s, line);
}

void scene_runs(struct stage *s)
{
	bool going = false;

	for (size_t i = 0; i < s->lines->count; i++) {
		const struct line *line = &s->lines->list[i];

		if (strcmp(line->word[0], "run") == 0) {
			if (going)
				end_run(s);
			begin_run(s, line);
			going = true;
		}
		if (going)
			do_what(s, line);
	}
	if (going)
		end_run(s);
}
