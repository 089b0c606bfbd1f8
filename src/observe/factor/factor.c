/* The table of factors, and the world that its rows make together. */
#include "factor_internal.h"

#define ONE_KERNEL "both chambers stand on one kernel, which tells the same to both"
#define CLOCK "the kernel writes it by its own clock, and no call sets it"

const struct hm_factor hm_factors[] = {
	{ "content", "collect.content", "what the documents say", NULL, hm_factor_content },
	{ "marking", "collect.content", "a protective marking in the header of four documents", NULL, hm_factor_marking, 1 },
	{ "sample", "collect.content", "a sample beside the documents, and in an archive with one", NULL, hm_factor_sample, 1 },
	{ "names", "collect.names", "names of files and folders", NULL, hm_factor_names },
	{ "names.count", "collect.names", "how many documents there are: three more", NULL, hm_factor_more },
	{ "metadata.size", "collect.metadata", "sizes: lines of no meaning in text, rows, source, mail and a PDF", NULL, hm_factor_sizes },
	{ "metadata.times", "collect.metadata", "times of last change and access", NULL, hm_factor_times },
	{ "metadata.owner", "collect.metadata", "numbers of owner and group", NULL, hm_factor_owners },
	{ "metadata.mode", "collect.metadata", "permissions of others to write and of all to execute", NULL, hm_factor_modes },
	{ "metadata.xattrs", "collect.metadata", "values of extended attributes that users may set", NULL, hm_factor_xattrs },
	{ "metadata.birth", "collect.metadata", "times of birth and of last change of the inode", CLOCK, NULL },
	{ "metadata.inode", "collect.metadata", "numbers of inodes and generations", "the file system gives them out", NULL },
	{ "host.name", "collect.host", "host name", NULL, hm_factor_host_name },
	{ "host.machine-id", "collect.host", "machine id", NULL, hm_factor_machine_id },
	{ "host.boot-id", "collect.host", "boot id", NULL, hm_factor_boot_id },
	{ "host.address", "collect.host", "the machine's IPv4 address", NULL, hm_factor_host_address, .since = 4 },
	{ "host.mac", "collect.host", "hardware address of the network card, which every frame bears", NULL, hm_factor_mac },
	{ "host.users", "collect.host", "two users: their names, in the accounts and as folders in /home", NULL, hm_factor_users },
	{ "host.locale", "collect.host", "locale, in the environment and in /etc/default/locale", NULL, hm_factor_locale },
	{ "host.timezone", "collect.host", "time zone, in /etc/localtime and /etc/timezone", NULL, hm_factor_timezone },
	{ "host.kernel", "collect.host", "release and version of the kernel", ONE_KERNEL, NULL },
	{ "host.hardware", "collect.host", "processor, memory, firmware, serial numbers", ONE_KERNEL, NULL },
	{ "host.uptime", "collect.host", "time since the machine was started", ONE_KERNEL, NULL },
	{ "inventory.packages", "collect.inventory", "two packages in dpkg's database", NULL, hm_factor_packages },
	{ "inventory.processes", "collect.inventory", "names of two processes that run already", NULL, hm_factor_processes },
	{ "inventory.mounts", "collect.inventory", "device and place of a mounted disk", NULL, hm_factor_mounts },
	{ "inventory.modules", "collect.inventory", "modules of the kernel", ONE_KERNEL, NULL },
};
const size_t hm_factor_count = HM_COUNT(hm_factors);

/* 2024-05-14 09:00 UTC, the time of what no factor gives another. */
#define PLAIN_TIME 1715677200

bool hm_factor_covers(const char *name, size_t row)
{
	const struct hm_factor *factor = &hm_factors[row];
	size_t len = strlen(name);

	if (strcmp(factor->name, name) == 0)
		return true;
	return !factor->cannot && strncmp(factor->name, name, len) == 0 && factor->name[len] == '.';
}

const char *hm_factor_claim(const char *name)
{
	for (size_t i = 0; i < hm_factor_count; i++)
		if (hm_factor_covers(name, i))
			return hm_factors[i].claim;
	return NULL;
}

unsigned hm_factor_base(const char *name)
{
	for (size_t i = 0; i < hm_factor_count; i++)
		if (hm_factor_covers(name, i))
			return hm_factors[i].base;
	return 0;
}

const struct hm_factor *hm_factor_find(const char *name)
{
	for (size_t i = 0; i < hm_factor_count; i++)
		if (strcmp(hm_factors[i].name, name) == 0)
			return &hm_factors[i];
	return NULL;
}

int hm_factor_content(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail)
{
	int r = 0;

	for (size_t i = 0; i < world->file_count && r == 0; i++)
		r = hm_factor_match(&world->file[i].draw, &hm_factor_docs[i], key, fail);
	return r;
}

static void make_key(struct hm_factor_key *key, const uint8_t *seed, const char *phase, const char *factor,
		     const struct hm_factor_choice *choice)
{
	for (unsigned level = 0; level < 2; level++) {
		HM_FREE char *label = hm_sprintf("secret/%s/%s/%u/%u", phase, factor, level, choice->n);

		hm_derive(&key->level[level], seed, label);
	}
	key->chosen = choice->level;
}

void hm_factor_address(char out[16], const uint8_t *seed, const char *phase, unsigned n, unsigned level)
{
	const struct hm_factor_choice choice = { level, n };
	struct hm_factor_key key;

	make_key(&key, seed, phase, "host.address", &choice);
	hm_factor_draw_address(out, &key);
}

static struct hm_world *bare_world(void)
{
	struct hm_world *world = hm_alloc(1, sizeof(*world));

