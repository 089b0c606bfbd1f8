#!/usr/bin/python3
"""A product that does its worst to who assesses it: hostile.py WAY COUNT. `ever` never ends; `bytes` sends COUNT MiB; `connections` opens
COUNT; `names` asks for COUNT names; `datagrams` sends COUNT; `garbage` says nonsense to every server COUNT times. What it sends but `garbage`'s is the
same in every run."""
import os, random, signal, socket, sys, time

way, count = sys.argv[1], int(sys.argv[2])
host = "collector.example"


def question(name):
    return b"\x12\x34\x01\x00\x00\x01\x00\x00\x00\x00\x00\x00" + b"".join(bytes([len(part)]) + part.encode() for part in name.split(".")) + b"\0\0\x01\0\x01"


def ever():
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    while True:
        time.sleep(1)


def send():
    chunk, address, sent = b"0123456789abcdef" * 4096, socket.gethostbyname(host), 0
    while sent < count << 20:  # a server takes so much of one connection, and resets it
        with socket.create_connection((address, 9000)) as to:
            try:
                while sent < count << 20:
                    to.sendall(chunk)
                    sent += len(chunk)
            except OSError:
                sent += len(chunk)


def connect():
    address = socket.gethostbyname(host)
    kept = []
    for i in range(count):
        one = socket.socket()
        one.setblocking(False)
        one.connect_ex((address, 1 + i % 60000))
        kept.append(one)
        if len(kept) == 500:
            time.sleep(0.01)
            for old in kept[:250]:
                old.close()
            del kept[:250]


def ask():
    to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    to.connect(("198.18.0.1", 53))
    to.settimeout(2)
    for i in range(count):
        to.send(question(f"n{i}.collector.example"))
        try:
            to.recv(4096)
        except OSError:
            pass


def datagrams():
    to = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    to.connect((socket.gethostbyname(host), 9000))
    for i in range(count):
        try:
            to.send(b"x" * 1000)
        except OSError:
            time.sleep(0.001)


def garbage():
    chance = random.Random(os.getpid())
    address = socket.gethostbyname(host)
    begins = (b"", b"GET / HTTP/1.1\r\nHost: ", b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffff\r\n", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
              question("a.b")[:12], b"\xff\xff" + question("a.b"), b"EHLO ", b"CONNECT x:1 HTTP/1.1\r\n")
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    for i in range(count):
        said = begins[i % len(begins)] + chance.randbytes(chance.randrange(2000))
        for port in (53, 123, 443, 9000):
            for where in ("198.18.0.1", address):
                udp.sendto(said[:1400], (where, port))
        for port in (25, 53, 80, 443, 9000):
            try:
                with socket.create_connection((address if port != 53 else "198.18.0.1", port), timeout=2) as to:
                    to.sendall(said)
                    if i % 2:
                        to.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")  # a reset
            except OSError:
                pass


{"ever": ever, "bytes": send, "connections": connect, "names": ask, "datagrams": datagrams, "garbage": garbage}[way]()
# The servers still serve: what it says last is answered.
with socket.create_connection(("mirror.hallmark.test", 80), timeout=20) as to:
    to.sendall(b"GET /hallmark.hdb HTTP/1.1\r\nHost: mirror.hallmark.test\r\n\r\n")
    print("served" if to.recv(100).startswith(b"HTTP/") else "not served")
