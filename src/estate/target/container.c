/* Container images: an OCI layout (a folder or a tar), what `docker save` writes, a registry's storage. Which images there are, what they are called, and which layers they have. */
#include "layer.h"

#include <dirent.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/stat.h>
#include <unistd.h>

#define LAYERS_MAX 1024
#define IMAGES_MAX 4096
#define NESTED_MAX 3 /* indexes in indexes */
#define STATEMENT_MAX ((size_t)256 << 20)

/* One image, or what is said of one. */
struct image {
	char *name;	 /* as a tag or an annotation has it, or the beginning of its digest */
	char *digest;	 /* of its manifest, NULL: docker's list has none */
	json_t *layers;	 /* from the bottom up */
	bool attestation; /* layers are statements of in-toto */
};

struct images {
	struct hm_target *t;
	struct target_box box;
	const char *within; /* the file or folder that holds them, NULL: the target */
	struct image *image;
	size_t count, said; /* all; those that are attestations */
};

static void release(struct images *s)
{
	for (size_t i = 0; i < s->count; i++) {
		free(s->image[i].name);
		free(s->image[i].digest);
		json_decref(s->image[i].layers);
	}
	free(s->image);
}

static const char *member(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text ? text : "";
}

static bool is_known(const struct images *s, const char *digest)
{
	for (size_t i = 0; i < s->count; i++)
		if (s->image[i].digest && strcmp(s->image[i].digest, digest) == 0)
			return true;
	return false;
}

static void add(struct images *s, const char *name, const char *digest, json_t *layers, bool attestation)
{
	if (s->count == IMAGES_MAX)
		return;
	s->image = hm_realloc(s->image, s->count + 1, sizeof(*s->image));
	s->image[s->count++] = (struct image){ hm_strdup(name), digest ? hm_strdup(digest) : NULL, json_incref(layers), attestation };
	s->said += attestation;
}

/* What a row of an index says of the image: its name, or that of the row above, or the beginning of its digest; its platform. */
static char *name_of(const json_t *row, const char *above)
{
	const json_t *annotations = json_object_get(row, "annotations"), *platform = json_object_get(row, "platform");
	const char *full = member(annotations, "io.containerd.image.name"), *ref = member(annotations, "org.opencontainers.image.ref.name");
	const char *digest = member(row, "digest"), *hex = strchr(digest, ':') ? strchr(digest, ':') + 1 : digest;
	const char *base = *full ? full : *ref ? ref : above;
	const char *os = member(platform, "os"), *machine = member(platform, "architecture"), *variant = member(platform, "variant");
	HM_FREE char *plain = base ? hm_sprintf("%.500s", base) : hm_sprintf("%.12s", hex);

	if (!*os || strcmp(os, "unknown") == 0)
		return hm_strdup(plain);
	return hm_sprintf("%s (%.50s/%.50s%s%.50s)", plain, os, machine, *variant ? "/" : "", variant);
}

static bool is_attestation(const json_t *row)
{
	return strcmp(member(json_object_get(row, "annotations"), "vnd.docker.reference.type"), "attestation-manifest") == 0;
}

static int add_manifest(struct images *s, const json_t *row, const char *above, unsigned level, struct hm_fail *fail)
{
	HM_FREE char *blob = target_blob_name(&s->box, member(row, "digest")), *name = name_of(row, above);
	json_t *manifest = blob ? target_member_json(&s->box, blob) : NULL;
	json_t *layers = json_object_get(manifest, "layers"), *more = json_object_get(manifest, "manifests"), *each;
	size_t i;
	int r = 0;

	if (is_known(s, member(row, "digest")))
		;
	else if (json_is_array(layers))
		add(s, name, member(row, "digest"), layers, is_attestation(row));
	else if (json_is_array(more) && level < NESTED_MAX)
		json_array_foreach (more, i, each)
			r = r ? r : add_manifest(s, each, level || !above ? name : above, level + 1, fail);
	else if (!blob || (level && !manifest)) /* of an index that was copied for one platform the others are named and not there */
		r = target_unread(s->t, blob ? blob : "/index.json", s->within, fail, "%s is not in the image", blob ? "a manifest" : "a manifest without a digest");
	else
		r = target_unread(s->t, blob, s->within, fail, "no manifest of an image");
	json_decref(manifest);
	return r;
}

