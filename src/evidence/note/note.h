#pragma once
/* Signed notes (c2sp.org/signed-note 1.0.0) and the checkpoints that are written in them (tlog-checkpoint 1.0.0): readers and
 * the checking half. doc/format/log.md says what is accepted. */
#include "digest.h"

#define HM_NOTE_MAX 65536
#define HM_NOTE_SIGNATURES 64
#define HM_NOTE_NAME 255

enum { HM_KEY_LOG = 1, HM_KEY_WITNESS = 4 }; /* types of signature that are checked; both Ed25519 */

/* A verifier key. Of a type that is not checked, `key` is the SHA-256 of it: enough to tell two apart. */
struct hm_vkey {
	char name[HM_NOTE_NAME + 1];
	uint8_t id[4];
	uint8_t type;
	uint8_t key[32];
};

struct hm_note_signature {
	struct hm_slice name; /* in the note */
	struct hm_slice line; /* the same: with its line feed */
	uint8_t id[4];
	uint8_t blob[72]; /* what stands behind the id, when it has 72 bytes at most */
	size_t len;	  /* 0: longer, so none that is checked here */
};

struct hm_note {
	struct hm_slice text; /* with its last line feed */
	struct hm_note_signature signature[HM_NOTE_SIGNATURES];
	size_t count;
};

struct hm_checkpoint {
	struct hm_slice origin;
	uint64_t size;
	struct hm_sha256 root;
	bool extended; /* there are extension lines behind the root */
};

enum hm_note_outcome { HM_NOTE_ABSENT, HM_NOTE_GOOD, HM_NOTE_FALSE };

/* Reads NAME+ID+BASE64(TYPE KEY), nothing behind it. HM_E_BAD for anything else, and for an id that is not the key's. */
int hm_vkey_parse(struct hm_vkey *out, struct hm_slice text, struct hm_fail *fail) HM_MUST_CHECK;
/* The key of these values, its id computed. HM_E_BAD when `name` cannot be one. */
int hm_vkey_make(struct hm_vkey *out, struct hm_slice name, uint8_t type, const uint8_t key[32], struct hm_fail *fail) HM_MUST_CHECK;
/* Appends its text; only for the types that are checked. */
void hm_vkey_write(struct hm_bytes *out, const struct hm_vkey *key);
/* Reads a note, which must outlive `out`. HM_E_BAD when it is not in the one form. */
int hm_note_parse(struct hm_note *out, struct hm_slice bytes, struct hm_fail *fail) HM_MUST_CHECK;
/* Whether `key` signed: by name, id and signature. `time` is set for a witness's good signature, else 0. */
enum hm_note_outcome hm_note_check(const struct hm_note *note, const struct hm_vkey *key, uint64_t *time) HM_MUST_CHECK;
/* Reads a checkpoint's text; `origin` is borrowed. */
int hm_checkpoint_parse(struct hm_checkpoint *out, struct hm_slice text, struct hm_fail *fail) HM_MUST_CHECK;
/* Appends the text of three lines. */
void hm_checkpoint_write(struct hm_bytes *out, const char *origin, uint64_t size, const struct hm_sha256 *root);
/* What a witness of that time signs for `text`, appended. */
void hm_note_cosigned(struct hm_bytes *out, uint64_t time, struct hm_slice text);
