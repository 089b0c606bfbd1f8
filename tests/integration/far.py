#!/usr/bin/env python3
"""A host in a network that the tests make: far.py ADDRESS. TCP 80 answers a line, 9000 sends everything back once it has all; UDP 700
answers in capitals; port 53 knows three names."""
import socket, sys, threading

address = sys.argv[1]


def tcp(port, serve, at=address):
    listener = socket.create_server((at, port))

    def loop():
        while True:
            threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()

    threading.Thread(target=loop, daemon=True).start()


def line(s):
    s.sendall(b"from afar: " + s.recv(1000))
    s.close()


def back(s):
    said = b""
    while chunk := s.recv(1 << 16):
        said += chunk
    s.sendall(said)
    s.close()


def udp(port, answer):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, port))

    def loop():
        while True:
            data, whom = s.recvfrom(65536)
            s.sendto(answer(data), whom)

    threading.Thread(target=loop, daemon=True).start()


NAMES = {b"service": address, b"loop": "127.0.0.1", b"gate": sys.argv[2]}


def names(query):
    label = query[13:13 + query[12]].lower()
    end = query.index(b"\0", 12) + 5
    kind = query[end - 3]
    if kind == 1 and label in NAMES:
        record = b"\0\4" + socket.inet_aton(NAMES[label])
    elif kind == 16:
        record = b"\0\x09\x08text far"
    else:
        return query[:2] + b"\x81\x83\0\1\0\0\0\0\0\0" + query[12:end]
    return query[:2] + b"\x81\x80\0\1\0\1\0\0\0\0" + query[12:end] + b"\xc0\x0c\0" + bytes([kind]) + b"\0\1\0\0\0\x3c" + record


tcp(80, line)
tcp(9000, back)
udp(700, lambda d: d.upper())
udp(53, names)
print("ready", flush=True)
threading.Event().wait()
