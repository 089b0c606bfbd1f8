#include "recording.h"

#include <inttypes.h>
#include <sys/utsname.h>
#include <time.h>

#include "group.h"

/* The recorder is polled this often: a wake-up per event would cost half as much again as the scan itself. */
#define POLL_MS 4
#define NS_PER_S 1000000000ull
/* A look walks over every task, descriptor and mapping: measured, 0.25 ms for 2 processes with 45 mappings, 160 to 310 ms for
 * 1,000 processes with 29,000. The ring waits meanwhile, so looks take a hundredth of the time at most. */
#define CHECKPOINT_NS (5 * NS_PER_S)
#define LOOK_SHARE 100

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * NS_PER_S + (uint64_t)t.tv_nsec;
}

static int keep(struct hm_recording *r, const struct hm_event *event, struct hm_fail *fail)
{
	r->item.len = 0;
	hm_event_encode(&r->item, event);
	return hm_record_append(r->writer, hm_slice_of(&r->item), event->time, fail);
}

/* From the recorder. What it says itself (gaps, freezes, looks) has no number yet: it counts among our own events. */
static int take_event(void *cookie, const struct hm_event *event, struct hm_fail *fail)
{
	struct hm_recording *r = cookie;
	struct hm_event own;

	if (event->cpu != HM_CPU_USER)
		return keep(r, event, fail);
	if (event->kind == HM_EV_FREEZE && event->field[HM_FREEZE_MEANS].u != HM_FREEZE_HOLD) {
		r->freezes++;
		r->frozen_ns += event->field[HM_FREEZE_DURATION].u;
	}
	own = *event;
	own.seq = r->user_seq++;
	return keep(r, &own, fail);
}

int hm_recording_say(struct hm_recording *r, struct hm_event *event, struct hm_fail *fail)
{
	event->cpu = HM_CPU_USER;
	event->seq = r->user_seq++;
	event->time = now_ns() - r->base;
	return keep(r, event, fail);
}

/* The recorder's witnesses, without the packet capture where there is none. */
static void list_witnesses(struct hm_bytes *out, bool packets)
{
	static const char packet[] = "packet";
	const char *at = hm_capture_witnesses();

	while (*at) {
		size_t len = strcspn(at, " ,:");
		bool left_out = !packets && len == strlen(packet) && strncmp(at, packet, len) == 0;

		if (!left_out)
			hm_bytes_append(out, at, len + (at[len] != 0));
		at += len + (at[len] != 0);
		/* The last of a list takes the comma before it along. */
		if (left_out && out->len && out->data[out->len - 1] == ',' && (at[-1] == ' ' || !*at))
			out->data[out->len - 1] = ' ';
	}
	while (out->len && out->data[out->len - 1] == ' ')
		out->len--;
}

static int say_start(struct hm_recording *r, const struct hm_recording_spec *spec, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes witnesses = { 0 };
	struct hm_event event = { .kind = HM_EV_START };
	struct utsname name;

	uname(&name);
	list_witnesses(&witnesses, spec->packets);
	event.field[HM_START_VERSION].u = HM_EVENT_VERSION;
	event.field[HM_START_PLAN].b = spec->plan;
	event.field[HM_START_RUN].u = spec->number;
	event.field[HM_START_KERNEL].b = hm_slice_text(name.release);
	event.field[HM_START_CPUS].u = (uint64_t)sysconf(_SC_NPROCESSORS_CONF);
	event.field[HM_START_WITNESSES].b = hm_slice_of(&witnesses);
	return hm_recording_say(r, &event, fail);
}

int hm_recording_gap(struct hm_recording *r, enum hm_gap_source source, uint64_t count, struct hm_fail *fail)
{
	struct hm_event event = { .kind = HM_EV_GAP };

	event.field[HM_GAP_SOURCE].u = source;
	event.field[HM_GAP_FROM_CPU].u = HM_CPU_USER;
	event.field[HM_GAP_COUNT].u = count;
	return hm_recording_say(r, &event, fail);
}