/* docker's list knows names and layers; what is said of the images stands in the index, where there is one. */
static int list_images(struct images *s, struct hm_fail *fail)
{
	json_t *docker = target_member_json(&s->box, "manifest.json"), *oci = target_member_json(&s->box, "index.json");
	json_t *list = json_object_get(oci, "manifests"), *row;
	size_t i;
	int r = 0;

	json_array_foreach (docker, i, row) {
		const char *tag = json_string_value(json_array_get(json_object_get(row, "RepoTags"), 0)), *config = member(row, "Config");
		HM_FREE char *name = tag ? hm_sprintf("%.500s", tag) : hm_sprintf("%.12s", strncmp(config, "blobs/sha256/", 13) == 0 ? config + 13 : config);

		add(s, name, NULL, json_object_get(row, "Layers"), false);
	}
	if (!json_is_array(docker) && !json_is_array(list))
		r = target_unread(s->t, "/index.json", s->within, fail, "neither manifest.json nor index.json lists images");
	json_array_foreach (list, i, row) {
		size_t before = s->count, kept = before;

		r = r ? r : add_manifest(s, row, NULL, 0, fail);
		for (size_t j = before; json_is_array(docker) && j < s->count; j++) {
			struct image each = s->image[j];

			if (each.attestation) {
				s->image[kept++] = each;
				continue;
			}
			free(each.name);
			free(each.digest);
			json_decref(each.layers);
		}
		s->count = json_is_array(docker) ? kept : s->count;
	}
	json_decref(docker);
	json_decref(oci);
	return r;
}

/* A registry: repositories/NAME/_manifests/tags/TAG/current/link, and revisions/sha256/HEX/link for what has no tag. */
static int add_link(struct images *s, const char *repository, const char *tag, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_FREE char *digest = NULL, *name = NULL;
	json_t *row;
	int r;

	if (!target_member_bytes(&s->box, path, 512, &text))
		return 0;
	digest = hm_slice_dup(hm_slice_of(&text));
	digest[strcspn(digest, " \n")] = 0;
	if (is_known(s, digest))
		return 0;
	name = *tag ? hm_sprintf("%s:%s", repository, tag) : hm_sprintf("%s@%.19s", repository, digest);
	row = json_pack("{s:s}", "digest", digest);
	r = row ? add_manifest(s, row, name, 0, fail) : 0;
	json_decref(row);
	return r;
}

static int each_name(struct images *s, const char *path, int (*each)(struct images *s, const char *path, const char *name, unsigned level, struct hm_fail *fail),
		     unsigned level, struct hm_fail *fail)
{
	const struct open_how how = { .flags = O_RDONLY | O_DIRECTORY | O_CLOEXEC, .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS };
	int fd = (int)syscall(SYS_openat2, s->box.fd, path, &how, sizeof(how)), n, r = 0;
	struct dirent **names = NULL;

	if (fd < 0)
		return 0;
	n = scandirat(fd, ".", &names, NULL, alphasort);
	close(fd);
	for (int i = 0; i < n; i++) {
		if (r == 0 && names[i]->d_name[0] != '.' && i < IMAGES_MAX)
			r = each(s, path, names[i]->d_name, level, fail);
		free(names[i]);
	}
	free(names);
	return r;
}

static int on_tag(struct images *s, const char *path, const char *name, unsigned level HM_UNUSED, struct hm_fail *fail)
{
	HM_FREE char *link = hm_sprintf("%s/%s/current/link", path, name);
	HM_FREE char *repository = hm_sprintf("%.*s", (int)(strlen(path) - strlen("repositories/") - strlen("/_manifests/tags")), path + strlen("repositories/"));

	return add_link(s, repository, name, link, fail);
}

static int on_revision(struct images *s, const char *path, const char *name, unsigned level HM_UNUSED, struct hm_fail *fail)
{
	HM_FREE char *link = hm_sprintf("%s/%s/link", path, name);
	HM_FREE char *repository = hm_sprintf("%.*s", (int)(strlen(path) - strlen("repositories/") - strlen("/_manifests/revisions/sha256")), path + strlen("repositories/"));

	return add_link(s, repository, "", link, fail);
}

static int on_repository(struct images *s, const char *path, const char *name, unsigned level, struct hm_fail *fail)
{
	HM_FREE char *below = hm_sprintf("%s/%s", path, name), *tags = hm_sprintf("%s/tags", below), *revisions = hm_sprintf("%s/revisions/sha256", below);
	int r;

	if (strcmp(name, "_manifests") == 0) {
		r = each_name(s, tags, on_tag, level, fail);
		return r ? r : each_name(s, revisions, on_revision, level, fail);
	}
	return name[0] == '_' || level > 8 ? 0 : each_name(s, below, on_repository, level + 1, fail);
}

/* A statement of in-toto whose predicate is a bill of materials: as a file of the image that it is about. */
static ssize_t pull_text(void *cookie, void *to, size_t len)
{
	struct hm_slice *rest = cookie;
	size_t n = rest->len < len ? rest->len : len;

	memcpy(to, rest->data, n);
	*rest = (struct hm_slice){ rest->data + n, rest->len - n };
	return (ssize_t)n;
}

