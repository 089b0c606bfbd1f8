/* ELF, by libelf over the bytes in memory. */
#include <gelf.h>
#include <libelf.h>
#include <jansson.h>

#include "binary_internal.h"

#define SECTION_MAX (64u << 20)
#define DYNAMIC_MAX 4096u
#define SYMBOLS_MAX 4000000u

static void end_elf(Elf **e)
{
	elf_end(*e);
}

/* libelf writes into what it is given when it converts; here it gets a file of its own byte order and only raw data is asked for. */
static Elf *open_elf(struct hm_slice bytes)
{
	Elf *e;

	if (elf_version(EV_CURRENT) == EV_NONE)
		return NULL;
	e = elf_memory((char *)(uintptr_t)bytes.data, bytes.len);
	if (e && elf_kind(e) == ELF_K_ELF)
		return e;
	elf_end(e);
	return NULL;
}

/* The section's bytes in the file, or an empty slice. */
static struct hm_slice raw(struct hm_slice file, const GElf_Shdr *h)
{
	if (h->sh_type == SHT_NOBITS || h->sh_offset > file.len || h->sh_size > file.len - h->sh_offset || h->sh_size > SECTION_MAX)
		return (struct hm_slice){ NULL, 0 };
	return (struct hm_slice){ file.data + h->sh_offset, (size_t)h->sh_size };
}

/* .note.package: {size of name, size of text, 0xcafe1a7e} "FDO\0" and JSON (systemd.io/PACKAGE_METADATA_FOR_EXECUTABLE_FILES). */
static int package_note(struct hm_binary_out *out, struct hm_slice section, bool big)
{
	struct hm_cursor c = hm_cursor_of(section);
	uint64_t (*number)(struct hm_cursor *, size_t) = big ? hm_cursor_be : hm_cursor_le;
	uint64_t name = number(&c, 4), text = number(&c, 4), type = number(&c, 4);
	struct hm_slice json;
	json_t *root, *value;
	HM_FREE char *detail = NULL;
	int r = 0;

	if (type != 0xcafe1a7e || name != 4 || text > 65536)
		return 0;
	hm_cursor_bytes(&c, 4);
	json = hm_cursor_bytes(&c, (size_t)text);
	while (json.len && json.data[json.len - 1] == 0)
		json.len--;
	root = json_loadb((const char *)json.data, json.len, 0, NULL);
	value = json_object_get(root, "name");
	if (json_is_string(value)) {
		const char *version = json_string_value(json_object_get(root, "version"));
		const char *os = json_string_value(json_object_get(root, "os"));

		detail = hm_sprintf("%s%s%s", version ? version : "", os ? "; os " : "", os ? os : "");
		r = hm_binary_fact(out, HM_FACT_PACKAGE, "elf-note", json_string_value(value), detail);
	}
	json_decref(root);
	return r;
}

static int dynamic(struct hm_binary_out *out, Elf *e, Elf_Scn *section, const GElf_Shdr *h)
{
	Elf_Data *data = elf_getdata(section, NULL);
	size_t count = data && h->sh_entsize ? h->sh_size / h->sh_entsize : 0;

	for (size_t i = 0; i < count && i < DYNAMIC_MAX; i++) {
		GElf_Dyn d;
		const char *name;
		int r;

		if (!gelf_getdyn(data, (int)i, &d) || d.d_tag == DT_NULL)
			break;
		if (d.d_tag != DT_SONAME)
			continue;
		name = elf_strptr(e, h->sh_link, d.d_un.d_val);
		r = name ? hm_binary_fact(out, HM_FACT_SONAME, "elf", name, "") : 0;
		if (r != 0)
			return r;
	}
	return 0;
}

static int one_section(struct hm_binary_out *out, Elf *e, Elf_Scn *section, size_t names)
{
	bool big = out->file->bytes.len > EI_DATA && out->file->bytes.data[EI_DATA] == ELFDATA2MSB;
	GElf_Shdr h;
	const char *name;

	if (!gelf_getshdr(section, &h))
		return 0;
	if (h.sh_type == SHT_DYNAMIC)
		return dynamic(out, e, section, &h);
	name = elf_strptr(e, names, h.sh_name);
	if (!name)
		return 0;
	if (strcmp(name, ".note.package") == 0)
		return package_note(out, raw(out->file->bytes, &h), big);
	if (strcmp(name, ".go.buildinfo") == 0)
		return hm_binary_go(out, raw(out->file->bytes, &h));
	if (strcmp(name, ".dep-v0") == 0)
		return hm_binary_rust(out, raw(out->file->bytes, &h));
	return 0;
}

int hm_binary_elf(struct hm_binary_out *out)
{
	HM_CLEANUP(end_elf) Elf *e = open_elf(out->file->bytes);
	Elf_Scn *section = NULL;
	size_t names;

	if (!e || elf_getshdrstrndx(e, &names) != 0)
		return hm_fail_set(out->fail, HM_E_BAD, "the ELF file is damaged");
	while ((section = elf_nextscn(e, section))) {
		int r = one_section(out, e, section, names);

		if (r != 0)
			return r;
	}
	return hm_binary_module_signed(out);
}

int hm_binary_elf_symbols(struct hm_slice bytes, hm_binary_symbol_fn each, void *cookie)
{
	HM_CLEANUP(end_elf) Elf *e = open_elf(bytes);
	Elf_Scn *section = NULL;
	GElf_Shdr h;

	while (e && (section = elf_nextscn(e, section))) {
		Elf_Data *data;
		size_t count;

		if (!gelf_getshdr(section, &h) || h.sh_type != SHT_DYNSYM || !h.sh_entsize || !(data = elf_getdata(section, NULL)))
			continue;
		count = h.sh_size / h.sh_entsize;
		for (size_t i = 1; i < count && i < SYMBOLS_MAX; i++) {
			GElf_Sym s;
			const char *name;
			int r;

			if (!gelf_getsym(data, (int)i, &s))
				break;
			if (s.st_shndx == SHN_UNDEF || GELF_ST_BIND(s.st_info) == STB_LOCAL || !(name = elf_strptr(e, h.sh_link, s.st_name)) || !*name)
				continue;
			r = each(cookie, name);
			if (r != 0)
				return r;
		}
	}
	return 0;
}
