#!/usr/bin/env python3
"""verify.html in a real browser, and hallmark-verify, on the same bundles: what the page checks has the same outcome, it refuses nothing that
the program does not, and no request leaves it.  verify.py PAGE HALLMARK_VERIFY SOURCE [MAKE_BUNDLE [REFUSING...]]"""
import base64, glob, hashlib, io, json, os, random, re, struct, subprocess, sys, tempfile, time, zipfile, zlib

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "support"))
sys.dont_write_bytecode = True  # the source tree stays as it is
import chromium
import resigned

page, verify, source, *makers = sys.argv[1:]
if not os.path.exists(page):
    print("1..0 # SKIP verify.html was not built (it needs node and npm: scripts/setup page)")
    sys.exit(0)
if not chromium.found():
    print("1..0 # SKIP there is no chromium")
    sys.exit(0)
number, failed = 0, False
work = tempfile.TemporaryDirectory(prefix="hallmark-page-")
here = lambda name: os.path.join(work.name, name)
URL = "file://" + os.path.abspath(page)
# Rows that only the program has, and of which the page says that it did not check them.
ONLY = {"features", "findings", "report", "require"}
# planted: of an experiment the page checks digests and sizes, the program makes the documents again.
PART = {"planted"}


def result(good, text, details=()):
    global number, failed
    number += 1
    for detail in details if not good else []:
        print("#", ascii(detail)[:1000])
    print(f"{'ok' if good else 'not ok'} {number} - {text}", flush=True)
    failed |= not good


def asked(bundle, *keys):
    done = subprocess.run([verify, bundle, "--json", *[a for k in keys for a in ("--key", k)]], capture_output=True, stdin=subprocess.DEVNULL)
    return json.loads(done.stdout)


DONE = """new Promise((done) => { const look = () => { const s = document.documentElement.dataset.state;
    s === 'done' ? done(document.getElementById('json')?.textContent ?? null) : setTimeout(look, 3); }; look(); })"""
# Files without the disk: what is chosen is made in the page, as a drop would hand it over.
GIVE = """((key, text) => { const bytes = Uint8Array.from(atob(text), (c) => c.charCodeAt(0)), dt = new DataTransfer(), input = document.getElementById(key);
    dt.items.add(new File([bytes], key)); input.files = dt.files; document.documentElement.dataset.state = 'waiting'; input.dispatchEvent(new Event('change')); })"""
FORGET = """((id) => { const input = document.getElementById(id); input.value = ''; input.dispatchEvent(new Event('change')); })"""


def picked(bundle, *keys):
    """What the page says of files of the disk."""
    browser.run("document.documentElement.dataset.state = 'waiting'")
    browser.run(f"{FORGET}('bundle')")
    if keys:
        browser.choose("#key", *keys)
    else:
        browser.run(f"{FORGET}('key')")
    browser.choose("#bundle", bundle)
    return json.loads(browser.run(DONE))


def given(data):
    browser.run(f"{GIVE}('bundle', '{base64.b64encode(data).decode()}')")
    return json.loads(browser.run(DONE))


def give_key(path):
    browser.run(f"{FORGET}('bundle')")
    if path is None:
        browser.run(f"{FORGET}('key')")
    else:
        browser.run(f"{GIVE}('key', '{base64.b64encode(open(path, 'rb').read()).decode()}')")


def outcomes(said, leave=frozenset()):
    return sorted((r["check"], r["outcome"]) for r in said["checks"] if r["check"] not in leave)


def differ(program, here):
    """How the two disagree, or None."""
    if program["bundle"] != here["bundle"]:
        return f"bundle {program['bundle']} and {here['bundle']}"
    if [r for r in here["checks"] if r["check"] in ONLY and r["outcome"] != "unchecked"]:
        return "the page says more than it can know"
    theirs, ours = dict(outcomes(program)), dict(outcomes(here))
    for check in PART:
        if check in ours and ours[check] != theirs.get(check) and (ours[check], theirs.get(check)) not in [("unchecked", "holds"), ("unchecked", "FALSE")]:
            return f"{check}: {theirs.get(check)} and {ours[check]}"
    a, b = outcomes(program, ONLY | PART), outcomes(here, ONLY | PART)
    return None if a == b else f"the program {[r for r in a if r not in b]}, the page {[r for r in b if r not in a]}"


