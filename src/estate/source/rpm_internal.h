#pragma once
/* The three databases of rpm, each a bag of header blobs. */
#include "bytes.h"
#include "fail.h"

/* Gets one header; a value other than 0 ends the iteration and is returned. */
typedef int (*hm_rpm_blob_fn)(void *cookie, struct hm_slice blob);

/* HM_E_BAD: part of the database could not be read; the rest was handed over. */
int hm_rpm_sqlite(struct hm_slice db, hm_rpm_blob_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
int hm_rpm_ndb(struct hm_slice db, hm_rpm_blob_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
int hm_rpm_bdb(struct hm_slice db, hm_rpm_blob_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
/* By what the file begins with. */
int hm_rpm_each(struct hm_slice db, hm_rpm_blob_fn each, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;
