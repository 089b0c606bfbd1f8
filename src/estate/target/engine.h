#pragma once
/* What container engines keep on disk: docker's and podman's overlay folders with what their own records call them, containerd's snapshots, machines. */
#include "root.h"

/* The root that lies at `path`, where its place in an engine's storage says that it is one. NULL: none. */
struct target_root *target_engine_root(int top, const char *path, struct target_stores *stores) HM_MUST_CHECK;
