/* Every event has a number on its CPU and one in its task, each from 0 without a hole. */
#include "check.h"

struct task {
	uint32_t tid;
	uint64_t next;
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
	s->task[s->tasks++] = (struct task){ tid, 0 };
	return &s->task[s->last];
}

bool hm_sequences_broken(struct hm_sequences *s, const struct hm_event *event)
{
	bool broken = event->cpu > HM_CPU_USER || event->seq != s->cpu[event->cpu];
	struct task *task;

	if (event->cpu <= HM_CPU_USER)
		s->cpu[event->cpu] = event->seq + 1;
	if (event->cpu == HM_CPU_USER || event->cpu == HM_CPU_PACKETS)
		return broken;
	task = task_of(s, event->tid);
	broken |= event->tseq != task->next;
	task->next = event->tseq + 1;
	return broken;
}
