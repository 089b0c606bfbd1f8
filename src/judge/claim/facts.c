/* Events become facts: distinct things, each with the first event that shows it. What the chamber's own code did in the
 * product's cgroup before the first exec is not the product's. */
#include "claim_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <search.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

enum { FACTS_MAX = 4000000, OUTPUT_MAX = 16 << 20 };
enum { RING_WRITEV = 2, RING_WRITE_FIXED = 5, RING_WRITE = 23 }; /* enum io_uring_op */

static int by_what(const void *a, const void *b)
{
	const struct hm_file_fact *x = a, *y = b;

	if (x->act != y->act)
		return x->act < y->act ? -1 : 1;
	if (x->layer != y->layer)
		return x->layer < y->layer ? -1 : 1;
	if (x->type != y->type)
		return x->type < y->type ? -1 : 1;
	if (x->cut != y->cut)
		return x->cut ? 1 : -1;
	return hm_slice_cmp(x->path, y->path);
}

bool hm_facts_has(const struct hm_run *run, const struct hm_file_fact *fact)
{
	return tfind(fact, (void *const *)&run->file_tree, by_what) != NULL;
}

static int too_many(struct hm_fail *fail)
{
	return hm_fail_set(fail, HM_E_BAD, "more distinct facts than this program judges (%d)", FACTS_MAX);
}

/* Room for one more at the end of a list that doubles whenever its count is a power of two. */
static void *grown(void *list, size_t count, size_t size)
{
	return count & (count - 1) ? list : hm_realloc(list, count ? 2 * count : 1, size);
}

static int add_file(struct hm_run *run, const struct hm_file_fact *fact, struct hm_fail *fail)
{
	struct hm_file_fact *own, **found = tfind(fact, &run->file_tree, by_what);
	char *path;

	if (found)
		return 0;
	if (run->file_count == FACTS_MAX)
		return too_many(fail);
	own = hm_alloc(1, sizeof(*own) + fact->path.len);
	*own = *fact;
	path = (char *)(own + 1);
	if (fact->path.len)
		memcpy(path, fact->path.data, fact->path.len);
	own->path.data = (const uint8_t *)path;
	if (!tsearch(own, &run->file_tree, by_what))
		abort();
	run->files = grown(run->files, run->file_count, sizeof(*run->files));
	run->files[run->file_count++] = own;
	return 0;
}

static int add_cred(struct hm_run *run, struct hm_cred_fact fact, struct hm_fail *fail)
{
	for (size_t i = 0; i < run->cred_count; i++)
		if (run->creds[i].uid == fact.uid && run->creds[i].euid == fact.euid && run->creds[i].caps == fact.caps)
			return 0;
	/* Looked up one by one: nobody has many credentials. */
	if (run->cred_count == 10000)
		return too_many(fail);
	run->creds = grown(run->creds, run->cred_count, sizeof(*run->creds));
	run->creds[run->cred_count++] = fact;
	return 0;
}

static int take_exec(struct hm_run *run, const struct hm_event *e, uint64_t position, struct hm_fail *fail)
{
	const struct hm_value *f = e->field;
	int r;

	run->executed = true;
	r = add_file(run, &(struct hm_file_fact){ .act = HM_ACT_EXEC, .layer = (uint8_t)f[HM_EXEC_LAYER].u,
						  .path = f[HM_EXEC_PATH].b, .event = position }, fail);
	if (r < 0)
		return r;
	return add_cred(run, (struct hm_cred_fact){ f[HM_EXEC_UID].u, f[HM_EXEC_EUID].u,
						    f[HM_EXEC_CAP_EFF].u | f[HM_EXEC_CAP_PRM].u, position }, fail);
}

static int take_cred(struct hm_run *run, const struct hm_event *e, uint64_t position, struct hm_fail *fail)
{
	const struct hm_value *f = e->field;

	return add_cred(run, (struct hm_cred_fact){ f[HM_CRED_UID].u, f[HM_CRED_EUID].u,
						    f[HM_CRED_CAP_EFF].u | f[HM_CRED_CAP_PRM].u, position }, fail);
}

