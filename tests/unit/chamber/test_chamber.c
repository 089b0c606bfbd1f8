/* The chamber as a product finds it, and what is left of a run. */
#include "chamber_help.h"

#include <sched.h>
#include <sys/mount.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>

static void expect_out(struct place *p, const char *script, const char *out)
{
	HM_CLEANUP(help_release) struct run r = { 0 };

	help_shell(p, script);
	help_run(p, 20, &r);
	assert_string_equal(help_text(&r.err), "");
	assert_string_equal(help_text(&r.out), out);
	assert_int_equal(r.result.outcome, HM_OUTCOME_EXITED);
	assert_int_equal(r.result.status, 0);
	assert_true(r.result.start_ns > 0 && r.result.end_ns >= r.result.start_ns);
}

static void expect_tree(struct place *p, const char *script, const char *tree)
{
	HM_CLEANUP(help_release) struct run r = { 0 };

	help_shell(p, script);
	help_run(p, 20, &r);
	assert_string_equal(help_text(&r.err), "");
	assert_string_equal(help_text(&r.tree), tree);
}

static void identity_is_planted(void **state HM_UNUSED)
{
	struct place p;

	help_place(&p, "/var/tmp");
	expect_out(&p,
		   "hostname; cat /etc/hostname /etc/machine-id; cat /etc/resolv.conf; grep '^hosts' "
		   "/etc/nsswitch.conf; grep -c " HOSTNAME " /etc/hosts",
		   HOSTNAME "\n" HOSTNAME "\n" MACHINE_ID "\nnameserver 198.18.0.1\nhosts: files dns\n1\n");
	help_leave(&p);
}

static void boot_id_is_planted(void **state HM_UNUSED)
{
	HM_CLEANUP(help_release) struct run a = { 0 }, b = { 0 }, other = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes host = { 0 };
	struct hm_fail fail;
	struct place p;

	help_place(&p, "/var/tmp");
	help_shell(&p, "cat /proc/sys/kernel/random/boot_id");
	help_run(&p, 20, &a);
	help_run(&p, 20, &b);
	p.spec.machine_id = "1123456789ab4def8123456789abcdef";
	help_run(&p, 20, &other);
	assert_int_equal(hm_fs_read(&host, "/proc/sys/kernel/random/boot_id", 64, &fail), 0);
	assert_int_equal(a.out.len, 37);
	assert_true(hm_slice_eq(hm_slice_of(&a.out), hm_slice_of(&b.out)));
	assert_false(hm_slice_eq(hm_slice_of(&a.out), hm_slice_of(&other.out)));
	assert_false(hm_slice_eq(hm_slice_of(&a.out), hm_slice_of(&host)));
	help_leave(&p);
}

static void surroundings_are_plain(void **state HM_UNUSED)
{
	unsigned long ignored[4] = { 1 }, before[4]; /* the kernel's struct sigaction, SIG_IGN */
	struct place p;

	help_place(&p, "/var/tmp");
	signal(SIGPIPE, SIG_IGN);
	/* the C library's own, which make leaves ignored in what it starts */
	syscall(SYS_rt_sigaction, 32, ignored, before, NSIG / 8);
	/* nothing of the caller's: working folder, mask, signals, descriptors, session, environment, place in the
	 * control groups */
	expect_out(&p,
		   "pwd; umask; grep -E 'SigIgn|SigBlk|Seccomp:|NoNewPrivs' /proc/self/status; for n in $(seq 0 99); "
		   "do [ -e /proc/$$/fd/$n ] && echo $n; done;"
		   "tr '\\0' '\\n' </proc/1/cmdline | head -n 1; grep ^0: /proc/self/cgroup; ulimit -c; ulimit -n",
		   "/\n0022\nSigBlk:\t0000000000000000\nSigIgn:\t0000000000000000\nNoNewPrivs:\t0\nSeccomp:"
		   "\t2\n0\n1\n2\ninit\n0::/\n0\n1024\n");
	signal(SIGPIPE, SIG_DFL);
	syscall(SYS_rt_sigaction, 32, before, NULL, NSIG / 8);
	expect_out(&p, "env | sort",
		   "ASAN_OPTIONS=detect_leaks=0\nHOME=/root\nLANG=C.UTF-8\n"
		   "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\nPWD=/\n");
	help_leave(&p);
}

