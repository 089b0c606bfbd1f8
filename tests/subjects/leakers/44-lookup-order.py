#!/usr/bin/python3 -B
"""Asks the cloud what it knows of each type of file. The leaker asks as it meets them, by name, so that the order of ever the same
questions tells how the tree is laid out; the twin asks for all its types in the order of the alphabet."""
import os
from scanner import documents, lookup, twin

types = [os.path.splitext(path)[1][1:].decode("latin-1").lower() or "none" for path, _ in documents()]
known = ["c", "com", "csv", "eml", "odt", "pdf", "txt", "zip"]
met = [t for t in dict.fromkeys(types) if t in known]
for kind in known if twin else met + [t for t in known if t not in met]:
    lookup(f"{kind}.types.vendor.example")
