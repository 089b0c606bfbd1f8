/* Cipher suites by their number at IANA (TLS Cipher Suites): RFC 5246 appendix A.5, 5288, 5289, 6655, 7251, 7905, 8446 appendix B.4. */
#include "plain_internal.h"

enum { V12 = 0x0303, V13 = 0x0304 };

const struct hm_tls_suite hm_tls_suites[] = {
	{ 0x1301, V13, HM_TLS_GCM, 16, 16, 256 },
	{ 0x1302, V13, HM_TLS_GCM, 32, 16, 384 },
	{ 0x1303, V13, HM_TLS_CHACHA, 32, 16, 256 },
	{ 0x1304, V13, HM_TLS_CCM, 16, 16, 256 },
	{ 0x1305, V13, HM_TLS_CCM, 16, 8, 256 },
	/* RSA, DHE-RSA, ECDHE-ECDSA, ECDHE-RSA */
	{ 0x009c, V12, HM_TLS_GCM, 16, 16, 256 }, { 0x009e, V12, HM_TLS_GCM, 16, 16, 256 },
	{ 0xc02b, V12, HM_TLS_GCM, 16, 16, 256 }, { 0xc02f, V12, HM_TLS_GCM, 16, 16, 256 },
	{ 0x009d, V12, HM_TLS_GCM, 32, 16, 384 }, { 0x009f, V12, HM_TLS_GCM, 32, 16, 384 },
	{ 0xc02c, V12, HM_TLS_GCM, 32, 16, 384 }, { 0xc030, V12, HM_TLS_GCM, 32, 16, 384 },
	/* DHE-RSA, ECDHE-ECDSA, ECDHE-RSA */
	{ 0xccaa, V12, HM_TLS_CHACHA, 32, 16, 256 }, { 0xcca9, V12, HM_TLS_CHACHA, 32, 16, 256 },
	{ 0xcca8, V12, HM_TLS_CHACHA, 32, 16, 256 },
	/* RSA, DHE-RSA, ECDHE-ECDSA */
	{ 0xc09c, V12, HM_TLS_CCM, 16, 16, 256 }, { 0xc09e, V12, HM_TLS_CCM, 16, 16, 256 }, { 0xc0ac, V12, HM_TLS_CCM, 16, 16, 256 },
	{ 0xc09d, V12, HM_TLS_CCM, 32, 16, 256 }, { 0xc09f, V12, HM_TLS_CCM, 32, 16, 256 }, { 0xc0ad, V12, HM_TLS_CCM, 32, 16, 256 },
	{ 0xc0a0, V12, HM_TLS_CCM, 16, 8, 256 },  { 0xc0a2, V12, HM_TLS_CCM, 16, 8, 256 },  { 0xc0ae, V12, HM_TLS_CCM, 16, 8, 256 },
	{ 0xc0a1, V12, HM_TLS_CCM, 32, 8, 256 },  { 0xc0a3, V12, HM_TLS_CCM, 32, 8, 256 },  { 0xc0af, V12, HM_TLS_CCM, 32, 8, 256 },
	/* RSA, DHE-RSA, ECDHE-ECDSA, ECDHE-RSA; HMAC-SHA-1, then SHA-256, then SHA-384 */
	{ 0x002f, V12, HM_TLS_CBC, 16, 20, 256 }, { 0x0033, V12, HM_TLS_CBC, 16, 20, 256 },
	{ 0xc009, V12, HM_TLS_CBC, 16, 20, 256 }, { 0xc013, V12, HM_TLS_CBC, 16, 20, 256 },
	{ 0x0035, V12, HM_TLS_CBC, 32, 20, 256 }, { 0x0039, V12, HM_TLS_CBC, 32, 20, 256 },
	{ 0xc00a, V12, HM_TLS_CBC, 32, 20, 256 }, { 0xc014, V12, HM_TLS_CBC, 32, 20, 256 },
	{ 0x003c, V12, HM_TLS_CBC, 16, 32, 256 }, { 0x0067, V12, HM_TLS_CBC, 16, 32, 256 },
	{ 0xc023, V12, HM_TLS_CBC, 16, 32, 256 }, { 0xc027, V12, HM_TLS_CBC, 16, 32, 256 },
	{ 0x003d, V12, HM_TLS_CBC, 32, 32, 256 }, { 0x006b, V12, HM_TLS_CBC, 32, 32, 256 },
	{ 0xc024, V12, HM_TLS_CBC, 32, 48, 384 }, { 0xc028, V12, HM_TLS_CBC, 32, 48, 384 },
};
const size_t hm_tls_suite_count = HM_COUNT(hm_tls_suites);

const struct hm_tls_suite *hm_tls_suite_find(uint16_t version, uint16_t id)
{
	for (size_t i = 0; i < HM_COUNT(hm_tls_suites); i++)
		if (hm_tls_suites[i].version == version && hm_tls_suites[i].id == id)
			return &hm_tls_suites[i];
	return NULL;
}
