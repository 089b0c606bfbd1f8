#!/usr/bin/env python3
"""`hallmark log append` killed at every one of its system calls that change a file, one after the other (strace's inject): what was published
stays, nothing that was signed is contradicted, and the log goes on. log_kills.py HALLMARK [--every N]"""
import base64, hashlib, os, shutil, struct, subprocess, sys, tempfile

hallmark = os.path.abspath(sys.argv[1])
every = int(sys.argv[3]) if len(sys.argv) > 3 else 1
CALLS = ["openat", "write", "fsync", "fdatasync", "rename", "renameat", "renameat2", "mkdirat", "unlinkat"]
number, failed = 0, False


def result(good, text):
    global number, failed
    number += 1
    print(f"{'ok' if good else 'not ok'} {number} - {text}")
    failed |= not good


probe = subprocess.run(["strace", "-qq", "-o", "/dev/null", "-e", "trace=fsync", "true"], capture_output=True) if shutil.which("strace") else None
if not probe or probe.returncode:
    print("1..0 # SKIP no strace here that may trace (scripts/setup bench)")
    sys.exit(0)


def run(*args, stdin=b"", check=True):
    r = subprocess.run([hallmark, "log", *args], input=stdin, capture_output=True)
    if check and r.returncode not in (0, 2):
        raise AssertionError(f"{args}: {r.stderr.decode()}")
    return r


def checkpoint(log):
    """Size and root of the published checkpoint; (0, None) when there is none."""
    try:
        lines = open(f"{log}/checkpoint").read().split("\n")
    except FileNotFoundError:
        return 0, None
    return int(lines[1]), base64.b64decode(lines[2])


def entries(log, size):
    out = []
    for n in range((size + 255) // 256):
        width = min(256, size - 256 * n)
        path = f"{log}/tile/entries/{n:03}"
        if not os.path.exists(path):
            path += f".p/{width}"
        data = open(path, "rb").read()
        while data and len(out) < size:
            length = struct.unpack(">H", data[:2])[0]
            out.append(data[2 : 2 + length])
            data = data[2 + length :]
    return out


def root(leaves):
    if len(leaves) == 1:
        return leaves[0]
    k = 1
    while 2 * k < len(leaves):
        k *= 2
    return hashlib.sha256(b"\1" + root(leaves[:k]) + root(leaves[k:])).digest()


def check_published(log):
    """The published tree's entries, after its root has been made again from them."""
    size, head = checkpoint(log)
    got = entries(log, size)
    if size and root([hashlib.sha256(b"\0" + e).digest() for e in got]) != head:
        raise AssertionError(f"the published root of {size} is not that of the entries")
    return got


work = tempfile.mkdtemp(prefix="hallmark-kills-")
try:
    os.chdir(work)
    os.mkdir("base")
    subprocess.run([hallmark, "keygen", "--log", "log.example/kills", "base/key"], check=True, capture_output=True)
    run("create", "base/log", "--key", "base/key")
    first = b"".join(b"first %d\n" % i for i in range(250))
    run("append", "base/log", "--key", "base/key", "--lines", "-", stdin=first)
    before = check_published("base/log")
    wanted = b"".join(b"second %d\n" % i for i in range(270))
    killed, adopted = 0, 0
    problems = []
    for call in CALLS:
        n, hits = 0, 0
        while True:
            n += every
            shutil.rmtree("case", ignore_errors=True)
            shutil.copytree("base", "case")
            r = subprocess.run(["strace", "-f", "-qq", "-o", "/dev/null", "-e", f"trace={call}", "-e", f"inject={call}:signal=KILL:when={n}", hallmark, "log", "append",
                                "case/log", "--key", "case/key", "--lines", "--batch", "135", "-"], input=wanted, capture_output=True)
            if r.returncode == 0:
                break
            hits += 1
            try:
                seen = check_published("case/log")
                if seen[:250] != before:
                    raise AssertionError("entries that were published are gone")
                r = run("append", "case/log", "--key", "case/key", "--lines", "-", stdin=b"third\n")
                adopted += b"interrupted" in r.stderr
                after = check_published("case/log")
                if after[: len(seen)] != seen or after[-1] != b"third":
                    raise AssertionError("the log does not go on from what was published")
                whole = before + [b"second %d" % i for i in range(len(after) - 251)]
                if after[:-1] != whole:
                    raise AssertionError("the log holds what nobody appended in this order")
                run("check", "case/log", "--key", "case/key")
            except AssertionError as e:
                problems.append(f"{call} {n}: {e}")
        killed += hits
        print(f"# {call}: killed at {hits} calls")
    for problem in problems:
        print("#", problem)
    result(killed > 30, f"killed {killed} times")
    result(not problems, "never lost, never forked, and it goes on")
    result(adopted > 0, f"a bundle that no signature covered was taken up {adopted} times")
finally:
    os.chdir("/")
    shutil.rmtree(work, ignore_errors=True)
print(f"1..{number}")
sys.exit(failed)
