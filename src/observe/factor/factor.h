#pragma once
/* The kinds of information that an experiment varies, two levels of each that differ in that one kind and in nothing else.
 *
 * hm_factors is the table: one row a factor, with what its levels change, or the reason why it cannot be set. The caller
 * chooses a level (0 or 1) and the number N of a secret for every row and gets the world of a run: the planted documents
 * and the machine that the product finds itself on (the chamber and the internet apply it). Everything follows from the seed: the key of a level is
 * K = D("secret/PHASE/FACTOR/LEVEL/N") (CONTRACTS section 4), and every number is drawn from the blocks D'("WHAT/DRAW/0"),
 * D'("WHAT/DRAW/1"), ... in which D' is D with K for the seed: eight little-endian 32-bit numbers each; a number below n is
 * the first that is less than the greatest multiple of n, modulo n. "sample", "marking" and the documents of "names.count" are absent at level 0, present
 * at level 1, and use no secret; at level 0 of "metadata.size" no document is made longer. Of all other factors both
 * levels are secrets of the same kind.
 *
 * Content, level 0 against level 1 with the same N, every other factor alike (metadata.size at level 0), for each document:
 *  - the same number of bytes; and in what its reader reads (text and rows; the page of a PDF; the paragraphs of DOCX and
 *    ODT; the member of a ZIP) the same bytes in another order, digits where digits were and letters of the same case
 *    where letters were: so the same histogram, and the same order-0 entropy exactly;
 *  - the same compressed length of each deflated member, as it stands in the file (level 9);
 *  - the same length of the text, and of the whole file, when zlib compresses them at levels 6 and 9.
 * The last two are reached by trying: the secrets of both levels are DRAW 0, 1, 2, ... in turn (level 0 first), and the first two that are
 * alike are taken, so DRAW depends on zlib's version and is written down; who checks takes DRAW as written and needs no zlib. The levels of "marking"
 * are alike in the same way; those of "sample" in size, in the bytes of the sample but for their order, and in the length of
 * the sample when zlib compresses it. */
#include <sys/types.h>
#include <time.h>

#include "json.h"
#include "parts.h"

#define HM_FACTOR_TOKENS_MAX 8
/* The version of planted.json whose documents are planted. */
#define HM_FACTOR_DOCUMENTS 3u
#define HM_FACTOR_XATTRS 2

struct hm_factor_choice {
	unsigned level, n;
};

struct hm_world_file {
	const char *id;	    /* its plain path, whatever it is called in this world: "letter.eml" */
	char *path;	    /* relative to the target */
	const char *role;   /* document, sample */
	const char *marking; /* that it bears, or NULL */
	struct hm_bytes content;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	struct timespec atime, mtime; /* whole seconds */
	struct {
		const char *name;
		char *value;
	} xattr[HM_FACTOR_XATTRS]; /* name NULL: none */
	unsigned tokens;
	char token[HM_FACTOR_TOKENS_MAX][21]; /* canaries: 20 characters of Crockford base32 each */
	uint32_t draw;			      /* of the content */
	unsigned present; /* level of "marking" or "sample", where it takes part in one */
	unsigned fillers; /* lines that make it longer */
};

/* A file of the machine: replaces what is there, or stands behind it. */
struct hm_world_place {
	char *path; /* absolute */
	struct hm_bytes content;
	mode_t mode;
	bool append;
};

struct hm_world {
	struct hm_world_file *file; /* bytewise order of paths */
	size_t file_count;
	bool more; /* there are documents beside those of the table */
	char hostname[16], machine_id[33], boot_id[37];
	uint8_t mac[6];	  /* locally administered */
	char address[16]; /* in 198.18.0.0/24, none that a name can have */
	char *env[16];	  /* the product's whole environment, NULL-terminated; no TZ, so that /etc/localtime holds */
	struct hm_world_place *place;
	size_t place_count;
	char *process[4]; /* command lines, NULL-terminated */
	struct {
		char *source, *point;
	} disk[2];
};

