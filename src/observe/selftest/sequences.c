/* Every event has a number on its CPU and one in its task, each from 0 without a hole. After a task's EXIT its number may be that
 * of another task, or of a thread that executed a program: either counts from 0 (doc/format/record.md). */
#include "check.h"

struct task {
	uint32_t tid;
	uint64_t next;
	bool may_begin; /* the next number may be 0 as well */
};

struct hm_sequences {
	uint64_t cpu[HM_CPU_USER + 1];
	struct task *task;
	size_t tasks, last;
};

struct hm_sequences *hm_sequences_new(void)
{
	return hm_alloc(1, sizeof(struct hm_sequences));
}

void hm_sequences_free(struct hm_sequences *s)
{
	if (s)
		free(s->task);
	free(s);
}

/* A few hundred tasks, and mostly the last one. */
static struct task *task_of(struct hm_sequences *s, uint32_t tid)
{
	if (s->last < s->tasks && s->task[s->last].tid == tid)
		return &s->task[s->last];
	for (s->last = 0; s->last < s->tasks; s->last++)
		if (s->task[s->last].tid == tid)
			return &s->task[s->last];
	s->task = hm_realloc(s->task, s->tasks + 1, sizeof(*s->task));
	s->task[s->tasks++] = (struct task){ .tid = tid };
	return &s->task[s->last];
}

bool hm_sequences_broken(struct hm_sequences *s, const struct hm_event *event)
{
	bool broken = event->cpu > HM_CPU_USER || event->seq != s->cpu[event->cpu];
	struct task *task;

	if (event->cpu <= HM_CPU_USER)
		s->cpu[event->cpu] = event->seq + 1;
	if (event->cpu == HM_CPU_USER || event->cpu == HM_CPU_PACKETS || event->cpu == HM_CPU_TLS)
		return broken;
	task = task_of(s, event->tid);
	if (event->tseq == HM_TSEQ_UNKNOWN) {
		task->may_begin = true;
		return broken;
	}
	broken |= event->tseq != task->next && !(task->may_begin && event->tseq == 0);
	task->next = event->tseq + 1;
	task->may_begin = event->kind == HM_EV_EXIT || (task->may_begin && event->tseq != 0);
	return broken;
}
