/* What happens in a run: events that came with version 2, and what only they need. */
#include "payload.h"
#include "scene_internal.h"

#include <arpa/inet.h>
#include <err.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>

static void do_task(struct stage *s, const struct line *line)
{
	uint32_t tgid = (uint32_t)scene_number(line, 1, 10), tid = (uint32_t)scene_number(line, 2, 10);

	s->task = NULL;
	for (size_t i = 0; i < TASKS && tid; i++) {
		if (s->tasks[i].tid != tid && s->tasks[i].tid != 0)
			continue;
		s->task = &s->tasks[i];
		s->task->tgid = tgid;
		s->task->tid = tid;
		return;
	}
	if (tid)
		errx(1, "more tasks than a case may have");
}

static void do_skip(struct stage *s, const struct line *line)
{
	s->task->next += scene_number(line, 1, 10);
}

static void do_become(struct stage *s, const struct line *line)
{
	s->task->tid = (uint32_t)scene_number(line, 1, 10);
}

static void do_anew(struct stage *s, const struct line *line HM_UNUSED)
{
	s->task->next = 0;
}

static void do_fork(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_FORK };

	SET(e, HM_FORK_CHILD_TGID, scene_number(line, 1, 10));
	SET(e, HM_FORK_CHILD_TID, scene_number(line, 2, 10));
	scene_say(s, e, KERNEL);
}

static void do_exit(struct stage *s, const struct line *line HM_UNUSED)
{
	scene_say(s, (struct hm_event){ .kind = HM_EV_EXIT }, KERNEL);
	*s->task = (struct task){ 0 };
	s->task = NULL;
}

static void do_move(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_MOVE };

	SET(e, HM_MOVE_MOVED_TGID, scene_number(line, 1, 10));
	SET(e, HM_MOVE_MOVED_TID, scene_number(line, 2, 10));
	SET(e, HM_MOVE_INSIDE, strcmp(scene_word(line, 3), "in") == 0);
	SET_TEXT(e, HM_MOVE_PATH, line->words > 4 ? line->word[4] : "");
	scene_say(s, e, KERNEL);
}

static void do_call(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = strcmp(line->word[0], "deny") == 0 ? HM_EV_DENY : HM_EV_CALL };
	bool compat = strcmp(scene_word(line, 1), "i386") == 0;

	SET(e, HM_CALL_NR, scene_number(line, 1 + compat, 10) | (compat ? HM_NR_COMPAT : 0));
	for (size_t i = 2 + compat; i < line->words; i++)
		SET(e, HM_CALL_ARG0 + i - 2 - compat, scene_number(line, i, 16));
	scene_say(s, e, KERNEL);
}

static void do_read(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = strcmp(line->word[0], "write") == 0 ? HM_EV_WRITE : HM_EV_READ };

	SET_FILE(e, READ, s, scene_word(line, 1));
	SET(e, HM_READ_OFFSET, scene_number(line, 2, 10));
	SET(e, HM_READ_BYTES, scene_number(line, 3, 10));
	SET(e, HM_READ_LAYER, scene_layer(line, 4, HM_LAYER_LOWER));
	scene_say(s, e, KERNEL);
}

static void do_mmap(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_MAP };

	SET_FILE(e, MAP, s, scene_word(line, 1));
	SET_TEXT(e, HM_MAP_PATH, line->word[1]);
	SET(e, HM_MAP_LAYER, scene_layer(line, 4, HM_LAYER_LOWER));
	SET(e, HM_MAP_OFFSET, scene_number(line, 2, 10));
	SET(e, HM_MAP_LENGTH, scene_number(line, 3, 10));
	SET(e, HM_MAP_PROT, PROT_READ);
	SET(e, HM_MAP_NR, line->words > 5 ? scene_number(line, 5, 10) : 9);
	SET(e, HM_MAP_FLAGS, line->words > 6 && strcmp(line->word[6], "unsure") == 0 ? HM_MAP_UNSURE : 0);
	scene_say(s, e, KERNEL);
}

static void do_pages(struct stage *s, const struct line *line)
{
	static const char *const ways[] = { "get", "map", "fault", "direct", "add" };
	struct hm_event e = { .kind = HM_EV_PAGES };
	uint64_t by = 0;

	while (by < HM_COUNT(ways) && strcmp(scene_word(line, 1), ways[by]) != 0)
		by++;
	if (by == HM_COUNT(ways))
		scene_bad(line);
	SET(e, HM_PAGES_BY, by);
	SET_FILE(e, PAGES, s, scene_word(line, 2));
	SET(e, HM_PAGES_OFFSET, scene_number(line, 3, 10));
	SET(e, HM_PAGES_LENGTH, scene_number(line, 4, 10));
	SET(e, HM_PAGES_TIMES, 1);
	scene_say(s, e, KERNEL);
}

