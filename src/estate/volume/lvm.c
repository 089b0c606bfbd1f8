/* LVM2: labels, areas of metadata, the text in them. */
#include "lvm.h"
#include "lvm_text.h"
#include "volume_internal.h"

#include <stdlib.h>

#define SECTOR 512u
#define TEXT_MAX ((uint64_t)8 << 20)
#define DEVICES_MAX 64
#define VOLUMES_MAX 4096
#define SEGMENTS_MAX 65536
#define STRIPES_MAX 128

struct device {
	struct hm_volume_from from;
	char id[33];
	uint64_t text_at, text_size; /* of its metadata */
};

struct segment {
	uint64_t start, length, stripe; /* bytes; `stripe`: of one piece */
	size_t stripes;
	struct {
		const struct device *device;
		uint64_t at;
	} on[STRIPES_MAX];
};

struct volume {
	struct hm_lvm_volume shown;
	char *group, *name, *why;
	struct segment **segment;
	size_t segments;
};

struct hm_lvm {
	struct device device[DEVICES_MAX];
	size_t devices;
	struct volume **volume;
	size_t volumes;
	char *done[DEVICES_MAX]; /* groups that were read */
	size_t dones;
};

static bool all(const struct hm_volume_from *from, uint64_t at, void *to, size_t len)
{
	for (size_t have = 0; have < len;) {
		ssize_t got = at + have < from->size ? from->read(from->cookie, at + have, (uint8_t *)to + have, len - have) : 0;

		if (got <= 0)
			return false;
		have += (size_t)got;
	}
	return true;
}

/* Where the current text is, by the first area of metadata that has one. */
static void metadata(struct device *d, uint64_t at, uint64_t size)
{
	uint8_t head[SECTOR];
	uint64_t offset, len;

	if (d->text_size || size < SECTOR || !all(&d->from, at, head, sizeof(head)) || memcmp(head + 4, " LVM2 x[5A%r0N*>", 16) != 0)
		return;
	offset = volume_le(head + 40, 8);
	len = volume_le(head + 48, 8);
	/* A ring: what goes over its end goes on behind the header. Texts that do are read in two pieces by `text_of`. */
	if (offset < SECTOR || offset >= size || len == 0 || len > TEXT_MAX || len > size - SECTOR || volume_le(head + 32, 8) != size)
		return;
	d->text_at = at;
	d->text_size = len;
}

static bool label(struct device *d)
{
	uint8_t head[4 * SECTOR];
	unsigned lists = 0;

	if (!all(&d->from, 0, head, sizeof(head)))
		return false;
	for (unsigned i = 0; i < 4; i++) {
		const uint8_t *at = head + i * SECTOR;
		uint64_t offset = volume_le(at + 20, 4);

		if (memcmp(at, "LABELONE", 8) != 0 || memcmp(at + 24, "LVM2 001", 8) != 0 || offset > SECTOR - 56)
			continue;
		memcpy(d->id, at + offset, 32);
		for (size_t p = offset + 40; p + 16 <= SECTOR && lists < 2; p += 16) {
			uint64_t where = volume_le(at + p, 8);

			if (where == 0)
				lists++;
			else if (lists == 1)
				metadata(d, where, volume_le(at + p + 8, 8));
		}
		return true;
	}
	return false;
}

static struct lvm_text *text_of(const struct device *d)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	uint8_t head[SECTOR];
	uint64_t offset, size, first;

	if (!d->text_size || !all(&d->from, d->text_at, head, sizeof(head)))
		return NULL;
	offset = volume_le(head + 40, 8);
	size = volume_le(head + 32, 8);
	first = d->text_size < size - offset ? d->text_size : size - offset;
	if (!all(&d->from, d->text_at + offset, hm_bytes_reserve(&text, d->text_size), (size_t)first) ||
	    (first < d->text_size && !all(&d->from, d->text_at + SECTOR, text.data + first, (size_t)(d->text_size - first))))
		return NULL;
	text.len = d->text_size;
	return lvm_text_read(hm_slice_of(&text));
}

