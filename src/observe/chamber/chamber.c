/* The life of a chamber; chamber_internal.h names the parts. Cleanup is in one place, hm_chamber_close, and works at
 * any state; what it cannot do because hallmark is killed, the guardian does. */
#include "chamber_internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "event.h"

#define NAMESPACES (CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP | CLONE_NEWNET)
#define START_MS 60000 /* for the root to stand; for the product to execute */
#define STATUS_MS 10000

static bool is_name(const char *s, size_t max)
{
	size_t n = s ? strlen(s) : 0;

	for (size_t i = 0; i < n; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-')
			return false;
	return n > 0 && n <= max && s[0] != '-';
}

static bool is_machine_id(const char *s)
{
	return s && strlen(s) == 32 && strspn(s, "0123456789abcdef") == 32;
}

/* Absolute, and without components that mean something else than a name. */
static bool is_path(const char *s)
{
	if (!s || s[0] != '/' || !s[1] || strlen(s) >= 4096)
		return false;
	for (const char *p = s; *p; p += strcspn(p + 1, "/") + 1) {
		size_t n = strcspn(p + 1, "/");

		if (n == 0 || (n == 1 && p[1] == '.') || (n == 2 && p[1] == '.' && p[2] == '.'))
			return false;
	}
	return true;
}

static bool is_boot_id(const char *s)
{
	static const char form[] = "hhhhhhhh-hhhh-hhhh-hhhh-hhhhhhhhhhhh";

	for (size_t i = 0; i < sizeof(form); i++)
		if (form[i] == 'h' ? !s[i] || !strchr("0123456789abcdef", s[i]) : s[i] != form[i])
			return false;
	return true;
}

static int check_inventory(const struct hm_chamber_spec *spec, struct hm_fail *fail)
{
	for (size_t i = 0; i < spec->disk_count; i++)
		if (!is_path(spec->disks[i].point) || !is_path(spec->disks[i].source))
			return hm_fail_set(fail, HM_E_USAGE, "opening a chamber: a disk's place or device is not a plain absolute path");
	for (size_t i = 0; spec->bystanders && spec->bystanders[i]; i++)
		if (!is_path(spec->bystanders[i]))
			return hm_fail_set(fail, HM_E_USAGE, "opening a chamber: bystander %s is not a plain absolute path",
					   spec->bystanders[i]);
	return 0;
}

static int check(const struct hm_chamber_spec *spec, struct hm_fail *fail)
{
	static const char *const made_new[] = { "/dev", "/proc", "/sys" };

	if (!is_name(spec->name, 64))
		return hm_fail_set(fail, HM_E_USAGE, "opening a chamber: its name is not of letters, digits and '-'");
	if (!is_name(spec->hostname, 63) || !is_machine_id(spec->machine_id))
		return hm_fail_set(fail, HM_E_USAGE, "opening a chamber: host name or machine id is malformed");
	if (spec->boot_id && !is_boot_id(spec->boot_id))
		return hm_fail_set(fail, HM_E_USAGE, "opening a chamber: the boot id is not a UUID in lower case");
	if (!is_path(spec->target) || !is_path(spec->target_from) || !spec->work)
		return hm_fail_set(fail, HM_E_USAGE,
				   "opening a chamber: target and work folder are not plain absolute paths");
	for (size_t i = 0; i < HM_COUNT(made_new); i++)
		if (hm_chamber_below(spec->target, made_new[i]))
			return hm_fail_set(fail, HM_E_USAGE,
					   "opening a chamber: the target %s is in %s, which is made new", spec->target,
					   made_new[i]);
	if (!spec->argv || !spec->argv[0] || !*spec->argv[0])
		return hm_fail_set(fail, HM_E_USAGE, "opening a chamber: no command");
	for (size_t i = 0; i < spec->file_count; i++)
		if (!is_path(spec->files[i].path))
			return hm_fail_set(fail, HM_E_USAGE,
					   "opening a chamber: planted file %s is not a plain absolute path",
					   spec->files[i].path);
	return check_inventory(spec, fail);
}

static struct hm_chamber *new_chamber(const struct hm_chamber_spec *spec)
{
	struct hm_chamber *c = hm_alloc(1, sizeof(*c));

	c->groups = (struct hm_chamber_groups){ .run = -1, .init = -1, .product = -1 };
	c->disk = (struct hm_chamber_disk){ .locked = -1, .image = -1, .base = -1 };
	c->pidfd = c->control = c->out = c->err = c->listener = c->guardian_control = -1;
	for (size_t i = 0; i < HM_COUNT(c->fuse); i++)
		c->fuse[i] = -1;
	c->command = hm_strdup(spec->argv[0]);
	return c;
}

/* A datagram, and the descriptors that may come with it. */
static ssize_t receive(struct hm_chamber *c, struct hm_chamber_message *m)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(HM_CHAMBER_FDS * sizeof(int))];
	} with;
	struct iovec v = { m, sizeof(*m) };
	struct msghdr h = { .msg_iov = &v, .msg_iovlen = 1, .msg_control = &with, .msg_controllen = sizeof(with.room) };
	ssize_t n = recvmsg(c->control, &h, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
	struct cmsghdr *head = n < 0 ? NULL : CMSG_FIRSTHDR(&h);

	if (head && head->cmsg_level == SOL_SOCKET && head->cmsg_type == SCM_RIGHTS && c->listener < 0) {
		memcpy(&c->listener, CMSG_DATA(head), sizeof(c->listener));
		if (head->cmsg_len == CMSG_LEN(HM_CHAMBER_FDS * sizeof(int)))
			memcpy(c->fuse, CMSG_DATA(head) + sizeof(int), sizeof(c->fuse));
	}
	return n;
}

