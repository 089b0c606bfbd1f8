/* Which format a document is, and how components are observed. */
#include "sbom_internal.h"

static struct hm_slice begins(struct hm_slice s)
{
	if (s.len >= 3 && memcmp(s.data, "\xef\xbb\xbf", 3) == 0)
		s = (struct hm_slice){ s.data + 3, s.len - 3 };
	while (s.len && (*s.data == ' ' || *s.data == '\t' || *s.data == '\r' || *s.data == '\n'))
		s = (struct hm_slice){ s.data + 1, s.len - 1 };
	return s;
}

/* A member of the document itself: what has such a document in it, as an example, is none. */
static bool has_member(struct hm_slice head, const char *name)
{
	size_t depth = 0, len = strlen(name);

	for (size_t i = 0; i < head.len; i++) {
		uint8_t c = head.data[i];
		size_t from = i + 1;

		depth += c == '{' || c == '[';
		depth -= depth && (c == '}' || c == ']');
		if (c != '"')
			continue;
		for (i++; i < head.len && head.data[i] != '"'; i++)
			i += head.data[i] == '\\';
		if (depth == 1 && i < head.len && i - from == len && memcmp(head.data + from, name, len) == 0) {
			struct hm_slice rest = begins((struct hm_slice){ head.data + i + 1, head.len - i - 1 });

			if (rest.len && *rest.data == ':')
				return true;
		}
	}
	return false;
}

enum hm_sbom_format hm_sbom_sniff(struct hm_slice head)
{
	static const struct {
		const char *member, *text;
		enum hm_sbom_format format;
	} marks[] = { { "bomFormat", NULL, HM_SBOM_CYCLONEDX }, { "spdxVersion", NULL, HM_SBOM_SPDX2 }, { "SPDXID", NULL, HM_SBOM_SPDX2 },
		      { "@context", "spdx.org/rdf/3.", HM_SBOM_SPDX3 } };
	static const char tags[] = "SPDXVersion: SPDX-2.", space[] = "http://cyclonedx.org/schema/bom/";
	const uint8_t *at;

	head = begins(head);
	/* The schemas of these documents name all that they have. */
	if (!head.data || head.len == 0 || memmem(head.data, head.len, "json-schema.org", 15))
		return HM_SBOM_NONE;
	if (*head.data == '<')
		return memmem(head.data, head.len, space, sizeof(space) - 1) && !memmem(head.data, head.len, "http://www.w3.org/2001/XMLSchema\"", 33) ? HM_SBOM_CYCLONEDX_XML : HM_SBOM_NONE;
	for (size_t i = 0; *head.data == '{' && i < HM_COUNT(marks); i++)
		if (has_member(head, marks[i].member) && (!marks[i].text || memmem(head.data, head.len, marks[i].text, strlen(marks[i].text))))
			return marks[i].format;
	at = *head.data == '{' ? NULL : memmem(head.data, head.len, tags, sizeof(tags) - 1);
	return at && (at == head.data || at[-1] == '\n') ? HM_SBOM_SPDX_TAGS : HM_SBOM_NONE;
}

const char *hm_sbom_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

void hm_sbom_take_sha256(struct hm_sbom_component *c, const char *text)
{
	if (strlen(text) != 64 || text[strspn(text, "0123456789abcdefABCDEF")])
		return;
	for (size_t i = 0; i <= 64; i++)
		c->sha256[i] = (char)(text[i] >= 'A' && text[i] <= 'F' ? text[i] + 32 : text[i]);
}

#define TEXT_MAX 1024

static int tell(struct hm_sbom_out *out, const struct hm_sbom_component *c, enum hm_observation_kind kind, const char *value,
		const char *detail)
{
	struct hm_observation o = { .kind = kind, .value = value, .detail = detail, .path = out->file->path,
				    .outer = c->outer ? c->outer : out->file->outer, .state = HM_STATE_PRESENT, .source = out->source,
				    .sha256 = *c->sha256 ? c->sha256 : NULL };

	return out->observe(out->cookie, &o, out->fail);
}

int hm_sbom_component(struct hm_sbom_out *out, const struct hm_sbom_component *c)
{
	const char *organisations[] = { c->supplier, c->maker };
	int r = strlen(c->name) <= TEXT_MAX ? tell(out, c, HM_OBSERVED_COMPONENT, c->name, c->version) : 0;

	for (size_t i = 0; r == 0 && i < HM_COUNT(organisations); i++)
		if (*organisations[i] && strlen(organisations[i]) <= TEXT_MAX && (i == 0 || strcmp(c->supplier, c->maker) != 0))
			r = tell(out, c, HM_OBSERVED_ORGANISATION, organisations[i], c->name);
	return r;
}

int hm_sbom_identifier(struct hm_sbom_out *out, const struct hm_sbom_component *c, enum hm_sbom_identifier kind, const char *value)
{
	static const enum hm_observation_kind kinds[] = { [HM_SBOM_PURL] = HM_OBSERVED_PURL, [HM_SBOM_CPE] = HM_OBSERVED_CPE,
							  [HM_SBOM_LICENCE] = HM_OBSERVED_LICENCE };

	return *value && strlen(value) <= TEXT_MAX ? tell(out, c, kinds[kind], value, c->name) : 0;
}

