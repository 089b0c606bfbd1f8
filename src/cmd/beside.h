#pragma once
/* Statements that lie beside a bundle, held against it (doc/format/statements.md). */
#include "verify.h"

/* Adds a row `beside` for each of these files. HM_E_SYSTEM for one that cannot be read. */
int hm_beside_check(struct hm_verify *v, const char *const *path, size_t count, struct hm_pubkey *const *keys, size_t key_count, struct hm_fail *fail)
	HM_MUST_CHECK;
