/* One factor changes one kind of information; and what was made is what stands on the disk. */
#include "factor_help.h"

#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "fs.h"

/* The factor that places a file of the machine. */
static const char *owner_of(const char *path)
{
	static const struct {
		const char *begins, *factor;
	} owners[] = {
		{ "/etc/passwd", "host.users" },	{ "/etc/group", "host.users" },	      { "/etc/shadow", "host.users" },
		{ "/home/", "host.users" },		{ "/etc/default/locale", "host.locale" },
		{ "/etc/timezone", "host.timezone" },	{ "/etc/localtime", "host.timezone" },
		{ "/var/lib/dpkg/", "inventory.packages" }, { "/etc/", "inventory.packages" },
	};

	for (size_t i = 0; i < HM_COUNT(owners); i++)
		if (strncmp(path, owners[i].begins, strlen(owners[i].begins)) == 0)
			return owners[i].factor;
	fail_msg("%s is nobody's", path);
	return NULL;
}

/* A world as text, one line for each thing that a product could see, with the factor's name before it. */
static void tell(struct hm_bytes *out, const struct hm_world *w)
{
	for (size_t i = 0; i < w->file_count; i++) {
		const struct hm_world_file *f = &w->file[i];

		hm_bytes_printf(out, "names %s %s\n", f->id, f->path);
		hm_bytes_printf(out, "metadata.times %s %lld.%ld %lld.%ld\n", f->id, (long long)f->mtime.tv_sec, f->mtime.tv_nsec,
				(long long)f->atime.tv_sec, f->atime.tv_nsec);
		hm_bytes_printf(out, "metadata.owner %s %u %u\n", f->id, f->uid, f->gid);
		hm_bytes_printf(out, "metadata.mode %s %o\n", f->id, f->mode);
		for (unsigned k = 0; k < HM_FACTOR_XATTRS; k++)
			hm_bytes_printf(out, "metadata.xattrs %s %s %s\n", f->id, f->xattr[k].name, f->xattr[k].value);
		hm_bytes_printf(out, "metadata.size %s %zu\n", f->id, f->content.len);
		hm_bytes_printf(out, "marking %s %s\n", f->id, f->marking ? f->marking : "none");
		hm_bytes_printf(out, "sample %s %s\n", f->id, f->role);
		for (unsigned k = 0; k < f->tokens; k++)
			hm_bytes_printf(out, "content %s %s\n", f->id, f->token[k]);
		hm_bytes_printf(out, "bytes %s %08lx\n", f->id, crc32(0, f->content.data, (uInt)f->content.len));
	}
	hm_bytes_printf(out, "host.name %s\nhost.machine-id %s\nhost.boot-id %s\n", w->hostname, w->machine_id,
			w->boot_id);
	hm_bytes_printf(out, "host.address %s\n", w->address);
	hm_bytes_printf(out, "host.mac %02x%02x%02x%02x%02x%02x\n", w->mac[0], w->mac[1], w->mac[2], w->mac[3], w->mac[4], w->mac[5]);
	for (unsigned i = 0; w->env[i]; i++)
		hm_bytes_printf(out, "host.locale %s\n", w->env[i]);
	for (size_t i = 0; i < w->place_count; i++)
		hm_bytes_printf(out, "%s %s %o %d %08lx\n", owner_of(w->place[i].path), w->place[i].path, w->place[i].mode,
				w->place[i].append, crc32(0, w->place[i].content.data, (uInt)w->place[i].content.len));
	for (unsigned i = 0; w->process[i]; i++)
		hm_bytes_printf(out, "inventory.processes %s\n", w->process[i]);
	for (unsigned i = 0; i < HM_COUNT(w->disk) && w->disk[i].source; i++)
		hm_bytes_printf(out, "inventory.mounts %s %s\n", w->disk[i].source, w->disk[i].point);
	hm_bytes_u8(out, 0);
}

/* Lines of other factors that differ; `own` counts those of this one. Bytes follow from four factors. */
static unsigned differences(const char *factor, char *a, char *b, unsigned *own)
{
	static const char *const in_bytes[] = { "content", "marking", "sample", "metadata.size" };
	char *save_a = NULL, *save_b = NULL;
	unsigned others = 0;

	for (a = strtok_r(a, "\n", &save_a), b = strtok_r(b, "\n", &save_b); a && b;
	     a = strtok_r(NULL, "\n", &save_a), b = strtok_r(NULL, "\n", &save_b)) {
		bool mine = strncmp(a, factor, strlen(factor)) == 0 && a[strlen(factor)] == ' ';

		for (size_t i = 0; i < HM_COUNT(in_bytes) && strncmp(a, "bytes ", 6) == 0; i++)
			mine = mine || strcmp(in_bytes[i], factor) == 0;
		if (strcmp(a, b) == 0)
			continue;
		if (mine)
			(*own)++;
		else if (others++ == 0)
			print_message("%s changes: %s | %s\n", factor, a, b);
	}
	return others + (a || b);
}