static int take_open(struct hm_run *run, const struct hm_event *e, uint64_t position, struct hm_fail *fail)
{
	const struct hm_value *f = e->field;
	bool writes = (f[HM_OPEN_FLAGS].u & O_ACCMODE) != O_RDONLY;

	/* It names a file and opens nothing: no byte and no entry can be read through it (open(2)). What is opened by way of
	 * it is an event of its own. */
	if (f[HM_OPEN_FLAGS].u & O_PATH)
		return 0;
	return add_file(run, &(struct hm_file_fact){ .act = writes ? HM_ACT_WRITE : HM_ACT_OPEN,
						     .layer = (uint8_t)f[HM_OPEN_LAYER].u, .cut = f[HM_OPEN_CUT].u != 0,
						     .type = (uint32_t)f[HM_OPEN_MODE].u & S_IFMT,
						     .path = f[HM_OPEN_PATH].b, .event = position }, fail);
}

static int take_map(struct hm_run *run, const struct hm_event *e, uint64_t position, struct hm_fail *fail)
{
	const struct hm_value *f = e->field;

	if (!(f[HM_MAP_PROT].u & PROT_EXEC))
		return 0;
	return add_file(run, &(struct hm_file_fact){ .act = HM_ACT_MAP, .layer = (uint8_t)f[HM_MAP_LAYER].u,
						     .path = f[HM_MAP_PATH].b, .event = position }, fail);
}

static int add_listen(struct hm_run *run, struct hm_listen_fact fact, struct hm_fail *fail)
{
	for (size_t i = 0; i < run->listen_count; i++)
		if (run->listens[i].family == fact.family && run->listens[i].port == fact.port &&
		    run->listens[i].datagram == fact.datagram)
			return 0;
	if (run->listen_count == 200000)
		return too_many(fail);
	run->listens = grown(run->listens, run->listen_count, sizeof(*run->listens));
	run->listens[run->listen_count++] = fact;
	return 0;
}

static int take_listen(struct hm_run *run, const struct hm_event *e, uint64_t position, struct hm_fail *fail)
{
	const struct hm_value *f = e->field;

	if ((int64_t)f[HM_LISTEN_RESULT].u != 0 || f[HM_LISTEN_FAMILY].u == AF_UNIX)
		return 0;
	return add_listen(run, (struct hm_listen_fact){ f[HM_LISTEN_FAMILY].u, f[HM_LISTEN_PORT].u, position, false }, fail);
}

/* A datagram socket has no listen: it takes what comes to its port. Ports that the kernel chose, for answers, come from
 * Linux's range of 32768 to 60999. */
static int take_bind(struct hm_run *run, const struct hm_event *e, uint64_t position, struct hm_fail *fail)
{
	const struct hm_value *f = e->field;
	uint64_t port = f[HM_BIND_PORT].u, family = f[HM_BIND_FAMILY].u;

	if ((int64_t)f[HM_BIND_RESULT].u != 0 || (family != AF_INET && family != AF_INET6) || f[HM_BIND_TYPE].u != SOCK_DGRAM ||
	    (port >= 32768 && port <= 60999))
		return 0;
	return add_listen(run, (struct hm_listen_fact){ family, port, position, true }, fail);
}

static void go_nowhere(struct hm_run *run, uint64_t position)
{
	if (run->nowhere.kept < HM_MARKS)
		run->nowhere.event[run->nowhere.kept++] = position;
	run->nowhere.count++;
}

/* The chamber has no IPv6, so what would go there leaves nowhere: nobody can say that nothing of it would. Addresses of the machine itself,
 * and of IPv4 in disguise, are no such way (RFC 4291 section 2.5). */
static int take_connect(struct hm_run *run, const struct hm_event *e, uint64_t position, struct hm_fail *fail HM_UNUSED)
{
	static const uint8_t none[16], inner[12] = { [10] = 0xff, [11] = 0xff };
	const struct hm_value *f = e->field;
	struct hm_slice to = f[HM_CONNECT_ADDR].b;
	int64_t result = (int64_t)f[HM_CONNECT_RESULT].u;

	if (run->semantics < 5 || f[HM_CONNECT_FAMILY].u != AF_INET6 || to.len != 16 || result == 0 || result == -EINPROGRESS)
		return 0;
	if (memcmp(to.data, none, 15) == 0 || memcmp(to.data, inner, sizeof(inner)) == 0)
		return 0;
	go_nowhere(run, position);
	return 0;
}

