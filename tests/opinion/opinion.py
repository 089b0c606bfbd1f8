#!/usr/bin/env python3
"""Two verifiers that share no code on the same bundles: same exit code, same part named first when a bundle is refused, same findings.
opinion.py SOURCE FOLDER HALLMARK_VERIFY RUN_CLAIMS: golden bundles and the claim tests' cores; with MAKE_BUNDLE and REFUSE_LOG behind it: what must be refused.
FOLDER keeps the program and Go's cache between runs. HALLMARK, the program that redacts, stands behind RUN_CLAIMS with -; further programs
behind REFUSE_LOG are refuse tests whose bundles are kept and asked about."""
import glob, io, json, os, random, shutil, struct, subprocess, sys, tempfile, zipfile, zlib

source, folder, verify, claims = sys.argv[1:5]
maker = sys.argv[5] if len(sys.argv) > 5 and sys.argv[5] != "-" else None
redactor = sys.argv[6] if len(sys.argv) > 6 and sys.argv[5] == "-" else None
if not shutil.which("go"):
    print("1..0 # SKIP no Go here (scripts/setup opinion installs it)")
    sys.exit(0)
os.makedirs(folder, exist_ok=True)
second = os.path.join(folder, "refuses" if maker else "hallmark-second-opinion")
env = dict(os.environ, GOCACHE=os.path.join(folder, "cache"))
work = tempfile.TemporaryDirectory(prefix="hallmark-opinion-")
here = lambda name: os.path.join(work.name, name)
number, failed = 0, False


def result(good, text, details=()):
    global number, failed
    number += 1
    for detail in details:
        print("#", ascii(detail))
    print(f"{'ok' if good else 'not ok'} {number} - {text}")
    failed |= not good


built = subprocess.run([f"{source}/second-opinion/build", second], env=env, capture_output=True, text=True)
if built.returncode == 77:
    print(f"1..0 # SKIP {built.stderr.strip()}")
    sys.exit(0)
result(built.returncode == 0, "it builds with Debian's Go", built.stderr.splitlines())
if built.returncode:
    print("1..1")
    sys.exit(1)


def ask(program, bundle, *arguments):
    done = subprocess.run([program, bundle, "--json", *arguments], capture_output=True, stdin=subprocess.DEVNULL)
    try:
        said = json.loads(done.stdout)
    except ValueError:
        said = {"checks": []}
    return done.returncode, [row for row in said["checks"] if row["outcome"] == "FALSE"], {c["id"]: c["status"] for c in said.get("claims", [])}


def differ(bundle, *arguments):
    """What the two say differently of a bundle, or nothing."""
    (code1, rows1, claims1), (code2, rows2, claims2) = ask(verify, bundle, *arguments), ask(second, bundle, *arguments)
    # The report is made by Hallmark's own code alone; of it the second verifier has no opinion.
    names1, names2 = ([row["check"] for row in rows if row["check"] != "report"] for rows in (rows1, rows2))
    if rows1 and not names1:
        return None
    if code1 != code2 or names1[:1] != names2[:1]:
        return f"exit {code1} and {code2}, {rows1[:1]} and {rows2[:1]}"
    # Of a redacted bundle that holds: the same of each claim, but for what the second does not derive.
    apart = [(i, claims1.get(i), claims2.get(i)) for i in sorted(set(claims1) | set(claims2))
             if claims1.get(i) != claims2.get(i) and (claims2.get(i) != "taken" or claims1.get(i) == "differs")]
    return f"claims: {apart}" if apart and code1 != 1 else None


def differences(cases, text):
    """Each (name, bytes, arguments): both verifiers say the same."""
    wrong = []
    for name, data, *arguments in cases:
        with open(here("tried.hallmark"), "wb") as f:
            f.write(data)
        said = differ(here("tried.hallmark"), *arguments)
        if said:
            wrong.append(f"{name}: {said}")
    result(not wrong, f"{text} ({len(cases)})", wrong[:10])


