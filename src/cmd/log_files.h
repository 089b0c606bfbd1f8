#pragma once
/* A log to read: a folder, or a URL under which its files are served. */
#include "folder.h"

struct hm_log_files {
	int folder; /* -1 for a URL */
	const char *place;
	struct hm_tile_source source;
};

/* `place` must outlive `out`, and `out` must not move. */
int hm_log_files_open(struct hm_log_files *out, const char *place, struct hm_fail *fail) HM_MUST_CHECK;
void hm_log_files_release(struct hm_log_files *files);
/* The policy of --policy, else that of the log's key alone (KEY.pub beside KEY); HM_E_USAGE when there is neither. */
int hm_log_trust(struct hm_policy **ret, const char *policy, const char *key, struct hm_fail *fail) HM_MUST_CHECK;
