/* Jobs lie in a ring in the order of blocks. Who calls fills it as far as it goes and takes the oldest; threads take what nobody works on yet, and so
 * does the caller when the oldest is still waiting, which with no thread is all there is. A slot's memory is used again, so a record of any
 * length takes the same. */
#include "record_ahead.h"

#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>

#include <zstd.h>

#include "fs.h"

#define THREADS_MAX 8
#define SLOTS_MAX (2 * THREADS_MAX + 2)
#define ALONE ((size_t)1 << 20) /* files up to this are read before a thread has begun */

/* Frame header descriptor, without the two bits that tell the width of the content size: single segment, content checksum,
 * nothing reserved, no dictionary. */
#define DESCRIPTOR_MASK 0x3f
#define DESCRIPTOR 0x24

struct job {
	struct hm_ahead_block out;
	struct hm_slice frame;
	struct hm_bytes raw;
	bool done;
};

struct hm_ahead {
	struct hm_slice file;
	size_t end, fed; /* how far headers were read */
	bool leaf, fed_all;
	int last; /* why no more are fed: 0, or what is wrong with the next header */
	struct hm_fail why;
	size_t slots, collected; /* collected: of the caller, modulo slots the oldest job */
	pthread_t thread[THREADS_MAX];
	size_t threads;
	ZSTD_DCtx *zstd; /* of the caller */
	/* under the lock */
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	size_t filled, begun;
	bool stop;
	struct job job[SLOTS_MAX];
};

/* ---- one block ---- */

static int uncompress(struct job *j, ZSTD_DCtx *zstd, struct hm_fail *fail)
{
	const struct hm_block *block = &j->out.block;
	uint8_t *at;
	size_t n;

	if (hm_record_crc(j->frame) != block->frame_crc)
		return hm_fail_set(fail, HM_E_BAD, "its frame's CRC is wrong");
	if (j->frame.len < 5 || memcmp(j->frame.data, "\x28\xb5\x2f\xfd", 4) != 0 || (j->frame.data[4] & DESCRIPTOR_MASK) != DESCRIPTOR ||
	    ZSTD_findFrameCompressedSize(j->frame.data, j->frame.len) != j->frame.len ||
	    ZSTD_getFrameContentSize(j->frame.data, j->frame.len) != block->raw_len)
		return hm_fail_set(fail, HM_E_BAD, "its frame is not one zstd frame of the right form and length");
	j->raw.len = 0;
	at = hm_bytes_reserve(&j->raw, block->raw_len);
	n = ZSTD_decompressDCtx(zstd, at, block->raw_len, j->frame.data, j->frame.len);
	if (n != block->raw_len)
		return hm_fail_set(fail, HM_E_BAD, "its frame does not uncompress");
	j->raw.len = n;
	return 0;
}

static void do_job(const struct hm_ahead *a, struct job *j, ZSTD_DCtx *zstd)
{
	struct hm_sha256 leaf;

	j->out.raw = (struct hm_slice){ NULL, 0 };
	j->out.result = 0;
	if (j->out.block.withheld)
		return;
	j->out.result = uncompress(j, zstd, &j->out.why);
	if (j->out.result < 0)
		return;
	j->out.raw = hm_slice_of(&j->raw);
	if (!a->leaf)
		return;
	hm_record_leaf(&leaf, j->out.block.salt, j->out.raw);
	if (memcmp(leaf.b, j->out.block.leaf.b, HM_SHA256_LEN) != 0)
		j->out.result = hm_fail_set(&j->out.why, HM_E_BAD, "its leaf hash is not that of its content");
}

/* With the lock held, which is let go meanwhile. */
static void do_next(struct hm_ahead *a, ZSTD_DCtx *zstd)
{
	struct job *j = &a->job[a->begun++ % a->slots];

	pthread_mutex_unlock(&a->lock);
	do_job(a, j, zstd);
	pthread_mutex_lock(&a->lock);
	j->done = true;
	pthread_cond_signal(&a->done);
}

/* ---- threads ---- */

static ZSTD_DCtx *new_zstd(void)
{
	ZSTD_DCtx *zstd = ZSTD_createDCtx();

	if (!zstd)
		abort();
	return zstd;
}

static void *working(void *cookie)
{
	struct hm_ahead *a = cookie;
	ZSTD_DCtx *zstd = new_zstd();

	prctl(PR_SET_NAME, "hallmark-ahead");
	pthread_mutex_lock(&a->lock);
	while (!a->stop)
		if (a->begun < a->filled)
			do_next(a, zstd);
		else
			pthread_cond_wait(&a->work, &a->lock);
	pthread_mutex_unlock(&a->lock);
	ZSTD_freeDCtx(zstd);
	return NULL;
}

