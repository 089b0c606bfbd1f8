/* What surrounds the content of the documents: names, metadata, a sample, a marking. World files stand in the order of the
 * table of documents until the world is complete. */
#include "factor_internal.h"

#define FIRST_TIME 1672531200 /* 2023-01-01, and two years from then */
#define TIME_SPAN 63072000
#define FIRST_ID 20000
#define ID_SPAN 10000
#define FILLERS_MAX 20

static const struct hm_sha256 *chosen(const struct hm_factor_key *key)
{
	return &key->level[key->chosen];
}

/* All names are filled together: their letters, too, are the same at both levels. The first part of each stays, so that
 * their order does too (that in which a folder tells them is the file system's affair, and follows from them). */
int hm_factor_names(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes all = { 0 };
	struct hm_stream s;
	char *save = NULL, *name;

	for (size_t i = 0; i < world->file_count; i++)
		if (hm_factor_docs[i].folder)
			hm_bytes_printf(&all, "%s-" L L L L L L L L "/%s\n", hm_factor_docs[i].folder, hm_factor_docs[i].name);
		else
			hm_bytes_printf(&all, "%s\n", hm_factor_docs[i].name);
	hm_bytes_u8(&all, 0);
	hm_stream_open(&s, chosen(key), "names", 0);
	hm_stream_fill(&s, (char *)all.data);
	name = strtok_r((char *)all.data, "\n", &save);
	for (size_t i = 0; i < world->file_count; i++, name = strtok_r(NULL, "\n", &save)) {
		free(world->file[i].path);
		world->file[i].path = hm_strdup(name);
	}
	return 0;
}

int hm_factor_sizes(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	for (size_t i = 0; i < world->file_count && key->chosen; i++) {
		struct hm_stream s;

		hm_stream_open(&s, chosen(key), hm_factor_docs[i].id, 0);
		if (hm_factor_docs[i].filler)
			world->file[i].fillers = 1 + hm_stream_below(&s, FILLERS_MAX);
	}
	return 0;
}

int hm_factor_times(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	for (size_t i = 0; i < world->file_count; i++) {
		struct hm_stream s;

		hm_stream_open(&s, chosen(key), hm_factor_docs[i].id, 0);
		world->file[i].mtime.tv_sec = FIRST_TIME + (time_t)hm_stream_below(&s, TIME_SPAN);
		world->file[i].atime.tv_sec = FIRST_TIME + (time_t)hm_stream_below(&s, TIME_SPAN);
	}
	return 0;
}

int hm_factor_owners(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	for (size_t i = 0; i < world->file_count; i++) {
		struct hm_stream s;

		hm_stream_open(&s, chosen(key), hm_factor_docs[i].id, 0);
		world->file[i].uid = FIRST_ID + hm_stream_below(&s, ID_SPAN);
		world->file[i].gid = FIRST_ID + hm_stream_below(&s, ID_SPAN);
	}
	return 0;
}

/* Everybody may read at both levels, or a product that has given up root's rights would see less at one of them. */
int hm_factor_modes(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	static const mode_t modes[] = { 0444, 0464, 0466, 0644, 0646, 0664, 0666, 0445, 0645, 0744, 0754, 0755 };

	for (size_t i = 0; i < world->file_count; i++)
		world->file[i].mode = modes[hm_factor_pick(key, hm_factor_docs[i].id, HM_COUNT(modes))];
	return 0;
}

int hm_factor_xattrs(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	static const struct {
		const char *name, *value;
	} attributes[HM_FACTOR_XATTRS] = {
		{ "user.comment", "filed by " L L L L L L L L " in " D D D D },
		{ "user.xdg.origin.url", "https://intranet.example/" TOKEN },
	};

	for (size_t i = 0; i < world->file_count; i++) {
		struct hm_world_file *file = &world->file[i];
		struct hm_stream s;

		hm_stream_open(&s, chosen(key), hm_factor_docs[i].id, 0);
		for (size_t k = 0; k < HM_COUNT(attributes); k++) {
			file->xattr[k].name = attributes[k].name;
			file->xattr[k].value = hm_strdup(attributes[k].value);
			hm_stream_fill(&s, file->xattr[k].value);
		}
	}
	return 0;
}

int hm_factor_sample(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	for (size_t i = 0; i < world->file_count; i++) {
		if (hm_factor_docs[i].takes != HM_TAKES_SAMPLE)
			continue;
		world->file[i].present = key->chosen;
		if (!hm_factor_docs[i].text && key->chosen)
			world->file[i].role = "sample";
	}
	return 0;
}

int hm_factor_marking(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	for (size_t i = 0; i < world->file_count; i++) {
		if (hm_factor_docs[i].takes != HM_TAKES_MARKING)
			continue;
		world->file[i].present = key->chosen;
		if (key->chosen)
			world->file[i].marking = hm_factor_marked;
	}
	return 0;
}

int hm_factor_more(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	world->more = key->chosen;
	return 0;
}

void hm_factor_add_more(struct hm_world *world)
{
	for (unsigned i = 1; world->more && i <= 3; i++) {
		HM_FREE char *path = hm_sprintf(HM_FACTOR_MORE "%u.txt", i);
		HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };

		hm_bytes_printf(&text, "Minutes of meeting %u\n\nThose who were there agreed to what had been agreed before.\n", i);
		hm_factor_add(world, path, "document", hm_slice_of(&text));
	}
}

bool hm_factor_is_more(const char *path)
{
	return strncmp(path, HM_FACTOR_MORE, strlen(HM_FACTOR_MORE)) == 0;
}
