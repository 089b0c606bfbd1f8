#!/usr/bin/python3
"""The statements that lie beside a bundle (doc/format/statements.md), as programs meet them that other people wrote: slsa-verifier's `verify-vsa`, step by step as its
source has it (slsa-framework/slsa-verifier, verifiers/internal/vsa/verifier.go), with openssl for the signature, on our summary and on one that Google signed; Sigstore's npm
verifier; and ours. statements.py HALLMARK HALLMARK_VERIFY RUN_CLAIMS SOURCE MODULES, which keeps the packages between runs."""
import base64, glob, hashlib, json, os, shutil, subprocess, sys

hallmark, verify, claims, source, modules = sys.argv[1:]
sys.dont_write_bytecode = True  # the source tree stays as it is
sys.path.insert(0, f"{source}/tests/support")
from cases import end, here, put, result, run
from resigned import TYPE, members, openssl, pack, pae, raw_of, resigned, signer



def der_of(raw):
    body = b""
    for n in (raw[:32], raw[32:]):
        n = n.lstrip(b"\0")
        n = b"\0" + n if not n or n[0] > 127 else n
        body += bytes([2, len(n)]) + n
    return bytes([0x30, len(body)]) + body


def signed_by(public, payload, signature):
    """ECDSA in DER, or as r and s, which Sigstore's verifiers take too."""
    for form in [signature] + ([der_of(signature)] if len(signature) == 64 else []):
        tried = subprocess.run(["openssl", "dgst", "-sha256", "-verify", public, "-signature", put("sig", form), put("pae", pae(payload))], capture_output=True)
        if tried.returncode == 0:
            return True
    return False


def verify_vsa(text, public, key_id, digests, resource, verifier, levels):
    """slsa-verifier verify-vsa: None, or why it refuses."""
    envelope = json.loads(text)
    payload = base64.b64decode(envelope["payload"], validate=True)
    if envelope["payloadType"] != TYPE:
        return "payload type"
    if not any(s["keyid"] in ("", key_id) and signed_by(public, payload, base64.b64decode(s["sig"], validate=True)) for s in envelope["signatures"]):
        return "signature"
    statement = json.loads(payload)
    if statement["_type"] != "https://in-toto.io/Statement/v1" or statement["predicateType"] != "https://slsa.dev/verification_summary/v1":
        return "type"
    predicate, there = statement["predicate"], {f"{a}:{d}" for s in statement["subject"] for a, d in s["digest"].items()}
    if not set(digests) <= there:
        return "digest"
    if not predicate["verifier"]["id"] or predicate["verifier"]["id"] != verifier:
        return "verifier"
    if not predicate["resourceUri"] or predicate["resourceUri"] != resource:
        return "resource"
    if predicate["verificationResult"] != "PASSED":
        return "result"
    # Levels of SLSA's own tracks are compared as numbers; ours are none of these.
    if not set(levels) <= set(predicate["verifiedLevels"]) or any(level.startswith("SLSA_") for level in predicate["verifiedLevels"] if level.startswith("HALLMARK")):
        return "levels"
    # What its structures hold: another type of a member would not be read.
    if not all(isinstance(v, str) for v in predicate["verifier"].get("version", {}).values()) or not all(set(m) <= {"uri", "digest"} for m in predicate.get("inputAttestations", [])):
        return "form"
    return None


# A bundle in which every judged claim is upheld, and one in which some are not.
os.mkdir(here("cases"))
subprocess.run([claims, f"{source}/data", f"{source}/tests/claims/content.test"], env=dict(os.environ, HALLMARK_CASES=here("cases")), stdout=subprocess.DEVNULL)
kinds = {}
for path in sorted(glob.glob(here("cases/*.hallmark"))):
    parts = members(open(path, "rb").read())
    verdicts = {c["verdict"] for c in json.loads(dict(parts)["findings.json"])["claims"]} if dict(parts).get("findings.json") else set()
    kinds.setdefault("upheld" if verdicts == {"upheld"} else "refuted" if "refuted" in verdicts else "else", parts)
