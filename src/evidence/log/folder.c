#include "folder.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "log_internal.h"

int hm_folder_open(const char *path, struct hm_fail *fail)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? hm_fail_errno(fail, "log %s", path) : fd;
}

static int read_file(void *context, const char *path, size_t max, struct hm_bytes *out, struct hm_fail *fail)
{
	const int *folder = context;
	HM_CLOSE int fd = openat(*folder, path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK | O_NOFOLLOW);
	struct stat st;
	size_t done = 0;

	if (fd < 0 && errno == ENOENT)
		return 1;
	if (fd < 0 || fstat(fd, &st) < 0)
		return hm_fail_errno(fail, "reading %s", path);
	if (!S_ISREG(st.st_mode) || (uint64_t)st.st_size > max)
		return hm_fail_set(fail, HM_E_BAD, "%s: no regular file of at most %zu bytes", path, max);
	hm_bytes_reserve(out, (size_t)st.st_size + 1);
	while (done < (size_t)st.st_size) {
		ssize_t n = read(fd, out->data + out->len, (size_t)st.st_size - done);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return hm_fail_errno(fail, "reading %s", path);
		if (n == 0)
			break;
		out->len += (size_t)n;
		done += (size_t)n;
	}
	return 0;
}

struct hm_tile_source hm_folder_source(const int *fd)
{
	return (struct hm_tile_source){ read_file, (void *)(uintptr_t)fd };
}

int hm_folder_checkpoint(struct hm_tile_source source, struct hm_bytes *note, struct hm_fail *fail)
{
	int r = source.read(source.context, "checkpoint", HM_NOTE_MAX, note, fail);

	return r == 1 ? hm_fail_set(fail, HM_E_SYSTEM, "the log has no checkpoint (hallmark log create makes a log)") : r;
}

int hm_folder_receipt(struct hm_tile_source source, struct hm_slice checkpoint, uint64_t index, struct hm_slice extra, struct hm_bytes *out,
		      struct hm_fail *fail)
{
	HM_CLEANUP(hm_tree_cleanup) struct hm_tree *tree = NULL;
	HM_CLEANUP(hm_receipt_release) struct hm_receipt receipt = { .index = index, .checkpoint = checkpoint };
	struct hm_checkpoint head;
	struct hm_sha256 leaf, proof[HM_PROOF_MAX];
	struct hm_note note;
	int r = hm_note_parse(&note, checkpoint, fail);

	if (r == 0)
		r = hm_checkpoint_parse(&head, note.text, fail);
	if (r < 0)
		return r;
	tree = hm_tree_open(source, head.size);
	r = hm_tree_leaf(tree, index, &leaf, fail);
	if (r == 0)
		r = hm_tree_inclusion(tree, index, proof, &receipt.count, fail);
	if (r < 0)
		return r;
	if (!hm_merkle_included(&head.root, head.size, index, &leaf, proof, receipt.count))
		return hm_fail_set(fail, HM_E_BAD, "the log's tiles do not lead to the root of its checkpoint (hallmark log check tells which)");
	memcpy(receipt.proof, proof, receipt.count * sizeof(proof[0]));
	hm_bytes_slice(&receipt.extra, extra);
	hm_receipt_write(out, &receipt);
	return 0;
}

int hm_entries_read(struct hm_tile_source source, uint64_t index, unsigned width, struct hm_bytes *out, struct hm_fail *fail)
{
	struct hm_tile tile = { HM_TILE_ENTRIES, index, width };
	char path[HM_TILE_PATH];
	int r = source.read(source.context, hm_tile_path(path, tile), HM_BUNDLE_MAX, out, fail);
	struct hm_cursor c;

	if (r == 1 && width < HM_TILE_WIDTH) {
		tile.width = HM_TILE_WIDTH;
		r = source.read(source.context, hm_tile_path(path, tile), HM_BUNDLE_MAX, out, fail);
	}
	if (r == 1)
		return hm_fail_set(fail, HM_E_BAD, "%s is missing", path);
	if (r < 0)
		return r;
	c = hm_cursor_of(hm_slice_of(out));
	for (unsigned i = 0; i < tile.width; i++)
		hm_tile_entry(&c);
	return hm_cursor_done(&c) ? 0 : hm_fail_set(fail, HM_E_BAD, "%s does not hold %u entries", path, tile.width);
}
