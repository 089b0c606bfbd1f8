/* A file is written under a name that no reader asks for, synced, and renamed; then its folder is synced. So at any moment, and after
 * any death of the machine, each name stands for whole bytes or for nothing. What may be synced in any order is synced side by side, by a thread
 * each: the disk waits once for all of it. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sys/stat.h>

#include "fs.h"
#include "log_internal.h"

/* Names while a file is being written, by its number in the step; there is one writer: the key is locked. */
#define TEMPORARY ".writing-%zu"
#define FOLDERS_MAX 64

/* Folders that have got new names in this step. */
struct folders {
	char *path[FOLDERS_MAX];
	size_t count;
};

static void release(struct folders *f)
{
	for (size_t i = 0; i < f->count; i++)
		free(f->path[i]);
}

/* "a/b/c" to "a/b"; "c" to ".". */
static char *parent_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? hm_slice_dup((struct hm_slice){ (const uint8_t *)path, (size_t)(slash - path) }) : hm_strdup(".");
}

/* The folder that `path` lies in is to be synced. */
static void note_parent(struct folders *f, const char *path)
{
	HM_FREE char *parent = parent_of(path);

	for (size_t i = 0; i < f->count; i++)
		if (strcmp(f->path[i], parent) == 0)
			return;
	if (f->count == FOLDERS_MAX)
		abort(); /* a batch does not touch so many */
	f->path[f->count++] = hm_take_ptr(&parent);
}

struct syncing {
	int fd, error;
	pthread_t thread;
	bool started;
};

static void *sync_one(void *context)
{
	struct syncing *s = context;

	s->error = fsync(s->fd) < 0 ? errno : 0;
	return NULL;
}

/* Syncs all of them, and waits for all. 0, or -1 with the errno of one that failed. */
static int sync_all(const int *fd, size_t count)
{
	struct syncing s[HM_STORE_FILES];
	int error = 0;

	for (size_t i = 0; i < count; i++) {
		s[i] = (struct syncing){ .fd = fd[i] };
		/* The last is this thread's own, and so is what no thread could be had for. */
		s[i].started = i + 1 < count && pthread_create(&s[i].thread, NULL, sync_one, &s[i]) == 0;
		if (!s[i].started)
			sync_one(&s[i]);
	}
	for (size_t i = 0; i < count; i++) {
		if (s[i].started)
			pthread_join(s[i].thread, NULL);
		error = s[i].error ? s[i].error : error;
	}
	errno = error;
	return error ? -1 : 0;
}

static void close_all(int *fd, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (fd[i] >= 0)
			close(fd[i]);
}

