#pragma once
/* What is known about a product before it runs: data/products/NAME.yaml (doc/howto_add_a_product.md), its declaration,
 * and the files that its run needs. Also the claim set, data/claims/claims.json.
 *
 * `data_dir` is the folder that holds products/ and claims/: the command decides which (installed, or the source's). */
#include <sys/types.h>

#include "json.h"

struct hm_product_file {
	char *path; /* absolute in the chamber; relative to the mirror's folder for `mirror` */
	struct hm_bytes content;
	mode_t mode;
};

struct hm_product_files {
	struct hm_product_file *file;
	size_t count;
};

struct hm_product {
	char *name, *purl;	  /* purl without version (pkg:deb/debian/clamav), or NULL */
	char *never_run;	  /* says that nobody here ever ran this product, and why; or NULL */
	json_t *supplier;	  /* as product.json has it, or NULL */
	json_t *declaration;	  /* declaration.json, or NULL */
	json_t *definitions;	  /* array as product.json has it; empty until hm_product_define */
	char **packages;	  /* Debian package names; NULL-terminated, as argv */
	char **argv;		  /* {target} stands for the planted documents, {definitions} until hm_product_define */
	char *stdin_path;	  /* may hold {target}; or NULL */
	char *samples;		  /* folder on the host whose files are planted below samples/, or NULL */
	char *scenario;		  /* name in data/scenarios of what its internet answers, or NULL */
	unsigned time_limit_s;
	struct hm_product_files plant;	/* into the chamber, before the run */
	struct hm_product_files mirror; /* what the chamber's internet serves */
	json_t *definitions_wanted;	/* how hm_product_define makes definitions, or NULL */
};

/* Loads data_dir/products/NAME.yaml. HM_E_USAGE for a name that is not one or that nobody knows (the message lists those
 * that are), HM_E_BAD with file and line for anything wrong in the file. */
int hm_product_load(struct hm_product *out, const char *data_dir, const char *name, struct hm_fail *fail) HM_MUST_CHECK;
/* Definitions for the product to detect with: those installed where there are any, or else a small set made of the
 * samples, which goes to `plant`. Replaces {definitions} in argv by their folder and lists them in `definitions`. Does
 * nothing for a product that needs none; call it once. HM_E_SYSTEM when the samples are not there. */
int hm_product_define(struct hm_product *p, struct hm_fail *fail) HM_MUST_CHECK;
/* Loads a declaration that somebody wrote as YAML (--declaration FILE) and gives declaration.json. */
int hm_product_declaration(json_t **ret, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
/* Appends data_dir/claims/claims.json after checking it: canonical, sorted by id, each claim once. */
int hm_product_claims(struct hm_bytes *out, const char *data_dir, struct hm_fail *fail) HM_MUST_CHECK;
/* Frees; fits HM_CLEANUP. Zero-initialised is empty. */
void hm_product_release(struct hm_product *p);