def same(cases, text, key=None):
    """Each (name, bytes): the page and the program say the same. Returns how many the page refused."""
    wrong, refused = [], 0
    give_key(key)
    for name, data in cases:
        with open(here("tried.hallmark"), "wb") as f:
            f.write(data)
        said = given(data)
        refused += said["exit"] == 1
        how = differ(asked(here("tried.hallmark"), *([key] if key else [])), said)
        if how:
            wrong.append(f"{name}: {how}")
    result(not wrong and cases, f"{text} ({len(cases)}, the page refused {refused})", wrong[:10])
    return refused


def requests(events):
    return [e["params"]["request"]["url"] for e in events if e["method"] == "Network.requestWillBeSent"]


def complaints(events):
    return [e["params"] for e in events if e["method"] == "Runtime.exceptionThrown" or
            (e["method"] == "Log.entryAdded" and e["params"]["entry"]["level"] == "error")]


browser = chromium.Chromium(f"--log-net-log={here('net.json')}")
browser.visit(URL)

# What people have
for folder in sorted(glob.glob(f"{source}/tests/golden/v*/")):
    key, bundle = folder + "key.pem.pub", folder + "sample.hallmark"
    said = picked(bundle, key)
    how = differ(asked(bundle, key), said)
    result(not how and said["bundle"] == "sha256:" + open(folder + "id").read().strip() and ("signature", "holds") in outcomes(said) and said["exit"] == 2,
           f"golden {os.path.basename(folder[:-1])}, picked from the disk: as hallmark-verify says", [how or said])
    claims = browser.run("[...document.querySelectorAll('table')].at(-1).innerText")
    findings = json.loads(zipfile.ZipFile(bundle).read("findings.json"))
    result(all(c["id"] in claims and c["verdict"] in claims for c in findings["claims"]) and "the bundle says" in claims and
           "recomputed none" in browser.run("document.getElementById('result').innerText"),
           "its verdicts are shown, as what the bundle says")
result(differ(asked(bundle), picked(bundle)) is None and "no signature was checked" in browser.run("document.getElementById('verdict').innerText"),
       "without a key: the same, and it is said")
other = sorted(glob.glob(f"{source}/tests/golden/v*/key.pem.pub"))[0]
said = picked(bundle, other, key)
result(differ(asked(bundle, other, key), said) is None, "with two keys, of which one is another's", [said])
said = picked(bundle, other)
result(said["exit"] == 1 and differ(asked(bundle, other), said) is None and "Refused" in browser.run("document.getElementById('verdict').innerText") and
       "What the bundle says" not in browser.run("document.getElementById('result').innerText"),
       "with another's key alone: refused, and its verdicts are not shown", [said])

