#pragma once
/* What the files of claim share. */
#include "claim.h"
#include "text.h"

#define HM_SEMANTICS_KNOWN 5 /* from 1 on */

/* ---- core_shapes.c: the shapes of doc/format/core.md ---- */
enum hm_document { HM_PLAN, HM_ASSESSMENT, HM_DECLARATION, HM_CLAIMS, HM_PRODUCT, HM_PLANTED, HM_PLANTED_SETS };
/* Parses the part and checks its shape and its words. */
int hm_document_read(json_t **ret, enum hm_document which, struct hm_slice text, struct hm_fail *fail) HM_MUST_CHECK;

/* assessment.json's self_test: "none", or what the self-test came to. */
int hm_self_test_read(const char **result, const json_t *value, unsigned semantics, struct hm_fail *fail) HM_MUST_CHECK;

/* Shorthands for members that hm_document_read has found to be there. */
static inline const char *hm_text_of(const json_t *object, const char *name)
{
	return json_string_value(json_object_get(object, name));
}
static inline int64_t hm_number_of(const json_t *object, const char *name)
{
	return json_integer_value(json_object_get(object, name));
}

/* What is wrong with the certificates of the planned run. HM_WRONGS: a word that none has. */
enum hm_wrong hm_wrong_of(const json_t *planned) HM_MUST_CHECK;

/* ---- blocks.c: the experiment ---- */
/* Fills core->factors, blocks, held and set_of. */
int hm_blocks_read(struct hm_core *core, struct hm_fail *fail) HM_MUST_CHECK;
void hm_blocks_release(struct hm_core *core);
/* True when an experiment varies the factor. */
bool hm_core_tests(const struct hm_core *core, const char *factor) HM_MUST_CHECK;
/* ... names hm_factors[row], alone or together with others. */
bool hm_core_varies(const struct hm_core *core, size_t row) HM_MUST_CHECK;

/* ---- sets.c: planted.json and planted/ ---- */
/* Fills core->sets; every file must be what planted.json says. */
int hm_sets_read(struct hm_core *core, struct hm_fail *fail) HM_MUST_CHECK;
void hm_sets_release(struct hm_core *core);
/* The rows of the set at `index`. Borrowed. */
const json_t *hm_sets_files(const struct hm_core *core, size_t index) HM_MUST_CHECK;

/* ---- places.c: paths and patterns ---- */
struct hm_places {
	const char *const *rows;
	size_t count;
};
extern const struct hm_places hm_places_system;	   /* what any program of the system opens */
extern const struct hm_places hm_places_temporary; /* may be written by any program */
extern const struct hm_places hm_places_own;	   /* {name}: the product's name, and that of its package */
extern const struct hm_places hm_places_fleeting;  /* devices that hold nothing, files of the product's own processes */

/* True when `path` fits the pattern (doc/format/core.md). {target} and {name} stand for the texts given, which may be NULL.
 * A folder also fits the pattern of everything below it. */
bool hm_pattern_fits(const char *pattern, const char *target, const char *name, struct hm_slice path, bool folder) HM_MUST_CHECK;
/* True when what fits the pattern can stand below the folder `path`. */
bool hm_pattern_below(const char *pattern, const char *target, const char *name, struct hm_slice path) HM_MUST_CHECK;
/* One of the places fits. */
bool hm_places_fit(const struct hm_places *places, const struct hm_core *core, struct hm_slice path, bool folder) HM_MUST_CHECK;
/* The folder leads to one of the places. */
bool hm_places_below(const struct hm_places *places, const struct hm_core *core, struct hm_slice path) HM_MUST_CHECK;
/* The same for a list of patterns in the declaration; false when it has no such list. */
bool hm_declared_fit(const struct hm_core *core, const char *list, struct hm_slice path, bool folder) HM_MUST_CHECK;
bool hm_declared_below(const struct hm_core *core, const char *list, struct hm_slice path) HM_MUST_CHECK;
/* The path is `folder` or below it. */
bool hm_path_within(struct hm_slice path, const char *folder) HM_MUST_CHECK;
/* Appends `path` with usr-merge aliases resolved. */
void hm_path_resolve(struct hm_bytes *out, struct hm_slice path);
/* The tree has an entry at `path`; of a run that began with what another left, that had one. */
bool hm_tree_began(const struct hm_run *run, struct hm_slice path) HM_MUST_CHECK;
const struct hm_tree_entry *hm_tree_find(const struct hm_run *run, struct hm_slice path) HM_MUST_CHECK;

/* ---- needles.c, views.c, content.c: the search ---- */
struct hm_needles *hm_needles_new(void);
void hm_needles_free(struct hm_needles *needles); /* NULL is fine */
/* Adds a text or byte string of at least 16 bytes; `what` is static text, the feature's last part. */
void hm_needles_add(struct hm_needles *needles, struct hm_slice bytes, const char *what, bool digest, size_t source);
void hm_needles_seal(struct hm_needles *needles);
struct hm_needle {
	uint64_t head; /* the first 8 bytes, folded, most significant first */
	uint8_t *bytes; /* folded: ASCII capitals as small letters */
	size_t len, source;
	const char *what;
	bool digest;
};
/* The next needle in `s` that begins at *at or behind it; *at is then where it begins. NULL when there is none. Call with
 * *index 0 at first and as it was left then, to get all that begin at one place. */
const struct hm_needle *hm_needles_next(const struct hm_needles *needles, struct hm_slice s, size_t *at, size_t *index);

