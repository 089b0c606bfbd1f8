/* One pass over each run's record adds up what people ask first: which files, which processes, what was printed.
 *
 * A record may be made to exhaust whoever reads it: past the limits below things are counted and no longer kept. */
#include <sys/stat.h>

#include "report_internal.h"

#define FILES_MAX 200000
#define PROCESSES_MAX 20000
#define PATHS_MAX (64u << 20)

struct load {
	struct report_activity *a;
	const struct report_cites *cites;
	struct report_run *run;
};

static void own(struct hm_slice *to, struct hm_slice from)
{
	free((void *)(uintptr_t)to->data);
	*to = (struct hm_slice){ (const uint8_t *)hm_slice_dup(from), from.len };
}

/* The file with the identity in fields `dev` to `dev` + 3, or NULL past the limit. */
static struct report_file *file_of(struct load *l, const struct hm_event *e, size_t dev)
{
	const uint64_t key[4] = { e->field[dev].u, e->field[dev + 1].u, e->field[dev + 2].u, e->field[dev + 3].u };
	struct report_activity *a = l->a;
	uint32_t at = report_index_get(&a->file_index, key);

	if (at)
		return &a->file[at - 1];
	if (a->files == FILES_MAX) {
		a->files_dropped++;
		return NULL;
	}
	if ((a->files & (a->files + 1)) == 0)
		a->file = hm_realloc(a->file, 2 * (a->files + 1), sizeof(*a->file));
	a->file[a->files] = (struct report_file){ 0 };
	memcpy(a->file[a->files].key, key, sizeof(key));
	report_index_set(&a->file_index, key, (uint32_t)++a->files);
	return &a->file[a->files - 1];
}

static void name_file(struct load *l, struct report_file *f, struct hm_slice path)
{
	if (!f || f->path.len || path.len == 0 || path.len > PATHS_MAX - l->a->path_bytes)
		return;
	l->a->path_bytes += path.len;
	own(&f->path, path);
}

/* The process that has this number now, or NULL past the limit and in runs other than the one that is shown. */
static struct report_process *process_of(struct load *l, uint64_t tgid, bool fresh, uint64_t time)
{
	const uint64_t key[4] = { tgid };
	struct report_activity *a = l->a;
	uint32_t at;

	if (l->run->run != a->process_run)
		return NULL;
	at = report_index_get(&a->process_index, key);
	if (at && !fresh)
		return &a->process[at - 1];
	if (a->processes == PROCESSES_MAX) {
		a->processes_dropped++;
		return NULL;
	}
	if ((a->processes & (a->processes + 1)) == 0)
		a->process = hm_realloc(a->process, 2 * (a->processes + 1), sizeof(*a->process));
	a->process[a->processes] = (struct report_process){ .tgid = tgid, .start = time, .threads = 1 };
	report_index_set(&a->process_index, key, (uint32_t)++a->processes);
	return &a->process[a->processes - 1];
}

static void add_fork(struct load *l, const struct hm_event *e)
{
	uint64_t child = e->field[HM_FORK_CHILD_TGID].u;
	struct report_process *from = process_of(l, e->tgid, false, e->time), *to;
	size_t parent;

	if (!from)
		return;
	if (child == e->tgid) {
		from->threads++;
		return;
	}
	parent = (size_t)(from - l->a->process);
	to = process_of(l, child, true, e->time);
	if (!to)
		return;
	from = &l->a->process[parent];
	to->parent = parent + 1;
	to->euid = from->euid;
	to->caps = from->caps;
	to->argv_len = from->argv_len;
	own(&to->path, from->path);
	own(&to->argv, from->argv);
}

static void add_exec(struct load *l, const struct hm_event *e)
{
	struct report_file *f = file_of(l, e, HM_EXEC_DEV);
	struct report_process *p = process_of(l, e->tgid, false, e->time);

	name_file(l, f, e->field[HM_EXEC_PATH].b);
	if (f)
		f->execs++;
	if (!p)
		return;
	own(&p->path, e->field[HM_EXEC_PATH].b);
	own(&p->argv, e->field[HM_EXEC_ARGV].b);
	p->argv_len = e->field[HM_EXEC_ARGV_LEN].u;
	p->euid = e->field[HM_EXEC_EUID].u;
	p->caps = e->field[HM_EXEC_CAP_EFF].u;
	p->execs++;
}

