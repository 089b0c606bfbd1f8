/* Disk images: the container (raw, qcow, vmdk, vhd, vhdx, ewf) by libqcow, libvmdk, libvhdi, libewf; partitions and file systems (ext, ntfs, fat, exfat, hfs+, ufs,
 * iso9660) by The Sleuth Kit. What no library reads rightly is named and told as unread, never taken for empty: libfsxfs, for one, lists a new xfs as
 * an empty one. */
#include "target_internal.h"

#include <libqcow.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <tsk/libtsk.h>
#include <unistd.h>

#define PARTITIONS_MAX 256

struct disk {
	TSK_IMG_INFO *image;
	libqcow_file_t *qcow;
};

/* First bytes. `container`: it holds a disk; else it is a file system or a table of partitions. */
static const struct magic {
	const char *name;
	off_t at;
	size_t len;
	const char *bytes;
	TSK_IMG_TYPE_ENUM container; /* 0: none */
	bool told;		     /* a file system that no library here reads */
} magics[] = {
	{ "qcow", 0, 4, "QFI\xfb", TSK_IMG_TYPE_EXTERNAL, false },
	{ "vmdk", 0, 4, "KDMV", TSK_IMG_TYPE_VMDK_VMDK, false },
	{ "vmdk", 0, 21, "# Disk DescriptorFile", TSK_IMG_TYPE_VMDK_VMDK, false },
	{ "vhd", 0, 8, "conectix", TSK_IMG_TYPE_VHD_VHD, false },
	{ "vhdx", 0, 8, "vhdxfile", TSK_IMG_TYPE_VHD_VHD, false },
	{ "ewf", 0, 8, "EVF\x09\x0d\x0a\xff\x00", TSK_IMG_TYPE_EWF_EWF, false },
	{ "squashfs", 0, 4, "hsqs", 0, false },
	{ "xfs", 0, 4, "XFSB", 0, true },
	{ "luks", 0, 6, "LUKS\xba\xbe", 0, true },
	{ "erofs", 1024, 4, "\xe2\xe1\xf5\xe0", 0, true },
	{ "f2fs", 1024, 4, "\x10\x20\xf5\xf2", 0, true },
	{ "lvm", 512, 8, "LABELONE", 0, true },
	{ "btrfs", 0x10040, 8, "_BHRfS_M", 0, true },
	{ "iso9660", 0x8001, 5, "CD001", 0, false },
	{ "ext", 1080, 2, "\x53\xef", 0, false },
	{ "ntfs", 3, 8, "NTFS    ", 0, false },
	{ "exfat", 3, 8, "EXFAT   ", 0, false },
	{ "gpt", 512, 8, "EFI PART", 0, false },
	{ "partitions", 510, 2, "\x55\xaa", 0, false },
	{ "vhd", -512, 8, "conectix", TSK_IMG_TYPE_VHD_VHD, false },
};

static const struct magic *magic_of(int fd)
{
	struct stat st;

	if (fstat(fd, &st) != 0 || (S_ISREG(st.st_mode) && st.st_size < 512))
		return NULL;
	for (size_t i = 0; i < HM_COUNT(magics); i++) {
		const struct magic *m = &magics[i];
		char got[32];

		if (pread(fd, got, m->len, m->at < 0 ? st.st_size + m->at : m->at) == (ssize_t)m->len && memcmp(got, m->bytes, m->len) == 0)
			return m;
	}
	return NULL;
}

const char *target_disk_name(int fd)
{
	const struct magic *m = magic_of(fd);

	return m ? m->name : NULL;
}

const char *target_disk_inside(struct hm_slice head)
{
	for (size_t i = 0; i < HM_COUNT(magics); i++) {
		const struct magic *m = &magics[i];

		if (m->at == 0 && m->len >= 4 && !m->told && head.len >= m->len && memcmp(head.data, m->bytes, m->len) == 0)
			return m->name;
	}
	return NULL;
}

