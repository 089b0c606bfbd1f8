/* The order in which a batch becomes part of the log is the whole of its safety: doc/format/log.md, "How it is written". */
#include "log_internal.h"

#include <errno.h>
#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

void hm_log_close(struct hm_log *log)
{
	if (!log)
		return;
	if (log->folder >= 0)
		close(log->folder);
	if (log->signed_fd >= 0)
		close(log->signed_fd);
	hm_notary_free(log->notary);
	hm_edge_release(&log->edge);
	hm_bytes_release(&log->note);
	free(log);
}

void hm_log_cleanup(struct hm_log **log)
{
	hm_log_close(*log);
}

uint64_t hm_log_size(const struct hm_log *log)
{
	return log->edge.range.size;
}

uint64_t hm_log_recovered(const struct hm_log *log)
{
	return log->recovered;
}

const struct hm_vkey *hm_log_key(const struct hm_log *log)
{
	return hm_notary_key(log->notary);
}

static struct hm_log *new_log(const struct hm_policy *policy)
{
	struct hm_log *log = hm_alloc(1, sizeof(*log));

	log->folder = log->signed_fd = -1;
	log->policy = policy;
	return log;
}

/* Step 3: the tree of that size and root is what was signed last. */
static int sign(struct hm_log *log, uint64_t size, const struct hm_sha256 *root, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 }, line = { 0 };
	int r;

	hm_checkpoint_write(&text, hm_log_key(log)->name, size, root);
	r = hm_notary_sign(log->notary, hm_slice_of(&text), 0, &line, fail);
	if (r < 0)
		return r;
	log->note.len = 0;
	hm_bytes_slice(&log->note, hm_slice_of(&text));
	hm_bytes_u8(&log->note, '\n');
	hm_bytes_slice(&log->note, hm_slice_of(&line));
	log->root = *root;
	return hm_signed_append(log->signed_fd, hm_slice_of(&log->note), fail);
}

