/* What The Sleuth Kit reads: ntfs, fat, exfat, hfs+, ufs. Folders are walked here, not by its own walk, which passes over what is deep and
 * says nothing of it. What it would read wrongly or not at all is told. */
#include "disk_internal.h"

#include <stdio.h>
#include <stdlib.h>

#define DEEPEST 200

struct file {
	TSK_FS_FILE *file;
	TSK_OFF_T at;
};

struct walk {
	struct hm_target *t;
	struct hm_fail *fail;
	TSK_FS_INFO *fs;
	uint64_t entries;
	TSK_INUM_T above[DEEPEST + 1]; /* the folders that we are in: none is in itself */
	bool over;
};

static ssize_t pull_file(void *cookie, void *to, size_t len)
{
	struct file *f = cookie;
	ssize_t got;

	if (f->at >= f->file->meta->size)
		return 0;
	got = tsk_fs_file_read(f->file, f->at, to, len, TSK_FS_FILE_READ_FLAG_NONE);
	if (got > 0)
		f->at += got;
	return got;
}

static enum hm_entry_type type_of(const TSK_FS_META *meta)
{
	switch (meta->type) {
	case TSK_FS_META_TYPE_REG:
		return HM_ENTRY_FILE;
	case TSK_FS_META_TYPE_DIR:
		return HM_ENTRY_FOLDER;
	case TSK_FS_META_TYPE_LNK:
		return HM_ENTRY_LINK;
	default:
		return HM_ENTRY_OTHER;
	}
}

/* Of ntfs: bytes that it has in another form than what it says its data are. */
static const char *withheld(const struct walk *w, TSK_FS_FILE *file)
{
	int n = TSK_FS_TYPE_ISNTFS(w->fs->ftype) && file->meta->type == TSK_FS_META_TYPE_REG ? tsk_fs_file_attr_getsize(file) : 0;

	for (int i = 0; i < n; i++) {
		const TSK_FS_ATTR *a = tsk_fs_file_attr_get_idx(file, i);

		if (a && a->name && strcmp(a->name, "WofCompressedData") == 0)
			return "Windows keeps it compressed in a way that no library here reads";
		if (a && a->type == TSK_FS_ATTR_TYPE_NTFS_DATA && !a->name && (a->flags & TSK_FS_ATTR_ENC))
			return "it is encrypted";
	}
	return NULL;
}

static int walk_folder(struct walk *w, TSK_INUM_T inode, const char *path, unsigned level);

static int tell(struct walk *w, TSK_FS_FILE *file, const char *path)
{
	struct file reading = { file, 0 };
	const struct hm_entry entry = { .type = type_of(file->meta), .path = path, .size = file->meta->size > 0 ? (uint64_t)file->meta->size : 0,
					.mode = (unsigned)file->meta->mode & 07777 };
	const char *why = withheld(w, file);
	int r = target_tell(w->t, &entry, entry.type == HM_ENTRY_FILE && !why ? pull_file : NULL, &reading, -1, w->fail);

	return r == 0 && why ? target_unread(w->t, path, NULL, w->fail, "%s", why) : r;
}

static int below(struct walk *w, TSK_INUM_T inode, const char *path, unsigned level)
{
	for (unsigned i = 0; i <= level; i++)
		if (w->above[i] == inode)
			return target_unread(w->t, path, NULL, w->fail, "a folder that is in itself");
	return level < DEEPEST ? walk_folder(w, inode, path, level + 1) : target_unread(w->t, path, NULL, w->fail, "deeper than %d folders", DEEPEST);
}

static int one(struct walk *w, TSK_FS_FILE *file, const char *folder, unsigned level)
{
	const char *name = file->name ? file->name->name : NULL;
	HM_FREE char *raw = NULL, *path = NULL;
	int r;

	/* The Sleuth Kit's own (tables of fat, orphans) are no files. */
	if (!name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (file->name->flags & TSK_FS_NAME_FLAG_UNALLOC) ||
	    file->name->type == TSK_FS_NAME_TYPE_VIRT || file->name->type == TSK_FS_NAME_TYPE_VIRT_DIR)
		return 0;
	raw = hm_sprintf("%s/%s", folder, name);
	path = target_path(raw);
	if (++w->entries > w->t->bounds.entries) {
		w->over = true;
		return target_unread(w->t, path, NULL, w->fail, "more than %llu entries", (unsigned long long)w->t->bounds.entries);
	}
	if (!file->meta)
		return target_unread(w->t, path, NULL, w->fail, "its inode cannot be read");
	r = tell(w, file, path);
	return r == 0 && file->meta->type == TSK_FS_META_TYPE_DIR ? below(w, file->meta->addr, path, level) : r;
}

static const char *reason(void)
{
	return tsk_error_get() ? tsk_error_get() : "no reason";
}

static int walk_folder(struct walk *w, TSK_INUM_T inode, const char *path, unsigned level)
{
	TSK_FS_DIR *folder;
	int r = 0;

	tsk_error_reset();
	folder = tsk_fs_dir_open_meta(w->fs, inode);
	if (!folder)
		return target_unread(w->t, *path ? path : "/", NULL, w->fail, "damaged: %.150s", reason());
	w->above[level] = inode;
	for (size_t i = 0; r == 0 && !w->over && i < tsk_fs_dir_getsize(folder); i++) {
		TSK_FS_FILE *file = tsk_fs_dir_get(folder, i);

		if (file)
			r = one(w, file, path, level);
		tsk_fs_file_close(file);
	}
	tsk_fs_dir_close(folder);
	return r;
}

int disk_tsk(struct hm_target *t, const struct disk_part *part, struct hm_fail *fail)
{
	TSK_FS_INFO *fs = tsk_fs_open_img(part->image, part->at, TSK_FS_TYPE_DETECT);
	struct disk_now now = { .fs = fs };
	const void *before = t->state;
	struct walk *w;
	int r;

	if (!fs)
		return target_unread(t, part->name, NULL, fail, "no file system that is known");
	w = hm_alloc(1, sizeof(*w));
	*w = (struct walk){ .t = t, .fail = fail, .fs = fs };
	t->state = &now;
	r = walk_folder(w, fs->root_inum, "", 0);
	t->state = before;
	tsk_fs_close(fs);
	free(w);
	return r;
}

static TSK_FS_FILE *open_path(TSK_FS_INFO *fs, const char *path)
{
	HM_FREE char *whole = hm_sprintf("/%s", path);
	TSK_INUM_T inode;

	return tsk_fs_path2inum(fs, whole, &inode, NULL) == 0 ? tsk_fs_file_open_meta(fs, NULL, inode) : NULL;
}

int disk_tsk_other(TSK_FS_INFO *fs, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail)
{
	TSK_FS_FILE *file = open_path(fs, path);
	struct file f = { file, 0 };
	ssize_t got = 0;
	int r = 0;

	if (!file || !file->meta || file->meta->type != TSK_FS_META_TYPE_REG)
		r = 1;
	else if (file->meta->size < 0 || (uint64_t)file->meta->size > max)
		r = hm_fail_set(fail, HM_E_BAD, "/%s has more than %zu bytes", path, max);
	while (r == 0 && (got = pull_file(&f, hm_bytes_reserve(out, 1 << 16), 1 << 16)) > 0)
		out->len += (size_t)got;
	if (got < 0)
		r = hm_fail_set(fail, HM_E_BAD, "/%s cannot be read", path);
	if (file)
		tsk_fs_file_close(file);
	return r;
}
