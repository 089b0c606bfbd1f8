/* What a closed connection is said to have carried: taken where lengths leave no room for anything else, and for nothing more. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "told.h"
#include "../../support/talk.h"

struct case_of {
	struct talked talked;
	struct hm_bytes open_file, closed_file;
	struct hm_flows open_flows, flows;
	struct hm_plains opened, plains;
};

static void begin(struct case_of *c, const struct talk *talk)
{
	*c = (struct case_of){ 0 };
	talk_do(talk, &c->talked);
	assert_false(c->talked.failed);
	talk_file(&c->open_file, &c->talked, NULL);
	talk_file(&c->closed_file, &c->talked, "CLIENT");
	assert_int_equal(hm_flows_read(&c->open_flows, hm_slice_of(&c->open_file), frames_chamber, NULL), 0);
	assert_int_equal(hm_flows_read(&c->flows, hm_slice_of(&c->closed_file), frames_chamber, NULL), 0);
	assert_int_equal(hm_plains_read(&c->opened, &c->open_flows, true, NULL), 0);
	assert_int_equal(hm_plains_read(&c->plains, &c->flows, true, NULL), 0);
	assert_int_equal(c->flows.count, 1);
}

static void end(struct case_of *c)
{
	hm_plains_release(&c->plains);
	hm_plains_release(&c->opened);
	hm_flows_release(&c->flows);
	hm_flows_release(&c->open_flows);
	hm_bytes_release(&c->closed_file);
	hm_bytes_release(&c->open_file);
	talk_release(&c->talked);
}

static const struct talk *talk_of(const char *name)
{
	for (size_t i = 0; i < HM_COUNT(talks); i++)
		if (strcmp(talks[i].name, name) == 0)
			return &talks[i];
	fail_msg("no talk %s", name);
	return NULL;
}

/* What was said in it, as application data. */
static struct hm_slice said(const struct case_of *c)
{
	return (struct hm_slice){ c->opened.list[0].text.data, c->opened.list[0].data };
}

static bool is_cbc(const struct talk *talk)
{
	return talk->version == TLS1_2_VERSION && !strstr(talk->suite, "GCM") && !strstr(talk->suite, "CCM") && !strstr(talk->suite, "CHACHA");
}

/* Records split as those that authenticated were, and every byte in one span. */
static void assert_same_data(const struct hm_plain *fit, const struct hm_plain *opened, size_t sent)
{
	size_t at = 0, k = 0, known = 0;

	for (size_t i = 0; i < fit->spans; i++) {
		const struct hm_plain_span *span = &fit->span[i];

		assert_int_equal(span->offset, at);
		at += span->length;
		known += span->kind == HM_PLAIN_KNOWN;
		assert_int_not_equal(span->kind, HM_PLAIN_CLOSED);
		if (span->kind != HM_PLAIN_DATA)
			continue;
		while (k < opened->spans && opened->span[k].kind != HM_PLAIN_DATA)
			k++;
		assert_true(k < opened->spans);
		assert_int_equal(span->offset, opened->span[k].offset);
		assert_int_equal(span->length, opened->span[k].length);
		assert_int_equal(span->text, opened->span[k++].text);
	}
	assert_int_equal(at, sent);
	assert_true(known == 1 || known == 2);
}

static void lengths_account_for_records(void **state HM_UNUSED)
{
	size_t fitted = 0;

	/* A certificate of the client is in the clear in TLS 1.2. */

	for (size_t i = 0; i < HM_COUNT(talks); i++) {
		const struct talk *talk = &talks[i];
		bool may = !is_cbc(talk) && !(talk->certificate && talk->version == TLS1_3_VERSION) && !talk->update && !talk->early && !talk->padded && !talk->distrusts;
		struct case_of c;
		struct hm_plain fit;

		begin(&c, talk);
		if (hm_plain_fit(&fit, &c.flows.list[0], &c.plains.list[0], said(&c), true) != may)
			fail_msg("%s: %d", talk->name, !may);
		if (may) {
			fitted++;
			assert_same_data(&fit, &c.opened.list[0], c.flows.list[0].sent.len);
			assert_int_equal(fit.text.len, said(&c).len);
		} else {
			assert_null(fit.span);
			assert_false(fit.tls);
		}
		hm_plain_fit_release(&fit);
		/* What was opened needs nobody's word. */
		if (c.opened.list[0].text.len)
			assert_false(hm_plain_fit(&fit, &c.open_flows.list[0], &c.opened.list[0], said(&c), true));
		end(&c);
	}
	assert_true(fitted > 15);
}

