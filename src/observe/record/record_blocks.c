/* The thread behind a writer: it compresses, hashes and writes blocks, so that who makes the items goes on meanwhile.
 *
 * Blocks lie in a ring of slots. The writer fills the one at `filled`; the thread empties the one at `emptied`; a writer
 * that has filled all of them waits. A slot's memory is used again, so a record of any length takes the same memory.
 *
 * A block is written by one write, header first, so a kill at any instant leaves whole blocks and at most one torn one
 * behind them, which the reader leaves out. What the file system has survives the kill of any process; only for a loss of
 * power it must be on the disk, which takes fdatasync and long: so that is done when it is asked for and nothing else is
 * to do, and nobody waits for it but hm_record_finish. */
#include "record_blocks.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/random.h>

#include <zstd.h>

#include "fs.h"

/* Measured with 25,000 events of opens, reads and maps below /usr/include (79 bytes each before): levels 1 and 3 store 20.9
 * and 20.6 bytes an event at 256 KiB, at 260 and 180 MB/s; 1 MiB stores not one part in a hundred less. A block is also
 * what a kill can lose and what one proof has to show, so: small and fast. */
#define ZSTD_LEVEL 1
#define ZSTD_WINDOW 24 /* as large as a block can be: the format demands a single segment */

#define SLOTS 16

struct hm_blocks {
	char *path;
	uint8_t kind;
	bool threaded;
	pthread_t thread;
	/* under the lock */
	pthread_mutex_t lock;
	pthread_cond_t work, done;
	size_t filled, emptied; /* counts; modulo SLOTS the slots */
	bool sync, end, failed;
	struct hm_fail why;
	struct hm_items slots[SLOTS];
	/* the thread's, and the caller's when there is none */
	int fd;
	ZSTD_CCtx *zstd;
	struct hm_bytes out, seek;
	struct hm_merkle tree;
	uint64_t items, raw_bytes; /* of the blocks written */
};

static void lock(struct hm_blocks *b)
{
	pthread_mutex_lock(&b->lock);
}

static void unlock(struct hm_blocks *b)
{
	pthread_mutex_unlock(&b->lock);
}

/* Appends the frame of the block to `out` and fills in what the header says about it. */
static int compress_block(struct hm_blocks *b, struct hm_slice raw, struct hm_block *block, struct hm_fail *fail)
{
	size_t bound = ZSTD_compressBound(raw.len), stored;
	uint8_t *at = hm_bytes_reserve(&b->out, bound);

	stored = ZSTD_compress2(b->zstd, at, bound, raw.data, raw.len);
	if (ZSTD_isError(stored))
		return hm_fail_set(fail, HM_E_SYSTEM, "writing the record %s: compressing: %s", b->path,
				   ZSTD_getErrorName(stored));
	b->out.len += stored;
	block->raw_len = (uint32_t)raw.len;
	block->frame_len = (uint32_t)stored;
	block->frame_crc = hm_record_crc((struct hm_slice){ at, stored });
	return 0;
}

static int write_out(struct hm_blocks *b, struct hm_fail *fail)
{
	return hm_fs_write_all(b->fd, hm_slice_of(&b->out), fail) < 0 ? hm_fail_in(fail, "the record %s", b->path) : 0;
}

static int sync_file(struct hm_blocks *b, struct hm_fail *fail)
{
	return fdatasync(b->fd) < 0 ? hm_fail_errno(fail, "syncing the record %s", b->path) : 0;
}

static int write_block(struct hm_blocks *b, const struct hm_items *items, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes header = { 0 };
	struct hm_slice raw = hm_slice_of(&items->raw);
	struct hm_block block = {
		.kind = b->kind, .count = items->count, .number = b->tree.size, .first = b->items,
		.t_first = items->t_first, .t_last = items->t_last,
	};
	int r;

	if (getrandom(block.salt, sizeof(block.salt), 0) != sizeof(block.salt))
		return hm_fail_errno(fail, "the record %s: random bytes for a salt", b->path);
	/* The header tells of the frame behind it: its place is kept. */
	b->out.len = 0;
	hm_bytes_reserve(&b->out, HM_RECORD_BLOCK_LEN);
	b->out.len = HM_RECORD_BLOCK_LEN;
	r = compress_block(b, raw, &block, fail);
	if (r < 0)
		return r;
	hm_record_leaf(&block.leaf, block.salt, raw);
	hm_merkle_append(&b->tree, &block.leaf);
	hm_merkle_root(&b->tree, &block.root);
	hm_record_put_block(&header, &block);
	memcpy(b->out.data, header.data, HM_RECORD_BLOCK_LEN);
	r = write_out(b, fail);
	if (r < 0)
		return r;
	hm_record_put_seek(&b->seek, HM_RECORD_BLOCK_LEN, 0);
	hm_record_put_seek(&b->seek, block.frame_len, block.raw_len);
	b->items += items->count;
	b->raw_bytes += raw.len;
	return 0;
}

