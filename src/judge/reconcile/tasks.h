#pragma once
/* Every task's own numbers, and which tasks live. */
#include "event.h"

struct hm_tasks;
struct hm_tasks *hm_tasks_new(void);
void hm_tasks_free(struct hm_tasks *tasks); /* NULL is fine */
/* Takes the number of an event's task. HM_E_BAD when it comes twice, or the task cannot be. */
int hm_tasks_event(struct hm_tasks *tasks, const struct hm_event *event, struct hm_fail *fail) HM_MUST_CHECK;
/* A task is there: `born` by a fork, or come by a move. HM_E_BAD when it cannot be. */
int hm_tasks_add(struct hm_tasks *tasks, uint64_t tgid, uint64_t tid, bool born, struct hm_fail *fail) HM_MUST_CHECK;
/* A task lives that events have told of; or they have told of one by that number at any time. */
bool hm_tasks_seen(const struct hm_tasks *tasks, uint64_t tid) HM_MUST_CHECK;
bool hm_tasks_live(const struct hm_tasks *tasks, uint64_t tid) HM_MUST_CHECK;
/* Tasks that made events, and numbers that are missing. */
uint64_t hm_tasks_count(const struct hm_tasks *tasks) HM_MUST_CHECK;
uint64_t hm_tasks_missing(const struct hm_tasks *tasks) HM_MUST_CHECK;
