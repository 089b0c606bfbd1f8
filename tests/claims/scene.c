#include "scene.h"

#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "../unit/flow/frames.h"
#include "cbor.h"
#include "digest.h"
#include "event.h"
#include "fs.h"
#include "json.h"
#include "payload.h"
#include "planted.h"
#include "record.h"
#include "text.h"

#define TARGET "/srv/target"
#define SUBJECT "/usr/bin/subject"
enum { ITEMS = 4096 };

static const uint8_t seed[32] = "a seed that is the same always";

struct stage {
	struct hm_parts *parts;
	const struct lines *lines;
	unsigned run, version; /* of the events, and the semantics that belong to it */
	struct hm_sha256 plan;
	/* of the run that is going on */
	struct hm_bytes items[ITEMS];
	size_t count;
	uint64_t user_seq, seq, made, lost_events, lost_packets, packets, wire, egress;
	bool egress_said, interrupted, cut;
	uint32_t tcp_seq;
	struct hm_bytes pcapng;
	struct { char type; const char *path; } tree[256];
	size_t tree_count;
};

static _Noreturn void bad(const struct line *line)
{
	errx(1, "line %u: `%s` cannot be read", line->number, line->word[0]);
}

static const char *word(const struct line *line, size_t i)
{
	if (i >= line->words)
		bad(line);
	return line->word[i];
}

static uint64_t number(const struct line *line, size_t i, int base)
{
	char *end;
	uint64_t v = strtoull(word(line, i), &end, base);

	if (*end)
		bad(line);
	return v;
}

static void must(int r, const struct hm_fail *fail)
{
	if (r < 0)
		errx(1, "%s", fail->text);
}

static void put_json(struct stage *s, const char *name, json_t *value)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	struct hm_fail fail;

	hm_json_write(&text, value);
	json_decref(value);
	must(hm_parts_take(s->parts, name, &text, &fail), &fail);
}

static json_t *hex(const struct hm_sha256 *digest, const char *prefix)
{
	char text[2 * HM_SHA256_LEN + 1];

	hm_text_hex_into(text, (struct hm_slice){ digest->b, sizeof(digest->b) });
	return json_sprintf("%s%s", prefix, text);
}

static json_t *digest_of(struct stage *s, const char *part)
{
	struct hm_slice content;
	struct hm_sha256 digest;

	if (!hm_parts_get(s->parts, part, &content))
		return json_null();
	hm_sha256_slice(&digest, content);
	return hex(&digest, "sha256:");
}

/* ---- documents ---- */

static void declare(json_t *declaration, const struct line *line)
{
	const char *list = word(line, 1);
	json_t *rows = json_array();

	if (strcmp(list, "detects") == 0) {
		json_decref(rows);
		json_object_set_new(declaration, list,
				    json_pack("{s:I,s:s}", "stream", (json_int_t)number(line, 2, 10), "line", word(line, 3)));
		return;
	}
	for (size_t i = 2; i < line->words; i++) {
		char *name = line->word[i], *colon = strrchr(name, ':'), *slash = colon ? strchr(colon, '/') : NULL;

		if (strcmp(list, "endpoints") != 0) {
			json_array_append_new(rows, json_string(name));
			continue;
		}
		if (!slash)
			bad(line);
		json_array_append_new(rows, json_pack("{s:s%,s:i,s:s}", "name", name, (size_t)(colon - name), "port",
						      atoi(colon + 1), "proto", slash + 1));
	}
	json_object_set_new(declaration, list, rows);
}

static void make_declaration(struct stage *s)
{
	HM_JSON json_t *declaration = json_pack("{s:s,s:s,s:s,s:s}", "schema", "hallmark/declaration/v1", "product", "subject", "author",
						"project", "source", "a test");
	bool any = false;

	for (size_t i = 0; i < s->lines->count; i++)
		if (strcmp(s->lines->list[i].word[0], "declare") == 0) {
			declare(declaration, &s->lines->list[i]);
			any = true;
		}
	if (any)
		put_json(s, "declaration.json", json_incref(declaration));
}

