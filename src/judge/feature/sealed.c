/* A TLS stream as fields: the hello's parts by their names, so that two hellos are held against each other part by part. */
#include "sealed.h"

#include <search.h>

#include "cursor.h"

enum { FIELDS_MAX = 20000, MESSAGE_HEAD = 4, RANDOM = 32, CLIENT_HELLO = 1, NONCE_LEN = 8, NAME_LEN = 48 };

/* What is the same for each record, one behind the other. */
enum column { RECORD, NONCE, SPEC, ALERT, ORDER, REST, DERIVED, COLUMNS };
static const char *const column_names[COLUMNS] = {
	[RECORD] = "tls.record", [NONCE] = "tls.nonce",	      [SPEC] = "tls.spec",
	[ALERT] = "tls.alert",	 [ORDER] = "tls.hello.order", [REST] = "tls.rest",
	[DERIVED] = "tls.derived",
};

struct named {
	char name[NAME_LEN];
	size_t times;
};

struct sealing {
	const struct hm_flow *flow;
	const struct hm_plain *plain;
	void (*take)(void *cookie, struct hm_sealed_field *field);
	void *cookie;
	void *names; /* of struct named: those that came already */
	size_t fields;
	uint64_t wire[COLUMNS];
	struct hm_bytes value[COLUMNS];
	uint8_t nonce[NONCE_LEN]; /* the one before, when there was one of this length */
	bool counting;
};

static int by_name(const void *a, const void *b)
{
	return strcmp(((const struct named *)a)->name, ((const struct named *)b)->name);
}

/* How often the name came before. */
static size_t times(struct sealing *s, const char *name)
{
	struct named *fresh = hm_alloc(1, sizeof(*fresh)), **found;

	snprintf(fresh->name, sizeof(fresh->name), "%s", name);
	found = tsearch(fresh, &s->names, by_name);
	if (!found)
		abort();
	if (*found != fresh)
		free(fresh);
	return (*found)->times++;
}

static void stack(struct sealing *s, enum column column, struct hm_slice bytes)
{
	s->wire[column] += bytes.len;
	if (column != DERIVED)
		hm_bytes_slice(&s->value[column], bytes);
}

static void place(struct sealing *s, const char *name, bool tls, size_t offset, size_t length)
{
	struct hm_sealed_field field = { .name = name, .placed = true, .tls = tls, .offset = offset, .length = length };
	HM_FREE char *numbered = NULL;
	size_t again;

	if (!length)
		return;
	/* More than anybody names: all of it is one value. */
	if (s->fields++ >= FIELDS_MAX) {
		stack(s, REST, (struct hm_slice){ (tls ? s->plain->text.data : s->flow->sent.data) + offset, length });
		return;
	}
	again = times(s, name);
	if (again)
		field.name = numbered = hm_sprintf("%s.%zu", name, again);
	s->take(s->cookie, &field);
}

/* ---- ClientHello (RFC 8446 section 4.1.2) ---- */

struct hello {
	struct sealing *s;
	struct hm_slice message;
	size_t offset; /* of the message, in the stream */
	size_t told;   /* bytes of it that have a field */
};

static void part(struct hello *h, const char *name, size_t length)
{
	size_t left = h->message.len - h->told;

	if (length > left)
		length = left;
	place(h->s, name, false, h->offset + h->told, length);
	h->told += length;
}

/* A part that begins with its own length, of `size` bytes. */
static void counted(struct hello *h, const char *name, size_t size)
{
	struct hm_cursor c = hm_cursor_of((struct hm_slice){ h->message.data + h->told, h->message.len - h->told });
	size_t length = size + (size_t)hm_cursor_be(&c, size);

	part(h, name, length);
}

static void split_hello(struct sealing *s, struct hm_slice message, size_t offset)
{
	struct hello h = { s, message, offset, 0 };

	part(&h, "tls.hello.head", MESSAGE_HEAD);
	part(&h, "tls.hello.version", 2);
	part(&h, "tls.hello.random", RANDOM);
	counted(&h, "tls.hello.session", 1);
	counted(&h, "tls.hello.suites", 2);
	counted(&h, "tls.hello.compression", 1);
	part(&h, "tls.hello.extensions", 2);
	while (message.len - h.told >= 4) {
		const uint8_t *at = message.data + h.told;
		char name[NAME_LEN];

		/* Their order is the product's choice too. */
		hm_bytes_append(&s->value[ORDER], at, 2);
		snprintf(name, sizeof(name), "tls.hello.extension.%u", (unsigned)at[0] << 8 | at[1]);
		part(&h, name, 4 + ((size_t)at[2] << 8 | at[3]));
	}
	part(&h, "tls.hello.rest", SIZE_MAX);
}

