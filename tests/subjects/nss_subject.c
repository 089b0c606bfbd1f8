/* NSS's ways to give plaintext: write, send, writev; and plain, the same functions on a socket without TLS. AUTHORITY is read as a certificate in DER. */
#include <nspr/prio.h>
#include <nss/cert.h>
#include <nss/nss.h>
#include <nss/ssl.h>

#include "tls_subject.h"

static SECStatus trust(void *pinned, PRFileDesc *fd, PRBool check, PRBool server)
{
	CERTCertificate *of = SSL_PeerCertificate(fd);
	SECItem *want = pinned;
	int same = of && of->derCert.len == want->len && memcmp(of->derCert.data, want->data, want->len) == 0;

	(void)check;
	(void)server;
	return same ? SECSuccess : SECFailure;
}

int main(int argc, char **argv)
{
	struct order o = order_of(argc, argv);
	static unsigned char der[8192];
	SECItem pinned = { siBuffer, der, 0 };
	FILE *authority = fopen(o.authority, "rb");
	PRFileDesc *socket = PR_OpenTCPSocket(PR_AF_INET);
	PRNetAddr to;
	long result;

	must(authority != NULL, "the authority");
	pinned.len = (unsigned)fread(der, 1, sizeof(der), authority);
	memset(&to, 0, sizeof(to));
	to.inet.family = PR_AF_INET;
	to.inet.port = o.to.sin_port;
	to.inet.ip = o.to.sin_addr.s_addr;
	if (strcmp(o.form, "plain") == 0) {
		must(PR_Connect(socket, &to, PR_INTERVAL_NO_TIMEOUT) == PR_SUCCESS, "connecting");
		said(&o, PR_Write(socket, o.data, (PRInt32)o.len));
		return 0;
	}
	must(NSS_NoDB_Init(NULL) == SECSuccess, "starting NSS");
	NSS_SetDomesticPolicy();
	socket = SSL_ImportFD(NULL, socket);
	SSL_OptionSet(socket, SSL_SECURITY, PR_TRUE);
	SSL_OptionSet(socket, SSL_HANDSHAKE_AS_CLIENT, PR_TRUE);
	SSL_SetURL(socket, "far.example");
	SSL_AuthCertificateHook(socket, trust, &pinned);
	must(PR_Connect(socket, &to, PR_INTERVAL_NO_TIMEOUT) == PR_SUCCESS, "connecting");
	SSL_ResetHandshake(socket, PR_FALSE);
	must(SSL_ForceHandshake(socket) == SECSuccess, "the handshake");
	if (strcmp(o.form, "write") == 0) {
		result = PR_Write(socket, o.data, (PRInt32)o.len);
	} else if (strcmp(o.form, "send") == 0) {
		result = PR_Send(socket, o.data, (PRInt32)o.len, 0, PR_INTERVAL_NO_TIMEOUT);
	} else {
		PRIOVec list[2] = { { o.data, (int)(o.len / 2) }, { o.data + o.len / 2, (int)(o.len - o.len / 2) } };

		result = PR_Writev(socket, list, 2, PR_INTERVAL_NO_TIMEOUT);
	}
	said(&o, result);
	PR_Close(socket);
	return 0;
}
