/* Answers the lines of a file by Hallmark's statistics, as experiment_again.py does, which was written from the format page.
 *
 *   experiment_print FILE     see experiment_again.py for the lines; exit 0, or the error's, which ends it */
#include <errno.h>
#include <inttypes.h>

#include "experiment.h"
#include "fs.h"
#include "locate.h"
#include "text.h"

enum { FILE_MAX = 64 << 20 };

struct input {
	struct hm_slice rest;
	struct hm_fail *fail;
};

/* The next word of the line; empty at its end. */
static struct hm_slice next(struct input *in)
{
	struct hm_slice word;
	size_t len = 0;

	while (len < in->rest.len && in->rest.data[len] != ' ' && in->rest.data[len] != '\n')
		len++;
	word = (struct hm_slice){ in->rest.data, len };
	if (len < in->rest.len && in->rest.data[len] == ' ')
		len++;
	in->rest.data += len;
	in->rest.len -= len;
	return word;
}

static int64_t number(struct input *in)
{
	struct hm_slice word = next(in);
	char text[32], *end;
	long long value;

	if (word.len == 0 || word.len >= sizeof(text))
		exit(hm_fail_exit(hm_fail_set(in->fail, HM_E_BAD, "a line is too short, or a number too long")));
	memcpy(text, word.data, word.len);
	text[word.len] = 0;
	errno = 0;
	value = strtoll(text, &end, 10);
	if (errno || *end)
		exit(hm_fail_exit(hm_fail_set(in->fail, HM_E_BAD, "no number: %s", text)));
	return value;
}

static void bytes32(uint8_t out[32], struct input *in)
{
	if (hm_text_unhex(out, 32, next(in)) < 0)
		exit(hm_fail_exit(hm_fail_set(in->fail, HM_E_BAD, "not 64 hex digits")));
}

static char *word(struct input *in)
{
	return hm_slice_dup(next(in));
}

static int64_t *table(struct input *in, size_t count)
{
	int64_t *values = hm_alloc(count, sizeof(*values));

	for (size_t i = 0; i < count; i++)
		values[i] = number(in);
	return values;
}

static uint8_t *marks(struct input *in, size_t count)
{
	uint8_t *values = hm_alloc(count, 1);

	for (size_t i = 0; i < count; i++)
		values[i] = (uint8_t)number(in);
	return values;
}

static int answer_coin(struct input *in)
{
	HM_FREE char *phase = NULL;
	uint8_t seed[32];
	int r;

	bytes32(seed, in);
	phase = word(in);
	r = hm_experiment_coin(seed, phase, (uint32_t)number(in), in->fail);
	if (r >= 0)
		printf("%d\n", r);
	return r < 0 ? r : 0;
}

static int answer_secret(struct input *in)
{
	HM_FREE char *phase = NULL, *factor = NULL;
	struct hm_sha256 secret;
	uint8_t seed[32];
	char hex[65];
	unsigned level;
	int r;

	bytes32(seed, in);
	phase = word(in);
	factor = word(in);
	level = (unsigned)number(in);
	r = hm_experiment_secret(&secret, seed, phase, factor, level, (uint32_t)number(in), in->fail);
	if (r == 0)
		printf("%s\n", hm_text_hex_into(hex, (struct hm_slice){ secret.b, sizeof(secret.b) }));
	return r;
}

static int answer_rate(struct input *in)
{
	printf("%u\n", hm_experiment_rate((unsigned)number(in)));
	return 0;
}

static int answer_phases(struct input *in)
{
	unsigned pairs = (unsigned)number(in);

	printf("%u %u\n", hm_experiment_aa(pairs), hm_experiment_screening(pairs));
	return 0;
}

