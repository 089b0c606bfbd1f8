#!/usr/bin/env python3
"""ARCHITECTURE.md's table of modules is that of src/meson.build: same modules, rooms and uses, in the same order; a module
uses only what stands above it."""
import re, sys

source = sys.argv[1]
build = open(f"{source}/src/meson.build").read()
rows = []
for text in re.findall(r"\{'room':.*?\},?\n", build, re.S):
    get = lambda key: re.search(rf"'{key}': '([^']*)'", text).group(1)
    uses = re.search(r"'uses': \[([^\]]*)\]", text).group(1)
    rows.append((get("room"), get("name"), re.findall(r"'([^']*)'", uses)))

failures = []
seen = []
for room, name, uses in rows:
    for use in uses:
        if use not in seen:
            failures.append(f"{name} uses {use}, which does not stand above it")
    seen.append(name)

page = []
for line in open(f"{source}/ARCHITECTURE.md"):
    cells = [cell.strip() for cell in line.split("|")[1:-1]]
    if len(cells) == 4 and cells[0] in {row[0] for row in rows}:
        page.append((cells[0], cells[1], [] if cells[3] == "-" else cells[3].split(", ")))
        if not cells[2]:
            failures.append(f"ARCHITECTURE.md does not say what {cells[1]} does")
for row in rows:
    if row not in page:
        failures.append(f"not in ARCHITECTURE.md as in src/meson.build: {row}")
for row in page:
    if row not in rows:
        failures.append(f"in ARCHITECTURE.md only: {row}")
for failure in failures:
    print("#", failure)
print("not ok 1" if failures else "ok 1", "- ARCHITECTURE.md and src/meson.build tell the same modules")
print("1..1")
sys.exit(bool(failures))
