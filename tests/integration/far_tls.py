#!/usr/bin/env python3
"""A host that speaks TLS in a network that the tests make: far_tls.py CERTIFICATE KEY. On port 443 it hears all that is said, and goes."""
import socket, ssl, sys, threading

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])
listener = socket.create_server(("192.0.2.2", 443))


def hear(s):
    try:
        with context.wrap_socket(s, server_side=True) as tls:
            while tls.recv(1 << 16):
                pass
    except OSError:
        pass


print("ready", flush=True)
while True:
    threading.Thread(target=hear, args=(listener.accept()[0],), daemon=True).start()