static uint8_t *kinds(struct input *in, size_t count)
{
	static const char *const names[] = { [HM_EXPERIMENT_SIZED] = "sized", [HM_EXPERIMENT_TIMING] = "timing",
					     [HM_EXPERIMENT_DIRECTED] = "directed" };
	uint8_t *out = hm_alloc(count + 1, 1);

	for (size_t i = 0; i < count; i++) {
		struct hm_slice name = next(in);

		while (out[i] < HM_COUNT(names) && !hm_slice_eq(name, hm_slice_text(names[out[i]])))
			out[i]++;
		if (out[i] == HM_COUNT(names))
			exit(hm_fail_exit(hm_fail_set(in->fail, HM_E_BAD, "unknown kind")));
	}
	return out;
}

static void print_p(const struct hm_experiment_p *p)
{
	printf("%" PRIu32 "/%" PRIu32 "/%" PRIu32, p->b, p->m, p->family);
}

static int answer_test(struct input *in)
{
	struct hm_experiment_matrix matrix = { 0 };
	struct hm_experiment_draws draws = { 0 };
	HM_FREE struct hm_experiment_p *p = NULL;
	HM_FREE int64_t *d = NULL;
	HM_FREE uint8_t *kind = NULL;
	struct hm_sha256 plan;
	uint8_t seed[32];
	uint32_t least = UINT32_MAX;
	int r;

	bytes32(plan.b, in);
	bytes32(seed, in);
	draws = (struct hm_experiment_draws){ .plan = &plan, .seed = seed, .test = (uint32_t)number(in) };
	matrix.features = (size_t)number(in);
	matrix.blocks = (size_t)number(in);
	matrix.d = d = table(in, matrix.features * matrix.blocks);
	matrix.kind = kind = kinds(in, matrix.features);
	p = hm_alloc(matrix.features, sizeof(*p));
	r = hm_experiment_test(p, &matrix, &draws, in->fail);
	for (size_t f = 0; r == 0 && f < matrix.features; f++) {
		if (f)
			putchar(' ');
		print_p(&p[f]);
		if (p[f].family < least)
			least = p[f].family;
	}
	if (r == 0)
		printf(" least %" PRIu32 "\n", least);
	return r;
}

static int answer_screen(struct input *in)
{
	struct hm_experiment_matrix aa = { 0 }, screen = { 0 };
	HM_FREE int64_t *aa_d = NULL, *d = NULL;
	HM_FREE uint8_t *aa_differs = NULL, *differs = NULL, *kind = NULL;
	struct hm_experiment_suspects s;
	int r;

	aa.features = screen.features = (size_t)number(in);
	aa.blocks = (size_t)number(in);
	screen.blocks = (size_t)number(in);
	aa.d = aa_d = table(in, aa.features * aa.blocks);
	screen.d = d = table(in, aa.features * screen.blocks);
	aa.differs = aa_differs = marks(in, aa.features * aa.blocks);
	screen.differs = differs = marks(in, aa.features * screen.blocks);
	screen.kind = kind = kinds(in, screen.features);
	r = hm_experiment_screen(&s, &aa, &screen, in->fail);
	if (r < 0)
		return r;
	printf("candidates %zu held %zu", s.candidates, s.held);
	for (size_t i = 0; i < s.count; i++) {
		printf(" %zu:%" PRIu32, s.feature[i], s.differs[i]);
		if (kind[s.feature[i]] == HM_EXPERIMENT_TIMING)
			printf("/%" PRIu64, s.tolerance[i]);
	}
	putchar('\n');
	return 0;
}

/* A value, or '-' where there is none. */
static struct hm_experiment_value *values(struct input *in, size_t count)
{
	struct hm_experiment_value *out = hm_alloc(count + 1, sizeof(*out));

	for (size_t i = 0; i < count; i++) {
		struct input ahead = *in;

		if (hm_slice_eq(next(&ahead), hm_slice_text("-")))
			*in = ahead;
		else
			out[i] = (struct hm_experiment_value){ true, number(in) };
	}
	return out;
}

static int answer_differ(struct input *in)
{
	size_t block = (size_t)number(in), blocks = (size_t)number(in);
	HM_FREE struct hm_experiment_value *value = values(in, 2 * blocks);

	printf("%d\n", hm_experiment_differ(value, blocks, block));
	return 0;
}

