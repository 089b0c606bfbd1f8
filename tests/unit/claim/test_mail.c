/* Parts of a mail, and Pyzor's digest of it against what `pyzor digest` of Debian's package said. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>

#include <cmocka.h>

#include "fs.h"
#include "mail.h"

static void take(void *cookie, const struct hm_mail_part *part)
{
	struct hm_bytes *out = cookie;

	const struct hm_slice told[] = { part->type, part->charset, part->content };

	for (size_t i = 0; i < HM_COUNT(told); i++) {
		hm_bytes_u8(out, i ? '|' : '[');
		hm_bytes_slice(out, told[i]);
	}
	hm_bytes_u8(out, ']');
}

static void assert_parts(const char *mail, const char *parts)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	hm_mail_parts(hm_slice_text(mail), take, &out);
	hm_bytes_u8(&out, 0);
	assert_string_equal(out.data, parts);
}

static void parts_are_decoded(void **state)
{
	(void)state;
	assert_parts("no mail, a text", "[||no mail, a text]");
	assert_parts("Subject: x\n\nbody\n", "[||body\n]");
	assert_parts("Content-Type: text/plain;\r\n charset=\"utf-8\"\r\nContent-Transfer-Encoding: base64\r\n\r\nY2Fm\r\nw6k=\r\n", "[text/plain|utf-8|caf\xc3\xa9]");
	assert_parts("content-type: TEXT/plain\ncontent-transfer-encoding: Quoted-Printable\n\na=3Db=\nc=zz=4\n", "[TEXT/plain||a=bc=zz=4\n]");
	assert_parts("Content-Type: multipart/mixed; boundary=x\n\nfor old readers\n--x\n\none\n--x\nContent-Type: text/csv\n\ntwo\n--x--\nbehind", "[||one][text/csv||two]");
	/* One that never ends, and one inside the other. */
	assert_parts("Content-Type: multipart/mixed; boundary=x\n\n--x\nContent-Type: multipart/related; boundary=\"y z\"\n\n--y z\n\na\r\n--y z\n\nb", "[||a][||b]");
	assert_parts("", "[||]");
}

static void pyzor_says_the_same(void **state)
{
	static const struct {
		const char *mail, *digest;
	} told[] = {
		{ "Subject: x\n\nshort\n", "da39a3ee5e6b4b0d3255bfef95601890afd80709" },
		{ "Subject: x\n\nfirst line of a text\nhttp://a.example/x is where it goes on\n", "54f0d6e9dfcec8741caad35d384ecb25accf2180" },
		{ "Subject: x\n\none line of a text\ntwo lines of a text\nthree lines of a text\nfour lines of a text\nfive lines of a text\nsix lines of a text\nseven "
		  "lines of a text\neight lines of a text\nnine lines of a text\nten lines of a text\neleven lines of a text\n", "0c8ef66f2ad0bf9328f9a868c37619397f4f3ad9" },
	};
	HM_CLEANUP(hm_bytes_release) struct hm_bytes mail = { 0 };
	char digest[41];

	(void)state;
	for (size_t i = 0; i < HM_COUNT(told); i++) {
		hm_mail_pyzor(digest, hm_slice_text(told[i].mail));
		assert_string_equal(digest, told[i].digest);
	}
	assert_int_equal(hm_fs_read(&mail, HM_TEST_DATA "/fuzz/corpus/mail/parts", 1 << 20, NULL), 0);
	hm_mail_pyzor(digest, hm_slice_of(&mail));
	assert_string_equal(digest, "a8f1e8f419be97c8ae9545544e13b4d2ac99d9f6");
}

/* As pyzor 1.0.0 signs it. */
#define SIGNED "Op: check\nOp-Digest: da39a3ee5e6b4b0d3255bfef95601890afd80709\nThread: 62082\nPV: 2.1\nThread: 40000\nUser: anonymous\nTime: 1767225600\nSig: "
#define SIGNATURE "7ad098477509b09e9c4af11b235127f7eab6bc83"

static bool signs(const char *message, const char *signature, size_t length)
{
	struct hm_slice all = hm_slice_text(message);
	const uint8_t *at = memmem(all.data, all.len, signature, strlen(signature));

	assert_non_null(at);
	return hm_mail_pyzor_signs(all, (struct hm_slice){ at, length });
}

static void a_signature_follows_from_the_rest(void **state)
{
	(void)state;
	assert_true(signs(SIGNED SIGNATURE "\n\n", SIGNATURE, 40));
	/* another message, another signature, another line, less of it, more than it */
	assert_false(signs(SIGNED SIGNATURE "\n\nmore\n", SIGNATURE, 40));
	assert_false(signs(SIGNED "8ad098477509b09e9c4af11b235127f7eab6bc83\n\n", "8ad098477509b09e9c4af11b235127f7eab6bc83", 40));
	assert_false(signs(SIGNED SIGNATURE "\n\n", "da39a3ee5e6b4b0d3255bfef95601890afd80709", 40));
	assert_false(signs(SIGNED SIGNATURE "\n\n", SIGNATURE, 39));
	assert_false(signs("Op: check\nSig: " SIGNATURE "\n\n", SIGNATURE, 40));
	assert_false(signs(SIGNATURE, SIGNATURE, 40));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_decoded),
		cmocka_unit_test(pyzor_says_the_same),
		cmocka_unit_test(a_signature_follows_from_the_rest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