static const struct device *by_name(const struct hm_lvm *l, const struct lvm_text *group, const char *name)
{
	const char *id = lvm_text_value(lvm_text_at(lvm_text_at(group, "physical_volumes"), name), "id");
	char plain[33] = "";
	size_t n = 0;

	for (; *id && n < 32; id++)
		if (*id != '-')
			plain[n++] = *id;
	for (size_t i = 0; n == 32 && i < l->devices; i++)
		if (memcmp(l->device[i].id, plain, 32) == 0)
			return &l->device[i];
	return NULL;
}

/* One segment, or why it cannot be read. */
static const char *segment(const struct hm_lvm *l, const struct lvm_text *group, const struct lvm_text *text, struct segment *s)
{
	uint64_t extent = lvm_text_number(group, "extent_size") * SECTOR, most = UINT64_MAX / 4;
	const struct lvm_text *on = lvm_text_at(text, "stripes");
	uint64_t start = lvm_text_number(text, "start_extent"), count = lvm_text_number(text, "extent_count");

	if (strcmp(lvm_text_value(text, "type"), "striped") != 0)
		return "it is of a kind that is not read";
	if (extent == 0 || extent > (uint64_t)1 << 40 || start > most / extent || count > most / extent)
		return "its sizes are impossible";
	s->start = start * extent;
	s->length = count * extent;
	s->stripe = lvm_text_number(text, "stripe_size") * SECTOR;
	for (on = on ? on->first : NULL; on && on->next; on = on->next->next) {
		const struct device *d = on->value ? by_name(l, group, on->value) : NULL;
		uint64_t first = lvm_text_number(lvm_text_at(lvm_text_at(group, "physical_volumes"), on->value ? on->value : ""), "pe_start");
		uint64_t at = on->next->value ? strtoull(on->next->value, NULL, 10) : most;

		if (!d)
			return "a part of it is on a disk that is not here";
		if (s->stripes == STRIPES_MAX || at > most / extent || first > most / SECTOR)
			return "its sizes are impossible";
		s->on[s->stripes].device = d;
		s->on[s->stripes++].at = first * SECTOR + at * extent;
	}
	return s->stripes == 0 || (s->stripes > 1 && s->stripe == 0) ? "its stripes are damaged" : NULL;
}

static ssize_t read_volume(void *cookie, uint64_t at, void *to, size_t len)
{
	const struct volume *v = cookie;

	for (size_t i = 0; i < v->segments; i++) {
		const struct segment *s = v->segment[i];
		uint64_t in = at - s->start, left = s->length - in, row;
		size_t on = 0;

		if (at < s->start || in >= s->length)
			continue;
		if (s->stripes > 1) {
			row = in / s->stripe;
			on = (size_t)(row % s->stripes);
			left = s->stripe - in % s->stripe;
			in = row / s->stripes * s->stripe + in % s->stripe;
		}
		return s->on[on].device->from.read(s->on[on].device->from.cookie, s->on[on].at + in, to, len < left ? len : (size_t)left);
	}
	return 0;
}

static bool is_visible(const struct lvm_text *text)
{
	const struct lvm_text *status = lvm_text_at(text, "status");

	for (status = status ? status->first : NULL; status; status = status->next)
		if (status->value && strcmp(status->value, "VISIBLE") == 0)
			return true;
	return false;
}

/* Where a snapshot keeps what differs: no volume that could be read by itself. */
static bool is_store(const struct lvm_text *volumes, const char *name)
{
	for (const struct lvm_text *v = volumes ? volumes->first : NULL; v; v = v->next)
		if (strcmp(lvm_text_value(lvm_text_at(v, "segment1"), "cow_store"), name) == 0)
			return true;
	return false;
}

static struct volume *add(struct hm_lvm *l, const struct lvm_text *group, const char *name)
{
	struct volume *v = hm_alloc(1, sizeof(*v));

	l->volume = hm_realloc(l->volume, l->volumes + 1, sizeof(*l->volume));
	l->volume[l->volumes++] = v;
	v->group = hm_strdup(group->key);
	v->name = hm_strdup(name);
	v->shown = (struct hm_lvm_volume){ v->group, v->name, NULL, { read_volume, v, 0 } };
	return v;
}

