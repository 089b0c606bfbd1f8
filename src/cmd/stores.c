/* What says whom to trust in such a database is authenticated with a key of the database's own, so that nobody but NSS can write it. */
#include "stores.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fs.h"
#include "keystore.h"
#include "program.h"

#define TOOL "/usr/bin/certutil"

enum { STORE_MAX = 64 << 20, TOOL_S = 20 };

static const char *const places[] = { "/etc/pki/nssdb", "/root/.pki/nssdb" };
/* The system's, and those of a Java that came by itself or within a product. */
static const char *const java[] = {
	"/etc/ssl/certs/java/cacerts", "/etc/pki/java/cacerts", "/etc/pki/ca-trust/extracted/java/cacerts",
	"/usr/lib/{jvm/,}*/{,jre/}lib/security/{jssecacerts,cacerts}", "/usr/{share,local}/{,*/}{*,jre}/lib/security/{jssecacerts,cacerts}",
	"/opt/{*,*/*,*/*/*}/lib/security/{jssecacerts,cacerts}",
};
static const char *const parts[] = { "cert9.db", "key4.db", "pkcs11.txt" };

static _Noreturn void become_tool(const char *folder)
{
	static const char *const argv[] = { "certutil", "-A", "-n", "hallmark chamber", "-t", "C,,", "-d", "sql:.", "-i", "authority.pem", "-f",
					    "password", NULL };
	static const char *const env[] = { "PATH=/usr/bin:/bin", "LANG=C.UTF-8", NULL };
	struct rlimit size = { STORE_MAX, STORE_MAX };
	int nothing = open("/dev/null", O_RDWR);

	if (nothing < 0 || dup2(nothing, 0) < 0 || dup2(nothing, 1) < 0 || dup2(nothing, 2) < 0 || close_range(3, ~0u, 0) < 0 || chdir(folder) < 0)
		_exit(1);
	setrlimit(RLIMIT_FSIZE, &size);
	alarm(TOOL_S); /* outlives the exec */
	execve(TOOL, (char *const *)(uintptr_t)argv, (char *const *)(uintptr_t)env);
	_exit(127);
}

static bool run_tool(const char *folder)
{
	pid_t pid = fork();
	int status = 0;

	if (pid == 0)
		become_tool(folder);
	while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return pid > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static bool put(const char *folder, const char *name, struct hm_slice content)
{
	HM_FREE char *path = hm_sprintf("%s/%s", folder, name);

	return hm_fs_write_atomic(path, content, 0600, NULL) == 0;
}

static bool copy_in(const char *place, const char *folder)
{
	for (size_t i = 0; i < HM_COUNT(parts); i++) {
		HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 };
		HM_FREE char *from = hm_sprintf("%s/%s", place, parts[i]);

		if (access(from, F_OK) < 0)
			continue;
		if (hm_fs_read(&content, from, STORE_MAX, NULL) < 0 || !put(folder, parts[i], hm_slice_of(&content)))
			return false;
	}
	return true;
}

static bool take_out(struct hm_stores *stores, const char *place, const char *folder)
{
	for (size_t i = 0; i < 2; i++) { /* the third is not changed */
		HM_CLEANUP(hm_bytes_release) struct hm_bytes content = { 0 };
		HM_FREE char *from = hm_sprintf("%s/%s", folder, parts[i]), *to = hm_sprintf("%s/%s", place, parts[i]);
		struct stat st;

		if (stat(to, &st) < 0)
			continue;
		if (hm_fs_read(&content, from, STORE_MAX, NULL) < 0)
			return false;
		stores->files = hm_realloc(stores->files, stores->count + 1, sizeof(*stores->files));
		stores->files[stores->count++] = (struct hm_chamber_file){ .path = hm_take_ptr(&to), .content = hm_slice_of(&content), .mode = st.st_mode & 07777 };
		content = (struct hm_bytes){ 0 };
	}
	return true;
}

static const char *add_to(struct hm_stores *stores, const char *place, const char *work, struct hm_slice pem)
{
	HM_FREE char *folder = hm_sprintf("%s/nss-%d", work, (int)getpid());
	const char *why = NULL;

	if (access(TOOL, X_OK) < 0)
		return "there is no " TOOL " (install libnss3-tools)";
	if (mkdir(folder, 0700) < 0)
		return "no folder can be made for a copy";
	if (!copy_in(place, folder) || !put(folder, "authority.pem", pem) || !put(folder, "password", HM_SLICE("\n")))
		why = "it cannot be copied";
	else if (!run_tool(folder))
		why = "certutil refuses it (has it a password?)";
	else if (!take_out(stores, place, folder))
		why = "its copy cannot be read";
	if (hm_fs_remove_tree(folder, NULL) < 0)
		hm_program_note("could not remove %s", folder);
	return why;
}

/* ---- Java ---- */

static bool is_there(const struct hm_stores *stores, const char *path)
{
	for (size_t i = 0; i < stores->count; i++)
		if (strcmp(stores->files[i].path, path) == 0)
			return true;
	return false;
}

/* Where many names lead to one file (Debian's Java links to the system's), it is that file which is planted. */
static void add_to_java(struct hm_stores *stores, const char *found, struct hm_slice der)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes store = { 0 }, more = { 0 };
	HM_FREE char *path = realpath(found, NULL);
	struct hm_fail fail = { 0 };
	struct stat st;

	if (!path || is_there(stores, path) || stat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	if (hm_fs_read(&store, path, STORE_MAX, &fail) < 0 || hm_keystore_add(&more, hm_slice_of(&store), der, &fail) < 0) {
		hm_program_note("%s does not trust the chamber's authority: %s", path, fail.text);
		return;
	}
	stores->files = hm_realloc(stores->files, stores->count + 1, sizeof(*stores->files));
	stores->files[stores->count++] = (struct hm_chamber_file){ .path = hm_take_ptr(&path), .content = hm_slice_of(&more), .mode = st.st_mode & 07777 };
	more = (struct hm_bytes){ 0 };
}

static void add_to_all_java(struct hm_stores *stores, struct hm_slice der)
{
	for (size_t i = 0; i < HM_COUNT(java); i++) {
		glob_t found = { 0 };

		if (glob(java[i], GLOB_BRACE, NULL, &found) == 0)
			for (size_t k = 0; k < found.gl_pathc; k++)
				add_to_java(stores, found.gl_pathv[k], der);
		globfree(&found);
	}
}

void hm_stores_make(struct hm_stores *stores, const char *work, struct hm_slice pem, struct hm_slice der)
{
	for (size_t i = 0; i < HM_COUNT(places); i++) {
		HM_FREE char *database = hm_sprintf("%s/%s", places[i], parts[0]);
		const char *why = access(database, F_OK) == 0 ? add_to(stores, places[i], work, pem) : NULL;

		if (why)
			hm_program_note("%s does not trust the chamber's authority: %s", places[i], why);
	}
	add_to_all_java(stores, der);
}

void hm_stores_release(struct hm_stores *stores)
{
	for (size_t i = 0; i < stores->count; i++) {
		free((void *)(uintptr_t)stores->files[i].path);
		free((void *)(uintptr_t)stores->files[i].content.data);
	}
	free(stores->files);
	*stores = (struct hm_stores){ 0 };
}
