#!/usr/bin/env python3
"""Package databases, roots below a target, and containers, as hallmark find tells them. packages.py HALLMARK DATA (TAP)"""
import gzip, hashlib, json, os, shutil, subprocess, sys, tempfile
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import estate, parts

program, data = sys.argv[1], os.path.abspath(sys.argv[2])
folder = tempfile.mkdtemp(prefix="hallmark-packages-")
number, failed = 0, False
KESL = {"/opt/kaspersky/kesl/bin/kesl": (estate.SCRIPT, 0o755), "/opt/kaspersky/kesl/lib/libx.so": (b"\x7fELF" + bytes(200), 0o755)}
PACKAGE = estate.packaged(KESL, "kesl", "AO Kaspersky Lab")


def result(good, text, more=""):
    global number, failed
    number += 1
    failed |= not good
    print(f"{'ok' if good else 'not ok'} {number} - {text}", flush=True)
    if not good:
        print("# " + str(more)[:3000].replace("\n", "\n# "))


def found(*args):
    run = subprocess.run([program, "find", "--db", "none", "--json", *args], capture_output=True, env={**os.environ, "HALLMARK_DATA": data}, timeout=120)
    return run.returncode, json.loads(run.stdout) if run.stdout else {"items": [], "candidates": [], "targets": [], "error": run.stderr}


def place(name, content):
    path = os.path.join(folder, name)
    if isinstance(content, dict):
        parts.write(path, content)
    else:
        with open(path, "wb") as f:
            f.write(content)
    return path


def below(where, files):
    return {where + path: content for path, content in files.items()}


def told(document, supplier="kaspersky"):
    return sorted((i["relation"], i["state"], i["outer"]) for i in document["items"] if i["supplier"] == supplier)


def proofs(document):
    return {(e["kind"], e["strength"], e["path"]) for i in document["items"] for e in i["evidence"]}


def verified(document):
    return any(kind == "package.files" and strength == "strong" for kind, strength, _ in proofs(document))


def unread(document):
    return [(r.get("path"), r["reason"]) for t in document["targets"] for r in t["not_read"]]


def roots():
    for where in ("/srv/chroot", "/var/lib/machines/old", "/home/a/unpacked"):
        d = found(place("root" + where.replace("/", "-"), {**estate.base(), **below(where, PACKAGE)}))[1]
        result(told(d) == [("branded", "present", where)], f"a package of the root {where}: present in it", (d["items"], d["candidates"]))
        result(verified(d) and ("path", "weak", "/opt/kaspersky/kesl/bin/kesl") in proofs(d), "its files are found and held against the database inside it", proofs(d))
    other = estate.packaged({"/usr/share/scanner/base.dat": (parts.avc(), 0o644)}, "scanner", "Example GmbH")
    d = found(place("owner", {**estate.base(), **below("/srv/chroot", other)}))[1]
    result(told(d) == [("contains", "present", "/srv/chroot!scanner")], "a file in it belongs to the package of that root", told(d))
    both = found(place("both", {**PACKAGE, **below("/srv/chroot", PACKAGE)}))[1]
    result(told(both) == [("branded", "installed", ""), ("branded", "present", "/srv/chroot")], "installed here, and present in a root: two answers", told(both))
    d = found(place("mask", {**estate.base(), **KESL, "/opt/kaspersky/usr/lib/os-release": (b"ID=x\n", 0o644)}))[1]
    result(any(e["path"] == "/opt/kaspersky/kesl/bin/kesl" and e["kind"] == "path" for i in d["items"] + d["candidates"] for e in i["evidence"]),
           "what only looks like a root hides no path", d["candidates"])
    outside = place("outside", KESL)
    chroot = place("escape", {**estate.base(), **below("/srv/chroot", estate.packaged({"/usr/bin/x": (b"x", 0o755)}, "kesl", "AO Kaspersky Lab"))})
    os.remove(chroot + "/srv/chroot/usr/bin/x")
    os.symlink(outside + "/opt/kaspersky/kesl/bin/kesl", chroot + "/srv/chroot/usr/bin/x")
    d = found(chroot)[1]
    result(not verified(d) and told(d), "links in it do not lead out of it", proofs(d))
    d = found("--jobs", "3", place("shared", {**estate.base(), **below("/srv/chroot", PACKAGE)}))[1]
    result(told(d) == [("branded", "present", "/srv/chroot")] and verified(d), "three readers tell the same", told(d))
    tarred = found(place("roots.tar", parts.tar({**estate.base(), **below("/srv/chroot", PACKAGE)})))[1]
    result(told(tarred) and all(state == "present" for _, state, _ in told(tarred)), "in an archive it is installed nowhere either", told(tarred))


