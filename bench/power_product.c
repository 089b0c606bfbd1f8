/* What a simulated product sends: noise of its own, and a leak. The same in every run. */
#include "power.h"

uint64_t power_draw(struct chance *c)
{
	uint64_t z = c->state += 0x9e3779b97f4a7c15u;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
	z = (z ^ z >> 27) * 0x94d049bb133111ebu;
	return z ^ z >> 31;
}

struct chance power_chance(uint64_t seed, uint64_t stream)
{
	struct chance c = { seed * 0x2545f4914f6cdd1du + stream };

	c.state = power_draw(&c);
	return c;
}

static bool happens(struct chance *c, unsigned permille)
{
	return power_draw(c) % 1000 < permille;
}

static bool is_text(enum noise n)
{
	return n == NONCE || n == DIGIT || n == EVENT;
}

static struct hm_experiment_value noise_of(const struct noisy *n, struct chance *c, bool place_a, bool block_happens)
{
	int64_t sum = 0;

	switch (n->noise) {
	case NONCE:
		return (struct hm_experiment_value){ true, (int64_t)(power_draw(c) >> 1) };
	case DIGIT:
		return (struct hm_experiment_value){ true, (int64_t)(power_draw(c) % 10) };
	case LENGTH:
		return (struct hm_experiment_value){ true, 4 + happens(c, 600) };
	case EVENT:
		return (struct hm_experiment_value){ happens(c, n->permille), 0 };
	case COUNT:
		return (struct hm_experiment_value){ true, 40 + happens(c, n->permille) };
	case PLACE:
		return (struct hm_experiment_value){ true, 40 + (place_a && block_happens) };
	case TIMING:
		for (unsigned i = 0; i < 12; i++)
			sum += (int64_t)(power_draw(c) % 100);
		return (struct hm_experiment_value){ true, 1000 * sum };
	}
	return (struct hm_experiment_value){ 0 };
}

/* The leak's field in both runs of a block, by level. */
static void leak_of(struct hm_experiment_value value[2], const struct product *p, struct chance *c, const uint64_t secret[2], uint64_t fires)
{
	for (unsigned level = 0; level < 2; level++) {
		struct chance digest = { secret[level] };
		uint64_t hash = power_draw(&digest) >> 1;
		bool by_itself = happens(c, 100);

		value[level] = (struct hm_experiment_value){ true, 0 };
		if (p->leak == BIT)
			value[level].value = (int64_t)(hash >> 40 & 1);
		else if (p->leak == DELAY)
			value[level].value = noise_of(&(struct noisy){ TIMING, 0 }, c, false, false).value + (int64_t)(hash >> 40 & 1) * 1000000;
		else if (p->leak == DIGEST)
			value[level].value = (int64_t)hash;
		else
			value[level] = (struct hm_experiment_value){ p->leak == BY_RUN ? by_itself : p->leak == BY_PAIR && fires % 10 == 0, (int64_t)hash };
	}
}

static const char *const phase_names[] = { "aa", "screen", "confirm" };

void power_phase(struct phase *ph, const struct product *p, size_t blocks, enum secrets secrets, const struct phase *from, size_t held,
		       uint64_t seed, struct chance *c)
{
	uint8_t key[32] = { 0 };

	memcpy(key, &seed, sizeof(seed));
	ph->features = p->count + 2;
	ph->blocks = blocks;
	for (size_t f = 0; f < ph->features; f++) {
		bool timing = f < p->count ? p->noisy[f].noise == TIMING : f > p->count && p->leak == DELAY;

		ph->kind[f] = timing ? HM_EXPERIMENT_TIMING : HM_EXPERIMENT_SIZED;
		ph->text[f] = f < p->count ? is_text(p->noisy[f].noise) : f > p->count && p->leak != BIT && p->leak != DELAY;
	}
	for (size_t b = 0; b < blocks; b++) {
		uint64_t *secret = ph->secret[b];
		int coin = hm_experiment_coin(key, phase_names[secrets], (uint32_t)b, NULL);

		secret[0] = secrets == HELD ? from->secret[held][0] : power_draw(c);
		secret[1] = secrets == HELD ? from->secret[held][1] : secrets == SAME ? secret[0] : power_draw(c);
		ph->fires[b] = power_draw(c);
		if (secrets == HELD && hm_experiment_repeats((unsigned)blocks, (unsigned)b, true))
			ph->fires[b] = from->fires[held];
		for (size_t f = 0; f < p->count; f++) {
			bool block_happens = happens(c, p->noisy[f].permille);

			for (int level = 0; level < 2; level++)
				ph->value[f][2 * b + (size_t)level] = noise_of(&p->noisy[f], c, coin == level, block_happens);
			if (p->equal && p->noisy[f].noise != TIMING)
				ph->value[f][2 * b + 1] = ph->value[f][2 * b];
		}
		leak_of(&ph->value[p->count + 1][2 * b], p, c, secret, ph->fires[b]);
		for (size_t level = 0; level < 2; level++)
			ph->value[p->count][2 * b + level] = (struct hm_experiment_value){ true, ph->value[p->count + 1][2 * b + level].there };
	}
}

void power_product(struct product *p, size_t rare, bool equal, enum leak leak)
{
	static const enum noise always[] = { NONCE, NONCE, NONCE, NONCE, NONCE, NONCE, DIGIT, LENGTH, TIMING, TIMING, TIMING, TIMING };
	static const unsigned rates[] = { 5, 10, 20, 50, 100, 200, 300, 500 };

	*p = (struct product){ .equal = equal, .leak = leak };
	for (size_t i = 0; i < HM_COUNT(always); i++)
		p->noisy[p->count++] = (struct noisy){ always[i], 0 };
	for (size_t i = 0; i < rare; i++)
		p->noisy[p->count++] = (struct noisy){ EVENT + (enum noise)(i / HM_COUNT(rates) % 3), rates[i % HM_COUNT(rates)] };
}
