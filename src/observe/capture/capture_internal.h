#pragma once
/* What capture.c and probe.c share: the recorder's programs opened and set for this kernel, and libbpf kept quiet. */
#include "calls.h"
#include "capture.h"

struct bpf_object;
struct capture_bpf;

/* libbpf prints nowhere from now on; this thread's next warning is kept. */
void hm_libbpf_quiet(void);
/* That warning without its "libbpf: " and line end, or the message of errno when there was none. Static text. */
const char *hm_libbpf_said(int error);

/* Opens the recorder's programs and sets what must be known before they are loaded. NULL with errno set. */
struct capture_bpf *hm_capture_programs(size_t ring_bytes);
