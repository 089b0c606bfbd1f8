#pragma once
/* Named parts: what a bundle consists of, whether it lies in memory, in a folder or in a container.
 *
 * An assessment collects its parts, the evaluator reads parts, the bundle writer writes parts and its reader yields
 * parts: so the same evaluator runs before the bundle is written and after it was read. Names are unique, and iteration
 * is in bytewise order of the names, never in order of insertion. */
#include "bytes.h"
#include "fail.h"

struct hm_parts;

struct hm_parts *hm_parts_new(void) HM_MUST_CHECK;
void hm_parts_free(struct hm_parts *parts); /* NULL is fine */
void hm_parts_cleanup(struct hm_parts **parts);

/* Adds a part. `_take` moves the bytes in and leaves `bytes` empty; `_borrow` keeps a slice that must outlive the parts;
 * `_file` maps the file, which must not change meanwhile. A name that is there already is HM_E_BAD. */
int hm_parts_take(struct hm_parts *parts, const char *name, struct hm_bytes *bytes, struct hm_fail *fail) HM_MUST_CHECK;
int hm_parts_borrow(struct hm_parts *parts, const char *name, struct hm_slice slice, struct hm_fail *fail) HM_MUST_CHECK;
int hm_parts_file(struct hm_parts *parts, const char *name, const char *path, struct hm_fail *fail) HM_MUST_CHECK;

/* Looks a part up. Returns false and leaves `out` when there is none. */
bool hm_parts_get(const struct hm_parts *parts, const char *name, struct hm_slice *out);
size_t hm_parts_count(const struct hm_parts *parts) HM_MUST_CHECK;
/* The part at `index` in bytewise order of names. `content` may be NULL. The name lives as long as the parts. */
const char *hm_parts_at(const struct hm_parts *parts, size_t index, struct hm_slice *content) HM_MUST_CHECK;
