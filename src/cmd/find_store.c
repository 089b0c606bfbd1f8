#include "find_store.h"

#include "fs.h"

#include <sqlite3.h>
#include <stdlib.h>
#include <string.h>

struct hm_find_store {
	sqlite3 *db;
	int64_t run, target; /* rows; 0: none */
	sqlite3_stmt *observe;
};

#define VERSION 1 /* doc/format/estate.md; PRAGMA user_version */

static const char schema[] =
	"PRAGMA user_version=1; PRAGMA journal_mode=WAL; PRAGMA synchronous=NORMAL; PRAGMA foreign_keys=ON;"
	"CREATE TABLE IF NOT EXISTS run(id INTEGER PRIMARY KEY, began TEXT NOT NULL DEFAULT CURRENT_TIMESTAMP, tables TEXT NOT NULL, finished INTEGER NOT NULL DEFAULT 0);"
	"CREATE TABLE IF NOT EXISTS target(id INTEGER PRIMARY KEY, run INTEGER NOT NULL REFERENCES run(id), name BLOB NOT NULL, kind TEXT NOT NULL, endpoint INTEGER NOT NULL,"
	" entries INTEGER, files INTEGER, bytes INTEGER, read_at TEXT);"
	"CREATE TABLE IF NOT EXISTS observation(target INTEGER NOT NULL REFERENCES target(id), kind TEXT NOT NULL, state TEXT NOT NULL, verified INTEGER NOT NULL,"
	" value BLOB NOT NULL, detail BLOB, path BLOB, outer BLOB, source TEXT NOT NULL, sha256 TEXT);"
	"CREATE TABLE IF NOT EXISTS unread(target INTEGER NOT NULL REFERENCES target(id), path BLOB NOT NULL, why TEXT NOT NULL);"
	"CREATE INDEX IF NOT EXISTS observation_target ON observation(target);";

static int failed(struct hm_find_store *s, struct hm_fail *fail)
{
	return hm_fail_set(fail, HM_E_SYSTEM, "cannot keep the run: %s", sqlite3_errmsg(s->db));
}

/* Runs one statement with up to ten texts or numbers bound; the first column of its first row goes to *ret. */
struct value {
	const char *text; /* NULL with `null` false: the number */
	int64_t number;
	bool null;
};

static void bind(sqlite3_stmt *stmt, const struct value *value, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		int at = (int)i + 1;

		if (value[i].null)
			sqlite3_bind_null(stmt, at);
		else if (value[i].text)
			sqlite3_bind_blob64(stmt, at, value[i].text, strlen(value[i].text), SQLITE_STATIC);
		else
			sqlite3_bind_int64(stmt, at, value[i].number);
	}
}

static int statement(struct hm_find_store *s, const char *sql, const struct value *value, size_t count, int64_t *ret, struct hm_fail *fail)
{
	sqlite3_stmt *stmt = NULL;
	int r = sqlite3_prepare_v2(s->db, sql, -1, &stmt, NULL), step;

	if (r != SQLITE_OK)
		return failed(s, fail);
	bind(stmt, value, count);
	step = sqlite3_step(stmt);
	if (step == SQLITE_ROW && ret)
		*ret = sqlite3_column_int64(stmt, 0);
	sqlite3_finalize(stmt);
	return step == SQLITE_ROW || step == SQLITE_DONE ? 0 : failed(s, fail);
}

/* 1 where it is new or of this version, 0 where it is another program's or another version's. */
static int is_ours(struct hm_find_store *s)
{
	int64_t version = -1, tables = -1;
	struct hm_fail ignored = { 0 };

	if (statement(s, "PRAGMA user_version", NULL, 0, &version, &ignored) < 0 || statement(s, "SELECT count(*) FROM sqlite_master WHERE type = 'table'", NULL, 0, &tables, &ignored) < 0)
		return 0;
	return version == VERSION || (version == 0 && tables == 0);
}

