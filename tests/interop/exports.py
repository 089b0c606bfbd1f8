#!/usr/bin/python3
"""Exports of a bundle have what their specifications demand, nothing is left out, and the same bundle gives the same bytes:
exports.py HALLMARK BUNDLE..."""
import hashlib, json, re, subprocess, sys, tempfile, zipfile

hallmark, bundles = sys.argv[1], sys.argv[2:]
number, failed = 0, False


def result(good, text):
    global number, failed
    number += 1
    print(f"{'ok' if good else 'not ok'} {number} - {text}")
    failed |= not good


def export(*words, code=0):
    said = subprocess.run([hallmark, "export", *words], capture_output=True)
    if said.returncode != code:
        result(False, f"export {' '.join(words)}: exit {said.returncode}: {said.stderr.decode()}")
    return said.stdout


def events(bundle, member, id):
    lines = export(bundle, "--format", "ocsf").decode().splitlines()
    core = json.loads(member("core.json"))
    items = [r["items"] for r in core["records"] if r["name"].endswith("record.cbor.zst")]
    result(len(lines) == sum(items), f"ocsf: a line for each of {sum(items)} events")
    classes, seen, last = {0: 0, 1007: 1, 1001: 1, 4001: 4}, set(), {}
    for line in lines:
        e = json.loads(line)
        kind, uid = e["metadata"]["event_code"], e["metadata"]["uid"]
        seen.add((kind, e["class_uid"]))
        assert e["type_uid"] == 100 * e["class_uid"] + e["activity_id"] and e["category_uid"] == classes[e["class_uid"]], line
        assert e["severity_id"] in (1, 4) and isinstance(e["time"], int) and e["metadata"]["version"] and e["metadata"]["product"]["vendor_name"]
        assert e["class_uid"] != 1007 or "pid" in e["process"], line
        assert e["class_uid"] != 1001 or e["file"]["uid"].count(":") == 3, line
        run, position = re.fullmatch(re.escape(id) + r"/runs/(\d{4,})/(\d+)", uid).groups()
        assert int(position) == last.get(run, -1) + 1 == e["metadata"]["sequence"], line
        last[run] = int(position)
    result({("exec", 1007), ("open", 1001), ("start", 0), ("end", 0)} <= seen, f"ocsf: {len(seen)} kinds of events, each in its class, each with its place")
    result(export(bundle, "--format", "ocsf").decode().splitlines() == lines, "ocsf: the same again")


def findings(bundle, member, id):
    sarif = json.loads(export(bundle, "--format", "sarif"))
    found, claims = json.loads(member("findings.json")), json.loads(member("claims.json"))["claims"]
    run, = sarif["runs"]
    rules = {rule["id"] for rule in run["tool"]["driver"]["rules"]}
    kinds = {"upheld": ("pass", "none"), "refuted": ("fail", "error"), "not verifiable": ("open", "none"), "not tested": ("notApplicable", "none")}
    wanted = {c["id"]: c["verdict"] for c in found["claims"]} | {c["id"]: "not tested" for c in found["not_tested"]}
    result(sarif["version"] == "2.1.0" and rules == {c["id"] for c in claims} and run["automationDetails"]["id"] == id, "sarif: claims are the rules")
    result({r["ruleId"]: (r["kind"], r["level"]) for r in run["results"]} == {k: kinds[v] for k, v in wanted.items()},
           f"sarif: {len(wanted)} results; what is not verifiable is open, never pass")
    evidence = {c["id"]: len(c["evidence"]) for c in found["claims"]}
    result(all(len(r.get("locations", [])) == evidence.get(r["ruleId"], 0) and r["message"]["text"] and r["properties"]["bundle"] == id
               for r in run["results"]), f"sarif: {sum(evidence.values())} places of evidence")


def product(bundle, member, id):
    sbom, said = json.loads(export(bundle, "--format", "cyclonedx")), json.loads(member("product.json"))
    serial = re.fullmatch(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-8[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", sbom["serialNumber"])
    result(sbom["bomFormat"] == "CycloneDX" and sbom["specVersion"] == "1.6" and sbom["version"] == 1 and serial is not None, "cyclonedx: its head")
    packages = [c for c in sbom["components"] if c["type"] == "library"]
    refs = [c["bom-ref"] for c in packages]
    result(len(set(refs)) == len(refs) == len(said["packages"]) and all(re.fullmatch(r"pkg:deb/debian/[^@+ ]+@[^+ ?]+\?arch=\w+", p["purl"]) for p in packages),
           f"cyclonedx: {len(refs)} packages by purl")
    files = sum(len(c["components"]) for c in packages) + sum(c["type"] == "file" for c in sbom["components"])
    result(files == sum(len(p["files"]) for p in said["packages"]) + len(said["unowned"]), f"cyclonedx: {files} files")
    result(sum(c["type"] == "data" for c in sbom["components"]) == len(said["definitions"]) and {"name": "hallmark:bundle", "value": id} in sbom["metadata"]["properties"],
           "cyclonedx: definitions, and the bundle")


for bundle in bundles:
    z = zipfile.ZipFile(bundle)
    id = "sha256:" + hashlib.sha256(z.read("core.json")).hexdigest()
    for part in (events, findings, product):
        try:
            part(bundle, z.read, id)
        except (AssertionError, KeyError, AttributeError) as why:
            result(False, f"{part.__name__} of {bundle}: {why!r}")
with tempfile.NamedTemporaryFile() as broken:
    broken.write(open(bundles[0], "rb").read()[:-1])
    broken.flush()
    for format in ("ocsf", "sarif", "cyclonedx"):
        result(export(broken.name, "--format", format, code=1) == b"", f"a bundle cut short: no {format}, exit 1")
result(export(bundles[0], code=3) == b"" and export(bundles[0], "--format", "csv", code=3) == b"", "no format, or one that is not there: exit 3")
result(export("/nowhere.hallmark", "--format", "sarif", code=4) == b"", "what is not there: exit 4")
print(f"1..{number}")
sys.exit(failed)
