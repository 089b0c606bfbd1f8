/* squashfs, by libsquashfs: folder by folder, so that memory does not depend on how many files there are. */
#include "disk_internal.h"

#include <stdlib.h>
#include <sqfs/compressor.h>
#include <sqfs/data_reader.h>
#include <sqfs/dir.h>
#include <sqfs/dir_reader.h>
#include <sqfs/error.h>
#include <sqfs/inode.h>
#include <sqfs/io.h>
#include <sqfs/super.h>
#include <unistd.h>

#define DEEPEST 200

/* Bytes that somebody else serves, as libsquashfs wants them. */
struct served {
	sqfs_file_t file;
	struct hm_volume_from from;
};

struct squash {
	struct hm_target *t;
	struct hm_fail *fail;
	sqfs_file_t *file;
	sqfs_super_t super;
	sqfs_compressor_t *compressor;
	sqfs_dir_reader_t *folders;
	sqfs_data_reader_t *data;
	uint64_t entries;
	bool over; /* too many */
};

struct file {
	struct squash *s;
	const sqfs_inode_generic_t *inode;
	sqfs_u64 at;
};

static void release(struct squash *s)
{
	void *const objects[] = { s->data, s->folders, s->compressor, s->file };

	for (size_t i = 0; i < HM_COUNT(objects); i++)
		if (objects[i])
			sqfs_destroy(objects[i]);
}

static ssize_t pull(void *cookie, void *to, size_t len)
{
	struct file *f = cookie;
	sqfs_s32 got = sqfs_data_reader_read(f->s->data, f->inode, f->at, to, (sqfs_u32)len);

	if (got > 0)
		f->at += (sqfs_u64)got;
	return got;
}

static int walk_folder(struct squash *s, const sqfs_inode_generic_t *inode, const char *path, unsigned level);

static int one(struct squash *s, sqfs_dir_reader_t *reader, const char *folder, const char *name, unsigned level)
{
	HM_FREE char *raw = hm_sprintf("%s/%s", folder, name), *path = target_path(raw);
	struct hm_entry entry = { .type = HM_ENTRY_OTHER, .path = path };
	sqfs_inode_generic_t *inode = NULL;
	struct file f = { s, NULL, 0 };
	sqfs_u64 size = 0;
	int r;

	if (++s->entries > s->t->bounds.entries) {
		s->over = true;
		return target_unread(s->t, path, NULL, s->fail, "more than %llu entries", (unsigned long long)s->t->bounds.entries);
	}
	if (sqfs_dir_reader_get_inode(reader, &inode) != 0)
		return target_unread(s->t, path, NULL, s->fail, "its inode is damaged");
	f.inode = inode;
	entry.mode = inode->base.mode & 07777;
	switch (inode->base.type) {
	case SQFS_INODE_DIR:
	case SQFS_INODE_EXT_DIR:
		entry.type = HM_ENTRY_FOLDER;
		break;
	case SQFS_INODE_FILE:
	case SQFS_INODE_EXT_FILE:
		entry.type = HM_ENTRY_FILE;
		sqfs_inode_get_file_size(inode, &size);
		entry.size = size;
		break;
	case SQFS_INODE_SLINK:
	case SQFS_INODE_EXT_SLINK:
		entry.type = HM_ENTRY_LINK;
		break;
	default:
		break;
	}
	r = target_tell(s->t, &entry, entry.type == HM_ENTRY_FILE ? pull : NULL, &f, -1, s->fail);
	if (r == 0 && entry.type == HM_ENTRY_FOLDER)
		r = level < DEEPEST ? walk_folder(s, inode, path, level + 1) : target_unread(s->t, path, NULL, s->fail, "deeper than %d folders", DEEPEST);
	sqfs_free(inode);
	return r;
}

static void destroy(void *object)
{
	if (*(void **)object)
		sqfs_destroy(*(void **)object);
}

/* A reader has one place, and entering a folder moves it: each level has its own. */
static int walk_folder(struct squash *s, const sqfs_inode_generic_t *inode, const char *path, unsigned level)
{
	HM_CLEANUP(destroy) sqfs_dir_reader_t *folder = sqfs_dir_reader_create(&s->super, s->compressor, s->file, 0);
	sqfs_dir_entry_t *e = NULL;
	int got = folder ? sqfs_dir_reader_open_dir(folder, inode, 0) : -1, r = 0;

	while (got == 0 && r == 0 && !s->over && (got = sqfs_dir_reader_read(folder, &e)) == 0) {
		HM_FREE char *name = hm_slice_dup((struct hm_slice){ e->name, (size_t)e->size + 1 });

		sqfs_free(hm_take_ptr(&e));
		r = one(s, folder, path, name, level);
	}
	return r == 0 && got < 0 ? target_unread(s->t, *path ? path : "/", NULL, s->fail, "the folder is damaged") : r;
}

static void served_end(sqfs_object_t *object)
{
	free(object);
}

