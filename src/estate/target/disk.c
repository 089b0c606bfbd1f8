/* Disk images: the container (raw, qcow, vmdk, vhd, vhdx, ewf) by libqcow, libvmdk, libvhdi, libewf; tables of partitions by The Sleuth Kit; then each piece by
 * what reads it (disk_magic.c): The Sleuth Kit, libsquashfs, libarchive, src/estate/volume. Every piece is walked, or named and told as unread. */
#include "disk_internal.h"

#include <libqcow.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define PARTITIONS_MAX 256
#define LEVELS_MAX 4
#define EMPTY_MAX ((uint64_t)64 << 20) /* a piece of so many bytes is read to its end to see that nothing is in it */

struct disk {
	TSK_IMG_INFO *image;
	libqcow_file_t *qcow;
};

static bool is_empty(const struct disk_part *part)
{
	HM_FREE char *block = hm_alloc(1, 1 << 18);

	for (uint64_t at = 0; part->size <= EMPTY_MAX && at < part->size; at += 1 << 18) {
		size_t want = part->size - at < 1 << 18 ? (size_t)(part->size - at) : 1 << 18;

		if (tsk_img_read(part->image, part->at + (TSK_OFF_T)at, block, want) != (ssize_t)want || block[0] || memcmp(block, block + 1, want - 1) != 0)
			return false;
	}
	return part->size <= EMPTY_MAX;
}

static int partitions(struct hm_target *t, const struct disk_part *whole, TSK_VS_INFO *vs, struct hm_fail *fail)
{
	int r = 0;

	if (vs->part_count > PARTITIONS_MAX)
		r = target_unread(t, whole->name, NULL, fail, "more than %d partitions", PARTITIONS_MAX);
	for (TSK_PNUM_T i = 0; r == 0 && i < vs->part_count && i < PARTITIONS_MAX; i++) {
		const TSK_VS_PART_INFO *found = tsk_vs_part_get(vs, i);
		HM_FREE char *name = hm_sprintf("%s/partition %u", whole->level ? whole->name : "", (unsigned)i);
		struct disk_part part = { .image = whole->image, .name = name, .level = whole->level + 1, .lvm = whole->lvm };

		if (!found || !(found->flags & TSK_VS_PART_FLAG_ALLOC))
			continue;
		part.at = (TSK_OFF_T)(found->start * vs->block_size);
		part.size = found->len * vs->block_size;
		if (part.at < 0 || (uint64_t)part.at >= (uint64_t)whole->image->size)
			r = target_unread(t, name, NULL, fail, "it lies behind the end of the image");
		else
			r = disk_part(t, &part, fail);
	}
	return r;
}

/* No magic that is known, or that of a table. */
static int table_or_tsk(struct hm_target *t, const struct disk_part *part, const struct disk_magic *magic, struct hm_fail *fail)
{
	bool table = !magic || strcmp(magic->name, "gpt") == 0 || strcmp(magic->name, "partitions") == 0;
	TSK_VS_INFO *vs = table && part->level < LEVELS_MAX ? tsk_vs_open(part->image, part->at, TSK_VS_TYPE_DETECT) : NULL;
	int r;

	if (!vs && !magic && is_empty(part))
		return 0;
	if (!vs)
		return disk_tsk(t, part, fail);
	r = partitions(t, part, vs, fail);
	tsk_vs_close(vs);
	return r;
}

int disk_part(struct hm_target *t, const struct disk_part *part, struct hm_fail *fail)
{
	const struct disk_magic *magic = disk_magic_of_part(part);
	const struct hm_volume_from from = disk_from(part);

	switch (magic ? magic->how : DISK_TSK) {
	case DISK_VOLUME:
		return disk_volume(t, part, magic->name, fail);
	case DISK_LVM:
		return disk_lvm_add(t, part, fail);
	case DISK_ISO:
		return disk_iso(t, part, fail);
	case DISK_SQUASH:
		return disk_squash(t, part->name, &from, fail);
	case DISK_NO_FILES:
		return part->level ? 0 : target_unread(t, part->name, NULL, fail, "%s: %s", magic->name, magic->why);
	case DISK_TOLD:
		return target_unread(t, part->name, NULL, fail, "%s: %s", magic->name, magic->why);
	default:
		return table_or_tsk(t, part, magic, fail);
	}
}

static struct disk *reading; /* libtsk passes only its own struct; a process reads one disk */

static ssize_t qcow_read(TSK_IMG_INFO *image HM_UNUSED, TSK_OFF_T at, char *to, size_t len)
{
	return libqcow_file_read_buffer_at_offset(reading->qcow, to, len, at, NULL);
}

static void qcow_close(TSK_IMG_INFO *image)
{
	free(image);
}

static void qcow_stat(TSK_IMG_INFO *image HM_UNUSED, FILE *to HM_UNUSED)
{
}

static TSK_IMG_INFO *open_qcow(struct hm_target *t, struct disk *d, const char **why)
{
	TSK_IMG_INFO *image = hm_alloc(1, sizeof(*image));
	size64_t size = 0;

	if (libqcow_file_initialize(&d->qcow, NULL) != 1 || libqcow_file_open(d->qcow, t->place, LIBQCOW_OPEN_READ, NULL) != 1 ||
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

static void release_lvm(struct disk_lvm *lvm)
{
	for (size_t i = 0; i < lvm->count; i++)
		free(lvm->name[i]);
}

static int walk(struct hm_target *t, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct disk d = { 0 };
	const struct disk_magic *m = disk_magic_of_file(t->fd);
	HM_CLEANUP(release_lvm) struct disk_lvm lvm = { 0 };
	struct disk_part whole = { .name = "/", .lvm = &lvm };
	const char *why = disk_other_half(m, t->fd);
	int r;
	TSK_IMG_TYPE_ENUM type = m && m->container ? m->container : TSK_IMG_TYPE_RAW;

	if (why)
		return target_unread(t, "/", NULL, fail, "%s image: %s", m->name, why);
	d.image = type == TSK_IMG_TYPE_EXTERNAL ? open_qcow(t, &d, &why) : tsk_img_open_utf8_sing(t->place, type, 512);
	if (!d.image)
		return target_unread(t, "/", NULL, fail, "%s image: %.180s", m ? m->name : "disk", why ? why : tsk_error_get() ? tsk_error_get() : "cannot be opened");
	whole.image = d.image;
	whole.size = (uint64_t)d.image->size;
	r = disk_part(t, &whole, fail);
	return r ? r : disk_lvm(t, &lvm, fail);
}

const struct target_form target_disk = { "disk image", walk, NULL };