/* Uncompresses a raw deflate stream (RFC 1951) at the beginning of `s`; appends at most `max` bytes. Returns how many bytes
 * of `s` were used, 0 when nothing came out. What came out before an error is kept. */
size_t hm_inflate(struct hm_bytes *out, struct hm_slice s, size_t max);
/* The member of a ZIP file whose local header begins `s`: content in `out`. Returns the length of header and data, or 0. */
size_t hm_zip_member(struct hm_bytes *out, struct hm_slice s, size_t max);

/* Fills core->needles from planted.json. */
int hm_content_needles(struct hm_core *core, struct hm_fail *fail) HM_MUST_CHECK;
/* Fills run->leaks from run->flows and run->plains. */
void hm_content_search(struct hm_run *run, const struct hm_core *core);

/* ---- claims_residue.c ---- */
/* Fills run->kept from run->tree. */
void hm_residue_search(struct hm_run *run, const struct hm_core *core);

/* ---- facts.c, sequence.c: the record ---- */
struct hm_sequence;
struct hm_sequence *hm_sequence_new(void);
void hm_sequence_free(struct hm_sequence **s);
/* Takes the next event. HM_E_BAD when a number comes twice or a CPU cannot be. */
int hm_sequence_event(struct hm_sequence *s, const struct hm_event *event, struct hm_fail *fail) HM_MUST_CHECK;
/* Numbers that are missing, whether a gap event tells of them or not, and events that the kernel side made. */
uint64_t hm_sequence_missing(const struct hm_sequence *s) HM_MUST_CHECK;
uint64_t hm_sequence_kernel(const struct hm_sequence *s) HM_MUST_CHECK;

/* Adds what `event`, number `position`, tells to the run's facts. */
int hm_facts_event(struct hm_run *run, const struct hm_event *event, uint64_t position, struct hm_fail *fail) HM_MUST_CHECK;
/* The run has a fact that differs from this one at most in its event. */
bool hm_facts_has(const struct hm_run *run, const struct hm_file_fact *fact) HM_MUST_CHECK;
void hm_facts_release(struct hm_run *run);

/* ---- judgement.c: what claim functions say ---- */
enum hm_verdict { HM_UPHELD, HM_OPEN, HM_REFUTED };

/* A reason for a verdict, with its values and evidence. */
struct hm_ground;
struct hm_ground *hm_ground(struct hm_judgement *j, const char *reason);
void hm_ground_add(struct hm_ground *g, const char *value, uint64_t by);
/* The greatest of what it is called with. */
void hm_ground_most(struct hm_ground *g, const char *value, uint64_t v);
void hm_ground_or(struct hm_ground *g, const char *value, uint64_t bits);
void hm_ground_event(struct hm_ground *g, const struct hm_run *run, uint64_t event);
void hm_ground_entry(struct hm_ground *g, const struct hm_run *run, uint64_t entry);
void hm_ground_flow(struct hm_ground *g, const struct hm_run *run, size_t flow, size_t offset, size_t length);
/* A stretch of what the flow's TLS connections carried. */
void hm_ground_plain(struct hm_ground *g, const struct hm_run *run, size_t flow, size_t offset, size_t length);
/* Whether it has been given that reason. */
bool hm_ground_is(const struct hm_judgement *j, const char *reason) HM_MUST_CHECK;
void hm_ground_leak(struct hm_ground *g, const struct hm_run *run, const struct hm_leak *leak);
/* "udp", "tcp", "link", ...: the last part of the flow's endpoint. */
const char *hm_flow_layer(const struct hm_flow *flow);

struct hm_reason {
	const char *code;
	enum hm_verdict verdict;
};

struct hm_claim {
	const char *id;
	int question; /* 0: none of the four */
	const char *untested; /* reason code when nothing here decides it */
	const char *needs;    /* member of the declaration without which it is not tested */
	unsigned touches;     /* losses that matter to it */
	void (*run)(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run);
	const char *upheld;   /* the reason when nothing speaks against it */
	uint64_t mask;	      /* for `run`: privileges that it looks at */
	const char *factor;   /* that must be varied for it, where it is no claim of a factor's own */
	unsigned since;	      /* semantics; before these it is `untested`, from then on it needs no experiment */
	bool paired;	      /* it takes an experiment, whatever that varies */
	bool wrong;	      /* it looks at runs with wrong certificates too */
	const char *idle;     /* why it is not tested where no run had a TLS connection */
};

struct hm_judgement {
	const struct hm_core *core;
	const struct hm_claim *claim; /* NULL when unknown */
	char *id;
	const char *untested;
	uint64_t runs;
	uint32_t pairs; /* of the experiment that judges it; 0: none does */
	const char *upheld; /* the reason where nothing speaks against it */
	bool met;	    /* what `idle` asks for was there */
	json_t *speaks;	    /* by endpoint: in TLS with a right certificate the product always says something */
	struct hm_ground *grounds;
	size_t ground_count;
};

const struct hm_claim *hm_claim_find(const char *id);

/* The functions of the catalogue's rows. */
void hm_claim_content(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run);
void hm_claim_encrypted(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run);
void hm_claim_authenticated(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run);
void hm_claim_endpoints(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run);
void hm_claim_listening(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run);
void hm_claim_declared_files(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run);
void hm_claim_changed_files(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run);
void hm_claim_reach(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run);
void hm_claim_code(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run);
void hm_claim_privilege(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run);
void hm_claim_residue(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run);
void hm_claim_samples(struct hm_judgement *j, const struct hm_core *core, const struct hm_run *run);