/* Families of sockets by which something leaves a machine, and which the chamber refuses. Others tell nobody else anything (AF_ALG), or no
 * kernel has them that is in use (programs that list interfaces try them all). */
static bool leads_out(uint64_t family)
{
	static const uint8_t families[] = { AF_PACKET, AF_RDS, AF_CAN, AF_TIPC, AF_BLUETOOTH, AF_IEEE802154, AF_NFC, AF_VSOCK, AF_QIPCRTR, AF_SMC, AF_XDP };

	for (size_t i = 0; i < HM_COUNT(families); i++)
		if (families[i] == family)
			return true;
	return false;
}

static int take_deny(struct hm_run *run, const struct hm_event *e, uint64_t position, struct hm_fail *fail HM_UNUSED)
{
	static const uint64_t i386 = 1u << 30, calls[] = { 41, 359 + i386, 102 + i386 }; /* socket, and socketcall that makes one */
	uint64_t nr = e->field[HM_DENY_NR].u, family = e->field[HM_DENY_ARG0].u;

	if (run->semantics > 4 && (nr == calls[0] || nr == calls[1] || nr == calls[2]) && leads_out(family & UINT32_MAX))
		go_nowhere(run, position);
	return 0;
}

static int take_output(struct hm_run *run, const struct hm_event *e, uint64_t position HM_UNUSED, struct hm_fail *fail)
{
	uint64_t stream = e->field[HM_OUTPUT_STREAM].u;
	struct hm_slice data = e->field[HM_OUTPUT_DATA].b;

	if (stream != 1 && stream != 2)
		return hm_fail_set(fail, HM_E_BAD, "output on stream %llu", (unsigned long long)stream);
	if (run->output[stream - 1].len + data.len > OUTPUT_MAX)
		return hm_fail_set(fail, HM_E_BAD, "more output than this program judges (%d bytes)", OUTPUT_MAX);
	hm_bytes_slice(&run->output[stream - 1], data);
	return 0;
}

static int take_gap(struct hm_run *run, const struct hm_event *e, uint64_t position HM_UNUSED, struct hm_fail *fail HM_UNUSED)
{
	static const unsigned touched[] = {
		[HM_GAP_RING] = HM_TOUCH_EVENTS, [HM_GAP_SEQUENCE] = HM_TOUCH_EVENTS, [HM_GAP_ATTACH] = HM_TOUCH_EVENTS,
		[HM_GAP_PACKETS] = HM_TOUCH_PACKETS, [HM_GAP_OUTPUT] = HM_TOUCH_OUTPUT,
	};
	uint64_t source = e->field[HM_GAP_SOURCE].u;

	/* A source of a later version: whatever it is, it is missing. */
	run->lost |= source < HM_COUNT(touched) ? touched[source] : ~0u;
	/* What was there before is the product's, and comes first. */
	if (source == HM_GAP_ATTACH && run->semantics > 1)
		run->executed = run->before = true;
	if (source == HM_GAP_PACKETS && __builtin_add_overflow(run->lost_packets, e->field[HM_GAP_COUNT].u, &run->lost_packets))
		run->lost_packets = UINT64_MAX;
	return 0;
}

/* What was there before the recorder came, as the look at the start found it. */
static int take_alive(struct hm_run *run, const struct hm_event *e, uint64_t position, struct hm_fail *fail)
{
	const struct hm_value *f = e->field;
	int r;

	if (!run->before)
		return 0;
	r = add_file(run, &(struct hm_file_fact){ .act = HM_ACT_EXEC, .layer = (uint8_t)f[HM_ALIVE_LAYER].u,
						  .path = f[HM_ALIVE_PATH].b, .event = position }, fail);
	if (r < 0)
		return r;
	return add_cred(run, (struct hm_cred_fact){ f[HM_ALIVE_UID].u, f[HM_ALIVE_EUID].u,
						    f[HM_ALIVE_CAP_EFF].u | f[HM_ALIVE_CAP_PRM].u, position }, fail);
}

