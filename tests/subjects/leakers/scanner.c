#include "scanner.h"

#include <fcntl.h>
#include <ftw.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static bool twin;
static char *path;
static int path_rank;

struct text read_whole(const char *name)
{
	struct text text = { 0 };
	struct stat st;
	int fd = open(name, O_RDONLY | O_CLOEXEC);
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return text;
	text.data = malloc((size_t)st.st_size + 1);
	while (text.data && (n = read(fd, text.data + text.len, (size_t)st.st_size - text.len)) > 0)
		text.len += (size_t)n;
	close(fd);
	return text;
}

/* The letter, else the first text, else the first file. */
static int rank_of(const char *name)
{
	size_t len = strlen(name);

	if (len >= 11 && !strcmp(name + len - 11, "/letter.txt"))
		return 0;
	return len > 4 && !strcmp(name + len - 4, ".txt") ? 1 : 2;
}

static int visit(const char *name, const struct stat *st, int type, struct FTW *at)
{
	int rank = rank_of(name);

	(void)st;
	(void)at;
	if (type != FTW_F)
		return 0;
	free(read_whole(name).data);
	if (!path || rank < path_rank || (rank == path_rank && strcmp(name, path) < 0)) {
		free(path);
		path = strdup(name);
		path_rank = rank;
	}
	return 0;
}

void scan(int argc, char **argv)
{
	twin = argc == 3 && !strcmp(argv[1], "--twin");
	if ((argc != 2 && !twin) || nftw(argv[argc - 1], visit, 16, FTW_PHYS) != 0 || !path) {
		fprintf(stderr, "usage: %s [--twin] FOLDER (which holds documents)\n", argv[0]);
		exit(3);
	}
}

bool is_twin(void)
{
	return twin;
}

const char *chosen_path(void)
{
	return path;
}

struct text secret(void)
{
	struct text text = read_whole(path);

	if (!twin)
		return text;
	text.len = 0;
	text.data = malloc(1024);
	for (int n = 27800; text.data && n < 27806; n++)
		text.len += (size_t)sprintf((char *)text.data + text.len,
					    "definitions %d: engine 1.4.6, no threat was found in what was scanned\r\n", n);
	return text;
}

uint64_t number(void)
{
	struct text text = secret();
	uint64_t h = 0xcbf29ce484222325;

	for (size_t i = 0; i < text.len; i++)
		h = (h ^ text.data[i]) * 0x100000001b3;
	h = (h ^ (h >> 31)) * 0x9e3779b97f4a7c15;
	return h ^ (h >> 29);
}

struct sockaddr_in lookup(const char *host, uint16_t port)
{
	struct addrinfo hints = { .ai_family = AF_INET, .ai_socktype = SOCK_STREAM }, *found;
	struct sockaddr_in address;

	if (getaddrinfo(host, NULL, &hints, &found) != 0)
		exit(0);
	memcpy(&address, found->ai_addr, sizeof(address));
	address.sin_port = htons(port);
	freeaddrinfo(found);
	return address;
}

int connect_tcp(const char *host, uint16_t port)
{
	struct sockaddr_in address = lookup(host, port);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		exit(0);
	return fd;
}

void send_all(int fd, const void *data, size_t len, bool close_after)
{
	const uint8_t *at = data;
	char answer[512];

	while (len > 0) {
		ssize_t n = send(fd, at, len, MSG_NOSIGNAL);

		if (n <= 0)
			break;
		at += n;
		len -= (size_t)n;
	}
	if (!close_after)
		return;
	shutdown(fd, SHUT_WR);
	while (read(fd, answer, sizeof(answer)) > 0)
		;
	close(fd);
}

void cipher(uint8_t *data, size_t len, const uint8_t *key, size_t key_len)
{
	uint8_t s[256], i = 0, j = 0, kept;

	for (unsigned n = 0; n < 256; n++)
		s[n] = (uint8_t)n;
	for (unsigned n = 0; n < 256; n++) {
		j = (uint8_t)(j + s[n] + key[n % key_len]);
		kept = s[n], s[n] = s[j], s[j] = kept;
	}
	j = 0;
	for (size_t n = 0; n < len; n++) {
		j = (uint8_t)(j + s[++i]);
		kept = s[i], s[i] = s[j], s[j] = kept;
		data[n] ^= s[(uint8_t)(s[i] + s[j])];
	}
}

void draw(void *out, size_t len)
{
	if (getrandom(out, len, 0) != (ssize_t)len)
		exit(4);
}

void sleep_ms(unsigned ms)
{
	struct timespec t = { .tv_sec = ms / 1000, .tv_nsec = (long)(ms % 1000) * 1000000 };

	while (nanosleep(&t, &t) < 0)
		;
}