static int answer_off(struct input *in)
{
	uint64_t tolerance = (uint64_t)number(in);
	size_t blocks = (size_t)number(in);
	HM_FREE int64_t *d = table(in, blocks);

	printf("%d\n", hm_experiment_off(d, blocks, tolerance));
	return 0;
}

static int answer_direct(struct input *in)
{
	int64_t why = number(in);
	struct hm_experiment_told told = { .suspect = why & 1, .own = why & 2 };
	HM_FREE struct hm_experiment_value *held = NULL, *confirm = NULL;
	HM_FREE int64_t *d = NULL;

	told.blocks = (size_t)number(in);
	held = values(in, 2);
	told.held[0] = held[0];
	told.held[1] = held[1];
	told.confirm = confirm = values(in, 2 * told.blocks);
	d = hm_alloc(told.blocks + 1, sizeof(*d));
	if (!hm_experiment_direct(d, &told)) {
		puts("none");
		return 0;
	}
	for (size_t i = 0; i < told.blocks; i++)
		printf("%s%" PRId64, i ? " " : "", d[i]);
	putchar('\n');
	return 0;
}

/* ---- locating, of products that are no more than a rule ---- */

enum { RANGES_MAX = 8 };

struct rule {
	char *how; /* any, all, bit */
	size_t ranges;
	struct hm_locate_part range[RANGES_MAX];
	unsigned noise; /* of 256 */
};

static bool touches(const struct hm_locate_part *parts, size_t count, const struct hm_locate_part *range)
{
	for (size_t i = 0; i < count; i++)
		if (parts[i].document == range->document && parts[i].from < range->to && range->from < parts[i].to)
			return true;
	return false;
}

static void put_parts(struct hm_bytes *out, const struct hm_locate_part *parts, size_t count)
{
	for (size_t i = 0; i < count; i++)
		hm_bytes_printf(out, "%s%" PRIu32 "/%" PRIu32 "-%" PRIu32, i ? "," : "", parts[i].document, parts[i].from, parts[i].to);
}

/* Whether what is sent is another than the reference. */
static bool is_other(const struct rule *rule, const struct hm_locate_part *parts, size_t count)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	struct hm_sha256 digest;
	size_t touched = 0;

	for (size_t i = 0; i < rule->ranges; i++)
		touched += touches(parts, count, &rule->range[i]);
	if (strcmp(rule->how, "bit") != 0)
		return strcmp(rule->how, "all") == 0 ? touched == rule->ranges : touched > 0;
	put_parts(&text, parts, count);
	hm_sha256_slice(&digest, hm_slice_of(&text));
	return touched && (digest.b[0] & 1);
}

static int simulate(const struct rule *rule, const struct hm_locate_question *q, size_t target, size_t block)
{
	HM_FREE char *label = hm_sprintf("%zu/%zu", target, block);
	int d = is_other(rule, q->level[1], q->count[1]) - is_other(rule, q->level[0], q->count[0]);
	struct hm_sha256 chance;

	hm_sha256_slice(&chance, hm_slice_text(label));
	return chance.b[0] < rule->noise ? 0 : chance.b[1] < rule->noise / 4 ? -d : d;
}

static void read_rule(struct rule *rule, struct input *in)
{
	rule->how = word(in);
	rule->noise = (unsigned)number(in);
	rule->ranges = (size_t)number(in) % (RANGES_MAX + 1);
	for (size_t i = 0; i < rule->ranges; i++) {
		rule->range[i].document = (uint32_t)number(in);
		rule->range[i].from = (uint32_t)number(in);
		rule->range[i].to = (uint32_t)number(in);
	}
}

