/* What the run left behind, read off the upper layers.
 *
 * An upper layer holds more than what a product changed: folders that were only copied up on the way to a file (equal
 * to the lower layer's: left out), and what the chamber planted (in the baseline, taken before the product started:
 * left out while it is the same inode, unchanged since). A folder that was removed and made again is opaque: what the
 * lower layer had in it is gone, and told as deletions.
 *
 * The product chose names, depth and number of what is walked here: one descriptor goes down by name and up by "..",
 * what is pending lies on the heap, and both paths and entries are bounded. */
#include "chamber_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "digest.h"

#define PATH_LIMIT (64u << 10)
#define ENTRY_LIMIT (4u << 20)
#define SPARSE_LIMIT (16ull << 30)

struct hm_chamber_mark {
	char *path, *link;
	struct hm_bytes more;
	char type;
	bool seen, hashed;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	ino_t inode;
	uint64_t size;
	struct timespec modified, changed;
	uint8_t sha256[HM_SHA256_LEN];
};

struct frame { /* a folder on the way: its own subfolders that are still to be walked */
	struct hm_bytes pending;
	size_t at, path_len;
	bool merged; /* the lower layer shows through */
};

struct walk {
	struct hm_chamber *chamber;
	const struct hm_chamber_layer *layer;
	struct hm_bytes path; /* as the chamber sees it, no NUL */
	struct frame *frames;
	size_t depth;
	int fd;
	struct hm_chamber_mark *found;
	size_t count, room;
	uint64_t sparse;
	bool final; /* hash, and leave out what is in the baseline */
};

static void release_marks(struct hm_chamber_mark *marks, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		free(marks[i].path);
		free(marks[i].link);
		hm_bytes_release(&marks[i].more);
	}
	free(marks);
}

static void release_walk(struct walk *w)
{
	for (size_t i = 0; i < w->depth; i++)
		hm_bytes_release(&w->frames[i].pending);
	free(w->frames);
	hm_bytes_release(&w->path);
	if (w->fd >= 0)
		close(w->fd);
	release_marks(w->found, w->count);
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct hm_chamber_mark *)a)->path, ((const struct hm_chamber_mark *)b)->path);
}

