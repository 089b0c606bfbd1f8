/* Prints what our reader finds in a record, line for line as record_reader.py does, which was written from the format page
 * alone; and makes a record with every kind of event for the two to read.
 *
 *   record_print FILE           the record; exit 0, 1 malformed, 2 unknown version
 *   record_print --make FILE    three blocks of events
 *   record_print --kinds        the kinds table as the format page has it */
#include <inttypes.h>

#include "event.h"
#include "fs.h"
#include "record.h"
#include "text.h"

static int complain(const struct hm_fail *fail)
{
	fprintf(stderr, "%s\n", fail->text);
	return hm_fail_exit(fail->code);
}

static void print_hex(struct hm_slice s)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes hex = { 0 };

	hm_text_hex(&hex, s);
	printf("%.*s", (int)hex.len, hex.len ? (const char *)hex.data : "");
}

static int print_event(uint64_t position, struct hm_slice item, struct hm_fail *fail)
{
	const struct hm_kind_info *info;
	struct hm_event e;
	int r = hm_event_decode(&e, item, fail);

	if (r < 0)
		return r;
	info = hm_kind_info(e.kind);
	printf("%" PRIu64 " %s %" PRIu64 " %u %" PRIu64 " %u %u %" PRIu64, position, info->name, e.time, e.cpu, e.seq, e.tgid,
	       e.tid, e.tseq);
	for (size_t i = 0; i < info->count; i++) {
		printf(" %s=", info->fields[i].name);
		if (info->fields[i].type == HM_BYTES)
			print_hex(e.field[i].b);
		else if (info->fields[i].type == HM_INT)
			printf("%" PRId64, (int64_t)e.field[i].u);
		else
			printf("%" PRIu64, e.field[i].u);
	}
	putchar('\n');
	return 0;
}

static int print_record(struct hm_record *r, struct hm_fail *fail)
{
	const struct hm_record_head *head = hm_record_head(r);
	struct hm_slice item;
	int e;

	printf("kind %d blocks %" PRIu64 " items %" PRIu64 " withheld %" PRIu64 " cut %d root ", (int)head->kind, head->blocks,
	       head->items, head->withheld, head->cut);
	print_hex((struct hm_slice){ head->root.b, HM_SHA256_LEN });
	putchar('\n');
	while ((e = hm_record_next(r, &item, fail)) == 1) {
		e = print_event(hm_record_position(r), item, fail);
		if (e < 0)
			return e;
	}
	return e;
}

static int print_file(const char *path)
{
	HM_CLEANUP(hm_fs_unmap) struct hm_map map = { 0 };
	struct hm_record *record;
	struct hm_fail fail;
	int r;

	if (hm_fs_map(&map, path, &fail) < 0 || hm_record_open(&record, map.bytes, &fail) < 0)
		return complain(&fail);
	r = print_record(record, &fail);
	hm_record_close(record);
	return r < 0 ? complain(&fail) : 0;
}

/* Numbers of every size, the extremes often among them: the same in every run. */
static uint64_t some_number(void)
{
	static uint64_t state = 88172645463325252u;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	if (state % 8 == 0)
		return state % 16 ? UINT64_MAX : (uint64_t)INT64_MIN;
	return state >> state % 61;
}

static int make_event(struct hm_record_writer *w, uint64_t seq, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes item = { 0 };
	struct hm_event e = {
		.kind = (uint16_t)(seq % HM_EV_COUNT), .time = seq * 1000 + some_number() % 1000, .cpu = (uint32_t)some_number(),
		.seq = seq, .tgid = (uint32_t)some_number(), .tid = (uint32_t)some_number(), .tseq = some_number(),
	};
	const struct hm_kind_info *info = hm_kind_info(e.kind);
	uint8_t bytes[300];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)some_number();
	for (size_t i = 0; i < info->count; i++) {
		if (info->fields[i].type == HM_BYTES)
			e.field[i].b = (struct hm_slice){ bytes, some_number() % sizeof(bytes) };
		else
			e.field[i].u = some_number();
	}
	hm_event_encode(&item, &e);
	return hm_record_append(w, hm_slice_of(&item), e.time, fail);
}

static int make_file(const char *path)
{
	struct hm_record_writer *w;
	struct hm_fail fail;

	if (hm_record_create(&w, path, HM_RECORD_EVENTS, &fail) < 0)
		return complain(&fail);
	for (uint64_t i = 0; i < 10 * HM_EV_COUNT; i++)
		if (make_event(w, i, &fail) < 0 || (i % 80 == 79 && hm_record_sync(w, &fail) < 0))
			return complain(&fail);
	return hm_record_finish(w, NULL, &fail) < 0 ? complain(&fail) : 0;
}

static int print_kinds(void)
{
	static const char *const marks[] = { [HM_UINT] = "", [HM_INT] = " i", [HM_BYTES] = " b" };

	for (uint32_t kind = 0; kind < HM_EV_COUNT; kind++) {
		const struct hm_kind_info *info = hm_kind_info(kind);

		if (!info)
			continue;
		printf("| %u | %s | %s | ", kind, info->name, info->meaning);
		for (size_t i = 0; i < info->count; i++)
			printf("%s%s%s", i ? ", " : "", info->fields[i].name, marks[info->fields[i].type]);
		printf(" |\n");
	}
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 2 && strcmp(argv[1], "--kinds") == 0)
		return print_kinds();
	if (argc == 3 && strcmp(argv[1], "--make") == 0)
		return make_file(argv[2]);
	if (argc == 2)
		return print_file(argv[1]);
	fprintf(stderr, "usage: record_print FILE | --make FILE | --kinds\n");
	return 3;
}
