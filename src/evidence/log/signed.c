/* What a key signed is kept beside the key: a copy of the log's files that is put back must not make it sign a second tree of a size that it
 * signed before. The file only grows; a line counts once its line feed is there, and a signature leaves this process after that. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>

#include "fs.h"
#include "lines.h"
#include "log_internal.h"
#include "text.h"

#define FILE_MAX ((size_t)16 << 30)

int hm_signed_begin(struct hm_cursor *c, const struct hm_vkey *key, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes want = { 0 };

	hm_vkey_write(&want, key);
	if (!hm_slice_eq(hm_line(c), hm_slice_of(&want)))
		return hm_fail_set(fail, HM_E_BAD, "what was signed: it does not begin with the log's key");
	return 0;
}

bool hm_signed_next(struct hm_cursor *c, struct hm_signed_line *line)
{
	struct hm_slice text, root;
	const uint8_t *space;

	if (!hm_cursor_left(c))
		return false;
	text = hm_line(c);
	space = text.len ? memchr(text.data, ' ', text.len) : NULL;
	if (!space || text.len < (size_t)(space - text.data) + 1 + 44 + 1 + 1 || space[45] != ' ' ||
	    !hm_line_number(&line->size, (struct hm_slice){ text.data, (size_t)(space - text.data) }))
		c->bad = true;
	if (c->bad)
		return false;
	root = (struct hm_slice){ space + 1, 44 };
	line->signature = (struct hm_slice){ space + 46, text.len - (size_t)(space + 46 - text.data) };
	c->bad = !hm_line_hash(&line->root, root);
	return !c->bad;
}

int hm_signed_note(struct hm_bytes *note, const struct hm_signed_line *line, const struct hm_vkey *key, struct hm_fail *fail)
{
	size_t start = note->len;
	struct hm_note parsed;
	uint64_t time;

	hm_checkpoint_write(note, key->name, line->size, &line->root);
	hm_bytes_printf(note, "\n\xe2\x80\x94 %s ", key->name);
	hm_bytes_slice(note, line->signature);
	hm_bytes_u8(note, '\n');
	if (hm_note_parse(&parsed, (struct hm_slice){ note->data + start, note->len - start }, fail) < 0 || parsed.count != 1 ||
	    hm_note_check(&parsed, key, &time) != HM_NOTE_GOOD)
		return hm_fail_set(fail, HM_E_BAD, "what was signed: the line of size %llu has no signature by the log's key",
				   (unsigned long long)line->size);
	return 0;
}

/* One writer at a time. */
static int lock(int fd, const char *path, struct hm_fail *fail)
{
	if (flock(fd, LOCK_EX | LOCK_NB) == 0)
		return 0;
	if (errno == EWOULDBLOCK)
		return hm_fail_set(fail, HM_E_SYSTEM, "%s is locked: another program writes with this key (wait for it)", path);
	return hm_fail_errno(fail, "locking %s", path);
}

static int sync_folder_of(const char *path, struct hm_fail *fail)
{
	HM_FREE char *folder = hm_strdup(path);
	char *slash = strrchr(folder, '/');
	HM_CLOSE int fd = -1;

	if (slash)
		slash[slash == folder] = 0;
	fd = open(slash ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fd < 0 || fsync(fd) < 0 ? hm_fail_errno(fail, "syncing the folder of %s", path) : 0;
}

int hm_signed_create(const char *key_path, const struct hm_vkey *key, struct hm_fail *fail)
{
	HM_FREE char *path = hm_sprintf("%s.signed", key_path);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_CLOSE int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0644);
	int r;

	if (fd < 0 && errno == EEXIST)
		return hm_fail_set(fail, HM_E_SYSTEM, "%s is there: this key has a log already (a new log wants a new key)", path);
	if (fd < 0)
		return hm_fail_errno(fail, "creating %s", path);
	hm_vkey_write(&text, key);
	hm_bytes_u8(&text, '\n');
	r = lock(fd, path, fail);
	if (r == 0)
		r = hm_fs_write_all(fd, hm_slice_of(&text), fail);
	if (r == 0 && fsync(fd) < 0)
		r = hm_fail_errno(fail, "writing %s", path);
	if (r == 0)
		r = sync_folder_of(path, fail);
	return r < 0 ? r : hm_take_fd(&fd);
}

