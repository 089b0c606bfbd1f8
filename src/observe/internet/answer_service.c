/* Protocols that have a server's side of their own (service.h), in the clear and inside TLS. */
#include <event2/buffer.h>
#include <event2/bufferevent.h>

#include "connection_internal.h"

bool hm_internet_service_greets(const struct connection *c)
{
	bool wrapped;
	const struct hm_service *service = hm_service_at(ntohs(c->called.sin_port), &wrapped);
	HM_FREE char *to = NULL;

	if (!service || wrapped || !hm_service_greets(service))
		return false;
	/* Where an earlier server is known, it was asked first. */
	to = hm_internet_called(&c->server->names, (const uint8_t *)&c->called.sin_addr);
	return !c->server->replay || !hm_internet_replay_knows(c->server->replay, to, ntohs(c->called.sin_port), false);
}

bool hm_internet_service_begin(struct connection *c)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 };
	struct hm_service_talk talk = { .tls = c->tls, .upgraded = c->upgraded };
	bool wrapped;

	talk.service = hm_service_at(ntohs(c->called.sin_port), &wrapped);
	if (!talk.service || (!c->tls && (wrapped || c->alien)))
		return false;
	if (!c->name)
		c->name = hm_internet_called(&c->server->names, (const uint8_t *)&c->called.sin_addr);
	talk.name = c->name;
	memcpy(talk.address, &c->called.sin_addr, sizeof(talk.address));
	hm_service_greet(&talk, &said);
	evbuffer_add(c->out, said.data, said.len);
	c->service = talk;
	c->state = SERVING;
	return true;
}

void hm_internet_service(struct connection *c)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 };
	size_t len = evbuffer_get_length(c->in), used, unread = evbuffer_get_length(c->out) + (c->tls ? evbuffer_get_length(bufferevent_get_output(c->stream)) : 0);
	enum hm_service_next next;

	/* Who asks more than it reads is not answered any more. */
	if (unread > ANSWERS_MAX) {
		c->state = RAW;
		return;
	}
	next = hm_service_take(&c->service, (struct hm_slice){ evbuffer_pullup(c->in, (ev_ssize_t)len), len }, &used, &said);

	evbuffer_drain(c->in, used);
	c->read += used;
	evbuffer_add(c->out, said.data, said.len);
	switch (next) {
	case HM_SERVICE_MORE:
		break;
	case HM_SERVICE_TLS:
		c->upgraded = c->tunnel = c->alien = true;
		c->state = UNDECIDED;
		break;
	case HM_SERVICE_END: /* where there is nothing more to say it is the product's to close */
		if (said.len)
			hm_internet_answering(c);
		else
			c->state = RAW;
		break;
	case HM_SERVICE_ALIEN:
		c->alien = true;
		c->state = c->service.messages ? RAW : UNDECIDED;
		break;
	}
}
