/* A task's events are numbered from 0 for as long as it lives, wherever it runs. The numbers of a CPU show that nothing is missing of
 * what that CPU sent; those of a task show it once more from another side, and that no task's events went elsewhere.
 *
 * When a thread that is not its process's first executes a program, it takes the number of the first, which has ended by
 * then (de_thread in fs/exec.c). All other threads of the process have ended too. What it does before the exec is complete bears the new
 * number and goes on counting where it was; with the EXEC, and what the recorder has to tell before that, it begins at 0.
 *
 * Slots are found by the thread's number, which Linux keeps below 2^22; an ended task leaves an empty slot. */
#include "tasks.h"

enum { TIDS = 1 << 22 /* PID_MAX_LIMIT */, PAGE_TASKS = 1024 };

struct task {
	uint64_t next;		/* the number of its next event */
	uint32_t tgid;
	uint32_t first;		/* of the process that has this number: its living threads, a list of their numbers */
	uint32_t after, before; /* in that list; 0 ends it */
	bool seen, live;
	bool unsure; /* an event had no number: the next one goes on or begins at 0 */
	bool taken; /* by another thread, which has not begun anew yet */
	bool ended; /* it had an EXIT, and its number is not taken again yet */
};

struct hm_tasks {
	struct task *pages[TIDS / PAGE_TASKS];
	uint64_t count, missing;
};

struct hm_tasks *hm_tasks_new(void)
{
	return hm_alloc(1, sizeof(struct hm_tasks));
}

void hm_tasks_free(struct hm_tasks *tasks)
{
	if (!tasks)
		return;
	for (size_t i = 0; i < HM_COUNT(tasks->pages); i++)
		free(tasks->pages[i]);
	free(tasks);
}

static struct task *slot(struct hm_tasks *tasks, uint32_t tid)
{
	struct task **page = &tasks->pages[tid / PAGE_TASKS];

	if (!*page)
		*page = hm_alloc(PAGE_TASKS, sizeof(**page));
	return &(*page)[tid % PAGE_TASKS];
}

static void add(uint64_t *sum, uint64_t by)
{
	if (__builtin_add_overflow(*sum, by, sum))
		*sum = UINT64_MAX;
}

static void begin(struct hm_tasks *tasks, uint32_t tgid, uint32_t tid, uint64_t next)
{
	struct task *task = slot(tasks, tid), *process = slot(tasks, tgid);

	task->live = task->seen = true;
	task->ended = task->taken = task->unsure = false;
	task->next = next;
	task->tgid = tgid;
	task->before = 0;
	task->after = process->first;
	if (process->first)
		slot(tasks, process->first)->before = tid;
	process->first = tid;
}

static void end(struct hm_tasks *tasks, uint32_t tid)
{
	struct task *task = slot(tasks, tid);

	if (task->before)
		slot(tasks, task->before)->after = task->after;
	else
		slot(tasks, task->tgid)->first = task->after;
	if (task->after)
		slot(tasks, task->after)->before = task->before;
	task->live = false;
}

/* The process's first thread has ended, and an event bears its number: one of the others is it now. That it has the number
 * which comes next tells which, unless it begins anew at once; the rest ended unseen. */
static void take_over(struct hm_tasks *tasks, const struct hm_event *event)
{
	bool anew = event->tseq == 0, any = false, found = false;
	uint32_t tgid = event->tgid;

	while (slot(tasks, tgid)->first) {
		uint32_t tid = slot(tasks, tgid)->first;

		any = true;
		if (!found && (anew || slot(tasks, tid)->next == event->tseq))
			found = true;
		else
			add(&tasks->missing, 1);
		end(tasks, tid);
	}
	begin(tasks, tgid, tgid, found ? event->tseq : 0);
	slot(tasks, tgid)->taken = any && !anew;
}

static int check_task(uint64_t tgid, uint64_t tid, struct hm_fail *fail)
{
	if (tgid == 0 || tid == 0 || tgid >= TIDS || tid >= TIDS)
		return hm_fail_set(fail, HM_E_BAD, "thread %llu of process %llu, which Linux cannot have", (unsigned long long)tid,
				   (unsigned long long)tgid);
	return 0;
}

int hm_tasks_event(struct hm_tasks *tasks, const struct hm_event *event, struct hm_fail *fail)
{
	uint32_t tid = event->tid, tgid = event->tgid;
	struct task *task;
	int r;

	if (tid == 0 || event->cpu == HM_CPU_USER || event->cpu == HM_CPU_PACKETS || event->cpu == HM_CPU_TLS)
		return 0;
	r = check_task(tgid, tid, fail);
	if (r < 0)
		return r;
	task = slot(tasks, tid);
	if (!task->live && tid == tgid && task->ended) {
		take_over(tasks, event);
	} else if (!task->live) {
		begin(tasks, tgid, tid, 0);
	} else if (event->tseq == 0 && task->next > 0) {
		/* Else another task with the number of one that ended unseen. */
		if (!task->unsure && !task->taken)
			add(&tasks->missing, 1);
		end(tasks, tid);
		begin(tasks, tgid, tid, 0);
	}
	if (event->tseq == HM_TSEQ_UNKNOWN) {
		task->unsure = true;
	} else if (event->tseq < task->next) {
		return hm_fail_set(fail, HM_E_BAD, "event %llu of thread %u comes twice, or out of its order",
				   (unsigned long long)event->tseq, tid);
	} else {
		add(&tasks->missing, event->tseq - task->next);
		tasks->count += task->next == 0;
		task->next = event->tseq + 1;
		task->unsure = false;
	}
	if (event->kind == HM_EV_EXIT) {
		end(tasks, tid);
		task->ended = true;
	}
	return 0;
}

int hm_tasks_add(struct hm_tasks *tasks, uint64_t tgid, uint64_t tid, bool born, struct hm_fail *fail)
{
	struct task *task;
	int r = check_task(tgid, tid, fail);

	if (r < 0)
		return r;
	task = slot(tasks, (uint32_t)tid);
	if (task->live && !born)
		return 0;
	if (task->live)
		end(tasks, (uint32_t)tid);
	begin(tasks, (uint32_t)tgid, (uint32_t)tid, 0);
	return 0;
}

bool hm_tasks_seen(const struct hm_tasks *tasks, uint64_t tid)
{
	const struct task *page = tid < TIDS ? tasks->pages[tid / PAGE_TASKS] : NULL;

	return page && page[tid % PAGE_TASKS].seen;
}

bool hm_tasks_live(const struct hm_tasks *tasks, uint64_t tid)
{
	const struct task *page = tid < TIDS ? tasks->pages[tid / PAGE_TASKS] : NULL;

	return page && page[tid % PAGE_TASKS].live;
}

uint64_t hm_tasks_count(const struct hm_tasks *tasks)
{
	return tasks->count;
}

uint64_t hm_tasks_missing(const struct hm_tasks *tasks)
{
	return tasks->missing;
}
