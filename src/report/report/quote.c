/* The sentences that a person would quote of an experiment. The words stand in reasons.def; here it is decided which, by the findings
 * alone: the verdict of a factor's claim, what was confirmed, and what is unaccounted for. */
#include "report_internal.h"

#define FIELDS_NAMED 3	  /* in one sentence */
#define ENDPOINTS_NAMED 3 /* with a sentence each */
#define ENDINGS_NAMED 12  /* of names asked for */

static json_t *number(uint64_t n)
{
	return json_integer((json_int_t)(n > INT64_MAX ? INT64_MAX : n));
}

/* Sets a text that may hold anything but is UTF-8, since it comes from JSON or from us. */
static void set_bytes(json_t *values, const char *name, const struct hm_bytes *text)
{
	json_object_set_new(values, name, json_stringn((const char *)text->data, text->len));
}

static json_t *values_of(const struct report_experiment *x, const struct report_factor *f)
{
	json_t *values = json_object();

	json_object_set_new(values, "product", json_string(x->view->name));
	json_object_set_new(values, "factor", json_string(report_say("factor", f->name)));
	json_object_set_new(values, "pairs", number(f->confirm.count));
	json_object_set_new(values, "screened", number(x->screened));
	json_object_set_new(values, "wire", number(x->wire));
	json_object_set_new(values, "unaccounted", number(x->unaccounted));
	return values;
}

void report_quote_feature(struct hm_bytes *out, const struct report_influence *item)
{
	if (!item->proven)
		report_field(out, item->feature);
	else
		hm_bytes_text(out, report_say("found", strstr(item->feature, "digest.") ? "digest" : strstr(item->feature, "copy") ? "copy" : "token"));
}

static void put_field(struct hm_bytes *out, const struct report_influence *item, bool first)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes field = { 0 };
	HM_JSON json_t *values = json_object();

	report_quote_feature(&field, item);
	set_bytes(values, "field", &field);
	json_object_set_new(values, "differed", number(item->differed));
	json_object_set_new(values, "compared", number(item->compared));
	json_object_set_new(values, "p", number(item->p[0]));
	json_object_set_new(values, "of", number(item->p[1]));
	report_tell(out, !item->compared ? "depends.unseen" : first ? "depends.first" : "depends.next", values);
}

/* Whether both are about one factor, one endpoint (or the disk), in one grade. */
static bool is_like(const struct report_influence *item, const struct report_influence *other)
{
	return item->factor == other->factor && item->proven == other->proven && item->disk == other->disk && item->send == other->send &&
	       strcmp(item->endpoint, other->endpoint) == 0;
}

static void put_more(struct hm_bytes *out, const char *code, size_t more)
{
	HM_JSON json_t *values = json_pack("{s:I}", "more", (json_int_t)more);

	report_tell(out, code, values);
}

/* All that depends on the factor where `item` does, the first few by name. */
static void put_fields(struct hm_bytes *out, const struct report_experiment *x, const struct report_influence *item)
{
	size_t count = 0, named = 0;

	for (size_t i = 0; i < x->influences; i++)
		count += is_like(&x->influence[i], item);
	/* What follows from others is said last. */
	for (size_t at = 0; at < 2 * x->influences && named < FIELDS_NAMED; at++) {
		size_t i = at % x->influences;

		if (!is_like(&x->influence[i], item) || report_follows(x->influence[i].feature) != (at >= x->influences))
			continue;
		hm_bytes_text(out, named == 0 ? "" : named + 1 == count ? " and " : ", ");
		put_field(out, &x->influence[i], named++ == 0);
	}
	if (count > named) {
		hm_bytes_text(out, " and ");
		put_more(out, "more.fields", count - named);
	}
	hm_bytes_text(out, ".");
}

/* Under which names it asks: those who run a list are told what is looked up in it. Each once. */
static void put_endings(struct hm_bytes *out, const struct report_experiment *x, const struct report_influence *item)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes names = { 0 };
	HM_JSON json_t *values = json_object();
	size_t count = 0;

	for (size_t i = 0; i < x->influences; i++) {
		const char *ending = is_like(&x->influence[i], item) ? x->influence[i].ending : NULL;
		bool said = !ending || !*ending;

		for (size_t k = 0; k < i && !said; k++)
			said = is_like(&x->influence[k], item) && x->influence[k].ending && strcmp(x->influence[k].ending, ending) == 0;
		if (said || count++ >= ENDINGS_NAMED)
			continue;
		hm_bytes_printf(&names, "%s%s", count > 1 ? ", " : "", ending + 1);
	}
	if (!count)
		return;
	set_bytes(values, "names", &names);
	json_object_set_new(values, "more", number(count > ENDINGS_NAMED ? count - ENDINGS_NAMED : 0));
	report_tell(out, count > ENDINGS_NAMED ? "endings.more" : "endings", values);
}

