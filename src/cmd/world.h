#pragma once
/* A world of the experiment put on a run: who the chamber is, what is in it, at which address. */
#include "factor.h"
#include "run.h"

struct hm_world_files {
	struct hm_chamber_file *file;
	struct hm_chamber_disk_spec disk[2];
};

/* Sets of `spec` what the world decides: identity, environment, bystanders, disks, and files behind those that stand in
 * the spec already (which stay borrowed). All of it is borrowed from `world` and `files`, which live as long as the spec; `files`
 * is to be released. */
void hm_world_apply(struct hm_run_spec *spec, const struct hm_world *world, struct hm_world_files *files);
void hm_world_files_release(struct hm_world_files *files);
