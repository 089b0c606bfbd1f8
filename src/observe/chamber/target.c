/* The folder that becomes {target} must hold documents and nothing else. In the chamber it is the host's own folder, read-only;
 * but a read-only mount does not keep anybody from speaking to a socket, a pipe or a device in it, and who listens there
 * is outside. Below the layers such a file is the chamber's own: overlayfs gives it an inode to which nobody listens. */
#include "chamber_internal.h"

#include <errno.h>
#include <fts.h>
#include <sys/stat.h>

static int refuse(const char *path, struct hm_fail *fail)
{
	return hm_fail_set(fail, HM_E_USAGE,
			   "opening a chamber: %s is a socket, a pipe or a device, a way out of the chamber (remove it)", path);
}

int hm_chamber_target(const char *folder, struct hm_fail *fail)
{
	char *roots[] = { (char *)folder, NULL };
	FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
	FTSENT *entry;
	int r = 0;

	if (!walk)
		return hm_fail_errno(fail, "reading the documents in %s", folder);
	for (errno = 0; r == 0 && (entry = fts_read(walk)); errno = 0) {
		if (entry->fts_info == FTS_DEFAULT)
			r = refuse(entry->fts_path, fail);
		errno = entry->fts_errno;
		if (entry->fts_info == FTS_DNR || entry->fts_info == FTS_ERR || entry->fts_info == FTS_NS)
			r = hm_fail_errno(fail, "reading the documents in %s", entry->fts_path);
	}
	if (r == 0 && errno)
		r = hm_fail_errno(fail, "reading the documents in %s", folder);
	fts_close(walk);
	return r;
}
