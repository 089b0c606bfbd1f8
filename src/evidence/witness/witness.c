#include "witness.h"

#include <sqlite3.h>
#include <time.h>

#include "merkle.h"
#include "notary.h"
#include "request.h"
#include "text.h"

#define TEXT_TYPE "text/plain; charset=utf-8"

struct hm_witness {
	struct hm_notary *notary;
	const struct hm_policy *logs;
	sqlite3 *database;
	sqlite3_stmt *read, *write, *show;
};

/* What was cosigned last of an origin; size 0 and no `there` when nothing was. */
struct known {
	bool there;
	uint64_t size;
	struct hm_sha256 root;
};

void hm_witness_close(struct hm_witness *w)
{
	if (!w)
		return;
	sqlite3_finalize(w->read);
	sqlite3_finalize(w->write);
	sqlite3_finalize(w->show);
	sqlite3_close(w->database);
	hm_notary_free(w->notary);
	free(w);
}

void hm_witness_cleanup(struct hm_witness **w)
{
	hm_witness_close(*w);
}

const struct hm_vkey *hm_witness_key(const struct hm_witness *w)
{
	return hm_notary_key(w->notary);
}

static int run(struct hm_witness *w, const char *sql)
{
	return sqlite3_exec(w->database, sql, NULL, NULL, NULL) == SQLITE_OK ? 0 : HM_E_SYSTEM;
}

static int prepare(struct hm_witness *w, const char *sql, sqlite3_stmt **statement)
{
	return sqlite3_prepare_v3(w->database, sql, -1, SQLITE_PREPARE_PERSISTENT, statement, NULL) == SQLITE_OK ? 0 : HM_E_SYSTEM;
}

static int open_database(struct hm_witness *w, const char *path, struct hm_fail *fail)
{
	int r = sqlite3_open_v2(path, &w->database, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) == SQLITE_OK ? 0 : HM_E_SYSTEM;

	if (r == 0)
		sqlite3_busy_timeout(w->database, 10000);
	/* EXTRA: with a journal that is deleted, its folder is synced too, so that an answered cosignature outlives the machine. */
	if (r == 0)
		r = run(w, "PRAGMA journal_mode=DELETE; PRAGMA synchronous=EXTRA;"
			   "CREATE TABLE IF NOT EXISTS cosigned (origin BLOB PRIMARY KEY, sha256 TEXT UNIQUE NOT NULL, size INTEGER NOT NULL,"
			   " root BLOB NOT NULL, note BLOB NOT NULL) STRICT");
	if (r == 0)
		r = prepare(w, "SELECT size, root FROM cosigned WHERE origin = ?1", &w->read);
	if (r == 0)
		r = prepare(w, "INSERT INTO cosigned VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (origin) DO UPDATE SET size = ?3, root = ?4, note = ?5", &w->write);
	if (r == 0)
		r = prepare(w, "SELECT note FROM cosigned WHERE sha256 = ?1", &w->show);
	if (r < 0)
		return hm_fail_set(fail, HM_E_SYSTEM, "database %s: %s", path, w->database ? sqlite3_errmsg(w->database) : "no memory");
	return 0;
}

int hm_witness_open(struct hm_witness **ret, const char *key, const char *database, const struct hm_policy *logs, struct hm_fail *fail)
{
	HM_CLEANUP(hm_witness_cleanup) struct hm_witness *w = hm_alloc(1, sizeof(*w));
	int r = hm_notary_load(&w->notary, key, HM_KEY_WITNESS, fail);

	w->logs = logs;
	if (r == 0)
		r = open_database(w, database, fail);
	if (r == 0)
		*ret = hm_take_ptr(&w);
	return r;
}

static int bind(sqlite3_stmt *statement, int at, struct hm_slice s)
{
	return sqlite3_bind_blob64(statement, at, s.data, s.len, SQLITE_TRANSIENT) == SQLITE_OK ? 0 : HM_E_SYSTEM;
}

