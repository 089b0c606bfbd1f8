/* Processes that are in the chamber and do nothing, so that there is an inventory of processes to tell of. Each is a copy of
 * pid 1 under another name, in its control group, where nothing is recorded; it has none of its rights, and goes with it. */
#include "chamber_internal.h"

#include <fcntl.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "fs.h"

void hm_chamber_overwrite_arguments(const char *with)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes stat = { 0 };
	unsigned long start = 0, end = 0;
	char *at, *save = NULL;

	if (hm_fs_read(&stat, "/proc/self/stat", 65536, NULL) < 0)
		return;
	hm_bytes_u8(&stat, 0);
	at = strrchr((char *)stat.data, ')'); /* the name before it may hold anything */
	at = at ? strtok_r(at + 1, " ", &save) : NULL;
	for (int field = 3; at; field++, at = strtok_r(NULL, " ", &save)) {
		if (field == 48)
			start = strtoul(at, NULL, 10);
		if (field == 49)
			end = strtoul(at, NULL, 10);
	}
	if (start && end > start + 1) {
		size_t room = end - start - 1, length = strlen(with);

		memset((void *)start, 0, end - start);
		memcpy((void *)start, with, length < room ? length : room);
	}
}

/* `ready` closes when the name is on. No signal's handler is ours: whoever may, may end it. */
static _Noreturn void stand_by(const char *command, const struct hm_chamber_profile *profile, int ready)
{
	const char *name = strrchr(command, '/') + 1;
	struct hm_fail fail = { 0 };

	setsid();
	prctl(PR_SET_NAME, name);
	hm_chamber_overwrite_arguments(command);
	if (hm_chamber_profile_enter(profile, &fail) < 0 || prctl(PR_SET_DUMPABLE, 0) < 0 || write(ready, "r", 1) != 1)
		_exit(1);
	close_range(3, ~0u, 0);
	for (;;)
		pause();
}

int hm_chamber_bystanders(const struct hm_chamber_spec *spec, const struct hm_chamber_profile *profile, struct hm_fail *fail)
{
	for (size_t i = 0; spec->bystanders && spec->bystanders[i]; i++) {
		HM_CLOSE int reader = -1, writer = -1;
		int ends[2];
		char byte;
		pid_t pid;

		if (pipe2(ends, O_CLOEXEC) < 0)
			return hm_fail_errno(fail, "starting a bystander");
		reader = ends[0];
		writer = ends[1];
		pid = fork();
		if (pid < 0)
			return hm_fail_errno(fail, "starting a bystander");
		if (pid == 0)
			stand_by(spec->bystanders[i], profile, writer);
		close(hm_take_fd(&writer));
		if (read(reader, &byte, 1) != 1)
			return hm_fail_set(fail, HM_E_SYSTEM, "starting a bystander: %s ended at once", spec->bystanders[i]);
	}
	return 0;
}