static void make_product(struct stage *s)
{
	static const char zero[] = "0000000000000000000000000000000000000000000000000000000000000000";
	json_t *files = json_array(), *unowned = json_array();

	json_array_append_new(files, json_pack("{s:s,s:s,s:i,s:i,s:i,s:i,s:s}", "path", SUBJECT, "sha256", zero, "size", 1, "mode", 0755,
					       "uid", 0, "gid", 0, "origin", "package"));
	for (size_t i = 0; i < s->lines->count; i++) {
		const struct line *line = &s->lines->list[i];

		if (strcmp(line->word[0], "package") == 0)
			json_array_append_new(files, json_pack("{s:s,s:s,s:i,s:i,s:i,s:i,s:s}", "path", word(line, 1), "sha256", zero, "size", 1,
							       "mode", 0755, "uid", 0, "gid", 0, "origin", word(line, 2)));
		if (strcmp(line->word[0], "unowned") == 0)
			json_array_append_new(unowned, json_pack("{s:s,s:s}", "path", word(line, 1), "sha256", zero));
	}
	put_json(s, "product.json", json_pack("{s:s,s:s,s:n,s:n,s:[{s:s,s:s,s:s,s:o}],s:o,s:[]}", "schema", "hallmark/product/v1", "name",
					      "subject", "purl", "supplier", "packages", "name", "subject", "version", "1", "arch", "all",
					      "files", files, "unowned", unowned, "definitions"));
}

static size_t count_lines(const struct lines *lines, const char *first)
{
	size_t count = 0;

	for (size_t i = 0; i < lines->count; i++)
		count += strcmp(lines->list[i].word[0], first) == 0;
	return count;
}

static void make_plan(struct stage *s, size_t planned, const char *internet)
{
	json_t *runs = json_array();
	struct hm_sha256 commitment, zero = { { 0 } };
	struct hm_slice content;

	for (size_t i = 1; i <= planned; i++)
		json_array_append_new(runs, json_pack("{s:i,s:s}", "run", (int)i, "kind", "aa"));
	hm_seed_commit(&commitment, seed);
	put_json(s, "plan.json", json_pack("{s:s,s:i,s:i,s:o,s:o,s:o,s:{s:s,s:{s:s,s:o}},s:[s],s:n,s:[],s:o,s:i,s:[i,i],s:s,s:n,s:s,s:s,s:i}",
					   "schema", "hallmark/plan/v1", "format", 1, "semantics", (int)s->version, "commitment", hex(&commitment, ""),
					   "claim_set", digest_of(s, "claims.json"), "declaration", digest_of(s, "declaration.json"),
					   "product", "name", "subject", "executable", "path", SUBJECT, "sha256", hex(&zero, ""), "argv",
					   "subject", "stdin", "factors", "runs", runs, "feature_version", 1, "alpha", 1, 100, "internet",
					   internet, "scenario", "profile", "confined", "target", TARGET, "time_limit_s", 60));
	hm_parts_get(s->parts, "plan.json", &content);
	hm_sha256_slice(&s->plan, content);
}

static json_t *self_test_of(const struct stage *s)
{
	const char *result = s->version == 1 ? "none" : "passed";

	for (size_t i = 0; i < s->lines->count; i++)
		if (strcmp(s->lines->list[i].word[0], "selftest") == 0)
			result = word(&s->lines->list[i], 1);
	if (strcmp(result, "none") == 0)
		return json_string(result);
	return json_pack("{s:s,s:[]}", "result", result, "rows");
}

static void make_assessment(struct stage *s, size_t done, const char *internet)
{
	json_t *runs = json_array();
	struct hm_sha256 as_hash;

	memcpy(as_hash.b, seed, sizeof(seed));
	for (size_t i = 1; i <= done; i++)
		json_array_append_new(runs, json_pack("{s:i,s:s,s:s,s:i,s:i,s:i}", "run", (int)i, "kind", "aa", "outcome", "exited", "status", 0,
						      "start_us", 0, "end_us", 1));
	put_json(s, "assessment.json",
		 json_pack("{s:s,s:o,s:{s:s,s:s},s:{s:[s],s:[s]},s:{s:s,s:s,s:s,s:s,s:s,s:s,s:[],s:[],s:o},s:o,s:[]}", "schema",
			   "hallmark/assessment/v1", "seed", hex(&as_hash, ""), "kernel", "release", "6", "machine", "x86_64", "witnesses",
			   "read", "syscall", "send", "packet", "chamber", "profile", "confined", "internet", internet, "hostname",
			   "host", "machine_id", "00", "address", "198.18.0.2", "target", TARGET, "equal", "absent_mounts", "self_test",
			   self_test_of(s), "runs", runs, "dropped"));
}

/* ---- a run ---- */

static void say(struct stage *s, struct hm_event e, bool kernel)
{
	e.cpu = kernel ? 1 : HM_CPU_USER;
	e.seq = kernel ? s->seq++ : s->user_seq++;
	s->made += kernel;
	if (s->count == ITEMS)
		errx(1, "more events than a case may have");
	hm_event_encode(&s->items[s->count++], &e);
}

#define SET(e, field_, value) (e).field[field_].u = (uint64_t)(value)
#define SET_TEXT(e, field_, value) (e).field[field_].b = hm_slice_text(value)

