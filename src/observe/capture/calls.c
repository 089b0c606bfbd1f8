#include "calls.h"

#include "cleanup.h"

static const struct hm_call_rule rows[] = {
#define HM_CALL(name, op, how, deny, tell) [HM_ROW_##name] = { HM_OP_##op, how, deny, HM_TELL_##tell, 0 },
#include "calls.def"
#undef HM_CALL
};

/* Numbers that had no call in the youngest kernel that was looked at (LAST_KNOWN): what stands there in a later one, or in a
 * vendor's, nobody has judged. */
static const struct {
	enum hm_call_table table;
	int from, to;
} unknown[] = {
	{ HM_CALLS_64, 337, 423 },
	{ HM_CALLS_64, HM_CALLS_LAST_KNOWN + 1, HM_CALLS_MAX - 1 },
	{ HM_CALLS_32, 387, 392 },
	{ HM_CALLS_32, HM_CALLS_LAST_KNOWN + 1, HM_CALLS_MAX - 1 },
	{ HM_CALLS_X32, 337, 423 },
	{ HM_CALLS_X32, HM_CALLS_LAST_KNOWN + 1, 511 },
	{ HM_CALLS_X32, 548, HM_CALLS_MAX - 1 },
};

static void fill_unknown(struct hm_call_rule tables[HM_CALL_TABLES][HM_CALLS_MAX])
{
	for (size_t i = 0; i < HM_COUNT(unknown); i++)
		for (int nr = unknown[i].from; nr <= unknown[i].to; nr++)
			tables[unknown[i].table][nr] = (struct hm_call_rule){
				.deny = HM_DENY_PERM | HM_DENY_NOSYS, .tell = HM_TELL_DONE, .nr = (uint16_t)nr
			};
}

void hm_calls_fill(struct hm_call_rule tables[HM_CALL_TABLES][HM_CALLS_MAX])
{
	static const int16_t *const numbers[HM_CALL_TABLES] = {
		[HM_CALLS_64] = hm_calls_64,
		[HM_CALLS_32] = hm_calls_32,
		[HM_CALLS_X32] = hm_calls_x32,
	};

	fill_unknown(tables);
	for (size_t t = 0; t < HM_CALL_TABLES; t++) {
		for (size_t i = 0; i < HM_COUNT(rows); i++) {
			int16_t nr = numbers[t][i];

			if (nr < 0 || nr >= HM_CALLS_MAX)
				continue;
			tables[t][nr] = rows[i];
			tables[t][nr].nr = (uint16_t)(hm_calls_64[i] >= 0 && t == HM_CALLS_X32 ? hm_calls_64[i] : nr);
		}
	}
	/* i386's call of that name is the oldest of its three: one argument, which points to all others. */
	tables[HM_CALLS_32][hm_calls_32[HM_ROW_mmap]].how = HM_MMAP_OLD;
}
