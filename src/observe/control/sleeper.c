/* Processes that sleep and end, as sleep(1) does: they never come back to ask, and what they slept would be lost. It is counted
 * for their parent once they are gone, which is when whoever waited for them goes on. (Their ends are not stopped to learn of
 * them: a signal that comes in between would make exit_group return, and no program expects that.) */
#include "control_internal.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

static void drop(struct hm_control_server *server, size_t i)
{
	close(server->sleepers[i].folder);
	server->sleepers[i] = server->sleepers[--server->sleeper_count];
}

void hm_control_sleeper_add(struct hm_control_server *server, const struct hm_control_question *q)
{
	struct hm_control_sleeper *s = &server->sleepers[server->sleeper_count];
	const struct hm_control_known *known = hm_control_task_known(&server->tasks, (pid_t)q->notif->pid);

	if (server->sleeper_count == HM_CONTROL_SLEEPERS || !known || !known->parent || !q->task->time.wait)
		return;
	s->folder = fcntl(known->folder, F_DUPFD_CLOEXEC, 0);
	s->tid = known->tid;
	s->parent = known->parent;
	if (s->folder < 0)
		return;
	server->sleeper_count++;
	hm_control_fast_stop_all(server);
}

void hm_control_sleepers_look(struct hm_control_server *server, uint64_t now_ns)
{
	for (size_t i = 0; i < server->sleeper_count; i++) {
		const struct hm_control_sleeper *s = &server->sleepers[i];
		struct hm_control_time *slept = &hm_control_task_with(&server->tasks, s->tid)->time, *parent;
		struct stat st;

		if (slept->wait && now_ns - slept->wait_begun < slept->wait)
			continue;
		if (slept->wait && fstatat(s->folder, "stat", &st, 0) == 0)
			continue; /* it will come back, or is a zombie that nobody has waited for */
		if (slept->wait) {
			hm_control_settle(&server->clock, slept, now_ns);
			parent = &hm_control_task_with(&server->tasks, s->parent)->time;
			slept = &hm_control_task_with(&server->tasks, s->tid)->time; /* the table may have moved */
			if (parent->passed < slept->passed)
				parent->passed = slept->passed;
		}
		drop(server, i--);
	}
}
