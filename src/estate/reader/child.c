/* The confined side: opens the target, gives up everything else, inspects. */
#include "reader_internal.h"

#include "confine.h"
#include "fs.h"

#include <fcntl.h>
#include <locale.h>
#include <signal.h>
#include <sys/prctl.h>
#include <unistd.h>

#define FLUSH 32768u

/* What libraries print of foreign files has no business on a terminal; what a sanitizer prints has. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LAST_SILENT 1
#else
#define LAST_SILENT 2
#endif

struct child {
	const struct reader_shard *shard;
	struct hm_bytes out;
	bool done;
};

static int flush(struct child *c, size_t least, struct hm_fail *fail)
{
	int r = 0;

	if (c->out.len >= least && c->out.len)
		r = hm_fs_write_all(c->shard->out, hm_slice_of(&c->out), fail);
	if (c->out.len >= least)
		c->out.len = 0;
	return r;
}

static int observe(void *cookie, const struct hm_observation *o, struct hm_fail *fail)
{
	struct child *c = cookie;

	parcel_observation(&c->out, PARCEL_OBSERVATION, o);
	return flush(c, FLUSH, fail);
}

/* At once: if we die of the next file, this is what is left of it. */
static int held(void *cookie, const struct hm_observation *o, struct hm_fail *fail)
{
	struct child *c = cookie;

	parcel_observation(&c->out, PARCEL_HELD, o);
	return flush(c, 1, fail);
}

static int unread(void *cookie, const char *path, const char *outer, const char *why, struct hm_fail *fail)
{
	struct child *c = cookie;
	HM_FREE char *whole = outer ? hm_sprintf("%.4000s!%.3900s", outer, path) : NULL;
	const char *text[] = { whole ? whole : path, why };

	parcel_texts(&c->out, PARCEL_UNREAD, text, 2);
	return flush(c, FLUSH, fail);
}

static void alive(void *cookie)
{
	((struct child *)cookie)->shard->place->beat++;
}

/* Where we are is told of those too that were read before: we may die of going through them again. */
static int begin(void *cookie, const struct hm_inspect_at *at, const char *path)
{
	struct child *c = cookie;
	struct reader_place *place = c->shard->place;
	size_t len = strnlen(path, sizeof(place->path) - 1);

	memcpy(place->path, path, len);
	place->path[len] = 0;
	place->at = *at;
	place->beat++;
	return reader_begins(c->shard->passed, at);
}

static int count(void *cookie, const struct hm_inspect_counts *counts, struct hm_fail *fail)
{
	struct child *c = cookie;
	const uint64_t number[] = { counts->entries, counts->files, counts->bytes };

	c->shard->place->beat++; /* it is not stuck */
	parcel_numbers(&c->out, PARCEL_COUNT, number, 3);
	return flush(c, 1, fail);
}

static int confine(const struct reader_shard *s, struct hm_fail *fail)
{
	const char *const readable[] = { s->spec->place, NULL };
	const struct hm_confine how = { readable, s->spec->memory ? s->spec->memory : (size_t)3 << 30 };

	return hm_confine(&how, fail);
}

static int work(struct child *c, struct hm_fail *fail)
{
	const struct reader_shard *s = c->shard;
	HM_CLEANUP(hm_target_cleanup) struct hm_target *target = NULL;
	struct hm_target_bounds bounds = { .shard = s->shard, .shards = s->shards, .alive = alive, .alive_cookie = c };
	const struct hm_inspect_sink sink = { c, observe, held, unread, begin, count };
	uint64_t missing = 0;
	int r = confine(s, fail);

	if (r < 0)
		return r;
	missing = (uint64_t)r;
	r = hm_target_open(&target, s->spec->place, &bounds, fail);
	if (r == 0) {
		const char *kind[] = { hm_target_kind(target) };

		parcel_texts(&c->out, PARCEL_OPENED, kind, 1);
		r = flush(c, 1, fail); /* at once: it could die of the first file */
	}
	if (r == 0)
		r = hm_inspect(s->rules, target, &sink, fail);
	if (r == 0)
		parcel_numbers(&c->out, PARCEL_DONE, &missing, 1);
	return r;
}

/* Nothing of the parent's stays open but the pipe and what tells where we are. */
static void drop(int keep)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	for (int i = 0; i <= LAST_SILENT && null >= 0; i++)
		(void)dup2(null, i);
	if (null > 2)
		close(null);
	for (int i = 3; i < 1024; i++)
		if (i != keep)
			close(i);
}

void reader_child(const struct reader_shard *shard)
{
	struct child c = { .shard = shard };
	struct hm_fail fail = { 0 };
	int r;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	(void)signal(SIGINT, SIG_IGN); /* the parent ends us */
	(void)signal(SIGHUP, SIG_IGN);
	(void)setlocale(LC_CTYPE, "C.UTF-8");
	drop(shard->out);
	r = work(&c, &fail);
	if (r != 0) {
		const char *text[] = { fail.text };

		parcel_texts(&c.out, PARCEL_FAILED, text, 1);
	}
	r = flush(&c, 1, &fail);
	_exit(r == 0 ? 0 : 1);
}