static void one(struct hm_lvm *l, const struct lvm_text *group, const struct lvm_text *text)
{
	struct volume *v = add(l, group, text->key);
	const char *why = is_store(lvm_text_at(group, "logical_volumes"), text->key) ? "it is a snapshot, which is not read" : NULL;

	for (const struct lvm_text *s = text->first; s && !why; s = s->next) {
		if (!s->key || strncmp(s->key, "segment", 7) != 0 || !s->first)
			continue;
		if (v->segments == SEGMENTS_MAX) {
			why = "it is in too many pieces";
			break;
		}
		v->segment = hm_realloc(v->segment, v->segments + 1, sizeof(*v->segment));
		v->segment[v->segments] = hm_alloc(1, sizeof(**v->segment));
		why = segment(l, group, s, v->segment[v->segments++]);
		if (why && strcmp(why, "it is of a kind that is not read") == 0)
			v->why = hm_sprintf("%s (%.60s)", why, lvm_text_value(s, "type"));
		if (!why && v->segment[v->segments - 1]->start + v->segment[v->segments - 1]->length > v->shown.from.size)
			v->shown.from.size = v->segment[v->segments - 1]->start + v->segment[v->segments - 1]->length;
	}
	v->shown.why = v->why ? v->why : why ? why : v->segments == 0 ? "it has no pieces" : NULL;
}

static bool is_done(struct hm_lvm *l, const char *id)
{
	for (size_t i = 0; i < l->dones; i++)
		if (strcmp(l->done[i], id) == 0)
			return true;
	l->done[l->dones++] = hm_strdup(id);
	return false;
}

/* All volumes of the groups in a device's text, unless another device of the group was before it. */
static bool groups(struct hm_lvm *l, const struct device *d)
{
	struct lvm_text *text = text_of(d);
	bool any = false;

	for (const struct lvm_text *g = text ? text->first : NULL; g; g = g->next) {
		const struct lvm_text *volumes = lvm_text_at(g, "logical_volumes");

		if (!g->first || !lvm_text_at(g, "physical_volumes") || l->dones == DEVICES_MAX)
			continue;
		any = true;
		if (is_done(l, lvm_text_value(g, "id")))
			break;
		for (const struct lvm_text *v = volumes ? volumes->first : NULL; v && l->volumes < VOLUMES_MAX; v = v->next)
			if (v->key && v->first && is_visible(v))
				one(l, g, v);
		break;
	}
	lvm_text_free(text);
	return any;
}

int hm_lvm_open(struct hm_lvm **ret, const struct hm_volume_from *device, size_t count, struct hm_fail *fail)
{
	HM_CLEANUP(hm_lvm_cleanup) struct hm_lvm *l = hm_alloc(1, sizeof(*l));
	bool any = false;

	for (size_t i = 0; i < count && l->devices < DEVICES_MAX; i++) {
		l->device[l->devices].from = device[i];
		l->devices += label(&l->device[l->devices]);
	}
	for (size_t i = 0; i < l->devices; i++)
		any = groups(l, &l->device[i]) || any;
	if (!any)
		return hm_fail_set(fail, HM_E_BAD, "no metadata of a volume group that can be understood");
	*ret = hm_take_ptr(&l);
	return 0;
}

void hm_lvm_cleanup(struct hm_lvm **lvm)
{
	struct hm_lvm *l = *lvm;

	for (size_t i = 0; l && i < l->volumes; i++) {
		struct volume *v = l->volume[i];

		for (size_t j = 0; j < v->segments; j++)
			free(v->segment[j]);
		free(v->segment);
		free(v->group);
		free(v->name);
		free(v->why);
		free(v);
	}
	for (size_t i = 0; l && i < l->dones; i++)
		free(l->done[i]);
	if (l)
		free(l->volume);
	free(l);
}

size_t hm_lvm_count(const struct hm_lvm *l)
{
	return l->volumes;
}

const struct hm_lvm_volume *hm_lvm_volume(const struct hm_lvm *l, size_t i)
{
	return &l->volume[i]->shown;
}
