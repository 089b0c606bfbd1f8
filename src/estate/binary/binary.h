#pragma once
/* What an executable says of itself that a new name does not change: ELF soname, package note and build id, the modules that
 * Go and Rust list in what they build, PE version resources and Authenticode signers.
 *
 * Nothing is executed or loaded. The bytes are foreign: ELF is read by libelf, certificates by libcrypto, the rest by the
 * bounded cursor. What is damaged is left out; that a signature holds is only ever said after it was checked. */
#include "bytes.h"
#include "fail.h"
#include "observation.h"

/* Which signatures count as checked (suppliers.md, "Signatures"): roots in PEM that may issue the certificates of signers (of the machine that looks or of
 * who asks, never of the target), and who signs what others make. Without roots no signature is said to be verified. */
struct hm_binary_trust;
struct hm_binary_trust *hm_binary_trust_new(void) HM_MUST_CHECK;
int hm_binary_trust_roots(struct hm_binary_trust *trust, const char *path, struct hm_fail *fail) HM_MUST_CHECK;
void hm_binary_trust_attester(struct hm_binary_trust *trust, const char *common_name);
void hm_binary_trust_free(struct hm_binary_trust *trust); /* NULL is fine */

/* Another file of the target, for catalogues, which sign files that lie beside them: as hm_target_other. */
typedef int (*hm_binary_other_fn)(void *target, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail);

struct hm_binary_file {
	struct hm_slice bytes;
	const char *path;  /* inside the target */
	const char *outer; /* what contains it, or NULL */
	const struct hm_binary_trust *trust; /* or NULL: who issued a certificate is not checked */
	hm_binary_other_fn other;	     /* or NULL: no other file can be asked for */
	void *target;			     /* of `other` */
	char **inside; /* or NULL; where a signature holds and its signer is not known to sign what others make: "signed by NAME", malloc'ed, with `outer` before it.
			* The facts of the file, but for its signers, were observed with it as their `outer`. */
};

enum hm_binary_kind { HM_BINARY_NONE, HM_BINARY_ELF, HM_BINARY_PE, HM_BINARY_MACHO, HM_BINARY_CATALOGUE };
enum hm_binary_kind hm_binary_kind(struct hm_slice head) HM_MUST_CHECK;

/* Where the sections of a PE end, by its head alone: what lies behind them it carries. 0: the head does not tell. */
uint64_t hm_binary_end(struct hm_slice head) HM_MUST_CHECK;

/* Observes the facts of the file. HM_E_BAD: it is damaged, what could be read was observed. Any other value is `observe`'s. */
int hm_binary_read(const struct hm_binary_file *file, hm_observe_fn observe, void *cookie, struct hm_fail *fail) HM_MUST_CHECK;

/* Gets each name that the file exports (defined global or weak dynamic symbols of an ELF, the export table of a PE). A value
 * other than 0 ends the iteration and is returned. */
typedef int (*hm_binary_symbol_fn)(void *cookie, const char *name);
int hm_binary_symbols(struct hm_slice bytes, hm_binary_symbol_fn each, void *cookie) HM_MUST_CHECK;