static int read_known(struct hm_witness *w, struct hm_slice origin, struct known *out)
{
	int r = bind(w->read, 1, origin), step;

	*out = (struct known){ .there = false };
	if (r < 0)
		return r;
	step = sqlite3_step(w->read);
	if (step == SQLITE_ROW && sqlite3_column_bytes(w->read, 1) == HM_SHA256_LEN) {
		out->there = true;
		out->size = (uint64_t)sqlite3_column_int64(w->read, 0);
		memcpy(out->root.b, sqlite3_column_blob(w->read, 1), HM_SHA256_LEN);
	} else if (step != SQLITE_DONE) {
		r = HM_E_SYSTEM;
	}
	sqlite3_reset(w->read);
	return r;
}

static char *origin_name(char hex[65], struct hm_slice origin)
{
	struct hm_sha256 digest;

	hm_sha256_slice(&digest, origin);
	return hm_text_hex_into(hex, (struct hm_slice){ digest.b, HM_SHA256_LEN });
}

static int write_known(struct hm_witness *w, const struct hm_checkpoint *checkpoint, struct hm_slice note)
{
	char hex[65];
	int r = bind(w->write, 1, checkpoint->origin);

	if (r == 0 && sqlite3_bind_text(w->write, 2, origin_name(hex, checkpoint->origin), -1, SQLITE_TRANSIENT) != SQLITE_OK)
		r = HM_E_SYSTEM;
	if (r == 0 && sqlite3_bind_int64(w->write, 3, (sqlite3_int64)checkpoint->size) != SQLITE_OK)
		r = HM_E_SYSTEM;
	if (r == 0)
		r = bind(w->write, 4, (struct hm_slice){ checkpoint->root.b, HM_SHA256_LEN });
	if (r == 0)
		r = bind(w->write, 5, note);
	if (r == 0 && sqlite3_step(w->write) != SQLITE_DONE)
		r = HM_E_SYSTEM;
	sqlite3_reset(w->write);
	return r;
}

/* 404 for an origin that no key of ours stands for, 403 without a good signature of one, else 0. The first good log's
 * signature line goes to `line`. */
static int check_log(const struct hm_witness *w, const struct hm_add *add, struct hm_slice *line)
{
	const struct hm_vkey *key;
	bool known = false;
	uint64_t time;

	for (size_t i = 0; (key = hm_policy_log(w->logs, i, NULL)); i++) {
		if (!hm_slice_eq(add->checkpoint.origin, hm_slice_text(key->name)))
			continue;
		known = true;
		if (hm_note_check(&add->note, key, &time) != HM_NOTE_GOOD)
			continue;
		for (size_t k = 0; k < add->note.count; k++)
			if (memcmp(add->note.signature[k].id, key->id, 4) == 0 &&
			    hm_slice_eq(add->note.signature[k].name, hm_slice_text(key->name)))
				*line = add->note.signature[k].line;
		return 0;
	}
	return known ? 403 : 404;
}

/* 409, 422 or 0. */
static int check_consistent(const struct hm_add *add, const struct known *known)
{
	const struct hm_checkpoint *c = &add->checkpoint;
	struct hm_sha256 empty;

	if (add->old != known->size)
		return 409;
	hm_sha256_of(&empty, NULL, 0);
	if (c->size == 0)
		return add->count == 0 && memcmp(&c->root, &empty, sizeof(empty)) == 0 ? 0 : 422;
	if (add->old == 0)
		return add->count == 0 ? 0 : 422;
	return hm_merkle_consistent(&known->root, known->size, &c->root, c->size, add->proof, add->count) ? 0 : 422;
}

