#pragma once
/* An assessment from its documents to its bundle. */
#include "core_documents.h"
#include "logging.h"
#include "options.h"
#include "product.h"
#include "resume.h"
#include "self_test.h"
#include "surroundings.h"
#include "verify.h"

struct hm_assessment {
	struct hm_surroundings surroundings;
	struct hm_product product;
	struct hm_chamber_file *files; /* product.plant as the chamber wants it, and behind it what `adapted` needs */
	size_t file_count;
	struct hm_bytes *made; /* contents of those behind it, as many as it may have */
	const json_t *adapted; /* the product is started in this form, which its declaration names (authorities.h); NULL: as it is */
	char *after;	       /* digest of the plan under which it had refused the chamber's certificates, or NULL */
	struct hm_packages *packages;
	struct hm_parts *parts;
	struct hm_self_test self_test;
	struct hm_capture_loaded *loaded[2]; /* for the runs that go on at the same time; the first for the self-test as well */
	uint8_t seed[32];
	const char *folder;   /* what is needed while it runs */
	char *executable;     /* on the host */
	char **argv;	      /* {target} replaced, NULL-terminated */
	char *stdin_path;
	enum hm_internet_mode mode;
	const char *internet; /* the value of --internet, or NULL */
	unsigned time_limit_s;
	const char *key;      /* private key's file */
	const char *const *factors; /* of an experiment, NULL-terminated; NULL: there is none */
	unsigned pairs;
	bool locate; /* what is confirmed is located */
	struct hm_resume *resume; /* what it goes on from, or NULL */
	struct hm_logging logging; /* where plan and attestation are logged */
	struct hm_fail unlogged;   /* code 0, or why the attestation of a bundle that is whole is not in the log */
	const struct hm_verify *of; /* the bundle that it replicates, or NULL */
	uint64_t events, lost;
	uint64_t refused; /* handshakes in which it refused a certificate with which nothing was wrong */
	bool may_adapt;	  /* then, where its declaration has a form for that, it is not gone on as it is: `adapt` is set */
	bool adapt;
	struct hm_fail unfinished; /* code 0, or why not all runs were made: what was done is there */
};

/* The whole command `assess`. `of`: the bundle whose plan it must have, and that it then replicates; NULL: none. */
int hm_assess_command(const struct hm_args *args, const struct hm_verify *of, struct hm_fail *fail) HM_MUST_CHECK;
/* Command and standard input from what was given, else from the product; {target} replaced, the executable found. */
int hm_assess_prepare(struct hm_assessment *a, const char *const *command, const char *stdin_path, struct hm_fail *fail) HM_MUST_CHECK;
/* Self-test, documents, plan, runs, findings: afterwards parts hold all that a bundle needs but its seal, also where
 * `unfinished` tells that an experiment ended early. HM_E_SYSTEM before the first run when the self-test is not green: without it there is no verdict. */
int hm_assess_run(struct hm_assessment *a, struct hm_fail *fail) HM_MUST_CHECK;
/* Adds the files of a run that was done. */
int hm_assess_add_run(struct hm_assessment *a, unsigned run, const struct hm_run_spec *spec, struct hm_fail *fail) HM_MUST_CHECK;
/* Seals, signs and writes the bundle. */
int hm_assess_publish(struct hm_assessment *a, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
void hm_assess_release(struct hm_assessment *a);