static void another_length_does_not(void **state HM_UNUSED)
{
	static const char *const names[] = { "gcm-128", "gcm-256", "12-c02f", "12-cca8", "prelude" };

	for (size_t i = 0; i < HM_COUNT(names); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes more = { 0 };
		struct hm_plain fit;
		struct case_of c;

		begin(&c, talk_of(names[i]));
		hm_bytes_slice(&more, said(&c));
		hm_bytes_u8(&more, 'x');
		assert_false(hm_plain_fit(&fit, &c.flows.list[0], &c.plains.list[0], hm_slice_of(&more), true));
		more.len -= 2;
		assert_false(hm_plain_fit(&fit, &c.flows.list[0], &c.plains.list[0], hm_slice_of(&more), true));
		assert_false(hm_plain_fit(&fit, &c.flows.list[0], &c.plains.list[0], (struct hm_slice){ 0 }, true));
		/* One byte of a record's length, or of a Finished's. */
		for (size_t k = 0; k < c.plains.list[0].spans; k++) {
			const struct hm_plain_span *span = &c.plains.list[0].span[k];
			uint8_t *head = c.flows.list[0].sent.data + span->offset - 1;

			if (span->kind != HM_PLAIN_CLOSED)
				continue;
			++*head;
			assert_false(hm_plain_fit(&fit, &c.flows.list[0], &c.plains.list[0], said(&c), true));
			--*head;
		}
		end(&c);
	}
}

/* Of a library that lets programs say what they like in an alert, that stays closed. */
static void an_alert_can_stay_closed(void **state HM_UNUSED)
{
	struct hm_plain fit;
	struct case_of c;

	begin(&c, talk_of("gcm-128"));
	assert_true(hm_plain_fit(&fit, &c.flows.list[0], &c.plains.list[0], said(&c), false));
	assert_int_equal(fit.closed[HM_PLAIN_NO_KEY], 2);
	hm_plain_fit_release(&fit);
	end(&c);
}

static void told_by(struct hm_told *told, struct case_of *c, struct hm_givens *givens, bool there, bool fits)
{
	hm_told_make(told, &c->flows, &c->plains, givens);
	assert_int_equal(told->count, 1);
	assert_int_equal(told->list[0].there, there);
	assert_int_equal(told->list[0].fit.tls, fits);
	hm_told_release(told);
}

static void who_says_it_matters(void **state HM_UNUSED)
{
	struct hm_given list[2] = { { .flow = 0, .inside = true }, { .flow = 0, .inside = true } };
	struct hm_givens givens = { .list = list, .count = 1 };
	struct hm_told told;
	struct case_of c;

	begin(&c, talk_of("gcm-256"));
	list[0].text = (struct hm_bytes){ .data = (uint8_t *)(uintptr_t)said(&c).data, .len = said(&c).len };
	told_by(&told, &c, &givens, true, true);
	list[0].inside = false;
	told_by(&told, &c, &givens, true, false);
	list[0].inside = true;
	list[0].untold = 1;
	told_by(&told, &c, &givens, true, false);
	list[0].untold = 0;
	givens.brought = 1;
	told_by(&told, &c, &givens, true, false);
	givens.brought = 0;
	givens.beyond = true;
	told_by(&told, &c, &givens, true, false);
	givens.beyond = false;
	/* Two that were given for it: their texts stand one behind the other, and lengths say nothing of who is right. */
	list[1].text = (struct hm_bytes){ .data = list[0].text.data + 10, .len = list[0].text.len - 10 };
	list[0].text.len = 10;
	givens.count = 2;
	told_by(&told, &c, &givens, true, false);
	/* GnuTLS's alerts are the program's. */
	list[0].text.len += list[1].text.len;
	list[0].function = HM_TLS_GNUTLS_SEND;
	givens.count = 1;
	hm_told_make(&told, &c.flows, &c.plains, &givens);
	assert_int_equal(told.list[0].fit.closed[HM_PLAIN_NO_KEY], 2);
	hm_told_release(&told);
	list[0].flow = SIZE_MAX;
	told_by(&told, &c, &givens, false, false);
	end(&c);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lengths_account_for_records),
		cmocka_unit_test(another_length_does_not),
		cmocka_unit_test(an_alert_can_stay_closed),
		cmocka_unit_test(who_says_it_matters),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
