/* iso9660, by libarchive, which knows the long names of Rock Ridge where The Sleuth Kit shows the short ones alone. What has an udf too may have other files there. */
#include "disk_internal.h"

#define SECTOR 2048u
#define DESCRIPTORS 64u /* as far as they are looked for */

struct stream {
	struct hm_volume_from from;
	uint64_t at;
};

static ssize_t pull(void *cookie, void *to, size_t len)
{
	struct stream *s = cookie;
	ssize_t got = s->at < s->from.size ? s->from.read(s->from.cookie, s->at, to, len < s->from.size - s->at ? len : (size_t)(s->from.size - s->at)) : 0;

	if (got > 0)
		s->at += (uint64_t)got;
	return got;
}

static bool has_udf(const struct hm_volume_from *from)
{
	char got[4];

	for (unsigned i = 16; i < DESCRIPTORS; i++)
		if (from->read(from->cookie, i * (uint64_t)SECTOR + 1, got, sizeof(got)) == sizeof(got) && memcmp(got, "NSR0", 4) == 0)
			return true;
	return false;
}

static int but_root(void *cookie HM_UNUSED, struct hm_entry *entry)
{
	return strcmp(entry->path, "/") == 0;
}

int disk_iso(struct hm_target *t, const struct disk_part *part, struct hm_fail *fail)
{
	struct stream s = { disk_from(part), 0 };
	const struct target_archive_source source = { .fd = -1, .pull = pull, .cookie = &s, .name = part->name, .through = but_root };
	int r = target_archive_walk(t, &source, fail);

	return r == 0 && has_udf(&s.from) ? target_unread(t, part->name, NULL, fail, "udf: no library here reads it, and it may have other files than its iso9660 (mount it read-only and name the folder)") : r;
}
