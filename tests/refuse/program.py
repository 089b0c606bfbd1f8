#!/usr/bin/env python3
"""hallmark-verify as a user meets it: exit codes (CONTRACTS.md section 1), no crash, little memory, nothing on the terminal that
steers it. program.py HALLMARK_VERIFY MAKE_BUNDLE [no-limit]"""
import io, json, os, random, resource, struct, subprocess, sys, tempfile, zipfile, zlib

verify, maker = sys.argv[1], sys.argv[2]
limit = None if "no-limit" in sys.argv[3:] else 512 << 20  # sanitizers reserve address space
number, failed = 0, False
work = tempfile.TemporaryDirectory(prefix="hallmark-refuse-")
subprocess.run([maker, work.name], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
here = lambda name: os.path.join(work.name, name)
valid = open(here("valid.hallmark"), "rb").read()
KEY = ["--key", here("key.pub")]


def bounded():
    if limit:
        resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CPU, (60, 60))


def run(*arguments):
    return subprocess.run([verify, *arguments], capture_output=True, preexec_fn=bounded, stdin=subprocess.DEVNULL)


def result(good, text, details=()):
    global number, failed
    number += 1
    for detail in details:
        print("#", ascii(detail))
    print(f"{'ok' if good else 'not ok'} {number} - {text}")
    failed |= not good


def code_of(data, *arguments):
    with open(here("tried.hallmark"), "wb") as f:
        f.write(data)
    done = run(here("tried.hallmark"), *arguments)
    said = done.stdout + done.stderr
    if any(c < 32 and c != 10 or c == 127 for c in said):
        return "control characters"
    return done.returncode


def refused(cases, text):
    """Each (name, bytes) must give 1 with the key and without."""
    wrong = []
    for name, data in cases:
        codes = code_of(data, *KEY), code_of(data)
        if codes != (1, 1):
            wrong.append(f"{name}: {codes}")
    result(not wrong, text, wrong)


def members(data=valid):
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        return [(i.filename, z.read(i)) for i in z.infolist()]


def pack(parts):
    """The canonical container, a third time and in another language."""
    out, directory = b"", b""
    for name, content in parts:
        fields = struct.pack("<HHHHHIIIHH", 10, 0, 0, 0, 0x21, zlib.crc32(content), len(content), len(content), len(name), 0)
        directory += struct.pack("<IH", 0x02014B50, 10) + fields + struct.pack("<HHHII", 0, 0, 0, 0, len(out)) + name.encode()
        out += struct.pack("<I", 0x04034B50) + fields + name.encode() + content
    return out + directory + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(parts), len(parts), len(directory), len(out), 0)


def changed(wanted, change):
    return pack([(n, change(c) if n == wanted else c) for n, c in members()])


# What holds
done = run(here("valid.hallmark"), *KEY, "--json")
rows = json.loads(done.stdout)["checks"]
result(done.returncode == 2 and not [r for r in rows if r["outcome"] == "FALSE"]
       and [r["check"] for r in rows if r["outcome"] == "unchecked"] == ["log"],
       "a valid bundle: all holds, and there is no log", [str(r) for r in rows if r["outcome"] != "holds"])
result(pack(members()) == valid, "the container follows from its members")
result(run(here("valid.hallmark")).returncode == 2, "without a key: integrity only")
result(run(here("valid.hallmark"), "--key", here("other.pub")).returncode == 1, "another key than the signer's")
result(run(here("valid.hallmark"), *KEY, "--require", "no.such.claim").returncode == 1, "a required claim that is not there")

# Usage
usage = [[], ["--no-such-option"], [here("valid.hallmark"), here("valid.hallmark")], ["--key"]]
codes = [run(*a).returncode for a in usage]
result(codes == [3] * len(usage), "wrong usage is 3", [str(codes)])
absent = [[here("absent")], [here("valid.hallmark"), "--key", here("absent")], [work.name]]
codes = [run(*a).returncode for a in absent]
result(codes == [4] * len(absent), "what is not there is 4", [str(codes)])
open(here("bad.pub"), "w").write("-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n")
result(run(here("valid.hallmark"), "--key", here("bad.pub")).returncode == 1, "a key that is none is 1")

# Bytes
draw = random.Random(1).sample(range(len(valid)), 150)
refused([(f"cut at {at}", valid[:at]) for at in draw[:60] + [0, 1, 4, 30, len(valid) - 1, len(valid) - 22]], "cut short")
refused([(f"bit {at % 8} of byte {at}", valid[:at] + bytes([valid[at] ^ 1 << at % 8]) + valid[at + 1:]) for at in draw],
        "one bit of the file")
refused([(n, changed(n, lambda c: c[:len(c) // 2] + bytes([c[len(c) // 2] ^ 4]) + c[len(c) // 2 + 1:])) for n, _ in members()],
        "one bit of each member, packed again")
refused([(n, pack([m for m in members() if m[0] != n])) for n, _ in members()
         if n not in ("attestations.intoto.jsonl", "report.html")], "each member missing, packed again")
refused([("report", changed("report.html", lambda c: c.replace(b"</html>", b"<!-- x --></html>")))], "report.html is made again")


def by_zipfile(method, **kind):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as z:
        for name, content in members():
            info = zipfile.ZipInfo(name, kind.get("time", (1980, 1, 1, 0, 0, 0)))
            info.compress_type, info.extra, info.comment = method, kind.get("extra", b""), kind.get("comment", b"")
            z.writestr(info, content)
        z.comment = kind.get("archive", b"")
    return out.getvalue()


bomb = io.BytesIO()
with zipfile.ZipFile(bomb, "w", zipfile.ZIP_DEFLATED) as z:
    for n, c in members():
        z.writestr(zipfile.ZipInfo(n), c)
    with z.open(zipfile.ZipInfo("planted/0099"), "w", force_zip64=True) as f:
        for _ in range(256):
            f.write(bytes(1 << 20))
refused([("deflated", by_zipfile(zipfile.ZIP_DEFLATED)), ("bzip2", by_zipfile(zipfile.ZIP_BZIP2)),
         ("zipfile's own header", by_zipfile(zipfile.ZIP_STORED)), ("extra", by_zipfile(zipfile.ZIP_STORED, extra=b"ux\0\0")),
         ("time", by_zipfile(zipfile.ZIP_STORED, time=(2026, 1, 1, 0, 0, 0))),
         ("comments", by_zipfile(zipfile.ZIP_STORED, comment=b"x")), ("comment", by_zipfile(zipfile.ZIP_STORED, archive=b"x")),
         ("bomb", bomb.getvalue()), ("twice", pack(members() + [members()[-1]])), ("backwards", pack(members()[::-1])),
         ("absolute", pack(members() + [("/etc/passwd", b"x")])), ("up", pack(members() + [("runs/../../x", b"x")])),
         ("escape", pack(members() + [("\x1b[2Jx", b"x")])), ("prefix", b"#!/bin/sh\n" + valid), ("trailer", valid + b"\n")],
        "packed in another way")
with open(here("huge.hallmark"), "wb") as f:
    f.truncate(8 << 30)
limit, kept = None, limit  # a file is mapped, not read
result(run(here("huge.hallmark"), *KEY).returncode == 1, "8 GiB of zeros")
limit = kept

print(f"1..{number}")
sys.exit(failed)