/* ---- handshake messages ---- */

static const struct {
	uint8_t type;
	const char *name;
} messages[] = {
	{ CLIENT_HELLO, "tls.hello" },	    { 5, "tls.early.end" }, { 11, "tls.certificate" }, { 15, "tls.certificate.verify" },
	{ 16, "tls.key.exchange" }, { 20, "tls.finished" },	 { 24, "tls.key.update" },
};

static const char *name_of(uint8_t type)
{
	for (size_t i = 0; i < HM_COUNT(messages); i++)
		if (messages[i].type == type)
			return messages[i].name;
	return "tls.message";
}

static bool are_whole(struct hm_slice bytes)
{
	struct hm_cursor c = hm_cursor_of(bytes);

	while (hm_cursor_left(&c)) {
		hm_cursor_u8(&c);
		hm_cursor_bytes(&c, (size_t)hm_cursor_be(&c, 3));
	}
	return hm_cursor_done(&c);
}

/* The messages of one record; those that are cut between records are one field with what stands beside them. */
static void split_messages(struct sealing *s, struct hm_slice bytes, bool tls, size_t offset)
{
	struct hm_cursor c = hm_cursor_of(bytes);

	if (!are_whole(bytes)) {
		place(s, "tls.message", tls, offset, bytes.len);
		return;
	}
	while (hm_cursor_left(&c)) {
		size_t at = (size_t)(c.at - bytes.data), len;
		uint8_t type = hm_cursor_u8(&c);

		len = MESSAGE_HEAD + (size_t)hm_cursor_be(&c, 3);
		hm_cursor_bytes(&c, len - MESSAGE_HEAD);
		if (type == CLIENT_HELLO && !tls)
			split_hello(s, (struct hm_slice){ bytes.data + at, len }, offset + at);
		else
			place(s, name_of(type), tls, offset + at, len);
	}
}

/* ---- spans ---- */

/* A nonce that is the one before and one more says nothing. */
static void take_nonce(struct sealing *s, struct hm_slice nonce)
{
	bool follows = s->counting && nonce.len == NONCE_LEN;

	for (size_t i = NONCE_LEN; follows && i-- > 0;)
		if (++s->nonce[i])
			break;
	stack(s, follows && memcmp(s->nonce, nonce.data, NONCE_LEN) == 0 ? DERIVED : NONCE, nonce);
	s->counting = nonce.len == NONCE_LEN;
	if (s->counting)
		memcpy(s->nonce, nonce.data, NONCE_LEN);
}

static void take_span(struct sealing *s, const struct hm_plain_span *span)
{
	struct hm_slice bytes = { s->flow->sent.data + span->offset, span->length };

	switch (span->kind) {
	case HM_PLAIN_DATA:
		return;
	case HM_PLAIN_HEADER:
		stack(s, RECORD, bytes);
		return;
	case HM_PLAIN_SPEC:
		stack(s, SPEC, bytes);
		return;
	case HM_PLAIN_ALERT:
		stack(s, ALERT, bytes);
		return;
	case HM_PLAIN_NONCE:
		take_nonce(s, bytes);
		return;
	case HM_PLAIN_INNER:
	case HM_PLAIN_TAG:
	case HM_PLAIN_KNOWN:
		stack(s, DERIVED, bytes);
		return;
	case HM_PLAIN_HELLO:
		split_messages(s, bytes, false, span->offset);
		return;
	case HM_PLAIN_SHAKE:
		split_messages(s, (struct hm_slice){ s->plain->text.data + span->text, span->length }, true, span->text);
		return;
	case HM_PLAIN_NOTICE:
		place(s, "tls.notice", true, span->text, span->length);
		return;
	case HM_PLAIN_CLEAR:
		place(s, "tls.clear", false, span->offset, span->length);
		return;
	case HM_PLAIN_CLOSED:
		place(s, "tls.closed", false, span->offset, span->length);
		return;
	}
}

void hm_sealed_read(const struct hm_flow *flow, const struct hm_plain *plain, void (*take)(void *cookie, struct hm_sealed_field *field),
		    void *cookie)
{
	struct sealing s = { .flow = flow, .plain = plain, .take = take, .cookie = cookie };

	for (size_t i = 0; i < plain->spans; i++)
		take_span(&s, &plain->span[i]);
	for (size_t i = 0; i < COLUMNS; i++) {
		struct hm_sealed_field column = { .name = column_names[i], .wire = s.wire[i], .value = s.value[i],
						  .origin = i == DERIVED ? HM_ORIGIN_DERIVED : HM_ORIGIN_PRODUCT };

		if (s.wire[i] || s.value[i].len)
			take(cookie, &column);
		hm_bytes_release(&column.value);
	}
	tdestroy(s.names, free);
}
