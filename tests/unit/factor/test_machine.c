/* The machine of a world, read back by a program in the chamber. */
#include "factor_help.h"

#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../chamber/chamber_help.h"
#include "world.h"

/* One line for each factor that the chamber applies, and one for each document. */
static const char script[] =
	"hostname; hostname | cmp - /etc/hostname; cat /etc/machine-id /proc/sys/kernel/random/boot_id\n"
	"getent passwd 4001 4002 | cut -d: -f1,5; getent group 4001 4002 | cut -d: -f1; cat $(getent passwd 4001 4002 | cut -d: -f6 | sed s,$,/.profile,); tail -n 2 /etc/shadow\n"
	"echo $LANG; cat /etc/default/locale; date -d @0 +%H:%M; cat /etc/timezone; readlink /etc/localtime\n"
	"dpkg-query -W -f '${Package} ${Version} ${db:Status-Abbrev}\\n' '*-office'; dpkg-query -S /etc/*-office.conf\n"
	"cat /proc/2/comm /proc/3/comm; grep ' /media/' /proc/mounts | cut -d' ' -f1-3\n"
	"cd " TARGET "; find . -type f | LC_ALL=C sort | while read -r f; do stat -c '%n %s %a %u %g %Y' $f; done\n"
	"getent passwd 0 | cut -d: -f1; dpkg-query -W -f '${db:Status-Abbrev}\\n' dpkg\n";

static void expected(struct hm_bytes *out, const struct hm_world *w)
{
	static const struct {
		const char *zone, *epoch;
	} zones[] = { { "Asia/Dhaka", "06:00" }, { "Asia/Dubai", "04:00" }, { "Asia/Macau", "08:00" }, { "Asia/Qatar", "03:00" },
		      { "Asia/Seoul", "09:00" }, { "Asia/Tokyo", "09:00" }, { "Asia/Kabul", "04:30" } };
	const char *lang = w->env[7] + 5, *user[2], *package[2], *zone = NULL;
	unsigned users = 0, packages = 0;

	hm_bytes_printf(out, "%s\n%s\n%s\n", w->hostname, w->machine_id, w->boot_id);
	for (size_t i = 0; i < w->place_count; i++) {
		const struct hm_world_place *p = &w->place[i];

		if (strncmp(p->path, "/home/", 6) == 0)
			user[users++] = p->path + 6;
		if (strncmp(p->path, "/var/lib/dpkg/info/", 19) == 0)
			package[packages++] = p->path + 19;
		if (strcmp(p->path, "/etc/timezone") == 0)
			zone = (const char *)p->content.data;
	}
	for (size_t i = 0; i < w->place_count; i++)
		if (strcmp(w->place[i].path, "/etc/passwd") == 0) {
			HM_FREE char *line = hm_slice_dup(hm_slice_of(&w->place[i].content));
			char *gecos = strchr(strchr(strchr(strchr(line, ':') + 1, ':') + 1, ':') + 1, ':') + 1;

			hm_bytes_printf(out, "%.6s:%.*s\n", line, (int)strcspn(gecos, ":"), gecos);
		}
	hm_bytes_printf(out, "%.6s\n%.6s\numask 022\numask 022\n%.6s:!:19857:0:99999:7:::\n%.6s:!:19857:0:99999:7:::\n", user[0], user[1], user[0], user[1]);
	hm_bytes_printf(out, "%s\nLANG=%s\n", lang, lang);
	for (size_t i = 0; i < HM_COUNT(zones); i++)
		if (strncmp(zone, zones[i].zone, 10) == 0)
			hm_bytes_printf(out, "%s\n%s\n", zones[i].epoch, zones[i].zone);
	if (strcmp(package[0], package[1]) > 0) {
		const char *kept = package[0];

		package[0] = package[1];
		package[1] = kept;
	}
	for (unsigned i = 0; i < 2; i++)
		hm_bytes_printf(out, "%.15s 1.4-2 ii \n", package[i]);
	for (unsigned i = 0; i < 2; i++)
		hm_bytes_printf(out, "%.15s: /etc/%.15s.conf\n", package[i], package[i]);
	hm_bytes_printf(out, "%s\n%s\n%s %s tmpfs\n", w->process[0] + 10, w->process[1] + 10, w->disk[0].source, w->disk[0].point);
	for (size_t i = 0; i < w->file_count; i++)
		hm_bytes_printf(out, "./%s %zu %o %u %u %lld\n", w->file[i].path, w->file[i].content.len, w->file[i].mode, w->file[i].uid,
				w->file[i].gid, (long long)w->file[i].mtime.tv_sec);
	hm_bytes_text(out, "root\nii \n");
}

static void run_in(struct hm_world *world)
{
	HM_CLEANUP(hm_world_files_release) struct hm_world_files files = { 0 };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes wanted = { 0 };
	HM_CLEANUP(help_release) struct run r = { 0 };
	struct hm_run_spec spec = { 0 };
	struct hm_fail fail = { 0 };
	struct place p;
	HM_FREE char *home = NULL;

	help_place(&p, "/var/tmp");
	home = hm_sprintf("%s/letter.txt", p.documents);
	assert_int_equal(unlink(home), 0);
	if (hm_factor_write(world, p.documents, &fail) < 0)
		fail_msg("%s", fail.text);
	spec.chamber = p.spec;
	hm_world_apply(&spec, world, &files);
	p.spec = spec.chamber;
	help_shell(&p, script);
	help_run(&p, 30, &r);
	expected(&wanted, world);
	assert_string_equal(help_text(&r.err), "");
	assert_string_equal(help_text(&r.out), help_text(&wanted));
	assert_string_equal(help_text(&r.tree), "");
	help_leave(&p);
}

static void the_machine_is_the_worlds(void **state HM_UNUSED)
{
	for (unsigned level = 0; level < 2; level++) {
		HM_CLEANUP(hm_factor_release) struct hm_world *world = NULL;
		struct hm_factor_choice choice[64] = { 0 };
		struct hm_fail fail = { 0 };

		for (size_t i = 0; i < hm_factor_count; i++)
			choice[i] = (struct hm_factor_choice){ hm_factors[i].cannot ? 0 : level, 3 };
		assert_int_equal(hm_factor_world(&world, seed, "screen", choice, &fail), 0);
		run_in(world);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_machine_is_the_worlds),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
