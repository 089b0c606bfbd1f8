/* Files that this process has checked: while a bundle is judged each record is opened several times, and a scan uncompresses and hashes all
 * of it. A file is known by the SHA-256 of all its bytes, so what changed meanwhile is checked like any other. */
#include "record_internal.h"

#include <pthread.h>

#define PLACES 1024

static struct seen {
	bool there;
	struct hm_sha256 file;
	struct hm_record_head head;
	size_t end;
} places[PLACES];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

static struct seen *place_of(const struct hm_sha256 *file)
{
	return &places[((size_t)file->b[0] << 8 | file->b[1]) % PLACES];
}

bool hm_record_was_seen(const struct hm_sha256 *file, struct hm_record_head *head, size_t *end)
{
	struct seen *place = place_of(file);
	bool seen;

	pthread_mutex_lock(&lock);
	seen = place->there && memcmp(place->file.b, file->b, HM_SHA256_LEN) == 0;
	if (seen) {
		*head = place->head;
		*end = place->end;
	}
	pthread_mutex_unlock(&lock);
	return seen;
}

void hm_record_note_seen(const struct hm_sha256 *file, const struct hm_record_head *head, size_t end)
{
	pthread_mutex_lock(&lock);
	*place_of(file) = (struct seen){ true, *file, *head, end };
	pthread_mutex_unlock(&lock);
}