def cases(name):
    """Every case of a claim test as a bundle: what the second program derives are the bytes that the first did; a core that the first refuses it refuses."""
    os.mkdir(here(name))
    subprocess.run([claims, f"{source}/data", f"{source}/tests/claims/{name}.test"], env=dict(env, HALLMARK_CASES=here(name)), stdout=subprocess.DEVNULL)
    bundles, wrong = sorted(glob.glob(here(f"{name}/*.hallmark"))), []
    for bundle in bundles:
        with zipfile.ZipFile(bundle) as z:
            theirs = z.read("findings.json")
        done = subprocess.run([second, bundle, "--findings"], capture_output=True)
        if done.stdout != theirs or (not theirs and done.returncode != 1):
            wrong.append(f"{os.path.basename(bundle)}: exit {done.returncode}, {len(done.stdout)} bytes of {len(theirs)}")
    result(bundles and not wrong, f"claims {name}: the same findings ({len(bundles)} cores)", wrong[:10])


if not maker:
    for path in sorted(glob.glob(f"{source}/tests/golden/v*/sample.hallmark")):
        name = os.path.basename(os.path.dirname(path))
        said = differ(path, "--key", os.path.join(os.path.dirname(path), "key.pem.pub"))
        result(not said, f"golden {name}: the same answer", [said] if said else [])
    for name in ["v2", "v4"] if redactor else []:
        wrong, asked = [], 0
        for wish in [["packets"], ["trees"], ["records:1:0"], ["records:1:100-200", "packets:1:3-4"], ["all"]]:
            new = here("redacted.hallmark")
            wishes = [a for w in wish for a in ("--withhold", w)]
            if subprocess.run([redactor, "redact", f"{source}/tests/golden/{name}/sample.hallmark", "-o", new, *wishes], capture_output=True).returncode:
                continue  # nothing was left on disk, so there are no trees to withhold
            asked += 1
            said = differ(new, "--key", f"{source}/tests/golden/{name}/key.pem.pub")
            wrong += [f"{wish}: {said}"] if said else []
            os.unlink(new)
        result(asked > 3 and not wrong, f"golden {name}, redacted: the same of each claim ({asked})", wrong)
    for path in sorted(glob.glob(f"{source}/tests/claims/*.test")):
        cases(os.path.basename(path)[:-len(".test")])
    print(f"1..{number}")
    sys.exit(failed)

subprocess.run([maker, work.name], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
env["HALLMARK_BUNDLE"] = here("valid.hallmark")
env["HALLMARK_VERIFY"] = os.path.abspath(verify)
env["HALLMARK_EVERY_BIT"] = here("every")
os.mkdir(here("every"))
first = subprocess.run([os.path.join(os.path.dirname(maker), "every_bit"), here("every")], capture_output=True, text=True)
result(first.returncode == 0, f"the first verifier refuses every cut and every bit of a small bundle ({first.stdout.strip()})", [first.stderr])
tested = subprocess.run([f"{source}/second-opinion/build", "test"], env=env, capture_output=True, text=True)
result(tested.returncode == 0, "its own tests: every bit and every cut, for the same part as the first; records and documents changed at random", (tested.stdout + tested.stderr).splitlines()[-40:] if tested.returncode else [])
valid = open(here("valid.hallmark"), "rb").read()
KEY = ["--key", here("key.pub")]


def members(data=valid):
    with zipfile.ZipFile(io.BytesIO(data)) as z:
        return [(i.filename, z.read(i)) for i in z.infolist()]


def pack(parts):
    out, directory = b"", b""
    for name, content in parts:
        fields = struct.pack("<HHHHHIIIHH", 10, 0, 0, 0, 0x21, zlib.crc32(content), len(content), len(content), len(name), 0)
        directory += struct.pack("<IH", 0x02014B50, 10) + fields + struct.pack("<HHHII", 0, 0, 0, 0, len(out)) + name.encode()
        out += struct.pack("<I", 0x04034B50) + fields + name.encode() + content
    return out + directory + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(parts), len(parts), len(directory), len(out), 0)


