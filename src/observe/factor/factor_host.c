/* The machine: who it is. Values of one factor have one length. */
#include "factor_internal.h"

static const struct hm_sha256 *chosen(const struct hm_factor_key *key)
{
	return &key->level[key->chosen];
}

struct hm_world_place *hm_factor_place(struct hm_world *world, char *path, mode_t mode, bool append)
{
	world->place = hm_realloc(world->place, world->place_count + 1, sizeof(*world->place));
	world->place[world->place_count] = (struct hm_world_place){ .path = path, .mode = mode, .append = append };
	return &world->place[world->place_count++];
}

int hm_factor_host_name(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	struct hm_stream s;

	memcpy(world->hostname, "ws-" L L D L L D L D, 12);
	hm_stream_open(&s, chosen(key), "name", 0);
	hm_stream_fill(&s, world->hostname);
	return 0;
}

/* 32 digits with the version and variant bits of a random UUID (RFC 9562), as machine-id(5) asks. */
static void draw_uuid(char digits[33], const struct hm_factor_key *key, const char *what)
{
	struct hm_stream s;

	hm_stream_open(&s, chosen(key), what, 0);
	for (unsigned i = 0; i < 32; i++)
		digits[i] = "0123456789abcdef"[hm_stream_below(&s, 16)];
	digits[12] = '4';
	digits[16] = "89ab"[hm_stream_below(&s, 4)];
	digits[32] = 0;
}

int hm_factor_machine_id(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	draw_uuid(world->machine_id, key, "machine-id");
	return 0;
}

int hm_factor_boot_id(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	char digits[33];

	draw_uuid(digits, key, "boot-id");
	snprintf(world->boot_id, sizeof(world->boot_id), "%.8s-%.4s-%.4s-%.4s-%.12s", digits, digits + 8, digits + 12, digits + 16,
		 digits + 20);
	return 0;
}

/* Of one length, and beside those that stand for the chamber's own in every assessment. */
void hm_factor_draw_address(char out[16], const struct hm_factor_key *key)
{
	snprintf(out, 16, "198.18.0.%u", 100 + hm_factor_pick(key, "address", 150));
}

int hm_factor_host_address(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	hm_factor_draw_address(world->address, key);
	return 0;
}

int hm_factor_mac(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	struct hm_stream s;

	hm_stream_open(&s, chosen(key), "mac", 0);
	for (unsigned i = 0; i < 6; i++)
		world->mac[i] = (uint8_t)hm_stream_below(&s, 256);
	world->mac[0] = (uint8_t)((world->mac[0] & 0xfc) | 2); /* locally administered, for one card */
	return 0;
}

#define FIRST_USER 4001 /* beyond what adduser has given out on most machines */
#define USERS 2

int hm_factor_users(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	static const char *const given[] = { "Alice", "Brian", "Clara", "David", "Edith", "Fiona", "Grace", "Harry",
					     "Irene", "James", "Kevin", "Laura", "Maria", "Peter", "Simon", "Wendy" };
	static const char *const family[] = { "barlow", "carter", "dawson", "fisher", "graham", "harris", "jordan", "knight",
					      "lawson", "mercer", "norris", "palmer", "reeves", "sutton", "turner", "watson" };
	uint32_t first = hm_factor_pick(key, "given", HM_COUNT(given)), last = hm_factor_pick(key, "family", HM_COUNT(family));

	for (unsigned i = 0; i < USERS; i++) {
		const char *name = family[(last + 5 * i) % HM_COUNT(family)], *full = given[(first + 5 * i) % HM_COUNT(given)];
		unsigned id = FIRST_USER + i;

		hm_bytes_printf(&hm_factor_place(world, hm_strdup("/etc/passwd"), 0644, true)->content,
				"%s:x:%u:%u:%s %c%s,,,:/home/%s:/bin/sh\n", name, id, id, full, name[0] - 'a' + 'A', name + 1, name);
		hm_bytes_printf(&hm_factor_place(world, hm_strdup("/etc/group"), 0644, true)->content, "%s:x:%u:\n", name, id);
		hm_bytes_printf(&hm_factor_place(world, hm_strdup("/etc/shadow"), 0640, true)->content, "%s:!:19857:0:99999:7:::\n",
				name);
		hm_bytes_text(&hm_factor_place(world, hm_sprintf("/home/%s/.profile", name), 0644, false)->content, "umask 022\n");
	}
	return 0;
}