/* Does what there is to do, with the lock held, which it lets go meanwhile; false when there is nothing. */
static bool work(struct hm_blocks *b)
{
	struct hm_items *items = &b->slots[b->emptied % SLOTS];
	bool block = b->emptied < b->filled, sync = !block && b->sync, failed = b->failed;
	struct hm_fail fail;
	int r = 0;

	if (!block && !sync)
		return false;
	b->sync &= !sync;
	unlock(b);
	/* Behind a block that could not be written none can follow. */
	if (block && !failed)
		r = write_block(b, items, &fail);
	else if (sync && !failed)
		r = sync_file(b, &fail);
	if (block) {
		items->raw.len = 0;
		items->count = 0;
	}
	lock(b);
	if (r < 0) {
		b->failed = true;
		b->why = fail;
	}
	b->emptied += block;
	pthread_cond_broadcast(&b->done);
	return true;
}

static void *working(void *cookie)
{
	struct hm_blocks *b = cookie;

	prctl(PR_SET_NAME, "hallmark-record");
	lock(b);
	while (work(b) || !b->end)
		if (b->emptied == b->filled && !b->sync && !b->end)
			pthread_cond_wait(&b->work, &b->lock);
	unlock(b);
	return NULL;
}

/* All signals are left to the other threads: SIGXFSZ, which only this one can get, is an error then and not the end. */
static int start(struct hm_blocks *b, struct hm_fail *fail)
{
	sigset_t all, before;
	int e;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	e = pthread_create(&b->thread, NULL, working, b);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	b->threaded = e == 0;
	errno = e;
	return e ? hm_fail_errno(fail, "the record %s: starting its thread", b->path) : 0;
}

void hm_blocks_open(struct hm_blocks **ret, int fd, const char *path, uint8_t kind)
{
	struct hm_blocks *b = hm_alloc(1, sizeof(*b));

	b->fd = fd;
	b->path = hm_strdup(path);
	b->kind = kind;
	pthread_mutex_init(&b->lock, NULL);
	pthread_cond_init(&b->work, NULL);
	pthread_cond_init(&b->done, NULL);
	b->zstd = ZSTD_createCCtx();
	if (!b->zstd || ZSTD_isError(ZSTD_CCtx_setParameter(b->zstd, ZSTD_c_compressionLevel, ZSTD_LEVEL)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(b->zstd, ZSTD_c_windowLog, ZSTD_WINDOW)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(b->zstd, ZSTD_c_checksumFlag, 1)))
		abort();
	*ret = b;
}

struct hm_items *hm_blocks_slot(struct hm_blocks *b)
{
	return &b->slots[b->filled % SLOTS];
}

/* With the lock held: the error that the thread met. */
static int failure(const struct hm_blocks *b, struct hm_fail *fail)
{
	if (!b->failed)
		return 0;
	if (fail)
		*fail = b->why;
	return b->why.code;
}

int hm_blocks_push(struct hm_blocks *b, struct hm_fail *fail)
{
	int r = b->threaded ? 0 : start(b, fail);

	if (r < 0)
		return r;
	lock(b);
	b->filled++;
	pthread_cond_signal(&b->work);
	while (b->filled - b->emptied >= SLOTS)
		pthread_cond_wait(&b->done, &b->lock);
	r = failure(b, fail);
	unlock(b);
	return r;
}

int hm_blocks_sync(struct hm_blocks *b, struct hm_fail *fail)
{
	int r;

	if (!b->threaded)
		return 0;
	lock(b);
	b->sync = true;
	pthread_cond_signal(&b->work);
	while (b->emptied < b->filled)
		pthread_cond_wait(&b->done, &b->lock);
	r = failure(b, fail);
	unlock(b);
	return r;
}

/* All blocks are written, or failed to be. */
static void end(struct hm_blocks *b)
{
	if (!b->threaded)
		return;
	lock(b);
	b->end = true;
	pthread_cond_signal(&b->work);
	unlock(b);
	pthread_join(b->thread, NULL);
	b->threaded = false;
}

int hm_blocks_finish(struct hm_blocks *b, struct hm_totals *totals, struct hm_fail *fail)
{
	int r;

	end(b);
	r = failure(b, fail);
	if (r < 0)
		return r;
	*totals = (struct hm_totals){
		.kind = b->kind, .blocks = b->tree.size, .items = b->items, .raw_bytes = b->raw_bytes,
	};
	hm_merkle_root(&b->tree, &totals->root);
	b->out.len = 0;
	hm_record_put_totals(&b->out, totals);
	hm_record_put_seek(&b->seek, HM_RECORD_TOTALS_LEN, 0);
	hm_record_put_seek_table(&b->out, hm_slice_of(&b->seek));
	r = write_out(b, fail);
	if (r == 0)
		r = sync_file(b, fail);
	if (r == 0 && close(hm_take_fd(&b->fd)) < 0)
		r = hm_fail_errno(fail, "closing the record %s", b->path);
	return r;
}

void hm_blocks_close(struct hm_blocks *b)
{
	if (!b)
		return;
	end(b);
	if (b->fd >= 0)
		close(b->fd);
	ZSTD_freeCCtx(b->zstd);
	for (size_t i = 0; i < SLOTS; i++)
		hm_bytes_release(&b->slots[i].raw);
	hm_bytes_release(&b->out);
	hm_bytes_release(&b->seek);
	pthread_cond_destroy(&b->work);
	pthread_cond_destroy(&b->done);
	pthread_mutex_destroy(&b->lock);
	free(b->path);
	free(b);
}
