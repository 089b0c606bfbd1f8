#pragma once
/* Claims: what is under test, what is known, and who decides.
 *
 * The core is read once (hm_core_open), then each run in turn (hm_run_open) into facts: distinct things that happened, each
 * with the first event that shows it, so that a record of 100 million events needs no memory per event. A claim is a row
 * of a table (catalogue.c): id, question, the function that looks at one run, the one that concludes. Judgements are fed the
 * runs in order and come out as rows of findings.json (doc/format/findings.md).
 *
 * Pure: no clock, locale, environment, float or order of hashes; what is listed is sorted or in the order of events. */
#include "digest.h"
#include "event.h"
#include "flow.h"
#include "given.h"
#include "json.h"
#include "parts.h"
#include "plain.h"
#include "reconcile.h"
#include "residue.h"
#include "told.h"

struct hm_needles; /* tokens and digests of the planted documents, to be looked for */

/* A regular file that the core names as installed. */
struct hm_installed {
	struct hm_slice path;	 /* usr-merge aliases resolved: /usr/lib for /lib */
	const json_t *package;	 /* NULL: owned by none */
	const json_t *file;	 /* its row in product.json */
};

/* The documents that a run finds below the target. */
struct hm_set {
	struct hm_target documents; /* all planted files */
	struct hm_bytes *names;	    /* what it borrows from */
	char **samples;		    /* paths of planted samples in the chamber */
	size_t sample_count;
};

/* Two runs that went on side by side. */
enum hm_phase {
	HM_PHASE_AA, HM_PHASE_SCREEN, HM_PHASE_CONFIRM,
	HM_PHASE_STORE, /* nothing can leave, and what is left on disk is kept */
	HM_PHASE_SEND,	/* begins with what the store block before it left, place by place; its level is that block's */
	HM_PHASE_CERTIFICATE, /* every TLS server has a wrong certificate */
	HM_PHASE_LOCATE, /* what is asked of an influence: see locate.h */
	HM_PHASES,
};
/* What became of it (doc/format/core.md). */
enum hm_fate {
	HM_FATE_DONE, HM_FATE_NOT_SET_UP, HM_FATE_NOT_RECORDED, HM_FATE_SKIPPED, HM_FATE_NOT_NEEDED, HM_FATE_NO_TLS, HM_FATE_UNASKED,
	HM_FATE_INTERRUPTED, HM_FATES
};
/* What is wrong with the certificates that servers of a run have (doc/format/core.md); in all runs of other kinds nothing is. */
enum hm_wrong { HM_WRONG_NOTHING, HM_WRONG_AUTHORITY, HM_WRONG_NAME, HM_WRONG_EXPIRED, HM_WRONGS };
struct hm_block {
	uint32_t number; /* from 1 */
	enum hm_phase phase;
	enum hm_fate fate;
	int factor;	 /* index into the core's factors, of a confirming, store or send block; else -1 */
	size_t run[2];	 /* by place: index of the run, SIZE_MAX where it was not done */
	unsigned level[2]; /* by place */
};

struct hm_core {
	const struct hm_parts *parts;
	json_t *plan, *assessment, *claims, *product, *planted;
	json_t *declaration; /* NULL when there is none */
	struct hm_sha256 plan_digest, claims_digest;
	uint8_t seed[32], address[4];
	unsigned semantics; /* by which it is judged: 1 for records of version 1; later ones, each what it was made with */
	bool experiment;    /* it holds one: always in semantics 3, never before */
	const char *self_test; /* "none", "passed" or "failed" */
	const char *target;
	struct hm_set *sets; /* of planted.json */
	size_t set_count;
	size_t *set_of; /* by index of the run: index of its set */
	const char **factors; /* of an experiment; borrowed from the plan */
	size_t factor_count;
	struct hm_block *blocks;
	size_t block_count;
	uint32_t *held; /* by factor: number of the screening block whose secrets were held; NULL where screening was not done */
	size_t not_set_up; /* blocks that were dropped before they began; here and below, without locate blocks */
	size_t not_needed; /* store and send blocks that were dropped because all runs had left the same */
	size_t skipped;	   /* confirming blocks that had nothing to confirm */
	size_t unasked;	   /* locate blocks that were dropped before they began, or interrupted: no claim lacks them */
	bool tolerable;	   /* those that were not set up are few, and each factor has confirming blocks enough without them */
	struct hm_installed *installed; /* sorted by path */
	size_t installed_count;
	struct hm_bytes *names; /* what the paths above borrow from */
	struct hm_needles *needles;
	size_t runs; /* of assessment.json */
	size_t wrong_planned, wrong_done, without_tls; /* runs with wrong certificates: that were planned, done, and dropped since no run used TLS */
};

