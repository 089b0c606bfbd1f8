/* Reads: what calls say against what the page cache gave.
 *
 * A planted document is compared in steps of a page: each that a call read must have been given, and each that was given must have been
 * read, lie in a mapping, or belong to a file that the kernel reads as a whole for an exec or a copy-up. The page cache tells what it was asked
 * for, which may reach behind the file's end, and its events stand behind the reads, so all is compared at the end. Of
 * other files on disks every one that was read must have a name. */
#include <stdlib.h>
#include <sys/stat.h>

#include "digest.h"
#include "reconcile_internal.h"

enum { PAGE = 4096, RING_READV = 1, RING_READ_FIXED = 4, RING_READ = 22, NR_EXECVE = 59, NR_EXECVE_32 = 11 };

struct hm_extent {
	uint64_t size;
	size_t pages;
	uint8_t bits[]; /* three of each page */
};

enum { READ = 1, EXPLAINED = 2, GIVEN = 4 };

struct path_node {
	struct hm_node node;
	const struct hm_file *file;
};

void hm_files_begin(struct hm_files *files, const struct hm_target *target)
{
	*files = (struct hm_files){ .target = target, .index.node_size = sizeof(struct hm_file), .lower.node_size = sizeof(struct path_node) };
}

void hm_files_release(struct hm_files *files)
{
	for (size_t i = 0; i < files->index.count; i++)
		free(((struct hm_file *)files->index.list[i])->extent);
	hm_index_release(&files->index);
	hm_index_release(&files->lower);
}

struct hm_file *hm_files_of(struct hm_files *files, uint64_t dev, uint64_t ino, uint64_t gen)
{
	return hm_index_node(&files->index, &(struct hm_key){ { dev, ino, gen, 0 } });
}

static void mark(struct hm_extent *extent, uint64_t from, uint64_t length, uint8_t bits)
{
	uint64_t to;

	if (__builtin_add_overflow(from, length, &to) || to > extent->size)
		to = extent->size;
	for (uint64_t page = from / PAGE; page * PAGE < to; page++)
		extent->bits[page] |= bits;
}

