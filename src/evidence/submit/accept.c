/* What is in the log already is known by its leaf hash, so that whoever got no answer can ask again: an entry stands in it once. The hashes are read from the log's
 * own tiles, of all entries when it is opened, of the new ones afterwards. */
#include "accept.h"

#include "folder.h"
#include "merkle.h"

/* Open addressing: index + 1 of the entry whose leaf hash begins there; 0 is free. */
struct places {
	struct hm_sha256 *leaf; /* by index */
	uint64_t count, room;
	uint64_t *slot;
	uint64_t slots; /* a power of two, more than twice `count` */
};

struct hm_accept {
	char *path, *key, *origin;
	const struct hm_policy *policy;
	struct hm_pubkey *const *keys;
	size_t key_count;
	struct hm_log *log; /* NULL: to be opened again */
	int folder;
	struct places places;
};

void hm_accept_close(struct hm_accept *accept)
{
	if (!accept)
		return;
	hm_log_close(accept->log);
	if (accept->folder >= 0)
		close(accept->folder);
	free(accept->places.leaf);
	free(accept->places.slot);
	free(accept->path);
	free(accept->key);
	free(accept->origin);
	free(accept);
}

void hm_accept_cleanup(struct hm_accept **accept)
{
	hm_accept_close(*accept);
}

/* Where this leaf stands or would stand: hashes of SHA-256 are spread as they are. */
static uint64_t slot_of(const struct places *p, const struct hm_sha256 *leaf)
{
	uint64_t at;

	memcpy(&at, leaf->b, sizeof(at));
	for (at &= p->slots - 1; p->slot[at]; at = (at + 1) & (p->slots - 1))
		if (memcmp(&p->leaf[p->slot[at] - 1], leaf, sizeof(*leaf)) == 0)
			break;
	return at;
}

static void put_in(struct places *p, uint64_t index)
{
	uint64_t at = slot_of(p, &p->leaf[index]);

	if (!p->slot[at]) /* of equal entries the first counts */
		p->slot[at] = index + 1;
}

static void grow(struct places *p)
{
	p->room = p->room ? 2 * p->room : 1024;
	p->slots = 4 * p->room;
	p->leaf = hm_realloc(p->leaf, p->room, sizeof(*p->leaf));
	free(p->slot);
	p->slot = hm_alloc(p->slots, sizeof(*p->slot));
	for (uint64_t i = 0; i < p->count; i++)
		put_in(p, i);
}

/* Reads the leaves that are new. */
static int catch_up(struct hm_accept *a, struct hm_fail *fail)
{
	HM_CLEANUP(hm_tree_cleanup) struct hm_tree *tree = hm_tree_open(hm_folder_source(&a->folder), hm_log_size(a->log));
	struct places *p = &a->places;
	int r = 0;

	while (r == 0 && p->count < hm_log_size(a->log)) {
		if (p->count == p->room)
			grow(p);
		r = hm_tree_leaf(tree, p->count, &p->leaf[p->count], fail);
		if (r == 0)
			put_in(p, p->count++);
	}
	return r;
}

static int open_log(struct hm_accept *a, struct hm_fail *fail)
{
	int r = hm_log_open(&a->log, a->path, a->key, a->policy, fail);

	return r < 0 ? r : catch_up(a, fail);
}

int hm_accept_open(struct hm_accept **ret, const char *folder, const char *key, const struct hm_policy *policy, struct hm_pubkey *const *keys, size_t count, struct hm_fail *fail)
{
	HM_CLEANUP(hm_accept_cleanup) struct hm_accept *a = hm_alloc(1, sizeof(*a));
	int r;

	*a = (struct hm_accept){ .path = hm_strdup(folder), .key = hm_strdup(key), .policy = policy, .keys = keys, .key_count = count, .folder = hm_folder_open(folder, fail) };
	if (a->folder < 0)
		return a->folder;
	grow(&a->places);
	r = open_log(a, fail);
	if (r == 0)
		a->origin = hm_strdup(hm_log_key(a->log)->name);
	if (r == 0)
		*ret = hm_take_ptr(&a);
	return r;
}

static bool may_submit(const struct hm_accept *a, const struct hm_submission *s)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes message = { 0 };

	for (size_t i = 0; i < a->key_count; i++) {
		if (strcmp(hm_pubkey_id(a->keys[i]), hm_pubkey_id(s->key)) != 0)
			continue;
		hm_submission_message(&message, a->origin, s->entry);
		return hm_signature_check(a->keys[i], hm_slice_of(&message), hm_slice_of(&s->signature), true);
	}
	return false;
}

/* Puts it in the log unless it is there; the receipt is appended. */
static int place(struct hm_accept *a, struct hm_slice entry, struct hm_bytes *receipt, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes note = { 0 };
	struct hm_tile_source source = hm_folder_source(&a->folder);
	struct hm_sha256 leaf;
	uint64_t index, there;
	int r = 0;

	hm_merkle_leaf(&leaf, &entry, 1);
	there = a->places.slot[slot_of(&a->places, &leaf)];
	index = there - 1;
	if (!there) {
		r = hm_log_append(a->log, &entry, 1, &index, fail);
		if (r == 0)
			r = catch_up(a, fail);
	}
	if (r == 0)
		r = hm_folder_checkpoint(source, &note, fail);
	return r < 0 ? r : hm_folder_receipt(source, hm_slice_of(&note), index, (struct hm_slice){ 0 }, receipt, fail);
}

int hm_accept_take(struct hm_accept *a, struct hm_slice body, struct hm_bytes *answer)
{
	HM_CLEANUP(hm_submission_release) struct hm_submission submission = { 0 };
	struct hm_fail fail = { 0 };
	int r = hm_submission_read(&submission, body, &fail);

	if (r < 0) {
		hm_bytes_printf(answer, "%s\n", fail.text);
		return 400;
	}
	if (!may_submit(a, &submission)) {
		hm_bytes_printf(answer, "the key is none that may submit, or the signature is not its own\n");
		return 403;
	}
	if (!a->log)
		r = open_log(a, &fail);
	if (r == 0)
		r = place(a, submission.entry, answer, &fail);
	if (r == 0)
		return 200;
	hm_log_close(a->log);
	a->log = NULL;
	answer->len = 0;
	hm_bytes_printf(answer, "%s\n", fail.text);
	return 503;
}
