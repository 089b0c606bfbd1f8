#include "replications.h"

#include "fs.h"
#include "replication.h"

struct one {
	struct hm_map map;
	struct hm_verify verified;
	char of[65];
	bool held; /* against the bundle that it replicates */
};

struct all {
	struct one *list;
	size_t count;
};

static void release(struct all *all)
{
	for (size_t i = 0; i < all->count; i++) {
		hm_verify_release(&all->list[i].verified);
		hm_fs_unmap(&all->list[i].map);
	}
	free(all->list);
}

static void say_signers(struct hm_bytes *out, uint64_t signers, const struct hm_replications *r)
{
	const char *before = ", signed by ";

	for (size_t i = 0; i < r->key_count && i < 64; i++)
		if (signers >> i & 1) {
			hm_bytes_printf(out, "%s%s", before, hm_pubkey_id(r->keys[i]));
			before = ", ";
		}
	if (!signers)
		hm_bytes_text(out, ", by no key that was given");
	hm_bytes_u8(out, 0);
}

/* Holds one against the bundle that it names. Returns the keys by which it counts. */
static uint64_t hold(struct hm_verify *first, const struct hm_verify *of, struct one *one, const char *path, const struct hm_replications *r)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes signers = { 0 };
	struct hm_fail fail = { 0 };
	bool counts;
	int code = hm_replication_check(&counts, of, &one->verified, &fail);

	if (code < 0) {
		hm_verify_say(first, "replication", code == HM_E_UNKNOWN ? HM_CHECK_UNCHECKED : HM_CHECK_FALSE, "%s: %s", path, fail.text);
		return 0;
	}
	one->held = true;
	say_signers(&signers, one->verified.signers, r);
	hm_verify_say(first, "replication", HM_CHECK_HOLDS, "%s: sha256:%.16s... of sha256:%.16s...: %s%s", path, one->verified.bundle_id,
		      of->bundle_id, counts ? "the same verdicts and influence" : "it does NOT agree, or is not of the same product or design",
		      (const char *)signers.data);
	return counts ? one->verified.signers : 0;
}

static const struct hm_verify *find(const struct hm_verify *first, const struct all *all, const char *id)
{
	if (strcmp(first->bundle_id, id) == 0)
		return first;
	for (size_t i = 0; i < all->count; i++)
		if (all->list[i].held && strcmp(all->list[i].verified.bundle_id, id) == 0)
			return &all->list[i].verified;
	return NULL;
}

/* From the first outwards: whoever replicates a replication waits for that to hold. */
static uint64_t hold_all(struct hm_verify *first, struct all *all, const struct hm_replications *r)
{
	uint64_t keys = 0;
	bool *done = hm_alloc(all->count + 1, sizeof(*done)), more = true;

	while (more) {
		more = false;
		for (size_t i = 0; i < all->count; i++) {
			const struct hm_verify *of = done[i] ? NULL : find(first, all, all->list[i].of);

			if (!of || of == &all->list[i].verified)
				continue;
			done[i] = more = true;
			keys |= hold(first, of, &all->list[i], r->path[i], r);
		}
	}
	for (size_t i = 0; i < all->count; i++)
		if (!done[i])
			hm_verify_say(first, "replication", HM_CHECK_FALSE, "%s replicates neither this bundle nor one that was given and holds", r->path[i]);
	free(done);
	return keys;
}

static int take(struct one *one, struct hm_verify *first, const char *path, const struct hm_replications *r, struct hm_fail *fail)
{
	const struct hm_verify_row *bad;
	int code = hm_fs_map(&one->map, path, fail);

	if (code == 0)
		code = hm_verify_bundle(&one->verified, one->map.bytes, r->keys, r->key_count, NULL, 0, fail);
	if (code < 0)
		return code;
	bad = hm_verify_first_false(&one->verified);
	if (bad)
		hm_verify_say(first, "replication", HM_CHECK_FALSE, "%s: %s: %s", path, bad->name, bad->detail);
	else if (!hm_replication_of(one->of, one->verified.parts))
		hm_verify_say(first, "replication", HM_CHECK_FALSE, "%s: it does not say whose replication it is", path);
	else
		return 1;
	return 0;
}

int hm_replications_check(struct hm_verify *first, const struct hm_replications *r, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct all all = { .list = hm_alloc(r->count + 1, sizeof(*all.list)) };
	HM_FREE const char **path = hm_alloc(r->count + 1, sizeof(*path));
	struct hm_replications sound = *r;
	unsigned count;

	sound.path = path;
	for (size_t i = 0; i < r->count; i++) {
		struct one *one = &all.list[all.count];
		int code = take(one, first, r->path[i], r, fail);

		if (code == 1) {
			path[all.count++] = r->path[i];
			continue;
		}
		hm_verify_release(&one->verified);
		hm_fs_unmap(&one->map);
		*one = (struct one){ 0 };
		if (code < 0)
			return code;
	}
	sound.count = all.count;
	/* Who signed the first has said what he has to say. */
	count = (unsigned)__builtin_popcountll(hold_all(first, &all, &sound) & ~first->signers);
	if (r->demanded)
		hm_verify_say(first, "replicated", count >= r->demanded ? HM_CHECK_HOLDS : HM_CHECK_FALSE,
			      "%u of the %u keys demanded, none of which signed this bundle, signed a replication that agrees", count, r->demanded);
	return 0;
}