/* Forms of one language: where one of them is installed, messages are the same words. Perl would warn of one that is not.
 * The time zone is told by its file alone. */
int hm_factor_locale(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	static const char *const countries[] = { "AU", "BW", "CA", "GB", "HK", "IE", "IN", "NZ", "PH", "SG", "US", "ZA" };
	static const char *const plain[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root",
					     "USER=root", "LOGNAME=root", "SHELL=/bin/sh", "TERM=dumb", "PERL_BADLANG=0" };
	const char *country = countries[hm_factor_pick(key, "country", HM_COUNT(countries))];

	for (size_t i = 0; i < HM_COUNT(plain); i++)
		world->env[i] = hm_strdup(plain[i]);
	world->env[HM_COUNT(plain)] = hm_sprintf("LANG=en_%s.UTF-8", country);
	hm_bytes_printf(&hm_factor_place(world, hm_strdup("/etc/default/locale"), 0644, false)->content, "LANG=en_%s.UTF-8\n",
			country);
	return 0;
}

static void be32(struct hm_bytes *out, uint32_t v)
{
	for (int shift = 24; shift >= 0; shift -= 8)
		hm_bytes_u8(out, (uint8_t)(v >> shift));
}

/* A time zone file (RFC 8536) without transitions: the old block, the new one, and the rule in words. */
static void write_zone(struct hm_bytes *out, const char *name, int32_t east, const char *rule)
{
	for (int block = 0; block < 2; block++) {
		hm_bytes_append(out, "TZif2\0\0\0\0\0\0\0\0\0\0\0\0\0\0", 20);
		be32(out, 0); /* no indicators of UT, */
		be32(out, 0); /* of standard time, */
		be32(out, 0); /* no leap seconds, */
		be32(out, 0); /* no transitions, */
		be32(out, 1); /* one type */
		be32(out, (uint32_t)strlen(name) + 1);
		be32(out, (uint32_t)east);
		hm_bytes_u8(out, 0);
		hm_bytes_u8(out, 0);
		hm_bytes_append(out, name, strlen(name) + 1);
	}
	hm_bytes_printf(out, "\n%s\n", rule);
}

/* Without summer time, and as today's database has them. */
int hm_factor_timezone(struct hm_world *world, const struct hm_factor_key *key, struct hm_fail *fail HM_UNUSED)
{
	static const struct {
		const char *zone, *name;
		int32_t east;
		const char *rule;
	} zones[] = {
		{ "Asia/Dhaka", "+06", 21600, "<+06>-6" },  { "Asia/Dubai", "+04", 14400, "<+04>-4" },
		{ "Asia/Macau", "CST", 28800, "CST-8" },    { "Asia/Qatar", "+03", 10800, "<+03>-3" },
		{ "Asia/Seoul", "KST", 32400, "KST-9" },    { "Asia/Tokyo", "JST", 32400, "JST-9" },
		{ "Asia/Kabul", "+0430", 16200, "<+0430>-4:30" },
	};
	uint32_t i = hm_factor_pick(key, "zone", HM_COUNT(zones));

	hm_bytes_printf(&hm_factor_place(world, hm_strdup("/etc/timezone"), 0644, false)->content, "%s\n", zones[i].zone);
	write_zone(&hm_factor_place(world, hm_strdup("/etc/localtime"), 0644, false)->content, zones[i].name, zones[i].east,
		   zones[i].rule);
	return 0;
}
