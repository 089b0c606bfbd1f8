#pragma once
/* What a run sent, as features: named values that can be compared between runs.
 *
 * A feature belongs to an endpoint (or to the run as a whole, endpoint "") and has a name: dotted words and numbers, of the run's
 * first flow to that endpoint 0, of its first message 0, then the field. A value is a number or bytes. Names follow what a message
 * says, not where it says it, so that a value whose length changes does not move the names of those behind it.
 *
 * A message is a datagram; in a TCP stream, or in what TLS carried, a request of HTTP/1, or all that there is else. Its fields are a partition: every
 * byte of what a flow sent belongs to exactly one feature that has a place (`offset`, `length`). Text that a format fixes (names of
 * headers, separators) is a field like any other.
 *
 * | where | name | value |
 * |---|---|---|
 * | run | `flows`, `endpoints` (text: sorted), `order` (text: as first called) | |
 * | endpoint | `flows`, `size` (bytes sent), `wire` (bytes of packets) | numbers |
 * | flow F | `F.messages`, `F.size` | numbers; `F.tcp.segments` (text: lengths of the segments); `F.end` (time), `F.tcp.closes` (text) |
 * | message M | `F.M.size` | number |
 * | ICMP | `F.M.icmp.head` (type, code), `.checksum`, `.id`, `.sequence`, `.data` | bytes |
 * | DNS question | `F.M.dns.id`, `.dns.head`, `.dns.name`, `.dns.type`, `.dns.rest` | bytes |
 * | HTTP/1 | `F.M.http.method`, `.path`, `.query`, `.version`, `.header.NAME`, `.body` | bytes |
 * | a query of pairs, a body that the header calls a form | `F.M.http.query.NAME`, `F.M.http.form.NAME` | bytes |
 * | a body that is a JSON object or list | `F.M.http.json.NAME/NAME/...`, each string, number or word; a list's elements by number | bytes |
 * | two or more lines "NAME: value" and nothing else but empty ones | `F.M.line.NAME` | bytes |
 * | a JSON object or list | `F.M.json.NAME/NAME/...` | bytes |
 * | else | `F.M.data` | bytes |
 *
 * NAME is in lower case; bytes other than letters, digits, '-' and '_' stand as %XX. What comes again is NAME.1, NAME.2, ... Bytes between fields,
 * the raw names of headers and lines among them, are `F.M.glue.I`, numbered from 0 in each message.
 *
 * The stream of a TLS flow is its messages' bytes and `F.tls...` (sealed.h): `.hello.random`, `.hello.extension.51`, `.finished` and so on; a column
 * each for record headers (`.record`), nonces (`.nonce`) and `.alert`; `.derived` for tags and padding; `.closed` for what could not be opened.
 *
 * Where nothing of a flow could be opened and the record tells what TLS libraries took for it (told.h), its messages are `F.given.M...`, with
 * `F.given.messages` and `F.given.size`: they have a place where they account for the flow's records, and stand for no bytes where not.
 *
 * Headers of packets are columns (headers.h): `F.ip.ttl`, `F.tcp.options` and so on, each with the bytes of packets that it stands for; with
 * `F.derived` these are all bytes of a flow's packets but its payload.
 *
 * Times are in microseconds: `F.begin` since the run's first packet, `F.gap` since the endpoint's flow before began, `F.M.gap` since
 * the flow's message before. They are never alike in two runs: only how far they are apart can tell something.
 *
 * Pure: no clock, no I/O, no order of hashes. */
#include "plain.h"
#include "told.h"

enum {
	HM_FEATURES_MAX = 200000, /* of a run: a flow behind that is one feature, F.data */
	HM_FIELDS_MAX = 20000,	  /* of a message: what is behind that is one field, data */
};

/* Who decides what the value is. */
enum hm_origin {
	HM_ORIGIN_PRODUCT, /* the product, or nobody knows better */
	HM_ORIGIN_KERNEL,  /* the kernel, where it made the packets */
	HM_ORIGIN_IP,	   /* likewise, unless the product made the IP header, too */
	HM_ORIGIN_PORT,	   /* likewise, unless the product chose its port */
	HM_ORIGIN_WINDOW,  /* likewise, unless the product set the buffer that the window tells of */
	HM_ORIGIN_CUT,	   /* likewise, from the sizes of what it was handed */
	HM_ORIGIN_DERIVED, /* it follows from what other features say */
};

struct hm_feature {
	const char *endpoint; /* of the flows, or "" */
	char *name;
	bool text;
	enum hm_origin origin;
	bool timing;	      /* a number of microseconds */
	uint64_t wire;	      /* bytes of packets' headers that it stands for; text, or derived */
	int64_t number;	      /* where not `text` */
	struct hm_slice bytes; /* where `text`; borrows from the flows, or from this list */
	bool placed;	      /* it is bytes of what the flow sent */
	size_t flow;	      /* whose it is, in hm_flows.list; SIZE_MAX: of the endpoint or the run */
	bool tls;	      /* its place is in the flow's plaintext; it stands for as many bytes of what was sent */
	bool given;	      /* with `tls`: what a library took for the flow, and its place is in that */
	size_t offset;	      /* of what has a place, in the flow's `sent`, plaintext or what was given */
};

struct hm_features {
	struct hm_feature *list; /* sorted by endpoint, then name, bytewise; no two with the same */
	size_t count, room;
	struct hm_bytes endpoints, order;
	struct hm_bytes *columns; /* that texts borrow from */
	size_t column_count;
};

/* The features of what `flows` sent. `plains` are theirs (NULL: TLS is bytes like others), `told` is what was given for them (NULL: nothing; so
 * it is before semantics 5); `ends`: how connections ended, too (since semantics 5). All must outlive them. */
void hm_features_read(struct hm_features *out, const struct hm_flows *flows, const struct hm_plains *plains, const struct hm_told *told, bool ends);
void hm_features_release(struct hm_features *features);
/* The feature, or NULL. */
const struct hm_feature *hm_features_find(const struct hm_features *features, const char *endpoint, const char *name) HM_MUST_CHECK;
/* Splits one message into fields and calls `field` for each in the order of their places: they follow each other without a hole. `name`
 * is valid for the call. */
void hm_feature_fields(struct hm_slice message, bool dns, void (*field)(void *cookie, const char *name, size_t offset, size_t length),
		       void *cookie);
