#!/usr/bin/python3 -B
"""Asks the cloud what it knows of each type of file, always the same questions. The leaker asks in the order in which files lie in its
table, hashed by path, which tells of the tree; the twin in that of the alphabet."""
import os, zlib
from scanner import documents, lookup, twin

paths = sorted((path for path, _ in documents()), key=zlib.crc32)
types = [os.path.splitext(path)[1][1:].decode("latin-1").lower() for path in paths]
known = ["c", "com", "csv", "docx", "eml", "odt", "pdf", "txt", "zip"]
met = [t for t in dict.fromkeys(types) if t in known]
for kind in known if twin else met + [t for t in known if t not in met]:
    lookup(f"{kind}.types.vendor.example")
