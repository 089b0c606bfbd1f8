#include "signer_internal.h"

#include "cursor.h"

/* SEQUENCE { 0, { ecPublicKey, prime256v1 }, OCTET STRING { SEQUENCE { 1, OCTET STRING (32) scalar, */
static const uint8_t pkcs8_head[] = { 0x30, 0x81, 0x87, 0x02, 0x01, 0x00, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86,
				      0x48, 0xce, 0x3d, 0x02, 0x01, 0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d,
				      0x03, 0x01, 0x07, 0x04, 0x6d, 0x30, 0x6b, 0x02, 0x01, 0x01, 0x04, 0x20 };
/* [1] { BIT STRING point } } } } */
static const uint8_t pkcs8_middle[] = { 0xa1, 0x44, 0x03, 0x42, 0x00 };
/* SEQUENCE { { ecPublicKey, prime256v1 }, BIT STRING point } */
static const uint8_t spki_head[] = { 0x30, 0x59, 0x30, 0x13, 0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01,
				     0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, 0x03, 0x42, 0x00 };
/* The order n of P-256 (FIPS 186-4, D.1.2.3). */
static const uint8_t order[HM_SCALAR_LEN] = { 0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff,
					      0xff, 0xff, 0xff, 0xff, 0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17,
					      0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63, 0x25, 0x51 };

void hm_pkcs8_join(struct hm_bytes *der, const uint8_t *scalar, const uint8_t *point)
{
	hm_bytes_append(der, pkcs8_head, sizeof(pkcs8_head));
	hm_bytes_append(der, scalar, HM_SCALAR_LEN);
	hm_bytes_append(der, pkcs8_middle, sizeof(pkcs8_middle));
	hm_bytes_append(der, point, HM_POINT_LEN);
}

void hm_spki_join(struct hm_bytes *der, const uint8_t *point)
{
	hm_bytes_append(der, spki_head, sizeof(spki_head));
	hm_bytes_append(der, point, HM_POINT_LEN);
}

bool hm_scalar_in_range(const uint8_t *scalar)
{
	static const uint8_t zero[HM_SCALAR_LEN];

	return memcmp(scalar, zero, HM_SCALAR_LEN) != 0 && memcmp(scalar, order, HM_SCALAR_LEN) < 0;
}

bool hm_pkcs8_split(struct hm_slice der, struct hm_slice *scalar, struct hm_slice *point)
{
	struct hm_cursor c = hm_cursor_of(der);
	struct hm_slice head = hm_cursor_bytes(&c, sizeof(pkcs8_head));
	struct hm_slice middle;

	*scalar = hm_cursor_bytes(&c, HM_SCALAR_LEN);
	middle = hm_cursor_bytes(&c, sizeof(pkcs8_middle));
	*point = hm_cursor_bytes(&c, HM_POINT_LEN);
	return hm_cursor_done(&c) && memcmp(head.data, pkcs8_head, sizeof(pkcs8_head)) == 0 &&
	       memcmp(middle.data, pkcs8_middle, sizeof(pkcs8_middle)) == 0 && point->data[0] == 4 && hm_scalar_in_range(scalar->data);
}