/* The next word of pid 1. 1: there was one; 0: none in time; negative: pid 1 is gone. */
static int hear(struct hm_chamber *c, struct hm_chamber_message *m, int timeout_ms)
{
	struct pollfd p = { .fd = c->control, .events = POLLIN };
	ssize_t n;

	if (timeout_ms) {
		int ready;

		do
			ready = poll(&p, 1, timeout_ms);
		while (ready < 0 && errno == EINTR);
		if (ready <= 0)
			return 0;
	}
	n = receive(c, m);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return 0;
	return n == sizeof(*m) ? 1 : -1;
}

/* Hears pid 1 until it says `wanted`, or why not. */
static int await(struct hm_chamber *c, int wanted, struct hm_fail *fail)
{
	struct hm_chamber_message m;

	for (;;) {
		int r = hear(c, &m, START_MS);

		if (r < 0)
			return hm_fail_set(fail, HM_E_SYSTEM, "starting the chamber: its first process died");
		if (r == 0)
			return hm_fail_set(fail, HM_E_SYSTEM, "starting the chamber: no answer for %d s",
					   START_MS / 1000);
		if (m.said == wanted)
			return 0;
		if (m.said == HM_SAID_FAILED) {
			m.fail.text[sizeof(m.fail.text) - 1] = 0;
			return hm_fail_set(fail, m.fail.code, "%s", m.fail.text);
		}
		if (m.said == HM_SAID_ABSENT && m.layer < c->layer_count) {
			m.fail.text[sizeof(m.fail.text) - 1] = 0;
			c->layers[m.layer].placed = false;
			hm_bytes_printf(&c->absent, "%s: %s\n", c->layers[m.layer].point, m.fail.text);
		}
	}
}

static int make_pipe(int *reader, int *writer, struct hm_fail *fail)
{
	int fds[2];

	if (pipe2(fds, O_CLOEXEC) < 0)
		return hm_fail_errno(fail, "making a pipe for the product's output");
	*reader = fds[0];
	*writer = fds[1];
	return fcntl(*reader, F_SETFL, O_NONBLOCK) < 0 ? hm_fail_errno(fail, "making a pipe for the product's output")
						       : 0;
}

/* Clones pid 1. Its ends of socket and pipes are in the copy of `c` that it works with. */
static int start_init(struct hm_chamber *c, const struct hm_chamber_spec *spec, struct hm_fail *fail)
{
	HM_CLOSE int out = -1, err = -1, inner = -1;
	int pair[2], r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return hm_fail_errno(fail, "making a socket for the chamber");
	c->control = pair[0];
	inner = pair[1];
	r = make_pipe(&c->out, &out, fail);
	if (r == 0)
		r = make_pipe(&c->err, &err, fail);
	if (r == 0)
		r = hm_chamber_clone(&c->pid, &c->pidfd, NAMESPACES, c->groups.init, fail);
	if (r < 0)
		return r;
	if (c->pid == 0) {
		c->control = inner;
		c->out = out;
		c->err = err;
		hm_chamber_init(c, spec);
	}
	r = hm_chamber_groups_adopt(&c->groups, c->pid, fail);
	return r < 0 ? r : await(c, HM_SAID_READY, fail);
}

