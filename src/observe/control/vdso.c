/* The kernel puts an image into every process whose functions tell the time, and draw, without a call. Written over they make
 * the calls: the image is the process's own copy then, and what searches it by whatever way finds the same. A call that a signal
 * interrupts before the supervisor has taken it is made again, since no program expects that of a clock. */
#include "control_internal.h"

#include <asm/unistd.h>
#include <elf.h>
#include <errno.h>
#include <unistd.h>

#define STUB_MAX 32

/* What a function becomes: `code` with the call's number at `number`. A function that may say that it is not there says so. */
struct stub {
	const char *name;
	uint32_t call;
	const uint8_t *code;
	uint8_t len, number, shift;
};

#ifdef __x86_64__
/* mov $NUMBER, %eax; syscall; cmp $-EINTR, %rax; je from the start; ret */
static const uint8_t call_wide[] = { 0xb8, 0, 0, 0, 0, 0x0f, 0x05, 0x48, 0x83, 0xf8, 0xfc, 0x74, 0xf3, 0xc3 };
/* mov $NUMBER, %eax; ret */
static const uint8_t absent_wide[] = { 0xb8, 0, 0, 0, 0, 0xc3 };
/* push %ebx; mov 8(%esp), %ebx; mov 12(%esp), %ecx; mov $NUMBER, %eax; int $0x80; cmp $-EINTR, %eax; je; pop %ebx; ret */
static const uint8_t call_narrow[] = { 0x53, 0x8b, 0x5c, 0x24, 0x08, 0x8b, 0x4c, 0x24, 0x0c, 0xb8, 0,	  0,
				       0,    0,	   0xcd, 0x80, 0x83, 0xf8, 0xfc, 0x74, 0xf4, 0x5b, 0xc3 };
static const struct stub wide_stubs[] = {
	{ "__vdso_clock_gettime", 228, call_wide, sizeof(call_wide), 1, 0 },
	{ "__vdso_gettimeofday", 96, call_wide, sizeof(call_wide), 1, 0 },
	{ "__vdso_time", 201, call_wide, sizeof(call_wide), 1, 0 },
	{ "__vdso_getrandom", (uint32_t)-ENOSYS, absent_wide, sizeof(absent_wide), 1, 0 },
};
static const struct stub narrow_stubs[] = {
	{ "__vdso_clock_gettime", 265, call_narrow, sizeof(call_narrow), 10, 0 },
	{ "__vdso_clock_gettime64", 403, call_narrow, sizeof(call_narrow), 10, 0 },
	{ "__vdso_gettimeofday", 78, call_narrow, sizeof(call_narrow), 10, 0 },
	{ "__vdso_time", 13, call_narrow, sizeof(call_narrow), 10, 0 },
};
#define HAVE_NARROW 1
#elif defined(__aarch64__)
/* mov x8, #NUMBER; mov x2, x0; svc #0; cmn x0, #EINTR; b.ne to the end; mov x0, x2; b to svc; ret, and mov x0, #~NUMBER; ret */
static const uint8_t call_wide[] = { 0x08, 0x00, 0x80, 0xd2, 0xe2, 0x03, 0x00, 0xaa, 0x01, 0x00, 0x00, 0xd4, 0x1f, 0x10, 0x00, 0xb1,
				     0x61, 0x00, 0x00, 0x54, 0xe0, 0x03, 0x02, 0xaa, 0xfc, 0xff, 0xff, 0x17, 0xc0, 0x03, 0x5f, 0xd6 };
static const uint8_t absent_wide[] = { 0x00, 0x00, 0x80, 0x92, 0xc0, 0x03, 0x5f, 0xd6 };
static const struct stub wide_stubs[] = {
	{ "__kernel_clock_gettime", 113, call_wide, sizeof(call_wide), 0, 5 },
	{ "__kernel_gettimeofday", 169, call_wide, sizeof(call_wide), 0, 5 },
	{ "__kernel_getrandom", ENOSYS - 1, absent_wide, sizeof(absent_wide), 0, 5 },
};
static const struct stub narrow_stubs[] = { { "__vdso_clock_gettime", 0, call_wide, 0, 0, 0 } };
#define HAVE_NARROW 0
#else
#error "no code for this machine's vDSO"
#endif

/* `size` bytes at `at` as a number; 0 beyond the image's end. */
static uint64_t number(struct hm_slice image, uint64_t at, unsigned size)
{
	uint64_t v = 0;

	if (at > image.len || image.len - at < size)
		return 0;
	for (unsigned i = size; i > 0; i--)
		v = v << 8 | image.data[at + i - 1];
	return v;
}

struct symbols {
	uint64_t at, count, names;
};

