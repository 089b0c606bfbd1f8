#pragma once
/* What the subjects that speak TLS have in common: SUBJECT FORM ADDRESS PORT AUTHORITY FILE connects, trusts AUTHORITY alone (a pinned
 * certificate), and gives FILE's bytes to its library by the function that FORM names. It prints what it gave and what came of it. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct order {
	const char *form, *authority;
	struct sockaddr_in to;
	char *data;
	size_t len;
};

static void must(int good, const char *what)
{
	if (good)
		return;
	fprintf(stderr, "tls subject: %s\n", what);
	exit(1);
}

static struct order order_of(int argc, char **argv)
{
	struct order o = { .to = { .sin_family = AF_INET } };
	FILE *file;

	must(argc == 6, "FORM ADDRESS PORT AUTHORITY FILE");
	o.form = argv[1];
	must(inet_pton(AF_INET, argv[2], &o.to.sin_addr) == 1, "an address");
	o.to.sin_port = htons((unsigned short)atoi(argv[3]));
	o.authority = argv[4];
	file = fopen(argv[5], "rb");
	must(file != NULL, "opening the file");
	o.data = malloc(1 << 20);
	must(o.data != NULL, "memory");
	o.len = fread(o.data, 1, 1 << 20, file);
	fclose(file);
	return o;
}

static inline int connection(const struct order *o)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);

	must(fd >= 0 && connect(fd, (const struct sockaddr *)&o->to, sizeof(o->to)) == 0, "connecting");
	return fd;
}

static inline void said(const struct order *o, long result)
{
	printf("%s %zu %ld\n", o->form, o->len, result);
}
