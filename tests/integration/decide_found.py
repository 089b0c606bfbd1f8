#!/usr/bin/env python3
"""Inventories of a product that a golden bundle is of, and of what is not that build; and a policy that asks for a bundle: decide_found.py BUNDLE
FOLDER. Or what was decided on all of them held against what it should be: decide_found.py BUNDLE FOLDER DECISION FIRST-NUMBER (TAP lines)"""
import json
import pathlib
import sys
import zipfile

A = "https://a.example"


def piece(kind, value, detail="", sha256=None, path=""):
    return {"kind": kind, "row": "r." + kind, "value": value, "path": path, "sha256": sha256, "state": "installed", "strength": "strong", "channel": "package",
            "detail": detail, "source": A, "date": "2026-01-01", "confidence": "high"}


def item(supplier, evidence, version=None, target="h", relation="branded", outer=""):
    row = {"target": target, "supplier": supplier, "product": "P", "class": "security", "relation": relation, "state": "installed", "outer": outer, "score": 100,
           "channels": ["package"], "evidence": evidence, "evidence_count": len(evidence)}
    return row | ({"version": version} if version else {})


def found(items):
    targets = [{"target": t, "kind": "folder", "endpoint": True, "read": {"entries": 1, "files": 1, "bytes": 1, "observations": 1}, "not_read": [], "not_read_count": 0,
                "components": {"seen": 0, "listed": 0, "unlisted": 0, "nameless": 0}, "nameless": []} for t in sorted({i["target"] for i in items})]
    control = [{"controller": None, "country": "RU", "from": None, "to": None, "source": A, "confidence": "high"}]
    suppliers = [{"id": s, "name": s, "kind": "security", "control": control} for s in sorted({i["supplier"] for i in items})]
    return {"schema": "hallmark/found/v1", "made": "2026-11-01", "filter": {"supplier": [], "country": []}, "tables": {"rows": 1, "sha256": "0" * 64},
            "suppliers": suppliers, "targets": targets, "items": items, "candidates": []}


def rule(name, level, unless, answer):
    return {"id": name, "quote": "q", "quote_note": "", "source": A, "read": "2026-01-01", "about": "", "in_force": {"from": "2020-01-01", "to": None},
            "applies_to": {"level": [level]}, "when": {"country": ["RU"]}, "unless": unless, "answer": answer}


def shown(name, keys, logged, answer):
    return {"id": name, "quote": "q", "source": A, "to": None, "when": {"bundle": {"upheld": ["collect.residue", "change.*"], "keys": keys, "logged": logged}}, "answer": answer}


def policy():
    return {"schema": "hallmark/policy/v1", "id": "p", "title": "t", "issuer": "i", "source": A, "levels": ["OFFICIAL", "UNSIGNED", "LOGGED", "TWICE", "SECRET"], "scopes": [],
            "unsourced_country": "cannot tell", "unknown_supplier": [],
            "rules": [rule("official", "OFFICIAL", [shown("shown", 1, False, "allowed")], "sealed only"), rule("unsigned", "UNSIGNED", [shown("shown-unsigned", 0, False, "allowed")], "sealed only"),
                      rule("logged", "LOGGED", [shown("shown-logged", 1, True, "allowed")], "sealed only"), rule("twice", "TWICE", [shown("shown-twice", 2, False, "allowed")], "sealed only"),
                      rule("secret", "SECRET", [], "prohibited")]}


def made(bundle):
    archive = zipfile.ZipFile(bundle)
    product, plan = json.loads(archive.read("product.json")), json.loads(archive.read("plan.json"))
    name, executable, supplier = product["name"], plan["product"]["executable"], product["supplier"]["id"]
    version = next(p["version"] for p in product["packages"] if p["name"] == name)
    library = next(p for p in product["packages"] if p["name"] == "libc6")
    own = piece("package", name, version)
    digest = piece("file", name, "", executable["sha256"], executable["path"])
    cases = {
        "same": [item(supplier, [own], version)],
        "digest": [item(supplier, [digest])],
        "older": [item(supplier, [piece("package", name, version + "~")], version + "~")],
        "several": [item(supplier, [own])],
        "changed": [item(supplier, [own, piece("symbol", "x", "", "0" * 64, "/opt/x.so")], version)],
        "more": [item(supplier, [own, piece("package", name + "-gui", version)], version)],
        "built-in": [item(supplier, [own], version, relation="contains", outer="other")],
        "nothing-tells": [item(supplier, [piece("path", executable["path"])])],
        "a-library": [item(supplier, [piece("package", "libc6", library["version"]), piece("file", "libc.so.6", "", library["files"][1]["sha256"], "/x")], library["version"])],
        "another": [item("another", [own], version)],
    }
    return cases


EXPECTED = {
    "same": ("allowed", "by its package pyzor 1:1.0.0-6"), "digest": ("allowed", "by the digest of a file of its own"),
    "older": ("sealed only", "is of pyzor 1:1.0.0-6, and there is 1:1.0.0-6~"), "several": ("sealed only", "nothing tells that it is the one"),
    "changed": ("sealed only", "without the file that is at /opt/x.so"), "more": ("sealed only", "without the package pyzor-gui"),
    "built-in": ("sealed only", "not of what his code is built into"), "nothing-tells": ("sealed only", "nothing tells that it is the one"),
    "a-library": ("sealed only", "nothing tells that it is the one"), "another": ("sealed only", "of another supplier's product"),
}


def write(bundle, folder):
    cases = made(bundle)
    for case, items in cases.items():
        (folder / f"{case}.json").write_text(json.dumps(found(items)))
    (folder / "all.json").write_text(json.dumps(found([row | {"target": case} for case, items in cases.items() for row in items])))
    (folder / "policy.json").write_text(json.dumps(policy()))


def check(decision, number):
    """Each system has the answer of its own build, and says why."""
    text = pathlib.Path(decision).read_text()
    d = json.loads(text) if text.startswith("{") else {"targets": [], "parts": []}
    answers = {t["target"]: t["answer"] for t in d["targets"]}
    bad = 0
    for case, (answer, why) in EXPECTED.items():
        number += 1
        said = json.dumps([p for p in d["parts"] if p["target"] == case])
        good = answers.get(case) == answer and why in said
        bad += not good
        print(f"{'ok' if good else 'not ok'} {number} - a bundle beside {case}: {answer}" + ("" if good else f", not {answers.get(case)}: {said[:600]}"))
    return bad


if __name__ == "__main__":
    if len(sys.argv) > 3:
        sys.exit(check(sys.argv[3], int(sys.argv[4])) > 0)
    write(sys.argv[1], pathlib.Path(sys.argv[2]))
