#!/usr/bin/python3 -B
"""Asks for the time: the transmit timestamp, which clients fill with random bits, is a digest of the document. The twin's is random."""
import os
from scanner import digest, twin, udp

stamp = digest()[:8] if not twin else (digest(), os.urandom(8))[1]
udp("time.vendor.example", 123, b"\x23" + bytes(39) + stamp)
