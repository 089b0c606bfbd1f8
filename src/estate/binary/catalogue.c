/* Windows catalogues (.cat): PKCS#7 over a CTL ("certificate trust list", 1.3.6.1.4.1.311.10.1) whose members are files. A member's attributes hold its digest
 * (SpcIndirectDataContent, as in a PE) and mostly its name ("File" in a CAT_NAMEVALUE). Drivers carry no signature of their own then: the catalogue that lies beside
 * them has it. Only files in the catalogue's own folder are asked for, and only those that it names. */
#include <openssl/evp.h>

#include "pe_internal.h"
#include "pkcs7.h"

#define MEMBERS_MAX 256
#define MEMBER_BYTES ((size_t)64 << 20)
#define NAME_MAX_BYTES 255u

struct member {
	const EVP_MD *md;
	struct hm_slice digest;
	char name[NAME_MAX_BYTES + 1];
};

static bool is_oid(struct hm_slice oid, const char *der)
{
	return oid.len == strlen(der) && memcmp(oid.data, der, oid.len) == 0;
}

/* CAT_NAMEVALUE: a name (BMPString), flags, and the value in UTF-16LE. Names beyond ASCII, and paths, are passed over. */
static void name_value(struct member *m, struct hm_slice pair)
{
	static const uint8_t file[] = { 0, 'F', 0, 'i', 0, 'l', 0, 'e' };
	struct hm_slice tag, flags, value;
	int type;

	if (!hm_der_next(&pair, &type, &tag) || type != V_ASN1_BMPSTRING || !hm_slice_eq(tag, (struct hm_slice){ file, sizeof(file) }) || !hm_der_next(&pair, &type, &flags) ||
	    !hm_der_next(&pair, &type, &value) || type != V_ASN1_OCTET_STRING || value.len / 2 > NAME_MAX_BYTES)
		return;
	for (size_t i = 0; i + 1 < value.len; i += 2) {
		uint8_t c = value.data[i];

		if (c == 0 && value.data[i + 1] == 0)
			break;
		if (c < ' ' || c > '~' || value.data[i + 1] || c == '/' || c == '\\') {
			m->name[0] = 0;
			return;
		}
		m->name[i / 2] = (char)c;
		m->name[i / 2 + 1] = 0;
	}
}

/* A member: its tag, and a set of attributes, each an OID and a set of values. */
static bool read_member(struct member *m, struct hm_slice s)
{
	struct hm_slice tag, set, attribute;
	int type;

	memset(m, 0, sizeof(*m));
	if (!hm_der_next(&s, &type, &tag) || !hm_der_next(&s, &type, &set) || type != V_ASN1_SET)
		return false;
	while (hm_der_next(&set, &type, &attribute)) {
		struct hm_slice oid, values, value;

		if (!hm_der_next(&attribute, &type, &oid) || !hm_der_next(&attribute, &type, &values) || !hm_der_next(&values, &type, &value) || type != V_ASN1_SEQUENCE)
			continue;
		if (is_oid(oid, "\x2b\x06\x01\x04\x01\x82\x37\x02\x01\x04") && !hm_pkcs7_digest(value, &m->md, &m->digest))
			m->md = NULL;
		if (is_oid(oid, "\x2b\x06\x01\x04\x01\x82\x37\x0c\x02\x01"))
			name_value(m, value);
	}
	return m->md && m->name[0] && strcmp(m->name, ".") != 0 && strcmp(m->name, "..") != 0;
}

/* The members stand behind usage, list id, dates and algorithm: the first SEQUENCE whose first element is one, too. */
static struct hm_slice members(struct hm_slice content)
{
	struct hm_slice element, first, inner;
	int type, within;

	for (unsigned at = 0; hm_der_next(&content, &type, &element); at++) {
		first = element;
		if (at > 1 && type == V_ASN1_SEQUENCE && hm_der_next(&first, &within, &inner) && within == V_ASN1_SEQUENCE)
			return element;
	}
	return (struct hm_slice){ NULL, 0 };
}

static bool plain_digest(struct hm_slice bytes, const EVP_MD *md, uint8_t sum[EVP_MAX_MD_SIZE], unsigned *len)
{
	return EVP_Digest(bytes.data, bytes.len, sum, len, md, NULL) == 1;
}

/* The file that the member names lies beside the catalogue and has its digest. */
static bool is_there(const struct hm_binary_file *file, const struct member *m, const char *path)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes bytes = { 0 };
	struct hm_fail why = { 0 };
	uint8_t sum[EVP_MAX_MD_SIZE];
	struct hm_slice s;
	struct hm_pe pe;
	unsigned len = 0;
	bool done;

	if (file->other(file->target, path, MEMBER_BYTES, &bytes, &why) != 0)
		return false;
	s = hm_slice_of(&bytes);
	done = hm_pe_open(&pe, s) ? hm_pe_digest(&pe, m->md, sum, &len) : plain_digest(s, m->md, sum, &len);
	return done && hm_slice_eq(m->digest, (struct hm_slice){ sum, len });
}

static int tell_members(struct hm_binary_out *out, const struct hm_pkcs7 *s)
{
	const char *slash = strrchr(out->file->path, '/');
	struct hm_slice list = members(s->content), element;
	int type, r = 0;

	for (unsigned n = 0; r == 0 && n < MEMBERS_MAX && hm_der_next(&list, &type, &element); n++) {
		struct member m;
		HM_FREE char *path = NULL;

		if (!read_member(&m, element))
			continue;
		path = hm_sprintf("%.*s/%s", (int)(slash - out->file->path), out->file->path, m.name);
		if (is_there(out->file, &m, path))
			r = hm_pkcs7_tell(out, s, path, true, "by the catalogue beside it; ");
	}
	return r;
}

int hm_binary_catalogue(struct hm_binary_out *out)
{
	struct hm_pkcs7 s;
	int r;

	if (!hm_pkcs7_open(&s, out->file->bytes))
		return 0;
	r = hm_pkcs7_tell(out, &s, NULL, true, "catalogue; ");
	if (r == 0 && s.holds && out->file->other && strrchr(out->file->path, '/'))
		r = tell_members(out, &s);
	hm_pkcs7_close(&s);
	return r;
}