	world->file = hm_alloc(hm_factor_doc_count, sizeof(*world->file));
	world->file_count = hm_factor_doc_count;
	for (size_t i = 0; i < hm_factor_doc_count; i++)
		world->file[i] = (struct hm_world_file){ .id = hm_factor_docs[i].id, .path = hm_strdup(hm_factor_docs[i].id),
							 .role = "document", .mode = 0644,
							 .atime.tv_sec = PLAIN_TIME, .mtime.tv_sec = PLAIN_TIME };
	return world;
}

void hm_factor_release(struct hm_world **world)
{
	struct hm_world *w = *world;

	for (size_t i = 0; w && i < w->file_count; i++) {
		free(w->file[i].path);
		hm_bytes_release(&w->file[i].content);
		for (size_t k = 0; k < HM_FACTOR_XATTRS; k++)
			free(w->file[i].xattr[k].value);
	}
	for (size_t i = 0; w && i < w->place_count; i++) {
		free(w->place[i].path);
		hm_bytes_release(&w->place[i].content);
	}
	for (size_t i = 0; w && i < HM_COUNT(w->env); i++)
		free(w->env[i]);
	for (size_t i = 0; w && i < HM_COUNT(w->process); i++)
		free(w->process[i]);
	for (size_t i = 0; w && i < HM_COUNT(w->disk); i++) {
		free(w->disk[i].source);
		free(w->disk[i].point);
	}
	if (w) {
		free(w->file);
		free(w->place);
	}
	free(w);
	*world = NULL;
}

static void render(struct hm_world *world, const struct hm_factor_doc *docs, const struct hm_factor_key *content)
{
	for (size_t i = 0; i < world->file_count; i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
		struct hm_world_file *file = &world->file[i];
		HM_FREE char *filled = hm_factor_filled(&docs[i], &content->level[content->chosen], file->draw);
		const struct hm_factor_setting setting = { file->present, file->fillers };

		hm_factor_make_file(&file->content, &text, &docs[i], filled, &setting);
		file->tokens = hm_factor_tokens(file->token, &docs[i], filled);
	}
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct hm_world_file *)a)->path, ((const struct hm_world_file *)b)->path);
}

void hm_factor_add(struct hm_world *world, const char *path, const char *role, struct hm_slice content)
{
	struct hm_world_file *file;

	world->file = hm_realloc(world->file, world->file_count + 1, sizeof(*world->file));
	file = &world->file[world->file_count++];
	*file = (struct hm_world_file){ .id = "", .path = hm_strdup(path), .role = role, .mode = 0644,
					.atime.tv_sec = PLAIN_TIME, .mtime.tv_sec = PLAIN_TIME };
	hm_bytes_slice(&file->content, content);
	qsort(world->file, world->file_count, sizeof(*world->file), by_path);
}

static int check(const char *phase, const struct hm_factor_choice *choice, struct hm_fail *fail)
{
	if (!*phase || phase[strspn(phase, "abcdefghijklmnopqrstuvwxyz")])
		return hm_fail_set(fail, HM_E_USAGE, "making a world: phase \"%s\" is not of a to z", phase);
	for (size_t i = 0; i < hm_factor_count; i++) {
		if (choice[i].level > 1)
			return hm_fail_set(fail, HM_E_USAGE, "making a world: %s has no level %u", hm_factors[i].name, choice[i].level);
		if (choice[i].level && hm_factors[i].cannot)
			return hm_fail_set(fail, HM_E_USAGE, "making a world: %s cannot be set: %s", hm_factors[i].name,
					   hm_factors[i].cannot);
	}
	return 0;
}

int hm_factor_build(struct hm_world **ret, struct hm_factor_key *content, const struct hm_factor_doc *docs, const uint8_t *seed,
		    const char *phase, const struct hm_factor_choice *choice, const uint32_t *draws, struct hm_fail *fail)
{
	HM_CLEANUP(hm_factor_release) struct hm_world *world = NULL;
	int r = check(phase, choice, fail);

	if (r < 0)
		return r;
	world = bare_world();
	for (size_t i = 0; i < hm_factor_count && r == 0; i++) {
		struct hm_factor_key key;

		if (hm_factors[i].cannot)
			continue;
		make_key(&key, seed, phase, hm_factors[i].name, &choice[i]);
		if (hm_factors[i].make == hm_factor_content)
			*content = key;
		if (hm_factors[i].make != hm_factor_content || !draws)
			r = hm_factors[i].make(world, &key, fail);
	}
	if (r < 0)
		return r;
	for (size_t i = 0; draws && i < world->file_count; i++)
		world->file[i].draw = draws[i];
	render(world, docs, content);
	*ret = hm_take_ptr(&world);
	return 0;
}

void hm_factor_finish(struct hm_world *world)
{
	hm_factor_add_more(world);
	qsort(world->file, world->file_count, sizeof(*world->file), by_path);
}

int hm_factor_world(struct hm_world **ret, const uint8_t *seed, const char *phase, const struct hm_factor_choice *choice,
		    struct hm_fail *fail)
{
	struct hm_factor_key content;
	int r = hm_factor_build(ret, &content, hm_factor_docs, seed, phase, choice, NULL, fail);

	if (r == 0)
		hm_factor_finish(*ret);
	return r;
}

const struct hm_world_file *hm_factor_file(const struct hm_world *world, const char *id)
{
	for (size_t i = 0; i < world->file_count; i++)
		if (strcmp(world->file[i].id, id) == 0)
			return &world->file[i];
	return NULL;
}
