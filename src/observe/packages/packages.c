/* The database is read once: every path of every package goes into one sorted table (900 packages with 145,000 paths take
 * about a tenth of a second). A sorted table, not a hash: nobody can choose paths that make it slow.
 *
 * Files are opened by openat2 with RESOLVE_IN_ROOT: a link in an image never leads to the host. */
#include "packages.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>

#include "packages_internal.h"

#define STATUS_MAX (256u << 20)
#define PACKAGES_MAX 500000
#define PATHS_MAX ((size_t)1 << 25)
#define PATH_BYTES_MAX ((size_t)2 << 30)

/* Folders of / that usr-merge made links into /usr (hier(7), debian-policy 10.1). */
static const char *const merged[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32", "libo32" };
_Static_assert(HM_COUNT(merged) == HM_MERGED, "one flag a folder");

/* -1 and errno; O_NONBLOCK, because only fstat tells whether it is a pipe. */
static int open_in(const struct hm_packages *p, const char *path, struct stat *st)
{
	struct open_how how = { .flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY,
				.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS };
	HM_CLOSE int fd = (int)syscall(SYS_openat2, p->root, path, &how, sizeof(how));

	if (fd < 0 || fstat(fd, st) < 0)
		return -1;
	return hm_take_fd(&fd);
}

int hm_packages_read(const struct hm_packages *p, const char *path, size_t max, struct hm_bytes *out, struct stat *st,
		   struct hm_fail *fail)
{
	HM_CLOSE int fd = open_in(p, path, st);
	ssize_t n;

	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR || errno == ELOOP))
		return 0;
	if (fd < 0)
		return hm_fail_errno(fail, "reading %s", path);
	if (!S_ISREG(st->st_mode))
		return 0;
	if ((uint64_t)st->st_size > max)
		return hm_fail_set(fail, HM_E_BAD, "reading %s: larger than %zu bytes", path, max);
	do {
		size_t room = (size_t)st->st_size > out->len ? (size_t)st->st_size - out->len + 1 : 65536;

		n = read(fd, hm_bytes_reserve(out, room), room);
		if (n < 0 && errno != EINTR)
			return hm_fail_errno(fail, "reading %s", path);
		out->len += n > 0 ? (size_t)n : 0;
	} while (n != 0 && out->len <= max);
	return n == 0 ? 1 : hm_fail_set(fail, HM_E_BAD, "reading %s: larger than %zu bytes", path, max);
}

struct hm_slice hm_packages_real(const struct hm_packages *p, struct hm_bytes *out, struct hm_slice path, const char *by)
{
	size_t start = out->len;
	struct hm_slice real;

	for (size_t i = 0; i < HM_COUNT(merged); i++) {
		size_t n = strlen(merged[i]);

		if (p->alias[i] && path.len > n + 1 && path.data[n + 1] == '/' && !memcmp(path.data + 1, merged[i], n)) {
			hm_bytes_text(out, "/usr");
			break;
		}
	}
	hm_bytes_slice(out, path);
	real = (struct hm_slice){ out->data + start, out->len - start };
	for (size_t i = 0; by && i < p->diversions; i++) {
		const struct diversion *d = &p->diversion[i];

		if (!hm_slice_eq(d->from, real) || hm_slice_eq(d->by, hm_slice_text(by)))
			continue;
		out->len = start;
		hm_bytes_slice(out, d->to);
		return (struct hm_slice){ out->data + start, out->len - start };
	}
	return real;
}

static int visit_package(void *cookie, const struct hm_package *package, bool same, struct hm_fail *fail)
{
	struct hm_packages *p = cookie;

	if (p->count >= PACKAGES_MAX)
		return hm_fail_set(fail, HM_E_BAD, "dpkg status: more than %d packages", PACKAGES_MAX);
	if ((p->count & (p->count + 1)) == 0)
		p->entry = hm_realloc(p->entry, 2 * p->count + 2, sizeof(*p->entry));
	p->entry[p->count++] = (struct entry){
		.package = { hm_strdup(package->name), hm_strdup(package->version), hm_strdup(package->arch) },
		.stem = same ? hm_sprintf("%s:%s", package->name, package->arch) : hm_strdup(package->name),
	};
	return 0;
}

static void find_aliases(struct hm_packages *p)
{
	for (size_t i = 0; i < HM_COUNT(merged); i++) {
		HM_FREE char *expected = hm_sprintf("usr/%s", merged[i]);
		char target[64] = "";
		ssize_t n = readlinkat(p->root, merged[i], target, sizeof(target) - 1);
		const char *relative = target[0] == '/' ? target + 1 : target;

		p->alias[i] = n > 0 && strcmp(relative, expected) == 0;
	}
}