static void put_found(struct hm_bytes *out, const struct report_experiment *x, const struct report_influence *item)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes what = { 0 };
	HM_JSON json_t *values = values_of(x, item->factor);

	report_quote_feature(&what, item);
	json_object_set_new(values, "endpoint", json_string(item->endpoint));
	set_bytes(values, "what", &what);
	report_tell(out, item->disk ? "found.disk" : "found", values);
}

/* Whether one like it stands before it. */
static bool is_later(const struct report_experiment *x, size_t at)
{
	for (size_t i = 0; i < at; i++)
		if (is_like(&x->influence[i], &x->influence[at]))
			return true;
	return false;
}

/* A sentence for each endpoint, what was found before what was confirmed. Returns how many endpoints there are. */
static size_t put_influence(struct hm_bytes *out, const struct report_experiment *x, const struct report_factor *f, bool disk)
{
	size_t count = 0;

	for (int proven = 1; proven >= 0; proven--)
		for (size_t i = 0; i < x->influences; i++) {
			const struct report_influence *item = &x->influence[i];
			HM_JSON json_t *values = NULL;

			if (item->factor != f || item->disk != disk || item->proven != proven || is_later(x, i) || count++ >= ENDPOINTS_NAMED)
				continue;
			hm_bytes_text(out, count > 1 ? " " : "");
			if (proven) {
				put_found(out, x, item);
				continue;
			}
			values = values_of(x, f);
			json_object_set_new(values, "endpoint", json_string(item->endpoint));
			report_tell(out, disk ? "depends.disk" : item->send ? "depends.later" : *item->endpoint ? "depends" : "depends.run", values);
			put_fields(out, x, item);
			put_endings(out, x, item);
		}
	if (count > ENDPOINTS_NAMED) {
		hm_bytes_u8(out, ' ');
		put_more(out, "more.endpoints", count - ENDPOINTS_NAMED);
	}
	return count;
}

/* The most pairs that a factor of the claim has. */
static uint64_t pairs_of(const struct report_experiment *x, const json_t *claim)
{
	uint64_t most = 0;

	for (size_t i = 0; i < x->factors; i++)
		if ((x->factor[i].claim == claim || (x->residue == claim && &x->factor[i] == report_residue(x))) && x->factor[i].confirm.count > most)
			most = x->factor[i].confirm.count;
	return most;
}

/* A factor of the claim had no pairs of its own: screening had nothing to confirm. */
static bool some_skipped(const struct report_experiment *x, const json_t *claim)
{
	for (size_t i = 0; i < x->factors; i++)
		if (x->factor[i].claim == claim && !x->factor[i].confirm.count)
			return true;
	return false;
}

void report_quote_bound(struct hm_bytes *out, const struct report_experiment *x, const json_t *claim)
{
	const json_t *bound = report_object(claim, "bound"), *confidence = report_list(bound, "confidence");
	HM_CLEANUP(hm_bytes_release) struct hm_bytes rate = { 0 }, sure = { 0 };
	HM_JSON json_t *values = json_object();
	uint64_t part = (uint64_t)json_integer_value(json_array_get(confidence, 0));
	uint64_t whole = (uint64_t)json_integer_value(json_array_get(confidence, 1));

	if (!bound || !whole || part > whole || whole > 1000000) {
		report_tell(out, "bound.none", NULL);
		return;
	}
	report_percent(&rate, report_int(bound, "rate_bp"));
	report_percent(&sure, 10000 * part / whole);
	set_bytes(values, "rate", &rate);
	set_bytes(values, "confidence", &sure);
	json_object_set_new(values, "pairs", number(report_int(bound, "pairs")));
	json_object_set_new(values, "of", number(pairs_of(x, claim)));
	if (!report_counts_pairs(x, report_text(claim, "id"))) {
		report_tell(out, "bound.runs", values);
		return;
	}
	report_tell(out, "bound.pairs", values);
	if (report_int(bound, "pairs") < pairs_of(x, claim))
		report_tell(out, some_skipped(x, claim) ? "bound.least" : "bound.counted", values);
}

/* Whether a factor of the same claim stands before it. */
static bool is_other(const struct report_experiment *x, const struct report_factor *f)
{
	for (const struct report_factor *other = x->factor; other < f; other++)
		if (other->claim == f->claim)
			return true;
	return false;
}

