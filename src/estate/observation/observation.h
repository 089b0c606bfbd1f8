#pragma once
/* A fact about a target: what is there, where, in which state. It knows no supplier; rows of the supplier tables are compared
 * with it (doc/format/suppliers.md, "Kinds"). Observations flow through a callback and are never gathered in a list that grows
 * with the number of files. */
#include "bytes.h"
#include "fail.h"

enum hm_observation_kind {
	HM_OBSERVED_PACKAGE,	   /* value: name; detail: version; source: the ecosystem */
	HM_OBSERVED_ORGANISATION,  /* value: vendor, maintainer, publisher, supplier, as it is written; detail: whose (package or component) */
	HM_OBSERVED_PACKAGE_FILES, /* value: name; verified: all its files are those of the database; detail: the counts */
	HM_OBSERVED_COMPONENT,	   /* value: name of a component of an SBOM; detail: version */
	HM_OBSERVED_PURL,	   /* value: package URL; detail: the component */
	HM_OBSERVED_CPE,	   /* value: CPE 2.2 or 2.3; detail: the component */
	HM_OBSERVED_PATH,	   /* value: absolute path inside the target of a file or folder */
	HM_OBSERVED_FILE,	   /* sha256 of the file at path; value: its name */
	HM_OBSERVED_PROCESS,	   /* value: name; path: the executable */
	HM_OBSERVED_SERVICE,	   /* value: name of a unit or init script */
	HM_OBSERVED_TIMER,
	HM_OBSERVED_KERNEL_MODULE,
	HM_OBSERVED_ACCOUNT,
	HM_OBSERVED_DOMAIN,	   /* value: host name or address; detail: where it was seen ("socket", "in an executable", ...) */
	HM_OBSERVED_SIGNER,	   /* value: organisation or common name of a subject; verified: the signature holds and its chain was checked */
	HM_OBSERVED_CERTIFICATE,   /* value: subject of a trusted root; sha256: the certificate's */
	HM_OBSERVED_VERSION,	   /* value: a text of a version resource; detail: which ("CompanyName", ...) */
	HM_OBSERVED_SYMBOL,	   /* value: exported name */
	HM_OBSERVED_SONAME,	   /* value: soname of an ELF, name of a DLL */
	HM_OBSERVED_DEFINITIONS,   /* value: name of the format of a base that parses; detail: version, date, what was checked */
	HM_OBSERVED_LICENCE,	   /* value: words that were looked for, or a licence's own name; detail: where */
	HM_OBSERVED_STRING,	   /* value: text that was looked for, in an executable: weak */
	HM_OBSERVED_BUNDLE,	   /* value: identifier of a macOS bundle or receipt; detail: version */
	HM_OBSERVED_REGISTRY,	   /* value: a key of the Windows registry, HKLM\Software\... */
	HM_OBSERVATION_KINDS
};

/* In order of strength. */
enum hm_observed_state { HM_STATE_RESIDUE, HM_STATE_PRESENT, HM_STATE_INSTALLED, HM_STATE_RUNNING, HM_STATES };

/* An `outer` that ends so, with a name: the file is that one's who signed it. */
#define HM_SIGNED_BY "signed by "
/* That name, or NULL; `*around`: how many bytes of `outer` tell in what the file is. */
const char *hm_observation_signer(const char *outer, size_t *around) HM_MUST_CHECK;

/* All texts are borrowed for the time of the call. Value, detail, path and outer are foreign bytes without NUL, and not always
 * text: who shows them escapes them. */
struct hm_observation {
	enum hm_observation_kind kind;
	enum hm_observed_state state;
	bool verified;	    /* see the kinds; false where nothing was checked */
	const char *value;  /* never NULL */
	const char *detail; /* or NULL */
	const char *path;   /* inside the target, where it was seen; NULL: nowhere on disk */
	const char *outer;  /* package, image layer, archive or component that contains it; NULL: the target itself */
	const char *source; /* what told it: "dpkg", "npm", "cyclonedx", "scan", "proc", ...; never NULL */
	const char *sha256; /* 64 hex digits of the file, or NULL */
};

/* Gets one observation. A value other than 0 ends what observes, which returns it. */
typedef int (*hm_observe_fn)(void *cookie, const struct hm_observation *observation, struct hm_fail *fail);

/* "package", "package.files", ...; "residue", ... */
const char *hm_observation_kind_name(enum hm_observation_kind kind) HM_MUST_CHECK;
const char *hm_observed_state_name(enum hm_observed_state state) HM_MUST_CHECK;