static struct symbols symbols_of(struct hm_slice image, bool wide)
{
	const unsigned word = wide ? 8 : 4;
	uint64_t head = number(image, wide ? 32 : 28, word), dynamic = 0, size = 0;
	unsigned heads = (unsigned)number(image, wide ? 56 : 44, 2);
	struct symbols s = { 0 };

	for (unsigned i = 0; i < heads; i++) {
		uint64_t at = head + (uint64_t)i * (wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr));

		if (number(image, at, 4) != PT_DYNAMIC)
			continue;
		dynamic = number(image, at + (wide ? 16 : 8), word);
		size = number(image, at + (wide ? 40 : 20), word);
	}
	for (uint64_t at = dynamic; at < dynamic + size && at < image.len; at += 2 * word) {
		uint64_t tag = number(image, at, word), value = number(image, at + word, word);

		if (tag == DT_SYMTAB)
			s.at = value;
		if (tag == DT_STRTAB)
			s.names = value;
	}
	/* The kernel's linker puts the names behind the symbols. */
	s.count = s.names > s.at && s.names < image.len ? (s.names - s.at) / (wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym)) : 0;
	return s;
}

static bool is_called(struct hm_slice image, uint64_t at, const char *name)
{
	size_t len = strlen(name) + 1;

	return at < image.len && image.len - at >= len && memcmp(image.data + at, name, len) == 0;
}

static bool write_over(int memory, uint64_t at, const struct stub *stub)
{
	uint8_t code[STUB_MAX];
	uint32_t word;

	memcpy(code, stub->code, stub->len);
	memcpy(&word, code + stub->number, sizeof(word));
	word |= stub->call << stub->shift;
	memcpy(code + stub->number, &word, sizeof(word));
	return pwrite(memory, code, stub->len, (off_t)at) == stub->len;
}

bool hm_control_vdso(int memory, uint64_t base, struct hm_slice image, bool wide)
{
	const struct stub *stubs = wide ? wide_stubs : narrow_stubs;
	size_t count = wide ? HM_COUNT(wide_stubs) : HM_COUNT(narrow_stubs);
	struct symbols s = symbols_of(image, wide);
	bool good = s.count > 0 && (wide || HAVE_NARROW);

	for (uint64_t i = 0; i < s.count && good; i++) {
		uint64_t at = s.at + i * (wide ? sizeof(Elf64_Sym) : sizeof(Elf32_Sym));
		uint64_t name = s.names + number(image, at, 4), value = number(image, at + (wide ? 8 : 4), wide ? 8 : 4);
		uint64_t size = number(image, at + (wide ? 16 : 8), wide ? 8 : 4);

		for (size_t k = 0; k < count && good; k++)
			if (is_called(image, name, stubs[k].name))
				good = size >= stubs[k].len && value < image.len && write_over(memory, base + value, &stubs[k]);
	}
	return good;
}

/* The place and size of the function `name`; size 0: it is not there. */
static uint64_t function_of(struct hm_slice image, const char *name, uint64_t *size)
{
	struct symbols s = symbols_of(image, true);

	for (uint64_t i = 0; i < s.count; i++) {
		uint64_t at = s.at + i * sizeof(Elf64_Sym);

		if (!is_called(image, s.names + number(image, at, 4), name))
			continue;
		*size = number(image, at + 16, 8);
		return number(image, at + 8, 8);
	}
	*size = 0;
	return 0;
}

/* jmp from `at` to `to`. */
static bool lead(int memory, uint64_t at, uint64_t to)
{
	uint8_t code[5] = { 0xe9 };
	uint32_t distance = (uint32_t)(to - (at + sizeof(code)));

	memcpy(code + 1, &distance, sizeof(distance));
	return pwrite(memory, code, sizeof(code), (off_t)at) == sizeof(code);
}

/* It stands in the first of its functions, behind the jump that leads to it. */
uint64_t hm_control_vdso_fast(int memory, uint64_t base, struct hm_slice image, const struct hm_control_fast_code *fast)
{
	uint64_t places[HM_CONTROL_FAST_FUNCTIONS], size, code;

	for (size_t i = 0; i < HM_CONTROL_FAST_FUNCTIONS; i++) {
		places[i] = function_of(image, fast->functions[i].name, &size);
		if (places[i] >= image.len || size < (i ? 8 : 16 + fast->code.len))
			return 0;
	}
	code = base + (places[0] + 15) / 8 * 8;
	if (pwrite(memory, fast->code.data, fast->code.len, (off_t)code) != (ssize_t)fast->code.len)
		return 0;
	for (size_t i = 0; i < HM_CONTROL_FAST_FUNCTIONS; i++)
		if (!lead(memory, base + places[i], code + fast->functions[i].at))
			return 0;
	return code;
}