static int start_control(struct hm_chamber *c, const struct hm_chamber_spec *spec, struct hm_fail *fail)
{
	int r;

	if (!spec->control)
		return 0;
	if (c->listener < 0)
		return hm_fail_set(fail, HM_E_SYSTEM, "starting the chamber: its first process sent no listener");
	r = hm_control_start(&c->control_by, spec->control, c->listener, c->fuse, c->pid, fail);
	close(hm_take_fd(&c->listener));
	for (size_t i = 0; i < HM_COUNT(c->fuse); i++)
		if (c->fuse[i] >= 0)
			close(hm_take_fd(&c->fuse[i]));
	return r;
}

/* The earlier chamber's disk goes on; the rest of it has to be gone before its layers are mounted again. */
static int take_over(struct hm_chamber *c, const struct hm_chamber_spec *spec, struct hm_fail *fail)
{
	struct hm_chamber *after = c->after;
	int r = hm_chamber_disk_take(&c->disk, &after->disk, spec->work, spec->name, fail);

	if (r == 0)
		r = hm_chamber_mounts(c, spec, fail);
	if (r == 0)
		r = hm_chamber_disk_continue(c, after, fail);
	hm_chamber_close(hm_take_ptr(&c->after));
	return r < 0 ? r : hm_chamber_disk_reopen(c, fail);
}

static int new_disk(struct hm_chamber *c, const struct hm_chamber_spec *spec, struct hm_fail *fail)
{
	int r = hm_chamber_disk_open(&c->disk, spec->work, spec->name, fail);

	if (r == 0)
		r = hm_chamber_mounts(c, spec, fail);
	return r < 0 ? r : hm_chamber_disk_layers(c, fail);
}

static int build(struct hm_chamber *c, const struct hm_chamber_spec *spec, struct hm_fail *fail)
{
	int r = hm_chamber_guardian(c, spec->work, spec->name, fail);

	if (r == 0)
		r = hm_chamber_groups_open(&c->groups, spec->name, fail);
	if (r == 0)
		r = c->after ? take_over(c, spec, fail) : new_disk(c, spec, fail);
	if (r == 0)
		r = start_init(c, spec, fail);
	if (r == 0)
		r = hm_chamber_devices(c->groups.run, fail);
	if (r == 0)
		r = hm_chamber_ports(c->groups.run, fail);
	if (r == 0)
		r = hm_chamber_baseline(c, fail);
	return r < 0 ? r : start_control(c, spec, fail);
}

int hm_chamber_open(struct hm_chamber **ret, const struct hm_chamber_spec *spec, struct hm_fail *fail)
{
	HM_CLEANUP(hm_chamber_cleanup) struct hm_chamber *c = NULL;
	int r = check(spec, fail);

	if (r == 0)
		r = hm_chamber_target(spec->target_from, fail);
	if (r < 0) {
		hm_chamber_close(spec->after);
		return r;
	}
	c = new_chamber(spec);
	c->after = spec->after;
	r = build(c, spec, fail);
	if (r < 0)
		return r;
	*ret = hm_take_ptr(&c);
	return 0;
}

pid_t hm_chamber_pid(const struct hm_chamber *c)
{
	return c->pid;
}

int hm_chamber_cgroup(const struct hm_chamber *c, uint64_t *id)
{
	*id = c->groups.product_id;
	return c->groups.product;
}

void hm_chamber_controlled(const struct hm_chamber *c, struct hm_control_counts *counts)
{
	*counts = (struct hm_control_counts){ 0 };
	if (c->control_by)
		hm_control_look(c->control_by, counts);
}

void hm_chamber_absent(const struct hm_chamber *c, struct hm_bytes *out)
{
	hm_bytes_slice(out, hm_slice_of(&c->absent));
}

static uint64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

