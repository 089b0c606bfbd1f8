#pragma once
/* What the report's files share. Data flows: parts -> view (documents) and activity (records) -> page or table.
 *
 * Writing: report_html and report_term, as escape.h has them. */
#include "escape.h"
#include "event.h"
#include "feature.h"
#include "json.h"
#include "parts.h"
#include "record.h"
#include "report.h"
#include "residue.h"
#include "text.h"

/* ---- writing: the module escape ---- */
#define HM_S(slice) (int)(slice).len, (const char *)(slice).data /* for %.*s; see report_bound */

#define report_html hm_escape_html
#define report_term hm_escape_term
#define report_escape hm_escape
#define report_bound hm_escape_bound
#define report_html_bound hm_escape_html_bound
#define report_columns hm_escape_columns

/* ---- view.c: the documents ---- */
struct report_view {
	const struct hm_parts *parts;
	json_t *findings, *assessment, *plan, *product, *planted, *declaration, *claims, *replies; /* NULL: the part is absent */
	char bundle_id[65];								 /* empty without core.json */
	const char *name, *version;							 /* of the product; version "" when unknown */
	char *version_own;
};

/* Loads what is there; findings.json must be. HM_E_BAD for a document that is malformed. */
int report_view_load(struct report_view *v, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
void report_view_release(struct report_view *v);
/* Members of an object; "", 0 or NULL where the member is absent or of another type. `object` may be NULL. */
const char *report_text(const json_t *object, const char *name) HM_MUST_CHECK;
uint64_t report_int(const json_t *object, const char *name) HM_MUST_CHECK;
const json_t *report_list(const json_t *object, const char *name) HM_MUST_CHECK;
const json_t *report_object(const json_t *object, const char *name) HM_MUST_CHECK;
/* A member that hm_json_set_bytes stored, appended; nothing when it is absent. */
void report_bytes(struct hm_bytes *out, const json_t *object, const char *name);
/* The content of runs/NNNN/FILE. */
bool report_run_part(const struct report_view *v, uint64_t run, const char *file, struct hm_slice *out) HM_MUST_CHECK;

/* ---- sentences.c: every sentence about a finding ---- */
struct report_verdict {
	const char *word, *class, *colour; /* colour: an SGR sequence */
};
struct report_question {
	uint64_t number; /* 0: not one of the four */
	const char *title, *sentence;
};
extern const struct report_question report_questions[5];

/* Appends how many TLS handshakes of all runs ended how; false where there were none. */
bool report_handshakes(struct hm_bytes *out, const struct report_view *v);
/* A verdict's word as findings.json has it; an unknown one is shown as it is. */
struct report_verdict report_verdict(const char *word) HM_MUST_CHECK;
/* The two halves of a finding's sentence: the number with what it counts ("4,711 bytes"), and the words behind it ("left
 * unexplained"). A reason that the table does not have gives "" and the code with its values. */
void report_number(struct hm_bytes *out, const json_t *claim);
void report_words(struct hm_bytes *out, const json_t *claim);
/* The number for a narrow cell. */
void report_brief(struct hm_bytes *out, const json_t *claim);
/* "CAP_CHOWN CAP_FOWNER", or "no capability". */
void report_capabilities(struct hm_bytes *out, uint64_t set);
/* The sentence for a code of another list (`not_tested`, `scope`, outcome, origin...), or the code itself. */
const char *report_say(const char *list, const char *code) HM_MUST_CHECK;
/* A sentence about an experiment: the one for `code`, with its places filled from `values`. Not escaped. */
void report_tell(struct hm_bytes *out, const char *code, const json_t *values);
/* What a feature is, in words: "the field op-digest", "the HTTP body (flow 2, message 0)". Not escaped. */
void report_field(struct hm_bytes *out, const char *feature);
/* Whether it changes when another does: a length, a number of messages. */
bool report_follows(const char *feature) HM_MUST_CHECK;
/* Basis points as a percentage: 2210 gives "22.1", 500 gives "5". */
void report_percent(struct hm_bytes *out, uint64_t of_10000);
/* What a claim asserts, from claims.json, or "". */
const char *report_statement(const struct report_view *v, const char *id) HM_MUST_CHECK;

/* ---- witnessed.c: what the witnesses say of each other ---- */
struct report_witnessed { /* summed up over the rows of `reconciled` */
	size_t runs; /* 0: nothing was reconciled, as in semantics 1 */
	bool reads_twice, sends_twice; /* there were two witnesses in every run */
	uint64_t documents, files, read, read_calls_only, pages_only, unnamed;
	uint64_t sockets, sent, sent_calls_only, sockets_only;
	uint64_t captured, owned, unowned, missing;
	uint64_t looks, tasks, held, mapped, unexplained;
	uint64_t stops, signals, stopped_us;
};
struct report_self_test {
	const char *result; /* "none" where there was none */
	const json_t *rows;
	uint64_t seen, denied, missed, unavailable;
};
struct report_witnessed report_witnessed(const struct report_view *v) HM_MUST_CHECK;
struct report_self_test report_self_test(const struct report_view *v) HM_MUST_CHECK;
/* A sentence each, escaped as report_term does. */
void report_say_reads(struct hm_bytes *out, const struct report_witnessed *w);
void report_say_sends(struct hm_bytes *out, const struct report_witnessed *w);
void report_say_packets(struct hm_bytes *out, const struct report_witnessed *w);
void report_say_stops(struct hm_bytes *out, const struct report_witnessed *w);
void report_say_looks(struct hm_bytes *out, const struct report_witnessed *w);
void report_say_self_test(struct hm_bytes *out, const struct report_self_test *t);

/* ---- sent.c: what a run sent, and left on disk ---- */
struct report_influence;
struct report_sent {
	struct hm_flows flows;
	struct hm_plains plains;
	struct hm_told told; /* what was given to TLS for flows that stay closed */
	struct hm_features features; /* of these */
	struct hm_tree tree;
	struct hm_residue residue; /* of the tree */
	bool there, on_disk;	   /* its packets, its tree are in this bundle and were read */
};
/* 1; 0 where the run's packets are not in this bundle. */
/* TLS behind a prelude counts as TLS: findings of semantics 4 and later. */
bool report_late_tls(const struct report_view *v) HM_MUST_CHECK;
int report_flows_load(struct hm_flows *flows, const struct report_view *v, uint64_t run, struct hm_fail *fail) HM_MUST_CHECK;
/* `disk`: the tree too. */
int report_sent_load(struct report_sent *s, const struct report_view *v, uint64_t run, bool disk, struct hm_fail *fail) HM_MUST_CHECK;
/* The feature that the influence is about, or NULL. */
const struct hm_feature *report_sent_find(const struct report_sent *s, const struct report_influence *item) HM_MUST_CHECK;
void report_sent_release(struct report_sent *s);
/* Two values of a feature, NULL where a run lacks it. */
bool report_same_value(const struct hm_feature *a, const struct hm_feature *b) HM_MUST_CHECK;

/* ---- experiment.c: what pairs of runs show ---- */
struct report_pair {
	uint64_t run[2]; /* by level */
	uint64_t reader[2]; /* the runs whose documents differ: the same, or those with whose disks these began */
	const json_t *set[2]; /* of planted.json: what the readers found */
};
struct report_pairs {
	struct report_pair *list; /* in the plan's order */
	size_t count;
};
struct report_factor { /* one that was tested */
	const char *name;
	const json_t *claim; /* that its influence refutes; NULL where that was not judged */
	struct report_pairs confirm; /* of which both runs were done */
};
struct report_influence { /* a row of findings.influence whose factor was tested */
	const struct report_factor *factor;
	const char *endpoint, *feature;
	bool proven, disk, send; /* disk: it is about what was left there; send: about what was sent by runs that began with it */
	const struct report_pairs *pairs;
	uint64_t p[2];	/* of grade dependent: p[0] in p[1] */
	size_t compared; /* pairs whose packets or trees were looked at */
	size_t differed; /* in how many of these; `pair` is the first of them, or SIZE_MAX */
	size_t pair;
	char *ending; /* of a name that DNS is asked for: the labels that all runs of these pairs had at its end; NULL: it is none */
};
struct report_experiment {
	const struct report_view *view;
	uint64_t screened; /* pairs; 0: there was no experiment, and all else is empty */
	uint64_t skipped;  /* confirming pairs, since there was nothing to confirm */
	struct report_factor *factor;
	struct report_influence *influence; /* in the order of findings */
	size_t factors, influences, beyond; /* beyond: influences after the limit */
	struct report_pairs send; /* of runs that began with what others had left, which differed in content */
	uint64_t wire, constant, unaccounted; /* bytes, of all endpoints */
	const json_t *residue; /* the claim on what is left on disk, which the first factor that is "content" decides; NULL: not judged */
};
int report_experiment_load(struct report_experiment *x, const struct report_view *v, struct hm_fail *fail) HM_MUST_CHECK;
void report_experiment_release(struct report_experiment *x);
/* The factor of the claim on what is left on disk, or NULL where that was not judged. */
const struct report_factor *report_residue(const struct report_experiment *x) HM_MUST_CHECK;
/* Whether something that was sent, or left on disk, was found to depend on the factor. */
bool report_depends(const struct report_experiment *x, const struct report_factor *f, bool disk) HM_MUST_CHECK;
/* Whether the claim's bound counts pairs, not runs. */
bool report_counts_pairs(const struct report_experiment *x, const char *claim) HM_MUST_CHECK;

/* ---- quote.c: the sentences that a person would quote; none is escaped ---- */
/* What the experiment shows about a factor and what was sent, or left on disk. */
void report_quote(struct hm_bytes *out, const struct report_experiment *x, const struct report_factor *f, bool disk);
/* Where its influences on what was sent come from; nothing where that was not to be found out. quote_located.c, as the next. */
void report_quote_located(struct hm_bytes *out, const struct report_experiment *x, const struct report_factor *f);
/* One place of findings.located. */
void report_located_place(struct hm_bytes *out, const json_t *place);
/* The bound of an upheld claim. */
void report_quote_bound(struct hm_bytes *out, const struct report_experiment *x, const json_t *claim);
/* What no verdict asserts, as a list. */
void report_quote_scope(struct hm_bytes *out, const struct report_view *v);
/* How the bytes that went to an endpoint are accounted for. */
void report_quote_ledger(struct hm_bytes *out, const json_t *row);
/* What an influence is, in words: report_field, or what was found. */
void report_quote_feature(struct hm_bytes *out, const struct report_influence *item);

/* ---- difference.c, values.c: values side by side ---- */
/* Sets marks[i][k] for the bytes of s[i] that differ from the other value: each for itself where the lengths are the same; else what is not
 * part of a common row of words (of `text`; else of bytes), or, of long values, neither of a common beginning nor of a common end. */
void report_difference(bool *marks[2], const struct hm_slice s[2], bool text);
bool report_is_text(struct hm_slice s) HM_MUST_CHECK; /* what a person can read */
/* The value for a cell, what differs from `other` marked; NULL: there is no other. */
void report_value(struct hm_bytes *out, struct hm_slice s, const struct hm_slice *other);

/* ---- cite.c: what the claims point at ---- */
enum report_of { REPORT_EVENT, REPORT_FLOW, REPORT_ENTRY }; /* of the record, of the packets, of the tree */
struct report_cite {
	uint64_t run, index; /* index: position, from 0 */
	enum report_of of;
	bool tls;		 /* of flows: in what TLS carried, not in the stream */
	uint64_t offset, length; /* of flows */
};
struct report_cites {
	struct report_cite *list; /* sorted */
	size_t count;
};
#define REPORT_CITES_SHOWN 8 /* by one claim */
void report_cites_load(struct report_cites *c, const json_t *findings);
void report_cites_release(struct report_cites *c);
/* One item of a claim's evidence. */
struct report_cite report_cite_read(const json_t *item) HM_MUST_CHECK;
/* "event", "flow", "entry". */
const char *report_of_name(enum report_of of) HM_MUST_CHECK;
/* The first citation of that place, or NULL. */
const struct report_cite *report_cited(const struct report_cites *c, uint64_t run, enum report_of of, uint64_t index) HM_MUST_CHECK;

/* ---- activity.c: what the records tell, added up ---- */
struct report_file {
	uint64_t key[4]; /* dev, ino, gen, layer */
	struct hm_slice path; /* owned; empty when no event named it */
	uint64_t opens, read, written, maps, execs;
	bool folder, code; /* code: mapped executable */
};
struct report_process {
	uint64_t tgid, parent; /* parent: index + 1, 0 for none */
	struct hm_slice path, argv; /* owned, of the last exec; a fork without one has its parent's */
	uint64_t argv_len, execs, threads, euid, caps, start, end, code;
	bool ended;
};
struct report_event {
	uint64_t run, index;
	struct hm_bytes item;
};
struct report_run {
	uint64_t run, events, withheld, unknown;
	bool there, cut;
};
struct report_index { /* from four numbers to a place in an array */
	uint64_t (*key)[4];
	uint32_t *value; /* 0: free; here place + 1 */
	size_t capacity, count;
};
struct report_activity {
	struct report_file *file; /* of all runs; after report_activity_load sorted by path */
	struct report_process *process; /* of run `process_run` */
	struct report_event *event; /* those that are cited */
	struct report_run *run;
	struct hm_bytes output[2]; /* what the product printed in run `process_run`, cut at REPORT_OUTPUT_MAX */
	uint64_t output_len[2];
	size_t files, processes, events, runs;
	uint64_t files_dropped, processes_dropped; /* events on what came after the limit */
	uint64_t process_run;
	size_t path_bytes;
	struct report_index file_index, process_index;
};
#define REPORT_OUTPUT_MAX 4096
int report_activity_load(struct report_activity *a, const struct report_view *v, const struct report_cites *cites,
			 struct hm_fail *fail) HM_MUST_CHECK;
void report_activity_release(struct report_activity *a);

/* ---- index.c ---- */
/* The value of `key`, or 0. */
uint32_t report_index_get(const struct report_index *x, const uint64_t key[4]) HM_MUST_CHECK;
/* Sets the value of `key`, which is not 0. */
void report_index_set(struct report_index *x, const uint64_t key[4], uint32_t value);
void report_index_release(struct report_index *x);

/* ---- the page's sections ---- */
struct report_page {
	const struct report_view *view;
	const struct report_cites *cites;
	const struct report_activity *activity;
	const struct report_experiment *experiment;
	struct hm_bytes *out;
};
void report_page_head(const struct report_page *p);
void report_page_verdicts(const struct report_page *p);
void report_page_quotes(const struct report_page *p); /* for the head */
int report_page_depends(const struct report_page *p, struct hm_fail *fail) HM_MUST_CHECK; /* what the experiment shows */
int report_page_aligned(const struct report_page *p, struct hm_fail *fail) HM_MUST_CHECK; /* messages of two runs, in it */
void report_page_located(const struct report_page *p); /* where influences come from, in it */
/* What the documents of the two runs had different. Nothing where no document differs. */
void report_page_varied(const struct report_page *p, const struct report_pair *pair);
void report_page_ledger(const struct report_page *p); /* every byte that left, by endpoint and class */
void report_page_limits(const struct report_page *p); /* what this does not say */
void report_page_witnesses(const struct report_page *p); /* what was seen twice, and whether the recorder sees */
int report_page_sent(const struct report_page *p, struct hm_fail *fail) HM_MUST_CHECK;
void report_page_files(const struct report_page *p);
void report_page_processes(const struct report_page *p);
int report_page_left(const struct report_page *p, struct hm_fail *fail) HM_MUST_CHECK; /* left on disk */
void report_page_method(const struct report_page *p); /* chamber, planted documents, artifacts */
void report_page_events(const struct report_page *p);
void report_page_check(const struct report_page *p);

extern const char report_style[];
