/* The verbs that need the log's private key. */
#include "cmd_log.h"

#include <errno.h>

#include "fs.h"
#include "log.h"
#include "folder.h"
#include "program.h"

static int need_key(const struct hm_args *args, const char **key, struct hm_fail *fail)
{
	*key = hm_args_get(args, "key");
	return *key ? 0 : hm_fail_set(fail, HM_E_USAGE, "log %s: --key KEY, the log's private key, is needed", args->operand[0]);
}

int hm_log_run_create(const struct hm_args *args, struct hm_fail *fail)
{
	const char *key;
	int r = need_key(args, &key, fail);

	return r < 0 ? r : hm_log_create(args->operand[1], key, fail);
}

struct writing {
	struct hm_policy *policy;
	struct hm_log *log;
};

static void release(struct writing *w)
{
	hm_log_close(w->log);
	hm_policy_free(w->policy);
}

static int open_log(struct writing *w, const struct hm_args *args, struct hm_fail *fail)
{
	const char *key;
	int r = need_key(args, &key, fail);

	if (r == 0 && hm_args_has(args, "policy"))
		r = hm_policy_load(&w->policy, hm_args_get(args, "policy"), fail);
	if (r == 0)
		r = hm_log_open(&w->log, args->operand[1], key, w->policy, fail);
	if (r == 0 && hm_log_recovered(w->log))
		hm_program_note("%llu entries of a batch that was interrupted are in the log now", (unsigned long long)hm_log_recovered(w->log));
	return r;
}

/* Entries that wait for their batch. */
struct batch {
	struct hm_bytes bytes[HM_LOG_BATCH];
	size_t count, size;
	uint64_t done, first;
	bool begun;
};

static void release_batch(struct batch *b)
{
	for (size_t i = 0; i < HM_LOG_BATCH; i++)
		hm_bytes_release(&b->bytes[i]);
}

static int flush(struct batch *b, struct hm_log *log, struct hm_fail *fail)
{
	struct hm_slice entry[HM_LOG_BATCH];
	uint64_t first;
	int r;

	if (!b->count)
		return 0;
	for (size_t i = 0; i < b->count; i++)
		entry[i] = hm_slice_of(&b->bytes[i]);
	r = hm_log_append(log, entry, b->count, &first, fail);
	if (r < 0)
		return b->done ? hm_fail_advise(fail, "%llu entries before it are in the log", (unsigned long long)b->done) : r;
	if (!b->begun)
		b->first = first;
	b->begun = true;
	b->done += b->count;
	b->count = 0;
	return 0;
}

/* Where the next entry is put; what stood there is gone. */
static struct hm_bytes *next_place(struct batch *b)
{
	b->bytes[b->count].len = 0;
	return &b->bytes[b->count];
}

static int added(struct batch *b, struct hm_log *log, struct hm_fail *fail)
{
	return ++b->count == b->size ? flush(b, log, fail) : 0;
}

static int append_file(struct batch *b, struct hm_log *log, const char *path, struct hm_fail *fail)
{
	int r = hm_fs_read(next_place(b), path, HM_ENTRY_MAX, fail);

	return r < 0 ? r : added(b, log, fail);
}

static void close_input(FILE **file)
{
	if (*file && *file != stdin)
		fclose(*file);
}

#define READ_AHEAD 262144

static int append_lines(struct batch *b, struct hm_log *log, const char *path, struct hm_fail *fail)
{
	/* With the library's own a batch takes some thirty calls. Standard input keeps it. */
	static char buffer[READ_AHEAD];
	HM_CLEANUP(close_input) FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "re");
	HM_FREE char *line = NULL;
	size_t room = 0;
	ssize_t len;
	int r = 0;

	if (!file)
		return hm_fail_errno(fail, "reading %s", path);
	setvbuf(file, buffer, _IOFBF, READ_AHEAD);
	while (r == 0 && !hm_program_stopped() && (len = getline(&line, &room, file)) >= 0) {
		if (len && line[len - 1] == '\n')
			len--;
		if (len > HM_ENTRY_MAX)
			return hm_fail_set(fail, HM_E_USAGE, "%s: a line has %zd bytes, and an entry %d at most", path, len, HM_ENTRY_MAX);
		hm_bytes_append(next_place(b), line, (size_t)len);
		r = added(b, log, fail);
	}
	if (r == 0 && ferror(file))
		r = hm_fail_errno(fail, "reading %s", path);
	return r;
}

static int batch_size(size_t *out, const char *given, struct hm_fail *fail)
{
	char *end;
	unsigned long n = given ? strtoul(given, &end, 10) : HM_LOG_BATCH;

	if (given && (*given < '0' || *given > '9' || *end || n == 0 || n > HM_LOG_BATCH))
		return hm_fail_set(fail, HM_E_USAGE, "--batch: %s is no number from 1 to %d", given, HM_LOG_BATCH);
	*out = n;
	return 0;
}

/* NAME.tlog-proof in the folder, one for each entry that was appended. */
static int write_receipts(const struct hm_args *args, const struct batch *b, const char *folder, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes note = { 0 };
	HM_CLOSE int fd = hm_folder_open(args->operand[1], fail);
	struct hm_tile_source source = hm_folder_source(&fd);
	int r = fd < 0 ? fd : hm_folder_checkpoint(source, &note, fail);

	for (size_t i = 0; i < b->done && r == 0; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes receipt = { 0 };
		const char *name = args->operand[2 + i], *slash = strrchr(name, '/');
		HM_FREE char *path = hm_sprintf("%s/%s.tlog-proof", folder, slash ? slash + 1 : name);

		r = hm_folder_receipt(source, hm_slice_of(&note), b->first + i, (struct hm_slice){ 0 }, &receipt, fail);
		if (r == 0)
			r = hm_fs_write_atomic(path, hm_slice_of(&receipt), 0644, fail);
	}
	return r;
}

int hm_log_run_append(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct writing w = { 0 };
	HM_CLEANUP(release_batch) struct batch b = { .count = 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	bool lines = hm_args_has(args, "lines");
	const char *receipts = hm_args_get(args, "receipts");
	int r = batch_size(&b.size, hm_args_get(args, "batch"), fail);

	if (r == 0 && lines && receipts)
		r = hm_fail_set(fail, HM_E_USAGE, "--receipts: lines have no names (hallmark log prove makes a receipt of an index)");
	if (r == 0)
		r = open_log(&w, args, fail);
	hm_program_catch_signals();
	for (size_t i = 2; i < args->operands && r == 0; i++)
		r = lines ? append_lines(&b, w.log, args->operand[i], fail) : append_file(&b, w.log, args->operand[i], fail);
	if (r == 0)
		r = flush(&b, w.log, fail);
	if (r == 0 && hm_program_stopped())
		r = hm_fail_set(fail, HM_E_INTERRUPTED, "interrupted: %llu entries are in the log", (unsigned long long)b.done);
	if (r == 0 && receipts)
		r = write_receipts(args, &b, receipts, fail);
	if (r < 0)
		return r;
	if (b.done)
		hm_bytes_printf(&out, "entries %llu to %llu; the log has %llu\n", (unsigned long long)b.first,
				(unsigned long long)(b.first + b.done - 1), (unsigned long long)hm_log_size(w.log));
	else
		hm_bytes_printf(&out, "nothing to append; the log has %llu\n", (unsigned long long)hm_log_size(w.log));
	return hm_args_has(args, "quiet") ? 0 : hm_program_print(hm_slice_of(&out), fail);
}

int hm_log_run_publish(const struct hm_args *args, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct writing w = { 0 };

	return open_log(&w, args, fail);
}
