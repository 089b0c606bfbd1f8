/* Events are taken as calls, in the order in which they began; only at the end do calls become connections, when it is known which sockets
 * they used. Events of one thread stand in their order, whatever their lane. */
#include "given.h"

#include <netinet/in.h>
#include <search.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "bytes.h"

#define NONE SIZE_MAX

struct socket {
	uint64_t ino;
	uint16_t port, local_port;
	uint8_t proto, version, addr[16];
};

struct call {
	uint32_t tgid;
	uint64_t object, length, taken; /* taken: UINT64_MAX where nothing tells */
	unsigned function;
	bool nested, placed, inside;
	struct socket socket;
	size_t first, parts; /* in hm_given_reader.part */
};

struct part {
	size_t at, length; /* in hm_given_reader.data */
	uint64_t event;
};

struct thread {
	uint32_t tid;
	size_t open, waiting; /* the call that it is in; the last one, while no socket of it is known */
};

struct hm_given_reader {
	struct hm_bytes data;
	struct call *call;
	struct part *part;
	size_t calls, calls_room, parts, parts_room;
	void *threads;
	uint64_t libraries, unwatched, late, brought;
	bool beyond;
};

struct hm_given_reader *hm_given_new(void)
{
	return hm_alloc(1, sizeof(struct hm_given_reader));
}

void hm_given_free(struct hm_given_reader *r)
{
	if (!r)
		return;
	hm_bytes_release(&r->data);
	free(r->call);
	free(r->part);
	tdestroy(r->threads, free);
	free(r);
}

static int by_tid(const void *a, const void *b)
{
	const struct thread *x = a, *y = b;

	return (x->tid > y->tid) - (x->tid < y->tid);
}

/* Made where it is new and `make`; else NULL. */
static struct thread *thread_of(struct hm_given_reader *r, uint32_t tid, bool make)
{
	struct thread key = { .tid = tid }, *fresh, **found = tfind(&key, &r->threads, by_tid);

	if (found || !make)
		return found ? *found : NULL;
	fresh = hm_alloc(1, sizeof(*fresh));
	*fresh = (struct thread){ tid, NONE, NONE };
	if (!tsearch(fresh, &r->threads, by_tid))
		abort();
	return fresh;
}

static void *grow(void *list, size_t count, size_t *room, size_t size)
{
	if (count < *room)
		return list;
	*room = *room ? 2 * *room : 64;
	return hm_realloc(list, *room, size);
}

static size_t begin_call(struct hm_given_reader *r, const struct hm_event *e)
{
	r->call = grow(r->call, r->calls, &r->calls_room, sizeof(*r->call));
	r->call[r->calls] = (struct call){ .tgid = e->tgid, .object = e->field[HM_GIVEN_CONNECTION].u, .length = e->field[HM_GIVEN_LENGTH].u,
					   .taken = UINT64_MAX, .function = (unsigned)e->field[HM_GIVEN_FUNCTION].u,
					   .nested = e->field[HM_GIVEN_NESTED].u != 0, .first = r->parts };
	return r->calls++;
}

/* The parts of a call stand one behind the other; those of others may come between, and then it goes on as a call of its own. */
static bool goes_on(const struct hm_given_reader *r, size_t call, const struct hm_event *e)
{
	const struct call *c = call == NONE ? NULL : &r->call[call];

	return c && e->field[HM_GIVEN_OFFSET].u && c->object == e->field[HM_GIVEN_CONNECTION].u &&
	       c->function == e->field[HM_GIVEN_FUNCTION].u && c->first + c->parts == r->parts;
}

static void take_given(struct hm_given_reader *r, const struct hm_event *e, uint64_t position)
{
	struct thread *thread = thread_of(r, e->tid, true);
	struct hm_slice data = e->field[HM_GIVEN_DATA].b;
	size_t call = thread->open;

	if (r->calls == HM_GIVEN_CALLS_MAX || data.len > HM_GIVEN_MAX - r->data.len || r->parts == HM_GIVEN_CALLS_MAX) {
		r->beyond = true;
		return;
	}
	if (e->field[HM_GIVEN_NESTED].u)
		call = begin_call(r, e);
	else if (!goes_on(r, call, e))
		call = thread->open = thread->waiting = begin_call(r, e);
	r->part = grow(r->part, r->parts, &r->parts_room, sizeof(*r->part));
	r->part[r->parts++] = (struct part){ r->data.len, data.len, position };
	r->call[call].parts++;
	hm_bytes_slice(&r->data, data);
}

static void take_taken(struct hm_given_reader *r, const struct hm_event *e)
{
	struct thread *thread = thread_of(r, e->tid, false);
	struct call *call = thread && thread->open != NONE ? &r->call[thread->open] : NULL;

	if (!call || call->object != e->field[HM_TAKEN_CONNECTION].u || call->function != e->field[HM_TAKEN_FUNCTION].u)
		return;
	call->taken = e->field[HM_TAKEN_BYTES].u;
	thread->open = NONE;
}

