/* Looks: what lives must be explained by events, else the record has a hole that no number shows.
 *
 * A task by its fork, its move or anything that it did; a file by its identity in an open, a map, an exec, a copy-up, a read or a
 * write; a mapping by a map or an exec; a socket by its inode. Events that explain may come after the look. What needs
 * nothing: pipes and the kernel's own nameless files (eventfd, epoll, pidfd and the like hold no file's bytes), descriptors
 * 0, 1 and 2, with which the product is started, memory that is shared without a file and cannot be executed. */
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "reconcile_internal.h"

struct hm_pending {
	uint64_t position;
	uint16_t kind;
	bool socket, terminal, memory, upper;
	struct hm_key path; /* of one in the upper layer */
	uint64_t v[3]; /* of a file, or a task's or socket's number */
};

void hm_state_release(struct hm_state *state)
{
	free(state->pending);
}

static bool file_explains(const struct hm_state *state, const struct hm_pending *p, const struct hm_file *file)
{
	if (p->kind == HM_EV_MAPPED)
		return (file && (file->flags & HM_FILE_MAPPED)) || (p->memory && state->memory);
	return file && (file->flags & (HM_FILE_NAMED | HM_FILE_READ | HM_FILE_OTHER));
}

/* `late`: all events are known, and the task may have ended since. */
static bool explained(const struct hm_state *state, const struct hm_known *known, const struct hm_pending *p, bool late)
{
	if (p->kind == HM_EV_ALIVE)
		return late ? hm_tasks_seen(known->tasks, p->v[0]) : hm_tasks_live(known->tasks, p->v[0]);
	if (p->socket)
		return hm_sends_knows(known->sends, p->v[0]);
	if (p->terminal && hm_files_terminal(known->files, p->v[0]))
		return true;
	/* What was opened or mapped below shows as its copy from then on. */
	if (p->upper && file_explains(state, p, hm_files_lower(known->files, &p->path)))
		return true;
	return file_explains(state, p, hm_index_find(&known->files->index, &(struct hm_key){ { p->v[0], p->v[1], p->v[2], 0 } }));
}

static int keep_pending(struct hm_state *state, const struct hm_known *known, struct hm_pending row, struct hm_fail *fail)
{
	if (explained(state, known, &row, false))
		return 0;
	if (state->count == HM_TOO_MANY)
		return hm_fail_set(fail, HM_E_BAD, "more that nothing explains than this program judges (%d)", HM_TOO_MANY);
	if ((state->count & (state->count - 1)) == 0)
		state->pending = hm_realloc(state->pending, state->count ? 2 * state->count : 1, sizeof(row));
	state->pending[state->count++] = row;
	return 0;
}

/* The state before the recorder came: it explains itself, and what comes after. */
static int take_before(struct hm_state *state, const struct hm_known *known, const struct hm_event *e, struct hm_fail *fail)
{
	const struct hm_value *f = e->field;
	struct hm_file *file;

	switch (e->kind) {
	case HM_EV_ALIVE:
		file = hm_files_of(known->files, f[HM_ALIVE_DEV].u, f[HM_ALIVE_INO].u, f[HM_ALIVE_GEN].u);
		hm_files_name(known->files, file, f[HM_ALIVE_LAYER].u, f[HM_ALIVE_PATH].b);
		file->flags |= HM_FILE_MAPPED | HM_FILE_WHOLE;
		return hm_tasks_add(known->tasks, f[HM_ALIVE_TGID].u, f[HM_ALIVE_TID].u, false, fail);
	case HM_EV_HELD:
		if (S_ISSOCK(f[HM_HELD_MODE].u)) {
			hm_sends_know(known->sends, f[HM_HELD_INO].u);
			return 0;
		}
		file = hm_files_of(known->files, f[HM_HELD_DEV].u, f[HM_HELD_INO].u, f[HM_HELD_GEN].u);
		hm_files_name(known->files, file, f[HM_HELD_LAYER].u, f[HM_HELD_PATH].b);
		return 0;
	default:
		if (f[HM_MAPPED_DEV].u == 0 && f[HM_MAPPED_INO].u == 0) {
			state->memory |= !hm_slice_eq(f[HM_MAPPED_PATH].b, HM_SLICE("[vdso]"));
			return 0;
		}
		file = hm_files_of(known->files, f[HM_MAPPED_DEV].u, f[HM_MAPPED_INO].u, f[HM_MAPPED_GEN].u);
		hm_files_name(known->files, file, f[HM_MAPPED_LAYER].u, f[HM_MAPPED_PATH].b);
		file->flags |= HM_FILE_MAPPED | HM_FILE_WHOLE;
		return 0;
	}
}

static int take_alive(struct hm_state *state, const struct hm_known *known, const struct hm_event *e, uint64_t position,
		      struct hm_fail *fail)
{
	return keep_pending(state, known, (struct hm_pending){ .position = position, .kind = e->kind, .v = { e->field[HM_ALIVE_TID].u } },
			    fail);
}

