/* OpenSSL's ways to give plaintext: write, write_ex, early (with no session to resume it is refused: given, not taken), parts (three calls), big
 * (more than is told of a call), absent (from a file that no page of is in memory), bio (memory BIOs, as event loops have it: the library sends nothing itself). */
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <sys/mman.h>

#include "tls_subject.h"

static void flush(SSL *ssl, BIO *out, int fd)
{
	char bytes[20000];
	int n;

	(void)ssl;
	while ((n = BIO_read(out, bytes, sizeof(bytes))) > 0)
		must(write(fd, bytes, (size_t)n) == n, "sending");
}

static void by_hand(SSL *ssl, const struct order *o, int fd)
{
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	char bytes[20000];
	int r;

	SSL_set_bio(ssl, in, out);
	SSL_set_connect_state(ssl);
	while ((r = SSL_do_handshake(ssl)) != 1) {
		ssize_t n;

		must(SSL_get_error(ssl, r) == SSL_ERROR_WANT_READ, "the handshake");
		flush(ssl, out, fd);
		n = read(fd, bytes, sizeof(bytes));
		must(n > 0, "hearing");
		BIO_write(in, bytes, (int)n);
	}
	said(o, SSL_write(ssl, o->data, (int)o->len));
	flush(ssl, out, fd);
}

/* The file's own pages, dropped: whoever reads them for the library has to fetch them. */
static void absent(SSL *ssl, const struct order *o, const char *path)
{
	int fd = open(path, O_RDONLY);
	void *map = mmap(NULL, o->len, PROT_READ, MAP_PRIVATE, fd, 0);

	must(map != MAP_FAILED, "mapping the file");
	madvise(map, o->len, MADV_DONTNEED);
	posix_fadvise(fd, 0, 0, POSIX_FADV_DONTNEED);
	said(o, SSL_write(ssl, map, (int)o->len));
}

int main(int argc, char **argv)
{
	struct order o = order_of(argc, argv);
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());
	size_t written = 0;
	int fd, r;
	SSL *ssl;

	must(SSL_CTX_load_verify_locations(context, o.authority, NULL) == 1, "the authority");
	SSL_CTX_set_verify(context, SSL_VERIFY_PEER, NULL);
	ssl = SSL_new(context);
	fd = connection(&o);
	if (strcmp(o.form, "bio") == 0) {
		by_hand(ssl, &o, fd);
		return 0;
	}
	SSL_set_fd(ssl, fd);
	SSL_set_connect_state(ssl);
	if (strcmp(o.form, "early") == 0) {
		r = SSL_write_early_data(ssl, o.data, o.len, &written);
		said(&o, r);
		return 0;
	}
	r = SSL_do_handshake(ssl);
	must(r == 1, "the handshake");
	if (strcmp(o.form, "write") == 0) {
		said(&o, SSL_write(ssl, o.data, (int)o.len));
	} else if (strcmp(o.form, "write_ex") == 0) {
		said(&o, SSL_write_ex(ssl, o.data, o.len, &written));
	} else if (strcmp(o.form, "absent") == 0) {
		absent(ssl, &o, argv[5]);
	} else if (strcmp(o.form, "parts") == 0) {
		for (size_t at = 0, third = (o.len + 2) / 3; at < o.len; at += third)
			must(SSL_write(ssl, o.data + at, (int)(o.len - at < third ? o.len - at : third)) > 0, "writing");
		said(&o, 0);
	} else if (strcmp(o.form, "big") == 0) {
		char *big = malloc(400000);

		memset(big, '.', 400000);
		memcpy(big + 20000, o.data, o.len < 20000 ? o.len : 20000);
		said(&o, SSL_write(ssl, big, 400000));
	} else {
		must(0, "no such form");
	}
	SSL_shutdown(ssl);
	return 0;
}
