#include "reconcile.h"

#include <stdlib.h>

#include "reconcile_internal.h"

struct hm_reconcile {
	struct hm_tasks *tasks;
	struct hm_files files;
	struct hm_sends sends;
	struct hm_state state;
	struct hm_reconciled *out;
	unsigned witnesses;
	bool executed;
	uint64_t frozen;
	bool ended;
	uint64_t egress_packets, egress_bytes;
};

void hm_marks_add(struct hm_marks *marks, uint64_t event)
{
	size_t at;

	marks->count++;
	if (marks->kept == HM_MARKS && event >= marks->event[HM_MARKS - 1])
		return;
	at = marks->kept < HM_MARKS ? marks->kept++ : HM_MARKS - 1;
	for (; at > 0 && marks->event[at - 1] > event; at--)
		marks->event[at] = marks->event[at - 1];
	marks->event[at] = event;
}

struct hm_reconcile *hm_reconcile_new(const struct hm_target *target)
{
	struct hm_reconcile *r = hm_alloc(1, sizeof(*r));

	r->tasks = hm_tasks_new();
	hm_files_begin(&r->files, target);
	hm_sends_begin(&r->sends);
	r->out = hm_alloc(1, sizeof(*r->out));
	return r;
}

void hm_reconcile_free(struct hm_reconcile *r)
{
	if (!r)
		return;
	hm_tasks_free(r->tasks);
	hm_files_release(&r->files);
	hm_sends_release(&r->sends);
	hm_state_release(&r->state);
	hm_reconciled_free(r->out);
	free(r);
}

void hm_reconciled_free(struct hm_reconciled *reconciled)
{
	if (!reconciled)
		return;
	free(reconciled->witnesses);
	free(reconciled->reaches);
	free(reconciled->choices);
	free(reconciled);
}

/* `name` is one of the words behind `kind` in "read:a,b send:c". */
static bool has_witness(const char *text, const char *kind, const char *name)
{
	while (*text) {
		size_t word = strcspn(text, " "), at = strlen(kind);

		if (at <= word && strncmp(text, kind, at) == 0) {
			while (at < word) {
				size_t len = strcspn(text + at, ", ");

				if (len == strlen(name) && strncmp(text + at, name, len) == 0)
					return true;
				at += len + 1;
			}
		}
		text += word + (text[word] == ' ');
	}
	return false;
}

static void take_start(struct hm_reconcile *r, const struct hm_event *e)
{
	static const struct {
		const char *kind, *name;
		enum hm_witness witness;
	} words[] = {
		{ "read:", "page-cache", HM_WITNESS_PAGES },
		{ "read:", "page-cache-add", HM_WITNESS_ADDED },
		{ "send:", "socket", HM_WITNESS_SOCKETS },
		{ "send:", "cgroup_skb", HM_WITNESS_PACKETS },
	};

	free(r->out->witnesses);
	r->out->witnesses = hm_slice_dup(e->field[HM_START_WITNESSES].b);
	for (size_t i = 0; i < HM_COUNT(words); i++)
		if (has_witness(r->out->witnesses, words[i].kind, words[i].name))
			r->witnesses |= words[i].witness;
}

static void take_gap(struct hm_reconcile *r, const struct hm_event *e)
{
	/* The product was there before: what comes is its doing from the first event on. */
	if (e->field[HM_GAP_SOURCE].u == HM_GAP_ATTACH)
		r->state.attached = r->executed = true;
}

static void take_freeze(struct hm_reconcile *r, const struct hm_event *e)
{
	/* A hold is the recorder's doing too, but nothing was about to be lost. */
	if (e->field[HM_FREEZE_MEANS].u == HM_FREEZE_HOLD)
		return;
	r->out->stopped.times++;
	r->out->stopped.signals += e->field[HM_FREEZE_MEANS].u == HM_FREEZE_SIGSTOP;
	hm_add(&r->frozen, e->field[HM_FREEZE_DURATION].u);
}

/* Before the first exec the chamber itself puts what becomes the product where it belongs. A task that was made in the cgroup by
 * somebody outside (no path) has done nothing before. */