static void one_factor_changes_one_kind(void **state HM_UNUSED)
{
	for (size_t i = 0; i < hm_factor_count; i++) {
		HM_CLEANUP(hm_factor_release) struct hm_world *a = NULL, *b = NULL;
		HM_CLEANUP(hm_bytes_release) struct hm_bytes x = { 0 }, y = { 0 };
		unsigned own = 0;

		/* Of what is there once more, see below. */
		if (hm_factors[i].cannot || strcmp(hm_factors[i].name, "names.count") == 0)
			continue;
		a = help_world(hm_factors[i].name, 0, 7);
		b = help_world(hm_factors[i].name, 1, 7);
		tell(&x, a);
		tell(&y, b);
		assert_int_equal(differences(hm_factors[i].name, (char *)x.data, (char *)y.data, &own), 0);
		assert_true(own > 0);
	}
}

/* Three documents more, behind the others, which stay as they are; only this level has them. */
static void there_can_be_more(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_factor_release) struct hm_world *a = help_world("names.count", 0, 7), *b = help_world("names.count", 1, 7);

	assert_int_equal(b->file_count, a->file_count + 3);
	for (size_t i = 0; i < a->file_count; i++) {
		assert_string_equal(a->file[i].path, b->file[i].path);
		assert_true(hm_slice_eq(hm_slice_of(&a->file[i].content), hm_slice_of(&b->file[i].content)));
	}
	for (size_t i = a->file_count; i < b->file_count; i++) {
		assert_string_equal(b->file[i].role, "document");
		assert_int_equal(b->file[i].tokens, 0);
		assert_true(b->file[i].content.len > 0);
	}
	assert_true(hm_factor_covers("names", (size_t)(hm_factor_find("names.count") - hm_factors)));
	assert_false(hm_factor_covers("name", (size_t)(hm_factor_find("names.count") - hm_factors)));
	assert_int_equal(hm_factor_base("names"), 0);
	assert_int_equal(hm_factor_base("marking"), 1);
	assert_string_equal(hm_factor_claim("metadata"), "collect.metadata");
	assert_null(hm_factor_claim("nonsense"));
}

/* Rows can be told apart, and say what they do or why not. */
static void the_table_is_whole(void **state HM_UNUSED)
{
	for (size_t i = 0; i < hm_factor_count; i++) {
		const struct hm_factor *row = &hm_factors[i];

		assert_ptr_equal(hm_factor_find(row->name), row);
		assert_true(strncmp(row->claim, "collect.", 8) == 0);
		assert_true(*row->changes);
		assert_int_equal(row->make == NULL, row->cannot != NULL);
	}
	assert_null(hm_factor_find("contents"));
}

static void names_are_matched(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_factor_release) struct hm_world *a = help_world("names", 0, 2), *b = help_world("names", 1, 2);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes x = { 0 }, y = { 0 };

	for (size_t i = 0; i < a->file_count; i++) {
		assert_string_equal(a->file[i].id, b->file[i].id); /* the order is the same */
		assert_string_not_equal(a->file[i].path, b->file[i].path);
		assert_true(help_same_classes(hm_slice_text(a->file[i].path), hm_slice_text(b->file[i].path)));
		hm_bytes_text(&x, a->file[i].path);
		hm_bytes_text(&y, b->file[i].path);
		if (i)
			assert_true(strcmp(a->file[i - 1].path, a->file[i].path) < 0);
	}
	assert_true(help_same_bytes(hm_slice_of(&x), hm_slice_of(&y)));
}

