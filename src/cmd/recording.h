#pragma once
/* A recorder and the record that it fills: what a run in a chamber and the watching of daemons have in common. Between
 * hm_recording_open and hm_recording_stop call hm_recording_step without long pauses. */
#include "capture.h"
#include "record.h"

struct hm_recording_spec {
	const char *record; /* file to create */
	struct hm_slice plan; /* SHA-256 of plan.json, or empty */
	uint64_t number;
	int cgroup; /* what is recorded: descriptor and id of a control group of version 2 */
	uint64_t cgroup_id;
	uint64_t wire_room; /* of struct hm_capture_spec, as the next */
	struct hm_capture_loaded *loaded;
	bool packets;	/* packets are captured as well: a witness that START names */
	const char *without; /* of struct hm_capture_spec, for tests */
	bool no_freeze; /* never stop what is recorded */
};

struct hm_recording { /* zero-initialised is none */
	struct hm_capture *capture;
	struct hm_record_writer *writer;
	struct hm_bytes item;
	uint64_t base;			  /* CLOCK_MONOTONIC of START, ns */
	uint64_t user_seq, synced;
	uint64_t looked, look_ns;	  /* end of the last look, and how long it took */
	uint64_t freezes, frozen_ns;	  /* so far */
	uint64_t shown;			  /* when progress was shown last, 0: never */
	bool inhabited;			  /* something lived there before the recorder did */
};

/* Creates the file, attaches the recorder, says START, GAP where something lived there already, and looks: all that is on disk when
 * it returns. */
int hm_recording_open(struct hm_recording *r, const struct hm_recording_spec *spec, struct hm_fail *fail) HM_MUST_CHECK;
/* Adds an event of our own: its number and time are given here. */
int hm_recording_say(struct hm_recording *r, struct hm_event *event, struct hm_fail *fail) HM_MUST_CHECK;
int hm_recording_gap(struct hm_recording *r, enum hm_gap_source source, uint64_t count, struct hm_fail *fail) HM_MUST_CHECK;
/* Takes what has happened, waiting some milliseconds for it; syncs once a second; looks at what lives every five seconds, or
 * less often where a look takes long. */
int hm_recording_step(struct hm_recording *r, struct hm_fail *fail) HM_MUST_CHECK;
/* Looks at what lives: at the end, before that is killed. */
int hm_recording_look(struct hm_recording *r, enum hm_look_when when, struct hm_fail *fail) HM_MUST_CHECK;
/* Shows on a terminal, four times a second at most, how long it has lasted and how often what is recorded was stopped. Behind the
 * end call it once more with `over`. */
void hm_recording_progress(struct hm_recording *r, const char *what, bool over);
/* Lets the recorder go, which hm_capture_stop has stopped; what is said goes on into the record. */
void hm_recording_detach(struct hm_recording *r);
/* Says END, for which the caller has set outcome, status and packets, and closes the file. `capture` is what
 * hm_capture_stop told. */
int hm_recording_end(struct hm_recording *r, struct hm_event *end, const struct hm_capture_stats *capture,
		     struct hm_record_head *head, struct hm_fail *fail) HM_MUST_CHECK;
/* Closes recorder and file, where they are still open: the record is cut short then. */
void hm_recording_release(struct hm_recording *r);
