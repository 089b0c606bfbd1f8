/* One request on one connection. The host's name is looked up by the C library, which waits; that is what a command does anyway. */
#include "web.h"

#include <event2/buffer.h>
#include <event2/bufferevent_ssl.h>
#include <event2/event.h>
#include <event2/http.h>
#include <openssl/err.h>
#include <openssl/ssl.h>

#define TIMEOUT_S 20

struct call {
	struct event_base *base;
	struct evhttp_uri *uri;
	struct evhttp_connection *connection;
	SSL_CTX *tls;
	size_t max;
	struct hm_web_answer *answer;
	bool answered;
	const char *why;
};

static void release(struct call *c)
{
	if (c->connection)
		evhttp_connection_free(c->connection);
	if (c->tls)
		SSL_CTX_free(c->tls);
	if (c->uri)
		evhttp_uri_free(c->uri);
	if (c->base)
		event_base_free(c->base);
}

static void on_done(struct evhttp_request *request, void *context)
{
	struct call *c = context;
	struct evbuffer *input;
	size_t len;

	if (request && evhttp_request_get_response_code(request)) {
		input = evhttp_request_get_input_buffer(request);
		len = evbuffer_get_length(input);
		if (len)
			hm_bytes_append(&c->answer->body, evbuffer_pullup(input, -1), len);
		c->answer->status = evhttp_request_get_response_code(request);
		c->answered = true;
	}
	event_base_loopbreak(c->base);
}

static void on_error(enum evhttp_request_error error, void *context)
{
	static const char *const why[] = { [EVREQ_HTTP_TIMEOUT] = "no answer in time",
					   [EVREQ_HTTP_EOF] = "the connection failed or was closed",
					   [EVREQ_HTTP_INVALID_HEADER] = "its answer is not HTTP",
					   [EVREQ_HTTP_BUFFER_ERROR] = "the connection broke",
					   [EVREQ_HTTP_REQUEST_CANCEL] = "given up",
					   [EVREQ_HTTP_DATA_TOO_LONG] = "its answer is too long" };

	((struct call *)context)->why = (size_t)error < HM_COUNT(why) ? why[error] : "no answer";
}

/* A connection whose certificate must be good for that host. NULL when libssl refuses. */
static struct bufferevent *open_tls(struct call *c, const char *host)
{
	SSL *ssl;

	c->tls = SSL_CTX_new(TLS_client_method());
	if (!c->tls || SSL_CTX_set_default_verify_paths(c->tls) != 1 || SSL_CTX_set_min_proto_version(c->tls, TLS1_2_VERSION) != 1)
		return NULL;
	SSL_CTX_set_verify(c->tls, SSL_VERIFY_PEER, NULL);
	ssl = SSL_new(c->tls);
	if (!ssl || SSL_set1_host(ssl, host) != 1 || SSL_set_tlsext_host_name(ssl, host) != 1) {
		SSL_free(ssl);
		return NULL;
	}
	return bufferevent_openssl_socket_new(c->base, -1, ssl, BUFFEREVENT_SSL_CONNECTING, BEV_OPT_CLOSE_ON_FREE);
}

static int connect_to(struct call *c, const char *url, struct hm_fail *fail)
{
	const char *scheme, *host;
	struct bufferevent *tls = NULL;
	bool secure;
	int port;

	c->uri = evhttp_uri_parse(url);
	scheme = c->uri ? evhttp_uri_get_scheme(c->uri) : NULL;
	host = c->uri ? evhttp_uri_get_host(c->uri) : NULL;
	secure = scheme && strcmp(scheme, "https") == 0;
	if (!host || !*host || !(secure || strcmp(scheme, "http") == 0))
		return hm_fail_set(fail, HM_E_SYSTEM, "%s is no http or https URL", url);
	port = evhttp_uri_get_port(c->uri);
	c->base = event_base_new();
	if (secure && c->base)
		tls = open_tls(c, host);
	if (c->base && (tls || !secure))
		c->connection = evhttp_connection_base_bufferevent_new(c->base, NULL, tls, host, (uint16_t)(port > 0 ? port : secure ? 443 : 80));
	ERR_clear_error();
	if (!c->connection)
		return hm_fail_set(fail, HM_E_SYSTEM, "%s: the connection cannot be set up", url);
	evhttp_connection_set_timeout(c->connection, TIMEOUT_S);
	evhttp_connection_set_max_body_size(c->connection, (ev_ssize_t)c->max);
	return 0;
}

static int call(const char *url, const struct hm_slice *body, size_t max, struct hm_web_answer *answer, struct hm_fail *fail)
{
	HM_CLEANUP(release) struct call c = { .max = max, .answer = answer, .why = "no connection" };
	struct evhttp_request *request;
	struct evkeyvalq *headers;
	const char *path;
	HM_FREE char *host = NULL;
	int r = connect_to(&c, url, fail);

	if (r < 0)
		return r;
	request = evhttp_request_new(on_done, &c);
	if (!request)
		abort();
	evhttp_request_set_error_cb(request, on_error);
	headers = evhttp_request_get_output_headers(request);
	host = evhttp_uri_get_port(c.uri) > 0 ? hm_sprintf("%s:%d", evhttp_uri_get_host(c.uri), evhttp_uri_get_port(c.uri))
					      : hm_strdup(evhttp_uri_get_host(c.uri));
	evhttp_add_header(headers, "Host", host);
	evhttp_add_header(headers, "User-Agent", "hallmark/" HM_VERSION);
	evhttp_add_header(headers, "Connection", "close");
	if (body)
		evhttp_add_header(headers, "Content-Type", "text/plain; charset=utf-8");
	if (body && evbuffer_add(evhttp_request_get_output_buffer(request), body->data, body->len) < 0)
		abort();
	path = evhttp_uri_get_path(c.uri);
	if (evhttp_make_request(c.connection, request, body ? EVHTTP_REQ_POST : EVHTTP_REQ_GET, path && *path ? path : "/") == 0)
		event_base_dispatch(c.base);
	ERR_clear_error();
	return c.answered ? 0 : hm_fail_set(fail, HM_E_SYSTEM, "%s: %s", url, c.why);
}

int hm_web_post(const char *url, struct hm_slice body, size_t max, struct hm_web_answer *answer, struct hm_fail *fail)
{
	return call(url, &body, max, answer, fail);
}

int hm_web_get(const char *url, size_t max, struct hm_web_answer *answer, struct hm_fail *fail)
{
	return call(url, NULL, max, answer, fail);
}
