/* A probe stands at a place in a file, not in a process: it holds for every process that maps the file, and costs those that are not
 * recorded a look at their cgroup. The file is reached by the mapping itself (/proc/PID/map_files), so neither a path that somebody
 * changed meanwhile nor a file that has none (deleted, memfd) leads elsewhere.
 *
 * Code that was made in a chamber, or comes by the name of a TLS library, is held: the task that mapped it stops at the end of that call
 * (bpf/hold.bpf.h), and goes on when it has been looked at here. What was installed under another name is looked at while it runs: LIBRARY tells
 * until when nothing was told of it. */
#include "tls.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <bpf/bpf.h>
#include <bpf/libbpf.h>

#include "capture_internal.h"
#include "symbols.h"
#include "tls_abi.h"

#include "capture.skel.h"
#include "tls.skel.h"

#define NONE HM_TLS_NONE

struct function {
	const char *symbol;
	uint64_t cookie;
	uint8_t number;
	bool returns; /* its return is watched */
};

static const struct function functions[] = {
#define HM_TLS_FUNCTION(name, number, library, symbol, memory, length, tells, written) \
	{ symbol, HM_TLS_COOKIE(number, memory, length, HM_TLS_##tells, written), number, HM_TLS_##tells != HM_TLS_NOTHING },
#include "tls_functions.def"
#undef HM_TLS_FUNCTION
};

/* A file that was looked at, as it was then. */
struct seen {
	uint64_t dev, ino, gen;
	struct timespec changed; /* of those that may be changed: others than the host's */
};

struct hm_tls {
	struct hm_capture_spec spec;
	struct capture_bpf *recorder;
	struct tls_bpf *skel; /* NULL: no file had functions yet */
	bool own;	      /* it was loaded here */
	uint64_t missed;      /* before this recording */
	bool refused;	      /* it does not load here */
	void *seen;
	struct bpf_link **links;
	size_t link_count;
	int *many; /* links of many probes each */
	size_t many_count;
};

static int by_identity(const void *a, const void *b)
{
	const struct seen *x = a, *y = b;

	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return (x->gen > y->gen) - (x->gen < y->gen);
}

/* Remembers the file as it is now; false when it was so already. */
static bool is_new(struct hm_tls *t, const struct seen *file)
{
	struct seen *fresh = hm_alloc(1, sizeof(*fresh)), **found;

	*fresh = *file;
	found = tsearch(fresh, &t->seen, by_identity);
	if (!found)
		abort();
	if (*found == fresh)
		return true;
	free(fresh);
	if ((*found)->changed.tv_sec == file->changed.tv_sec && (*found)->changed.tv_nsec == file->changed.tv_nsec)
		return false;
	(*found)->changed = file->changed;
	return true;
}

static bool was_seen(const struct hm_tls *t, const struct seen *file)
{
	return tfind(file, &t->seen, by_identity) != NULL;
}

/* ---- watching ---- */

static int share(struct bpf_map *map, const struct bpf_map *with)
{
	return bpf_map__reuse_fd(map, bpf_map__fd(with));
}

/* Of the recorder's maps only those are made, or taken over, that are used here. */
static int share_maps(const struct capture_bpf *recorder, struct tls_bpf *skel)
{
	struct bpf_map *map;
	int r;

	bpf_object__for_each_map(map, skel->obj)
		if (!bpf_map__is_internal(map) && map != skel->maps.givings)
			bpf_map__set_autocreate(map, false);
	bpf_map__set_autocreate(skel->maps.ring, true);
	bpf_map__set_autocreate(skel->maps.alarms, true);
	bpf_map__set_autocreate(skel->maps.stops, true);
	bpf_map__set_autocreate(skel->maps.counters, true);
	r = share(skel->maps.ring, recorder->maps.ring);
	if (r == 0)
		r = share(skel->maps.alarms, recorder->maps.alarms);
	if (r == 0)
		r = share(skel->maps.stops, recorder->maps.stops);
	if (r == 0)
		r = share(skel->maps.counters, recorder->maps.counters);
	return r == 0 ? share(skel->maps.data_alarm, recorder->maps.data_alarm) : r;
}

/* What libbpf and the headers of Debian 12 do not have yet (linux/bpf.h, since 6.6): many probes by one link. To let go of a link costs a
 * grace period of the kernel's, however many probes it has. */
enum { LINK_CREATE = 28, UPROBE_MULTI = 48, UPROBE_MULTI_RETURN = 1 };

/* Where they do not load (sleepable uprobes came with 6.0) nothing is told, and LIBRARY says so. */
struct tls_bpf *hm_tls_load(const struct capture_bpf *recorder)
{
	struct tls_bpf *skel;

	hm_libbpf_quiet();
	skel = tls_bpf__open();
	if (!skel)
		return NULL;
	skel->rodata->ring_alarm = recorder->rodata->ring_alarm;
	skel->rodata->ring_stop = recorder->rodata->ring_stop;
	skel->rodata->ask_every = recorder->rodata->ask_every;
	skel->rodata->pressure = recorder->rodata->pressure;
	bpf_program__set_expected_attach_type(skel->progs.on_give, (enum bpf_attach_type)UPROBE_MULTI);
	bpf_program__set_expected_attach_type(skel->progs.on_take, (enum bpf_attach_type)UPROBE_MULTI);
	if (share_maps(recorder, skel) < 0 || tls_bpf__load(skel) < 0) {
		tls_bpf__destroy(skel);
		return NULL;
	}
	return skel;
}

void hm_tls_unload(struct tls_bpf *programs)
{
	if (programs)
		tls_bpf__destroy(programs);
}

static bool load(struct hm_tls *t)
{
	if (t->skel || t->refused)
		return t->skel != NULL;
	t->skel = hm_tls_load(t->recorder);
	t->own = t->skel != NULL;
	t->refused = !t->own;
	if (t->own)
		t->skel->bss->order.scope_id = t->spec.cgroup_id;
	return t->own;
}

static bool add_probe(struct hm_tls *t, const char *path, uint64_t offset, uint64_t cookie, bool at_return)
{
	LIBBPF_OPTS(bpf_uprobe_opts, opts, .bpf_cookie = cookie, .retprobe = at_return);
	struct bpf_program *program = at_return ? t->skel->progs.on_take : t->skel->progs.on_give;
	struct bpf_link *link = bpf_program__attach_uprobe_opts(program, -1, path, offset, &opts);

	if (!link)
		return false;
	t->links = hm_realloc(t->links, t->link_count + 1, sizeof(struct bpf_link *));
	t->links[t->link_count++] = link;
	return true;
}

struct many {
	uint32_t program, target, type, link_flags;
	uint64_t path, offsets, counters, cookies;
	uint32_t count, flags, pid, pad;
};

static bool add_probes(struct hm_tls *t, const char *path, const uint64_t *offsets, const uint64_t *cookies, uint32_t count, bool at_return)
{
	const struct bpf_program *program = at_return ? t->skel->progs.on_take : t->skel->progs.on_give;
	struct many attr = { .program = (uint32_t)bpf_program__fd(program), .type = UPROBE_MULTI, .path = (uint64_t)(uintptr_t)path,
			     .offsets = (uint64_t)(uintptr_t)offsets, .cookies = (uint64_t)(uintptr_t)cookies, .count = count,
			     .flags = at_return ? UPROBE_MULTI_RETURN : 0 };
	long fd = count ? syscall(SYS_bpf, LINK_CREATE, &attr, sizeof(attr)) : -1;

	if (fd < 0)
		return count == 0;
	t->many = hm_realloc(t->many, t->many_count + 1, sizeof(*t->many));
	t->many[t->many_count++] = (int)fd;
	return true;
}

/* Bits of the functions that are watched now, 0 where the kernel does not know such links. */
static uint64_t watch_many(struct hm_tls *t, const char *path, const struct hm_symbol *found)
{
	uint64_t offsets[HM_COUNT(functions)], cookies[HM_COUNT(functions)], returns[HM_COUNT(functions)], of_returns[HM_COUNT(functions)];
	uint32_t count = 0, returning = 0;
	uint64_t watched = 0;

	for (size_t i = 0; i < HM_COUNT(functions); i++) {
		bool twice = false;

		for (size_t k = 0; k < i; k++)
			twice |= found[k].offset == found[i].offset;
		if (!found[i].offset)
			continue;
		watched |= 1ull << functions[i].number;
		if (twice)
			continue;
		if (functions[i].returns) {
			returns[returning] = found[i].offset;
			of_returns[returning++] = functions[i].cookie;
		}
		offsets[count] = found[i].offset;
		cookies[count++] = functions[i].cookie;
	}
	return add_probes(t, path, returns, of_returns, returning, true) && add_probes(t, path, offsets, cookies, count, false) ? watched : 0;
}

/* Bits of the functions that are watched now. The return first: a call that is seen is seen to return. */
static uint64_t watch(struct hm_tls *t, const char *path, const struct hm_symbol *found)
{
	uint64_t watched = load(t) ? watch_many(t, path, found) : 0;

	if (watched || !t->skel)
		return watched;
	for (size_t i = 0; i < HM_COUNT(functions); i++) {
		const struct function *f = &functions[i];
		bool twice = false;

		for (size_t k = 0; k < i; k++)
			twice |= found[k].offset == found[i].offset;
		if (!found[i].offset)
			continue;
		if (twice || ((!f->returns || add_probe(t, path, found[i].offset, f->cookie, true)) &&
			      add_probe(t, path, found[i].offset, f->cookie, false)))
			watched |= 1ull << f->number;
	}
	return watched;
}

/* ---- finding ---- */

/* What an event shows to be code. */
struct code {
	const struct hm_event *event;
	uint32_t tgid;
	struct seen file;
	uint64_t layer;
	struct hm_slice path;
};

static bool shows_code(struct code *out, const struct hm_event *e)
{
	const struct hm_value *f = e->field;

	switch (e->kind) {
	case HM_EV_EXEC:
		*out = (struct code){ e, e->tgid, { f[HM_EXEC_DEV].u, f[HM_EXEC_INO].u, f[HM_EXEC_GEN].u, { 0 } }, f[HM_EXEC_LAYER].u,
				      f[HM_EXEC_PATH].b };
		break;
	case HM_EV_MAP:
		if (!(f[HM_MAP_PROT].u & PROT_EXEC))
			return false;
		*out = (struct code){ e, e->tgid, { f[HM_MAP_DEV].u, f[HM_MAP_INO].u, f[HM_MAP_GEN].u, { 0 } }, f[HM_MAP_LAYER].u,
				      f[HM_MAP_PATH].b };
		break;
	case HM_EV_MAPPED:
		if (!(f[HM_MAPPED_PROT].u & PROT_EXEC))
			return false;
		*out = (struct code){ e, (uint32_t)f[HM_MAPPED_TGID].u,
				      { f[HM_MAPPED_DEV].u, f[HM_MAPPED_INO].u, f[HM_MAPPED_GEN].u, { 0 } }, f[HM_MAPPED_LAYER].u,
				      f[HM_MAPPED_PATH].b };
		break;
	default:
		return false;
	}
	return out->file.dev || out->file.ino;
}

/* One of the host's own files is reached there, if it is the same, whatever became of the process. */
static char *find_on_host(const struct code *code)
{
	HM_FREE char *path = hm_slice_dup(code->path);
	struct stat st;

	if (code->path.len == 0 || stat(path, &st) < 0 || st.st_ino != code->file.ino ||
	    (uint64_t)(major(st.st_dev) << 20 | minor(st.st_dev)) != code->file.dev)
		return NULL;
	return hm_take_ptr(&path);
}

/* The line of /proc/PID/maps: whether it is a mapping of the file, as code. A file may show another inode here than its own (an
 * overlay's), so its path does as well. */
static bool is_mapping_of(const struct code *code, const char *line, char range[64])
{
	unsigned long long inode = 0;
	char access[8] = "";
	int path = 0;

	if (sscanf(line, "%40s %5s %*s %*s %llu %n", range, access, &inode, &path) < 3 || access[2] != 'x' || !inode)
		return false;
	if (inode == code->file.ino)
		return true;
	return path && strlen(line + path) == code->path.len + 1 && memcmp(line + path, code->path.data, code->path.len) == 0;
}

/* The path to the mapping; NULL: it is there no more. */
static char *find_mapping(const struct code *code)
{
	HM_FREE char *name = hm_sprintf("/proc/%u/maps", code->tgid), *line = NULL;
	FILE *maps = fopen(name, "re");
	char *found = NULL, range[64];
	size_t room = 0;

	while (maps && !found && getline(&line, &room, maps) > 0)
		if (is_mapping_of(code, line, range))
			found = hm_sprintf("/proc/%u/map_files/%s", code->tgid, range);
	if (maps)
		fclose(maps);
	return found;
}

struct looked {
	uint64_t functions, watched;
	enum hm_library_why why;
};

/* False: there is nothing to tell. */
static bool look_up(struct hm_tls *t, struct code *code, struct looked *out)
{
	struct hm_symbol found[HM_COUNT(functions)];
	HM_FREE char *on_host = find_on_host(code), *mapping = on_host ? NULL : find_mapping(code);
	const char *path = on_host ? on_host : mapping;
	HM_CLOSE int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	enum hm_symbols_of kind;
	struct stat st;

	*out = (struct looked){ .why = HM_LIB_GONE };
	if (fd < 0 || fstat(fd, &st) < 0)
		return true;
	if (code->layer != HM_LAYER_LOWER)
		code->file.changed = st.st_ctim;
	if (!is_new(t, &code->file))
		return false;
	for (size_t i = 0; i < HM_COUNT(functions); i++)
		found[i] = (struct hm_symbol){ functions[i].symbol, 0 };
	kind = hm_symbols_find(fd, found, HM_COUNT(found));
	for (size_t i = 0; i < HM_COUNT(found); i++)
		if (found[i].offset)
			out->functions |= 1ull << functions[i].number;
	if (!out->functions)
		return false;
	out->why = HM_LIB_MACHINE;
	if (kind == HM_SYMBOLS_READ) {
		out->watched = watch(t, path, found);
		out->why = out->watched == out->functions ? HM_LIB_WATCHED : HM_LIB_REFUSED;
	}
	return true;
}

static int tell(struct hm_tls *t, const struct code *code, const struct looked *looked, bool held, struct hm_fail *fail)
{
	struct hm_event event = { .kind = HM_EV_LIBRARY, .cpu = HM_CPU_USER, .time = hm_capture_now() - t->spec.base };

	event.tgid = code->tgid;
	event.field[HM_LIBRARY_DEV].u = code->file.dev;
	event.field[HM_LIBRARY_INO].u = code->file.ino;
	event.field[HM_LIBRARY_GEN].u = code->file.gen;
	event.field[HM_LIBRARY_LAYER].u = code->layer;
	event.field[HM_LIBRARY_FUNCTIONS].u = looked->functions;
	event.field[HM_LIBRARY_WATCHED].u = looked->watched;
	event.field[HM_LIBRARY_UNTIL].u = event.time;
	event.field[HM_LIBRARY_WHY].u = looked->why;
	event.field[HM_LIBRARY_HELD].u = held;
	event.field[HM_LIBRARY_PATH].b = code->path;
	return t->spec.sink(t->spec.cookie, &event, fail);
}

int hm_tls_event(struct hm_tls *t, const struct hm_event *event, struct hm_fail *fail)
{
	struct hm_hold hold = { event->tgid, event->tid };
	struct looked looked;
	struct code code;
	uint64_t inode = 0;
	bool held;
	int r = 0;

	if (!shows_code(&code, event))
		return 0;
	/* Events of the same task that were made before it was held may still be on their way. */
	held = event->kind != HM_EV_MAPPED && bpf_map_lookup_elem(bpf_map__fd(t->recorder->maps.holds), &hold, &inode) == 0 &&
	       inode == code.file.ino;
	if ((code.layer != HM_LAYER_LOWER || !was_seen(t, &code.file)) && look_up(t, &code, &looked))
		r = tell(t, &code, &looked, held, fail);
	if (held)
		bpf_map_delete_elem(bpf_map__fd(t->recorder->maps.holds), &hold);
	return r;
}

/* ---- the end ---- */

/* Since the programs were loaded. */
static uint64_t count_missed(const struct tls_bpf *skel)
{
	uint64_t missed = 0;
	struct bpf_program *program;

	bpf_object__for_each_program(program, skel->obj) {
		struct bpf_prog_info info = { 0 };
		uint32_t size = sizeof(info);

		if (bpf_obj_get_info_by_fd(bpf_program__fd(program), &info, &size) == 0)
			missed += info.recursion_misses;
	}
	return missed;
}

uint64_t hm_tls_missed(const struct hm_tls *t)
{
	return t->skel ? count_missed(t->skel) - t->missed : 0;
}

struct hm_tls *hm_tls_new(const struct hm_capture_spec *spec, struct capture_bpf *recorder, struct tls_bpf *programs)
{
	struct hm_tls *t = hm_alloc(1, sizeof(*t));

	t->spec = *spec;
	t->recorder = recorder;
	t->skel = programs;
	if (programs) {
		t->missed = count_missed(programs);
		programs->bss->order.scope_id = spec->cgroup_id;
	}
	return t;
}

void hm_tls_detach(struct hm_tls *t)
{
	for (size_t i = 0; i < t->link_count; i++)
		bpf_link__destroy(t->links[i]);
	for (size_t i = 0; i < t->many_count; i++)
		close(t->many[i]);
	t->link_count = t->many_count = 0;
}

void hm_tls_free(struct hm_tls *t)
{
	if (!t)
		return;
	hm_tls_detach(t);
	free(t->links);
	free(t->many);
	if (t->own)
		tls_bpf__destroy(t->skel);
	else if (t->skel)
		t->skel->bss->order.scope_id = 0;
	tdestroy(t->seen, free);
	free(t);
}
