/* planted.json and the parts behind it. */
#include "planted.h"

#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>

#include "digest.h"
#include "fs.h"
#include "planted_internal.h"
#include "text.h"

#define SAMPLES_MAX 1000
#define SAMPLE_BYTES_MAX (64u << 20)

struct planted_file {
	char *path;
	const char *role, *marking;
	struct hm_bytes content;
	json_t *tokens;
};

struct planted_list {
	struct planted_file *file;
	size_t count;
};

static void release(struct planted_list *list)
{
	for (size_t i = 0; i < list->count; i++) {
		free(list->file[i].path);
		hm_bytes_release(&list->file[i].content);
		json_decref(list->file[i].tokens);
	}
	free(list->file);
}

static struct planted_file *add(struct planted_list *list, char *path, const char *role, const char *marking)
{
	struct planted_file *file;

	list->file = hm_realloc(list->file, list->count + 1, sizeof(*list->file));
	file = &list->file[list->count++];
	*file = (struct planted_file){ .path = path, .role = role, .marking = marking, .tokens = json_array() };
	return file;
}

void hm_planted_token(char out[21], const uint8_t *seed, const char *phase, unsigned level, unsigned n)
{
	static const char crockford[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
	HM_FREE char *label = hm_sprintf("secret/%s/content/%u/%u", phase, level, n);
	struct hm_sha256 d;

	hm_derive(&d, seed, label);
	for (unsigned i = 0; i < 20; i++) {
		unsigned bit = 5 * i;
		unsigned pair = (unsigned)d.b[bit / 8] << 8 | d.b[bit / 8 + 1];

		out[i] = crockford[pair >> (11 - bit % 8) & 31];
	}
	out[20] = 0;
}

static void add_documents(struct planted_list *list, const uint8_t *seed, const char *phase, unsigned level)
{
	unsigned n = 0;

	for (size_t i = 0; i < hm_doc_count; i++) {
		const struct hm_doc *doc = &hm_docs[i];
		struct planted_file *file = add(list, hm_strdup(doc->path), doc->role, doc->marking);
		hm_token token[HM_DOC_TOKENS_MAX];

		for (unsigned k = 0; k < doc->tokens; k++) {
			hm_planted_token(token[k], seed, phase, level, n++);
			json_array_append_new(file->tokens, json_string(token[k]));
		}
		doc->make(&file->content, token);
	}
}

static void close_folder(DIR **dir)
{
	if (*dir)
		closedir(*dir);
}

int hm_planted_samples(const char *folder, int (*take)(void *cookie, const char *path, struct hm_bytes *content, struct hm_fail *fail),
		       void *cookie, struct hm_fail *fail)
{
	HM_CLEANUP(close_folder) DIR *dir = opendir(folder);
	struct dirent *e;
	size_t count = 0;

	if (!dir) {
		hm_fail_errno(fail, "opening the folder of samples %s", folder);
		return hm_fail_advise(fail, "install the package that holds them");
	}
	while ((errno = 0, e = readdir(dir))) {
		HM_FREE char *from = hm_sprintf("%s/%s", folder, e->d_name), *path = hm_sprintf("samples/%s", e->d_name);
		HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 };
		struct stat st;
		int r;

		if (lstat(from, &st) < 0)
			return hm_fail_errno(fail, "reading sample %s", from);
		if (!S_ISREG(st.st_mode))
			continue;
		if (++count > SAMPLES_MAX)
			return hm_fail_set(fail, HM_E_BAD, "planting samples of %s: more than %d files", folder, SAMPLES_MAX);
		r = hm_fs_read(&content, from, SAMPLE_BYTES_MAX, fail);
		if (r == 0)
			r = take(cookie, path, &content, fail);
		if (r < 0)
			return r;
	}
	return errno ? hm_fail_errno(fail, "reading the folder of samples %s", folder) : 0;
}

static int add_sample(void *cookie, const char *path, struct hm_bytes *content, struct hm_fail *fail HM_UNUSED)
{
	struct planted_file *file = add(cookie, hm_strdup(path), "sample", NULL);

	file->content = *content;
	*content = (struct hm_bytes){ 0 };
	return 0;
}

static int by_path(const void *a, const void *b)
{
	return strcmp(((const struct planted_file *)a)->path, ((const struct planted_file *)b)->path);
}

static json_t *describe(const struct planted_file *file, const char *part)
{
	struct hm_sha256 hash;
	char hex[2 * HM_SHA256_LEN + 1];
	json_t *row = json_object();

	hm_sha256_slice(&hash, hm_slice_of(&file->content));
	hm_text_hex_into(hex, (struct hm_slice){ hash.b, sizeof(hash.b) });
	hm_json_set_bytes(row, "path", hm_slice_text(file->path));
	json_object_set_new(row, "part", json_string(part));
	json_object_set_new(row, "sha256", json_string(hex));
	json_object_set_new(row, "size", json_integer((json_int_t)file->content.len));
	json_object_set_new(row, "mode", json_integer(0644));
	json_object_set_new(row, "role", json_string(file->role));
	json_object_set_new(row, "marking", file->marking ? json_string(file->marking) : json_null());
	json_object_set(row, "tokens", file->tokens);
	return row;
}

int hm_planted_make(struct hm_parts *parts, const uint8_t *seed, const char *phase, unsigned level, const char *target,
		    const char *samples, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct planted_list list = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_JSON json_t *top = json_object();
	json_t *files = json_array();
	int r = 0;

	json_object_set_new(top, "schema", json_string("hallmark/planted/v1"));
	json_object_set_new(top, "target", json_string(target));
	json_object_set_new(top, "files", files);
	add_documents(&list, seed, phase, level);
	if (samples)
		r = hm_planted_samples(samples, add_sample, &list, fail);
	if (r < 0)
		return r;
	qsort(list.file, list.count, sizeof(*list.file), by_path);
	for (size_t i = 0; i < list.count; i++) {
		char part[32];

		snprintf(part, sizeof(part), "planted/%04zu", i + 1);
		json_array_append_new(files, describe(&list.file[i], part));
		r = hm_parts_take(parts, part, &list.file[i].content, fail);
		if (r < 0)
			return r;
	}
	hm_json_write(&text, top);
	return hm_parts_take(parts, "planted.json", &text, fail);
}