static int take_held(struct hm_run *run, const struct hm_event *e, uint64_t position, struct hm_fail *fail)
{
	const struct hm_value *f = e->field;
	bool writes = (f[HM_HELD_FLAGS].u & O_ACCMODE) != O_RDONLY;

	if (!run->before || f[HM_HELD_FLAGS].u & O_PATH)
		return 0;
	return add_file(run, &(struct hm_file_fact){ .act = writes ? HM_ACT_WRITE : HM_ACT_OPEN,
						     .layer = (uint8_t)f[HM_HELD_LAYER].u, .type = (uint32_t)f[HM_HELD_MODE].u & S_IFMT,
						     .path = f[HM_HELD_PATH].b, .event = position }, fail);
}

static int take_mapped(struct hm_run *run, const struct hm_event *e, uint64_t position, struct hm_fail *fail)
{
	const struct hm_value *f = e->field;

	if (!run->before || !(f[HM_MAPPED_PROT].u & PROT_EXEC) ||
	    (f[HM_MAPPED_DEV].u == 0 && hm_slice_eq(f[HM_MAPPED_PATH].b, HM_SLICE("[vdso]"))))
		return 0;
	return add_file(run, &(struct hm_file_fact){ .act = HM_ACT_MAP, .layer = (uint8_t)f[HM_MAPPED_LAYER].u,
						     .path = f[HM_MAPPED_PATH].b, .event = position }, fail);
}

static int take_look(struct hm_run *run, const struct hm_event *e HM_UNUSED, uint64_t position HM_UNUSED, struct hm_fail *fail HM_UNUSED)
{
	run->before = false;
	return 0;
}

/* A file that an io_uring worked on was opened, by it or before. */
static int take_ring(struct hm_run *run, const struct hm_event *e, uint64_t position, struct hm_fail *fail)
{
	static const uint8_t writing[] = { RING_WRITEV, RING_WRITE_FIXED, RING_WRITE };
	const struct hm_value *f = e->field;
	enum hm_act act = HM_ACT_OPEN;

	if (f[HM_RING_DEV].u == 0 || (int64_t)f[HM_RING_RESULT].u < 0)
		return 0;
	for (size_t i = 0; i < HM_COUNT(writing); i++)
		if (f[HM_RING_OPCODE].u == writing[i])
			act = HM_ACT_WRITE;
	return add_file(run, &(struct hm_file_fact){ .act = act, .layer = (uint8_t)f[HM_RING_LAYER].u, .path = f[HM_RING_PATH].b,
						     .event = position }, fail);
}

int hm_facts_event(struct hm_run *run, const struct hm_event *event, uint64_t position, struct hm_fail *fail)
{
	static int (*const takers[HM_EV_COUNT])(struct hm_run *run, const struct hm_event *e, uint64_t position,
						struct hm_fail *fail) = {
		[HM_EV_EXEC] = take_exec, [HM_EV_CRED] = take_cred,	[HM_EV_OPEN] = take_open,     [HM_EV_MAP] = take_map,
		[HM_EV_BIND] = take_bind, [HM_EV_LISTEN] = take_listen, [HM_EV_OUTPUT] = take_output, [HM_EV_GAP] = take_gap,
		[HM_EV_ALIVE] = take_alive, [HM_EV_HELD] = take_held, [HM_EV_MAPPED] = take_mapped, [HM_EV_LOOK] = take_look,
		[HM_EV_RING] = take_ring, [HM_EV_CONNECT] = take_connect, [HM_EV_DENY] = take_deny,
	};

	if (event->kind >= HM_EV_COUNT || !takers[event->kind])
		return 0;
	if (!run->executed && event->kind != HM_EV_EXEC && event->kind != HM_EV_GAP)
		return 0;
	return takers[event->kind](run, event, position, fail);
}

static void keep_node(void *node HM_UNUSED)
{
}

void hm_facts_release(struct hm_run *run)
{
	tdestroy(run->file_tree, keep_node);
	for (size_t i = 0; i < run->file_count; i++)
		free(run->files[i]);
	free(run->files);
	free(run->creds);
	free(run->listens);
	hm_bytes_release(&run->output[0]);
	hm_bytes_release(&run->output[1]);
}
