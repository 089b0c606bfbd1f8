/* Which secrets are held: it follows from what the runs so far sent and left on disk, read back from their files by the same code that
 * judges them. */
#include "trials_internal.h"

#include <arpa/inet.h>

#include "residue.h"

/* What the runs so far sent, and what they left on disk. */
struct comparison {
	struct hm_compare *sent, *kept;
};

static int read_kept(const struct hm_trials *e, struct hm_residue *residue, struct hm_tree *tree, unsigned run, struct hm_fail *fail)
{
	HM_FREE char *part = hm_core_run_part(run, "tree.cbor.zst");
	struct hm_record *record = NULL;
	struct hm_slice file;
	int r;

	if (!hm_parts_get(e->a->parts, part, &file))
		abort();
	r = hm_record_open(&record, file, fail);
	if (r == 0)
		r = hm_tree_read(tree, record, fail);
	if (r == 0)
		hm_residue_read(residue, tree);
	hm_record_close(record);
	return r;
}

int hm_trials_compare_kept(const struct hm_trials *e, struct hm_compare *compare, unsigned run, struct hm_fail *fail)
{
	HM_CLEANUP(hm_residue_release) struct hm_residue residue = { 0 };
	HM_CLEANUP(hm_tree_release) struct hm_tree tree = { 0 };
	const struct hm_flows none = { 0 };
	int r = read_kept(e, &residue, &tree, run, fail);

	if (r == 0)
		hm_compare_run(compare, &residue.features, &none, NULL);
	return r;
}

int hm_trials_compare(const struct hm_trials *e, struct hm_compare *compare, unsigned run, struct hm_fail *fail)
{
	HM_FREE char *part = hm_core_run_part(run, "packets.pcapng"), *events = hm_core_run_part(run, "record.cbor.zst");
	HM_CLEANUP(hm_told_release) struct hm_told told = { 0 };
	HM_CLEANUP(hm_flows_release) struct hm_flows flows = { 0 };
	HM_CLEANUP(hm_plains_release) struct hm_plains plains = { 0 };
	struct hm_features features;
	struct hm_slice packets, record;
	uint8_t address[4];
	int r;

	if (inet_pton(AF_INET, e->notes[run - 1].address, address) != 1 || !hm_parts_get(e->a->parts, part, &packets) ||
	    !hm_parts_get(e->a->parts, events, &record))
		abort();
	r = hm_flows_read(&flows, packets, address, fail);
	if (r == 0)
		r = hm_plains_read(&plains, &flows, true, fail);
	if (r == 0)
		r = hm_told_read(&told, &flows, &plains, record, fail);
	if (r < 0)
		return r;
	hm_features_read(&features, &flows, &plains, &told, true);
	hm_compare_run(compare, &features, &flows, NULL);
	hm_features_release(&features);
	return 0;
}

bool hm_trials_is_done(const struct hm_trials *e, unsigned block)
{
	return e->fate[2 * block - 2] == DONE && e->fate[2 * block - 1] == DONE;
}

int hm_trials_list(const struct hm_trials *e, unsigned first, unsigned last, const size_t *index, struct hm_compare_block *list,
		   unsigned *numbers, struct hm_fail *fail)
{
	int count = 0;

	for (unsigned b = first; b <= last; b++) {
		int level = hm_trials_level(e, b, 0, fail);

		if (level < 0)
			return level;
		if (!hm_trials_is_done(e, b))
			continue;
		if (numbers)
			numbers[count] = b;
		list[count++] = (struct hm_compare_block){ { index[2 * b - 2 + (unsigned)level], index[2 * b - 1 - (unsigned)level] } };
	}
	return count;
}

static void keep_suspects(struct hm_trials *e, const struct hm_compare *compare, const struct hm_compare_result *sent)
{
	e->suspects = hm_alloc(sent->count + 1, sizeof(*e->suspects));
	for (size_t i = 0; i < sent->count; i++) {
		struct hm_compare_account account;

		hm_compare_account(compare, sent->list[i].key, &account);
		if (!account.timing)
			e->suspects[e->suspect_count++] = (struct suspect){ hm_strdup(sent->list[i].endpoint), hm_strdup(sent->list[i].name) };
	}
}

/* Whether in a confirming block of the factor, which begins with `first`, a suspect differed. */
static int any_differs(const struct hm_trials *e, unsigned first, unsigned end, struct hm_fail *fail)
{
	struct hm_compare *compare = hm_compare_new();
	bool differs = false;
	int r = 0;

	for (unsigned block = first; block < end && r == 0; block++) {
		if (!hm_trials_is_done(e, block))
			continue;
		for (unsigned run = 2 * block - 1; run <= 2 * block && r == 0; run++)
			r = hm_trials_compare(e, compare, run, fail);
		if (r == 0)
			hm_compare_pair(compare, 0);
	}
	for (size_t i = 0; i < e->suspect_count && r == 0; i++) {
		size_t key = hm_compare_key(compare, e->suspects[i].endpoint, e->suspects[i].name);
		struct hm_compare_account account = { 0 };

		if (key != SIZE_MAX)
			hm_compare_account(compare, key, &account);
		differs |= account.differs != 0;
	}
	hm_compare_free(compare);
	return r < 0 ? r : differs;
}

