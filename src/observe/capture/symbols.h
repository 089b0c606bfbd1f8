#pragma once
/* Where functions stand in an ELF file, by the names in its symbol tables: as much of the format as that takes. Files are the product's,
 * so nothing in them is believed, and what is read of one is bounded. */
#include "bytes.h"
#include "fail.h"

struct hm_symbol {
	const char *name;
	uint64_t offset; /* of its first byte in the file; 0: the file has none of this name */
};

enum hm_symbols_of {
	HM_SYMBOLS_NONE,  /* no ELF file of a program or library, or a damaged one */
	HM_SYMBOLS_OTHER, /* one of another class or byte order than this machine's programs */
	HM_SYMBOLS_READ,  /* what it has was looked up */
};

/* Looks up each of `list` among the functions that the file defines (.dynsym and .symtab; a version behind '@' is left away). In an
 * OTHER file offset is 1 where the name is, and says no more. `fd` needs to allow pread. */
enum hm_symbols_of hm_symbols_find(int fd, struct hm_symbol *list, size_t count) HM_MUST_CHECK;
