#pragma once
/* What TLS connections carried, opened with the key log of the packet file (TLS 1.2: RFC 5246, 5288, 6655, 7366, 7905; TLS 1.3:
 * RFC 8446; the key log: draft-ietf-tls-keylogfile). Only what authenticates is opened: a byte of plaintext that stands here was sent.
 *
 * The bytes of a flow are split into spans, which follow each other without a hole. Three kinds have plaintext of the same length:
 * application data, and handshake messages and alerts under encryption. With AEAD ciphers each byte of the span is one of the plaintext;
 * CBC has as many bytes in its blocks, and what they have besides (MAC, padding) counts as tag. The plaintext of a flow is its application
 * data, connection by connection, and behind it what handshakes and alerts said.
 *
 * A connection is TLS when it begins with a whole ClientHello, or, where `late` is asked for, when one stands behind a prelude in the clear
 * (STARTTLS, a proxy's CONNECT) and a ServerHello answers it: among the first 16 KiB of what was sent. The prelude is CLEAR.
 * Nothing is opened behind a hole in the stream, nor behind a second handshake of TLS 1.2. Pure: no clock, no I/O; memory is bounded by
 * the flow. */
#include "fail.h"
#include "flow.h"

enum hm_plain_kind {
	HM_PLAIN_CLEAR,	 /* outside TLS */
	HM_PLAIN_HEADER, /* five bytes before each record; of empty records several */
	HM_PLAIN_HELLO,	 /* handshake in the clear: ClientHello, ClientKeyExchange, ... */
	HM_PLAIN_SPEC,	 /* ChangeCipherSpec */
	HM_PLAIN_ALERT,	 /* in the clear */
	HM_PLAIN_DATA,	 /* application data */
	HM_PLAIN_SHAKE,	 /* handshake under encryption: Finished, client certificate, KeyUpdate */
	HM_PLAIN_NOTICE, /* alert under encryption */
	HM_PLAIN_NONCE,	 /* explicit nonce, or IV */
	HM_PLAIN_INNER,	 /* TLS 1.3: content type and padding */
	HM_PLAIN_TAG,	 /* what authenticates; with CBC padding too */
	HM_PLAIN_CLOSED, /* could not be opened: `why` */
	HM_PLAIN_KNOWN,	 /* of hm_plain_fit: not opened, but its length says what it is: Finished, or the alert that ends the connection */
} __attribute__((packed)); /* a hostile stream has a span for every few bytes */

enum hm_plain_why {
	HM_PLAIN_OPENED,
	HM_PLAIN_NO_ANSWER, /* no ServerHello was captured */
	HM_PLAIN_NO_KEY,    /* the key log has none for it */
	HM_PLAIN_SUITE,	    /* a version or cipher suite that this program does not open */
	HM_PLAIN_FALSE,	    /* it does not authenticate */
	HM_PLAIN_CUT,	    /* the record does not end */
	HM_PLAIN_FORM,	    /* no record where one should begin, or one out of its turn */
	HM_PLAIN_WHYS,
} __attribute__((packed));

struct hm_plain_span {
	enum hm_plain_kind kind;
	enum hm_plain_why why;
	size_t offset, length; /* in hm_flow.sent */
	size_t text;	       /* of DATA, SHAKE and NOTICE: where its `length` bytes stand in the plaintext */
};

/* What became of one connection. */
struct hm_plain_connection {
	bool tls;
	bool answered; /* a ServerHello was captured */
	bool finished; /* the client ended the handshake: a message of it opened that it says under encryption */
	size_t begin;  /* where its application data begins in the plaintext */
};

struct hm_plain {
	bool tls;	      /* one connection at least */
	struct hm_bytes text; /* plaintext */
	size_t data;	      /* so much of it is application data */
	struct hm_plain_connection *connection; /* as many as the flow's, and one where the last one's data end */
	struct hm_plain_span *span;
	size_t spans;
	uint64_t closed[HM_PLAIN_WHYS]; /* bytes of CLOSED spans by reason */
};

struct hm_plains {
	struct hm_plain *list; /* by flow */
	size_t count;
};

/* Opens what `flows` sent; `late`: TLS that begins behind a prelude too. HM_E_SYSTEM where this libcrypto refuses a cipher, for what it makes would differ then. */
int hm_plains_read(struct hm_plains *out, const struct hm_flows *flows, bool late, struct hm_fail *fail) HM_MUST_CHECK;
void hm_plains_release(struct hm_plains *plains);
/* Splits a flow of which nothing was opened (`opened`) by what is said to have gone into it: true when the records of its one connection hold
 * exactly as many bytes as `text` has, beside a Finished, and an alert at most (features.md, "What was given"). Nothing authenticates: lengths are all
 * that is held against each other. `alert`: an alert says nothing else; otherwise its content stays CLOSED. `out` copies `text`; it is zeros when
 * false. hm_plain_fit_release lets go. */
bool hm_plain_fit(struct hm_plain *out, const struct hm_flow *flow, const struct hm_plain *opened, struct hm_slice text, bool alert) HM_MUST_CHECK;
void hm_plain_fit_release(struct hm_plain *fit);
/* Both sides of one connection of which every byte is there: what the client sent, and what it heard. The two of `list` have a connection each; where no
 * handshake is in it, `tls` of both is false and all is CLEAR. HM_E_SYSTEM as above. */
int hm_plain_both(struct hm_plains *out, struct hm_slice sent, struct hm_slice heard, struct hm_slice keylog, struct hm_fail *fail) HM_MUST_CHECK;
/* "data", "shake", ...; "no key", "false", ... */
const char *hm_plain_kind_name(enum hm_plain_kind kind) HM_MUST_CHECK;
const char *hm_plain_why_name(enum hm_plain_why why) HM_MUST_CHECK;