int hm_trials_idle(const struct hm_trials *e, unsigned block, struct hm_fail *fail)
{
	unsigned place = (block - e->aa - e->screen - 1) % e->pairs, first = block - place, factor = (first - e->aa - e->screen - 1) / e->pairs;
	int differs;

	if (factor == 0 || strcmp(e->factors[factor], "content") == 0)
		return 0;
	if (place > 0 && e->fate[2 * block - 4] == SKIPPED)
		return 1;
	if (!e->suspected[factor])
		return place == 0;
	if (place != HM_EXPERIMENT_PROBE)
		return 0;
	differs = any_differs(e, first, block, fail);
	return differs < 0 ? differs : !differs;
}

static int hold(struct hm_trials *e, const struct comparison *c, const size_t *index, struct hm_fail *fail)
{
	HM_FREE struct hm_compare_block *list = hm_alloc(e->aa + e->screen, sizeof(*list));
	HM_FREE unsigned *numbers = hm_alloc(e->aa + e->screen, sizeof(*numbers));
	int same = hm_trials_list(e, 1, e->aa, index, list, numbers, fail);
	int other = hm_trials_list(e, e->aa + 1, e->aa + e->screen, index, list + e->aa, numbers, fail);
	const struct hm_compare_phase aa = { list, (size_t)same }, screen = { list + e->aa, (size_t)other };
	int r = 0;

	if (same < 0 || other < 0)
		return fail->code;
	if (!same || !other)
		return hm_fail_set(fail, HM_E_SYSTEM, "of the A/A or of the screening blocks none could be done");
	for (size_t i = 0; i < e->factor_count && r == 0; i++) {
		HM_CLEANUP(hm_compare_result_release) struct hm_compare_result sent = { 0 };
		HM_CLEANUP(hm_compare_result_release) struct hm_compare_result kept = { 0 };

		r = hm_compare_screen(c->sent, &aa, &screen, &sent, fail);
		/* Where nothing that left is suspect, it goes by what was left on disk. */
		if (r == 0 && !sent.count && strcmp(e->factors[i], "content") == 0)
			r = hm_compare_screen(c->kept, &aa, &screen, &kept, fail);
		e->held[i] = numbers[kept.count ? kept.held : sent.held];
		e->suspected[i] = sent.count || kept.count;
		if (r == 0 && i == 0)
			keep_suspects(e, c->sent, &sent);
	}
	e->screened = r == 0;
	return r;
}

int hm_trials_screen(struct hm_trials *e, struct hm_fail *fail)
{
	HM_FREE size_t *index = hm_alloc(2 * (size_t)(e->aa + e->screen), sizeof(*index));
	struct comparison c = { hm_compare_new(), hm_compare_new() };
	size_t count = 0;
	int r = 0;

	for (unsigned run = 1; run <= 2 * (e->aa + e->screen) && r == 0; run++) {
		if (!hm_trials_is_done(e, (run + 1) / 2))
			continue;
		index[run - 1] = count++;
		r = hm_trials_compare(e, c.sent, run, fail);
		if (r == 0)
			r = hm_trials_compare_kept(e, c.kept, run, fail);
	}
	if (r == 0)
		r = hold(e, &c, index, fail);
	hm_compare_free(c.sent);
	hm_compare_free(c.kept);
	return r;
}

/* The digest of everything that the run left. */
static int whole_of(const struct hm_trials *e, uint8_t whole[HM_SHA256_LEN], bool *unread, unsigned run, struct hm_fail *fail)
{
	HM_CLEANUP(hm_residue_release) struct hm_residue residue = { 0 };
	HM_CLEANUP(hm_tree_release) struct hm_tree tree = { 0 };
	const struct hm_feature *all;
	int r = read_kept(e, &residue, &tree, run, fail);

	if (r < 0)
		return r;
	all = hm_features_find(&residue.features, HM_RESIDUE_ENDPOINT, "all");
	if (!all || all->bytes.len != HM_SHA256_LEN)
		abort();
	memcpy(whole, all->bytes.data, HM_SHA256_LEN);
	*unread |= residue.unread > 0;
	return 0;
}

int hm_trials_kept(const struct hm_trials *e, bool *differs, struct hm_fail *fail)
{
	unsigned before = e->aa + e->screen + (unsigned)e->content * e->pairs;
	int r = 0;

	*differs = false;
	/* Files that were not read are looked for in all runs, as the judge does. */
	for (unsigned run = 1; run <= 2 * e->fresh && r == 0; run++) {
		unsigned block = (run + 1) / 2;
		uint8_t whole[2][HM_SHA256_LEN] = { 0 };

		if (e->fate[run - 1] != DONE)
			continue;
		r = whole_of(e, whole[0], differs, run, fail);
		if (r < 0 || run % 2 == 0 || !hm_trials_is_done(e, block) || block <= before || block > before + e->pairs)
			continue;
		r = whole_of(e, whole[1], differs, run + 1, fail);
		*differs |= memcmp(whole[0], whole[1], HM_SHA256_LEN) != 0;
	}
	return r;
}
