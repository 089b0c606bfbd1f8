/* Whatever a mail says of its parts, they are bounded, and decoding makes nothing longer. */
#include "mail.h"

struct taking {
	size_t size, parts;
};

static void take(void *cookie, const struct hm_mail_part *part)
{
	struct taking *t = cookie;

	if (++t->parts > 1000 || part->content.len > t->size || part->type.len > t->size || part->charset.len > t->size)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct taking t = { .size = size };
	char digest[41];

	hm_mail_parts((struct hm_slice){ data, size }, take, &t);
	hm_mail_pyzor(digest, (struct hm_slice){ data, size });
	if (strlen(digest) != 40)
		abort();
	return 0;
}
