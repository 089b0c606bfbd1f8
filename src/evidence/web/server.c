#include "web.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/http.h>
#include <sys/socket.h>
#include <netinet/in.h>

#define TIMEOUT_S 30
#define HEADERS_MAX 16384

struct hm_web {
	struct event_base *base;
	struct evhttp *http;
	struct event *tick;
	unsigned port;
	size_t body_max;
	hm_web_handler *handler;
	void *context;
	bool (*stopped)(void);
};

void hm_web_answer_release(struct hm_web_answer *answer)
{
	hm_bytes_release(&answer->body);
}

void hm_web_close(struct hm_web *web)
{
	if (!web)
		return;
	if (web->tick)
		event_free(web->tick);
	if (web->http)
		evhttp_free(web->http);
	if (web->base)
		event_base_free(web->base);
	free(web);
}

void hm_web_cleanup(struct hm_web **web)
{
	hm_web_close(*web);
}

unsigned hm_web_port(const struct hm_web *web)
{
	return web->port;
}

static void send_answer(struct evhttp_request *request, const struct hm_web_answer *answer)
{
	struct evkeyvalq *headers = evhttp_request_get_output_headers(request);
	struct evbuffer *buffer = evbuffer_new();

	if (!buffer)
		abort();
	if (answer->type)
		evhttp_add_header(headers, "Content-Type", answer->type);
	evhttp_add_header(headers, "Cache-Control", answer->forever ? "public, max-age=31536000, immutable" : "no-cache");
	evhttp_add_header(headers, "X-Content-Type-Options", "nosniff");
	if (evbuffer_add(buffer, answer->body.data, answer->body.len) < 0)
		abort();
	evhttp_send_reply(request, answer->status, NULL, buffer);
	evbuffer_free(buffer);
}

static void on_request(struct evhttp_request *request, void *context)
{
	HM_CLEANUP(hm_web_answer_release) struct hm_web_answer answer = { .status = 404 };
	struct hm_web *web = context;
	struct evbuffer *input = evhttp_request_get_input_buffer(request);
	const struct evhttp_uri *uri = evhttp_request_get_evhttp_uri(request);
	const char *path = uri ? evhttp_uri_get_path(uri) : NULL;
	enum evhttp_cmd_type method = evhttp_request_get_command(request);
	size_t len = evbuffer_get_length(input);
	struct hm_web_request asked = { .post = method == EVHTTP_REQ_POST, .path = path ? path : "/" };

	if (len)
		asked.body = (struct hm_slice){ evbuffer_pullup(input, -1), len };
	if (method != EVHTTP_REQ_GET && method != EVHTTP_REQ_HEAD && !(asked.post && web->body_max))
		answer.status = 405;
	else
		web->handler(web->context, &asked, &answer);
	send_answer(request, &answer);
}

static void on_tick(evutil_socket_t fd HM_UNUSED, short what HM_UNUSED, void *context)
{
	struct hm_web *web = context;

	if (web->stopped())
		event_base_loopbreak(web->base);
}

/* "ADDRESS:PORT", the address in brackets where it has colons. */
static int split(const char *listen, char **address, unsigned *port)
{
	const char *colon = strrchr(listen, ':');
	size_t len = colon ? (size_t)(colon - listen) : 0;
	char *end;
	unsigned long n;

	if (len == 0 || colon[1] < '0' || colon[1] > '9')
		return -1;
	n = strtoul(colon + 1, &end, 10);
	if (*end || n > 65535)
		return -1;
	if (listen[0] == '[' && listen[len - 1] == ']')
		listen++, len -= 2;
	*address = hm_slice_dup((struct hm_slice){ (const uint8_t *)listen, len });
	*port = (unsigned)n;
	return 0;
}

static int bind_to(struct hm_web *web, const char *listen, struct hm_fail *fail)
{
	HM_FREE char *address = NULL;
	struct evhttp_bound_socket *bound;
	struct sockaddr_storage name;
	socklen_t len = sizeof(name);
	unsigned port;

	if (split(listen, &address, &port) < 0)
		return hm_fail_set(fail, HM_E_USAGE, "%s is no ADDRESS:PORT", listen);
	bound = evhttp_bind_socket_with_handle(web->http, address, (uint16_t)port);
	if (!bound)
		return hm_fail_errno(fail, "listening on %s", listen);
	if (getsockname(evhttp_bound_socket_get_fd(bound), (struct sockaddr *)&name, &len) < 0)
		return hm_fail_errno(fail, "listening on %s", listen);
	web->port = ntohs(name.ss_family == AF_INET6 ? ((struct sockaddr_in6 *)&name)->sin6_port : ((struct sockaddr_in *)&name)->sin_port);
	return 0;
}

int hm_web_open(struct hm_web **ret, const char *listen, size_t body_max, hm_web_handler *handler, void *context, struct hm_fail *fail)
{
	HM_CLEANUP(hm_web_cleanup) struct hm_web *web = hm_alloc(1, sizeof(*web));
	int r;

	web->handler = handler;
	web->context = context;
	web->body_max = body_max;
	web->base = event_base_new();
	web->http = web->base ? evhttp_new(web->base) : NULL;
	web->tick = web->http ? event_new(web->base, -1, EV_PERSIST, on_tick, web) : NULL;
	if (!web->tick)
		return hm_fail_set(fail, HM_E_SYSTEM, "libevent does not start");
	evhttp_set_allowed_methods(web->http, EVHTTP_REQ_GET | EVHTTP_REQ_HEAD | (body_max ? EVHTTP_REQ_POST : 0));
	evhttp_set_max_headers_size(web->http, HEADERS_MAX);
	evhttp_set_max_body_size(web->http, body_max ? (ev_ssize_t)body_max : 1024);
	evhttp_set_timeout(web->http, TIMEOUT_S);
	evhttp_set_gencb(web->http, on_request, web);
	r = bind_to(web, listen, fail);
	if (r == 0)
		*ret = hm_take_ptr(&web);
	return r;
}

int hm_web_run(struct hm_web *web, bool (*stopped)(void), struct hm_fail *fail)
{
	static const struct timeval tenth = { 0, 100000 };

	web->stopped = stopped;
	if (event_add(web->tick, &tenth) < 0 || event_base_dispatch(web->base) < 0)
		return hm_fail_set(fail, HM_E_SYSTEM, "serving: libevent gave up");
	return 0;
}
