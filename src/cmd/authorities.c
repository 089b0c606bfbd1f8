#include "authorities.h"

#include "fs.h"
#include "keystore.h"

enum { STORE_MAX = 16 << 20 };

#define PLACEHOLDER "{authorities}"

const json_t *hm_authorities_of(const json_t *declaration)
{
	return json_object_get(declaration, "authorities");
}

json_t *hm_authorities_plan(const json_t *declared, const char *after)
{
	json_t *plan = json_copy((json_t *)(uintptr_t)declared);

	json_object_set_new(plan, "after", after ? json_string(after) : json_null());
	return plan;
}

static char *expand(const char *text)
{
	struct hm_bytes out = { 0 };
	const char *at;

	while ((at = strstr(text, PLACEHOLDER))) {
		hm_bytes_append(&out, text, (size_t)(at - text));
		hm_bytes_text(&out, HM_AUTHORITIES);
		text = at + strlen(PLACEHOLDER);
	}
	hm_bytes_append(&out, text, strlen(text) + 1);
	return (char *)out.data;
}

char **hm_authorities_arguments(const json_t *declared)
{
	const json_t *list = json_object_get(declared, "arguments"), *item;
	char **out = hm_alloc(json_array_size(list) + 1, sizeof(*out));
	size_t i;

	json_array_foreach (list, i, item)
		out[i] = expand(json_string_value(item));
	return out;
}

static bool is_named(const char *variable, const char *as)
{
	size_t len = strcspn(as, "=");

	return strncmp(variable, as, len) == 0 && variable[len] == '=';
}

void hm_authorities_env(struct hm_authorities_env *out, const json_t *declared, const char *const *env)
{
	const json_t *list = json_object_get(declared, "environment"), *item;
	size_t count = 0, kept = 0, i;

	while (env[count])
		count++;
	out->all = hm_alloc(count + json_array_size(list) + 1, sizeof(*out->all));
	out->added = hm_alloc(json_array_size(list) + 1, sizeof(*out->added));
	json_array_foreach (list, i, item) {
		HM_FREE char *value = expand(json_string_value(json_object_get(item, "value")));

		out->added[i] = hm_sprintf("%s=%s", json_string_value(json_object_get(item, "name")), value);
	}
	for (size_t k = 0; k < count; k++) {
		bool other = true;

		for (i = 0; out->added[i]; i++)
			other &= !is_named(env[k], out->added[i]);
		if (other)
			out->all[kept++] = env[k];
	}
	for (i = 0; out->added[i]; i++)
		out->all[kept++] = out->added[i];
}

void hm_authorities_env_release(struct hm_authorities_env *env)
{
	for (char **variable = env->added; variable && *variable; variable++)
		free(*variable);
	free(env->added);
	free(env->all);
	*env = (struct hm_authorities_env){ 0 };
}

size_t hm_authorities_files_max(const json_t *declared)
{
	return 1 + json_array_size(json_object_get(declared, "files"));
}

/* A copy of the host's key store, with the authority in it. */
static int extend(struct hm_bytes *out, const char *path, struct hm_slice der, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes store = { 0 };
	int r = hm_fs_read(&store, path, STORE_MAX, fail);

	if (r == 0)
		r = hm_keystore_add(out, hm_slice_of(&store), der, fail);
	return r < 0 ? hm_fail_set(fail, HM_E_SYSTEM, "authorities: adding to the key store %s: %s", path, fail->text) : 0;
}

int hm_authorities_files(struct hm_chamber_file *files, struct hm_bytes *made, const json_t *declared, const struct hm_chamber_authority *authority,
			 struct hm_fail *fail)
{
	const json_t *item;
	struct hm_fail why;
	size_t i;

	files[0] = (struct hm_chamber_file){ .path = HM_AUTHORITIES, .content = authority->pem, .mode = 0644 };
	json_array_foreach (json_object_get(declared, "files"), i, item) {
		const char *as = json_string_value(json_object_get(item, "as"));
		struct hm_chamber_file *file = &files[1 + i];

		*file = (struct hm_chamber_file){ .path = json_string_value(json_object_get(item, "path")), .mode = 0644,
						  .content = strcmp(as, "der") == 0 ? authority->der : authority->pem, .append = strcmp(as, "added") == 0 };
		if (strcmp(as, "keystore") != 0)
			continue;
		if (extend(&made[1 + i], file->path, authority->der, &why) < 0)
			return hm_fail_set(fail, why.code, "%s", why.text);
		file->content = hm_slice_of(&made[1 + i]);
	}
	return 0;
}