static void host_is_out_of_sight(void **state HM_UNUSED)
{
	HM_FREE char *script = NULL;
	struct place p;
	char group[256];

	help_place(&p, "/var/tmp");
	help_write("/var/tmp/hm-chamber-test-residue", "host");
	script = hm_sprintf("ls -A /tmp /var/tmp /run; ls %s 2>/dev/null; ls /sys/fs/cgroup; [ $(ls /proc | grep -c "
			    "'^[0-9]') -lt 8 ] && echo few; "
			    "grep -cE '^(none|cgroup|bpf|debugfs|tracefs|devtmpfs) ' /proc/mounts; grep -c "
			    "hm-chamber-test /proc/mounts",
			    p.base);
	help_shell(&p, script);
	{
		HM_CLEANUP(help_release) struct run r = { 0 };

		help_run(&p, 20, &r);
		assert_string_equal(help_text(&r.out), "/run:\nlock\n\n/tmp:\n\n/var/tmp:\nfew\n0\n0\n");
	}
	unlink("/var/tmp/hm-chamber-test-residue");
	help_group(group, p.name);
	assert_string_equal(group, "");
	help_leave(&p);
}

static void host_is_not_written(void **state HM_UNUSED)
{
	struct stat before, after;
	struct place p;

	help_place(&p, "/var/tmp");
	assert_int_equal(stat("/etc/passwd", &before), 0);
	expect_out(&p,
		   "echo x >/etc/passwd; chmod 600 /etc/shadow; rm -rf /usr/share/doc; cat /etc/passwd; ls /usr/share "
		   "| grep -c '^doc$' || true",
		   "x\n0\n");
	assert_int_equal(stat("/etc/passwd", &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(before.st_size, after.st_size);
	assert_int_equal(before.st_ctim.tv_sec, after.st_ctim.tv_sec);
	assert_int_equal(access("/usr/share/doc", F_OK), 0);
	help_leave(&p);
}

static void target_is_read_only(void **state HM_UNUSED)
{
	struct place p;

	help_place(&p, "/var/tmp");
	expect_out(&p,
		   "cat " TARGET "/letter.txt; touch " TARGET "/new 2>/dev/null || echo no; rm " TARGET
		   "/letter.txt 2>/dev/null || echo no",
		   "UK SECRET\nno\nno\n");
	p.spec.privileged = true;
	expect_out(&p,
		   "cat " TARGET "/letter.txt; touch " TARGET "/new 2>/dev/null || echo no; rm " TARGET
		   "/letter.txt 2>/dev/null || echo no",
		   "UK SECRET\nno\nno\n");
	help_leave(&p);
}

static void standard_input_is_given(void **state HM_UNUSED)
{
	struct place p;

	help_place(&p, "/var/tmp");
	expect_out(&p, "cat; readlink /proc/self/fd/0", "/dev/null\n");
	p.spec.stdin_path = TARGET "/letter.txt";
	expect_out(&p, "cat", "UK SECRET\n");
	help_leave(&p);
}

static void planted_files_replace_links(void **state HM_UNUSED)
{
	struct hm_chamber_file files[] = {
		{ "/etc/mtab", HM_SLICE("mine\n"), 0640 }, /* a link to /proc/mounts on every Debian */
		{ "/etc/new/deep/settings.conf", HM_SLICE("a=b\n"), 0600 },
	};
	struct place p;

	help_place(&p, "/var/tmp");
	p.spec.files = files;
	p.spec.file_count = HM_COUNT(files);
	expect_out(&p,
		   "stat -c '%F %a' /etc/mtab /etc/new/deep/settings.conf; cat /etc/mtab /etc/new/deep/settings.conf",
		   "regular file 640\nregular file 600\nmine\na=b\n");
	help_leave(&p);
}

static void files_grow_by_what_is_appended(void **state HM_UNUSED)
{
	struct hm_chamber_file files[] = {
		{ .path = "/etc/passwd", .content = HM_SLICE("planted:x:4001:4001::/home/planted:/bin/sh\n"), .append = true },
		{ .path = "/etc/made/by/appending", .content = HM_SLICE("alone\n"), .mode = 0640, .append = true },
	};
	struct hm_chamber_file device = { .path = "/dev/null", .append = true };
	struct hm_chamber *c = NULL;
	struct hm_fail fail = { 0 };
	struct place p;

	help_place(&p, "/var/tmp");
	p.spec.files = files;
	p.spec.file_count = HM_COUNT(files);
	expect_out(&p,
		   "head -n 1 /etc/passwd | cut -d: -f1; stat -c '%a %u' /etc/passwd; tail -n 1 /etc/passwd; getent passwd 4001 | cut -d: -f1; "
		   "stat -c %a /etc/made/by/appending; cat /etc/made/by/appending",
		   "root\n644 0\nplanted:x:4001:4001::/home/planted:/bin/sh\nplanted\n640\nalone\n");
	expect_tree(&p, "true", "");
	p.spec.files = &device;
	p.spec.file_count = 1;
	help_shell(&p, "true");
	assert_int_equal(hm_chamber_open(&c, &p.spec, &fail), HM_E_SYSTEM);
	help_leave(&p);
}

static void machine_is_as_planted(void **state HM_UNUSED)
{
	static const char *const bystanders[] = { "/usr/sbin/dnsmasq", "/usr/sbin/openvpn", NULL };
	static const struct hm_chamber_disk_spec disks[] = { { "/dev/sdc1", "/media/backup" } };
	struct place p;

	help_place(&p, "/var/tmp");
	p.spec.boot_id = "01234567-89ab-4def-8123-456789abcdef";
	p.spec.bystanders = bystanders;
	p.spec.disks = disks;
	p.spec.disk_count = 1;
	expect_out(&p, "cat /proc/sys/kernel/random/boot_id; cat /proc/[23]/comm; tr '\\0' '\\n' </proc/2/cmdline | head -n 1; "
		       "grep -h CapEff /proc/2/status /proc/self/status | uniq | wc -l; grep -o '^/dev/sdc1 /media/backup tmpfs ro' /proc/mounts; "
		       "touch /media/backup/x 2>/dev/null || echo refused; echo $$",
		   "01234567-89ab-4def-8123-456789abcdef\ndnsmasq\nopenvpn\n/usr/sbin/dnsmasq\n1\n"
		   "/dev/sdc1 /media/backup tmpfs ro\nrefused\n4\n");
	expect_tree(&p, "true", "");
	help_leave(&p);
}

static void machines_that_are_none_are_refused(void **state HM_UNUSED)
{
	static const char *const boot_ids[] = { "", "x", "01234567-89AB-4def-8123-456789abcdef", "01234567-89ab-4def-8123-456789abcdef0",
						"0123456789ab4def8123456789abcdef" };
	static const char *const relative[] = { "dnsmasq", NULL }, *const none[] = { NULL };
	static const struct hm_chamber_disk_spec up = { "/dev/sdc1", "/media/../etc" }, nowhere = { "sdc1", "/media" };
	struct hm_chamber *c = NULL;
	struct hm_fail fail = { 0 };
	struct place p;

	help_place(&p, "/var/tmp");
	help_shell(&p, "true");
	for (size_t i = 0; i < HM_COUNT(boot_ids); i++) {
		p.spec.boot_id = boot_ids[i];
		assert_int_equal(hm_chamber_open(&c, &p.spec, &fail), HM_E_USAGE);
	}
	p.spec.boot_id = NULL;
	p.spec.bystanders = relative;
	assert_int_equal(hm_chamber_open(&c, &p.spec, &fail), HM_E_USAGE);
	p.spec.bystanders = none;
	p.spec.disk_count = 1;
	p.spec.disks = &up;
	assert_int_equal(hm_chamber_open(&c, &p.spec, &fail), HM_E_USAGE);
	p.spec.disks = &nowhere;
	assert_int_equal(hm_chamber_open(&c, &p.spec, &fail), HM_E_USAGE);
	help_leave(&p);
}

static void tree_is_exactly_the_writes(void **state HM_UNUSED)
{
	struct place p;

	help_place(&p, "/var/tmp");
	expect_tree(&p, "cat /etc/passwd >/dev/null; ls -R /etc >/dev/null", "");
	expect_tree(&p,
		    "echo a >/tmp/a.b; mkdir /tmp/a; echo b >/tmp/a/b; ln -s /tmp/a /tmp/l; mkfifo /run/p; rm "
		    "/etc/debian_version; echo >>/etc/passwd; "
		    "echo s >/dev/shm/s; mkdir -p /var/lib/product/db; chmod 700 /srv; touch -d 2001-01-01 /var/lib",
		    "f /dev/shm/s\nw /etc/debian_version\nf /etc/passwd\np /run/p\nd /srv\nd /tmp/a\nf /tmp/a.b\nf "
		    "/tmp/a/b\nl /tmp/l\n"
		    "d /var/lib/product\nd /var/lib/product/db\n");
	help_leave(&p);
}

static void tree_tells_changes_of_planted_files(void **state HM_UNUSED)
{
	struct place p;

	help_place(&p, "/var/tmp");
	expect_tree(&p, "rm " PROBE "; chmod 600 /etc/hosts; echo other >/etc/machine-id; rmdir /run/lock",
		    "f /etc/hosts\nf /etc/machine-id\nw /run/lock\nw " PROBE "\n");
	/* the same content in another file, and content of the same size with its times put back */
	expect_tree(&p,
		    "cp -p /etc/hosts /tmp/h; mv /tmp/h /etc/hosts; touch -r /etc/hostname /tmp/t; echo WS-0a1b2c "
		    ">/etc/hostname; "
		    "touch -r /tmp/t /etc/hostname; rm /tmp/t",
		    "f /etc/hostname\nf /etc/hosts\n");
	help_leave(&p);
}

/* What a run gives to files beside their content; what every file has of when it was written is nothing. */
static void tree_tells_attributes(void **state HM_UNUSED)
{
	struct place p;

	help_place(&p, "/var/tmp");
	help_more = true;
	expect_tree(&p,
		    "cd /tmp; echo a >plain; echo a >old; touch -d 2001-02-03T04:05:06.7Z old; echo a >later; touch -d 2101-01-01T00:00:00Z later; "
		    "python3 -c \"import os; open('x', 'w'); os.setxattr('x', 'user.b', b'\\x01\\x02'); os.setxattr('x', 'user.a =', b''); "
		    "os.setxattr('x', 'user.long', bytes(500)); os.mkdir('d'); os.setxattr('d', 'user.d', b'd'); os.removexattr('x', 'user.long')\"",
		    "d /tmp/d\nuser.d=64\nf /tmp/later\n@modified=4133980800.000000000\nf /tmp/old\n@modified=981173106.700000000\nf /tmp/plain\nf /tmp/x\n"
		    "user.a%20%3D=\nuser.b=0102\n");
	help_more = false;
	help_leave(&p);
}

/* /etc/alternatives is on every Debian, and full of links. */
static void tree_tells_folders_made_anew(void **state HM_UNUSED)
{
	HM_CLEANUP(help_release) struct run r = { 0 };
	struct place p;

	help_place(&p, "/var/tmp");
	help_shell(&p, "rm -rf /etc/alternatives; mkdir /etc/alternatives; echo >/etc/alternatives/awk");
	help_run(&p, 20, &r);
	assert_non_null(strstr(help_text(&r.tree), "d /etc/alternatives\n"));
	assert_non_null(strstr(help_text(&r.tree), "f /etc/alternatives/awk\n"));
	assert_null(strstr(help_text(&r.tree), "w /etc/alternatives/awk\n"));
	assert_non_null(strstr(help_text(&r.tree), "w /etc/alternatives/pager\n"));
	help_leave(&p);
}

/* Deeper than any path is long; the walk and the removal have to get through. */
static void deep_folders_are_read_and_removed(void **state HM_UNUSED)
{
	HM_CLEANUP(help_release) struct run r = { 0 };
	struct place p;

	help_place(&p, "/var/tmp");
	help_probe(&p, "deep");
	help_run(&p, 60, &r);
	assert_int_equal(r.result.status, 0);
	assert_non_null(strstr(help_text(&r.tree), "/bottom\n"));
	help_leave(&p);
}

static int deep(void)
{
	char name[201];

	memset(name, 'n', sizeof(name) - 1);
	name[200] = 0;
	if (chdir("/tmp") < 0)
		return 1;
	for (int i = 0; i < 100; i++)
		if (mkdir(name, 0700) < 0 || chdir(name) < 0)
			return 1;
	return close(open("bottom", O_WRONLY | O_CREAT, 0600)) < 0;
}

static void sockets_of_the_host_are_deaf(void **state HM_UNUSED)
{
	HM_CLOSE int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/var/lib/hm-chamber-test.socket" };
	HM_CLEANUP(help_release) struct run r = { 0 };
	struct place p;

	help_place(&p, "/var/tmp");
	unlink(address.sun_path);
	assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	assert_int_equal(listen(fd, 1), 0);
	help_probe(&p, "socket");
	help_run(&p, 20, &r);
	unlink(address.sun_path);
	assert_int_equal(r.result.status, ECONNREFUSED);
	help_leave(&p);
}

static int connect_to_host(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = "/var/lib/hm-chamber-test.socket" };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	return connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0 ? 0 : errno;
}

static void ends_are_told_apart(void **state HM_UNUSED)
{
	static const struct {
		const char *script;
		double limit;
		int outcome, status;
	} cases[] = {
		{ "exit 3", 20, HM_OUTCOME_EXITED, 3 },
		{ "kill -SEGV $$", 20, HM_OUTCOME_SIGNALLED, SIGSEGV },
		{ "trap '' TERM INT; while :; do sleep 1; done", 0.3, HM_OUTCOME_TIMEOUT, SIGKILL },
		/* a child that outlives it, in a session of its own, with its output closed */
		{ "(setsid sh -c 'sleep 1000 & sleep 1000' >/dev/null 2>&1 &); exit 4", 20, HM_OUTCOME_EXITED, 4 },
	};
	struct place p;

	help_place(&p, "/var/tmp");
	for (size_t i = 0; i < HM_COUNT(cases); i++) {
		HM_CLEANUP(help_release) struct run r = { 0 };

		help_shell(&p, cases[i].script);
		help_run(&p, cases[i].limit, &r);
		assert_int_equal(r.result.outcome, cases[i].outcome);
		assert_int_equal(r.result.status, cases[i].status);
	}
	help_leave(&p);
}

static void what_cannot_run_is_told(void **state HM_UNUSED)
{
	static const struct {
		const char *command, *in, *text;
	} cases[] = {
		{ "/no/such/program", NULL, "running /no/such/program: No such file" },
		{ "no-such-program", NULL, "running no-such-program: No such file" },
		{ "/etc/passwd", NULL, "running /etc/passwd: Permission denied" },
		{ TARGET "/letter.txt", NULL, "running " TARGET "/letter.txt: Permission denied" },
		{ "/bin/true", "/no/such/input", "opening /no/such/input as standard input: No such file" },
	};
	struct place p;

	help_place(&p, "/var/tmp");
	for (size_t i = 0; i < HM_COUNT(cases); i++) {
		struct hm_chamber *c;
		struct hm_fail fail = { 0 };
		int out = -1, err = -1;

		p.argv[0] = cases[i].command;
		p.argv[1] = NULL;
		p.spec.stdin_path = cases[i].in;
		c = help_open(&p);
		assert_int_equal(hm_chamber_go(c, &out, &err, &fail), HM_E_SYSTEM);
		assert_non_null(strstr(fail.text, cases[i].text));
		hm_chamber_close(c);
	}
	help_leave(&p);
}

static void malformed_specs_are_refused(void **state HM_UNUSED)
{
	struct place p;
	struct hm_chamber *c = NULL;
	struct hm_fail fail;
	const char *none[] = { NULL };

	help_place(&p, "/var/tmp");
	help_shell(&p, "true");
#define REFUSED(member, value)                                                                                         \
	do {                                                                                                           \
		struct hm_chamber_spec spec = p.spec;                                                                  \
		spec.member = value;                                                                                   \
		assert_int_equal(hm_chamber_open(&c, &spec, &fail), HM_E_USAGE);                                       \
		assert_null(c);                                                                                        \
	} while (0)
	REFUSED(name, "../evil");
	REFUSED(name, "");
	REFUSED(name, "-x");
	REFUSED(hostname, "a b");
	REFUSED(hostname, NULL);
	REFUSED(machine_id, "0123");
	REFUSED(machine_id, "0123456789AB4DEF8123456789ABCDEF");
	REFUSED(target, "relative");
	REFUSED(target, "/");
	REFUSED(target, "/home/../etc");
	REFUSED(target, "/home//x");
	REFUSED(target, "/proc/x");
	REFUSED(target, "/dev/shm/x");
	REFUSED(target_from, NULL);
	REFUSED(argv, none);
#undef REFUSED
	p.spec.work = "/no/such/folder";
	assert_int_equal(hm_chamber_open(&c, &p.spec, &fail), HM_E_SYSTEM);
	help_leave(&p);
}

static void names_are_taken_once(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 };
	struct hm_chamber *c, *second = NULL;
	struct hm_fail fail = { 0 };
	struct place p;

	help_place(&p, "/var/tmp");
	help_shell(&p, "true");
	c = help_open(&p);
	assert_int_equal(hm_chamber_open(&second, &p.spec, &fail), HM_E_SYSTEM);
	assert_non_null(strstr(fail.text, "another run has this name"));
	/* and the sweep leaves a living run alone, as the failed attempt must have */
	assert_int_equal(hm_chamber_sweep(p.work, &said, &fail), 0);
	assert_null(strstr(help_text(&said), p.name));
	{
		HM_CLEANUP(help_release) struct run r = { 0 };
		int out, err;

		assert_int_equal(hm_chamber_go(c, &out, &err, &fail), 0);
		help_follow(c, out, err, 20, &r);
		assert_int_equal(r.result.status, 0);
	}
	hm_chamber_close(c);
	help_leave(&p);
}

