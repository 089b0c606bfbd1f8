/* Who calls. A notification names the caller by its number on the host, which another task may have an instant after this one
 * was killed; so everything goes through a descriptor of /proc/PID, which is of one task and dies with it. */
#include "control_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

static struct hm_control_task *find(struct hm_control_task *list, size_t cap, uint32_t tid)
{
	size_t i = tid * 2654435761u % cap;

	while (list[i].tid && list[i].tid != tid)
		i = (i + 1) % cap;
	return &list[i];
}

static struct hm_control_task *task_with(struct hm_control_tasks *tasks, uint32_t tid)
{
	struct hm_control_task *task;

	if (2 * (tasks->count + 1) > tasks->cap) {
		size_t cap = tasks->cap ? 2 * tasks->cap : 256;
		struct hm_control_task *list = hm_alloc(cap, sizeof(*list));

		for (size_t i = 0; i < tasks->cap; i++)
			if (tasks->list[i].tid)
				*find(list, cap, tasks->list[i].tid) = tasks->list[i];
		free(tasks->list);
		tasks->list = list;
		tasks->cap = cap;
	}
	task = find(tasks->list, tasks->cap, tid);
	tasks->count += task->tid == 0;
	task->tid = tid;
	return task;
}

/* The last number of the line "NSpid:": the one inside. 0 where the task has ended. */
static uint32_t number_inside(int folder)
{
	HM_CLOSE int fd = openat(folder, "status", O_RDONLY | O_CLOEXEC);
	char text[4096], *line, *last;
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (n <= 0)
		return 0;
	text[n] = 0;
	line = strstr(text, "\nNSpid:");
	if (!line)
		return 0;
	line[1 + strcspn(line + 1, "\n")] = 0;
	last = strrchr(line, '\t');
	return last ? (uint32_t)strtoul(last, NULL, 10) : 0;
}

static struct hm_control_known *known_of(struct hm_control_tasks *tasks, pid_t pid)
{
	return &tasks->known[(unsigned)pid % HM_CONTROL_KNOWN];
}

static void get_to_know(struct hm_control_known *known, pid_t pid)
{
	HM_FREE char *path = hm_sprintf("/proc/%d", (int)pid);

	if (known->pid)
		close(known->folder);
	*known = (struct hm_control_known){ 0, open(path, O_PATH | O_DIRECTORY | O_CLOEXEC), 0 };
	if (known->folder < 0)
		return;
	known->tid = number_inside(known->folder);
	if (known->tid)
		known->pid = pid;
	else
		close(known->folder);
}

struct hm_control_task *hm_control_task_of(struct hm_control_tasks *tasks, pid_t pid, int *memory)
{
	struct hm_control_known *known = known_of(tasks, pid);

	*memory = known->pid == pid ? openat(known->folder, "mem", O_RDWR | O_CLOEXEC) : -1;
	if (*memory < 0) {
		get_to_know(known, pid);
		if (!known->pid)
			return NULL;
		*memory = openat(known->folder, "mem", O_RDWR | O_CLOEXEC);
	}
	return *memory < 0 ? NULL : task_with(tasks, known->tid);
}

int hm_control_task_open(const struct hm_control_tasks *tasks, pid_t pid, const char *name)
{
	const struct hm_control_known *known = &tasks->known[(unsigned)pid % HM_CONTROL_KNOWN];

	return known->pid == pid ? openat(known->folder, name, O_RDONLY | O_CLOEXEC) : -1;
}