int hm_recording_look(struct hm_recording *r, enum hm_look_when when, struct hm_fail *fail)
{
	uint64_t begun = now_ns();
	int e = hm_capture_look(r->capture, when, fail);

	r->looked = now_ns();
	r->look_ns = r->looked - begun;
	return e < 0 ? e : 0;
}

int hm_recording_open(struct hm_recording *r, const struct hm_recording_spec *spec, struct hm_fail *fail)
{
	struct hm_capture_spec capture = { .cgroup = spec->cgroup, .cgroup_id = spec->cgroup_id, .sink = take_event, .cookie = r,
					   .without = spec->without,
					   .wire_room = spec->wire_room, .loaded = spec->loaded, .no_pressure = spec->no_freeze };
	int e = hm_record_create(&r->writer, spec->record, HM_RECORD_EVENTS, fail);

	if (e < 0)
		return e;
	r->base = now_ns();
	r->synced = r->base;
	capture.base = r->base;
	r->inhabited = hm_group_populated(spec->cgroup);
	e = hm_capture_open(&r->capture, &capture, fail);
	if (e == 0)
		e = say_start(r, spec, fail);
	r->inhabited |= hm_group_populated(spec->cgroup);
	if (e == 0 && r->inhabited)
		e = hm_recording_gap(r, HM_GAP_ATTACH, 0, fail);
	if (e == 0)
		e = hm_recording_look(r, HM_LOOK_START, fail);
	return e < 0 ? e : hm_record_sync(r->writer, fail);
}

int hm_recording_step(struct hm_recording *r, struct hm_fail *fail)
{
	uint64_t pause = LOOK_SHARE * r->look_ns, now;
	int e = hm_capture_poll(r->capture, POLL_MS, fail);

	if (e < 0)
		return e;
	now = now_ns();
	e = 0;
	if (now - r->looked > (pause > CHECKPOINT_NS ? pause : CHECKPOINT_NS))
		e = hm_recording_look(r, HM_LOOK_CHECKPOINT, fail);
	if (e == 0 && now - r->synced > NS_PER_S) {
		r->synced = now;
		e = hm_record_sync(r->writer, fail);
	}
	return e;
}

void hm_recording_progress(struct hm_recording *r, const char *what, bool over)
{
	uint64_t now = now_ns();

	if (over && r->shown)
		fputs("\r\033[K", stderr);
	if (over || !isatty(STDERR_FILENO) || now - r->base < NS_PER_S || now - r->shown < NS_PER_S / 4)
		return;
	r->shown = now;
	fprintf(stderr, "\rhallmark: %s: %" PRIu64 " s", what, (uint64_t)((now - r->base) / NS_PER_S));
	if (r->freezes)
		fprintf(stderr, ", stopped %" PRIu64 " times for %.2f s in all so that no event is lost", r->freezes,
			(double)r->frozen_ns / NS_PER_S);
	fputs(" \033[K", stderr);
}

int hm_recording_end(struct hm_recording *r, struct hm_event *end, const struct hm_capture_stats *capture,
		     struct hm_record_head *head, struct hm_fail *fail)
{
	int e;

	end->kind = HM_EV_END;
	end->field[HM_END_PRODUCED].u = capture->produced;
	end->field[HM_END_LOST].u = capture->lost;
	end->field[HM_END_EGRESS_PACKETS].u = capture->egress_packets;
	end->field[HM_END_EGRESS_BYTES].u = capture->egress_bytes;
	e = hm_recording_say(r, end, fail);
	return e < 0 ? e : hm_record_finish(hm_take_ptr(&r->writer), head, fail);
}

void hm_recording_detach(struct hm_recording *r)
{
	hm_capture_close(hm_take_ptr(&r->capture));
}

void hm_recording_release(struct hm_recording *r)
{
	hm_recording_detach(r);
	hm_record_abandon(hm_take_ptr(&r->writer));
	hm_bytes_release(&r->item);
}