/* Values of the machine have one length and one form at both levels. */
static void machines_are_matched(void **state HM_UNUSED)
{
	for (unsigned n = 0; n < 20; n++) {
		HM_CLEANUP(hm_factor_release) struct hm_world *a = NULL, *b = NULL;
		struct hm_factor_choice choice[64] = { 0 };
		struct hm_fail fail = { 0 };

		for (size_t i = 0; i < hm_factor_count; i++)
			choice[i].n = hm_factors[i].claim[8] == 'h' || hm_factors[i].claim[8] == 'i' ? n : 0;
		assert_int_equal(hm_factor_world(&a, seed, "confirm", choice, &fail), 0);
		for (size_t i = 0; i < hm_factor_count; i++)
			choice[i].level = (hm_factors[i].claim[8] == 'h' || hm_factors[i].claim[8] == 'i') && !hm_factors[i].cannot;
		assert_int_equal(hm_factor_world(&b, seed, "confirm", choice, &fail), 0);
		assert_true(help_same_classes(hm_slice_text(a->hostname), hm_slice_text(b->hostname)));
		assert_string_not_equal(a->hostname, b->hostname);
		assert_string_not_equal(a->machine_id, b->machine_id);
		assert_string_not_equal(a->boot_id, b->boot_id);
		assert_int_equal(strlen(a->boot_id), 36);
		assert_int_equal(a->mac[0] & 3, 2);
		assert_int_equal(a->place_count, b->place_count);
		for (size_t i = 0; i < a->place_count; i++) {
			assert_int_equal(strlen(a->place[i].path), strlen(b->place[i].path));
			if (strcmp(a->place[i].path, "/etc/localtime"))
				assert_int_equal(a->place[i].content.len, b->place[i].content.len);
		}
		for (unsigned i = 0; a->process[i]; i++)
			assert_int_equal(strlen(a->process[i]), strlen(b->process[i]));
		assert_string_not_equal(a->process[0], b->process[0]);
		assert_string_not_equal(a->disk[0].point, b->disk[0].point);
		assert_string_not_equal(a->disk[0].source, b->disk[0].source);
	}
}

static void refusals(void **state HM_UNUSED)
{
	static const char *const phases[] = { "", "a/b", "AA", "aa1" };
	struct hm_factor_choice choice[64] = { 0 };
	struct hm_world *world = NULL;
	struct hm_fail fail = { 0 };

	for (size_t i = 0; i < HM_COUNT(phases); i++)
		assert_int_equal(hm_factor_world(&world, seed, phases[i], choice, &fail), HM_E_USAGE);
	choice[help_row("names")].level = 2;
	assert_int_equal(hm_factor_world(&world, seed, "aa", choice, &fail), HM_E_USAGE);
	choice[help_row("names")].level = 0;
	choice[help_row("metadata.inode")].level = 1;
	assert_int_equal(hm_factor_world(&world, seed, "aa", choice, &fail), HM_E_USAGE);
	assert_non_null(strstr(fail.text, "the file system gives them out"));
	assert_null(world);
}

static void check_on_disk(const char *folder, const struct hm_world_file *file)
{
	HM_FREE char *path = hm_sprintf("%s/%s", folder, file->path);
	HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 };
	struct hm_fail fail = { 0 };
	struct stat st;
	char value[128];

	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode, S_IFREG | file->mode);
	assert_int_equal(st.st_uid, file->uid);
	assert_int_equal(st.st_gid, file->gid);
	assert_int_equal(st.st_size, file->content.len);
	assert_memory_equal(&st.st_mtim, &file->mtime, sizeof(st.st_mtim));
	assert_memory_equal(&st.st_atim, &file->atime, sizeof(st.st_atim));
	for (unsigned i = 0; i < HM_FACTOR_XATTRS; i++) {
		ssize_t n = getxattr(path, file->xattr[i].name, value, sizeof(value));

		assert_true(n > 0);
		assert_memory_equal(value, file->xattr[i].value, (size_t)n);
		assert_int_equal(n, strlen(file->xattr[i].value));
	}
	assert_int_equal(hm_fs_read(&content, path, 100000, &fail), 0);
	assert_true(hm_slice_eq(hm_slice_of(&content), hm_slice_of(&file->content)));
}

static void written_as_made(void **state HM_UNUSED)
{
	HM_CLEANUP(hm_factor_release) struct hm_world *world = help_world("metadata.mode", 1, 0);
	char folder[] = "/var/tmp/hm-factor-XXXXXX";
	struct hm_fail fail = { 0 };
	mode_t before;
	int r;

	if (geteuid() != 0) {
		print_message("skipped: owners are root's to give\n");
		skip();
	}
	assert_non_null(mkdtemp(folder));
	before = umask(0077);
	r = hm_factor_write(world, folder, &fail);
	umask(before);
	if (r < 0)
		fail_msg("%s", fail.text);
	for (size_t i = 0; i < world->file_count; i++)
		check_on_disk(folder, &world->file[i]);
	assert_int_equal(hm_factor_write(world, folder, &fail), HM_E_SYSTEM); /* not empty */
	assert_int_equal(hm_fs_remove_tree(folder, &fail), 0);
	assert_int_equal(hm_factor_write(world, "/proc/nowhere", &fail), HM_E_SYSTEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_table_is_whole), cmocka_unit_test(one_factor_changes_one_kind),
		cmocka_unit_test(there_can_be_more),
		cmocka_unit_test(names_are_matched),  cmocka_unit_test(machines_are_matched),
		cmocka_unit_test(refusals),
		cmocka_unit_test(written_as_made),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
