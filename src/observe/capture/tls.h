#pragma once
/* Plaintext that the recorded processes give to TLS (bpf/tls.bpf.c): which of the files that they map as code have functions that take
 * some, and watching these. Unless the programs are there already nothing is loaded before the first such file is mapped. */
#include "capture.h"

struct capture_bpf;
struct tls_bpf;
struct hm_tls;

/* The programs, for recordings that come one after the other: `recorder` is loaded, and outlives them, for its ring, counters and marks are
 * shared. NULL where they do not load. What is in their own map hangs on tasks, and ends with them. */
struct tls_bpf *hm_tls_load(const struct capture_bpf *recorder) HM_MUST_CHECK;
void hm_tls_unload(struct tls_bpf *programs); /* NULL is fine */
/* `programs` are those that were loaded before, of this recording alone while it goes on; NULL: own ones are, where they are needed. */
struct hm_tls *hm_tls_new(const struct hm_capture_spec *spec, struct capture_bpf *recorder, struct tls_bpf *programs) HM_MUST_CHECK;
/* Takes note of an event: of EXEC, MAP and MAPPED, where they show code that was not seen yet, the file is looked up, its functions are
 * watched, and a LIBRARY event goes to the spec's sink, whose result is returned when it is not 0. A task that was held still for this
 * goes on when stopped processes are let go next. */
int hm_tls_event(struct hm_tls *t, const struct hm_event *event, struct hm_fail *fail) HM_MUST_CHECK;
/* Runs of the programs that the kernel left out, or lost, since hm_tls_new. */
uint64_t hm_tls_missed(const struct hm_tls *t) HM_MUST_CHECK;
void hm_tls_detach(struct hm_tls *t);
void hm_tls_free(struct hm_tls *t); /* NULL is fine */
