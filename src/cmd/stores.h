#pragma once
/* NSS databases (cert9.db) of the host in which the chamber's authority is trusted: /etc/pki/nssdb and root's ~/.pki/nssdb, where they are there.
 * The distribution's certutil does it, on a copy; the host's own stay as they are. */
#include "chamber.h"

struct hm_stores { /* zero-initialised is none */
	struct hm_chamber_file *files; /* to be planted: the same in all runs */
	size_t count;
};

/* Makes them in a folder of its own below `work`, which is gone again when it returns. `pem` is the authority. What stays as it is, Java's store
 * of another type than JKS included, is told on standard error: a product that trusts that alone refuses the chamber's certificates. */
void hm_stores_make(struct hm_stores *stores, const char *work, struct hm_slice pem);
void hm_stores_release(struct hm_stores *stores);