static void add_exit(struct load *l, const struct hm_event *e)
{
	struct report_process *p = e->field[HM_EXIT_LAST].u ? process_of(l, e->tgid, false, e->time) : NULL;

	if (!p)
		return;
	p->ended = true;
	p->end = e->time;
	p->code = e->field[HM_EXIT_CODE].u;
}

static void add_cred(struct load *l, const struct hm_event *e)
{
	struct report_process *p = process_of(l, e->tgid, false, e->time);

	if (!p)
		return;
	p->euid = e->field[HM_CRED_EUID].u;
	p->caps = e->field[HM_CRED_CAP_EFF].u;
}

static void add_open(struct load *l, const struct hm_event *e)
{
	struct report_file *f = file_of(l, e, HM_OPEN_DEV);

	if (!f)
		return;
	name_file(l, f, e->field[HM_OPEN_PATH].b);
	f->folder = S_ISDIR(e->field[HM_OPEN_MODE].u);
	f->opens++;
}

static void add_read(struct load *l, const struct hm_event *e)
{
	struct report_file *f = file_of(l, e, HM_READ_DEV);

	if (f)
		f->read += e->field[HM_READ_BYTES].u;
}

static void add_write(struct load *l, const struct hm_event *e)
{
	struct report_file *f = file_of(l, e, HM_WRITE_DEV);

	if (f)
		f->written += e->field[HM_WRITE_BYTES].u;
}

static void add_map(struct load *l, const struct hm_event *e)
{
	struct report_file *f = e->field[HM_MAP_LAYER].u == HM_LAYER_NONE ? NULL : file_of(l, e, HM_MAP_DEV);

	if (!f)
		return;
	name_file(l, f, e->field[HM_MAP_PATH].b);
	f->maps++;
	f->code |= (e->field[HM_MAP_PROT].u & 4) != 0; /* PROT_EXEC */
}

/* What follows in the upper layer is of the same file. */
static void add_copyup(struct load *l, const struct hm_event *e)
{
	const uint64_t lower[4] = { e->field[HM_COPYUP_FROM_DEV].u, e->field[HM_COPYUP_FROM_INO].u, e->field[HM_COPYUP_FROM_GEN].u,
				    HM_LAYER_LOWER };
	const uint64_t upper[4] = { e->field[HM_COPYUP_DEV].u, e->field[HM_COPYUP_INO].u, e->field[HM_COPYUP_GEN].u, HM_LAYER_UPPER };
	uint32_t at = report_index_get(&l->a->file_index, lower);

	if (at)
		report_index_set(&l->a->file_index, upper, at);
}

static void add_output(struct load *l, const struct hm_event *e)
{
	size_t stream = e->field[HM_OUTPUT_STREAM].u == 2;
	struct hm_bytes *to = &l->a->output[stream];
	struct hm_slice data = e->field[HM_OUTPUT_DATA].b;

	if (l->run->run != l->a->process_run)
		return;
	l->a->output_len[stream] += data.len;
	if (data.len > REPORT_OUTPUT_MAX - to->len)
		data.len = REPORT_OUTPUT_MAX - to->len;
	hm_bytes_slice(to, data);
}

static void (*const handlers[HM_EV_COUNT])(struct load *, const struct hm_event *) = {
	[HM_EV_FORK] = add_fork, [HM_EV_EXEC] = add_exec, [HM_EV_EXIT] = add_exit,	    [HM_EV_CRED] = add_cred,	[HM_EV_OPEN] = add_open,
	[HM_EV_READ] = add_read, [HM_EV_WRITE] = add_write, [HM_EV_MAP] = add_map, [HM_EV_OUTPUT] = add_output,
	[HM_EV_COPYUP] = add_copyup,
};

