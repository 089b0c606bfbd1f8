/* printf's formats with an escape in them: see escape.h. The compiler checks the arguments as it does printf's. */
#include <stdarg.h>

#include "escape.h"

static void put_number(struct hm_bytes *out, uint64_t n, bool grouped)
{
	char digits[32];
	size_t at = sizeof(digits), count = 0;

	do {
		if (grouped && count && count % 3 == 0)
			digits[--at] = ',';
		digits[--at] = (char)('0' + n % 10);
		count++;
		n /= 10;
	} while (n);
	hm_bytes_append(out, digits + at, sizeof(digits) - at);
}

/* One conversion's flags: what stands between '%' and its letter. */
struct conversion {
	bool grouped, bounded, wide;
};

static const char *read_conversion(struct conversion *c, const char *p)
{
	*c = (struct conversion){ 0 };
	for (;; p++) {
		if (*p == '\'')
			c->grouped = true;
		else if (*p == 'l' || *p == 'z')
			c->wide = true;
		else if (*p == '.' && p[1] == '*')
			c->bounded = true, p++;
		else
			return p;
	}
}

_Static_assert(sizeof(unsigned long) == sizeof(uint64_t) && sizeof(size_t) == sizeof(uint64_t),
	       "%lu and %zu carry 64 bits");

static void put_format(struct hm_bytes *out, bool html, const char *format, va_list args)
{
	struct conversion c;
	struct hm_slice s;

	for (const char *p = format; *p; p++) {
		if (*p != '%') {
			hm_bytes_u8(out, (uint8_t)*p);
			continue;
		}
		p = read_conversion(&c, p + 1);
		switch (*p) {
		case 's':
			s.len = c.bounded ? (size_t)va_arg(args, int) : 0;
			s.data = va_arg(args, const uint8_t *);
			if (!c.bounded)
				s.len = strlen((const char *)s.data);
			hm_escape(out, s, html);
			break;
		case 'u':
			put_number(out, c.wide ? va_arg(args, unsigned long) : va_arg(args, unsigned int), c.grouped);
			break;
		case '%':
			hm_bytes_u8(out, '%');
			break;
		default:
			abort(); /* a format that this function does not know: a programmer's error */
		}
	}
}

void hm_escape_html(struct hm_bytes *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_format(out, true, format, args);
	va_end(args);
}

void hm_escape_term(struct hm_bytes *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	put_format(out, false, format, args);
	va_end(args);
}
