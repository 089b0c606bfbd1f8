/* Symbols are read in pieces, and of each name so much as the longest of those that are looked for; a file can make this slow up to the
 * bounds below, not more. */
#include "symbols.h"

#include <elf.h>
#include <unistd.h>

#include "bytes.h"

enum {
	SECTIONS_MAX = 4096,
	SEGMENTS_MAX = 256,
	SYMBOLS_MAX = 4 << 20,
	NAMES_MAX = 256 << 20,
};

struct file {
	int fd;
	Elf64_Ehdr head;
	Elf64_Phdr *segment;
	size_t segments;
	bool small; /* 32 bits: its headers are widened when they are read */
	struct hm_symbol *list;
	size_t count;
};

static bool read_at(int fd, void *to, size_t len, uint64_t at)
{
	while (len) {
		ssize_t n = at > INT64_MAX ? -1 : pread(fd, to, len, (off_t)at);

		if (n <= 0)
			return false;
		to = (uint8_t *)to + n;
		at += (uint64_t)n;
		len -= (size_t)n;
	}
	return true;
}

static bool read_head(struct file *f)
{
	Elf32_Ehdr small;

	if (!read_at(f->fd, f->head.e_ident, EI_NIDENT, 0) || memcmp(f->head.e_ident, ELFMAG, SELFMAG) != 0 ||
	    f->head.e_ident[EI_DATA] != ELFDATA2LSB)
		return false;
	f->small = f->head.e_ident[EI_CLASS] == ELFCLASS32;
	if (!f->small)
		return f->head.e_ident[EI_CLASS] == ELFCLASS64 && read_at(f->fd, &f->head, sizeof(f->head), 0) &&
		       f->head.e_phentsize == sizeof(Elf64_Phdr) && (!f->head.e_shnum || f->head.e_shentsize == sizeof(Elf64_Shdr));
	if (!read_at(f->fd, &small, sizeof(small), 0) || small.e_shentsize != sizeof(Elf32_Shdr))
		return false;
	f->head.e_type = small.e_type;
	f->head.e_machine = small.e_machine;
	f->head.e_shoff = small.e_shoff;
	f->head.e_shnum = small.e_shnum;
	return true;
}

static bool read_segments(struct file *f)
{
	f->segments = f->head.e_phnum < SEGMENTS_MAX ? f->head.e_phnum : SEGMENTS_MAX;
	f->segment = hm_alloc(f->segments + 1, sizeof(*f->segment));
	return read_at(f->fd, f->segment, f->segments * sizeof(*f->segment), f->head.e_phoff);
}

static bool read_section(const struct file *f, size_t number, Elf64_Shdr *out)
{
	Elf32_Shdr small;

	if (!f->small)
		return read_at(f->fd, out, sizeof(*out), f->head.e_shoff + number * sizeof(*out));
	if (!read_at(f->fd, &small, sizeof(small), f->head.e_shoff + number * sizeof(small)))
		return false;
	*out = (Elf64_Shdr){ .sh_type = small.sh_type, .sh_offset = small.sh_offset, .sh_size = small.sh_size, .sh_link = small.sh_link };
	return true;
}

/* The place in the file of what is loaded at `address`, in code; 0: none. */
static uint64_t place_of(const struct file *f, uint64_t address)
{
	for (size_t i = 0; i < f->segments; i++) {
		const Elf64_Phdr *s = &f->segment[i];

		if (s->p_type == PT_LOAD && (s->p_flags & PF_X) && address >= s->p_vaddr && address - s->p_vaddr < s->p_filesz)
			return s->p_offset + (address - s->p_vaddr);
	}
	return 0;
}

static void take_symbol(const struct file *f, const Elf64_Sym *symbol, struct hm_slice names)
{
	struct hm_slice name;

	if (symbol->st_shndx == SHN_UNDEF || ELF64_ST_TYPE(symbol->st_info) != STT_FUNC || symbol->st_name >= names.len)
		return;
	name = (struct hm_slice){ names.data + symbol->st_name, names.len - symbol->st_name };
	for (size_t i = 0; i < f->count; i++) {
		struct hm_symbol *wanted = &f->list[i];
		size_t len = strlen(wanted->name);

		if (wanted->offset || name.len <= len || memcmp(name.data, wanted->name, len) != 0)
			continue;
		if (name.data[len] == 0 || name.data[len] == '@')
			wanted->offset = f->small ? 1 : place_of(f, symbol->st_value);
	}
}

static void take_table(const struct file *f, const Elf64_Shdr *table)
{
	HM_FREE uint8_t *symbols = NULL, *names = NULL;
	size_t size = f->small ? sizeof(Elf32_Sym) : sizeof(Elf64_Sym), count = table->sh_size / size;
	Elf64_Shdr text;

	if (count > SYMBOLS_MAX || table->sh_link >= f->head.e_shnum || !read_section(f, table->sh_link, &text) || text.sh_size > NAMES_MAX)
		return;
	/* What is not there is not allocated either. */
	if (lseek(f->fd, 0, SEEK_END) < 0 || (uint64_t)lseek(f->fd, 0, SEEK_END) < count * size ||
	    (uint64_t)lseek(f->fd, 0, SEEK_END) < text.sh_size)
		return;
	symbols = hm_alloc(count * size + 1, 1);
	names = hm_alloc(text.sh_size + 1, 1);
	if (!read_at(f->fd, symbols, count * size, table->sh_offset) || !read_at(f->fd, names, text.sh_size, text.sh_offset))
		return;
	for (size_t i = 0; i < count; i++) {
		Elf64_Sym symbol;
		Elf32_Sym small;

		if (f->small) {
			memcpy(&small, symbols + i * size, size);
			symbol = (Elf64_Sym){ .st_name = small.st_name, .st_info = small.st_info, .st_shndx = small.st_shndx };
		} else {
			memcpy(&symbol, symbols + i * size, size);
		}
		take_symbol(f, &symbol, (struct hm_slice){ names, text.sh_size + 1 });
	}
}

static bool is_ours(const struct file *f)
{
#if defined(__x86_64__)
	return !f->small && f->head.e_machine == EM_X86_64;
#elif defined(__aarch64__)
	return !f->small && f->head.e_machine == EM_AARCH64;
#else
	return false;
#endif
}

enum hm_symbols_of hm_symbols_find(int fd, struct hm_symbol *list, size_t count)
{
	HM_FREE Elf64_Phdr *segments = NULL;
	struct file f = { .fd = fd, .list = list, .count = count };

	for (size_t i = 0; i < count; i++)
		list[i].offset = 0;
	if (!read_head(&f) || (f.head.e_type != ET_EXEC && f.head.e_type != ET_DYN))
		return HM_SYMBOLS_NONE;
	if (!f.small && !read_segments(&f)) {
		free(f.segment);
		return HM_SYMBOLS_NONE;
	}
	segments = f.segment;
	for (size_t i = 0; i < f.head.e_shnum && i < SECTIONS_MAX; i++) {
		Elf64_Shdr section;

		if (!read_section(&f, i, &section))
			break;
		if (section.sh_type == SHT_DYNSYM || section.sh_type == SHT_SYMTAB)
			take_table(&f, &section);
	}
	return is_ours(&f) ? HM_SYMBOLS_READ : HM_SYMBOLS_OTHER;
}