int hm_find_store_open(struct hm_find_store **ret, const char *path, const char *tables, struct hm_fail *fail)
{
	HM_CLEANUP(hm_find_store_cleanup) struct hm_find_store *s = hm_alloc(1, sizeof(*s));
	const struct value of[] = { { .text = tables } };
	int r;

	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) != SQLITE_OK)
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot open %s: %s (--db FILE, or --db none)", path, s->db ? sqlite3_errmsg(s->db) : "no memory");
	sqlite3_busy_timeout(s->db, 5000);
	if (!is_ours(s) || sqlite3_exec(s->db, schema, NULL, NULL, NULL) != SQLITE_OK)
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot use %s: another program's, or of another version of Hallmark (--db FILE, or move it away)", path);
	/* What is unfinished under the same tables is what --resume goes on with. */
	r = statement(s, "SELECT id FROM run WHERE finished = 0 AND tables = CAST(?1 AS TEXT) ORDER BY id DESC LIMIT 1", of, 1, &s->run, fail);
	if (r == 0 && s->run == 0)
		r = hm_find_store_fresh(s, tables, fail);
	if (r == 0)
		*ret = hm_take_ptr(&s);
	return r;
}

void hm_find_store_close(struct hm_find_store *s)
{
	if (!s)
		return;
	sqlite3_finalize(s->observe);
	sqlite3_close(s->db);
	free(s);
}

int hm_find_store_fresh(struct hm_find_store *s, const char *tables, struct hm_fail *fail)
{
	const struct value of[] = { { .text = tables } };
	int r = statement(s, "INSERT INTO run(tables) VALUES(CAST(?1 AS TEXT))", of, 1, NULL, fail);

	s->run = r == 0 ? sqlite3_last_insert_rowid(s->db) : 0;
	return r;
}

