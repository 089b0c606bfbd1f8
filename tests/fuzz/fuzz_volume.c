/* A file system or a volume group of which a few pieces are given and all else is zero: whatever they are, the walk ends, every entry has a sound path, and
 * its bytes can be asked for. A byte that says what it is, then pieces: 4 bytes where, 2 how long (little-endian), the bytes. */
#include "cursor.h"
#include "lvm.h"
#include "volume.h"

#include <stdlib.h>

#define SIZE ((uint64_t)128 << 20)
#define PIECES 256

struct image {
	struct {
		uint64_t at;
		struct hm_slice bytes;
	} piece[PIECES];
	size_t pieces;
	unsigned entries;
};

static ssize_t read_image(void *cookie, uint64_t at, void *to, size_t len)
{
	const struct image *image = cookie;

	if (at >= SIZE)
		return 0;
	len = len < SIZE - at ? len : (size_t)(SIZE - at);
	memset(to, 0, len);
	for (size_t i = 0; i < image->pieces; i++) {
		uint64_t from = image->piece[i].at, end = from + image->piece[i].bytes.len;
		uint64_t first = from > at ? from : at, last = end < at + len ? end : at + len;

		if (first < last)
			memcpy((uint8_t *)to + (first - at), image->piece[i].bytes.data + (first - from), (size_t)(last - first));
	}
	return (ssize_t)len;
}

static int each(void *cookie, struct hm_volume *volume, const struct hm_volume_entry *e, struct hm_fail *fail HM_UNUSED)
{
	struct image *image = cookie;
	uint8_t some[512];
	ssize_t got = 0;

	if (!e->path || *e->path != '/' || (e->type == HM_VOLUME_UNREAD) != (e->why != NULL))
		abort();
	for (uint64_t at = 0, n = 0; e->type == HM_VOLUME_FILE && n < 8 && (got = hm_volume_read(volume, at, some, sizeof(some))) > 0; n++)
		at += (uint64_t)got;
	if (got > (ssize_t)sizeof(some))
		abort();
	return ++image->entries > 2000;
}

static void volumes(const struct hm_volume_from *from)
{
	HM_CLEANUP(hm_lvm_cleanup) struct hm_lvm *lvm = NULL;
	struct hm_fail fail = { 0 };
	uint8_t some[512];

	if (hm_lvm_open(&lvm, from, 1, &fail) != 0) {
		if (!fail.text[0])
			abort();
		return;
	}
	for (size_t i = 0; i < hm_lvm_count(lvm); i++) {
		const struct hm_lvm_volume *v = hm_lvm_volume(lvm, i);

		if (!v->why && v->from.read(v->from.cookie, 0, some, sizeof(some)) > (ssize_t)sizeof(some))
			abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const kinds[] = { "lvm", "ext", "xfs", "btrfs", "erofs" };
	HM_CLEANUP(hm_volume_cleanup) struct hm_volume *volume = NULL;
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ data, size });
	uint8_t kind = hm_cursor_u8(&c);
	struct image image = { 0 };
	const struct hm_volume_from from = { read_image, &image, SIZE };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes other = { 0 };
	struct hm_fail fail = { 0 };

	while (hm_cursor_left(&c) > 6 && image.pieces < PIECES) {
		uint64_t at = hm_cursor_le(&c, 4), len = hm_cursor_le(&c, 2);

		len = len < hm_cursor_left(&c) ? len : hm_cursor_left(&c);
		image.piece[image.pieces].at = at;
		image.piece[image.pieces++].bytes = hm_cursor_bytes(&c, (size_t)len);
	}
	if (kind >= HM_COUNT(kinds))
		return 0;
	if (kind == 0)
		volumes(&from);
	else if (hm_volume_open(&volume, kinds[kind], &from, &fail) != 0 && !fail.text[0])
		abort();
	if (volume && hm_volume_walk(volume, each, &image, &fail) < 0 && !fail.text[0])
		abort();
	if (volume && hm_volume_other(volume, "d/e/f", 1 << 16, &other, &fail) < 0 && !fail.text[0])
		abort();
	return 0;
}
