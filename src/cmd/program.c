#include "program.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <sys/time.h>
#include <time.h>

#include "fs.h"

/* A second signal within this time is the first one again: timeout(1) and terminals send to the process and to its group. */
#define AGAIN_NS 1000000000ull

static volatile sig_atomic_t stop_signal;
static volatile uint64_t stopped_at;

/* The second kills: what runs in chambers dies with this process, and what lies about is cleared away by the guardian and by
 * the next start. */
static void on_signal(int number)
{
	int kept = errno;
	struct timespec t;
	uint64_t now;

	clock_gettime(CLOCK_MONOTONIC, &t);
	now = (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
	if (stop_signal && now - stopped_at > AGAIN_NS)
		_exit(130);
	if (!stop_signal)
		stopped_at = now;
	stop_signal = number;
	errno = kept;
}

void hm_program_catch_signals(void)
{
	struct sigaction action = { .sa_handler = on_signal };

	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGHUP, &action, NULL);
}

bool hm_program_stopped(void)
{
	return stop_signal != 0;
}

static const char *working_on;
static unsigned working_for;
static bool line_shown; /* a line of progress stands on the terminal */

static void clear_line(void)
{
	if (line_shown)
		fputs("\r\033[K", stderr);
	line_shown = false;
}

/* Runs as a signal handler: nothing but write(2). */
static void on_second(int number HM_UNUSED)
{
	static const char back[] = "\rhallmark: ", dots[] = " ... ", clear[] = " s\033[K";
	int kept = errno;
	char digits[12];
	size_t at = sizeof(digits);
	ssize_t n;

	working_for++;
	for (unsigned v = working_for; at == sizeof(digits) || v; v /= 10)
		digits[--at] = (char)('0' + v % 10);
	n = write(STDERR_FILENO, back, sizeof(back) - 1);
	n = write(STDERR_FILENO, working_on, strlen(working_on));
	n = write(STDERR_FILENO, dots, sizeof(dots) - 1);
	n = write(STDERR_FILENO, digits + at, sizeof(digits) - at);
	n = write(STDERR_FILENO, clear, sizeof(clear) - 1);
	(void)n;
	errno = kept;
}

static void tick(time_t seconds)
{
	struct itimerval every = { { seconds, 0 }, { seconds, 0 } };

	setitimer(ITIMER_REAL, &every, NULL);
}

void hm_program_working(const char *what)
{
	struct sigaction action = { .sa_handler = on_second, .sa_flags = SA_RESTART };

	if (!isatty(STDERR_FILENO))
		return;
	working_on = what;
	working_for = 0;
	sigaction(SIGALRM, &action, NULL);
	tick(1);
}

void hm_program_progress(const char *format, ...)
{
	va_list args;

	if (!isatty(STDERR_FILENO))
		return;
	va_start(args, format);
	fputs("\rhallmark: ", stderr);
	vfprintf(stderr, format, args);
	fputs("\033[K", stderr);
	va_end(args);
	line_shown = true;
}

void hm_program_done(void)
{
	clear_line();
	if (!working_on)
		return;
	tick(0);
	if (working_for)
		fputs("\r\033[K", stderr);
	working_on = NULL;
}

int hm_program_print(struct hm_slice text, struct hm_fail *fail)
{
	if (hm_fs_write_all(STDOUT_FILENO, text, fail) < 0)
		return hm_fail_in(fail, "standard output");
	return 0;
}

void hm_program_note(const char *format, ...)
{
	va_list args;

	clear_line();
	va_start(args, format);
	fputs("hallmark: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
}

static void general_help(struct hm_bytes *out, const struct hm_program *program)
{
	hm_bytes_printf(out, "usage: %s COMMAND [OPTION...] ...\n\n%s\n\ncommands:\n", program->name, program->about);
	for (size_t i = 0; program->commands[i]; i++)
		hm_bytes_printf(out, "  %-12s %s\n", program->commands[i]->name, program->commands[i]->summary);
	hm_bytes_printf(out, "\n%s COMMAND --help tells more; exit codes: 3 wrong usage, 4 could not run, 130 interrupted.\n",
			program->name);
}

static int print_help(const struct hm_program *program, const struct hm_command *command)
{
	HM_CLEANUP(hm_bytes_release) struct hm_bytes text = { 0 };
	HM_FREE char *name = command && !program->only ? hm_sprintf("%s %s", program->name, command->name) : hm_strdup(program->name);

	if (command)
		hm_args_help(&text, name, command);
	else
		general_help(&text, program);
	return hm_program_print(hm_slice_of(&text), NULL) < 0 ? 4 : 0;
}

static int complain(const struct hm_fail *fail, int code)
{
	/* Foreign bytes may stand in the text: what could steer a terminal is shown as '?'. */
	fputs("hallmark: ", stderr);
	for (const char *p = fail->text; *p; p++)
		fputc((unsigned char)*p < 0x20 || *p == 0x7f ? '?' : *p, stderr);
	fputc('\n', stderr);
	return hm_fail_exit(code);
}

static int run_command(const struct hm_program *program, const struct hm_command *command, int argc, char **argv)
{
	HM_CLEANUP(hm_args_release) struct hm_args args = { 0 };
	struct hm_fail fail = { 0, "unknown error" };
	int r;

	if (command->absent) {
		hm_fail_set(&fail, HM_E_SYSTEM, "%s is not in this build: %s", command->name, command->absent);
		return complain(&fail, HM_E_SYSTEM);
	}
	r = hm_args_parse(&args, command, argc, argv, &fail);
	if (r == 1)
		return print_help(program, command);
	if (r == 0)
		r = command->run(&args, &fail);
	hm_program_done();
	if (r >= 0)
		return r;
	if (hm_program_stopped() && r != HM_E_USAGE) {
		fail.code = HM_E_INTERRUPTED;
		return complain(&fail, HM_E_INTERRUPTED);
	}
	return complain(&fail, r);
}

int hm_program_main(const struct hm_program *program, int argc, char **argv)
{
	struct hm_fail fail;

	/* A reader that went away shows as an error of write, not as a silent death in mid-run. */
	signal(SIGPIPE, SIG_IGN);
	if (argc > 1 && strcmp(argv[1], "--version") == 0) {
		printf("%s %s\n", program->name, HM_VERSION);
		return 0;
	}
	if (program->only)
		return run_command(program, program->only, argc - 1, argv + 1);
	if (argc < 2) {
		hm_fail_set(&fail, HM_E_USAGE, "no command (%s --help lists them)", program->name);
		return complain(&fail, HM_E_USAGE);
	}
	if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0)
		return print_help(program, NULL);
	for (size_t i = 0; program->commands[i]; i++)
		if (strcmp(program->commands[i]->name, argv[1]) == 0)
			return run_command(program, program->commands[i], argc - 2, argv + 2);
	hm_fail_set(&fail, HM_E_USAGE, "unknown command %s (%s --help lists them)", argv[1], program->name);
	return complain(&fail, HM_E_USAGE);
}
