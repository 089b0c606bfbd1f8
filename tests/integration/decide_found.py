#!/usr/bin/env python3
"""Inventories of a product that a golden bundle is of, and of what is not that build; and a policy that asks for a bundle. decide_found.py BUNDLE FOLDER"""
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


def main(bundle, folder):
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
        "two": [item(supplier, [own], version, "a"), item(supplier, [piece("package", name, "0")], "0", "b")],
    }
    for case, items in cases.items():
        (folder / f"{case}.json").write_text(json.dumps(found(items)))
    (folder / "policy.json").write_text(json.dumps(policy()))


if __name__ == "__main__":
    main(sys.argv[1], pathlib.Path(sys.argv[2]))