/* var/lib/dpkg/diversions: three lines each, from, to, and the package that diverts (":" for the administrator). */
static int read_diversions(struct hm_packages *p, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	struct hm_slice line[3];
	struct hm_cursor c;
	struct stat st;
	size_t n = 0;
	int r = hm_packages_read(p, "var/lib/dpkg/diversions", LIST_MAX, &text, &st, fail);

	if (r <= 0)
		return r;
	/* The slices point into `diverted`: it never grows beyond what is reserved here ("/usr" twice a row of three lines). */
	hm_bytes_reserve(&p->diverted, 5 * text.len + 64);
	c = hm_cursor_of(hm_slice_of(&text));
	while (hm_line_next(&c, &line[n])) {
		if (++n < 3)
			continue;
		n = 0;
		if (line[0].len == 0 || line[0].data[0] != '/' || line[1].len == 0 || line[1].data[0] != '/')
			return hm_fail_set(fail, HM_E_BAD, "dpkg diversions: a path is not absolute");
		if ((p->diversions & (p->diversions + 1)) == 0)
			p->diversion = hm_realloc(p->diversion, 2 * p->diversions + 2, sizeof(*p->diversion));
		p->diversion[p->diversions].from = hm_packages_real(p, &p->diverted, line[0], NULL);
		p->diversion[p->diversions].to = hm_packages_real(p, &p->diverted, line[1], NULL);
		hm_bytes_slice(&p->diverted, line[2]);
		p->diversion[p->diversions++].by =
			(struct hm_slice){ p->diverted.data + p->diverted.len - line[2].len, line[2].len };
	}
	return n == 0 ? 0 : hm_fail_set(fail, HM_E_BAD, "dpkg diversions: cut short");
}

static int read_list(struct hm_packages *p, size_t number, struct hm_fail *fail)
{
	HM_FREE char *path = hm_sprintf("var/lib/dpkg/info/%s.list", p->entry[number].stem);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	struct hm_cursor c;
	struct hm_slice line;
	struct stat st;
	int r = hm_packages_read(p, path, LIST_MAX, &text, &st, fail);

	if (r <= 0) /* a package without files may have no list */
		return r;
	c = hm_cursor_of(hm_slice_of(&text));
	while (hm_line_next(&c, &line)) {
		size_t at = p->paths.len;

		if (line.len < 2 || line.len > 4096 || line.data[0] != '/' || memchr(line.data, 0, line.len))
			continue;
		if (p->owned_count >= PATHS_MAX || at > PATH_BYTES_MAX)
			return hm_fail_set(fail, HM_E_BAD, "dpkg database: more paths than are believable");
		if (p->owned_count == p->owned_room) {
			p->owned_room = p->owned_room ? 2 * p->owned_room : 65536;
			p->owned = hm_realloc(p->owned, p->owned_room, sizeof(*p->owned));
		}
		hm_packages_real(p, &p->paths, line, p->entry[number].package.name);
		p->owned[p->owned_count++] =
			(struct owned){ at, (uint32_t)(p->paths.len - at), (uint32_t)number };
	}
	return 0;
}

static int by_path(const void *a, const void *b, void *cookie)
{
	const struct owned *x = a, *y = b;
	int order = hm_slice_cmp(owned_path(cookie, x), owned_path(cookie, y));

	return order ? order : x->package < y->package ? -1 : x->package > y->package;
}

int hm_packages_open(struct hm_packages **ret, const char *root, struct hm_fail *fail)
{
	HM_CLEANUP(hm_packages_cleanup) struct hm_packages *p = hm_alloc(1, sizeof(*p));
	HM_CLEANUP(hm_bytes_release) struct hm_bytes status = { 0 };
	struct stat st;
	int r;

	p->root = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (p->root < 0)
		return hm_fail_errno(fail, "opening %s", root);
	r = hm_packages_read(p, "var/lib/dpkg/status", STATUS_MAX, &status, &st, fail);
	if (r > 0)
		r = hm_status_parse(hm_slice_of(&status), visit_package, p, fail);
	find_aliases(p);
	if (r == 0)
		r = read_diversions(p, fail);
	for (size_t i = 0; r == 0 && i < p->count; i++)
		r = read_list(p, i, fail);
	if (r < 0)
		return r;
	if (p->owned_count)
		qsort_r(p->owned, p->owned_count, sizeof(*p->owned), by_path, p);
	*ret = hm_take_ptr(&p);
	return 0;
}

const struct hm_package *hm_packages_find(const struct hm_packages *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->entry[i].package.name, name) == 0)
			return &p->entry[i].package;
	return NULL;
}

const struct hm_package *hm_packages_owner(const struct hm_packages *p, const char *path)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes real = { 0 };
	size_t low = 0, high = p->owned_count;
	struct hm_slice wanted;

	if (path[0] != '/' || path[1] == 0)
		return NULL;
	wanted = hm_packages_real(p, &real, hm_slice_text(path), NULL);
	while (low < high) { /* the first entry that is not before `wanted` */
		size_t middle = low + (high - low) / 2;

		if (hm_slice_cmp(owned_path(p, &p->owned[middle]), wanted) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == p->owned_count || !hm_slice_eq(owned_path(p, &p->owned[low]), wanted))
		return NULL;
	return &p->entry[p->owned[low].package].package;
}

void hm_packages_close(struct hm_packages *p)
{
	if (!p)
		return;
	for (size_t i = 0; i < p->count; i++) {
		free((char *)(uintptr_t)p->entry[i].package.name);
		free((char *)(uintptr_t)p->entry[i].package.version);
		free((char *)(uintptr_t)p->entry[i].package.arch);
		free(p->entry[i].stem);
	}
	free(p->entry);
	free(p->owned);
	free(p->diversion);
	hm_bytes_release(&p->paths);
	hm_bytes_release(&p->diverted);
	if (p->root >= 0)
		close(p->root);
	free(p);
}

void hm_packages_cleanup(struct hm_packages **p)
{
	hm_packages_close(*p);
}
