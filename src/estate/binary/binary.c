#include "binary_internal.h"

#define TEXT_MAX 1024u

enum hm_binary_kind hm_binary_kind(struct hm_slice head)
{
	static const struct {
		const char magic[5];
		size_t len;
		enum hm_binary_kind kind;
	} magics[] = { { "\x7f" "ELF", 4, HM_BINARY_ELF }, { "MZ", 2, HM_BINARY_PE }, { "\xcf\xfa\xed\xfe", 4, HM_BINARY_MACHO },
		       { "\xce\xfa\xed\xfe", 4, HM_BINARY_MACHO } };
	static const char catalogue[] = "\x06\x09\x2b\x06\x01\x04\x01\x82\x37\x0a\x01"; /* 1.3.6.1.4.1.311.10.1: a certificate trust list */

	for (size_t i = 0; i < HM_COUNT(magics); i++)
		if (head.len >= magics[i].len && memcmp(head.data, magics[i].magic, magics[i].len) == 0)
			return magics[i].kind;
	/* PKCS#7 in DER whose content is a list. */
	if (head.len >= 64 && memcmp(head.data, "\x30", 1) == 0 && memmem(head.data, 64, catalogue, sizeof(catalogue) - 1))
		return HM_BINARY_CATALOGUE;
	return HM_BINARY_NONE;
}

char *hm_binary_copy(struct hm_slice s)
{
	const uint8_t *end = s.len ? memchr(s.data, 0, s.len) : NULL;

	if (end)
		s.len = (size_t)(end - s.data);
	if (s.len > TEXT_MAX)
		s.len = TEXT_MAX;
	return hm_slice_dup(s);
}

/* The rest of the observation is of the file. */
static int tell(struct hm_binary_out *out, struct hm_observation o)
{
	if (!*o.value || strlen(o.value) > TEXT_MAX)
		return 0;
	o.path = out->file->path;
	o.outer = out->outer && o.kind != HM_OBSERVED_SIGNER ? out->outer : out->file->outer;
	o.state = HM_STATE_PRESENT;
	return out->observe(out->cookie, &o, out->fail);
}

int hm_binary_fact(struct hm_binary_out *out, enum hm_binary_fact fact, const char *source, const char *value, const char *detail)
{
	static const enum hm_observation_kind kinds[] = { [HM_FACT_SONAME] = HM_OBSERVED_SONAME, [HM_FACT_VERSION] = HM_OBSERVED_VERSION,
							  [HM_FACT_PACKAGE] = HM_OBSERVED_PACKAGE, [HM_FACT_PURL] = HM_OBSERVED_PURL };

	return tell(out, (struct hm_observation){ .kind = kinds[fact], .value = value, .detail = detail, .source = source });
}

int hm_binary_signer(struct hm_binary_out *out, const char *value, const char *detail, bool verified)
{
	return tell(out, (struct hm_observation){ .kind = HM_OBSERVED_SIGNER, .value = value, .detail = detail, .source = "authenticode",
						  .verified = verified });
}

int hm_binary_module(struct hm_binary_out *out, const char *ecosystem, const char *type, const char *name, const char *version)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/";
	HM_FREE char *purl = hm_sprintf("pkg:%s/%s%s%s", type, name, *version ? "@" : "", version);
	int r = hm_binary_fact(out, HM_FACT_PACKAGE, ecosystem, name, version);

	if (r != 0 || name[strspn(name, plain)] || version[strcspn(version, "?#@ ")])
		return r;
	return hm_binary_fact(out, HM_FACT_PURL, ecosystem, purl, name);
}

int hm_binary_read(const struct hm_binary_file *file, hm_observe_fn observe, void *cookie, struct hm_fail *fail)
{
	struct hm_binary_out out = { .file = file, .observe = observe, .cookie = cookie, .fail = fail };
	int r = 0;

	switch (hm_binary_kind(file->bytes)) {
	case HM_BINARY_ELF:
		r = hm_binary_elf(&out);
		break;
	case HM_BINARY_PE:
		r = hm_binary_pe(&out);
		break;
	case HM_BINARY_CATALOGUE:
		r = hm_binary_catalogue(&out);
		break;
	default:
		break;
	}
	if (file->inside)
		*file->inside = out.outer;
	else
		free(out.outer);
	free(out.maker);
	return r;
}

void hm_binary_made_by(struct hm_binary_out *out)
{
	if (out->maker && !out->outer)
		out->outer = hm_sprintf("%s%s" HM_SIGNED_BY "%s", out->file->outer ? out->file->outer : "", out->file->outer ? "!" : "", out->maker);
}

int hm_binary_symbols(struct hm_slice bytes, hm_binary_symbol_fn each, void *cookie)
{
	switch (hm_binary_kind(bytes)) {
	case HM_BINARY_ELF:
		return hm_binary_elf_symbols(bytes, each, cookie);
	case HM_BINARY_PE:
		return hm_binary_pe_symbols(bytes, each, cookie);
	default:
		return 0;
	}
}
