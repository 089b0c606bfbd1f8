#include "surroundings.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>

#include "bundle.h"
#include "data.h"
#include "fs.h"
#include "json.h"
#include "opened.h"
#include "program.h"
#include "text.h"

#define GATEWAY "gateway" /* of --internet; "=" and a network namespace may follow */
#define REPLAY "replay=" /* of --internet; the bundle's path follows */

/* The folder holds upper layers with set-user-id files of the product: it must be root's and nobody else may enter. */
static int prepare_work(struct hm_surroundings *s, struct hm_fail *fail)
{
	const char *given = getenv("HALLMARK_WORK");
	struct stat st;
	int r;

	s->work = hm_strdup(given && *given ? given : "/var/tmp/hallmark");
	r = hm_fs_mkdirs(s->work, 0700, fail);
	if (r < 0)
		return r;
	if (lstat(s->work, &st) < 0)
		return hm_fail_errno(fail, "work folder %s", s->work);
	if (!S_ISDIR(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 022))
		return hm_fail_set(fail, HM_E_SYSTEM, "work folder %s: not a folder of user %u's alone (remove it, or set HALLMARK_WORK)",
				   s->work, (unsigned)geteuid());
	return 0;
}

static int sweep(const struct hm_surroundings *s, struct hm_fail *fail)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes said = { 0 };
	int r = hm_chamber_sweep(s->work, &said, fail);
	for (size_t at = 0; at < said.len;) {
		const uint8_t *end = memchr(said.data + at, '\n', said.len - at);
		size_t len = end ? (size_t)(end - said.data) - at : said.len - at;

		hm_program_note("%.*s", (int)len, (const char *)said.data + at);
		at += len + 1;
	}
	return r;
}

#define FOLDER_PREFIX "assess-"

/* A folder whose lock nobody holds belongs to a process that is gone. */
static int sweep_folder(const struct hm_surroundings *s, const char *name, struct hm_fail *fail)
{
	HM_FREE char *path = hm_sprintf("%s/%s", s->work, name);
	HM_CLOSE int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	int r;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return 0;
	r = hm_fs_remove_tree(path, fail);
	if (r == 0)
		hm_program_note("removed %s, which an assessment that was killed had left", path);
	return r;
}

static void close_folder(DIR **folder)
{
	if (*folder)
		closedir(*folder);
}

static int sweep_folders(const struct hm_surroundings *s, struct hm_fail *fail)
{
	HM_CLEANUP(close_folder) DIR *folder = opendir(s->work);
	const struct dirent *entry;
	int r = 0;

	while (folder && r == 0 && (entry = readdir(folder)))
		if (strncmp(entry->d_name, FOLDER_PREFIX, strlen(FOLDER_PREFIX)) == 0)
			r = sweep_folder(s, entry->d_name, fail);
	return r;
}

int hm_surroundings_folder(struct hm_surroundings *s, const char **folder, struct hm_fail *fail)
{
	s->folder = hm_sprintf("%s/" FOLDER_PREFIX "%d", s->work, (int)getpid());
	if (mkdir(s->folder, 0700) < 0)
		return hm_fail_errno(fail, "making folder %s", s->folder);
	s->lock = open(s->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->lock < 0 || flock(s->lock, LOCK_EX | LOCK_NB) < 0)
		return hm_fail_errno(fail, "locking folder %s", s->folder);
	*folder = s->folder;
	return 0;
}

int hm_surroundings_open(struct hm_surroundings *s, struct hm_fail *fail)
{
	int r = hm_data_folder(&s->data, fail);

	s->lock = -1;

	if (r == 0)
		r = prepare_work(s, fail);
	if (r == 0)
		r = sweep(s, fail);
	if (r == 0)
		r = sweep_folders(s, fail);
	hm_surroundings_identity(s, NULL);
	return r;
}

void hm_surroundings_release(struct hm_surroundings *s)
{
	if (s->folder && hm_fs_remove_tree(s->folder, NULL) < 0)
		hm_program_note("could not remove %s; the next start tries again", s->folder);
	if (s->folder && s->lock >= 0)
		close(s->lock);
	free(s->folder);
	free(s->data);
	free(s->work);
	free(s->mirror);
	free(s->name);
	hm_bytes_release(&s->scenario);
	hm_internet_authority_release(&s->authority);
	hm_stores_release(&s->stores);
}