/* Steps 4 and 5. */
static int publish(struct hm_log *log, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes note = { 0 };
	int r = 0;

	hm_bytes_slice(&note, hm_slice_of(&log->note));
	if (log->policy)
		r = hm_log_cosign(log, &note, fail);
	return r < 0 ? r : hm_store_checkpoint(log->folder, hm_slice_of(&note), fail);
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static int make_folder(const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(close_dir) DIR *dir = NULL;
	struct dirent *entry;
	int fd;

	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		return hm_fail_errno(fail, "making the log's folder %s", path);
	fd = hm_folder_open(path, fail);
	if (fd < 0)
		return fd;
	dir = opendir(path);
	while (dir && (entry = readdir(dir)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0) {
			close(fd);
			return hm_fail_set(fail, HM_E_SYSTEM, "%s is not empty: a log wants a folder of its own", path);
		}
	return fd;
}

int hm_log_create(const char *folder, const char *key, struct hm_fail *fail)
{
	HM_CLEANUP(hm_log_cleanup) struct hm_log *log = new_log(NULL);
	struct hm_sha256 empty;
	int r = hm_notary_load(&log->notary, key, HM_KEY_LOG, fail);

	if (r < 0)
		return r;
	log->folder = make_folder(folder, fail);
	if (log->folder < 0)
		return log->folder;
	log->signed_fd = hm_signed_create(key, hm_log_key(log), fail);
	if (log->signed_fd < 0)
		return log->signed_fd;
	hm_sha256_of(&empty, NULL, 0);
	r = sign(log, 0, &empty, fail);
	return r < 0 ? r : publish(log, fail);
}

/* Adds the entries of a bundle to `edge`, from number `skip` to number `width`. Those before must be the leaves that are there. */
static int take_bundle(struct hm_edge *edge, struct hm_slice bundle, unsigned skip, unsigned width, uint64_t index, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(bundle);

	for (unsigned i = 0; i < width; i++) {
		struct hm_slice entry = hm_tile_entry(&c);
		struct hm_sha256 leaf;

		if (i >= skip) {
			hm_edge_add(edge, entry, NULL);
			continue;
		}
		hm_merkle_leaf(&leaf, &entry, 1);
		if (memcmp(&leaf, &edge->level[0].hash[i], sizeof(leaf)) != 0)
			return hm_fail_set(fail, HM_E_BAD, "entry %llu of the log's files is not the one that was signed",
					   (unsigned long long)(index * HM_TILE_WIDTH + i));
	}
	return 0;
}

/* Reads the entries from the edge's on up to `size`. */
static int read_entries(struct hm_log *log, struct hm_edge *edge, uint64_t size, struct hm_fail *fail)
{
	struct hm_tile_source source = hm_folder_source(&log->folder);

	while (edge->range.size < size) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes bundle = { 0 };
		uint64_t index = edge->range.size / HM_TILE_WIDTH;
		unsigned width = hm_tile_width(HM_TILE_ENTRIES, index, size);
		int r = hm_entries_read(source, index, width, &bundle, fail);

		if (r == 0)
			r = take_bundle(edge, hm_slice_of(&bundle), edge->level[0].count, width, index, fail);
		if (r < 0)
			return r;
	}
	return 0;
}

/* Step 2: what is signed is what the files hold, not what was meant to be written. */
static int sign_files(struct hm_log *log, const struct hm_edge *next, struct hm_fail *fail)
{
	HM_CLEANUP(hm_edge_release) struct hm_edge again = { 0 };
	struct hm_sha256 want, root;
	int r;

	hm_edge_copy(&again, &log->edge);
	r = read_entries(log, &again, next->range.size, fail);
	if (r < 0)
		return hm_fail_in(fail, "reading again what was written");
	hm_merkle_root(&again.range, &root);
	hm_merkle_root(&next->range, &want);
	if (memcmp(&root, &want, sizeof(root)) != 0)
		return hm_fail_set(fail, HM_E_BAD, "the log's files hold other entries than were written: nothing was signed");
	return sign(log, next->range.size, &root, fail);
}

static int commit(struct hm_log *log, const struct hm_slice *entry, size_t count, struct hm_fail *fail)
{
	HM_CLEANUP(hm_edge_files_release) struct hm_edge_files files = { .count = 0 };
	HM_CLEANUP(hm_edge_release) struct hm_edge next = { 0 };
	unsigned levels = 1;
	size_t full;
	int r;

	hm_edge_copy(&next, &log->edge);
	for (size_t i = 0; i < count; i++)
		hm_edge_add(&next, entry[i], &files);
	full = files.count;
	for (size_t i = 0; i < full; i++)
		if (files.file[i].tile.level != HM_TILE_ENTRIES && files.file[i].tile.level + 2 > levels)
			levels = files.file[i].tile.level + 2;
	hm_edge_partial(&next, levels < HM_EDGE_LEVELS ? levels : HM_EDGE_LEVELS, &files);
	r = hm_store_write(log->folder, &files, fail);
	if (r == 0)
		r = hm_store_place(log->folder, &files, true, fail);
	if (r == 0)
		r = hm_store_place(log->folder, &files, false, fail);
	if (r == 0)
		r = sign_files(log, &next, fail);
	if (r < 0)
		return r;
	hm_edge_release(&log->edge);
	log->edge = next;
	next.bundle = (struct hm_bytes){ 0 };
	r = publish(log, fail);
	for (size_t i = 0; i < full && r == 0; i++)
		hm_store_drop_partials(log->folder, files.file[i].tile);
	return r;
}

int hm_log_append(struct hm_log *log, const struct hm_slice *entry, size_t count, uint64_t *first, struct hm_fail *fail)
{
	int r;

	if (count == 0 || count > HM_LOG_BATCH)
		return hm_fail_set(fail, HM_E_USAGE, "a batch has 1 to %d entries, not %zu", HM_LOG_BATCH, count);
	for (size_t i = 0; i < count; i++)
		if (entry[i].len > HM_ENTRY_MAX)
			return hm_fail_set(fail, HM_E_USAGE, "an entry has %zu bytes, and a log takes %d", entry[i].len, HM_ENTRY_MAX);
	if (log->broken)
		return hm_fail_set(fail, HM_E_SYSTEM, "the log failed before: open it again");
	*first = hm_log_size(log);
	r = commit(log, entry, count, fail);
	log->broken = r < 0;
	return r;
}

/* The published checkpoint may be behind what was signed, never ahead of it, and it is on the way there. */
static int check_published(const struct hm_checkpoint *published, const struct hm_sha256 *root_there, uint64_t size, struct hm_fail *fail)
{
	if (published->size > size)
		return hm_fail_set(fail, HM_E_BAD, "the log's checkpoint has %llu entries and the last signature beside the key %llu: that file came from an "
						   "older copy, and what was signed since is not known (put the newer file back)",
				   (unsigned long long)published->size, (unsigned long long)size);
	if (memcmp(root_there, &published->root, sizeof(*root_there)) != 0)
		return hm_fail_set(fail, HM_E_BAD, "the log's checkpoint of %llu entries is of another tree than its entries are",
				   (unsigned long long)published->size);
	return 0;
}

/* All entries are read on the way to what was signed last; `published`, of size 0 when there is none, is passed. */
static int rebuild(struct hm_log *log, const struct hm_checkpoint *last, const struct hm_checkpoint *published, struct hm_fail *fail)
{
	static const char advice[] = "the log's files are changed or from an older copy; signing on would show two versions: put the newer files back";
	struct hm_sha256 root;
	int r = 0;

	if (published->size <= last->size)
		r = read_entries(log, &log->edge, published->size, fail);
	hm_merkle_root(&log->edge.range, &root);
	if (r == 0)
		r = check_published(published, &root, last->size, fail);
	if (r == 0)
		r = read_entries(log, &log->edge, last->size, fail);
	if (r == HM_E_BAD && published->size <= last->size)
		return hm_fail_advise(fail, "%s", advice);
	if (r < 0)
		return r;
	hm_merkle_root(&log->edge.range, &root);
	if (memcmp(&root, &last->root, sizeof(root)) != 0)
		return hm_fail_set(fail, HM_E_BAD, "the log's %llu entries are not those that were signed (%s)", (unsigned long long)last->size, advice);
	log->root = root;
	return 0;
}

static int read_checkpoint(struct hm_checkpoint *out, struct hm_slice bytes, const struct hm_vkey *key, struct hm_fail *fail)
{
	struct hm_note note;
	uint64_t time;
	int r = hm_note_parse(&note, bytes, fail);

	if (r == 0)
		r = hm_checkpoint_parse(out, note.text, fail);
	if (r == 0 && (out->extended || !hm_slice_eq(out->origin, hm_slice_text(key->name)) || hm_note_check(&note, key, &time) != HM_NOTE_GOOD))
		r = hm_fail_set(fail, HM_E_BAD, "checkpoint: it is not by the log's key");
	return r;
}

/* The bundle that an interrupted batch completed, which no signature covers: its entries are the next batch. */
static int take_up(struct hm_log *log, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bundle = { 0 };
	struct hm_tile_source source = hm_folder_source(&log->folder);
	struct hm_tile tile = { HM_TILE_ENTRIES, hm_log_size(log) / HM_TILE_WIDTH, HM_TILE_WIDTH };
	struct hm_slice entry[HM_TILE_WIDTH];
	unsigned skip = log->edge.level[0].count;
	char path[HM_TILE_PATH];
	struct hm_cursor c;
	int r;

	if (faccessat(log->folder, hm_tile_path(path, tile), F_OK, 0) < 0)
		return 0;
	r = hm_entries_read(source, tile.index, HM_TILE_WIDTH, &bundle, fail);
	if (r == 0) {
		HM_CLEANUP(hm_edge_release) struct hm_edge probe = { 0 };

		hm_edge_copy(&probe, &log->edge);
		r = take_bundle(&probe, hm_slice_of(&bundle), skip, skip, tile.index, fail);
	}
	if (r < 0)
		return hm_fail_in(fail, "%s, which no signature covers", path);
	c = hm_cursor_of(hm_slice_of(&bundle));
	for (unsigned i = 0; i < HM_TILE_WIDTH; i++)
		entry[i] = hm_tile_entry(&c);
	log->recovered += HM_TILE_WIDTH - skip;
	r = commit(log, entry + skip, HM_TILE_WIDTH - skip, fail);
	return r < 0 ? r : 1;
}

static bool policy_demands(const struct hm_log *log)
{
	return log->policy && hm_policy_witness(log->policy, 0, NULL);
}

static int resume(struct hm_log *log, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes published = { 0 };
	struct hm_checkpoint last, there = { 0 };
	struct hm_tile_source source = hm_folder_source(&log->folder);
	int r = read_checkpoint(&last, hm_slice_of(&log->note), hm_log_key(log), fail), have = 1;

	hm_sha256_of(&there.root, NULL, 0);
	if (r == 0)
		r = have = source.read(source.context, "checkpoint", HM_NOTE_MAX, &published, fail);
	if (r == 0)
		r = read_checkpoint(&there, hm_slice_of(&published), hm_log_key(log), fail);
	if (r >= 0)
		r = rebuild(log, &last, &there, fail);
	for (size_t i = 0; i < HM_POLICY_MAX; i++)
		log->known[i] = there.size;
	/* Witnesses are asked before anything more is signed: they may have seen more than an older copy of log and key holds. */
	if (r == 0 && (have == 1 || there.size < last.size || policy_demands(log)))
		r = publish(log, fail);
	while (r == 0) {
		r = take_up(log, fail);
		if (r <= 0)
			return r;
		r = 0;
	}
	return r;
}

int hm_log_open(struct hm_log **ret, const char *folder, const char *key, const struct hm_policy *policy, struct hm_fail *fail)
{
	HM_CLEANUP(hm_log_cleanup) struct hm_log *log = new_log(policy);
	int r = hm_notary_load(&log->notary, key, HM_KEY_LOG, fail);

	if (r < 0)
		return r;
	log->folder = hm_folder_open(folder, fail);
	if (log->folder < 0)
		return log->folder;
	log->signed_fd = hm_signed_open(key, hm_log_key(log), &log->note, fail);
	if (log->signed_fd < 0)
		return log->signed_fd;
	r = resume(log, fail);
	if (r < 0)
		return hm_fail_in(fail, "log %s", folder);
	*ret = hm_take_ptr(&log);
	return 0;
}
