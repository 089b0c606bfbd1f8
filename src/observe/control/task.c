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

struct hm_control_task *hm_control_task_with(struct hm_control_tasks *tasks, uint32_t tid)
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

/* The number behind `name` in the text of /proc/PID/status: the last one of its line, which is the one inside. */
static uint32_t number_of(const char *text, const char *name)
{
	const char *line = strstr(text, name), *last = line ? line + strlen(name) : NULL;

	for (const char *at = last; at && *at && *at != '\n'; at++)
		if (*at == '\t')
			last = at + 1;
	return last ? (uint32_t)strtoul(last, NULL, 10) : 0;
}

/* False where the task has ended. */
static bool read_status(char text[4096], int folder)
{
	HM_CLOSE int fd = openat(folder, "status", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, 4095);

	text[n > 0 ? n : 0] = 0;
	return n > 0;
}

static uint32_t parent_of(const char *text)
{
	HM_FREE char *path = hm_sprintf("/proc/%u", number_of(text, "\nPPid:"));
	HM_CLOSE int folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	char of_parent[4096];

	if (number_of(text, "\nTgid:") != number_of(text, "\nPid:") || folder < 0 || !read_status(of_parent, folder))
		return 0;
	return number_of(of_parent, "\nNSpid:");
}

static void get_to_know(struct hm_control_known *known, pid_t pid)
{
	HM_FREE char *path = hm_sprintf("/proc/%d", (int)pid);
	char text[4096];

	if (known->pid)
		close(known->folder);
	*known = (struct hm_control_known){ .folder = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC) };
	if (known->folder < 0)
		return;
	if (read_status(text, known->folder))
		known->tid = number_of(text, "\nNSpid:");
	if (known->tid) {
		known->pid = pid;
		known->process = (pid_t)number_of(text, "\nTgid:");
		known->parent = parent_of(text);
	} else {
		close(known->folder);
	}
}

/* What its process's parent had waited when it was first seen: mostly the parent waits for it then. */
static struct hm_control_task *task_of(struct hm_control_tasks *tasks, const struct hm_control_known *known)
{
	size_t before = tasks->count;
	struct hm_control_task *task = hm_control_task_with(tasks, known->tid), *parent;

	if (tasks->count > before && known->parent) {
		parent = find(tasks->list, tasks->cap, known->parent);
		task->time.passed = parent->tid ? parent->time.passed : 0;
	}
	return task;
}

struct hm_control_task *hm_control_task_of(struct hm_control_tasks *tasks, pid_t pid, int *memory)
{
	struct hm_control_known *known = &tasks->known[(unsigned)pid % HM_CONTROL_KNOWN];

	*memory = known->pid == pid ? openat(known->folder, "mem", O_RDWR | O_CLOEXEC) : -1;
	if (*memory < 0) {
		get_to_know(known, pid);
		if (!known->pid)
			return NULL;
		*memory = openat(known->folder, "mem", O_RDWR | O_CLOEXEC);
	}
	return *memory < 0 ? NULL : task_of(tasks, known);
}

const struct hm_control_known *hm_control_task_known(const struct hm_control_tasks *tasks, pid_t pid)
{
	const struct hm_control_known *known = &tasks->known[(unsigned)pid % HM_CONTROL_KNOWN];

	return known->pid == pid ? known : NULL;
}

int hm_control_task_open(const struct hm_control_tasks *tasks, pid_t pid, const char *name)
{
	const struct hm_control_known *known = hm_control_task_known(tasks, pid);

	return known ? openat(known->folder, name, O_RDONLY | O_CLOEXEC) : -1;
}
