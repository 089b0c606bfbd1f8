/* What begins how. What no library and nothing here reads is in the table too: it is named, and never taken for empty. */
#include "disk_internal.h"

#include <sys/stat.h>
#include <unistd.h>

#define NOTHING_HERE "no library here reads it (mount it read-only and name the folder)"
#define LOCKED "it is encrypted (open it, mount it read-only and name the folder)"
#define SEVERAL "it is a part of something that lies on several disks (put it together, mount it read-only and name the folder)"
#define CONVERT "no library here reads it (qemu-img convert -O qcow2)"
#define CONTAINER(name, at, bytes, type) { name, at, sizeof(bytes) - 1, bytes, type, DISK_TOLD, NULL }
#define PART(name, at, bytes, how) { name, at, sizeof(bytes) - 1, bytes, 0, how, NULL }
#define NO_FILES(name, at, bytes, why) { name, at, sizeof(bytes) - 1, bytes, 0, DISK_NO_FILES, why } /* beside others there is nothing to say of it */
#define TOLD(name, at, bytes, why) { name, at, sizeof(bytes) - 1, bytes, 0, DISK_TOLD, why }

static const struct disk_magic magics[] = {
	CONTAINER("qcow", 0, "QFI\xfb", TSK_IMG_TYPE_EXTERNAL),
	CONTAINER("vmdk", 0, "KDMV", TSK_IMG_TYPE_VMDK_VMDK),
	CONTAINER("vmdk", 0, "# Disk DescriptorFile", TSK_IMG_TYPE_VMDK_VMDK),
	CONTAINER("vhd", 0, "conectix", TSK_IMG_TYPE_VHD_VHD),
	CONTAINER("vhdx", 0, "vhdxfile", TSK_IMG_TYPE_VHD_VHD),
	CONTAINER("ewf", 0, "EVF\x09\x0d\x0a\xff\x00", TSK_IMG_TYPE_EWF_EWF),
	TOLD("vdi", 64, "\x7f\x10\xda\xbe", CONVERT),
	TOLD("qed", 0, "QED\0", CONVERT),
	TOLD("parallels", 0, "WithoutFreeSpace", CONVERT),
	TOLD("parallels", 0, "WithouFreSpacExt", CONVERT),
	TOLD("dmg", -512, "koly\0\0\0\4", CONVERT),
	PART("squashfs", 0, "hsqs", DISK_SQUASH),
	PART("xfs", 0, "XFSB", DISK_VOLUME),
	PART("erofs", 1024, "\xe2\xe1\xf5\xe0", DISK_VOLUME),
	PART("btrfs", 0x10040, "_BHRfS_M", DISK_VOLUME),
	PART("lvm", 512, "LABELONE", DISK_LVM),
	PART("lvm", 0, "LABELONE", DISK_LVM),
	PART("lvm", 1024, "LABELONE", DISK_LVM),
	PART("lvm", 1536, "LABELONE", DISK_LVM),
	TOLD("luks", 0, "LUKS\xba\xbe", LOCKED),
	TOLD("luks", 0, "SKUL\xba\xbe", LOCKED),
	TOLD("bitlocker", 3, "-FVE-FS-", LOCKED),
	TOLD("bitlocker", 424, "\x3b\xd6\x67\x49\x29\x2e\xd8\x4a\x83\x99\xf6\xa3\x39\xe3\xd0\x01", LOCKED),
	TOLD("integrity", 0, "integrt\0", NOTHING_HERE),
	NO_FILES("verity", 0, "verity\0\0", "the digests of another device, no files"),
	TOLD("vdo", 0, "dmvdo001", NOTHING_HERE),
	TOLD("stratis", 516, "!Stra0tis\x86\xff\x02^\x41rh", NOTHING_HERE),
	TOLD("bcache", 4120, "\xc6\x85\x73\xf6\x4e\x1a\x45\xca\x82\x65\xf5\x7f\x48\xba\x6d\x81", SEVERAL),
	TOLD("bcachefs", 4120, "\xc6\x85\x73\xf6\x66\xce\x90\xa9\xd9\x6a\x60\xcf\x80\x3d\xf7\xef", NOTHING_HERE),
	TOLD("mdraid", 4096, "\xfc\x4e\x2b\xa9\1\0\0\0", SEVERAL),
	TOLD("mdraid", 0, "\xfc\x4e\x2b\xa9\1\0\0\0", SEVERAL),
	TOLD("refs", 3, "ReFS\0\0\0\0", NOTHING_HERE),
	TOLD("apfs", 32, "NXSB", NOTHING_HERE),
	TOLD("f2fs", 1024, "\x10\x20\xf5\xf2", NOTHING_HERE),
	TOLD("nilfs2", 1024, "\2\0\0\0\0\0\x34\x34", NOTHING_HERE),
	TOLD("jfs", 32768, "JFS1", NOTHING_HERE),
	TOLD("reiserfs", 65588, "ReIsEr", NOTHING_HERE),
	TOLD("reiserfs", 8244, "ReIsEr", NOTHING_HERE),
	TOLD("reiser4", 65536, "ReIsEr4", NOTHING_HERE),
	TOLD("gfs2", 65536, "\1\x16\x19\x70", NOTHING_HERE),
	TOLD("ocfs2", 8192, "OCFSV2", NOTHING_HERE),
	TOLD("ocfs2", 4096, "OCFSV2", NOTHING_HERE),
	TOLD("vmfs", 0x100000, "\x0d\xd0\x01\xc0", NOTHING_HERE),
	TOLD("cramfs", 0, "\x45\x3d\xcd\x28", NOTHING_HERE),
	TOLD("romfs", 0, "-rom1fs-", NOTHING_HERE),
	TOLD("ubi", 0, "UBI#", NOTHING_HERE),
	TOLD("ubifs", 0, "\x31\x18\x10\x06", NOTHING_HERE),
	NO_FILES("swap", 4086, "SWAPSPACE2", "it holds memory, no files"),
	NO_FILES("swap", 4086, "SWAP-SPACE", "it holds memory, no files"),
	NO_FILES("swap", 65526, "SWAPSPACE2", "it holds memory, no files"),
	PART("iso9660", 0x8001, "CD001", DISK_ISO),
	TOLD("udf", 0x8001, "BEA01", NOTHING_HERE),
	PART("ext", 1080, "\x53\xef", DISK_VOLUME),
	PART("ntfs", 3, "NTFS    ", DISK_TSK),
	PART("exfat", 3, "EXFAT   ", DISK_TSK),
	PART("hfs+", 1024, "H+\0\4", DISK_TSK),
	PART("hfsx", 1024, "HX\0\5", DISK_TSK),
	PART("gpt", 512, "EFI PART", DISK_TSK),
	PART("gpt", 4096, "EFI PART", DISK_TSK),
	PART("partitions", 510, "\x55\xaa", DISK_TSK),
	CONTAINER("vhd", -512, "conectix", TSK_IMG_TYPE_VHD_VHD),
	TOLD("mdraid", -8192, "\xfc\x4e\x2b\xa9\1\0\0\0", SEVERAL),
};

