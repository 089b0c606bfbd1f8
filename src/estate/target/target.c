/* What all forms share: which form a target has, and the entry that is being told. */
#include "member.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define NESTED_MAX ((size_t)512 << 20) /* an archive inside a stream is held in memory */
#define PULL_LEAST ((size_t)64 << 10)
#define PULL_MOST ((size_t)1 << 20)
#define MAP_FROM ((size_t)32 << 20)

/* An .rpm says itself, before its archive, what it is: it is told as a file, and then looked into. */
static bool is_rpm(struct hm_slice head)
{
	return head.len >= 4 && memcmp(head.data, "\xed\xab\xee\xdb", 4) == 0;
}

static const struct target_form *form_of(const struct hm_target *t, const struct stat *st)
{
	int fd = t->fd;
	uint8_t head[TARGET_HEAD];
	const char *disk;
	ssize_t got;

	if (S_ISDIR(st->st_mode))
		return target_is_container(t, fd) ? &target_container : &target_folder;
	if ((disk = target_disk_name(fd)))
		return strcmp(disk, "squashfs") == 0 ? &target_squash : &target_disk;
	got = pread(fd, head, sizeof(head), 0);
	if (got > 0 && !is_rpm((struct hm_slice){ head, (size_t)got }) && target_is_archive((struct hm_slice){ head, (size_t)got }))
		return target_is_container(t, fd) ? &target_container : &target_archive;
	return &target_file;
}

int hm_target_open(struct hm_target **ret, const char *place, const struct hm_target_bounds *bounds, struct hm_fail *fail)
{
	HM_CLEANUP(hm_target_cleanup) struct hm_target *t = hm_alloc(1, sizeof(*t));
	struct stat st;

	t->bounds = *bounds;
	t->bounds.unpacked = bounds->unpacked ? bounds->unpacked : (uint64_t)8 << 30;
	t->bounds.entries = bounds->entries ? bounds->entries : 4000000;
	t->bounds.depth = bounds->depth ? bounds->depth : 6;
	t->place = hm_strdup(place);
	t->fd = open(place, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (t->fd < 0 || fstat(t->fd, &st) != 0)
		return hm_fail_errno(fail, "cannot read %s", place);
	if (!S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode) && !S_ISBLK(st.st_mode))
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot read %s: it is neither a folder nor a file nor a disk", place);
	t->form = form_of(t, &st);
	*ret = hm_take_ptr(&t);
	return 0;
}

void hm_target_close(struct hm_target *t)
{
	if (!t)
		return;
	if (t->form && t->form->close)
		t->form->close(t);
	if (t->fd >= 0)
		close(t->fd);
	free(t->place);
	free(t);
}

void hm_target_cleanup(struct hm_target **target)
{
	hm_target_close(*target);
}

const char *hm_target_kind(const struct hm_target *target)
{
	return target->form->kind;
}

int hm_target_walk(struct hm_target *t, hm_entry_fn each, void *cookie, struct hm_fail *fail)
{
	t->each = each;
	t->cookie = cookie;
	t->counted = 0;
	t->depth = 0;
	return t->form->walk(t, fail);
}

/* The end of an entry. */
static void leave(struct target_at *at)
{
	if (at->map)
		munmap(at->map, at->mapped);
	hm_bytes_release(&at->have);
}

static int pull_to(struct target_at *at, size_t want, struct hm_fail *fail)
{
	while (!at->ended && at->have.len < want) {
		size_t left = want - at->have.len, grow = at->have.len < PULL_LEAST ? PULL_LEAST : at->have.len < PULL_MOST ? at->have.len : PULL_MOST;
		size_t step = left < grow ? left : grow;
		ssize_t got = at->pull ? at->pull(at->cookie, hm_bytes_reserve(&at->have, step), step) : 0;

		if (got < 0)
			return hm_fail_set(fail, HM_E_BAD, "its bytes cannot be read");
		at->ended = got == 0;
		at->have.len += (size_t)got;
	}
	return 0;
}

int hm_target_head(struct hm_target *t, size_t want, struct hm_slice *head, struct hm_fail *fail)
{
	int r = pull_to(t->at, want < TARGET_HEAD ? TARGET_HEAD : want, fail); /* once: whether it is an archive is asked too */

	if (r == 0)
		*head = hm_slice_of(&t->at->have);
	return r;
}