key = signer(here(""), "key", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
other = signer(here(""), "other", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
unsigned, upheld = put("unsigned.hallmark", pack(kinds["upheld"])), put("upheld.hallmark", pack(resigned(kinds["upheld"], key)))
refuted = put("refuted.hallmark", pack(resigned(kinds["refuted"], key)))
RESOURCE = "pkg:deb/debian/scan@1.0"


def attest(bundle, out, *arguments):
    return run(hallmark, "attest", bundle, "--key", key, "-o", here(out), "--resource", RESOURCE, *arguments)


def beside(bundle, statement, public=key + ".pub"):
    code, said = run(verify, bundle, "--key", public, "--statement", statement, "--json")
    return next(c["outcome"] for c in json.loads(said)["checks"] if c["check"] == "beside")


code, said = attest(unsigned, "none")
result(code == 2 and os.path.exists(here("none/assessment.intoto.json")) and not os.path.exists(here("none/vsa.intoto.json")),
       "a bundle that nobody signed gets no verification summary", [said])
code, said = attest(refuted, "no")
result(code == 2 and not os.path.exists(here("no/vsa.intoto.json")), "nor does one with a claim that is not upheld", [said])
code, said = run(hallmark, "attest", upheld, "--key", other, "-o", here("strange"), "--resource", RESOURCE)
result(code == 2 and not os.path.exists(here("strange/vsa.intoto.json")), "nor one that another signed", [said])
code, said = run(hallmark, "attest", upheld, "--key", other, "-o", here("trusting"), "--trust", key + ".pub", "--resource", RESOURCE)
result(code == 0, "unless he is trusted", [said])
code, said = attest(upheld, "good")
result(code == 0, "one that is upheld and signed gets both statements", [said])

vsa = open(here("good/vsa.intoto.json")).read()
statement = json.loads(base64.b64decode(json.loads(vsa)["payload"]))
spki = hashlib.sha256(openssl("pkey", "-in", key, "-pubout", "-outform", "DER")).digest()
good = dict(text=vsa, public=key + ".pub", key_id=base64.b64encode(spki).decode(), digests=["sha256:" + statement["subject"][0]["digest"]["sha256"]], resource=RESOURCE,
            verifier="urn:hallmark:key:" + spki.hex(), levels=["HALLMARK_UPHELD", "HALLMARK_UPHELD_collect.content"])
why = verify_vsa(**good)
result(why is None, "slsa-verifier's steps accept the summary", [why])
flipped = vsa.replace('"payload":"ey', '"payload":"ez', 1)
refused = {"signature": [dict(public=other + ".pub"), dict(key_id="another"), dict(text=flipped)], "digest": [dict(digests=["sha256:" + "1" * 64])], "resource": [dict(resource="pkg:deb/debian/other")],
           "verifier": [dict(verifier="https://example.com")], "levels": [dict(levels=["HALLMARK_UPHELD_collect.names"]), dict(levels=["SLSA_BUILD_LEVEL_1"])]}
wrong = [(name, case) for name, cases in refused.items() for case in cases if verify_vsa(**dict(good, **case)) != name]
result(not wrong, "and refuse another key, key id, payload, digest, resource, verifier, level", wrong)

vectors = os.environ.get("HALLMARK_VECTORS", f"{source}/../shared/vectors")
real = f"{vectors}/vsa/gke-gce-pre.bcid-vsa.jsonl"
if os.path.exists(real):
    public = put("google.pub", open(f"{vectors}/vsa/vsa_signing_public_key.pem", "rb").read())
    theirs = dict(text=open(real).read(), public=public, key_id="keystore://76574:prod:vsa_signing_public_key", digests=["gce_image_id:8970095005306000053"],
                  resource="gce_image://gke-node-images:gke-12615-gke1418000-cos-101-17162-463-29-c-cgpv1-pre", verifier="https://bcid.corp.google.com/verifier/bcid_package_enforcer/v0.1",
                  levels=["BCID_L1", "SLSA_BUILD_LEVEL_2"])
    why = verify_vsa(**theirs)
    result(why is None, "the same steps accept the summary that Google signed", [why])
    if why is None:
        print("# vectors: vsa, by slsa-verifier's steps: 1 agree")
    result(verify_vsa(**dict(theirs, digests=["gce_image_id:1"])) == "digest" and verify_vsa(**dict(theirs, public=key + ".pub")) == "signature", "and refuse it for another image or key")
    result(beside(upheld, real, public) == "FALSE", "which says nothing of a bundle of ours")
else:
    result(True, f"the summary that Google signed # SKIP no {real}")

# Both statements written again from doc/format/statements.md alone.
def written(parts, verifier=None, resource=None):
    document = lambda name: json.loads(dict(parts)[name])
    digest = lambda name: hashlib.sha256(dict(parts)[name]).hexdigest()
    findings, core, chamber = document("findings.json"), document("core.json"), document("assessment.json")["chamber"]
    claims, ids = findings["claims"], lambda verdict: sorted(c["id"] for c in findings["claims"] if c["verdict"] == verdict)
    if verifier:
        kind, lines = "https://slsa.dev/verification_summary/v1", dict(parts)["attestations.intoto.jsonl"].splitlines()
        predicate = {"inputAttestations": [{"digest": {"sha256": hashlib.sha256(l).hexdigest()}, "uri": "attestations.intoto.jsonl"} for l in lines], "policy": {"digest": {"sha256": digest("claims.json")}, "uri": "urn:hallmark:claim-set:v1"},
                     "resourceUri": resource, "verificationResult": "PASSED", "verifiedLevels": ["HALLMARK_UPHELD"] + ["HALLMARK_UPHELD_" + i for i in ids("upheld")],
                     "verifier": {"id": verifier, "version": {"hallmark/semantics": str(findings["semantics"])}}}
    else:
        kind = "urn:hallmark:predicate:assessment:v1"
        predicate = {"bounds": [{"bound": c["bound"], "id": c["id"]} for c in claims if "bound" in c], "bundle": {"digest": {"sha256": digest("core.json")}, "name": "core.json"},
                     "claims": [{k: c[k] for k in ("id", "reason", "verdict")} for c in claims],
                     "coverage": {"experiment": findings["experiment"], "notTested": findings["not_tested"], "runs": len(findings["losses"])}, "doesNotAssert": findings["scope"]["not_asserted"], "losses": findings["losses"],
                     "monitor": {"configSource": {"digest": {"sha256": digest("plan.json")}, "name": "plan.json"}, "tracePolicy": {"claimSet": {"sha256": digest("claims.json")}, "factors": findings["experiment"]["factors"]},
                                 "type": "urn:hallmark:monitor:v1"},
                     "monitoredProcess": {"event": findings["product"]["name"], "hostID": "urn:hallmark:bundle:" + digest("core.json"), "type": "urn:hallmark:chamber:" + chamber["profile"]},
                     "records": core["records"], "result": "FAILED" if ids("refuted") else "WARNED" if ids("not verifiable") or not claims else "PASSED", "semantics": core["semantics"]}
    subjects = json.loads(base64.b64decode(json.loads(dict(parts)["attestations.intoto.jsonl"].splitlines()[0])["payload"]))["subject"]
    whole = {"_type": "https://in-toto.io/Statement/v1", "predicate": predicate, "predicateType": kind, "subject": subjects}
    return json.dumps(whole, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


payload_of = lambda path: base64.b64decode(json.loads(open(path).read())["payload"])
wrong = [] if payload_of(here("good/vsa.intoto.json")) == written(members(open(upheld, "rb").read()), good["verifier"], RESOURCE) else ["summary"]
for bundle in [upheld, refuted] + sorted(glob.glob(f"{source}/tests/golden/v*/sample.hallmark")):
    run(hallmark, "attest", bundle, "--key", key, "-o", here("again"), "--resource", RESOURCE)
    if payload_of(here("again/assessment.intoto.json")) != written(members(open(bundle, "rb").read())):
        wrong.append(bundle)
result(not wrong, "another program writes both from doc/format/statements.md: the same bytes, of golden bundles too", wrong)

# Ours, which has the bundle and makes them again.
result(beside(upheld, here("good/vsa.intoto.json")) == "holds" and beside(upheld, here("good/assessment.intoto.json")) == "holds", "verify --statement makes both again")
result(beside(refuted, here("no/assessment.intoto.json")) == "holds", "that of what was recorded of a refuted bundle too")
result(beside(upheld, here("good/vsa.sigstore.json")) == "holds" and beside(upheld, here("good/vsa.sigstore.json"), other + ".pub") == "FALSE", "and takes the Sigstore bundle of one")
result(beside(upheld, put("own.json", dict(members(open(upheld, "rb").read()))["attestations.intoto.jsonl"])) == "holds", "and the bundle's own")


def envelope(payload, how=lambda b: base64.b64encode(b).decode(), **more):
    signature = openssl("dgst", "-sha256", "-sign", key, put("signing", pae(payload)))
    return json.dumps({"payload": how(payload), "payloadType": TYPE, "signatures": [{"sig": how(signature)}], **more}).encode()


payload = base64.b64decode(json.loads(vsa)["payload"])
safe = lambda b: base64.urlsafe_b64encode(b).decode().rstrip("=")
result(all(beside(upheld, put("made.json", e)) == "holds" for e in [envelope(payload), envelope(payload, safe), envelope(payload, note={"of": [1, "other"]})]),
       "in any form that DSSE allows: no key id, URL-safe, members of others")
two = json.loads(envelope(payload))
two["signatures"].insert(0, {"keyid": "x", "sig": "MAYCAQECAQE="})
result(beside(upheld, put("made.json", json.dumps(two).encode())) == "holds", "with a signature of somebody else beside it")
forged = {"a level more": payload.replace(b'"HALLMARK_UPHELD",', b'"HALLMARK_UPHELD","HALLMARK_UPHELD_collect.names",'), "another result": payload.replace(b"PASSED", b"FAILED"),
          "another artifact": payload.replace(statement["subject"][0]["digest"]["sha256"].encode(), b"1" * 64), "spaces": payload + b" ", "no statement": b"{}", "nothing": b"",
          "a member twice": payload.replace(b'{"_type"', b'{"_type":"x","_type"', 1)}
wrong = [name for name, p in forged.items() if beside(upheld, put("made.json", envelope(p))) != "FALSE"]
result(not wrong, f"well signed and false, it is refused ({len(forged)})", wrong)
result(beside(refuted, here("good/vsa.intoto.json")) == "FALSE", "for another bundle, it is refused")
made = json.loads(payload)
made["subject"] = json.loads(base64.b64decode(json.loads(open(here("no/assessment.intoto.json")).read())["payload"]))["subject"]
result(beside(refuted, put("made.json", envelope(json.dumps(made, sort_keys=True, separators=(",", ":")).encode()))) == "FALSE", "a summary of a bundle in which a claim is refuted is refused")
nothing = put("nothing.hallmark", open(upheld, "rb").read()[:-1])
result(beside(nothing, here("good/vsa.intoto.json")) == "FALSE", "beside what is no bundle, it is refused")
text = envelope(payload).decode()
broken = {"not JSON": "x", "twice": text.replace('{"payload"', '{"payload": "", "payload"', 1), "no signature": json.dumps(dict(json.loads(text), signatures=[])), "both alphabets": text.replace('"sig": "', '"sig": "-+', 1),
          "another type": text.replace(TYPE, "text/plain"), "empty": "", "a list": "[]", "signature is a number": json.dumps(dict(json.loads(text), signatures=[1])), "cut": text[:-3]}
wrong = [name for name, t in broken.items() if beside(upheld, put("made.json", t.encode())) != "FALSE"]
result(not wrong, f"an envelope that is none is refused ({len(broken)})", wrong)
code, said = run(verify, upheld, "--key", other + ".pub", "--key", key + ".pub", "--statement", here("good/vsa.intoto.json"))
result("holds      beside" in said, "one of several keys is enough", [said])
code, said = run(verify, upheld, "--statement", here("good/vsa.intoto.json"))
result(code == 2 and "unchecked  beside" in said, "without a key it is unchecked", [said])

# The lines of README.md, as they stand there.
block = open(f"{source}/README.md").read().split("is checked so:\n\n", 1)[1].split("\n\n", 1)[0]
lines = "\n".join(line[4:] for line in block.splitlines())
os.mkdir(here("shell"))
ask = lambda bundle, public: subprocess.run(["sh", "-c", lines], cwd=here("shell"), env=dict(os.environ, B=bundle, K=public), capture_output=True, text=True)
done = ask(upheld, key + ".pub")
result(done.returncode == 0 and "Verified OK" in done.stdout and ask(upheld, other + ".pub").returncode != 0 and ask(f"{source}/tests/golden/v4/sample.hallmark", f"{source}/tests/golden/v4/key.pem.pub").returncode == 0 and
       ask(f"{source}/tests/golden/v4/sample.hallmark", key + ".pub").returncode != 0, "README's lines with unzip and openssl accept the signer and refuse another", [done.stdout + done.stderr])

fetched = subprocess.run([f"{source}/web/fetch", modules, f"{source}/tests/interop/sigstore"], capture_output=True, text=True) if shutil.which("node") and shutil.which("npm") else None
if fetched and fetched.returncode == 0:
    program = f"{source}/tests/interop/sigstore/statements.mjs"
    for name in ("vsa", "assessment"):
        ask = lambda bundle, public: run("node", program, f"{modules}/node_modules", bundle, public)
        code, said = ask(here(f"good/{name}.sigstore.json"), key + ".pub")
        altered = put("altered.json", open(here(f"good/{name}.sigstore.json"), "rb").read().replace(b'"payload":"ey', b'"payload":"ez', 1))
        result(code == 0 and ask(here(f"good/{name}.sigstore.json"), other + ".pub")[0] == 1 and ask(altered, key + ".pub")[0] == 1,
               f"@sigstore/verify accepts {name}.sigstore.json and refuses another key and payload", [said])
else:
    result(True, f"@sigstore/verify # SKIP {fetched.stdout.strip() if fetched else 'no node or npm (scripts/setup page)'}")
end()
