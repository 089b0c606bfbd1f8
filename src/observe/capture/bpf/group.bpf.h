#pragma once
/* Cgroups of tasks that are not the current one: the scope by its id. */
#include "core_fixes.bpf.h"
#include "pressure.bpf.h"

#define GROUPS_DEEP 64 /* levels that a cgroup is followed up; the kernel's own paths end at 4,096 bytes before many more */

/* Whether `group` is the watched cgroup or lies below it. */
static __noinline bool group_in_scope(struct cgroup *group)
{
	struct cgroup **ancestors = (void *)group + bpf_core_field_offset(struct cgroup, ancestors);
	int level = READ(group, level);

	/* From the group itself upwards: what is watched lies seldom far above. */
	for (int i = 0; i < GROUPS_DEEP; i++) {
		struct cgroup *up = NULL;
		struct kernfs_node *node;

		if (level < 0)
			return false;
		bpf_probe_read_kernel(&up, sizeof(up), &ancestors[level--]);
		node = READ(up, kn);
		if (READ(node, id) == order.scope_id)
			return true;
	}
	return false;
}

static __noinline bool task_in_scope(struct task_struct *task)
{
	struct css_set *set = READ(task, cgroups);

	return group_in_scope(READ(set, dfl_cgrp));
}
