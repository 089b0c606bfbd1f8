/* What a container of a disk says of itself that its library passes over: that it is one half of a disk, the other being elsewhere. Read without that, it
 * would be a disk with holes, and clean. */
#include "disk_internal.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#define SEEN ((size_t)4 << 20) /* where descriptors and metadata are */
#define ANOTHER "it stands on another image (flatten it: qemu-img convert)"

static uint64_t be(const uint8_t *p, size_t size)
{
	uint64_t v = 0;

	while (size--)
		v = v << 8 | *p++;
	return v;
}

static const char *qcow(const uint8_t *head, size_t len, uint64_t size HM_UNUSED, int fd HM_UNUSED)
{
	if (len < 104)
		return NULL;
	if (be(head + 8, 8) != 0)
		return ANOTHER;
	if (be(head + 4, 4) > 1 && be(head + 32, 4) != 0)
		return "it is encrypted (qemu-img convert)";
	/* But for `dirty`, which tells of counters alone. */
	return be(head + 4, 4) > 2 && (be(head + 72, 8) & ~(uint64_t)1) != 0 ? "it has features that libqcow does not know (qemu-img convert -O raw)" : NULL;
}

static const char *vmdk(const uint8_t *head, size_t len, uint64_t size HM_UNUSED, int fd HM_UNUSED)
{
	static const char key[] = "parentCID=";
	const uint8_t *at = memmem(head, len, key, sizeof(key) - 1);

	return at && at + sizeof(key) + 7 < head + len && strncasecmp((const char *)at + sizeof(key) - 1, "ffffffff", 8) != 0 ? ANOTHER : NULL;
}

static const char *vhd(const uint8_t *head HM_UNUSED, size_t len HM_UNUSED, uint64_t size, int fd)
{
	uint8_t footer[64];

	if (size < 512 || pread(fd, footer, sizeof(footer), (off_t)size - 512) != sizeof(footer) || memcmp(footer, "conectix", 8) != 0)
		return NULL;
	return be(footer + 60, 4) == 4 ? ANOTHER : NULL;
}

static const char *vhdx(const uint8_t *head, size_t len, uint64_t size HM_UNUSED, int fd HM_UNUSED)
{
	static const char key[] = "p\0a\0r\0e\0n\0t\0_\0l\0i\0n\0k\0a\0g\0e";

	return memmem(head, len, key, sizeof(key)) ? ANOTHER : NULL;
}

const char *disk_other_half(const struct disk_magic *magic, int fd)
{
	static const struct {
		const char *name;
		const char *(*look)(const uint8_t *head, size_t len, uint64_t size, int fd);
	} looks[] = { { "qcow", qcow }, { "vmdk", vmdk }, { "vhd", vhd }, { "vhdx", vhdx } };
	HM_FREE uint8_t *head = hm_alloc(1, SEEN);
	ssize_t got = pread(fd, head, SEEN, 0);
	struct stat st;

	for (size_t i = 0; magic && got > 0 && fstat(fd, &st) == 0 && i < HM_COUNT(looks); i++)
		if (strcmp(magic->name, looks[i].name) == 0)
			return looks[i].look(head, (size_t)got, (uint64_t)st.st_size, fd);
	return NULL;
}