def flipped(name, draw):
    """One bit of a member, packed again."""
    at = draw.randrange(len(dict(members())[name]))
    return pack([(n, c[:at] + bytes([c[at] ^ 1 << draw.randrange(8)]) + c[at + 1:] if n == name else c) for n, c in members()])


draw = random.Random(2)
os.mkdir(here("logged"))
subprocess.run([sys.argv[6]], env=dict(env, HALLMARK_KEEP=here("logged")), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
logged = [(os.path.basename(f)[:12], open(f, "rb").read()) for f in sorted(glob.glob(here("logged/*.hallmark")))]
differences(logged, "bundles with receipts of a log, most of them false")
result(len(logged) > 10, "there are some")
for program in sys.argv[7:]:
    name = os.path.basename(program)
    os.mkdir(here(name))
    subprocess.run([program], env=dict(env, HALLMARK_KEEP=here(name)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    kept = [(os.path.basename(f)[:12], open(f, "rb").read(), *KEY) for f in sorted(glob.glob(here(f"{name}/*.hallmark")))]
    with_key = {"refuse_parts": [False], "refuse_redaction": [True]}.get(name, [False, True])
    differences([k if w else k[:2] for k in kept for w in with_key], f"every bundle of {name}, {'and '.join('with a key ' if w else 'without a key ' for w in with_key).strip()}")
    result(kept, "there are some")
differences([("valid", valid, *KEY), ("valid, no key", valid), ("another key", valid, "--key", here("other.pub")),
             ("required", valid, *KEY, "--require", "no.such.claim")], "a fresh bundle")
sys.path.insert(0, f"{source}/tests/support")
sys.dont_write_bytecode = True  # the source tree stays as it is
import resigned
signed = [(name, pack(m), key, good) for name, m, key, good in resigned.cases(members(), work.name)]
differences([(name, data, "--key", key) for name, data, key, _ in signed] + [(name, data) for name, data, _, _ in signed] +
            [(name, data, "--key", here("p256.pub"), "--key", here("edwards.pub")) for name, data, _, _ in signed], "signed by openssl")
for name, data, key, good in signed:
    with open(here("tried.hallmark"), "wb") as f:
        f.write(data)
    code = ask(second, here("tried.hallmark"), "--key", key)[0]
    result(code == (2 if good else 1), f"{name}: {'taken' if good else 'refused'}", [f"exit {code}"])
differences([(f"cut at {at}", valid[:at]) for at in draw.sample(range(len(valid)), 20) + [0, 3, 4, 29, 30, len(valid) - 1]], "cut short")
differences([(f"bit of byte {at}", valid[:at] + bytes([valid[at] ^ 1 << at % 8]) + valid[at + 1:]) for at in draw.sample(range(len(valid)), 20)], "one bit")
differences([(n, pack([m for m in members() if m[0] != n])) for n, _ in members()], "each member missing")
differences([(f"{n} {i}", flipped(n, draw), *KEY) for n, _ in members() for i in range(4)], "one bit of each member, packed again")
everything = members()
differences([("order", pack([everything[0], everything[2], everything[1]] + everything[3:])), ("twice", pack(everything + everything[-1:])),
             ("manifest first", pack([everything[1], everything[0]] + everything[2:])), ("another member", pack(everything + [("zzz", b"")])),
             ("trailer", valid + b"\0"), ("prefix", b"\0" + valid), ("two bundles", valid + valid),
             ("a name with dots", pack(everything + [("x/../y", b"")])), ("upper case", pack(everything + [("xY", b"")])),
             ("run 0", pack(sorted(everything + [("runs/0000/record.cbor.zst", b"")], key=lambda m: (m[0] != "core.json", m[0] != "manifest.json", m[0]))))],
            "packed in another way")
print(f"1..{number}")
sys.exit(failed)