/* One for each core but the caller's. Signals are left to the threads that were there. */
static void start_threads(struct hm_ahead *a)
{
	size_t cores = 1;
	cpu_set_t set;
	sigset_t all, before;

	if (a->end > ALONE && sched_getaffinity(0, sizeof(set), &set) == 0)
		cores = (size_t)CPU_COUNT(&set);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	while (a->threads + 1 < cores && a->threads < THREADS_MAX && pthread_create(&a->thread[a->threads], NULL, working, a) == 0)
		a->threads++;
	pthread_sigmask(SIG_SETMASK, &before, NULL);
}

void hm_ahead_open(struct hm_ahead **ret, struct hm_slice file, size_t end, bool leaf)
{
	struct hm_ahead *a = hm_alloc(1, sizeof(*a));

	a->file = file;
	a->end = end;
	a->leaf = leaf;
	a->zstd = new_zstd();
	pthread_mutex_init(&a->lock, NULL);
	pthread_cond_init(&a->work, NULL);
	pthread_cond_init(&a->done, NULL);
	a->slots = 1; /* until it is known how many take from it */
	start_threads(a);
	pthread_mutex_lock(&a->lock);
	a->slots = 2 * (a->threads + 1);
	pthread_mutex_unlock(&a->lock);
	*ret = a;
}

void hm_ahead_close(struct hm_ahead *a)
{
	if (!a)
		return;
	pthread_mutex_lock(&a->lock);
	a->stop = true;
	pthread_cond_broadcast(&a->work);
	pthread_mutex_unlock(&a->lock);
	for (size_t i = 0; i < a->threads; i++)
		pthread_join(a->thread[i], NULL);
	for (size_t i = 0; i < SLOTS_MAX; i++)
		hm_bytes_release(&a->job[i].raw);
	ZSTD_freeDCtx(a->zstd);
	pthread_cond_destroy(&a->work);
	pthread_cond_destroy(&a->done);
	pthread_mutex_destroy(&a->lock);
	free(a);
}

/* ---- in their order ---- */

/* The header at `fed` into `j`: 1 where a whole block stands there. */
static int read_header(struct hm_ahead *a, struct job *j, struct hm_fail *fail)
{
	struct hm_slice rest = { a->file.data + a->fed, a->end - a->fed };
	size_t behind;
	int e;

	if (!rest.len)
		return 0;
	e = hm_record_part(rest, fail);
	if (e == HM_PART_BLOCK)
		e = hm_record_get_block(&j->out.block, rest, fail);
	else if (e >= 0)
		return 0; /* totals, or torn */
	if (e < 0)
		return e;
	behind = a->fed + HM_RECORD_BLOCK_LEN;
	if (j->out.block.frame_len > a->end - behind)
		return 0;
	j->frame = (struct hm_slice){ a->file.data + behind, j->out.block.frame_len };
	j->out.after = behind + j->out.block.frame_len;
	return 1;
}

/* Fills the ring, but for the slot that the caller was given last. */
static void feed(struct hm_ahead *a)
{
	while (!a->fed_all && a->filled - a->collected + (a->collected > 0) < a->slots) {
		struct job *j = &a->job[a->filled % a->slots];

		a->last = read_header(a, j, &a->why);
		a->fed_all = a->last != 1;
		if (a->fed_all)
			return;
		a->fed = j->out.after;
		pthread_mutex_lock(&a->lock);
		j->done = false;
		a->filled++;
		pthread_cond_signal(&a->work);
		pthread_mutex_unlock(&a->lock);
	}
}

int hm_ahead_next(struct hm_ahead *a, const struct hm_ahead_block **out, struct hm_fail *fail)
{
	struct job *j;

	feed(a);
	if (a->collected == a->filled) {
		if (a->last < 0 && fail)
			*fail = a->why;
		return a->last < 0 ? a->last : 0;
	}
	j = &a->job[a->collected % a->slots];
	pthread_mutex_lock(&a->lock);
	while (!j->done)
		if (a->begun == a->collected)
			do_next(a, a->zstd);
		else
			pthread_cond_wait(&a->done, &a->lock);
	pthread_mutex_unlock(&a->lock);
	a->collected++;
	hm_fs_passed((struct hm_slice){ j->frame.data - HM_RECORD_BLOCK_LEN, HM_RECORD_BLOCK_LEN + j->frame.len });
	*out = &j->out;
	return 1;
}
