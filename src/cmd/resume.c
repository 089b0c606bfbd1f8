/* What goes into a new bundle under our signature is what we signed before, and nothing else. */
#include "resume.h"

#include <sys/utsname.h>

#include "fs.h"
#include "json.h"
#include "signer.h"
#include "text.h"
#include "verify.h"

struct hm_resume {
	struct hm_map map;
	struct hm_verify verified;
	char *path;
};

static int own_key(struct hm_pubkey **ret, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_signer_cleanup) struct hm_signer *signer = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes pem = { 0 };
	int r = hm_signer_load(&signer, path, fail);

	if (r == 0)
		r = hm_signer_public(signer, &pem, fail);
	return r < 0 ? r : hm_pubkey_parse(ret, hm_slice_of(&pem), fail);
}

/* Nothing false, and a signature by that key. */
static int demand(const struct hm_resume *resume, struct hm_fail *fail)
{
	const struct hm_verify *v = &resume->verified;
	bool ours = false;

	for (size_t i = 0; i < v->rows; i++) {
		if (v->row[i].outcome == HM_CHECK_FALSE)
			return hm_fail_set(fail, HM_E_BAD, "resuming %s: %s: %s", resume->path, v->row[i].name, v->row[i].detail);
		ours |= v->row[i].outcome == HM_CHECK_HOLDS && strcmp(v->row[i].name, "signature") == 0;
	}
	if (!ours)
		return hm_fail_set(fail, HM_E_BAD, "resuming %s: it is not signed by the key that is to sign its rest", resume->path);
	return 0;
}

static void cleanup(struct hm_resume **resume)
{
	hm_resume_close(*resume);
}

int hm_resume_open(struct hm_resume **ret, const char *path, const char *key, struct hm_fail *fail)
{
	HM_CLEANUP(cleanup) struct hm_resume *resume = hm_alloc(1, sizeof(*resume));
	HM_CLEANUP(hm_pubkey_cleanup) struct hm_pubkey *public = NULL;
	int r = hm_fs_map(&resume->map, path, fail);

	resume->path = hm_strdup(path);
	if (r == 0)
		r = own_key(&public, key, fail);
	if (r == 0)
		r = hm_verify_bundle(&resume->verified, resume->map.bytes, &public, 1, NULL, 0, fail);
	if (r == 0)
		r = demand(resume, fail);
	if (r == 0)
		*ret = hm_take_ptr(&resume);
	return r;
}

void hm_resume_close(struct hm_resume *resume)
{
	if (!resume)
		return;
	hm_verify_release(&resume->verified);
	hm_fs_unmap(&resume->map);
	free(resume->path);
	free(resume);
}

const struct hm_parts *hm_resume_parts(const struct hm_resume *resume)
{
	return resume->verified.parts;
}

static int read_part(json_t **ret, const struct hm_parts *parts, const char *name, struct hm_fail *fail)
{
	struct hm_slice text;

	if (!hm_parts_get(parts, name, &text))
		return hm_fail_set(fail, HM_E_BAD, "%s is missing", name);
	return hm_json_parse_canonical(ret, text, name, fail);
}

int hm_resume_seed(const struct hm_resume *resume, uint8_t seed[32], struct hm_fail *fail)
{
	HM_JSON json_t *assessment = NULL;
	int r = read_part(&assessment, resume->verified.parts, "assessment.json", fail);
	const char *text = r == 0 ? json_string_value(json_object_get(assessment, "seed")) : NULL;

	if (r == 0 && (!text || hm_text_unhex(seed, 32, hm_slice_text(text)) < 0))
		r = hm_fail_set(fail, HM_E_BAD, "assessment.json has no seed");
	return r < 0 ? hm_fail_in(fail, "resuming %s", resume->path) : 0;
}

static int same_plan(const struct hm_resume *resume, const struct hm_parts *parts, struct hm_fail *fail)
{
	HM_JSON json_t *was = NULL, *is = NULL;
	const char *name = "member";
	json_t *value;
	int r = read_part(&was, resume->verified.parts, "plan.json", fail);

	if (r == 0)
		r = read_part(&is, parts, "plan.json", fail);
	if (r < 0)
		return r;
	if (json_equal(was, is))
		return 0;
	json_object_foreach (is, name, value)
		if (!json_equal(json_object_get(was, name), value))
			break;
	return hm_fail_set(fail, HM_E_USAGE, "resuming %s: its plan differs in %s (it takes the same options, command and product)", resume->path,
			   name ? name : "member");
}

int hm_resume_same(const struct hm_resume *resume, const struct hm_parts *parts, struct hm_fail *fail)
{
	HM_JSON json_t *assessment = NULL;
	struct utsname name;
	const json_t *kernel;
	int r = same_plan(resume, parts, fail);

	if (r == 0)
		r = read_part(&assessment, resume->verified.parts, "assessment.json", fail);
	if (r < 0)
		return r;
	uname(&name);
	kernel = json_object_get(assessment, "kernel");
	if (strcmp(json_string_value(json_object_get(kernel, "release")), name.release) != 0 ||
	    strcmp(json_string_value(json_object_get(kernel, "machine")), name.machine) != 0)
		return hm_fail_set(fail, HM_E_USAGE, "resuming %s: it was made on another kernel, %s", resume->path,
				   json_string_value(json_object_get(kernel, "release")));
	return 0;
}
