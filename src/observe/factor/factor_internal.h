#pragma once
/* What the factors' files share. */
#include "digest.h"
#include "mix.h"

/* The keys of both levels of one secret: a level whose value must not be the other's has to know the other. */
struct hm_factor_key {
	struct hm_sha256 level[2];
	unsigned chosen;
};

/* Numbers drawn from the key of a level: factor.h says how. */
struct hm_stream {
	const struct hm_sha256 *key;
	const char *what;
	uint32_t draw, block;
	unsigned at;
	struct hm_sha256 bits;
};
void hm_stream_open(struct hm_stream *s, const struct hm_sha256 *key, const char *what, uint32_t draw);
uint32_t hm_stream_below(struct hm_stream *s, uint32_t bound) HM_MUST_CHECK;
/* Replaces slots in `text`. The characters of a class are the same whatever is drawn: those of its alphabet in turn, as many as
 * there are slots of the class; what is drawn is their order (Fisher and Yates, from the last slot down). */
void hm_stream_fill(struct hm_stream *s, char *text);
/* A number below `count` for the chosen level; the other level has another one. */
void hm_factor_draw_address(char out[16], const struct hm_factor_key *key);
uint32_t hm_factor_pick(const struct hm_factor_key *key, const char *what, uint32_t count) HM_MUST_CHECK;

/* Slots: a digit, an upper-case and a lower-case letter. Letters and digits are those of Crockford's base32, so that a run
 * of twenty slots is a token. */
#define D "\001"
#define U "\002"
#define L "\003"
#define TOKEN U D U U U D U U D U U D U U U D U D U U
/* The place of the marking; of the other word's letters in another order, so that both levels have the same letters; of the
 * lines that make a document longer. */
#define MARK "\004"
#define CODE "\005"
#define FILL "\006"

/* What a document is made with besides its secret. */
struct hm_factor_setting {
	unsigned present; /* level of the factor that the document takes part in: marking or sample */
	unsigned fillers; /* lines to put in for its size */
};

struct hm_factor_doc {
	const char *id, *folder, *name; /* name: may hold slots; folder NULL: the target itself */
	enum { HM_TAKES_NONE, HM_TAKES_MARKING, HM_TAKES_SAMPLE } takes;
	bool deflated;	    /* part of the file is */
	const char *filler; /* a line; NULL: of this document the size is not changed */
	const char *text;   /* NULL: nothing in it is secret */
	void (*make)(struct hm_bytes *out, struct hm_slice text, const struct hm_factor_setting *setting);
};
/* Those of the newest planted.json; of another version as many, in the same order. */
extern const struct hm_factor_doc hm_factor_docs[];
extern const size_t hm_factor_doc_count;
const struct hm_factor_doc *hm_factor_docs_of(unsigned version) HM_MUST_CHECK;
extern const char hm_factor_marked[], hm_factor_unmarked[];

/* The document with this draw of the secret behind `key`. `text` gets what its reader reads. */
void hm_factor_render(struct hm_bytes *file, struct hm_bytes *text, const struct hm_factor_doc *doc, const struct hm_sha256 *key,
		      uint32_t draw, const struct hm_factor_setting *setting);
/* So many draws are tried. */
#define HM_FACTOR_DRAWS 4000u
/* The first draw of the chosen level that fits: HM_E_SYSTEM when none of many does. */
int hm_factor_match(uint32_t *draw, const struct hm_factor_doc *doc, const struct hm_factor_key *key, struct hm_fail *fail)
	HM_MUST_CHECK;
/* A world before anything is put in order: documents stand as in the table. With `draws` (one a document) nothing is searched. `content`:
 * the keys that its documents were made with; `docs`: those of a version. */
int hm_factor_build(struct hm_world **ret, struct hm_factor_key *content, const struct hm_factor_doc *docs, const uint8_t *seed,
		    const char *phase, const struct hm_factor_choice *choice, const uint32_t *draws, struct hm_fail *fail) HM_MUST_CHECK;
void hm_factor_finish(struct hm_world *world);
/* Gives the parts level 1, and their draws where `draws` is NULL; then finishes. As hm_factor_mixed. */
int hm_factor_mix(struct hm_world **ret, const struct hm_factor_doc *docs, const uint8_t *seed, const char *phase,
		  const struct hm_factor_choice *choice, const uint32_t *draws, const char *name, struct hm_factor_part *parts, size_t count, struct hm_fail *fail) HM_MUST_CHECK;
/* The text of a document with its secret in it, marks still to be put in: the same length and the same places of slots for every key and draw. */
char *hm_factor_filled(const struct hm_factor_doc *doc, const struct hm_sha256 *key, uint32_t draw) HM_MUST_CHECK;
/* What is made of such a text. */
void hm_factor_make_file(struct hm_bytes *file, struct hm_bytes *text, const struct hm_factor_doc *doc, const char *filled,
			 const struct hm_factor_setting *setting);

/* The makers of the table's rows: what a level makes of the world. */
typedef int hm_factor_make(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail);
hm_factor_make hm_factor_names, hm_factor_sizes, hm_factor_times, hm_factor_owners, hm_factor_modes, hm_factor_xattrs,
	hm_factor_sample, hm_factor_marking, hm_factor_more, hm_factor_content;
#define HM_FACTOR_MORE "zz-minutes-"
/* Adds the documents that a world has more: always the same, behind all others in the order of paths. */
void hm_factor_add_more(struct hm_world *world);
bool hm_factor_is_more(const char *path) HM_MUST_CHECK;
hm_factor_make hm_factor_host_name, hm_factor_machine_id, hm_factor_boot_id, hm_factor_host_address, hm_factor_mac, hm_factor_users,
	hm_factor_locale, hm_factor_timezone;
hm_factor_make hm_factor_packages, hm_factor_processes, hm_factor_mounts;

/* A file of the machine, empty so far; `path` is taken. Borrowed until the next. */
struct hm_world_place *hm_factor_place(struct hm_world *world, char *path, mode_t mode, bool append);

/* Tokens of a document's filled text; returns how many. */
unsigned hm_factor_tokens(char token[][21], const struct hm_factor_doc *doc, const char *filled);
