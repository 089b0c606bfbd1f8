#include "residue.h"

struct reading {
	struct hm_residue *out;
	size_t room;
};

static struct hm_feature *add(struct reading *r, const char *field, const struct hm_slice *path)
{
	struct hm_features *f = &r->out->features;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes name = { 0 };

	hm_bytes_text(&name, field);
	if (path) {
		hm_bytes_u8(&name, ':');
		hm_residue_escape(&name, *path);
	}
	if (f->count == r->room) {
		r->room = r->room ? 2 * r->room : 64;
		f->list = hm_realloc(f->list, r->room, sizeof(*f->list));
	}
	f->list[f->count] = (struct hm_feature){ .endpoint = HM_RESIDUE_ENDPOINT, .name = hm_slice_dup(hm_slice_of(&name)), .flow = SIZE_MAX };
	return &f->list[f->count++];
}

static void add_number(struct reading *r, const char *field, const struct hm_slice *path, uint64_t number)
{
	add(r, field, path)->number = number > INT64_MAX ? INT64_MAX : (int64_t)number;
}

/* Texts move while they grow: until all are there, `data` holds where each begins. */
static void add_text(struct reading *r, const char *field, const struct hm_slice *path, struct hm_slice text)
{
	struct hm_feature *feature = add(r, field, path);

	feature->text = true;
	feature->bytes = (struct hm_slice){ (const uint8_t *)(uintptr_t)r->out->texts.len, text.len };
	hm_bytes_slice(&r->out->texts, text);
}

static void add_digest(struct reading *r, const char *field, const struct hm_slice *path, const struct hm_bytes *of)
{
	struct hm_sha256 digest;

	hm_sha256_slice(&digest, hm_slice_of(of));
	add_text(r, field, path, (struct hm_slice){ digest.b, sizeof(digest.b) });
}

static void take_entry(struct reading *r, const struct hm_tree_entry *e)
{
	add_text(r, "file.type", &e->path, (struct hm_slice){ (const uint8_t *)&e->type, 1 });
	if (e->type == 'w')
		return;
	add_number(r, "file.mode", &e->path, e->mode);
	{
		HM_FREE char *owner = hm_sprintf("%u:%u", e->uid, e->gid);

		add_text(r, "file.owner", &e->path, hm_slice_text(owner));
	}
	if (e->more.len)
		add_text(r, "file.more", &e->path, e->more);
	if (e->type == 'l')
		add_text(r, "file.link", &e->path, e->link);
	if (e->type != 'f')
		return;
	add_number(r, "file.size", &e->path, e->size);
	if (e->hashed)
		add_text(r, "file.content", &e->path, (struct hm_slice){ e->sha256, sizeof(e->sha256) });
}

/* Everything of an entry, so that two texts are the same only where nothing differs. */
static void write_entry(struct hm_bytes *out, const struct hm_tree_entry *e)
{
	hm_bytes_printf(out, "%c %u %u %u %llu %u %zu %zu ", e->type, e->mode, e->uid, e->gid, (unsigned long long)e->size, e->hashed, e->path.len,
			e->link.len);
	hm_bytes_slice(out, e->path);
	hm_bytes_slice(out, e->link);
	hm_bytes_append(out, e->sha256, e->hashed ? sizeof(e->sha256) : 0);
	hm_bytes_slice(out, e->more);
}

static void take_whole(struct reading *r, const struct hm_tree *tree)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes all = { 0 }, paths = { 0 };

	for (size_t i = 0; i < tree->count; i++) {
		write_entry(&all, &tree->list[i]);
		hm_bytes_append(&paths, tree->list[i].path.data, tree->list[i].path.len);
		hm_bytes_u8(&paths, 0);
	}
	add_digest(r, "all", NULL, &all);
	add_digest(r, "all.paths", NULL, &paths);
	add_number(r, "all.entries", NULL, tree->count);
}

static size_t parent_length(struct hm_slice path)
{
	while (path.len && path.data[path.len - 1] != '/')
		path.len--;
	return path.len > 1 ? path.len - 1 : path.len;
}

/* By folder, then by name. */
static int by_folder(const void *a, const void *b)
{
	const struct hm_tree_entry *x = *(const struct hm_tree_entry *const *)a, *y = *(const struct hm_tree_entry *const *)b;
	int r = hm_slice_cmp((struct hm_slice){ x->path.data, parent_length(x->path) }, (struct hm_slice){ y->path.data, parent_length(y->path) });

	return r ? r : hm_slice_cmp(x->path, y->path);
}

static void take_folders(struct reading *r, const struct hm_tree *tree)
{
	HM_FREE const struct hm_tree_entry **order = hm_alloc(tree->count + 1, sizeof(*order));

	for (size_t i = 0; i < tree->count; i++)
		order[i] = &tree->list[i];
	qsort(order, tree->count, sizeof(*order), by_folder);
	for (size_t from = 0, to; from < tree->count; from = to) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes names = { 0 };
		struct hm_slice folder = { order[from]->path.data, parent_length(order[from]->path) };

		for (to = from; to < tree->count; to++) {
			struct hm_slice path = order[to]->path;

			if (!hm_slice_eq((struct hm_slice){ path.data, parent_length(path) }, folder))
				break;
			hm_bytes_append(&names, path.data + folder.len, path.len - folder.len);
			hm_bytes_u8(&names, 0);
		}
		add_number(r, "dir.entries", &folder, to - from);
		add_digest(r, "dir.names", &folder, &names);
	}
}

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct hm_feature *)a)->name, ((const struct hm_feature *)b)->name);
}

void hm_residue_read(struct hm_residue *out, const struct hm_tree *tree)
{
	struct reading r = { .out = out };

	*out = (struct hm_residue){ .beyond = tree->count > HM_RESIDUE_PATHS_MAX };
	take_whole(&r, tree);
	for (size_t i = 0; i < tree->count; i++)
		out->unread += tree->list[i].type == 'f' && !tree->list[i].hashed;
	for (size_t i = 0; i < tree->count && !out->beyond; i++)
		take_entry(&r, &tree->list[i]);
	if (!out->beyond && tree->count)
		take_folders(&r, tree);
	for (size_t i = 0; i < out->features.count; i++)
		if (out->features.list[i].text)
			out->features.list[i].bytes.data = out->texts.data + (uintptr_t)out->features.list[i].bytes.data;
	qsort(out->features.list, out->features.count, sizeof(*out->features.list), by_name);
}

void hm_residue_release(struct hm_residue *residue)
{
	hm_features_release(&residue->features);
	hm_bytes_release(&residue->texts);
	*residue = (struct hm_residue){ 0 };
}

const char *hm_residue_path(const char *name)
{
	const char *colon = strchr(name, ':');

	return colon ? colon + 1 : NULL;
}

void hm_residue_escape(struct hm_bytes *out, struct hm_slice path)
{
	static const char plain[] = "-_./+,:@=~";

	for (size_t i = 0; i < path.len; i++) {
		uint8_t c = path.data[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');

		if (letter || (c && strchr(plain, c)))
			hm_bytes_u8(out, c);
		else
			hm_bytes_printf(out, "%%%02X", c);
	}
}
