#pragma once
/* What a run sent, as features: named values that can be compared between runs.
 *
 * A feature belongs to an endpoint (or to the run as a whole, endpoint "") and has a name: dotted words and numbers, of the run's
 * first flow to that endpoint 0, of its first message 0, then the field. A value is a number or bytes. Names follow what a message
 * says, not where it says it, so that a value whose length changes does not move the names of those behind it.
 *
 * A message is a datagram; in a TCP stream a request of HTTP/1, or all that the stream has else. Its fields are a partition: every
 * byte of what a flow sent belongs to exactly one feature that has a place (`offset`, `length`). Text that a format fixes (names of
 * headers, separators) is a field like any other.
 *
 * | where | name | value |
 * |---|---|---|
 * | run | `flows`, `endpoints` (text: sorted), `order` (text: as first called) | |
 * | endpoint | `flows`, `size` (bytes sent), `wire` (bytes of packets) | numbers |
 * | flow F | `F.messages`, `F.size`, `F.port` (its own) | numbers |
 * | message M | `F.M.size` | number |
 * | DNS question | `F.M.dns.id`, `.dns.head`, `.dns.name`, `.dns.type`, `.dns.rest` | bytes |
 * | HTTP/1 | `F.M.http.method`, `.path`, `.query`, `.version`, `.header.NAME`, `.body` | bytes |
 * | two or more lines "NAME: value" and nothing else but empty ones | `F.M.line.NAME` | bytes |
 * | else | `F.M.data` | bytes |
 *
 * NAME is in lower case; bytes other than letters, digits, '-' and '_' stand as %XX. What comes again is NAME.1, NAME.2, ... Bytes between fields,
 * the raw names of headers and lines among them, are `F.M.glue.I`, numbered from 0 in each message.
 *
 * Pure: no clock, no I/O, no order of hashes. */
#include "flow.h"

enum {
	HM_FEATURES_MAX = 200000, /* of a run: a flow behind that is one feature, F.data */
	HM_FIELDS_MAX = 20000,	  /* of a message: what is behind that is one field, data */
};

struct hm_feature {
	const char *endpoint; /* of the flows, or "" */
	char *name;
	bool text;
	int64_t number;	      /* where not `text` */
	struct hm_slice bytes; /* where `text`; borrows from the flows, or from this list */
	bool placed;	      /* it is bytes of a flow: */
	size_t flow, offset;  /* in hm_flows.list[flow].sent */
};

struct hm_features {
	struct hm_feature *list; /* sorted by endpoint, then name, bytewise; no two with the same */
	size_t count, room;
	struct hm_bytes endpoints, order;
};

/* The features of what `flows` sent. `flows` must outlive them. */
void hm_features_read(struct hm_features *out, const struct hm_flows *flows);
void hm_features_release(struct hm_features *features);
/* The feature, or NULL. */
const struct hm_feature *hm_features_find(const struct hm_features *features, const char *endpoint, const char *name) HM_MUST_CHECK;
/* Splits one message into fields and calls `field` for each in the order of their places: they follow each other without a hole. `name`
 * is valid for the call. */
void hm_feature_fields(struct hm_slice message, bool dns, void (*field)(void *cookie, const char *name, size_t offset, size_t length),
		       void *cookie);
