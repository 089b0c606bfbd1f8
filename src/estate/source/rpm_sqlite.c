/* rpm's SQLite database, read where it lies: SQLite gets a file system that knows one file, the bytes that were handed over, and can
 * write none. No journal beside it is looked for. A file in WAL mode says so in bytes 18 and 19; here it says otherwise, and
 * what only its -wal file knows is not seen. */
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

/* The file of the next hm-slice database that this thread opens. */
static _Thread_local struct hm_slice next_file;

struct slice_file {
	sqlite3_file base;
	struct hm_slice bytes;
};

static int on_close(sqlite3_file *f HM_UNUSED)
{
	return SQLITE_OK;
}

static int on_read(sqlite3_file *f, void *to, int count, sqlite3_int64 at)
{
	const struct hm_slice *s = &((struct slice_file *)f)->bytes;
	size_t want = (size_t)count, from = (size_t)at, have = from < s->len ? s->len - from : 0;

	if (have > want)
		have = want;
	if (have)
		memcpy(to, s->data + from, have);
	memset((char *)to + have, 0, want - have);
	for (size_t i = 18; i < 20; i++) /* the versions for writing and reading: 2 is WAL, 1 is not */
		if (i >= from && i - from < have)
			((char *)to)[i - from] = 1;
	return have == want ? SQLITE_OK : SQLITE_IOERR_SHORT_READ;
}

static int on_write(sqlite3_file *f HM_UNUSED, const void *from HM_UNUSED, int count HM_UNUSED, sqlite3_int64 at HM_UNUSED)
{
	return SQLITE_READONLY;
}

static int on_truncate(sqlite3_file *f HM_UNUSED, sqlite3_int64 size HM_UNUSED)
{
	return SQLITE_READONLY;
}

static int on_flags(sqlite3_file *f HM_UNUSED, int flags HM_UNUSED)
{
	return SQLITE_OK;
}

static int on_size(sqlite3_file *f, sqlite3_int64 *size)
{
	*size = (sqlite3_int64)((struct slice_file *)f)->bytes.len;
	return SQLITE_OK;
}

static int on_reserved(sqlite3_file *f HM_UNUSED, int *reserved)
{
	*reserved = 0;
	return SQLITE_OK;
}

static int on_control(sqlite3_file *f HM_UNUSED, int operation HM_UNUSED, void *argument HM_UNUSED)
{
	return SQLITE_NOTFOUND;
}

static int on_sector(sqlite3_file *f HM_UNUSED)
{
	return 512;
}

static int on_characteristics(sqlite3_file *f HM_UNUSED)
{
	return SQLITE_IOCAP_IMMUTABLE;
}

static const sqlite3_io_methods methods = {
	.iVersion = 1, .xClose = on_close, .xRead = on_read, .xWrite = on_write, .xTruncate = on_truncate, .xSync = on_flags, .xFileSize = on_size,
	.xLock = on_flags, .xUnlock = on_flags, .xCheckReservedLock = on_reserved, .xFileControl = on_control, .xSectorSize = on_sector,
	.xDeviceCharacteristics = on_characteristics,
};

/* Any other file than the database itself (a journal, a temporary one) is not to be had. */
static int on_open(sqlite3_vfs *vfs HM_UNUSED, const char *name, sqlite3_file *f, int flags, int *got)
{
	f->pMethods = NULL;
	if (!name || !(flags & SQLITE_OPEN_MAIN_DB))
		return SQLITE_CANTOPEN;
	((struct slice_file *)f)->bytes = next_file;
	f->pMethods = &methods;
	if (got)
		*got = SQLITE_OPEN_READONLY;
	return SQLITE_OK;
}

static int on_delete(sqlite3_vfs *vfs HM_UNUSED, const char *name HM_UNUSED, int sync HM_UNUSED)
{
	return SQLITE_READONLY;
}

static int on_access(sqlite3_vfs *vfs HM_UNUSED, const char *name HM_UNUSED, int flags HM_UNUSED, int *there)
{
	*there = 0;
	return SQLITE_OK;
}

static int on_path(sqlite3_vfs *vfs HM_UNUSED, const char *name, int room, char *out)
{
	sqlite3_snprintf(room, out, "%s", name);
	return SQLITE_OK;
}

static int on_random(sqlite3_vfs *vfs HM_UNUSED, int count, char *out)
{
	memset(out, 0, (size_t)count);
	return count;
}

static int on_sleep(sqlite3_vfs *vfs HM_UNUSED, int microseconds)
{
	return microseconds;
}

static int on_time(sqlite3_vfs *vfs HM_UNUSED, double *days)
{
	*days = 0;
	return SQLITE_OK;
}

static int on_error(sqlite3_vfs *vfs HM_UNUSED, int room HM_UNUSED, char *out HM_UNUSED)
{
	return 0;
}

static sqlite3_vfs file_system = {
	.iVersion = 1, .szOsFile = sizeof(struct slice_file), .mxPathname = 64, .zName = "hm-slice", .xOpen = on_open, .xDelete = on_delete,
	.xAccess = on_access, .xFullPathname = on_path, .xRandomness = on_random, .xSleep = on_sleep, .xCurrentTime = on_time,
	.xGetLastError = on_error,
};

static int open_bytes(sqlite3 **db, struct hm_slice bytes)
{
	int rc = sqlite3_vfs_register(&file_system, 0);

	next_file = bytes;
	if (rc == SQLITE_OK)
		rc = sqlite3_open_v2("rpmdb", db, SQLITE_OPEN_READONLY | SQLITE_OPEN_NOMUTEX, "hm-slice");
	if (rc != SQLITE_OK)
		return rc;
	sqlite3_db_config(*db, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_TRIGGER, 0, NULL);
	sqlite3_db_config(*db, SQLITE_DBCONFIG_ENABLE_VIEW, 0, NULL);
	return SQLITE_OK;
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