struct file {
	TSK_FS_FILE *file;
	TSK_OFF_T at;
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

struct walk {
	struct hm_target *t;
	struct hm_fail *fail;
	uint64_t entries;
	int r;
};

static TSK_WALK_RET_ENUM each(TSK_FS_FILE *file, const char *folder, void *cookie)
{
	struct walk *w = cookie;
	const char *name = file->name ? file->name->name : NULL;
	struct hm_entry entry = { .type = HM_ENTRY_OTHER };
	struct file reading = { file, 0 };
	HM_FREE char *raw = NULL, *path = NULL;

	/* NTFS lists a file's other streams, and the file systems' own files have a $. */
	if (!name || strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (file->name->flags & TSK_FS_NAME_FLAG_UNALLOC))
		return TSK_WALK_CONT;
	raw = hm_sprintf("%s/%s", folder ? folder : "", name);
	path = target_path(raw);
	entry.path = path;
	if (++w->entries > w->t->bounds.entries) {
		w->r = target_unread(w->t, path, NULL, w->fail, "more than %llu entries", (unsigned long long)w->t->bounds.entries);
		return TSK_WALK_STOP;
	}
	if (file->meta) {
		entry.type = file->meta->type == TSK_FS_META_TYPE_REG ? HM_ENTRY_FILE : file->meta->type == TSK_FS_META_TYPE_DIR ? HM_ENTRY_FOLDER :
			     file->meta->type == TSK_FS_META_TYPE_LNK						       ? HM_ENTRY_LINK :
															 HM_ENTRY_OTHER;
		entry.size = file->meta->size > 0 ? (uint64_t)file->meta->size : 0;
		entry.mode = (unsigned)file->meta->mode & 07777;
	}
	w->r = target_tell(w->t, &entry, entry.type == HM_ENTRY_FILE ? pull_file : NULL, &reading, -1, w->fail);
	return w->r == 0 ? TSK_WALK_CONT : TSK_WALK_STOP;
}

/* By path, without links; but /lib and its like are links to /usr/lib everywhere by now. */
static TSK_FS_FILE *open_path(TSK_FS_INFO *fs, const char *path)
{
	static const char *const before[] = { "/", "/usr/" };
	TSK_INUM_T inode;

	while (*path == '/')
		path++;
	for (size_t i = 0; i < HM_COUNT(before); i++) {
		HM_FREE char *whole = hm_sprintf("%s%s", before[i], path);

		if (tsk_fs_path2inum(fs, whole, &inode, NULL) == 0)
			return tsk_fs_file_open_meta(fs, NULL, inode);
	}
	return NULL;
}

int target_disk_other(struct hm_target *t, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail)
{
	TSK_FS_FILE *file = t->state ? open_path(t->state, path) : NULL;
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

static const struct magic *told_at(TSK_IMG_INFO *image, TSK_OFF_T offset)
{
	for (size_t i = 0; i < HM_COUNT(magics); i++) {
		char got[32];

		if ((magics[i].told || strcmp(magics[i].name, "squashfs") == 0) && tsk_img_read(image, offset + magics[i].at, got, magics[i].len) == (ssize_t)magics[i].len &&
		    memcmp(got, magics[i].bytes, magics[i].len) == 0)
			return &magics[i];
	}
	return NULL;
}

/* One file system. `quiet`: there may be none. */
static int file_system(struct hm_target *t, TSK_IMG_INFO *image, TSK_OFF_T offset, const char *what, struct hm_fail *fail)
{
	const struct magic *told = told_at(image, offset);
	struct walk w = { t, fail, 0, 0 };
	TSK_FS_INFO *fs;

	if (told)
		return target_unread(t, what, NULL, fail, "%s: no library here reads it (mount it read-only and name the folder)", told->name);
	fs = tsk_fs_open_img(image, offset, TSK_FS_TYPE_DETECT);
	if (!fs)
		return target_unread(t, what, NULL, fail, "no file system that is known");
	t->state = fs;
	if (tsk_fs_dir_walk(fs, fs->root_inum, (TSK_FS_DIR_WALK_FLAG_ENUM)(TSK_FS_DIR_WALK_FLAG_ALLOC | TSK_FS_DIR_WALK_FLAG_RECURSE | TSK_FS_DIR_WALK_FLAG_NOORPHAN),
			    each, &w) != 0 &&
	    w.r == 0)
		w.r = target_unread(t, what, NULL, fail, "damaged: %.150s", tsk_error_get() ? tsk_error_get() : "no reason");
	t->state = NULL;
	tsk_fs_close(fs);
	return w.r;
}

static int partitions(struct hm_target *t, TSK_IMG_INFO *image, struct hm_fail *fail)
{
	TSK_VS_INFO *vs = tsk_vs_open(image, 0, TSK_VS_TYPE_DETECT);
	int r = 0;

	if (!vs)
		return file_system(t, image, 0, "/", fail);
	if (vs->part_count > PARTITIONS_MAX)
		r = target_unread(t, "/", NULL, fail, "more than %d partitions", PARTITIONS_MAX);
	for (TSK_PNUM_T i = 0; r == 0 && i < vs->part_count && i < PARTITIONS_MAX; i++) {
		const TSK_VS_PART_INFO *part = tsk_vs_part_get(vs, i);
		HM_FREE char *what = hm_sprintf("/partition %u", (unsigned)i);

		if (part && (part->flags & TSK_VS_PART_FLAG_ALLOC))
			r = file_system(t, image, (TSK_OFF_T)(part->start * vs->block_size), what, fail);
	}
	tsk_vs_close(vs);
	return r;
}

static struct disk *reading; /* libtsk passes only its own struct; a process reads one disk */

static ssize_t qcow_read(TSK_IMG_INFO *image HM_UNUSED, TSK_OFF_T at, char *to, size_t len)
{
	return libqcow_file_read_buffer_at_offset(reading->qcow, to, len, at, NULL);
}

static void qcow_close(TSK_IMG_INFO *image HM_UNUSED)
{
}

static void qcow_stat(TSK_IMG_INFO *image HM_UNUSED, FILE *to HM_UNUSED)
{
}

static TSK_IMG_INFO *open_qcow(struct hm_target *t, struct disk *d, const char **why)
{
	uint8_t backing[8] = { 0 };
	TSK_IMG_INFO *image = hm_alloc(1, sizeof(*image));
	size64_t size = 0;

	if (pread(t->fd, backing, 8, 8) == 8 && memcmp(backing, "\0\0\0\0\0\0\0\0", 8) != 0)
		*why = "it stands on another image (flatten it: qemu-img convert)";
	else if (libqcow_file_initialize(&d->qcow, NULL) != 1 || libqcow_file_open(d->qcow, t->place, LIBQCOW_OPEN_READ, NULL) != 1 ||
		 libqcow_file_get_media_size(d->qcow, &size, NULL) != 1)
		*why = "libqcow cannot open it";
	if (*why) {
		free(image);
		return NULL;
	}
	reading = d;
	return tsk_img_open_external(image, (TSK_OFF_T)size, 512, qcow_read, qcow_close, qcow_stat);
}

static void release(struct disk *d)
{
	if (d->image)
		tsk_img_close(d->image);
	if (d->qcow) {
		libqcow_file_close(d->qcow, NULL);
		libqcow_file_free(&d->qcow, NULL);
	}
	reading = NULL;
}

static int walk(struct hm_target *t, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct disk d = { 0 };
	const struct magic *m = magic_of(t->fd);
	const char *why = NULL;
	TSK_IMG_TYPE_ENUM type = m && m->container ? m->container : TSK_IMG_TYPE_RAW;

	d.image = type == TSK_IMG_TYPE_EXTERNAL ? open_qcow(t, &d, &why) : tsk_img_open_utf8_sing(t->place, type, 512);
	if (!d.image)
		return target_unread(t, "/", NULL, fail, "%s image: %.180s", m ? m->name : "disk", why ? why : tsk_error_get() ? tsk_error_get() : "cannot be opened");
	return partitions(t, d.image, fail);
}

const struct target_form target_disk = { "disk image", walk, NULL };