struct reading {
	struct hm_sbom_out out;
	enum hm_sbom_format format;
	enum { AGENTS, ROOT, COMPONENTS } pass; /* SPDX 3 names things before and after it tells them: it is read three times */
	json_t *agents;
	char *root; /* id of what it is about */
	bool known;
	char *described;
};

static void end_reading(struct reading *r)
{
	json_decref(r->agents);
	free(r->described);
	free(r->root);
}

/* The versions whose pages were read. */
static bool known_version(const char *key, const char *value)
{
	static const char *const versions[] = { "1.2", "1.3", "1.4", "1.5", "1.6", "1.7", "SPDX-2.2", "SPDX-2.3" };

	if (strcmp(key, "specVersion") != 0 && strcmp(key, "spdxVersion") != 0)
		return false;
	for (size_t i = 0; i < HM_COUNT(versions); i++)
		if (strcmp(value, versions[i]) == 0)
			return true;
	return false;
}

/* What the document is about is the outer thing of its components. */
static void describe(struct reading *r, const char *key, const json_t *value)
{
	const char *name = "";

	if (r->described)
		return;
	if (strcmp(key, "metadata") == 0)
		name = hm_sbom_text(json_object_get(value, "component"), "name");
	else if (r->format == HM_SBOM_SPDX2 && strcmp(key, "name") == 0 && json_is_string(value))
		name = json_string_value(value);
	if (*name && strlen(name) <= TEXT_MAX)
		r->out.described = r->described = hm_strdup(name);
}

/* The passes of SPDX 3 before the one that observes. */
static int collect(struct reading *r, const json_t *value)
{
	const char *text = r->pass == ROOT ? hm_sbom_spdx3_named(value, r->root) : hm_sbom_spdx3_root(value);

	if (r->pass == AGENTS)
		hm_sbom_spdx3_agent(r->agents, value);
	if (!*text || strlen(text) > TEXT_MAX)
		return 0;
	if (r->pass == AGENTS && !*r->root) {
		free(r->root);
		r->root = hm_strdup(text);
	} else if (r->pass == ROOT && !r->described) {
		r->out.described = r->described = hm_strdup(text);
	}
	return 0;
}

static int element(void *cookie, const char *key, const json_t *value)
{
	struct reading *r = cookie;

	if (json_is_string(value) && known_version(key, json_string_value(value)))
		r->known = true;
	describe(r, key, value);
	if (r->pass != COMPONENTS)
		return collect(r, value);
	if (r->format == HM_SBOM_CYCLONEDX)
		return hm_sbom_cyclonedx(&r->out, key, value);
	if (r->format == HM_SBOM_SPDX2)
		return hm_sbom_spdx2(&r->out, key, value);
	return hm_sbom_spdx3(&r->out, r->agents, r->root, value);
}

int hm_sbom_read(const struct hm_sbom_file *file, hm_observe_fn observe, void *cookie, struct hm_fail *fail)
{
	HM_CLEANUP(end_reading) struct reading r = { .out = { .file = file, .observe = observe, .cookie = cookie, .fail = fail },
						     .agents = json_object(), .root = hm_strdup("") };
	static const char *const names[] = { "", "cyclonedx", "spdx", "spdx", "spdx", "cyclonedx" };
	struct hm_slice head = { file->bytes.data, file->bytes.len < 65536 ? file->bytes.len : 65536 };
	size_t left = 0;
	int rc = 0;

	r.format = hm_sbom_sniff(head);
	r.out.source = names[r.format];
	if (r.format == HM_SBOM_NONE)
		return hm_fail_set(fail, HM_E_BAD, "neither CycloneDX nor SPDX");
	if (r.format == HM_SBOM_SPDX_TAGS)
		return hm_sbom_tagvalue(&r.out, file->bytes);
	if (r.format == HM_SBOM_CYCLONEDX_XML)
		return hm_sbom_cyclonedx_xml(&r.out, file->bytes);
	r.known = r.format == HM_SBOM_SPDX3; /* sniffed by its version */
	for (r.pass = r.known ? AGENTS : COMPONENTS; rc == 0 && r.pass != COMPONENTS; r.pass++) {
		left = 0;
		rc = hm_sbom_stream(file->bytes, element, &r, &left, fail);
	}
	r.pass = COMPONENTS; /* what is cut off is observed as far as it goes */
	left = 0;
	rc = hm_sbom_stream(file->bytes, element, &r, &left, fail);
	if (rc != 0)
		return rc == HM_E_BAD && fail && !fail->code ? hm_fail_set(fail, HM_E_BAD, "components are nested too deep") : rc;
	if (left)
		return hm_fail_set(fail, HM_E_BAD, "%zu components are too large or nested too deep", left);
	return r.known ? 0 : hm_fail_set(fail, HM_E_UNKNOWN, "a version of %s that is not known", r.format == HM_SBOM_CYCLONEDX ? "CycloneDX" : "SPDX");
}