int hm_target_bytes(struct hm_target *t, size_t max, struct hm_slice *bytes, struct hm_fail *fail)
{
	struct target_at *at = t->at;
	int r;

	if (at->entry->size > max)
		return hm_fail_set(fail, HM_E_BAD, "it has %llu bytes; %zu is the bound", (unsigned long long)at->entry->size, max);
	if (at->fd >= 0 && at->entry->size >= MAP_FROM && !at->map) {
		at->map = mmap(NULL, at->entry->size, PROT_READ, MAP_PRIVATE, at->fd, 0);
		at->mapped = at->entry->size;
		if (at->map == MAP_FAILED)
			at->map = NULL;
	}
	if (at->map) {
		*bytes = (struct hm_slice){ at->map, at->mapped };
		return 0;
	}
	if (at->entry->size < max && at->entry->size > at->have.len)
		(void)hm_bytes_reserve(&at->have, at->entry->size < MAP_FROM ? at->entry->size - at->have.len : MAP_FROM);
	r = pull_to(at, max + 1, fail);
	if (r == 0 && at->have.len > max)
		return hm_fail_set(fail, HM_E_BAD, "it has more than %zu bytes, which is the bound", max);
	if (r == 0)
		*bytes = hm_slice_of(&at->have);
	return r;
}

bool hm_target_is_mapped(const struct hm_target *t)
{
	return t->at && t->at->map;
}

int target_unread(struct hm_target *t, const char *path, const char *outer, struct hm_fail *fail, const char *format, ...)
{
	char why[256];
	HM_FREE char *whole = hm_sprintf("%s%s", *path == '/' ? "" : "/", path);
	struct hm_entry entry = { .type = HM_ENTRY_UNREAD, .path = whole, .outer = outer ? outer : t->inside, .why = why };
	struct target_at *before = t->at;
	va_list arguments;
	int r;

	va_start(arguments, format);
	vsnprintf(why, sizeof(why), format, arguments);
	va_end(arguments);
	t->at = NULL;
	r = t->each(t->cookie, t, &entry, fail);
	t->at = before;
	return r == HM_ENTRY_CLOSED ? 0 : r;
}

static bool ends_with(const char *s, const char *end)
{
	size_t n = strlen(s), m = strlen(end);

	return n >= m && strcmp(s + n - m, end) == 0;
}

/* What an archive's entries say contains them. The two halves of a Debian package are one thing. */
static char *outer_of(const struct hm_entry *e)
{
	if (e->outer && (strncmp(e->path, "/control.tar", 12) == 0 || strncmp(e->path, "/data.tar", 9) == 0) && ends_with(e->outer, ".deb"))
		return hm_strdup(e->outer);
	return e->outer ? hm_sprintf("%s!%s", e->outer, e->path) : hm_strdup(e->path);
}

/* Looks into an archive that was told, or that a program carries. */
static int nested(struct hm_target *t, const struct hm_entry *e, const struct hm_slice *carried, struct hm_fail *fail)
{
	HM_FREE char *outer = outer_of(e);
	struct target_archive_source source = { .fd = -1, .name = e->path, .within = e->outer, .outer = outer };
	struct target_box box = { .kind = TARGET_BOX_TAR, .fd = -1, .t = t };
	struct target_at *at = t->at;
	struct hm_slice bytes;
	struct hm_fail why = { 0 };
	int r;

	if (t->depth >= t->bounds.depth)
		return target_unread(t, e->path, e->outer, fail, "an archive inside %u others", t->depth);
	if (carried)
		bytes = *carried;
	else if (hm_target_bytes(t, at->fd >= 0 ? SIZE_MAX / 2 : NESTED_MAX, &bytes, &why) != 0)
		return target_unread(t, e->path, e->outer, fail, "an archive inside another: %s", why.text);
	source.bytes = bytes;
	box.bytes = bytes;
	t->depth++;
	r = target_box_is_image(&box, true) ? target_container_walk(t, &box, outer, fail) : target_archive_walk(t, &source, fail);
	t->depth--;
	return r;
}