static void put_upheld(struct hm_bytes *out, const struct report_experiment *x, const struct report_factor *f, bool disk)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes left = { 0 };
	HM_JSON json_t *values = values_of(x, f);

	/* The bound is the claim's: it stands with its first factor. */
	if (!disk && !f->confirm.count && is_other(x, f)) {
		report_tell(out, "upheld.also", values);
		hm_bytes_text(out, ".");
		return;
	}
	report_tell(&left, disk ? "upheld.disk" : !x->wire ? "upheld.nothing" : x->constant == x->wire ? "upheld.equal" : "upheld.accounted", NULL);
	set_bytes(values, "left", &left);
	report_tell(out, f->confirm.count ? "upheld" : "upheld.screened", values);
	report_quote_bound(out, x, disk ? x->residue : f->claim);
	hm_bytes_text(out, ".");
}

static void say_reason(struct hm_bytes *out, const json_t *claim)
{
	report_number(out, claim);
	hm_bytes_text(out, out->len ? " " : "");
	report_words(out, claim);
}

/* A verdict that rests on something else than what varied on disk: what a later start sent of it. */
static void put_reason(struct hm_bytes *out, const json_t *claim)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes reason = { 0 };

	say_reason(&reason, claim);
	hm_bytes_slice(out, hm_slice_of(&reason));
	hm_bytes_text(out, ".");
}

/* Neither confirmed nor upheld: what stands against it, where that is not the bytes that nothing accounts for, is the claim's reason. */
static void put_open(struct hm_bytes *out, const struct report_experiment *x, const struct report_factor *f, bool disk)
{
	const json_t *claim = disk ? x->residue : f->claim;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes reason = { 0 };
	HM_JSON json_t *values = values_of(x, f);
	bool open = strcmp(report_text(claim, "verdict"), "not verifiable") == 0;
	bool bytes = open && strcmp(report_text(claim, "reason"), "bytes.unaccounted") == 0;

	if (open && !bytes) {
		say_reason(&reason, claim);
		set_bytes(values, "reason", &reason);
		report_tell(out, disk ? "open.disk" : "open.reason", values);
	} else if (!f->confirm.count && !x->skipped) {
		report_tell(out, "open.pairs", values);
	} else {
		report_tell(out, f->confirm.count ? "open" : "open.screened", values);
		if (bytes)
			report_tell(out, "open.bytes", report_object(claim, "values"));
		else if (!disk && x->unaccounted)
			report_tell(out, "open.rest", values);
	}
	hm_bytes_text(out, ".");
}

void report_quote(struct hm_bytes *out, const struct report_experiment *x, const struct report_factor *f, bool disk)
{
	if (put_influence(out, x, f, disk)) {
		if (!disk && strcmp(report_text(f->claim, "reason"), "content.inseparable") == 0) {
			hm_bytes_u8(out, ' ');
			put_reason(out, f->claim);
		}
		if (!disk)
			report_quote_located(out, x, f);
		return;
	}
	if ((f->confirm.count || x->skipped) && strcmp(report_text(disk ? x->residue : f->claim, "verdict"), "upheld") == 0)
		put_upheld(out, x, f, disk);
	else if (disk && strcmp(report_text(x->residue, "verdict"), "refuted") == 0)
		put_reason(out, x->residue);
	else
		put_open(out, x, f, disk);
}

void report_quote_scope(struct hm_bytes *out, const struct report_view *v)
{
	const json_t *list = report_list(report_object(v->findings, "scope"), "not_asserted"), *item;
	size_t i;

	json_array_foreach (list, i, item) {
		hm_bytes_text(out, i ? ", " : "");
		hm_bytes_text(out, report_say("unasserted", json_is_string(item) ? json_string_value(item) : "?"));
	}
}

void report_quote_ledger(struct hm_bytes *out, const json_t *row)
{
	static const char *const names[] = { "wire", "constant", "explained", "unaccounted" };
	HM_JSON json_t *values = json_object();
	const json_t *item;
	uint64_t sum = 0;
	size_t i;

	json_object_set_new(values, "endpoint", json_string(report_text(row, "endpoint")));
	for (i = 0; i < HM_COUNT(names); i++)
		json_object_set_new(values, names[i], number(report_int(row, names[i])));
	json_array_foreach (report_list(row, "influenced"), i, item)
		sum += report_int(item, "bytes");
	json_object_set_new(values, "influenced", number(sum));
	report_tell(out, "ledger", values);
}
