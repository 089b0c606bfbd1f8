/* Text files of the kernel, which processes can influence: names are bytes, lines are bounded, what has another form is left out. */
#include "host.h"

#include "bytes.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct host {
	const char *root;
	const struct hm_host_sink *sink;
	struct hm_fail *fail;
	unsigned long processes, unnamed; /* whose executable we may not see */
};

static FILE *open_text(const struct host *h, const char *path)
{
	HM_FREE char *whole = hm_sprintf("%s/%s", h->root, path);

	return fopen(whole, "re");
}

static int tell(struct host *h, enum hm_observation_kind kind, const char *value, const char *detail, const char *path, const char *source)
{
	struct hm_observation o = { .kind = kind, .state = HM_STATE_RUNNING, .value = value, .detail = detail, .path = path, .source = source };

	return *value ? h->sink->observe(h->sink->cookie, &o, h->fail) : 0;
}

/* The unit that a process is of: the last component of its control group that ends in .service. */
static int unit_of(struct host *h, const char *pid, const char *exe)
{
	HM_FREE char *path = hm_sprintf("proc/%s/cgroup", pid);
	HM_FCLOSE FILE *f = open_text(h, path);
	HM_FREE char *line = NULL;
	size_t cap = 0;
	int r = 0;

	while (f && r == 0 && getline(&line, &cap, f) > 0) {
		char *end = strstr(line, ".service"), *start = end;

		if (!end || strncmp(line, "0::", 3) != 0)
			continue;
		*end = 0;
		while (start > line && start[-1] != '/')
			start--;
		r = tell(h, HM_OBSERVED_SERVICE, start, "active", exe, "cgroup");
	}
	return r;
}

static int process(struct host *h, const char *pid)
{
	HM_FREE char *comm = hm_sprintf("proc/%s/comm", pid), *link = hm_sprintf("%s/proc/%s/exe", h->root, pid);
	HM_FCLOSE FILE *f = open_text(h, comm);
	char name[256], exe[4096], *deleted;
	ssize_t len = readlink(link, exe, sizeof(exe) - 1);
	size_t got = f ? fread(name, 1, sizeof(name) - 1, f) : 0;
	const char *path = len > 0 ? exe : NULL;
	int r;

	if (got == 0)
		return 0; /* gone since */
	name[got] = 0;
	name[strcspn(name, "\n")] = 0;
	h->processes++;
	if (len > 0)
		exe[len] = 0;
	else if (errno == EACCES || errno == EPERM)
		h->unnamed++;
	if (path && (deleted = strstr(exe, " (deleted)")) && deleted[10] == 0)
		*deleted = 0;
	r = tell(h, HM_OBSERVED_PROCESS, name, pid, path, "proc");
	/* The kernel cuts names at 15 bytes. */
	if (r == 0 && path && strrchr(path, '/') && strcmp(strrchr(path, '/') + 1, name) != 0)
		r = tell(h, HM_OBSERVED_PROCESS, strrchr(path, '/') + 1, pid, path, "proc");
	return r ? r : unit_of(h, pid, path);
}

static int processes(struct host *h)
{
	HM_FREE char *path = hm_sprintf("%s/proc", h->root);
	DIR *dir = opendir(path);
	struct dirent *d;
	int r = 0;

	if (!dir)
		return h->sink->unread(h->sink->cookie, "/proc", strerror(errno), h->fail);
	while (r == 0 && (d = readdir(dir)))
		if (isdigit((unsigned char)d->d_name[0]))
			r = process(h, d->d_name);
	closedir(dir);
	if (r == 0 && h->unnamed) {
		HM_FREE char *why = hm_sprintf("the executables of %lu of %lu processes are other users' (run it as root)", h->unnamed, h->processes);

		r = h->sink->unread(h->sink->cookie, "/proc", why, h->fail);
	}
	return r;
}

static int modules(struct host *h)
{
	HM_FCLOSE FILE *f = open_text(h, "proc/modules");
	HM_FREE char *line = NULL;
	size_t cap = 0;
	int r = 0;

	while (f && r == 0 && getline(&line, &cap, f) > 0) {
		line[strcspn(line, " \n")] = 0;
		r = tell(h, HM_OBSERVED_KERNEL_MODULE, line, "loaded", NULL, "proc");
	}
	return r;
}

/* "0100007F" or 32 digits: words in the machine's order. */
static bool address_of(const char *hex, char text[INET6_ADDRSTRLEN])
{
	uint32_t word[4];
	size_t n = strlen(hex) / 8;

	if ((n != 1 && n != 4) || strlen(hex) % 8 != 0)
		return false;
	for (size_t i = 0; i < n; i++) {
		char part[9] = { 0 };

		memcpy(part, hex + 8 * i, 8);
		word[i] = (uint32_t)strtoul(part, NULL, 16);
	}
	return inet_ntop(n == 1 ? AF_INET : AF_INET6, word, text, INET6_ADDRSTRLEN) != NULL;
}

static int sockets(struct host *h, const char *table)
{
	HM_FREE char *path = hm_sprintf("proc/net/%s", table);
	HM_FCLOSE FILE *f = open_text(h, path);
	HM_FREE char *line = NULL;
	size_t cap = 0;
	int r = 0;

	while (f && r == 0 && getline(&line, &cap, f) > 0) {
		char local[40], remote[40], text[INET6_ADDRSTRLEN];
		unsigned local_port, port, state;

		if (sscanf(line, " %*u: %32[0-9A-Fa-f]:%x %32[0-9A-Fa-f]:%x %x", local, &local_port, remote, &port, &state) != 5 || port == 0 || !address_of(remote, text))
			continue;
		r = tell(h, HM_OBSERVED_DOMAIN, text, "socket", NULL, table);
	}
	return r;
}

int hm_host_observe(const char *root, const struct hm_host_sink *sink, struct hm_fail *fail)
{
	static const char *const tables[] = { "tcp", "tcp6", "udp", "udp6" };
	struct host h = { .root = strcmp(root, "/") == 0 ? "" : root, .sink = sink, .fail = fail };
	int r = processes(&h);

	if (r == 0)
		r = modules(&h);
	for (size_t i = 0; r == 0 && i < HM_COUNT(tables); i++)
		r = sockets(&h, tables[i]);
	return r;
}