struct hm_factor_key; /* factor_internal.h */
struct hm_factor_part; /* mix.h */
struct hm_factor {
	const char *name;    /* in labels and documents: "content", "metadata.times" */
	const char *claim;   /* what its influence refutes */
	const char *changes; /* what differs between its levels */
	const char *cannot;  /* why it cannot be set; NULL: it can */
	int (*make)(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail);
	unsigned base;	     /* its level where nobody asks for it: what could set a leak off is there */
	unsigned since;	     /* semantics of the findings from which on it could be set; 0: always */
};
extern const struct hm_factor hm_factors[];
extern const size_t hm_factor_count;

/* The row called `name`, or NULL. */
const struct hm_factor *hm_factor_find(const char *name) HM_MUST_CHECK;
/* A plan may vary rows together: a name stands for the row called so, or for all rows "NAME.WORD" that can be set. Whether hm_factors[row]
 * is among them. */
bool hm_factor_covers(const char *name, size_t row) HM_MUST_CHECK;
/* The claim that an influence of `name` refutes; NULL where it stands for no row. */
const char *hm_factor_claim(const char *name) HM_MUST_CHECK;
/* The level of `name` where nobody varies it: that of its rows, which is the same for all of them. */
unsigned hm_factor_base(const char *name) HM_MUST_CHECK;
/* Makes the world in which factor hm_factors[i] hm_factors[i] has the level and secret of choice[i] (hm_factor_count of them). HM_E_USAGE
 * for a level other than 0 and 1, for level 1 of a factor that cannot be set, and for a phase that is not of a to z. */
int hm_factor_world(struct hm_world **ret, const uint8_t *seed, const char *phase, const struct hm_factor_choice *choice,
		    struct hm_fail *fail) HM_MUST_CHECK;
void hm_factor_release(struct hm_world **world);
/* The address in a world with that level and secret of "host.address", without making it. `seed` and `phase` as there. */
void hm_factor_address(char out[16], const uint8_t *seed, const char *phase, unsigned n, unsigned level);
/* Writes the documents below `folder`, which is there and empty, with owner (that takes root), mode, times and attributes. The same
 * order and the same calls in every world. Fails with HM_E_SYSTEM where a file is there already. */
int hm_factor_write(const struct hm_world *world, const char *folder, struct hm_fail *fail) HM_MUST_CHECK;
/* Puts another file among the documents, with plain metadata: what the product is to detect. */
void hm_factor_add(struct hm_world *world, const char *path, const char *role, struct hm_slice content);
/* Appends the rows of planted.json (version HM_FACTOR_DOCUMENTS) to `files`, and to `parts` every content that is not there yet. */
int hm_factor_describe(json_t *files, const struct hm_world *world, struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
/* Whether the rows of one set (of planted.json's version 2 or 3) follow from the seed, each draw taken as it is written; `parts` have level 1 of factor `name`, as
 * hm_factor_mixed makes them, and bear their draws. HM_E_BAD with the first that does not;
 * HM_E_UNKNOWN where all does but the bytes of documents that are deflated: another zlib made them. Rows with role definitions, and
 * samples in samples/, follow from nothing and are passed over; so are parts and sizes, which who reads the parts checks. */
int hm_factor_check(const json_t *files, unsigned version, const uint8_t *seed, const char *phase,
		    const struct hm_factor_choice *choice, const char *name, struct hm_factor_part *parts, size_t count, struct hm_fail *fail) HM_MUST_CHECK;
/* The row of such a set that is the document with this number; NULL where there is none. Borrowed. */
const json_t *hm_factor_row(const json_t *files, uint32_t document) HM_MUST_CHECK;
/* The document whose id it is, or NULL. */
const struct hm_world_file *hm_factor_file(const struct hm_world *world, const char *id) HM_MUST_CHECK;