static const struct disk_magic zfs = TOLD("zfs", 0, "", NOTHING_HERE);

#define UBERBLOCKS ((uint64_t)128 << 10) /* where zfs has them, and how long they are */

static bool has(ssize_t (*read)(const void *cookie, uint64_t at, void *to, size_t len), const void *cookie, uint64_t size, const struct disk_magic *m)
{
	char got[32];
	uint64_t at = m->at < 0 ? size - (uint64_t)-m->at : (uint64_t)m->at;

	return at + m->len <= size && m->len <= sizeof(got) && read(cookie, at, got, m->len) == (ssize_t)m->len && memcmp(got, m->bytes, m->len) == 0;
}

/* No single place: one of the uberblocks that are in use. */
static bool has_zfs(ssize_t (*read)(const void *cookie, uint64_t at, void *to, size_t len), const void *cookie, uint64_t size)
{
	uint8_t got[8];

	for (uint64_t at = UBERBLOCKS; at < 2 * UBERBLOCKS && at + sizeof(got) <= size; at += 1024)
		if (read(cookie, at, got, sizeof(got)) == sizeof(got) &&
		    (memcmp(got, "\x0c\xb1\xba\0\0\0\0\0", 8) == 0 || memcmp(got, "\0\0\0\0\0\xba\xb1\x0c", 8) == 0))
			return true;
	return false;
}