/* A disk image that lies in a folder: for as long as it is walked, the target is that. It is opened by the descriptor that we have. */
static int nested_disk(struct hm_target *t, const struct hm_entry *e, int fd, const char *name, struct hm_fail *fail)
{
	HM_FREE char *place = hm_sprintf("/proc/self/fd/%d", fd), *inside = outer_of(e);
	const struct hm_target before = *t;
	int r;

	if (access(place, R_OK) != 0)
		return target_unread(t, e->path, e->outer, fail, "a disk image (%s): name it as a target of its own", name);
	t->form = strcmp(name, "squashfs") == 0 ? &target_squash : &target_disk;
	t->place = place;
	t->fd = fd;
	t->inside = inside;
	t->depth++;
	r = t->form->walk(t, fail);
	t->form = before.form;
	t->place = before.place;
	t->fd = before.fd;
	t->inside = before.inside;
	t->depth--;
	return r;
}

bool target_is_others(const struct hm_target *t, const char *path)
{
	uint64_t h = 0xcbf29ce484222325u;

	if (t->bounds.shards <= 1)
		return false;
	for (; *path; path++)
		h = (h ^ (uint8_t)*path) * 0x100000001b3u;
	return (h ^ (h >> 32)) % t->bounds.shards != t->bounds.shard;
}

/* Images of CDs, among others, begin with nothing. */
static const char *disk_of(struct hm_slice head, uint64_t size, int fd)
{
	static const uint8_t nothing[16];
	const char *name = target_disk_inside(head, size);

	return !name && fd >= 0 && size >= (uint64_t)1 << 20 && memcmp(head.data, nothing, sizeof(nothing)) == 0 ? target_disk_behind(fd) : name;
}

int target_tell(struct hm_target *t, const struct hm_entry *told, target_pull_fn pull, void *cookie, int fd, struct hm_fail *fail)
{
	struct hm_entry entry = *told;
	HM_CLEANUP(leave) struct target_at at = { .entry = &entry, .pull = pull, .cookie = cookie, .fd = fd };
	struct target_at *before = t->at;
	struct hm_slice head = { 0 }, carried;
	struct hm_fail why = { 0 };
	const char *disk;
	int r;

	if (t->depth == 0) {
		t->counted++;
		t->unpacked = 0;
		if (target_is_others(t, entry.path))
			return 0;
	}
	entry.top = t->counted - 1;
	if (!entry.outer)
		entry.outer = t->inside;
	t->at = &at;
	r = t->each(t->cookie, t, &entry, fail);
	if (r == HM_ENTRY_CLOSED)
		r = 0;
	else if (r == 0 && entry.type == HM_ENTRY_FILE && entry.size >= 20 && hm_target_head(t, TARGET_HEAD, &head, &why) == 0) {
		if (target_is_archive(head))
			r = nested(t, &entry, NULL, fail);
		else if ((disk = disk_of(head, entry.size, fd)) && fd >= 0 && t->form == &target_folder)
			r = nested_disk(t, &entry, fd, disk, fail);
		else if (disk)
			r = target_unread(t, entry.path, entry.outer, fail, "a disk image (%s) inside something that is no folder", disk);
		else if ((r = target_carried(t, &entry, head, &carried, fail)) == 0 && carried.len)
			r = nested(t, &entry, &carried, fail);
	}
	t->at = before;
	return r;
}

char *target_path(const char *raw)
{
	char *out = hm_alloc(strlen(raw) + 2, 1), *to = out;

	while (*raw) {
		size_t len = strcspn(raw, "/");

		if (len && !(len == 1 && raw[0] == '.') && !(len == 2 && raw[0] == '.' && raw[1] == '.')) {
			*to++ = '/';
			memcpy(to, raw, len);
			to += len;
		}
		raw += len;
		while (*raw == '/')
			raw++;
	}
	if (to == out)
		*to++ = '/';
	*to = 0;
	return out;
}

/* A file by itself: an SBOM, a program. */
static ssize_t pull_fd(void *cookie, void *to, size_t len)
{
	return read(*(int *)cookie, to, len);
}

static int walk_file(struct hm_target *t, struct hm_fail *fail)
{
	const char *slash = strrchr(t->place, '/');
	HM_FREE char *path = hm_sprintf("/%s", slash ? slash + 1 : t->place);
	struct hm_entry entry = { .type = HM_ENTRY_FILE, .path = path };
	struct stat st;

	if (fstat(t->fd, &st) != 0 || lseek(t->fd, 0, SEEK_SET) != 0)
		return hm_fail_errno(fail, "cannot read %s", t->place);
	entry.size = (uint64_t)st.st_size;
	entry.mode = st.st_mode & 07777;
	return target_tell(t, &entry, pull_fd, &t->fd, t->fd, fail);
}

const struct target_form target_file = { "file", walk_file, NULL };
