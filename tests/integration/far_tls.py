#!/usr/bin/env python3
"""A host that speaks TLS in a network that the tests make: far_tls.py CERTIFICATE KEY. On port 443 it hears all that is said, and goes; on port 8443 it
answers requests of HTTP, and closes when they do."""
import socket, ssl, sys, threading

context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
context.load_cert_chain(sys.argv[1], sys.argv[2])


def hear(tls):
    while tls.recv(1 << 16):
        pass


def answer(tls):
    said = b""
    while True:
        more = tls.recv(1 << 16)
        if not more:
            return
        said += more
        if b"\r\n\r\n" in said:
            tls.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")
            said = b""


def serve(s, what):
    try:
        with context.wrap_socket(s, server_side=True) as tls:
            what(tls)
    except OSError:
        pass


def listen(port, what):
    listener = socket.create_server(("192.0.2.2", port))
    return lambda: [threading.Thread(target=serve, args=(listener.accept()[0], what), daemon=True).start() for _ in iter(int, 1)]


both = [listen(443, hear), listen(8443, answer)]
print("ready", flush=True)
threads = [threading.Thread(target=b) for b in both]
for t in threads:
    t.start()