static void keep_cited(struct load *l, struct hm_slice item)
{
	struct report_activity *a = l->a;

	if (!report_cited(l->cites, l->run->run, REPORT_EVENT, l->run->events))
		return;
	a->event = hm_realloc(a->event, a->events + 1, sizeof(*a->event));
	a->event[a->events] = (struct report_event){ .run = l->run->run, .index = l->run->events };
	hm_bytes_slice(&a->event[a->events++].item, item);
}

static int load_items(struct load *l, struct hm_record *record, struct hm_fail *fail)
{
	struct hm_event event;
	struct hm_slice item;
	int r;

	while ((r = hm_record_next(record, &item, fail)) > 0) {
		r = hm_event_decode(&event, item, fail);
		if (r < 0 && r != HM_E_UNKNOWN)
			return r;
		if (r < 0)
			l->run->unknown++;
		else if (handlers[event.kind])
			handlers[event.kind](l, &event);
		keep_cited(l, item);
		l->run->events++;
	}
	return r;
}

static int load_run(struct load *l, const struct report_view *v, struct hm_fail *fail)
{
	struct hm_record *record;
	struct hm_slice file;
	int r;

	l->run->there = report_run_part(v, l->run->run, "record.cbor.zst", &file);
	if (!l->run->there)
		return 0;
	r = hm_record_open(&record, file, fail);
	if (r < 0)
		return hm_fail_in(fail, "the record of run %u", (unsigned)l->run->run);
	l->run->cut = hm_record_head(record)->cut;
	l->run->withheld = hm_record_head(record)->withheld;
	r = load_items(l, record, fail);
	hm_record_close(record);
	return r < 0 ? hm_fail_in(fail, "the record of run %u", (unsigned)l->run->run) : 0;
}

/* Bytewise, but '/' before all else, so that a folder stands right before what it holds. */
static int compare_paths(const void *left, const void *right)
{
	const struct report_file *a = left, *b = right;
	size_t n = a->path.len < b->path.len ? a->path.len : b->path.len;

	for (size_t i = 0; i < n; i++) {
		int x = a->path.data[i] == '/' ? -1 : a->path.data[i], y = b->path.data[i] == '/' ? -1 : b->path.data[i];

		if (x != y)
			return x < y ? -1 : 1;
	}
	if (a->path.len != b->path.len)
		return a->path.len < b->path.len ? -1 : 1;
	for (size_t i = 0; i < HM_COUNT(a->key); i++)
		if (a->key[i] != b->key[i])
			return a->key[i] < b->key[i] ? -1 : 1;
	return 0;
}

int report_activity_load(struct report_activity *a, const struct report_view *v, const struct report_cites *cites,
			 struct hm_fail *fail)
{
	const json_t *runs = report_list(v->assessment, "runs"), *run;
	size_t i;

	*a = (struct report_activity){ 0 };
	a->process_run = report_int(json_array_get(runs, 0), "run");
	a->run = hm_alloc(json_array_size(runs), sizeof(*a->run));
	json_array_foreach (runs, i, run) {
		struct load l = { a, cites, &a->run[a->runs++] };
		int r;

		l.run->run = report_int(run, "run");
		r = load_run(&l, v, fail);
		if (r < 0)
			return r;
	}
	report_index_release(&a->file_index);
	report_index_release(&a->process_index);
	if (a->files)
		qsort(a->file, a->files, sizeof(*a->file), compare_paths);
	return 0;
}

void report_activity_release(struct report_activity *a)
{
	for (size_t i = 0; i < a->files; i++)
		free((void *)(uintptr_t)a->file[i].path.data);
	for (size_t i = 0; i < a->processes; i++) {
		free((void *)(uintptr_t)a->process[i].path.data);
		free((void *)(uintptr_t)a->process[i].argv.data);
	}
	for (size_t i = 0; i < a->events; i++)
		hm_bytes_release(&a->event[i].item);
	for (size_t i = 0; i < HM_COUNT(a->output); i++)
		hm_bytes_release(&a->output[i]);
	report_index_release(&a->file_index);
	report_index_release(&a->process_index);
	free(a->file);
	free(a->process);
	free(a->event);
	free(a->run);
	*a = (struct report_activity){ 0 };
}
