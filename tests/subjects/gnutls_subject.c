/* GnuTLS's ways to give plaintext: send, send2, range, early, file, cork. */
#include <gnutls/gnutls.h>

#include "tls_subject.h"

static long give(gnutls_session_t session, const struct order *o, const char *path)
{
	gnutls_range_st range = { o->len, o->len };

	if (strcmp(o->form, "send") == 0)
		return gnutls_record_send(session, o->data, o->len);
	if (strcmp(o->form, "send2") == 0)
		return gnutls_record_send2(session, o->data, o->len, 0, 0);
	if (strcmp(o->form, "range") == 0)
		return gnutls_record_send_range(session, o->data, o->len, &range);
	if (strcmp(o->form, "file") == 0)
		return gnutls_record_send_file(session, open(path, O_RDONLY), NULL, o->len);
	if (strcmp(o->form, "cork") == 0) {
		gnutls_record_cork(session);
		gnutls_record_send(session, o->data, o->len);
		return gnutls_record_uncork(session, GNUTLS_RECORD_WAIT);
	}
	return 0;
}

int main(int argc, char **argv)
{
	struct order o = order_of(argc, argv);
	gnutls_certificate_credentials_t trusted;
	gnutls_session_t session;
	int fd;

	gnutls_certificate_allocate_credentials(&trusted);
	must(gnutls_certificate_set_x509_trust_file(trusted, o.authority, GNUTLS_X509_FMT_PEM) > 0, "the authority");
	gnutls_init(&session, GNUTLS_CLIENT | GNUTLS_ENABLE_EARLY_START);
	gnutls_set_default_priority(session);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, trusted);
	gnutls_session_set_verify_cert(session, NULL, 0);
	fd = connection(&o);
	gnutls_transport_set_int(session, fd);
	if (strcmp(o.form, "early") == 0) {
		said(&o, gnutls_record_send_early_data(session, o.data, o.len));
		return 0;
	}
	must(gnutls_handshake(session) == 0, "the handshake");
	said(&o, give(session, &o, argv[5]));
	gnutls_bye(session, GNUTLS_SHUT_WR);
	return 0;
}