static sqfs_object_t *served_copy(const sqfs_object_t *object)
{
	struct served *copy = hm_alloc(1, sizeof(*copy));

	memcpy(copy, object, sizeof(*copy));
	return (sqfs_object_t *)copy;
}

static int served_read(sqfs_file_t *file, sqfs_u64 at, void *to, size_t len)
{
	const struct served *s = (const struct served *)file;

	for (size_t have = 0; have < len;) {
		ssize_t got = at + have < s->from.size ? s->from.read(s->from.cookie, at + have, (uint8_t *)to + have, len - have) : 0;

		if (got <= 0)
			return got < 0 ? SQFS_ERROR_IO : SQFS_ERROR_OUT_OF_BOUNDS;
		have += (size_t)got;
	}
	return 0;
}

static int served_write(sqfs_file_t *file HM_UNUSED, sqfs_u64 at HM_UNUSED, const void *data HM_UNUSED, size_t len HM_UNUSED)
{
	return SQFS_ERROR_IO;
}

static sqfs_u64 served_size(const sqfs_file_t *file)
{
	return ((const struct served *)file)->from.size;
}

static int served_cut(sqfs_file_t *file HM_UNUSED, sqfs_u64 size HM_UNUSED)
{
	return SQFS_ERROR_IO;
}

static sqfs_file_t *serve(const struct hm_volume_from *from)
{
	struct served *s = hm_alloc(1, sizeof(*s));

	s->from = *from;
	s->file = (sqfs_file_t){ .base = { .destroy = served_end, .copy = served_copy }, .read_at = served_read, .write_at = served_write, .get_size = served_size,
				 .truncate = served_cut };
	return &s->file;
}

static const char *start(struct squash *s, const struct hm_volume_from *from, sqfs_inode_generic_t **root)
{
	sqfs_compressor_config_t config;

	s->file = serve(from);
	if (sqfs_super_read(&s->super, s->file) != 0)
		return "its superblock is damaged";
	sqfs_compressor_config_init(&config, (SQFS_COMPRESSOR)s->super.compression_id, s->super.block_size, SQFS_COMP_FLAG_UNCOMPRESS);
	if (sqfs_compressor_create(&config, &s->compressor) != 0)
		return "its compression is not known";
	s->folders = sqfs_dir_reader_create(&s->super, s->compressor, s->file, 0);
	s->data = sqfs_data_reader_create(s->file, s->super.block_size, s->compressor, 0);
	if (!s->folders || !s->data || sqfs_data_reader_load_fragment_table(s->data, &s->super) != 0)
		return "its tables are damaged";
	return sqfs_dir_reader_get_root_inode(s->folders, root) == 0 ? NULL : "its root is damaged";
}

int disk_squash(struct hm_target *t, const char *name, const struct hm_volume_from *from, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct squash s = { .t = t, .fail = fail };
	sqfs_inode_generic_t *root = NULL;
	const char *why = start(&s, from, &root);
	const struct disk_now now = { .squash = &s };
	const void *before = t->state;
	int r;

	if (why) {
		sqfs_free(root);
		return target_unread(t, name, NULL, fail, "squashfs: %s", why);
	}
	t->state = &now;
	r = walk_folder(&s, root, "", 0);
	t->state = before;
	sqfs_free(root);
	return r;
}

int disk_squash_other(struct squash *s, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail)
{
	struct file f = { s, NULL, 0 };
	sqfs_inode_generic_t *inode = NULL;
	sqfs_u64 size = 0;
	ssize_t got = 0;
	int r = sqfs_dir_reader_find_by_path(s->folders, NULL, path, &inode) == 0 ? 0 : 1;

	if (r == 0 && (inode->base.type != SQFS_INODE_FILE && inode->base.type != SQFS_INODE_EXT_FILE))
		r = 1;
	if (r == 0 && sqfs_inode_get_file_size(inode, &size) == 0 && size > max)
		r = hm_fail_set(fail, HM_E_BAD, "%s has more than %zu bytes", path, max);
	f.inode = inode;
	while (r == 0 && (got = pull(&f, hm_bytes_reserve(out, 1 << 16), 1 << 16)) > 0)
		out->len += (size_t)got;
	sqfs_free(inode);
	return got < 0 ? hm_fail_set(fail, HM_E_BAD, "%s cannot be read", path) : r;
}

static ssize_t read_file(void *cookie, uint64_t at, void *to, size_t len)
{
	return pread(*(const int *)cookie, to, len, (off_t)at);
}

static int walk(struct hm_target *t, struct hm_fail *fail)
{
	const off_t end = lseek(t->fd, 0, SEEK_END);
	const struct hm_volume_from from = { read_file, &t->fd, end > 0 ? (uint64_t)end : 0 };

	return disk_squash(t, "/", &from, fail);
}

const struct target_form target_squash = { "disk image", walk, NULL };