static uint64_t layer(const struct line *line, size_t i, uint64_t otherwise)
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

	SET_TEXT(e, HM_EXEC_PATH, line ? word(line, 1) : SUBJECT);
	SET(e, HM_EXEC_LAYER, line ? layer(line, 2, HM_LAYER_LOWER) : HM_LAYER_LOWER);
	SET(e, HM_EXEC_UID, 1000);
	SET(e, HM_EXEC_EUID, 1000);
	say(s, e, true);
}

static void do_open(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_OPEN };

	SET_TEXT(e, HM_OPEN_PATH, word(line, 1));
	SET(e, HM_OPEN_LAYER, HM_LAYER_LOWER);
	SET(e, HM_OPEN_MODE, S_IFREG | 0644);
	SET(e, HM_OPEN_CUT, strcmp(line->word[0], "openat") == 0);
	for (size_t i = 2; i < line->words; i++) {
		const char *w = line->word[i];

		if (strcmp(w, "write") == 0)
			SET(e, HM_OPEN_FLAGS, O_WRONLY);
		else if (strlen(w) == 1)
			SET(e, HM_OPEN_MODE, *w == 'd' ? S_IFDIR : *w == 'c' ? S_IFCHR : *w == 'p' ? S_IFIFO : S_IFREG);
		else if (strcmp(w, "read") != 0)
			SET(e, HM_OPEN_LAYER, layer(line, i, 9));
	}
	say(s, e, true);
}

static void do_map(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_MAP };
	const char *path = word(line, 1);

	SET_TEXT(e, HM_MAP_PATH, path);
	SET(e, HM_MAP_LAYER, layer(line, 2, *path ? HM_LAYER_LOWER : HM_LAYER_NONE));
	SET(e, HM_MAP_PROT, PROT_READ | PROT_EXEC);
	say(s, e, true);
}

static void do_listen(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_LISTEN };

	SET(e, HM_LISTEN_FAMILY, number(line, 1, 10));
	SET(e, HM_LISTEN_PORT, number(line, 2, 10));
	SET(e, HM_LISTEN_TYPE, SOCK_STREAM);
	say(s, e, true);
}

static void do_bind(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_BIND };

	SET(e, HM_BIND_FAMILY, number(line, 1, 10));
	SET(e, HM_BIND_PORT, number(line, 2, 10));
	SET(e, HM_BIND_TYPE, SOCK_DGRAM);
	say(s, e, true);
}

static void do_cred(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_CRED };

	SET(e, HM_CRED_UID, number(line, 1, 10));
	SET(e, HM_CRED_EUID, number(line, 1, 10));
	SET(e, HM_CRED_CAP_EFF, number(line, 2, 16));
	say(s, e, true);
}

static void do_output(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_OUTPUT };

	SET(e, HM_OUTPUT_STREAM, number(line, 1, 10));
	SET_TEXT(e, HM_OUTPUT_DATA, word(line, 2));
	say(s, e, false);
}

static void do_gap(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_GAP };
	uint64_t source = number(line, 1, 10), count = number(line, 2, 10);

	SET(e, HM_GAP_SOURCE, source);
	SET(e, HM_GAP_FROM_CPU, source <= HM_GAP_SEQUENCE ? 1 : HM_CPU_USER);
	SET(e, HM_GAP_FIRST, source <= HM_GAP_SEQUENCE ? s->seq : 0);
	SET(e, HM_GAP_COUNT, count);
	if (source <= HM_GAP_SEQUENCE)
		s->seq += count;
	say(s, e, false);
}

static void do_freeze(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_FREEZE };

	SET(e, HM_FREEZE_MEANS, number(line, 1, 10));
	SET(e, HM_FREEZE_DURATION, 1000 * number(line, 2, 10));
	say(s, e, false);
}

static void do_hole(struct stage *s, const struct line *line)
{
	s->seq += number(line, 1, 10);
}

static void do_lost(struct stage *s, const struct line *line)
{
	s->lost_events = number(line, 1, 10);
	s->lost_packets = number(line, 2, 10);
}

static void do_egress(struct stage *s, const struct line *line)
{
	s->egress = number(line, 1, 10);
	s->egress_said = true;
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
	s->tree[s->tree_count].type = *word(line, 1);
	s->tree[s->tree_count++].path = word(line, 2);
}

static void host_address(uint8_t address[4], const char *host)
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

	payload_make(&name, s->parts, seed, line->word + 1, line->words - 1);
	hm_bytes_u8(&name, 0);
	frames_ask(&s->pcapng, (const char *)name.data);
	sent(s, 28 + 12 + name.len + 1 + 4);
}