static int cosign(struct hm_witness *w, const struct hm_add *add, struct hm_slice log_line, uint64_t now, struct hm_web_answer *answer)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes line = { 0 }, note = { 0 };
	struct hm_fail fail;
	int r = hm_notary_sign(w->notary, add->note.text, now, &line, &fail);

	if (r < 0)
		return r;
	hm_bytes_slice(&note, add->note.text);
	hm_bytes_u8(&note, '\n');
	hm_bytes_slice(&note, log_line);
	hm_bytes_slice(&note, hm_slice_of(&line));
	r = write_known(w, &add->checkpoint, hm_slice_of(&note));
	if (r == 0)
		hm_bytes_slice(&answer->body, hm_slice_of(&line));
	return r;
}

/* Within one transaction that nobody else writes in: what was compared is what is replaced. */
static int decide(struct hm_witness *w, const struct hm_add *add, struct hm_slice log_line, uint64_t now, struct hm_web_answer *answer)
{
	struct known known;
	int r = read_known(w, add->checkpoint.origin, &known);

	if (r < 0)
		return r;
	answer->status = check_consistent(add, &known);
	if (answer->status == 409) {
		answer->type = "text/x.tlog.size";
		hm_bytes_printf(&answer->body, "%llu\n", (unsigned long long)known.size);
	}
	if (answer->status)
		return 0;
	answer->status = 200;
	return cosign(w, add, log_line, now, answer);
}

static void refuse(struct hm_web_answer *answer, int status, const char *why)
{
	answer->status = status;
	answer->type = TEXT_TYPE;
	answer->body.len = 0;
	hm_bytes_printf(&answer->body, "%s\n", why);
}

void hm_witness_add(struct hm_witness *w, struct hm_slice body, uint64_t now, struct hm_web_answer *answer)
{
	struct hm_slice line = { 0 };
	struct hm_fail fail;
	struct hm_add add;
	int status;

	if (body.len > HM_WITNESS_BODY || hm_add_parse(&add, body, &fail) < 0) {
		refuse(answer, 400, body.len > HM_WITNESS_BODY ? "too long" : fail.text);
		return;
	}
	if (add.old > add.checkpoint.size) {
		refuse(answer, 400, "the old size is larger than the checkpoint's");
		return;
	}
	status = check_log(w, &add, &line);
	if (status) {
		refuse(answer, status, status == 404 ? "unknown origin" : "no signature by a known key of this origin");
		return;
	}
	answer->type = TEXT_TYPE;
	if (run(w, "BEGIN IMMEDIATE") < 0) {
		refuse(answer, 500, "the database is busy or broken");
		return;
	}
	if (decide(w, &add, line, now, answer) < 0 || run(w, "COMMIT") < 0) {
		if (run(w, "ROLLBACK") < 0)
			answer->status = 500; /* rolled back already, or at the next opening */
		refuse(answer, 500, "the database is broken");
	}
	if (answer->status == 422)
		refuse(answer, 422, "the proof does not hold");
}

static void show(struct hm_witness *w, const char *hex, struct hm_web_answer *answer)
{
	if (sqlite3_bind_text(w->show, 1, hex, 64, SQLITE_TRANSIENT) == SQLITE_OK && sqlite3_step(w->show) == SQLITE_ROW) {
		answer->status = 200;
		answer->type = TEXT_TYPE;
		hm_bytes_append(&answer->body, sqlite3_column_blob(w->show, 0), (size_t)sqlite3_column_bytes(w->show, 0));
	}
	sqlite3_reset(w->show);
}

void hm_witness_answer(void *witness, const struct hm_web_request *request, struct hm_web_answer *answer)
{
	struct hm_witness *w = witness;

	if (strcmp(request->path, "/add-checkpoint") == 0) {
		answer->status = 405;
		if (request->post)
			hm_witness_add(w, request->body, (uint64_t)time(NULL), answer);
		return;
	}
	if (!request->post && strlen(request->path) == 1 + 64 + strlen("/checkpoint") && strcmp(request->path + 65, "/checkpoint") == 0)
		show(w, request->path + 1, answer);
}