int hm_find_store_begin(struct hm_find_store *s, const char *name, const char *kind, bool endpoint, struct hm_fail *fail)
{
	const struct value of[] = { { .number = s->run }, { .text = name }, { .text = kind }, { .number = endpoint } };
	int r = sqlite3_exec(s->db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(s, fail);

	if (r == 0)
		r = statement(s, "INSERT INTO target(run, name, kind, endpoint) VALUES(?1, ?2, CAST(?3 AS TEXT), ?4)", of, 4, NULL, fail);
	s->target = sqlite3_last_insert_rowid(s->db);
	return r;
}

int hm_find_store_observe(struct hm_find_store *s, const struct hm_observation *o, struct hm_fail *fail)
{
	const struct value of[] = { { .number = s->target }, { .text = hm_observation_kind_name(o->kind) }, { .text = hm_observed_state_name(o->state) }, { .number = o->verified },
				    { .text = o->value }, { o->detail, 0, !o->detail }, { o->path, 0, !o->path }, { o->outer, 0, !o->outer }, { .text = o->source },
				    { o->sha256, 0, !o->sha256 } };
	int step;

	if (!s->observe && sqlite3_prepare_v3(s->db, "INSERT INTO observation VALUES(?1, CAST(?2 AS TEXT), CAST(?3 AS TEXT), ?4, ?5, ?6, ?7, ?8, CAST(?9 AS TEXT), CAST(?10 AS TEXT))", -1,
					      SQLITE_PREPARE_PERSISTENT, &s->observe, NULL) != SQLITE_OK)
		return failed(s, fail);
	sqlite3_reset(s->observe);
	bind(s->observe, of, HM_COUNT(of));
	step = sqlite3_step(s->observe);
	sqlite3_reset(s->observe);
	return step == SQLITE_DONE ? 0 : failed(s, fail);
}

int hm_find_store_unread(struct hm_find_store *s, const char *path, const char *why, struct hm_fail *fail)
{
	const struct value of[] = { { .number = s->target }, { .text = path }, { .text = why } };

	return statement(s, "INSERT INTO unread VALUES(?1, ?2, CAST(?3 AS TEXT))", of, 3, NULL, fail);
}

int hm_find_store_end(struct hm_find_store *s, uint64_t entries, uint64_t files, uint64_t bytes, struct hm_fail *fail)
{
	const struct value of[] = { { .number = s->target }, { .number = (int64_t)entries }, { .number = (int64_t)files }, { .number = (int64_t)bytes } };
	int r = statement(s, "UPDATE target SET entries = ?2, files = ?3, bytes = ?4, read_at = CURRENT_TIMESTAMP WHERE id = ?1", of, 4, NULL, fail);

	s->target = 0;
	return r ? r : sqlite3_exec(s->db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK ? 0 : failed(s, fail);
}

void hm_find_store_abandon(struct hm_find_store *s)
{
	if (s->target)
		(void)sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
	s->target = 0;
}

/* A column as text that lives until the statement is stepped; NULL stays NULL. */
static const char *column(sqlite3_stmt *stmt, int at)
{
	return sqlite3_column_type(stmt, at) == SQLITE_NULL ? NULL : (const char *)sqlite3_column_text(stmt, at);
}

/* The number of a name among those that `name_of` gives to numbers below `count`; `count` for another. */
static int number_of(const char *name, int count, const char *(*name_of)(int))
{
	int i = 0;

	while (i < count && (!name || strcmp(name_of(i), name) != 0))
		i++;
	return i;
}

static const char *kind_name(int i)
{
	return hm_observation_kind_name((enum hm_observation_kind)i);
}

static const char *state_name(int i)
{
	return hm_observed_state_name((enum hm_observed_state)i);
}

/* What is not as this program writes it is no reason to find less. */
static int replay_one(sqlite3_stmt *stmt, struct hm_found *found, struct hm_fail *fail)
{
	int kind = number_of(column(stmt, 0), HM_OBSERVATION_KINDS, kind_name), state = number_of(column(stmt, 1), HM_STATES, state_name);
	struct hm_observation o = { .kind = (enum hm_observation_kind)kind, .state = (enum hm_observed_state)state, .verified = sqlite3_column_int(stmt, 2) != 0,
				    .value = column(stmt, 3), .detail = column(stmt, 4), .path = column(stmt, 5), .outer = column(stmt, 6),
				    .source = column(stmt, 7), .sha256 = column(stmt, 8) };

	if (kind == HM_OBSERVATION_KINDS || state == HM_STATES || !o.value || !o.source)
		return hm_fail_set(fail, HM_E_BAD, "the database has an observation that this program did not write");
	return hm_found_observe(found, &o, fail);
}

static int replay_rows(struct hm_find_store *s, int64_t target, struct hm_found *found, struct hm_fail *fail)
{
	sqlite3_stmt *stmt = NULL;
	const struct value of[] = { { .number = target } };
	int r = 0;

	if (sqlite3_prepare_v2(s->db, "SELECT kind, state, verified, value, detail, path, outer, source, sha256 FROM observation WHERE target = ?1 ORDER BY rowid", -1, &stmt, NULL) !=
	    SQLITE_OK)
		return failed(s, fail);
	bind(stmt, of, 1);
	while (r == 0 && sqlite3_step(stmt) == SQLITE_ROW)
		r = replay_one(stmt, found, fail);
	sqlite3_finalize(stmt);
	if (r == 0 && sqlite3_prepare_v2(s->db, "SELECT path, why FROM unread WHERE target = ?1 ORDER BY rowid", -1, &stmt, NULL) == SQLITE_OK) {
		bind(stmt, of, 1);
		while (sqlite3_step(stmt) == SQLITE_ROW)
			if (column(stmt, 0) && column(stmt, 1))
				hm_found_not_read(found, column(stmt, 0), column(stmt, 1));
		sqlite3_finalize(stmt);
	}
	return r;
}

int hm_find_store_replay(struct hm_find_store *s, const char *name, struct hm_found *found, struct hm_fail *fail)
{
	const struct value of[] = { { .number = s->run }, { .text = name } };
	sqlite3_stmt *stmt = NULL;
	int64_t target = 0;
	int r;

	if (sqlite3_prepare_v2(s->db, "SELECT id, kind, endpoint, entries, files, bytes FROM target WHERE run = ?1 AND name = ?2 AND read_at IS NOT NULL", -1, &stmt, NULL) != SQLITE_OK)
		return failed(s, fail);
	bind(stmt, of, 2);
	if (sqlite3_step(stmt) == SQLITE_ROW && column(stmt, 1)) {
		target = sqlite3_column_int64(stmt, 0);
		hm_found_target(found, name, column(stmt, 1), sqlite3_column_int(stmt, 2) != 0);
		hm_found_count(found, (uint64_t)sqlite3_column_int64(stmt, 3), (uint64_t)sqlite3_column_int64(stmt, 4), (uint64_t)sqlite3_column_int64(stmt, 5));
	}
	sqlite3_finalize(stmt);
	r = target ? replay_rows(s, target, found, fail) : 0;
	return r ? r : target != 0;
}

int hm_find_store_finish(struct hm_find_store *s, struct hm_fail *fail)
{
	const struct value of[] = { { .number = s->run } };

	return statement(s, "UPDATE run SET finished = 1 WHERE id = ?1", of, 1, NULL, fail);
}

void hm_find_past_release(struct hm_find_past *past)
{
	for (size_t i = 0; i < past->names; i++)
		free(past->name[i]);
	free(past->name);
	hm_find_store_close(past->store);
}

/* The last run, under which tables, on which day. */
static int last_run(struct hm_find_past *past, const char *tables, struct hm_fail *fail)
{
	struct hm_find_store *s = past->store;
	sqlite3_stmt *stmt = NULL;
	int r = 0;

	if (sqlite3_prepare_v2(s->db, "SELECT id, substr(began, 1, 10), tables, finished FROM run ORDER BY id DESC LIMIT 1", -1, &stmt, NULL) != SQLITE_OK)
		return failed(s, fail);
	if (sqlite3_step(stmt) != SQLITE_ROW || !column(stmt, 1) || !column(stmt, 2))
		r = hm_fail_set(fail, HM_E_BAD, "the database has no run");
	else if (strcmp(column(stmt, 2), tables) != 0)
		r = hm_fail_set(fail, HM_E_USAGE, "its last run was made with other supplier tables, and what these would show was not kept: run hallmark find again");
	else
		s->run = sqlite3_column_int64(stmt, 0);
	if (r == 0) {
		snprintf(past->made, sizeof(past->made), "%s", column(stmt, 1));
		past->finished = sqlite3_column_int(stmt, 3) != 0;
	}
	sqlite3_finalize(stmt);
	return r;
}

int hm_find_past_open(struct hm_find_past *past, const char *path, const char *tables, struct hm_fail *fail)
{
	struct hm_find_store *s = hm_alloc(1, sizeof(*s));
	sqlite3_stmt *stmt = NULL;
	int r;

	past->store = s;
	if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READONLY, NULL) != SQLITE_OK)
		return hm_fail_set(fail, HM_E_SYSTEM, "cannot open %s: %s", path, s->db ? sqlite3_errmsg(s->db) : "no memory");
	sqlite3_busy_timeout(s->db, 5000);
	if (!is_ours(s))
		return hm_fail_set(fail, HM_E_BAD, "%s: another program's, or of another version of Hallmark", path);
	r = last_run(past, tables, fail);
	if (r < 0)
		return hm_fail_in(fail, "%s", path);
	if (sqlite3_prepare_v2(s->db, "SELECT name FROM target WHERE run = ?1 AND read_at IS NOT NULL ORDER BY id", -1, &stmt, NULL) != SQLITE_OK)
		return failed(s, fail);
	bind(stmt, &(struct value){ .number = s->run }, 1);
	while (sqlite3_step(stmt) == SQLITE_ROW)
		if (column(stmt, 0)) {
			past->name = hm_realloc(past->name, past->names + 1, sizeof(*past->name));
			past->name[past->names++] = hm_strdup(column(stmt, 0));
		}
	sqlite3_finalize(stmt);
	return 0;
}