static bool socket_of(struct socket *out, const struct hm_event *e)
{
	static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };
	struct hm_slice addr = e->field[HM_SEND_ADDR].b;

	if (e->field[HM_SEND_FAMILY].u != AF_INET && e->field[HM_SEND_FAMILY].u != AF_INET6)
		return false;
	if (addr.len == 16 && memcmp(addr.data, mapped, sizeof(mapped)) == 0)
		addr = (struct hm_slice){ addr.data + 12, 4 };
	if (addr.len != 4 && addr.len != 16)
		return false;
	*out = (struct socket){ .ino = e->field[HM_SEND_INO].u, .port = (uint16_t)e->field[HM_SEND_PORT].u,
				.local_port = (uint16_t)e->field[HM_SEND_LOCAL_PORT].u, .version = addr.len == 4 ? 4 : 6,
				.proto = (e->field[HM_SEND_TYPE].u & 0xff) == SOCK_STREAM ? IPPROTO_TCP : IPPROTO_UDP };
	memcpy(out->addr, addr.data, addr.len);
	return true;
}

static void take_send(struct hm_given_reader *r, const struct hm_event *e)
{
	struct thread *thread = thread_of(r, e->tid, false);
	size_t index = !thread ? NONE : thread->open != NONE ? thread->open : thread->waiting;
	struct call *call = index == NONE ? NULL : &r->call[index];

	if (!call || call->placed)
		return;
	call->placed = socket_of(&call->socket, e);
	call->inside = call->placed && thread->open != NONE;
	if (call->placed)
		thread->waiting = NONE;
}

/* Of the system: of the lower layer, and where the linker looks (features.md, "What was given"). */
static bool is_systems(const struct hm_event *e)
{
	static const char *const above[] = { "/usr/lib/", "/usr/lib64/", "/lib/", "/lib64/" };
	struct hm_slice path = e->field[HM_LIBRARY_PATH].b, folder;
	const uint8_t *slash;

	if (e->field[HM_LIBRARY_LAYER].u != HM_LAYER_LOWER)
		return false;
	for (size_t i = 0; i < HM_COUNT(above); i++) {
		size_t len = strlen(above[i]);

		if (path.len <= len || memcmp(path.data, above[i], len) != 0)
			continue;
		folder = (struct hm_slice){ path.data + len, path.len - len };
		slash = memchr(folder.data, '/', folder.len);
		if (!slash)
			return true;
		if (memchr(slash + 1, '/', (size_t)(folder.data + folder.len - slash - 1)))
			return false;
		folder.len = (size_t)(slash - folder.data);
		return memmem(folder.data, folder.len, "-linux-gnu", strlen("-linux-gnu")) != NULL;
	}
	return false;
}

void hm_given_event(struct hm_given_reader *r, const struct hm_event *e, uint64_t position)
{
	struct thread *thread;

	switch (e->kind) {
	case HM_EV_LIBRARY:
		r->libraries++;
		r->unwatched += e->field[HM_LIBRARY_WATCHED].u != e->field[HM_LIBRARY_FUNCTIONS].u || e->field[HM_LIBRARY_WHY].u;
		r->brought += !is_systems(e);
		r->late += e->field[HM_LIBRARY_WATCHED].u && !e->field[HM_LIBRARY_HELD].u;
		return;
	case HM_EV_GIVEN:
		take_given(r, e, position);
		return;
	case HM_EV_TAKEN:
		take_taken(r, e);
		return;
	case HM_EV_SEND:
		take_send(r, e);
		return;
	case HM_EV_EXEC:
	case HM_EV_EXIT:
		thread = thread_of(r, e->tid, false);
		if (thread)
			thread->open = thread->waiting = NONE;
		return;
	default:
		return;
	}
}

/* ---- calls become connections ---- */

struct object {
	uint32_t tgid;
	uint64_t object;
	size_t connection;
	bool placed;
	struct socket socket;
};

struct joining {
	const struct hm_given_reader *r;
	const struct hm_flows *flows;
	struct hm_givens *out;
	size_t room;
	void *objects;
	size_t *flow; /* sorted as by_peer does */
};

static int by_object(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	if (x->object != y->object)
		return x->object < y->object ? -1 : 1;
	return (x->tgid > y->tgid) - (x->tgid < y->tgid);
}

static bool same_socket(const struct socket *a, const struct socket *b)
{
	return a->ino == b->ino && a->local_port == b->local_port && a->port == b->port;
}

static int by_peer(const void *a, const void *b, void *flows)
{
	const struct hm_flow *list = flows, *x = &list[*(const size_t *)a], *y = &list[*(const size_t *)b];

	if (x->local_port != y->local_port)
		return x->local_port < y->local_port ? -1 : 1;
	return (*(const size_t *)a > *(const size_t *)b) - (*(const size_t *)a < *(const size_t *)b);
}

