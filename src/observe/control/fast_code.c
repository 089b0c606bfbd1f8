/* What stands in the vDSO in the place of its clocks: code that answers a question for the time out of a page of the process,
 * and makes a call where that page has no answer. It writes to no register that a function may not write to.
 *
 * The page (struct hm_control_page) belongs to one thread, which it is known by: the base of its FS segment. A signal's handler
 * may ask in the middle of a question: it then takes one more answer than there were, and `version` shows that times were
 * replaced. A call passes on the base of FS where its third argument would be.
 *
 * `prepare` is where a program begins instead of at its entry point: it makes the page, one that a fork's child gets empty,
 * tells the supervisor where it is, and goes on to the entry point with the registers that a program begins with. */
#include "control_internal.h"

#include <sys/auxv.h>

#ifdef __x86_64__
/* clang-format off */
#define ANSWER(SLOW)                                     \
	"	mov hm_fast_page(%rip), %rax\n"          \
	"	rdfsbase %rdx\n"                         \
	"	test %rax, %rax\n"                       \
	"	jz " SLOW "\n"                           \
	"	cmp %rdx, (%rax)\n"                      \
	"	jne " SLOW "\n"                          \
	"	cmpq $0, 8(%rax)\n"                      \
	"	jle " SLOW "\n"
/* The call, made again when a signal came before the supervisor had taken it. */
#define CALL(NUMBER, AFTER)                              \
	"	mov $" NUMBER ", %eax\n"                 \
	"	syscall\n"                               \
	AFTER ":\n"                                      \
	"	cmp $-4, %rax\n"

__asm__(
	".pushsection .rodata\n"
	".balign 8\n"
	"hm_fast_begin:\n"
	"hm_fast_page:	.quad 0\n"
	"hm_fast_entry:	.quad 0\n"
	"hm_fast_clock_gettime:\n"
	ANSWER("3f")
	"	cmp $7, %edi\n"
	"	ja 3f\n"
	"	mov $0xf3, %ecx\n" /* CLOCK_REALTIME, MONOTONIC, MONOTONIC_RAW, both COARSE, BOOTTIME */
	"	bt %edi, %ecx\n"
	"	jnc 3f\n"
	"	decq 8(%rax)\n"
	"	mov $0x21, %ecx\n" /* of these, what has the date */
	"1:	mov 24(%rax), %r8\n"
	"	mov 32(%rax), %r9\n"
	"	bt %edi, %ecx\n"
	"	jc 2f\n"
	"	mov 40(%rax), %r9\n"
	"2:	mov 48(%rax), %r10\n"
	"	cmp 24(%rax), %r8\n"
	"	jne 1b\n"
	"	mov %r9, (%rsi)\n"
	"	mov %r10, 8(%rsi)\n"
	"	xor %eax, %eax\n"
	"	ret\n"
	"3:\n"
	CALL("228", "hm_fast_after_clock_gettime")
	"	je 3b\n"
	"	ret\n"
	"hm_fast_gettimeofday:\n"
	ANSWER("3f")
	"	test %rsi, %rsi\n"
	"	jnz 3f\n"
	"	test %rdi, %rdi\n"
	"	jz 3f\n"
	"	decq 8(%rax)\n"
	"1:	mov 24(%rax), %r8\n"
	"	mov 32(%rax), %r9\n"
	"	mov 56(%rax), %r10\n"
	"	cmp 24(%rax), %r8\n"
	"	jne 1b\n"
	"	mov %r9, (%rdi)\n"
	"	mov %r10, 8(%rdi)\n"
	"	xor %eax, %eax\n"
	"	ret\n"
	"3:\n"
	CALL("96", "hm_fast_after_gettimeofday")
	"	je 3b\n"
	"	ret\n"
	"hm_fast_time:\n"
	ANSWER("3f")
	"	decq 8(%rax)\n"
	"	mov 32(%rax), %rax\n"
	"	test %rdi, %rdi\n"
	"	jz 2f\n"
	"	mov %rax, (%rdi)\n"
	"2:	ret\n"
	"3:\n"
	CALL("201", "hm_fast_after_time")
	"	je 3b\n"
	"	ret\n"
	"hm_fast_prepare:\n"
	"	mov $9, %eax\n" /* mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) */
	"	xor %edi, %edi\n"
	"	mov $4096, %esi\n"
	"	mov $3, %edx\n"
	"	mov $0x22, %r10d\n"
	"	mov $-1, %r8\n"
	"	xor %r9d, %r9d\n"
	"	syscall\n"
	"	cmp $-4095, %rax\n"
	"	jae 4f\n"
	"	mov %rax, %r12\n"
	"	mov $28, %eax\n" /* madvise(page, 4096, MADV_WIPEONFORK) */
	"	mov %r12, %rdi\n"
	"	mov $4096, %esi\n"
	"	mov $18, %edx\n"
	"	syscall\n"
	"	test %eax, %eax\n"
	"	jnz 4f\n"
	"3:	xor %edi, %edi\n"
	"	lea 128(%r12), %rsi\n"
	CALL("228", "hm_fast_after_prepare")
	"	je 3b\n"
	"4:	xor %eax, %eax\n"
	"	xor %ecx, %ecx\n"
	"	xor %edx, %edx\n"
	"	xor %esi, %esi\n"
	"	xor %edi, %edi\n"
	"	xor %r8d, %r8d\n"
	"	xor %r9d, %r9d\n"
	"	xor %r10d, %r10d\n"
	"	xor %r11d, %r11d\n"
	"	xor %r12d, %r12d\n"
	"	jmp *hm_fast_entry(%rip)\n"
	"hm_fast_end:\n"
	".popsection\n");
/* clang-format on */

extern const uint8_t hm_fast_begin[], hm_fast_entry[], hm_fast_clock_gettime[], hm_fast_gettimeofday[], hm_fast_time[], hm_fast_prepare[],
	hm_fast_end[], hm_fast_after_clock_gettime[], hm_fast_after_gettimeofday[], hm_fast_after_time[], hm_fast_after_prepare[];

#define HWCAP2_FSGSBASE 2

static uint32_t at(const uint8_t *label)
{
	return (uint32_t)((uintptr_t)label - (uintptr_t)hm_fast_begin);
}

const struct hm_control_fast_code *hm_control_fast_code(void)
{
	static struct hm_control_fast_code code;

	if (!(getauxval(AT_HWCAP2) & HWCAP2_FSGSBASE))
		return NULL;
	code = (struct hm_control_fast_code){
		.code = { hm_fast_begin, at(hm_fast_end) },
		.entry = at(hm_fast_entry),
		.prepare = at(hm_fast_prepare),
		.prepared = at(hm_fast_after_prepare),
		.functions = { { "__vdso_clock_gettime", 228, at(hm_fast_clock_gettime), at(hm_fast_after_clock_gettime) },
			       { "__vdso_gettimeofday", 96, at(hm_fast_gettimeofday), at(hm_fast_after_gettimeofday) },
			       { "__vdso_time", 201, at(hm_fast_time), at(hm_fast_after_time) } },
	};
	return &code;
}
#else
const struct hm_control_fast_code *hm_control_fast_code(void)
{
	return NULL;
}
#endif
