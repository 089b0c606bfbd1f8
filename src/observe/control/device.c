/* /dev/urandom and /dev/random: a file system of one regular file (FUSE, by its protocol: linux/fuse.h) that never ends and gives
 * whoever reads it the next bytes of its stream, as getrandom does. Read without the page cache, so that each read comes here; the
 * kernel tells the reader's number inside, for the file system is mounted from there. A plain file would do neither: it would
 * begin anew for each reader, and a program that draws a name until it has a free one would not end. What tells it from the
 * device is its type. What is written to it is gone. Another one is the kernel's file of UUIDs, with a new one for each that reads. */
#include "control_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fuse.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#define REQUEST_MAX (FUSE_MIN_READ_BUFFER + (128u << 10))
#define READ_MAX (1u << 20)

enum { BYTES, UUIDS };

static int mount_file(int fuse, const char *name, const char *mode, const char *place, struct hm_fail *fail)
{
	HM_FREE char *options = hm_sprintf("fd=%d,rootmode=%s,user_id=0,group_id=0,allow_other", fuse, mode);

	if (mount(name, place, "fuse", MS_NOSUID | MS_NODEV | MS_NOEXEC, options) < 0)
		return hm_fail_errno(fail, "mounting %s", place);
	return 0;
}

int hm_control_devices(const int fuse[HM_CONTROL_DEVICES], struct hm_fail *fail)
{
	static const char bytes[] = "/dev/urandom", too[] = "/dev/random", uuids[] = "/proc/sys/kernel/random/uuid";

	if (mount_file(fuse[BYTES], "urandom", "100666", bytes, fail) < 0 || mount_file(fuse[UUIDS], "uuid", "100444", uuids, fail) < 0)
		return fail->code;
	return mount(bytes, too, NULL, MS_BIND, NULL) < 0 ? hm_fail_errno(fail, "mounting %s", too) : 0;
}

/* What is asked for, and whether the kernel waits for an answer. */
static bool is_answered(uint32_t opcode)
{
	return opcode != FUSE_FORGET && opcode != FUSE_BATCH_FORGET && opcode != FUSE_INTERRUPT && opcode != FUSE_DESTROY;
}

static void reply(int device, const struct fuse_in_header *to, int error, const void *data, size_t len)
{
	struct fuse_out_header head = { (uint32_t)(sizeof(head) + len), error, to->unique };
	struct iovec v[] = { { &head, sizeof(head) }, { (void *)(uintptr_t)data, len } };

	/* The asker may have been killed. */
	if (writev(device, v, len ? 2 : 1) < 0)
		errno = 0;
}

static void reply_init(int device, const struct fuse_in_header *head, const struct fuse_init_in *in)
{
	struct fuse_init_out out = { .major = FUSE_KERNEL_VERSION,
				     .minor = in->minor < FUSE_KERNEL_MINOR_VERSION ? in->minor : FUSE_KERNEL_MINOR_VERSION,
				     .max_write = 128 << 10 };

	reply(device, head, 0, &out, sizeof(out));
}

static void reply_attr(const struct hm_control_server *server, size_t device, const struct fuse_in_header *head)
{
	struct fuse_attr_out out = { .attr_valid = 1u << 30,
				     .attr = { .ino = 1, .mode = S_IFREG | (device == BYTES ? 0666 : 0444), .nlink = 1, .blksize = 4096,
					       .atime = server->clock.start_ns / HM_CONTROL_NS, .mtime = server->clock.start_ns / HM_CONTROL_NS,
					       .ctime = server->clock.start_ns / HM_CONTROL_NS } };

	reply(server->device[device], head, 0, &out, sizeof(out));
}

static void draw(struct hm_control_server *server, uint32_t tid, uint8_t *bytes, size_t len)
{
	struct hm_control_task *task = hm_control_task_with(&server->tasks, tid);

	hm_control_stream(bytes, len, server->spec->seed, task->tid, task->drawn);
	task->drawn += len;
	server->counts->random++;
	server->counts->random_bytes += len;
}

static void reply_bytes(struct hm_control_server *server, const struct fuse_in_header *head, const struct fuse_read_in *in)
{
	size_t len = in->size < READ_MAX ? in->size : READ_MAX;
	HM_FREE uint8_t *bytes = hm_alloc(len + 1, 1);

	draw(server, head->pid, bytes, len);
	reply(server->device[BYTES], head, 0, bytes, len);
}

/* As the kernel does it: a reader who has begun finds the end. */
static void reply_uuid(struct hm_control_server *server, const struct fuse_in_header *head, const struct fuse_read_in *in)
{
	uint8_t b[16] = { 0 };
	char text[38];
	size_t len = in->offset ? 0 : 37;

	if (len)
		draw(server, head->pid, b, sizeof(b));
	b[6] = (uint8_t)((b[6] & 0x0f) | 0x40);
	b[8] = (uint8_t)((b[8] & 0x3f) | 0x80);
	snprintf(text, sizeof(text), "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\n", b[0], b[1], b[2], b[3], b[4],
		 b[5], b[6], b[7], b[8], b[9], b[10], b[11], b[12], b[13], b[14], b[15]);
	reply(server->device[UUIDS], head, 0, text, len < in->size ? len : in->size);
}

static void answer(struct hm_control_server *server, size_t device, const struct fuse_in_header *head, const void *body)
{
	const struct fuse_write_in *write = body;
	const struct fuse_open_out opened = { .open_flags = FOPEN_DIRECT_IO };
	const struct fuse_statfs_out fs = { .st = { .bsize = 4096, .namelen = 255 } };

	switch (head->opcode) {
	case FUSE_INIT:
		reply_init(server->device[device], head, body);
		break;
	case FUSE_GETATTR:
	case FUSE_SETATTR:
		reply_attr(server, device, head);
		break;
	case FUSE_OPEN:
		reply(server->device[device], head, 0, &opened, sizeof(opened));
		break;
	case FUSE_READ:
		(device == BYTES ? reply_bytes : reply_uuid)(server, head, body);
		break;
	case FUSE_WRITE:
		reply(server->device[device], head, 0, &(struct fuse_write_out){ .size = write->size }, sizeof(struct fuse_write_out));
		break;
	case FUSE_STATFS:
		reply(server->device[device], head, 0, &fs, sizeof(fs));
		break;
	case FUSE_RELEASE:
	case FUSE_FSYNC:
		reply(server->device[device], head, 0, NULL, 0);
		break;
	case FUSE_IOCTL:
		reply(server->device[device], head, -ENOTTY, NULL, 0);
		break;
	default:
		if (is_answered(head->opcode))
			reply(server->device[device], head, -ENOSYS, NULL, 0);
	}
}

bool hm_control_device_serve(struct hm_control_server *server, size_t device)
{
	static _Alignas(8) uint8_t request[REQUEST_MAX];
	const struct fuse_in_header *head = (const void *)request;
	ssize_t n = read(server->device[device], request, sizeof(request));

	if (n < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOENT; /* ENOENT: the asker is gone */
	if ((size_t)n >= sizeof(*head))
		answer(server, device, head, head + 1);
	return true;
}
