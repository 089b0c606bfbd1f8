/* Which bytes of two values differ, for people to see. */
#include "report_internal.h"

#define WORDS_MAX 1024 /* of each value, where they are held against each other word by word; */
#define BYTES_MAX 65536 /* a longer one never is */

/* A word is letters and digits, or one byte of anything else. */
struct words {
	size_t *start; /* one more than `count`: where the last ends */
	size_t count;
};

static bool is_letter(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0x80;
}

static void split_words(struct words *out, struct hm_slice s, bool text)
{
	*out = (struct words){ .start = hm_alloc(s.len + 1, sizeof(*out->start)) };
	for (size_t at = 0; at < s.len;) {
		out->start[out->count++] = at;
		if (text && is_letter(s.data[at]))
			while (at < s.len && is_letter(s.data[at]))
				at++;
		else
			at++;
	}
	out->start[out->count] = s.len;
}

static void release_words(struct words *w)
{
	free(w->start);
}

static struct hm_slice word_at(const struct words *w, struct hm_slice s, size_t i)
{
	return (struct hm_slice){ s.data + w->start[i], w->start[i + 1] - w->start[i] };
}

static void clear_mark(bool *mark, const struct words *w, size_t i)
{
	memset(mark + w->start[i], false, w->start[i + 1] - w->start[i]);
}

/* A longest common row of words: length[i][k] is that of what stands from word i and word k on. All else stays marked. */
static void align_words(bool *marks[2], const struct hm_slice s[2], const struct words w[2])
{
	size_t wide = w[1].count + 1, i = 0, k = 0;
	HM_FREE uint16_t *length = hm_alloc((w[0].count + 1) * wide, sizeof(*length));

	for (size_t a = w[0].count; a-- > 0;)
		for (size_t b = w[1].count; b-- > 0;) {
			uint16_t down = length[(a + 1) * wide + b], right = length[a * wide + b + 1];

			if (hm_slice_eq(word_at(&w[0], s[0], a), word_at(&w[1], s[1], b)))
				length[a * wide + b] = (uint16_t)(length[(a + 1) * wide + b + 1] + 1);
			else
				length[a * wide + b] = down > right ? down : right;
		}
	while (i < w[0].count && k < w[1].count) {
		if (hm_slice_eq(word_at(&w[0], s[0], i), word_at(&w[1], s[1], k))) {
			clear_mark(marks[0], &w[0], i++);
			clear_mark(marks[1], &w[1], k++);
		} else if (length[(i + 1) * wide + k] >= length[i * wide + k + 1]) {
			i++;
		} else {
			k++;
		}
	}
}

/* What is neither a common beginning nor a common end stays marked. */
static void align_ends(bool *marks[2], const struct hm_slice s[2])
{
	size_t least = s[0].len < s[1].len ? s[0].len : s[1].len, from = 0, end = 0;

	while (from < least && s[0].data[from] == s[1].data[from])
		from++;
	while (end < least - from && s[0].data[s[0].len - 1 - end] == s[1].data[s[1].len - 1 - end])
		end++;
	for (size_t side = 0; side < 2; side++) {
		memset(marks[side], false, from);
		memset(marks[side] + s[side].len - end, false, end);
	}
}

void report_difference(bool *marks[2], const struct hm_slice s[2], bool text)
{
	HM_CLEANUP(release_words) struct words first = { 0 }, second = { 0 };

	for (size_t side = 0; side < 2; side++)
		memset(marks[side], true, s[side].len);
	if (s[0].len == s[1].len) {
		for (size_t i = 0; i < s[0].len; i++)
			marks[0][i] = marks[1][i] = s[0].data[i] != s[1].data[i];
		return;
	}
	if (s[0].len <= BYTES_MAX && s[1].len <= BYTES_MAX) {
		split_words(&first, s[0], text);
		split_words(&second, s[1], text);
	}
	if (first.start && first.count <= WORDS_MAX && second.count <= WORDS_MAX)
		align_words(marks, s, (const struct words[2]){ first, second });
	else
		align_ends(marks, s);
}