static void make_authority(struct hm_surroundings *s, const uint8_t *seed)
{
	struct hm_sha256 secret;

	/* The kernel gives so few bytes whole, and always once it is up. */
	if (seed)
		hm_derive(&secret, seed, "identity/authority");
	else if (getrandom(secret.b, sizeof(secret.b), 0) != sizeof(secret.b))
		abort();
	memcpy(s->secret, secret.b, sizeof(s->secret));
	hm_internet_authority_release(&s->authority);
	hm_internet_authority(&s->authority, s->secret, time(NULL));
	s->trusted = (struct hm_chamber_authority){ .pem = hm_slice_of(&s->authority.pem), .der = hm_slice_of(&s->authority.der), .hash = s->authority.hash };
	hm_stores_release(&s->stores);
	s->stored = false;
}

void hm_surroundings_identity(struct hm_surroundings *s, const uint8_t *seed)
{
	static const uint8_t none[32];
	struct hm_sha256 id, name;

	hm_derive(&id, seed ? seed : none, "identity/machine-id");
	hm_derive(&name, seed ? seed : none, "identity/hostname");
	hm_text_hex_into(s->machine_id, (struct hm_slice){ id.b, 16 });
	/* Version and variant bits of a random UUID, as machine-id(5) asks. */
	s->machine_id[12] = '4';
	s->machine_id[16] = "89ab"[id.b[8] & 3];
	make_authority(s, seed);
	snprintf(s->hostname, sizeof(s->hostname), "ws-%02x%02x%02x", name.b[0], name.b[1], name.b[2]);
}

static int load_scenario(struct hm_surroundings *s, const char *name, struct hm_fail *fail)
{
	HM_FREE char *path = hm_sprintf("%s/scenarios/%s.yaml", s->data, name);

	s->mirror = hm_sprintf("%s/scenarios/mirror", s->data);
	return hm_scenario_load(&s->scenario, path, fail);
}

/* What cannot be answered again is answered as if it had never been: the reader of the findings should know of it now. */
static void tell_left_out(struct hm_slice replay)
{
	HM_JSON json_t *root = NULL;
	const json_t *row;
	size_t i;

	if (hm_json_parse(&root, replay, "the replay", NULL) < 0)
		return;
	json_array_foreach (json_object_get(root, "left_out"), i, row)
		hm_program_note("not replayed (%s): %s", json_string_value(json_object_get(row, "why")),
				json_string_value(json_object_get(row, "endpoint")));
}

static int replay_run(struct hm_surroundings *s, const struct hm_parts *parts, struct hm_slice packets, const char *bundle, struct hm_fail *fail)
{
	HM_JSON json_t *assessment = NULL;
	const json_t *runs;
	struct hm_slice text = { 0 };
	const char *address;

	hm_parts_get(parts, "assessment.json", &text);
	if (hm_json_parse_canonical(&assessment, text, "assessment.json", fail) < 0)
		return fail->code;
	runs = json_object_get(assessment, "runs");
	address = json_string_value(json_object_get(json_array_get(runs, 0), "address"));
	if (!address)
		address = json_string_value(json_object_get(json_object_get(assessment, "chamber"), "address"));
	return hm_replay_load(&s->scenario, packets, address ? address : "", bundle, 1, hm_open_replayed, fail);
}

/* Of the first run: what a product does first is what the next one does first. */
static int load_replay(struct hm_surroundings *s, const char *path, struct hm_fail *fail)
{
	HM_CLEANUP(hm_fs_unmap) struct hm_map file = { 0 };
	HM_CLEANUP(hm_parts_cleanup) struct hm_parts *parts = NULL;
	static const char part[] = "runs/0001/packets.pcapng";
	char hex[2 * HM_SHA256_LEN + 1];
	struct hm_slice packets;
	struct hm_sha256 id;
	int r = hm_fs_map(&file, path, fail);

	if (r == 0)
		r = hm_bundle_read(&parts, file.bytes, fail);
	if (r == 0)
		r = hm_bundle_id(&id, parts, fail);
	if (r == 0 && !hm_parts_get(parts, part, &packets))
		r = hm_fail_set(fail, HM_E_BAD, "cannot replay: there is no %s in it", part);
	if (r == 0) {
		hm_text_hex_into(hex, (struct hm_slice){ id.b, sizeof(id.b) });
		r = replay_run(s, parts, packets, hex, fail);
	}
	if (r < 0) {
		/* No verdict on what is assessed: it is the option that names what is no bundle. */
		fail->code = r == HM_E_BAD ? HM_E_USAGE : r;
		return hm_fail_in(fail, "--internet: %s", path);
	}
	tell_left_out(hm_slice_of(&s->scenario));
	return 0;
}