/* Reads and checks plan.json, assessment.json, declaration.json, claims.json, product.json, planted.json and planted/.
 * HM_E_BAD when one is malformed or contradicts another, HM_E_UNKNOWN for a version that we do not have. `parts` must
 * outlive the core. */
int hm_core_open(struct hm_core **ret, const struct hm_parts *parts, struct hm_fail *fail) HM_MUST_CHECK;
void hm_core_close(struct hm_core *core); /* NULL is fine */
/* The plan has locate blocks. */
static inline bool hm_core_locates(const struct hm_core *core)
{
	return core->block_count && core->blocks[core->block_count - 1].phase == HM_PHASE_LOCATE;
}

enum hm_act { HM_ACT_EXEC, HM_ACT_MAP, HM_ACT_OPEN, HM_ACT_WRITE }; /* MAP: executable; WRITE: opened for writing */

struct hm_file_fact {
	enum hm_act act;
	uint8_t layer;
	bool cut;	      /* the path lacks its beginning */
	uint32_t type;	      /* S_IFMT bits of what was opened; 0 for others */
	struct hm_slice path; /* as in the chamber; empty for memory without a file */
	uint64_t event;	      /* the first that shows it */
};

struct hm_cred_fact {
	uint64_t uid, euid, caps; /* caps: effective or permitted */
	uint64_t event;
};

struct hm_listen_fact {
	uint64_t family, port, event;
	bool datagram;
};

/* Something of a planted document in what a flow sent. */
struct hm_leak {
	size_t flow;
	bool tls;		     /* inside TLS: */
	size_t offset, length;	     /* bytes of the flow's plaintext, else of its stream */
	char *feature;		     /* encodings from the outside, then what: "base64.gzip.token", "hex.digest.sha256" */
	bool digest;
	size_t source;		     /* number of the token, or of the document and kind of digest */
};

/* Something of a planted document in what a library took for a flow that could not be opened. That is no place in what left: events
 * show it. */
struct hm_given_leak {
	size_t flow;
	uint64_t event; /* that tells where it begins */
	size_t offset, length; /* bytes of what its connection was given */
	bool again;	/* another event of its flow showed the same source and feature before */
	char *feature;	/* as of a leak, behind "given." */
	bool digest;
	size_t source;
};

/* Something of a planted document in what a run left on disk: in a path or where a link leads, or a file that is a document. */
struct hm_kept {
	size_t entry;  /* index into the run's tree */
	char *feature; /* as of a leak */
	bool digest;
};

enum hm_touch {
	HM_TOUCH_EVENTS = 1,
	HM_TOUCH_PACKETS = 2,
	HM_TOUCH_OUTPUT = 4,
	HM_TOUCH_TREE = 8,
	HM_TOUCH_READS = 16, /* what was read */
	HM_TOUCH_CODE = 32,  /* what was mapped */
	HM_TOUCH_PATHS = 64, /* what a path means */
	HM_TOUCH_PORTS = 128,
};

struct hm_run {
	unsigned number, semantics;
	enum hm_wrong wrong;
	uint8_t address[4]; /* the chamber's */
	uint64_t distrusted; /* handshakes that the product broke off when it had been given a certificate, as assessment.json says */
	const struct hm_set *set; /* the core's */
	struct hm_flows flows;
	struct hm_plains plains; /* of the flows, since semantics 3; before, none */
	struct hm_leak *leaks; /* sorted by flow, stream before plaintext, offset, length, feature; no two the same */
	size_t leak_count;
	struct hm_givens given; /* to TLS (semantics 4) */
	struct hm_told told;	/* of it what takes part in an experiment (semantics 5) */
	struct hm_given_leak *given_leaks; /* by event */
	size_t given_leak_count;
	bool unsearched; /* the search met a bound: there may be more leaks */
	struct hm_file_fact **files; /* in the order of events */
	size_t file_count;
	struct hm_cred_fact *creds;
	size_t cred_count;
	struct hm_listen_fact *listens;
	size_t listen_count;
	struct hm_bytes output[2];
	struct hm_tree tree, began; /* what it left; what it began with, of a send block */
	struct hm_kept *kept; /* of planted documents in the tree (semantics 3); by entry, then feature */
	size_t kept_count;
	bool executed, interrupted;
	uint64_t lost_events, lost_packets; /* at least; a record without its end lost one event at least */
	unsigned lost;			    /* enum hm_touch of everything that is missing */
	bool withheld;			    /* something of its record, tree or packets, by who redacted it */
	uint64_t witnessed_bytes, witnessed_packets; /* sent, as the second witness counted */
	bool before; /* the product ran before the recorder did, and what it was then is still being told */
	struct hm_reconciled *reconciled; /* NULL in semantics 1 */
	struct hm_marks nowhere; /* calls that go where the chamber has no way (semantics 5) */
	void *file_tree;      /* lookup in `files` */
};

