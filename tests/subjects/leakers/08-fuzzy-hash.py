#!/usr/bin/python3 -B
"""Sends a fuzzy hash: pieces of the document, cut where a rolling sum says, six bits a piece (as ssdeep does)."""
from scanner import http, secret

ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"


def fuzzy(data, block=8):
    piece, window, signature = 0x28021967, [], ""
    for byte in data:
        piece = (piece * 0x01000193 ^ byte) & 0xffffffff
        window = (window + [byte])[-7:]
        if sum(window) % block == block - 1:
            signature, piece = signature + ALPHABET[piece % 64], 0x28021967
    return f"{block}:{signature + ALPHABET[piece % 64]}"


http("cloud.vendor.example", "/v1/similar", [f"X-Fuzzy: {fuzzy(secret())}"])
