/* Which of the host's file systems the chamber shows. An overlay of `/` ends at its file system's border, so every disk
 * file system gets a layer of its own. What is made new (proc, sys, dev) or fresh (run, tmp) is skipped; everything
 * else (network, FUSE, tmpfs) is absent and listed: what a product does there could be neither undone nor read back. */
#include "chamber_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>

#include "fs.h"

#define MOUNTINFO_MAX (16u << 20)

static const char *const disk_types[] = { "bcachefs", "btrfs",    "erofs",   "exfat", "ext2",  "ext3",
					  "ext4",     "f2fs",     "iso9660", "jfs",   "ntfs3", "overlay",
					  "reiserfs", "squashfs", "udf",     "vfat",  "xfs",   "zfs" };

/* Made by the kernel, without files of the host's: not worth a line in the list of what is absent. */
static const char *const pseudo_types[] = { "autofs",     "binfmt_misc", "bpf",       "cgroup",  "cgroup2",
					    "configfs",   "cpuset",      "debugfs",   "devpts",  "devtmpfs",
					    "efivarfs",   "fusectl",     "hugetlbfs", "mqueue",  "nfsd",
					    "nsfs",       "proc",        "pstore",    "resctrl", "rpc_pipefs",
					    "securityfs", "selinuxfs",   "smackfs",   "sysfs",   "tracefs" };

/* Empty in every chamber: what the host has there is other programs' business, and what the product leaves there must
 * be read from an upper layer like everything else. */
static const char *const fresh[] = { "/tmp", "/var/tmp", "/run" };
static const char *const made_new[] = { "/dev", "/proc", "/sys" };

static bool listed(const char *name, const char *const *list, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (strcmp(name, list[i]) == 0)
			return true;
	return false;
}

bool hm_chamber_below(const char *path, const char *folder)
{
	size_t n = strlen(folder);

	if (strcmp(folder, "/") == 0)
		return true;
	return strncmp(path, folder, n) == 0 && (path[n] == 0 || path[n] == '/');
}

struct hm_chamber_layer *hm_chamber_layer_of(struct hm_chamber *c, const char *path)
{
	struct hm_chamber_layer *best = &c->layers[0];

	for (size_t i = 1; i < c->layer_count; i++) {
		struct hm_chamber_layer *l = &c->layers[i];

		if (l->lower && strcmp(l->lower, l->point) == 0 && hm_chamber_below(path, l->point) &&
		    strlen(l->point) > strlen(best->point))
			best = l;
	}
	return best;
}

/* Undoes \040 and the like (proc(5)), in place. */
static void unescape(char *s)
{
	char *to = s;

	for (; *s; s++) {
		if (s[0] == '\\' && s[1] >= '0' && s[1] <= '3' && s[2] >= '0' && s[2] <= '7' && s[3] >= '0' &&
		    s[3] <= '7') {
			*to++ = (char)((s[1] - '0') << 6 | (s[2] - '0') << 3 | (s[3] - '0'));
			s += 3;
		} else {
			*to++ = *s;
		}
	}
	*to = 0;
}

/* "id parent major:minor root point options optional... - type source super" */
static bool parse(char *line, struct hm_chamber_mount *m)
{
	char *save = NULL, *field[6], *p;

	for (size_t i = 0; i < HM_COUNT(field); i++) {
		field[i] = strtok_r(i ? NULL : line, " ", &save);
		if (!field[i])
			return false;
	}
	do {
		p = strtok_r(NULL, " ", &save);
	} while (p && strcmp(p, "-") != 0);
	m->id = strtoul(field[0], NULL, 10);
	m->point = field[4];
	m->options = field[5];
	m->type = strtok_r(NULL, " ", &save);
	p = strtok_r(NULL, " ", &save);
	m->super = strtok_r(NULL, " ", &save);
	if (!m->type || !p)
		return false;
	if (!m->super) /* an empty source makes one field less */
		m->super = p;
	unescape(m->point);
	return true;
}