static ssize_t read_file(const void *cookie, uint64_t at, void *to, size_t len)
{
	return pread(*(const int *)cookie, to, len, (off_t)at);
}

static uint64_t size_of(int fd)
{
	struct stat st;
	off_t end = lseek(fd, 0, SEEK_END); /* of a device too */

	if (fstat(fd, &st) != 0)
		return 0;
	return S_ISREG(st.st_mode) ? (uint64_t)st.st_size : end > 0 ? (uint64_t)end : 0;
}

const struct disk_magic *disk_magic_of_file(int fd)
{
	uint64_t size = size_of(fd);

	for (size_t i = 0; size >= 512 && i < HM_COUNT(magics); i++)
		if (has(read_file, &fd, size, &magics[i]))
			return &magics[i];
	return has_zfs(read_file, &fd, size) ? &zfs : NULL;
}

static ssize_t read_part(const void *cookie, uint64_t at, void *to, size_t len)
{
	const struct disk_part *part = cookie;

	return tsk_img_read(part->image, part->at + (TSK_OFF_T)at, to, len);
}

const struct disk_magic *disk_magic_of_part(const struct disk_part *part)
{
	for (size_t i = 0; i < HM_COUNT(magics); i++)
		if (!magics[i].container && has(read_part, part, part->size, &magics[i]))
			return &magics[i];
	return has_zfs(read_part, part, part->size) ? &zfs : NULL;
}

const char *target_disk_name(int fd)
{
	const struct disk_magic *m = disk_magic_of_file(fd);

	return m ? m->name : NULL;
}

const char *target_disk_behind(int fd)
{
	const struct disk_magic *m = disk_magic_of_file(fd);

	return m && m->at >= TARGET_HEAD && m->how < DISK_NO_FILES ? m->name : NULL;
}

/* A table of partitions as they are: nothing else in a sector that ends as code does. */
static bool is_table(const uint8_t *sector)
{
	bool any = false;

	for (const uint8_t *entry = sector + 446; entry < sector + 510; entry += 16) {
		if (entry[0] != 0 && entry[0] != 0x80)
			return false;
		any = any || (entry[4] && memcmp(entry + 8, "\0\0\0\0", 4) != 0 && memcmp(entry + 12, "\0\0\0\0", 4) != 0);
	}
	return any;
}

/* Two bytes say little: those of ext and of a table of partitions count where what stands around them is as it has to be. */
static bool is_sound(const struct disk_magic *m, struct hm_slice head)
{
	if (m->len >= 4)
		return true;
	if (strcmp(m->name, "ext") == 0)
		return head.len >= 2048 && head.data[1048] <= 6 && head.data[1100] <= 1 && memcmp(head.data + 1049, "\0\0\0", 3) == 0 && memcmp(head.data + 1101, "\0\0\0", 3) == 0 &&
		       memcmp(head.data + 1024, "\0\0\0\0", 4) != 0;
	return head.len >= 512 && is_table(head.data);
}

const char *target_disk_inside(struct hm_slice head, uint64_t size)
{
	for (size_t i = 0; i < HM_COUNT(magics); i++) {
		const struct disk_magic *m = &magics[i];
		/* Of what is only told: what was made to be a file, or to hide what it holds. */
		bool opened = m->container || m->how < DISK_NO_FILES || strcmp(m->why, CONVERT) == 0 || strcmp(m->why, LOCKED) == 0;
		uint64_t least = m->container || m->how == DISK_SQUASH ? 4096 : (uint64_t)1 << 20;

		if (opened && size >= least && m->at >= 0 && m->at + (off_t)m->len <= (off_t)head.len && memcmp(head.data + m->at, m->bytes, m->len) == 0 && is_sound(m, head))
			return m->name;
	}
	return NULL;
}
