#include "log_files.h"

#include "fs.h"
#include "web.h"

static bool is_url(const char *place)
{
	return strncmp(place, "http://", 7) == 0 || strncmp(place, "https://", 8) == 0;
}

static int read_url(void *context, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail)
{
	HM_CLEANUP(hm_web_answer_release) struct hm_web_answer answer = { 0 };
	const char *place = context;
	HM_FREE char *url = hm_sprintf("%s%s%s", place, place[strlen(place) - 1] == '/' ? "" : "/", path);
	int r = hm_web_get(url, max, &answer, fail);

	if (r < 0)
		return r;
	if (answer.status == 404 || answer.status == 410)
		return 1;
	if (answer.status != 200)
		return hm_fail_set(fail, HM_E_SYSTEM, "%s: it answered %d", url, answer.status);
	hm_bytes_slice(out, hm_slice_of(&answer.body));
	return 0;
}

int hm_log_files_open(struct hm_log_files *out, const char *place, struct hm_fail *fail)
{
	*out = (struct hm_log_files){ .folder = -1, .place = place };
	if (is_url(place)) {
		out->source = (struct hm_tile_source){ read_url, (void *)(uintptr_t)place };
		return 0;
	}
	out->folder = hm_folder_open(place, fail);
	out->source = hm_folder_source(&out->folder);
	return out->folder < 0 ? out->folder : 0;
}

void hm_log_files_release(struct hm_log_files *files)
{
	if (files->folder >= 0)
		close(files->folder);
}

int hm_log_trust(struct hm_policy **ret, const char *policy, const char *key, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_FREE char *path = key ? hm_sprintf("%s.pub", key) : NULL;
	struct hm_vkey public;
	int r;

	if (policy)
		return hm_policy_load(ret, policy, fail);
	if (!key)
		return hm_fail_set(fail, HM_E_USAGE, "whose log it is meant to be: --policy FILE, or --key KEY for one's own");
	r = hm_fs_read(&text, path, 4096, fail);
	if (r < 0)
		return r;
	if (text.len && text.data[text.len - 1] == '\n')
		text.len--;
	r = hm_vkey_parse(&public, hm_slice_of(&text), fail);
	if (r < 0)
		return hm_fail_in(fail, "%s", path);
	*ret = hm_policy_of(&public);
	return 0;
}
