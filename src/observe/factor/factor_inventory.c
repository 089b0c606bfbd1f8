/* What is on the machine. Names of one kind have one length. */
#include "factor_internal.h"

#define PACKAGES 2
#define PROCESSES 2

/* No distribution has packages of these names, so that none is there twice. */
static void add_package(struct hm_world *world, const char *name)
{
	hm_bytes_printf(&hm_factor_place(world, hm_strdup("/var/lib/dpkg/status"), 0644, true)->content,
			"\nPackage: %s-office\nStatus: install ok installed\nPriority: optional\nSection: misc\nInstalled-Size: 48\n"
			"Maintainer: Records Office <packages@department.example>\nArchitecture: all\nVersion: 1.4-2\n"
			"Description: settings of %s for the department\n\n",
			name, name);
	hm_bytes_printf(&hm_factor_place(world, hm_sprintf("/var/lib/dpkg/info/%s-office.list", name), 0644, false)->content,
			"/.\n/etc\n/etc/%s-office.conf\n", name);
	hm_bytes_text(&hm_factor_place(world, hm_sprintf("/etc/%s-office.conf", name), 0644, false)->content, "profile = office\n");
}

int hm_factor_packages(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	static const char *const names[] = { "audacity", "chromium", "geogebra", "gnumeric", "inkscape", "kdenlive",
					     "keepassx", "kmymoney", "openscad", "qtractor", "quiterss", "shotwell" };
	uint32_t first = hm_factor_pick(key, "package", HM_COUNT(names));

	for (uint32_t i = 0; i < PACKAGES; i++)
		add_package(world, names[(first + 5 * i) % HM_COUNT(names)]);
	return 0;
}

int hm_factor_processes(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	static const char *const names[] = { "apache2", "chronyd", "dnsmasq", "dovecot", "openvpn", "postfix", "proftpd", "unbound" };
	uint32_t first = hm_factor_pick(key, "process", HM_COUNT(names));

	for (uint32_t i = 0; i < PROCESSES; i++)
		world->process[i] = hm_sprintf("/usr/sbin/%s", names[(first + 3 * i) % HM_COUNT(names)]);
	return 0;
}

int hm_factor_mounts(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	static const char *const labels[] = { "backup", "castle", "legacy", "mirror", "office", "photos", "spring", "stick2" };

	world->disk[0].source = hm_sprintf("/dev/sd%c1", 'b' + (int)hm_factor_pick(key, "device", 8));
	world->disk[0].point = hm_sprintf("/media/%s", labels[hm_factor_pick(key, "label", HM_COUNT(labels))]);
	return 0;
}
