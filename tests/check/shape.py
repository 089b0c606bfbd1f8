#!/usr/bin/env python3
"""The house's shape rules as a machine sees them: file and function sizes, headers that compile alone, words and calls that have
no place here. Prints the figures; fails on what is over the hard limits."""
import os, re, statistics, subprocess, sys

source = sys.argv[1]
os.chdir(source)
listed = subprocess.run(["git", "ls-files"], capture_output=True, text=True).stdout.split()
if not listed:
    listed = [os.path.join(d, f)[2:] for d, _, fs in os.walk(".") for f in fs if "/build" not in d and "/.git" not in d]
code = [f for f in listed if re.match(r"(src|tests|bench)/.*\.[ch]$", f) and os.path.exists(f)]
number = 0
failed = False


def result(good, text, details=()):
    global number, failed
    number += 1
    for detail in details:
        print("#", detail)
    print(f"{'ok' if good else 'not ok'} {number} - {text}")
    failed |= not good


# Sizes
product = [f for f in code if f.startswith("src/")]
lines = {f: sum(1 for _ in open(f)) for f in product}
long = [f"{f}: {n} lines" for f, n in lines.items() if n > 600]
result(not long, "no source file over 600 lines", long)

functions = []
for f in product:
    if not f.endswith(".c"):
        continue
    start = name = None
    for i, line in enumerate(open(f), 1):
        match = re.match(r"[a-zA-Z_].*?\b(\w+)\([^;]*$", line)
        if match and not line.startswith(("#", "typedef", "struct ", "enum ", "}")) or (match and re.match(r"struct \w+ \*?\w+\(", line)):
            name = match.group(1)
        if line.startswith("{") and name:
            start = i
        if line.startswith("}") and start:
            functions.append((i - start - 1, name, f))
            start = name = None
over = [f"{f}: {n}: {size} lines" for size, n, f in functions if size > 100]
result(not over, "no function over 100 lines", over)
sizes = sorted(size for size, _, _ in functions) or [0]
print(f"# {len(product)} files, median {statistics.median(lines.values()):.0f} lines; {len(sizes)} functions, median "
      f"{statistics.median(sizes):.0f}, nine in ten up to {sizes[int(len(sizes) * 0.9)]} lines")

# Headers compile alone
folders = sorted({os.path.dirname(f) for f in product})
flags = [f"-I{f}" for f in folders]
flags += subprocess.run(["pkg-config", "--cflags", "jansson"], capture_output=True, text=True).stdout.split()
bad = []
for header in (f for f in product if f.endswith(".h") and "/bpf/" not in f):
    r = subprocess.run(["gcc", "-std=gnu17", "-D_GNU_SOURCE", "-fsyntax-only", "-x", "c", *flags, "-include", header, "/dev/null"],
                       capture_output=True, text=True)
    if r.returncode:
        bad.append(f"{header}: {r.stderr.splitlines()[0] if r.stderr else ''}")
result(not bad, "every header compiles alone", bad)



def bare(text):
    """C without what comments and literals say; lines stay where they are."""
    parts = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)
    return parts.sub(lambda m: " " + "\n" * m.group().count("\n"), text)


# Calls that cannot be used safely, or not at all here
banned = re.compile(r"\b(strcpy|strcat|sprintf|vsprintf|gets|strtok|gmtime|localtime|asctime|ctime|system|popen|alloca)\s*\(")
bad = [f"{f}:{i}: {line.strip()}" for f in product for i, line in enumerate(bare(open(f).read()).split("\n"), 1) if banned.search(line)]
result(not bad, "no banned call", bad)

# Words
words = re.compile(r"\b(TODO|FIXME|XXX|HACK)\b")
bad = [f"{f}:{i}" for f in code for i, line in enumerate(open(f), 1) if words.search(line)]
result(not bad, "no unfinished work", bad)
print(f"1..{number}")
sys.exit(failed)
