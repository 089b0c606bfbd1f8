/* Subjects are names and digests; in-toto matches by digest and wants names to be unique, so a path that stands for several contents
 * gets the digest behind it, and one that is no UTF-8 is percent-encoded (RFC 3986). */
#include "subject.h"

#include "digest.h"
#include "text.h"

struct subject {
	char *name;
	char sha256[65];
};

struct subjects {
	struct subject *list;
	size_t count;
};

static void release(struct subjects *s)
{
	for (size_t i = 0; i < s->count; i++)
		free(s->list[i].name);
	free(s->list);
}

static int compare(const void *a, const void *b)
{
	const struct subject *x = a, *y = b;
	int order = strcmp(x->name, y->name);

	return order ? order : strcmp(x->sha256, y->sha256);
}

static bool is_plain(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || memchr("-._~/", c, 5);
}

static char *subject_name(struct hm_slice path)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	if (hm_text_is_utf8(path) && !(path.len && memchr(path.data, 0, path.len)))
		return hm_slice_dup(path);
	for (size_t i = 0; i < path.len; i++) {
		if (is_plain(path.data[i]))
			hm_bytes_u8(&out, path.data[i]);
		else
			hm_bytes_printf(&out, "%%%02X", path.data[i]);
	}
	return hm_slice_dup(hm_slice_of(&out));
}

static int read_subject(struct subject *out, const json_t *artifact, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes path = { 0 };
	const json_t *sha256 = json_object_get(artifact, "sha256");
	uint8_t digest[HM_SHA256_LEN];
	int r;

	if (!json_is_object(artifact) || !json_is_string(sha256) ||
	    hm_text_unhex(digest, sizeof(digest), hm_slice_text(json_string_value(sha256))) < 0)
		return hm_fail_set(fail, HM_E_BAD, "findings.json: an artifact without a sha256");
	r = hm_json_get_bytes(artifact, "path", &path, fail);
	if (r < 0)
		return hm_fail_in(fail, "findings.json: an artifact");
	memcpy(out->sha256, json_string_value(sha256), 65);
	out->name = subject_name(hm_slice_of(&path));
	return 0;
}

/* All artifacts, sorted, each pair of name and digest once. */
static int read_subjects(struct subjects *out, const json_t *artifacts, struct hm_fail *fail)
{
	size_t kept = 0, i;
	json_t *artifact;

	out->list = hm_alloc(json_array_size(artifacts) + 1, sizeof(*out->list));
	json_array_foreach(artifacts, i, artifact) {
		int r;

		/* Executed, and gone since: nobody knows its digest, and in-toto has no subject without one. */
		if (json_is_null(json_object_get(artifact, "sha256")))
			continue;
		r = read_subject(&out->list[out->count], artifact, fail);
		if (r < 0)
			return r;
		out->count++;
	}
	if (out->count == 0)
		return hm_fail_set(fail, HM_E_BAD, "statement: findings.json names no artifact, so there is nothing to attest");
	qsort(out->list, out->count, sizeof(*out->list), compare);
	for (i = 0; i < out->count; i++) {
		if (kept && compare(&out->list[kept - 1], &out->list[i]) == 0)
			free(out->list[i].name);
		else
			out->list[kept++] = out->list[i];
	}
	out->count = kept;
	return 0;
}

json_t *hm_subject(const char *name, const char *sha256)
{
	return json_pack("{s:s, s:{s:s}}", "name", name, "digest", "sha256", sha256);
}

static json_t *subject_array(const struct subjects *s)
{
	json_t *array = json_array();

	for (size_t i = 0; i < s->count; i++) {
		const struct subject *a = &s->list[i];
		bool shared = (i && strcmp(a[-1].name, a->name) == 0) ||
			      (i + 1 < s->count && strcmp(a[1].name, a->name) == 0);
		HM_FREE char *name = shared ? hm_sprintf("%s#sha256:%s", a->name, a->sha256) : hm_strdup(a->name);

		json_array_append_new(array, hm_subject(name, a->sha256));
	}
	return array;
}

int hm_subjects(json_t **ret, const json_t *findings, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct subjects subjects = { 0 };
	const json_t *artifacts = json_object_get(json_object_get(findings, "product"), "artifacts");
	int r;

	if (!json_is_array(artifacts))
		return hm_fail_set(fail, HM_E_BAD, "findings.json: no artifacts");
	r = read_subjects(&subjects, artifacts, fail);
	if (r == 0)
		*ret = subject_array(&subjects);
	return r;
}
