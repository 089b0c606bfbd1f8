#pragma once
/* The form in which a product that does not trust the chamber's authority takes it all the same, as its declaration says (`authorities`,
 * doc/format/core.md): arguments, environment, files. In all three {authorities} stands for a file with the authority's certificate. */
#include "chamber.h"
#include "json.h"

#define HM_AUTHORITIES "/etc/ssl/hallmark-authorities.pem"

/* The declaration's member, or NULL. Borrowed. */
const json_t *hm_authorities_of(const json_t *declaration) HM_MUST_CHECK;
/* As plan.json has it: what is declared, and the digest of the plan whose runs were refused before, or NULL. */
json_t *hm_authorities_plan(const json_t *declared, const char *after) HM_MUST_CHECK;
/* Its arguments, ready to be put behind the command; NULL-terminated, all of it the caller's. */
char **hm_authorities_arguments(const json_t *declared) HM_MUST_CHECK;
/* `env` with its variables in place of those of the same name; NULL-terminated. The list is the caller's, and the variables that were added. */
struct hm_authorities_env {
	const char **all;
	char **added;
};
void hm_authorities_env(struct hm_authorities_env *out, const json_t *declared, const char *const *env);
void hm_authorities_env_release(struct hm_authorities_env *env);
/* Files of it, and the one that {authorities} stands for: hm_authorities_files_max of them into `files`. Paths are borrowed from `declared`, contents from
 * `authority` or, of key stores, from `made`, which has as many places and whose bytes are the caller's. HM_E_SYSTEM for a key store of the host that is not there or cannot be added to. */
size_t hm_authorities_files_max(const json_t *declared) HM_MUST_CHECK;
int hm_authorities_files(struct hm_chamber_file *files, struct hm_bytes *made, const json_t *declared, const struct hm_chamber_authority *authority,
			 struct hm_fail *fail) HM_MUST_CHECK;
