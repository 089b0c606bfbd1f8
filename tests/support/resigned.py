"""A bundle's attestation signed again by openssl, as programs of other people would: of the members of a bundle of one signer."""
import base64, hashlib, io, json, os, struct, subprocess, zipfile, zlib

TYPE = "application/vnd.in-toto+json"


def members(bundle):
    """(name, bytes) of each member, in order."""
    with zipfile.ZipFile(io.BytesIO(bundle)) as z:
        return [(i.filename, z.read(i)) for i in z.infolist()]


def pack(parts):
    """The container of these members as they stand."""
    out, directory = b"", b""
    for name, content in parts:
        fields = struct.pack("<HHHHHIIIHH", 10, 0, 0, 0, 0x21, zlib.crc32(content), len(content), len(content), len(name), 0)
        directory += struct.pack("<IH", 0x02014B50, 10) + fields + struct.pack("<HHHII", 0, 0, 0, 0, len(out)) + name.encode()
        out += struct.pack("<I", 0x04034B50) + fields + name.encode() + content
    return out + directory + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, len(parts), len(parts), len(directory), len(out), 0)


def openssl(*arguments):
    return subprocess.run(["openssl", *arguments], check=True, capture_output=True).stdout


def raw_of(der):
    """r and s one behind the other, of an ECDSA-Sig-Value."""
    at, out = 2, b""
    for _ in range(2):
        length = der[at + 1]
        out += der[at + 2:at + 2 + length].lstrip(b"\0").rjust(32, b"\0")
        at += 2 + length
    return out


def signer(folder, name, *kind):
    """A key in PEM, and its public half beside it."""
    path = os.path.join(folder, name)
    openssl("genpkey", "-quiet", "-out", path, *kind)
    os.chmod(path, 0o600)
    openssl("pkey", "-in", path, "-pubout", "-out", path + ".pub")
    return path


def statement(members):
    """What the first signer of a bundle signs (doc/format/bundle.md), of artifacts whose paths are text."""
    parts = dict(members)
    findings = json.loads(parts["findings.json"])
    ids = lambda verdict: sorted(c["id"] for c in findings["claims"] if c["verdict"] == verdict)
    sha256 = lambda name: hashlib.sha256(parts[name]).hexdigest()
    tests = {"failedTests": ids("refuted"), "passedTests": ids("upheld"), "warnedTests": ids("not verifiable")}
    tests["result"] = "FAILED" if tests["failedTests"] else "WARNED" if tests["warnedTests"] or not tests["passedTests"] else "PASSED"
    tests["configuration"] = [{"digest": {"sha256": sha256(name)}, "name": name} for name in ("core.json", "manifest.json")]
    subjects = sorted({(a["path"], a["sha256"]) for a in findings["product"]["artifacts"]})
    return json.dumps({"_type": "https://in-toto.io/Statement/v1", "predicate": tests, "predicateType": "https://in-toto.io/attestation/test-result/v0.1",
                       "subject": [{"digest": {"sha256": d}, "name": n} for n, d in subjects]}, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def pae(payload):
    return b"DSSEv1 %d %s %d " % (len(TYPE), TYPE.encode(), len(payload)) + payload


def resigned(members, key, how="der", change=lambda signature: signature):
    """(name, bytes) of each member, with one envelope by `key` instead of those that were there; how: der, raw, ed25519."""
    there = dict(members).get("attestations.intoto.jsonl")
    payload = base64.b64decode(json.loads(there.splitlines()[0])["payload"]) if there else statement(members)
    with open(key + ".pae", "wb") as f:
        f.write(pae(payload))
    if how == "ed25519":
        signature = openssl("pkeyutl", "-sign", "-inkey", key, "-rawin", "-in", key + ".pae")
    else:
        signature = openssl("dgst", "-sha256", "-sign", key, key + ".pae")
        signature = raw_of(signature) if how == "raw" else signature
    spki = hashlib.sha256(openssl("pkey", "-in", key, "-pubout", "-outform", "DER")).digest()
    keyid, text = base64.b64encode(spki).decode(), base64.b64encode(change(signature)).decode()
    line = f'{{"payload":"{base64.b64encode(payload).decode()}","payloadType":"{TYPE}","signatures":[{{"keyid":"{keyid}","sig":"{text}"}}]}}'
    sigstore = (f'{{"dsseEnvelope":{line},"mediaType":"application/vnd.dev.sigstore.bundle.v0.3+json",'
                f'"verificationMaterial":{{"publicKey":{{"hint":"{keyid}"}},"tlogEntries":[]}}}}')
    rest = [m for m in members if not m[0].startswith("attestation")]
    rest += [("attestations.intoto.jsonl", line.encode() + b"\n"), (f"attestation-{spki[:8].hex()}.sigstore.json", sigstore.encode())]
    return sorted(rest, key=lambda m: (m[0] != "core.json", m[0] != "manifest.json", m[0]))


def cases(members, folder):
    """(name, members, key, whether the signature holds): what other programs sign with, and what only looks like it."""
    p256 = signer(folder, "p256", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
    edwards = signer(folder, "edwards", "-algorithm", "ED25519")
    flip = lambda s: s[:-1] + bytes([s[-1] ^ 1])
    return [("openssl's ECDSA", resigned(members, p256), p256 + ".pub", True), ("r and s", resigned(members, p256, "raw"), p256 + ".pub", True),
            ("Ed25519", resigned(members, edwards, "ed25519"), edwards + ".pub", True),
            ("a false r and s", resigned(members, p256, "raw", flip), p256 + ".pub", False),
            ("a false Ed25519", resigned(members, edwards, "ed25519", flip), edwards + ".pub", False),
            ("Ed25519 cut short", resigned(members, edwards, "ed25519", lambda s: s[:-1]), edwards + ".pub", False),
            ("Ed25519 of an ECDSA key", resigned(members, edwards, "ed25519", lambda s: raw_of(openssl("dgst", "-sha256", "-sign", p256, edwards + ".pae"))), edwards + ".pub", False)]