int hm_chamber_go(struct hm_chamber *c, int *out_fd, int *err_fd, struct hm_fail *fail)
{
	int r;

	if (c->start_ns)
		return hm_fail_set(fail, HM_E_USAGE, "running %s: it has been started already", c->command);
	c->start_ns = now_ns();
	if (send(c->control, "g", 1, MSG_NOSIGNAL) != 1)
		return hm_fail_errno(fail, "running %s: the chamber's first process is gone", c->command);
	r = await(c, HM_SAID_STARTED, fail);
	if (r < 0)
		return r;
	*out_fd = c->out;
	*err_fd = c->err;
	return 0;
}

/* Pid 1 does not end before it is killed; where it has ended, something killed it, and with it everything in the
 * chamber. */
static void note_end(struct hm_chamber *c, const struct hm_chamber_message *m)
{
	if (m)
		c->result = (struct hm_chamber_result){ m->outcome, m->status, c->start_ns, m->end_ns };
	else
		c->result = (struct hm_chamber_result){ HM_OUTCOME_SIGNALLED, SIGKILL, c->start_ns, now_ns() };
	c->over = true;
}

static bool listen_for_end(struct hm_chamber *c, int timeout_ms)
{
	struct hm_chamber_message m;
	int r;

	if (c->over)
		return true;
	r = hear(c, &m, timeout_ms);
	if (r < 0)
		note_end(c, NULL);
	if (r > 0 && m.said == HM_SAID_ENDED)
		note_end(c, &m);
	return c->over;
}

bool hm_chamber_ended(struct hm_chamber *c, struct hm_chamber_result *result)
{
	if (!listen_for_end(c, 0))
		return false;
	*result = c->result;
	return true;
}

int hm_chamber_kill(struct hm_chamber *c, int outcome, struct hm_chamber_result *result, struct hm_fail *fail)
{
	struct hm_control_counts counts;
	int r = hm_chamber_group_kill(c->groups.product, fail);

	if (r == 0 && c->control_by && !hm_control_look(c->control_by, &counts))
		r = hm_fail_set(fail, HM_E_SYSTEM, "making noise equal: what answers for clocks and random numbers has ended");
	if (r < 0)
		return r;
	if (c->start_ns && !listen_for_end(c, STATUS_MS))
		return hm_fail_set(fail, HM_E_SYSTEM, "ending %s: its first process told no status", c->command);
	if (outcome != HM_OUTCOME_EXITED)
		c->result.outcome = outcome;
	*result = c->result;
	return 0;
}

static void reap_init(struct hm_chamber *c)
{
	siginfo_t info;

	if (c->pidfd < 0)
		return;
	pidfd_send_signal(c->pidfd, SIGKILL, NULL, 0);
	while (waitid(P_PIDFD, (id_t)c->pidfd, &info, WEXITED) < 0 && errno == EINTR)
		;
	close(hm_take_fd(&c->pidfd));
}

void hm_chamber_close(struct hm_chamber *c)
{
	int *fds[4 + HM_CONTROL_DEVICES];

	if (!c)
		return;
	hm_chamber_close(hm_take_ptr(&c->after));
	fds[0] = &c->control;
	fds[1] = &c->out;
	fds[2] = &c->err;
	fds[3] = &c->listener;
	for (size_t i = 0; i < HM_COUNT(c->fuse); i++)
		fds[4 + i] = &c->fuse[i];
	if (c->groups.product >= 0 && hm_chamber_group_kill(c->groups.product, NULL) < 0)
		c->over = true; /* the death of pid 1, next, kills them as well */
	reap_init(c);
	hm_control_close(c->control_by);
	for (size_t i = 0; i < c->layer_count; i++) {
		if (c->layers[i].upper >= 0)
			close(c->layers[i].upper);
		free(c->layers[i].point);
		free(c->layers[i].lower);
	}
	for (size_t i = 0; i < HM_COUNT(fds); i++)
		if (*fds[i] >= 0)
			close(*fds[i]);
	hm_chamber_groups_release(&c->groups);
	hm_chamber_disk_release(&c->disk);
	hm_chamber_guardian_dismiss(c);
	hm_chamber_baseline_release(c);
	for (size_t i = 0; i < c->hidden_count; i++)
		free(c->hidden[i]);
	free(c->hidden);
	free(c->layers);
	hm_bytes_release(&c->absent);
	free(c->command);
	free(c->target);
	free(c);
}

void hm_chamber_cleanup(struct hm_chamber **c)
{
	hm_chamber_close(*c);
}