static int take_move(struct hm_reconcile *r, const struct hm_event *e, uint64_t position, struct hm_fail *fail)
{
	uint64_t tgid = e->field[HM_MOVE_MOVED_TGID].u, tid = e->field[HM_MOVE_MOVED_TID].u;

	bool unseen = r->executed && e->field[HM_MOVE_PATH].b.len && !hm_tasks_live(r->tasks, tid);

	if (e->field[HM_MOVE_INSIDE].u == 0 || unseen)
		hm_marks_add(&r->out->left, position);
	return e->field[HM_MOVE_INSIDE].u ? hm_tasks_add(r->tasks, tgid, tid, false, fail) : 0;
}

static void take_end(struct hm_reconcile *r, const struct hm_event *e)
{
	r->ended = true;
	r->egress_packets = e->field[HM_END_EGRESS_PACKETS].u;
	r->egress_bytes = e->field[HM_END_EGRESS_BYTES].u;
}

/* What was mapped is not known: a thread may have replaced the descriptor that names it. */
static void take_unsure(struct hm_reconcile *r, const struct hm_event *e, uint64_t position)
{
	if (!(e->field[HM_MAP_FLAGS].u & HM_MAP_UNSURE) || !r->executed)
		return;
	r->out->reads.unnamed++;
	hm_marks_add(&r->out->unnamed, position);
	hm_marks_add(&r->out->mapped, position);
}

static int take_event(struct hm_reconcile *r, const struct hm_event *e, uint64_t position, struct hm_fail *fail)
{
	const struct hm_known known = { &r->files, &r->sends, r->tasks };

	switch (e->kind) {
	case HM_EV_START:
		take_start(r, e);
		return 0;
	case HM_EV_GAP:
		take_gap(r, e);
		return 0;
	case HM_EV_END:
		take_end(r, e);
		return 0;
	case HM_EV_FORK:
		return hm_tasks_add(r->tasks, e->field[HM_FORK_CHILD_TGID].u, e->field[HM_FORK_CHILD_TID].u, true, fail);
	case HM_EV_FREEZE:
		take_freeze(r, e);
		return 0;
	case HM_EV_MOVE:
		return take_move(r, e, position, fail);
	case HM_EV_CALL:
	case HM_EV_DENY:
		if (r->executed)
			hm_reaches_event(r->out, e, position);
		return 0;
	case HM_EV_LOOK:
	case HM_EV_ALIVE:
	case HM_EV_HELD:
	case HM_EV_MAPPED:
		return hm_state_event(&r->state, &known, e, position, r->executed, r->out, fail);
	case HM_EV_EXEC:
		r->executed = true;
		break;
	case HM_EV_MAP:
		r->state.memory |= e->field[HM_MAP_DEV].u == 0 && e->field[HM_MAP_INO].u == 0;
		take_unsure(r, e, position);
		break;
	}
	hm_files_event(&r->files, e, position, r->executed);
	hm_sends_event(&r->sends, e);
	return 0;
}

int hm_reconcile_event(struct hm_reconcile *r, const struct hm_event *event, uint64_t position, struct hm_fail *fail)
{
	int e = hm_tasks_event(r->tasks, event, fail);

	if (e == 0)
		e = take_event(r, event, position, fail);
	if (e == 0 && (r->files.index.count > HM_TOO_MANY || r->sends.sockets.count > HM_TOO_MANY || r->sends.flows.count > HM_TOO_MANY))
		e = hm_fail_set(fail, HM_E_BAD, "more files, sockets or flows than this program judges (%d)", HM_TOO_MANY);
	return e;
}

static uint64_t apart(uint64_t a, uint64_t b)
{
	return a > b ? a - b : b - a;
}

struct hm_reconciled *hm_reconcile_end(struct hm_reconcile *r, const struct hm_flows *flows)
{
	const struct hm_known known = { &r->files, &r->sends, r->tasks };
	struct hm_reconciled *out = r->out;

	r->out = NULL;
	out->tasks = hm_tasks_count(r->tasks);
	if (hm_tasks_missing(r->tasks) > out->lost_events)
		out->lost_events = hm_tasks_missing(r->tasks);
	hm_files_end(&r->files, r->witnesses, out);
	hm_sends_end(&r->sends, r->witnesses, flows, out);
	hm_state_end(&r->state, &known, out);
	hm_reaches_end(out);
	if (r->ended && (r->witnesses & HM_WITNESS_PACKETS)) {
		out->lost_packets = apart(out->packets.counted, r->egress_packets);
		if (out->lost_packets == 0)
			out->lost_packets = r->sends.counted_bytes != r->egress_bytes;
	}
	out->stopped.us = r->frozen / 1000;
	return out;
}