static void do_udp(struct stage *s, const struct line *line)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes payload = { 0 };
	uint8_t address[4];

	host_address(address, word(line, 1));
	payload_make(&payload, s->parts, seed, line->word + 3, line->words - 3);
	frames_udp(&s->pcapng, address, (uint16_t)number(line, 2, 10), hm_slice_of(&payload));
	sent(s, 28 + payload.len);
}

static void do_tcp(struct stage *s, const struct line *line)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes payload = { 0 };
	uint16_t port = (uint16_t)number(line, 2, 10);
	uint8_t address[4];

	host_address(address, word(line, 1));
	payload_make(&payload, s->parts, seed, line->word + 3, line->words - 3);
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
	payload_make(&frame, s->parts, seed, line->word + 1, line->words - 1);
	hm_pcapng_packet(&s->pcapng, 0, hm_slice_of(&frame), (uint32_t)frame.len);
	s->packets++;
}

static const struct {
	const char *word;
	void (*make)(struct stage *s, const struct line *line);
} deeds[] = {
	{ "exec", do_exec },   { "open", do_open },   { "openat", do_open },	 { "map", do_map },   { "listen", do_listen },
	{ "bind", do_bind },   { "cred", do_cred },   { "output", do_output },	 { "gap", do_gap },   { "hole", do_hole },
	{ "lost", do_lost },   { "egress", do_egress }, { "interrupted", do_interrupted }, { "cut", do_cut }, { "tree", do_tree },
	{ "freeze", do_freeze }, { "ask", do_ask },     { "udp", do_udp },     { "tcp", do_tcp },	 { "link", do_link },
};

static void begin_run(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_START };

	s->run++;
	hm_pcapng_start(&s->pcapng, 0);
	SET(e, HM_START_VERSION, s->version);
	e.field[HM_START_PLAN].b = (struct hm_slice){ s->plan.b, sizeof(s->plan.b) };
	SET(e, HM_START_RUN, s->run);
	SET_TEXT(e, HM_START_KERNEL, "6");
	SET(e, HM_START_CPUS, 2);
	SET_TEXT(e, HM_START_WITNESSES, "read:syscall send:packet");
	say(s, e, false);
	if (line->words == 1)
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
	must(r, &fail);
	must(hm_fs_read(&content, path, 64 << 20, &fail), &fail);
	must(hm_fs_remove_tree(folder, &fail), &fail);
	must(hm_parts_take(s->parts, part, &content, &fail), &fail);
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
	SET(e, HM_END_EGRESS_PACKETS, s->packets);
	SET(e, HM_END_EGRESS_BYTES, s->egress_said ? s->egress : s->wire);
	say(s, e, false);
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
	must(hm_parts_take(s->parts, part, &s->pcapng, &fail), &fail);
	s->user_seq = s->seq = s->made = s->lost_events = s->lost_packets = s->packets = s->wire = s->egress = 0;
	s->egress_said = s->interrupted = s->cut = false;
	s->tree_count = 0;
}

static void make_runs(struct stage *s)
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
		for (size_t k = 0; going && k < HM_COUNT(deeds); k++)
			if (strcmp(line->word[0], deeds[k].word) == 0)
				deeds[k].make(s, line);
	}
	if (going)
		end_run(s);
}

struct hm_parts *scene_make(const struct lines *lines, const char *data)
{
	static struct stage stage;
	HM_FREE char *claims = hm_sprintf("%s/claims/claims.json", data);
	const char *internet = "simulated";
	size_t runs = count_lines(lines, "run"), planned = runs;
	struct hm_fail fail;

	stage = (struct stage){ .parts = hm_parts_new(), .lines = lines, .version = HM_EVENT_VERSION };
	for (size_t i = 0; i < lines->count; i++) {
		if (strcmp(lines->list[i].word[0], "version") == 0)
			stage.version = (unsigned)number(&lines->list[i], 1, 10);
		if (strcmp(lines->list[i].word[0], "planned") == 0)
			planned = number(&lines->list[i], 1, 10);
		if (strcmp(lines->list[i].word[0], "internet") == 0 && lines->list[i].words == 2)
			internet = lines->list[i].word[1];
	}
	must(hm_parts_file(stage.parts, "claims.json", claims, &fail), &fail);
	must(hm_planted_make(stage.parts, seed, "aa", 0, TARGET, NULL, &fail), &fail);
	make_declaration(&stage);
	make_product(&stage);
	make_plan(&stage, planned, internet);
	make_assessment(&stage, runs, internet);
	make_runs(&stage);
	return stage.parts;
}
