#pragma once
/* HTTP for logs and witnesses: a small server and a client, by libevent and libssl. */
#include "bytes.h"
#include "fail.h"

struct hm_web_answer {
	int status;
	const char *type; /* static text; NULL: none. Not set by the client. */
	bool forever;	  /* it never changes: caches may keep it */
	struct hm_bytes body;
};

void hm_web_answer_release(struct hm_web_answer *answer);

struct hm_web_request {
	bool post; /* else GET or HEAD */
	const char *path; /* begins with '/', undecoded, without query */
	struct hm_slice body;
};

/* Fills `answer`, which is empty with status 404. */
typedef void hm_web_handler(void *context, const struct hm_web_request *request, struct hm_web_answer *answer);

struct hm_web;

/* Listens on ADDRESS:PORT ("[::1]:0" and the like; port 0 is one that is free). `body_max` bounds what is posted: 0 takes no POST. */
int hm_web_open(struct hm_web **ret, const char *listen, size_t body_max, hm_web_handler *handler, void *context, struct hm_fail *fail) HM_MUST_CHECK;
unsigned hm_web_port(const struct hm_web *web) HM_MUST_CHECK;
/* Answers, one request after the other, until `stopped` says so; it is asked ten times a second. */
int hm_web_run(struct hm_web *web, bool (*stopped)(void), struct hm_fail *fail) HM_MUST_CHECK;
void hm_web_close(struct hm_web *web); /* NULL is fine */
void hm_web_cleanup(struct hm_web **web);

/* One request to an http or https URL, whose certificate must be good; follows no redirection. 0: `answer` has status and body, of
 * `max` bytes at most. HM_E_SYSTEM when there was no answer within 20 seconds. */
int hm_web_post(const char *url, struct hm_slice body, size_t max, struct hm_web_answer *answer, struct hm_fail *fail) HM_MUST_CHECK;
int hm_web_get(const char *url, size_t max, struct hm_web_answer *answer, struct hm_fail *fail) HM_MUST_CHECK;