static void do_ring(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_RING };

	SET(e, HM_RING_OPCODE, scene_number(line, 1, 10));
	SET(e, HM_RING_RESULT, scene_number(line, 2, 10));
	SET_FILE(e, RING, s, scene_word(line, 3));
	SET_TEXT(e, HM_RING_PATH, line->word[3]);
	SET(e, HM_RING_LAYER, scene_layer(line, 4, HM_LAYER_LOWER));
	scene_say(s, e, KERNEL);
}

static void do_copyup(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_COPYUP };

	SET(e, HM_COPYUP_FROM_DEV, 1);
	SET(e, HM_COPYUP_FROM_INO, scene_inode(s, scene_word(line, 1)));
	SET_FILE(e, COPYUP, s, scene_word(line, 2));
	scene_say(s, e, KERNEL);
}

/* The paths' inodes are others from here on. */
static void do_copy(struct stage *s, const struct line *line)
{
	for (size_t i = 1; i < line->words; i++)
		s->paths[scene_inode(s, line->word[i]) - 1] = "";
}

static void do_socket(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_SOCKET };

	SET(e, HM_SOCKET_FAMILY, AF_INET);
	SET(e, HM_SOCKET_INO, scene_number(line, 1, 10));
	scene_say(s, e, KERNEL);
}

static void do_send(struct stage *s, const struct line *line)
{
	bool call = strcmp(line->word[0], "send") == 0;
	struct hm_event e = { .kind = call ? HM_EV_SEND : HM_EV_SENT };
	uint8_t address[4];

	SET(e, call ? HM_SEND_INO : HM_SENT_INO, scene_number(line, 1, 10));
	SET(e, call ? HM_SEND_BYTES : HM_SENT_BYTES, scene_number(line, 2, 10));
	if (call && line->words > 3) {
		scene_host(address, scene_word(line, 4));
		SET(e, HM_SEND_FAMILY, AF_INET);
		SET(e, HM_SEND_TYPE, SOCK_STREAM);
		SET(e, HM_SEND_LOCAL_PORT, scene_number(line, 3, 10));
		e.field[HM_SEND_ADDR].b = (struct hm_slice){ address, sizeof(address) };
		SET(e, HM_SEND_PORT, scene_number(line, 5, 10));
	}
	scene_say(s, e, KERNEL);
}

/* given and inside FUNCTION OBJECT PAYLOAD...; taken FUNCTION OBJECT BYTES */
static void do_given(struct stage *s, const struct line *line)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes payload = { 0 };
	struct hm_event e = { .kind = HM_EV_GIVEN };

	payload_make(&payload, s->parts, scene_seed, line->word + 3, line->words - 3);
	SET(e, HM_GIVEN_FUNCTION, scene_number(line, 1, 10));
	SET(e, HM_GIVEN_CONNECTION, scene_number(line, 2, 10));
	SET(e, HM_GIVEN_LENGTH, payload.len);
	SET(e, HM_GIVEN_NESTED, strcmp(line->word[0], "inside") == 0);
	e.field[HM_GIVEN_DATA].b = hm_slice_of(&payload);
	scene_say(s, e, GIVEN);
}

static void do_taken(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_TAKEN };

	SET(e, HM_TAKEN_FUNCTION, scene_number(line, 1, 10));
	SET(e, HM_TAKEN_CONNECTION, scene_number(line, 2, 10));
	SET(e, HM_TAKEN_RESULT, scene_number(line, 3, 10));
	SET(e, HM_TAKEN_BYTES, scene_number(line, 3, 10));
	scene_say(s, e, GIVEN);
}

/* PROTO PORT HOST PORT BYTES [PACKETS [OWNER]] */
static void do_packet(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_PACKET };
	uint8_t address[4];

	scene_host(address, scene_word(line, 3));
	SET(e, HM_PACKET_FAMILY, AF_INET);
	SET(e, HM_PACKET_PROTO, scene_number(line, 1, 10));
	SET(e, HM_PACKET_LOCAL_PORT, scene_number(line, 2, 10));
	e.field[HM_PACKET_ADDR].b = (struct hm_slice){ address, sizeof(address) };
	SET(e, HM_PACKET_PORT, scene_number(line, 4, 10));
	SET(e, HM_PACKET_BYTES, scene_number(line, 5, 10));
	SET(e, HM_PACKET_PACKETS, line->words > 6 ? scene_number(line, 6, 10) : 1);
	SET(e, HM_PACKET_OWNER, line->words > 7 ? scene_number(line, 7, 10) : 100);
	scene_say(s, e, PACKETS);
}

