/* Whether every event that was made is in the record: numbers per CPU, from 0, in order. A gap event tells of numbers that
 * are missing; a hole that none tells of is missing all the same. */
#include "claim_internal.h"

enum { CPUS_MAX = 65536 };

struct hm_sequence {
	uint64_t *next; /* per CPU */
	uint64_t holes, told, kernel;
};

struct hm_sequence *hm_sequence_new(void)
{
	struct hm_sequence *s = hm_alloc(1, sizeof(*s));

	s->next = hm_alloc(CPUS_MAX, sizeof(*s->next));
	return s;
}

void hm_sequence_free(struct hm_sequence **s)
{
	if (!*s)
		return;
	free((*s)->next);
	free(*s);
}

static void add(uint64_t *sum, uint64_t by)
{
	if (__builtin_add_overflow(*sum, by, sum))
		*sum = UINT64_MAX;
}

static int take_gap(struct hm_sequence *s, const struct hm_event *gap, struct hm_fail *fail)
{
	uint64_t source = gap->field[HM_GAP_SOURCE].u, cpu = gap->field[HM_GAP_FROM_CPU].u;
	uint64_t first = gap->field[HM_GAP_FIRST].u, count = gap->field[HM_GAP_COUNT].u, end;

	if (source == HM_GAP_PACKETS || source == HM_GAP_OUTPUT)
		return 0;
	add(&s->told, count);
	if (source == HM_GAP_ATTACH || cpu == HM_CPU_USER)
		return 0;
	if (cpu >= CPUS_MAX || first < s->next[cpu] || __builtin_add_overflow(first, count, &end))
		return hm_fail_set(fail, HM_E_BAD, "a gap event tells of events that are there");
	add(&s->holes, first - s->next[cpu]);
	s->next[cpu] = end;
	return 0;
}

int hm_sequence_event(struct hm_sequence *s, const struct hm_event *event, struct hm_fail *fail)
{
	if (event->cpu >= CPUS_MAX)
		return hm_fail_set(fail, HM_E_BAD, "an event of CPU %u", event->cpu);
	if (event->seq < s->next[event->cpu])
		return hm_fail_set(fail, HM_E_BAD, "event %llu of CPU %u comes twice, or out of its order",
				   (unsigned long long)event->seq, event->cpu);
	add(&s->holes, event->seq - s->next[event->cpu]);
	s->next[event->cpu] = event->seq + 1;
	if (event->cpu != HM_CPU_USER)
		s->kernel++;
	return event->kind == HM_EV_GAP ? take_gap(s, event, fail) : 0;
}

uint64_t hm_sequence_missing(const struct hm_sequence *s)
{
	uint64_t sum = s->holes;

	add(&sum, s->told);
	return sum;
}

uint64_t hm_sequence_kernel(const struct hm_sequence *s)
{
	return s->kernel;
}
