#include "world.h"

void hm_world_apply(struct hm_run_spec *spec, const struct hm_world *world, struct hm_world_files *files)
{
	struct hm_chamber_spec *c = &spec->chamber;
	size_t count = c->file_count + world->place_count;

	*files = (struct hm_world_files){ .file = hm_alloc(count + 1, sizeof(*files->file)) };
	for (size_t i = 0; i < c->file_count; i++)
		files->file[i] = c->files[i];
	for (size_t i = 0; i < world->place_count; i++)
		files->file[c->file_count + i] = (struct hm_chamber_file){ .path = world->place[i].path,
									   .content = hm_slice_of(&world->place[i].content),
									   .mode = world->place[i].mode,
									   .append = world->place[i].append };
	c->files = files->file;
	c->file_count = count;
	spec->mac = world->mac;
	spec->address = world->address;
	c->hostname = world->hostname;
	c->machine_id = world->machine_id;
	c->boot_id = world->boot_id;
	c->env = (const char *const *)world->env;
	c->bystanders = (const char *const *)world->process;
	c->disks = files->disk;
	for (c->disk_count = 0; c->disk_count < HM_COUNT(files->disk) && world->disk[c->disk_count].source; c->disk_count++)
		files->disk[c->disk_count] = (struct hm_chamber_disk_spec){ world->disk[c->disk_count].source,
									    world->disk[c->disk_count].point };
}

void hm_world_files_release(struct hm_world_files *files)
{
	free(files->file);
	files->file = NULL;
}