static void do_alive(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_ALIVE };
	const char *path = line->words > 3 ? line->word[3] : SUBJECT;

	SET(e, HM_ALIVE_LOOK, s->looks);
	SET(e, HM_ALIVE_TGID, scene_number(line, 1, 10));
	SET(e, HM_ALIVE_TID, scene_number(line, 1, 10));
	SET(e, HM_ALIVE_CAP_EFF, line->words > 2 ? scene_number(line, 2, 16) : 0);
	SET(e, HM_ALIVE_UID, 1000);
	SET(e, HM_ALIVE_EUID, 1000);
	SET_FILE(e, ALIVE, s, path);
	SET_TEXT(e, HM_ALIVE_PATH, path);
	SET(e, HM_ALIVE_LAYER, HM_LAYER_LOWER);
	scene_say(s, e, USER);
	s->rows[0]++;
}

/* FD PATH [LAYER] [f|d|c|p|s|a]; a socket's path is its inode */
static void do_held(struct stage *s, const struct line *line)
{
	static const uint32_t modes[128] = { ['f'] = S_IFREG, ['d'] = S_IFDIR, ['c'] = S_IFCHR, ['p'] = S_IFIFO, ['s'] = S_IFSOCK };
	struct hm_event e = { .kind = HM_EV_HELD };
	const char *path = scene_word(line, 2), *type = line->words > 4 ? line->word[4] : "f";

	SET(e, HM_HELD_LOOK, s->looks);
	SET(e, HM_HELD_FD, scene_number(line, 1, 10));
	SET(e, HM_HELD_MODE, modes[*type & 127]);
	SET(e, HM_HELD_LAYER, scene_layer(line, 3, HM_LAYER_LOWER));
	SET_FILE(e, HELD, s, path);
	if (*type == 's')
		SET(e, HM_HELD_INO, scene_number(line, 2, 10));
	SET_TEXT(e, HM_HELD_PATH, path);
	scene_say(s, e, USER);
	s->rows[1]++;
}

static void do_mapped(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_MAPPED };
	const char *path = scene_word(line, 1);
	bool file = *path == '/';

	SET(e, HM_MAPPED_LOOK, s->looks);
	SET(e, HM_MAPPED_PROT, line->words > 3 && strcmp(line->word[3], "data") == 0 ? PROT_READ | PROT_WRITE : PROT_READ | PROT_EXEC);
	SET(e, HM_MAPPED_LAYER, scene_layer(line, 2, file ? HM_LAYER_LOWER : HM_LAYER_NONE));
	if (file)
		SET_FILE(e, MAPPED, s, path);
	SET_TEXT(e, HM_MAPPED_PATH, path);
	scene_say(s, e, USER);
	s->rows[2]++;
}

/* WHEN [TASKS FILES MAPPINGS], else as many as there were */
static void do_look(struct stage *s, const struct line *line)
{
	static const char *const moments[] = { "start", "checkpoint", "end" };
	struct hm_event e = { .kind = HM_EV_LOOK };
	uint64_t when = 0;

	while (when < HM_COUNT(moments) && strcmp(scene_word(line, 1), moments[when]) != 0)
		when++;
	SET(e, HM_LOOK_LOOK, s->looks++);
	SET(e, HM_LOOK_WHEN, when);
	for (size_t i = 0; i < 3; i++)
		SET(e, HM_LOOK_TASKS + i, line->words > 2 + i ? scene_number(line, 2 + i, 10) : s->rows[i]);
	scene_say(s, e, USER);
	memset(s->rows, 0, sizeof(s->rows));
}

static void do_freeze(struct stage *s, const struct line *line)
{
	struct hm_event e = { .kind = HM_EV_FREEZE };

	SET(e, HM_FREEZE_MEANS, scene_number(line, 1, 10));
	SET(e, HM_FREEZE_DURATION, 1000 * scene_number(line, 2, 10));
	scene_say(s, e, USER);
}

const struct deed scene_later_deeds[] = {
	{ "task", do_task },	 { "skip", do_skip },	{ "become", do_become }, { "anew", do_anew }, { "fork", do_fork },	  { "exit", do_exit },
	{ "move", do_move },	 { "call", do_call },	{ "deny", do_call },	 { "read", do_read },	  { "write", do_read },
	{ "mmap", do_mmap },	 { "pages", do_pages }, { "ring", do_ring },	 { "copyup", do_copyup }, { "copy", do_copy }, { "socket", do_socket },
	{ "given", do_given }, { "inside", do_given }, { "taken", do_taken }, { "send", do_send },	 { "sent", do_send },	{ "packet", do_packet }, { "alive", do_alive },	  { "held", do_held },
	{ "mapped", do_mapped }, { "look", do_look },	{ "freeze", do_freeze }, { NULL, NULL },
};
