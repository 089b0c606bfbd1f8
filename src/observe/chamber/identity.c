/* The planted identity: files that pid 1 writes over the new root, so into its upper layer. What stands at such a place
 * may be a link to elsewhere (resolv.conf usually is), so it is unlinked first and never written through. */
#include "chamber_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "digest.h"
#include "fs.h"

#define NSSWITCH_MAX 65536
/* The internet's side of the chamber's network, which answers DNS. */
#define NAME_SERVER "198.18.0.1"

int hm_chamber_plant(const char *path, struct hm_slice content, mode_t mode, struct hm_fail *fail)
{
	const char *slash = strrchr(path, '/');
	HM_FREE char *folder = hm_slice_dup((struct hm_slice){ (const uint8_t *)path, (size_t)(slash - path) });
	HM_CLOSE int fd = -1;

	if (*folder && hm_fs_mkdirs(folder, 0755, fail) < 0)
		return hm_fail_in(fail, "planting %s", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return hm_fail_errno(fail, "planting %s", path);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return hm_fail_errno(fail, "planting %s", path);
	if (hm_fs_write_all(fd, content, fail) < 0)
		return hm_fail_in(fail, "planting %s", path);
	return fchmod(fd, mode) < 0 ? hm_fail_errno(fail, "planting %s", path) : 0;
}

/* Behind the host's file, of which the layer makes a copy: its owner and mode stay. A line that is not ended is ended first. */
static int append(const struct hm_chamber_file *file, struct hm_fail *fail)
{
	HM_CLOSE int fd = open(file->path, O_RDWR | O_APPEND | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	char last;

	if (fd < 0 && errno == ENOENT)
		return hm_chamber_plant(file->path, file->content, file->mode, fail);
	if (fd < 0 || fstat(fd, &st) < 0)
		return hm_fail_errno(fail, "planting %s", file->path);
	if (!S_ISREG(st.st_mode))
		return hm_fail_set(fail, HM_E_SYSTEM, "planting %s: it is no regular file", file->path);
	if (st.st_size > 0 && pread(fd, &last, 1, st.st_size - 1) != 1)
		return hm_fail_errno(fail, "planting %s", file->path);
	if (st.st_size > 0 && last != '\n' && hm_fs_write_all(fd, HM_SLICE("\n"), fail) < 0)
		return hm_fail_in(fail, "planting %s", file->path);
	return hm_fs_write_all(fd, file->content, fail) < 0 ? hm_fail_in(fail, "planting %s", file->path) : 0;
}

static int plant_text(const char *path, const char *text, struct hm_fail *fail)
{
	return hm_chamber_plant(path, hm_slice_text(text), 0644, fail);
}

/* Names are looked up in files, then in DNS, whatever the host does (mDNS, resolved, a container's name service). */
static int plant_nsswitch(struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes old = { 0 }, new = { 0 };
	char *save = NULL;

	if (hm_fs_read(&old, "/etc/nsswitch.conf", NSSWITCH_MAX, NULL) < 0) {
		old.len = 0;
		hm_bytes_text(&old, "passwd: files\ngroup: files\nshadow: files\nservices: files\nprotocols: files\n");
	}
	hm_bytes_u8(&old, 0);
	for (char *line = strtok_r((char *)old.data, "\n", &save); line; line = strtok_r(NULL, "\n", &save))
		if (strncmp(line + strspn(line, " \t"), "hosts:", 6) != 0)
			hm_bytes_printf(&new, "%s\n", line);
	hm_bytes_text(&new, "hosts: files dns\n");
	return hm_chamber_plant("/etc/nsswitch.conf", hm_slice_of(&new), 0644, fail);
}

/* Without one of its own, a boot id that follows from the machine id: the same in twins, another with every seed. */
int hm_chamber_boot_id(char text[38], const struct hm_chamber_spec *spec)
{
	const struct hm_slice parts[] = { HM_SLICE("hallmark/boot-id/v1\0"), hm_slice_text(spec->machine_id) };
	struct hm_sha256 d;
	int n;

	if (spec->boot_id)
		return snprintf(text, 38, "%s\n", spec->boot_id) == 37 ? 0 : HM_E_BAD;
	hm_sha256_of(&d, parts, HM_COUNT(parts));
	d.b[6] = (uint8_t)(0x40 | (d.b[6] & 0x0f)); /* a random UUID's version and variant (RFC 9562) */
	d.b[8] = (uint8_t)(0x80 | (d.b[8] & 0x3f));
	n = snprintf(text, 38, "%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x\n", d.b[0], d.b[1],
		     d.b[2], d.b[3], d.b[4], d.b[5], d.b[6], d.b[7], d.b[8], d.b[9], d.b[10], d.b[11], d.b[12], d.b[13],
		     d.b[14], d.b[15]);
	return n == 37 ? 0 : HM_E_BAD;
}

static int plant_machine_id(const char *id, struct hm_fail *fail)
{
	HM_FREE char *line = hm_sprintf("%s\n", id);
	struct stat st;
	int r = plant_text("/etc/machine-id", line, fail);

	/* D-Bus keeps a copy where it is no link to the first. */
	if (r == 0 && lstat("/var/lib/dbus/machine-id", &st) == 0 && S_ISREG(st.st_mode))
		r = plant_text("/var/lib/dbus/machine-id", line, fail);
	return r;
}

int hm_chamber_identity(const struct hm_chamber_spec *spec, struct hm_fail *fail)
{
	HM_FREE char *name = hm_sprintf("%s\n", spec->hostname);
	HM_FREE char *hosts = hm_sprintf(
	    "127.0.0.1\tlocalhost\n127.0.1.1\t%s\n::1\tlocalhost ip6-localhost ip6-loopback\n", spec->hostname);
	int r;

	if (sethostname(spec->hostname, strlen(spec->hostname)) < 0 || setdomainname("(none)", 6) < 0)
		return hm_fail_errno(fail, "setting the chamber's host name");
	/* What was planted is there, as the product left it. */
	if (spec->after)
		return 0;
	r = plant_text("/etc/hostname", name, fail);
	if (r == 0)
		r = plant_machine_id(spec->machine_id, fail);
	if (r == 0)
		r = plant_text("/etc/hosts", hosts, fail);
	if (r == 0)
		r = plant_text("/etc/resolv.conf", "nameserver " NAME_SERVER "\n", fail);
	if (r == 0)
		r = plant_nsswitch(fail);
	if (r == 0)
		r = hm_fs_mkdirs("/run/lock", 01777, fail);
	if (r == 0 && chmod("/run/lock", 01777) < 0)
		r = hm_fail_errno(fail, "making /run/lock");
	if (r == 0 && spec->authority)
		r = hm_chamber_trust(spec->authority, fail);
	for (size_t i = 0; r == 0 && i < spec->file_count; i++)
		r = spec->files[i].append
			? append(&spec->files[i], fail)
			: hm_chamber_plant(spec->files[i].path, spec->files[i].content, spec->files[i].mode, fail);
	return r;
}