/* The last line of a text whose last line ends. */
static struct hm_slice last_line(struct hm_slice text)
{
	size_t start = text.len - 1;

	while (start && text.data[start - 1] != '\n')
		start--;
	return (struct hm_slice){ text.data + start, text.len - start };
}

static int read_last(struct hm_bytes *note, int fd, const char *path, struct hm_slice text, const struct hm_vkey *key, struct hm_fail *fail)
{
	struct hm_cursor c = hm_cursor_of(text), last;
	struct hm_signed_line line;
	size_t torn = 0;
	int r = hm_signed_begin(&c, key, fail);

	if (r < 0)
		return hm_fail_in(fail, "%s", path);
	while (torn < text.len && text.data[text.len - 1 - torn] != '\n')
		torn++;
	text.len -= torn;
	if (torn && (ftruncate(fd, (off_t)text.len) < 0 || fsync(fd) < 0))
		return hm_fail_errno(fail, "cutting off the torn end of %s", path);
	if (text.data + text.len == c.at)
		return hm_fail_set(fail, HM_E_BAD, "%s: no signature in it (hallmark log create was interrupted: remove it and begin again)", path);
	last = hm_cursor_of(last_line(text));
	if (!hm_signed_next(&last, &line))
		return hm_fail_set(fail, HM_E_BAD, "%s: its last line is none of size, root and signature", path);
	return hm_signed_note(note, &line, key, fail);
}

int hm_signed_open(const char *key_path, const struct hm_vkey *key, struct hm_bytes *note, struct hm_fail *fail)
{
	HM_FREE char *path = hm_sprintf("%s.signed", key_path);
	HM_CLOSE int fd = open(path, O_RDWR | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	HM_CLEANUP(hm_fs_unmap) struct hm_map map = { { NULL, 0 } };
	int r;

	if (fd < 0 && errno == ENOENT)
		return hm_fail_set(fail, HM_E_SYSTEM, "%s is missing: nobody knows what this key signed last (it belongs beside the key: bring it there; "
						      "hallmark log create makes a new log)", path);
	if (fd < 0)
		return hm_fail_errno(fail, "opening %s", path);
	r = lock(fd, path, fail);
	if (r == 0)
		r = hm_fs_map(&map, path, fail);
	if (r == 0 && map.bytes.len > FILE_MAX)
		r = hm_fail_set(fail, HM_E_BAD, "%s is larger than any log's", path);
	if (r == 0)
		r = read_last(note, fd, path, map.bytes, key, fail);
	return r < 0 ? r : hm_take_fd(&fd);
}

int hm_signed_append(int fd, struct hm_slice note, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes line = { 0 };
	struct hm_checkpoint checkpoint;
	struct hm_slice signature;
	struct hm_note parsed;
	int r = hm_note_parse(&parsed, note, fail);

	if (r == 0)
		r = hm_checkpoint_parse(&checkpoint, parsed.text, fail);
	if (r < 0)
		return r;
	signature = parsed.signature[0].line;
	while (signature.len && signature.data[0] != ' ')
		signature.data++, signature.len--; /* the dash */
	signature.data += 1 + parsed.signature[0].name.len + 1;
	signature.len -= 1 + parsed.signature[0].name.len + 1;
	hm_bytes_printf(&line, "%llu ", (unsigned long long)checkpoint.size);
	hm_text_base64(&line, (struct hm_slice){ checkpoint.root.b, HM_SHA256_LEN });
	hm_bytes_u8(&line, ' ');
	hm_bytes_slice(&line, signature);
	r = hm_fs_write_all(fd, hm_slice_of(&line), fail);
	if (r == 0 && fdatasync(fd) < 0)
		r = hm_fail_errno(fail, "syncing");
	return r < 0 ? hm_fail_in(fail, "what was signed") : 0;
}
