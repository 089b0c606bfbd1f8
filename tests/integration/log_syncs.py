#!/usr/bin/env python3
"""The order in which `hallmark log append` writes and syncs (doc/format/log.md, "How it is written"), from strace: nothing gets a name before it is synced, no tile one before the entries' folders are synced, nothing
is signed before the tiles' are, and no checkpoint is written before its signature is synced. log_syncs.py HALLMARK"""
import os, re, shutil, subprocess, sys, tempfile

hallmark = os.path.abspath(sys.argv[1])
number, failed = 0, False
probe = subprocess.run(["strace", "-qq", "-y", "-f", "-o", "/dev/null", "-e", "trace=fsync", "true"], capture_output=True) if shutil.which("strace") else None
if not probe or probe.returncode:
    print("1..0 # SKIP no strace here that may trace (scripts/setup bench)")
    sys.exit(0)


def result(good, text, details=()):
    global number, failed
    number += 1
    for detail in details if not good else ():
        print("#", ascii(detail)[:800])
    print(f"{'ok' if good else 'not ok'} {number} - {text}")
    failed |= not good


def calls(trace):
    """(name, arguments) of calls that succeeded, in the order in which they ended."""
    begun = {}
    for line in open(trace):
        pid, text = line.rstrip("\n").split(None, 1)
        if text.endswith("<unfinished ...>"):
            begun[pid] = text[: -len("<unfinished ...>")]
            continue
        resumed = re.match(r"<\.\.\. \w+ resumed>(.*)", text)
        if resumed:
            text = begun.pop(pid) + resumed[1]
        match = re.match(r"(\w+)\((.*)\)\s+= (-?\d+)", text)
        if match and int(match[3]) >= 0:
            yield match[1], match[2]


work = tempfile.mkdtemp(prefix="hallmark-syncs-")
try:
    os.chdir(work)
    subprocess.run([hallmark, "keygen", "--log", "log.example/syncs", "key"], check=True, capture_output=True)
    subprocess.run([hallmark, "log", "create", "log", "--key", "key"], check=True)
    top = os.path.realpath("log")
    for name, lines in [("one batch", 256), ("three batches", 700), ("a batch that crosses a bundle", 300)]:
        with open("in", "w") as f:
            f.writelines(f"{name} {i}\n" for i in range(lines))
        subprocess.run(["strace", "-qq", "-f", "-y", "-s", "1", "-o", "trace", "-e", "trace=openat,write,fsync,fdatasync,renameat,renameat2,linkat", hallmark, "log", "append", "log", "--key", "key", "--lines", "--quiet", "in"], check=True)
        dirty, folders, wrong, placed, signed, checkpoints = set(), {}, [], 0, None, 0
        for call, text in calls("trace"):
            path = (re.match(r"\d+<([^>]*)>", text) or [None, ""])[1]
            if call == "write" and path.startswith(top):
                dirty.add(path)
                if signed == "written":
                    wrong.append(f"{path} is written before the signature is synced")
            elif call == "write" and path.endswith("/key.signed"):
                if folders:
                    wrong.append(f"signed before {folders} are synced")
                signed = "written"
            elif call in ("fsync", "fdatasync"):
                dirty.discard(path)
                folders.pop(path, None)
                signed = "synced" if path.endswith("/key.signed") else signed
            elif call in ("renameat", "renameat2"):
                names = re.findall(r'"([^"]*)"', text)
                source, target = (os.path.join(top, n) for n in names[:2])
                if source in dirty:
                    wrong.append(f"{names[1]} gets its name before it is synced")
                if names[1] == "checkpoint":
                    checkpoints += 1
                    if folders or signed != "synced":
                        wrong.append(f"published before {folders} are synced, signature {signed}")
                    signed = None
                elif not names[1].startswith("tile/entries/") and any(of == "entries" for of in folders.values()):
                    wrong.append(f"{names[1]} gets its name before the entries' folders are synced")
                folders[os.path.dirname(target)] = "entries" if names[1].startswith("tile/entries/") else "tiles"
                placed += 1
        if folders or dirty:
            wrong.append(f"left unsynced: {folders}, {dirty}")
        result(not wrong and placed >= 3 * checkpoints and checkpoints >= lines // 256, f"{name}: {placed} files, {checkpoints} checkpoints", wrong[:10])
    result(subprocess.run([hallmark, "log", "check", "log", "--key", "key", "--quiet"]).returncode in (0, 2), "the log holds")
finally:
    os.chdir("/")
    shutil.rmtree(work, ignore_errors=True)
print(f"1..{number}")
sys.exit(failed)
