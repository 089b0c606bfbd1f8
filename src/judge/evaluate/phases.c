#include "evaluate_internal.h"

size_t hm_phase_before_skip(const struct hm_core *core, int factor)
{
	size_t before = 0;

	for (size_t i = 0; i < core->block_count; i++) {
		const struct hm_block *b = &core->blocks[i];

		if (b->phase != HM_PHASE_CONFIRM || b->factor != factor)
			continue;
		if (b->fate == HM_FATE_SKIPPED)
			return before;
		before++;
	}
	return SIZE_MAX;
}

uint32_t hm_phase_drawn(const struct hm_core *core, int factor, size_t done, size_t screened, bool suspects)
{
	unsigned planned = 0;

	for (size_t i = 0; i < core->block_count; i++)
		planned += core->blocks[i].phase == HM_PHASE_CONFIRM && core->blocks[i].factor == factor;
	return hm_experiment_drawn(planned, (unsigned)done, (unsigned)screened, suspects,
				   hm_phase_before_skip(core, factor) != SIZE_MAX);
}

struct hm_compare_phase hm_phase_blocks(const struct hm_core *core, enum hm_phase phase, int factor, struct hm_compare_block *list,
					uint32_t *numbers)
{
	struct hm_compare_phase out = { list, 0 };

	for (size_t i = 0; i < core->block_count; i++) {
		const struct hm_block *b = &core->blocks[i];

		if (b->phase != phase || b->factor != factor || b->fate != HM_FATE_DONE)
			continue;
		if (numbers)
			numbers[out.count] = b->number;
		list[out.count++] = (struct hm_compare_block){ { b->run[b->level[0] == 1], b->run[b->level[0] != 1] } };
	}
	return out;
}

bool hm_phase_unfinished(const struct hm_core *core, enum hm_phase phase, int factor)
{
	for (size_t i = 0; i < core->block_count; i++)
		if (core->blocks[i].phase == phase && core->blocks[i].factor == factor && core->blocks[i].fate == HM_FATE_INTERRUPTED)
			return true;
	return false;
}
