#pragma once
#include <openssl/types.h>

#include "binary.h"
#include "cursor.h"

/* Where a reader's facts go. */
struct hm_binary_out {
	const struct hm_binary_file *file;
	hm_observe_fn observe;
	void *cookie;
	struct hm_fail *fail;
	char *maker; /* who signed the file, where the signature holds; NULL: nobody, or who signs what others make */
	char *outer; /* of the facts: what contains the file, or whose it is; NULL: as the file's */
};
enum hm_binary_fact {
	HM_FACT_SONAME,	 /* value: the soname */
	HM_FACT_VERSION, /* value: a string of the version resource, detail: which */
	HM_FACT_PACKAGE, /* value: a package built in, detail: version */
	HM_FACT_PURL,	 /* value: its package URL, detail: its name */
};
/* A module that is built in: its name and its package URL, whose type is "golang" or "cargo". */
int hm_binary_module(struct hm_binary_out *out, const char *ecosystem, const char *type, const char *name, const char *version) HM_MUST_CHECK;
int hm_binary_fact(struct hm_binary_out *out, enum hm_binary_fact fact, const char *ecosystem, const char *value, const char *detail) HM_MUST_CHECK;

/* The organisation or common name of a signer's certificate; `verified`: the file is what was signed, and its issuer is trusted. */
int hm_binary_signer(struct hm_binary_out *out, const char *value, const char *detail, bool verified) HM_MUST_CHECK;
/* Organisation and common name of a name, as signers. */
int hm_binary_names(struct hm_binary_out *out, const X509_NAME *name, const char *checked, bool verified) HM_MUST_CHECK;
/* Whom a kernel module's signature names. */
int hm_binary_module_signed(struct hm_binary_out *out) HM_MUST_CHECK;
/* After the signatures, before the other facts: they are of a file that is somebody's. */
void hm_binary_made_by(struct hm_binary_out *out);
/* A Windows catalogue: a signed list of digests of files that lie beside it. */
int hm_binary_catalogue(struct hm_binary_out *out) HM_MUST_CHECK;
int hm_binary_elf(struct hm_binary_out *out) HM_MUST_CHECK;
int hm_binary_elf_symbols(struct hm_slice bytes, hm_binary_symbol_fn each, void *cookie) HM_MUST_CHECK;
int hm_binary_pe(struct hm_binary_out *out) HM_MUST_CHECK;
int hm_binary_pe_symbols(struct hm_slice bytes, hm_binary_symbol_fn each, void *cookie) HM_MUST_CHECK;
/* .go.buildinfo: path, modules and their versions. */
int hm_binary_go(struct hm_binary_out *out, struct hm_slice section) HM_MUST_CHECK;
/* .dep-v0 of cargo auditable: zlib over JSON. */
int hm_binary_rust(struct hm_binary_out *out, struct hm_slice section) HM_MUST_CHECK;

/* Text of a slice up to its NUL, of at most 1 KiB, with what is no printable UTF-8 left as it is: a fresh copy. */
char *hm_binary_copy(struct hm_slice s) HM_MUST_CHECK;
