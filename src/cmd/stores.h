#pragma once
/* Stores of the host in which the chamber's authority is trusted, copies of them that is: NSS databases (cert9.db; /etc/pki/nssdb and root's
 * ~/.pki/nssdb, by the distribution's certutil), and Java's (cacerts and jssecacerts of the system and of every Java below /usr and /opt,
 * JKS and PKCS#12). The host's own stay as they are. */
#include "chamber.h"

struct hm_stores { /* zero-initialised is none */
	struct hm_chamber_file *files; /* to be planted: the same in all runs */
	size_t count;
};

/* Makes them in a folder of its own below `work`, which is gone again when it returns. `pem` and `der` are the authority. What stays as it
 * is, is told on standard error: a product that trusts that alone refuses the chamber's certificates. */
void hm_stores_make(struct hm_stores *stores, const char *work, struct hm_slice pem, struct hm_slice der);
void hm_stores_release(struct hm_stores *stores);
