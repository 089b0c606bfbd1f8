/* ELF and PE: facts and symbols of whatever begins like one. */
#include "binary.h"

static int observe(void *cookie HM_UNUSED, const struct hm_observation *o, struct hm_fail *fail HM_UNUSED)
{
	if (!*o->value || strlen(o->value) > 1024)
		abort();
	return 0;
}

static int symbol(void *cookie HM_UNUSED, const char *name)
{
	return *name ? 0 : 1;
}

/* The file beside a catalogue is the catalogue. */
static int other(void *target, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail HM_UNUSED)
{
	const struct hm_binary_file *file = target;

	if (strstr(path, "/..") || file->bytes.len > max)
		return 1;
	hm_bytes_slice(out, file->bytes);
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hm_binary_file file = { .bytes = { data, size }, .path = "/a", .other = other, .target = &file };
	struct hm_fail fail = { 0 };
	int r = hm_binary_read(&file, observe, NULL, &fail);

	if ((r != 0 && r != HM_E_BAD) || hm_binary_symbols(file.bytes, symbol, NULL) != 0)
		abort();
	return 0;
}