static char type_of(const struct stat *st)
{
	if (S_ISCHR(st->st_mode))
		return st->st_rdev == makedev(0, 0) ? 'w' : 'c';
	return S_ISREG(st->st_mode)    ? 'f'
	       : S_ISDIR(st->st_mode)  ? 'd'
	       : S_ISLNK(st->st_mode)  ? 'l'
	       : S_ISBLK(st->st_mode)  ? 'b'
	       : S_ISFIFO(st->st_mode) ? 'p'
				       : 's';
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

/* A planted folder that only got new entries is unchanged; of everything else the times have to be the same too. */
static bool unchanged(const struct hm_chamber_mark *m, const struct hm_chamber_mark *now)
{
	if (m->type != now->type || m->mode != now->mode || m->uid != now->uid || m->gid != now->gid ||
	    m->inode != now->inode)
		return false;
	return m->type == 'd' ||
	       (m->size == now->size && same_time(m->modified, now->modified) && same_time(m->changed, now->changed));
}

static char *joined(const struct walk *w, const char *name)
{
	bool root = w->path.len == 1;

	if (!name)
		return hm_slice_dup(hm_slice_of(&w->path));
	return hm_sprintf("%.*s%s%s", (int)w->path.len, (const char *)w->path.data, root ? "" : "/", name);
}

static int hash(struct walk *w, struct hm_chamber_mark *m, const char *name, const struct stat *st,
		struct hm_fail *fail)
{
	HM_FREE char *path = NULL;
	HM_CLOSE int fd = -1;
	struct hm_sha256 d;
	int r;

	/* Holes cost nothing to make and hours to hash. */
	if ((uint64_t)st->st_blocks * 512 < (uint64_t)st->st_size / 2) {
		if (w->sparse + (uint64_t)st->st_size > SPARSE_LIMIT)
			return 0;
		w->sparse += (uint64_t)st->st_size;
	}
	fd = openat(w->fd, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return hm_fail_errno(fail, "reading %s in the upper layer", m->path);
	path = hm_sprintf("/proc/self/fd/%d", fd);
	r = hm_sha256_file(&d, NULL, path, fail);
	if (r < 0)
		return hm_fail_in(fail, "%s in the upper layer", m->path);
	memcpy(m->sha256, d.b, sizeof(m->sha256));
	m->hashed = true;
	return 0;
}

static int read_link(const struct walk *w, struct hm_chamber_mark *m, const char *name, struct hm_fail *fail)
{
	char target[4097];
	ssize_t n = readlinkat(w->fd, name, target, sizeof(target) - 1);

	if (n < 0)
		return hm_fail_errno(fail, "reading link %s in the upper layer", m->path);
	target[n] = 0;
	m->link = hm_strdup(target);
	return 0;
}

/* Takes one entry; `name` NULL stands for the folder at w->fd itself. `st` NULL: a deletion that is no file of its own.
 */
static int take(struct walk *w, const char *name, const struct stat *st, struct hm_fail *fail)
{
	struct hm_chamber_mark m = { .path = joined(w, name), .type = 'w' };
	struct hm_chamber_mark *old;
	int r = 0;

	if (st)
		m.type = type_of(st);
	if (m.type != 'w') {
		m.mode = st->st_mode & 07777;
		m.uid = st->st_uid;
		m.gid = st->st_gid;
		m.size = S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
		m.inode = st->st_ino;
		m.modified = st->st_mtim;
		m.changed = st->st_ctim;
	}
	old = w->final && w->chamber->mark_count
		  ? bsearch(&m, w->chamber->marks, w->chamber->mark_count, sizeof(m), by_path)
		  : NULL;
	if (old)
		old->seen = true;
	if (old && unchanged(old, &m)) {
		free(m.path);
		return 0;
	}
	if (w->final && m.type == 'f')
		r = hash(w, &m, name, st, fail);
	if (r == 0 && m.type == 'l')
		r = read_link(w, &m, name, fail);
	if (r == 0 && w->final && m.type != 'w')
		r = hm_chamber_attributes(&m.more, w->fd, name, st, w->chamber->disk.began, fail);
	if (r == 0 && w->count >= ENTRY_LIMIT)
		r = hm_fail_set(fail, HM_E_SYSTEM, "reading what the run left: more than %u files", ENTRY_LIMIT);
	if (r < 0) {
		free(m.path);
		free(m.link);
		hm_bytes_release(&m.more);
		return r;
	}
	if (w->count == w->room) {
		w->room = w->room ? w->room * 2 : 256;
		w->found = hm_realloc(w->found, w->room, sizeof(m));
	}
	w->found[w->count++] = m;
	return 0;
}

static void close_dir(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

static DIR *list(int fd)
{
	int copy = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = copy < 0 ? NULL : fdopendir(copy);

	if (copy >= 0 && !dir)
		close(copy);
	return dir;
}

static bool is_dots(const char *name)
{
	return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

static bool is_hidden(const struct hm_chamber *c, const char *path)
{
	for (size_t i = 0; i < c->hidden_count; i++)
		if (hm_chamber_below(path, c->hidden[i]))
			return true;
	return false;
}

/* The lower layer's path of the folder at w->path, or NULL where there cannot be one. */
static char *lower_path(const struct walk *w)
{
	size_t skip = strcmp(w->layer->point, "/") == 0 ? 1 : strlen(w->layer->point);
	HM_FREE char *path = joined(w, NULL);

	if (!w->layer->lower || is_hidden(w->chamber, path) || w->path.len >= 4096)
		return NULL;
	return hm_sprintf("%s%s", w->layer->lower, path + skip);
}

/* What the lower layer has in a folder that was made anew. */
static int take_deleted(struct walk *w, const char *lower, struct hm_fail *fail)
{
	HM_CLEANUP(close_dir) DIR *dir = opendir(lower);
	struct dirent *e;
	struct stat st;
	int r = 0;

	while (r == 0 && dir && (e = readdir(dir)))
		if (!is_dots(e->d_name) && fstatat(w->fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			r = take(w, e->d_name, NULL, fail);
	return r;
}

/* Looks at the folder that w->fd and w->path have just come to: itself, then everything in it that is no folder. */
static int enter(struct walk *w, bool above_merged, struct hm_fail *fail)
{
	struct frame f = { .path_len = w->path.len };
	HM_FREE char *lower = above_merged ? lower_path(w) : NULL;
	HM_CLEANUP(close_dir) DIR *dir = list(w->fd);
	struct stat here, below;
	struct dirent *e;
	char opaque[2];
	bool exists;
	int r = 0;

	if (!dir || fstat(w->fd, &here) < 0)
		return hm_fail_errno(fail, "reading %.*s in the upper layer", (int)w->path.len,
				     (const char *)w->path.data);
	exists = lower && lstat(lower, &below) == 0 && S_ISDIR(below.st_mode);
	f.merged =
	    exists && !(fgetxattr(w->fd, "trusted.overlay.opaque", opaque, sizeof(opaque)) == 1 && opaque[0] == 'y');
	if (!f.merged || here.st_mode != below.st_mode || here.st_uid != below.st_uid || here.st_gid != below.st_gid)
		r = take(w, NULL, &here, fail);
	if (r == 0 && exists && !f.merged)
		r = take_deleted(w, lower, fail);
	while (r == 0 && (errno = 0, e = readdir(dir))) {
		struct stat st;

		if (is_dots(e->d_name))
			continue;
		if (fstatat(w->fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			r = hm_fail_errno(fail, "reading %s in the upper layer", e->d_name);
		else if (S_ISDIR(st.st_mode))
			hm_bytes_append(&f.pending, e->d_name, strlen(e->d_name) + 1);
		else
			r = take(w, e->d_name, &st, fail);
	}
	w->frames = hm_realloc(w->frames, w->depth + 1, sizeof(f));
	w->frames[w->depth++] = f;
	return r;
}

static int descend(struct walk *w, const char *name, struct hm_fail *fail)
{
	int next = openat(w->fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

	if (next < 0)
		return hm_fail_errno(fail, "reading %s in the upper layer", name);
	close(w->fd);
	w->fd = next;
	if (w->path.len > 1)
		hm_bytes_u8(&w->path, '/');
	hm_bytes_text(&w->path, name);
	if (w->path.len > PATH_LIMIT)
		return hm_fail_set(fail, HM_E_SYSTEM, "reading what the run left: a path is longer than %u bytes",
				   PATH_LIMIT);
	return enter(w, w->frames[w->depth - 1].merged, fail);
}

static int ascend(struct walk *w, struct hm_fail *fail)
{
	hm_bytes_release(&w->frames[--w->depth].pending);
	if (w->depth) {
		int up = openat(w->fd, "..", O_RDONLY | O_DIRECTORY | O_CLOEXEC);

		if (up < 0)
			return hm_fail_errno(fail, "reading the upper layer");
		close(w->fd);
		w->fd = up;
		w->path.len = w->frames[w->depth - 1].path_len;
	}
	return 0;
}

static int walk_layer(struct walk *w, const struct hm_chamber_layer *layer, struct hm_fail *fail)
{
	int r;

	w->layer = layer;
	w->path.len = 0;
	hm_bytes_text(&w->path, layer->point);
	if (w->fd >= 0)
		close(w->fd);
	w->fd = openat(layer->upper, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (w->fd < 0)
		return hm_fail_errno(fail, "reading the upper layer of %s", layer->point);
	r = enter(w, true, fail);
	while (r == 0 && w->depth) {
		struct frame *f = &w->frames[w->depth - 1];
		const char *name;

		if (f->at == f->pending.len) {
			r = ascend(w, fail);
			continue;
		}
		name = (const char *)f->pending.data + f->at;
		f->at += strlen(name) + 1;
		r = descend(w, name, fail);
	}
	return r;
}

static int walk_all(struct walk *w, struct hm_fail *fail)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < w->chamber->layer_count; i++)
		if (w->chamber->layers[i].placed)
			r = walk_layer(w, &w->chamber->layers[i], fail);
	if (r == 0 && w->count)
		qsort(w->found, w->count, sizeof(*w->found), by_path);
	return r;
}

int hm_chamber_baseline(struct hm_chamber *c, struct hm_fail *fail)
{
	HM_CLEANUP(release_walk) struct walk w = { .chamber = c, .fd = -1 };
	int r;

	if (!c->disk.began.tv_sec)
		clock_gettime(CLOCK_REALTIME_COARSE, &c->disk.began); /* as files have it */
	r = walk_all(&w, fail);
	if (r < 0)
		return r;
	c->marks = hm_take_ptr(&w.found);
	c->mark_count = w.count;
	w.count = 0;
	return 0;
}

void hm_chamber_baseline_release(struct hm_chamber *c)
{
	release_marks(c->marks, c->mark_count);
	c->marks = NULL;
	c->mark_count = 0;
}

static int visit_mark(const struct hm_chamber_mark *m,
		      int (*visit)(void *, const struct hm_chamber_entry *, struct hm_fail *), void *cookie,
		      struct hm_fail *fail)
{
	struct hm_chamber_entry e = { .path = hm_slice_text(m->path),
				      .link = hm_slice_text(m->link ? m->link : ""),
				      .more = hm_slice_of(&m->more),
				      .type = m->type,
				      .mode = m->mode,
				      .uid = m->uid,
				      .gid = m->gid,
				      .size = m->size,
				      .hashed = m->hashed };

	memcpy(e.sha256, m->sha256, sizeof(e.sha256));
	return visit(cookie, &e, fail);
}

int hm_chamber_tree(struct hm_chamber *c,
		    int (*visit)(void *cookie, const struct hm_chamber_entry *entry, struct hm_fail *fail),
		    void *cookie, struct hm_fail *fail)
{
	HM_CLEANUP(release_walk) struct walk w = { .chamber = c, .fd = -1, .final = true };
	size_t planted = 0;
	int r;

	for (size_t i = 0; i < c->mark_count; i++)
		c->marks[i].seen = false;
	r = walk_all(&w, fail);
	for (size_t i = 0; r == 0 && i <= w.count; i++) {
		/* What was planted and is nowhere any more was deleted, and left no whiteout where the lower layer has
		 * nothing. */
		for (; r == 0 && planted < c->mark_count &&
		       (i == w.count || strcmp(c->marks[planted].path, w.found[i].path) < 0);
		     planted++) {
			struct hm_chamber_mark gone = { .path = c->marks[planted].path, .type = 'w' };

			if (!c->marks[planted].seen)
				r = visit_mark(&gone, visit, cookie, fail);
		}
		if (r == 0 && i < w.count)
			r = visit_mark(&w.found[i], visit, cookie, fail);
	}
	return r;
}