static const struct hm_target_file *document_at(const struct hm_target *target, struct hm_slice path)
{
	size_t len = strlen(target->folder), low = 0, high = target->count;

	if (path.len <= len + 1 || memcmp(path.data, target->folder, len) != 0 || path.data[len] != '/')
		return NULL;
	path.data += len + 1;
	path.len -= len + 1;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = hm_slice_cmp(target->list[middle].path, path);

		if (order == 0)
			return &target->list[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

void hm_files_name(struct hm_files *files, struct hm_file *file, uint64_t layer, struct hm_slice path)
{
	const struct hm_target_file *document;
	struct hm_key key;
	size_t pages;

	if (layer == HM_LAYER_LOWER && !(file->flags & HM_FILE_NAMED)) {
		key = hm_path_key(path);
		((struct path_node *)hm_index_node(&files->lower, &key))->file = file;
	}
	file->flags |= HM_FILE_NAMED;
	if (file->extent || layer != HM_LAYER_PLAIN)
		return;
	document = document_at(files->target, path);
	if (!document)
		return;
	pages = (size_t)((document->size + PAGE - 1) / PAGE);
	file->extent = hm_alloc(1, sizeof(*file->extent) + pages);
	file->extent->size = document->size;
	file->extent->pages = pages;
	if (file->to > file->from)
		mark(file->extent, file->from, file->to - file->from, GIVEN);
}

struct hm_key hm_path_key(struct hm_slice path)
{
	struct hm_sha256 digest;
	struct hm_key key;

	hm_sha256_slice(&digest, path);
	memcpy(&key, digest.b, sizeof(key));
	return key;
}

const struct hm_file *hm_files_lower(struct hm_files *files, const struct hm_key *path)
{
	const struct path_node *node = hm_index_find(&files->lower, path);

	return node ? node->file : NULL;
}

bool hm_files_terminal(const struct hm_files *files, uint64_t dev)
{
	for (size_t i = 0; i < files->terminal_count; i++)
		if (files->terminals[i] == dev)
			return true;
	return false;
}

/* /dev/ptmx is the one in /dev/pts, as the kernel names it. */
static void note_terminal(struct hm_files *files, const struct hm_event *e)
{
	uint64_t dev = e->field[HM_OPEN_DEV].u;

	if (hm_slice_eq(e->field[HM_OPEN_PATH].b, HM_SLICE("/dev/pts/ptmx")) && files->terminal_count < HM_COUNT(files->terminals) &&
	    !hm_files_terminal(files, dev))
		files->terminals[files->terminal_count++] = dev;
}

static void take_open(struct hm_files *files, const struct hm_event *e)
{
	const struct hm_value *f = e->field;
	struct hm_file *file = hm_files_of(files, f[HM_OPEN_DEV].u, f[HM_OPEN_INO].u, f[HM_OPEN_GEN].u);

	hm_files_name(files, file, f[HM_OPEN_LAYER].u, f[HM_OPEN_PATH].b);
	if (f[HM_OPEN_LAYER].u == HM_LAYER_NONE)
		note_terminal(files, e);
}

static void take_exec(struct hm_files *files, const struct hm_event *e)
{
	const struct hm_value *f = e->field;
	struct hm_file *file = hm_files_of(files, f[HM_EXEC_DEV].u, f[HM_EXEC_INO].u, f[HM_EXEC_GEN].u);

	hm_files_name(files, file, f[HM_EXEC_LAYER].u, f[HM_EXEC_PATH].b);
	file->flags |= HM_FILE_MAPPED | HM_FILE_WHOLE;
}

static void take_map(struct hm_files *files, const struct hm_event *e)
{
	const struct hm_value *f = e->field;
	uint64_t nr = f[HM_MAP_NR].u;
	struct hm_file *file;

	if (f[HM_MAP_DEV].u == 0 && f[HM_MAP_INO].u == 0)
		return;
	file = hm_files_of(files, f[HM_MAP_DEV].u, f[HM_MAP_INO].u, f[HM_MAP_GEN].u);
	hm_files_name(files, file, f[HM_MAP_LAYER].u, f[HM_MAP_PATH].b);
	file->flags |= HM_FILE_MAPPED;
	/* The kernel maps an interpreter in several pieces and tells of one. */
	if (nr == NR_EXECVE || nr == (NR_EXECVE_32 | HM_NR_COMPAT))
		file->flags |= HM_FILE_WHOLE;
	if (file->extent) {
		uint64_t from = f[HM_MAP_OFFSET].u, in = from % PAGE, length;

		if (__builtin_add_overflow(f[HM_MAP_LENGTH].u, in, &length))
			length = UINT64_MAX;
		mark(file->extent, from - in, length, EXPLAINED);
	}
}

static void show(struct hm_file *file, unsigned flags, uint64_t position)
{
	if (!(file->flags & (HM_FILE_READ | HM_FILE_GIVEN | HM_FILE_ADDED)))
		file->shown = position;
	if ((flags & HM_FILE_TOUCHED) && !(file->flags & HM_FILE_TOUCHED))
		file->touched = position;
	file->flags |= flags;
}

static void take_read(struct hm_files *files, const struct hm_event *e, uint64_t position, bool own)
{
	const struct hm_value *f = e->field;
	struct hm_file *file = hm_files_of(files, f[HM_READ_DEV].u, f[HM_READ_INO].u, f[HM_READ_GEN].u);
	uint64_t bytes = f[HM_READ_BYTES].u;

	/* A pipe has a number and no name; files of memory and of the kernel's making have one, and hold nothing of a disk's. */
	if (own && bytes && f[HM_READ_LAYER].u != HM_LAYER_NONE)
		show(file, HM_FILE_READ, position);
	file->flags |= HM_FILE_OTHER;
	if (!file->extent || !bytes)
		return;
	mark(file->extent, f[HM_READ_OFFSET].u, bytes, own ? READ | EXPLAINED : EXPLAINED);
	if (own)
		hm_add(&files->bytes, bytes);
}

static void take_pages(struct hm_files *files, const struct hm_event *e, uint64_t position, bool own)
{
	const struct hm_value *f = e->field;
	struct hm_file *file;
	uint64_t by = f[HM_PAGES_BY].u, from = f[HM_PAGES_OFFSET].u, to;

	if (!own)
		return;
	file = hm_files_of(files, f[HM_PAGES_DEV].u, f[HM_PAGES_INO].u, f[HM_PAGES_GEN].u);
	if (by == HM_PAGES_ADD) {
		show(file, HM_FILE_ADDED, position);
		return;
	}
	show(file, by == HM_PAGES_MAP || by == HM_PAGES_FAULT ? HM_FILE_GIVEN | HM_FILE_TOUCHED : HM_FILE_GIVEN, position);
	if (__builtin_add_overflow(from, f[HM_PAGES_LENGTH].u, &to))
		to = UINT64_MAX;
	if (file->extent) {
		mark(file->extent, from, to - from, GIVEN);
		return;
	}
	if (file->to == file->from) {
		file->from = from;
		file->to = to;
	}
	file->from = from < file->from ? from : file->from;
	file->to = to > file->to ? to : file->to;
}

/* An io_uring tells how much it read and not where. */
static void take_ring(struct hm_files *files, const struct hm_event *e, uint64_t position, bool own)
{
	const struct hm_value *f = e->field;
	uint64_t opcode = f[HM_RING_OPCODE].u;
	struct hm_file *file;

	if (f[HM_RING_DEV].u == 0)
		return;
	file = hm_files_of(files, f[HM_RING_DEV].u, f[HM_RING_INO].u, f[HM_RING_GEN].u);
	hm_files_name(files, file, f[HM_RING_LAYER].u, f[HM_RING_PATH].b);
	if (opcode != RING_READV && opcode != RING_READ_FIXED && opcode != RING_READ)
		return;
	file->flags |= HM_FILE_WHOLE;
	if (own && (int64_t)f[HM_RING_RESULT].u > 0)
		show(file, HM_FILE_READ, position);
}

/* The kernel copied the lower file, and both are one to the product. */
static void take_copy_up(struct hm_files *files, const struct hm_event *e)
{
	const struct hm_value *f = e->field;
	struct hm_file *from = hm_files_of(files, f[HM_COPYUP_FROM_DEV].u, f[HM_COPYUP_FROM_INO].u, f[HM_COPYUP_FROM_GEN].u), *to;
	unsigned mapped;

	from->flags |= HM_FILE_NAMED | HM_FILE_WHOLE;
	/* The copy is not known to the recorder where the call names a path alone. */
	if (f[HM_COPYUP_DEV].u == 0 && f[HM_COPYUP_INO].u == 0)
		return;
	to = hm_files_of(files, f[HM_COPYUP_DEV].u, f[HM_COPYUP_INO].u, f[HM_COPYUP_GEN].u);
	mapped = (from->flags | to->flags) & HM_FILE_MAPPED;
	from->flags |= mapped;
	to->flags |= HM_FILE_NAMED | HM_FILE_WHOLE | mapped;
}

void hm_files_event(struct hm_files *files, const struct hm_event *event, uint64_t position, bool own)
{
	const struct hm_value *f = event->field;

	switch (event->kind) {
	case HM_EV_OPEN:
		return take_open(files, event);
	case HM_EV_EXEC:
		return take_exec(files, event);
	case HM_EV_MAP:
		return take_map(files, event);
	case HM_EV_READ:
		return take_read(files, event, position, own);
	case HM_EV_WRITE:
		hm_files_of(files, f[HM_WRITE_DEV].u, f[HM_WRITE_INO].u, f[HM_WRITE_GEN].u)->flags |= HM_FILE_OTHER;
		return;
	case HM_EV_PAGES:
		return take_pages(files, event, position, own);
	case HM_EV_RING:
		return take_ring(files, event, position, own);
	case HM_EV_COPYUP:
		return take_copy_up(files, event);
	}
}

/* Bytes of the page that the document has. */
static uint64_t bytes_at(const struct hm_extent *extent, size_t page)
{
	uint64_t left = extent->size - (uint64_t)page * PAGE;

	return left < PAGE ? left : PAGE;
}

static void compare_pages(const struct hm_file *file, uint64_t *calls_only, uint64_t *pages_only)
{
	const struct hm_extent *extent = file->extent;

	for (size_t page = 0; page < extent->pages; page++) {
		uint8_t bits = extent->bits[page];

		if ((bits & READ) && !(bits & GIVEN))
			*calls_only += bytes_at(extent, page);
		if ((bits & GIVEN) && !(bits & EXPLAINED) && !(file->flags & HM_FILE_WHOLE))
			*pages_only += bytes_at(extent, page);
	}
}

static void compare_document(const struct hm_file *file, unsigned witnesses, struct hm_reconciled *out)
{
	uint64_t calls_only = 0, pages_only = 0;

	if (witnesses & HM_WITNESS_PAGES) {
		compare_pages(file, &calls_only, &pages_only);
	} else if (witnesses & HM_WITNESS_ADDED) {
		if ((file->flags & HM_FILE_READ) && !(file->flags & HM_FILE_ADDED))
			calls_only = file->extent->size;
		if ((file->flags & HM_FILE_ADDED) && !(file->flags & (HM_FILE_READ | HM_FILE_MAPPED | HM_FILE_WHOLE)))
			pages_only = file->extent->size;
	}
	hm_add(&out->reads.calls_only, calls_only);
	hm_add(&out->reads.pages_only, pages_only);
	if (calls_only || pages_only)
		hm_marks_add(&out->read, file->shown);
}

void hm_files_end(const struct hm_files *files, unsigned witnesses, struct hm_reconciled *out)
{
	out->reads.bytes = files->bytes;
	for (size_t i = 0; i < files->index.count; i++) {
		const struct hm_file *file = (const struct hm_file *)files->index.list[i];
		bool seen = file->flags & (HM_FILE_READ | HM_FILE_GIVEN);

		if (file->extent) {
			out->reads.documents += seen || (file->flags & HM_FILE_ADDED);
			compare_document(file, witnesses, out);
		} else {
			out->reads.files += seen;
		}
		if (seen && !(file->flags & HM_FILE_NAMED)) {
			out->reads.unnamed++;
			hm_marks_add(&out->unnamed, file->shown);
		}
		if ((file->flags & HM_FILE_TOUCHED) && !(file->flags & HM_FILE_MAPPED))
			hm_marks_add(&out->mapped, file->touched);
	}
}
