/* What a receipt can show by itself is looked at whether there is a policy or not; that a log is shown to others too, only witnesses can. */
#include "verify_log.h"

#include "attest.h"
#include "verify_internal.h"

#define CLOCKS_S 10 /* two clocks that are kept right differ by less */

/* All that a bundle says of logs. */
struct material {
	struct envelopes envelopes;
	struct hm_logged attested[HM_SIGNERS_MAX];
	bool has[HM_SIGNERS_MAX];
	size_t count;
	struct hm_logged plan;
	bool has_plan;
};

static void release(struct material *m)
{
	for (size_t i = 0; i < HM_SIGNERS_MAX; i++)
		hm_logged_release(&m->attested[i]);
	hm_logged_release(&m->plan);
	hm_verify_envelopes_release(&m->envelopes);
}

static size_t receipt_parts(const struct hm_parts *parts)
{
	size_t count = 0;

	for (size_t i = 0; i < hm_parts_count(parts); i++) {
		const char *name = hm_parts_at(parts, i, NULL);

		count += strncmp(name, "attestation-", 12) == 0 && strcmp(name + strlen(name) - strlen(".tlog-proof"), ".tlog-proof") == 0;
	}
	return count;
}

int hm_verify_receipt_of(struct hm_logged *out, const struct hm_parts *parts, const struct envelope *e, struct hm_fail *fail)
{
	HM_FREE char *name = hm_attest_receipt_name(e->keyid);
	struct hm_slice receipt;
	int r;

	if (!name || !hm_parts_get(parts, name, &receipt))
		return 0;
	r = hm_logged_attestation(out, receipt, hm_slice_of(&e->statement), e->keyid, hm_slice_of(&e->signature), fail);
	return r < 0 ? hm_fail_in(fail, "%s", name) : 1;
}

static bool signed_by(const struct material *m, const char *keyid)
{
	for (size_t i = 0; i < m->envelopes.count; i++)
		if (strcmp(m->envelopes.list[i].keyid, keyid) == 0)
			return true;
	return false;
}

static int read_plan(struct material *m, const struct hm_parts *parts, struct hm_fail *fail)
{
	struct hm_slice receipt, plan = { 0 };
	int r;

	if (!hm_parts_get(parts, HM_PLAN_RECEIPT, &receipt))
		return 0;
	hm_parts_get(parts, "plan.json", &plan);
	r = hm_logged_plan(&m->plan, receipt, plan, fail);
	if (r < 0)
		return hm_fail_in(fail, HM_PLAN_RECEIPT);
	m->has_plan = true;
	if (!signed_by(m, m->plan.keyid))
		return hm_fail_set(fail, HM_E_BAD, HM_PLAN_RECEIPT ": key %s signed the plan, and not this bundle", m->plan.keyid);
	return 0;
}

static int read_material(struct material *m, const struct hm_parts *parts, struct hm_fail *fail)
{
	struct hm_slice text;
	int r = 0;

	if (hm_parts_get(parts, HM_ATTESTATIONS, &text))
		r = hm_verify_envelopes(&m->envelopes, text, fail);
	for (size_t i = 0; i < m->envelopes.count && r >= 0; i++) {
		r = hm_verify_receipt_of(&m->attested[i], parts, &m->envelopes.list[i], fail);
		m->has[i] = r == 1;
		m->count += r == 1;
	}
	if (r >= 0 && receipt_parts(parts) != m->count)
		r = hm_fail_set(fail, HM_E_BAD, "there are receipts without an envelope");
	return r < 0 ? r : read_plan(m, parts, fail);
}

void hm_verify_receipts(struct check *c)
{
	HM_CLEANUP(release) struct material m = { .count = 0 };
	struct hm_fail fail = { 0 };

	if (read_material(&m, c->parts, &fail) < 0)
		hm_verify_say(c->v, "log", HM_CHECK_FALSE, "%s", fail.text);
	else if (!m.count && !m.has_plan)
		hm_verify_say(c->v, "log", HM_CHECK_UNCHECKED, "no log material: nothing shows that this was the only attempt");
	else
		hm_verify_say(c->v, "log", HM_CHECK_UNCHECKED, "%zu receipts hold together, and no --log says which log and witnesses to trust: nothing shows that "
							       "others see this log, nor that this was the only attempt",
			      m.count + m.has_plan);
}

/* HM_E_BAD with what the receipt lacks under the policy. */
static int check_receipt(struct hm_policy_outcome *o, const struct hm_logged *logged, const struct hm_policy *policy, struct hm_fail *fail)
{
	int r = hm_receipt_check(o, &logged->receipt, &logged->leaf, policy, fail);

	if (r == 0 && !o->quorum)
		r = hm_fail_set(fail, HM_E_BAD, "the quorum of the policy has not cosigned: nothing shows that others see the log that was shown here");
	return r;
}

static void put_witnesses(struct hm_bytes *out, const struct hm_policy_outcome *o)
{
	if (!o->demands)
		hm_bytes_text(out, ", and the policy asks for no witness: nothing shows that others see the same log");
	for (size_t i = 0; i < o->witnesses; i++)
		hm_bytes_printf(out, "%s%s", i ? ", " : ", cosigned by ", o->by[i]->name);
}