/* Of slashes only: a file of none of the trees. */
static bool nameless(struct hm_slice path)
{
	for (size_t i = 0; i < path.len; i++)
		if (path.data[i] != '/')
			return false;
	return true;
}

static int take_held(struct hm_state *state, const struct hm_known *known, const struct hm_event *e, uint64_t position,
		     struct hm_fail *fail)
{
	const struct hm_value *f = e->field;
	uint64_t type = f[HM_HELD_MODE].u & S_IFMT;
	bool none = f[HM_HELD_LAYER].u == HM_LAYER_NONE;
	struct hm_pending row = { .position = position, .kind = e->kind, .socket = type == S_IFSOCK };

	if (f[HM_HELD_FD].u <= 2 || type == 0 || (none && (type == S_IFIFO || nameless(f[HM_HELD_PATH].b))))
		return 0;
	/* The other end of a terminal can be had from the first by an ioctl, which is no open. */
	row.terminal = none && type == S_IFCHR && f[HM_HELD_PATH].b.len > 9 && memcmp(f[HM_HELD_PATH].b.data, "/dev/pts/", 9) == 0;
	row.upper = f[HM_HELD_LAYER].u == HM_LAYER_UPPER;
	if (row.upper)
		row.path = hm_path_key(f[HM_HELD_PATH].b);
	if (row.socket) {
		row.v[0] = f[HM_HELD_INO].u;
	} else {
		row.v[0] = f[HM_HELD_DEV].u;
		row.v[1] = f[HM_HELD_INO].u;
		row.v[2] = f[HM_HELD_GEN].u;
	}
	return keep_pending(state, known, row, fail);
}

static int take_mapped(struct hm_state *state, const struct hm_known *known, const struct hm_event *e, uint64_t position,
		       struct hm_fail *fail)
{
	const struct hm_value *f = e->field;

	bool none = f[HM_MAPPED_LAYER].u == HM_LAYER_NONE;
	struct hm_pending row = { .position = position, .kind = e->kind, .memory = none,
				  .v = { f[HM_MAPPED_DEV].u, f[HM_MAPPED_INO].u, f[HM_MAPPED_GEN].u } };

	if (none && !(f[HM_MAPPED_PROT].u & PROT_EXEC))
		return 0;
	/* Every process has it, by no call. */
	if (f[HM_MAPPED_DEV].u == 0 && hm_slice_eq(f[HM_MAPPED_PATH].b, HM_SLICE("[vdso]")))
		return 0;
	row.upper = f[HM_MAPPED_LAYER].u == HM_LAYER_UPPER;
	if (row.upper)
		row.path = hm_path_key(f[HM_MAPPED_PATH].b);
	return keep_pending(state, known, row, fail);
}

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

static int take_look(struct hm_state *state, const struct hm_event *e, struct hm_reconciled *out, struct hm_fail *fail)
{
	const struct hm_value *f = e->field;

	if (f[HM_LOOK_LOOK].u != state->looks)
		return hm_fail_set(fail, HM_E_BAD, "the looks are not numbered 0, 1, 2 ...");
	if (state->attached && state->looks == 0 && f[HM_LOOK_WHEN].u != HM_LOOK_START)
		return hm_fail_set(fail, HM_E_BAD, "the product ran before the recorder did, and the first look is not that of the start");
	hm_add(&out->lost_events, apart(f[HM_LOOK_TASKS].u, state->rows[0]));
	hm_add(&out->lost_events, apart(f[HM_LOOK_FILES].u, state->rows[1]));
	hm_add(&out->lost_events, apart(f[HM_LOOK_MAPPINGS].u, state->rows[2]));
	hm_add(&out->state.tasks, state->rows[0]);
	hm_add(&out->state.files, state->rows[1]);
	hm_add(&out->state.mappings, state->rows[2]);
	memset(state->rows, 0, sizeof(state->rows));
	out->state.looks = ++state->looks;
	return 0;
}

int hm_state_event(struct hm_state *state, const struct hm_known *known, const struct hm_event *event, uint64_t position, bool own,
		   struct hm_reconciled *out, struct hm_fail *fail)
{
	static int (*const takers[])(struct hm_state *state, const struct hm_known *known, const struct hm_event *e, uint64_t position,
				     struct hm_fail *fail) = { take_alive, take_held, take_mapped };
	size_t row = event->kind - HM_EV_ALIVE;

	if (event->kind == HM_EV_LOOK)
		return take_look(state, event, out, fail);
	if (event->field[0].u != state->looks)
		return hm_fail_set(fail, HM_E_BAD, "it belongs to another look");
	state->rows[row]++;
	if (state->attached && state->looks == 0)
		return take_before(state, known, event, fail);
	return own ? takers[row](state, known, event, position, fail) : 0;
}

void hm_state_end(struct hm_state *state, const struct hm_known *known, struct hm_reconciled *out)
{
	for (size_t i = 0; i < state->count; i++) {
		if (explained(state, known, &state->pending[i], true))
			continue;
		out->state.unexplained++;
		hm_marks_add(&out->state_marks, state->pending[i].position);
	}
}
