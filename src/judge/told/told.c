/* Whether a library may be believed is decided here, by who it is and how it sent; what lengths say is decided by hm_plain_fit. */
#include "told.h"

#include "record.h"

/* Connections that were given for the flow: the first, and how many. */
static const struct hm_given *given_for(const struct hm_givens *givens, size_t flow, size_t *count)
{
	const struct hm_given *first = NULL;

	*count = 0;
	for (size_t i = 0; i < givens->count; i++)
		if (givens->list[i].flow == flow && givens->list[i].text.len && (*count)++ == 0)
			first = &givens->list[i];
	return first;
}

/* Programs cannot have these say what they like in an alert. */
static bool alerts_alone(const struct hm_given *given)
{
	const char *library = hm_given_library(given->function);

	return library && (strcmp(library, "OpenSSL") == 0 || strcmp(library, "NSS") == 0);
}

static bool is_opened(const struct hm_plains *plains, size_t flow)
{
	return flow < plains->count && plains->list[flow].text.len > 0;
}

void hm_told_make(struct hm_told *out, const struct hm_flows *flows, const struct hm_plains *plains, const struct hm_givens *givens)
{
	*out = (struct hm_told){ hm_alloc(flows->count, sizeof(*out->list)), flows->count };
	for (size_t i = 0; i < givens->count; i++) {
		size_t flow = givens->list[i].flow;

		if (flow == SIZE_MAX || is_opened(plains, flow) || !givens->list[i].text.len)
			continue;
		out->list[flow].there = true;
		hm_bytes_slice(&out->list[flow].text, hm_slice_of(&givens->list[i].text));
	}
	for (size_t i = 0; i < out->count; i++) {
		struct hm_told_flow *told = &out->list[i];
		const struct hm_given *given;
		size_t count;

		if (!told->there || givens->beyond || givens->brought || i >= plains->count)
			continue;
		given = given_for(givens, i, &count);
		if (count != 1 || !given->inside || given->untold)
			continue;
		/* What is false is zeros. */
		told->fit.tls = hm_plain_fit(&told->fit, &flows->list[i], &plains->list[i], hm_slice_of(&told->text), alerts_alone(given));
	}
}

void hm_told_release(struct hm_told *told)
{
	for (size_t i = 0; i < told->count; i++) {
		hm_bytes_release(&told->list[i].text);
		hm_plain_fit_release(&told->list[i].fit);
	}
	free(told->list);
	*told = (struct hm_told){ 0 };
}

static void cleanup_record(struct hm_record **r)
{
	hm_record_close(*r);
}

static void cleanup_given(struct hm_given_reader **given)
{
	hm_given_free(*given);
}

int hm_told_read(struct hm_told *out, const struct hm_flows *flows, const struct hm_plains *plains, struct hm_slice file, struct hm_fail *fail)
{
	HM_CLEANUP(cleanup_record) struct hm_record *record = NULL;
	HM_CLEANUP(cleanup_given) struct hm_given_reader *reader = hm_given_new();
	HM_CLEANUP(hm_givens_release) struct hm_givens givens = { 0 };
	struct hm_slice item;
	int r = hm_record_open(&record, file, fail);

	if (r < 0)
		return r;
	while ((r = hm_record_next(record, &item, fail)) == 1) {
		struct hm_event event;

		r = hm_event_decode(&event, item, fail);
		if (r < 0)
			return r;
		hm_given_event(reader, &event, hm_record_position(record));
	}
	if (r < 0)
		return r;
	hm_given_end(reader, flows, &givens);
	hm_told_make(out, flows, plains, &givens);
	return 0;
}
