#pragma once
/* Steps of evasion_subject.c: programs and code that come from no installed file. */
#include "evasion_help.h"

static void copy_file(const char *from, int to)
{
	char buffer[65536];
	int fd = open(from, O_RDONLY);
	ssize_t n;

	must(fd >= 0, from);
	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		must(write(to, buffer, (size_t)n) == n, "copying");
	close(fd);
}

static int program;

static void execute(void)
{
	char *argv[] = { (char *)"another-name", (char *)"nothing", (char *)"/", (char *)"free", NULL };

	fexecve(program, argv, (char *[]){ NULL });
	_exit(1);
}

static void step_memfd(void)
{
	program = memfd_create("program", MFD_CLOEXEC);
	must(program >= 0, "memfd_create");
	copy_file(self, program);
	wait_for(fork_child(execute));
	state("open nr=%d path=\"/memfd:program\" layer=%d", SYS_memfd_create, NONE);
	state("exec layer=%d path=\"/memfd:program\" argv=\"another-name\\x00nothing\\x00/\\x00free\\x00\"", NONE);
}

static void step_deleted(void)
{
	const char *path = in_folder("deleted");
	int fd = open(path, O_RDWR | O_CREAT, 0700);
	struct stat st;

	must(fd >= 0, path);
	copy_file(self, fd);
	close(fd);
	program = open(path, O_RDONLY | O_CLOEXEC);
	must(program >= 0 && fstat(program, &st) == 0 && unlink(path) == 0, "unlink");
	wait_for(fork_child(execute));
	state("exec ino=%llu path=\"%s\" argv=\"another-name\\x00nothing\\x00/\\x00free\\x00\"", (unsigned long long)st.st_ino,
	      path);
}

static const char *made_library;

static void preload(void)
{
	char variable[5000], *argv[] = { (char *)"/bin/true", NULL };

	snprintf(variable, sizeof(variable), "LD_PRELOAD=%s", made_library);
	execve(argv[0], argv, (char *[]){ variable, NULL });
	_exit(1);
}

/* Where the C library's own file is mapped from. */
static const char *find_library(const char *name)
{
	static char line[4096];
	FILE *f = fopen("/proc/self/maps", "r");
	char *path;

	must(f != NULL, "maps");
	while (fgets(line, sizeof(line), f)) {
		path = strchr(line, '/');
		if (!path || !strstr(path, name))
			continue;
		path[strcspn(path, "\n")] = '\0';
		fclose(f);
		return path;
	}
	errno = ENOENT;
	must(0, name);
	return NULL;
}

static void step_preload(void)
{
	int fd;

	made_library = in_folder("made.so");
	fd = open(made_library, O_RDWR | O_CREAT, 0755);
	must(fd >= 0, made_library);
	copy_file(find_library("/libc"), fd);
	close(fd);
	wait_for(fork_child(preload));
	state("map nr=%d prot=5 path=\"%s\"", SYS_mmap, made_library);
}

static void step_code(void)
{
	int fd = open(in_folder("code"), O_RDWR | O_CREAT, 0700);
	char *p;

	must(fd >= 0 && ftruncate(fd, 8192) == 0, "a file of code");
	p = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	must(p != MAP_FAILED && (p[0] = '\xc3') && mprotect(p, 4096, PROT_READ | PROT_EXEC) == 0, "W to X of a file");
	state("map nr=%d length=4096 prot=5 path=\"%s\"", SYS_mprotect, in_folder("code"));
	p = mmap(NULL, 12288, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	must(p != MAP_FAILED && (p[0] = '\xc3') && mprotect(p, 12288, PROT_READ | PROT_EXEC) == 0, "W to X of memory");
	((void (*)(void))(uintptr_t)p)();
	state("map nr=%d length=12288 prot=5 dev=0 ino=0 layer=%d path=\"\"", SYS_mprotect, NONE);
	p = mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_SHARED, fd, 4096);
	must(p != MAP_FAILED, "a shared executable mapping");
	state("map nr=%d length=4096 offset=4096 prot=5 path=\"%s\"", SYS_mmap, in_folder("code"));
	fd = memfd_create("code", 0);
	must(fd >= 0 && ftruncate(fd, 4096) == 0 &&
		 mmap(NULL, 4096, PROT_READ | PROT_EXEC, MAP_PRIVATE, fd, 0) != MAP_FAILED,
	     "code in a memfd");
	state("map nr=%d length=4096 prot=5 layer=%d path=\"/memfd:code\"", SYS_mmap, NONE);
}

static void *execute_thread(void *cookie)
{
	(void)cookie;
	execute();
	return NULL;
}

static void execute_in_thread(void)
{
	pthread_t t;

	pthread_create(&t, NULL, execute_thread, NULL);
	pause();
}

static void step_exec_thread(void)
{
	program = open(self, O_RDONLY | O_CLOEXEC);
	must(program >= 0, self);
	wait_for(fork_child(execute_in_thread));
	state("exec argv=\"another-name\\x00nothing\\x00/\\x00free\\x00\"");
	state("exit code=0 last=1");
}