static int sync_folders(int folder, const struct folders *f, struct hm_fail *fail)
{
	int fd[HM_STORE_FILES], r = 0;
	size_t count = 0;

	for (size_t i = 0; i < f->count && r == 0; i++) {
		fd[count] = openat(folder, f->path[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		r = fd[count++] < 0 ? hm_fail_errno(fail, "syncing the log's folder %s", f->path[i]) : 0;
		if (r == 0 && (count == HM_COUNT(fd) || i + 1 == f->count)) {
			r = sync_all(fd, count) < 0 ? hm_fail_errno(fail, "syncing the log's folders") : 0;
			close_all(fd, count);
			count = 0;
		}
	}
	close_all(fd, count);
	return r;
}

/* mkdir -p of the folder that `path` is to lie in. */
static int make_parents(int folder, const char *path, struct folders *new, struct hm_fail *fail)
{
	HM_FREE char *copy = hm_strdup(path);

	for (char *slash = strchr(copy, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		if (mkdirat(folder, copy, 0755) == 0)
			note_parent(new, copy);
		else if (errno != EEXIST)
			return hm_fail_errno(fail, "making the log's folder %s", copy);
		*slash = '/';
	}
	return 0;
}

/* Returns a descriptor of what is written and not synced. */
static int write_temporary(int folder, size_t number, struct hm_slice bytes, struct hm_fail *fail)
{
	HM_FREE char *name = hm_sprintf(TEMPORARY, number);
	HM_CLOSE int fd = openat(folder, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	int r;

	if (fd < 0)
		return hm_fail_errno(fail, "creating %s in the log", name);
	r = hm_fs_write_all(fd, bytes, fail);
	return r < 0 ? hm_fail_in(fail, "writing %s in the log", name) : hm_take_fd(&fd);
}

/* 0, or -1 with errno. Where the file system cannot rename without replacing, a hard link does not replace either. */
static int rename_to(int folder, const char *from, const char *path, bool replace)
{
	if (replace)
		return renameat(folder, from, folder, path);
	if (renameat2(folder, from, folder, path, RENAME_NOREPLACE) == 0)
		return 0;
	if (errno != EINVAL)
		return -1;
	return linkat(folder, from, folder, path, 0) == 0 ? unlinkat(folder, from, 0) : -1;
}

/* What is there stays; it may be ours, of a batch that was interrupted. */
static int compare(int folder, const char *path, struct hm_slice bytes, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes there = { 0 };
	struct hm_tile_source source = hm_folder_source(&folder);
	int r = source.read(source.context, path, HM_BUNDLE_MAX, &there, fail);

	if (r < 0)
		return r;
	if (r == 1 || !hm_slice_eq(hm_slice_of(&there), bytes))
		return hm_fail_set(fail, HM_E_BAD, "%s is there with other bytes, and is never written over", path);
	return 0;
}

/* Gives the file its name. */
static int place(int folder, size_t number, const char *path, struct hm_slice bytes, bool replace, struct folders *new, struct hm_fail *fail)
{
	HM_FREE char *from = hm_sprintf(TEMPORARY, number);
	int r = rename_to(folder, from, path, replace);

	if (r < 0 && errno == ENOENT) {
		r = make_parents(folder, path, new, fail);
		if (r < 0)
			return r;
		r = rename_to(folder, from, path, replace);
	}
	note_parent(new, path);
	if (r < 0 && errno != EEXIST)
		return hm_fail_errno(fail, "writing %s in the log", path);
	if (r == 0)
		return 0;
	r = compare(folder, path, bytes, fail);
	if (r == 0 && unlinkat(folder, from, 0) < 0)
		r = hm_fail_errno(fail, "removing %s in the log", from);
	return r;
}

int hm_store_write(int folder, const struct hm_edge_files *files, struct hm_fail *fail)
{
	int fd[HM_STORE_FILES] = { 0 }, r = 0;
	size_t count = 0;

	_Static_assert(HM_COUNT(((struct hm_edge_files *)0)->file) <= HM_STORE_FILES, "a batch has no more files");
	for (size_t i = 0; i < files->count && r >= 0; i++) {
		r = write_temporary(folder, i, hm_slice_of(&files->file[i].bytes), fail);
		if (r >= 0)
			fd[count++] = r;
	}
	if (r >= 0)
		r = sync_all(fd, count) < 0 ? hm_fail_errno(fail, "writing the log's files") : 0;
	close_all(fd, count);
	return r;
}

int hm_store_place(int folder, const struct hm_edge_files *files, bool entries, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct folders new = { .count = 0 };
	char path[HM_TILE_PATH];
	int r = 0;

	for (size_t i = 0; i < files->count && r == 0; i++) {
		const struct hm_edge_file *file = &files->file[i];

		if ((file->tile.level == HM_TILE_ENTRIES) == entries)
			r = place(folder, i, hm_tile_path(path, file->tile), hm_slice_of(&file->bytes), file->tile.width < HM_TILE_WIDTH, &new, fail);
	}
	return r < 0 ? r : sync_folders(folder, &new, fail);
}

int hm_store_checkpoint(int folder, struct hm_slice note, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct folders new = { .count = 0 };
	HM_CLOSE int fd = write_temporary(folder, 0, note, fail);
	int r = fd < 0 ? fd : fsync(fd) < 0 ? hm_fail_errno(fail, "writing the log's checkpoint") : 0;

	if (r == 0)
		r = place(folder, 0, "checkpoint", note, true, &new, fail);
	return r < 0 ? r : sync_folders(folder, &new, fail);
}

void hm_store_drop_partials(int folder, struct hm_tile full)
{
	char path[HM_TILE_PATH];
	struct hm_fail fail;

	hm_tile_path(path, (struct hm_tile){ full.level, full.index, 1 });
	*strrchr(path, '/') = 0;
	if (hm_fs_remove_at(folder, path, &fail) < 0)
		return; /* they stay, and harm nobody */
}
