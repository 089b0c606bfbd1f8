#!/usr/bin/env python3
"""hallmark redact as a user meets it, on every golden bundle: the same id, the same signature, nothing false; what is withheld is gone.
redact.py HALLMARK HALLMARK_VERIFY SOURCE"""
import glob, json, os, subprocess, sys, tempfile, zipfile

hallmark, verify, source = sys.argv[1:4]
work = tempfile.TemporaryDirectory(prefix="hallmark-redact-")
new = os.path.join(work.name, "new.hallmark")
number, failed = 0, False


def result(good, text, details=()):
    global number, failed
    number += 1
    for detail in details if not good else []:
        print("#", ascii(detail)[:2000])
    print(f"{'ok' if good else 'not ok'} {number} - {text}")
    failed |= not good


def redact(bundle, *arguments):
    if os.path.exists(new):
        os.unlink(new)
    return subprocess.run([hallmark, "redact", bundle, "-o", new, *arguments], capture_output=True, text=True, stdin=subprocess.DEVNULL)


def verified(*arguments):
    done = subprocess.run([verify, new, "--json", *arguments], capture_output=True, stdin=subprocess.DEVNULL)
    said = json.loads(done.stdout)
    return done.returncode, said, {r["check"]: r["outcome"] for r in said["checks"]}, {c["id"]: c for c in said.get("claims", [])}


WISHES = [["--withhold", "packets"], ["--withhold", "trees"], ["--withhold", "records:1:0"], ["--withhold", "records:1:100-200"],
          ["--withhold", "packets:1:1-2", "--withhold", "trees:1"], ["--withhold", "all"], ["--path", "/etc/"]]
for folder in sorted(glob.glob(f"{source}/tests/golden/v*/")):
    bundle, key, name = folder + "sample.hallmark", folder + "key.pem.pub", os.path.basename(folder[:-1])
    expected = "sha256:" + open(folder + "id").read().strip()
    with zipfile.ZipFile(bundle) as z:
        trees = sum(r["leaves"] for r in json.loads(z.read("core.json"))["records"] if r["name"].endswith("tree.cbor.zst"))
    for wish in WISHES:
        done = redact(bundle, *wish)
        if wish == ["--withhold", "trees"] and not trees:
            result(done.returncode == 3 and not os.path.exists(new), f"{name}: nothing was left on disk, so there is nothing to withhold: 3", [done.stderr])
            continue
        if done.returncode:
            result(False, f"{name}: {' '.join(wish)}", [done.stderr])
            continue
        code, said, rows, claims = verified("--key", key)
        # The word of the bundle for a claim that counts as recomputed must have come out here.
        result(code == 2 and said["bundle"] == expected and rows["signature"] == "holds" and rows["redaction"] == "holds" and
               "FALSE" not in rows.values() and rows["findings"] == "unchecked" and claims and
               not any(c["status"] == "differs" for c in claims.values()) and
               all(c["status"] != "recomputed" for i, c in claims.items() if c["verdict"] == "upheld" and wish == ["--withhold", "all"]),
               f"{name}: {' '.join(wish)}: same id, signature holds, {sum(c['status'] == 'recomputed' for c in claims.values())} claims recomputed",
               [done.stdout, said])
        if wish == ["--withhold", "packets"]:
            with zipfile.ZipFile(bundle) as old, zipfile.ZipFile(new) as z:
                part = "runs/0001/packets.pcapng"
                result(len(z.read(part)) < len(old.read(part)) and "report.html" not in z.namelist(), f"{name}: the packets are shorter by what is gone")
    upheld = next((i for i, c in claims.items() if c["verdict"] == "upheld"), None)
    redact(bundle, "--withhold", "all")
    if upheld:
        code, said, rows, _ = verified("--key", key, "--require", upheld)
        result(code == 2 and rows.get("require") == "unchecked", f"{name}: a claim that is required and withheld is not there, and not false", [said])
    first = open(new, "rb").read()
    done = subprocess.run([hallmark, "report", new, "-o", os.path.join(work.name, "page.html")], capture_output=True, text=True)
    result(done.returncode == 0 and "withheld" in open(os.path.join(work.name, "page.html")).read(), f"{name}: the report says that something is withheld", [done.stderr])
    redact(bundle, "--withhold", "all")
    result(open(new, "rb").read() == first, f"{name}: the same wish gives the same bytes")

usage = [[], ["--withhold", "everything"], ["--withhold", "packets:0"], ["--withhold", "packets:3-1"], ["--withhold", "secrets:1:1"], ["--withhold", "packets:1:2:3"],
         ["--withhold", "packets:x"], ["--path", "*"], ["--path", "/a*b*c*d*e*f"], ["--withhold", "packets:9999"]]
codes = [redact(bundle, *a).returncode for a in usage]
result(codes == [3] * len(usage) and not os.path.exists(new), "wrong usage, or nothing to withhold, is 3, and nothing is written", [str(codes)])
broken = os.path.join(work.name, "broken.hallmark")
data = bytearray(open(bundle, "rb").read())
data[len(data) // 2] ^= 1
open(broken, "wb").write(data)
result(redact(broken, "--withhold", "packets").returncode == 1 and not os.path.exists(new), "a bundle that does not hold is not redacted")
print(f"1..{number}")
sys.exit(failed)
