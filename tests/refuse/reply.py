#!/usr/bin/python3
"""What a supplier says beside a bundle (doc/format/reply.md): made, shown, refused; and that it changes no verdict. reply.py HALLMARK HALLMARK_VERIFY SOURCE"""
import base64, hashlib, json, os, subprocess, sys

hallmark, verify, source = sys.argv[1:]
sys.dont_write_bytecode = True  # the source tree stays as it is
sys.path.insert(0, f"{source}/tests/support")
from cases import end, here, put, result, run
from resigned import TYPE, members, openssl, pack, pae, signer

GOLDEN = f"{source}/tests/golden/v2"
BUNDLE, ASSESSOR = f"{GOLDEN}/sample.hallmark", f"{GOLDEN}/key.pem.pub"


def row(bundle, reply, key=None, check="reply"):
    """Exit code, outcome and detail of the row, and what is shown."""
    code, said = run(verify, bundle, "--key", ASSESSOR, "--reply", reply, "--json", *(["--supplier-key", key] if key else []))
    answer = json.loads(said)
    found = [c for c in answer["checks"] if c["check"] == check]
    return code, found[0]["outcome"], found[0]["detail"], answer.get("replies", [])


key = signer(here(""), "supplier", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
other = signer(here(""), "other", "-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256")
edwards = signer(here(""), "edwards", "-algorithm", "ED25519")
YAML = """supplier: Pyzor \\u202e"<b>"
date: "2026-11-29"
statement: |
  We thank the assessor.
  verdict upheld
claims:
  - id: collect.content
    answer: explained
    text: The digest is what it is for.
  - id: capable.reach
    answer: fixed
    fixed_in: "2.0"
    text: TLS.
  - id: collect.names
    answer: accepted
    text: Not tested.
""".replace("\\u202e", "\u202e").replace('"<b>"', "<b>")


def reply(text, out="reply.json"):
    return run(hallmark, "reply", BUNDLE, "--text", put("reply.yaml", text), "--key", key, "-o", here(out))


code, said = reply(YAML)
result(code == 0, "a reply is made", [said])
before = run(verify, BUNDLE, "--key", ASSESSOR, "--json")
code, outcome, detail, shown = row(BUNDLE, here("reply.json"), key + ".pub")
after = json.loads(run(verify, BUNDLE, "--key", ASSESSOR, "--reply", here("reply.json"), "--supplier-key", key + ".pub", "--json")[1])
result(outcome == "holds" and [(c["id"], c["verdict"], c["answer"]) for c in shown[0]["claims"]] ==
       [("collect.content", "not verifiable", "explained"), ("capable.reach", "upheld", "fixed"), ("collect.names", "not tested", "accepted")], "and shown beside the verdicts", [detail, shown])
result(after["exit"] == before[0] == json.loads(before[1])["exit"] and [c for c in after["checks"] if c["check"] != "reply"] == json.loads(before[1])["checks"], "no other row and no exit code is another for it")
code, said = run(verify, BUNDLE, "--key", ASSESSOR, "--reply", here("reply.json"), "--supplier-key", key + ".pub")
result("\u202e" not in said and "\nverdict upheld" not in said and "not verifiable; the answer: explained" in said, "on the terminal it turns no text round and makes no line of its own", [said])
result(row(BUNDLE, here("reply.json"))[:2] == (2, "unchecked") and not row(BUNDLE, here("reply.json"))[3], "without a supplier's key it is unchecked, and not shown")
result(row(BUNDLE, here("reply.json"), other + ".pub")[:2] == (1, "FALSE") and not row(BUNDLE, here("reply.json"), other + ".pub")[3], "under another's key it is refused, and not shown")
code, said = run(verify, BUNDLE, "--key", key + ".pub", "--reply", here("reply.json"), "--supplier-key", ASSESSOR)
result(code == 1 and said.count("FALSE  ") >= 2, "the supplier's key is no assessor's, nor the other way round", [said])
code, said = run(verify, f"{source}/tests/golden/v1/sample.hallmark", "--reply", here("reply.json"), "--supplier-key", key + ".pub")
result(code == 1 and "another bundle" in said, "beside another bundle it is refused", [said])

result(row(put("nothing.hallmark", open(BUNDLE, "rb").read()[:-1]), here("reply.json"), key + ".pub")[1] == "FALSE", "beside what is no bundle it is refused")
bad = {"no claim of the bundle": YAML.replace("collect.names", "collect.nothing"), "twice": YAML.replace("collect.names", "collect.content"), "no such answer": YAML.replace("accepted", "upheld"),
       "two words": YAML.replace("accepted", "accepted disputed"), "no version": YAML.replace('    fixed_in: "2.0"\n', ""), "a version and no fix": YAML.replace("answer: fixed", "answer: disputed"), "no date": YAML.replace('"2026-11-29"', '"today"'),
       "no supplier": YAML.replace("supplier: Pyzor", "vendor: Pyzor"), "no text": YAML.replace("    text: TLS.\n", ""), "nothing": "supplier: X\ndate: \"2026-11-29\"\nclaims: []\n", "too long": YAML.replace("TLS.", "x" * 5000), "no YAML": "a: b: c"}
wrong = [name for name, text in bad.items() if reply(text, "bad.json")[0] != 1 or os.path.exists(here("bad.json"))]
result(not wrong, f"a reply that breaks a rule is not made ({len(bad)})", wrong)
usage = [["--text", here("reply.yaml")], ["--declaration", here("reply.yaml"), "--text", here("reply.yaml")], []]
result(all(run(hallmark, "reply", *u, "--key", key, "-o", here("bad.json"))[0] == 3 for u in usage), "wrong usage is told")


def signed(statement, by=key):
    payload = statement if isinstance(statement, bytes) else json.dumps(statement).encode()
    put("pae", pae(payload))
    signature = openssl("pkeyutl", "-sign", "-inkey", by, "-rawin", "-in", here("pae")) if by == edwards else openssl("dgst", "-sha256", "-sign", by, here("pae"))
    text = lambda b: base64.b64encode(b).decode()
    return put("signed.json", json.dumps({"payload": text(payload), "payloadType": TYPE, "signatures": [{"sig": text(signature)}]}))


good = json.loads(base64.b64decode(json.loads(open(here("reply.json")).read())["payload"]))
result(row(BUNDLE, signed(dict(good, more=1), edwards), edwards + ".pub")[1] == "holds", "one that another program made and signed with Ed25519 is shown")


def changed(path, value):
    copy = json.loads(json.dumps(good))
    at = copy
    for step in path[:-1]:
        at = at[step]
    at[path[-1]] = value
    return copy


ANSWER = ["predicate", "claims", 0]
forged = [changed(["_type"], "x"), changed(["predicateType"], "urn:x"), changed(["subject"], []), changed(["subject", 0, "digest", "sha256"], "0" * 64), changed(["subject", 0, "digest"], 7), changed(["predicate"], []),
          changed(["predicate", "claims"], {}), changed(ANSWER, "x"), changed(ANSWER + ["id"], "no.claim"), changed(ANSWER + ["id"], 7), changed(ANSWER + ["answer"], "fixed"), changed(ANSWER + ["text"], ""), changed(ANSWER + ["text"], None),
          changed(ANSWER + ["fixed_in"], "1"), changed(ANSWER + ["fixed_in"], 1), changed(["predicate", "date"], "2026-11-2"), changed(["predicate", "date"], "2026-11-299"), changed(["predicate", "supplier"], None), changed(["predicate", "statement"], 7),
          json.dumps(good).replace('"date"', '"date": "2026-11-28", "date"').encode(), b"{}", b"[]", b"", b"null"]
wrong = [i for i, s in enumerate(forged) if row(BUNDLE, signed(s), key + ".pub")[1] != "FALSE"]
result(not wrong, f"well signed and wrong, it is refused ({len(forged)})", wrong)

# A declaration: the golden bundle's, as if the supplier had written it. The other rows are false then; this one is not.
parts = members(open(BUNDLE, "rb").read())
declaration = json.loads(dict(parts)["declaration.json"])
declaration["author"] = "supplier"
canonical = json.dumps(declaration, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
theirs = put("theirs.hallmark", pack([(n, canonical if n == "declaration.json" else c) for n, c in parts]))
statement = {"_type": "https://in-toto.io/Statement/v1", "predicateType": "urn:hallmark:predicate:declaration:v1", "predicate": declaration,
             "subject": [{"name": "declaration.json", "digest": {"sha256": hashlib.sha256(canonical).hexdigest()}}]}
code, outcome, detail, shown = row(theirs, signed(statement), key + ".pub")
result(outcome == "holds" and shown[0]["kind"] == "declaration", "a declaration that the supplier signed is the bundle's", [detail])
result(row(BUNDLE, signed(statement), key + ".pub")[1] == "FALSE", "one that is not the bundle's is refused")
other_author = dict(statement, predicate=dict(declaration, author="assessor"))
other_digest = dict(statement, predicate=dict(declaration, product="x"))
result(row(theirs, signed(other_author), key + ".pub")[1] == "FALSE" and row(theirs, signed(other_digest), key + ".pub")[1] == "FALSE", "so is one of another author, or with another digest than it says")
code, said = run(hallmark, "reply", "--declaration", put("d.yaml", "product: pyzor\nauthor: supplier\nsource: us\nendpoints: []\n"), "--key", key, "-o", here("d.json"))
made = json.loads(base64.b64decode(json.loads(open(here("d.json")).read())["payload"])) if code == 0 else {}
result(code == 0 and made["predicate"]["author"] == "supplier" and made["subject"][0]["digest"]["sha256"] ==
       hashlib.sha256(json.dumps(made["predicate"], sort_keys=True, separators=(",", ":")).encode()).hexdigest(), "hallmark reply --declaration signs one", [said])
code, said = run(hallmark, "reply", "--declaration", put("d.yaml", "product: pyzor\nauthor: assessor\nsource: us\n"), "--key", key, "-o", here("bad.json"))
result(code == 1 and not os.path.exists(here("bad.json")), "but none of an assessor", [said])

SHOW = ["--reply", here("reply.json"), "--supplier-key", key + ".pub"]
code, said = run(hallmark, "report", BUNDLE, *SHOW)
result(code == 0 and "fixed in 2.0: TLS." in said and "\u202e" not in said, "the report's table shows it", [said])
code, said = run(hallmark, "report", BUNDLE, *SHOW, "-o", here("page.html"))
page = open(here("page.html"), encoding="utf-8").read() if code == 0 else ""
result("fixed in 2.0" in page and "&lt;b&gt;" in page and "\u202e" not in page, "and so does its page, escaped", [said])
code, said = run(hallmark, "report", BUNDLE, "--reply", here("reply.json"))
result(code == 3, "a report believes nobody without a key", [said])
code, said = run(hallmark, "report", BUNDLE, "--reply", here("reply.json"), "--supplier-key", other + ".pub")
result(code == 1, "nor another's", [said])
code, said = run(hallmark, "compare", BUNDLE, BUNDLE, *SHOW, "--json")
result(code == 0 and json.loads(said)["replies"]["old"][0]["claims"][0]["id"] == "collect.content", "compare shows it", [said])
code, said = run(hallmark, "compare", f"{source}/tests/golden/v1/sample.hallmark", f"{source}/tests/golden/v1/sample.hallmark", *SHOW)
result(code == 1 and "another bundle" in said, "and refuses one that is to neither", [said])
end()
