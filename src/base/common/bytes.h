#pragma once
/* Byte strings: a slice borrows, bytes own.
 *
 * Memory that cannot be had ends the process (abort): every size that comes from outside is bounded before it gets here,
 * so running out is the machine's state and not an input's doing. That is why nothing here returns an error. */
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "cleanup.h"

/* Borrowed bytes. `data` may be NULL when `len` is 0. */
struct hm_slice {
	const uint8_t *data;
	size_t len;
};

/* Owned bytes that grow. Zero-initialised is empty and valid: `struct hm_bytes b = {0}`. */
struct hm_bytes {
	uint8_t *data;
	size_t len, cap;
};

#define HM_SLICE(literal) ((struct hm_slice){ (const uint8_t *)(literal), sizeof(literal) - 1 })

/* malloc, zeroed, that never returns NULL; `count` * `size` is checked for overflow. */
void *hm_alloc(size_t count, size_t size) HM_MUST_CHECK __attribute__((malloc, returns_nonnull));
/* realloc for arrays, same rules; what is new is not zeroed. */
void *hm_realloc(void *old, size_t count, size_t size) HM_MUST_CHECK __attribute__((returns_nonnull));
/* A fresh NUL-terminated copy of `s`. */
char *hm_strdup(const char *s) HM_MUST_CHECK __attribute__((returns_nonnull));
/* printf into fresh memory. */
char *hm_sprintf(const char *format, ...) HM_MUST_CHECK HM_PRINTF(1, 2) __attribute__((returns_nonnull));

/* Makes room for `more` bytes behind `len`, and returns where they start. `len` is unchanged. */
uint8_t *hm_bytes_reserve(struct hm_bytes *b, size_t more);
void hm_bytes_append(struct hm_bytes *b, const void *data, size_t len);
void hm_bytes_u8(struct hm_bytes *b, uint8_t v);
void hm_bytes_printf(struct hm_bytes *b, const char *format, ...) HM_PRINTF(2, 3);
/* Frees what `b` owns and empties it. Fits HM_CLEANUP. */
void hm_bytes_release(struct hm_bytes *b);

static inline void hm_bytes_slice(struct hm_bytes *b, struct hm_slice s)
{
	hm_bytes_append(b, s.data, s.len);
}

static inline void hm_bytes_text(struct hm_bytes *b, const char *s)
{
	hm_bytes_append(b, s, strlen(s));
}

static inline struct hm_slice hm_slice_of(const struct hm_bytes *b)
{
	return (struct hm_slice){ b->data, b->len };
}

static inline struct hm_slice hm_slice_text(const char *s)
{
	return (struct hm_slice){ (const uint8_t *)s, strlen(s) };
}

static inline bool hm_slice_eq(struct hm_slice a, struct hm_slice b)
{
	return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

/* Bytewise order, the shorter first where one begins with the other. */
int hm_slice_cmp(struct hm_slice a, struct hm_slice b) HM_MUST_CHECK;
/* A NUL-terminated copy; bytes after an embedded NUL are there too. */
char *hm_slice_dup(struct hm_slice s) HM_MUST_CHECK __attribute__((returns_nonnull));