/* The flow that left by this socket. */
static size_t flow_of(const struct joining *j, const struct socket *s)
{
	size_t low = 0, high = j->flows->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (j->flows->list[j->flow[middle]].local_port < s->local_port)
			low = middle + 1;
		else
			high = middle;
	}
	for (; low < j->flows->count; low++) {
		const struct hm_flow *f = &j->flows->list[j->flow[low]];

		if (f->local_port != s->local_port)
			return NONE;
		if (f->proto == s->proto && f->version == s->version && f->port == s->port &&
		    memcmp(f->remote, s->addr, s->version == 4 ? 4 : 16) == 0)
			return j->flow[low];
	}
	return NONE;
}

static struct object *object_of(struct joining *j, const struct call *call)
{
	struct object key = { .tgid = call->tgid, .object = call->object }, *fresh, **found = tfind(&key, &j->objects, by_object);

	if (found)
		return *found;
	fresh = hm_alloc(1, sizeof(*fresh));
	*fresh = key;
	fresh->connection = NONE;
	if (!tsearch(fresh, &j->objects, by_object))
		abort();
	return fresh;
}

static struct hm_given *connection_of(struct joining *j, const struct call *call)
{
	struct object *object = object_of(j, call);
	struct hm_givens *out = j->out;

	/* An address that comes again, with another socket behind it. */
	if (object->connection != NONE && object->placed && call->placed && !same_socket(&object->socket, &call->socket))
		object->connection = NONE;
	if (object->connection == NONE) {
		out->list = grow(out->list, out->count, &j->room, sizeof(*out->list));
		out->list[out->count] = (struct hm_given){ .tgid = call->tgid, .object = call->object, .function = call->function, .flow = NONE };
		object->connection = out->count++;
		object->placed = false;
	}
	if (call->placed && !object->placed) {
		object->placed = true;
		object->socket = call->socket;
		out->list[object->connection].flow = flow_of(j, &call->socket);
		out->list[object->connection].inside = call->inside;
	}
	return &out->list[object->connection];
}

static void add_part(struct hm_bytes *text, struct hm_given_part **list, size_t *count, struct hm_slice data, uint64_t event)
{
	if (!data.len)
		return;
	if ((*count & (*count - 1)) == 0)
		*list = hm_realloc(*list, *count ? 2 * *count : 1, sizeof(**list));
	(*list)[(*count)++] = (struct hm_given_part){ text->len, data.len, event };
	hm_bytes_slice(text, data);
}

static void add(uint64_t *sum, uint64_t by)
{
	if (__builtin_add_overflow(*sum, by, sum))
		*sum = UINT64_MAX;
}

static void add_call(struct joining *j, const struct call *call)
{
	struct hm_given *given = connection_of(j, call);
	uint64_t left = call->nested ? 0 : call->taken, told = 0;

	for (size_t i = 0; i < call->parts; i++) {
		const struct part *part = &j->r->part[call->first + i];
		size_t taken = left < part->length ? (size_t)left : part->length;
		struct hm_slice data = { j->r->data.data + part->at, part->length };

		add_part(&given->text, &given->part, &given->parts, (struct hm_slice){ data.data, taken }, part->event);
		if (taken < part->length)
			add_part(&given->rest, &given->rest_part, &given->rest_parts, data, part->event);
		if (left != UINT64_MAX)
			left -= taken;
		told += part->length;
	}
	if (call->nested)
		return;
	given->calls++;
	add(&given->bytes, call->length);
	add(&given->untold, call->length > told ? call->length - told : 0);
}

void hm_given_end(struct hm_given_reader *r, const struct hm_flows *flows, struct hm_givens *out)
{
	HM_FREE size_t *flow = hm_alloc(flows->count + 1, sizeof(*flow));
	struct joining j = { .r = r, .flows = flows, .out = out, .flow = flow };

	*out = (struct hm_givens){ .libraries = r->libraries, .unwatched = r->unwatched, .late = r->late, .brought = r->brought, .beyond = r->beyond };
	for (size_t i = 0; i < flows->count; i++)
		flow[i] = i;
	if (flows->count)
		qsort_r(flow, flows->count, sizeof(*flow), by_peer, flows->list);
	for (size_t i = 0; i < r->calls; i++)
		add_call(&j, &r->call[i]);
	tdestroy(j.objects, free);
}

void hm_givens_release(struct hm_givens *givens)
{
	for (size_t i = 0; i < givens->count; i++) {
		hm_bytes_release(&givens->list[i].text);
		hm_bytes_release(&givens->list[i].rest);
		free(givens->list[i].part);
		free(givens->list[i].rest_part);
	}
	free(givens->list);
	*givens = (struct hm_givens){ 0 };
}

const char *hm_given_library(unsigned function)
{
	static const char *const names[HM_TLS_FUNCTIONS] = {
#define HM_TLS_FUNCTION(name, number, library, symbol, memory, length, tells, written) [number] = library,
#include "tls_functions.def"
#undef HM_TLS_FUNCTION
	};

	return function < HM_COUNT(names) ? names[function] : NULL;
}
