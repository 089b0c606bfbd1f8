/* Reads a record to its end and says what is missing in it: `soak_check RECORD CALLS`, CALLS being how many recorded calls the
 * flood knows that it made. Prints a line of JSON; exits with 1 when anything is missing. */
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>

#include "event.h"
#include "record.h"

#define TIDS (1u << 22) /* pid_max cannot be more */

struct count {
	uint64_t events, calls, gaps, missing, holes, task_holes, unnumbered, freezes[2], frozen_ns, lost, produced, ended;
	uint64_t next[UINT16_MAX + 1];
	uint64_t *of_task; /* number that comes next + 1; 0: not known */
};

/* Of each task from its first event on; whether that is event 0 is known of those whose birth was seen. */
static void follow_task(struct count *n, const struct hm_event *e)
{
	uint64_t *next = &n->of_task[e->tid % TIDS];

	if (e->tseq == HM_TSEQ_UNKNOWN) {
		n->unnumbered++;
		*next = 0;
		return;
	}
	n->task_holes += *next && e->tseq != *next - 1 && e->tseq != 0;
	*next = e->kind == HM_EV_EXIT || e->kind == HM_EV_EXEC ? 0 : e->tseq + 2;
	if (e->kind == HM_EV_FORK)
		n->of_task[e->field[HM_FORK_CHILD_TID].u % TIDS] = 1;
}

static void follow(struct count *n, const struct hm_event *e)
{
	n->events++;
	n->holes += e->seq != n->next[e->cpu & UINT16_MAX];
	n->next[e->cpu & UINT16_MAX] = e->seq + 1;
	if (e->cpu < HM_CPU_PACKETS)
		follow_task(n, e);
	n->calls += e->kind == HM_EV_OPEN || (e->kind == HM_EV_READ && e->field[HM_READ_BYTES].u == 1);
	n->ended += e->kind == HM_EV_END;
	if (e->kind == HM_EV_GAP) {
		n->gaps++;
		n->missing += e->field[HM_GAP_COUNT].u;
	} else if (e->kind == HM_EV_FREEZE) {
		n->freezes[e->field[HM_FREEZE_MEANS].u & 1]++;
		n->frozen_ns += e->field[HM_FREEZE_DURATION].u;
	} else if (e->kind == HM_EV_END) {
		n->lost = e->field[HM_END_LOST].u;
		n->produced = e->field[HM_END_PRODUCED].u;
	}
}

static int count_record(struct count *n, struct hm_record *r, struct hm_fail *fail)
{
	struct hm_slice item;
	struct hm_event event;
	int e;

	while ((e = hm_record_next(r, &item, fail)) > 0) {
		e = hm_event_decode(&event, item, fail);
		if (e < 0)
			break;
		follow(n, &event);
	}
	return e;
}

int main(int argc, char **argv)
{
	struct count *n = hm_alloc(1, sizeof(*n));
	struct hm_slice file = { 0 };
	struct hm_record *r;
	struct hm_fail fail = { 0 };
	uint64_t calls;
	struct stat st;
	bool good;
	int fd;

	if (argc != 3 || (fd = open(argv[1], O_RDONLY | O_CLOEXEC)) < 0 || fstat(fd, &st) < 0) {
		fprintf(stderr, "usage: soak_check RECORD CALLS\n");
		return 3;
	}
	calls = strtoull(argv[2], NULL, 10);
	n->of_task = hm_alloc(TIDS, sizeof(*n->of_task));
	file.len = (size_t)st.st_size;
	file.data = mmap(NULL, file.len, PROT_READ, MAP_PRIVATE, fd, 0);
	if (file.data == MAP_FAILED || hm_record_open(&r, file, &fail) < 0 || count_record(n, r, &fail) < 0) {
		fprintf(stderr, "soak_check: %s: %s\n", argv[1], fail.text);
		return 1;
	}
	good = n->ended == 1 && !hm_record_head(r)->cut && !n->gaps && !n->holes && !n->task_holes && !n->lost && n->calls >= calls;
	printf("{\"good\":%s,\"events\":%llu,\"produced\":%llu,\"lost\":%llu,\"gaps\":%llu,\"missing\":%llu,\"holes\":%llu,"
	       "\"task_holes\":%llu,\"unnumbered\":%llu,\"calls\":%llu,\"freezes\":%llu,\"stops\":%llu,\"frozen\":%.3f,\"bytes\":%llu}\n",
	       good ? "true" : "false", (unsigned long long)n->events, (unsigned long long)n->produced, (unsigned long long)n->lost,
	       (unsigned long long)n->gaps, (unsigned long long)n->missing, (unsigned long long)n->holes, (unsigned long long)n->task_holes,
	       (unsigned long long)n->unnumbered, (unsigned long long)n->calls, (unsigned long long)n->freezes[HM_FREEZE_CGROUP],
	       (unsigned long long)n->freezes[HM_FREEZE_SIGSTOP], (double)n->frozen_ns / 1e9, (unsigned long long)file.len);
	hm_record_close(r);
	free(n->of_task);
	free(n);
	return !good;
}
