#pragma once
/* Foreign text for a page or a terminal.
 *
 * Text shows itself, but for these, which show as \xHH for each byte: control characters, bidi controls, invisible and
 * zero-width characters, spaces that look like others, combining marks, and whatever is not UTF-8. A backslash shows
 * double, so that nothing else can look like \xHH. For HTML < > & " ' become references: safe in content and in a quoted
 * attribute. */
#include "bytes.h"

void hm_escape(struct hm_bytes *out, struct hm_slice s, bool html);
/* printf's formats, of which they know %s, %.*s, %u, %d with l, and the flag ' (4711 becomes 4,711, in every locale). Every string
 * goes through the escape of its context; what stands in the format is ours and goes out as it is. So nothing foreign can reach
 * the page or the terminal in another way. */
void hm_escape_html(struct hm_bytes *out, const char *format, ...) HM_PRINTF(2, 3);
void hm_escape_term(struct hm_bytes *out, const char *format, ...) HM_PRINTF(2, 3);
/* At most `max` bytes of `s`, no character cut in two. */
struct hm_slice hm_escape_bound(struct hm_slice s, size_t max) HM_MUST_CHECK;
/* hm_escape_html of at most `max` bytes of `s`, and how many more there are. */
void hm_escape_html_bound(struct hm_bytes *out, struct hm_slice s, size_t max);
/* Columns of what hm_escape_term wrote. */
size_t hm_escape_columns(struct hm_slice s) HM_MUST_CHECK;