static void check_attestations(struct hm_verify *v, const struct material *m, const struct hm_policy *policy)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	struct hm_policy_outcome o;
	struct hm_fail fail = { 0 };

	if (!m->count) {
		hm_verify_say(v, "log", HM_CHECK_FALSE, "%s", m->envelopes.count ? "no attestation of this bundle was logged" : "there is no attestation that could be in a log");
		return;
	}
	for (size_t i = 0; i < m->envelopes.count; i++) {
		if (!m->has[i]) {
			hm_bytes_printf(&text, "%sthe attestation by key %s was not logged", text.len ? "; " : "", m->envelopes.list[i].keyid);
			continue;
		}
		if (check_receipt(&o, &m->attested[i], policy, &fail) < 0) {
			hm_verify_say(v, "log", HM_CHECK_FALSE, "the attestation by key %s: %s", m->envelopes.list[i].keyid, fail.text);
			return;
		}
		hm_bytes_printf(&text, "%sthe attestation by key %s is entry %llu of %s", text.len ? "; " : "", m->envelopes.list[i].keyid,
				(unsigned long long)m->attested[i].receipt.index, o.log->name);
		put_witnesses(&text, &o);
	}
	hm_verify_say(v, "log", HM_CHECK_HOLDS, "%.*s", (int)text.len, (const char *)text.data);
}

/* From the first run's start to the last one's end, as the assessor's clock had it. */
static uint64_t runs_took_s(const struct hm_parts *parts)
{
	HM_JSON json_t *assessment = NULL;
	json_int_t first = INT64_MAX, last = 0;
	struct hm_slice text = { 0 };
	json_t *run;
	size_t i;

	hm_parts_get(parts, "assessment.json", &text);
	if (hm_json_parse_canonical(&assessment, text, "assessment.json", NULL) < 0)
		return 0; /* a row of its own says so */
	json_array_foreach(json_object_get(assessment, "runs"), i, run) {
		json_int_t start = json_integer_value(json_object_get(run, "start_us")), end = json_integer_value(json_object_get(run, "end_us"));

		first = start < first ? start : first;
		last = end > last ? end : last;
	}
	return last > first ? (uint64_t)(last - first) / 1000000 : 0;
}

static uint64_t extreme_time(const struct hm_policy_outcome *o, bool latest)
{
	uint64_t time = o->witnesses ? o->time[0] : 0;

	for (size_t i = 1; i < o->witnesses; i++)
		if (latest ? o->time[i] > time : o->time[i] < time)
			time = o->time[i];
	return time;
}

/* The plan was cosigned before the attestation was logged, and between the two there was time for the runs. */
static int check_order(const struct hm_verify *v, const struct hm_logged *plan, const struct hm_policy_outcome *planned, const struct hm_logged *attested,
		       const struct hm_policy_outcome *done, struct hm_bytes *text, struct hm_fail *fail)
{
	uint64_t from = extreme_time(planned, true), to = extreme_time(done, false), took = runs_took_s(v->parts);

	if (planned->log == done->log && plan->size > attested->receipt.index)
		return hm_fail_set(fail, HM_E_BAD, "the plan's checkpoint has %llu entries, and the attestation is entry %llu: the plan was not logged before the runs",
				   (unsigned long long)plan->size, (unsigned long long)attested->receipt.index);
	if (!from || !to) {
		hm_bytes_text(text, "; no witness tells when");
		return 0;
	}
	if (to + CLOCKS_S < from + took)
		return hm_fail_set(fail, HM_E_BAD, "the runs took %llu s, and witnesses saw plan and attestation within %lld s: the plan was not logged before them",
				   (unsigned long long)took, (long long)(to - from));
	hm_bytes_printf(text, "; witnesses saw it at %llu, and the attestation %lld s later (the runs took %llu s)", (unsigned long long)from, (long long)(to - from),
			(unsigned long long)took);
	return 0;
}

static void check_plan(struct hm_verify *v, const struct material *m, const struct hm_policy *policy)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	struct hm_policy_outcome planned, done;
	struct hm_fail fail = { 0 };
	int r;

	if (!m->has_plan) {
		hm_verify_say(v, "plan log", HM_CHECK_UNCHECKED, "the plan was not logged before the runs: nothing shows that this was the only attempt");
		return;
	}
	r = check_receipt(&planned, &m->plan, policy, &fail);
	if (r == 0)
		hm_bytes_printf(&text, "the plan is entry %llu of %s", (unsigned long long)m->plan.receipt.index, planned.log->name);
	for (size_t i = 0; i < m->envelopes.count && r == 0; i++) {
		if (!m->has[i] || strcmp(m->envelopes.list[i].keyid, m->plan.keyid) != 0)
			continue;
		r = check_receipt(&done, &m->attested[i], policy, &fail);
		if (r == 0)
			r = check_order(v, &m->plan, &planned, &m->attested[i], &done, &text, &fail);
	}
	if (r < 0)
		hm_verify_say(v, "plan log", HM_CHECK_FALSE, "%s", fail.text);
	else
		hm_verify_say(v, "plan log", HM_CHECK_HOLDS, "%.*s. Other attempts by key %s would stand in that log, and are to be looked for there", (int)text.len,
			      (const char *)text.data, m->plan.keyid);
}

void hm_verify_log(struct hm_verify *v, const struct hm_policy *policy)
{
	HM_CLEANUP(release) struct material m = { .count = 0 };
	struct hm_fail fail = { 0 };

	if (!v->parts)
		return; /* its row says why */
	if (read_material(&m, v->parts, &fail) < 0) {
		hm_verify_say(v, "log", HM_CHECK_FALSE, "%s", fail.text);
		return;
	}
	check_attestations(v, &m, policy);
	check_plan(v, &m, policy);
}