static void put_result(struct hm_bytes *out, const struct hm_locate *l, size_t target)
{
	static const char *const reasons[] = { "located", "unsteady", "many", "unconfirmed", "blocks" };
	struct hm_locate_result r;
	unsigned k = hm_locate_result(l, target, &r);

	hm_bytes_printf(out, " =%s/%d/%u/%u", reasons[r.reason], r.rest, k, r.blocks);
	for (size_t i = 0; i < r.count; i++) {
		hm_bytes_u8(out, ' ');
		put_parts(out, &r.place[i].part, 1);
		hm_bytes_printf(out, "+%" PRIu32 "/%u@%u", r.place[i].ground, r.place[i].confirmed, r.place[i].block);
	}
}

static int answer_locate(struct input *in)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };
	struct rule rules[HM_LOCATE_TARGETS] = { 0 };
	struct hm_locate_question q;
	HM_FREE char *factor = NULL;
	struct hm_locate *l;
	uint32_t places[HM_LOCATE_THINGS];
	uint8_t seed[32];
	size_t targets, things;

	bytes32(seed, in);
	factor = word(in);
	things = (size_t)number(in) % (HM_LOCATE_THINGS + 1);
	for (size_t i = 0; i < things; i++)
		places[i] = (uint32_t)number(in);
	targets = (size_t)number(in) % (HM_LOCATE_TARGETS + 1);
	l = hm_locate_new(seed);
	if (!hm_locate_factor(l, factor, places, things))
		return hm_fail_set(in->fail, HM_E_BAD, "no things");
	for (size_t i = 0; i < targets; i++) {
		unsigned steady = (unsigned)number(in), of = (unsigned)number(in);

		hm_locate_target(l, factor, steady, of);
		read_rule(&rules[i], in);
	}
	for (size_t block = 0; hm_locate_next(l, &q); block++) {
		int d[HM_LOCATE_TARGETS];

		hm_bytes_text(&out, block ? " " : "");
		put_parts(&out, q.level[0], q.count[0]);
		hm_bytes_u8(&out, '|');
		put_parts(&out, q.level[1], q.count[1]);
		for (size_t i = 0; i < targets; i++)
			d[i] = simulate(&rules[i], &q, i, block);
		/* Every eleventh could not be set up. */
		hm_locate_tell(l, block % 11 == 10 ? NULL : d);
	}
	for (size_t i = 0; i < targets; i++) {
		put_result(&out, l, i);
		free(rules[i].how);
	}
	printf("%.*s\n", (int)out.len, (const char *)out.data);
	hm_locate_free(l);
	return 0;
}

static const struct {
	const char *name;
	int (*answer)(struct input *in);
} lines[] = { { "coin", answer_coin }, { "secret", answer_secret }, { "rate", answer_rate }, { "phases", answer_phases },
	    { "test", answer_test }, { "screen", answer_screen }, { "differ", answer_differ },
	    { "off", answer_off },	 { "direct", answer_direct }, { "locate", answer_locate } };

static int answer(struct input *in)
{
	struct hm_slice name = next(in);

	for (size_t i = 0; i < HM_COUNT(lines); i++)
		if (hm_slice_eq(name, hm_slice_text(lines[i].name)))
			return lines[i].answer(in);
	return hm_fail_set(in->fail, HM_E_BAD, "unknown line");
}

int main(int argc, char **argv)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	struct hm_fail fail = { 0 };
	struct input in = { .fail = &fail };
	int r;

	if (argc != 2) {
		fprintf(stderr, "usage: experiment_print FILE\n");
		return 3;
	}
	r = hm_fs_read(&text, argv[1], FILE_MAX, &fail);
	in.rest = hm_slice_of(&text);
	while (r == 0 && in.rest.len) {
		r = answer(&in);
		if (r == 0 && in.rest.len && *in.rest.data == '\n') {
			in.rest.data++;
			in.rest.len--;
		} else if (r == 0) {
			r = hm_fail_set(&fail, HM_E_BAD, "a line is longer than it should be");
		}
	}
	if (r < 0)
		fprintf(stderr, "%s\n", fail.text);
	return hm_fail_exit(r);
}
