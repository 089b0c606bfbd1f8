/* LVM's volumes as pieces of an image: each is looked into as a partition is. */
#include "disk_internal.h"
#include "lvm.h"

#include <stdio.h>
#include <stdlib.h>

#define LEVELS_MAX 4

/* libtsk passes only its own struct: ours begins with it. */
struct image {
	TSK_IMG_INFO info;
	const struct hm_volume_from *from;
};

int disk_lvm_add(struct hm_target *t, const struct disk_part *part, struct hm_fail *fail)
{
	struct disk_lvm *lvm = part->lvm;

	if (part->level >= LEVELS_MAX || lvm->count == DISK_LVM_MAX)
		return target_unread(t, part->name, NULL, fail, "lvm: %s", lvm->count == DISK_LVM_MAX ? "too many pieces" : "volumes in volumes in volumes");
	lvm->part[lvm->count] = *part;
	lvm->name[lvm->count] = hm_strdup(part->name);
	lvm->part[lvm->count].name = lvm->name[lvm->count];
	lvm->count++;
	return 0;
}

static ssize_t image_read(TSK_IMG_INFO *info, TSK_OFF_T at, char *to, size_t len)
{
	const struct image *image = (const struct image *)info;
	size_t have = 0;

	while (have < len && (uint64_t)at + have < image->from->size) {
		ssize_t got = image->from->read(image->from->cookie, (uint64_t)at + have, to + have, len - have);

		if (got <= 0)
			return have ? (ssize_t)have : got;
		have += (size_t)got;
	}
	return (ssize_t)have;
}

static void image_close(TSK_IMG_INFO *info)
{
	free(info);
}

static void image_stat(TSK_IMG_INFO *info HM_UNUSED, FILE *to HM_UNUSED)
{
}

static int volume(struct hm_target *t, const struct hm_lvm_volume *v, struct hm_fail *fail)
{
	HM_FREE char *name = hm_sprintf("/%s/%s", v->group, v->name);
	struct disk_lvm inner = { 0 };
	struct disk_part part = { .name = name, .level = 2, .lvm = &inner, .size = v->from.size };
	struct image *image;
	int r;

	if (v->why)
		return target_unread(t, name, NULL, fail, "lvm: %s", v->why);
	image = hm_alloc(1, sizeof(*image));
	image->from = &v->from;
	part.image = tsk_img_open_external(image, (TSK_OFF_T)v->from.size, 512, image_read, image_close, image_stat);
	if (!part.image) {
		free(image);
		return target_unread(t, name, NULL, fail, "lvm: it cannot be opened");
	}
	r = disk_part(t, &part, fail);
	for (size_t i = 0; i < inner.count; i++) {
		if (r == 0)
			r = target_unread(t, inner.name[i], NULL, fail, "lvm: a volume that is for LVM again");
		free(inner.name[i]);
	}
	tsk_img_close(part.image);
	return r;
}

int disk_lvm(struct hm_target *t, struct disk_lvm *pieces, struct hm_fail *fail)
{
	HM_CLEANUP(hm_lvm_cleanup) struct hm_lvm *lvm = NULL;
	struct hm_volume_from from[DISK_LVM_MAX];
	struct hm_fail why = { 0 };
	int r = 0;

	for (size_t i = 0; i < pieces->count; i++)
		from[i] = disk_from(&pieces->part[i]);
	if (pieces->count == 0)
		return 0;
	if (hm_lvm_open(&lvm, from, pieces->count, &why) != 0)
		return target_unread(t, pieces->name[0], NULL, fail, "lvm: %s", why.text);
	for (size_t i = 0; r == 0 && i < hm_lvm_count(lvm); i++)
		r = volume(t, hm_lvm_volume(lvm, i), fail);
	return r;
}
