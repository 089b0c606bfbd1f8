#include "bytes.h"

#include <stdarg.h>

void *hm_alloc(size_t count, size_t size)
{
	void *p = calloc(count ? count : 1, size ? size : 1);

	if (!p)
		abort();
	return p;
}

void *hm_realloc(void *old, size_t count, size_t size)
{
	size_t total;
	void *p;

	if (__builtin_mul_overflow(count, size, &total))
		abort();
	p = realloc(old, total ? total : 1);
	if (!p)
		abort();
	return p;
}

char *hm_strdup(const char *s)
{
	return hm_slice_dup(hm_slice_text(s));
}

char *hm_sprintf(const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		abort();
	va_end(args);
	return text;
}

uint8_t *hm_bytes_reserve(struct hm_bytes *b, size_t more)
{
	size_t want;

	if (__builtin_add_overflow(b->len, more, &want))
		abort();
	if (want > b->cap) {
		size_t cap = b->cap ? b->cap : 64;

		while (cap < want)
			cap = cap > SIZE_MAX / 2 ? want : cap * 2;
		b->data = hm_realloc(b->data, cap, 1);
		b->cap = cap;
	}
	return b->data + b->len;
}

void hm_bytes_append(struct hm_bytes *b, const void *data, size_t len)
{
	if (len == 0)
		return;
	memcpy(hm_bytes_reserve(b, len), data, len);
	b->len += len;
}

void hm_bytes_u8(struct hm_bytes *b, uint8_t v)
{
	*hm_bytes_reserve(b, 1) = v;
	b->len++;
}

void hm_bytes_printf(struct hm_bytes *b, const char *format, ...)
{
	size_t room = 128;

	for (;;) {
		char *at = (char *)hm_bytes_reserve(b, room);
		va_list args;
		int n;

		va_start(args, format);
		n = vsnprintf(at, room, format, args);
		va_end(args);
		if (n < 0)
			abort();
		if ((size_t)n < room) {
			b->len += (size_t)n;
			return;
		}
		room = (size_t)n + 1;
	}
}

void hm_bytes_release(struct hm_bytes *b)
{
	free(b->data);
	*b = (struct hm_bytes){ 0 };
}

int hm_slice_cmp(struct hm_slice a, struct hm_slice b)
{
	size_t n = a.len < b.len ? a.len : b.len;
	int r = n ? memcmp(a.data, b.data, n) : 0;

	if (r)
		return r;
	return a.len < b.len ? -1 : a.len > b.len;
}

char *hm_slice_dup(struct hm_slice s)
{
	char *p = hm_alloc(s.len + 1, 1);

	if (s.len)
		memcpy(p, s.data, s.len);
	return p;
}
