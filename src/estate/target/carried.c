/* What a program carries behind itself: an archive that it unpacks (7-zip, zip, cab, rar: looked into), or what no library here reads (NSIS, Inno Setup); and programs that a packer made
 * unreadable. What is not looked into is told as such: an installer is not clean because its outside is. */
#include "target_internal.h"

#include "binary.h"

#include <string.h>

#define NEAR 65536u	  /* so far behind the program an archive may begin: settings stand before it */
#define FAR (16u << 20) /* so far Inno Setup's mark is looked for */

/* Where one of these begins in `s`, or NULL. */
static const uint8_t *mark(struct hm_slice s, size_t within, const char *text, size_t len)
{
	return s.data && s.len ? memmem(s.data, s.len < within ? s.len : within, text, len) : NULL;
}

static const char *installer(struct hm_slice behind)
{
	if (mark(behind, NEAR, "\xef\xbe\xad\xdeNullsoftInst", 16))
		return "an installer (NSIS)";
	if (mark(behind, FAR, "Inno Setup Setup Data (", 23) || mark(behind, FAR, "Inno Setup Messages (", 21))
		return "an installer (Inno Setup)";
	return NULL;
}

/* At once, or behind the settings of 7-zip's own unpacker. */
static struct hm_slice archive(struct hm_slice behind)
{
	const uint8_t *settings = mark(behind, NEAR, ";!@InstallEnd@!", 15);
	const uint8_t *seven = settings ? mark((struct hm_slice){ settings, behind.len - (size_t)(settings - behind.data) }, NEAR, "7z\xbc\xaf\x27\x1c", 6) : NULL;

	if (seven)
		return (struct hm_slice){ seven, behind.len - (size_t)(seven - behind.data) };
	return target_is_archive(behind) ? behind : (struct hm_slice){ NULL, 0 };
}

static const char *packer(struct hm_slice head)
{
	bool elf = hm_binary_kind(head) == HM_BINARY_ELF;

	if (elf ? mark(head, 1024, "UPX!", 4) != NULL : mark(head, 1024, "UPX0\0\0\0\0", 8) && mark(head, 1024, "UPX1\0\0\0\0", 8))
		return "packed (UPX)";
	return NULL;
}

int target_carried(struct hm_target *t, const struct hm_entry *e, struct hm_slice head, struct hm_slice *found, struct hm_fail *fail)
{
	enum hm_binary_kind kind = hm_binary_kind(head);
	const char *what = kind == HM_BINARY_ELF || kind == HM_BINARY_PE ? packer(head) : NULL;
	uint64_t end = kind == HM_BINARY_PE ? hm_binary_end(head) : 0;
	struct hm_slice bytes, behind;
	struct hm_fail why = { 0 };

	*found = (struct hm_slice){ NULL, 0 };
	if (!what && end && end < e->size && hm_target_bytes(t, TARGET_CARRIER_MAX, &bytes, &why) == 0 && end < bytes.len) {
		behind = (struct hm_slice){ bytes.data + end, bytes.len - (size_t)end };
		what = installer(behind);
		if (!what)
			*found = archive(behind);
	}
	return what ? target_unread(t, e->path, e->outer, fail, "%s: what it carries is not looked into", what) : 0;
}
