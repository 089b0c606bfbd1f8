#!/usr/bin/env python3
"""Systems with nothing of any maker of security software: whatever is found there is wrong. clean.py HALLMARK DATA [FOLDER]

Makes, in FOLDER (or $HALLMARK_CLEAN; without either: skipped), from the mirrors of Debian and npm, whatever is not there yet: a Debian host, a Debian image, a tree of npm packages;
the host's Python packages are the fifth. An Alpine root is taken when somebody puts one there (FOLDER/alpine). Takes about 6 GB and half an hour. Told is each item and candidate of a
supplier of kind security; exit 1 when there is one."""
import csv, glob, hashlib, json, os, shutil, subprocess, sys, time
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import parts

MIRROR = os.environ.get("HALLMARK_MIRROR", "http://deb.debian.org/debian")
HOST = """python3-django python3-numpy python3-pandas python3-matplotlib python3-sqlalchemy python3-twisted python3-botocore python3-boto3 python3-sphinx python3-lxml python3-requests python3-flask
python3-pip python3-setuptools python3-wheel python3-cryptography python3-openssl python3-yaml python3-babel python3-tornado python3-zope.interface python3-pytest python3-docutils
wireshark-common lynis spamassassin rspamd yara linux-headers-amd64 linux-image-amd64 golang-go rustc default-jdk-headless libcommons-lang3-java libguava-java libspring-core-java vim emacs-nox git
perl-doc nodejs npm nginx""".split()
NPM = "express react webpack jest typescript next @angular/core vue eslint antd aws-sdk".split()


def host(path):
    subprocess.run(["mmdebstrap", "--variant=standard", "--include=" + ",".join(HOST), "bookworm", path, MIRROR], check=True, stderr=subprocess.DEVNULL)


def image(path):
    """An OCI layout of one layer, packed."""
    made = path + ".root.tar"
    subprocess.run(["mmdebstrap", "--variant=minbase", "--include=ca-certificates,curl,python3", "bookworm", made, MIRROR], check=True, stderr=subprocess.DEVNULL)
    subprocess.run(["gzip", "-1", made], check=True)
    layer = open(made + ".gz", "rb").read()
    digest = lambda b: "sha256:" + hashlib.sha256(b).hexdigest()
    manifest = json.dumps({"schemaVersion": 2, "config": {"digest": digest(b"{}")}, "layers": [{"mediaType": "application/vnd.oci.image.layer.v1.tar+gzip", "digest": digest(layer)}]}).encode()
    index = json.dumps({"schemaVersion": 2, "manifests": [{"digest": digest(manifest), "annotations": {"org.opencontainers.image.ref.name": "debian:12"}}]}).encode()
    files = {"/blobs/sha256/" + digest(b)[7:]: b for b in (b"{}", layer, manifest)} | {"/oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "/index.json": index}
    with open(path + ".new", "wb") as f:
        f.write(parts.tar({name: (content, 0o644) for name, content in files.items()}))
    os.remove(made + ".gz")
    os.rename(path + ".new", path)


def npm(path):
    os.makedirs(path + ".new", exist_ok=True)
    with open(path + ".new/package.json", "w") as f:
        f.write('{"name":"clean","version":"1.0.0"}')
    subprocess.run(["npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--legacy-peer-deps", *NPM], cwd=path + ".new", check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    os.rename(path + ".new", path)


def security(data):
    return {row["id"] for name in glob.glob(data + "/suppliers/*.csv") for row in csv.DictReader(open(name, newline="")) if row.get("kind") == "security" and "indicator" not in row}


def main():
    program, data = os.path.abspath(sys.argv[1]), os.path.abspath(sys.argv[2])
    folder = sys.argv[3] if len(sys.argv) > 3 else os.environ.get("HALLMARK_CLEAN")
    if not folder:
        print("skipped: name a folder for the systems (HALLMARK_CLEAN)")
        return 77
    os.makedirs(folder, exist_ok=True)
    systems = [("a Debian host", "debian", host), ("a Debian image", "image.tar", image), ("an Alpine root", "alpine", None), ("an npm tree", "npm", npm),
               ("a Python tree", "debian/usr/lib/python3/dist-packages", None)]
    wanted, wrong = security(data), 0
    print("| system | files | packages | seconds | not read | items | of them security | candidates | of them security |\n|---|---|---|---|---|---|---|---|---|")
    for name, where, make in systems:
        path = os.path.join(folder, where)
        if not os.path.exists(path) and make:
            make(path)
        if not os.path.exists(path):
            print(f"| {name} | not there | | | | | | | |")
            continue
        began = time.time()
        run = subprocess.run([program, "find", "--db", "none", "--json", path], capture_output=True, env={**os.environ, "HALLMARK_DATA": data})
        took, d = time.time() - began, json.loads(run.stdout)
        target = d["targets"][0]
        bad = {kind: [i for i in d[kind] if i["supplier"] in wanted] for kind in ("items", "candidates")}
        print(f"| {name} | {target['read']['files']:,} | {target['components']['seen']:,} | {took:.0f} | {target['not_read_count']} | {len(d['items'])} | {len(bad['items'])} | {len(d['candidates'])} | {len(bad['candidates'])} |", flush=True)
        for kind in ("items", "candidates"):
            for i in d[kind]:
                print(f"  {kind[:-1]}: {i['supplier']} {i['product']} {i['relation']} {i['outer']}: " + "; ".join(f"{e['row']} {e['path']}" for e in i["evidence"][:4]), file=sys.stderr)
        wrong += len(bad["items"]) + len(bad["candidates"])
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
