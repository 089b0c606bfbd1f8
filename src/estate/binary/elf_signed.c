/* A signed kernel module ends in the signature (PKCS#7 without certificates), {algo 1, hash 1, id type 1, signer 1, key id 1, 3 unused,
 * length of the signature 4, big endian} and a line that says so (the kernel's scripts/sign-file.c). It names who issued the
 * certificate, which for a maker's own key is the maker. The key is not there, so nothing is checked. */
#include <openssl/err.h>
#include <openssl/objects.h>
#include <openssl/pkcs7.h>

#include "binary_internal.h"

#define MARK "~Module signature appended~\n"
#define INFO 12u
#define ID_PKCS7 2
#define SIGNATURE_MAX 65536u

int hm_binary_module_signed(struct hm_binary_out *out)
{
	struct hm_slice s = out->file->bytes;
	size_t mark = sizeof(MARK) - 1;
	struct hm_cursor c;
	const unsigned char *at;
	uint64_t id, len;
	PKCS7 *p7;
	int r = 0;

	if (s.len < mark + INFO || memcmp(s.data + s.len - mark, MARK, mark) != 0)
		return 0;
	s.len -= mark + INFO;
	c = hm_cursor_of((struct hm_slice){ s.data + s.len, INFO });
	hm_cursor_bytes(&c, 2);
	id = hm_cursor_u8(&c);
	hm_cursor_bytes(&c, 5);
	len = hm_cursor_be(&c, 4);
	if (id != ID_PKCS7 || len > s.len || len > SIGNATURE_MAX)
		return 0;
	at = s.data + s.len - len;
	p7 = d2i_PKCS7(NULL, &at, (long)len);
	if (p7 && PKCS7_type_is_signed(p7) && p7->d.sign) {
		STACK_OF(PKCS7_SIGNER_INFO) *signers = PKCS7_get_signer_info(p7);

		for (int i = 0; r == 0 && i < sk_PKCS7_SIGNER_INFO_num(signers) && i < 8; i++) {
			const PKCS7_SIGNER_INFO *signer = sk_PKCS7_SIGNER_INFO_value(signers, i);

			if (signer->issuer_and_serial && signer->issuer_and_serial->issuer)
				r = hm_binary_names(out, signer->issuer_and_serial->issuer, "module signature, not checked", false);
		}
	}
	PKCS7_free(p7);
	ERR_clear_error();
	return r;
}
