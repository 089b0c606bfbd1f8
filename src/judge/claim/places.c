/* Places of the file system as data, and patterns. The tables are part of the semantics: findings depend on them, and
 * doc/format/findings.md lists them. */
#include "claim_internal.h"

#define PLACES(name, ...)                                                                                                 \
	static const char *const name##_rows[] = { __VA_ARGS__ };                                                        \
	const struct hm_places hm_places_##name = { name##_rows, HM_COUNT(name##_rows) }

/* The system's libraries and settings: code and data that packages install for every program, and settings without which
 * the C library, a resolver, TLS, a shell or an interpreter does not start. Not here: machine-id, hostname, shadow, other
 * users' homes, logs, mounts. Listing a folder of the system's tells no more than its package list. {pid} is any process
 * but the chamber's first: in the chamber those are the product's own. */
PLACES(system,
       "/", "/usr", "/usr/*", "/usr/lib/**", "/usr/lib32/**", "/usr/lib64/**", "/usr/libx32/**", "/usr/libexec/**",
       "/usr/bin/**", "/usr/sbin/**", "/usr/share/**", "/usr/local/lib/**", "/usr/local/share/**", "/usr/local/bin", "/usr/local/sbin",
       "/etc", "/etc/ld.so.cache", "/etc/ld.so.preload", "/etc/ld.so.conf", "/etc/ld.so.conf.d/**", "/etc/nsswitch.conf",
       "/etc/passwd", "/etc/group", "/etc/host.conf", "/etc/hosts", "/etc/resolv.conf", "/etc/gai.conf", "/etc/services",
       "/etc/protocols", "/etc/networks", "/etc/rpc", "/etc/ethers", "/etc/netconfig", "/etc/localtime", "/etc/timezone",
       "/etc/locale.alias", "/etc/locale.conf", "/etc/default/locale", "/etc/ssl/**", "/etc/ca-certificates/**",
       "/etc/ca-certificates.conf", "/etc/gnutls/**", "/etc/gss/**", "/etc/krb5.conf", "/etc/pki/**", "/etc/crypto-policies/**",
       "/etc/mime.types", "/etc/magic", "/etc/magic.mime", "/etc/inputrc", "/etc/profile", "/etc/profile.d/**",
       "/etc/bash.bashrc", "/etc/environment", "/etc/login.defs", "/etc/shells", "/etc/terminfo/**", "/etc/alternatives/**",
       "/etc/python3/**", "/etc/python3.*/**", "/etc/perl/**", "/etc/os-release", "/etc/debian_version", "/etc/selinux/config",
       "/etc/apparmor/parser.conf", "/var/lib/ca-certificates/**",
       "/proc", "/proc/self", "/proc/thread-self", "/proc/{pid}/**", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/filesystems",
       "/proc/loadavg", "/proc/uptime", "/proc/version", "/proc/sys/kernel/cap_last_cap", "/proc/sys/kernel/ngroups_max",
       "/proc/sys/kernel/osrelease", "/proc/sys/kernel/pid_max", "/proc/sys/kernel/threads-max", "/proc/sys/kernel/seccomp/**",
       "/proc/sys/kernel/randomize_va_space", "/proc/sys/kernel/random/uuid", "/proc/sys/vm/overcommit_memory",
       "/proc/sys/vm/max_map_count", "/proc/sys/crypto/fips_enabled", "/proc/sys/net/core/somaxconn",
       "/proc/sys/net/ipv6/conf/all/disable_ipv6", "/proc/sys/fs/file-max", "/proc/sys/fs/nr_open",
       "/sys/devices/system/cpu/**", "/sys/devices/system/node/**", "/sys/kernel/mm/transparent_hugepage/**",
       "/sys/fs/cgroup/**",
       "/dev", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts/**");

/* Where any program may keep what it is working on. */
PLACES(temporary, "/tmp/**", "/var/tmp/**", "/run/**", "/var/run/**", "/dev/shm/**");

/* By the Filesystem Hierarchy Standard and the XDG base directories: a program's own state. */
PLACES(own, "/var/lib/{name}/**", "/var/log/{name}/**", "/var/log/{name}.log", "/var/cache/{name}/**", "/var/spool/{name}/**",
       "/root/.{name}/**", "/root/.config/{name}/**", "/root/.cache/{name}/**", "/root/.local/share/{name}/**",
       "/root/.local/state/{name}/**", "/home/*/.{name}/**", "/home/*/.config/{name}/**", "/home/*/.cache/{name}/**",
       "/home/*/.local/share/{name}/**", "/home/*/.local/state/{name}/**");

/* Keep nothing of what is written to them, or only as long as the process lives. */
PLACES(fleeting, "/proc/{pid}/**", "/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom", "/dev/tty", "/dev/ptmx", "/dev/pts/**");

/* The next component of a path or pattern, without slashes; false at the end. */
static bool component(struct hm_slice *rest, struct hm_slice *out)
{
	while (rest->len && rest->data[0] == '/') {
		rest->data++;
		rest->len--;
	}
	out->data = rest->data;
	out->len = 0;
	while (rest->len && rest->data[0] != '/') {
		rest->data++;
		rest->len--;
		out->len++;
	}
	return out->len > 0;
}

/* One component against its pattern, where * is any bytes. Goes back to the last star only, so it takes no longer than the
 * product of the lengths. */
static bool component_fits(struct hm_slice pattern, struct hm_slice text)
{
	size_t p = 0, t = 0, star = SIZE_MAX, again = 0;

	while (t < text.len) {
		if (p < pattern.len && pattern.data[p] == '*') {
			star = p++;
			again = t;
		} else if (p < pattern.len && pattern.data[p] == text.data[t]) {
			p++;
			t++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++again;
		} else {
			return false;
		}
	}
	while (p < pattern.len && pattern.data[p] == '*')
		p++;
	return p == pattern.len;
}

static bool component_relates(struct hm_slice pattern, struct hm_slice text)
{
	if (!hm_slice_eq(pattern, HM_SLICE("{pid}")))
		return component_fits(pattern, text);
	for (size_t i = 0; i < text.len; i++)
		if (text.data[i] < '0' || text.data[i] > '9')
			return false;
	return !hm_slice_eq(text, HM_SLICE("1"));
}

static char *fill_in(const char *pattern, const char *target, const char *name)
{
	const struct {
		const char *word, *text;
	} words[] = { { "{target}", target }, { "{name}", name } };
	HM_CLEANUP(hm_bytes_release) struct hm_bytes out = { 0 };

	while (*pattern) {
		size_t i = 0;

		while (i < HM_COUNT(words) && (!words[i].text || strncmp(pattern, words[i].word, strlen(words[i].word)) != 0))
			i++;
		if (i == HM_COUNT(words)) {
			hm_bytes_u8(&out, (uint8_t)*pattern++);
			continue;
		}
		hm_bytes_text(&out, words[i].text);
		pattern += strlen(words[i].word);
	}
	return hm_slice_dup(hm_slice_of(&out));
}

/* How a path stands to a pattern. */
enum relation { APART, FITS, ABOVE /* what fits stands below it */ };

static enum relation relate(const char *pattern, const char *target, const char *name, struct hm_slice path, bool folder)
{
	HM_FREE char *filled = strchr(pattern, '{') ? fill_in(pattern, target, name) : NULL;
	struct hm_slice left = hm_slice_text(filled ? filled : pattern), rest = path, want, got;

	for (;;) {
		bool more = component(&left, &want), given = component(&rest, &got);

		if (more && left.len == 0 && hm_slice_eq(want, HM_SLICE("**")))
			return given || folder ? FITS : ABOVE;
		if (!more)
			return given ? APART : FITS;
		if (!given)
			return ABOVE;
		if (!component_relates(want, got))
			return APART;
	}
}

static bool absolute(struct hm_slice path)
{
	return path.len && path.data[0] == '/';
}

bool hm_pattern_fits(const char *pattern, const char *target, const char *name, struct hm_slice path, bool folder)
{
	return absolute(path) && relate(pattern, target, name, path, folder) == FITS;
}

bool hm_pattern_below(const char *pattern, const char *target, const char *name, struct hm_slice path)
{
	return absolute(path) && relate(pattern, target, name, path, true) == ABOVE;
}

/* Names that may stand for {name}: the product's, and that of the package which owns what was started. */
static size_t own_names(const struct hm_core *core, const char *names[2])
{
	const json_t *executable = json_object_get(json_object_get(core->plan, "product"), "executable");
	const struct hm_installed *installed = hm_core_installed(core, hm_slice_text(hm_text_of(executable, "path")));
	size_t count = 0;

	names[count++] = hm_text_of(core->product, "name");
	if (installed && installed->package)
		names[count++] = hm_text_of(installed->package, "name");
	return count;
}

static bool places_relate(const struct hm_places *places, const struct hm_core *core, struct hm_slice path, bool folder,
			  enum relation wanted)
{
	const char *names[2];
	size_t count = own_names(core, names);

	if (!absolute(path))
		return false;
	for (size_t i = 0; i < places->count; i++)
		for (size_t k = 0; k < count; k++) {
			if (names[k][0] == 0 || strchr(names[k], '/') || strchr(names[k], '*'))
				continue;
			if (relate(places->rows[i], core->target, names[k], path, folder) == wanted)
				return true;
			if (!strchr(places->rows[i], '{'))
				break;
		}
	return false;
}

bool hm_places_fit(const struct hm_places *places, const struct hm_core *core, struct hm_slice path, bool folder)
{
	return places_relate(places, core, path, folder, FITS);
}

bool hm_places_below(const struct hm_places *places, const struct hm_core *core, struct hm_slice path)
{
	return places_relate(places, core, path, true, ABOVE);
}

static bool declared_relates(const struct hm_core *core, const char *list, struct hm_slice path, bool folder, enum relation wanted)
{
	const json_t *patterns = core->declaration ? json_object_get(core->declaration, list) : NULL, *pattern;
	size_t i;

	if (!absolute(path))
		return false;
	json_array_foreach (patterns, i, pattern)
		if (relate(json_string_value(pattern), core->target, NULL, path, folder) == wanted)
			return true;
	return false;
}

bool hm_declared_fit(const struct hm_core *core, const char *list, struct hm_slice path, bool folder)
{
	return declared_relates(core, list, path, folder, FITS);
}

bool hm_declared_below(const struct hm_core *core, const char *list, struct hm_slice path)
{
	return declared_relates(core, list, path, true, ABOVE);
}

bool hm_path_within(struct hm_slice path, const char *folder)
{
	size_t len = strlen(folder);

	while (len > 1 && folder[len - 1] == '/')
		len--;
	if (path.len < len || memcmp(path.data, folder, len) != 0)
		return false;
	return path.len == len || path.data[len] == '/';
}

void hm_path_resolve(struct hm_bytes *out, struct hm_slice path)
{
	static const char *const merged[] = { "/bin/", "/sbin/", "/lib/", "/lib32/", "/lib64/", "/libx32/" };

	for (size_t i = 0; i < HM_COUNT(merged); i++)
		if (path.len > strlen(merged[i]) && memcmp(path.data, merged[i], strlen(merged[i])) == 0)
			hm_bytes_text(out, "/usr");
	hm_bytes_slice(out, path);
}

static const struct hm_tree_entry *find_in(const struct hm_tree *tree, struct hm_slice path)
{
	size_t low = 0, high = tree->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = hm_slice_cmp(tree->list[middle].path, path);

		if (order == 0)
			return &tree->list[middle];
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

const struct hm_tree_entry *hm_tree_find(const struct hm_run *run, struct hm_slice path)
{
	return find_in(&run->tree, path);
}

bool hm_tree_began(const struct hm_run *run, struct hm_slice path)
{
	return find_in(&run->began, path);
}