int hm_chamber_mounts_each(hm_chamber_mount_visit *visit, void *cookie, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	char *save = NULL;
	int r = hm_fs_read(&text, "/proc/self/mountinfo", MOUNTINFO_MAX, fail);

	if (r < 0)
		return r;
	hm_bytes_u8(&text, 0);
	for (char *line = strtok_r((char *)text.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
		struct hm_chamber_mount m;

		if (!parse(line, &m))
			return hm_fail_set(fail, HM_E_SYSTEM, "reading /proc/self/mountinfo: a line of another form");
		r = visit(cookie, &m, fail);
		if (r < 0)
			return r;
	}
	return 0;
}

static bool is_hidden(const struct hm_chamber *c, const char *path)
{
	for (size_t i = 0; i < c->hidden_count; i++)
		if (hm_chamber_below(path, c->hidden[i]))
			return true;
	return false;
}

static void add_absent(struct hm_chamber *c, const struct hm_chamber_mount *m, const char *why)
{
	hm_bytes_printf(&c->absent, "%s %s%s%s\n", m->type, m->point, why ? ": " : "", why ? why : "");
}

/* A mount that another was put over is listed all the same; only the one on top is at its path. */
static bool on_top(const struct hm_chamber_mount *m, mode_t *mode)
{
	struct statx st;

	if (statx(AT_FDCWD, m->point, AT_NO_AUTOMOUNT | AT_SYMLINK_NOFOLLOW | AT_STATX_DONT_SYNC,
		  STATX_TYPE | STATX_MNT_ID, &st) < 0)
		return false;
	*mode = st.stx_mode;
	return !(st.stx_mask & STATX_MNT_ID) || st.stx_mnt_id == m->id;
}

static uint64_t attributes_of(const char *options)
{
	HM_FREE char *copy = hm_strdup(options);
	uint64_t attributes = MOUNT_ATTR_NODEV;
	char *save = NULL;

	for (char *o = strtok_r(copy, ",", &save); o; o = strtok_r(NULL, ",", &save)) {
		if (strcmp(o, "nosuid") == 0)
			attributes |= MOUNT_ATTR_NOSUID;
		if (strcmp(o, "noexec") == 0)
			attributes |= MOUNT_ATTR_NOEXEC;
	}
	return attributes;
}

static void add_layer(struct hm_chamber *c, const char *point, const char *lower, uint64_t attributes)
{
	c->layers = hm_realloc(c->layers, c->layer_count + 1, sizeof(*c->layers));
	c->layers[c->layer_count++] = (struct hm_chamber_layer){ .point = hm_strdup(point),
								 .lower = lower ? hm_strdup(lower) : NULL,
								 .attributes = attributes,
								 .upper = -1,
								 .placed = true };
}

static int consider(void *cookie, const struct hm_chamber_mount *m, struct hm_fail *fail HM_UNUSED)
{
	struct hm_chamber *c = cookie;
	bool root = strcmp(m->point, "/") == 0;
	mode_t mode;

	if (listed(m->type, pseudo_types, HM_COUNT(pseudo_types)) && !root)
		return 0;
	for (size_t i = 0; i < HM_COUNT(made_new); i++)
		if (hm_chamber_below(m->point, made_new[i]))
			return 0;
	if (!root && !listed(m->type, disk_types, HM_COUNT(disk_types))) {
		if (strcmp(m->type, "tmpfs") != 0 || !is_hidden(c, m->point))
			add_absent(c, m, NULL);
		return 0;
	}
	if (is_hidden(c, m->point) || !on_top(m, &mode))
		return 0;
	if (!S_ISDIR(mode))
		add_absent(c, m, "a mount on a single file");
	else
		add_layer(c, m->point, m->point, attributes_of(m->options));
	return 0;
}

static int add_hidden(struct hm_chamber *c, const char *path, struct hm_fail *fail)
{
	HM_FREE char *real = realpath(path, NULL);

	if (!real)
		return hm_fail_errno(fail, "finding %s", path);
	if (strcmp(real, "/") == 0)
		return hm_fail_set(fail, HM_E_USAGE,
				   "hiding %s from the chamber: it is the whole root (use a folder of its own)", path);
	if (is_hidden(c, real))
		return 0;
	c->hidden = hm_realloc(c->hidden, c->hidden_count + 1, sizeof(*c->hidden));
	c->hidden[c->hidden_count++] = hm_take_ptr(&real);
	return 0;
}

static int by_point(const void *a, const void *b)
{
	return strcmp(((const struct hm_chamber_layer *)a)->point, ((const struct hm_chamber_layer *)b)->point);
}

int hm_chamber_mounts(struct hm_chamber *c, const struct hm_chamber_spec *spec, struct hm_fail *fail)
{
	int r = 0;

	for (size_t i = 0; i < HM_COUNT(fresh) && r == 0; i++)
		if (access(fresh[i], F_OK) == 0)
			r = add_hidden(c, fresh[i], fail);
	if (r == 0)
		r = add_hidden(c, spec->work, fail);
	if (r == 0)
		r = add_hidden(c, spec->target_from, fail);
	if (r == 0)
		r = hm_chamber_mounts_each(consider, c, fail);
	if (r < 0)
		return r;
	if (!c->layer_count)
		return hm_fail_set(fail, HM_E_SYSTEM,
				   "finding the root file system: /proc/self/mountinfo has none at /");
	qsort(c->layers, c->layer_count, sizeof(*c->layers), by_point);
	if (strcmp(c->layers[0].point, "/") != 0)
		return hm_fail_set(fail, HM_E_SYSTEM,
				   "finding the root file system: /proc/self/mountinfo has none at /");
	/* Shared memory of the product stands on the disk as well, or what it keeps there would be lost to the residue.
	 */
	add_layer(c, "/dev/shm", NULL, MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID);
	if (spec->privileged)
		add_layer(c, spec->target, spec->target_from,
			  MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NOEXEC | MOUNT_ATTR_RDONLY);
	return 0;
}