def docker():
    """A host whose engine keeps an image of two layers and a container of it, as docker 24 lays them out."""
    store, low, top, own = "/var/lib/docker", "a1" * 32, "b2" * 32, "c3" * 32
    diff = ["sha256:" + hashlib.sha256(n.encode()).hexdigest() for n in ("low", "top")]
    chain = [diff[0], "sha256:" + hashlib.sha256(f"{diff[0]} {diff[1]}".encode()).hexdigest()]
    image, container = "d4" * 32, "e5" * 32
    status = PACKAGE["/var/lib/dpkg/status"]
    text = lambda s: (s.encode(), 0o644)
    layers = store + "/image/overlay2/layerdb/sha256/"
    return {**estate.base(),
            **below(f"{store}/overlay2/{low}/diff", {k: v for k, v in PACKAGE.items() if "/dpkg/status" not in k} | {"/var/lib/dpkg/status": text(estate.DEBIAN)}),
            **below(f"{store}/overlay2/{top}/diff", {"/var/lib/dpkg/status": status}),
            f"{store}/overlay2/{top}/lower": text("l/LOW"),
            **below(f"{store}/overlay2/{own}/diff", {"/opt/drweb.com/bin/drweb-ctl": (estate.SCRIPT, 0o755), "/etc/systemd/system/drweb-configd.service": text("[Service]\nExecStart=/opt/drweb.com/bin/drweb-configd\n")}),
            f"{store}/overlay2/{own}/lower": text("l/TOP:l/LOW"),
            layers + chain[0][7:] + "/diff": text(diff[0]), layers + chain[0][7:] + "/cache-id": text(low),
            layers + chain[1][7:] + "/diff": text(diff[1]), layers + chain[1][7:] + "/cache-id": text(top), layers + chain[1][7:] + "/parent": text(chain[0]),
            f"{store}/image/overlay2/imagedb/content/sha256/{image}": text(json.dumps({"rootfs": {"type": "layers", "diff_ids": diff}})),
            store + "/image/overlay2/repositories.json": text(json.dumps({"Repositories": {"made": {"made:1": "sha256:" + image}}})),
            f"{store}/image/overlay2/layerdb/mounts/{container}/mount-id": text(own),
            f"{store}/containers/{container}/config.v2.json": text(json.dumps({"Name": "/web", "Config": {"Image": "made:1"}}))}, (store, low, top)


def engines():
    files, (store, low, top) = docker()
    host = place("docker", files)
    os.makedirs(f"{host}{store}/overlay2/l")
    os.symlink(f"../{low}/diff", f"{host}{store}/overlay2/l/LOW")
    os.symlink(f"../{top}/diff", f"{host}{store}/overlay2/l/TOP")
    d = found(host)[1]
    result(told(d) == [("branded", "present", "image made:1")], "docker's image is called as docker calls it", (d["items"], unread(d)))
    result(verified(d), "the database of an upper layer is held against the files of those below it", proofs(d))
    result(any(o == "container web (image made:1)" for _, _, o in told(d, "drweb")), "docker's container is called as docker calls it", (told(d, "drweb"), d["candidates"]))
    store = "/var/lib/containers/storage"
    text = lambda o: (json.dumps(o).encode(), 0o644)
    d = found(place("podman", {**estate.base(), **below(f"{store}/overlay/L2/diff", PACKAGE), f"{store}/overlay/L2/lower": (b"l/NONE", 0o644),
                               f"{store}/overlay-layers/layers.json": text([{"id": "L1"}, {"id": "L2", "parent": "L1"}]),
                               f"{store}/overlay-images/images.json": text([{"id": "f" * 64, "names": ["localhost/made:2"], "layer": "L2"}])}))[1]
    result(told(d) == [("branded", "present", "image localhost/made:2")], "podman's image too", d["items"])
    d = found(place("containerd", {**estate.base(), "/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/metadata.db": (b"x", 0o644),
                                   **below("/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs", PACKAGE)}))[1]
    result([o for _, _, o in told(d)] == ["/var/lib/containerd/io.containerd.snapshotter.v1.overlayfs/snapshots/7/fs"], "containerd's snapshot is called by its path", d["items"])


try:
    roots()
    engines()
finally:
    shutil.rmtree(folder, ignore_errors=True)
print(f"1..{number}")
sys.exit(failed)
