/* rpm's SQLite database, opened in memory: nothing of the target can be written, no journal beside it is looked for, and what
 * SQLite reads is the bytes that were handed over. A file in WAL mode says so in bytes 18 and 19; in memory it has to say
 * otherwise, and what only its -wal file knows is not seen. */
#include <sqlite3.h>

#include "rpm_internal.h"

#define STEPS_MAX 2000 /* of 10000 virtual instructions; a whole database of 5000 packages takes 10 */

static void close_db(sqlite3 **db)
{
	sqlite3_close(*db);
}

static void end_statement(sqlite3_stmt **s)
{
	sqlite3_finalize(*s);
}

static int too_long(void *cookie)
{
	return ++*(int *)cookie > STEPS_MAX;
}

static int open_bytes(sqlite3 **db, struct hm_slice bytes)
{
	unsigned char *copy;

	if (bytes.len < 100 || sqlite3_open_v2(":memory:", db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK)
		return SQLITE_CORRUPT;
	sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	copy = sqlite3_malloc64(bytes.len);
	if (!copy)
		return SQLITE_NOMEM;
	memcpy(copy, bytes.data, bytes.len);
	copy[18] = copy[19] = 1;
	return sqlite3_deserialize(*db, "main", copy, (sqlite3_int64)bytes.len, (sqlite3_int64)bytes.len,
				   SQLITE_DESERIALIZE_FREEONCLOSE | SQLITE_DESERIALIZE_READONLY);
}

int hm_rpm_sqlite(struct hm_slice bytes, hm_rpm_blob_fn each, void *cookie, struct hm_fail *fail)
{
	HM_CLEANUP(close_db) sqlite3 *db = NULL;
	HM_CLEANUP(end_statement) sqlite3_stmt *s = NULL;
	int steps = 0, rc = open_bytes(&db, bytes);

	if (rc == SQLITE_OK) {
		sqlite3_progress_handler(db, 10000, too_long, &steps);
		rc = sqlite3_exec(db, "PRAGMA cell_size_check=ON", NULL, NULL, NULL);
	}
	if (rc == SQLITE_OK)
		rc = sqlite3_prepare_v2(db, "SELECT blob FROM Packages", -1, &s, NULL);
	while (rc == SQLITE_OK || rc == SQLITE_ROW) {
		rc = sqlite3_step(s);
		if (rc == SQLITE_ROW) {
			const void *data = sqlite3_column_blob(s, 0);
			int r = each(cookie, (struct hm_slice){ data, data ? (size_t)sqlite3_column_bytes(s, 0) : 0 });

			if (r != 0)
				return r;
		}
	}
	return rc == SQLITE_DONE ? 0 : hm_fail_set(fail, HM_E_BAD, "the SQLite database is damaged: %s", db ? sqlite3_errmsg(db) : "too short");
}

int hm_rpm_each(struct hm_slice db, hm_rpm_blob_fn each, void *cookie, struct hm_fail *fail)
{
	if (db.len >= 16 && memcmp(db.data, "SQLite format 3", 16) == 0)
		return hm_rpm_sqlite(db, each, cookie, fail);
	if (db.len >= 4 && memcmp(db.data, "RpmP", 4) == 0)
		return hm_rpm_ndb(db, each, cookie, fail);
	return hm_rpm_bdb(db, each, cookie, fail);
}