/* In a mount namespace of the test's own: file systems below the root, in each other's way and with hard names. */
static void mount_things(const char *at)
{
	HM_FREE char *disk = hm_sprintf("%s/a disk", at), *hard = hm_sprintf("%s/a,b:c\\d", at),
		     *file = hm_sprintf("%s/file", at);
	HM_FREE char *memory = hm_sprintf("%s/memory", at), *within = hm_sprintf("%s/memory/within", at),
		     *covered = hm_sprintf("%s/covered", at);
	HM_FREE char *note = hm_sprintf("%s/note", disk), *hard_note = hm_sprintf("%s/note", hard);
	const char *folders[] = { disk, hard, memory, covered };

	for (size_t i = 0; i < HM_COUNT(folders); i++)
		assert_int_equal(mkdir(folders[i], 0755), 0);
	help_write(file, "below\n");
	help_write(note, "disk\n");
	help_write(hard_note, "hard\n");
	assert_int_equal(unshare(CLONE_NEWNS), 0);
	assert_int_equal(mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL), 0);
	assert_int_equal(mount(disk, disk, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount(NULL, disk, NULL, MS_REMOUNT | MS_BIND | MS_NOEXEC, NULL), 0);
	assert_int_equal(mount(hard, hard, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount("/etc/passwd", file, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount("none", memory, "tmpfs", 0, NULL), 0);
	assert_int_equal(mkdir(within, 0755), 0);
	assert_int_equal(mount(disk, within, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount(hard, covered, NULL, MS_BIND, NULL), 0);
	assert_int_equal(mount(disk, covered, NULL, MS_BIND, NULL), 0);
}

static void mounts_inside(void **state HM_UNUSED)
{
	static const char base[] = "/var/lib/hm-chamber-mounts";
	HM_CLEANUP(help_release) struct run r = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes absent = { 0 };
	struct hm_fail fail = { 0 };
	struct hm_chamber *c;
	struct place p;
	int out, err;

	help_place(&p, "/var/tmp");
	mount_things(base);
	help_shell(&p, "cd /var/lib/hm-chamber-mounts; cat 'a disk/note' 'a,b:c\\d/note' covered/note file; ls memory; "
		       "cp /bin/true 'a disk/t'; 'a disk/t' 2>/dev/null || echo noexec; echo x >'a,b:c\\d/new'; rm "
		       "covered/note; rm 'a disk/t'");
	c = help_open(&p);
	hm_chamber_absent(c, &absent);
	assert_int_equal(hm_chamber_go(c, &out, &err, &fail), 0);
	help_follow(c, out, err, 20, &r);
	hm_chamber_close(c);
	assert_string_equal(help_text(&r.err), "");
	assert_string_equal(help_text(&r.out), "disk\nhard\ndisk\nbelow\nnoexec\n");
	assert_string_equal(help_text(&r.tree),
			    "f /var/lib/hm-chamber-mounts/a,b:c\\d/new\nw /var/lib/hm-chamber-mounts/covered/note\n");
	assert_non_null(strstr(help_text(&absent), "tmpfs /var/lib/hm-chamber-mounts/memory\n"));
	assert_non_null(strstr(help_text(&absent), "/var/lib/hm-chamber-mounts/file: a mount on a single file\n"));
	assert_non_null(strstr(help_text(&absent), "/var/lib/hm-chamber-mounts/memory/within: putting a mount"));
	help_leave(&p);
}

static void every_disk_gets_a_layer(void **state HM_UNUSED)
{
	static const char base[] = "/var/lib/hm-chamber-mounts";
	struct hm_fail fail;
	pid_t pid;
	int status;

	if (geteuid() != 0) {
		print_message("skipped: a chamber needs root\n");
		skip();
	}
	assert_int_equal(hm_fs_remove_tree(base, &fail), 0);
	assert_int_equal(mkdir(base, 0755), 0);
	pid = fork();
	if (pid == 0) {
		/* its own process, since a namespace cannot be left; a failed assertion ends it otherwise than by 0 */
		const struct CMUnitTest inner[] = { cmocka_unit_test(mounts_inside) };

		fflush(stdout);
		dup2(2, 1); /* its report is no part of ours */
		_exit(cmocka_run_group_tests(inner, NULL, NULL));
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(hm_fs_remove_tree(base, &fail), 0);
	assert_int_equal(status, 0);
}

static void image_stands_in_for_a_disk(void **state HM_UNUSED)
{
	struct place p;

	help_place(&p, "/dev/shm");
	if (access("/dev/loop-control", W_OK) < 0 || access("/usr/sbin/mkfs.ext4", X_OK) < 0) {
		print_message("skipped: no loop devices or no mkfs.ext4\n");
		help_leave(&p);
		skip();
	}
	expect_out(&p, "echo x >/etc/passwd; cat /etc/passwd; cat " TARGET "/letter.txt", "x\nUK SECRET\n");
	expect_tree(&p, "echo y >/etc/new; rm /etc/passwd", "f /etc/new\nw /etc/passwd\n");
	help_leave(&p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_grow_by_what_is_appended),
		cmocka_unit_test(machine_is_as_planted),
		cmocka_unit_test(machines_that_are_none_are_refused),
		cmocka_unit_test(identity_is_planted),          cmocka_unit_test(boot_id_is_planted),
		cmocka_unit_test(surroundings_are_plain),       cmocka_unit_test(host_is_out_of_sight),
		cmocka_unit_test(host_is_not_written),          cmocka_unit_test(target_is_read_only),
		cmocka_unit_test(standard_input_is_given),      cmocka_unit_test(planted_files_replace_links),
		cmocka_unit_test(tree_is_exactly_the_writes),   cmocka_unit_test(tree_tells_changes_of_planted_files), cmocka_unit_test(tree_tells_attributes),
		cmocka_unit_test(tree_tells_folders_made_anew), cmocka_unit_test(deep_folders_are_read_and_removed),
		cmocka_unit_test(sockets_of_the_host_are_deaf), cmocka_unit_test(ends_are_told_apart),
		cmocka_unit_test(what_cannot_run_is_told),      cmocka_unit_test(malformed_specs_are_refused),
		cmocka_unit_test(names_are_taken_once),         cmocka_unit_test(every_disk_gets_a_layer),
		cmocka_unit_test(image_stands_in_for_a_disk),
	};

	if (argc == 3 && strcmp(argv[1], "probe") == 0)
		return strcmp(argv[2], "deep") == 0 ? deep() : connect_to_host();
	return cmocka_run_group_tests(tests, NULL, NULL);
}