int hm_surroundings_answers(struct hm_surroundings *s, enum hm_internet_mode mode, const char *text, const char *scenario, struct hm_fail *fail)
{
	if (mode == HM_INTERNET_SIMULATED)
		return load_scenario(s, scenario, fail);
	if (mode == HM_INTERNET_GATEWAY)
		hm_program_note("gateway: TLS passes untouched and there are no keys to it: what is said inside is recorded and stays closed, but for what a TLS library is seen to take");
	if (mode == HM_INTERNET_GATEWAY && text[strlen(GATEWAY)])
		s->network = text + strlen(GATEWAY "=");
	return mode == HM_INTERNET_REPLAY ? load_replay(s, text + strlen(REPLAY), fail) : 0;
}

static const char *const environment[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
					   "HOME=/root", "USER=root", "LOGNAME=root", "SHELL=/bin/sh", "LANG=C.UTF-8", "TZ=UTC",
					   "TERM=dumb", NULL };

void hm_surroundings_fill(struct hm_surroundings *s, struct hm_run_spec *spec)
{
	free(s->name);
	s->name = hm_sprintf("%d-%llu", (int)getpid(), (unsigned long long)spec->number);
	spec->chamber.work = s->work;
	spec->chamber.name = s->name;
	spec->chamber.hostname = s->hostname;
	spec->chamber.machine_id = s->machine_id;
	spec->chamber.env = environment;
	if (!s->stored)
		hm_stores_make(&s->stores, s->work, s->trusted.pem, s->trusted.der);
	s->stored = true;
	s->trusted.stores = s->stores.files;
	s->trusted.store_count = s->stores.count;
	spec->chamber.authority = &s->trusted;
	spec->secret = s->secret;
	spec->scenario = hm_slice_of(&s->scenario);
	spec->mirror = s->mirror;
	spec->network = s->network;
}

int hm_surroundings_mode(enum hm_internet_mode *mode, const char *text, enum hm_internet_mode otherwise, struct hm_fail *fail)
{
	if (!text)
		*mode = otherwise;
	else if (strcmp(text, "closed") == 0)
		*mode = HM_INTERNET_CLOSED;
	else if (strcmp(text, "simulated") == 0)
		*mode = HM_INTERNET_SIMULATED;
	else if (strncmp(text, REPLAY, strlen(REPLAY)) == 0 && text[strlen(REPLAY)])
		*mode = HM_INTERNET_REPLAY;
	else if (strcmp(text, GATEWAY) == 0 || (strncmp(text, GATEWAY "=", strlen(GATEWAY "=")) == 0 && text[strlen(GATEWAY "=")]))
		*mode = HM_INTERNET_GATEWAY;
	else
		return hm_fail_set(fail, HM_E_USAGE, "unknown internet mode %s (closed, simulated, " REPLAY "FILE.hallmark, " GATEWAY " and " GATEWAY "=NETWORK are there)", text);
	return 0;
}

const char *hm_surroundings_mode_name(enum hm_internet_mode mode)
{
	static const char *const names[] = { [HM_INTERNET_CLOSED] = "closed", [HM_INTERNET_SIMULATED] = "simulated", [HM_INTERNET_REPLAY] = "replay", [HM_INTERNET_GATEWAY] = "gateway" };

	return names[mode];
}

int hm_surroundings_limit(unsigned *seconds, const char *text, unsigned otherwise, struct hm_fail *fail)
{
	char *end;
	unsigned long v = text ? strtoul(text, &end, 10) : otherwise;

	if (text && (!*text || *text == '-' || *end || v == 0 || v > 86400))
		return hm_fail_set(fail, HM_E_USAGE, "time limit %s: not a number of seconds from 1 to 86400", text);
	*seconds = (unsigned)v;
	return 0;
}
