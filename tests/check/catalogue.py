#!/usr/bin/env python3
"""tables.md's table of claims is that of src/judge/claim/catalogue.c: what each looks at, and what it needs of the declaration. (second-opinion/tables_test.go
holds the same page against the other program.)"""
import re, sys

source = sys.argv[1]
code = open(f"{source}/src/judge/claim/catalogue.c").read()
touch = {"HM_TOUCH_" + w.upper(): {w} for w in ["events", "packets", "tree", "output", "reads", "code", "paths", "ports"]}
for name, text in re.findall(r"^\t([A-Z]+) = (HM_TOUCH[A-Z_| ]+),", code, re.M):
    touch[name] = set().union(*(touch[w.strip()] for w in text.split("|")))


def cell(there, words):
    return ", ".join(w for w in words if w in there) or "-"


rows = []
for name, rest in re.findall(r'\{ "([a-z.]+)", \d,([^{}]*)\}', code):
    found = re.search(r"\.touches = ([A-Z_| ]+)", rest)
    there = set().union(*(touch[w.strip()] for w in found.group(1).split("|"))) if found else set()
    needs = re.search(r'\.needs = "(\w+)"', rest)
    rows.append((name, cell(there, ["events", "packets", "tree", "output"]), cell(there, ["reads", "code", "paths", "ports"]), needs.group(1) if needs else "-"))

page = re.search(r"^## What each claim rests on$(.*?)^## ", open(f"{source}/doc/format/tables.md").read(), re.M | re.S).group(1)
there = [tuple(c.strip() for c in line.split("|")[1:-1]) for line in page.splitlines() if re.match(r"\| [a-z]+\.", line)]
failures = [f"not in tables.md as in catalogue.c: {row}" for row in rows if row not in there] + [f"in tables.md only: {row}" for row in there if row not in rows]
for failure in failures:
    print("#", failure)
good = rows and not failures
print("ok 1" if good else "not ok 1", f"- tables.md and catalogue.c tell the same of {len(rows)} claims")
print("1..1")
sys.exit(not good)
