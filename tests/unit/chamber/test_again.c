/* A chamber that begins with what another one left: files, deletions, folders made anew and what was planted are as they were; what the
 * tree tells is what has changed since; and of both nothing stays, also when the second one cannot be. */
#include "chamber_help.h"

#include <signal.h>
#include <sys/wait.h>

#define NAME_LEN 64

static const char first[] = "mkdir /var/lib/hm-again; echo kept >/var/lib/hm-again/state; chmod 640 /var/lib/hm-again/state; rm /etc/debian_version; "
			    "rm -rf /etc/skel; mkdir /etc/skel; echo mine >/etc/skel/mine; echo more >>/etc/hosts; echo t >/tmp/t; echo s >/dev/shm/s";

static const char second[] = "cat /var/lib/hm-again/state /tmp/t /dev/shm/s; stat -c %a /var/lib/hm-again/state; ls /etc/debian_version 2>/dev/null; "
			     "ls -A /etc/skel; grep -c more /etc/hosts; grep -c appended /etc/hm-appended; hostname; cat " TARGET "/letter.txt; "
			     "echo new >/var/lib/hm-again/new";

static struct hm_chamber *left_by(struct place *p, const char *script, struct run *r)
{
	struct hm_chamber *c;
	struct hm_fail fail;
	int out, err;

	help_shell(p, script);
	c = help_open(p);
	memset(r, 0, sizeof(*r));
	if (hm_chamber_go(c, &out, &err, &fail) < 0)
		fail_msg("%s", fail.text);
	help_follow(c, out, err, 20, r);
	return c;
}

/* The place's next chamber has another name and other documents. */
static void move_on(struct place *p, struct hm_chamber *after, char name[NAME_LEN])
{
	HM_FREE char *folder = hm_sprintf("%s/documents-2", p->base), *letter = hm_sprintf("%s/letter.txt", folder);
	static char documents[300];

	snprintf(documents, sizeof(documents), "%s", folder);
	snprintf(name, NAME_LEN, "%s-2", p->name);
	if (mkdir(folder, 0755) == 0)
		help_write(letter, "another\n");
	p->spec.name = name;
	p->spec.target_from = documents;
	p->spec.after = after;
}

static void what_was_left_is_there(void **state HM_UNUSED)
{
	static const struct hm_chamber_file appended = { "/etc/hm-appended", { (const uint8_t *)"appended\n", 9 }, 0644, true };
	HM_CLEANUP(help_release) struct run one = { 0 }, two = { 0 };
	char name[NAME_LEN], group[256];
	struct place p;

	help_place(&p, "/var/tmp");
	p.spec.files = &appended;
	move_on(&p, left_by(&p, first, &one), name);
	hm_chamber_close(left_by(&p, second, &two));
	assert_string_equal(help_text(&two.err), "");
	assert_string_equal(help_text(&two.out), "kept\nt\ns\n640\nmine\n1\n1\n" HOSTNAME "\nanother\n");
	assert_non_null(strstr(help_text(&one.tree), "f /var/lib/hm-again/state\n"));
	assert_string_equal(help_text(&two.tree), "f /var/lib/hm-again/new\n");
	for (int i = 0; i < 2; i++) {
		help_group(group, i ? name : p.name);
		assert_string_equal(group, "");
	}
	help_leave(&p);
}

/* A process forked meanwhile, like the next run's guardian before its first turn, has copies of all descriptors, locks among them. */
static void copies_hold_nothing(void **state HM_UNUSED)
{
	HM_CLEANUP(help_release) struct run one = { 0 };
	struct hm_chamber *c;
	char group[256];
	struct place p;
	pid_t child;

	help_place(&p, "/var/tmp");
	c = left_by(&p, "true", &one);
	child = fork();
	if (child == 0)
		for (;;)
			pause();
	assert_true(child > 0);
	hm_chamber_close(c);
	help_group(group, p.name);
	kill(child, SIGKILL);
	assert_int_equal(waitpid(child, NULL, 0), child);
	assert_string_equal(group, "");
	help_leave(&p);
}

static void three_in_a_row(void **state HM_UNUSED)
{
	HM_CLEANUP(help_release) struct run one = { 0 }, two = { 0 }, three = { 0 };
	char name[NAME_LEN], last[NAME_LEN];
	struct hm_chamber *c;
	struct place p;

	help_place(&p, "/var/tmp");
	move_on(&p, left_by(&p, "echo 1 >/var/lib/hm-count", &one), name);
	c = left_by(&p, "echo 2 >>/var/lib/hm-count; rm -rf /etc/skel", &two);
	move_on(&p, c, last);
	snprintf(last, sizeof(last), "%s-3", p.name);
	hm_chamber_close(left_by(&p, "cat /var/lib/hm-count; ls -d /etc/skel 2>/dev/null; rm /var/lib/hm-count", &three));
	assert_string_equal(help_text(&three.out), "1\n2\n");
	assert_string_equal(help_text(&three.tree), "w /var/lib/hm-count\n");
	help_leave(&p);
}

static void one_that_cannot_be_leaves_nothing(void **state HM_UNUSED)
{
	HM_CLEANUP(help_release) struct run one = { 0 };
	char name[NAME_LEN];
	struct hm_chamber *c = NULL;
	struct hm_fail fail;
	struct place p;

	help_place(&p, "/var/tmp");
	move_on(&p, left_by(&p, first, &one), name);
	p.spec.hostname = "-";
	assert_int_equal(hm_chamber_open(&c, &p.spec, &fail), HM_E_USAGE);
	assert_null(c);
	help_leave(&p);

	help_place(&p, "/var/tmp");
	help_release(&one);
	move_on(&p, left_by(&p, first, &one), name);
	p.spec.work = p.spec.target_from; /* another work folder */
	assert_int_equal(hm_chamber_open(&c, &p.spec, &fail), HM_E_USAGE);
	help_leave(&p);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_was_left_is_there),
		cmocka_unit_test(copies_hold_nothing),
		cmocka_unit_test(three_in_a_row),
		cmocka_unit_test(one_that_cannot_be_leaves_nothing),
	};

	if (argc > 1)
		return 2; /* no probe: everything here is asked by the shell */
	(void)argv;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
