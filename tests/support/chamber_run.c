/* Runs a command in a chamber by hand: chamber_run [-p] [-i STDIN] [-w WORK] [-d DOCUMENTS] [-t SECONDS] [-k NUMBER]
 * COMMAND [ARG...] -k: equal noise from this number. Prints what the product printed, then its outcome, the time that the chamber took and the tree. No internet,
 * no recorder. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <time.h>

#include "chamber.h"
#include "event.h"
#include "text.h"

static double now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static void drain(int fd, FILE *to)
{
	char chunk[4096];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		fwrite(chunk, 1, (size_t)n, to);
	fflush(to);
}

static int print_entry(void *cookie, const struct hm_chamber_entry *e, struct hm_fail *fail HM_UNUSED)
{
	char hex[65] = "-";

	if (e->hashed)
		hm_text_hex_into(hex, (struct hm_slice){ e->sha256, 32 });
	++*(unsigned *)cookie;
	fprintf(stderr, "  %c %04o %u:%u %8llu %.16s %.*s%s%.*s\n", e->type, e->mode, e->uid, e->gid,
		(unsigned long long)e->size, hex, (int)e->path.len, (const char *)e->path.data,
		e->link.len ? " -> " : "", (int)e->link.len, (const char *)e->link.data);
	return 0;
}

static int fail_out(const struct hm_fail *fail)
{
	fprintf(stderr, "chamber_run: %s\n", fail->text);
	return hm_fail_exit(fail->code);
}

static int run(const struct hm_chamber_spec *spec, double limit_ms)
{
	HM_CLEANUP(hm_chamber_cleanup) struct hm_chamber *c = NULL;
	HM_CLEANUP(hm_bytes_release) struct hm_bytes absent = { 0 };
	struct hm_chamber_result result = { 0 };
	int fds[2], outcome = HM_OUTCOME_EXITED;
	double begun = now_ms(), opened, going, ended;
	struct hm_control_counts counts;
	struct hm_fail fail;
	unsigned entries = 0;

	if (hm_chamber_open(&c, spec, &fail) < 0)
		return fail_out(&fail);
	opened = now_ms();
	if (hm_chamber_go(c, &fds[0], &fds[1], &fail) < 0)
		return fail_out(&fail);
	going = now_ms();
	while (!hm_chamber_ended(c, &result)) {
		struct pollfd p[] = { { .fd = fds[0], .events = POLLIN }, { .fd = fds[1], .events = POLLIN } };

		poll(p, 2, 5);
		drain(fds[0], stdout);
		drain(fds[1], stderr);
		if (now_ms() - going > limit_ms) {
			outcome = HM_OUTCOME_TIMEOUT;
			break;
		}
	}
	if (hm_chamber_kill(c, outcome, &result, &fail) < 0)
		return fail_out(&fail);
	ended = now_ms();
	drain(fds[0], stdout);
	drain(fds[1], stderr);
	hm_chamber_absent(c, &absent);
	hm_chamber_controlled(c, &counts);
	if (spec->control)
		fprintf(stderr, "-- random %llu (%llu bytes), clock %llu, execs %llu, missed %llu, left %llu\n", (unsigned long long)counts.random,
			(unsigned long long)counts.random_bytes, (unsigned long long)counts.clock, (unsigned long long)counts.execs,
			(unsigned long long)counts.execs_missed, (unsigned long long)counts.left);
	fprintf(stderr, "-- outcome %d status %d; open %.1f ms, go %.1f ms, run %.1f ms\n-- absent:\n%.*s-- tree:\n",
		result.outcome, result.status, opened - begun, going - opened, ended - going, (int)absent.len,
		(const char *)absent.data);
	if (hm_chamber_tree(c, print_entry, &entries, &fail) < 0)
		return fail_out(&fail);
	begun = now_ms();
	hm_chamber_close(hm_take_ptr(&c));
	fprintf(stderr, "-- %u entries; close %.1f ms\n", entries, now_ms() - begun);
	return 0;
}

int main(int argc, char **argv)
{
	static const char *const env[] = { "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
					   "HOME=/root", "LANG=C.UTF-8", NULL };
	char name[32];
	struct hm_chamber_spec spec = { .work = "/var/tmp/hallmark",
					.name = name,
					.hostname = "ws-1f2e3d",
					.machine_id = "0123456789ab4def8123456789abcdef",
					.target_from = "/usr/share/doc",
					.target = "/home/user/Documents",
					.env = env };
	struct hm_control_spec control = { .start_ns = 1700000000ull * 1000000000 };
	double limit_ms = 60000;
	int o;

	while ((o = getopt(argc, argv, "+pi:w:d:t:k:")) != -1) {
		if (o == 'p')
			spec.privileged = true;
		else if (o == 'i')
			spec.stdin_path = optarg;
		else if (o == 'w')
			spec.work = optarg;
		else if (o == 'd')
			spec.target_from = optarg;
		else if (o == 'k') {
			control.seed[0] = (uint8_t)atoi(optarg);
			spec.control = &control;
		} else if (o == 't')
			limit_ms = strtod(optarg, NULL) * 1e3;
		else
			return 3;
	}
	if (optind == argc)
		return 3;
	snprintf(name, sizeof(name), "hand-%d", (int)getpid());
	mkdir(spec.work, 0700);
	spec.argv = (const char *const *)argv + optind;
	return run(&spec, limit_ms);
}