static int tell_statement(struct images *s, const char *blob, const char *outer, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	json_t *statement, *predicate;
	HM_FREE char *bill = NULL;
	struct hm_slice rest;
	struct hm_entry entry = { .type = HM_ENTRY_FILE, .path = "/predicate.json", .outer = outer };
	int r = 0;

	if (!target_member_bytes(&s->box, blob, STATEMENT_MAX, &text) || text.len == 0)
		return target_unread(s->t, blob, outer, fail, "a statement that is not there, or too large");
	statement = json_loadb((const char *)text.data, text.len, 0, NULL);
	predicate = json_object_get(statement, "predicate");
	if (!json_is_object(predicate))
		r = target_unread(s->t, blob, outer, fail, "no statement of in-toto");
	else if (strstr(member(statement, "predicateType"), "spdx.dev") || strstr(member(statement, "predicateType"), "cyclonedx.org"))
		bill = json_dumps(predicate, JSON_COMPACT);
	json_decref(statement);
	if (bill) {
		rest = hm_slice_text(bill);
		entry.size = rest.len;
		r = target_tell(s->t, &entry, pull_text, &rest, -1, fail);
	}
	return r;
}

/* The name of a layer in its list: a string, or {"digest":"sha256:HEX"}. */
static char *layer_name(const struct images *s, const json_t *row)
{
	if (json_is_string(row))
		return strlen(json_string_value(row)) <= 512 ? hm_strdup(json_string_value(row)) : NULL;
	return target_blob_name(&s->box, member(row, "digest"));
}

static int walk_statements(struct images *s, const struct image *image, const char *outer, struct hm_fail *fail)
{
	json_t *row;
	size_t i;
	int r = 0;

	json_array_foreach (image->layers, i, row) {
		HM_FREE char *name = layer_name(s, row);

		if (r == 0 && name && i < LAYERS_MAX && strstr(member(row, "mediaType"), "in-toto"))
			r = tell_statement(s, name, outer, fail);
	}
	return r;
}

/* A layer that is no part of a root: a chart, a signature, a model. */
static bool is_other(const json_t *row)
{
	const char *type = member(row, "mediaType");

	return *type && !strstr(type, "tar") && !strstr(type, "rootfs.diff");
}

static int walk_layers(struct images *s, const struct image *image, const char *name, struct hm_fail *fail)
{
	HM_CLEANUP(target_layers_cleanup) struct target_layers *layers = target_layers_new(s->t, &s->box, name);
	size_t n = json_array_size(image->layers);
	int r = 0;

	if (n > LAYERS_MAX)
		return target_unread(s->t, "/manifest.json", s->within, fail, "%zu layers", n);
	while (r == 0 && n-- > 0) {
		const json_t *row = json_array_get(image->layers, n);
		HM_FREE char *member_name = layer_name(s, row);

		if (!member_name)
			r = target_unread(s->t, "/manifest.json", s->within, fail, "layer %zu has no name", n);
		else if (strstr(member(row, "mediaType"), "encrypted"))
			r = target_unread(s->t, member_name, name, fail, "a layer that is encrypted");
		else if (is_other(row))
			r = target_unread(s->t, member_name, name, fail, "a layer of media type %.100s", member(row, "mediaType"));
		else
			r = target_layers_walk(layers, member_name, fail);
	}
	return r;
}

static int walk_images(struct images *s, struct hm_fail *fail)
{
	int r = 0;

	if (s->count == IMAGES_MAX)
		r = target_unread(s->t, "/", s->within, fail, "more than %d images", IMAGES_MAX);
	for (size_t i = 0; r == 0 && i < s->count; i++) {
		const struct image *image = &s->image[i];
		bool named = s->within || s->count - s->said > 1;
		HM_FREE char *name = named ? hm_sprintf("%s%simage %s", s->within ? s->within : "", s->within ? "!" : "", image->name) : NULL;
		HM_FREE char *said = hm_sprintf("%s%sattestation of an image", s->within ? s->within : "", s->within ? "!" : "");

		r = image->attestation ? walk_statements(s, image, said, fail) : walk_layers(s, image, name, fail);
	}
	return r;
}

int target_container_walk(struct hm_target *t, const struct target_box *box, const char *within, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct images s = { .t = t, .box = *box, .within = within };
	int r = box->kind == TARGET_BOX_REGISTRY ? each_name(&s, "repositories", on_repository, 0, fail) : list_images(&s, fail);

	return r ? r : walk_images(&s, fail);
}

static struct target_box box_of(const struct hm_target *t, int fd)
{
	struct target_box box = { .kind = TARGET_BOX_TAR, .fd = fd, .t = t };
	struct stat st;

	if (fstat(fd, &st) == 0 && S_ISDIR(st.st_mode)) {
		box.kind = TARGET_BOX_FOLDER;
		if (!target_box_is_image(&box, false))
			box.kind = TARGET_BOX_REGISTRY;
	}
	return box;
}

bool target_is_container(const struct hm_target *t, int fd)
{
	const struct target_box box = box_of(t, fd);

	return target_box_is_image(&box, false);
}

int target_container_walk_at(struct hm_target *t, int fd, const char *within, struct hm_fail *fail)
{
	const struct target_box box = box_of(t, fd);

	return target_container_walk(t, &box, within, fail);
}

static int walk(struct hm_target *t, struct hm_fail *fail)
{
	const struct target_box box = box_of(t, t->fd);

	return target_container_walk(t, &box, NULL, fail);
}

const struct target_form target_container = { "container image", walk, NULL };
