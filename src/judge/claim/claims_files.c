/* What was opened, what was written. */
#include "claim_internal.h"

#include <sys/stat.h>

static bool is_folder(const struct hm_file_fact *fact)
{
	return fact->type == S_IFDIR;
}

/* A name in the file system; not a pipe, a socket, a memfd, or a file without any name. */
static bool has_place(const struct hm_file_fact *fact)
{
	static const struct hm_slice memory = HM_SLICE("/memfd:");

	if (!fact->path.len || fact->path.data[0] != '/' || fact->type == S_IFIFO || fact->type == S_IFSOCK)
		return false;
	return !(fact->layer == HM_LAYER_NONE && fact->path.len >= memory.len &&
		 memcmp(fact->path.data, memory.data, memory.len) == 0);
}

static bool is_opened(const struct hm_file_fact *fact)
{
	return fact->act == HM_ACT_OPEN || fact->act == HM_ACT_WRITE;
}

static bool is_fleeting(const struct hm_core *core, const struct hm_file_fact *fact)
{
	return fact->layer == HM_LAYER_NONE && hm_places_fit(&hm_places_fleeting, core, fact->path, false);
}

static bool in_own_places(const struct hm_core *core, struct hm_slice path, bool folder)
{
	return hm_places_fit(&hm_places_temporary, core, path, folder) || hm_places_fit(&hm_places_own, core, path, folder);
}

/* Its own making: in the upper layer, and left there or opened for writing by this run, or left by the one that this goes on from. What the chamber planted in the
 * upper layer is neither. */
static bool own_making(const struct hm_run *run, const struct hm_file_fact *fact)
{
	struct hm_file_fact written = *fact;

	if (fact->layer != HM_LAYER_UPPER)
		return false;
	if (fact->act == HM_ACT_WRITE || hm_tree_find(run, fact->path) || hm_tree_began(run, fact->path))
		return true;
	written.act = HM_ACT_WRITE;
	return hm_facts_has(run, &written);
}

static bool within_reach(const struct hm_core *core, const struct hm_run *run, const struct hm_file_fact *fact)
{
	bool folder = is_folder(fact);

	/* A disk holds everybody's files, whatever name it was given. */
	if (core->semantics > 1 && fact->type == S_IFBLK)
		return hm_declared_fit(core, "reads", fact->path, folder);
	return hm_path_within(fact->path, core->target) || hm_places_fit(&hm_places_system, core, fact->path, folder) ||
	       hm_core_installed(core, fact->path) || hm_declared_fit(core, "reads", fact->path, folder) ||
	       hm_declared_fit(core, "writes", fact->path, folder) || in_own_places(core, fact->path, folder) ||
	       own_making(run, fact);
}

void hm_claim_reach(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run)
{
	for (size_t i = 0; i < run->file_count; i++) {
		const struct hm_file_fact *fact = run->files[i];
		struct hm_ground *g;

		if (!is_opened(fact))
			continue;
		if (fact->cut)
			g = hm_ground(j, "path.cut");
		else if (!has_place(fact) || within_reach(core, run, fact))
			g = hm_ground(j, "reach.inside");
		else
			g = hm_ground(j, "reach.outside");
		hm_ground_add(g, "paths", 1);
		if (g != hm_ground(j, "reach.inside"))
			hm_ground_event(g, run, fact->event);
	}
}

/* What may be written to, and what is said of it. */
struct writing {
	bool (*allowed)(const struct hm_core *core, struct hm_slice path, bool folder);
	bool (*leads)(const struct hm_core *core, struct hm_slice path); /* something allowed can stand below the folder */
	const char *fine, *wrong, *target; /* target: reason for a change of what is scanned */
};

static bool declared_allowed(const struct hm_core *core, struct hm_slice path, bool folder)
{
	return hm_declared_fit(core, "writes", path, folder);
}

static bool declared_leads(const struct hm_core *core, struct hm_slice path)
{
	return hm_declared_below(core, "writes", path);
}

static bool own_allowed(const struct hm_core *core, struct hm_slice path, bool folder)
{
	if (hm_path_within(path, core->target))
		return false;
	return hm_declared_fit(core, "writes", path, folder) || in_own_places(core, path, folder);
}

static bool own_leads(const struct hm_core *core, struct hm_slice path)
{
	return hm_declared_below(core, "writes", path) || hm_places_below(&hm_places_temporary, core, path) ||
	       hm_places_below(&hm_places_own, core, path);
}

/* Something stands below the folder: what happened there speaks for itself. */
static bool holds_entries(const struct hm_run *run, struct hm_slice folder)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes prefix = { 0 };
	size_t low = 0, high = run->tree.count;

	hm_bytes_slice(&prefix, folder);
	if (folder.data[folder.len - 1] != '/')
		hm_bytes_u8(&prefix, '/');
	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (hm_slice_cmp(run->tree.list[middle].path, hm_slice_of(&prefix)) <= 0)
			low = middle + 1;
		else
			high = middle;
	}
	return low < run->tree.count && run->tree.list[low].path.len > prefix.len &&
	       memcmp(run->tree.list[low].path.data, prefix.data, prefix.len) == 0;
}

static struct hm_ground *wrong_ground(struct hm_judgement *j, const struct hm_core *core, const struct writing *w, struct hm_slice path)
{
	return hm_ground(j, hm_path_within(path, core->target) ? w->target : w->wrong);
}

static void judge_tree(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run, const struct writing *w)
{
	for (size_t i = 0; i < run->tree.count; i++) {
		const struct hm_tree_entry *entry = &run->tree.list[i];
		bool folder = entry->type == 'd';
		struct hm_ground *g;

		/* A folder is copied up when something below it changes, and stays when that is gone again. */
		if (folder && (holds_entries(run, entry->path) || w->leads(core, entry->path)))
			continue;
		if (w->allowed(core, entry->path, folder)) {
			hm_ground_add(hm_ground(j, w->fine), "paths", 1);
			continue;
		}
		g = wrong_ground(j, core, w, entry->path);
		hm_ground_add(g, "paths", 1);
		hm_ground_entry(g, run, entry->position);
	}
}

static void judge_opened(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run, const struct writing *w)
{
	for (size_t i = 0; i < run->file_count; i++) {
		const struct hm_file_fact *fact = run->files[i];
		bool left = hm_tree_find(run, fact->path); /* counted already */
		struct hm_ground *g;

		if (fact->act != HM_ACT_WRITE || (!fact->cut && (!has_place(fact) || is_fleeting(core, fact))))
			continue;
		if (!fact->cut && w->allowed(core, fact->path, false)) {
			hm_ground_add(hm_ground(j, w->fine), "paths", !left);
			continue;
		}
		g = fact->cut ? hm_ground(j, "path.cut") : wrong_ground(j, core, w, fact->path);
		hm_ground_add(g, "paths", fact->cut || !left);
		hm_ground_event(g, run, fact->event);
	}
}

void hm_claim_declared_files(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run)
{
	static const struct writing w = { declared_allowed, declared_leads, "writes.declared", "write.undeclared", "write.undeclared" };

	judge_tree(j, core, run, &w);
	judge_opened(j, core, run, &w);
}

void hm_claim_changed_files(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run)
{
	static const struct writing w = { own_allowed, own_leads, "files.own", "files.changed", "target.changed" };

	judge_tree(j, core, run, &w);
	judge_opened(j, core, run, &w);
}
