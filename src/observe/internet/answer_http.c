/* Requests by HTTP/1 that a rule of the scenario answers, and tunnels through what is taken for a proxy. */
#include <event2/buffer.h>

#include "connection_internal.h"
#include "http.h"

enum { TEXT_ANSWER_MAX = 64 << 10 };

/* Host in lower case and without its port, or the name that the called address was last given for. */
static char *host_of(const struct connection *c, const struct hm_http_request *r)
{
	struct hm_slice host = hm_http_header(r, "Host");
	const char *name = hm_internet_names_get(&c->server->names, (const uint8_t *)&c->called.sin_addr);
	const uint8_t *colon = host.len ? memchr(host.data, ':', host.len) : NULL;
	char *text;

	if (!host.len)
		return name ? hm_strdup(name) : NULL;
	if (colon)
		host.len = (size_t)(colon - host.data);
	text = hm_slice_dup(host);
	for (char *p = text; *p; p++)
		if (*p >= 'A' && *p <= 'Z')
			*p = (char)(*p + 32);
	return text;
}

/* The path of an origin-form or absolute-form target, without the query. */
static char *path_of(const struct hm_http_request *r)
{
	HM_FREE char *target = hm_slice_dup(r->target);
	char *at = strstr(target, "://"), *query;

	at = *target != '/' && at ? strchr(at + 3, '/') : target;
	if (!at)
		return hm_strdup("/");
	query = strchr(at, '?');
	if (query)
		*query = 0;
	return hm_strdup(at);
}

static const char *reason(int status)
{
	static const struct {
		int status;
		const char *text;
	} reasons[] = { { 200, "OK" }, { 204, "No Content" }, { 304, "Not Modified" }, { 403, "Forbidden" },
			{ 404, "Not Found" }, { 503, "Service Unavailable" } };

	for (size_t i = 0; i < HM_COUNT(reasons); i++)
		if (reasons[i].status == status)
			return reasons[i].text;
	return "Answer";
}

static bool has_body(int status)
{
	return status != 204 && status != 304;
}

static void answer(struct connection *c, const struct hm_http_request *r, struct hm_slice head,
		   const struct http_rule *rule)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	struct evbuffer *out = c->out;
	int status = rule->status ? rule->status : 200, fd;
	bool body = has_body(status) && !hm_slice_eq(r->method, HM_SLICE("HEAD"));
	uint64_t length;

	if (rule->text && hm_internet_expand(&text, rule->text, head, hm_internet_clock(c->server) / NS_PER_S, TEXT_ANSWER_MAX) < 0)
		text.len = 0;
	length = rule->file ? (uint64_t)rule->size : text.len;
	evbuffer_add_printf(out, "HTTP/1.1 %d %s\r\nConnection: close\r\n", status, reason(status));
	if (has_body(status))
		evbuffer_add_printf(out, "Content-Type: %s\r\nContent-Length: %llu\r\n",
				    rule->type ? rule->type : "application/octet-stream", (unsigned long long)length);
	evbuffer_add(out, "\r\n", 2);
	hm_internet_answering(c);
	if (!body || !length)
		return;
	if (!rule->file) {
		evbuffer_add(out, text.data, text.len);
		return;
	}
	/* Without a descriptor the connection ends short of its Content-Length, which the product can tell. */
	fd = dup(rule->fd);
	if (fd >= 0 && evbuffer_add_file(out, fd, 0, rule->size) < 0)
		close(fd);
}

/* No rule knows the request: its body is read all the same, and asked for where the product waits for that (RFC 9110 section 10.1.1). */
static void read_body(struct connection *c, const struct hm_http_request *r, size_t here)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	HM_FREE char *length = hm_slice_dup(hm_http_header(r, "Content-Length"));
	HM_FREE char *expect = hm_slice_dup(hm_http_header(r, "Expect"));
	char *end;
	unsigned long n = strtoul(length, &end, 10);

	if (end == length || *end || n > READ_MAX)
		n = end != length && !*end ? READ_MAX : 0;
	c->due = r->head_len + n;
	if (strcasecmp(expect, "100-continue") == 0 && here < c->due)
		evbuffer_add(c->out, go_on, sizeof(go_on) - 1);
}

static void open_tunnel(struct connection *c, const struct hm_http_request *r)
{
	static const char go_on[] = "HTTP/1.1 200 OK\r\n\r\n";

	evbuffer_drain(c->in, r->head_len);
	evbuffer_add(c->out, go_on, sizeof(go_on) - 1);
	c->tunnel = true;
}

void hm_internet_http(struct connection *c)
{
	struct evbuffer *in = c->in;
	size_t len = evbuffer_get_length(in) < HEAD_MAX ? evbuffer_get_length(in) : HEAD_MAX;
	struct hm_slice bytes = { evbuffer_pullup(in, (ev_ssize_t)len), len };
	HM_FREE char *host = NULL, *path = NULL;
	struct hm_http_request r;
	const struct http_rule *rule;
	int whole = hm_http_read_request(&r, bytes);

	if (whole == 0)
		return;
	if (whole == 1 && !c->tunnel && hm_slice_eq(r.method, HM_SLICE("CONNECT"))) {
		open_tunnel(c, &r);
		return;
	}
	c->state = RAW;
	if (whole < 0)
		return;
	host = host_of(c, &r);
	path = path_of(&r);
	rule = hm_internet_http_rule(c->server->scenario, host, ntohs(c->called.sin_port), path);
	if (rule)
		answer(c, &r, (struct hm_slice){ bytes.data, r.head_len }, rule);
	else
		read_body(c, &r, len);
}