/* Reads run `index` (from 0) of assessment.json. HM_E_BAD for a record or packet file that is malformed, or of another plan
 * or run. */
int hm_run_open(struct hm_run **ret, const struct hm_core *core, size_t index, struct hm_fail *fail) HM_MUST_CHECK;
void hm_run_close(struct hm_run *run); /* NULL is fine */
/* Index of the first leak of `flow` or of one behind it. */
static inline size_t hm_run_leaks_of(const struct hm_run *run, size_t flow)
{
	size_t low = 0, high = run->leak_count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (run->leaks[middle].flow < flow)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}
/* The union of the leaks' bytes in `flow`; of plaintext each stands for one that was sent. */
uint64_t hm_run_leaked(const struct hm_run *run, size_t flow) HM_MUST_CHECK;
/* The installed file at `path`, or NULL; an alias of usr-merge is the same place. */
const struct hm_installed *hm_core_installed(const struct hm_core *core, struct hm_slice path) HM_MUST_CHECK;

struct hm_judgement;

/* Begins to judge the claim `id`; an id that is not in the catalogue is never tested. */
struct hm_judgement *hm_judge_begin(const struct hm_core *core, const char *id) HM_MUST_CHECK;
/* Takes the next run into account. */
void hm_judge_run(struct hm_judgement *j, const struct hm_run *run);
/* What an experiment came to for one claim: all of its factors together. */
struct hm_trial_outcome {
	uint64_t features; /* that were confirmed to depend on them */
	uint64_t inseparable; /* not among these: confirmed, but they depend on content, which cannot stay as it is while that changes */
	uint64_t stored;   /* of `features`, in runs that began with what others had kept */
	uint64_t bytes, of; /* payload that depends on them or holds what was planted; bytes of packets that left */
	uint64_t unaccounted; /* bytes that could carry it */
	uint64_t loose;	      /* features that could: bytes, and what is none, as sizes and order */
	uint64_t bits, timing; /* so much, one run at most, could have left in these; in times */
	uint32_t pairs;	    /* confirming blocks */
	uint64_t given;	    /* of `of`: that stand for what TLS libraries took (semantics 5) */
	bool beyond;	    /* more was sent than is compared */
};
/* What it came to for what was left on disk. */
struct hm_residue_spot {
	unsigned run;
	uint64_t entry; /* of the run's tree */
};
struct hm_residue_outcome {
	uint64_t sent; /* features of what later runs sent that depend on what was left */
	uint64_t features, confirmed; /* that were confirmed to depend on content; paths that have one of their own */
	uint64_t differing, blocks;   /* paths that are not the same in the two runs of a confirming block; such blocks */
	uint64_t unread;	      /* files, over all runs, that could not be compared */
	uint64_t untried; /* features that differed while screening, and are the same with the secrets that were held */
	uint64_t of;	  /* confirming blocks that were done */
	uint32_t pairs;	  /* what a bound counts */
	const struct hm_residue_spot *spots; /* where it is to be seen: of the first confirming block that differs */
	size_t spot_count;
};
/* What it came to for declared.collection: every influence on what left, of whatever factor. */
struct hm_collection_outcome {
	struct hm_trial_outcome all; /* of all factors together; `features`, `stored` and `bytes` are not read */
	uint64_t features, undeclared; /* rows of influence; of these */
	size_t factors;
};
void hm_judge_collection(struct hm_judgement *j, const struct hm_collection_outcome *outcome);
/* What the claim `id` looks at, of HM_TOUCH_EVENTS, _PACKETS and _TREE: without any other evidence it comes out the same. 0 for a claim that
 * looks at no run. In an experiment runs are compared: whoever looks at packets or trees looks at all three. */
unsigned hm_claim_looks(const char *id, bool experiment) HM_MUST_CHECK;
/* The id that it was begun with. */
const char *hm_judge_id(const struct hm_judgement *j) HM_MUST_CHECK;
void hm_judge_outcome(struct hm_judgement *j, const struct hm_trial_outcome *outcome);
void hm_judge_residue(struct hm_judgement *j, const struct hm_residue_outcome *outcome);
/* Appends the claim's row to `judged` or to `not_tested`, and frees the judgement. */
void hm_judge_end(struct hm_judgement *j, json_t *judged, json_t *not_tested);