# Fresh bundles, and what must be refused
if makers:
    subprocess.run([makers[0], work.name], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    valid = open(here("valid.hallmark"), "rb").read()
    KEY = here("key.pub")

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

    def flip(content, at, bit):
        return content[:at] + bytes([content[at] ^ 1 << bit]) + content[at + 1:]

    def changed(wanted, change):
        return pack([(n, change(c) if n == wanted else c) for n, c in members()])

    draw = random.Random(3)
    names = [n for n, c in members() if c]
    same([("valid", valid)], "a fresh bundle", KEY)
    same([("valid", valid)], "a fresh bundle and no key")
    same([("valid", valid)], "a fresh bundle and another key", here("other.pub"))
    for name, parts, key, good in resigned.cases(members(), work.name):
        same([(name, pack(parts))], f"{name}, by openssl", key)
    cuts = draw.sample(range(len(valid)), 40) + [0, 1, 4, 29, 30, len(valid) - 22, len(valid) - 1]
    n = same([(f"cut at {at}", valid[:at]) for at in cuts], "cut short")
    result(n == len(cuts), "all of these are refused")
    bits = draw.sample(range(len(valid) * 8), 150)
    n = same([(f"bit {at}", flip(valid, at // 8, at % 8)) for at in bits], "one bit of the file", KEY)
    result(n == len(bits), "all of these are refused")
    cases = [(f"{n} {i}", changed(n, lambda c: flip(c, draw.randrange(len(c)), draw.randrange(8)))) for n in names for i in range(6)]
    same(cases, "one bit of each member, packed again", KEY)
    same([(n, pack([m for m in members() if m[0] != n])) for n in names], "each member missing, packed again", KEY)
    pairs = [(a, b) for a in names for b in names if a < b]
    swap = lambda a, b: pack([(n, dict(members())[b if n == a else a if n == b else n]) for n, _ in members()])
    same([(f"{a} and {b}", swap(a, b)) for a, b in draw.sample(pairs, min(40, len(pairs)))], "two members in each other's place", KEY)
    same([("twice", pack(members() + members()[-1:])), ("backwards", pack(members()[::-1])), ("up", pack(members() + [("runs/../x", b"")])),
          ("unknown", pack(members() + [("zzz", b"")])), ("upper", pack(members() + [("zZ", b"")])), ("escape", pack(members() + [("\x1b[2Jx", b"")])),
          ("prefix", b"#!/bin/sh\n" + valid), ("trailer", valid + b"\n"), ("two", valid + valid), ("text", b"no bundle"),
          ("run 0", pack(members() + [("runs/0000/record.cbor.zst", b"")]))], "packed in another way", KEY)
    again = lambda text: re.sub(rb'"root":"[0-9a-f]{64}"', lambda m: m[0][:-2] + (b'0"' if m[0][-2:-1] != b"0" else b'1"'), text)
    same([("root", changed("core.json", again)), ("format", changed("core.json", lambda c: c.replace(b'"format":1', b'"format":2'))),
          ("spaces", changed("core.json", lambda c: c.replace(b",", b", ", 1))), ("float", changed("core.json", lambda c: c.replace(b'"format":1', b'"format":1.0'))),
          ("schema", changed("core.json", lambda c: c.replace(b"core/v1", b"core/v2"))),
          ("twice", changed("plan.json", lambda c: c.replace(b'{"', b'{"alpha":[1,100],"', 1)))], "altered roots and documents", KEY)
    for refusing in makers[1:]:
        kept = here(os.path.basename(refusing))
        os.mkdir(kept)
        subprocess.run([refusing], env=dict(os.environ, HALLMARK_KEEP=kept), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        files = sorted(glob.glob(kept + "/*.hallmark"))
        small = [f for f in files if os.path.getsize(f) < 1 << 20]
        chosen = small if len(small) <= 150 else random.Random(4).sample(small, 150)
        same([(os.path.basename(f)[:12], open(f, "rb").read()) for f in chosen], f"bundles of {os.path.basename(refusing)}, most of them forged with all digests made again", KEY)

    # Keys
    pem = open(KEY).read()
    for name, text in [("no key", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"), ("text before it", "x\n" + pem), ("two", pem + pem),
                       ("CRLF", pem.replace("\n", "\r\n")), ("a point off the curve", pem.replace("A", "B", 5))]:
        open(here("bad.pub"), "w", newline="").write(text)
        give_key(here("bad.pub"))
        said = given(valid)
        code = subprocess.run([verify, here("valid.hallmark"), "--key", here("bad.pub"), "--quiet"], stderr=subprocess.DEVNULL).returncode
        result(said["exit"] == 1 and code == 1, f"a key that is none: {name}", [said, str(code)])

    # Large
    with open(here("large.hallmark"), "wb") as f:
        f.write(pack([(n, bytes(240 << 20) if n == "report.html" else c) for n, c in members()]))
    browser.run("globalThis.worst = 0; globalThis.last = performance.now(); globalThis.clock = setInterval(() => { const now = performance.now();"
                " worst = Math.max(worst, now - last); last = now; }, 10)")
    began = time.time()
    said = picked(here("large.hallmark"), KEY)
    worst = browser.run("clearInterval(clock), worst")
    print(f"# {time.time() - began:.1f} s, the page was silent for {worst:.0f} ms at most")
    result(("container", "holds") in outcomes(said) and said["exit"] == 2 and worst < 1500, "240 MiB: checked, and the page answers meanwhile", [said])
    os.unlink(here("large.hallmark"))

# Without a request
made = [u for u in requests(browser.events) if not u.startswith(("file://", "blob:"))]
result(not made and not complaints(browser.events), "no request was made, and the policy refused nothing of the page", made + complaints(browser.events))
try:
    browser.run("fetch('http://leak.invalid/fetch')")
    stopped = False
except RuntimeError:
    stopped = True
browser.run("document.body.append(Object.assign(new Image(), {src: 'http://leak.invalid/image'})), 0")
result(stopped and any("Content Security Policy" in str(c) for c in complaints(browser.events)), "its policy refuses requests")


def variant(name, change, hashed=True):
    """The page with another script, which its policy lets run."""
    text = open(page, encoding="utf-8").read()
    script = re.search(r"<script>(.*)</script>", text, re.S)[1]
    text = text.replace(script, change(script))
    digest = lambda s: "sha256-" + base64.b64encode(hashlib.sha256(s.encode()).digest()).decode()
    text = text.replace(digest(script), digest(change(script)))
    if not hashed:
        text = re.sub(r"<meta http-equiv[^>]*>", "", text)
    open(here(name), "w", encoding="utf-8").write(text)
    return "file://" + here(name)


def leak(name):
    """The worker asks for something before it answers. No quotes: the worker stands in a string."""
    url = ",".join(str(ord(c)) for c in "http://leak.invalid/" + name)
    return lambda script: script.replace("postMessage({ result", f"await fetch(String.fromCharCode({url})).catch(() => 0); postMessage({{ result")


for name, hashed in [("strict.html", True), ("loose.html", False)]:
    browser.visit(variant(name, leak(name), hashed))
    browser.choose("#bundle", bundle)
    result(browser.run(DONE) is not None, f"a worker that tries a request all the same ({'inside' if hashed else 'without'} the policy)")

# For everybody
browser.visit(URL)
order = []
for _ in range(3):
    for kind in ("keyDown", "keyUp"):
        browser.ask("Input.dispatchKeyEvent", {"type": kind, "key": "Tab", "code": "Tab", "windowsVirtualKeyCode": 9})
    order.append(browser.run("document.activeElement.id || document.activeElement.tagName"))
result(order == ["bundle", "key", "SUMMARY"], "the keyboard reaches all of it, in order", [str(order)])
result(browser.run("[...document.querySelectorAll('input')].every((i) => i.labels.length === 1 && i.labels[0].textContent.trim())"), "every input has its label")
browser.choose("#bundle", bundle)
browser.run(DONE)
wide = []
for width in (1280, 390):
    browser.ask("Emulation.setDeviceMetricsOverride", {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False})
    wide.append(browser.run("document.documentElement.scrollWidth"))
result(wide[0] <= 1280 and wide[1] <= 390, "nothing is wider than the window, on a desk and on a telephone", [str(wide)])
browser.ask("Emulation.clearDeviceMetricsOverride")
browser.ask("Emulation.setScriptExecutionDisabled", {"value": True})
browser.ask("Page.navigate", {"url": URL})
time.sleep(0.5)
text = browser.run("document.body.innerText")
result("Scripts are off" in text and "It recomputes no claim" in text and "hallmark-verify" in text, "without scripts it says what it is for, and that it checks nothing")

browser.close()
# What the whole browser asked for: the control was seen, nothing else was.
log = open(here("net.json") if os.path.exists(here("net.json")) else os.devnull).read()
result("leak.invalid/loose.html" in log, "a request would be seen")
result(not re.search(r"leak\.invalid/(strict|fetch|image)", log), "no request left the page, nor what tried inside its policy")
print(f"1..{number}")
sys.exit(failed)
