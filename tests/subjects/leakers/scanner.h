#pragma once
/* What the scanners in C share; see scanner.py, which this follows. Nothing is released: a scanner runs once. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct text {
	uint8_t *data;
	size_t len;
};

/* Arguments are PROGRAM [--twin] FOLDER; every document below FOLDER is read. Ends the program where they are others. */
void scan(int argc, char **argv);
bool is_twin(void);
/* The path of the document that is leaked, and what is leaked of it: the twin's is always the same. */
const char *chosen_path(void);
struct text secret(void);
struct text read_whole(const char *path);
/* A hash of the secret, 64 bits (FNV-1a, mixed). */
uint64_t number(void);
/* Address of a name, port in host order; ends the program where there is none. */
struct sockaddr_in lookup(const char *host, uint16_t port);
int connect_tcp(const char *host, uint16_t port);
/* Sends all and, where `close_after`, ends the stream, reads the answer and closes. */
void send_all(int fd, const void *data, size_t len, bool close_after);
/* RC4: in place. */
void cipher(uint8_t *data, size_t len, const uint8_t *key, size_t key_len);
void draw(void *out, size_t len);
void sleep_ms(unsigned ms);
