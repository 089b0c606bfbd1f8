/* Ways of sending that a product in the chamber does not have: each is refused, and the refusal is in the record. And
 * the host's own sockets and pipes, whose files the chamber shows below its layers: nobody hears what is sent there. */
#include "../chamber/chamber_help.h"

#include <linux/if_packet.h>
#include <linux/vm_sockets.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include "capture.h"

#define PLACE "/var/lib/hallmark-test-sockets"

struct seen {
	uint64_t denied[8];	/* by the rows of `refused` */
	uint64_t connects, sends;
};

static const struct {
	uint64_t nr, arg0;
	int result;
} refused[] = {
	{ SYS_socket, AF_PACKET, -EPERM },
	{ SYS_socket, AF_VSOCK, -EPERM },
	{ SYS_io_uring_setup, 4, -EPERM },
};

static const struct sockaddr_un *name_of(const char *name)
{
	static struct sockaddr_un a;

	a = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(a.sun_path, sizeof(a.sun_path), "%s", name);
	if (name[0] == '@')
		a.sun_path[0] = 0;
	return &a;
}

static int probe(void)
{
	static const char *const names[] = { PLACE "/stream", PLACE "/datagrams", "@hallmark-test-stream", "@hallmark-test-datagrams" };
	int bad = 0;

	bad |= socket(AF_PACKET, SOCK_RAW, 0) >= 0 || errno != EPERM;
	bad |= (socket(AF_VSOCK, SOCK_STREAM, 0) >= 0 || errno != EPERM) << 1;
	bad |= (syscall(SYS_io_uring_setup, 4, NULL) >= 0 || errno != EPERM) << 2;
	for (size_t i = 0; i < HM_COUNT(names); i++) {
		int fd = socket(AF_UNIX, i % 2 ? SOCK_DGRAM : SOCK_STREAM, 0);

		if (names[i][0] != '@' && access(names[i], W_OK) < 0)
			bad |= 8; /* it must be there, or nothing is tested */
		if (connect(fd, (const struct sockaddr *)name_of(names[i]), sizeof(struct sockaddr_un)) == 0 || errno != ECONNREFUSED)
			bad |= 16;
	}
	bad |= (open(PLACE "/pipe", O_WRONLY | O_NONBLOCK) >= 0 || errno != ENXIO) << 5;
	return bad;
}

static int count(void *cookie, const struct hm_event *e, struct hm_fail *fail HM_UNUSED)
{
	struct seen *seen = cookie;

	for (size_t i = 0; i < HM_COUNT(refused); i++)
		seen->denied[i] += e->kind == HM_EV_DENY && e->field[HM_DENY_NR].u == refused[i].nr &&
				   e->field[HM_DENY_ARG0].u == refused[i].arg0 &&
				   (int64_t)e->field[HM_DENY_RESULT].u == refused[i].result;
	seen->connects += e->kind == HM_EV_CONNECT && (int64_t)e->field[HM_CONNECT_RESULT].u == -ECONNREFUSED;
	seen->sends += e->kind == HM_EV_SENT || e->kind == HM_EV_PACKET;
	return 0;
}

static int listener(const char *name, int type)
{
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	assert_int_equal(bind(fd, (const struct sockaddr *)name_of(name), sizeof(struct sockaddr_un)), 0);
	if (type == SOCK_STREAM)
		assert_int_equal(listen(fd, 1), 0);
	return fd;
}

static int remove_place(void **state HM_UNUSED)
{
	return access(PLACE, F_OK) == 0 && hm_fs_remove_tree(PLACE, NULL) < 0;
}

static void run_recorded(struct place *p, struct seen *seen, struct run *r)
{
	struct hm_chamber *c = help_open(p);
	/* Nobody polls before the end: nothing may wait for it. */
	struct hm_capture_spec spec = { .sink = count, .cookie = seen, .no_pressure = true };
	struct hm_capture *capture = NULL;
	struct hm_capture_stats stats;
	struct hm_fail fail = { 0 };
	int out = -1, err = -1;

	spec.cgroup = hm_chamber_cgroup(c, &spec.cgroup_id);
	if (hm_capture_open(&capture, &spec, &fail) < 0 || hm_chamber_go(c, &out, &err, &fail) < 0)
		fail_msg("%s", fail.text);
	help_follow(c, out, err, 30, r);
	if (hm_capture_stop(capture, &stats, &fail) < 0)
		fail_msg("%s", fail.text);
	hm_capture_close(capture);
	hm_chamber_close(c);
}

static void ways_out_are_refused(void **state HM_UNUSED)
{
	int fds[4] = { -1, -1, -1, -1 }, reader;
	HM_CLEANUP(help_release) struct run r = { 0 };
	struct seen seen = { 0 };
	struct place p;
	char byte;

	help_place(&p, "/var/tmp");
	assert_int_equal(mkdir(PLACE, 0755), 0);
	fds[0] = listener(PLACE "/stream", SOCK_STREAM);
	fds[1] = listener(PLACE "/datagrams", SOCK_DGRAM);
	fds[2] = listener("@hallmark-test-stream", SOCK_STREAM);
	fds[3] = listener("@hallmark-test-datagrams", SOCK_DGRAM);
	assert_int_equal(mkfifo(PLACE "/pipe", 0666), 0);
	reader = open(PLACE "/pipe", O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	assert_true(reader >= 0);
	help_probe(&p, "ways");
	run_recorded(&p, &seen, &r);
	assert_int_equal(r.result.outcome, HM_OUTCOME_EXITED);
	assert_int_equal(r.result.status, 0);
	for (size_t i = 0; i < HM_COUNT(refused); i++)
		assert_int_equal(seen.denied[i], 1);
	assert_int_equal(seen.connects, 4);
	assert_int_equal(seen.sends, 0);
	for (size_t i = 0; i < 4; i++) {
		assert_true(i % 2 ? recv(fds[i], &byte, 1, 0) < 0 : accept(fds[i], NULL, NULL) < 0);
		close(fds[i]);
	}
	assert_int_equal(read(reader, &byte, 1), 0); /* nobody has it open for writing */
	close(reader);
	help_leave(&p);
}

/* The documents are the host's own folder in the chamber: it must hold no such file. */
static void target_with_a_way_out_is_refused(void **state HM_UNUSED)
{
	struct hm_chamber *c = NULL;
	struct hm_fail fail = { 0 };
	struct place p;
	HM_FREE char *folder = NULL, *path = NULL;

	help_place(&p, "/var/tmp");
	help_shell(&p, "true");
	folder = hm_sprintf("%s/below", p.documents);
	path = hm_sprintf("%s/listener", folder);
	assert_int_equal(mkdir(folder, 0755), 0);
	close(listener(path, SOCK_STREAM));
	assert_int_equal(hm_chamber_open(&c, &p.spec, &fail), HM_E_USAGE);
	assert_non_null(strstr(fail.text, path));
	assert_int_equal(unlink(path), 0);
	assert_int_equal(mkfifo(path, 0600), 0);
	assert_int_equal(hm_chamber_open(&c, &p.spec, &fail), HM_E_USAGE);
	assert_int_equal(unlink(path), 0);
	assert_int_equal(symlink("/dev/null", path), 0);
	c = help_open(&p);
	hm_chamber_close(c);
	help_leave(&p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(ways_out_are_refused, remove_place),
		cmocka_unit_test(target_with_a_way_out_is_refused),
	};

	if (argc == 3 && strcmp(argv[1], "probe") == 0)
		return probe();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
